-- SPDX-License-Identifier: EUPL-1.2
-- Routing's own tables. Lock order: matters (the plumbing's), then clusters, both sorted; whoever holds a cluster
-- may read and write its advisers.

-- name: vergrendel_clusters
-- Assignments and changes of the roster take turns, per cluster.
select cluster, stand, ruimte from clusters where cluster = any($1::text[]) order by cluster for update;

-- name: adviseurs
select cluster, code, onderdelen, deskundigheid, capaciteit_fte, afwezig_van, afwezig_tot_en_met,
       uitgesloten_eenheden, alleen_eenheden, actief, open_zaken
from adviseurs where cluster = any($1::text[]) order by cluster, code;

-- name: adviseurs_met_beperking
-- Those whose matters may have to go to another: gone, absence known, or a conflict of interest known.
select cluster, code, onderdelen, deskundigheid, capaciteit_fte, afwezig_van, afwezig_tot_en_met,
       uitgesloten_eenheden, alleen_eenheden, actief, open_zaken
from adviseurs where not actief or afwezig_van <> '{}' or uitgesloten_eenheden <> '{}'
order by cluster, code;

-- name: save_adviseurs
-- The highest version counts, whatever the order of arrival. A change makes every waiting matter worth another
-- try, and every matter of an adviser who may have to stop worth another look.
with gewijzigd as (
    insert into adviseurs (cluster, code, volgnummer, onderdelen, deskundigheid, capaciteit_fte, afwezig_van,
                           afwezig_tot_en_met, uitgesloten_eenheden, alleen_eenheden, actief)
    select * from jsonb_to_recordset($1::jsonb)
        as n (cluster text, code text, volgnummer bigint, onderdelen text[], deskundigheid text[],
              capaciteit_fte double precision, afwezig_van date[], afwezig_tot_en_met date[],
              uitgesloten_eenheden text[], alleen_eenheden text[], actief boolean)
    on conflict (cluster, code) do update
    set volgnummer = excluded.volgnummer, onderdelen = excluded.onderdelen,
        deskundigheid = excluded.deskundigheid, capaciteit_fte = excluded.capaciteit_fte,
        afwezig_van = excluded.afwezig_van, afwezig_tot_en_met = excluded.afwezig_tot_en_met,
        uitgesloten_eenheden = excluded.uitgesloten_eenheden, alleen_eenheden = excluded.alleen_eenheden,
        actief = excluded.actief
    where adviseurs.volgnummer < excluded.volgnummer
    returning cluster
)
update clusters set stand = stand + 1, ruimte = ruimte + 1
where cluster in (select cluster from gewijzigd)
returning cluster, stand, ruimte;

-- name: save_zaken
-- Store whole matters and move the advisers' counters with them. The caller holds matters and clusters.
with nieuw as (
    select * from unnest($1::text[], $2::text[], $3::boolean[], $4::timestamptz[], $5::boolean[], $6::boolean[],
                         $7::text[], $8::text[], $9::text[], $10::boolean[], $11::text[], $12::text[],
                         $13::bigint[], $14::bigint[])
        as n (subject, cluster, spoed, telt_vanaf, open, wacht, adviseur, waarom, kwalificatie, instemming,
              eenheid, leidinggevende, stand, ruimte)
), oud as (
    select cluster, adviseur from zaken
    where subject = any($1::text[]) and open and adviseur is not null
), bewaard as (
    insert into zaken (subject, cluster, spoed, telt_vanaf, open, wacht, adviseur, waarom, kwalificatie,
                       instemming, eenheid, leidinggevende, stand, ruimte)
    select subject, cluster, spoed, telt_vanaf, open, wacht, adviseur, waarom::jsonb, kwalificatie,
           instemming, eenheid, leidinggevende, stand, ruimte
    from nieuw
    on conflict (subject) do update
    set cluster = excluded.cluster, spoed = excluded.spoed, telt_vanaf = excluded.telt_vanaf,
        open = excluded.open, wacht = excluded.wacht, adviseur = excluded.adviseur, waarom = excluded.waarom,
        kwalificatie = excluded.kwalificatie, instemming = excluded.instemming, eenheid = excluded.eenheid,
        leidinggevende = excluded.leidinggevende, stand = excluded.stand, ruimte = excluded.ruimte
), verschil as (
    select cluster, adviseur, sum(aantal)::integer as aantal
    from (select cluster, adviseur, 1 as aantal from nieuw where open and adviseur is not null
          union all
          select cluster, adviseur, -1 from oud) as zaak
    group by cluster, adviseur
    having sum(aantal) <> 0
), geteld as (
    update adviseurs set open_zaken = open_zaken + verschil.aantal
    from verschil
    where adviseurs.cluster = verschil.cluster and adviseurs.code = verschil.adviseur
    returning adviseurs.cluster, verschil.aantal
)
update clusters set ruimte = ruimte + 1
where cluster in (select cluster from geteld where aantal < 0);

-- name: save_uitsluitingen
-- Once excluded, for good.
insert into uitsluitingen (zaak, zetel) select * from unnest($1::text[], $2::text[])
on conflict do nothing;

-- name: wis_uitsluitingen
delete from uitsluitingen where zaak = any($1::text[]);

-- name: wis_zaken
-- What was open of them is nobody's work any more. The caller holds the matters and every cluster.
with weg as (
    delete from zaken where subject = any($1::text[])
    returning cluster, adviseur, open
), verschil as (
    select cluster, adviseur, count(*)::integer as aantal from weg
    where open and adviseur is not null group by cluster, adviseur
), geteld as (
    update adviseurs set open_zaken = open_zaken - verschil.aantal
    from verschil
    where adviseurs.cluster = verschil.cluster and adviseurs.code = verschil.adviseur
    returning adviseurs.cluster
)
update clusters set ruimte = ruimte + 1 where cluster in (select cluster from geteld);

-- name: begin_dag
-- Absences begin and end with the day.
update clusters set dag = $1::date, stand = stand + 1, ruimte = ruimte + 1
where cluster in (select cluster from clusters where dag < $1::date order by cluster for update);

-- name: wachtend
-- Matters that nobody was free for, and that were not tried since there is more room; most urgent first. What
-- another replica or a handler holds is left to it.
select zaken.subject
from clusters
join zaken on zaken.cluster = clusters.cluster and zaken.wacht and zaken.ruimte < clusters.ruimte
join matters on matters.subject = zaken.subject
order by zaken.spoed desc, zaken.telt_vanaf, zaken.subject
limit $1
for update of matters skip locked;

-- name: stand
-- What an operator watches.
select count(*) as "meldpunt.matters.without_adviser" from zaken where wacht;

-- name: van_adviseurs
-- Open matters of these advisers that were not looked at since the roster changed or the day began.
select zaken.subject
from unnest($1::text[], $2::text[]) as adviseur (cluster, code)
join clusters on clusters.cluster = adviseur.cluster
join zaken on zaken.cluster = adviseur.cluster and zaken.adviseur = adviseur.code
    and zaken.open and zaken.adviseur is not null and zaken.stand < clusters.stand
join matters on matters.subject = zaken.subject
order by zaken.spoed desc, zaken.telt_vanaf, zaken.subject
limit $3
for update of matters skip locked;
