-- SPDX-License-Identifier: EUPL-1.2
-- Intake's queries. Sets come in as arrays, sorted by the caller; the caller holds the matters' locks.

-- name: luisterend_oor
-- Of these matters the ones of which nothing may be kept any more.
select subject from contacten where subject = any($1::text[]) and status = 'luisterend-oor';

-- name: komt_te_laat
-- Of these matters the ones that were erased, or were a listening ear: what is told about them now comes to nothing.
select subject from unnest($1::text[]) as gevraagd (subject)
where exists (select from matters where matters.subject = gevraagd.subject and gewist_op is not null)
   or exists (select from contacten where contacten.subject = gevraagd.subject and status = 'luisterend-oor');

-- name: had_contact
-- Of these matters the ones of which a contact was known before these facts came.
select distinct subject from facts
where subject = any($1::text[]) and name = 'contact-ontvangen.v1' and key <> all($2::uuid[]);

-- name: contacten
-- Contacts as they stand now. The caller leaves out those that were a listening ear.
insert into contacten (subject, status, kanaal, ontvangen_op, spoed, uitkomst, uitkomst_op, laatst_op, heropend, gesproken_op,
                       bevestigd_op)
select * from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::boolean[], $6::text[],
                     $7::timestamptz[], $8::timestamptz[], $9::boolean[], $10::timestamptz[], $11::timestamptz[])
on conflict (subject) do update
set status = excluded.status, kanaal = excluded.kanaal, ontvangen_op = excluded.ontvangen_op, spoed = excluded.spoed,
    uitkomst = excluded.uitkomst, uitkomst_op = excluded.uitkomst_op, laatst_op = excluded.laatst_op,
    heropend = excluded.heropend, gesproken_op = excluded.gesproken_op, bevestigd_op = excluded.bevestigd_op;

-- name: instemmingen
-- Grants as they stand now; only what changed is written.
insert into instemmingen as oud (subject, instemming, geadresseerde, gegeven_op, ingetrokken_op, van_kracht)
select *, ingetrokken_op is null
from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
     as nieuw (subject, instemming, geadresseerde, gegeven_op, ingetrokken_op)
on conflict (subject, instemming, geadresseerde) do update
set gegeven_op = excluded.gegeven_op, ingetrokken_op = excluded.ingetrokken_op, van_kracht = excluded.van_kracht
where (oud.gegeven_op, oud.ingetrokken_op) is distinct from (excluded.gegeven_op, excluded.ingetrokken_op);

-- name: doorzettingen
-- Forwards, for the first time or said anew. Each refers to a grant in force, or is refused.
insert into doorzettingen (subject, instemming, geadresseerde, doorgezet_op, laatst_op)
select subject, instemming, geadresseerde, op, op
from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) as gesteld (subject, instemming, geadresseerde, op)
on conflict (subject, instemming, geadresseerde) do update set van_kracht = true, laatst_op = excluded.laatst_op;

-- name: tel
-- Count listening ears.
insert into tellingen as t (kanaal, week, uitkomst, aantal)
select kanaal, week, 'luisterend-oor', aantal
from unnest($1::text[], $2::text[], $3::integer[]) as nieuw (kanaal, week, aantal)
order by week, kanaal
on conflict (week, kanaal, uitkomst) do update set aantal = t.aantal + excluded.aantal;

-- name: begraaf
-- Leave of a contact its subject alone.
insert into contacten (subject, status) select subject, 'luisterend-oor' from unnest($1::text[]) as weg (subject)
on conflict (subject) do update
set status = excluded.status, kanaal = null, ontvangen_op = null, spoed = null, uitkomst = null, uitkomst_op = null,
    laatst_op = null, heropend = null, gesproken_op = null, bevestigd_op = null;

-- name: wis_ontvangstcodes
with vergeefs as (delete from vergeefs_ingetrokken where subject = any($1::text[]))
delete from ontvangstcodes where subject = any($1::text[]);

-- name: wis_kluis
delete from kluis where subject = any($1::text[]);

-- name: wis_doorzettingen
delete from doorzettingen where subject = any($1::text[]);

-- name: wis_instemmingen
delete from instemmingen where subject = any($1::text[]);

-- name: wis_gehoord
-- What others told about these matters. Key, digest and name stay, so that it is known when it comes again and the
-- books can be balanced; once all that was erased is written anew (the plumbing's schud) nothing joins what is left of one
-- contact, and of when there is only the week.
update facts
set data = null, traceparent = null, id = 'gewist', subject = 'gewist',
    time = date_trunc('week', time, 'Europe/Amsterdam'),
    received_at = date_trunc('week', received_at, 'Europe/Amsterdam')
where subject = any($1::text[]) and publisher <> 'intake' and data is not null;

-- name: wis_geparkeerd
-- What is parked about listening ears, whenever it came: the bodies go, and of when there is the week.
update geparkeerd
set status = 'vervallen', verzegeld = null, routing_key_verzegeld = null, onderwerp = null, afdruk = null, aanbod = null,
    eerst_op = date_trunc('week', eerst_op, 'Europe/Amsterdam'),
    laatst_op = date_trunc('week', laatst_op, 'Europe/Amsterdam')
where onderwerp is not null
  and exists (select from contacten
              where sha256(contacten.subject::bytea) = geparkeerd.onderwerp and contacten.status = 'luisterend-oor');

-- name: wis_sporen
-- The last traces of listening ears, once their keys are destroyed and everything that intake stated about them has been
-- published: its own facts, the clocks, and when exactly it was. Takes at most $1 matters that nobody holds; returns
-- those that are done.
with klaar as (
    select contacten.subject from contacten join matters using (subject)
    where contacten.status = 'luisterend-oor' and contacten.gewist_op is null
      and not exists (select from facts join outbox using (key) where facts.subject = contacten.subject)
      and not exists (select from te_vernietigen where te_vernietigen.subject = contacten.subject)
    order by contacten.subject
    limit $1
    for update of matters skip locked
), feiten as (
    update facts
    set data = null, traceparent = null, id = 'gewist', subject = 'gewist',
        time = date_trunc('week', time, 'Europe/Amsterdam'),
        received_at = date_trunc('week', received_at, 'Europe/Amsterdam')
    from klaar where facts.subject = klaar.subject and facts.data is not null
), zaken as (
    update matters set first_seen = date_trunc('week', first_seen, 'Europe/Amsterdam')
    from klaar where matters.subject = klaar.subject
), klokken as (
    delete from termijnen using klaar where termijnen.onderwerp = klaar.subject
)
update contacten set gewist_op = date_trunc('week', clock_timestamp(), 'Europe/Amsterdam')
from klaar where contacten.subject = klaar.subject
returning contacten.subject;
