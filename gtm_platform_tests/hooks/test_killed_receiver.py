"""kill -9 around the commit: what was answered is kept, what was not is sent again, and nothing is there twice."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from gtm_platform.state import open_state
from gtm_platform.state.schema import hook_events
from gtm_platform_tests.hooks.senders import BY_NAME, ENVIRONMENT

EVENTS = 40
HARMLESS = {"never": 0, "before": 3, "after": 3}


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def receiver(home: Path, port: int, moment: str, nth: int) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "gtm_platform_tests.hooks.killed", str(home), str(port), moment, str(nth)]
    environment = {**os.environ, **ENVIRONMENT, "GTM_HOME": str(home)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "listening"
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def deliver(port: int, numbers: set[int], client: httpx.Client, until_up: float = 60.0) -> set[int]:
    """Send events as Stripe does until one is not answered; return those that were answered with 200."""
    sender, answered = BY_NAME["stripe"], set()
    end = time.monotonic() + until_up
    for number in sorted(numbers):
        body = sender.body(number, datetime.now(UTC))
        headers = sender.headers(body, datetime.now(UTC))
        while True:
            try:
                answer = client.post(f"http://127.0.0.1:{port}/webhooks/stripe", content=body, headers=headers)
            except httpx.ConnectError:
                if answered or time.monotonic() > end:
                    return answered
                time.sleep(0.05)  # it is not up yet
                continue
            except httpx.HTTPError:
                return answered
            assert answer.status_code == 200, answer.text
            answered.add(number)
            break
    return answered


def persisted(home: Path) -> list[str]:
    with closing(open_state(f"sqlite:///{home / 'state.db'}")) as state, state.reading() as tx:
        return list(tx.execute(sa.select(hook_events.c.event_key)).scalars())


@pytest.mark.soak
@pytest.mark.faults("H8", "H1")
@pytest.mark.parametrize(
    ("moment", "commits"),
    [
        ("before", (1, 5)),
        ("after", (2, 11)),
        *(pytest.param(moment, (1, 2, 5, 11), marks=pytest.mark.long) for moment in ("before", "after")),
    ],
)
def test_kill_9_around_the_commit_loses_nothing_and_doubles_nothing(
    tmp_path: Path, moment: str, commits: tuple[int, ...]
) -> None:
    """It dies at each of these commits in turn, and then no more."""
    waiting, answered = set(range(EVENTS)), set()
    for round_, nth in enumerate((*commits, 0)):
        dies = moment if nth else "never"
        port = free_port()
        with receiver(tmp_path, port, dies, nth) as process, httpx.Client(trust_env=False, timeout=30) as client:
            taken = deliver(port, waiting, client)
            if nth:
                assert process.wait(30) == -9, f"round {round_} did not die"
        answered |= taken
        there = persisted(tmp_path)
        assert len(there) == len(set(there)), "nothing is there twice"
        assert {f"evt_{number}" for number in answered} <= set(there), "what was answered is kept"
        waiting -= taken
    assert waiting == set()
    assert sorted(persisted(tmp_path)) == sorted(f"evt_{number}" for number in range(EVENTS))
