"""Prism, which plays or watches an API as its OpenAPI document describes it; made by others, and run by node."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec
import pytest

PLACE = Path(__file__).parents[2] / ".venv/prism/node_modules/.bin/prism"
STARTS_WITHIN = 60.0  # seconds, on a machine that has much else to do


def installed() -> str:
    """Where Prism is; without it there is nothing to test."""
    found = os.environ.get("GTM_PRISM") or (str(PLACE) if PLACE.exists() else shutil.which("prism"))
    if not found or not shutil.which("node"):
        pytest.skip("Prism is not installed: with node and npm, `make prism` does it; or name one in GTM_PRISM")
    return found


@contextmanager
def running(*modes: list[str], log: Path) -> Iterator[list[str]]:
    """A Prism in each of the modes, for as long as the context lasts; gives their addresses."""
    with ExitStack() as stack, log.open("wb") as written:
        ports = [_start(stack, written, mode) for mode in modes]
        deadline = time.monotonic() + STARTS_WITHIN
        for port in ports:
            while not _answers(port):
                if time.monotonic() > deadline:
                    raise AssertionError(f"Prism did not start: {log.read_text()[-2000:]}")
                time.sleep(0.05)
        yield [f"http://127.0.0.1:{port}" for port in ports]


def _start(stack: ExitStack, log: IO[bytes], mode: list[str]) -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    command = [installed(), *mode, "--host", "127.0.0.1", "--port", str(port)]
    process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    stack.callback(_stop, process)
    return port


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """With all that it started."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, how)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def violations(header: str) -> list[dict[str, Any]]:
    """What Prism told in an answer's header, as far as it had room to."""
    return [msgspec.json.decode(each) for each in re.findall(r'{"location":\[[^]]*][^}]*}', header)]
