# SPDX-License-Identifier: EUPL-1.2
"""Several meldingen of one event: which of them count. Pure.

Whoever is named as a double does not count. Couplings may name each other in a ring; then the smallest id of
the ring keeps counting, unless somebody outside the ring names one of them. So at least one of coupled
matters counts, and the answer depends on the set of couplings alone.
"""

from collections import defaultdict
from collections.abc import Iterable

from services.registry.core.zaak import Koppeling


def niet_tellend(koppelingen: Iterable[Koppeling]) -> frozenset[str]:
    """The matters that do not count because another stands for the same event."""
    noemt: dict[str, set[str]] = defaultdict(set)
    genoemd_door: dict[str, set[str]] = defaultdict(set)
    for een in koppelingen:
        if een.zaak != een.dubbele:
            noemt[een.zaak].add(een.dubbele)
            genoemd_door[een.dubbele].add(een.zaak)
    dubbel = set()
    for zaak in genoemd_door:
        boven = _bereikbaar(zaak, genoemd_door)
        ring = (boven & _bereikbaar(zaak, noemt)) | {zaak}
        if boven - ring or zaak != min(ring):
            dubbel.add(zaak)
    return frozenset(dubbel)


def _bereikbaar(begin: str, langs: dict[str, set[str]]) -> set[str]:
    gezien: set[str] = set()
    te_gaan = [begin]
    while te_gaan:
        for volgende in langs.get(te_gaan.pop(), ()):
            if volgende not in gezien:
                gezien.add(volgende)
                te_gaan.append(volgende)
    return gezien
