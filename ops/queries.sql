-- SPDX-License-Identifier: EUPL-1.2
-- What an administrator does to make a database for the four services. :"name" is an identifier and :'name' a literal,
-- as in psql; they are filled in by ops/database.py, since these statements take no parameters.

-- Roles belong to the whole cluster: one command at a time makes them.
-- name: lock_setup
select pg_advisory_lock(hashtext('meldpunt-opzet'));

-- name: role_exists
select exists (select from pg_roles where rolname = $1);

-- name: create_role
create role :"role" with login nosuperuser nocreatedb nocreaterole inherit noreplication;

-- An owner is no account: an administrator acts as it.
-- name: create_owner
create role :"role" with nologin nosuperuser nocreatedb nocreaterole inherit noreplication;

-- name: set_role
alter role :"role" with login password :'password';

-- name: set_search_path
alter role :"role" set search_path = :"schema";

-- The administrator need not be a superuser: as a member of the owner role it may make schemas for it.
-- name: join_role
grant :"role" to current_user;

-- name: database_exists
select exists (select from pg_database where datname = $1);

-- name: schemas_present
select coalesce(array_agg(nspname::text), '{}') from pg_namespace where nspname = any($1::text[]);

-- name: create_database
create database :"database";

-- name: create_database_like
create database :"database" template :"template";

-- name: rename_database
alter database :"database" rename to :"name";

-- name: drop_database
drop database if exists :"database" with (force);

-- name: stale_templates
select datname from pg_database where datname like 'meldpunt_sjabloon_%' and datname <> $1;

-- A new database lets everybody connect; ours lets the eight roles.
-- name: close_database
revoke all on database :"database" from public;

-- name: admit_role
grant connect on database :"database" to :"role";

-- name: close_public_schema
revoke all on schema public from public;

-- A large object belongs to no schema: whoever could make one would have a place of its own.
-- name: close_large_objects
revoke execute on function lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) from public;

-- The server counts what happens to each table, who holds which lock and how much was written, for whoever asks: how often
-- intake kept a contact, or looked at a receipt code, to the row and to the second. Whoever watches a server is a member
-- of pg_monitor. Names alone are not enough to keep out: each view asks functions, which can be called as well.
-- name: close_statistics
do $$
declare
    each record;
begin
    for each in
        select 'function ' || oid::regprocedure as what, 'execute' as kind
        from pg_proc
        where pronamespace = 'pg_catalog'::regnamespace and has_function_privilege('public', oid, 'execute')
            and (proname ~ '^(pg_stat_get_|pg_current_wal_|pg_control_)'
                or proname in ('pg_lock_status', 'pg_relation_size', 'pg_table_size', 'pg_indexes_size',
                               'pg_total_relation_size', 'pg_database_size', 'pg_tablespace_size'))
        union all
        select 'table ' || oid::regclass, 'select'
        from pg_class
        where relnamespace = 'pg_catalog'::regnamespace and relkind = 'v'
            and has_table_privilege('public', oid, 'select')
            and (relname ~ '^pg_stat(io)?_' or relname = 'pg_locks')
    loop
        execute format('revoke all on %s from public', each.what);
        execute format('grant %s on %s to pg_monitor', each.kind, each.what);
    end loop;
end
$$;

-- name: statistics_are_open
select has_function_privilege('public', 'pg_stat_get_tuples_inserted(oid)', 'execute');

-- name: create_schema
create schema if not exists :"schema" authorization :"owner";

-- The runtime role uses what the owner makes, and owns nothing.
-- name: admit_runtime_role
grant usage on schema :"schema" to :"role";

-- name: default_sequence_rights
alter default privileges for role :"owner" in schema :"schema" grant usage, select on sequences to :"role";

-- Rights on tables are set once the migrations are applied, and set anew whenever they are not as they should be. A table
-- whose comment begins with "Append-only" says of itself that the service may add to it and read it, and no more.
-- name: table_rights
select c.relname::text as "table",
       coalesce(obj_description(c.oid, 'pg_class') like 'Append-only%', false) as append_only,
       array(select kind
             from unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as kind
             where has_table_privilege($2, c.oid, kind)
                or kind in ('select', 'insert', 'update', 'references')
                   and has_any_column_privilege($2, c.oid, kind)) as held
from pg_class c
where c.relnamespace = $1::text::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
order by c.relname;

-- name: take_table_rights
revoke all on :"schema".:"table" from :"role";

-- What was applied is the owner's word: the service only reads it.
-- name: give_reading
grant select on :"schema".:"table" to :"role";

-- name: give_appending
grant select, insert on :"schema".:"table" to :"role";

-- name: give_writing
grant select, insert, update, delete on :"schema".:"table" to :"role";
