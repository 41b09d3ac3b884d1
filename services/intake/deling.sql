-- SPDX-License-Identifier: EUPL-1.2
-- What advisers shared, until it went to its seat or it was said that nobody may read it.

-- name: bewaar
-- Pieces that came into the vault just now.
insert into delingen (stuk) select stuk from stukken where stuk = any($1::uuid[]) on conflict (stuk) do nothing;

-- name: zaken
-- At most $2 matters with a piece that is here for longer than $1 seconds.
select distinct stukken.subject from delingen join stukken using (stuk)
where delingen.sinds < clock_timestamp() - make_interval(secs => $1)
  and stukken.subject not in (select onderwerp from terzijde where werk = 'delingen' and tot > now())
order by stukken.subject limit $2;

-- name: wachtend
-- Those pieces of these matters, which the caller holds; `gegaan`: it was stated to its seat.
select stuk, stukken.subject, exists (select from verstrekkingen where verstrekkingen.stuk = delingen.stuk) as gegaan
from delingen join stukken using (stuk)
where stukken.subject = any($1::text[]) and delingen.sinds < clock_timestamp() - make_interval(secs => $2);

-- name: klaar
delete from delingen where stuk = any($1::uuid[]);

-- name: later
-- There is a right to these and no key yet, of which the role was warned: looked at again later.
update delingen set sinds = clock_timestamp() where stuk = any($1::uuid[]);
