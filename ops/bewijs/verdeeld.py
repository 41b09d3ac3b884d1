# SPDX-License-Identifier: EUPL-1.2
"""The mutants divided over processes that each have a broker and a database of their own: most of a leak's
run is waiting, so two at a time take little more than half as long.

Leaks that are tried in the same shortened run stay together, since that run is played once without any.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path
from typing import Final

from ops.bewijs import gewist, inkorting, lekken_stapel, mutanten, totalen
from ops.bewijs.lekken import Lek
from ops.bewijs.proefstand import eigen_servers
from ops.bewijs.verslag import Deel
from shared.telemetry import quiet_libraries

WERKERS: Final = 2
_DUUR: Final[Mapping[str, float]] = {gewist.NAAM: 2.0, lekken_stapel.DEEL: 1.5, totalen.NAAM: 3.0}
"""How long one run of a part takes beside that of the others, which is one; it only makes the lots even."""
_DUUR_RECHT: Final = 0.2


async def onderzoek(folder: Path) -> Deel:
    """Every leak tried as `mutanten.onderzoek` does, some at a time, in folders below this one; a line on
    standard error for each."""
    began = time.monotonic()
    lots = verdeel(mutanten.ALLE, WERKERS)
    loop = asyncio.get_running_loop()
    # Not forked: this process has threads, and a loop.
    with ProcessPoolExecutor(WERKERS, mp_context=get_context("spawn")) as werkers:
        try:
            delen = await asyncio.gather(
                *(
                    loop.run_in_executor(werkers, _een_lot, folder / f"werker-{nummer}", lot)
                    for nummer, lot in enumerate(lots)
                )
            )
        except BaseException:  # interrupted, or one of them failed: the others need not go on
            for werker in active_children():
                if werker.pid is not None:
                    os.kill(werker.pid, signal.SIGINT)
            raise
    return samen(delen, time.monotonic() - began)


def verdeel(lekken: Sequence[Lek | mutanten.RechtenLek], over: int) -> list[list[str]]:
    """The names of these leaks in so many lots that take about as long; leaks of one run in one lot."""
    per_proef: dict[object, list[str]] = {}
    duur: dict[object, float] = defaultdict(float)
    for lek in lekken:
        if isinstance(lek, Lek):
            # Once more for the run without any leak.
            proef: object = inkorting.proef_van(lek)._replace(oppervlakken=())
            duur[proef] += _DUUR.get(lek.deel, 1.0) * (1 if proef in per_proef else 2)
        else:
            proef = mutanten.RechtenLek
            duur[proef] += _DUUR_RECHT
        per_proef.setdefault(proef, []).append(lek.naam)
    lots: list[list[str]] = [[] for _ in range(over)]
    vol = [0.0] * over
    for proef, hoelang in sorted(duur.items(), key=lambda een: -een[1]):
        leegste = vol.index(min(vol))
        vol[leegste] += hoelang
        lots[leegste] += per_proef[proef]
    return lots


def samen(delen: Sequence[Deel], duur_s: float) -> Deel:
    """One part of the report out of those of the lots."""
    geteld: Counter[str] = Counter()
    for deel in delen:
        geteld.update(deel.geprobeerd)
    return Deel(
        delen[0].naam,
        delen[0].belofte,
        geteld,
        tuple(fout for deel in delen for fout in deel.fouten),
        delen[0].grenzen,
        tuple(regel for deel in delen for regel in deel.bijzonderheden),
        duur_s,
    )


def _een_lot(folder: Path, namen: Sequence[str]) -> Deel:
    """In a process of its own, which ends with the one that started it."""
    signal.signal(signal.SIGINT, _onderbroken)
    threading.Thread(target=_eindig_met_ouder, daemon=True).start()
    quiet_libraries()
    with eigen_servers(folder) as own:
        return asyncio.run(
            mutanten.onderzoek(
                folder, own, namen, say=lambda regel: print(regel, file=sys.stderr, flush=True)
            )
        )


def _onderbroken(*_: object) -> None:
    """Once: what ends the servers is not to be interrupted itself."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise KeyboardInterrupt


def _eindig_met_ouder() -> None:
    ouder = parent_process()
    assert ouder is not None, "only started from another process"
    ouder.join()
    os.kill(os.getpid(), signal.SIGINT)
