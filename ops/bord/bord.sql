-- SPDX-License-Identifier: EUPL-1.2
-- What the board asks of a service's schema, every few seconds: each by an index and cut off, and without a lock.
-- A list of digests, where there is one, names the matters that are not there for who reads; kinds of clock may be left
-- out too ($4 of the urgent ones, $3 of the counts).

-- name: nu
select clock_timestamp();

-- name: dienst
-- What a service ($1) says of itself and what it still has to publish; of the outbox about how old the oldest is. What is
-- in the hands of replicas that are silent is not known; while all are nothing is.
select (select count(*) from voortgang where wachtrij = $1 and gezien_op > clock_timestamp() - interval '5 seconds')
           as replicas,
       (select extract(epoch from clock_timestamp() - max(gezien_op))::float8 from voortgang where wachtrij = $1)
           as gezien_s,
       (select sum(in_handen) from voortgang where gezien_op > clock_timestamp() - interval '5 seconds')
           as in_handen,
       (select count(*) from (select from outbox limit $2) as een) as outbox,
       (select extract(epoch from clock_timestamp() - min(stated_at))::float8
        from (select stated_at from outbox order by lease_until limit 1000) as een) as outbox_oudste_s,
       (select count(*) from (select from geparkeerd where status in ('geparkeerd', 'aangeboden') limit $2) as een)
           as geparkeerd,
       (select count(*) from (select from terzijde limit $2) as een) as terzijde;

-- name: waak
-- How long the clock waits that is due longest and of which nobody has spoken, in seconds; negative when none is due.
select extract(epoch from clock_timestamp() - min(volgende_op))::float8 from termijnen where volgende_op is not null;

-- name: urgent
-- Of these kinds ($1) the clocks that are overdue longest, and those of which something is to be said soonest, which is
-- every clock that runs in its turn; at most $2 of each. One may be there twice.
with gekozen as (
    (select te_laat.*
     from unnest($1::text[]) as kind (naam),
          lateral (select * from termijnen
                   where soort = kind.naam and soort <> all($4::text[])
                     and verstreken_op is not null and uitkomst is null
                     and ($3::bytea[] is null or sha256(convert_to(onderwerp, 'UTF8')) <> all($3))
                   order by eind_op limit $2) as te_laat)
    union all
    (select * from termijnen
     where volgende_op is not null and soort <> all($4::text[])
       and ($3::bytea[] is null or sha256(convert_to(onderwerp, 'UTF8')) <> all($3))
     order by volgende_op limit $2)
)
select gekozen.*, termijnregels.inhoud from gekozen join termijnregels using (soort, versie);

-- name: aantallen
-- How many are overdue, and how many run; counted as far as $1. Of what is due at $4, as far as $1 and longest first, how
-- many are promises over their end of which the watch has not said so (onbeslist), and how many it all is (achter).
select (select count(*) from (select from termijnen
                              where verstreken_op is not null and uitkomst is null and soort <> all($3::text[])
                                and ($2::bytea[] is null or sha256(convert_to(onderwerp, 'UTF8')) <> all($2))
                              order by soort, eind_op limit $1) as een) as te_laat,
       (select count(*) from (select from termijnen
                              where volgende_op is not null and soort <> all($3::text[])
                                and ($2::bytea[] is null or sha256(convert_to(onderwerp, 'UTF8')) <> all($2))
                              order by volgende_op limit $1) as een) as gewapend,
       count(*) filter (where verstreken_op is null and eind_op < $4 and not alleen_bewaking) as onbeslist,
       count(*) as achter
from (select verstreken_op, eind_op, alleen_bewaking from termijnen
      where volgende_op < $4 and soort <> all($3::text[])
        and ($2::bytea[] is null or sha256(convert_to(onderwerp, 'UTF8')) <> all($2))
      order by volgende_op limit $1) as een;

-- name: in_gevaar
-- Of these matters those of which it was said that the talk will not be held in time; and what ($2) was said.
select zaken.subject, gesteld.data as voorzien
from zaken left join lateral (
    select data from facts where facts.subject = zaken.subject and publisher = 'routing' and name = $2
    order by time desc limit 1) as gesteld on true
where zaken.in_gevaar and zaken.subject = any($1::text[]);

-- name: zonder_houder
-- Open matters that no adviser has, the urgent and the oldest first.
select subject as zaak, cluster, spoed, telt_vanaf from zaken
where wacht
order by spoed desc, telt_vanaf, subject limit $1;

-- name: geparkeerd
-- What waits for an operator, oldest first. For who must not learn of some matters nothing of which the matter is not known.
select id, reden, routing_key, afzender, feit, omvang, keer, eerst_op, laatst_op, vervalt_op, status, onderwerp
from geparkeerd
where status in ('geparkeerd', 'aangeboden')
  and ($2::bytea[] is null or (onderwerp is not null and onderwerp <> all($2)))
order by eerst_op, id limit $1;
