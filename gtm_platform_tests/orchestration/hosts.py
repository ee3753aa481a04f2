"""Hosts on this machine, and Dagster's launcher that lets runs work on them.

Where it may be, a host has a network, a name and process numbers of its own: from it nothing can be reached but
Postgres, by its socket, and the folder of the lake, or the server of its bucket, by a relay. Elsewhere it is a process
of another name.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Self

from dagster._core.launcher.base import LaunchRunContext, RunLauncher
from dagster._grpc.types import ExecuteRunArgs
from dagster._serdes import ConfigurableClass, ConfigurableClassData

OF_ITS_OWN = ["unshare", "--net", "--uts", "--pid", "--mount-proc", "--fork", "--kill-child=SIGKILL"]
WITH_NAME = 'hostname "$0" && exec "$@"'
OTHERWISE_NAMED = (
    "import platform, runpy, sys; name = sys.argv.pop(1); platform.node = lambda: name;"
    "sys.argv[0] = 'dagster'; runpy.run_module('dagster', run_name='__main__', alter_sys=True)"
)


@cache
def are_apart() -> bool:
    """Whether a host may have a network and a name of its own here."""
    try:
        return subprocess.run(apart("probe", ["true"]), capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def apart(name: str, command: Sequence[str]) -> list[str]:
    """Return the command that runs a command on a host of that name, where a host may have what `are_apart` says."""
    unshared = OF_ITS_OWN if os.geteuid() == 0 else [*OF_ITS_OWN, "--map-root-user"]
    return [*unshared, "sh", "-c", WITH_NAME, name, *command]


@dataclass
class Host:
    """A host that works at one run at a time."""

    name: str
    environment: Mapping[str, str]
    log: Path
    relay: tuple[str, ...] = ()  # the command that goes before each of its own, so that it reaches a server
    process: "subprocess.Popen[bytes] | None" = None
    is_dead: bool = False

    @property
    def is_free(self) -> bool:
        """Whether it could take a run."""
        return not self.is_dead and (self.process is None or self.process.poll() is not None)

    def run(self, arguments: Sequence[str]) -> None:
        """Begin with a command of Dagster."""
        command = [sys.executable, "-c", OTHERWISE_NAMED, self.name, *arguments]
        if are_apart():
            command = apart(self.name, [*self.relay, sys.executable, "-m", "dagster", *arguments])
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def die(self) -> None:
        """Lose the power: whatever runs is gone at once, and nothing begins any more."""
        self.is_dead = True
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@dataclass
class Hosts:
    """The hosts that there are, in the order in which they take runs, and which run each took."""

    hosts: list[Host] = field(default_factory=list)
    taken: dict[str, str] = field(default_factory=dict)

    def free(self) -> Host | None:
        """Return a host that could take a run."""
        return next((host for host in self.hosts if host.is_free), None)


HOSTS = Hosts()  # of the test; Dagster makes its launcher by the name of the class


@contextmanager
def running(hosts: Sequence[Host]) -> Iterator[Hosts]:
    """Have hosts, and end what is left of them."""
    HOSTS.hosts[:] = hosts
    HOSTS.taken.clear()
    try:
        yield HOSTS
    finally:
        for host in HOSTS.hosts:
            host.die()


class Launcher(RunLauncher, ConfigurableClass):
    """Lets each run work on the next host that is free, by the command that Dagster's launchers of containers give."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        self._inst_data = inst_data
        super().__init__()

    @property
    def inst_data(self) -> ConfigurableClassData | None:
        return self._inst_data

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:  # noqa: ARG003
        return cls(inst_data)

    def launch_run(self, context: LaunchRunContext) -> None:
        host, origin = HOSTS.free(), context.job_code_origin
        assert host is not None
        assert origin is not None
        run_id = context.dagster_run.run_id
        arguments = ExecuteRunArgs(origin, run_id, self._instance.get_ref()).get_command_args()
        HOSTS.taken[run_id] = host.name
        host.run(arguments[arguments.index("api") :])

    def terminate(self, run_id: str) -> bool:  # noqa: ARG002
        return False
