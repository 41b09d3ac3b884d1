-- SPDX-License-Identifier: EUPL-1.2
-- The vault's queries. Sets come in as arrays, sorted by the caller; the caller holds the matters' locks.

-- name: te_bewaren
-- Of these matters those of which content may be kept: no listening ear, and nothing that was erased. `met_inhoud`: there
-- is content already, other than answers, so that its key is there as well.
select subject, exists (select from kluis where kluis.subject = gevraagd.subject and soort <> 'antwoord') as met_inhoud
from unnest($1::text[]) as gevraagd (subject)
where not exists (select from contacten where contacten.subject = gevraagd.subject and status = 'luisterend-oor')
  and not exists (select from matters where matters.subject = gevraagd.subject and gewist_op is not null);

-- name: bewaar
-- Pieces of content, each under the data key of its matter.
insert into kluis (stuk, subject, soort, inhoud)
select * from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[])
on conflict (stuk) do nothing;

-- name: lees
select stuk, subject, soort, inhoud from kluis where stuk = any($1::uuid[]);

-- name: een_van_elk
-- The smallest piece of each of the next $2 matters after $1 that have content, answers left out.
select distinct on (subject) stuk, subject, soort, inhoud from kluis
where subject in (select distinct subject from kluis where soort <> 'antwoord' and subject > $1 order by subject limit $2)
  and soort <> 'antwoord'
order by subject, octet_length(inhoud), stuk;

-- name: nog_bewaard
-- Of these pieces the ones that are kept still.
select stuk from kluis where stuk = any($1::uuid[]);
