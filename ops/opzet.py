# SPDX-License-Identifier: EUPL-1.2
"""The set-up step of a deployment: topology, accounts, schemas and migrations, on servers that are there.

Runs as `./meldpunt opzet` (in an image of its own: `python -m ops.opzet`), once per release, before the
services. It takes from the environment:

    MELDPUNT_AMQP_URL             the broker, with an administrator's account
    MELDPUNT_AMQP_MANAGEMENT_URL  its management API, with the same account
    MELDPUNT_POSTGRES_DSN         the database, with a role that may create databases and roles
    MELDPUNT_NAME                 virtual host and database; `meldpunt` when not set
    MELDPUNT_DIENSTEN             the services that this operator runs: `intake`, or
                                  `routing,notification,registry`; all four when not set
    <ACCOUNT>_PASSWORD            INTAKE_PASSWORD, MID_PASSWORD, BEHEER_PASSWORD, ...

Two operators, of intake and of the rest, each run it with their own database and share the broker. Each makes
the schemas and accounts of its own services, and needs those passwords alone; queues and outside systems'
accounts are there for both, whoever comes first.

A service has one password, for broker and database. A password that is given is set, also on an account that
exists: this is the step by which passwords change. An outside system or `beheer` without one gets a random
password that nobody knows, when it is made: the account is there, and closed. Running the step again changes
nothing else. The operators' commands take the same variables.
"""

import argparse
import asyncio
import os
import secrets
import sys

from ops import OpsError, database
from ops.environment import prepare
from ops.servers import Servers, password_variable
from shared import flow


def services() -> tuple[str, ...]:
    """The services to set up, in their usual order. Raises OpsError."""
    named = [name.strip() for name in os.environ.get("MELDPUNT_DIENSTEN", "").split(",") if name.strip()]
    unknown = sorted(set(named) - set(flow.SERVICES))
    if unknown:
        raise OpsError(f"MELDPUNT_DIENSTEN names what is no service: {', '.join(unknown)}")
    return tuple(service for service in flow.SERVICES if service in named) or flow.SERVICES


def deployment() -> Servers:
    """The servers that the environment names. Raises OpsError."""
    names = ("MELDPUNT_AMQP_URL", "MELDPUNT_AMQP_MANAGEMENT_URL", "MELDPUNT_POSTGRES_DSN")
    missing = [name for name in names if not os.environ.get(name)]
    wanted = map(password_variable, services())
    missing += [name for name in wanted if not os.environ.get(name)]
    if missing:
        raise OpsError(f"not set: {', '.join(missing)}")
    amqp_url, management_url, postgres_dsn = (os.environ[name] for name in names)
    seed = secrets.token_hex(32)
    return Servers(amqp_url, management_url, postgres_dsn, private=False, seed=seed, sets_passwords=True)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """It has no options: everything comes from the environment."""


def run(_: argparse.Namespace) -> int:
    """As a command among the others."""
    return main()


def main() -> int:
    """Sets up, and returns the exit status: 0 done, 1 failed with one line that says why."""
    try:
        name = os.environ.get("MELDPUNT_NAME", "meldpunt")
        environment = asyncio.run(prepare(deployment(), name, services()))
        tellers_open = asyncio.run(database.counters_are_open(environment.servers, environment.database))
    except OpsError as error:
        print(f"opzet: {error}", file=sys.stderr)
        return 1
    if tellers_open:
        print(
            "opzet: every role can see what the server counts of the others' tables; only a superuser can"
            " close that: run this step once as one",
            file=sys.stderr,
        )
    print(f"opzet: {environment.name} is ready")
    return 0


if __name__ == "__main__":
    sys.exit(main())
