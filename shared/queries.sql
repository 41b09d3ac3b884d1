-- SPDX-License-Identifier: EUPL-1.2
-- The plumbing's queries. Sets come in as arrays, sorted by the caller, so that two replicas that take
-- the same rows take them in the same order.

-- name: now
select clock_timestamp();

-- name: neem_terug
-- Facts that came in, in this transaction, and are none after all.
delete from facts where key = any($1::uuid[]);

-- name: insert_facts
-- Returns the keys that were new; whatever was known already is left as it is.
insert into facts (key, publisher, id, name, subject, time, data, digest, traceparent, received_at)
select nieuw.*, $10 from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[],
                                $6::timestamptz[], $7::bytea[], $8::bytea[], $9::text[]) as nieuw
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
-- Says of each whether it was erased, and whether the fact that opens it is there.
select subject, gewist_op is not null as gewist, known
from matters where subject = any($1::text[]) order by subject for update;

-- name: know_matters
update matters set known = true where subject = any($1::text[]) and not known;

-- name: await_opening
-- More is said about these matters than may come without the fact that opens them.
update matters set known = false where subject = any($1::text[]) and known;

-- name: facts_of
select key, publisher, id, name, subject, time, data, traceparent, received_at
from facts where subject = any($1::text[]) and data is not null;

-- name: begraaf
-- Of these matters a tombstone remains. What was stated about them is erased once it is published.
update matters
set known = true, sporen = true, gezien_op = null, onzeker = false,
    first_seen = date_trunc('week', first_seen, 'Europe/Amsterdam'),
    gewist_op = coalesce(gewist_op, date_trunc('week', clock_timestamp(), 'Europe/Amsterdam'))
where subject = any($1::text[]);

-- name: wis_feiten
-- What is known about these matters goes, but for what must still be published. Key, digest and name stay, so that a
-- fact is known when it comes again and the books balance; once all are written anew (schud) nothing joins what is left of
-- one matter, and of when there is only the week. The caller holds the matters; nobody who holds one of these facts waits for a matter.
update facts
set data = null, traceparent = null, id = 'gewist', subject = 'gewist',
    time = date_trunc('week', time, 'Europe/Amsterdam'),
    received_at = date_trunc('week', received_at, 'Europe/Amsterdam')
where subject = any($1::text[]) and not exists (select from outbox where outbox.key = facts.key);

-- name: een_schudt
-- One replica at a time for each table; false for whoever comes second.
select pg_try_advisory_xact_lock(hashtext('meldpunt-schudden-' || current_schema() || '-' || $1::text));

-- name: ongeschud
-- Whether facts were erased since the last time all that are were written anew.
select exists (
    select from facts
    where subject = 'gewist'
      and xmin is distinct from (select transactie from schuddingen where tabel = 'facts')
);

-- name: schud
-- All facts that were erased are written anew, in the order of their keys, which are random. So neither the number of
-- the transaction that erased them nor their place joins those of one matter to each other, to its tombstone, or to
-- anything else that was written beside them. Nothing refers to a fact that was erased.
with alle as (delete from facts where subject = 'gewist' returning *)
insert into facts select * from alle order by key;

-- name: geschud
-- All rows of table $1 that were erased bear the number of this transaction.
insert into schuddingen (tabel, transactie) values ($1, pg_current_xact_id()::xid)
on conflict (tabel) do update set transactie = excluded.transactie;

-- name: met_sporen
-- At most $1 erased matters of which everything stated is published, and that nobody holds.
select subject from matters
where sporen
  and not exists (select from facts join outbox using (key) where facts.subject = matters.subject)
order by subject
limit $1
for update skip locked;

-- name: zonder_sporen
-- Nothing is left of these but the tombstone. A statement of its own: it sees what was stated until the lock was taken.
update matters set sporen = false
where subject = any($1::text[]) and not exists (select from facts where facts.subject = matters.subject);

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

-- name: parkeersleutel
select sleutel from parkeersleutel;

-- name: park
-- A message that comes in; the same one, by its digest, stands there once.
insert into geparkeerd (id, reden, routing_key, afzender, feit, omvang, verzegeld, routing_key_verzegeld, onderwerp, afdruk)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
on conflict (afdruk) do update
set reden = excluded.reden, verzegeld = excluded.verzegeld, onderwerp = excluded.onderwerp,
    routing_key_verzegeld = excluded.routing_key_verzegeld, status = 'geparkeerd',
    keer = geparkeerd.keer + 1, laatst_op = excluded.laatst_op;

-- name: park_again
-- One that an operator offered again, by its id.
insert into geparkeerd (id, reden, routing_key, afzender, feit, omvang, verzegeld, routing_key_verzegeld, onderwerp)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (id) do update
set reden = excluded.reden, verzegeld = excluded.verzegeld, onderwerp = excluded.onderwerp,
    routing_key_verzegeld = excluded.routing_key_verzegeld, status = 'geparkeerd',
    keer = geparkeerd.keer + 1, laatst_op = excluded.laatst_op;

-- name: aangeboden
-- Of these parked messages how they stand, what was offered of each, and the key of those digests.
select id, status, aanbod, eerst_op, sleutel from geparkeerd, parkeersleutel
where id = any($1::uuid[]) and aanbod is not null;

-- name: vergeet_afdrukken
-- By now nothing is delivered twice any more but by who begins anew.
update geparkeerd set afdruk = null, aanbod = case when status = 'aangeboden' then aanbod end
where (afdruk is not null or (aanbod is not null and status <> 'aangeboden'))
  and laatst_op < clock_timestamp() - interval '1 day';

-- name: zeg_verval_aan
-- What is parked goes with the matter that it names. Where it names none that is known here, the body is kept for $1 (ISO
-- 8601) since it came. Well before ($2) it gets the moment at which it goes, which is never sooner than $2 after that.
with stand as (
    select id, case
        when eerst_op + $1::text::interval > clock_timestamp() + $2::interval then null
        when exists (select from matters where sha256(matters.subject::bytea) = onderwerp) then null
        else greatest(eerst_op + $1::text::interval, coalesce(vervalt_op, clock_timestamp() + $2::interval)) end as op
    from geparkeerd where status in ('geparkeerd', 'aangeboden')
)
update geparkeerd set vervalt_op = stand.op
from stand where stand.id = geparkeerd.id and geparkeerd.vervalt_op is distinct from stand.op;

-- name: vervalt_weldra
select count(*) from geparkeerd where status in ('geparkeerd', 'aangeboden') and vervalt_op is not null;

-- name: verloop_geparkeerd
-- What was not handled in time: the body goes, the row says so.
update geparkeerd
set status = 'verlopen', verzegeld = null, routing_key_verzegeld = null, onderwerp = null, afdruk = null, aanbod = null,
    reden = reden || '; niet op tijd behandeld, inhoud vernietigd',
    laatst_op = date_trunc('hour', clock_timestamp(), 'Europe/Amsterdam')
where status in ('geparkeerd', 'aangeboden') and vervalt_op <= clock_timestamp()
returning id;

-- name: unpark
-- A replay succeeded: the body is no longer needed.
update geparkeerd
set status = 'verwerkt', verzegeld = null, routing_key_verzegeld = null, onderwerp = null, afdruk = null,
    laatst_op = date_trunc('hour', clock_timestamp(), 'Europe/Amsterdam')
where id = any($1::uuid[]) and status in ('geparkeerd', 'aangeboden');

-- name: onzeker
-- Of these matters, which the caller holds, those about which a message under one of these keys ($2) waits for an
-- operator; the matter remembers it.
with nu as materialized (
    select subject, onzeker as was, exists (
        select from geparkeerd
        where geparkeerd.onderwerp = sha256(matters.subject::bytea) and status in ('geparkeerd', 'aangeboden')
          and routing_key = any($2::text[])) as nu
    from matters where subject = any($1::text[])
), onthouden as (
    update matters set onzeker = nu.nu from nu where matters.subject = nu.subject and nu.nu <> nu.was
)
select subject from nu where nu.nu;

-- name: anders_zeker
-- At most $2 matters that were decided as if nothing under these keys ($1) was parked about them while something is, or
-- the other way round; without what job $3 has set aside.
select subject from (
    select subject from matters
    where onzeker and not exists (
        select from geparkeerd
        where onderwerp = sha256(matters.subject::bytea) and status in ('geparkeerd', 'aangeboden')
          and routing_key = any($1::text[]))
    union
    select subject from geparkeerd join matters on sha256(matters.subject::bytea) = geparkeerd.onderwerp
    where status in ('geparkeerd', 'aangeboden') and routing_key = any($1::text[])
      and not onzeker and gewist_op is null
) as anders
where subject not in (select onderwerp from terzijde where werk = $3 and tot > now())
order by subject limit $2;

-- name: wis_geparkeerd
-- What is parked about matters that were erased since, or before it came: the bodies go, and of when there is the week.
update geparkeerd
set status = 'vervallen', verzegeld = null, routing_key_verzegeld = null, onderwerp = null, afdruk = null, aanbod = null,
    eerst_op = date_trunc('week', eerst_op, 'Europe/Amsterdam'),
    laatst_op = date_trunc('week', laatst_op, 'Europe/Amsterdam')
where onderwerp is not null
  and exists (select from matters where sha256(matters.subject::bytea) = geparkeerd.onderwerp and gewist_op is not null);

-- name: report_progress
-- What this replica says of itself; returns what all last said. It need not outlive a crash of the database: what is lost
-- is said again, and until then the watch waits.
with stil as materialized (select set_config('synchronous_commit', 'off', true)),
nu as (
    insert into voortgang (wachtrij, replica, verwerkt, in_handen, luistert_sinds, schoon_op, gezien_op)
    select wachtrij, $1, verwerkt, in_handen, luistert_sinds, schoon_op, clock_timestamp()
    from stil, unnest($2::text[], $3::bigint[], $4::integer[], $5::timestamptz[], $6::timestamptz[])
         as stand (wachtrij, verwerkt, in_handen, luistert_sinds, schoon_op)
    on conflict (wachtrij, replica) do update
    set verwerkt = excluded.verwerkt, in_handen = excluded.in_handen, luistert_sinds = excluded.luistert_sinds,
        schoon_op = excluded.schoon_op, gezien_op = excluded.gezien_op
    returning wachtrij, replica, verwerkt, in_handen, luistert_sinds, schoon_op, gezien_op
)
select * from nu
union all
select wachtrij, replica, verwerkt, in_handen, luistert_sinds, schoon_op, gezien_op from voortgang where replica <> $1;

-- name: progress
select wachtrij, replica, verwerkt, in_handen, luistert_sinds, schoon_op, gezien_op from voortgang;

-- name: retire
-- A replica that stops, or begins to count anew.
delete from voortgang where replica = $1;

-- name: forget_progress
-- Replicas that were killed.
delete from voortgang where gezien_op < clock_timestamp() - interval '1 hour';

-- name: nu_al
-- Whatever a commit would still find wrong is found now.
set constraints all immediate;

-- name: zet_terzijde
-- Leave these rows ($2, $3) alone that job $1 cannot do: for $5, twice as long each next time, at most $6. Returns those
-- that were not left alone already.
insert into terzijde as t (werk, onderwerp, soort, fout, tot)
select $1, onderwerp, soort, fout, clock_timestamp() + $5::interval
from unnest($2::text[], $3::text[], $4::text[]) as n (onderwerp, soort, fout)
on conflict (werk, onderwerp, soort) do update
set fout = excluded.fout, keer = t.keer + 1,
    tot = clock_timestamp() + least($5::interval * 2 ^ least(t.keer, 20), $6::interval)
where t.tot <= clock_timestamp()
returning onderwerp, soort;

-- name: niet_meer_terzijde
delete from terzijde
where werk = $1 and (onderwerp, soort) in (select * from unnest($2::text[], $3::text[]));

-- name: wis_terzijde
-- What is left alone of matters that are erased.
delete from terzijde where onderwerp = any($1::text[]);

-- name: vergeet_terzijde
-- What nobody took again since its pause was over: it is done by other hands, or not to be done any more.
delete from terzijde where tot < clock_timestamp() - $1::interval;

-- name: terzijde
-- How much each job leaves alone.
select werk, count(*) from terzijde group by werk;

-- name: depths
-- What an operator watches, in one row, by the names of `shared/metrics.py`.
select (select count(*) from outbox) as "meldpunt.outbox.depth",
       (select extract(epoch from clock_timestamp() - min(stated_at)) from outbox) as "meldpunt.outbox.oldest.age",
       (select count(*) from geparkeerd where status in ('geparkeerd', 'aangeboden')) as "meldpunt.parked",
       (select count(*) from geparkeerd where status in ('geparkeerd', 'aangeboden') and vervalt_op is not null)
           as "meldpunt.parked.expiring",
       (select count(*) from geparkeerd where status = 'verlopen') as "meldpunt.parked.expired",
       (select count(*) from matters
        where not known and first_seen < clock_timestamp() - $1::interval
          and (gezien_op is null or exists (
              select from facts where facts.subject = matters.subject and facts.received_at > matters.gezien_op)))
           as "meldpunt.matters.waiting",
       extract(epoch from clock_timestamp()) as "meldpunt.measured.time";
