# SPDX-License-Identifier: EUPL-1.2
"""`./meldpunt logboek`: check intake's two logs of processing, or read them.

Both are chains: what was changed, removed, put in or swapped shows. Whoever may write to the database could
make a whole chain anew; therefore the head of each chain is kept elsewhere as well: intake writes it to its
own log every hour, and `controleer` writes it to the operators' audit file each time that all was well, and
holds the chain against those. A chain that is held against nothing says only that it agrees with itself:
that is told apart (`NIET_VERANKERD`).
"""

from __future__ import annotations

import argparse
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from ops import STATE, OpsError, attach, audit, sleutels
from ops.environment import Environment
from services.intake import logboek
from services.intake.core.keten import (
    Afgekapt,
    Breuk,
    Controle,
    Gebroken,
    Herschreven,
    Ontbreekt,
    Regel,
    Stand,
)
from services.intake.kluis import Kluis
from services.intake.sleutelkluis import BestandKek, KekOnbekend, KluisOnbruikbaar, Sleutelkluis, Sleutelmap
from shared import flow
from shared.termijnen.kalender import lokaal

GECONTROLEERD: Final = "logboek gecontroleerd"
NIET_VERANKERD: Final = 3
"""Exit status when a chain is whole as far as can be told, and no head of it was kept elsewhere."""
_IN_ORDE: Final = re.compile(r"in orde tot en met (\d+), hash ([0-9a-f]{64})")

NAMEN: Final = {"toegangslog": "access log (BIO2)", "logboek": "Logboek Dataverwerkingen (LDV)"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `logboek`: one action, each with its own."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="controleer|toon")
    controleer = actions.add_parser("controleer", help="check that no line was changed, removed or put in")
    controleer.add_argument(
        "--anker",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="a log of intake, in which it wrote the heads of the chains, or an audit file kept elsewhere;"
        " may be given again (always: the audit file of this machine)",
    )
    toon = actions.add_parser("toon", help="the last lines in words, newest first")
    toon.add_argument(
        "--laatste", type=attach.at_least(1), default=20, metavar="N", help="so many (default: 20)"
    )
    toon.add_argument("--spoor", type=_spoor, metavar="TRACE", help="of the trace whose id begins so")
    toon.add_argument("--stuk", type=_stuk, metavar="ID", help="of the piece that the log calls so")
    toon.add_argument(
        "--zaak", metavar="ID", help="of this matter; needs intake's keys, and the matter's own"
    )
    toon.add_argument(
        "--sleutels", type=Path, default=sleutels.FOLDER, metavar="DIR", help="folder of intake's keys"
    )
    toon.add_argument("--kluis", type=Path, metavar="DIR", help="folder of the vault's wrapped keys")
    for action in (controleer, toon):
        attach.add_options(action)


def _spoor(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{4,32}", text, re.IGNORECASE):
        raise argparse.ArgumentTypeError(f"not the beginning of a trace id: {text!r}")
    return text.lower()


def _stuk(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"not the id of a piece: {text!r}") from None


def run(args: argparse.Namespace) -> int:
    """Returns 0 when it was done and all was well, 1 when a chain is broken, `NIET_VERANKERD` when one was
    held against nothing."""
    act = {"controleer": _controleer, "toon": _toon}[args.action]
    return attach.in_environment(args.omgeving, lambda environment: act(environment, args))


# --- check --------------------------------------------------------------------------------------------------


async def _controleer(environment: Environment, args: argparse.Namespace) -> int:
    ankers = ankers_van(audit.FILE, args.anker, environment.name)
    heel, verankerd = True, True
    async with attach.schema(environment, flow.INTAKE) as connection:
        for keten in logboek.KETENS:
            stand, breuken = await controleer(connection, keten, ankers.get(keten, ()))
            tot = max((anker.volgnummer for anker in ankers.get(keten, ())), default=0)
            verankerd = verankerd and tot > 0
            said = f"anchored up to line {tot}" if tot else "niet verankerd (not anchored)"
            print(f"{NAMEN[keten]}: {stand.volgnummer} lines, {said}")
            for breuk in breuken:
                print(f"  {in_woorden(breuk)}")
            heel = heel and not breuken
            uitkomst = (
                f"niet in orde: {len(breuken)}"
                if breuken
                else f"in orde tot en met {stand.volgnummer}, hash {stand.hash.hex()}"
            )
            audit.record(GECONTROLEERD, f"{environment.name} {keten}", uitkomst)
        los = await connection.fetchval(logboek.QUERIES.zonder_wederhelft)
    if los:
        print(f"{los} traces stand in one of the two logs only: of the other one a line is gone")
    if not heel or los:
        return 1
    print("Both chains are whole." if verankerd else _IN_ZICHZELF)
    return 0 if verankerd else NIET_VERANKERD


_IN_ZICHZELF: Final = (
    "Each chain agrees with itself; no head of it was kept elsewhere before, so that one made anew would\n"
    "not show. Give an older log of intake with --anker. The heads of now are in the audit file from here on."
)


async def controleer(connection: Any, keten: str, ankers: Iterable[Stand]) -> tuple[Stand, list[Breuk]]:
    """Where a chain ends, and what is wrong with it. Reads it as it was at one moment, a part at a time."""
    controle = Controle(ankers)
    breuken: list[Breuk] = []
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        hoofden = {
            row["keten"]: Stand(row["volgnummer"], row["hash"])
            for row in await connection.fetch(logboek.QUERIES.stand)
        }
        async for row in connection.cursor(getattr(logboek.QUERIES, keten), prefetch=1000):
            for regel in logboek.regels([row]):
                breuken += controle.voed(Regel(*regel))
    breuken += controle.einde(hoofden.get(keten))
    return controle.stand, breuken


def in_woorden(breuk: Breuk) -> str:
    """What is wrong, for whoever has to look into it."""
    if isinstance(breuk, Ontbreekt):
        if breuk.van == breuk.tot_en_met:
            return f"line {breuk.van} is missing"
        return f"lines {breuk.van} to {breuk.tot_en_met} are missing"
    if isinstance(breuk, Gebroken):
        return f"line {breuk.volgnummer} does not follow from the one before: changed, swapped or put in"
    if isinstance(breuk, Afgekapt):
        return f"the end is gone: the log once went to line {breuk.verwacht} and ends at {breuk.laatste}"
    assert isinstance(breuk, Herschreven)
    return f"line {breuk.volgnummer} is another one than when it was anchored: the log was written anew"


def ankers_van(auditbestand: Path, logs: Sequence[Path], omgeving: str) -> dict[str, list[Stand]]:
    """The heads that were kept elsewhere, by chain: those of the audit file, when it is there, and of each
    other file, a log of intake or an audit file.

    Raises OpsError for one that cannot be read.
    """
    ankers: dict[str, list[Stand]] = defaultdict(list)
    for path in [*([auditbestand] if auditbestand.exists() else []), *logs]:
        for line in _json_lines(path):
            gevonden = _IN_ORDE.fullmatch(str(line.get("resultaat")))
            naam, _, keten = str(line.get("object")).rpartition(" ")
            if line.get("handeling") == GECONTROLEERD and naam == omgeving and gevonden:
                ankers[keten].append(Stand(int(gevonden[1]), bytes.fromhex(gevonden[2])))
            elif line.get("message") == logboek.ANKER:
                anker = Stand(int(line["volgnummer"]), bytes.fromhex(line["hash"]))
                ankers[str(line["keten"])].append(anker)
    return {keten: [anker for anker in found if anker.volgnummer] for keten, found in ankers.items()}


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open(encoding="utf-8") as file:
            for text in file:
                try:
                    line = json.loads(text)
                except ValueError:  # another line than ours
                    continue
                if isinstance(line, dict):
                    yield line
    except OSError as error:
        raise OpsError(f"{path} cannot be read ({type(error).__name__})") from None


# --- read ---------------------------------------------------------------------------------------------------


async def _toon(environment: Environment, args: argparse.Namespace) -> int:
    wie = None if args.zaak is None else await _betrokkene(environment, args)
    async with attach.schema(environment, flow.INTAKE) as connection:
        rows = await connection.fetch(logboek.QUERIES.laatste, args.laatste, args.spoor, args.stuk, wie)
        sporen = sorted({row["trace_id"] for row in rows})
        verwerkt = defaultdict(list)
        for row in await connection.fetch(logboek.QUERIES.verwerkingen, sporen):
            verwerkt[row["trace_id"]].append(row)
    for row in rows:
        print(_regel(row))
        for ldv in verwerkt[row["trace_id"]]:
            activiteit = json.loads(ldv["attributes"])["dpl.core.processing_activity_id"]
            print(f"      LDV {ldv['volgnummer']}: {ldv['name']}, {ldv['status']}, {activiteit}")
    if not rows:
        print("No such lines.")
    return 0


async def _betrokkene(environment: Environment, args: argparse.Namespace) -> str:
    """What the log calls a matter. That somebody asked is recorded, and not about which. Raises OpsError."""
    try:
        keks = BestandKek(args.sleutels / sleutels.KEK_FILE)
        kluis = Kluis(Sleutelkluis(keks, Sleutelmap(args.kluis or STATE / "kluis" / environment.name)))
        gevonden = (await kluis.betrokkenen([args.zaak])).get(args.zaak)
    except (KekOnbekend, KluisOnbruikbaar, OSError) as error:
        raise OpsError(f"the keys cannot be used ({error})") from None
    if gevonden is None:
        raise OpsError("of this matter there is no key, or none any more: whose a line is nobody can tell")
    audit.record("logboek van een zaak gelezen", environment.name, "getoond")
    return gevonden.naam


def _regel(row: Any) -> str:
    wat = [logboek.OMSCHRIJVING.get(row["handeling"], row["handeling"])]
    if row["voor"]:
        wat.append(f"voor {row['voor']}")
    if row["sleutel"]:
        wat.append(f"sleutel {row['sleutel']}")
    if row["stuk"]:
        wat.append(f"stuk {row['stuk'].hex}")
    if row["betrokkene"]:
        wat.append(f"betrokkene {row['betrokkene'][:12]}")
    return (
        f"{row['volgnummer']:>6}  {lokaal(row['tijd']):%Y-%m-%d %H:%M:%S}  {row['actor']}@{row['herkomst']}  "
        f"{', '.join(wat)}: {row['resultaat']}  [{row['trace_id'][:8]}]"
    )
