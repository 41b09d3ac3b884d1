# SPDX-License-Identifier: EUPL-1.2
"""Routing's settings, from environment variables that begin with `ROUTING_`."""

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings
from shared.termijnen.regels import op_de_ladder


class Settings(ServiceSettings):
    """What routing needs to run, beside what every service needs."""

    model_config = SettingsConfigDict(env_prefix="ROUTING_")

    max_zaken_per_fte: float = Field(40, gt=0, description="Open matters per fte at which an adviser is full")
    lange_afwezigheid_dagen: int = Field(
        14, ge=1, description="Absence of so many days ends an assignment even after the talk with the melder"
    )
    zetels: Annotated[dict[str, str], AfterValidator(op_de_ladder)] = Field(
        {}, description='Seats of the roles on the ladder, as JSON: {"sg": "stoel-1"}; else the role\'s code'
    )
    herkansing_interval_s: float = Field(1.0, gt=0, description="How often waiting matters are looked at")
    herkansing_aantal: int = Field(100, ge=1, le=1000, description="How many of them in one transaction")
