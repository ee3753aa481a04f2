"""`gtm ui`: the Dagster UI with its daemon, and the sandbox, in one terminal."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import click

from gtm_platform.cli.box import Box, open_box
from gtm_platform.cli.instance import instance
from gtm_platform.cli.world import World
from gtm_platform.settings import settings

WORKSPACE = Path(__file__).parents[2] / "workspace.yaml"


def show(port: int, sandbox: bool) -> int:
    home = settings().home
    with instance():
        pass  # prepared, and dead runs ended, before the daemon looks
    world = World.of(home) or World(people=1500, seed=7, start=None)
    opened = open_box(home, world.people, world.seed, None) if sandbox else nullcontext()
    with opened as box:
        environment = os.environ | (box.connect() if box else {})
        click.echo(_what_to_open(port, box))
        with _dagster(port, environment) as dagster:
            return dagster.wait()


def _what_to_open(port: int, box: Box | None) -> str:
    lines = [f"Dagster UI   http://127.0.0.1:{port}   (up in about ten seconds)"]
    if box:
        lines += [f"Slack        {box.url}/slack/", f"Sandbox      {box.url}/_sandbox/health"]
    return "\n".join([*lines, "Ctrl-C ends all of it.", ""])


@contextmanager
def _dagster(port: int, environment: dict[str, str]) -> "Iterator[subprocess.Popen[bytes]]":
    command = [
        sys.executable,
        "-W",
        "ignore",
        "-m",
        "dagster",
        "dev",
        "-w",
        str(WORKSPACE),
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    process = subprocess.Popen(command, env=environment, cwd=WORKSPACE.parent)
    try:
        yield process
    except KeyboardInterrupt:
        pass
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except (subprocess.TimeoutExpired, KeyboardInterrupt):
            process.kill()
            process.wait()
