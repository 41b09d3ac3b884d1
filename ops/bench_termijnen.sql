-- SPDX-License-Identifier: EUPL-1.2
-- Clocks that run, and what stands behind them, as routing would have stored them. Their ids follow from their numbers.

-- name: zaken
-- In the order of their ids, which makes filling the indexes faster.
insert into matters (subject, known, first_seen)
select md5('zaak' || n), true, clock_timestamp() - interval '1 day'
from generate_series(0, $1::integer - 1) as n order by 1;

-- name: feiten
-- The fact that each began with: $2 with the moment put in for <start>.
insert into facts (key, publisher, id, name, subject, time, data, digest)
select md5('feit' || n)::uuid, 'intake', md5('id' || n), 'melding-doorgezet.v1', md5('zaak' || n), start,
       convert_to(replace($2::text, '<start>', to_char(start at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')), 'UTF8'),
       decode(md5('digest' || n), 'hex')
from (select n from generate_series(0, $1::integer - 1) as n order by md5('zaak' || n)) as n,
     lateral (select $3::timestamptz + make_interval(secs => $4::float8 * n) as start) as s;

-- name: klokken
-- Numbers $1 up to $2. The first point in time of number n is $3 plus n times $4 seconds; the others follow at the
-- distances (in seconds) that a real clock has.
insert into termijnen (onderwerp, soort, versie, generatie, start_op, eind_op, punten_op, punten_wat, volgende_op,
                       spoed, rol, alleen_bewaking, afleiding)
select md5($9::text || n), $5::text, $6::integer, 1, op - make_interval(secs => ($7::float8[])[1]), op + make_interval(secs => $8::float8 - ($7::float8[])[1]),
       array(select op + make_interval(secs => afstand - ($7::float8[])[1]) from unnest($7::float8[]) as afstand),
       $10::text[], op, false, 'coid', false, $11::text
from generate_series($1::integer, $2::integer) as n,
     lateral (select $3::timestamptz + make_interval(secs => $4::float8 * n) as op) as o;

-- name: gevuurd
-- When each clock of this run was due, and when its fact was written.
select extract(epoch from facts.received_at - punten_op[1]) * 1000 as ms
from termijnen join facts on facts.subject = onderwerp and facts.publisher = 'routing'
where onderwerp = any($1::text[]) and gezegd = 1;

-- name: dubbel
select count(*) from (
    select from facts where publisher = 'routing' and subject = any($1::text[]) group by subject, name having count(*) > 1
) as meer;

-- name: te_vroeg
select count(*) from termijnen where onderwerp = any($1::text[]) and gewaarschuwd_op <= punten_op[1];
