# SPDX-License-Identifier: EUPL-1.2
"""What is said of the clocks in a world of the cores: every fact about one, to whom, and when."""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ops.bewijs.kern import Gezien, Klokstand
from shared import events as e
from shared.termijnen.klok import Bewaard
from shared.termijnen.overgang import beslis_waak, verschil
from shared.termijnen.regelboek import Regelboek
from shared.termijnen.regels import regels

_BOEK: Final = Regelboek.met(regels({}).values())
_OGENBLIK: Final = timedelta(microseconds=1)
_DAARNA: Final = timedelta(days=200)
"""How long the watch still looks after the last was said of a matter: past the three months of the longest
promise, the rungs above it, and some repetitions."""


class Gezegd(NamedTuple):
    """One fact about a clock, as a service states it of a matter."""

    op: datetime
    dienst: str
    zaak: str
    feit: e.TermijnFeit

    @property
    def rollen(self) -> frozenset[str]:
        """To whom it is addressed, and to whom it is to be brought."""
        return frozenset((self.feit.rol, *getattr(self.feit, "escaleert_naar", ())))


def gezegd(gezien: Gezien, *, waakt_meteen: bool, zaken: Collection[str] | None = None) -> Iterator[Gezegd]:
    """Every fact about a clock of these matters, or of all, matter by matter, in order.

    The watch looks at each moment at which there is something to say: all the while, or with `waakt_meteen`
    off only after the last was said of a matter, as on the running stack.
    """
    for (dienst, zaak), standen in gezien.klokloop.items():
        if zaken is not None and zaak not in zaken:
            continue
        for op, feit in _loop(zaak, standen, waakt_meteen):
            yield Gezegd(op, dienst, zaak, feit)


def _loop(
    zaak: str, standen: list[Klokstand], waakt_meteen: bool
) -> Iterator[tuple[datetime, e.TermijnFeit]]:
    bewaard: dict[str, Bewaard] = {}
    for op, klokken in standen:
        if waakt_meteen:
            yield from _vuur(bewaard, op)
        for een in verschil(klokken, bewaard.values(), zaak, _BOEK):
            bewaard[een.bewaard.termijn.soort] = een.bewaard
            yield from ((op, feit) for feit in een.feiten)
    yield from _vuur(bewaard, standen[-1].op + _DAARNA)


def _vuur(bewaard: dict[str, Bewaard], tot: datetime) -> Iterator[tuple[datetime, e.TermijnFeit]]:
    """What the watch says before this moment, of each clock as soon as it is due."""
    for soort, een in bewaard.items():
        while (volgende := een.volgende_op) is not None and volgende < tot:
            uitkomst = beslis_waak(een, volgende + _OGENBLIK, _BOEK)
            assert uitkomst is not None, "what is due is said"
            een = bewaard[soort] = uitkomst.bewaard
            if uitkomst.feit is not None:
                yield volgende + _OGENBLIK, uitkomst.feit
