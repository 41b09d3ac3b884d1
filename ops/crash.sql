-- SPDX-License-Identifier: EUPL-1.2
-- What the crash test asks of a service's schema, as the role that owns it.

-- name: known
-- Every fact that this service knows. The content of what it stated itself, where it was not erased.
select key, publisher, name, subject,
       case when publisher = $1 then convert_from(data, 'UTF8') end as data
from facts;

-- name: settled
-- How often this service stated each kind of fact.
select name, count(*) as aantal from facts where publisher = $1 group by name;

-- name: assigned
-- Of these matters those that have an adviser.
select subject from facts
where publisher = 'routing' and name = 'adviseur-toegewezen.v1' and subject = any($1::text[]);

-- name: parked
select count(*) from geparkeerd;

-- name: unpublished
select count(*) from outbox;

-- name: listening_ears
select coalesce(sum(aantal), 0)::integer from tellingen;

-- name: miscounted_advisers
-- Advisers whose counters are not what the open matters they hold come to: they move with each assignment.
select count(*) from (
    select from adviseurs left join zaken
        on zaken.cluster = adviseurs.cluster and zaken.adviseur = adviseurs.code and zaken.open
    group by adviseurs.cluster, adviseurs.code, adviseurs.open_zaken, adviseurs.belasting
    having adviseurs.open_zaken <> count(zaken.subject) or adviseurs.belasting <> coalesce(sum(zaken.gewicht), 0)
        or (select coalesce(sum(aantal), 0) from werkvoorraad as w
            where w.cluster = adviseurs.cluster and w.adviseur = adviseurs.code)
           <> count(zaken.subject) filter (where zaken.uiterlijk is not null)
) as miscounted;

-- name: afdoeningen
select count(*) from afdoeningen where geldt;

-- name: mails
-- The weekly messages, which come every second here.
select kenmerk, status from berichten;

-- name: told
select zaak, functionaris from vertellingen where status = 'verteld';

-- name: to_be_told
select count(*) from vertellingen where status in ('wacht', 'onderweg');
