# SPDX-License-Identifier: EUPL-1.2
"""Years of facts through the services, on a clock that is set: every clock ends as was reckoned outside the
code, and whoever is to be warned is warned at the first look after that moment and not before.

The clocks reckoned by hand (`vectoren.toml`) are played as matters; a year of matters beside them is reckoned
anew in minutes, by `narekenen.py`.
"""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest

from ops.environment import Environment
from shared import events as e
from shared import zegel
from shared.codes import Cluster
from shared.termijnen.kalender import TIJDZONE
from shared.termijnen.regels import TABEL, Soort
from tests.bus import new_id
from tests.gezette_klok import OGENBLIK, Gezegd, GezetteKlok, gezette_klok, sluit
from tests.termijnen.narekenen import (
    DAGMINUTEN,
    Belofte,
    adviseur_contact,
    contact_open,
    mid_contact,
    na_open,
    ontvangstbevestiging,
    terugkoppeling,
    toewijzing,
)
from tests.termijnen.test_vectoren import GEVALLEN, HERINNERING, moment

MINUUT = timedelta(minutes=1)
KENMERKEN = e.Kenmerken(onderdeel="CLSK")


EENS: Final = {
    f"{regel.soort}{spoed}.herhaling": "120maand"
    for regel in TABEL
    for spoed in ("", ".spoed")
    if not spoed or regel.spoed is not None
}
"""Settings by which nothing is said again while these years last: what is, is reckoned on its own."""


@pytest.fixture
async def klok(
    environment: Environment, keys: Path, request: pytest.FixtureRequest
) -> AsyncIterator[GezetteKlok]:
    """The services that have clocks, before anything happened."""
    gemaakt = await gezette_klok(environment, keys, getattr(request, "param", EENS))
    try:
        yield gemaakt
    finally:
        await sluit(gemaakt)


# --- the clocks reckoned by hand --------------------------------------------------------------------------


def instellingen(geval: Mapping[str, Any], soort: Soort) -> dict[str, str]:
    """The settings by which a clock is what its case says."""
    anders = {f"{soort}": geval["lengte"], f"{soort}.waarschuwing": ", ".join(geval["waarschuw"])}
    if soort is Soort.KLACHT:
        anders[f"{soort}.verlenging"] = geval.get("verlenging", geval["lengte"])
    if "spoed_lengte" in geval:
        anders[f"{soort}.spoed"] = geval["spoed_lengte"]
        anders[f"{soort}.spoed.waarschuwing"] = ", ".join(geval["spoed_waarschuw"])
    if "trede" in geval:
        rollen = ("coid-leiding", "sg")
        treden = zip(rollen, geval["trede"], strict=False)
        anders[f"{soort}.ladder"] = ", ".join(rol if na == "0s" else f"{rol} {na}" for rol, na in treden)
    return anders


def contact(op: datetime, verzegeld: str, grant: str | None = None, **velden: Any) -> e.ContactOntvangen:
    """A call; with a grant consent and codes come with it."""
    if grant is not None:
        velden |= {
            "instemming": (e.Instemming(instemming=grant, geadresseerde="coid"),),
            "kenmerken": KENMERKEN,
        }
    return e.ContactOntvangen(kanaal="telefoon", ontvangen_op=op, verzegeld=verzegeld, **velden)


def gesprek(op: datetime, grant: str) -> e.GesprekGevoerd:
    """A talk in which it turned out to be something for the COID."""
    return e.GesprekGevoerd(
        gevoerd_op=op, uitkomst="integriteitskwestie", kenmerken=KENMERKEN, instemming=grant
    )


def laat_beginnen(klok: GezetteKlok, geval: Mapping[str, Any], zaak: str, verzegeld: str) -> None:
    """Plan what makes the clock of this case start when it says."""
    soort, op = Soort(geval.get("soort", "klacht")), moment(geval["start"])
    regels, grant, spoed = instellingen(geval, soort), new_id(), geval.get("spoed", False)
    if soort is Soort.KLACHT:
        klacht = e.KlachtIngediend(ingediend_op=op, soort="onbehoorlijkheid")
        klok.stel("klachten", klacht, zaak, op, regels)
    elif soort is Soort.ADVISEUR_CONTACT:
        klok.stel("kanaal", contact(op, verzegeld, grant, spoed=spoed), zaak, op, regels)
        klok.stel("mid", gesprek(op + MINUUT, grant), zaak, op + MINUUT, regels)
    elif soort is Soort.TOEWIJZING:
        klok.stel("kanaal", contact(op - MINUUT, verzegeld, grant, spoed=spoed), zaak, op - MINUUT)
        klok.stel("mid", gesprek(op, grant), zaak, op, regels)
    elif soort is Soort.TERUGKOPPELING:
        klok.stel("kanaal", contact(op - MINUUT, verzegeld, grant), zaak, op - MINUUT)
        klok.stel("mid", gesprek(op, grant), zaak, op, regels)
    else:
        klok.stel("kanaal", contact(op, verzegeld, spoed=spoed), zaak, op, regels)


def laat_verlopen(klok: GezetteKlok, geval: Mapping[str, Any], zaak: str) -> None:
    """Plan what happens to the clock on its way."""
    for van, *tot in geval.get("opschortingen", ()):
        welke = new_id()
        stil = e.ZaakOpgeschort(opgeschort_op=moment(van), opschorting=welke, reden="rechter")
        klok.stel("coid", stil, zaak, moment(van))
        if tot:
            verder = e.ZaakHervat(hervat_op=moment(tot[0]), opschorting=welke)
            klok.stel("coid", verder, zaak, moment(tot[0]))
    if "verlengd_op" in geval:
        op = moment(geval["verlengd_op"])
        klok.stel("klachten", e.KlachtVerdaagd(verdaagd_op=op), zaak, op)


def op_de_seconde(een: datetime | None) -> datetime | None:
    return None if een is None else een.replace(microsecond=0)


def gezegd_na(klok: GezetteKlok, zaak: str, soort: str, *kinds: type[e.TermijnFeit]) -> list[datetime]:
    """Just before which moments something of these kinds was first said, of the clock as last armed."""
    feiten = [een for een in klok.gezegd if een.onderwerp == zaak and een.feit.soort == soort]
    generatie = max(een.feit.generatie for een in feiten)
    return [
        (een.op - OGENBLIK).replace(microsecond=0)
        for een in feiten
        if isinstance(een.feit, kinds)
        and een.feit.generatie == generatie
        and not getattr(een.feit, "herhaling", 0)
    ]


@pytest.mark.parametrize("dicht", [False, True], ids=["open", "gesloten op 18 sep 2026"])
async def test_every_clock_reckoned_by_hand_ends_so_as_a_matter(
    klok: GezetteKlok, public_keys: zegel.PublicKeys, dicht: bool
) -> None:
    """Shows the vectors through handlers, database and watch: end, extension by law, each warning and each
    rung, with every rule a version of its own, all running at once."""
    verzegeld = zegel.seal(b"{}", public_keys)
    gevallen = {new_id(): geval for geval in GEVALLEN if ("sluitingsdagen" in geval) is dicht}
    if dicht:
        for huis in ("mid", "coid"):
            op = datetime(2026, 1, 5, 9, tzinfo=UTC)
            dagen = e.KalenderVastgesteld(
                vastgesteld_op=op, volgnummer=1, sluitingsdagen=(date(2026, 9, 18),)
            )
            klok.stel(huis, dagen, "kalender", op)
    for zaak, geval in gevallen.items():
        laat_beginnen(klok, geval, zaak, verzegeld)
        laat_verlopen(klok, geval, zaak)
    await klok.speel()
    assert len(gevallen) == (2 if dicht else len(GEVALLEN) - 2)
    for zaak, geval in gevallen.items():
        naam, soort = geval["naam"], geval.get("soort", "klacht")
        laatste = [een.feit for een in klok.gezegd if een.onderwerp == zaak and een.feit.soort == soort][-1]
        assert op_de_seconde(laatste.start) == moment(geval["start"]), naam
        assert op_de_seconde(laatste.eind) == (moment(geval["eind"]) if "eind" in geval else None), naam
        atw = moment(geval["eind_atw"]) if "eind_atw" in geval else None
        assert op_de_seconde(laatste.eind_atw) == atw, naam
        waarschuwingen = list(map(moment, geval["waarschuwingen"])) or [moment(HERINNERING)]
        assert gezegd_na(klok, zaak, soort, e.TermijnNadert) == waarschuwingen, naam
        treden = gezegd_na(klok, zaak, soort, e.TermijnVerstreken, e.TermijnGeescaleerd)
        if "treden" in geval:
            assert treden == list(map(moment, geval["treden"])), naam
        elif "eind" in geval and not geval.get("alleen_bewaking"):
            assert treden[0] == moment(geval["eind"]), naam
        else:
            assert treden == [], naam
    gezien = volgens_de_tabel(klok)
    assert dicht or gezien["klacht"] == {"termijn-gestart", "termijn-verplaatst"}


def volgens_de_tabel(klok: GezetteKlok) -> dict[str, set[str]]:
    """Nothing starts, stops or moves a clock but what its rule names for that. Returns by kind of clock what
    was said of it on hearing something."""
    regels = {regel.soort: regel for regel in TABEL}
    gezien: dict[str, set[str]] = defaultdict(set)
    for feit, namen in klok.oorzaken:
        regel = regels[Soort(feit.soort)]
        if isinstance(feit, e.TermijnGestart):
            door = regel.start
        elif isinstance(feit, e.TermijnVerplaatst):
            door = regel.opschorten + regel.hervatten + regel.verlengen
        elif isinstance(feit, e.TermijnAfgelopen) and feit.uitkomst != "vervallen":
            door = regel.stop
        else:
            continue
        assert namen & set(door), (feit.soort, feit.naam, sorted(namen))
        gezien[feit.soort].add(feit.naam)
    return gezien


# --- a year, reckoned in minutes --------------------------------------------------------------------------


Melding = tuple[datetime, str, tuple[str, ...]]
"""When something is said, what, and to whom."""


@dataclass
class Verwacht:
    """A clock of the year as it should go: by whom it is reckoned, from when the service knows of it, and
    when it was kept, if it was."""

    belofte: Belofte
    bekend_op: datetime
    gehaald_op: datetime | None

    def gezegd(self) -> list[Melding]:
        """What is said, when, and to which rungs. Of what was over before anybody knew of the clock the
        gravest is said, at once, to all who should have been told by then."""
        punten: list[Melding] = [(op, "termijn-nadert", ()) for op in self.belofte.nadert]
        eerste = "termijn-verstreken"
        for op, rollen in self.belofte.treden:
            punten.append((op, eerste, rollen))
            eerste = "termijn-geescaleerd"
        geldig = [een for een in punten if self.gehaald_op is None or een[0] < self.gehaald_op]
        laat = [een for een in geldig if een[0] < self.bekend_op]
        return [
            *([self._samen(laat)] if laat else []),
            *((op + OGENBLIK, wat, rollen) for op, wat, rollen in geldig if op >= self.bekend_op),
        ]

    def _samen(self, laat: Sequence[Melding]) -> Melding:
        wat = next((een[1] for een in laat if een[1] != "termijn-nadert"), "termijn-nadert")
        return self.bekend_op, wat, tuple(rol for een in laat for rol in een[2])

    @property
    def uitkomst(self) -> tuple[str, str | None] | None:
        """How it ends; None when nobody ever keeps it."""
        if self.gehaald_op is None:
            return None
        if self.gehaald_op <= self.belofte.eind or not self.belofte.treden:
            return "gehaald", None
        atw = self.belofte.eind_atw
        return "te-laat-gehaald", "binnen-atw-verlenging" if atw and self.gehaald_op <= atw else None


class Jaar:
    """Matters of 2026 that go as they may: called or written, urgent or not, to COID or KMar, in time, on the
    last moment, just too late, or never."""

    def __init__(self, klok: GezetteKlok, verzegeld: str, seed: int) -> None:
        self.klok, self.verzegeld, self.kans = klok, verzegeld, Random(seed)
        self.verwacht: dict[tuple[str, str], Verwacht] = {}

    def soms(self, deel: float) -> bool:
        return self.kans.random() < deel

    def wanneer(self, na: datetime, dagen: int, eind: datetime | None = None) -> datetime:
        """Some time after `na`, on the whole minute; one in three times at `eind`, or close to it."""
        moment = na + timedelta(minutes=self.kans.randint(1, dagen * 1440))
        if eind is not None and self.soms(0.34):
            dichtbij = (eind, eind + MINUUT, eind - MINUUT, eind + timedelta(days=1))
            moment = self.kans.choice(dichtbij)
        return max(moment, na + MINUUT)

    def zaak(self) -> None:
        """One matter, from the contact as far as it goes."""
        zaak, grant = new_id(), new_id()
        op = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=self.kans.randrange(365 * 1440))
        schriftelijk, spoed = self.soms(0.5), self.soms(0.3)
        cluster: Cluster = "kmar" if self.soms(0.4) else "coid"
        velden: dict[str, Any] = {"kanaal": "telefoon"}
        if schriftelijk:
            instemming = (e.Instemming(instemming=grant, geadresseerde=cluster),)
            velden = {"kanaal": "webformulier", "instemming": instemming, "kenmerken": KENMERKEN}
        binnen = e.ContactOntvangen(ontvangen_op=op, verzegeld=self.verzegeld, spoed=spoed, **velden)
        self.klok.stel("kanaal", binnen, zaak, op)
        belofte = mid_contact(op)
        gesproken = None if self.soms(0.15) else self.wanneer(op, self.kans.choice((3, 14)), belofte.eind)
        if gesproken is not None:
            self.klok.stel("mid", gesprek(gesproken, grant), zaak, gesproken)
        doorgezet = gesproken
        if gesproken is not None and not schriftelijk:
            doorgezet = None if self.soms(0.2) else self.wanneer(gesproken, 9, contact_open(op).eind)
        if doorgezet is not None and not schriftelijk:
            gaf = e.InstemmingGegeven(instemming=grant, geadresseerde=cluster, gegeven_op=doorgezet)
            self.klok.stel("mid", gaf, zaak, doorgezet)
        self.verwacht |= {
            (zaak, "mid-contact"): Verwacht(belofte, op, gesproken),
            (zaak, "contact-open"): Verwacht(contact_open(op), op, op if schriftelijk else doorgezet),
            (zaak, "ontvangstbevestiging"): Verwacht(
                ontvangstbevestiging(op), op, op if schriftelijk else gesproken
            ),
        }
        if doorgezet is not None:
            bevestigd = op if schriftelijk else gesproken
            assert bevestigd is not None
            telt = op if schriftelijk else doorgezet
            begin = min(bevestigd, een_week_later(op))
            self._daarna(zaak, cluster, doorgezet, spoed, (telt, begin))

    def _daarna(
        self, zaak: str, cluster: Cluster, op: datetime, spoed: bool, vanaf: tuple[datetime, datetime]
    ) -> None:
        """After the forward. The COID has advisers enough, the KMar has nobody."""
        leiding = f"{cluster}-leiding"
        week, antwoord = adviseur_contact(vanaf[0], spoed, leiding), terugkoppeling(vanaf[1], leiding)
        gesproken = None if self.soms(0.2) else self.wanneer(op, 12, week.eind)
        if gesproken is not None:
            sprak = e.AdviesgesprekGevoerd(gevoerd_op=gesproken, adviseur="adviseur-1")
            self.klok.stel(cluster, sprak, zaak, gesproken)
        verteld = None if self.soms(0.3) else self.wanneer(gesproken or op, 130, antwoord.eind)
        if verteld is not None:
            self.klok.stel(cluster, e.TerugkoppelingGegeven(gegeven_op=verteld), zaak, verteld)
        self.verwacht |= {
            (zaak, "toewijzing"): Verwacht(
                toewijzing(op, spoed, leiding), op, op if cluster == "coid" else None
            ),
            (zaak, "adviseur-contact"): Verwacht(week, op, gesproken),
            (zaak, "terugkoppeling"): Verwacht(antwoord, op, verteld),
        }


def een_week_later(op: datetime) -> datetime:
    """Seven days later on the wall clock."""
    return (op.astimezone(TIJDZONE) + timedelta(days=7)).astimezone(UTC)


@pytest.mark.timeout(300)
async def test_a_year_of_matters_keeps_every_clock_as_reckoned_in_minutes(
    klok: GezetteKlok, public_keys: zegel.PublicKeys
) -> None:
    """Shows six kinds of clock of each matter: start, end, extension by law, how it ended, and everything
    that was said of it, to the microsecond, in order, to the right roles; and nothing else."""
    jaar = Jaar(klok, zegel.seal(b"{}", public_keys), 2026)
    begin = datetime(2025, 12, 31, 9, tzinfo=UTC)
    adviseur = e.AdviseurGewijzigd(gewijzigd_op=begin, volgnummer=1, onderdelen=("CLSK",))
    for nummer in range(6):
        klok.stel("coid", adviseur, f"adviseur-{nummer + 1}", begin)
    for _ in range(60):
        jaar.zaak()
    await klok.speel()
    gezegd: dict[tuple[str, str], list[Gezegd]] = defaultdict(list)
    for een in klok.gezegd:
        gezegd[een.onderwerp, een.feit.soort].append(een)
    assert gezegd.keys() == jaar.verwacht.keys()
    for sleutel, verwacht in jaar.verwacht.items():
        feiten, belofte = gezegd[sleutel], verwacht.belofte
        for _, _, feit in feiten:
            assert (feit.start, feit.eind, feit.eind_atw) == (belofte.start, belofte.eind, belofte.eind_atw)
        waak = [
            (op, feit.naam, tuple(getattr(feit, "escaleert_naar", ())))
            for op, _, feit in feiten
            if isinstance(feit, e.TermijnNadert | e.TermijnVerstreken | e.TermijnGeescaleerd)
        ]
        assert waak == verwacht.gezegd(), sleutel
        einden = [feit for _, _, feit in feiten if isinstance(feit, e.TermijnAfgelopen)]
        assert [(feit.uitkomst, feit.reden) for feit in einden] == (
            [] if verwacht.uitkomst is None else [verwacht.uitkomst]
        ), sleutel
    gezien_bij = volgens_de_tabel(klok)
    assert all({"termijn-gestart", "termijn-afgelopen"} <= gezien_bij[soort] for _, soort in jaar.verwacht)
    uitkomsten = Counter(verwacht.uitkomst for verwacht in jaar.verwacht.values())
    assert min(uitkomsten[een] for een in (None, ("gehaald", None), ("te-laat-gehaald", None))) >= 20
    assert uitkomsten["te-laat-gehaald", "binnen-atw-verlenging"] >= 2


# --- what nobody keeps ------------------------------------------------------------------------------------

WEER: Final = {
    "mid-contact": (1, ("mid-leiding",)),
    "contact-open": (5, ()),
    "ontvangstbevestiging": (2, ("mid-leiding",)),
    "toewijzing": (5, ("sg",)),
    "adviseur-contact": (5, ("sg",)),
    "terugkoppeling": (5, ("sg",)),
}
"""After how many working days what was said last is said again, and to whom."""


@pytest.mark.parametrize("klok", [{}], indirect=True, ids=["by the table"])
async def test_what_nobody_keeps_is_said_again_and_again_until_it_is_kept(
    klok: GezetteKlok, public_keys: zegel.PublicKeys
) -> None:
    """Shows two matters that stay untouched for months: each clock, reckoned in minutes, to whom stands on
    top of its ladder, and to nobody at Defensie about a contact without consent."""
    verzegeld, grant = zegel.seal(b"{}", public_keys), new_id()
    bellen, schrijven = new_id(), new_id()
    op = datetime(2026, 3, 30, 9, 10, tzinfo=UTC)
    klok.stel("kanaal", contact(op, verzegeld), bellen, op)
    instemming = (e.Instemming(instemming=grant, geadresseerde="kmar"),)
    binnen = e.ContactOntvangen(
        kanaal="webformulier",
        ontvangen_op=op,
        verzegeld=verzegeld,
        instemming=instemming,
        kenmerken=KENMERKEN,
    )
    klok.stel("kanaal", binnen, schrijven, op)
    klok.stel("mid", gesprek(op + MINUUT, grant), schrijven, op + MINUUT)
    eind = datetime(2026, 9, 1, 9, tzinfo=UTC)
    klok.stel("kmar", e.AdviesgesprekGevoerd(gevoerd_op=eind, adviseur="k-1"), schrijven, eind)
    await klok.speel()
    gezegd: dict[str, list[Gezegd]] = defaultdict(list)
    for een in klok.gezegd:
        if isinstance(een.feit, e.TermijnNadert | e.TermijnVerstreken | e.TermijnGeescaleerd):
            gezegd[een.feit.soort].append(een)
    assert gezegd.keys() == WEER.keys()
    for soort, (werkdagen, rollen) in WEER.items():
        nummers = [getattr(feit, "herhaling", 0) for _, _, feit in gezegd[soort]]
        eerste = nummers.index(1)
        assert nummers == [0] * eerste + list(range(1, len(nummers) - eerste + 1)), soort
        assert len(nummers) - eerste >= 7, soort
        for vroeg, laat in pairwise(gezegd[soort][eerste - 1 :]):
            verwacht = na_open(vroeg.op.replace(microsecond=0), werkdagen * DAGMINUTEN)
            assert laat.op.replace(microsecond=0) == verwacht, soort
            assert tuple(getattr(laat.feit, "escaleert_naar", ())) == rollen, soort
    assert gezegd["adviseur-contact"][-1].op < eind, "kept, and silent from then on"
    assert gezegd["mid-contact"][-1].op > eind - timedelta(days=5)


@pytest.mark.parametrize("klok", [{}], indirect=True, ids=["by the table"])
async def test_who_loses_the_adviser_after_the_talk_is_heard_of_until_the_end(
    klok: GezetteKlok, public_keys: zegel.PublicKeys
) -> None:
    """Shows a matter whose only adviser steps back after the talk: the clock of assignment runs anew, all of
    its ladder, the top each week; with the consent it ends, and nothing more is said."""
    zaak, grant = new_id(), new_id()
    op = datetime(2026, 3, 30, 9, 10, tzinfo=UTC)
    adviseur = e.AdviseurGewijzigd(gewijzigd_op=op, volgnummer=1, onderdelen=("CLSK",))
    klok.stel("coid", adviseur, "adviseur-1", op)
    klok.stel("kanaal", contact(op, zegel.seal(b"{}", public_keys), grant), zaak, op)
    klok.stel("mid", gesprek(op + MINUUT, grant), zaak, op + MINUUT)
    sprak, weg = op + timedelta(hours=1), op + timedelta(hours=2)
    klok.stel("coid", e.AdviesgesprekGevoerd(gevoerd_op=sprak, adviseur="adviseur-1"), zaak, sprak)
    weigert = e.ToewijzingGeweigerd(geweigerd_op=weg, adviseur="adviseur-1", reden="afwezigheid")
    klok.stel("coid", weigert, zaak, weg)
    eind = datetime(2026, 9, 1, 9, tzinfo=UTC)
    klok.stel("mid", e.InstemmingIngetrokken(instemming=grant, ingetrokken_op=eind), zaak, eind)
    await klok.speel()
    feiten = [een for een in klok.gezegd if een.feit.soort == "toewijzing"]
    uitkomsten = [een.feit for een in feiten if isinstance(een.feit, e.TermijnAfgelopen)]
    assert [(een.generatie, een.uitkomst) for een in uitkomsten] == [(1, "gehaald"), (2, "vervallen")]
    weer = [een for een in feiten if een.feit.generatie == 2]
    assert weer[0].op == weer[0].feit.start == weg
    belofte, nummers = toewijzing(weg, False, "coid-leiding"), [0, 0, 0, *range(1, len(weer) - 4)]
    gezegd = [een for een in weer if not isinstance(een.feit, e.TermijnGestart | e.TermijnAfgelopen)]
    assert (weer[0].feit.eind, len(gezegd) > 15) == (belofte.eind, True)
    assert [getattr(een.feit, "herhaling", 0) for een in gezegd] == nummers
    assert [getattr(een.feit, "escaleert_naar", []) for een in gezegd][-1] == ("sg",)
    assert gezegd[-1].op < eind == weer[-1].op


# --- what comes late --------------------------------------------------------------------------------------

BETROKKENE: Final = new_id()
AAN: Final = EENS | {"klacht": "6week", "behandeling": "2week", "afdoening": "6week", "nazorg": "4week"}


def loop_van_een_zaak(kans: Random) -> list[tuple[str, e.Event, datetime]]:
    """What happens to a complaint that turns out to be a melding for the line: placed, placed elsewhere,
    suspended, extended; some of it never."""
    begin = datetime(2026, 2, 2, 9, tzinfo=UTC)

    def op(dag: int) -> datetime:
        return begin + timedelta(days=dag, minutes=kans.randint(1, 1440))

    def uitgezet(moment: datetime, eenheid: str) -> tuple[str, e.Event, datetime]:
        data = e.BehandelingUitgezet(
            uitgezet_op=moment, eenheid=eenheid, behandelend_leidinggevende=f"hoofd-{eenheid}"
        )
        return "routing", data, moment

    feiten: list[tuple[str, e.Event, datetime]] = []
    ingediend, gekwalificeerd, eerst = op(0), op(kans.randint(1, 9)), op(10)
    feiten.append(
        ("klachten", e.KlachtIngediend(ingediend_op=ingediend, soort="onbehoorlijkheid"), ingediend)
    )
    melding = e.KwestieGekwalificeerd(
        gekwalificeerd_op=gekwalificeerd, kwalificatie="melding", rubriek="overige"
    )
    feiten += [("coid", melding, gekwalificeerd), uitgezet(eerst, "een")]
    for dag in sorted(kans.sample(range(11, 80), kans.randint(0, 2))):
        naam, van, tot = new_id(), op(dag), op(dag + kans.randint(1, 20))
        opgeschort = e.ZaakOpgeschort(opgeschort_op=van, opschorting=naam, reden="rechter")
        feiten.append(("coid", opgeschort, van))
        feiten.append(("lijn", e.ZaakHervat(hervat_op=tot, opschorting=naam), tot))
    mogelijk: list[tuple[str, Callable[[datetime], e.Event], int]] = [
        ("klachten", lambda m: e.KlachtVerdaagd(verdaagd_op=m), 30),
        ("klachten", lambda m: e.KlachtAfgehandeld(afgehandeld_op=m, oordelen=("ongegrond",)), 70),
        ("lijn", lambda m: e.BehandelingAanvaard(aanvaard_op=m, leidinggevende="hoofd-een"), 20),
        (
            "lijn",
            lambda m: e.AfdoeningVastgesteld(
                vastgesteld_op=m, betrokkene=BETROKKENE, afdoening="vastgesteld"
            ),
            75,
        ),
        ("lijn", lambda m: e.NazorgVerleend(verleend_op=m, aan="melder", door="lijn"), 90),
    ]
    for publisher, maak, dag in mogelijk:
        if kans.random() < 0.8:
            moment = op(dag + kans.randint(0, 20))
            feiten.append((publisher, maak(moment), moment))
    if kans.random() < 0.3:
        feiten.append(uitgezet(op(45), "twee"))
    return feiten


@pytest.mark.parametrize("klok", [AAN], indirect=True, ids=["what is off by default runs, too"])
async def test_facts_that_come_late_end_in_the_clocks_of_those_that_came_in_time(klok: GezetteKlok) -> None:
    """Shows forty matters twice: once as it happened, once with each fact up to two months late, after stops
    and alarms. Start, end, outcome and how the end came about are the same."""
    kans, paren = Random(4), []
    for _ in range(40):
        op_tijd, te_laat = new_id(), new_id()
        paren.append((op_tijd, te_laat))
        for publisher, feit, op in loop_van_een_zaak(kans):
            klok.stel(publisher, feit, op_tijd, op)
            klok.stel(publisher, feit, te_laat, op + timedelta(minutes=kans.randint(0, 60 * 1440)))
    await klok.speel()
    rijen = await klok.diensten["registry"].pool.fetch(
        "select onderwerp, soort, start_op, eind_op, gestopt_op, uitkomst, reden, afleiding from termijnen"
    )
    per_zaak: dict[str, dict[str, Any]] = defaultdict(dict)
    for onderwerp, soort, *rest in rijen:
        per_zaak[onderwerp][soort] = rest
    for op_tijd, te_laat in paren:
        assert per_zaak[te_laat] == per_zaak[op_tijd]
    soorten = Counter((soort, rest[3]) for klokken in per_zaak.values() for soort, rest in klokken.items())
    assert {soort for soort, _ in soorten} == {"klacht", "behandeling", "afdoening", "nazorg"}
    assert {uitkomst for _, uitkomst in soorten} == {None, "gehaald", "te-laat-gehaald", "vervallen"}
