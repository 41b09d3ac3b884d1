# SPDX-License-Identifier: EUPL-1.2
"""Who must not learn of a matter: no rung of the register's clock is theirs, and no count changes for it."""

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.registry import lezen
from services.registry.core.besluit import beslis
from services.registry.core.zaak import vouw
from shared import events as e
from shared import zegel
from shared.envelope import Fact
from shared.inbox import in_order
from shared.settings import SettingsError, load
from shared.termijnen.regels import LADDER
from tests.bus import Bus, Heard, eventually, make_fact, new_id, now
from tests.conftest import ZETELS, StartService
from tests.parkeren import geef_op, parkeer
from tests.registry.test_core import FEIT, ZAAK, dag
from tests.registry.test_registry import hoor, melding, tabel


def geinformeerd(*uit: str, zaak: str = ZAAK) -> Fact:
    return make_fact(
        "coid",
        e.LeidinggevendeGeinformeerd(
            geinformeerd_op=dag(1),
            leidinggevende="commandant-13",
            onderdeel="CLAS",
            eenheid="43-brigade",
            hoofdgroep="overig",
            te_notificeren=(),
            uit_te_sluiten=uit,
        ),
        zaak,
    )


@given(st.lists(FEIT, max_size=8), st.frozensets(st.sampled_from([*sorted(LADDER), "commandant-43"])))
def test_an_exclusion_closes_rungs_and_changes_nothing_else(feiten: list[Fact], wie: frozenset[str]) -> None:
    """With it and without it the same is registered, stated and counted, by the same clocks."""
    met = geinformeerd(*sorted(wie))
    zonder = replace(met, data=geinformeerd().data)
    een, ander = (
        beslis(vouw(in_order([*feiten, feit]), geteld=False), dubbel=False) for feit in (met, zonder)
    )
    assert all(klok.gesloten == wie & LADDER for klok in een.klokken)
    open_ = tuple(replace(klok, gesloten=frozenset()) for klok in een.klokken)
    assert replace(een, klokken=open_) == ander


def test_who_must_not_learn_of_it_is_known_from_each_fact_that_says_so() -> None:
    """From the codes of a forward or of what the line reported, and from the qualification, for good."""
    codes = e.Kenmerken(onderdeel="CLAS", uit_te_sluiten=("sg",))
    zeggen: tuple[tuple[str, e.Event], ...] = (
        (
            "intake",
            e.MeldingDoorgezet(
                doorgezet_op=dag(1),
                geadresseerde="coid",
                instemming=new_id(),
                ontvangen_op=dag(1),
                contact_telt_vanaf=dag(1),
                kenmerken=codes,
            ),
        ),
        ("lijn", e.MeldingOntvangen(ontvangen_op=dag(1), kenmerken=codes, leidinggevende="commandant-13")),
        (
            "coid",
            e.KwestieGekwalificeerd(gekwalificeerd_op=dag(1), kwalificatie="advies", uit_te_sluiten=("sg",)),
        ),
        (
            "intake",
            e.UitsluitingVastgesteld(vastgesteld_op=dag(1), instemming=new_id(), uit_te_sluiten=("sg",)),
        ),
        (
            "klachten",
            e.KlachtIngediend(ingediend_op=dag(1), soort="onbehoorlijkheid", uit_te_sluiten=("sg",)),
        ),
    )
    for van, event in zeggen:
        feiten = in_order([make_fact(van, event, ZAAK), melding(ZAAK, op=dag(2)), geinformeerd()])
        assert vouw(feiten, geteld=False).uitgesloten == {"sg"}


def test_a_klacht_is_kept_from_whoever_must_not_learn_of_it_like_any_other_matter() -> None:
    """What is handed in with it, and again of more seats, closes the rungs of its clock; it counts alike."""

    def ingediend(*uit: str) -> Fact:
        klacht = e.KlachtIngediend(ingediend_op=dag(1), soort="onbehoorlijkheid", uit_te_sluiten=uit)
        return make_fact("klachten", klacht, ZAAK)

    feiten = [ingediend("sg"), ingediend("coid-leiding"), ingediend()]
    for volgorde in (feiten, feiten[::-1]):
        besluit = beslis(vouw(in_order(volgorde)), dubbel=False)
        zonder = beslis(vouw([feiten[2]]), dubbel=False)
        assert [klok.gesloten for klok in besluit.klokken] == [{"sg", "coid-leiding"}]
        open_ = tuple(replace(klok, gesloten=frozenset()) for klok in besluit.klokken)
        assert replace(besluit, klokken=open_) == zonder


async def test_a_late_klacht_is_brought_to_nobody_who_is_excluded(service: StartService, bus: Bus) -> None:
    """Where its clock runs (a setting): the rungs are those of whoever may know, and lists hide it."""
    heard = await bus.listen("registry.#")
    register = await service(
        "registry",
        zetels=ZETELS,
        termijnen={"klacht": "2s", "klacht.verlenging": "2s", "klacht.ladder": "coid-leiding, sg"},
    )
    gewoon, zonder_sg = new_id(), new_id()
    klacht = e.KlachtIngediend(ingediend_op=now(), soort="onbehoorlijkheid")
    uit = klacht.model_copy(update={"uit_te_sluiten": ("sg", "coid-leiding")})
    await hoor(register, bus, make_fact("klachten", klacht, gewoon), make_fact("klachten", uit, zonder_sg))
    assert await _verstreken(heard, gewoon) == ["coid-leiding", "sg"]
    assert await _verstreken(heard, zonder_sg) == ["plaatsvervanger-sg"]
    rijen = await register.pool.fetch("select zaak, zetel from uitsluitingen order by zetel")
    assert [tuple(rij) for rij in rijen] == [(zonder_sg, "coid-leiding"), (zonder_sg, "sg")]


async def _verstreken(heard: Heard, zaak: str) -> list[str]:
    async def overdue() -> bool:
        return bool(heard.about(zaak, "registry.termijn-verstreken."))

    await eventually(overdue)
    (bericht,) = heard.about(zaak, "registry.termijn-verstreken.")
    rollen: list[str] = bericht["data"]["escaleert_naar"]
    return rollen


async def test_while_what_may_exclude_somebody_is_parked_only_the_lowest_rung_is_told(
    service: StartService, bus: Bus
) -> None:
    """Parked before the clock began or while it runs; told again once it is given up."""
    heard = await bus.listen("registry.#")
    ladder = {"terugkoppeling": "4s", "terugkoppeling.ladder": "coid-leiding, sg 1s"}
    register = await service("registry", termijnen={**ladder, "terugkoppeling.herhaling": "3s"})
    eerst, later, vrij = (new_id() for _ in range(3))
    await parkeer(bus, register.pool, geinformeerd("sg", zaak=eerst))
    ontvangen = [
        make_fact(
            "intake", e.OntvangstBevestigd(bevestigd_op=now(), ontvangen_op=now(), wijze="kanaal"), zaak
        )
        for zaak in (eerst, later, vrij)
    ]
    await bus.send_all([*ontvangen, *(melding(een.subject, op=now()) for een in ontvangen)])
    await parkeer(bus, register.pool, geinformeerd("sg", zaak=later))
    for zaak in (eerst, later):
        assert await _verstreken(heard, zaak) == ["coid-leiding"]

    def naar(zaak: str) -> list[str]:
        gezegd = heard.about(zaak, "registry.termijn-geescaleerd.")
        return [rol for bericht in gezegd for rol in bericht["data"]["escaleert_naar"]]

    async def vrij_gezegd() -> bool:
        return "sg" in naar(vrij)

    await eventually(vrij_gezegd)
    assert "sg" not in naar(eerst) + naar(later)
    await geef_op(register.pool)

    async def alsnog() -> bool:
        return "sg" in naar(eerst) and "sg" in naar(later)

    await eventually(alsnog)


async def test_a_late_terugkoppeling_is_brought_to_nobody_who_is_excluded(
    service: StartService, bus: Bus
) -> None:
    """By the role's own code, by whoever shares its mailbox, before the clock runs and after; else to all."""
    heard = await bus.listen("registry.#")
    register = await service(
        "registry",
        zetels={"coid-leiding": ["stoel-2", "stoel-3"], "plaatsvervanger-sg": "stoel-4"},
        termijnen={"terugkoppeling": "4s", "terugkoppeling.ladder": "coid-leiding, sg"},
    )
    gewoon, eerst, later, niemand = (new_id() for _ in range(4))
    await hoor(
        register, bus, geinformeerd("stoel-3", zaak=eerst), geinformeerd("sg", "stoel-4", zaak=niemand)
    )
    ontvangen = [
        make_fact(
            "intake", e.OntvangstBevestigd(bevestigd_op=now(), ontvangen_op=now(), wijze="kanaal"), zaak
        )
        for zaak in (gewoon, eerst, later, niemand)
    ]
    await hoor(register, bus, *ontvangen, *(melding(een.subject, op=now()) for een in ontvangen))
    await hoor(register, bus, geinformeerd("sg", zaak=later))
    assert await _verstreken(heard, gewoon) == ["coid-leiding", "sg"]
    assert await _verstreken(heard, eerst) == ["sg"]
    assert await _verstreken(heard, later) == ["coid-leiding", "plaatsvervanger-sg"]
    assert await _verstreken(heard, niemand) == ["coid-leiding"]
    assert len(heard.about(later, "registry.termijn-gestart.")) == 1


async def test_a_return_to_an_excluded_sg_is_told_to_the_named_alternative(
    service: StartService, bus: Bus
) -> None:
    """From its start to its end no clock goes to the SG's desk: excluded with the forward, while the clock
    runs, or together with the alternative; then it runs and says nothing."""
    heard = await bus.listen("registry.#")
    termijnen = {"heropening": "3s", "heropening.waarschuwing": "1s", "heropening.ladder": "coid-leiding, sg"}
    register = await service("registry", termijnen=termijnen)
    eerst, later, niemand = (new_id() for _ in range(3))
    op = now()

    def terug(zaak: str, *uit: str) -> tuple[Fact, Fact]:
        codes = e.Kenmerken(onderdeel="CLAS", uit_te_sluiten=uit)
        doorgezet = e.MeldingDoorgezet(
            doorgezet_op=op,
            geadresseerde="coid",
            instemming=new_id(),
            ontvangen_op=op,
            contact_telt_vanaf=op,
            kenmerken=codes,
        )
        heropend = e.MeldingHeropend(
            teruggekeerd_op=op, reden="niet-opgepakt", escaleren_naar="sg", instemming=new_id()
        )
        return make_fact("intake", doorgezet, zaak), make_fact("intake", heropend, zaak)

    await hoor(register, bus, *terug(eerst, "sg"), *terug(later), *terug(niemand, "sg", "plaatsvervanger-sg"))

    async def begonnen() -> bool:
        return bool(_heropening(heard, later))

    await eventually(begonnen)
    await hoor(register, bus, geinformeerd("sg", zaak=later))
    for zaak in (eerst, later):
        assert await _verstreken(heard, zaak) == ["plaatsvervanger-sg"]

    async def stil() -> object:
        return await register.pool.fetchval(
            "select verstreken_op from termijnen where onderwerp = $1 and soort = 'heropening'", niemand
        )

    await eventually(stil)
    opgepakt = e.AdviesgesprekGevoerd(gevoerd_op=now(), adviseur="adviseur-1")
    zaken = (eerst, later, niemand)
    await hoor(register, bus, *(make_fact("coid", opgepakt, zaak) for zaak in zaken))
    verwacht = [(soort, "plaatsvervanger-sg") for soort in ("gestart", "nadert", "verstreken", "afgelopen")]

    async def klaar() -> bool:
        return all(verwacht[-1] in map(_kort, _heropening(heard, zaak)) for zaak in (eerst, later))

    await eventually(klaar)
    assert [*map(_kort, _heropening(heard, eerst))] == verwacht
    gezegd = [*map(_kort, _heropening(heard, later))]
    assert {rol for _, rol in gezegd[:-4]} == {"sg"} and gezegd[-4:] == verwacht
    assert _heropening(heard, niemand) == []


def _heropening(heard: Heard, zaak: str) -> list[dict[str, Any]]:
    return [een for een in heard.about(zaak, "registry.termijn-") if een["data"]["soort"] == "heropening"]


def _kort(bericht: dict[str, Any]) -> tuple[str, str]:
    """Which of the facts of a clock it is, and for whom."""
    return bericht["type"].rpartition("termijn-")[2].partition(".")[0], bericht["data"]["rol"]


async def test_published_counts_are_the_same_whoever_is_excluded(service: StartService, bus: Bus) -> None:
    """Tables and series take in every matter: who compares them with what they may see learns the count."""
    register = await service("registry")

    async def geteld() -> object:
        async with register.pool.acquire() as connection:
            return await tabel(register, 2021), await lezen.reeksen(connection, 2021)

    zaken = [new_id() for _ in range(3)]
    await hoor(register, bus, *(melding(zaak) for zaak in zaken))
    voor = await geteld()
    await hoor(register, bus, *(geinformeerd("sg", "commandant-43", zaak=zaak) for zaak in zaken[1:]))
    assert await register.pool.fetchval("select count(*) from uitsluitingen") == 4
    assert await geteld() == voor


@pytest.mark.parametrize("dienst", ["routing", "registry"])
def test_a_role_without_a_seat_is_no_setting(
    dienst: str, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is one not named, or one that nothing is brought to; one seat may be written without brackets. What
    is missing is said: whoever is excluded by the code of a seat would hear by the role."""
    kind = import_module(f"services.{dienst}.settings").Settings
    nodig: dict[str, object] = {"amqp_url": "amqp://x", "postgres_dsn": "postgres://x"}
    nodig |= {"public_keys": keys / zegel.PUBLIC_FILE}
    gelezen = kind.model_validate(nodig | {"zetels": ZETELS | {"sg": "stoel-1"}})
    assert gelezen.zetels["sg"] == frozenset({"stoel-1"})
    fouten: list[dict[str, object]] = [{"sg": []}, {"commandant": "stoel-1"}, {"sg": 1}]
    onbruikbaar: tuple[object, ...] = (
        *(ZETELS | fout for fout in fouten),
        *({rol: rol for rol in ZETELS if rol != weg} for weg in ZETELS),
        "sg",
    )
    for zetels in onbruikbaar:
        with pytest.raises(ValidationError):
            kind.model_validate(nodig | {"zetels": zetels})
    for naam, waarde in nodig.items():
        monkeypatch.setenv(f"{dienst}_{naam}".upper(), str(waarde))
    with pytest.raises(SettingsError, match=f"{dienst.upper()}_ZETELS \\(missing\\)"):
        load(kind)
    monkeypatch.setenv(f"{dienst.upper()}_ZETELS", json.dumps({rol: rol for rol in ZETELS if rol != "sg"}))
    with pytest.raises(SettingsError, match=r"_ZETELS \(geen_zetel_van_sg\)"):
        load(kind)
