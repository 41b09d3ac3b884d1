# SPDX-License-Identifier: EUPL-1.2
"""The registry's settings: REGISTRY_AMQP_URL, REGISTRY_POSTGRES_DSN, ..."""

from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Nothing beyond what every service has."""

    model_config = SettingsConfigDict(env_prefix="REGISTRY_")
