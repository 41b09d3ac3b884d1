# SPDX-License-Identifier: EUPL-1.2
"""Who hears nothing of a case because somebody must not learn of it. Pure; why: docs/anonymity.md."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from services.notification.core.boom import Boom
from shared.codes import Rol


def terrein(boom: Boom, eenheid: str, rol: Rol) -> frozenset[str]:
    """The units of whose cases a seat at `eenheid` customarily hears.

    For the SG that is all there is, however many tops the tree has. For whoever serves a whole branch from a
    desk somewhere in it that is the branch, by what units say they belong to and not by what is known to be
    above them; else a case that only they do not hear of would show that it is about their desk.
    """
    if rol in ("sg", "plaatsvervanger-sg"):
        return boom.toppen or frozenset({eenheid})
    if rol in ("kabinetschef", "cvp") and eenheid in boom:
        return boom.tak(eenheid)
    return frozenset({eenheid})


@dataclass(frozen=True, slots=True)
class Stoel:
    """A seat, with every `terrein` it has and every mailbox it reads; and those it had."""

    code: str
    terreinen: frozenset[str]
    postbussen: frozenset[str]
    vroegere_terreinen: frozenset[str] = frozenset()
    vroegere_postbussen: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Uitsluiting:
    """What the exclusions of one case mean for the address book."""

    uitgesloten: frozenset[str]
    """Seats that must not learn of it, with every seat that reads or read a mailbox that is or was theirs."""
    gemeden: frozenset[str]
    """Terreinen that those excluded have or had: no name at or below them is used for anybody."""
    terreinen: Mapping[str, frozenset[str]]
    """For each seat the terreinen of whoever reads its mailbox."""
    onbekend: bool = False
    """No unit ever named one of those who must not learn of it: who they are, and what they customarily hear
    of, cannot be said, and until it can nobody may hear."""

    def mag_horen(self, stoel: str, eenheid: str, boom: Boom) -> bool:
        """Whether this seat may be told of a case in a unit of this tree.

        Not when somebody must not hear of it who customarily hears of the same things or of more: their
        silence and this seat's message would be two notes to compare. Nor, when it is not this seat's to hear
        of by custom, beside or below anybody excluded. Whoever also has a terrein above those of all excluded
        is told, as others there are: to be left out would be the gap. Where it is not known what stands above
        a unit it may be somebody excluded.
        """
        if self.onbekend or stoel in self.uitgesloten or self.wacht_op_plaats(eenheid, boom):
            return False
        eigen, pad = self.terreinen.get(stoel, frozenset()), boom.pad(eenheid)
        hoogste = max((plaats for plaats, code in enumerate(pad) if code in eigen), default=None)
        if hoogste is None:
            return not self.uitgesloten or all(
                boom.geplaatst(code) and self.gemeden.isdisjoint(boom.pad(code)) for code in eigen
            )
        return self.gemeden.isdisjoint(pad[hoogste:])

    def wacht_op_plaats(self, eenheid: str, boom: Boom) -> bool:
        """Whether nobody may be told yet of a case in a unit: somebody is excluded, and what stands above it
        is not known. It may be them."""
        return bool(self.uitgesloten) and not boom.geplaatst(eenheid)


def uitsluiting(stoelen: Collection[Stoel], uit_te_sluiten: Collection[str]) -> Uitsluiting:
    """Which seats and units fall away when these seats must not learn of a case.

    Seats that share a mailbox, however spelled, are one reader. An exclusion is of the reader: it goes with
    every mailbox and every terrein that the seat had, since a seat under a new code, at a new address or in
    another unit may be read by the same eyes. Whoever may hear does so by what they are now.
    """
    ooit, lezers = _lezers(stoelen, ooit=True), _lezers(stoelen)
    uitgesloten = frozenset(code for uit in uit_te_sluiten for code in ooit.get(uit, frozenset({uit})))
    per_code = {stoel.code: stoel for stoel in stoelen}
    terreinen = {
        code: frozenset(een for stoel in samen for een in per_code[stoel].terreinen)
        for code, samen in lezers.items()
    }
    return Uitsluiting(
        uitgesloten,
        _ooit_gehoord(per_code, uitgesloten),
        MappingProxyType(terreinen),
        onbekend=any(uit not in per_code for uit in uit_te_sluiten),
    )


def _ooit_gehoord(stoelen: Mapping[str, Stoel], codes: Collection[str]) -> frozenset[str]:
    """The terreinen that these seats have or had."""
    return frozenset(
        een
        for code in codes
        if (stoel := stoelen.get(code)) is not None
        for een in stoel.terreinen | stoel.vroegere_terreinen
    )


def verborgen_voor(
    stoel: str, stoelen: Collection[Stoel], boom: Boom, uitsluitingen: Mapping[str, Collection[str]]
) -> frozenset[str]:
    """Of these matters, each with the seats that must not learn of it, those that do not exist for this seat.

    Not what whoever reads a mailbox with it must not learn of; nor what is kept from somebody who customarily
    hears of the same units as this reader, or of more: whoever sits below them would be their eyes. A reader
    who also hears of units above those of all excluded is no deputy of theirs. Where no unit ever named
    somebody excluded, the matter is there for no reader; and for a reader whom no unit names now, or of whose
    unit it is not known what stands above it, no matter is there from which anybody is excluded. It takes no
    unit of a matter: most of what has a clock was not placed anywhere yet.
    """
    ooit, nu = _lezers(stoelen, ooit=True), _lezers(stoelen)
    per_code = {een.code: een for een in stoelen}

    def samen(code: str) -> frozenset[str]:
        return ooit.get(code, frozenset({code}))

    bereik = {een for wie in nu.get(stoel, ()) for een in per_code[wie].terreinen}
    ergens = not bereik or not all(map(boom.geplaatst, bereik))
    paden = {een: frozenset(boom.pad(een)) | {een} for een in bereik}
    boven = frozenset(code for pad in paden.values() for code in pad)
    van_uitgesloten = {
        code: _ooit_gehoord(per_code, samen(code)) for uit in uitsluitingen.values() for code in uit
    }
    verborgen = set()
    for zaak, uit in uitsluitingen.items():
        gemeden = frozenset(een for code in uit for een in van_uitgesloten[code])
        onder = not gemeden.isdisjoint(boven) and not any(
            een not in gemeden and all(een in boom.pad(ander) for ander in gemeden) for een in paden
        )
        onbekend = any(code not in per_code for code in uit)
        if uit and (onbekend or onder or ergens or not samen(stoel).isdisjoint(uit)):
            verborgen.add(zaak)
    return frozenset(verborgen)


def _lezers(stoelen: Collection[Stoel], *, ooit: bool = False) -> dict[str, frozenset[str]]:
    """For each seat all seats that are linked to it by mailboxes, over as many seats as it takes; with `ooit`
    also by those they had."""
    samen = {stoel.code: {stoel.code} for stoel in stoelen}
    van_postbus: dict[str, str] = {}
    for stoel in stoelen:
        for postbus in stoel.postbussen | stoel.vroegere_postbussen if ooit else stoel.postbussen:
            eerste = van_postbus.setdefault(postbus.casefold(), stoel.code)
            if samen[eerste] is not samen[stoel.code]:
                samen[eerste] |= samen[stoel.code]
                for code in samen[stoel.code]:
                    samen[code] = samen[eerste]
    return {code: frozenset(groep) for code, groep in samen.items()}
