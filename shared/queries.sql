-- SPDX-License-Identifier: EUPL-1.2
-- The plumbing's queries. Sets come in as arrays, sorted by the caller, so that two replicas that take
-- the same rows take them in the same order.

-- name: now
select clock_timestamp();

-- name: insert_facts
-- Returns the keys that were new; whatever was known already is left as it is.
insert into facts (key, publisher, id, name, subject, time, data, digest, traceparent)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[],
                     $6::timestamptz[], $7::bytea[], $8::bytea[], $9::text[])
on conflict (key) do nothing
returning key;

-- name: digests
select key, digest from facts where key = any($1::uuid[]);

-- name: open_matters
-- Returns the subjects that were new.
insert into matters (subject) select unnest($1::text[])
on conflict (subject) do nothing
returning subject;

-- name: lock_matters
select subject from matters where subject = any($1::text[]) order by subject for update;

-- name: know_matters
update matters set known = true where subject = any($1::text[]) and not known;

-- name: facts_of
select key, publisher, id, name, subject, time, data, traceparent
from facts where subject = any($1::text[]) and data is not null;

-- name: delete_outbox
delete from outbox where key = any($1::uuid[]);

-- name: release_outbox
update outbox set lease_until = clock_timestamp() where key = any($1::uuid[]);

-- name: lease_outbox
-- What a crash or a silent broker left: taken by one relay at a time, oldest first.
with due as (
    select key from outbox
    where lease_until <= clock_timestamp()
    order by lease_until
    limit $1
    for update skip locked
), leased as (
    update outbox set lease_until = clock_timestamp() + $2::interval
    from due where outbox.key = due.key
    returning outbox.key, outbox.routing_key
)
select facts.key, leased.routing_key, facts.publisher, facts.id, facts.name, facts.subject, facts.time,
       facts.data, facts.traceparent
from leased join facts using (key);

-- name: park
insert into geparkeerd (id, reden, routing_key, afzender, feit, omvang, verzegeld, routing_key_verzegeld)
values ($1, $2, $3, $4, $5, $6, $7, $8)
on conflict (id) do update
set reden = excluded.reden, verzegeld = excluded.verzegeld,
    routing_key_verzegeld = excluded.routing_key_verzegeld, status = 'geparkeerd',
    keer = geparkeerd.keer + 1, laatst_op = clock_timestamp();

-- name: unpark
-- A replay succeeded: the body is no longer needed.
update geparkeerd set status = 'verwerkt', verzegeld = null, routing_key_verzegeld = null, laatst_op = clock_timestamp()
where id = any($1::uuid[]) and status in ('geparkeerd', 'aangeboden');

-- name: report_progress
insert into voortgang (wachtrij, replica, verwerkt, in_handen, gezien_op)
select wachtrij, $1, verwerkt, in_handen, clock_timestamp()
from unnest($2::text[], $3::bigint[], $4::integer[]) as stand (wachtrij, verwerkt, in_handen)
on conflict (wachtrij, replica) do update
set verwerkt = excluded.verwerkt, in_handen = excluded.in_handen, gezien_op = excluded.gezien_op
returning gezien_op;

-- name: progress
select wachtrij, replica, verwerkt, in_handen, gezien_op from voortgang;

-- name: retire
-- A replica that stops, or begins to count anew.
delete from voortgang where replica = $1;

-- name: forget_progress
-- Replicas that were killed.
delete from voortgang where gezien_op < clock_timestamp() - interval '1 hour';

-- name: clocks
-- The promises of this service, in one row.
select count(*) filter (where uitkomst is null) as termijnen_lopend,
       count(*) filter (where uitkomst is null and verstreken_op is not null) as termijnen_verstreken,
       extract(epoch from clock_timestamp() - min(eind_op) filter
           (where uitkomst is null and verstreken_op is not null)) as termijnen_oudste_verstreken_s,
       extract(epoch from clock_timestamp() - min(volgende_op) filter
           (where volgende_op < clock_timestamp())) as termijnen_afvuurvertraging_s
from termijnen where uitkomst is null;

-- name: depths
-- What an operator watches, in one row.
select (select count(*) from outbox) as outbox,
       (select extract(epoch from clock_timestamp() - min(stated_at)) from outbox) as outbox_oldest_s,
       (select count(*) from geparkeerd where status in ('geparkeerd', 'aangeboden')) as geparkeerd,
       (select count(*) from matters where not known and first_seen < clock_timestamp() - $1::interval)
           as wachtend;
