-- SPDX-License-Identifier: EUPL-1.2
-- Facts of matters that were, three to a matter: bodies as large as real ones, keys spread as real ones are.
insert into routing.facts (key, publisher, id, name, subject, time, data, digest)
select md5('bench' || n)::uuid,
       'intake',
       md5('id' || n),
       'melding-doorgezet.v1',
       md5('zaak' || n / 3),
       now() - make_interval(secs => $2 - n),
       convert_to(repeat('{"bench":"x"}', 26), 'UTF8'),
       decode(md5('digest' || n), 'hex')
from generate_series($1::integer, $2::integer) as n
