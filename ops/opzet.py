# SPDX-License-Identifier: EUPL-1.2
"""The set-up step of a deployment: topology, accounts, schemas and migrations, on servers that are there.

Runs as `python -m ops.opzet`, once per release, before the services. It takes from the environment:

    MELDPUNT_AMQP_URL             the broker, with an administrator's account
    MELDPUNT_AMQP_MANAGEMENT_URL  its management API, with the same account
    MELDPUNT_POSTGRES_DSN         the database, with a role that may create databases and roles
    MELDPUNT_NAME                 virtual host and database; `meldpunt` when not set
    <ACCOUNT>_PASSWORD            INTAKE_PASSWORD, MID_PASSWORD, BEHEER_PASSWORD, ...

A service has one password, for broker and database. An outside system or `beheer` without one gets a random
password that nobody knows: the account is there, and closed. Running the step again changes nothing else.
"""

import asyncio
import os
import secrets
import sys

from ops import OpsError
from ops.environment import prepare
from ops.servers import Servers
from shared import flow


class Deployment(Servers):
    """Servers whose accounts have the passwords that the deployer gave."""

    def password(self, name: str) -> str:
        """The password given for an account, else one that follows from this run's own secret."""
        return os.environ.get(f"{name.upper()}_PASSWORD") or super().password(name)


def deployment() -> Deployment:
    """The servers that the environment names. Raises OpsError."""
    names = ("MELDPUNT_AMQP_URL", "MELDPUNT_AMQP_MANAGEMENT_URL", "MELDPUNT_POSTGRES_DSN")
    missing = [name for name in names if not os.environ.get(name)]
    missing += [
        f"{name}_PASSWORD".upper() for name in flow.SERVICES if not os.environ.get(f"{name}_PASSWORD".upper())
    ]
    if missing:
        raise OpsError(f"not set: {', '.join(missing)}")
    amqp_url, management_url, postgres_dsn = (os.environ[name] for name in names)
    return Deployment(amqp_url, management_url, postgres_dsn, private=False, seed=secrets.token_hex(32))


def main() -> int:
    """Sets up, and returns the exit status: 0 done, 1 failed with one line that says why."""
    try:
        environment = asyncio.run(prepare(deployment(), os.environ.get("MELDPUNT_NAME", "meldpunt")))
    except OpsError as error:
        print(f"opzet: {error}", file=sys.stderr)
        return 1
    print(f"opzet: {environment.name} is ready")
    return 0


if __name__ == "__main__":
    sys.exit(main())
