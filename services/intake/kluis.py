# SPDX-License-Identifier: EUPL-1.2
"""The vault: what melders said, under one data key per matter.

The database holds AES-256-GCM ciphertext and nothing that opens it; the data keys rest wrapped in a folder
outside it (`sleutelkluis`). Content is kept as it came, padded, so that its size tells a class and no more.
"""

import asyncio
import hmac
import logging
import os
from base64 import urlsafe_b64encode
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from services.intake.settings import Settings
from services.intake.sleutelkluis import BestandKek, KekOnbekend, KluisOnbruikbaar, Sleutelkluis, Sleutelmap
from shared import flow
from shared.inbox import Work
from shared.postgres import Queries
from shared.settings import SettingsError

QUERIES: Final = Queries(Path(__file__).with_name("kluis.sql"))
NONCE_BYTES: Final = 12
ZAKEN_PER_KEER: Final = 200
"""Of how many matters is looked at once whether their keys open."""
ZONDER_SLEUTEL: Final = "content without a key that opens it (./meldpunt sleutels kwijt)"

log = logging.getLogger(__name__)


class Stuk(NamedTuple):
    """One piece of content. `stuk` is the key of the fact it came with, or an id of its own."""

    stuk: UUID
    zaak: str
    soort: str
    inhoud: bytes
    van: str = flow.INTAKE
    """Whose act it is that it came: a party that writes or shares, else intake's own taking in."""


@dataclass(frozen=True, slots=True)
class Betrokkene:
    """What the logs call a matter and its pieces: the same each time, and nothing that stands anywhere else.

    Made with the matter's data key: once that is destroyed nobody can tell what these were the names of.
    """

    naam: str
    """The matter's id, encrypted."""
    _sleutel: bytes = field(repr=False)

    def stuk(self, kenmerk: UUID) -> UUID:
        """The name of a piece, by the one that it has on the bus."""
        return UUID(bytes=hmac.digest(self._sleutel, kenmerk.bytes, "sha256")[:16])


class Kluis:
    """The vault of one intake process."""

    def __init__(self, sleutels: Sleutelkluis) -> None:
        self.sleutels = sleutels

    @classmethod
    def van(cls, settings: Settings) -> Self:
        """As the settings say. Raises SettingsError when the keys' folder or the KEKs cannot be used."""
        try:
            keks = BestandKek(settings.kek)
        except KluisOnbruikbaar as error:
            raise SettingsError(f"INTAKE_KEK ({error})") from None
        try:
            return cls(Sleutelkluis(keks, Sleutelmap(settings.kluis)))
        except KluisOnbruikbaar as error:
            raise SettingsError(f"INTAKE_KLUIS ({error})") from None

    async def bewaar(self, work: Work, stukken: Sequence[Stuk]) -> None:
        """Keep these pieces, each under the data key of its matter; the caller holds the matters.

        Of a matter of which nothing may be kept, nothing is written and no key made. Raises OSError when keys
        cannot be reached: the batch waits. Raises SleutelBeschadigd and KekOnbekend for a matter whose key
        is gone or does not open: waiting does not help, and what is asked without that matter goes through.
        """
        if not stukken:
            return
        zaken = sorted({stuk.zaak for stuk in stukken})
        toegestaan = dict(await work.connection.fetch(QUERIES.te_bewaren, zaken))
        eenmaal = {stuk.stuk: stuk for stuk in stukken if stuk.zaak in toegestaan}
        gesorteerd = [eenmaal[stuk] for stuk in sorted(eenmaal)]
        if not gesorteerd:
            return
        met_inhoud = {zaak for zaak, er_is in toegestaan.items() if er_is}
        gesloten = await asyncio.to_thread(self._sluit, gesorteerd, met_inhoud)
        await work.connection.execute(
            QUERIES.bewaar,
            [stuk.stuk for stuk in gesorteerd],
            [stuk.zaak for stuk in gesorteerd],
            [stuk.soort for stuk in gesorteerd],
            gesloten,
        )

    async def dicht(self, connection: Any, zaken: Collection[str]) -> set[str]:
        """Of these matters those that have content and of which the key is gone or does not open: nothing can
        be kept under it. Raises OSError."""
        toegestaan = dict(await connection.fetch(QUERIES.te_bewaren, sorted(zaken)))
        met_inhoud = {zaak for zaak, er_is in toegestaan.items() if er_is}
        return met_inhoud - await asyncio.to_thread(self._opent, met_inhoud)

    def _opent(self, zaken: Collection[str]) -> set[str]:
        try:
            return set(self.sleutels.geef(zaken))
        except KekOnbekend:
            return set().union(*(self._opent([een]) for een in zaken)) if len(zaken) > 1 else set()

    def _sluit(self, stukken: Sequence[Stuk], met_inhoud: Collection[str]) -> list[bytes]:
        sleutels = self.sleutels.geef_of_maak({stuk.zaak for stuk in stukken}, met_inhoud=met_inhoud)
        gesloten = []
        for stuk in stukken:
            nonce = os.urandom(NONCE_BYTES)
            sleutel = AESGCM(_leid_af(sleutels[stuk.zaak], b"inhoud", 32))
            gesloten.append(nonce + sleutel.encrypt(nonce, stuk.inhoud, _bij(stuk.zaak, stuk.stuk)))
        return gesloten

    async def lees(self, connection: Any, stukken: Collection[UUID]) -> dict[UUID, Stuk]:
        """These pieces, opened; what was erased is left out, and so is what does not open.

        Whoever must tell the two apart asks while it holds the matters: of what was erased there is no row
        any more. Raises OSError when keys cannot be reached, and KekOnbekend when what wrapped one is not
        here: neither is the same as erased.
        """
        if not stukken:
            return {}
        rows = await connection.fetch(QUERIES.lees, sorted(stukken))
        return await asyncio.to_thread(self._open, rows)

    def _open(self, rows: Iterable[Any]) -> dict[UUID, Stuk]:
        found = list(rows)
        sleutels = self.sleutels.geef({row["subject"] for row in found})
        stukken = {}
        for row in found:
            sleutel = sleutels.get(row["subject"])
            inhoud = None if sleutel is None else _ontsluit(sleutel, row)
            if inhoud is not None:
                stukken[row["stuk"]] = Stuk(row["stuk"], row["subject"], row["soort"], inhoud)
        if len(stukken) < len(found):
            log.error(ZONDER_SLEUTEL, extra={"count": len(found) - len(stukken)})
        return stukken

    async def zonder_sleutel(self, connection: Any) -> list[str]:
        """The matters with content that were not erased and of which a piece does not open: their key is
        missing, damaged, another's, or wrapped by a KEK that is not here. Raises OSError."""
        gevonden: list[str] = []
        vanaf = ""
        while rows := await connection.fetch(QUERIES.een_van_elk, vanaf, ZAKEN_PER_KEER):
            vanaf = rows[-1]["subject"]
            dicht = await asyncio.to_thread(self._dicht, rows)
            # An erasure that was committed meanwhile has destroyed a key by right.
            er_nog = await connection.fetch(QUERIES.nog_bewaard, sorted(dicht)) if dicht else ()
            gevonden += [dicht[row["stuk"]] for row in er_nog]
        return sorted(gevonden)

    def _dicht(self, rows: Sequence[Any]) -> dict[UUID, str]:
        """By piece the matter, of those that do not open."""
        try:
            sleutels = self.sleutels.geef({row["subject"] for row in rows})
        except KekOnbekend:
            if len(rows) == 1:
                return {rows[0]["stuk"]: rows[0]["subject"]}
            half = len(rows) // 2
            return self._dicht(rows[:half]) | self._dicht(rows[half:])
        return {
            row["stuk"]: row["subject"]
            for row in rows
            if row["subject"] not in sleutels or _ontsluit(sleutels[row["subject"]], row) is None
        }

    async def betrokkenen(self, zaken: Collection[str]) -> dict[str, Betrokkene]:
        """By matter its names for the logs; what was erased is left out. Raises OSError and KekOnbekend."""
        if not zaken:
            return {}
        sleutels = await asyncio.to_thread(self.sleutels.geef, zaken)
        return {zaak: _betrokkene(sleutel, zaak) for zaak, sleutel in sleutels.items()}

    async def vernietig(self, zaken: Collection[str]) -> None:
        """Destroy the keys of these matters: no copy of their content opens after this. Raises OSError."""
        if zaken:
            await asyncio.to_thread(self.sleutels.vernietig, zaken)


def _leid_af(sleutel: bytes, waartoe: bytes, lengte: int) -> bytes:
    """A key for one purpose, so that none is used for two (RFC 5869)."""
    return HKDFExpand(SHA256(), lengte, b"meldpunt/kluis/" + waartoe).derive(sleutel)


def _bij(zaak: str, stuk: UUID) -> bytes:
    """What a piece is bound to: moved to another matter or place it does not open."""
    return stuk.bytes + zaak.encode()


def _ontsluit(sleutel: bytes, row: Any) -> bytes | None:
    inhoud = bytes(row["inhoud"])
    nonce, rest = inhoud[:NONCE_BYTES], inhoud[NONCE_BYTES:]
    try:
        return AESGCM(_leid_af(sleutel, b"inhoud", 32)).decrypt(
            nonce, rest, _bij(row["subject"], row["stuk"])
        )
    except (InvalidTag, ValueError):
        return None


def _betrokkene(sleutel: bytes, zaak: str) -> Betrokkene:
    versleuteld = AESSIV(_leid_af(sleutel, b"betrokkene", 64)).encrypt(zaak.encode(), None)
    naam = urlsafe_b64encode(versleuteld).rstrip(b"=").decode()
    return Betrokkene(naam, _leid_af(sleutel, b"stuk", 32))
