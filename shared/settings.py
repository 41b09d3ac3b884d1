# SPDX-License-Identifier: EUPL-1.2
"""Settings that every service has. They come from the environment, with the service's name as prefix.

`ROUTING_AMQP_URL`, `ROUTING_POSTGRES_DSN`, `ROUTING_HTTP_PORT`, ...; a service adds its own in its
`settings.py`. Secrets are never printed: a wrong setting is named, its value is not.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Final, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings

from shared import zegel
from shared.termijnen.regels import LADDER, een_of_meer, op_de_ladder, regels

S = TypeVar("S", bound="ServiceSettings")


class SettingsError(Exception):
    """A setting is missing or wrong; the text names it and never shows its value."""


def _known_rules(overrides: dict[str, str]) -> dict[str, str]:
    try:
        regels(overrides)
    except ValueError:
        raise PydanticCustomError("onbekende_termijn_of_lengte", "no such term, or no such length") from None
    return overrides


def _key_set(path: Path) -> Path:
    try:
        zegel.PublicKeys.from_file(path)
    except zegel.ZegelFout:
        raise PydanticCustomError("geen_leesbare_sleutelset", "no readable key set") from None
    return path


ROLLEN_MET_ZETEL: Final = LADDER - {"mid-leiding"}
"""The roles whose seats routing and registry must be told. What goes to the MID's own head does so before a
matter is forwarded, when nobody said yet who must not learn of it."""


def _every_role(zetels: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    if missing := sorted(ROLLEN_MET_ZETEL - zetels.keys()):
        # Names of roles, and no seat.
        raise PydanticCustomError("geen_zetel_van_" + "_en_".join(missing), "a role has no seat")
    return zetels


Zetels = Annotated[
    dict[str, frozenset[str]],
    BeforeValidator(een_of_meer),
    AfterValidator(op_de_ladder),
    AfterValidator(_every_role),
    Field(
        description='Seats that read what is brought to a role, as JSON: {"sg": "stoel-1", ...}, or where '
        'seats share a mailbox {"sg": ["stoel-1", "stoel-2"], ...}; every role that something is brought to',
    ),
]
"""The setting of a service that brings matters to roles. It has no default: whoever is excluded by their seat
would hear by their role."""


class ServiceSettings(BaseSettings):
    """What a service needs to run."""

    amqp_url: SecretStr = Field(description="Broker, with the service's own account")
    postgres_dsn: SecretStr = Field(description="Database, with the service's runtime role")
    public_keys: Annotated[Path, AfterValidator(_key_set)] = Field(
        description="JWKS file with intake's public keys"
    )
    http_host: str = Field("127.0.0.1", description="Where health and metrics are served")
    http_port: int = Field(0, ge=0, le=65535, description="Its port; 0 takes a free one")
    prefetch: int = Field(300, ge=1, le=2000, description="Messages taken ahead; also the largest batch")
    lease: timedelta = Field(timedelta(seconds=30), description="How long a fact is its stater's to publish")
    wait_known: timedelta = Field(
        timedelta(days=1), description="When a fact about an unknown matter is reported"
    )
    geparkeerd_bewaren: str = Field(
        "P6M",
        pattern=r"^P\d{1,3}[YMWD]$",
        description="How long what is parked about no known matter is kept; to be confirmed",
    )
    watch_interval_s: float = Field(
        0.02, gt=0, description="Least time between two looks at the clocks, in seconds"
    )
    schud_interval_s: float = Field(
        600.0,
        gt=0,
        description="How often erased facts are written anew, so that nothing joins those of a matter",
    )
    termijnen: Annotated[dict[str, str], AfterValidator(_known_rules)] = Field(
        {}, description='Other lengths, as JSON: {"adviseur-contact": "20s"}'
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")


def load(kind: type[S]) -> S:
    """Read the settings. Raises SettingsError with the names of what is missing or wrong."""
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        names = ", ".join(
            f"{prefix}{'_'.join(map(str, fault['loc'])).upper()} ({fault['type']})"
            for fault in error.errors(include_input=False, include_url=False)
        )
        raise SettingsError(names) from None
