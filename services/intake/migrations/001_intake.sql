-- SPDX-License-Identifier: EUPL-1.2
-- Intake's own tables. The checks say which states exist; a forward without a grant in force is a row that the
-- database refuses.

-- Contacts are counted here, apart from the meldingen that come of them. Of a listening ear nothing but the subject is
-- left, so that what is told about it later is known to be too late.
create table contacten (
    subject      text primary key,
    status       text not null check (status in ('open', 'doorgezet', 'afgesloten', 'luisterend-oor', 'vernietigd')),
    kanaal       text,
    ontvangen_op timestamptz,
    spoed        boolean,
    uitkomst     text check (uitkomst in ('integriteitskwestie', 'klacht', 'informatie', 'doorverwijzing',
                                          'geen-integriteitskwestie', 'onbereikbaar', 'geen-contactgegevens')),
    uitkomst_op  timestamptz,
    laatst_op    timestamptz,                        -- when anything was last said or done; retention counts from it
    heropend     boolean,                            -- whether the melder came back since the last talk or attempt
    gesproken_op timestamptz,                        -- first talk
    bevestigd_op timestamptz,                        -- acknowledgement of receipt
    gewist_op    timestamptz,                        -- week in which the last traces of a listening ear were gone
    check (gewist_op = date_trunc('week', gewist_op, 'Europe/Amsterdam')),
    check (case status
           when 'luisterend-oor' then
               num_nonnulls(kanaal, ontvangen_op, spoed, uitkomst, uitkomst_op, laatst_op, heropend, gesproken_op,
                            bevestigd_op) = 0
           when 'vernietigd' then
               num_nulls(kanaal, ontvangen_op) = 0
               and num_nonnulls(spoed, laatst_op, heropend, gesproken_op, bevestigd_op, gewist_op) = 0
           else num_nulls(kanaal, ontvangen_op, spoed, laatst_op, heropend) = 0 and gewist_op is null end),
    -- Of what was erased channel, outcome and week remain, for the counts.
    check (status <> 'vernietigd' or (ontvangen_op = date_trunc('week', ontvangen_op, 'Europe/Amsterdam')
           and uitkomst_op is not distinct from date_trunc('week', uitkomst_op, 'Europe/Amsterdam'))),
    check ((uitkomst is null) = (uitkomst_op is null)),
    check (status <> 'open' or uitkomst is null or uitkomst = 'integriteitskwestie'),
    check (status <> 'doorgezet' or uitkomst in ('integriteitskwestie', 'onbereikbaar', 'geen-contactgegevens')),
    check (status <> 'afgesloten' or uitkomst <> 'integriteitskwestie'),
    check (uitkomst is not null or status in ('open', 'luisterend-oor', 'vernietigd')),
    check (status = 'vernietigd' or uitkomst is null or uitkomst in ('onbereikbaar', 'geen-contactgegevens')
           or gesproken_op is not null)
);
create index contacten_te_wissen on contacten (subject) where status = 'luisterend-oor' and gewist_op is null;
create index contacten_oor on contacten (sha256(subject::bytea)) where status = 'luisterend-oor';
create index contacten_bewaard on contacten (laatst_op) where status in ('open', 'afgesloten');

-- A grant is its id and its addressee together. A withdrawal whose grant is not there yet waits among the facts. Of a
-- matter that the line reported there is no contact.
create table instemmingen (
    subject        text not null references matters,
    instemming     text not null,
    geadresseerde  text not null
                   check (geadresseerde in ('coid', 'kmar', 'lijn', 'klachten', 'sg', 'ander-loket')),
    gegeven_op     timestamptz not null,
    ingetrokken_op timestamptz,
    van_kracht     boolean not null,
    primary key (subject, instemming, geadresseerde),
    unique (subject, instemming, geadresseerde, van_kracht),
    check (van_kracht = (ingetrokken_op is null))
);

-- What went to a cluster, and under which grant. A row is written with van_kracht = true, and is refused when the grant
-- it names is not in force or names another addressee; a later withdrawal turns it to false by itself. So one addressee
-- has a matter under one grant in force at most; what it was told may be said anew under that grant, in the same row.
create table doorzettingen (
    subject       text not null,
    instemming    text not null,
    geadresseerde text not null check (geadresseerde in ('coid', 'kmar')),
    van_kracht    boolean not null default true,
    doorgezet_op  timestamptz not null,              -- for the first time
    laatst_op     timestamptz not null,              -- for the last time
    check (laatst_op >= doorgezet_op),
    primary key (subject, instemming, geadresseerde),
    foreign key (subject, instemming, geadresseerde, van_kracht)
        references instemmingen (subject, instemming, geadresseerde, van_kracht) on update cascade
);
create unique index doorzettingen_een_per_geadresseerde on doorzettingen (subject, geadresseerde) where van_kracht;

-- What melders said: nonce and AES-256-GCM ciphertext under the data key of the matter, which rests outside the database.
create table kluis (
    stuk       uuid primary key,                     -- key of the fact it came with, or an id of its own
    subject    text not null,
    soort      text not null,
    inhoud     bytea not null check (octet_length(inhoud) > 28)
);
create index kluis_subject on kluis (subject);
-- Ciphertext does not compress, and is never searched.
alter table kluis alter column inhoud set storage external;

-- The listening ears: how many, through which channel, in which week. Nothing joins a count to a contact.
create table tellingen (
    kanaal   text not null,
    week     text not null check (week ~ '^\d{4}-W\d{2}$'),
    uitkomst text not null check (uitkomst = 'luisterend-oor'),
    aantal   integer not null check (aantal > 0),
    primary key (week, kanaal, uitkomst)
);
