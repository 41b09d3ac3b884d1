# SPDX-License-Identifier: EUPL-1.2
"""What a melder is answered, as it stands inside the seal. Pure.

Every answer has one size before it is sealed. Whatever a code did not open (unknown, mistyped, of a matter
that was erased, one attempt too many) is answered by `ONBEKEND`: the same bytes.
"""

import json
from collections.abc import Sequence
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from shared.codes import Geadresseerde

ANTWOORD_BYTES: Final = 8192
"""Size of every answer before sealing: JSON, then spaces."""
DEEL_BYTES: Final = 7000
"""How much of a text one answer holds, counted as JSON."""
BERICHTEN_PER_DEEL: Final = 60


class Antwoord(BaseModel):
    """One answer; `uitkomst` says of what kind."""

    model_config = ConfigDict(frozen=True)


class Onbekend(Antwoord):
    """The code opens nothing."""

    uitkomst: Literal["onbekend"] = "onbekend"


class Uitgereikt(Antwoord):
    """A new receipt code: as it is written, and each group as it is read aloud. It is told this once."""

    uitkomst: Literal["uitgereikt"] = "uitgereikt"
    nodig: Literal[True] = True
    code: str
    spelling: tuple[str, ...]


class NietUitgereikt(Antwoord):
    """No code, and why; `nodig` is false when there is nothing to come back for."""

    uitkomst: Literal["niet-uitgereikt"] = "niet-uitgereikt"
    nodig: bool
    reden: Literal["nog-niet-bekend", "al-uitgereikt", "te-laat", "luisterend-oor"]


class Instemming(Antwoord):
    """A grant in force."""

    instemming: str
    geadresseerde: Geadresseerde


class Status(Antwoord):
    """How the matter stands, in sentences; the consent in force; how many messages there are to read."""

    uitkomst: Literal["status"] = "status"
    stand: tuple[str, ...]
    instemmingen: tuple[Instemming, ...]
    berichten: int


class Bericht(Antwoord):
    """A message to the melder, as it stands in the list."""

    bericht: str
    van: Literal["mid", "adviseur"]
    dag: str


class Berichten(Antwoord):
    """The messages to the melder, newest first."""

    uitkomst: Literal["berichten"] = "berichten"
    berichten: tuple[Bericht, ...]
    deel: int
    delen: int


class Gelezen(Antwoord):
    """What one message says; a long one comes in parts, put together without anything between."""

    uitkomst: Literal["bericht"] = "bericht"
    bericht: str
    van: Literal["mid", "adviseur"]
    dag: str
    tekst: str
    deel: int
    delen: int


class Gedaan(Antwoord):
    """It is done, or was so already; of consent given, the id of the grant."""

    uitkomst: Literal["gedaan"] = "gedaan"
    instemming: str | None = None


class NietMogelijk(Antwoord):
    """The code is right; this cannot be done."""

    uitkomst: Literal["niet-mogelijk"] = "niet-mogelijk"
    reden: Literal["geen-adviseur", "geen-instemming", "geen-bericht", "ingetrokken"]


class Tekst(Antwoord):
    """What a melder wrote, as it is kept for who may read it."""

    tekst: str


ONBEKEND: Final = Onbekend()


def schrijf(antwoord: Antwoord) -> bytes:
    """An answer as it is sealed. Raises ValueError for one that does not fit: its maker sees to that."""
    return vul_op(antwoord.model_dump_json(exclude_none=True).encode())


def vul_op(inhoud: bytes) -> bytes:
    """JSON, filled up with spaces to the size that is sealed. Raises ValueError when it is longer."""
    if len(inhoud) > ANTWOORD_BYTES:
        raise ValueError(f"more than {ANTWOORD_BYTES} bytes")
    return inhoud.ljust(ANTWOORD_BYTES)


def delen(tekst: str) -> list[str]:
    """A text in parts that each fit into an answer; at least one, and together the text."""
    gevonden: list[str] = []
    begin = lengte = 0
    for plaats, teken in enumerate(tekst):
        bytes_ = len(json.dumps(teken, ensure_ascii=False).encode(errors="replace")) - 2
        if lengte + bytes_ > DEEL_BYTES:
            gevonden.append(tekst[begin:plaats])
            begin, lengte = plaats, 0
        lengte += bytes_
    return [*gevonden, tekst[begin:]]


def tekst_van(inhoud: bytes) -> str:
    """The words of a message: `{"tekst": ...}`, or else whatever it is, as text."""
    try:
        gelezen = json.loads(inhoud)
    except (ValueError, RecursionError):
        gelezen = None
    tekst = gelezen.get("tekst") if isinstance(gelezen, dict) else gelezen
    if not isinstance(tekst, str):
        tekst = inhoud.decode(errors="replace").rstrip(" ")
    # A half of a pair that has no other half is a mistake of the writer, and no text can hold it.
    return tekst.encode(errors="replace").decode()


def lijst(berichten: Sequence[Bericht], deel: int) -> Berichten | NietMogelijk:
    """One part of the list; without any message there is one part, which is empty."""
    stukken = [
        tuple(berichten[begin : begin + BERICHTEN_PER_DEEL])
        for begin in range(0, len(berichten), BERICHTEN_PER_DEEL)
    ] or [()]
    if deel > len(stukken):
        return NietMogelijk(reden="geen-bericht")
    return Berichten(berichten=stukken[deel - 1], deel=deel, delen=len(stukken))


def bladzijde(bericht: Bericht, inhoud: bytes, deel: int) -> Gelezen | NietMogelijk:
    """One part of what a message says."""
    stukken = delen(tekst_van(inhoud))
    if deel > len(stukken):
        return NietMogelijk(reden="geen-bericht")
    return Gelezen(**bericht.model_dump(), tekst=stukken[deel - 1], deel=deel, delen=len(stukken))
