-- SPDX-License-Identifier: EUPL-1.2
-- The register: matters without direct identifiers, what came of them, and the series that are counted apart. All of it
-- follows from the facts; what must not be is a check here as well.

create table zaken (
    zaak                text primary key,
    herkomst            text not null check (herkomst in ('mid', 'lijn', 'klacht', 'kmar', 'adviseur')),
    cluster             text check (cluster in ('coid', 'kmar')),
    onderdeel           text,                        -- where it happened
    eenheid             text,
    soort_melder        text,
    onderwerpen         smallint[] not null,
    ontvangen_op        timestamptz,
    bevestigd_op        timestamptz,
    doorgezet_op        timestamptz,
    kwalificatie        text,
    gekwalificeerd_op   timestamptz,
    in_register         text,
    rubriek             text,
    register_onderdeel  text,                        -- under which it is registered
    geregistreerd_op    date,
    zelfde_als          text,                        -- the matter that this entry of the KMar's register is
    dubbel              boolean not null,            -- another melding stands for the same event
    telt                boolean not null,
    uitgezet_op         timestamptz,
    behandel_eenheid    text,
    behandelaar         text,                        -- code of a seat
    aanvaard_op         timestamptz,
    herzien_op          timestamptz,
    terugkoppeling_op   timestamptz,                 -- the first
    heropend_op         timestamptz,                 -- the melder came back, the last time
    afgedaan_op         timestamptz,
    gesloten_op         timestamptz,
    status              text not null check (status in ('open', 'afgedaan', 'gesloten')),
    constraint zaken_kwalificatie check ((kwalificatie is null) = (gekwalificeerd_op is null)),
    constraint zaken_registratie check (num_nulls(in_register, rubriek, geregistreerd_op) in (0, 3)),
    constraint zaken_telt check (telt = (rubriek is not null and not dubbel)),
    constraint zaken_alleen_meldingen_tellen
        check (not telt or kwalificatie is not distinct from 'melding' or kwalificatie is null and herkomst = 'kmar'),
    constraint zaken_een_keer
        check (zelfde_als is null or not telt or kwalificatie is not distinct from 'melding'),
    constraint zaken_status_gesloten check ((status = 'gesloten') = (gesloten_op is not null)),
    constraint zaken_status_afgedaan check (status <> 'afgedaan' or afgedaan_op is not null),
    constraint zaken_gesloten_na_terugkoppeling
        check (gesloten_op is null or terugkoppeling_op is not null and gesloten_op >= terugkoppeling_op),
    constraint zaken_gesloten_na_heropening
        check (gesloten_op is null or heropend_op is null or gesloten_op > heropend_op)
);
comment on table zaken is 'Each matter as the register knows it now. Codes and opaque ids only.';

create table registratieversies (
    zaak             text not null references zaken,
    vanaf            timestamptz not null,
    in_register      text,                           -- null: from then on no melding
    rubriek          text,
    onderdeel        text,
    geregistreerd_op date,
    primary key (zaak, vanaf),
    constraint versies_registratie check (num_nulls(in_register, rubriek, geregistreerd_op) in (0, 3))
);
comment on table registratieversies is 'What a registration was from when, so that a table can be taken up on any peildatum.';

create table koppelingen (
    zaak         text not null,
    dubbele      text not null,
    gekoppeld_op timestamptz not null,
    primary key (zaak, dubbele),
    constraint koppelingen_twee check (zaak <> dubbele)
);
create index koppelingen_dubbele on koppelingen (dubbele);

-- Each of these matters beside every matter that couplings join to it, itself included, however many steps away. Its
-- tables are those of this schema, whoever asks from wherever.
create function verbonden(zaken text[]) returns table (van text, zaak text) language sql stable
begin atomic
    with recursive alle (van, zaak) as (
        select een, een from unnest(zaken) as een
        union
        select alle.van, ander.zaak
        from alle cross join lateral (
            select dubbele from koppelingen where koppelingen.zaak = alle.zaak
            union all
            select koppelingen.zaak from koppelingen where dubbele = alle.zaak
        ) as ander (zaak)
    )
    select alle.van, alle.zaak from alle;
end;

create table afdoeningen (
    feit           uuid primary key,
    zaak           text not null,
    betrokkene     text not null,                    -- opaque id
    vastgesteld_op timestamptz not null,
    afdoening      text not null,
    geldt          boolean not null                  -- false once a later one took its place
);
create index afdoeningen_zaak on afdoeningen (zaak);

create table maatregelen (
    feit      uuid not null references afdoeningen,
    nummer    smallint not null,
    maatregel text not null,
    datum     date not null,
    onderdeel text not null,                         -- branch that imposed it
    telt      boolean not null,                      -- false: leerafspraak beside an ambtsbericht
    primary key (feit, nummer)
);

create table nazorg (
    feit        uuid primary key,
    zaak        text not null,
    verleend_op timestamptz not null,
    aan         text not null,
    door        text not null
);
create index nazorg_zaak on nazorg (zaak);

create table contacten (
    zaak          text primary key,
    kanaal        text not null,
    jaar          smallint not null,
    ontvangen_op  timestamptz not null,
    uitkomst      text,
    constraint contacten_geen_luisterend_oor check (uitkomst is distinct from 'luisterend-oor')
);
create index contacten_jaar on contacten (jaar);
comment on table contacten is 'Contactmomenten, counted apart from meldingen; a listening ear is not among them.';

create table luisterende_oren (
    jaar   smallint not null,
    kanaal text not null,
    aantal integer not null,
    primary key (jaar, kanaal),
    constraint luisterende_oren_aantal check (aantal > 0)
);
comment on table luisterende_oren is 'All that is kept of a listening ear.';

create table geteld (
    zaak text primary key                            -- opaque id, by which what comes late is known
);
comment on table geteld is 'Stands in luisterende_oren, so that it is not counted again.';

create table klachten (
    zaak           text primary key,
    soort          text not null check (soort in ('ongewenst-gedrag', 'onbehoorlijkheid', 'combinatie')),
    onderdeel      text,
    ingediend_op   timestamptz not null,
    ontvankelijk   boolean,
    cog_gevraagd   boolean not null,
    oordelen       text[] not null,
    afgehandeld_op timestamptz,
    telt           boolean not null,                 -- false: converted into a melding
    constraint klachten_afgehandeld check ((afgehandeld_op is null) = (oordelen = '{}'))
);

create table adviezen (
    feit       uuid primary key,
    gegeven_op timestamptz not null,
    soort      text not null,
    onderdeel  text
);

create table overgenomen (
    feit             uuid primary key,
    geregistreerd_op date not null,
    in_register      text not null,
    rubriek_label    text not null,
    aantal           integer not null,
    vastgesteld      boolean not null,
    constraint overgenomen_aantal check (aantal > 0)
);
comment on table overgenomen is 'History from older registers: a case, or a count per cell.';

create table tabelindelingen (
    tabel          text not null,
    jaar           smallint not null,
    vastgesteld_op timestamptz not null,
    feit           uuid not null,
    inhoud         jsonb not null,
    primary key (tabel, jaar)
);

create table uitsluitingen (
    zaak  text not null,
    zetel text not null,
    primary key (zaak, zetel)
);
create index uitsluitingen_zetel on uitsluitingen (zetel);
comment on table uitsluitingen is 'Seats that must not learn of a matter: for such a reader there is none.';

create table bewaring (
    zaak                      text primary key,
    startdatum_bewaartermijn  timestamptz not null,  -- when the last of it ended
    bewaartermijn             text not null,         -- as the setting had it
    archiefnominatie          text not null check (archiefnominatie in ('vernietigen', 'blijvend_bewaren')),
    archiefactiedatum         timestamptz not null,  -- from when it is done
    selectielijstklasse       text,
    constraint bewaring_termijn check (archiefactiedatum > startdatum_bewaartermijn)
);
create index bewaring_actie on bewaring (archiefactiedatum) where archiefnominatie = 'vernietigen';
comment on table bewaring is 'How long what has ended is kept. What is still open is not in it.';

create table skeletten (
    pseudoniem       uuid not null,                  -- random, and joins to nothing
    vanaf            date not null,
    in_register      text,                           -- null: from that day it did not count
    rubriek          text,
    onderdeel        text,
    geregistreerd_op date,
    vastgesteld      boolean not null,
    primary key (pseudoniem, vanaf),
    constraint skeletten_registratie check (
        num_nulls(in_register, rubriek, geregistreerd_op) in (0, 3) and (rubriek is not null or onderdeel is null)
    )
);
comment on table skeletten is 'All that is kept of a melding whose time is over: what the tables of past years count.';

create table vernietigde_aantallen (
    reeks  text not null check (reeks in ('contactmomenten', 'meldingen', 'klachten', 'maatregelen')),
    jaar   smallint not null,
    soort  text not null,
    aantal integer not null,
    primary key (reeks, jaar, soort),
    constraint vernietigde_aantallen_aantal check (aantal > 0)
);
comment on table vernietigde_aantallen is 'What dossiers whose time is over add to the series of past years.';
