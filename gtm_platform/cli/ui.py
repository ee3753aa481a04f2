"""`gtm ui`: dashboard, API, hot path, Dagster with its daemon, and the sandbox where it is read, in one terminal."""

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

import click
import dagster as dg

from gtm_platform.cli import processes
from gtm_platform.cli.dagster_log import relay
from gtm_platform.cli.homes import Home
from gtm_platform.cli.options import SANDBOX_PORT
from gtm_platform.cli.processes import (
    HOST,
    Child,
    child_process,
    end_in_order,
    endings,
    free_port,
    is_free,
    refuse_taken,
)
from gtm_platform.dashboard import process as dashboard
from gtm_platform.delivery.hotpath.switch import not_set_up
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.demo.sandbox_process import Box, open_box
from gtm_platform.demo.world import World, refuse_other_data, world_of_home
from gtm_platform.orchestration.instance import instance
from gtm_platform.policy import policy
from gtm_platform.settings import S, Settings, settings
from gtm_platform.state import open_state
from gtm_platform.state.leases import SILENCE, LeaseTaken, holding

WORKSPACE = Path(__file__).parents[1] / "deployment/workspace.yaml"
QUIET = "ignore:Parameter,ignore:Function `dev_command`"  # of Dagster: what is beta, and what it would rather have used
API_PORT = 8000
DAEMON = "gtm ui"  # of the lease


@dataclass(frozen=True)
class Ports:
    """Where each of it listens."""

    dagster: int
    dashboard: int
    api: int

    @classmethod
    def chosen(cls, dagster: int, dashboard_port: int | None, api_port: int | None) -> "Ports":
        """Refuse a port that was named and is taken; choose those that were not."""
        named = {"--port": dagster, "--dashboard-port": dashboard_port, "--api-port": api_port}
        for option, port in named.items():
            if port:
                refuse_taken(port, f"gtm ui {option}")
        return cls(dagster, dashboard_port or free_port(dashboard.USUAL_PORT), api_port or free_port(API_PORT))


def show(home: Home, ports: Ports, sandbox: bool | None) -> int:
    """Run all of it until Dagster ends or Ctrl-C is pressed."""
    end_in_order()
    reads_sandbox = _reads_sandbox(home, sandbox)
    with alone_at(home.path), only_daemon():
        require_loadable()
        with instance():
            pass  # prepared, and dead runs ended, before the daemon looks
        return _run(home, ports, world_of_home(home.path) if reads_sandbox else None)


def _run(home: Home, ports: Ports, world: World | None) -> int:
    opened = open_box(home.path, world.people, world.seed, None, sandbox_port()) if world else nullcontext()
    with suppress(KeyboardInterrupt), opened as box:
        environment = os.environ | (_sandbox_environment(home, box, world) if box and world else {})
        click.echo(_what_to_open(ports, box, why := no_hot_path(environment)))
        linked = {"GTM_UI_URL": f"http://{HOST}:{ports.dagster}"} | environment
        api = [sys.executable, "-m", "gtm_platform.cli", "serve", "--home", str(home.path), "--port", str(ports.api)]
        hot = [sys.executable, "-W", "ignore", "-m", "gtm_platform.cli", "hooks", "--home", str(home.path), "hot"]
        pages = dashboard.command(ports.dashboard)
        with (
            child_process("The dashboard", pages, linked, home.path / "dashboard.log") as shown,
            child_process("The API", api, environment, home.path / "api.log") as served,
            child_process("The hot path", hot, environment, home.path / "hot.log")
            if why is None
            else nullcontext() as follows,
            _dagster(ports.dagster, environment, home.path / "ui.log") as dagster,
        ):
            return outlive([child for child in (shown, served, follows) if child], dagster)
    return 0


def no_hot_path(environment: Mapping[str, str]) -> str | None:
    """Say why webhooks are not followed at once; None where they are."""
    variables = {name.lower(): value for name, value in environment.items()}

    def of(kind: type[S]) -> S:
        return kind.model_validate({name: variables[name] for name in kind.model_fields if name in variables})

    return not_set_up(of(Settings), of(HubSpotDeliverySettings))


def outlive(children: Sequence[Child], last: Child) -> int:
    """Say of each that ends how it ended, until the last one does; return its status."""
    for child in endings((*children, last)):
        click.secho(child.ending(), fg="red", err=True)
        if child is last:
            break
        click.secho("The rest goes on. Ctrl-C ends it; start `gtm ui` again to have all of it.", err=True)
    return int(last.process.returncode)


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


@contextmanager
def only_daemon() -> Iterator[None]:
    """Refuse a second UI over the same state, on whichever host: a home of its own would not show it.

    Of a host that is gone the lease is free after a silence.
    """
    if settings().gtm_state_url is None:
        yield  # the state is in the home, where there is no other
        return
    with closing(open_state(settings().state_url)) as state:
        try:
            with holding(state, DAEMON, "Dagster and its daemon"):
                yield
        except LeaseTaken as taken:
            raise RuntimeError(
                f"`gtm ui` runs already over this state ({taken}). Two daemons would launch everything twice: end that "
                f"one first. If its host is gone, wait {SILENCE.seconds // 60} minutes."
            ) from None


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


def sandbox_port(usual: int = SANDBOX_PORT) -> int:
    """Return the sandbox's usual port; 0 (any) where something has it, perhaps another home's."""
    return usual if is_free(usual) else 0


def _what_to_open(ports: Ports, box: Box | None, not_hot: str | None) -> str:
    lines = [
        f"Dashboard    {dashboard.address(ports.dashboard)}   "
        "(open this one first: customers, who is at risk, revenue)",
        f"Dagster UI   http://{HOST}:{ports.dagster}   (up in about ten seconds; what it logs: ui.log in the home)",
        f"API          http://{HOST}:{ports.api}/v1/summary   (needs a token: gtm token create --name NAME)",
        f"Hot path     {f'off: {not_hot}' if not_hot else 'follows webhooks at once; gtm hooks says how it stands'}",
    ]
    if box:
        lines += [f"Sandbox      {box.url}/   (what it is, its clock, Slack, the truth)"]
    return "\n".join([*lines, "Ctrl-C ends all of it.", ""])


@contextmanager
def _dagster(port: int, environment: dict[str, str], log: Path) -> Iterator[Child]:
    command = [sys.executable, "-m", "dagster", "dev", "--log-level", "error", "-w", str(WORKSPACE)]
    command += ["-h", HOST, "-p", str(port)]
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
        yield Child("Dagster", process, log)
    finally:
        # In order; then what it leaves to itself: a run still at work is dead, and `reap` will say so.
        processes.end(process, signal.SIGINT, whole_session=True)
