# SPDX-License-Identifier: EUPL-1.2
"""One private RabbitMQ node: own name, own ports on loopback, own port mapper, own cookie, own data.

Starts the package's server script itself: the distribution's wrapper switches to the package's user when it
runs as root, and that user cannot reach a folder of ours.
"""

from __future__ import annotations

import base64
import os
import shutil
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from ops import OpsError
from ops.processes import end, free_ports, kill, port_is_free, running, spawn, wait_for

ACCOUNT = "beheerder"
MAX_MESSAGE_BYTES = 131072
"""The broker refuses a larger message. A fact stays under 64 KB (NL GOV profile); this leaves room for its
envelope."""

_START_TIMEOUT_S = 60
_PORTS = ("amqp", "management", "distribution", "epmd", "metrics")


class PrivateBroker:
    """A RabbitMQ node in a folder. `state` holds its ports, name and password."""

    def __init__(self, folder: Path, state: dict[str, str]) -> None:
        self._folder = folder
        # A folder that an earlier version made knows no port for metrics.
        self._state = state if "metrics" in state else state | {"metrics": str(free_ports(1)[0])}
        self._pid_file = folder / "pid"
        self._epmd_pid_file = folder / "epmd.pid"

    @property
    def url(self) -> str:
        """Of the administrator's account, default virtual host."""
        return f"amqp://{ACCOUNT}:{self._state['broker_password']}@127.0.0.1:{self._state['amqp']}/"

    @property
    def management_url(self) -> str:
        """Of the management API."""
        return f"http://{ACCOUNT}:{self._state['broker_password']}@127.0.0.1:{self._state['management']}"

    @property
    def metrics(self) -> str:
        """Host and port of its own metrics: RabbitMQ's plugin for Prometheus."""
        return f"127.0.0.1:{self._state['metrics']}"

    def start(self, save: Callable[[dict[str, str]], None]) -> None:
        """Starts the node unless it runs, and waits until it answers. Ports that were taken meanwhile are
        replaced."""
        if running(self._pid_file) and self._answers_within(_START_TIMEOUT_S):
            return
        kill(self._pid_file)
        kill(self._epmd_pid_file)
        self._folder.mkdir(parents=True, exist_ok=True)
        # The mapper and the node's old sockets may take a moment to go.
        wait_for(lambda: all(port_is_free(int(self._state[port])) for port in _PORTS), 1)
        for port in _PORTS:
            if not port_is_free(int(self._state[port])):
                self._state[port] = str(free_ports(1)[0])
        save({port: self._state[port] for port in _PORTS})
        self._launch()
        if not self._answers_within(_START_TIMEOUT_S):
            kill(self._pid_file)
            kill(self._epmd_pid_file)
            raise OpsError(f"RabbitMQ did not start; its log is in {self._folder / 'log'}")

    def stop(self) -> None:
        """An orderly stop of the node and its mapper."""
        end(self._pid_file, signal.SIGTERM, patience_s=30)
        kill(self._epmd_pid_file)

    def kill(self) -> None:
        """SIGKILL to the node; the mapper stays, as it does when a node crashes."""
        kill(self._pid_file)

    def _launch(self) -> None:
        folder, state = self._folder, self._state
        # The Erlang runtime looks up things in the environment; only what it needs is passed on.
        env = {key: value for key, value in os.environ.items() if key in ("PATH", "LANG", "LC_ALL", "TZ")}
        env["PATH"] = f"{env.get('PATH', '/usr/bin:/bin')}:/usr/sbin:/usr/lib/erlang/bin"
        env |= {
            "HOME": str(folder),
            "ERL_EPMD_PORT": state["epmd"],
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": state["node"],
            "RABBITMQ_DIST_PORT": state["distribution"],
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_SCHEMA_DIR": str(folder / "schema"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "config"),
            # Makes the script become the node, so that the pid is the node's.
            "RUNNING_UNDER_SYSTEMD": "true",
            # After an orderly stop of the broker itself the runtime would wait 5 s more for its last idle
            # applications.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+sbwt none +sbwtdcpu none +sbwtdio none "
            "-kernel inet_dist_use_interface {127,0,0,1} -kernel shutdown_timeout 500",
        }
        (folder / "log").mkdir(exist_ok=True)
        (folder / "enabled_plugins").write_text("[rabbitmq_management,rabbitmq_prometheus].\n")
        (folder / "rabbitmq-env.conf").write_text("")
        (folder / "advanced.config").write_text("[].\n")
        config = folder / "rabbitmq.conf"
        config.touch(mode=0o600)
        config.write_text(_config(state))
        spawn(
            [_epmd(), "-address", "127.0.0.1", "-port", state["epmd"]],
            pid_file=self._epmd_pid_file,
            log=folder / "log" / "epmd.log",
            env=env,
            cwd=folder,
        )
        spawn([_script()], pid_file=self._pid_file, log=folder / "log" / "start.log", env=env, cwd=folder)

    def _answers_within(self, timeout_s: float) -> bool:
        wait_for(lambda: running(self._pid_file) is None or self._answers(), timeout_s)
        return running(self._pid_file) is not None and self._answers()

    def _answers(self) -> bool:
        """AMQP greets back, which it does last in its start, and the management API knows the account."""
        try:
            with socket.create_connection(("127.0.0.1", int(self._state["amqp"])), timeout=1) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                if connection.recv(1) != b"\x01":
                    return False
            account = f"{ACCOUNT}:{self._state['broker_password']}".encode()
            request = urllib.request.Request(
                f"http://127.0.0.1:{self._state['management']}/api/whoami",
                headers={"Authorization": f"Basic {base64.b64encode(account).decode()}"},
            )
            with urllib.request.urlopen(request, timeout=2) as answer:
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False


def _config(state: dict[str, str]) -> str:
    return f"""\
listeners.tcp.1 = 127.0.0.1:{state["amqp"]}
management.tcp.ip = 127.0.0.1
management.tcp.port = {state["management"]}
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = {state["metrics"]}
default_user = {ACCOUNT}
default_pass = {state["broker_password"]}
max_message_size = {MAX_MESSAGE_BYTES}
disk_free_limit.absolute = 100MB
log.file.level = warning
log.connection.level = warning
# What a channel is closed for is told to whoever did it. The log would quote the sender: a routing key or
# a user-id that is refused can be anything, a name too.
log.channel.level = critical
"""


def _script() -> Path:
    found = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin/rabbitmq-server"))
    if not found:
        # A generic installation, or another packager's: where the command on the path points to.
        command = shutil.which(
            "rabbitmq-server", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"
        )
        found = [Path(command).resolve()] if command else []
    if not found:
        raise OpsError("RabbitMQ is not here: install the package rabbitmq-server, or set MELDPUNT_AMQP_URL")
    return found[-1]


def _epmd() -> Path:
    places = [Path("/usr/lib/erlang/bin/epmd"), *sorted(Path("/usr/lib/erlang").glob("erts-*/bin/epmd"))]
    command = shutil.which("epmd")
    for place in [*([Path(command)] if command else []), *places]:
        if place.exists():
            return place
    raise OpsError("Erlang's epmd was not found; it comes with the package erlang-base")
