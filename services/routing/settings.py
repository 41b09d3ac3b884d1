# SPDX-License-Identifier: EUPL-1.2
"""Routing's settings, from environment variables that begin with `ROUTING_`."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings, Zetels


class Settings(ServiceSettings):
    """What routing needs to run, beside what every service needs."""

    model_config = SettingsConfigDict(env_prefix="ROUTING_")

    max_zaken_per_fte: float = Field(40, gt=0, description="Open matters per fte at which an adviser is full")
    lange_afwezigheid_dagen: int = Field(
        14, ge=1, description="So long an absence ends an assignment; a shorter one moves what is late by it"
    )
    gesprekken_per_fte: float = Field(
        1.0,
        gt=0,
        le=20,
        description="First talks a day per fte, where the roster does not say what room there is",
    )
    planning_interval_s: float = Field(
        15.0,
        gt=0,
        description="How often is looked at who must go to another adviser to be spoken with in time",
    )
    planning_aantal: int = Field(
        200, ge=1, le=2000, description="Talks that are planned together; of those that are late as many"
    )
    zetels: Zetels
    herkansing_interval_s: float = Field(1.0, gt=0, description="How often waiting matters are looked at")
    herkansing_aantal: int = Field(100, ge=1, le=1000, description="How many of them in one transaction")
