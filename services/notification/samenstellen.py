# SPDX-License-Identifier: EUPL-1.2
"""What the messages of one claim tell, decided under the locks of the matters and stored with the claim."""

from collections.abc import Sequence
from random import SystemRandom
from typing import Final
from uuid import UUID

from services.notification import store
from services.notification.behandeling import behandel, zet
from services.notification.core.adresboek import Adresboek
from services.notification.core.adresboek import lezer as lezer_van
from services.notification.core.samenstelling import Lezer, Samenstelling, kijk_na, stel_samen
from services.notification.core.zending import Zending
from services.notification.settings import Settings
from shared.inbox import Work

RUIMTE: Final = 8
"""How many matters, by line of a message, are looked at: some of them will be held back."""
_LOT = SystemRandom()


async def samenstellen(
    work: Work, settings: Settings, zendingen: Sequence[Zending]
) -> dict[UUID, Samenstelling]:
    """The lines of each of these messages, which are locked. States what is held back."""
    connection = work.connection
    adresboek = await store.adresboek(connection)
    lezers = {een.kenmerk: _stoelen(adresboek, een) for een in zendingen}
    kandidaten = await store.te_vertellen(
        connection,
        [(kenmerk, stoel) for kenmerk, stoelen in lezers.items() for stoel in stoelen],
        RUIMTE * settings.plaatsen,
    )
    behandeld = await behandel(work, {zaak for zaken in kandidaten.values() for zaak in zaken})
    if behandeld.zaken:
        # As it was under the locks: nobody may have come to read along since.
        adresboek = behandeld.adresboek
    boom = await store.boom(connection)
    gevonden: dict[UUID, Samenstelling] = {}
    for een in zendingen:
        assert een.postbus is not None, "what is due has a mailbox"
        stoelen = adresboek.wie_leest(een.postbus)
        sinds = een.ronde - settings.geschiedenis
        verteld = await store.verteld(connection, stoelen, lezer_van(een.postbus), sinds)
        lezer = Lezer(stoelen, adresboek.terreinen_van(stoelen), verteld)
        zaken = {
            zaak: behandeld.zaken[zaak]
            for zaak in sorted(kandidaten.get(een.kenmerk, ()))
            if zaak in behandeld.zaken
        }
        if een.samengesteld:
            samen = kijk_na(een, lezer, zaken, boom=boom, nu=work.now)
        else:
            samen = stel_samen(
                een,
                lezer,
                zaken,
                boom=boom,
                grenzen=settings.grenzen,
                loten={zaak: _LOT.random() for zaak in zaken},
                nu=work.now,
            )
        await zet(work, samen.stappen)
        gevonden[een.kenmerk] = samen
    return gevonden


def _stoelen(adresboek: Adresboek, zending: Zending) -> frozenset[str]:
    """Who reads this message, and the seat it is addressed to, which may have moved since."""
    return adresboek.wie_leest(zending.postbus or "") | {zending.functionaris}
