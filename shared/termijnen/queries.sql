-- SPDX-License-Identifier: EUPL-1.2
-- Storing and firing the clocks.

-- name: load
-- The clocks of these matters, locked in the one order that every writer keeps (matter, then kind).
select * from termijnen where onderwerp = any($1::text[]) order by onderwerp, soort for update

-- name: save
-- Store changed clocks. The caller holds them, and sorts. A list in a field is written with spaces. What was set
-- aside is another clock now: a pause of the watch was for the old one.
with weer as (
    delete from terzijde
    where werk = 'watch' and (onderwerp, soort) in (select * from unnest($1::text[], $2::text[]))
)
update termijnen as t
   set versie = n.versie, generatie = n.generatie, start_op = n.start_op, eind_op = n.eind_op,
       eind_atw_op = n.eind_atw_op, punten_op = string_to_array(n.punten_op, ' ')::timestamptz[],
       punten_wat = string_to_array(n.punten_wat, ' '), gezegd = n.gezegd, volgende_op = n.volgende_op,
       bekend_op = case when t.volgende_op is distinct from n.volgende_op then now() else t.bekend_op end,
       gewaarschuwd_op = n.gewaarschuwd_op, verstreken_op = n.verstreken_op, geescaleerd_op = n.geescaleerd_op,
       herhaald = n.herhaald, herhaal_op = n.herhaal_op,
       stil_van = string_to_array(n.stil_van, ' ')::timestamptz[],
       stil_tot = string_to_array(n.stil_tot, ' ', '-')::timestamptz[],
       verlengd_op = n.verlengd_op, gestopt_op = n.gestopt_op, uitkomst = n.uitkomst, reden = n.reden, spoed = n.spoed,
       rol = n.rol, alleen_bewaking = n.alleen_bewaking, afleiding = n.afleiding,
       gesloten_rollen = string_to_array(n.gesloten, ' ')
  from unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::timestamptz[], $6::timestamptz[],
              $7::timestamptz[], $8::text[], $9::text[], $10::integer[], $11::timestamptz[], $12::timestamptz[],
              $13::timestamptz[], $14::timestamptz[], $15::integer[], $16::timestamptz[], $17::text[], $18::text[],
              $19::timestamptz[], $20::timestamptz[], $21::text[], $22::text[], $23::boolean[], $24::text[],
              $25::boolean[], $26::text[], $27::text[])
       as n (onderwerp, soort, versie, generatie, start_op, eind_op, eind_atw_op, punten_op, punten_wat, gezegd,
             volgende_op, gewaarschuwd_op, verstreken_op, geescaleerd_op, herhaald, herhaal_op, stil_van, stil_tot, verlengd_op,
             gestopt_op, uitkomst, reden, spoed, rol, alleen_bewaking, afleiding, gesloten)
 where t.onderwerp = n.onderwerp and t.soort = n.soort

-- name: due
-- The clocks with something to say at $1, most urgent first, at most $2 of them. Rows that another replica or a handler
-- holds are left to whoever holds them; here and below, what was set aside is left alone.
select * from termijnen
where volgende_op < $1
  and (onderwerp, soort) not in (select onderwerp, soort from terzijde where werk = 'watch' and tot > now())
order by volgende_op limit $2 for update skip locked

-- name: eerstvolgende
-- The present, and the next moment at which something is to be said.
select clock_timestamp() as nu, (
    select volgende_op from termijnen
    where volgende_op is not null
      and (onderwerp, soort) not in (select onderwerp, soort from terzijde where werk = 'watch' and tot > now())
    order by volgende_op limit 1
) as op

-- name: iets_te_zeggen
-- Whether any clock has something to say at $1. By the first of the index: looked for as a row that is over, the planner
-- expects to meet one soon and reads the whole table.
select coalesce((
    select volgende_op from termijnen
    where volgende_op is not null
      and (onderwerp, soort) not in (select onderwerp, soort from terzijde where werk = 'watch' and tot > now())
    order by volgende_op limit 1
) < $1, false)

-- name: mark
-- Note what the watch has said about clocks that it holds, and when it has to look again.
update termijnen as t
   set gezegd = n.gezegd, gewaarschuwd_op = n.gewaarschuwd_op, verstreken_op = n.verstreken_op,
       geescaleerd_op = n.geescaleerd_op, herhaald = n.herhaald, herhaal_op = n.herhaal_op, volgende_op = n.volgende_op
  from unnest($1::text[], $2::text[], $3::integer[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
              $7::integer[], $8::timestamptz[], $9::timestamptz[])
       as n (onderwerp, soort, gezegd, gewaarschuwd_op, verstreken_op, geescaleerd_op, herhaald, herhaal_op, volgende_op)
 where t.onderwerp = n.onderwerp and t.soort = n.soort

-- name: te_laat
-- By kind the clocks that were called overdue and still run, and how long ago the first of them ended, in seconds.
select soort, count(*), extract(epoch from clock_timestamp() - min(eind_op))
from termijnen where verstreken_op is not null and uitkomst is null
group by soort

-- name: wachtend
-- How long what the watch comes to first ($1 clocks) waits for it, the longest of them, in seconds: since it was due, or
-- was known here if that was later. Negative when none is due.
select extract(epoch from clock_timestamp() - min(greatest(volgende_op, bekend_op))) as wacht_s
from (
    select volgende_op, bekend_op from termijnen
    where volgende_op is not null
      and (onderwerp, soort) not in (select onderwerp, soort from terzijde where werk = 'watch' and tot > now())
    order by volgende_op limit $1
) as eerste

-- name: een_processor
-- What is counted in this transaction for an operator takes no processors from the work.
set local max_parallel_workers_per_gather = 0

-- name: lopend
-- By kind the clocks of which there is still something to say. From the index alone, as far as rows lie still.
select soort, count(*) from termijnen where volgende_op is not null group by soort

-- name: wis
-- The clocks of matters that are erased. The caller holds the matters.
with niet_meer as (delete from herrekeningen where alleen = any($1::text[]))
delete from termijnen where onderwerp = any($1::text[])

-- name: lees_mee
-- Rules and calendar stay as they are until this transaction ends.
select pg_advisory_xact_lock_shared(hashtext('termijnstand'))

-- name: stand
select stand from termijnstand

-- name: verander
-- Nobody reckons by what is about to change: wait for those who do. Take it after the matters.
select pg_advisory_xact_lock(hashtext('termijnstand'))

-- name: verzet
update termijnstand set stand = stand + 1

-- name: regels
select soort, versie, inhoud from termijnregels

-- name: leg_regel_vast
insert into termijnregels (soort, versie, inhoud)
select $1, coalesce(max(versie), 0) + 1, $2::jsonb from termijnregels where soort = $1

-- name: weer_geprobeerd
-- Clocks that a replica set aside because they run by a rule or kind that its version does not know.
delete from terzijde where werk in ('watch', 'herrekening') and fout = 'OnbekendeRegel'

-- name: kalenders
select huis, sluitingsdagen, brugdagen from kalenders

-- name: leg_kalender_vast
-- The highest number counts; returns the house when that changes its days.
with was as (select sluitingsdagen, brugdagen from kalenders where huis = $1),
nu as (
    insert into kalenders as k (huis, volgnummer, sluitingsdagen, brugdagen) values ($1, $2, $3, $4)
    on conflict (huis) do update
    set volgnummer = excluded.volgnummer, sluitingsdagen = excluded.sluitingsdagen, brugdagen = excluded.brugdagen
    where k.volgnummer < excluded.volgnummer
    returning huis, sluitingsdagen, brugdagen
)
select huis from nu
where not exists (select from was where was.sluitingsdagen = nu.sluitingsdagen and was.brugdagen = nu.brugdagen)

-- name: herreken
insert into herrekeningen (regel) values ($1)

-- name: openstaand
-- What of these matters ($1) waits to be reckoned anew: the clocks of a kind, by the rule of now, or (null) all, by the
-- calendar of now; of every matter, or (alleen) of one that was left over.
select distinct regel, alleen from herrekeningen where alleen is null or alleen = any($1::text[])

-- name: te_herrekenen
-- One piece of work, for one replica at a time.
select id, regel, vanaf, alleen from herrekeningen
where alleen is null
   or alleen not in (select onderwerp from terzijde where werk = 'herrekening' and tot > now())
order by id limit 1 for update skip locked

-- name: volgende_zaken
-- The next matters with a clock that runs, at most $3 of them, of this kind and this matter alone ($4) if one is named.
-- They are locked as a handler locks them: what it holds is waited for.
select matters.subject from matters
where subject > $1 and ($4::text is null or subject = $4)
  and exists (select from termijnen where onderwerp = subject and uitkomst is null and ($2::text is null or soort = $2))
order by subject limit $3 for update

-- name: tot_hier
update herrekeningen set vanaf = $2 where id = $1

-- name: later
-- These matters could not be reckoned again: each still has to be, by itself.
insert into herrekeningen (regel, alleen) select * from unnest($1::text[], $2::text[])
on conflict do nothing

-- name: klaar
delete from herrekeningen where id = $1
