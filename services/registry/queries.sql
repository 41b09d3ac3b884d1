-- SPDX-License-Identifier: EUPL-1.2
-- The register's queries. Sets come in as one JSON array whose objects carry the columns of the table, sorted by the
-- caller. Handlers use the first part, readers the second.

-- name: claim_koppelingen
-- Who adds couplings is alone in doing so until the commit: a ring may close over two batches.
select pg_advisory_xact_lock(hashtext('meldpunt-koppelingen'));

-- name: verbonden
-- Every matter that couplings join to these, themselves included.
with recursive verbonden (zaak) as (
    select unnest($1::text[])
    union
    select ander.zaak
    from verbonden v cross join lateral (
        select dubbele from koppelingen where koppelingen.zaak = v.zaak
        union all
        select koppelingen.zaak from koppelingen where dubbele = v.zaak
    ) as ander (zaak)
)
select zaak from verbonden;

-- name: koppelingen
-- Every coupling that bears on these matters.
with recursive verbonden (zaak) as (
    select unnest($1::text[])
    union
    select ander.zaak
    from verbonden v cross join lateral (
        select dubbele from koppelingen where koppelingen.zaak = v.zaak
        union all
        select koppelingen.zaak from koppelingen where dubbele = v.zaak
    ) as ander (zaak)
)
select een.zaak, een.dubbele, een.gekoppeld_op
from verbonden cross join lateral (select * from koppelingen where koppelingen.zaak = verbonden.zaak) as een;

-- name: save_koppelingen
insert into koppelingen
select * from jsonb_populate_recordset(null::koppelingen, $1::text::jsonb)
on conflict (zaak, dubbele) do update
set gekoppeld_op = least(koppelingen.gekoppeld_op, excluded.gekoppeld_op);

-- name: save_zaken
insert into zaken
select * from jsonb_populate_recordset(null::zaken, $1::text::jsonb)
on conflict (zaak) do update
set (herkomst, cluster, onderdeel, eenheid, soort_melder, onderwerpen, ontvangen_op, bevestigd_op, doorgezet_op,
     kwalificatie, gekwalificeerd_op, in_register, rubriek, register_onderdeel, geregistreerd_op, zelfde_als, dubbel,
     telt, uitgezet_op, behandel_eenheid, behandelaar, aanvaard_op, herzien_op, terugkoppeling_op, heropend_op,
     afgedaan_op, gesloten_op, status)
  = (excluded.herkomst, excluded.cluster, excluded.onderdeel, excluded.eenheid, excluded.soort_melder,
     excluded.onderwerpen, excluded.ontvangen_op, excluded.bevestigd_op, excluded.doorgezet_op,
     excluded.kwalificatie, excluded.gekwalificeerd_op, excluded.in_register, excluded.rubriek,
     excluded.register_onderdeel, excluded.geregistreerd_op, excluded.zelfde_als, excluded.dubbel,
     excluded.telt, excluded.uitgezet_op, excluded.behandel_eenheid, excluded.behandelaar, excluded.aanvaard_op,
     excluded.herzien_op, excluded.terugkoppeling_op, excluded.heropend_op, excluded.afgedaan_op,
     excluded.gesloten_op, excluded.status);

-- name: delete_versies
delete from registratieversies where zaak = any($1::text[]);

-- name: insert_versies
insert into registratieversies
select * from jsonb_populate_recordset(null::registratieversies, $1::text::jsonb);

-- name: save_afdoeningen
insert into afdoeningen
select * from jsonb_populate_recordset(null::afdoeningen, $1::text::jsonb)
on conflict (feit) do update set geldt = excluded.geldt where afdoeningen.geldt <> excluded.geldt;

-- name: save_maatregelen
insert into maatregelen
select * from jsonb_populate_recordset(null::maatregelen, $1::text::jsonb)
on conflict (feit, nummer) do nothing;

-- name: save_nazorg
insert into nazorg
select * from jsonb_populate_recordset(null::nazorg, $1::text::jsonb)
on conflict (feit) do nothing;

-- name: save_contacten
insert into contacten
select * from jsonb_populate_recordset(null::contacten, $1::text::jsonb)
on conflict (zaak) do update
set (kanaal, jaar, ontvangen_op, uitkomst, verwezen_naar)
  = (excluded.kanaal, excluded.jaar, excluded.ontvangen_op, excluded.uitkomst, excluded.verwezen_naar);

-- name: geteld
select zaak from geteld where zaak = any($1::text[]);

-- name: insert_geteld
insert into geteld (zaak) select unnest($1::text[]);

-- name: delete_contacten
delete from contacten where zaak = any($1::text[]);

-- name: tel_oren
insert into luisterende_oren
select * from jsonb_populate_recordset(null::luisterende_oren, $1::text::jsonb)
on conflict (jaar, kanaal) do update set aantal = luisterende_oren.aantal + excluded.aantal;

-- name: wis_feiten
-- What was said about these contacts goes, also what comes late. That it was said stays, so that it is not taken in
-- again: key, digest and name, under a subject that is nobody's and in a week.
update facts
set (id, subject, time, data, traceparent, received_at)
  = ('gewist', 'gewist', date_trunc('week', time, 'Europe/Amsterdam'), null, null,
     date_trunc('week', received_at, 'Europe/Amsterdam'))
where subject = any($1::text[]) and name = any($2::text[]);

-- name: wis_moment
update matters set first_seen = date_trunc('week', first_seen, 'Europe/Amsterdam') where subject = any($1::text[]);

-- name: save_klachten
insert into klachten
select * from jsonb_populate_recordset(null::klachten, $1::text::jsonb)
on conflict (zaak) do update
set (soort, onderdeel, ingediend_op, ontvankelijk, cog_gevraagd, oordelen, afgehandeld_op, telt)
  = (excluded.soort, excluded.onderdeel, excluded.ingediend_op, excluded.ontvankelijk, excluded.cog_gevraagd,
     excluded.oordelen, excluded.afgehandeld_op, excluded.telt);

-- name: save_adviezen
insert into adviezen
select * from jsonb_populate_recordset(null::adviezen, $1::text::jsonb)
on conflict (feit) do nothing;

-- name: save_overgenomen
insert into overgenomen
select * from jsonb_populate_recordset(null::overgenomen, $1::text::jsonb)
on conflict (feit) do nothing;

-- name: save_indelingen
-- The latest layout of a table and year counts, in whatever order they came.
insert into tabelindelingen
select * from jsonb_populate_recordset(null::tabelindelingen, $1::text::jsonb)
on conflict (tabel, jaar) do update
set (vastgesteld_op, feit, inhoud) = (excluded.vastgesteld_op, excluded.feit, excluded.inhoud)
where (tabelindelingen.vastgesteld_op, tabelindelingen.feit) < (excluded.vastgesteld_op, excluded.feit);

-- name: read_versies
select zaak, vanaf, in_register, rubriek, onderdeel, geregistreerd_op from registratieversies order by zaak, vanaf;

-- name: read_koppelingen
select zaak, dubbele, gekoppeld_op from koppelingen;

-- name: read_afdoeningen
select zaak, betrokkene, vastgesteld_op, afdoening from afdoeningen order by zaak, betrokkene, vastgesteld_op, feit;

-- name: read_overgenomen
select geregistreerd_op, in_register, rubriek_label, aantal, vastgesteld from overgenomen order by feit;

-- name: read_indeling
select inhoud::text from tabelindelingen where tabel = $1 and jaar = $2;

-- name: read_reeksen
-- The series of one year, each counted apart. $1 is the year, $2 and $3 its bounds in the Netherlands.
select * from (
    select 1 as volgorde, 'contactmomenten' as reeks,
           case when zaken.doorgezet_op is not null then 'doorgezet' else coalesce(contacten.uitkomst, 'open') end as soort,
           count(*)::bigint as aantal
    from contacten left join zaken using (zaak) where jaar = $1 group by 3
    union all
    select 1, 'contactmomenten', 'luisterend-oor', sum(aantal)::bigint from luisterende_oren where jaar = $1
    having count(*) > 0
    union all
    select 2, 'meldingen', in_register, sum(aantal)::bigint from (
        select in_register, 1 as aantal from zaken where telt and extract(year from geregistreerd_op) = $1
        union all
        select in_register, aantal from overgenomen where extract(year from geregistreerd_op) = $1
    ) as meldingen group by in_register
    union all
    select 3, 'klachten', soort, count(*) from klachten
    where telt and ingediend_op >= $2 and ingediend_op < $3 group by soort
    union all
    select 4, 'adviezen', soort, count(*) from adviezen
    where gegeven_op >= $2 and gegeven_op < $3 group by soort
    union all
    select 5, 'maatregelen', maatregel, count(*)
    from maatregelen join afdoeningen using (feit) join zaken using (zaak)
    where geldt and maatregelen.telt and zaken.telt and extract(year from datum) = $1 group by maatregel
) as reeksen
order by volgorde, soort;

-- name: read_zaak
select * from zaken where zaak = $1;

-- name: read_zaak_afdoeningen
select a.betrokkene, a.afdoening, a.vastgesteld_op, m.maatregel, m.datum, m.onderdeel, m.telt
from afdoeningen a left join maatregelen m using (feit)
where a.zaak = $1 and a.geldt
order by a.vastgesteld_op, a.betrokkene, m.nummer;

-- name: read_zaak_nazorg
select verleend_op, aan, door from nazorg where zaak = $1 order by verleend_op, feit;

-- name: read_zaak_versies
select vanaf, in_register, rubriek, onderdeel, geregistreerd_op from registratieversies where zaak = $1 order by vanaf;

-- name: read_zaak_koppelingen
select zaak, dubbele, gekoppeld_op from koppelingen where $1 in (zaak, dubbele) order by zaak, dubbele;

-- name: read_zaak_klacht
select soort, onderdeel, ingediend_op, ontvankelijk, cog_gevraagd, oordelen, afgehandeld_op, telt
from klachten where zaak = $1;
