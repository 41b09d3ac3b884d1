# SPDX-License-Identifier: EUPL-1.2
"""Settings of notification: those of every service, when it tells what, and the way to the mail server."""

from datetime import timedelta
from typing import Annotated, Final, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import SettingsConfigDict

from services.notification.core.ronde import WEEK
from services.notification.core.rubriek import STERKTE_DEFENSIE
from services.notification.core.samenstelling import Grenzen
from shared.events import Postbus
from shared.settings import ServiceSettings

POORTEN: Final = {"smtp": 25, "smtp+starttls": 587, "smtps": 465}
"""Schemes of the mail server's URL, with their usual port: plain, STARTTLS required, TLS from the start."""


def _minstens(laagste: int) -> AfterValidator:
    """The lowest value with which a rule of anonymity still holds; what is lower is named with it."""

    def keur(waarde: int) -> int:
        if waarde < laagste:
            raise PydanticCustomError(f"minstens_{laagste}", "too low: it would switch a protection off")
        return waarde

    return AfterValidator(keur)


def _een_jaar(duur: timedelta) -> timedelta:
    if duur < JAAR:
        raise PydanticCustomError("minstens_52_weken", "too short: it would switch a protection off")
    return duur


JAAR: Final = timedelta(weeks=52)
"""What a reader was told counts for at least so long."""


class Settings(ServiceSettings):
    """What notification needs to run; variables begin with NOTIFICATION_."""

    model_config = SettingsConfigDict(env_prefix="NOTIFICATION_")

    smtp_url: SecretStr = Field(
        SecretStr("smtp://127.0.0.1:25"),
        description="Mail server: smtp://, smtp+starttls:// or smtps://, with user:password@ where needed",
    )
    afzender: Postbus = Field("notificatie@meldpunt.invalid", description="Address they come from")
    smtp_timeout_s: float = Field(30.0, gt=0, description="How long the mail server may take for one answer")
    smtp_verbindingen: int = Field(5, ge=1, le=20, description="Connections to the mail server at once")
    zend_interval_s: float = Field(0.2, gt=0, description="How often is looked for what is due")
    zend_aantal: int = Field(40, ge=1, le=500, description="How many are claimed at once")
    claim_duur: timedelta = Field(
        timedelta(minutes=3), description="After this silence another process takes a claim over"
    )
    ronde_dag: int = Field(1, ge=1, le=7, description="Day of the weekly message: 1 is Monday")
    ronde_uur: int = Field(9, ge=0, le=23, description="Hour of the weekly message, in the Netherlands")
    ronde_elke: timedelta = Field(
        WEEK, ge=timedelta(milliseconds=100), description="Another period than a week, for trying it out"
    )
    plaatsen: int = Field(6, ge=1, le=50, description="Lines in a message")
    # Lower than these a rule of docs/anonymity.md would be there in name only ("How low the settings go").
    k: Annotated[int, _minstens(5)] = Field(20, description="People behind every fact that is told")
    zeldzaam: Annotated[int, _minstens(2)] = Field(
        10, description="Expected a year, below which a rubriek is not told"
    )
    sterkte_defensie: Annotated[int, _minstens(10_000)] = Field(
        STERKTE_DEFENSIE,
        description="People among whom the published figures are shared out: to be set, the default is an "
        "order of magnitude",
    )
    geschiedenis: Annotated[timedelta, AfterValidator(_een_jaar)] = Field(
        JAAR, description="How long what a reader was told counts"
    )
    periode_weken: Annotated[int, _minstens(4)] = Field(13, description="Weeks that a period total covers")
    totaal_stap: Annotated[int, _minstens(2)] = Field(5, description="Step in which a period total goes up")
    wachttijden: tuple[timedelta, ...] = Field(
        tuple(timedelta(seconds=s) for s in (30, 120, 600, 3_600, 14_400, 43_200, 86_400, 86_400, 86_400)),
        max_length=30,
        description="Waits between attempts; there is one attempt more than there are waits",
    )

    @field_validator("smtp_url")
    @classmethod
    def _een_mailserver(cls, url: SecretStr) -> SecretStr:
        try:
            delen = urlsplit(url.get_secret_value())
            goed = delen.scheme in POORTEN and delen.hostname and (delen.port is None or delen.port > 0)
        except ValueError:
            goed = False
        if not goed:
            raise PydanticCustomError("smtp_url", "geen adres van een mailserver")
        return url

    @model_validator(mode="after")
    def _claim_overleeft_een_antwoord(self) -> Self:
        # A claim is renewed just before DATA, which takes two answers: it may not pass while one is awaited.
        if self.claim_duur.total_seconds() <= 2 * self.smtp_timeout_s:
            raise PydanticCustomError("claim_duur", "claim_duur is niet langer dan twee keer smtp_timeout_s")
        return self

    @property
    def grenzen(self) -> Grenzen:
        """What bounds the words of a message."""
        return Grenzen(self.plaatsen, self.k, self.zeldzaam, self.sterkte_defensie)

    @property
    def mailserver(self) -> "Mailserver":
        """The mail server's URL, taken apart."""
        return Mailserver(self.smtp_url.get_secret_value())


class Mailserver:
    """Where mail goes and how; never printed, since it can hold a password."""

    def __init__(self, url: str) -> None:
        delen = urlsplit(url)
        self.host = delen.hostname or ""
        self.port = delen.port or POORTEN[delen.scheme]
        self.tls = delen.scheme == "smtps"
        self.starttls = delen.scheme == "smtp+starttls"
        self.user = unquote(delen.username) if delen.username else None
        self.password = unquote(delen.password) if delen.password else None
