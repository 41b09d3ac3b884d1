-- SPDX-License-Identifier: EUPL-1.2
-- Units with their seats and mailboxes, the weekly messages on their way, and what each seat is told of which
-- matter. The checks say which states exist.

create table eenheden (
    eenheid      text primary key,
    volgnummer   bigint not null check (volgnummer >= 1),
    onderdeel    text not null,
    boven        text,
    sterkte      integer not null check (sterkte >= 0),
    gewijzigd_op timestamptz not null
);

create table functionarissen (
    eenheid      text not null references eenheden,
    functionaris text not null,                      -- code of a seat, never a person
    rol          text not null,
    postbus      text,
    primary key (functionaris, eenheid, rol)
);
create index functionarissen_eenheid on functionarissen (eenheid);
create index functionarissen_postbus on functionarissen (lower(postbus));

create table ooit_functionaris (
    functionaris text not null,
    eenheid      text not null references eenheden,
    rol          text not null,
    lezer        text,                               -- whose mailbox: digest of the address; null without one
    unique nulls not distinct (functionaris, eenheid, rol, lezer)
);
comment on table ooit_functionaris is 'What any version of a unit ever gave a seat: whoever must not learn of a matter is excluded by this too.';

create table adresboek (
    enig  boolean primary key default true check (enig),
    stand uuid not null default gen_random_uuid()    -- another one whenever a unit or a seat changed
);
comment on table adresboek is 'Tells whether units and seats are still as they were read, so that they need not be read again.';
insert into adresboek default values;

create table rondes (
    ronde      timestamptz primary key,              -- the fixed moment, not that of the making
    gemaakt_op timestamptz not null
);
comment on table rondes is 'Each fixed moment of which the messages were made: once, whatever replica was first.';

create table berichten (
    kenmerk         uuid primary key,                -- random; subject of its facts, and joins to nothing outside
    ronde           timestamptz not null references rondes,
    functionaris    text not null,
    postbus         text,                            -- where it goes; forgotten when it is over
    totaal          text not null,                   -- the period total as it is written
    volgorde        integer not null,                -- random: order of sending says nothing
    samengesteld    boolean not null,                -- what it tells was decided
    status          text not null check (status in ('klaar', 'geclaimd', 'verzonden', 'mislukt')),
    pogingen        integer not null check (pogingen >= 0),
    volgende_op     timestamptz,
    claim           uuid,                            -- of whoever is sending it now
    claim_tot       timestamptz,                     -- after this anyone may take it over
    data_op         timestamptz,                     -- from here on the mail server may have accepted it
    reden           text check (reden in ('geweigerd', 'onbereikbaar')),
    unique (ronde, functionaris),
    check ((status in ('verzonden', 'mislukt')) = (postbus is null)),
    check ((status = 'klaar') = (volgende_op is not null)),
    check ((status = 'geclaimd') = (claim is not null)),
    check ((claim is null) = (claim_tot is null)),
    check (data_op is null or claim is not null),
    check (status = 'klaar' or samengesteld),
    check (status not in ('geclaimd', 'mislukt') or pogingen >= 1),
    check ((status = 'mislukt') = (reden is not null))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- One message to a reader at a time: what it tells depends on what the reader was told before.
create unique index berichten_open on berichten (functionaris) where status in ('klaar', 'geclaimd');
-- What is due costs what is due, however many were sent before.
create index berichten_klaar on berichten (volgende_op, volgorde) where status = 'klaar';
create index berichten_geclaimd on berichten (claim_tot) where status = 'geclaimd';
comment on table berichten is 'One row per round and reader, whether there is anything to tell or not.';

create table zaken (
    zaak    text primary key references matters,
    eenheid text not null,
    week    text not null check (week ~ '^\d{4}-W\d{2}$'),
    telt    boolean not null,                        -- told or held back, and nobody is excluded
    periode integer                                  -- the period in whose totals it was counted: once
);
create index zaken_te_tellen on zaken (zaak) where telt and periode is null;

create table periodes (
    periode       integer primary key,
    afgesloten_op timestamptz not null
);

create table totalen (
    periode integer not null references periodes,
    eenheid text not null,
    getoond integer not null check (getoond >= 0),
    rest    integer not null check (rest >= 0),      -- counts on in the next period
    primary key (periode, eenheid)
);
comment on table totalen is 'What was counted in each unit when a period was over; a number once made stays.';

create table vertellingen (
    zaak         text not null references matters,
    functionaris text not null,
    sinds        timestamptz not null,               -- known here; a round tells what was known when it was made
    status       text not null
                 check (status in ('wacht', 'onderweg', 'verteld', 'opgehouden', 'vervallen')),
    reden        text check (reden in ('te-herleidbaar', 'uitgesloten-niveau', 'functionaris-onbekend',
                                       'geen-postbus', 'eenheid-onbekend', 'uitgeslotene-onbekend')),
    gemeld       boolean not null,                   -- the adviser was told that it is held
    kenmerk      uuid references berichten,          -- the message it is in, until that is over
    plaats       smallint,                           -- its place in the message
    ronde        timestamptz,
    lezer        text,                               -- whose mailbox: digest of the address
    onderdeel    text,
    eenheid      text,                               -- the unit named, which may lie above the unit it concerns
    onderwerp    text,                               -- rubriek or hoofdgroep
    week         text check (week ~ '^\d{4}-W\d{2}$'),
    primary key (zaak, functionaris),                -- a seat is told once of a matter
    check ((status = 'opgehouden') = (reden is not null)),
    check (status <> 'opgehouden' or gemeld),
    check ((status = 'onderweg') = (kenmerk is not null)),
    check ((status = 'onderweg') = (plaats is not null)),
    check ((status in ('onderweg', 'verteld')) = (ronde is not null)),
    check ((ronde is null) = (onderdeel is null) and (ronde is null) = (eenheid is null)
           and (ronde is null) = (onderwerp is null) and (ronde is null) = (week is null)
           and (ronde is null) = (lezer is null))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
create index vertellingen_wacht on vertellingen (functionaris, sinds) where status in ('wacht', 'opgehouden');
create index vertellingen_kenmerk on vertellingen (kenmerk) where kenmerk is not null;
create index vertellingen_verteld on vertellingen (functionaris, ronde) where status in ('onderweg', 'verteld');
create index vertellingen_gelezen on vertellingen (lezer, ronde) where status in ('onderweg', 'verteld');
comment on table vertellingen is 'One row per matter and seat; goes with its matter.';

create table historie (
    functionaris text not null,
    lezer        text not null,
    ronde        timestamptz not null,
    eenheid      text not null,
    regel        uuid not null,
    primary key (regel, functionaris)
);
create index historie_lezer on historie (lezer, ronde);
comment on table historie is 'What a seat and a mailbox were told of matters since erased: unit named, round, a random id for each line; a year.';
