-- SPDX-License-Identifier: EUPL-1.2
-- The queries of the melder's way back. Sets come in as arrays, sorted by the caller.

-- name: eenmaal
-- Of these keys the ones that nothing was asked with before.
insert into antwoordsleutels (digest) select unnest($1::bytea[])
on conflict (digest) do nothing
returning digest;

-- name: zijn_er_afdrukken
select exists (select from ontvangstcodes);

-- name: bij_afdruk
-- The matters that these prints lead to, but for those of which nothing may be read any more.
select afdruk, subject from ontvangstcodes
join contacten using (subject)
where afdruk = any($1::bytea[]) and contacten.status <> 'luisterend-oor'
  and not exists (select from matters where matters.subject = ontvangstcodes.subject and gewist_op is not null);

-- name: contacten
-- What these matters are, and whether they have a code; nothing of those that are erased.
select subject, status, exists (select from ontvangstcodes where ontvangstcodes.subject = contacten.subject) as is_er_al
from contacten
where subject = any($1::text[])
  and not exists (select from matters where matters.subject = contacten.subject and gewist_op is not null);

-- name: reik_uit
insert into ontvangstcodes (subject, afdruk) select * from unnest($1::text[], $2::bytea[])
on conflict (subject) do update set afdruk = excluded.afdruk;

-- name: een_tegelijk
-- Whoever counts attempts does so alone, until the commit.
select pg_advisory_xact_lock(hashtext('meldpunt-pogingen'));

-- name: pogingen
-- Failed attempts in the hour before $2 of these senders.
select afzender, sum(aantal)::integer as aantal from pogingen
where afzender = any($1::bytea[]) and minuut > $2::timestamptz - interval '1 hour'
group by afzender;

-- name: tel_pogingen
insert into pogingen as p (afzender, minuut, aantal)
select afzender, date_trunc('minute', $3::timestamptz), aantal
from unnest($1::bytea[], $2::integer[]) as nieuw (afzender, aantal)
order by afzender
on conflict (afzender, minuut) do update set aantal = p.aantal + excluded.aantal;

-- name: klok
select clock_timestamp();

-- name: antwoorden
insert into antwoorden (antwoord, vraag, x, y)
select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]);

-- name: te_sturen
-- `bewaard`: what it says is kept under the key of a matter ($2: of none), which was not erased.
select antwoord, x, y, exists (select from kluis where stuk = antwoord and subject <> $2) as bewaard
from antwoorden where antwoord = any($1::uuid[]);

-- name: kenmerken
-- How these pieces are called outside the vault.
select stuk, kenmerk from stukken where stuk = any($1::uuid[]);

-- name: ruim_op
-- Answers that were confirmed: what they said, the key they were for, and both facts but for what the books need. Takes
-- at most $1; returns how many.
with klaar as (
    select antwoord, vraag from antwoorden
    where not exists (select from outbox where outbox.key = antwoorden.antwoord)
    order by antwoord
    limit $1
    for update skip locked
), rijen as (
    delete from antwoorden using klaar where antwoorden.antwoord = klaar.antwoord
), stukken as (
    delete from kluis using klaar where kluis.stuk = klaar.antwoord
), feiten as (
    update facts
    set data = null, traceparent = null, id = 'gewist', subject = 'gewist',
        time = date_trunc('week', time, 'Europe/Amsterdam'),
        received_at = date_trunc('week', received_at, 'Europe/Amsterdam')
    from klaar where facts.key in (klaar.antwoord, klaar.vraag)
)
select count(*) from klaar;

-- name: ongeschud
-- Whether a key was added since the last time all were written anew.
select exists (
    select from antwoordsleutels
    where xmin is distinct from (select transactie from schuddingen where tabel = 'antwoordsleutels')
);

-- name: schud
-- All are written anew, in the order of their digests: neither the number of a transaction nor their place joins one to
-- what was asked with it. Whoever adds one that is being moved waits, and finds it.
with alle as (delete from antwoordsleutels returning *)
insert into antwoordsleutels select * from alle order by digest;
-- name: vergeefs
-- Consent for $2 was withdrawn at $3 while there was none.
insert into vergeefs_ingetrokken (subject, geadresseerde, op) values ($1, $2, $3)
on conflict (subject, geadresseerde) do update set op = greatest(vergeefs_ingetrokken.op, excluded.op);

-- name: laatst_vergeefs
select op from vergeefs_ingetrokken where subject = $1 and geadresseerde = $2;

-- name: vergeet_vergeefs
-- Any question that could still cross it is too old by now.
delete from vergeefs_ingetrokken where op < clock_timestamp() - interval '1 hour';

-- name: vergeet_sleutels
-- No question that was asked with them can still be new (`INTAKE_VRAAG_BINNEN` is half an hour at most).
delete from antwoordsleutels where uur < date_trunc('hour', clock_timestamp()) - interval '2 hours';

-- name: vergeet_pogingen
delete from pogingen where minuut <= clock_timestamp() - interval '1 hour';

-- name: recente_pogingen
select coalesce(sum(aantal), 0)::integer from pogingen
where afzender = '' and minuut > clock_timestamp() - interval '1 hour';
