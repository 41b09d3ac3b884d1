-- SPDX-License-Identifier: EUPL-1.2
-- Matters that were erased and whose data key may still be there. A row is written in the transaction that decides it,
-- with the tombstone; the key is destroyed after the commit, and then the row goes. A crash in between
-- leaves a row: work to do, never a key that nobody will destroy.
create table te_vernietigen (
    subject     text primary key references matters,
    grond       text not null check (grond in ('bewaartermijn', 'dossier-vernietigd', 'luisterend-oor')),
    besloten_op timestamptz not null default clock_timestamp()
);
create index te_vernietigen_besloten on te_vernietigen (besloten_op);
