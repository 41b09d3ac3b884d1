-- SPDX-License-Identifier: EUPL-1.2
-- Who reads what. Sets come in as arrays, sorted by the caller. Whoever decides about access first takes the lock on
-- access, shared; whoever changes a reader's key takes it alone, so that no matter can begin to wait for a key that
-- has just come. After it come the matters, then these tables.

-- name: nu
select clock_timestamp();

-- name: slot_gedeeld
select pg_advisory_xact_lock_shared(hashtext('meldpunt-inzage'));

-- name: slot_alleen
select pg_advisory_xact_lock(hashtext('meldpunt-inzage'));

-- name: lock_matters
select subject from matters where subject = any($1::text[]) order by subject for update;

-- name: sleutels_van
-- The keys of these readers.
select partij, ontvanger, volgnummer, verloren_tot,
       sleutel is not null and volgnummer > verloren_tot and coalesce(geldig_tot > $3, true) as bruikbaar
from lezerssleutels
where (partij, ontvanger) in (select * from unnest($1::text[], $2::text[]));

-- name: opgeslagen
-- The keys themselves of these readers, where there is one.
select partij, ontvanger, sleutel from lezerssleutels
where sleutel is not null and (partij, ontvanger) in (select * from unnest($1::text[], $2::text[]));

-- name: sleutels
-- The keys of these readers, and of every desk of the MID.
select partij, ontvanger, volgnummer, verloren_tot,
       sleutel is not null and volgnummer > verloren_tot and coalesce(geldig_tot > $3, true) as bruikbaar
from lezerssleutels
where partij = 'mid' or (partij, ontvanger) in (select * from unnest($1::text[], $2::text[]));

-- name: bewaar_sleutels
-- The highest version counts; of two that claim the same, the later one, in whatever order they came.
insert into lezerssleutels as oud (partij, ontvanger, volgnummer, vastgesteld_op, sleutel, geldig_tot, verloren_tot)
select * from unnest($1::text[], $2::text[], $3::bigint[], $4::timestamptz[], $5::text[], $6::timestamptz[],
                     $7::bigint[])
on conflict (partij, ontvanger) do update
set volgnummer = excluded.volgnummer, vastgesteld_op = excluded.vastgesteld_op, sleutel = excluded.sleutel,
    geldig_tot = excluded.geldig_tot, verloren_tot = greatest(oud.verloren_tot, excluded.verloren_tot)
where (excluded.volgnummer, excluded.vastgesteld_op, coalesce(excluded.sleutel, ''))
    > (oud.volgnummer, oud.vastgesteld_op, coalesce(oud.sleutel, ''));

-- name: verloren
-- A version that says there is no key any more, known after a later one.
update lezerssleutels as oud set verloren_tot = nieuw.verloren_tot
from unnest($1::text[], $2::text[], $3::bigint[]) as nieuw (partij, ontvanger, verloren_tot)
where (oud.partij, oud.ontvanger) = (nieuw.partij, nieuw.ontvanger) and oud.verloren_tot < nieuw.verloren_tot;

-- name: wek
-- Whoever waited for these readers is decided anew.
update wachtenden set gemeld = false
where gemeld and (partij, ontvanger) in (select * from unnest($1::text[], $2::text[]));

-- name: wek_alles
-- A desk of the MID can read from now on: everything there is, is decided anew for it.
insert into wachtenden (partij, ontvanger, subject, gemeld)
select distinct lezer.partij, lezer.ontvanger, stukken.subject, false
from unnest($1::text[], $2::text[]) as lezer (partij, ontvanger), stukken
on conflict (partij, ontvanger, subject) do update set gemeld = false;

-- name: wek_lezers
-- What these readers were given is decided anew: they can open it no more, or could not when they were to get it.
insert into wachtenden (partij, ontvanger, subject, gemeld)
select distinct partij, ontvanger, subject, false
from verstrekkingen
where status <> 'beeindigd' and (partij, ontvanger) in (select * from unnest($1::text[], $2::text[]))
on conflict (partij, ontvanger, subject) do update set gemeld = false;

-- name: stand
-- What an operator watches: readers of whom it was said that they have no key, and those whose key ends within two weeks.
select (select count(*) from (select distinct partij, ontvanger from wachtenden where gemeld) as lezer)
           as "meldpunt.readers.without_key",
       (select count(*) from lezerssleutels
        where sleutel is not null and volgnummer > verloren_tot
          and geldig_tot between clock_timestamp() and clock_timestamp() + interval '14 days')
           as "meldpunt.readers.key_expiring";

-- name: te_herzien
select distinct subject from wachtenden
where not gemeld and subject not in (select onderwerp from terzijde where werk = 'herzien' and tot > now())
order by subject limit $1;

-- name: bewaar_stukken
-- The pieces that are in the vault, each under a name of its own: the one it has already, else a random one.
insert into stukken (stuk, subject, kenmerk)
select kluis.stuk, kluis.subject, coalesce(nieuw.kenmerk, gen_random_uuid())
from unnest($1::uuid[], $2::uuid[]) as nieuw (stuk, kenmerk) join kluis on kluis.stuk = nieuw.stuk
on conflict (stuk) do nothing;

-- name: stukken
-- The pieces of these matters, by the name each has outside the vault.
select stuk, kenmerk from stukken where subject = any($1::text[]);

-- name: open_verstrekkingen
-- What was stated to readers whose access has not ended.
select feit, subject, stuk, partij, ontvanger, instemming, status, volgnummer
from verstrekkingen where subject = any($1::text[]) and status <> 'beeindigd';

-- name: wachtenden
select partij, ontvanger, subject, gemeld from wachtenden where subject = any($1::text[]);

-- name: verstrek
-- What is stated to readers now. Each refers to a grant in force that names the reader's party, or is refused.
insert into verstrekkingen (feit, subject, stuk, partij, ontvanger, instemming)
select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[]);

-- name: zet_status
update verstrekkingen set status = $2 where feit = any($1::uuid[]);

-- name: wis_wachtenden
delete from wachtenden where subject = any($1::text[]);

-- name: wek_niet
-- Nothing is to be decided about these: they are not known yet, or no longer.
delete from wachtenden where subject = any($1::text[]) and not gemeld;

-- name: wacht
insert into wachtenden (partij, ontvanger, subject, gemeld)
select * from unnest($1::text[], $2::text[], $3::text[], $4::boolean[])
on conflict (partij, ontvanger, subject) do update set gemeld = excluded.gemeld;

-- name: te_verzegelen
-- Of these the ones that may go at this moment, and the key each is sealed to; null without a usable one.
select v.feit, v.subject, v.stuk, stukken.kenmerk, v.partij, v.ontvanger, s.volgnummer,
       case when s.volgnummer > s.verloren_tot and coalesce(s.geldig_tot > $2, true) then s.sleutel end as sleutel
from verstrekkingen as v
join stukken on stukken.stuk = v.stuk
left join lezerssleutels as s on (s.partij, s.ontvanger) = (v.partij, v.ontvanger)
where v.feit = any($1::uuid[]) and v.status in ('te-verzegelen', 'verzegeld') and v.van_kracht;

-- name: verzegeld
update verstrekkingen as v set status = 'verzegeld', volgnummer = nu.volgnummer
from unnest($1::uuid[], $2::bigint[]) as nu (feit, volgnummer) where v.feit = nu.feit;
