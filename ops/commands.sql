-- SPDX-License-Identifier: EUPL-1.2
-- What the operators' commands ask of a service's schema, as the role that owns it.

-- name: fact_keys
-- Every fact that this service knows, heard and stated: by routing key the keys of 16 bytes, one after the other.
select publisher || '.' || name as routing_key, string_agg(uuid_send(key), ''::bytea) as keys
from facts group by publisher, name;

-- name: outbox_keys
-- What this service stated and has not had confirmed, in the same form.
select substring(routing_key from '^.*\.v\d+') as routing_key, string_agg(uuid_send(key), ''::bytea) as keys
from outbox group by 1;

-- name: parked_keys
-- What it parked and what was given up (by an operator, or after its time), in the same form; and how many messages in which no fact could be read.
select coalesce(substring(routing_key from '^.*\.v\d+'), routing_key) as routing_key, status in ('vervallen', 'verlopen') as weg,
       coalesce(string_agg(uuid_send(feit), ''::bytea), ''::bytea) as keys,
       count(*) filter (where feit is null) as onleesbaar
from geparkeerd where status <> 'verwerkt' group by 1, 2;

-- name: said
-- What this service ($2) stated about a matter, of these kinds, as far as it is kept.
select name, data, received_at from facts where subject = $1 and publisher = $2 and name = any($3::text[]) and data is not null;

-- name: outbox_empty
select not exists (select from outbox);

-- name: parked_open
-- What waits for an operator, oldest first; with the digest of the matter that it is about, where that could be read.
select id, reden, routing_key, afzender, feit, omvang, keer, eerst_op, laatst_op, vervalt_op, status, onderwerp
from geparkeerd where status in ('geparkeerd', 'aangeboden') order by eerst_op, id;

-- name: parked_expired
-- What was not handled in time, so that its body was destroyed, and that nobody has seen since; oldest first.
select id, reden, routing_key, afzender, feit, omvang, keer, eerst_op, laatst_op, vervalt_op, status
from geparkeerd where status = 'verlopen' order by laatst_op, id;

-- name: parked_like
-- The messages whose id begins with $1, whatever became of them.
select id, reden, routing_key, afzender, feit, omvang, keer, eerst_op, laatst_op, vervalt_op, status, onderwerp
from geparkeerd where starts_with(id::text, $1) order by eerst_op, id;

-- name: parked_body
select verzegeld from geparkeerd where id = $1;

-- name: parked_seals
-- Of each message that is kept the heads of its seals, and when it came in first.
select split_part(verzegeld, '.', 1) as kop, split_part(routing_key_verzegeld, '.', 1) as kop_key, eerst_op
from geparkeerd where verzegeld is not null;

-- name: to_offer
-- What is to be offered again, and the key of its digest. Nothing when it is no longer open.
select routing_key, routing_key_verzegeld, afzender, verzegeld, eerst_op, sleutel
from geparkeerd, parkeersleutel where id = $1 and status in ('geparkeerd', 'aangeboden');

-- name: offer
-- Marked before it is published, so that the service's answer always comes after; the service believes a replay of just
-- this ($2: its digest). Nothing when it is no longer open.
update geparkeerd
set status = 'aangeboden', aanbod = $2, laatst_op = date_trunc('hour', clock_timestamp(), 'Europe/Amsterdam')
where id = $1 and status in ('geparkeerd', 'aangeboden')
returning id;

-- name: withdraw_offer
update geparkeerd set status = 'geparkeerd' where id = $1 and status = 'aangeboden';

-- name: answer
-- What the service made of a message that was offered again.
select status, reden from geparkeerd where id = $1;

-- name: drop_parked
-- The row stays as evidence; the body goes, if it has not gone already.
update geparkeerd
set status = 'vervallen', verzegeld = null, routing_key_verzegeld = null, onderwerp = null, afdruk = null, aanbod = null,
    laatst_op = date_trunc('hour', clock_timestamp(), 'Europe/Amsterdam')
where id = $1 and status in ('geparkeerd', 'aangeboden', 'verlopen')
returning id;

-- name: seen
-- What opens this matter will not come; it is shown again when anything more is said about it.
update matters set gezien_op = clock_timestamp() where subject = $1 and not known returning subject;

-- name: waiting
-- Matters of which facts are known, but not the one that opens them, for longer than $1; of those that an operator has
-- seen the ones about which more came since.
select matters.subject, matters.first_seen,
       array_agg(facts.publisher || '.' || facts.name order by facts.time, facts.key)
           filter (where facts.key is not null) as facts
from matters left join facts using (subject)
where not matters.known and matters.first_seen < clock_timestamp() - $1::interval
  and (matters.gezien_op is null or exists (
      select from facts as later where later.subject = matters.subject and later.received_at > matters.gezien_op))
group by matters.subject, matters.first_seen
order by matters.first_seen, matters.subject;

-- name: clocks
select termijnen.*, termijnregels.inhoud
from termijnen join termijnregels using (soort, versie)
where ($1 or uitkomst is null) and starts_with(onderwerp, $2)
order by onderwerp, soort;

-- name: in_danger
-- The matters of which it was said that the talk will not be held in time, as routing keeps them; and what ($1) was said.
select zaken.subject, gesteld.data as voorzien
from zaken left join lateral (
    select data from facts where facts.subject = zaken.subject and publisher = 'routing' and name = $1
    order by time desc limit 1) as gesteld on true
where zaken.in_gevaar;

-- name: nobody_has
-- Open matters that no adviser has and that begin so, the urgent and the oldest first.
select subject as zaak, cluster, spoed, telt_vanaf from zaken
where wacht and starts_with(subject, $1)
order by spoed desc, telt_vanaf, subject;

-- name: herreken
-- The service's own watch does the work, in parts.
insert into herrekeningen (regel) values ($1);

-- name: excluded
-- For each matter the seats that must not learn of it, as routing and registry keep them. Those go with the matter when it
-- is erased; another service may have to hear of that yet. So of an erased matter no seats, in one look with the rest.
select zaak, array_agg(zetel) as zetels from uitsluitingen group by zaak
union all
select subject, null from matters where gewist_op is not null;

-- name: parked_exclusions
-- The matters of which a fact that may exclude somebody waits for an operator, by digest.
select distinct onderwerp from geparkeerd
where onderwerp is not null and status in ('geparkeerd', 'aangeboden') and routing_key = any($1::text[]);

-- name: coupled
-- Every matter that couplings join to these, or to those whose digests are $2: they are about the same event. What is
-- coupled is among the register's matters.
select distinct zaak from verbonden($1::text[] || array(select subject from matters where sha256(subject::bytea) = any($2)));

-- name: clock_subjects
select distinct onderwerp from termijnen where starts_with(onderwerp, $1);

-- name: now
select clock_timestamp();

-- name: reader_keys
-- The key that intake seals to for each reader; when this service heard it, null when no fact holds it; and how many other
-- keys it heard for that reader.
select s.partij, s.ontvanger, s.volgnummer, s.sleutel, s.geldig_tot,
       min(f.received_at) filter (where f.volgnummer = s.volgnummer and f.sleutel is not distinct from s.sleutel::jsonb)
           as sinds,
       count(distinct f.sleutel) filter (where f.sleutel is distinct from s.sleutel::jsonb) as eerder
from lezerssleutels as s
left join (select publisher, subject, received_at, (stand ->> 'volgnummer')::bigint as volgnummer,
                  nullif(stand -> 'sleutel', 'null') as sleutel
           from facts, lateral (select convert_from(data, 'UTF8')::jsonb as stand) as gelezen
           where name = 'sleutel-vastgesteld.v1' and data is not null) as f
    on (f.publisher, f.subject) = (s.partij, s.ontvanger)
group by s.partij, s.ontvanger order by s.partij, s.ontvanger;

-- name: set_aside
-- What background jobs cannot do, longest first, and when each is tried again.
select werk, onderwerp, soort, fout, keer, sinds, tot from terzijde order by sinds, werk, onderwerp, soort;

-- name: retry
-- The pauses are over; nothing is forgotten of how often each failed.
update terzijde set tot = clock_timestamp() where tot > clock_timestamp();
