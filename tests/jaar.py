# SPDX-License-Identifier: EUPL-1.2
"""A year of facts behind a published table: what the field could have stated so that this table follows.

Every melding of the table gets a plausible course, by the ways of its time: the line's own reports and the
KMar's register before the MID's registration began, the MID afterwards. Around them goes what happens as well
and must not be counted. All of it follows from a seed: ids, moments and courses are the same every time.
"""

import csv
import io
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from random import Random
from typing import Any, Final, Literal, get_args

from shared import events as e
from shared import flow
from shared.codes import RUBRIEKEN, Cluster, Onderdeel, Rubriek, SoortKlacht, hoofdgroep
from shared.envelope import Fact, fact_key
from shared.termijnen.kalender import TIJDZONE

ONDERDELEN: Final[tuple[Onderdeel, ...]] = ("BS", "CZSK", "CLAS", "CLSK", "KMAR", "DOSCO", "DMO")
ADVISEURS: Final[Mapping[Onderdeel, int]] = {"BS": 1, "CZSK": 3, "CLAS": 5, "CLSK": 2, "DOSCO": 5, "DMO": 2}
"""COID advisers per branch in 2021 (JID 2021)."""
_RUBRIEKEN: Final[tuple[Rubriek, ...]] = get_args(Rubriek)
_CODES: Final[Mapping[str, Rubriek]] = {RUBRIEKEN[code]: code for code in _RUBRIEKEN}


@dataclass(frozen=True)
class Kolom:
    """A column of the table: the registers it counts, from the first day to the last."""

    label: str
    registers: tuple[str, ...]
    vanaf: date
    tot_en_met: date


@dataclass(frozen=True)
class Tabel:
    """A table as it was published, with what its columns and rows stand for.

    A row whose label is in `rubrieken` is filled by matters; any other row by history under that label.
    """

    jaar: int
    csv: str
    peildatum: date
    kolommen: tuple[Kolom, ...]
    telregel: Literal["gemeld", "vastgesteld"] = "gemeld"
    rubrieken: Mapping[str, Rubriek] = field(default_factory=lambda: _CODES)

    @property
    def rijen(self) -> list[tuple[str, list[int | None]]]:
        """Label and counts of each row, without the total; None where a column does not have the row."""
        _, *rijen, _ = csv.reader(io.StringIO(self.csv))
        return [(label, [int(cel) if cel else None for cel in cellen]) for label, *cellen in rijen]

    @property
    def totalen(self) -> list[int]:
        """The totals as printed."""
        return [int(cel) for cel in list(csv.reader(io.StringIO(self.csv)))[-1][1:]]

    def indeling(self) -> e.TabelindelingVastgesteld:
        """How the table is laid out, as the COID states it."""
        return e.TabelindelingVastgesteld(
            vastgesteld_op=datetime(self.jaar + 1, 3, 1, 9, tzinfo=UTC),
            tabel="rubrieken",
            jaar=self.jaar,
            peildatum=self.peildatum,
            telregel=self.telregel,
            rijen=tuple(
                e.Tabelrij(label=label, rubriek=self.rubrieken.get(label)) for label, _ in self.rijen
            ),
            kolommen=tuple(
                e.Tabelkolom(
                    label=kolom.label,
                    registers=kolom.registers,
                    vanaf=kolom.vanaf,
                    tot_en_met=kolom.tot_en_met,
                    niet_van_toepassing=tuple(
                        label for label, cellen in self.rijen if cellen[nummer] is None
                    ),
                    gedrukt_totaal=self.totalen[nummer],
                )
                for nummer, kolom in enumerate(self.kolommen)
            ),
        )


@dataclass
class Verhaal:
    """The facts of a year. `ingehaald` are the matters whose forward a withdrawal may overtake: which of the
    two comes first decides whether anybody outside the MID ever hears of them. `verplaatst` are those whose
    placement with the line may be overtaken in the same way."""

    feiten: list[Fact] = field(default_factory=list)
    ingehaald: set[str] = field(default_factory=set)
    verplaatst: set[str] = field(default_factory=set)
    luisterend: set[str] = field(default_factory=set)

    @cached_property
    def contacten(self) -> frozenset[str]:
        """The matters that began as a contact with the MID."""
        return frozenset(feit.subject for feit in self.feiten if isinstance(feit.data, e.ContactOntvangen))


def eenheden(onderdeel: Onderdeel) -> tuple[str, str]:
    """The codes of the two units of a branch."""
    return f"{onderdeel.lower()}-eenheid-1", f"{onderdeel.lower()}-eenheid-2"


def stoelen(onderdeel: Onderdeel, eenheid: str) -> list[str]:
    """The seats of a unit: its commander, and the branch's chief of cabinet and CVP."""
    return [f"{eenheid}-cdt", f"kab-{onderdeel}", f"cvp-{onderdeel}"]


def maak(tabel: Tabel, seed: int, verzegeld: str, ruis: int = 3) -> Verhaal:
    """The facts of the year of `tabel`. `verzegeld` is sealed content; `ruis` scales what is not counted."""
    jaar = _Jaar(tabel, Random(seed), verzegeld)
    jaar.organisatie()
    onderwerp = jaar.id()
    jaar.feit("coid", tabel.indeling(), onderwerp)
    ouder = tabel.indeling()
    jaar.feit(
        "coid",
        ouder.model_copy(
            update={
                "vastgesteld_op": ouder.vastgesteld_op - timedelta(days=9),
                "rijen": ouder.rijen[:1],
                "telregel": "vastgesteld",
            }
        ),
        onderwerp,
    )
    for label, cellen in tabel.rijen:
        for kolom, aantal in zip(tabel.kolommen, cellen, strict=True):
            jaar.cel(label, kolom, aantal or 0)
    for _ in range(ruis):
        jaar.wat_niet_telt()
    return jaar.verhaal


@dataclass
class _Wat:
    """What a matter is registered as in the end, and when it first was."""

    rubriek: Rubriek
    in_register: str
    op: datetime
    onderdeel: Onderdeel
    eenheid: str

    @property
    def cluster(self) -> Cluster:
        return "kmar" if self.onderdeel == "KMAR" else "coid"

    @property
    def kenmerken(self) -> dict[str, Any]:
        return {"onderdeel": self.onderdeel, "eenheid": self.eenheid, "rubriek": self.rubriek}


class _Zaak:
    """One matter, and the moment up to which it was told."""

    def __init__(self, jaar: "_Jaar", op: datetime) -> None:
        self.jaar, self.op, self.id = jaar, op, jaar.id()

    def zegt(self, wie: str, feit: type[e.Event], /, **velden: Any) -> None:
        """A party states a fact, some time after the last one."""
        self.op += timedelta(seconds=self.jaar.kans.randint(600, 60_000))
        self.jaar.feit(wie, feit.model_validate({feit.moment: self.op, **velden}), self.id)

    def stemt_in(self, aan: str, wie: str, *, grant: str | None = None, **velden: Any) -> str:
        """The melder agrees; returns the grant."""
        grant = grant or self.jaar.id()
        self.zegt(wie, e.InstemmingGegeven, instemming=grant, geadresseerde=aan, **velden)
        return grant

    def trekt_in(self, grant: str, wie: str) -> None:
        """The melder withdraws a grant."""
        self.zegt(wie, e.InstemmingIngetrokken, instemming=grant)


class _Jaar:
    def __init__(self, tabel: Tabel, kans: Random, verzegeld: str) -> None:
        self.tabel, self.kans, self.verzegeld = tabel, kans, verzegeld
        self.verhaal = Verhaal()

    # --- the small things -------------------------------------------------------------------------------

    def id(self) -> str:
        return uuid.UUID(int=self.kans.getrandbits(128), version=4).hex

    def feit(self, wie: str, event: e.Event, subject: str) -> None:
        fact_id, op = self.id(), event.gebeurd_op
        time = op if isinstance(op, datetime) else datetime(op.year, op.month, op.day, tzinfo=UTC)
        key = fact_key(flow.source(wie), fact_id)
        self.verhaal.feiten.append(Fact(key, wie, fact_id, subject, time, event))

    def soms(self, deel: float) -> bool:
        return self.kans.random() < deel

    def moment(self, vanaf: date, tot_en_met: date) -> datetime:
        dag = vanaf + timedelta(days=self.kans.randrange((tot_en_met - vanaf).days + 1))
        uur, minuut = self.kans.randint(8, 16), self.kans.randrange(60)
        return datetime(dag.year, dag.month, dag.day, uur, minuut, tzinfo=TIJDZONE).astimezone(UTC)

    def in_het_jaar(self) -> datetime:
        return self.moment(date(self.tabel.jaar, 1, 20), date(self.tabel.jaar, 12, 20))

    def wat(self, kolom: Kolom | None = None, rubriek: Rubriek | None = None) -> _Wat:
        """A registration in a column; without one, anywhere in the year."""
        kolom = kolom or self.kans.choice(self.tabel.kolommen)
        register = self.kans.choice(kolom.registers)
        onderdeel = "KMAR" if register == "BPS" else self.kans.choice(ONDERDELEN)
        return _Wat(
            self.kans.choice(list(self.tabel.rubrieken.values())) if rubriek is None else rubriek,
            register,
            self.moment(kolom.vanaf, kolom.tot_en_met),
            onderdeel,
            self.kans.choice(eenheden(onderdeel)),
        )

    # --- organisation and roster -----------------------------------------------------------------------

    def organisatie(self) -> None:
        """Units with their seats and advisers, each in an older and a newer version."""
        begin = datetime(self.tabel.jaar, 1, 4, 9, tzinfo=UTC)
        for onderdeel in ONDERDELEN:
            for eenheid in eenheden(onderdeel):
                for volgnummer in (1, 2):
                    self.feit("organisatie", self._eenheid(onderdeel, eenheid, volgnummer, begin), eenheid)
            for nummer in range(ADVISEURS.get(onderdeel, 2)):
                self._adviseur("coid", f"adviseur-{onderdeel.lower()}-{nummer + 1}", onderdeel, begin)
        for nummer in range(3):
            self._adviseur("kmar", f"adviseur-ci-{nummer + 1}", "KMAR", begin)

    def _eenheid(
        self, onderdeel: Onderdeel, eenheid: str, volgnummer: int, op: datetime
    ) -> e.EenheidGewijzigd:
        rollen = ("commandant", "kabinetschef", "cvp")
        return e.EenheidGewijzigd.model_validate(
            {
                "gewijzigd_op": op + timedelta(days=volgnummer),
                "volgnummer": volgnummer,
                "onderdeel": onderdeel,
                "sterkte": 500 * volgnummer,
                "functionarissen": [
                    # The older version knows no mailboxes yet.
                    {
                        "functionaris": stoel,
                        "rol": rol,
                        "postbus": f"{stoel}@defensie.test" if volgnummer > 1 else None,
                    }
                    for stoel, rol in zip(stoelen(onderdeel, eenheid), rollen, strict=True)
                ],
            }
        )

    def _adviseur(self, wie: str, code: str, onderdeel: Onderdeel, op: datetime) -> None:
        for volgnummer in (1, 2):
            event = e.AdviseurGewijzigd(
                gewijzigd_op=op + timedelta(days=volgnummer),
                volgnummer=volgnummer,
                onderdelen=(onderdeel,),
                deskundigheid=(self.kans.choice(_RUBRIEKEN),),
                actief=volgnummer > 1,
            )
            self.feit(wie, event, code)

    # --- what counts ------------------------------------------------------------------------------------

    def cel(self, label: str, kolom: Kolom, aantal: int) -> None:
        """As many registrations as a cell of the table says."""
        rubriek = self.tabel.rubrieken.get(label)
        if rubriek is None:
            self._historie(label, kolom, aantal)
            return
        for _ in range(aantal):
            self.melding(self.wat(kolom, rubriek))

    def _historie(self, label: str, kolom: Kolom, aantal: int, *, vastgesteld: bool = True) -> None:
        """Half of a cell as a count, the rest case by case."""
        delen = [aantal - aantal // 2] + [1] * (aantal // 2) if aantal else []
        for deel in delen:
            event = e.MeldingOvergenomen(
                geregistreerd_op=self.moment(kolom.vanaf, kolom.tot_en_met).astimezone(TIJDZONE).date(),
                in_register=kolom.registers[0],
                rubriek_label=label,
                aantal=deel,
                vastgesteld=vastgesteld,
            )
            self.feit("archief", event, self.id())

    def melding(self, wat: _Wat, *, telt: bool = True) -> str:
        """A matter that is a melding on the peildatum, in one of many ways."""
        zaak = _Zaak(self, wat.op - timedelta(days=9))
        if wat.in_register == "BPS" and self.soms(0.6):
            return self._eigen_register(zaak, wat, telt=telt)
        van_de_lijn = wat.in_register in ("MVV", "BPS")
        grant = None if van_de_lijn else self._via_mid(zaak, wat)
        if van_de_lijn:
            self._van_de_lijn(zaak, wat)
        self._adviesgesprek(zaak, wat)
        self._word_melding(zaak, wat)
        self._behandel(zaak, wat, telt=telt, melder=not van_de_lijn)
        if grant is not None and self.soms(0.1):
            # Registered it stays, but nobody goes on with it.
            zaak.trekt_in(grant, self.kans.choice(("mid", "portaal", wat.cluster)))
            self.verhaal.ingehaald.add(zaak.id)
            self.verhaal.verplaatst.add(zaak.id)
        elif grant is not None and self.soms(0.1):
            self._komt_terug(zaak, wat)
        if self.soms(0.05):
            self._dubbele(zaak, wat)
        if self.soms(0.05):
            self._ook_bij_de_kmar(zaak, wat)
        return zaak.id

    def _via_mid(self, zaak: _Zaak, wat: _Wat) -> str:
        """Contact, attempts, talk and consent; returns the grant under which the matter is forwarded."""
        kenmerken = wat.kenmerken | {"soort_melder": self.kans.choice(("militair", "burgermedewerker"))}
        grant, formulier = self.id(), self.soms(0.4)
        velden: dict[str, Any] = {"kanaal": "telefoon", "verzegeld": self.verzegeld, "spoed": self.soms(0.1)}
        if formulier:
            velden["kanaal"] = "webformulier"
            velden["instemming"] = [{"instemming": grant, "geadresseerde": wat.cluster}]
            velden["kenmerken"] = kenmerken
        zaak.zegt("kanaal", e.ContactOntvangen, **velden)
        # Four attempts in vain would make the melder unreachable: here some are, and are reached after all.
        for _ in range(self.kans.choice((0, 0, 1, 4))):
            zaak.zegt("mid", e.ContactpogingGedaan)
        zaak.zegt(
            "mid", e.GesprekGevoerd, uitkomst="integriteitskwestie", kenmerken=kenmerken, instemming=grant
        )
        if not formulier and self.soms(0.15):
            # Given, taken back, and given again.
            eerste = zaak.stemt_in(wat.cluster, "mid", kenmerken=kenmerken)
            zaak.trekt_in(eerste, "mid")
        if not formulier:
            wie = self.kans.choice(("mid", "portaal"))
            zaak.stemt_in(wat.cluster, wie, grant=grant, kenmerken=kenmerken)
        return grant

    def _van_de_lijn(self, zaak: _Zaak, wat: _Wat) -> None:
        zaak.zegt(
            "lijn",
            e.MeldingOntvangen,
            kenmerken=wat.kenmerken,
            leidinggevende=f"{wat.eenheid}-cdt",
            partijen=[f"{wat.eenheid}-c2"] if self.soms(0.2) else [],
        )

    def _adviesgesprek(self, zaak: _Zaak, wat: _Wat) -> None:
        wie = wat.cluster
        if wie == "coid" and ADVISEURS.get(wat.onderdeel, 2) > 1 and self.soms(0.1):
            adviseur = f"adviseur-{wat.onderdeel.lower()}-1"
            zaak.zegt(wie, e.ToewijzingGeweigerd, adviseur=adviseur, reden="belangenconflict")
        if self.soms(0.1):
            zaak.zegt(wie, e.ContactpogingGedaan)
        ander = eenheden(wat.onderdeel)[0] if self.soms(0.1) else None
        for eenheid in filter(None, (ander, wat.eenheid)):
            zaak.zegt(
                wie,
                e.AdviesgesprekGevoerd,
                adviseur="adviseur-onbekend",
                eenheid=eenheid,
                behandelend_leidinggevende=f"{eenheid}-ltz",
            )

    def _kwalificeer(self, zaak: _Zaak, wat: _Wat, kwalificatie: str, **anders: Any) -> None:
        velden: dict[str, Any] = {"kwalificatie": kwalificatie, "onderdeel": wat.onderdeel}
        if kwalificatie == "melding":
            velden |= {"rubriek": wat.rubriek, "in_register": wat.in_register}
        zaak.zegt(wat.cluster, e.KwestieGekwalificeerd, **velden | anders)

    def _word_melding(self, zaak: _Zaak, wat: _Wat) -> None:
        """The matter becomes a melding on the day of `wat.op`, and is told to be `wat` in the end."""
        wegen: list[Callable[[_Zaak, _Wat], None]] = [
            self._andere_rubriek,
            self._eerst_advies,
            self._misstand_afgewaardeerd,
            self._verkeerd_geboekt,
            self._laat_gecorrigeerd,
        ]
        if wat.cluster == "coid":
            wegen += [self._klacht_werd_melding, self._heen_en_weer]
        weg = self.kans.choice(wegen) if self.soms(0.4) else self._eerste_keer
        weg(zaak, wat)

    def _eerste_keer(self, zaak: _Zaak, wat: _Wat, **anders: Any) -> None:
        velden = {"rubriek": wat.rubriek, "in_register": wat.in_register, "onderdeel": wat.onderdeel}
        event = e.KwestieGekwalificeerd.model_validate(
            {"gekwalificeerd_op": wat.op, "kwalificatie": "melding", **velden, **anders}
        )
        zaak.op = wat.op
        self.feit(wat.cluster, event, zaak.id)

    def _eerst_advies(self, zaak: _Zaak, wat: _Wat) -> None:
        self._kwalificeer(zaak, wat, "advies")
        self._eerste_keer(zaak, wat)

    def _misstand_afgewaardeerd(self, zaak: _Zaak, wat: _Wat) -> None:
        self._kwalificeer(zaak, wat, "vermoeden-misstand")
        self._eerste_keer(zaak, wat)

    def _andere_rubriek(self, zaak: _Zaak, wat: _Wat) -> None:
        self._eerste_keer(zaak, wat, rubriek=self.kans.choice(_RUBRIEKEN))
        self._kwalificeer(zaak, wat, "melding")

    def _verkeerd_geboekt(self, zaak: _Zaak, wat: _Wat) -> None:
        """In another register, rubriek and year; three corrections put it right."""
        volgend_jaar = _Wat(
            wat.rubriek,
            "ELDERS",
            datetime(self.tabel.jaar + 1, 1, 3, 9, tzinfo=UTC),
            wat.onderdeel,
            wat.eenheid,
        )
        self._eerste_keer(zaak, volgend_jaar, rubriek=self.kans.choice(_RUBRIEKEN))
        dag = wat.op.astimezone(TIJDZONE).date().isoformat()
        for velden in (
            {"rubriek": "overige", "geregistreerd_op": dag},
            {"in_register": wat.in_register},
            {"rubriek": wat.rubriek, "onderdeel": wat.onderdeel},
        ):
            zaak.zegt(wat.cluster, e.RegistratieGecorrigeerd, **velden)

    def _laat_gecorrigeerd(self, zaak: _Zaak, wat: _Wat) -> None:
        """Taken out of the register after the peildatum, so that the table still has it."""
        self._eerste_keer(zaak, wat)
        later = datetime(self.tabel.jaar + 1, 6, 1, 9, tzinfo=UTC)
        event = e.RegistratieGecorrigeerd(gecorrigeerd_op=later, vervallen=True)
        self.feit(wat.cluster, event, zaak.id)

    def _omgezet(self, zaak: _Zaak, wat: _Wat, naar: str) -> None:
        velden: dict[str, Any] = {"naar": naar, "instemming": self.id()}
        if naar == "melding":
            velden |= {"rubriek": wat.rubriek, "in_register": wat.in_register}
        else:
            velden["soort_klacht"] = self.kans.choice(get_args(SoortKlacht))
        zaak.zegt("coid", e.ZaakOmgezet, **velden)

    def _klacht_werd_melding(self, zaak: _Zaak, wat: _Wat) -> None:
        self._klacht(zaak, wat.onderdeel)
        zaak.op = wat.op
        event = e.ZaakOmgezet(
            omgezet_op=wat.op,
            naar="melding",
            instemming=self.id(),
            rubriek=wat.rubriek,
            in_register=wat.in_register,
        )
        self.feit("coid", event, zaak.id)

    def _heen_en_weer(self, zaak: _Zaak, wat: _Wat) -> None:
        self._eerste_keer(zaak, wat)
        self._omgezet(zaak, wat, "klacht")
        self._omgezet(zaak, wat, "melding")

    def _eigen_register(self, zaak: _Zaak, wat: _Wat, *, telt: bool) -> str:
        """The KMar's own register, sometimes put right."""
        fout = self.soms(0.2)
        rubriek = self.kans.choice(_RUBRIEKEN) if fout else wat.rubriek
        event = e.EigenMeldingGeregistreerd(
            geregistreerd_op=wat.op, rubriek=rubriek, in_register=wat.in_register
        )
        self.feit("kmar", event, zaak.id)
        zaak.op = wat.op
        if fout:
            zaak.zegt("kmar", e.RegistratieGecorrigeerd, rubriek=wat.rubriek)
        if telt and (self.tabel.telregel == "vastgesteld" or self.soms(0.5)):
            self._afdoening(zaak, wat, "vastgesteld")
        return zaak.id

    # --- afterwards -------------------------------------------------------------------------------------

    def _behandel(self, zaak: _Zaak, wat: _Wat, *, telt: bool, melder: bool) -> None:
        """Consent for the line, told, accepted, afgedaan, care, the melder told: not always to the end."""
        lijn = zaak.stemt_in("lijn", wat.cluster) if melder else None
        if melder or self.soms(0.4):
            self._informeer(zaak, wat)
            zaak.zegt("lijn", e.BehandelingAanvaard, leidinggevende=f"{wat.eenheid}-ltz")
        if self.soms(0.1):
            zaak.zegt("lijn", e.BehandelaarGewijzigd, leidinggevende=f"{wat.eenheid}-opvolger")
        alleen_vastgesteld = self.tabel.telregel == "vastgesteld"
        if alleen_vastgesteld or self.soms(0.8):
            for _ in range(self.kans.choice((1, 1, 1, 2))):
                vastgesteld = telt if alleen_vastgesteld else self.soms(0.6)
                self._afdoening(zaak, wat, "vastgesteld" if vastgesteld else "niet-vastgesteld")
        if alleen_vastgesteld and not telt:
            # Established after all, but not yet on the peildatum.
            zaak.op += timedelta(days=400)
            self._afdoening(zaak, wat, "vastgesteld")
        if self.soms(0.3):
            aan = self.kans.choice(("melder", "slachtoffer", "beschuldigde", "getuige", "team"))
            zaak.zegt("lijn", e.NazorgVerleend, aan=aan, door=self.kans.choice(("lijn", "vp", "bmw")))
        if self.soms(0.7):
            zaak.zegt(wat.cluster, e.TerugkoppelingGegeven)
        if lijn is not None and self.soms(0.1):
            zaak.trekt_in(lijn, wat.cluster)
            self.verhaal.verplaatst.add(zaak.id)

    def _informeer(self, zaak: _Zaak, wat: _Wat) -> None:
        alle = stoelen(wat.onderdeel, wat.eenheid)
        uit = self.kans.sample(alle, 1) if self.soms(0.2) else []
        zaak.zegt(
            wat.cluster,
            e.LeidinggevendeGeinformeerd,
            leidinggevende=f"{wat.eenheid}-ltz",
            onderdeel=wat.onderdeel,
            eenheid=wat.eenheid,
            hoofdgroep=hoofdgroep(wat.rubriek),
            te_notificeren=self.kans.sample(alle, self.kans.randint(1, 3)),
            uit_te_sluiten=uit,
        )

    def _afdoening(self, zaak: _Zaak, wat: _Wat, afdoening: str) -> None:
        """For one betrokkene; sometimes it was something else at first."""
        betrokkene = self.id()
        maatregelen = ["ambtsbericht-of-berisping", "leerafspraak"] if afdoening == "vastgesteld" else []
        eerst = ["in-de-lijn-afgedaan"] if self.soms(0.1) else []
        for nu in (*eerst, afdoening):
            op = zaak.op + timedelta(hours=1)
            zaak.zegt(
                "lijn",
                e.AfdoeningVastgesteld,
                betrokkene=betrokkene,
                afdoening=nu,
                maatregelen=[
                    {"maatregel": naam, "datum": op.date().isoformat(), "onderdeel": wat.onderdeel}
                    for naam in maatregelen
                ],
            )

    def _komt_terug(self, zaak: _Zaak, wat: _Wat) -> None:
        zaak.op += timedelta(days=60)
        reden = self.kans.choice(("niet-opgepakt", "nieuwe-informatie", "vraag"))
        naar = {} if reden == "vraag" else {"escaleren_naar": wat.cluster}
        zaak.zegt("mid", e.MelderTeruggekeerd, reden=reden, **naar)

    def _dubbele(self, zaak: _Zaak, wat: _Wat) -> None:
        """Somebody else reported the same: registered, coupled, not counted."""
        ander = _Zaak(self, wat.op - timedelta(days=2))
        self._van_de_lijn(ander, wat)
        ander.op = wat.op
        self._kwalificeer(ander, wat, "melding")
        zaak.op = ander.op
        zaak.zegt("coid", e.MeldingenGekoppeld, dubbele=[ander.id])

    def _ook_bij_de_kmar(self, zaak: _Zaak, wat: _Wat) -> None:
        event = e.EigenMeldingGeregistreerd(
            geregistreerd_op=wat.op, rubriek=wat.rubriek, in_register=wat.in_register, zaak=zaak.id
        )
        self.feit("kmar", event, self.id())

    # --- what does not count ------------------------------------------------------------------------------

    def wat_niet_telt(self) -> None:
        """One of each of the things that happen as well."""
        for uitkomst, kanaal, velden in (
            ("informatie", "e-mail", {}),
            ("luisterend-oor", "telefoon", {}),
            ("luisterend-oor", "intern-formulier", {}),
            ("doorverwijzing", "servicedesk", {"verwezen_naar": "bmw"}),
            ("geen-integriteitskwestie", "webformulier", {}),
            ("geen-integriteitskwestie", "telefoon", {"verwezen_naar": "loket-buiten"}),
            ("integriteitskwestie", "persoonlijk", {}),
        ):
            self._contact(uitkomst, kanaal, velden)
        self._onbereikbaar("geen-gehoor")
        self._onbereikbaar("geen-contactgegevens")
        self._klacht_bij_de_mid()
        self._klacht(_Zaak(self, self.in_het_jaar()), self.kans.choice(ONDERDELEN), afgehandeld=True)
        for na in ("niets", "gesprek", "advies", "geen-integriteitskwestie"):
            self._ingetrokken(na)
        for kwalificatie in ("advies", "informatie", "geen-integriteitskwestie", "vermoeden-misstand"):
            self._anders_gekwalificeerd(kwalificatie)
        for kwalificatie in ("klacht", "geen-integriteitskwestie"):
            self._geherkwalificeerd(kwalificatie)
        self._werd_klacht()
        for correctie in (
            {"vervallen": True},
            {"geregistreerd_op": f"{self.tabel.jaar - 1}-12-30"},
            {"in_register": "ELDERS"},
        ):
            self._weggecorrigeerd(correctie)
        self._buiten_de_kolommen()
        if self.tabel.telregel == "vastgesteld":
            for kolom in self.tabel.kolommen:
                self.melding(self.wat(kolom), telt=False)
            self._historie(self.tabel.rijen[-1][0], self.tabel.kolommen[0], 3, vastgesteld=False)
        self._ander_jaar()

    def _contact(self, uitkomst: str, kanaal: str, velden: Mapping[str, str]) -> None:
        zaak = _Zaak(self, self.in_het_jaar())
        zaak.zegt("kanaal", e.ContactOntvangen, kanaal=kanaal, verzegeld=self.verzegeld)
        if self.soms(0.3):
            zaak.zegt("mid", e.ContactpogingGedaan)
        if uitkomst == "doorverwijzing":
            # Taken for something else in a first talk.
            zaak.zegt("mid", e.GesprekGevoerd, uitkomst="informatie")
        zaak.zegt("mid", e.GesprekGevoerd, uitkomst=uitkomst, **velden)
        if uitkomst == "luisterend-oor":
            self.verhaal.luisterend.add(zaak.id)

    def _onbereikbaar(self, resultaat: str) -> None:
        zaak = _Zaak(self, self.in_het_jaar())
        zaak.zegt("kanaal", e.ContactOntvangen, kanaal="voicemail", verzegeld=self.verzegeld)
        for _ in range(4 if resultaat == "geen-gehoor" else 1):
            zaak.zegt("mid", e.ContactpogingGedaan, resultaat=resultaat)

    def _klacht_bij_de_mid(self) -> None:
        """Comes in at the MID, is a klacht, and goes to the klachten desk with consent."""
        zaak = _Zaak(self, self.in_het_jaar())
        zaak.zegt("kanaal", e.ContactOntvangen, kanaal="telefoon", verzegeld=self.verzegeld)
        zaak.zegt("mid", e.GesprekGevoerd, uitkomst="klacht")
        zaak.stemt_in("klachten", "mid")
        self._klacht(zaak, self.kans.choice(ONDERDELEN), afgehandeld=True)

    def _klacht(self, zaak: _Zaak, onderdeel: Onderdeel, *, afgehandeld: bool = False) -> None:
        soort = self.kans.choice(get_args(SoortKlacht))
        zaak.zegt("klachten", e.KlachtIngediend, soort=soort, onderdeel=onderdeel)
        zaak.zegt("klachten", e.KlachtBeoordeeld, ontvankelijk=True, cog_gevraagd=self.soms(0.5))
        if afgehandeld:
            zaak.zegt("klachten", e.KlachtAfgehandeld, oordelen=["deels-gegrond", "ongegrond"])

    def _ingetrokken(self, na: str) -> None:
        """Consent withdrawn before the talk, after the forward, after a qualification."""
        wat = self.wat(rubriek="overige")
        zaak = _Zaak(self, wat.op - timedelta(days=9))
        if na == "niets":
            grant, velden = self.id(), {"kenmerken": wat.kenmerken}
            instemming = [{"instemming": grant, "geadresseerde": wat.cluster}]
            zaak.zegt(
                "kanaal",
                e.ContactOntvangen,
                kanaal="webformulier",
                verzegeld=self.verzegeld,
                instemming=instemming,
                **velden,
            )
            zaak.trekt_in(grant, "portaal")
            zaak.zegt("mid", e.GesprekGevoerd, uitkomst="integriteitskwestie")
        else:
            grant = self._via_mid(zaak, wat)
        if na in ("advies", "geen-integriteitskwestie"):
            self._adviesgesprek(zaak, wat)
            self._kwalificeer(zaak, wat, na)
        if na != "niets":
            zaak.trekt_in(grant, wat.cluster)
        self.verhaal.ingehaald.add(zaak.id)

    def _anders_gekwalificeerd(self, kwalificatie: str) -> None:
        wat = self.wat()
        zaak = _Zaak(self, wat.op - timedelta(days=9))
        self._via_mid(zaak, wat)
        self._adviesgesprek(zaak, wat)
        self._kwalificeer(zaak, wat, kwalificatie)
        zaak.zegt(wat.cluster, e.TerugkoppelingGegeven)

    def _geherkwalificeerd(self, kwalificatie: str) -> None:
        """A melding at first, told to the line and all, and then it is not."""
        wat = self.wat()
        zaak = _Zaak(self, wat.op - timedelta(days=9))
        self._via_mid(zaak, wat)
        self._adviesgesprek(zaak, wat)
        self._eerste_keer(zaak, wat)
        self._behandel(zaak, wat, telt=True, melder=True)
        self._kwalificeer(zaak, wat, kwalificatie)
        self.verhaal.verplaatst.add(zaak.id)

    def _werd_klacht(self) -> None:
        wat = self.wat()
        zaak = _Zaak(self, wat.op - timedelta(days=9))
        self._van_de_lijn(zaak, wat)
        self._adviesgesprek(zaak, wat)
        self._eerste_keer(zaak, wat)
        self._omgezet(zaak, wat, "klacht")
        zaak.zegt("klachten", e.KlachtAfgehandeld, oordelen=["gegrond"])
        self.verhaal.verplaatst.add(zaak.id)

    def _weggecorrigeerd(self, correctie: Mapping[str, Any]) -> None:
        wat = self.wat()
        zaak = _Zaak(self, wat.op - timedelta(days=2))
        self._van_de_lijn(zaak, wat)
        self._eerste_keer(zaak, wat)
        zaak.zegt(wat.cluster, e.RegistratieGecorrigeerd, **correctie)

    def _buiten_de_kolommen(self) -> None:
        """Well registered, but in a register that the table counts over other days."""
        for kolom in self.tabel.kolommen:
            wat = self.wat(kolom)
            while any(
                wat.in_register in een.registers and een.vanaf <= wat.op.date() <= een.tot_en_met
                for een in self.tabel.kolommen
            ):
                wat.op = self.moment(date(self.tabel.jaar, 1, 1), date(self.tabel.jaar + 1, 1, 10))
            self.melding(wat)

    def _ander_jaar(self) -> None:
        """History of the year before, advice without a case, and a melding after the peildatum."""
        kolom = self.kans.choice(self.tabel.kolommen)
        label = self.kans.choice(self.tabel.rijen)[0]
        vorig = Kolom(
            kolom.label, kolom.registers, date(self.tabel.jaar - 1, 2, 1), date(self.tabel.jaar - 1, 11, 1)
        )
        self._historie(label, vorig, 4)
        for soort in ("preventief-advies", "informatie"):
            event = e.AdviesGegeven.model_validate({"gegeven_op": self.in_het_jaar(), "soort": soort})
            self.feit("coid", event, self.id())
        wat = self.wat(kolom)
        wat.op = datetime(self.tabel.jaar + 1, 12, 1, 9, tzinfo=UTC)
        self.melding(wat)


def dooreen(feiten: Sequence[Fact], seed: int) -> list[Fact]:
    """Every fact twice, in an order that depends on the seed alone."""
    alles = [*feiten, *feiten]
    Random(seed).shuffle(alles)
    return alles
