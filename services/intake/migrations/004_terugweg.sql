-- SPDX-License-Identifier: EUPL-1.2
-- The melder's way back: receipt codes, answers on their way out, failed attempts.

-- Of a code its keyed hash alone; the key rests with the vault's, outside the database. One matter has one code.
create table ontvangstcodes (
    subject text primary key references contacten,
    afdruk  bytea not null unique check (octet_length(afdruk) = 32)
);

-- Answers that are not confirmed yet. What each says stands in the vault, under the key of its matter; whatever opened
-- nothing under a key of its own kind. A row goes once its answer is gone, and with it all that joins the two.
create table antwoorden (
    antwoord uuid primary key,                       -- key of the fact `antwoord-gegeven`
    vraag    uuid not null unique references facts,  -- key of the fact `vraag-gesteld`
    x        text not null check (x ~ '^[A-Za-z0-9_-]{43}$'),
    y        text not null check (y ~ '^[A-Za-z0-9_-]{43}$')
);
comment on column antwoorden.x is 'Public key (P-256) that came with the question: this coordinate and y.';

-- The keys that answers were asked for, as digests. Each asks once: a sealed question that somebody kept and states again
-- under another id would else give or withdraw consent anew. A row is kept for two to three hours: by then whoever states
-- its question again is too late anyway, since the moment of asking stands inside the seal. Once all are written anew
-- (schud), nothing joins a row to what was asked.
create table antwoordsleutels (
    digest bytea primary key check (octet_length(digest) = 32),
    uur    timestamptz not null default date_trunc('hour', clock_timestamp())
           check (uur = date_trunc('hour', uur))
);

-- Consent that was withdrawn by code while there was none, for an hour: a question for it that was asked before and comes
-- later gives none.
create table vergeefs_ingetrokken (
    subject       text not null references contacten,
    geadresseerde text not null
                  check (geadresseerde in ('coid', 'kmar', 'lijn', 'klachten', 'sg', 'ander-loket')),
    op            timestamptz not null,
    primary key (subject, geadresseerde)
);

-- Failed attempts of the past hour, by the minute.
create table pogingen (
    afzender bytea not null check (octet_length(afzender) in (0, 32)),
    minuut   timestamptz not null check (minuut = date_trunc('minute', minuut)),
    aantal   integer not null check (aantal > 0),
    primary key (afzender, minuut)
);
comment on column pogingen.afzender is 'Keyed hash of the portal''s token for who asked; empty for the sum of all.';
