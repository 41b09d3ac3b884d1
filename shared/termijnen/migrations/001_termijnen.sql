-- SPDX-License-Identifier: EUPL-1.2
-- The clocks of one service: one row per promise and matter. The checks say which states exist, so that a fault in the
-- code shows as a refused row and not as a warning too early or a promise kept twice.

-- The rules that clocks run by, or ran by: a changed rule is a new version, and running clocks keep theirs.
create table termijnregels (
    soort  text not null,
    versie integer not null check (versie >= 1),
    inhoud jsonb not null,
    sinds  timestamptz not null default clock_timestamp(),
    primary key (soort, versie),
    unique (soort, inhoud)
);
comment on table termijnregels is 'Every version of a rule by which a clock of this service was reckoned.';

create table termijnen (
    onderwerp       text not null,                   -- the matter's opaque id
    soort           text not null,
    versie          integer not null,                -- of the rule
    generatie       integer not null check (generatie >= 1),
    start_op        timestamptz not null,
    eind_op         timestamptz,                     -- the last moment in time, without the Algemene termijnenwet; null while
                                                     -- the clock stands still
    eind_atw_op     timestamptz,                     -- as extended by that law; null where it does not extend
    punten_op       timestamptz[] not null,          -- when something is to be said, and what: see shared/termijnen/klok.py
    punten_wat      text[] not null,
    gezegd          integer not null default 0,      -- how many of these were said
    volgende_op     timestamptz,                     -- what the watch looks for; null when it has nothing left to say
    bekend_op       timestamptz not null default now(), -- since when a handler, or a reckoning, has that so: what was heard
                                                     -- late is due since then; no volatile default, which would slow COPY
    gewaarschuwd_op timestamptz,                     -- when it was last said that it nears
    verstreken_op   timestamptz,                     -- when it was called overdue
    geescaleerd_op  timestamptz,                     -- when a rung was last told
    herhaald        integer not null default 0,      -- how often what was said last was said again
    herhaal_op      timestamptz,                     -- when it is next; null while something else is to be said
    stil_van        timestamptz[] not null default '{}',
    stil_tot        timestamptz[] not null default '{}', -- when it stood still; the last may have no end yet
    verlengd_op     timestamptz,
    gestopt_op      timestamptz,
    uitkomst        text check (uitkomst in ('gehaald', 'te-laat-gehaald', 'vervallen')),
    reden           text,
    spoed           boolean not null,
    rol             text not null,
    alleen_bewaking boolean not null,                -- nobody promised: it warns at its end and is never overdue
    afleiding       text not null,
    gesloten_rollen text[] not null default '{}',    -- roles that must not learn of the matter, sorted
    primary key (onderwerp, soort),
    foreign key (soort, versie) references termijnregels,
    check (eind_op > start_op),
    check (eind_atw_op > eind_op),
    check (cardinality(punten_op) = cardinality(punten_wat)),
    check (gezegd between 0 and cardinality(punten_op)),
    check (cardinality(stil_van) = cardinality(stil_tot)),
    constraint termijnen_niet_te_vroeg check
        (gezegd = 0 or coalesce(greatest(gewaarschuwd_op, verstreken_op, geescaleerd_op) > punten_op[gezegd], false)),
    check (verstreken_op > eind_op),
    check (not (alleen_bewaking and verstreken_op is not null)),
    check ((uitkomst is null) = (gestopt_op is null)),
    check (uitkomst is null or eind_op is not null),
    check (uitkomst is distinct from 'vervallen' or reden is not null),
    check (uitkomst is distinct from 'gehaald' or alleen_bewaking or gestopt_op <= eind_op),
    check (uitkomst is distinct from 'te-laat-gehaald' or gestopt_op > eind_op),
    check (herhaald >= 0 and (herhaald = 0 or gezegd = cardinality(punten_op))),
    check (herhaal_op is null or (gezegd = cardinality(punten_op) and uitkomst is null)),
    constraint termijnen_herhaling_later check
        (herhaal_op is null or coalesce(herhaal_op > greatest(gewaarschuwd_op, verstreken_op, geescaleerd_op), false)),
    constraint termijnen_volgende check (volgende_op is not distinct from
        case when uitkomst is null then coalesce(punten_op[gezegd + 1], herhaal_op) end)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- What is due costs what is due, however many clocks run. With their kind, so that they can be counted from here.
create index termijnen_volgende on termijnen (volgende_op) include (soort) where volgende_op is not null;
create index termijnen_te_laat on termijnen (soort, eind_op) where verstreken_op is not null and uitkomst is null;
comment on table termijnen is 'Promises with a clock, as this service owns them; the watch fires from here.';

-- The calendar of each house as it last stated it.
create table kalenders (
    huis           text primary key,
    volgnummer     bigint not null,
    sluitingsdagen date[] not null,
    brugdagen      date[] not null                  -- days of a royal decree, for every house
);
comment on table kalenders is 'Closing days by house, and royal-decree days that were announced since this version was made.';

-- Clocks to be reckoned again, in parts: everything after the cursor still has to be.
create table herrekeningen (
    id         bigint generated always as identity primary key,
    regel      text,                                 -- the kind whose clocks take the rule of now; null: the calendar changed
    vanaf      text not null default '',             -- matters after this one still have to be done
    alleen     text                                  -- this matter alone, which could not be done with the others
);
create unique index herrekeningen_alleen on herrekeningen (coalesce(regel, ''), alleen) where alleen is not null;
comment on table herrekeningen is 'Work left by a changed calendar, or by an operator who lets running clocks take a new rule.';

-- Whoever arms a clock reads rules and calendar under a shared lock; whoever changes them waits for those.
create table termijnstand (
    enige boolean primary key default true check (enige),
    stand bigint not null default 1
);
insert into termijnstand default values;
comment on table termijnstand is 'Moves with every change of rules or calendar: a replica that has seen another reads them again.';
