"""`gtm ui`: the dashboard, the Dagster UI with its daemon, and the sandbox where it is read, in one terminal."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

import click
import dagster as dg

from gtm_platform.cli.dagster_log import relay
from gtm_platform.cli.homes import Home
from gtm_platform.dashboard.process import address, free_port, serving_dashboard
from gtm_platform.demo.sandbox_process import Box, open_box
from gtm_platform.demo.world import World, refuse_other_data, world_of_home
from gtm_platform.orchestration.instance import instance
from gtm_platform.policy import policy

WORKSPACE = Path(__file__).parents[1] / "deployment/workspace.yaml"
ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
QUIET = "ignore:Parameter,ignore:Function `dev_command`"  # of Dagster: what is beta, and what it would rather have used
SANDBOX_PORT = 8787


def show(home: Home, port: int, dashboard_port: int | None, sandbox: bool | None) -> int:
    """Run dashboard, UI, daemon and perhaps a sandbox until the UI ends or Ctrl-C is pressed."""
    for ending in ENDINGS:  # however it is asked to end, also where a shell started it deaf to Ctrl-C
        signal.signal(ending, signal.default_int_handler)
    reads_sandbox = _reads_sandbox(home, sandbox)
    _refuse_taken(port, "--port")
    if dashboard_port:
        _refuse_taken(dashboard_port, "--dashboard-port")
    with alone_at(home.path):
        require_loadable()
        with instance():
            pass  # prepared, and dead runs ended, before the daemon looks
        return _run(home, port, dashboard_port or free_port(), world_of_home(home.path) if reads_sandbox else None)


def _run(home: Home, port: int, dashboard_port: int, world: World | None) -> int:
    opened = open_box(home.path, world.people, world.seed, None, _sandbox_port()) if world else nullcontext()
    with suppress(KeyboardInterrupt), opened as box:
        click.echo(_what_to_open(port, dashboard_port, box))
        environment = os.environ | (_sandbox_environment(home, box, world) if box and world else {})
        linked = {"GTM_UI_URL": f"http://127.0.0.1:{port}"} | environment
        with (
            serving_dashboard(dashboard_port, linked, home.path / "dashboard.log"),
            _dagster(port, environment, home.path / "ui.log") as dagster,
        ):
            return dagster.wait()
    return 0


def _reads_sandbox(home: Home, sandbox: bool | None) -> bool:
    """Whether the sandbox is read, not the real accounts; refuse a home that holds other data."""
    if sandbox is None:
        sandbox = home.is_demo or not home.has_keys
    if sandbox:
        refuse_other_data(home.path)
    elif home.is_demo:
        raise ValueError(
            f"{home.path} holds a made-up company: real accounts have a home of their own. "
            "Leave out --home (and GTM_HOME), or choose another one."
        )
    return sandbox


@contextmanager
def alone_at(home: Path) -> Iterator[None]:
    """Refuse a second UI at the same home, whose daemon would launch everything twice.

    The lock goes with the process that holds it.
    """
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
    """Load what Dagster is about to load, so that an error in it is a sentence and no traceback."""
    policy()
    try:
        from gtm_platform.definitions import defs

        dg.Definitions.validate_loadable(defs)
    except dg.DagsterError as error:
        raise RuntimeError(f"The definitions cannot be loaded: {' '.join(str(error).split())}") from error


def _sandbox_environment(home: Home, box: Box, world: World) -> dict[str, str]:
    """Return the variables of a platform that goes on with the sandbox from where the demo left it."""
    box.follow_real_time()
    clock = {"GTM_SANDBOX_CLOCK": str(home.path / "sandbox" / "clock.json")}
    return box.environment() | clock | ({"GTM_FIRST_DAY": world.start} if world.start else {})


def _refuse_taken(port: int, option: str) -> None:
    if not is_free(port):
        raise ValueError(f"Port {port} is taken; use another: gtm ui {option} {port + 1}")


def _sandbox_port() -> int:
    """Return the sandbox's usual port, or 0 (any) where something else, perhaps another home's sandbox, has it."""
    return SANDBOX_PORT if is_free(SANDBOX_PORT) else 0


def is_free(port: int) -> bool:
    """Whether nothing on this machine listens on a port."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def _what_to_open(port: int, dashboard_port: int, box: Box | None) -> str:
    lines = [
        f"Dashboard    {address(dashboard_port)}   (open this one first: customers, who is at risk, revenue)",
        f"Dagster UI   http://127.0.0.1:{port}   (up in about ten seconds; what it logs: ui.log in the home)",
    ]
    if box:
        lines += [f"Sandbox      {box.url}/   (what it is, its clock, Slack, the truth)"]
    return "\n".join([*lines, "Ctrl-C ends all of it.", ""])


@contextmanager
def _dagster(port: int, environment: dict[str, str], log: Path) -> "Iterator[subprocess.Popen[str]]":
    command = [sys.executable, "-m", "dagster", "dev", "--log-level", "error", "-w", str(WORKSPACE)]
    command += ["-h", "127.0.0.1", "-p", str(port)]
    # A session of its own: Ctrl-C reaches this process alone, which ends that one in order.
    quiet = environment | {"PYTHONWARNINGS": QUIET, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command,
        env=quiet,
        cwd=WORKSPACE.parent,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    threading.Thread(target=relay, args=(process.stdout, log), daemon=True).start()
    try:
        yield process
    finally:
        _end(process)


def _end(process: "subprocess.Popen[str]") -> None:
    """Dagster in order; then what it leaves to itself: a run still at work is dead, and `reap` will say so."""
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        process.wait(20)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
