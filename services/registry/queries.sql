-- SPDX-License-Identifier: EUPL-1.2
-- The register's queries. Sets come in as one JSON array whose objects carry the columns of the table, sorted by the
-- caller. Handlers use the first part, readers the second.

-- name: claim_koppelingen
-- Who adds couplings is alone in doing so until the commit: a ring may close over two batches.
select pg_advisory_xact_lock(hashtext('meldpunt-koppelingen'));

-- name: verbonden
-- Every matter that couplings join to these, themselves included.
select distinct zaak from verbonden($1::text[]);

-- name: koppelingen
-- Every coupling that bears on these matters.
select zaak, dubbele, gekoppeld_op from koppelingen where zaak in (select zaak from verbonden($1::text[]));

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
set (kanaal, jaar, ontvangen_op, uitkomst)
  = (excluded.kanaal, excluded.jaar, excluded.ontvangen_op, excluded.uitkomst);

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

-- name: save_uitsluitingen
-- Once excluded, for good.
insert into uitsluitingen
select * from jsonb_populate_recordset(null::uitsluitingen, $1::text::jsonb)
on conflict do nothing;

-- name: delete_uitsluitingen
delete from uitsluitingen where zaak = any($1::text[]);

-- name: save_bewaring
insert into bewaring
select * from jsonb_populate_recordset(null::bewaring, $1::text::jsonb)
on conflict (zaak) do update
set (startdatum_bewaartermijn, bewaartermijn, archiefnominatie, archiefactiedatum, selectielijstklasse)
  = (excluded.startdatum_bewaartermijn, excluded.bewaartermijn, excluded.archiefnominatie, excluded.archiefactiedatum,
     excluded.selectielijstklasse);

-- name: delete_bewaring
-- What is open, or open again.
delete from bewaring where zaak = any($1::text[]);

-- name: anders_bewaard
-- At most $4 dossiers whose period was reckoned by other settings than these.
select zaak, startdatum_bewaartermijn from bewaring
where (bewaartermijn, archiefnominatie, selectielijstklasse) is distinct from ($1, $2, $3)
order by zaak limit $4
for update skip locked;

-- name: voorbij
-- At most $2 dossiers whose time is over at $1, first those that waited longest: with whatever couplings join to them,
-- and only where nothing of that is still open or has time left.
with kandidaten (zaak, archiefactiedatum) as (
    select zaak, archiefactiedatum from bewaring
    where archiefnominatie = 'vernietigen' and archiefactiedatum <= $1
      and zaak not in (select onderwerp from terzijde where werk = 'vernietiging' and tot > now())
), nog_niet (kandidaat) as (
    select verbonden.van from verbonden(array(select zaak from kandidaten)) left join bewaring using (zaak)
    where (bewaring.zaak is null or bewaring.archiefactiedatum > $1)
      and (exists (select from zaken where zaken.zaak = verbonden.zaak)
           or exists (select from contacten where contacten.zaak = verbonden.zaak)
           or exists (select from klachten where klachten.zaak = verbonden.zaak))
)
select zaak from kandidaten
where not exists (select from nog_niet where kandidaat = kandidaten.zaak)
order by archiefactiedatum, zaak limit $2;

-- name: delete_maatregelen
delete from maatregelen using afdoeningen where maatregelen.feit = afdoeningen.feit and zaak = any($1::text[]);

-- name: delete_afdoeningen
delete from afdoeningen where zaak = any($1::text[]);

-- name: delete_nazorg
delete from nazorg where zaak = any($1::text[]);

-- name: delete_koppelingen
delete from koppelingen where zaak = any($1::text[]) or dubbele = any($1::text[]);

-- name: delete_klachten
delete from klachten where zaak = any($1::text[]);

-- name: delete_geteld
-- A tombstone does what this row did: what comes late about it is not counted again.
delete from geteld where zaak = any($1::text[]);

-- name: delete_zaken
delete from zaken where zaak = any($1::text[]);

-- name: insert_skeletten
-- Each gets a name of its own that says nothing.
with nieuw as (
    select * from jsonb_to_recordset($1::text::jsonb)
        as n (nummer integer, vanaf date, in_register text, rubriek text, onderdeel text, geregistreerd_op date,
              vastgesteld boolean)
), namen as materialized (
    select nummer, gen_random_uuid() as pseudoniem from (select distinct nummer from nieuw) as nummers
)
insert into skeletten (pseudoniem, vanaf, in_register, rubriek, onderdeel, geregistreerd_op, vastgesteld)
select pseudoniem, vanaf, in_register, rubriek, onderdeel, geregistreerd_op, vastgesteld
from nieuw join namen using (nummer);

-- name: schud_skeletten
-- All are written anew, in the order of their names, so that neither their place in the table nor the number of the
-- transaction that wrote them joins the new ones to the dossiers that went with it.
with alle as (delete from skeletten returning *)
insert into skeletten select * from alle order by pseudoniem, vanaf;

-- name: tel_vernietigd
insert into vernietigde_aantallen
select * from jsonb_populate_recordset(null::vernietigde_aantallen, $1::text::jsonb)
on conflict (reeks, jaar, soort) do update set aantal = vernietigde_aantallen.aantal + excluded.aantal;

-- name: schud_aantallen
-- For the same reason.
update vernietigde_aantallen set aantal = aantal;

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
-- The series of one year, each counted apart, with what dossiers whose time is over add to them. $1 is the year, $2 and
-- $3 its bounds in the Netherlands.
select volgorde, reeks, soort, sum(aantal)::bigint as aantal from (
    select 1 as volgorde, 'contactmomenten' as reeks,
           case when zaken.doorgezet_op is not null then 'doorgezet' else coalesce(contacten.uitkomst, 'open') end as soort,
           count(*) as aantal
    from contacten left join zaken using (zaak) where jaar = $1 group by 3
    union all
    select 1, 'contactmomenten', 'luisterend-oor', aantal from luisterende_oren where jaar = $1
    union all
    select 2, 'meldingen', in_register, count(*) from zaken
    where telt and extract(year from geregistreerd_op) = $1 group by in_register
    union all
    select 2, 'meldingen', in_register, aantal from overgenomen where extract(year from geregistreerd_op) = $1
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
    union all
    select array_position(array['contactmomenten', 'meldingen', 'klachten', 'adviezen', 'maatregelen'], reeks),
           reeks, soort, aantal
    from vernietigde_aantallen where jaar = $1
) as reeksen
group by volgorde, reeks, soort
order by volgorde, soort;

-- name: read_skeletten
select pseudoniem, vanaf, in_register, rubriek, onderdeel, geregistreerd_op, vastgesteld
from skeletten order by pseudoniem, vanaf;

-- name: read_zaak_bewaring
select startdatum_bewaartermijn, archiefnominatie, archiefactiedatum, selectielijstklasse from bewaring where zaak = $1;

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
