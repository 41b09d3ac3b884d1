-- SPDX-License-Identifier: EUPL-1.2
-- Routing's own tables. Lock order: matters (the plumbing's), then clusters, both sorted; whoever holds a cluster
-- may read and write its advisers.

-- name: vergrendel_clusters
-- Assignments and changes of the roster take turns, per cluster.
select cluster, stand, ruimte from clusters where cluster = any($1::text[]) order by cluster for update;

-- name: adviseurs
-- With the talks that wait; of those that are over time at $2 it does not matter since when.
select cluster, code, onderdelen, deskundigheid, capaciteit_fte, afwezig_van, afwezig_tot_en_met,
       uitgesloten_eenheden, alleen_eenheden, eigen_eenheden, spreekdagen, gesprekken, actief, open_zaken,
       belasting,
       wacht.dagen as wacht_dagen, wacht.aantallen as wacht_aantallen
from adviseurs
left join lateral (
    select array_agg(dag) as dagen, array_agg(aantal) as aantallen
    from (
        select greatest(uiterlijk, $2::date - 1) as dag, sum(aantal)::integer as aantal
        from werkvoorraad
        where cluster = adviseurs.cluster and adviseur = adviseurs.code and aantal > 0
        group by 1
    ) as per_dag
) as wacht on true
where cluster = any($1::text[]) order by cluster, code;

-- name: adviseurs_met_beperking
-- Those whose matters may have to go to another: gone, without capacity, absence known, or a conflict of interest known.
select cluster, code, onderdelen, deskundigheid, capaciteit_fte, afwezig_van, afwezig_tot_en_met,
       uitgesloten_eenheden, alleen_eenheden, eigen_eenheden, spreekdagen, gesprekken, actief, open_zaken,
       belasting,
       null::timestamp[] as wacht_dagen, null::integer[] as wacht_aantallen
from adviseurs
where not actief or capaciteit_fte <= 0 or afwezig_van <> '{}' or uitgesloten_eenheden <> '{}' or eigen_eenheden <> '{}'
order by cluster, code;

-- name: save_adviseurs
-- The highest version counts, whatever the order of arrival. A change makes every waiting matter worth another
-- try, and every matter of an adviser who may have to stop worth another look.
with gewijzigd as (
    insert into adviseurs (cluster, code, volgnummer, onderdelen, deskundigheid, capaciteit_fte, afwezig_van,
                           afwezig_tot_en_met, uitgesloten_eenheden, alleen_eenheden, eigen_eenheden,
                           spreekdagen, gesprekken, actief)
    select * from jsonb_to_recordset($1::jsonb)
        as n (cluster text, code text, volgnummer bigint, onderdelen text[], deskundigheid text[],
              capaciteit_fte double precision, afwezig_van date[], afwezig_tot_en_met date[],
              uitgesloten_eenheden text[], alleen_eenheden text[], eigen_eenheden text[], spreekdagen date[],
              gesprekken integer[], actief boolean)
    on conflict (cluster, code) do update
    set volgnummer = excluded.volgnummer, onderdelen = excluded.onderdelen,
        deskundigheid = excluded.deskundigheid, capaciteit_fte = excluded.capaciteit_fte,
        afwezig_van = excluded.afwezig_van, afwezig_tot_en_met = excluded.afwezig_tot_en_met,
        uitgesloten_eenheden = excluded.uitgesloten_eenheden, alleen_eenheden = excluded.alleen_eenheden,
        eigen_eenheden = excluded.eigen_eenheden, spreekdagen = excluded.spreekdagen,
        gesprekken = excluded.gesprekken, actief = excluded.actief
    where adviseurs.volgnummer < excluded.volgnummer
    returning cluster
)
update clusters set stand = stand + 1, ruimte = ruimte + 1, plan = plan + 1
where cluster in (select cluster from gewijzigd)
returning cluster, stand, ruimte;

-- name: save_eenheden
-- The highest version counts. When a unit is part of another than before every cluster looks again at whose conflict that
-- may be; the caller holds the clusters.
with gewijzigd as (
    insert into eenheden as e (code, volgnummer, boven)
    select * from unnest($1::text[], $2::bigint[], $3::text[])
    on conflict (code) do update set volgnummer = excluded.volgnummer, boven = excluded.boven
    where e.volgnummer < excluded.volgnummer
    returning code
)
update clusters set stand = stand + 1, ruimte = ruimte + 1, plan = plan + 1
where exists (select from gewijzigd)
returning cluster, stand, ruimte;

-- name: lijnen
-- These units, and all that they are part of.
with recursive lijn (code) as (
    select unnest($1::text[])
    union
    select eenheden.boven from lijn join eenheden on eenheden.code = lijn.code where eenheden.boven is not null
)
select eenheden.code, eenheden.boven from lijn join eenheden on eenheden.code = lijn.code
where eenheden.boven is not null;

-- name: save_zaken
-- Store whole matters and move the advisers' counters with them. The caller holds matters and clusters.
with nieuw as (
    select * from unnest($1::text[], $2::text[], $3::boolean[], $4::timestamptz[], $5::boolean[], $6::boolean[],
                         $7::text[], $8::text[], $9::text[], $10::boolean[], $11::text[], $12::text[],
                         $13::timestamp[], $14::integer[], $15::boolean[], $16::bigint[], $17::bigint[], $18::boolean[])
        as n (subject, cluster, spoed, telt_vanaf, open, wacht, adviseur, waarom, kwalificatie, instemming,
              eenheid, leidinggevende, uiterlijk, gewicht, in_gevaar, stand, ruimte, krap)
), oud as (
    select cluster, adviseur, uiterlijk, gewicht from zaken
    where subject = any($1::text[]) and open and adviseur is not null
), bewaard as (
    insert into zaken (subject, cluster, spoed, telt_vanaf, open, wacht, adviseur, waarom, kwalificatie,
                       instemming, eenheid, leidinggevende, uiterlijk, gewicht, in_gevaar, stand, ruimte)
    select subject, cluster, spoed, telt_vanaf, open, wacht, adviseur, waarom::jsonb, kwalificatie,
           instemming, eenheid, leidinggevende, uiterlijk, gewicht, in_gevaar, stand, ruimte
    from nieuw
    on conflict (subject) do update
    set cluster = excluded.cluster, spoed = excluded.spoed, telt_vanaf = excluded.telt_vanaf,
        open = excluded.open, wacht = excluded.wacht, adviseur = excluded.adviseur, waarom = excluded.waarom,
        kwalificatie = excluded.kwalificatie, instemming = excluded.instemming, eenheid = excluded.eenheid,
        leidinggevende = excluded.leidinggevende, uiterlijk = excluded.uiterlijk, gewicht = excluded.gewicht,
        in_gevaar = excluded.in_gevaar, stand = excluded.stand, ruimte = excluded.ruimte
), beweging as (
    select cluster, adviseur, uiterlijk, gewicht, 1 as aantal from nieuw where open and adviseur is not null
    union all
    select cluster, adviseur, uiterlijk, -gewicht, -1 from oud
), verschil as (
    select cluster, adviseur, sum(aantal)::integer as aantal, sum(gewicht)::integer as gewicht
    from beweging group by cluster, adviseur
    having sum(aantal) <> 0 or sum(gewicht) <> 0
), geteld as (
    update adviseurs set open_zaken = open_zaken + verschil.aantal, belasting = belasting + verschil.gewicht
    from verschil
    where adviseurs.cluster = verschil.cluster and adviseurs.code = verschil.adviseur
    returning adviseurs.cluster, verschil.aantal, verschil.gewicht
), gesprekken as (
    select cluster, adviseur, uiterlijk, sum(aantal)::integer as aantal
    from beweging where uiterlijk is not null group by cluster, adviseur, uiterlijk
    having sum(aantal) <> 0
), erbij as (
    insert into werkvoorraad as w (cluster, adviseur, uiterlijk, aantal)
    select cluster, adviseur, uiterlijk, aantal from gesprekken where aantal > 0
    on conflict (cluster, adviseur, uiterlijk) do update set aantal = w.aantal + excluded.aantal
), eraf as (
    update werkvoorraad as w set aantal = w.aantal + g.aantal
    from gesprekken as g
    where g.aantal < 0 and w.cluster = g.cluster and w.adviseur = g.adviseur and w.uiterlijk = g.uiterlijk
), te_plannen as (
    select cluster from nieuw where krap
    union
    -- It is due at another moment than it was, or who was told that it is in danger must not learn of it any more.
    select nieuw.cluster from nieuw join zaken on zaken.subject = nieuw.subject
    where nieuw.open and (zaken.uiterlijk <> nieuw.uiterlijk or (zaken.in_gevaar and not nieuw.in_gevaar))
)
update clusters
set ruimte = ruimte + (cluster in (select cluster from geteld where aantal < 0))::integer,
    plan = plan + (cluster in (select cluster from te_plannen)
                   or exists (select from zaken where zaken.cluster = clusters.cluster and in_gevaar))::integer
where cluster in (select cluster from geteld where aantal < 0 or gewicht < 0)
   or cluster in (select cluster from te_plannen);

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
    returning cluster, adviseur, open, uiterlijk, gewicht
), eigen as (
    select * from weg where open and adviseur is not null
), verschil as (
    select cluster, adviseur, count(*)::integer as aantal, sum(gewicht)::integer as gewicht
    from eigen group by cluster, adviseur
), geteld as (
    update adviseurs set open_zaken = open_zaken - verschil.aantal, belasting = belasting - verschil.gewicht
    from verschil
    where adviseurs.cluster = verschil.cluster and adviseurs.code = verschil.adviseur
    returning adviseurs.cluster
), gesprekken as (
    select cluster, adviseur, uiterlijk, count(*)::integer as aantal
    from eigen where uiterlijk is not null group by cluster, adviseur, uiterlijk
), eraf as (
    update werkvoorraad as w set aantal = w.aantal - g.aantal
    from gesprekken as g
    where w.cluster = g.cluster and w.adviseur = g.adviseur and w.uiterlijk = g.uiterlijk
)
update clusters set ruimte = ruimte + 1, plan = plan + 1 where cluster in (select cluster from geteld);

-- name: begin_dag
-- Absences begin and end with the day, and what room there was in the last one is gone.
with begonnen as (
    update clusters set dag = $1::date, stand = stand + 1, ruimte = ruimte + 1, plan = plan + 1
    where cluster in (select cluster from clusters where dag < $1::date order by cluster for update)
    returning cluster
)
delete from werkvoorraad where aantal = 0 and cluster in (select cluster from begonnen);

-- name: plan_opnieuw
-- Other days are working days than before.
update clusters set plan = plan + 1 where cluster = any($1::text[]);

-- name: te_plannen
-- The clusters in which who speaks with whom may have to change since that was looked at, or where a matter that was set
-- aside is to be tried again.
select cluster, plan from clusters
where gepland < plan
   or exists (select from terzijde join zaken on zaken.subject = terzijde.onderwerp
              where werk = 'planning' and tot <= now() and zaken.cluster = clusters.cluster
                and zaken.open and zaken.uiterlijk is not null)
order by cluster;

-- name: gesprekken_te_plannen
-- Matters of which the talk is still to be held: those that can be in time, most urgent first, and those that are late,
-- the oldest first; $3 of each, without what was set aside. They are locked as a handler locks them: what it holds is
-- waited for.
select matters.subject from matters
where subject in (
    (select subject from zaken where cluster = $1 and open and uiterlijk >= $2::date
     order by uiterlijk, subject limit $3)
    union all
    (select subject from zaken where cluster = $1 and open and uiterlijk < $2::date
     order by uiterlijk, subject limit $3)
)
and subject not in (select onderwerp from terzijde where werk = 'planning' and tot > now())
order by subject for update;

-- name: gepland
-- The caller holds the cluster.
update clusters set gepland = $2 where cluster = $1;

-- name: wachtend
-- Matters that nobody was free for, and that were not tried since there is more room; most urgent first. What
-- another replica or a handler holds is left to it, and what was set aside is left alone.
select zaken.subject
from clusters
join zaken on zaken.cluster = clusters.cluster and zaken.wacht and zaken.ruimte < clusters.ruimte
join matters on matters.subject = zaken.subject
where zaken.subject not in (select onderwerp from terzijde where werk = 'herkansing' and tot > now())
order by zaken.spoed desc, zaken.telt_vanaf, zaken.subject
limit $1
for update of matters skip locked;

-- name: stand
-- What an operator watches.
select (select count(*) from zaken where wacht) as "meldpunt.matters.without_adviser",
       (select count(*) from zaken where in_gevaar) as "meldpunt.matters.in_danger";

-- name: van_adviseurs
-- Open matters of these advisers that were not looked at since the roster changed or the day began.
select zaken.subject
from unnest($1::text[], $2::text[]) as adviseur (cluster, code)
join clusters on clusters.cluster = adviseur.cluster
join zaken on zaken.cluster = adviseur.cluster and zaken.adviseur = adviseur.code
    and zaken.open and zaken.adviseur is not null and zaken.stand < clusters.stand
join matters on matters.subject = zaken.subject
where zaken.subject not in (select onderwerp from terzijde where werk = 'herkansing' and tot > now())
order by zaken.spoed desc, zaken.telt_vanaf, zaken.subject
limit $3
for update of matters skip locked;
