-- SPDX-License-Identifier: EUPL-1.2
-- Matters of which the content is or will be destroyed. A row is written in the transaction that decides it, and from
-- then on whatever comes in about the matter comes to nothing. The key is destroyed after the commit; a crash in
-- between leaves work, never a key that nobody will destroy.
create table vernietigingen (
    subject       text primary key,
    grond         text not null check (grond in ('bewaartermijn', 'dossier-vernietigd')),
    besloten_op   timestamptz not null default clock_timestamp(),
    sleutel_weg   boolean not null default false,    -- the key is destroyed and the content deleted
    klaar_op      timestamptz,                       -- the rest is reduced to the skeleton, and it was stated
    check (klaar_op is null or sleutel_weg)
);
create index vernietigingen_open on vernietigingen (besloten_op) where klaar_op is null;
