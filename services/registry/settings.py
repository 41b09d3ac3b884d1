# SPDX-License-Identifier: EUPL-1.2
"""The registry's settings: REGISTRY_AMQP_URL, REGISTRY_POSTGRES_DSN, ..."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from pydantic_settings import SettingsConfigDict

from services.registry.core.bewaring import VERNIETIGEN, Archief, Archiefnominatie
from shared.settings import ServiceSettings, Zetels
from shared.termijnen.bewaartermijn import Bewaartermijn


def _bewaartermijn(tekst: str) -> str:
    try:
        Bewaartermijn.lees(tekst)
    except ValueError:
        raise PydanticCustomError("onbekende_lengte", "no such length") from None
    return tekst


class Settings(ServiceSettings):
    """What the registry needs to run, beside what every service needs."""

    model_config = SettingsConfigDict(env_prefix="REGISTRY_")

    bewaartermijn: Annotated[str, AfterValidator(_bewaartermijn)] = Field(
        "P10Y",
        description="How long a dossier is kept after its end (ISO 8601). A placeholder: the value of the "
        "selection list is not public here",
    )
    archiefnominatie: Archiefnominatie = Field(
        VERNIETIGEN, description="What is done when that time is over; blijvend_bewaren erases nothing"
    )
    selectielijstklasse: str | None = Field(
        None, max_length=200, description="Class of the selection list, kept with each dossier"
    )
    vernietiging_interval_s: float = Field(
        60.0, gt=0, description="How often dossiers whose time is over are looked for"
    )
    vernietiging_aantal: int = Field(100, ge=1, le=1000, description="How many of them in one transaction")

    zetels: Zetels

    @property
    def archief(self) -> Archief:
        """What is so for every dossier."""
        return Archief(self.bewaartermijn, self.archiefnominatie, self.selectielijstklasse)
