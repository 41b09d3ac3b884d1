-- SPDX-License-Identifier: EUPL-1.2
-- Erasure: what is decided in one transaction, and what follows. Sets come in as arrays, sorted.

-- name: uit_de_tijd
-- At most $3 contacts that were never forwarded and that nobody holds, of which nothing was heard for $1 (an ISO 8601
-- period) since they ended at the MID, or for $2 when they never did. One whose melder came back is open until the MID did
-- something about that. What was forwarded has a dossier, whose keeper says when its time is over. $4: only of these.
select contacten.subject from contacten join matters using (subject)
where contacten.status in ('open', 'afgesloten') and matters.gewist_op is null
  and ($4::text[] is null or contacten.subject = any($4))
  and contacten.subject not in (select onderwerp from terzijde where werk = 'verstrijken' and tot > now())
  and contacten.laatst_op < clock_timestamp() - case
      when contacten.status = 'open' or contacten.heropend then $2::text::interval else $1::text::interval end
  and not exists (select from doorzettingen where doorzettingen.subject = contacten.subject)
order by contacten.laatst_op
limit $3
for update of matters skip locked;

-- name: zonder_contact
-- At most $2 matters with content and without a contact, which neither routing nor registry says anything about and of
-- which nothing came for $1: an id that was mistaken. What those know goes with its dossier; where a message about it is
-- parked, its contact may be what is. $3: only of these.
select subject from matters
where gewist_op is null
  and ($3::text[] is null or subject = any($3))
  and exists (select from kluis where kluis.subject = matters.subject and soort <> 'antwoord')
  and not exists (select from contacten where contacten.subject = matters.subject)
  and not exists (select from geparkeerd where geparkeerd.onderwerp = sha256(matters.subject::bytea)
                  and status in ('geparkeerd', 'aangeboden'))
  and not exists (select from facts where facts.subject = matters.subject
                  and (publisher in ('routing', 'registry') or received_at > clock_timestamp() - $1::text::interval))
  and subject not in (select onderwerp from terzijde where werk = 'verstrijken' and tot > now())
order by subject
limit $2
for update skip locked;

-- name: zonder_contact_bijna
-- How many of these there will be within $2, when they are kept for $1 (ISO 8601).
select count(*) from matters
where gewist_op is null
  and exists (select from kluis where kluis.subject = matters.subject and soort <> 'antwoord')
  and not exists (select from contacten where contacten.subject = matters.subject)
  and not exists (select from geparkeerd where geparkeerd.onderwerp = sha256(matters.subject::bytea)
                  and status in ('geparkeerd', 'aangeboden'))
  and not exists (select from facts where facts.subject = matters.subject
                  and (publisher in ('routing', 'registry')
                       or received_at > clock_timestamp() - $1::text::interval + $2::interval));

-- name: open_bijna_uit_de_tijd
-- How many open contacts will have been without a word for $1 (an ISO 8601 period) within $2.
select count(*) from contacten
where (status = 'open' or (status = 'afgesloten' and heropend))
  and laatst_op < clock_timestamp() - $1::text::interval + $2::interval
  and not exists (select from doorzettingen where doorzettingen.subject = contacten.subject);

-- name: noteer
insert into te_vernietigen (subject, grond) select unnest($1::text[]), $2
on conflict (subject) do nothing;

-- name: wis_kluis
delete from kluis where subject = any($1::text[]);

-- name: wis_doorzettingen
delete from doorzettingen where subject = any($1::text[]);

-- name: wis_instemmingen
delete from instemmingen where subject = any($1::text[]);

-- name: wis_ontvangstcodes
-- What leads to it.
with vergeefs as (delete from vergeefs_ingetrokken where subject = any($1::text[]))
delete from ontvangstcodes where subject = any($1::text[]);

-- name: wis_wachtenden
delete from wachtenden where subject = any($1::text[]);

-- name: skelet
-- What stays of a contact for the counts: channel, outcome, week.
update contacten
set status = 'vernietigd', ontvangen_op = date_trunc('week', ontvangen_op, 'Europe/Amsterdam'), spoed = null,
    uitkomst_op = date_trunc('week', uitkomst_op, 'Europe/Amsterdam'), laatst_op = null, heropend = null,
    gesproken_op = null, bevestigd_op = null
where subject = any($1::text[]) and status not in ('vernietigd', 'luisterend-oor');

-- name: neem
-- At most $1 matters whose keys are to be destroyed, oldest first. Whoever takes one holds it until it is done.
select subject, grond from te_vernietigen
where subject not in (select onderwerp from terzijde where werk = 'vernietigen' and tot > now())
order by besloten_op limit $1 for update skip locked;

-- name: klaar
delete from te_vernietigen where subject = any($1::text[]);
