-- SPDX-License-Identifier: EUPL-1.2
-- Storing and firing the clocks.

-- name: load
-- The clocks of these matters, locked in the one order that every writer keeps (matter, then kind).
select onderwerp, soort, generatie, start_op, eind_op, eind_atw_op, waarschuw_op, gewaarschuwd_op, verstreken_op,
       gestopt_op, uitkomst, reden, spoed, rol, alleen_bewaking, afleiding, gesloten_rollen
  from termijnen
 where onderwerp = any($1::text[])
 order by onderwerp, soort
   for update

-- name: save
-- Store whole clocks, new ones and changed ones alike. The caller holds their matters, and sorts.
insert into termijnen (onderwerp, soort, generatie, start_op, eind_op, eind_atw_op, waarschuw_op, volgende_op,
                       gewaarschuwd_op, verstreken_op, gestopt_op, uitkomst, reden, spoed, rol, alleen_bewaking, afleiding,
                       gesloten_rollen)
select onderwerp, soort, generatie, start_op, eind_op, eind_atw_op, waarschuw_op, volgende_op, gewaarschuwd_op,
       verstreken_op, gestopt_op, uitkomst, reden, spoed, rol, alleen_bewaking, afleiding, string_to_array(gesloten, ' ')
  from unnest($1::text[], $2::text[], $3::integer[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
                     $7::timestamptz[], $8::timestamptz[], $9::timestamptz[], $10::timestamptz[], $11::timestamptz[],
                     $12::text[], $13::text[], $14::boolean[], $15::text[], $16::boolean[], $17::text[],
              $18::text[])
       as n (onderwerp, soort, generatie, start_op, eind_op, eind_atw_op, waarschuw_op, volgende_op, gewaarschuwd_op,
             verstreken_op, gestopt_op, uitkomst, reden, spoed, rol, alleen_bewaking, afleiding, gesloten)
    on conflict (onderwerp, soort) do update
   set generatie = excluded.generatie, start_op = excluded.start_op, eind_op = excluded.eind_op,
       eind_atw_op = excluded.eind_atw_op, waarschuw_op = excluded.waarschuw_op, volgende_op = excluded.volgende_op,
       gewaarschuwd_op = excluded.gewaarschuwd_op, verstreken_op = excluded.verstreken_op,
       gestopt_op = excluded.gestopt_op, uitkomst = excluded.uitkomst, reden = excluded.reden, spoed = excluded.spoed,
       rol = excluded.rol, alleen_bewaking = excluded.alleen_bewaking, afleiding = excluded.afleiding,
       gesloten_rollen = excluded.gesloten_rollen

-- name: due
-- The clocks with something to say at $1, most urgent first, at most $2 of them. Rows that another replica or a handler
-- holds are left to whoever holds them.
select onderwerp, soort, generatie, start_op, eind_op, eind_atw_op, waarschuw_op, gewaarschuwd_op, verstreken_op,
       gestopt_op, uitkomst, reden, spoed, rol, alleen_bewaking, afleiding, gesloten_rollen
  from termijnen
 where volgende_op < $1
 order by volgende_op
 limit $2
   for update skip locked

-- name: mark
-- Note what the watch has said about clocks that it holds, and when it has to look again.
update termijnen as t
   set gewaarschuwd_op = n.gewaarschuwd_op, verstreken_op = n.verstreken_op, volgende_op = n.volgende_op
  from unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[])
       as n (onderwerp, soort, gewaarschuwd_op, verstreken_op, volgende_op)
 where t.onderwerp = n.onderwerp and t.soort = n.soort

-- name: wis
-- The clocks of matters that are erased. The caller holds the matters.
delete from termijnen where onderwerp = any($1::text[])
