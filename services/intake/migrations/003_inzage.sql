-- SPDX-License-Identifier: EUPL-1.2
-- Who reads what: the readers' keys, what was sealed to whom under which grant, and the two logs of it.

-- The key of each reader as its party stated it last. Versions up to verloren_tot open nothing any more.
create table lezerssleutels (
    partij         text not null check (partij in ('mid', 'coid', 'kmar', 'lijn')),
    ontvanger      text not null,
    volgnummer     bigint not null,
    vastgesteld_op timestamptz not null,
    sleutel        text,                             -- public JWK; null: no key any more
    geldig_tot     timestamptz,
    verloren_tot   bigint not null,
    primary key (partij, ontvanger),
    check (verloren_tot <= volgnummer),
    check (sleutel is not null or verloren_tot = volgnummer)
);

-- The pieces in the vault, by the random name that each has outside it. It goes with the content.
create table stukken (
    stuk     uuid primary key references kluis on delete cascade,
    subject  text not null,
    kenmerk  uuid not null unique
);
create index stukken_subject on stukken (subject);

-- Which piece was stated to which reader, and under which grant. A row is written with van_kracht = true, and is
-- refused when the grant it names is not in force or names another party; a withdrawal turns it to false by itself.
-- What goes to the MID, and nothing else, rests on no grant.
create table verstrekkingen (
    feit         uuid primary key,                   -- key of the inhoud-verstrekt
    subject      text not null,
    stuk         uuid not null references stukken on delete cascade,
    partij       text not null check (partij in ('mid', 'coid', 'kmar', 'lijn')),
    ontvanger    text not null,
    instemming   text,
    van_kracht   boolean not null default true,
    status       text not null default 'te-verzegelen'
                 check (status in ('te-verzegelen', 'verzegeld', 'vervallen', 'beeindigd')),
    volgnummer   bigint,                             -- version of the key it was sealed to
    check ((instemming is null) = (partij = 'mid')),
    check (van_kracht or partij <> 'mid'),
    check (status <> 'verzegeld' or volgnummer is not null),
    foreign key (subject, instemming, partij, van_kracht)
        references instemmingen (subject, instemming, geadresseerde, van_kracht)
        on update cascade on delete cascade
);
create index verstrekkingen_subject on verstrekkingen (subject) where status <> 'beeindigd';
create index verstrekkingen_lezer on verstrekkingen (partij, ontvanger) where status <> 'beeindigd';
create index verstrekkingen_stuk on verstrekkingen (stuk);
create index verstrekkingen_instemming on verstrekkingen (subject, instemming, partij);
create unique index verstrekkingen_eenmaal on verstrekkingen (partij, ontvanger, stuk)
    where van_kracht and status in ('te-verzegelen', 'verzegeld');

-- Pieces that an adviser shared, until they went to their seat or it was said that nobody may read them.
create table delingen (
    stuk  uuid primary key references stukken on delete cascade,
    sinds timestamptz not null default clock_timestamp()
);
create index delingen_sinds on delingen (sinds);

-- Matters in which a reader has a right and no usable key. `gemeld`: the role was warned; until then, and when a key
-- has come, the matter is to be decided anew.
create table wachtenden (
    partij    text not null,
    ontvanger text not null,
    subject   text not null,
    gemeld    boolean not null,
    primary key (partij, ontvanger, subject)
);
create index wachtenden_subject on wachtenden (subject);
create index wachtenden_ongemeld on wachtenden (subject) where not gemeld;

-- The access log (BIO2 8.15.01): who did what to what, with what result, from where, when. Without content, and it
-- outlives the matter: of whom it was can be told only while the matter's data key is there.
create table toegangslog (
    volgnummer bigint primary key,
    trace_id   text not null,
    tijd       timestamptz not null,
    handeling  text not null,
    betrokkene text,                                 -- encrypted; absent when no matter can be told
    stuk       uuid,                                 -- name of the piece, made with the matter's data key; or of a parked row its id
    voor       text,                                 -- reader that it was sealed for: party and code
    sleutel    text,                                 -- key that it was sealed to: version and thumbprint (RFC 7638)
    resultaat  text not null,
    herkomst   text not null,
    actor      text not null,
    hash       bytea not null check (length(hash) = 32)
);

-- Logboek Dataverwerkingen 1.0.0: one line for each action of a processing, and nobody of the staff in it.
create table logboek (
    volgnummer     bigint primary key,
    trace_id       text not null,
    span_id        text not null,
    parent_span_id text,
    status         text not null check (status in ('Unset', 'Ok', 'Error')),
    name           text not null,
    start_time     timestamptz not null,
    end_time       timestamptz not null,
    attributes     text not null,                    -- JSON, as it was hashed
    hash           bytea not null check (length(hash) = 32)
);

comment on table toegangslog is 'Append-only: who did what with content; chained.';
comment on table logboek is 'Append-only: what was processed and about whom; chained.';

-- The head of each chain. A line's hash is over the one before it and the line itself.
create table ketens (
    keten      text primary key check (keten in ('logboek', 'toegangslog')),
    volgnummer bigint not null,
    hash       bytea not null
);
insert into ketens values ('logboek', 0, decode(repeat('00', 32), 'hex')), ('toegangslog', 0, decode(repeat('00', 32), 'hex'));
