-- SPDX-License-Identifier: EUPL-1.2
-- The queries of notification. Sets come in as arrays, sorted by the caller.

-- name: save_eenheden
-- Returns the units of which this is news; an older or equal version changes nothing.
insert into eenheden (eenheid, volgnummer, onderdeel, boven, gewijzigd_op)
select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::timestamptz[])
on conflict (eenheid) do update
set volgnummer = excluded.volgnummer, onderdeel = excluded.onderdeel, boven = excluded.boven,
    gewijzigd_op = excluded.gewijzigd_op
where excluded.volgnummer > eenheden.volgnummer
returning eenheid;

-- name: clear_functionarissen
delete from functionarissen where eenheid = any($1::text[]);

-- name: save_functionarissen
insert into functionarissen (eenheid, functionaris, rol, postbus)
select * from unnest($1::text[], $2::text[], $3::text[], $4::text[])
on conflict do nothing;

-- name: adresboek
-- Seats with their mailboxes; where units differ the one that changed last comes first.
select functionaris, postbus
from functionarissen join eenheden using (eenheid)
where functionaris = any($1::text[])
order by functionaris, gewijzigd_op desc, eenheid, rol;

-- name: zendingen
-- Locked after their matters: only whoever is sending one changes it without the lock on its matter.
select kenmerk, zaak, functionaris, onderdeel, eenheid, hoofdgroep, week, status, pogingen, volgende_op,
       claim, claim_tot, data_op, mogelijk_dubbel, gemeld_opgehouden, reden
from notificaties where zaak = any($1::text[])
order by kenmerk for update;

-- name: save_zendingen
insert into notificaties (kenmerk, zaak, functionaris, onderdeel, eenheid, hoofdgroep, week, status, pogingen,
                          volgende_op, claim, claim_tot, data_op, mogelijk_dubbel, gemeld_opgehouden,
                          reden, geclaimd_op)
select zending.*, case when claim is not null then clock_timestamp() end
from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                     $8::text[], $9::integer[], $10::timestamptz[], $11::uuid[], $12::timestamptz[],
                     $13::timestamptz[], $14::boolean[], $15::boolean[], $16::text[])
         as zending (kenmerk, zaak, functionaris, onderdeel, eenheid, hoofdgroep, week, status, pogingen,
                     volgende_op, claim, claim_tot, data_op, mogelijk_dubbel, gemeld_opgehouden, reden)
on conflict (kenmerk) do update
set onderdeel = excluded.onderdeel, eenheid = excluded.eenheid, hoofdgroep = excluded.hoofdgroep,
    week = excluded.week, status = excluded.status, pogingen = excluded.pogingen,
    volgende_op = excluded.volgende_op, claim = excluded.claim, claim_tot = excluded.claim_tot,
    data_op = excluded.data_op, mogelijk_dubbel = excluded.mogelijk_dubbel,
    gemeld_opgehouden = excluded.gemeld_opgehouden, reden = excluded.reden,
    geclaimd_op = coalesce(notificaties.geclaimd_op, excluded.geclaimd_op);

-- name: lock_due_matters
-- Matters in which something is due: to be sent, left by a sender that fell silent, or held for a mailbox
-- that is there now. What another process has locked is left to it.
with due as (
    (select zaak from notificaties where status = 'klaar' and volgende_op <= $1 order by volgende_op limit $2)
    union all
    (select zaak from notificaties where status = 'geclaimd' and claim_tot <= $1 order by claim_tot limit $2)
    union all
    (select zaak from notificaties as held
     where status = 'opgehouden' and exists (
         select from functionarissen
         where functionarissen.functionaris = held.functionaris and postbus is not null)
     limit $2)
)
select subject from matters where subject in (select zaak from due)
order by subject for update skip locked;

-- name: mark_data
-- Committed before messages are handed over. Who is not returned has lost its claim, and may not be sent.
with ours as (
    select kenmerk from notificaties
    where kenmerk = any($1::uuid[]) and claim = $2 and claim_tot > clock_timestamp()
    order by kenmerk for update
)
update notificaties set data_op = clock_timestamp(), claim_tot = clock_timestamp() + $3::interval
from ours where notificaties.kenmerk = ours.kenmerk
returning notificaties.kenmerk;

-- name: claimed
-- Of these what is still ours to mark.
select kenmerk from notificaties where kenmerk = any($1::uuid[]) and claim = $2 order by kenmerk for update;

-- name: stand
-- How many there are in each state that is not an end, or that somebody must look at.
select count(*) filter (where status in ('klaar', 'geclaimd')) as notificaties_wachtend,
       count(*) filter (where status = 'opgehouden') as notificaties_opgehouden,
       count(*) filter (where status = 'mislukt') as notificaties_mislukt,
       extract(epoch from $1 - min(volgende_op) filter (where status = 'klaar' and volgende_op <= $1))
           as notificaties_achterstand_s
from notificaties where status in ('klaar', 'geclaimd', 'opgehouden', 'mislukt');

-- name: openstaand
-- What did not reach its seat and needs somebody: held for a mailbox, or failed. For operators, so without
-- the matter, and with the week alone. Why one is held is as the address book stands now.
select kenmerk, functionaris, week, status,
       coalesce(reden, case when exists (
                           select from functionarissen
                           where functionarissen.functionaris = notificaties.functionaris)
                       then 'geen-postbus' else 'functionaris-onbekend' end) as reden,
       pogingen
from notificaties where status in ('opgehouden', 'mislukt')
order by status, week, kenmerk;
