-- SPDX-License-Identifier: EUPL-1.2
-- The clocks of one service: one row per promise and matter. The checks say which states exist, so that a fault in the
-- code shows as a refused row and not as a warning too early or a promise kept twice.

create table termijnen (
    onderwerp       text not null,                   -- the matter's opaque id
    soort           text not null,
    generatie       integer not null check (generatie >= 1),
    start_op        timestamptz not null,
    eind_op         timestamptz not null,            -- the last moment in time, without the Algemene termijnenwet
    eind_atw_op     timestamptz,                     -- as extended by that law; null where it does not extend
    waarschuw_op    timestamptz,
    volgende_op     timestamptz,                     -- what the watch looks for; null when it has nothing left to say
    gewaarschuwd_op timestamptz,
    verstreken_op   timestamptz,                     -- when it was called overdue
    gestopt_op      timestamptz,
    uitkomst        text check (uitkomst in ('gehaald', 'te-laat-gehaald', 'vervallen')),
    reden           text,
    spoed           boolean not null,
    rol             text not null,
    alleen_bewaking boolean not null,                -- nobody promised: it warns at its end and is never overdue
    afleiding       text not null,
    gesloten_rollen text[] not null default '{}',    -- roles that must not learn of the matter, sorted
    primary key (onderwerp, soort),
    check (eind_op > start_op),
    check (eind_atw_op > eind_op),
    check (waarschuw_op > start_op and waarschuw_op <= eind_op),
    constraint termijnen_niet_te_vroeg check (gewaarschuwd_op > waarschuw_op and verstreken_op > eind_op),
    check (not (alleen_bewaking and verstreken_op is not null)),
    check ((uitkomst is null) = (gestopt_op is null)),
    check (uitkomst is distinct from 'vervallen' or reden is not null),
    check (uitkomst is distinct from 'gehaald' or alleen_bewaking or gestopt_op <= eind_op),
    check (uitkomst is distinct from 'te-laat-gehaald' or gestopt_op > eind_op),
    check (volgende_op is null or uitkomst is null and verstreken_op is null),
    check (volgende_op in (waarschuw_op, eind_op))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- What is due costs what is due, however many clocks run.
create index termijnen_volgende on termijnen (volgende_op) where volgende_op is not null;
comment on table termijnen is 'Promises with a clock, as this service owns them; the watch fires from here.';
