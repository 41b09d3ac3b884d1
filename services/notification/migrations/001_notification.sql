-- SPDX-License-Identifier: EUPL-1.2
-- Units with their seats and mailboxes, and the notificaties on their way. The checks say which states exist.

create table eenheden (
    eenheid      text primary key,
    volgnummer   bigint not null check (volgnummer >= 1),
    onderdeel    text not null,
    boven        text,
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

create table notificaties (
    kenmerk           uuid primary key,              -- random; the subject of its facts
    zaak              text not null references matters,
    functionaris      text not null,
    onderdeel         text not null,
    eenheid           text not null,
    hoofdgroep        text not null,
    week              text not null check (week ~ '^\d{4}-W\d{2}$'),
    status            text not null
                      check (status in ('klaar', 'geclaimd', 'verzonden', 'opgehouden', 'mislukt', 'vervallen')),
    pogingen          integer not null check (pogingen >= 0),
    volgende_op       timestamptz,
    claim             uuid,                          -- of whoever is sending it now
    claim_tot         timestamptz,                   -- after this anyone may take it over
    geclaimd_op       timestamptz,                   -- the first time it was claimed
    data_op           timestamptz,                   -- from here on the mail server may have accepted it
    mogelijk_dubbel   boolean not null,
    gemeld_opgehouden boolean not null,
    reden             text check (reden in ('geweigerd', 'onbereikbaar')),
    unique (zaak, functionaris),                     -- a seat is told once
    check ((status = 'klaar') = (volgende_op is not null)),
    check ((status = 'geclaimd') = (claim is not null)),
    check ((claim is null) = (claim_tot is null)),
    check (claim is null or geclaimd_op is not null),
    check (data_op is null or claim is not null),
    check (status not in ('geclaimd', 'mislukt') or pogingen >= 1),
    check (not mogelijk_dubbel or pogingen >= 1),
    check (not (status in ('mislukt', 'vervallen') and mogelijk_dubbel)),
    check (status <> 'opgehouden' or gemeld_opgehouden),
    check ((status = 'mislukt') = (reden is not null))
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

-- What is due costs what is due, however many were sent before.
create index notificaties_klaar on notificaties (volgende_op) where status = 'klaar';
create index notificaties_geclaimd on notificaties (claim_tot) where status = 'geclaimd';
create index notificaties_opgehouden on notificaties (functionaris) where status = 'opgehouden';
create index notificaties_mislukt on notificaties (kenmerk) where status = 'mislukt';
comment on table notificaties is 'One row per matter and seat; nothing outside this table joins kenmerk to matter.';
