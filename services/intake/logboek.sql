-- SPDX-License-Identifier: EUPL-1.2
-- The two logs of processing. The heads are locked last in a transaction, in one order.

-- name: nu
select clock_timestamp();

-- name: hoofden
-- The heads of both chains, to be continued.
select keten, volgnummer, hash from ketens order by keten for update;

-- name: stand
-- The heads as they are.
select keten, volgnummer, hash from ketens order by keten;

-- name: schrijf
-- Lines of both logs and the new heads, all at once.
with toegang as (
    insert into toegangslog (volgnummer, trace_id, tijd, handeling, betrokkene, stuk, voor, sleutel, resultaat,
                             herkomst, actor, hash)
    select * from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::uuid[], $7::text[],
                         $8::text[], $9::text[], $10::text[], $11::text[], $12::bytea[])
), verwerking as (
    insert into logboek (volgnummer, trace_id, span_id, parent_span_id, status, name, start_time, end_time, attributes,
                         hash)
    select * from unnest($13::bigint[], $14::text[], $15::text[], $16::text[], $17::text[], $18::text[],
                         $19::timestamptz[], $20::timestamptz[], $21::text[], $22::bytea[])
)
update ketens set volgnummer = nieuw.volgnummer, hash = nieuw.hash
from (values ('toegangslog', $1[cardinality($1)], $12[cardinality($12)]),
             ('logboek', $13[cardinality($13)], $22[cardinality($22)])) as nieuw (keten, volgnummer, hash)
where ketens.keten = nieuw.keten;

-- name: toegangslog
-- Every line, in order.
select volgnummer, trace_id, tijd, handeling, betrokkene, stuk, voor, sleutel, resultaat, herkomst, actor, hash
from toegangslog order by volgnummer;

-- name: logboek
-- Every line, in order.
select volgnummer, trace_id, span_id, parent_span_id, status, name, start_time, end_time, attributes, hash
from logboek order by volgnummer;

-- name: zonder_wederhelft
-- Traces of which there is a line in one of the two logs only.
select count(*) from (select distinct trace_id from toegangslog) as een
full join (select distinct trace_id from logboek) as ander using (trace_id)
where een.trace_id is null or ander.trace_id is null;

-- name: laatste
-- The last $1 lines of the access log, newest first; of one trace, piece or matter when these are given.
select volgnummer, trace_id, tijd, handeling, betrokkene, stuk, voor, sleutel, resultaat, herkomst, actor
from toegangslog
where ($2::text is null or starts_with(trace_id, $2)) and ($3::uuid is null or stuk = $3)
  and ($4::text is null or betrokkene = $4)
order by volgnummer desc limit $1;

-- name: verwerkingen
-- The lines of these traces in the Logboek Dataverwerkingen.
select volgnummer, trace_id, span_id, parent_span_id, status, name, start_time, end_time, attributes
from logboek where trace_id = any($1::text[]) order by volgnummer;
