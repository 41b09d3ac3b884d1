# SPDX-License-Identifier: EUPL-1.2
"""Settings of intake, from the environment with the prefix `INTAKE_`."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings

RESPIJT = timedelta(days=7)
"""How long content sealed to an expired key still opens, unless set otherwise."""


class Settings(ServiceSettings):
    """What intake needs beside what every service needs."""

    model_config = SettingsConfigDict(env_prefix="INTAKE_")

    private_keys: Path = Field(
        description="JWKS file with intake's private keys, readable by its owner alone"
    )
    sleutel_respijt: timedelta = Field(
        RESPIJT, ge=timedelta(), description="How long content sealed to an expired key still opens"
    )
    kluis: Path = Field(
        description="Folder of the vault's wrapped data keys: outside the database, one for all replicas"
    )
    kek: Path = Field(description="File of the keys that wrap those, readable by its owner alone")
    max_pogingen: int = Field(3, ge=1, le=20, description="Attempts after which a melder is unreachable")
    bewaartermijn: str = Field(
        "P1Y",
        pattern=r"^P\d{1,3}[YMWD]$",
        description="How long a contact that ended at the MID is kept after the last word; to be confirmed",
    )
    bewaartermijn_open: str = Field(
        "P2Y",
        pattern=r"^P\d{1,3}[YMWD]$",
        description="How long a contact that was left open is kept after the last word; to be confirmed",
    )
    code_binnen: timedelta = Field(
        timedelta(hours=24),
        description="How long after the contact a channel or the portal gets a receipt code for it",
    )
    vraag_binnen: timedelta = Field(
        timedelta(minutes=10),
        gt=timedelta(),
        le=timedelta(minutes=30),
        description="How old a melder's question may be; an older one does nothing",
    )
    pogingen_per_afzender: int = Field(
        10, ge=1, description="Failed attempts with a receipt code in an hour, by token of the portal"
    )
    pogingen_totaal: int = Field(
        1000, ge=1, description="Failed attempts with a receipt code in an hour, in all"
    )
    antwoord_tik_s: float = Field(
        2.0,
        gt=0,
        le=60,
        description="Answers to melders leave at multiples of this, one to two of them later",
    )
    deling_respijt_s: float = Field(
        60.0,
        gt=0,
        description="How long what an adviser shared may wait for placement and consent before that is said",
    )
    wis_interval_s: float = Field(
        1.0, gt=0, description="How often last traces are erased, and keys of what was erased destroyed"
    )
