-- SPDX-License-Identifier: EUPL-1.2
-- What intake states to whoever knows of a matter by consent alone rests on a grant in force, whatever the code decides:
-- checked at the commit, on the fact itself, and not only on the tables that the code keeps beside it. A fact that lets
-- somebody new know of a matter, or has codes of persons in it, is added here.

create function eis_grond() returns trigger language plpgsql set search_path from current as $$
declare
    feit     facts;
    gegevens jsonb;
    gegrond  boolean;
begin
    -- As it stands now: what was erased again in the same transaction says nothing to anybody.
    select * into feit from facts where key = new.key;
    if not found or feit.data is null then
        return null;
    end if;
    gegevens := convert_from(feit.data, 'UTF8')::jsonb;
    case feit.name
    when 'melding-doorgezet.v1' then
        gegrond := exists (
            select from doorzettingen as d
            where d.subject = feit.subject and d.instemming = gegevens->>'instemming' and d.van_kracht
              and d.geadresseerde = gegevens->>'geadresseerde'
              and d.laatst_op = (gegevens->>'doorgezet_op')::timestamptz);
    when 'inhoud-verstrekt.v1' then
        gegrond := exists (
            select from verstrekkingen as v join stukken using (stuk)
            where v.feit = feit.key and v.subject = feit.subject and v.van_kracht
              and stukken.kenmerk = (gegevens->>'stuk')::uuid
              and v.partij = gegevens->>'geadresseerde' and v.ontvanger = gegevens->>'ontvanger'
              and v.instemming is not distinct from gegevens->>'instemming');
    when 'contact-doorverwezen.v1' then
        -- Another desk hears nothing of it: no code of anybody stands there.
        gegrond := (gegevens->>'naar' <> 'dkp' and coalesce(gegevens->'uit_te_sluiten', '[]') = '[]') or exists (
            select from instemmingen as i
            where i.subject = feit.subject and i.instemming = gegevens->>'instemming' and i.van_kracht
              and gegevens->>'naar' = 'dkp' and i.geadresseerde = 'klachten');
    when 'melding-heropend.v1' then
        -- Codes of persons are for a cluster alone.
        gegrond := exists (
            select from instemmingen as i
            where i.subject = feit.subject and i.instemming = gegevens->>'instemming' and i.van_kracht
              and coalesce(i.geadresseerde = gegevens->>'escaleren_naar', i.geadresseerde in ('coid', 'kmar'))
              and (i.geadresseerde in ('coid', 'kmar') or coalesce(gegevens->'ongewenste_adviseurs', '[]') = '[]'));
    when 'uitsluiting-vastgesteld.v1' then
        -- For good, also when the grant is in force no more: but of nothing else than somebody was told of under it.
        gegrond := exists (
            select from facts as verteld
            where verteld.subject = feit.subject and verteld.publisher = 'intake' and verteld.data is not null
              and verteld.name in ('melding-doorgezet.v1', 'contact-doorverwezen.v1', 'melding-heropend.v1')
              and convert_from(verteld.data, 'UTF8')::jsonb->>'instemming' = gegevens->>'instemming');
    end case;
    if not gegrond then
        raise foreign_key_violation using message = 'stated without a grant in force';
    end if;
    return null;
end
$$;

create constraint trigger facts_grond after insert or update of publisher, name, subject, data on facts
    deferrable initially deferred for each row
    when (new.publisher = 'intake' and new.data is not null
          and new.name in ('melding-doorgezet.v1', 'inhoud-verstrekt.v1', 'contact-doorverwezen.v1',
                           'melding-heropend.v1', 'uitsluiting-vastgesteld.v1'))
    execute function eis_grond();

-- A row is no longer in force only because its grant is not: it is never written so.
create function eis_van_kracht() returns trigger language plpgsql as $$
begin
    -- Deeper than this trigger itself is the cascade from the grant.
    if not new.van_kracht and pg_trigger_depth() = 1 then
        raise check_violation using message = 'in force, or not written';
    end if;
    return new;
end
$$;

create trigger doorzettingen_van_kracht before insert or update of subject, instemming, geadresseerde, van_kracht
    on doorzettingen for each row execute function eis_van_kracht();
create trigger verstrekkingen_van_kracht before insert or update of subject, instemming, partij, van_kracht
    on verstrekkingen for each row execute function eis_van_kracht();
