-- SPDX-License-Identifier: EUPL-1.2
-- The queries of notification. Sets come in as arrays, sorted by the caller. Whoever locks messages takes them
-- first, then matters, then what is told of these; a handler of facts locks no message.

-- name: save_eenheden
-- Returns the units of which this is news; an older or equal version changes nothing.
insert into eenheden (eenheid, volgnummer, onderdeel, boven, sterkte, gewijzigd_op)
select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::integer[], $6::timestamptz[])
on conflict (eenheid) do update
set volgnummer = excluded.volgnummer, onderdeel = excluded.onderdeel, boven = excluded.boven,
    sterkte = excluded.sterkte, gewijzigd_op = excluded.gewijzigd_op
where excluded.volgnummer > eenheden.volgnummer
returning eenheid;

-- name: ander_adresboek
-- The address book is another one. Whoever holds that row waits for no unit: take the units first.
update adresboek set stand = gen_random_uuid();

-- name: save_ooit_functionaris
-- The caller holds the address book: nobody else adds to these meanwhile.
insert into ooit_functionaris (eenheid, functionaris, rol, lezer)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
on conflict do nothing;

-- name: ooit_functionaris
select functionaris, eenheid, rol, lezer from ooit_functionaris order by functionaris, eenheid, rol, lezer;

-- name: clear_functionarissen
delete from functionarissen where eenheid = any($1::text[]);

-- name: save_functionarissen
insert into functionarissen (eenheid, functionaris, rol, postbus)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
on conflict do nothing;

-- name: stand_van_adresboek
-- Read before units and seats are: they are then at least as new as it says.
select stand from adresboek;

-- name: eenheden
-- The whole tree, which is public.
select eenheid, onderdeel, boven, sterkte from eenheden order by eenheid;

-- name: adresboek
-- Every seat with its units and mailboxes; where units differ the one that changed last comes first.
select functionaris, eenheid, rol, postbus
from functionarissen join eenheden using (eenheid)
order by functionaris, gewijzigd_op desc, eenheid, rol;

-- name: laatste_ronde
select max(ronde) from rondes;

-- name: save_ronde
-- Returns nothing when this round, or a later one, was made already.
insert into rondes (ronde, gemaakt_op)
select $1, $2 where not exists (select from rondes where ronde > $1)
on conflict do nothing
returning ronde;

-- name: save_berichten
-- One per reader; whoever still waits for the message of the round before gets that one first.
insert into berichten (kenmerk, ronde, functionaris, postbus, totaal, volgorde, samengesteld, status, pogingen,
                       volgende_op)
select kenmerk, $1, functionaris, postbus, totaal, volgorde, false, 'klaar', 0, $2
from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::integer[])
     as bericht (kenmerk, functionaris, postbus, totaal, volgorde)
on conflict do nothing;

-- name: vergeet
-- What is over and older than what a message may depend on. A round goes when its messages have gone before.
with oude as (delete from berichten where ronde < $1 and status in ('verzonden', 'mislukt')),
     oud as (delete from historie where ronde < $1)
delete from rondes where ronde < $1 and not exists (select from berichten where berichten.ronde = rondes.ronde);

-- name: laatste_periode
select max(periode) from periodes;

-- name: te_tellen
-- Matters that no period counted yet; locked. Not those about which a message under one of these keys is parked: it may
-- exclude somebody.
select zaak, eenheid, week from zaken
where telt and periode is null and not exists (
    select from geparkeerd
    where onderwerp = sha256(zaak::bytea) and status in ('geparkeerd', 'aangeboden') and routing_key = any($1::text[]))
order by zaak for update;

-- name: sluit_periode
insert into periodes (periode, afgesloten_op) values ($1, $2);

-- name: tel_zaken
update zaken set periode = $1 where zaak = any($2::text[]);

-- name: save_totalen
insert into totalen (periode, eenheid, getoond, rest)
select $1, * from unnest($2::text[], $3::integer[], $4::integer[]);

-- name: totalen
select eenheid, getoond, rest from totalen where periode = $1 order by eenheid;

-- name: te_herzien
-- Matters of which the seats or the tree may have changed what is to be done: that wait for a seat that cannot be
-- reached any more, or are held for one that can be now, or for a unit or an excluded seat that was not known; and
-- that wait while somebody is excluded from them.
select distinct zaak
from vertellingen
left join zaken using (zaak)
cross join lateral (
    select exists (
        select from functionarissen
        where functionarissen.functionaris = vertellingen.functionaris and postbus is not null) as bereikbaar
) as stoel
where (status = 'wacht' and (not bereikbaar or not telt))
   or (status = 'opgehouden' and reden in ('functionaris-onbekend', 'geen-postbus') and bereikbaar)
   or (status = 'opgehouden' and reden in ('eenheid-onbekend', 'uitgeslotene-onbekend'))
except select onderwerp from terzijde where werk = 'rondes' and tot > now()
order by zaak;

-- name: lock_due
-- Messages that are due, or left by a sender that fell silent before DATA, in random order of their own; what another process has
-- locked is left to it.
select kenmerk, ronde, functionaris, postbus, totaal, samengesteld, status, pogingen, volgende_op, claim,
       claim_tot, data_op, reden
from berichten
where kenmerk in (
    (select kenmerk from berichten where status = 'klaar' and volgende_op <= $1
       and kenmerk::text not in (select onderwerp from terzijde where werk = 'verzending' and tot > now())
     order by volgende_op, volgorde limit $2)
    union all
    (select kenmerk from berichten where status = 'geclaimd' and claim_tot <= $1 and data_op is null
       and kenmerk::text not in (select onderwerp from terzijde where werk = 'verzending' and tot > now())
     order by claim_tot limit $2))
order by volgende_op nulls first, volgorde
limit $2
for update skip locked;

-- name: lock_in_twijfel
-- Messages that were perhaps handed over by a sender that fell silent.
select kenmerk, ronde, functionaris, postbus, totaal, samengesteld, status, pogingen, volgende_op, claim,
       claim_tot, data_op, reden
from berichten
where status = 'geclaimd' and claim_tot <= $1 and data_op is not null
  and kenmerk::text not in (select onderwerp from terzijde where werk = 'verzending' and tot > now())
order by claim_tot
limit $2
for update skip locked;

-- name: save_berichten_stand
update berichten
set postbus = nieuw.postbus, samengesteld = nieuw.samengesteld, status = nieuw.status, pogingen = nieuw.pogingen,
    volgende_op = nieuw.volgende_op, claim = nieuw.claim, claim_tot = nieuw.claim_tot, data_op = nieuw.data_op,
    reden = nieuw.reden
from unnest($1::uuid[], $2::text[], $3::boolean[], $4::text[], $5::integer[], $6::timestamptz[], $7::uuid[],
            $8::timestamptz[], $9::timestamptz[], $10::text[])
     as nieuw (kenmerk, postbus, samengesteld, status, pogingen, volgende_op, claim, claim_tot, data_op,
               reden)
where berichten.kenmerk = nieuw.kenmerk;

-- name: te_vertellen
-- For each message ($1) and a seat that reads it ($2) the matters that may go into it or are in it, the longest
-- known first; not what came after its round was made.
select distinct keuze.kenmerk, keuze.zaak
from unnest($1::uuid[], $2::text[]) as lezer (kenmerk, functionaris)
join berichten using (kenmerk)
join rondes using (ronde)
cross join lateral (
    (select berichten.kenmerk, zaak from vertellingen
     where vertellingen.functionaris = lezer.functionaris and not berichten.samengesteld
       and (status = 'wacht' or (status = 'opgehouden' and reden in ('functionaris-onbekend', 'geen-postbus')))
       and sinds <= rondes.gemaakt_op
     order by sinds, zaak limit $3)
    union all
    (select berichten.kenmerk, zaak from vertellingen
     where vertellingen.kenmerk = berichten.kenmerk)
) as keuze
order by 1, 2;

-- name: vertellingen
-- Of these matters what is told to whom. Locked after their matters.
select zaak, functionaris, sinds, status, reden, gemeld, kenmerk, plaats, ronde, lezer, onderdeel, eenheid, onderwerp,
       week
from vertellingen where zaak = any($1::text[])
order by zaak, functionaris for update;

-- name: save_vertellingen
insert into vertellingen (zaak, functionaris, sinds, status, reden, gemeld, kenmerk, plaats, ronde, lezer, onderdeel,
                          eenheid, onderwerp, week)
select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::boolean[], $7::uuid[],
                     $8::smallint[], $9::timestamptz[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[])
on conflict (zaak, functionaris) do update
set sinds = excluded.sinds, status = excluded.status, reden = excluded.reden, gemeld = excluded.gemeld,
    kenmerk = excluded.kenmerk, plaats = excluded.plaats, ronde = excluded.ronde, lezer = excluded.lezer,
    onderdeel = excluded.onderdeel,
    eenheid = excluded.eenheid, onderwerp = excluded.onderwerp, week = excluded.week;

-- name: save_zaken
insert into zaken (zaak, eenheid, week, telt)
select * from unnest($1::text[], $2::text[], $3::text[], $4::boolean[])
on conflict (zaak) do update
set eenheid = excluded.eenheid, week = excluded.week, telt = excluded.telt
where (zaken.eenheid, zaken.week, zaken.telt) <> (excluded.eenheid, excluded.week, excluded.telt);

-- name: verteld
-- What a reader was told since a moment ($3), or is being told: unit named, how often. In this mailbox ($2), whatever
-- seat it was of, and in every mailbox where these seats ($1) were told: a new code or address makes no new reader.
-- A line counts once, of however many seats that read it: else what is told later would show of how many it was.
with lezers as (
    select $2::text as lezer
    union
    select lezer from vertellingen
    where functionaris = any($1::text[]) and status in ('onderweg', 'verteld') and ronde >= $3
    union
    select lezer from historie where functionaris = any($1::text[]) and ronde >= $3
)
select eenheid, count(*)::integer as aantal from (
    select distinct eenheid, lezer, zaak as regel from vertellingen
    where lezer = any(array(select lezer from lezers)) and status in ('onderweg', 'verteld') and ronde >= $3
    union all
    select distinct eenheid, lezer, regel::text from historie
    where lezer = any(array(select lezer from lezers)) and ronde >= $3
) as geschiedenis
group by eenheid order by eenheid;

-- name: zet_verteld
-- These messages went out: what was in them was told. The reference ends, so that the message can be forgotten
-- before the matter is; until then seat and round still tell in this schema which message it was, and its kenmerk.
update vertellingen set status = 'verteld', kenmerk = null, plaats = null
where (zaak, functionaris) in (
    select zaak, functionaris from vertellingen where kenmerk = any($1::uuid[])
    order by zaak, functionaris for update);

-- name: zet_terug
-- These messages did not go out: what was in them waits for the next round.
update vertellingen
set status = 'wacht', kenmerk = null, plaats = null, ronde = null, onderdeel = null, eenheid = null,
    onderwerp = null, week = null, lezer = null
where (zaak, functionaris) in (
    select zaak, functionaris from vertellingen where kenmerk = any($1::uuid[])
    order by zaak, functionaris for update);

-- name: bewaar_historie
-- What seats were told of matters that are about to be erased, without the matter.
with verteld as (
    select * from vertellingen where zaak = any($1::text[]) and status in ('onderweg', 'verteld')
), regels as materialized (
    select zaak, lezer, gen_random_uuid() as regel from verteld group by zaak, lezer
)
insert into historie (functionaris, lezer, ronde, eenheid, regel)
select functionaris, lezer, ronde, eenheid, regel from verteld join regels using (zaak, lezer)
order by regel, functionaris;

-- name: wis_vertellingen
delete from vertellingen where zaak = any($1::text[]);

-- name: wis_zaken
delete from zaken where zaak = any($1::text[]);

-- name: mark_data
-- Committed before messages are handed over. Who is not returned has lost its claim, and may not be sent.
with ours as (
    select kenmerk from berichten
    where kenmerk = any($1::uuid[]) and claim = $2 and claim_tot > clock_timestamp()
    order by kenmerk for update
)
update berichten set data_op = clock_timestamp(), claim_tot = clock_timestamp() + $3::interval
from ours where berichten.kenmerk = ours.kenmerk
returning berichten.kenmerk;

-- name: claimed
-- Of these what is still ours to mark.
select kenmerk from berichten where kenmerk = any($1::uuid[]) and claim = $2 order by kenmerk for update;

-- name: stand
-- What an operator watches. All of it is the same whether there is anything to tell or not.
select (select count(*) from berichten where status in ('klaar', 'geclaimd')) as "meldpunt.notificaties.waiting",
       (select count(*) from berichten as bericht where status = 'mislukt' and not exists (
            select from berichten as later
            where later.functionaris = bericht.functionaris and later.ronde > bericht.ronde
              and later.status = 'verzonden')) as "meldpunt.notificaties.failed",
       (select count(*) from (
            select from functionarissen group by functionaris having count(postbus) = 0) as stoel)
           as "meldpunt.notificaties.unreachable",
       (select extract(epoch from $1 - min(volgende_op)) from berichten
        where status = 'klaar' and volgende_op <= $1) as "meldpunt.notificaties.oldest.age";

-- name: openstaand
-- Weekly messages that did not reach their seat, none after it did either, and need somebody. Whether they held
-- anything does not show.
select kenmerk, functionaris, ronde, status, reden, pogingen
from berichten as bericht
where status = 'mislukt' and not exists (
    select from berichten as later
    where later.functionaris = bericht.functionaris and later.ronde > bericht.ronde and later.status = 'verzonden')
order by ronde, functionaris;
