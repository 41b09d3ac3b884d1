# SPDX-License-Identifier: EUPL-1.2
"""What a melder may ask or do by way of the receipt code, as it stands inside the seal. Pure.

Every question has one size before it is sealed, so that asking for the status and telling a story look alike
on the bus. What is no question is refused with a fixed reason; nothing of it is in that reason.
"""

import json
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from shared.codes import Geadresseerde, Vrager
from shared.envelope import Refusal
from shared.events import ONDERWERP_ID

VRAAG_BYTES: Final = 8192
"""Size of every question before sealing: JSON, then spaces."""
LANGSTE_TEKST: Final = 4000
MEESTE_DELEN: Final = 1000

_GEHEIME_LEDEN: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_Id = Annotated[str, Field(pattern=ONDERWERP_ID)]
_Bericht = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""As the list of messages calls it."""
_Coordinaat = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{43}$")]
_Tekst = Annotated[str, Field(min_length=1, max_length=LANGSTE_TEKST)]
_Afzender = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]


class _Deel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)


class Antwoordsleutel(BaseModel):
    """The public key that the answer is sealed to: made for this one question, and thrown away after it."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, hide_input_in_errors=True)

    kty: Literal["EC"]
    crv: Literal["P-256"]
    x: _Coordinaat
    y: _Coordinaat


class _Vraag(_Deel):
    antwoordsleutel: Antwoordsleutel
    gesteld_op: AwareDatetime = Field(strict=False)
    """As the fact says outside the seal: so that nobody who kept a question can say that it is new."""
    afzender: _Afzender | None = Field(None, repr=False)
    """An opaque token of the portal for whoever asks: failed attempts are limited by it."""


class OmCode(_Vraag):
    """A receipt code for this matter."""

    soort: Literal["ontvangstcode"]
    zaak: _Id


class _MetCode(_Vraag):
    code: str = Field(max_length=64, repr=False)
    """As it was typed."""


class OmStatus(_MetCode):
    """How does it stand?"""

    soort: Literal["status"]


class OmTeLezen(_MetCode):
    """The messages that there are or, with `bericht`, what one says; long ones in parts."""

    soort: Literal["lees"]
    bericht: _Bericht | None = None
    deel: int = Field(1, ge=1, le=MEESTE_DELEN)


class Schrijven(_MetCode):
    """A message, or an addition to the melding."""

    soort: Literal["bericht", "aanvulling"]
    tekst: _Tekst = Field(repr=False)
    aan: Literal["mid", "adviseur"] = "mid"


class Instemmen(_MetCode):
    """Consent for one addressee."""

    soort: Literal["instemmen"]
    geadresseerde: Geadresseerde


class Intrekken(_MetCode):
    """Consent withdrawn: one grant, or every grant for one addressee."""

    soort: Literal["intrekken"]
    instemming: _Id | None = None
    geadresseerde: Geadresseerde | None = None

    @model_validator(mode="after")
    def _een_van_beide(self) -> Self:
        if (self.instemming is None) == (self.geadresseerde is None):
            raise PydanticCustomError("een_van_beide", "one of the two")
        return self


class Terugkeren(_MetCode):
    """Coming back on the matter; where to with it, when the melder agreed to that."""

    soort: Literal["terugkeren"]
    reden: Literal["niet-opgepakt", "nieuwe-informatie", "vraag"]
    geadresseerde: Literal["coid", "kmar", "sg"] | None = None
    tekst: _Tekst | None = Field(None, repr=False)


MetCode = OmStatus | OmTeLezen | Schrijven | Instemmen | Intrekken | Terugkeren
Vraag = OmCode | MetCode

_VRAAG: Final[TypeAdapter[Vraag]] = TypeAdapter(Annotated[Vraag, Field(discriminator="soort")])


def lees_vraag(inhoud: bytes, vrager: Vrager) -> Vraag | Refusal:
    """The question that somebody sealed, or why it is none. `vrager`: who put it on the bus."""
    if len(inhoud) != VRAAG_BYTES:
        return Refusal(f"een vraag is {VRAAG_BYTES} bytes groot voor het verzegelen, aangevuld met spaties")
    velden = _velden(inhoud)
    if isinstance(velden, Refusal):
        return velden
    fout = _sleutelfout(velden.get("antwoordsleutel"))
    if fout is not None:
        return Refusal(fout)
    try:
        vraag = _VRAAG.validate_python(velden)
    except ValidationError as error:
        return Refusal(_in_woorden(error))
    if vrager != "portaal" and not isinstance(vraag, OmCode):
        return Refusal("deze afzender stelt dit soort vraag niet: alleen het portaal")
    return vraag


def _velden(inhoud: bytes) -> dict[str, Any] | Refusal:
    try:
        # Left to itself json guesses: a text in UTF-16 can be too long to keep, and a right code would tell.
        velden = json.loads(inhoud.decode("utf-8"), object_pairs_hook=_enkel)
    except RecursionError:
        return Refusal("de vraag is te diep genest")
    except ValueError:
        return Refusal("de vraag is geen JSON in UTF-8, of een naam staat er tweemaal in")
    if not isinstance(velden, dict):
        return Refusal("de vraag is geen JSON-object")
    return velden


def _enkel(paren: list[tuple[str, Any]]) -> dict[str, Any]:
    velden = dict(paren)
    if len(velden) != len(paren):
        # Two readers could each take another one of the two.
        raise ValueError("a name stands twice")
    return velden


def _sleutelfout(sleutel: object) -> str | None:
    """What is wrong with the key for the answer, seen from its members alone."""
    if not isinstance(sleutel, dict):
        return "de vraag heeft geen sleutel voor het antwoord"
    if sleutel.keys() & _GEHEIME_LEDEN:
        return "de sleutel voor het antwoord bevat een geheim deel"
    if sleutel.get("kty") != "EC" or sleutel.get("crv") != "P-256":
        return "de sleutel voor het antwoord is van een andere soort dan EC op P-256"
    return None


_WOORDEN: Final = {
    "union_tag_invalid": "onbekende soort vraag",
    "union_tag_not_found": "de vraag noemt geen soort",
    "extra_forbidden": "de vraag heeft een veld dat er niet hoort",
    "string_too_long": "een veld van de vraag is te lang",
    "string_too_short": "een veld van de vraag is leeg",
    "missing": "een veld van de vraag ontbreekt",
    "een_van_beide": "intrekken noemt een instemming of een geadresseerde, niet beide",
}


def _in_woorden(error: ValidationError) -> str:
    fout = error.errors(include_input=False, include_url=False, include_context=False)[0]
    if "antwoordsleutel" in fout["loc"]:
        return "de sleutel voor het antwoord heeft niet de juiste vorm"
    return _WOORDEN.get(fout["type"], "een veld van de vraag heeft niet de juiste vorm")
