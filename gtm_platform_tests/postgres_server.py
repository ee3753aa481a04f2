"""A Postgres server of a test's own, on loopback; the test is skipped where none is installed."""

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

SERVER_USER = "postgres"  # it refuses to run as root


def binaries() -> Path | None:
    """Find the server's programs, which Debian keeps off the path."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    initdb = shutil.which("initdb") or (str(debian[-1]) if debian else None)
    return Path(initdb).resolve().parent if initdb else None


def free_port() -> int:
    """Return a port that nobody listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running() -> Iterator[str]:
    """Run a cluster of its own, and yield the address of its database."""
    if not (programs := binaries()):
        pytest.skip("no Postgres server is installed: apt-get install postgresql")
    user = SERVER_USER if os.geteuid() == 0 else None
    port = free_port()
    with TemporaryDirectory(prefix="gtm-postgres-") as folder:
        if user:
            shutil.chown(folder, user)

        def call(program: str, *arguments: str) -> None:
            command = [str(programs / program), "-D", f"{folder}/data", *arguments]
            subprocess.run(command, user=user, cwd=folder, check=True, capture_output=True)

        call("initdb", "-A", "trust", "-U", "gtm", "--no-sync")
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder} -c fsync=off"
        call("pg_ctl", "-o", options, "-l", f"{folder}/log", "-w", "start")
        try:
            yield f"postgresql://gtm@127.0.0.1:{port}/postgres"
        finally:
            call("pg_ctl", "-m", "immediate", "stop")
