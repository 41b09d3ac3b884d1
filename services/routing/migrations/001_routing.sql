-- SPDX-License-Identifier: EUPL-1.2
-- The roster as the clusters state it, and every matter as its facts say it stands. All of it can be made anew
-- from the facts; the checks say which states exist.

create table clusters (
    cluster text primary key,
    stand   bigint not null default 1,               -- goes up when the roster changes and when a day begins
    ruimte  bigint not null default 1,               -- goes up with `stand`, and when an adviser gets room
    plan    bigint not null default 1,               -- goes up when who speaks with whom may have to change
    gepland bigint not null default 0,               -- `plan` when that was last looked at
    dag     date not null default '-infinity'        -- the last day that was begun, in Europe/Amsterdam
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);
insert into clusters (cluster) values ('coid'), ('kmar');
comment on table clusters is
    'One row per cluster; whoever assigns in it or changes its roster holds the row, after the matters.';

create table adviseurs (
    cluster              text not null references clusters,
    code                 text not null,
    volgnummer           bigint not null check (volgnummer >= 1),
    onderdelen           text[] not null,
    deskundigheid        text[] not null,
    capaciteit_fte       double precision not null check (capaciteit_fte between 0 and 2),
    afwezig_van          date[] not null,
    afwezig_tot_en_met   date[] not null,            -- beside afwezig_van; null: no known end
    uitgesloten_eenheden text[] not null,
    alleen_eenheden      text[] not null,
    eigen_eenheden       text[] not null,
    spreekdagen          date[] not null,            -- room for first talks that the roster states, in order
    gesprekken           integer[] not null,         -- beside spreekdagen: how many, four for each, by quarter of the day
    actief               boolean not null,
    open_zaken           integer not null default 0 check (open_zaken >= 0),
    belasting            integer not null default 0 check (belasting >= 0),  -- weight of these, in tenths
    primary key (cluster, code),
    check (cardinality(afwezig_van) = cardinality(afwezig_tot_en_met)),
    check (4 * cardinality(spreekdagen) = cardinality(gesprekken))
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);

-- Whose matters may have to go to another: a short list, looked at every second.
create index adviseurs_met_beperking on adviseurs (cluster, code)
    where not actief or afwezig_van <> '{}' or uitgesloten_eenheden <> '{}' or eigen_eenheden <> '{}';

-- Talks with a melder that are still to be held, counted so that what is chosen costs the same however many wait.
create table werkvoorraad (
    cluster   text not null,
    adviseur  text not null,
    uiterlijk timestamp not null,                    -- the last quarter of a day that is in time, wall clock
    aantal    integer not null check (aantal >= 0),
    primary key (cluster, adviseur, uiterlijk),
    foreign key (cluster, adviseur) references adviseurs
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000);

create table eenheden (
    code       text primary key,
    volgnummer bigint not null,
    boven      text                                  -- the unit it is part of
);
comment on table eenheden is 'Which unit is part of which: whoever belongs to a line takes no matter of it.';

create table zaken (
    subject        text primary key,                 -- the matter's opaque id
    cluster        text not null references clusters,
    spoed          boolean not null,
    telt_vanaf     timestamptz not null,             -- start of the adviser's week
    open           boolean not null,                 -- an adviser's open work
    wacht          boolean not null,                 -- open, and nobody is free
    adviseur       text,
    waarom         jsonb,                            -- why this adviser, or why nobody
    kwalificatie   text,
    instemming     boolean not null,                 -- may go to the line
    eenheid        text,
    leidinggevende text,                             -- where it is placed now
    uiterlijk      timestamp,                        -- as in werkvoorraad; null: no talk to hold
    gewicht        integer not null,                 -- among an adviser's open matters, in tenths
    in_gevaar      boolean not null,                 -- it was said that the talk will not be held in time
    stand          bigint not null,                  -- of the cluster, when it was last decided about
    ruimte         bigint not null,
    constraint zaken_adviseur foreign key (cluster, adviseur) references adviseurs,
    constraint zaken_wacht check (wacht = (open and adviseur is null)),
    constraint zaken_waarom check (adviseur is null or waarom is not null),
    constraint zaken_plaats check ((eenheid is null) = (leidinggevende is null)),
    constraint zaken_lijn check (
        leidinggevende is null or (instemming and kwalificatie is not distinct from 'melding')
    )
) with (fillfactor = 80);
create index zaken_wacht on zaken (cluster, ruimte) where wacht;
create index zaken_gesprek on zaken (cluster, uiterlijk, subject) where open and uiterlijk is not null;
create index zaken_in_gevaar on zaken (cluster) where in_gevaar;
create index zaken_adviseur on zaken (cluster, adviseur, stand) where open and adviseur is not null;

create table uitsluitingen (
    zaak  text not null,
    zetel text not null,
    primary key (zaak, zetel)
);
create index uitsluitingen_zetel on uitsluitingen (zetel);
comment on table uitsluitingen is 'Seats that must not learn of a matter: for such a reader there is none.';
