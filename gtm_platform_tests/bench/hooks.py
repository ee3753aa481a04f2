"""Webhooks at a thousand a second for a minute: all are taken, none is lost, none is there twice."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gtm_platform_tests.bench.api import SHARES, _cpu, _server
from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.load import Connection
from gtm_platform_tests.bench.rounds import ROOT

RATE, CONNECTIONS = 1_000, 64
SECRET = "whsec_of_the_bench"
SENT_TWICE = 20  # each so many-th event comes a second time, later


def measure(effort: Effort) -> Iterator[Row]:
    seconds = effort.of(60, 5)
    with tempfile.TemporaryDirectory(prefix="gtm-bench-") as home:
        command = [sys.executable, "-W", "ignore", "-m", "gtm_platform.cli", "serve", "--port", "0"]
        with _server(command, {"GTM_HOME": home, "STRIPE_WEBHOOK_SECRET": SECRET}) as (url, process):
            _send(url, 1, 100, "warm")  # what is imported late
            before = _cpu(process)
            load = _send(url, seconds, RATE, "evt")
            cpu = _cpu(process) - before
        kept = _kept(Path(home, "state.db"))
    events = RATE * seconds
    what = f"{RATE:,} a second for {seconds} s"
    statuses = load["statuses"]
    taken = statuses.get("200", 0)
    yield Row(f"{what}: taken", "hooks/s", taken / load["seconds"], Target("≥", 0.98 * RATE))
    yield Row("not taken at once", "hooks", sum(statuses.values()) - taken, Target("≤", 0))
    yield Row("lost of those that were answered", "events", load["distinct"] - kept["distinct"], Target("≤", 0))
    yield Row("there twice", "events", kept["rows"] - kept["distinct"], Target("≤", 0))
    for name, share in SHARES.items():
        waits = load["waits"]
        yield Row(f"{name} until the answer", "ms", waits[min(len(waits) - 1, int(len(waits) * share))] * 1000)
    yield Row("CPU of the receiver", "% of a core", 100 * cpu / load["seconds"])
    yield Row("events that were sent", "events", events)


def _send(url: str, seconds: int, rate: int, prefix: str) -> dict[str, Any]:
    """Let a process of its own send, at a steady rate, whether earlier ones were answered or not."""
    wish = json.dumps({"url": url, "seconds": seconds, "rate": rate, "prefix": prefix})
    command = [sys.executable, "-m", "gtm_platform_tests.bench.hooks"]
    done = subprocess.run(command, input=wish, capture_output=True, text=True, check=True, cwd=ROOT, env=os.environ)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _kept(path: Path) -> dict[str, int]:
    """Count what stands in the state, by the database itself."""
    with closing(sqlite3.connect(path)) as connection:
        query = "select count(*), count(distinct event_key) from hook_events where event_key like 'evt%'"
        rows, distinct = connection.execute(query).fetchone()
    return {"rows": rows, "distinct": distinct}


# --- the sender, a process of its own --------------------------------------------------------------------------------


def _request(prefix: str, number: int) -> bytes:
    import hmac

    event = {"id": f"{prefix}_{number}", "object": "event", "type": "invoice.paid", "created": int(time.time())}
    body = json.dumps({**event, "data": {"object": {"id": f"in_{number}", "note": "x" * 900}}}).encode()
    at = str(int(time.time()))
    signature = hmac.new(SECRET.encode(), f"{at}.".encode() + body, "sha256").hexdigest()
    head = "POST /webhooks/stripe HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
    head += f"Stripe-Signature: t={at},v1={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def load(url: str, seconds: int, rate: int, prefix: str) -> dict[str, Any]:
    """Send, and return the waits in order, the statuses, and how many different events were answered with 200."""
    place = urlsplit(url)
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(Connection(str(place.hostname), int(place.port or 0)))
    loop, waits, statuses, answered = asyncio.get_running_loop(), [], {}, set()  # type: ignore[var-annotated]

    async def send(number: int, due: float) -> None:
        connection = await free.get()
        try:
            status, _ = await connection.ask(_request(prefix, number))
        except (OSError, asyncio.IncompleteReadError):
            status, connection.reader = 0, None
        free.put_nowait(connection)
        waits.append(loop.time() - due)
        statuses[status] = statuses.get(status, 0) + 1
        if status == 200:
            answered.add(number)

    began, tasks = loop.time(), []
    for number in range(rate * seconds):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - loop.time()))
        is_repeat = number % SENT_TWICE == 0 and number > rate
        tasks.append(asyncio.create_task(send(number - rate if is_repeat else number, due)))
    await asyncio.gather(*tasks)
    return {
        "waits": sorted(waits),
        "statuses": statuses,
        "distinct": len(answered),
        "seconds": loop.time() - began,
    }


FIGURE = Figure(
    "hooks",
    "Webhooks are taken at 1,000 a second for a minute; none that was answered is lost, none is there twice.",
    measure,
)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(load(**json.loads(sys.stdin.read())))))
