"""`gtm ui`: the Dagster UI with its daemon, and the sandbox, in one terminal."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import click
import dagster as dg

from gtm_platform.demo.sandbox_process import Box, open_box
from gtm_platform.demo.world import World
from gtm_platform.orchestration.instance import instance
from gtm_platform.policy import policy
from gtm_platform.settings import settings

WORKSPACE = Path(__file__).parents[1] / "deployment/workspace.yaml"
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
QUIET = "ignore:Parameter,ignore:Function `dev_command`"  # of Dagster: what is beta, and what it would rather have used


def show(port: int, sandbox: bool) -> int:
    """Run the UI, the daemon and the sandbox until they are told to end."""
    for ending in ENDINGS:  # however it is asked to end, also where a shell started it deaf to Ctrl-C
        signal.signal(ending, signal.default_int_handler)
    _refuse_taken(port)
    with alone_at(settings().home):
        require_loadable()
        with instance():
            pass  # prepared, and dead runs ended, before the daemon looks
        return _run(settings().home, port, sandbox)


def _run(home: Path, port: int, sandbox: bool) -> int:
    world = World.of(home) or World(people=1500, seed=7, start=None)
    opened = open_box(home, world.people, world.seed, None) if sandbox else nullcontext()
    with suppress(KeyboardInterrupt), opened as box:
        click.echo(_what_to_open(port, box))
        with _dagster(port, os.environ | (_living(box, world) if box else {})) as dagster:
            return dagster.wait()
    return 0


@contextmanager
def alone_at(home: Path) -> Iterator[None]:
    """Refuse a second UI at the same home: two daemons would launch everything twice. A dead process holds nothing."""
    home.mkdir(parents=True, exist_ok=True)
    with open(home / "ui.lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise RuntimeError(
                f"`gtm ui` runs at {home} already, as process {lock.read() or 'unknown'}. "
                f"End that one first, or give this one a home of its own: gtm ui --home FOLDER"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def require_loadable() -> None:
    """Load what Dagster is about to load, so that what is wrong with it is a sentence here and no traceback there."""
    policy()
    try:
        from gtm_platform.definitions import defs

        dg.Definitions.validate_loadable(defs)
    except dg.DagsterError as error:
        raise RuntimeError(f"The definitions cannot be loaded: {' '.join(str(error).split())}") from error


def _living(box: Box, world: World) -> dict[str, str]:
    """The environment of a platform that goes on with the sandbox from where the demo left it."""
    box.follow_real_time()
    return box.connect() | ({"GTM_FIRST_DAY": world.start} if world.start else {})


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise ValueError(f"Port {port} is taken; use another: gtm ui --port {port + 1}")


def _what_to_open(port: int, box: Box | None) -> str:
    lines = [f"Dagster UI   http://127.0.0.1:{port}   (up in about ten seconds)"]
    if box:
        lines += [f"Slack        {box.url}/slack/", f"Sandbox      {box.url}/_sandbox/health"]
    return "\n".join([*lines, "Ctrl-C ends all of it.", ""])


@contextmanager
def _dagster(port: int, environment: dict[str, str]) -> "Iterator[subprocess.Popen[bytes]]":
    command = [sys.executable, "-m", "dagster", "dev", "--log-level", "error", "-w", str(WORKSPACE)]
    command += ["-h", "127.0.0.1", "-p", str(port)]
    # A session of its own: Ctrl-C reaches this process alone, which ends that one in order.
    quiet = environment | {"PYTHONWARNINGS": QUIET}
    process = subprocess.Popen(command, env=quiet, cwd=WORKSPACE.parent, start_new_session=True)
    try:
        yield process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Dagster in order; then what it leaves to itself: a run still at work is dead, and `reap` will say so."""
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        process.wait(20)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
