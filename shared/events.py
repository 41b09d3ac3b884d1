# SPDX-License-Identifier: EUPL-1.2
"""Every fact on the bus: one frozen class per fact and version.

A fact is past tense and named in Dutch. The class name, the wire name (`naam`) and the glossary
agree. Payloads are codes, moments and opaque ids; what a melder said travels only sealed. Consumers
ignore unknown fields; an incompatible change is a new class with the next `versie`.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Annotated, Any, ClassVar, Final, Literal, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shared.codes import (
    Afdoening,
    Bewaakt,
    Cluster,
    ContactUitkomst,
    Geadresseerde,
    GesprekUitkomst,
    Hoofdgroep,
    Kanaal,
    KlachtOordeel,
    Kwalificatie,
    Lezer,
    Maatregel,
    Onderdeel,
    PogingResultaat,
    Rol,
    Rubriek,
    SoortKlacht,
    SoortMelder,
    SoortStuk,
    Verwijzing,
    Vrager,
)
from shared.termijnen.kalender import Kalender, KalenderZonderWerkdagen

KLOKSPELING = timedelta(minutes=5)
"""How far a sender's clock may run ahead before a moment counts as lying in the future."""


VROEGST = date(1990, 1, 1)
"""Nothing that this system speaks of happened before."""


def _niet_in_de_toekomst(moment: datetime, info: ValidationInfo) -> datetime:
    if moment.date() < VROEGST:
        raise PydanticCustomError("verleden", "moment ligt te ver terug")
    nu = (info.context or {}).get("nu")
    if nu is not None and moment > nu + KLOKSPELING:
        raise PydanticCustomError("toekomst", "moment ligt in de toekomst")
    return moment


def _dag_niet_in_de_toekomst(dag: date, info: ValidationInfo) -> date:
    if dag < VROEGST:
        raise PydanticCustomError("verleden", "datum ligt te ver terug")
    nu = (info.context or {}).get("nu")
    if nu is not None and dag > (nu + timedelta(days=1)).date():
        raise PydanticCustomError("toekomst", "datum ligt in de toekomst")
    return dag


Moment = Annotated[AwareDatetime, AfterValidator(_niet_in_de_toekomst)]
"""When something happened; never in the future (checked against the receiver's clock)."""
Dag = Annotated[date, AfterValidator(_dag_niet_in_de_toekomst)]


def _kalenderdag(dag: date, info: ValidationInfo) -> date:
    nu = (info.context or {}).get("nu")
    if dag < VROEGST or (nu is not None and dag > nu.date() + KALENDER_VOORUIT):
        raise PydanticCustomError("kalenderdag", "dag ligt te ver weg")
    return dag


def _met_werkdagen(dagen: tuple[date, ...]) -> tuple[date, ...]:
    try:
        Kalender(sluitingsdagen=dagen)
    except KalenderZonderWerkdagen:
        raise PydanticCustomError("kalender", "kalender zonder werkdagen") from None
    return dagen


KALENDER_VOORUIT = timedelta(days=3653)
"""How far ahead a calendar may speak of."""
Kalenderdagen = Annotated[
    tuple[Annotated[date, AfterValidator(_kalenderdag)], ...], AfterValidator(_met_werkdagen)
]
ONDERWERP_ID = (
    r"^([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
    r"|[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15})$"
)
"""A UUID of version 4, with its dashes or without: random, so that it tells nothing. A name, a number that
counts or a UUID that holds a time does not pass for one."""
ONDERWERP_KALENDER = r"^kalender$"
ONDERWERP_CODE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
Id = Annotated[str, Field(pattern=ONDERWERP_ID)]
"""An opaque, random id: of a matter, a grant, a betrokkene, a piece of content."""
Code = Annotated[str, Field(pattern=ONDERWERP_CODE)]
"""A stable code of the organisation: an adviser, a unit, an official's seat. Never a name."""
Register = Annotated[str, Field(pattern=r"^[A-Z]{2,12}$")]
"""A register's abbreviation: HRHD, BPS, MVV, ..."""
Label = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00-\x1f]+$")]
"""A heading of a published table."""
Verzegeld = Annotated[str, Field(max_length=49_152, description="Compact JWE to intake's key")]
IN_DE_KLUIS = "kluis"
"""What stands in a `verzegeld` field for as long as its content is nowhere but in intake's vault."""
Onderwerpen = Annotated[tuple[Annotated[int, Field(ge=1, le=28)], ...], Field(max_length=28)]
"""Codes of the VP form's list of subjects; the first is the hoofdonderwerp."""
Postbus = Annotated[str, Field(max_length=200, pattern=r"^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+$")]
"""A seat's functional mailbox. Never a personal address."""


class Gegevens(BaseModel):
    """A value inside a fact."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_timedelta="iso8601")


class PubliekeSleutel(Gegevens):
    """A public key as a JWK (RFC 7517): what is for its holder alone is sealed to it."""

    kty: Literal["EC"] = Field(description="Kind of key")
    crv: Literal["P-256"] = Field(description="Curve")
    x: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")] = Field(description="Coordinate, base64url")
    y: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")] = Field(description="Coordinate, base64url")
    kid: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = Field(description="Id of the key")

    @model_validator(mode="before")
    @classmethod
    def _geen_geheime_sleutel(cls, value: Any) -> Any:
        # Unknown members are ignored everywhere else; this one must be told to whoever sent it.
        if isinstance(value, dict) and "d" in value:
            raise PydanticCustomError("geheime_sleutel", "een geheime sleutel hoort niet op de bus")
        return value


class Event(Gegevens):
    """What one fact says. `naam` and `versie` are its literal name on the wire."""

    naam: ClassVar[str]
    onderwerp: ClassVar[str] = ONDERWERP_ID
    """The form of the CloudEvents subject: a matter's opaque id, unless the fact is about something else."""
    versie: ClassVar[int] = 1
    moment: ClassVar[str]
    """The field that tells when it happened; facts of a matter are folded in this order."""
    spoorloos: ClassVar[bool] = False
    """Whether the trail ends here: what trace context its sender gave is dropped on receipt."""
    gericht: ClassVar[str | None] = None
    """The field that names the one party it is for: then the routing key ends with that party's name."""

    @property
    def gebeurd_op(self) -> datetime | date:
        """When it happened, as the one who states it knows."""
        value: datetime | date = getattr(self, self.moment)
        return value


class Instemming(Gegevens):
    """One grant of consent: to one addressee, with an id of its own by which it can be withdrawn."""

    instemming: Id = Field(description="Id of the grant")
    geadresseerde: Geadresseerde = Field(description="To whom the matter may go")


class Kenmerken(Gegevens):
    """What may be clear about a matter once there is consent: codes only."""

    onderdeel: Onderdeel = Field(description="Branch where it happened")
    eenheid: Code | None = Field(None, description="Unit where it happened")
    soort_melder: SoortMelder | None = Field(None, description="Kind of melder")
    rubriek: Rubriek | None = Field(None, description="Rubriek as the MID sees it")
    onderwerpen: Onderwerpen = Field((), description="Subjects; the first is the hoofdonderwerp")
    uit_te_sluiten: tuple[Code, ...] = Field(
        (), max_length=200, description="Seats that must not learn of it"
    )
    vorige_adviseur: Code | None = Field(None, description="Who advised this melder in an earlier matter")
    gewenste_adviseur: Code | None = Field(None, description="Adviser whom the melder asks for")
    ongewenste_adviseurs: tuple[Code, ...] = Field(
        (), max_length=20, description="Advisers whom the melder does not want, or complains about"
    )


# --- stated by channels, MID and portal ---------------------------------------------------------


class ContactOntvangen(Event):
    """A contact came in. Before consent only channel, moment, spoed and the consent itself are clear."""

    naam = "contact-ontvangen"
    moment = "ontvangen_op"
    kanaal: Kanaal = Field(description="Channel through which it came")
    ontvangen_op: Moment = Field(description="When it came in")
    spoed: bool = Field(False, description="Whether it is urgent")
    verzegeld: Verzegeld = Field(description="Who, where, whom and what, sealed to intake's key")
    instemming: tuple[Instemming, ...] = Field((), max_length=6, description="Consent given on the form")
    kenmerken: Kenmerken | None = Field(None, description="Codes, only beside consent")

    @model_validator(mode="after")
    def _kenmerken_vragen_instemming(self) -> Self:
        if self.kenmerken is not None and not self.instemming:
            raise PydanticCustomError("zonder_instemming", "kenmerken zonder instemming")
        return self


class ContactpogingGedaan(Event):
    """Somebody tried to reach the melder and did not. It shows; it stops no clock."""

    naam = "contactpoging-gedaan"
    moment = "gedaan_op"
    gedaan_op: Moment = Field(description="When it was tried")
    resultaat: PogingResultaat = Field("geen-gehoor", description="What came of it")


class GesprekGevoerd(Event):
    """The MID spoke with the melder: the outcome decides where it goes from here."""

    naam = "gesprek-gevoerd"
    moment = "gevoerd_op"
    gevoerd_op: Moment = Field(description="When they spoke")
    uitkomst: GesprekUitkomst = Field(description="What the contact turned out to be")
    verwezen_naar: Verwijzing | None = Field(None, description="Where the melder was referred to")
    kenmerken: Kenmerken | None = Field(None, description="Codes, only with the melder's consent")
    instemming: Id | None = Field(None, description="Grant under which the codes are in clear")

    @model_validator(mode="after")
    def _kenmerken_noemen_instemming(self) -> Self:
        if self.kenmerken is not None and self.instemming is None:
            raise PydanticCustomError("zonder_instemming", "kenmerken zonder instemming")
        return self


class InstemmingGegeven(Event):
    """The melder agreed that the matter goes to one addressee."""

    naam = "instemming-gegeven"
    moment = "gegeven_op"
    instemming: Id = Field(description="Id of the grant")
    geadresseerde: Geadresseerde = Field(description="To whom the matter may go")
    gegeven_op: Moment = Field(description="When consent was given")


class KenmerkenVastgesteld(Event):
    """The MID put the matter in codes, with consent for it. Intake alone hears this."""

    naam = "kenmerken-vastgesteld"
    moment = "vastgesteld_op"
    vastgesteld_op: Moment = Field(description="When")
    kenmerken: Kenmerken = Field(description="Codes that may go to whom consent names")
    instemming: Id = Field(description="Grant under which they are in clear")


class InstemmingIngetrokken(Event):
    """The melder withdrew one grant."""

    naam = "instemming-ingetrokken"
    moment = "ingetrokken_op"
    instemming: Id = Field(description="Id of the grant that ends")
    ingetrokken_op: Moment = Field(description="When consent was withdrawn")


class MelderTeruggekeerd(Event):
    """A melder came back on an earlier matter."""

    naam = "melder-teruggekeerd"
    moment = "teruggekeerd_op"
    teruggekeerd_op: Moment = Field(description="When the melder came back")
    reden: Literal["niet-opgepakt", "nieuwe-informatie", "vraag"] = Field(description="Why")
    escaleren_naar: Literal["coid", "kmar", "sg"] | None = Field(
        None, description="To whom to escalate; needs consent that names them"
    )
    ongewenste_adviseurs: tuple[Code, ...] = Field(
        (), max_length=20, description="Advisers whom the melder does not want, or complains about"
    )
    verzegeld: Verzegeld | None = Field(None, description="What was added, sealed to intake's key")


# --- stated by whoever reads, writes to or asks for a melder ------------------------------------


class SleutelVastgesteld(Event):
    """The public key of one reader. The subject is the reader's code; the highest version counts.

    Intake seals to it what consent lets this reader see. Without `sleutel` the reader has none any more.
    """

    naam = "sleutel-vastgesteld"
    onderwerp = ONDERWERP_CODE
    moment = "vastgesteld_op"
    vastgesteld_op: Moment = Field(description="When")
    volgnummer: int = Field(ge=1, le=2**53, description="Publisher's version of this reader's key")
    sleutel: PubliekeSleutel | None = Field(None, description="The key; absent: no key any more")
    geldig_tot: AwareDatetime | None = Field(None, description="From when on nothing is sealed to it")


class BerichtGestuurd(Event):
    """The MID or the adviser wrote to the melder, who reads it with the receipt code."""

    naam = "bericht-gestuurd"
    moment = "gestuurd_op"
    gestuurd_op: Moment = Field(description="When")
    verzegeld: Verzegeld = Field(description="The words, sealed to intake's key")


class InhoudGedeeld(Event):
    """The adviser shares what the behandelend leidinggevende needs. Intake passes it on, with consent."""

    naam = "inhoud-gedeeld"
    moment = "gedeeld_op"
    gedeeld_op: Moment = Field(description="When")
    leidinggevende: Code = Field(description="Seat it is for: the behandelend leidinggevende")
    verzegeld: Verzegeld = Field(description="What is shared, sealed to intake's key")


class VraagGesteld(Event):
    """A melder asks or does something by way of the receipt code. The subject is an id of its own, made anew
    for each question: it joins to no matter."""

    naam = "vraag-gesteld"
    moment = "gesteld_op"
    spoorloos = True
    gesteld_op: Moment = Field(description="When")
    verzegeld: Verzegeld = Field(description="Question, code and key for the answer, sealed to intake's key")


# --- stated by the line and the organisation ----------------------------------------------------


class MeldingOntvangen(Event):
    """A leidinggevende reports or consults, not through the MID."""

    naam = "melding-ontvangen"
    moment = "ontvangen_op"
    ontvangen_op: Moment = Field(description="When it came in")
    spoed: bool = Field(False, description="Whether it is urgent")
    kenmerken: Kenmerken = Field(description="Branch, unit and kind, in codes")
    leidinggevende: Code = Field(description="Seat of the leidinggevende who reports")
    partijen: tuple[Code, ...] = Field((), max_length=50, description="Seats that are a party to the matter")


class BehandelingAanvaard(Event):
    """The behandelend leidinggevende took the case up."""

    naam = "behandeling-aanvaard"
    moment = "aanvaard_op"
    aanvaard_op: Moment = Field(description="When")
    leidinggevende: Code = Field(description="Seat of the behandelend leidinggevende")


class BehandelaarGewijzigd(Event):
    """The case was handed over to another leidinggevende, with whom routing then places it."""

    naam = "behandelaar-gewijzigd"
    moment = "gewijzigd_op"
    gewijzigd_op: Moment = Field(description="When")
    leidinggevende: Code = Field(description="Seat of the new behandelend leidinggevende")


class OpgelegdeMaatregel(Gegevens):
    """One measure, with its date and the branch that imposed it."""

    maatregel: Maatregel = Field(description="Which measure")
    datum: Dag = Field(description="Date on which it was imposed")
    onderdeel: Onderdeel = Field(description="Branch that imposed it")


class ZaakOpgeschort(Event):
    """The case waits for somebody else; the clocks that may, stand still until it is resumed."""

    naam = "zaak-opgeschort"
    moment = "opgeschort_op"
    opgeschort_op: Moment = Field(description="From when")
    opschorting: Id = Field(description="Opaque id of this suspension; resuming names it")
    reden: Literal["rechter", "openbaar-ministerie", "herstel"] = Field(
        description="The court, the prosecutor, or somebody's recovery"
    )


class ZaakHervat(Event):
    """What the case waited for is there. A case with two suspensions waits until both are over."""

    naam = "zaak-hervat"
    moment = "hervat_op"
    hervat_op: Moment = Field(description="From when")
    opschorting: Id = Field(description="The suspension that is over")


class AfdoeningVastgesteld(Event):
    """The outcome for one person concerned, with the measures."""

    naam = "afdoening-vastgesteld"
    moment = "vastgesteld_op"
    vastgesteld_op: Moment = Field(description="When")
    betrokkene: Id = Field(description="Opaque id of the person concerned")
    afdoening: Afdoening = Field(description="What was found")
    maatregelen: tuple[OpgelegdeMaatregel, ...] = Field((), max_length=14, description="Measures imposed")


class NazorgVerleend(Event):
    """Care was given, during or after."""

    naam = "nazorg-verleend"
    moment = "verleend_op"
    verleend_op: Moment = Field(description="When")
    aan: Literal["melder", "slachtoffer", "beschuldigde", "getuige", "team"] = Field(description="To whom")
    door: Literal["lijn", "vp", "bmw", "coid", "arts", "gv"] = Field(description="By whom")


class Functionaris(Gegevens):
    """A seat in the organisation that may have to be told."""

    functionaris: Code = Field(description="Code of the seat")
    rol: Rol = Field(description="Its role")
    postbus: Postbus | None = Field(None, description="Its functional mailbox")


class EenheidGewijzigd(Event):
    """A unit as it is now. The subject is the unit's code; the highest version counts."""

    naam = "eenheid-gewijzigd"
    onderwerp = ONDERWERP_CODE
    moment = "gewijzigd_op"
    gewijzigd_op: Moment = Field(description="When")
    volgnummer: int = Field(ge=1, le=2**53, description="Publisher's version of this unit")
    onderdeel: Onderdeel = Field(description="Branch")
    boven: Code | None = Field(None, description="Unit it is part of")
    sterkte: int = Field(ge=0, description="Headcount, units below it included")
    functionarissen: tuple[Functionaris, ...] = Field((), max_length=50, description="Seats and roles")


# --- stated by COID and KMar Cluster Integriteit ------------------------------------------------


class Afwezigheid(Gegevens):
    """A period of absence, both days included."""

    van: date = Field(ge=VROEGST, description="First day")
    tot_en_met: date | None = Field(None, description="Last day; absent, or 9999-12-31, when not yet known")

    @model_validator(mode="after")
    def _eindigt_na_het_begin(self) -> Self:
        if self.tot_en_met is not None and self.tot_en_met < self.van:
            raise PydanticCustomError("andersom", "afwezigheid eindigt voor zij begint")
        return self


class Spreekdag(Gegevens):
    """How many first talks an adviser has room for on one day."""

    dag: date = Field(ge=VROEGST, description="Day")
    gesprekken: tuple[Annotated[int, Field(ge=0, le=20)], ...] = Field(
        min_length=1,
        max_length=4,
        description="How many: that day; or in the morning and the afternoon; or in each quarter, in which a "
        "talk begins at 09:00, 11:00, 13:30 and 15:30 at the latest",
    )

    @field_validator("gesprekken")
    @classmethod
    def _heel_half_of_kwart(cls, gesprekken: tuple[int, ...]) -> tuple[int, ...]:
        if len(gesprekken) == 3:
            raise PydanticCustomError("dagdelen", "geen dag, helften of kwarten")
        return gesprekken


class AdviseurGewijzigd(Event):
    """An adviser as the roster knows them. The subject is the adviser's code; the highest version counts."""

    naam = "adviseur-gewijzigd"
    onderwerp = ONDERWERP_CODE
    moment = "gewijzigd_op"
    gewijzigd_op: Moment = Field(description="When")
    volgnummer: int = Field(ge=1, le=2**53, description="Publisher's version of this adviser")
    onderdelen: tuple[Onderdeel, ...] = Field(max_length=8, description="Branches advised")
    deskundigheid: tuple[Rubriek, ...] = Field((), max_length=9, description="Expertise")
    capaciteit_fte: float = Field(1.0, ge=0, le=2, description="Capacity in fte")
    afwezig: tuple[Afwezigheid, ...] = Field((), max_length=50, description="Absence, now and planned")
    uitgesloten_eenheden: tuple[Code, ...] = Field((), max_length=50, description="Conflict of interest")
    alleen_eenheden: tuple[Code, ...] = Field((), max_length=50, description="Works for these units alone")
    eigen_eenheden: tuple[Code, ...] = Field(
        (), max_length=10, description="Units the adviser belongs to: no matter of that line"
    )
    spreekruimte: tuple[Spreekdag, ...] = Field(
        (), max_length=60, description="Room for first talks by day; a day in between without one has none"
    )
    actief: bool = Field(True, description="False once the adviser has left")

    @field_validator("spreekruimte")
    @classmethod
    def _elke_dag_eens(cls, dagen: tuple[Spreekdag, ...]) -> tuple[Spreekdag, ...]:
        if len({een.dag for een in dagen}) < len(dagen):
            raise PydanticCustomError("dubbele_dag", "een dag komt twee keer voor")
        return dagen


class KalenderVastgesteld(Event):
    """On which days the publisher's house is closed. The subject is the word `kalender`; the highest version
    counts, and replaces all that was stated before."""

    naam = "kalender-vastgesteld"
    onderwerp = ONDERWERP_KALENDER
    moment = "vastgesteld_op"
    vastgesteld_op: Moment = Field(description="When")
    volgnummer: int = Field(ge=1, le=2**53, description="Publisher's version of this calendar")
    sluitingsdagen: Kalenderdagen = Field((), max_length=1000, description="Days on which it is closed")


class BrugdagenVastgesteld(Event):
    """Days that a royal decree equates with holidays (Atw art. 3 lid 3), announced since this version was
    made. The subject is the word `kalender`; the highest version counts, and replaces all before."""

    naam = "brugdagen-vastgesteld"
    onderwerp = ONDERWERP_KALENDER
    moment = "vastgesteld_op"
    vastgesteld_op: Moment = Field(description="When")
    volgnummer: int = Field(ge=1, le=2**53, description="Publisher's version of these days")
    brugdagen: Kalenderdagen = Field((), max_length=100, description="The days")


class AdviesgesprekGevoerd(Event):
    """The adviser spoke with the melder; what was agreed about placement."""

    naam = "adviesgesprek-gevoerd"
    moment = "gevoerd_op"
    gevoerd_op: Moment = Field(description="When they spoke")
    adviseur: Code = Field(description="Adviser who spoke")
    eenheid: Code | None = Field(None, description="Agreed unit")
    behandelend_leidinggevende: Code | None = Field(None, description="Agreed behandelend leidinggevende")


class KwestieGekwalificeerd(Event):
    """What the matter is, in the adviser's judgement. The latest one counts."""

    naam = "kwestie-gekwalificeerd"
    moment = "gekwalificeerd_op"
    gekwalificeerd_op: Moment = Field(description="When")
    kwalificatie: Kwalificatie = Field(description="What it is")
    rubriek: Rubriek | None = Field(None, description="Rubriek; required for a melding")
    onderwerpen: Onderwerpen = Field((), description="Subjects; the first is the hoofdonderwerp")
    in_register: Register = Field("HRHD", description="Register in which it is registered")
    onderdeel: Onderdeel | None = Field(None, description="Branch under which it is registered")
    uit_te_sluiten: tuple[Code, ...] = Field((), max_length=50, description="Seats that must not learn of it")

    @model_validator(mode="after")
    def _melding_vraagt_rubriek(self) -> Self:
        if self.kwalificatie == "melding" and self.rubriek is None:
            raise PydanticCustomError("zonder_rubriek", "melding zonder rubriek")
        return self


class LeidinggevendeGeinformeerd(Event):
    """The adviser told the leidinggevende. This triggers the anonymous notificatie."""

    naam = "leidinggevende-geinformeerd"
    moment = "geinformeerd_op"
    geinformeerd_op: Moment = Field(description="When")
    leidinggevende: Code = Field(description="Seat that was told")
    onderdeel: Onderdeel = Field(description="Branch that the notificatie names")
    eenheid: Code = Field(description="Unit that the notificatie names")
    hoofdgroep: Hoofdgroep = Field(description="Group of rubrieken that the notificatie names")
    te_notificeren: tuple[Code, ...] = Field(max_length=50, description="Seats to notify")
    uit_te_sluiten: tuple[Code, ...] = Field((), max_length=50, description="Seats that must not learn of it")


class TerugkoppelingGegeven(Event):
    """The melder was told about assessment and follow-up."""

    naam = "terugkoppeling-gegeven"
    moment = "gegeven_op"
    gegeven_op: Moment = Field(description="When")


class ToewijzingGeweigerd(Event):
    """The adviser steps back."""

    naam = "toewijzing-geweigerd"
    moment = "geweigerd_op"
    geweigerd_op: Moment = Field(description="When")
    adviseur: Code = Field(description="Adviser who steps back")
    reden: Literal["belangenconflict", "afwezigheid", "anders"] = Field(description="Why")


class AdviesGegeven(Event):
    """Preventive advice or information, counted without a case."""

    naam = "advies-gegeven"
    moment = "gegeven_op"
    gegeven_op: Moment = Field(description="When")
    soort: Literal["preventief-advies", "informatie"] = Field(description="Which series")
    onderdeel: Onderdeel | None = Field(None, description="Branch that asked")


class ZaakOmgezet(Event):
    """A klacht turned out to be a melding, or the other way round; counted once."""

    naam = "zaak-omgezet"
    moment = "omgezet_op"
    omgezet_op: Moment = Field(description="When")
    naar: Literal["melding", "klacht"] = Field(description="What it is from now on")
    instemming: Id = Field(description="The fresh consent for it")
    rubriek: Rubriek | None = Field(None, description="Rubriek; required towards a melding")
    soort_klacht: SoortKlacht | None = Field(None, description="Kind; required towards a klacht")
    in_register: Register = Field("HRHD", description="Register in which it is registered")

    @model_validator(mode="after")
    def _volledig(self) -> Self:
        if self.naar == "melding" and self.rubriek is None:
            raise PydanticCustomError("zonder_rubriek", "melding zonder rubriek")
        if self.naar == "klacht" and self.soort_klacht is None:
            raise PydanticCustomError("zonder_soort", "klacht zonder soort")
        return self


class MeldingenGekoppeld(Event):
    """Several meldingen of one event: only the subject's own melding counts, the others do not."""

    naam = "meldingen-gekoppeld"
    moment = "gekoppeld_op"
    gekoppeld_op: Moment = Field(description="When")
    dubbele: tuple[Id, ...] = Field(min_length=1, max_length=100, description="Matters that do not count")


class RegistratieGecorrigeerd(Event):
    """A correction of what was registered; fields that are absent stay as they were."""

    naam = "registratie-gecorrigeerd"
    moment = "gecorrigeerd_op"
    gecorrigeerd_op: Moment = Field(description="When")
    rubriek: Rubriek | None = Field(None, description="Right rubriek")
    onderdeel: Onderdeel | None = Field(None, description="Right branch")
    in_register: Register | None = Field(None, description="Right register")
    geregistreerd_op: Dag | None = Field(None, description="Right date of registration")
    vervallen: bool = Field(False, description="True when it should not have been registered at all")


class Tabelkolom(Gegevens):
    """One column of a published table: which registrations it counts."""

    label: Label = Field(description="Heading")
    registers: tuple[Register, ...] = Field(min_length=1, max_length=10, description="Registers counted")
    vanaf: date = Field(description="First day counted")
    tot_en_met: date = Field(description="Last day counted")
    niet_van_toepassing: tuple[Label, ...] = Field(
        (), max_length=30, description="Rows that this column does not have"
    )
    gedrukt_totaal: int | None = Field(None, ge=0, description="Total as printed, to compare with")
    telregel: Literal["gemeld", "vastgesteld"] | None = Field(
        None, description="Counting rule of this column; absent: the table's"
    )


class Tabelrij(Gegevens):
    """One row of a published table."""

    label: Label = Field(description="Heading")
    rubriek: Rubriek | None = Field(None, description="Rubriek counted; absent: history under this label")


class TabelindelingVastgesteld(Event):
    """How a yearly table is laid out: rows, columns, registers and counting rule. The latest one counts."""

    naam = "tabelindeling-vastgesteld"
    onderwerp = ONDERWERP_CODE
    moment = "vastgesteld_op"
    vastgesteld_op: Moment = Field(description="When")
    tabel: Literal["rubrieken"] = Field(description="Which table")
    jaar: int = Field(ge=1990, le=2100, description="Year of the table")
    peildatum: date = Field(description="Day on which the table was taken up")
    telregel: Literal["gemeld", "vastgesteld"] = Field("gemeld", description="Counting rule")
    rijen: tuple[Tabelrij, ...] = Field(min_length=1, max_length=40, description="Rows, in order")
    kolommen: tuple[Tabelkolom, ...] = Field(min_length=1, max_length=10, description="Columns, in order")


class EigenMeldingGeregistreerd(Event):
    """The KMar registered a melding in its own register."""

    naam = "eigen-melding-geregistreerd"
    moment = "geregistreerd_op"
    geregistreerd_op: Moment = Field(description="When")
    rubriek: Rubriek = Field(description="Rubriek")
    onderdeel: Onderdeel = Field("KMAR", description="Branch")
    in_register: Register = Field("BPS", description="Register in which it is registered")
    zaak: Id | None = Field(None, description="The matter of the MID that it is, so that it counts once")


class MeldingOvergenomen(Event):
    """History from an older register: one case, or a count per cell."""

    naam = "melding-overgenomen"
    moment = "geregistreerd_op"
    geregistreerd_op: Dag = Field(description="Date of registration there")
    in_register: Register = Field(description="Register it comes from")
    rubriek_label: Label = Field(description="Rubriek as it is called there")
    aantal: int = Field(1, ge=1, le=100_000, description="How many")
    vastgesteld: bool = Field(False, description="Whether the violation was established there")


# --- stated by the klachten desk ----------------------------------------------------------------


class KlachtIngediend(Event):
    """A formal complaint was handed in."""

    naam = "klacht-ingediend"
    moment = "ingediend_op"
    ingediend_op: Moment = Field(description="When")
    soort: SoortKlacht = Field(description="Kind of complaint")
    onderdeel: Onderdeel | None = Field(None, description="Branch complained about")
    uit_te_sluiten: tuple[Code, ...] = Field(
        (), max_length=200, description="Seats that must not learn of it; said of more, it is stated again"
    )


class KlachtBeoordeeld(Event):
    """Whether a complaint is admissible, and whether the COG is asked for advice."""

    naam = "klacht-beoordeeld"
    moment = "beoordeeld_op"
    beoordeeld_op: Moment = Field(description="When")
    ontvankelijk: bool = Field(description="Admissible or not")
    cog_gevraagd: bool = Field(False, description="Whether the COG is asked for advice")


class KlachtVerdaagd(Event):
    """The handling of a complaint was extended, once, as the rule allows."""

    naam = "klacht-verdaagd"
    moment = "verdaagd_op"
    verdaagd_op: Moment = Field(description="When")


class KlachtAfgehandeld(Event):
    """The result, per part of the complaint."""

    naam = "klacht-afgehandeld"
    moment = "afgehandeld_op"
    afgehandeld_op: Moment = Field(description="When")
    oordelen: tuple[KlachtOordeel, ...] = Field(min_length=1, max_length=20, description="One per part")


# --- stated by intake ---------------------------------------------------------------------------


class ContactGeregistreerd(Event):
    """A contactmoment was registered. Contacts and meldingen are counted apart."""

    naam = "contact-geregistreerd"
    moment = "ontvangen_op"
    kanaal: Kanaal = Field(description="Channel through which it came")
    ontvangen_op: Moment = Field(description="When it came in")
    spoed: bool = Field(False, description="Whether it is urgent")


class OntvangstBevestigd(Event):
    """The melder was told that the report has arrived (Wbk art. 2)."""

    naam = "ontvangst-bevestigd"
    moment = "bevestigd_op"
    bevestigd_op: Moment = Field(description="When")
    ontvangen_op: Moment = Field(description="When the report came in")
    wijze: Literal["kanaal", "gesprek"] = Field(description="By the channel itself, or in the talk")


class MeldingDoorgezet(Event):
    """With consent in force, the matter went to one addressee."""

    naam = "melding-doorgezet"
    moment = "doorgezet_op"
    gericht = "geadresseerde"
    doorgezet_op: Moment = Field(description="When it was forwarded")
    geadresseerde: Cluster = Field(description="To whom")
    instemming: Id = Field(description="The grant that allows it")
    ontvangen_op: Moment = Field(description="When the contact came in")
    contact_telt_vanaf: Moment = Field(
        description="Start of the adviser's week: contact received when consent came with it, else consent"
    )
    spoed: bool = Field(False, description="Whether it is urgent")
    kenmerken: Kenmerken = Field(description="Codes that consent covers")


class UitsluitingVastgesteld(Event):
    """Who must not learn of a matter that somebody was told of, as the MID or the form said, whatever else
    came of it since. Said of more seats it is stated again: whoever is excluded stays so."""

    naam = "uitsluiting-vastgesteld"
    moment = "vastgesteld_op"
    vastgesteld_op: Moment = Field(description="When")
    instemming: Id = Field(description="Grant under which somebody was told of the matter, also if withdrawn")
    uit_te_sluiten: tuple[Code, ...] = Field(
        min_length=1, max_length=200, description="Seats that must not learn of it"
    )


class ContactDoorverwezen(Event):
    """The melder was referred to another desk."""

    naam = "contact-doorverwezen"
    moment = "doorverwezen_op"
    gericht = "naar"
    doorverwezen_op: Moment = Field(description="When")
    naar: Verwijzing = Field(description="Where to")
    instemming: Id | None = Field(
        None, description="The grant that lets the klachtencoördinatiepunt know of it; elsewhere absent"
    )
    uit_te_sluiten: tuple[Code, ...] = Field(
        (),
        max_length=200,
        description="Seats that must not learn of it; said of more, it is stated again. Elsewhere absent",
    )


class ContactAfgesloten(Event):
    """The contact came to its end at the MID without being forwarded."""

    naam = "contact-afgesloten"
    moment = "afgesloten_op"
    afgesloten_op: Moment = Field(description="When")
    uitkomst: ContactUitkomst = Field(description="What it came to")


class InstemmingVervallen(Event):
    """A grant is no longer in force; whoever got the matter under it stops."""

    naam = "instemming-vervallen"
    moment = "vervallen_op"
    gericht = "geadresseerde"
    instemming: Id = Field(description="Id of the grant")
    geadresseerde: Geadresseerde = Field(description="Whom it named")
    vervallen_op: Moment = Field(description="When it was withdrawn")


class MeldingHeropend(Event):
    """The melder came back, and the matter is open again: said under a grant in force alone. A return
    without one stays with the MID."""

    naam = "melding-heropend"
    moment = "teruggekeerd_op"
    teruggekeerd_op: Moment = Field(description="When the melder came back")
    reden: Literal["niet-opgepakt", "nieuwe-informatie", "vraag"] = Field(description="Why")
    escaleren_naar: Literal["coid", "kmar", "sg"] | None = Field(
        None, description="To whom, when consent that names them is in force"
    )
    instemming: Id | None = Field(
        None, description="The grant that names whom it is escalated to, else a cluster; always there"
    )
    ongewenste_adviseurs: tuple[Code, ...] = Field(
        (),
        max_length=20,
        description="Advisers whom the melder does not want, or complains about; under a cluster's grant",
    )
    uit_te_sluiten: tuple[Code, ...] = Field(
        (), max_length=200, description="Seats that must not learn of the matter, as far as was known then"
    )


class BerichtOntvangen(Event):
    """The melder wrote, by way of the receipt code. The words travel apart, sealed to who may read them."""

    naam = "bericht-ontvangen"
    moment = "ontvangen_op"
    ontvangen_op: Moment = Field(description="When")
    stuk: Id = Field(description="Id of what was written, as in `inhoud-verstrekt`")
    soort: Literal["bericht", "aanvulling"] = Field(description="A message, or an addition to the melding")
    aan: Literal["mid", "adviseur"] = Field(description="For whom the melder meant it")
    cluster: Cluster | None = Field(
        None, description="Of an adviser: of which cluster; an adviser of another does not get it"
    )


class InhoudVerstrekt(Event):
    """One piece of content, sealed to the key of one reader who may see it now."""

    naam = "inhoud-verstrekt"
    moment = "verstrekt_op"
    gericht = "geadresseerde"
    verstrekt_op: Moment = Field(description="When")
    geadresseerde: Lezer = Field(description="Party that the reader belongs to")
    ontvanger: Code = Field(description="Reader: adviser, seat of the leidinggevende, or desk of the MID")
    instemming: Id | None = Field(None, description="The grant it rests on; absent for the MID itself")
    stuk: Id = Field(description="Id of this piece; the same for every reader")
    soort: SoortStuk = Field(description="What kind of piece")
    verzegeld: Verzegeld = Field(description="The content, sealed to the reader's key")


class InzageBeeindigd(Event):
    """A reader may see the content no longer: nothing more is sealed to them, and what they hold must go."""

    naam = "inzage-beeindigd"
    moment = "beeindigd_op"
    gericht = "geadresseerde"
    beeindigd_op: Moment = Field(description="When")
    geadresseerde: Lezer = Field(description="Party that the reader belongs to")
    ontvanger: Code = Field(description="Reader whose access ends")
    reden: Literal["vervangen", "instemming-ingetrokken", "behandeling-herzien", "vernietigd"] = Field(
        description="Why; to the line no more than that its treatment is over, or that all is erased"
    )


class SleutelOntbreekt(Event):
    """A reader may see the content and has no key that is valid: it waits, and the role is warned."""

    naam = "sleutel-ontbreekt"
    moment = "vastgesteld_op"
    gericht = "geadresseerde"
    vastgesteld_op: Moment = Field(description="When that was found")
    geadresseerde: Lezer = Field(description="Party that the reader belongs to")
    ontvanger: Code = Field(description="Reader without a key")
    rol: Code = Field(description="Role that is warned")


class DelingOpgehouden(Event):
    """What an adviser shared reaches nobody for now: that seat does not treat the matter, or no grant for the
    line is in force. It goes as soon as both are so. Said once for each piece, and not which it is."""

    naam = "deling-opgehouden"
    moment = "opgehouden_op"
    gericht = "cluster"
    opgehouden_op: Moment = Field(description="When that was found")
    cluster: Cluster = Field(description="Whose adviser shared it")
    leidinggevende: Code = Field(description="Seat it was shared with")


class AntwoordGegeven(Event):
    """The answer to one question. The subject is the question's; the size is always the same."""

    naam = "antwoord-gegeven"
    moment = "gegeven_op"
    gericht = "aan"
    gegeven_op: Moment = Field(description="When")
    aan: Vrager = Field(description="Party that asked")
    verzegeld: Verzegeld = Field(description="The answer, sealed to the key that came with the question")


class InhoudVernietigd(Event):
    """The key of the content was destroyed: nobody can read it any more, not from a backup either."""

    naam = "inhoud-vernietigd"
    moment = "vernietigd_op"
    vernietigd_op: Moment = Field(description="When")
    grond: Literal["bewaartermijn", "dossier-vernietigd", "luisterend-oor"] = Field(description="Why")


# --- stated by routing --------------------------------------------------------------------------


class Afgevallen(Gegevens):
    """How many advisers were passed over for one reason."""

    reden: Literal[
        "inactief",
        "ander-onderdeel",
        "alleen-andere-eenheden",
        "belangenconflict",
        "afwezig",
        "geweigerd",
        "vol",
    ] = Field(description="Reason")
    aantal: int = Field(ge=1, description="How many")


Doorslag = Literal[
    "enige",
    "week",
    "wens",
    "continuiteit",
    "spoedigst",
    "deskundigheid",
    "aanwezigheid",
    "belasting",
    "code",
    "planning",
]


class Waarom(Gegevens):
    """Why this adviser, so that a person can check it."""

    kandidaten: int = Field(ge=0, description="Advisers who could take it")
    afgevallen: tuple[Afgevallen, ...] = Field((), description="Who could not, counted per reason")
    doorslag: Doorslag | None = Field(
        None,
        description="What decided between the candidates; planning: the room for all talks together",
    )
    belasting: float | None = Field(
        None, description="Weighted open cases per fte of the one chosen, before this one"
    )
    uiterlijk: date | None = Field(None, description="Last day on which the talk is in time; absent after it")
    op_tijd: int | None = Field(
        None, ge=0, description="Candidates who can hold this talk and all others of theirs in time"
    )


class AdviseurToegewezen(Event):
    """An adviser was assigned."""

    naam = "adviseur-toegewezen"
    moment = "toegewezen_op"
    gericht = "cluster"
    toegewezen_op: Moment = Field(description="When")
    cluster: Cluster = Field(description="COID or KMar Cluster Integriteit")
    adviseur: Code = Field(description="Who")
    waarom: Waarom = Field(description="Why this one")


class AdviseurOntbreekt(Event):
    """Nobody is free; it is tried again when the roster changes."""

    naam = "adviseur-ontbreekt"
    moment = "vastgesteld_op"
    gericht = "cluster"
    vastgesteld_op: Moment = Field(description="When that was found")
    cluster: Cluster = Field(description="COID or KMar Cluster Integriteit")
    waarom: Waarom = Field(description="Why nobody")


class AdviseurVervangen(Event):
    """Another adviser took over."""

    naam = "adviseur-vervangen"
    moment = "vervangen_op"
    gericht = "cluster"
    vervangen_op: Moment = Field(description="When")
    cluster: Cluster = Field(description="COID or KMar Cluster Integriteit")
    van: Code = Field(description="Who stepped back")
    naar: Code = Field(description="Who took over")
    reden: Literal["belangenconflict", "afwezigheid", "vertrek", "anders", "wens-melder", "termijn"] = Field(
        description="Why"
    )
    waarom: Waarom = Field(description="Why the new one")


class TermijnInGevaar(Event):
    """As the roster stands the talk with the melder will not be held in time. It goes to the system of the
    cluster, which brings it to the role that is named."""

    naam = "termijn-in-gevaar"
    moment = "voorzien_op"
    gericht = "cluster"
    voorzien_op: Moment = Field(description="When that was foreseen")
    cluster: Cluster = Field(description="COID or KMar Cluster Integriteit")
    soort: Literal["adviseur-contact"] = Field("adviseur-contact", description="Which promise")
    uiterlijk: date = Field(description="Last day on which the talk is in time")
    verwacht: date | None = Field(None, description="Day on which there is room for it; absent: not in sight")
    reden: Literal["niemand", "geen-ruimte"] = Field(
        description="No adviser who may take it is there until that day; or who is has no room"
    )
    naar: Code | None = Field(
        None,
        description="Role of the ladder that it is brought to, and nobody else; absent: the cluster's head",
    )


class TermijnBuitenGevaar(Event):
    """What was foreseen of a matter no longer holds, for the role that was told."""

    naam = "termijn-buiten-gevaar"
    moment = "voorzien_op"
    gericht = "cluster"
    voorzien_op: Moment = Field(description="When that was found")
    cluster: Cluster = Field(description="COID or KMar Cluster Integriteit")
    soort: Literal["adviseur-contact"] = Field("adviseur-contact", description="Which promise")
    reden: Literal["weer-haalbaar", "gesproken", "vervallen"] = Field(
        description="It can be held in time after all; it was held; or it is no longer due"
    )
    naar: Code | None = Field(
        None,
        description="Role of the ladder that it is brought to, and nobody else; absent: the cluster's head",
    )


class BehandelingUitgezet(Event):
    """The case was placed with the behandelend leidinggevende, who alone is to be shown it in the line."""

    naam = "behandeling-uitgezet"
    moment = "uitgezet_op"
    uitgezet_op: Moment = Field(description="When")
    eenheid: Code = Field(description="Unit where it is placed")
    behandelend_leidinggevende: Code = Field(description="Seat that treats it")


class BehandelingHerzien(Event):
    """The line is told to stop: for the eyes of whoever the case was placed with. Not why: that seat may be
    the one that must not learn of the case."""

    naam = "behandeling-herzien"
    moment = "herzien_op"
    herzien_op: Moment = Field(description="When")


class BehandelingOpgehouden(Event):
    """The seat that was agreed on with the melder must not learn of the case, or reported it: it is placed
    with nobody until another is agreed on. Said once while that seat is the one agreed on, and again when it
    is so anew after another, to the cluster alone."""

    naam = "behandeling-opgehouden"
    moment = "opgehouden_op"
    gericht = "cluster"
    opgehouden_op: Moment = Field(description="When that was found")
    cluster: Cluster = Field(description="Whose adviser agreed on it")
    leidinggevende: Code = Field(description="Seat that may not treat it")


class MeldingGeescaleerd(Event):
    """The matter was brought to a higher address, which alone hears of it."""

    naam = "melding-geescaleerd"
    moment = "geescaleerd_op"
    gericht = "naar"
    geescaleerd_op: Moment = Field(description="When")
    naar: Literal["coid", "kmar", "sg", "plaatsvervanger-sg"] = Field(description="To whom")
    reden: Literal["vermoeden-misstand", "niet-opgepakt", "nieuwe-informatie", "vraag"] = Field(
        description="Why"
    )


# --- stated by notification ---------------------------------------------------------------------


class Weekbericht(Event):
    """The weekly message to one seat, as an envelope: whether it holds anything is not told. Its subject is
    random and joins to nothing."""

    functionaris: Code = Field(description="Seat it is for")
    ronde: AwareDatetime = Field(description="The fixed moment at which this week's messages are made")


class NotificatieVerzonden(Weekbericht):
    """The weekly message was handed to the mail server."""

    naam = "notificatie-verzonden"
    moment = "verzonden_op"
    verzonden_op: Moment = Field(description="When")
    zekerheid: Literal["bevestigd", "onbekend"] = Field(
        description="Whether the mail server confirmed, or the connection was lost after the message"
    )


class NotificatieMislukt(Weekbericht):
    """The weekly message could not be delivered; what it held goes with the next one."""

    naam = "notificatie-mislukt"
    moment = "mislukt_op"
    mislukt_op: Moment = Field(description="When")
    reden: Literal["geweigerd", "onbereikbaar"] = Field(description="Refused, or out of attempts")
    pogingen: int = Field(ge=1, description="Attempts made")


class NotificatieOpgehouden(Event):
    """The adviser hears that a seat is not told of this matter for now, and why."""

    naam = "notificatie-opgehouden"
    moment = "opgehouden_op"
    gericht = "cluster"
    opgehouden_op: Moment = Field(description="When")
    cluster: Cluster = Field(description="Whose adviser asked for it")
    functionaris: Code = Field(description="Seat that is not told")
    reden: Literal[
        "te-herleidbaar",
        "uitgesloten-niveau",
        "functionaris-onbekend",
        "geen-postbus",
        "eenheid-onbekend",
        "uitgeslotene-onbekend",
    ] = Field(
        description="Too few people to stay anonymous; somebody at that level must not learn of it; the seat "
        "cannot be reached; or until it is known: the unit, what is above it, or who must not learn of it"
    )


# --- stated by registry -------------------------------------------------------------------------


class MeldingGeregistreerd(Event):
    """The matter stands in the register as a melding and counts; stated again when that changes."""

    naam = "melding-geregistreerd"
    moment = "geregistreerd_op"
    geregistreerd_op: Moment = Field(description="When it was registered")
    in_register: Register = Field(description="Register in which it stands")
    rubriek: Rubriek = Field(description="Rubriek")
    onderdeel: Onderdeel | None = Field(None, description="Branch")
    telt: bool = Field(description="False when it no longer counts: klacht, duplicate or mistake")


class MeldingAfgedaan(Event):
    """An outcome stands for every person concerned that is known."""

    naam = "melding-afgedaan"
    moment = "afgedaan_op"
    afgedaan_op: Moment = Field(description="When the last outcome was set")
    betrokkenen: int = Field(ge=1, description="How many persons")


class DossierGesloten(Event):
    """Nothing is open any more: afgedaan and the melder informed."""

    naam = "dossier-gesloten"
    moment = "gesloten_op"
    gesloten_op: Moment = Field(description="When")
    kwalificatie: Kwalificatie | None = Field(
        None, description="As what it was closed; stated again as something else, or after a reopening"
    )


class DossierVernietigd(Event):
    """The time to keep this dossier is over: every service erases what it holds but the count."""

    naam = "dossier-vernietigd"
    moment = "vernietigd_op"
    vernietigd_op: Moment = Field(description="When")
    grond: Literal["bewaartermijn"] = Field("bewaartermijn", description="Why")


# --- clocks: stated by each service for the clocks it owns ----------------------------------------


SoortTermijn = Literal[
    "mid-contact",
    "contact-open",
    "toewijzing",
    "adviseur-contact",
    "ontvangstbevestiging",
    "terugkoppeling",
    "heropening",
    "behandeling",
    "afdoening",
    "nazorg",
    "klacht",
]


class TermijnFeit(Event):
    """What every fact about a clock tells. It goes to the system of the role that keeps the promise, which
    brings it to the roles above it."""

    gericht = "rol"
    soort: SoortTermijn = Field(description="Which promise")
    generatie: int = Field(ge=1, description="Counts re-arming of the same promise")
    start: AwareDatetime = Field(description="When it started to run")
    eind: AwareDatetime | None = Field(None, description="When it ends; absent while it stands still")
    eind_atw: AwareDatetime | None = Field(None, description="End as extended by the Algemene termijnenwet")
    spoed: bool = Field(False, description="Whether the short length applies")
    rol: Bewaakt = Field(description="Role that is warned")
    grondslag: str = Field(max_length=200, description="Legal or policy basis")
    afleiding: str = Field(max_length=1000, description="How the end was computed, in words")


class TermijnGestart(TermijnFeit):
    """A promise started to run."""

    naam = "termijn-gestart"
    moment = "start"
    waarschuwing: AwareDatetime | None = Field(None, description="When it will be warned of")


_GEMIST: Final = "Warnings that fell due before and could not be given; this fact stands for them too"
_HERHALING: Final = "How many times it was said before: 0 the first time, and counting while nothing happens"


class TermijnNadert(TermijnFeit):
    """A promise nears its end."""

    naam = "termijn-nadert"
    moment = "genaderd_op"
    genaderd_op: Moment = Field(description="When that was seen")
    herhaling: int = Field(0, ge=0, description=_HERHALING)
    gemiste_waarschuwingen: int = Field(0, ge=0, description=_GEMIST)


class TermijnVerstreken(TermijnFeit):
    """A promise was not kept in time; the next role is told."""

    naam = "termijn-verstreken"
    moment = "verstreken_op"
    verstreken_op: Moment = Field(description="When that was seen")
    gemiste_waarschuwingen: int = Field(0, ge=0, description=_GEMIST)
    escaleert_naar: tuple[Code, ...] = Field((), max_length=10, description="Roles told, in order")


class TermijnGeescaleerd(TermijnFeit):
    """A promise was not kept in time and nothing happened since; the next role is told, or once more the
    highest that may know."""

    naam = "termijn-geescaleerd"
    moment = "geescaleerd_op"
    geescaleerd_op: Moment = Field(description="When that was seen")
    escaleert_naar: tuple[Code, ...] = Field(min_length=1, max_length=10, description="Roles told, in order")
    trede: int = Field(ge=1, le=10, description="Rung of the ladder that was reached, from 1")
    herhaling: int = Field(0, ge=0, description=_HERHALING)


class TermijnVerplaatst(TermijnFeit):
    """A promise that runs has another end than before, or stands still."""

    naam = "termijn-verplaatst"
    moment = "start"
    eind_was: AwareDatetime | None = Field(None, description="Its end before; absent when it stood still")
    waardoor: Literal["opgeschort", "hervat", "verlengd", "kalender", "regel"] = Field(description="By what")


class TermijnAfgelopen(TermijnFeit):
    """A promise ended: kept, kept late, or no longer due."""

    naam = "termijn-afgelopen"
    moment = "gestopt_op"
    gestopt_op: Moment = Field(description="When it stopped")
    uitkomst: Literal["gehaald", "te-laat-gehaald", "vervallen"] = Field(description="How")
    reden: Code | None = Field(None, description="Why it was no longer due")
    corrigeert_verstreken: bool = Field(
        False, description="True when it was reported overdue although it had been kept in time"
    )


def alle_feiten() -> tuple[type[Event], ...]:
    """Every concrete fact class, in the order of this file."""

    def walk(cls: type[Event]) -> Iterator[type[Event]]:
        for sub in cls.__subclasses__():
            if "naam" in vars(sub):
                yield sub
            yield from walk(sub)

    order: dict[str, Any] = globals()
    position = {name: n for n, name in enumerate(order)}
    return tuple(sorted(walk(Event), key=lambda cls: position[cls.__name__]))
