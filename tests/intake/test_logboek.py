# SPDX-License-Identifier: EUPL-1.2
"""The two logs: every change shows, they can only be added to, and replicas write one chain together."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ops import OpsError, audit
from ops import logboek as beheer
from ops.environment import Environment
from ops.geparkeerd import _noteer as noteer_geopend
from ops.parking import parked
from services.intake import logboek
from services.intake.core.keten import BEGIN, Afgekapt, Breuk, Controle, Regel, Stand, rijg, schakel
from services.intake.kluis import Kluis
from services.intake.logboek import Handeling, noteer
from services.intake.sleutelkluis import BestandKek, Sleutelkluis, Sleutelmap
from shared import flow
from tests.bus import Bus, eventually, new_id
from tests.conftest import StartService, intake_keys

NU = datetime(2026, 3, 2, 9, 0, 0, 123456, tzinfo=UTC)
STUK = UUID("7b2b1f0e-6c5d-4f7e-9a3a-0d5b6c7d8e9f")

teksten = st.text(max_size=6)
ketens = st.lists(st.tuples(teksten, teksten, st.integers()), min_size=1, max_size=8)


def keten(velden: Sequence[Sequence[Any]]) -> list[Regel]:
    """A chain from the beginning."""
    return rijg(Stand(0, BEGIN), velden)


def controleer(regels: Sequence[Regel], hoofd: Stand | None, ankers: Sequence[Stand] = ()) -> list[Breuk]:
    """What is wrong with these lines, in order of number."""
    controle = Controle(ankers)
    gevonden = [breuk for regel in regels for breuk in controle.voed(regel)]
    return gevonden + list(controle.einde(hoofd))


def hoofd_van(regels: Sequence[Regel]) -> Stand:
    """The head of a whole chain."""
    return Stand(regels[-1].volgnummer, regels[-1].hash)


# --- the chain ----------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(ketens)
def test_a_chain_that_nobody_touched_is_whole(velden: list[tuple[str, str, int]]) -> None:
    """Also when it was written in parts, and against an anchor at any line."""
    regels = keten(velden)
    ankers = [Stand(regel.volgnummer, regel.hash) for regel in regels]
    assert controleer(regels, hoofd_van(regels), ankers) == []
    half = len(velden) // 2
    eerst = keten(velden[:half])
    rest = rijg(hoofd_van(eerst) if eerst else Stand(0, BEGIN), velden[half:])
    assert [*eerst, *rest] == regels


@settings(max_examples=300, deadline=None)
@given(ketens, st.data())
def test_each_change_breaks_it(velden: list[tuple[str, str, int]], data: st.DataObject) -> None:
    """One field changed, a line removed, two swapped, one put in, the end cut off: each is found."""
    regels = keten(velden)
    hoofd = hoofd_van(regels)
    plaats = data.draw(st.integers(0, len(regels) - 1))
    daad = data.draw(st.sampled_from(["veld", "weg", "wissel", "erbij", "einde"]))
    anders = list(regels)
    if daad == "veld":
        regel = regels[plaats]
        veld = data.draw(st.integers(0, 2))
        nieuw = list(regel.velden)
        nieuw[veld] = data.draw(st.integers() if veld == 2 else teksten)
        if nieuw[veld] == regel.velden[veld]:
            return
        anders[plaats] = regel._replace(velden=nieuw)
    elif daad == "weg":
        del anders[plaats]
    elif daad == "wissel":
        ander = data.draw(st.integers(0, len(regels) - 1))
        if regels[plaats].velden == regels[ander].velden:
            return
        een, twee = regels[plaats], regels[ander]
        anders[plaats] = een._replace(velden=twee.velden, hash=twee.hash)
        anders[ander] = twee._replace(velden=een.velden, hash=een.hash)
    elif daad == "erbij":
        ertussen = Regel(regels[plaats].volgnummer, ("x", "y", 1), schakel(BEGIN, (1, "x", "y", 1)))
        anders = [*regels[:plaats], ertussen]
        anders += [regel._replace(volgnummer=regel.volgnummer + 1) for regel in regels[plaats:]]
    else:
        anders = regels[:plaats]
    assert controleer(anders, hoofd) != []


@settings(max_examples=200, deadline=None)
@given(ketens, st.data())
def test_a_chain_made_anew_shows_at_an_anchor(
    velden: list[tuple[str, str, int]], data: st.DataObject
) -> None:
    """Whoever can write everything, heads included, and makes all later hashes anew, or cuts the end off and
    sets the head back, is found out by one head that was kept elsewhere.
    """
    regels = keten(velden)
    anker = hoofd_van(regels)
    plaats = data.draw(st.integers(0, len(velden) - 1))
    vervalst = [*velden[:plaats], ("anders", *velden[plaats][1:]), *velden[plaats + 1 :]]
    if vervalst != velden:
        nieuw = keten(vervalst)
        assert controleer(nieuw, hoofd_van(nieuw)) == []
        assert controleer(nieuw, hoofd_van(nieuw), [anker]) != []
    kort = regels[:plaats]
    terug = hoofd_van(kort) if kort else Stand(0, BEGIN)
    assert controleer(kort, terug) == []
    assert controleer(kort, terug, [anker]) == [Afgekapt(plaats, len(velden))]


# --- in the database ----------------------------------------------------------------------------------------


async def schrijf(connection: Any, *handelingen: Handeling) -> None:
    """Record in a transaction of its own."""
    async with connection.transaction():
        await noteer(connection, handelingen, NU)


async def test_one_processing_is_one_line_in_each_and_several_persons_a_line_each_below_it(
    database: Any,
) -> None:
    """The access log names the actor, the Logboek Dataverwerkingen nobody; they share the trace, and another
    processing has another."""
    await schrijf(
        database,
        Handeling("inhoud-gelezen", ("versleuteld-1",), STUK, actor="melder"),
        Handeling(
            "inhoud-verstrekt", ("versleuteld-1", "versleuteld-2"), STUK, "coid/ADV-1", resultaat="mislukt"
        ),
        Handeling("geparkeerd-geopend", actor="pieter", herkomst="werkplek-7"),
    )
    toegang = await database.fetch(logboek.QUERIES.toegangslog)
    verwerkt = await database.fetch(logboek.QUERIES.logboek)
    assert [(row["actor"], row["betrokkene"], row["resultaat"]) for row in toegang] == [
        ("melder", "versleuteld-1", "gelukt"),
        ("intake", "versleuteld-1", "mislukt"),
        ("intake", "versleuteld-2", "mislukt"),
        ("pieter", None, "gelukt"),
    ]
    assert [row["status"] for row in verwerkt] == ["Ok", "Error", "Error", "Error", "Ok"]
    gelezen, wortel, een, ander, _ = verwerkt
    assert gelezen["parent_span_id"] is None and wortel["parent_span_id"] is None
    assert {een["parent_span_id"], ander["parent_span_id"]} == {wortel["span_id"]}
    assert "dpl.core.data_subject_id" not in json.loads(wortel["attributes"])
    assert json.loads(ander["attributes"])["dpl.core.data_subject_id"] == "versleuteld-2"
    assert json.loads(gelezen["attributes"])["dpl.core.processing_activity_id"].startswith("urn:nld:oin:")
    assert len({row["trace_id"] for row in verwerkt}) == 3
    assert "pieter" not in str(verwerkt) and "ADV-1" not in str(verwerkt)
    assert await database.fetchval(logboek.QUERIES.zonder_wederhelft) == 0
    for naam in logboek.KETENS:
        assert (await beheer.controleer(database, naam, []))[1] == []


async def test_replicas_write_one_chain_together(environment: Environment, database: Any) -> None:
    """Many transactions at once, some rolled back: no line is missing, and nothing deadlocks."""

    async def replica() -> None:
        connection = await asyncpg.connect(environment.dsns["intake"])
        try:
            for nummer in range(15):
                transactie = connection.transaction()
                await transactie.start()
                await noteer(connection, [Handeling("inhoud-ontvangen")] * (1 + nummer % 3), NU)
                await (transactie.rollback() if nummer % 5 == 0 else transactie.commit())
        finally:
            await connection.close()

    await asyncio.gather(*(replica() for _ in range(4)))
    for naam in logboek.KETENS:
        stand, breuken = await beheer.controleer(database, naam, [])
        assert breuken == []
        assert stand.volgnummer == 4 * sum(1 + nummer % 3 for nummer in range(15) if nummer % 5)


@pytest.mark.parametrize("tabel", ["toegangslog", "logboek"])
@pytest.mark.parametrize(
    "daad", ["delete from {}", "update {} set volgnummer = 99", "truncate {}", "drop table {}"]
)
async def test_the_service_may_only_add(database: Any, tabel: str, daad: str) -> None:
    """Whoever takes over the service's account cannot take back a line."""
    await schrijf(database, Handeling("inhoud-ontvangen"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.execute(daad.format(tabel))


@pytest.mark.parametrize(
    ("daad", "woorden"),
    [
        ("update toegangslog set actor = 'iemand anders' where volgnummer = 2", "line 2 does not follow"),
        (
            "update toegangslog set tijd = tijd + interval '1 hour' where volgnummer = 3",
            "line 3 does not follow",
        ),
        ("delete from toegangslog where volgnummer = 2", "line 2 is missing"),
        ("delete from toegangslog where volgnummer > 3", "the end is gone: the log once went to line 5"),
        ("update toegangslog set stuk = null where volgnummer = 5", "line 5 does not follow"),
        (
            "update toegangslog set volgnummer = 103 - volgnummer where volgnummer < 3;"
            " update toegangslog set volgnummer = volgnummer - 100 where volgnummer > 100",
            "line 1 does not follow",
        ),
        ("delete from ketens", "line 5 does not follow"),
    ],
)
async def test_the_check_says_where_a_log_was_touched(
    environment: Environment, database: Any, daad: str, woorden: str
) -> None:
    """By whoever administers the database: changed, removed, cut off, swapped, its head removed."""
    await schrijf(database, *[Handeling("inhoud-gelezen", ("wie",), STUK)] * 5)
    eigenaar = await asyncpg.connect(environment.owner_dsn("intake"))
    try:
        await eigenaar.execute(daad)
        _, breuken = await beheer.controleer(eigenaar, "toegangslog", [])
    finally:
        await eigenaar.close()
    assert any(beheer.in_woorden(breuk).startswith(woorden) for breuk in breuken)


async def test_anchors_from_the_audit_file_and_from_intake_s_log_are_found(
    database: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What `veranker` writes to the log, and what the check writes to the audit file, tells the same heads; a
    log that was cut off and whose head was set back is found by either.
    """
    await schrijf(database, *[Handeling("inhoud-gelezen", ("wie",), STUK)] * 3)
    with caplog.at_level("INFO"):
        await logboek.veranker(database)
    log = tmp_path / "intake.log"
    namen = ("keten", "volgnummer", "hash")
    regels = [
        json.dumps({"message": record.message, **{naam: vars(record)[naam] for naam in namen}})
        for record in caplog.records
        if record.message == logboek.ANKER
    ]
    log.write_text("not ours\n" + "\n".join(regels) + "\n")
    stand, _ = await beheer.controleer(database, "logboek", [])
    bestand = tmp_path / "audit.log"
    gezien = f"in orde tot en met {stand.volgnummer}, hash {stand.hash.hex()}"
    audit.record(beheer.GECONTROLEERD, "proef logboek", gezien, file=bestand)
    audit.record(beheer.GECONTROLEERD, "elders logboek", gezien.replace("met 3", "met 9"), file=bestand)
    uit_log = beheer.ankers_van(tmp_path / "geen", [log], "proef")
    uit_audit = beheer.ankers_van(bestand, [], "proef")
    assert beheer.ankers_van(tmp_path / "geen", [bestand], "proef") == uit_audit
    assert uit_log["logboek"] == uit_audit["logboek"] == [stand]
    assert uit_log["toegangslog"][0].volgnummer == 3
    assert list(Controle(uit_audit["logboek"]).einde(Stand(0, BEGIN))) == [Afgekapt(0, 3)]


async def test_a_parked_body_that_an_operator_opens_is_one_line_in_each(
    bus: Bus, environment: Environment, service: StartService, database: Any
) -> None:
    """By whom and from where in the access log; which message, and nothing of what it says, in both."""
    await service("intake")
    await bus.raw("kanaal", "kanaal.contact-ontvangen.v1", b'{"geheim": 1}')

    async def er_is_een() -> Any:
        return await parked(environment, [flow.INTAKE])

    [bericht] = await eventually(er_is_een)
    await noteer_geopend(environment, "geparkeerd-geopend", bericht)
    [row] = await database.fetch(logboek.QUERIES.toegangslog)
    assert (row["handeling"], row["stuk"]) == ("geparkeerd-geopend", bericht.id)
    assert (row["actor"], row["herkomst"], row["voor"]) == (audit.actor(), audit.origin(), "intake")
    [ldv] = await database.fetch(logboek.QUERIES.logboek)
    assert ldv["trace_id"] == row["trace_id"] and audit.actor() not in ldv["attributes"]


async def test_the_commands_tell_in_words_and_keep_an_anchor(
    environment: Environment,
    database: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The first time there is nothing to hold it against: that has a status of its own, and the heads go to
    the audit file, which is looked at by default. Whole: status 0. Cut off afterwards, head set back and all:
    status 1, by that anchor. The lines are shown newest first, with the processing that each is about.
    """
    monkeypatch.setattr(audit, "FILE", tmp_path / "audit.log")
    await schrijf(database, *[Handeling("inhoud-verstrekt", ("wie",), STUK, "coid/ADV-1")] * 4)
    alleen = argparse.Namespace(anker=[])
    assert await beheer._controleer(environment, alleen) == beheer.NIET_VERANKERD == 3
    assert "niet verankerd" in capsys.readouterr().out
    assert await beheer._controleer(environment, alleen) == 0
    gezegd = capsys.readouterr().out
    assert "Both chains are whole." in gezegd and "anchored up to line 4" in gezegd
    assert "niet verankerd" not in gezegd
    assert (
        await beheer._toon(environment, argparse.Namespace(laatste=2, spoor=None, stuk=STUK, zaak=None)) == 0
    )
    getoond = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in getoond] == ["4", "LDV", "3", "LDV"]
    assert f"voor coid/ADV-1, stuk {STUK.hex}" in getoond[0]
    eigenaar = await asyncpg.connect(environment.owner_dsn("intake"))
    try:
        for keten in logboek.KETENS:
            await eigenaar.execute(f"delete from {keten} where volgnummer > 2")  # noqa: S608
            await eigenaar.execute(
                f"update ketens set volgnummer = 2, hash = (select hash from {keten} where volgnummer = 2)"  # noqa: S608
                " where keten = $1",
                keten,
            )
    finally:
        await eigenaar.close()
    assert await beheer._controleer(environment, alleen) == 1
    assert "the end is gone: the log once went to line 4 and ends at 2" in capsys.readouterr().out


async def test_of_whom_lines_are_can_be_told_with_the_keys_until_it_is_erased(
    environment: Environment,
    database: Any,
    keys: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The lines of one matter are found by its id, for whoever has intake's keys; that somebody asked is
    recorded, and not about which. Once the matter's key is destroyed nobody finds them.
    """
    monkeypatch.setattr(audit, "FILE", tmp_path / "audit.log")
    paths = intake_keys(environment, keys)
    kluis = Kluis(Sleutelkluis(BestandKek(paths["kek"]), Sleutelmap(paths["kluis"])))
    een, ander = new_id(), new_id()
    kluis.sleutels.geef_of_maak([een, ander])
    wie = await kluis.betrokkenen([een, ander])
    over = [Handeling.over("inhoud-gelezen", wie[zaak], STUK) for zaak in (een, ander, een)]
    await schrijf(database, *over)
    vraag = argparse.Namespace(
        laatste=9, spoor=None, stuk=None, zaak=een, sleutels=paths["kek"].parent, kluis=paths["kluis"]
    )
    assert await beheer._toon(environment, vraag) == 0
    getoond = [regel for regel in capsys.readouterr().out.splitlines() if "LDV" not in regel]
    assert [regel.split()[0] for regel in getoond] == ["3", "1"]
    assert een not in (tmp_path / "audit.log").read_text() and "gelezen" in audit.FILE.read_text()
    await kluis.vernietig([een])
    with pytest.raises(OpsError, match="nobody can tell"):
        await beheer._toon(environment, vraag)


async def test_a_chain_that_is_broken_and_not_anchored_is_broken(
    environment: Environment, database: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is wrong is said before what could not be looked at; and of what is wrong no head is kept."""
    monkeypatch.setattr(audit, "FILE", tmp_path / "audit.log")
    await schrijf(database, *[Handeling("inhoud-gelezen", ("wie",), STUK)] * 3)
    eigenaar = await asyncpg.connect(environment.owner_dsn("intake"))
    try:
        await eigenaar.execute("update toegangslog set actor = 'iemand anders' where volgnummer = 2")
    finally:
        await eigenaar.close()
    assert await beheer._controleer(environment, argparse.Namespace(anker=[])) == 1
    assert "toegangslog" not in beheer.ankers_van(audit.FILE, [], environment.name)
