-- SPDX-License-Identifier: EUPL-1.2
-- What every service has: the facts it knows (heard and stated), the matters they are about, what is
-- still to be published, and what could not be handled.

create table facts (
    key         uuid primary key,                    -- stands for source and id
    publisher   text not null,
    id          text not null,
    name        text not null,                       -- <fact>.v<n>
    subject     text not null,
    time        timestamptz not null,
    data        bytea,                               -- JSON; null once erased
    digest      bytea not null,
    traceparent text,
    received_at timestamptz not null default clock_timestamp()
);
create index facts_subject on facts (subject);
comment on table facts is 'Inbox, buffer for early facts, and history in one; the services own facts included.';

create table matters (
    subject    text primary key,
    known      boolean not null default false,       -- false: facts came before the fact that opens it
    first_seen timestamptz not null default clock_timestamp(),
    gewist_op  timestamptz,                          -- week in which it was erased; what comes later comes to nothing
    sporen     boolean not null default false,       -- erased, but what was stated about it may not be published yet
    onzeker    boolean not null default false,       -- decided while a message was parked that may say who must not learn of it
    constraint matters_gewist check (
        case when gewist_op is null then not sporen
             else known and not onzeker and gewist_op = date_trunc('week', gewist_op, 'Europe/Amsterdam')
                  and first_seen = date_trunc('week', first_seen, 'Europe/Amsterdam') end
    )
);
create index matters_unknown on matters (first_seen) where not known;
create index matters_sporen on matters (subject) where sporen;
create index matters_onzeker on matters (subject) where onzeker;
create index matters_digest on matters (sha256(subject::bytea));
comment on table matters is 'What the facts are about. Of a matter that was erased this row is all that is left.';

create table schuddingen (
    tabel      text primary key,
    transactie xid not null                          -- that wrote all its erased rows anew
);
comment on table schuddingen is 'Which transaction last wrote erased rows anew: what bears another number is erased since.';

create table outbox (
    key         uuid primary key references facts,
    routing_key text not null,
    stated_at   timestamptz not null default clock_timestamp(),
    lease_until timestamptz not null                 -- whoever holds the lease publishes it
) with (autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0);
create index outbox_lease on outbox (lease_until);

create table terzijde (
    werk      text not null,                         -- the background job that cannot do it
    onderwerp text not null,                         -- a matter, or a message
    soort     text not null,                         -- which clock of it, where it is one
    fout      text not null,                         -- the kind of error, without its words
    keer      integer not null default 1,
    sinds     timestamptz not null default clock_timestamp(),
    tot       timestamptz not null,                  -- then it is tried again
    primary key (werk, onderwerp, soort)
);
create index terzijde_onderwerp on terzijde (onderwerp);
comment on table terzijde is 'Rows that a background job leaves alone for a while, so that all others proceed.';

create table voortgang (
    wachtrij  text not null,
    replica   uuid not null,                         -- one process, for as long as it loses no acknowledgement
    verwerkt  bigint not null,
    in_handen integer not null,
    luistert_sinds timestamptz,                      -- since when it gets messages over one and the same channel
    schoon_op timestamptz,                           -- all that it was handed over that channel by then is applied
    gezien_op timestamptz not null,
    primary key (wachtrij, replica)
) with (fillfactor = 50);
comment on table voortgang is 'How far each replica has come, so that the watch of one does not run ahead of another.';

-- What could not be handled. Nothing that is readable here tells what a message said, or when or how large it was exactly.
create table geparkeerd (
    id            uuid primary key,                  -- random
    afdruk        bytea unique check (octet_length(afdruk) = 32),  -- so that the same message stands here once; for a day
    reden         text not null,
    routing_key   text not null,                     -- 'onbekend' when it is no key of ours
    afzender      text,                              -- the account, as the broker validated it
    feit          uuid,                              -- key of the fact, where it could be read
    omvang        integer not null check (omvang >= 2048 and (omvang & (omvang - 1)) = 0),  -- bytes, to a power of two
    verzegeld     text,                              -- the body, sealed to intake's key; null once handled or dropped
    routing_key_verzegeld text,                      -- a key that is not ours, sealed as the body is
    onderwerp     bytea check (octet_length(onderwerp) = 32),  -- SHA-256 of the matter that the body names
    keer          integer not null default 1,
    eerst_op      timestamptz not null default date_trunc('hour', clock_timestamp(), 'Europe/Amsterdam'),
    laatst_op     timestamptz not null default date_trunc('hour', clock_timestamp(), 'Europe/Amsterdam'),
    vervalt_op    timestamptz,                       -- when the body goes unless it is handled; null until that is near
    status        text not null default 'geparkeerd'
                  check (status in ('geparkeerd', 'aangeboden', 'verwerkt', 'vervallen', 'verlopen')),
    aanbod        bytea check (octet_length(aanbod) = 32),  -- digest of the message as it was offered again last
    check (status <> 'aangeboden' or aanbod is not null),
    check ((status in ('verwerkt', 'vervallen', 'verlopen')) = (verzegeld is null)),
    check (verzegeld is not null or num_nonnulls(onderwerp, afdruk, routing_key_verzegeld) = 0),
    check (eerst_op = date_trunc('hour', eerst_op, 'Europe/Amsterdam')
           and laatst_op = date_trunc('hour', laatst_op, 'Europe/Amsterdam'))
);
comment on column geparkeerd.afdruk is 'Keyed digest of the message (parkeersleutel); goes with the body, or before.';
comment on column geparkeerd.aanbod is
    'Keyed digest of what an operator offers again: a replay of anything else is not believed. Goes a day later.';
comment on column geparkeerd.onderwerp is 'So that what is parked about a matter is erased with it; goes with the body.';
create index geparkeerd_open on geparkeerd (eerst_op) where status in ('geparkeerd', 'aangeboden');
create index geparkeerd_onderwerp on geparkeerd (onderwerp) where status in ('geparkeerd', 'aangeboden');

create table parkeersleutel (
    enige   boolean primary key default true check (enige),
    sleutel bytea not null check (octet_length(sleutel) = 32)
);
comment on table parkeersleutel is 'The key of geparkeerd.afdruk: whoever can guess a message cannot confirm it without.';
insert into parkeersleutel (sleutel) select sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
