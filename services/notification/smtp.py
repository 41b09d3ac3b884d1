# SPDX-License-Identifier: EUPL-1.2
"""One connection to the mail server, and what its answers mean.

Errors of the library quote addresses and the server's words; none leaves this module.
"""

import logging
from collections.abc import Awaitable, Callable

import aiosmtplib

from services.notification.core.zending import Uitslag
from services.notification.settings import Settings
from shared.telemetry import describe

log = logging.getLogger(__name__)

VerbindingsFout = (OSError, TimeoutError, aiosmtplib.SMTPException)


class Onbereikbaar(Exception):
    """No session with the mail server can be had at this moment. Says nothing about any recipient."""


class Verbinding:
    """A session that is opened when needed and carries one message after another."""

    def __init__(self, settings: Settings) -> None:
        server = settings.mailserver
        self._afzender: str = settings.afzender
        self._client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.user,
            password=server.password,
            # Else the library greets with this machine's own name.
            local_hostname=self._afzender.rpartition("@")[2],
            timeout=settings.smtp_timeout_s,
            use_tls=server.tls,
            start_tls=server.starttls,
        )

    async def lever_af(
        self, postbus: str, bericht: bytes, mag_verder: Callable[[], Awaitable[bool]]
    ) -> Uitslag:
        """Offer one message. Between the recipient's acceptance and DATA it asks `mag_verder`.

        Raises Onbereikbaar when there is no session to be had.
        """
        await self._begin()
        try:
            await self._client.rcpt(postbus)
        except VerbindingsFout as error:
            return await self._na_weigering(error)
        if not await mag_verder():
            await self._opnieuw()
            return Uitslag.NIET_BEGONNEN
        try:
            await self._client.data(bericht)
        except aiosmtplib.SMTPResponseException as error:
            return await self._na_weigering(error)
        except VerbindingsFout as error:
            self._sluit_na(error)
            return Uitslag.ONZEKER
        return Uitslag.BEVESTIGD

    async def sluit(self) -> None:
        """Say goodbye, if there is anybody to say it to."""
        if self._client.is_connected:
            try:
                await self._client.quit()
            except VerbindingsFout as error:
                self._sluit_na(error)

    def verbreek(self) -> None:
        """Hang up at once."""
        self._client.close()

    async def _begin(self) -> None:
        """Open the session if need be, and begin a message."""
        if self._client.is_connected:
            try:
                await self._client.mail(self._afzender)
                return
            except VerbindingsFout as error:
                # A server may end a session after a while or after so many messages: a new one will do.
                self._sluit_na(error)
        try:
            await self._client.connect()
            await self._client.mail(self._afzender)
        except VerbindingsFout as error:
            # Also when the sender is refused: that is the server's or ours to mend, and no address is wrong.
            self._sluit_na(error)
            raise Onbereikbaar from None

    async def _na_weigering(self, error: Exception) -> Uitslag:
        if not isinstance(error, aiosmtplib.SMTPResponseException):
            self._sluit_na(error)
            return Uitslag.NIET_NU
        await self._opnieuw()
        return Uitslag.GEWEIGERD if 500 <= error.code < 600 else Uitslag.NIET_NU

    async def _opnieuw(self) -> None:
        """Clear the server's mind of this message, so that the next one starts clean."""
        if not self._client.is_connected:
            return
        try:
            await self._client.rset()
        except VerbindingsFout as error:
            self._sluit_na(error)

    def _sluit_na(self, error: BaseException) -> None:
        log.info("mail session ended", extra={"error": describe(error)})
        self._client.close()
