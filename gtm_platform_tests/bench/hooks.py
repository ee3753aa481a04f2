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
    alone = _alone(effort.of(4_000, 500))
    yield Row("CPU of one, of verifying, reading and waiting for it", "µs", alone["endpoint"])
    yield Row("CPU of one, of its part of a transaction", "µs", alone["transaction"])
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


def _alone(events: int) -> dict[str, float]:
    """Take events without HTTP, in a process of its own; return the microseconds of CPU that each costs."""
    with tempfile.TemporaryDirectory(prefix="gtm-bench-") as home:
        environment = {**os.environ, "GTM_HOME": home, "STRIPE_WEBHOOK_SECRET": SECRET}
        command = [sys.executable, "-W", "ignore", "-m", "gtm_platform_tests.bench.hooks", str(events)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT, env=environment)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


async def take(events: int) -> dict[str, float]:
    """Give the endpoint so many deliveries, some at once; what its thread did not use is its transactions'."""
    from datetime import UTC, datetime

    from gtm_platform.ingest.hooks.hook import discover_hooks
    from gtm_platform.serving.hooks.endpoint import HookEndpoint
    from gtm_platform.serving.hooks.inbox import Inbox
    from gtm_platform.settings import settings
    from gtm_platform.state import open_state

    def now() -> datetime:
        return datetime.now(UTC)

    inbox = Inbox(open_state(settings().state_url), now)
    endpoint, at_once = HookEndpoint({hook.name: hook for hook in discover_hooks()}, inbox, now), asyncio.Semaphore(64)
    statuses: set[int] = set()

    async def deliver(request: bytes) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = [line.partition(b": ") for line in head.split(b"\r\n")[1:]]
        scope = {"type": "http", "path": "/webhooks/stripe", "method": "POST", "query_string": b""}

        async def receive() -> Any:
            return {"type": "http.request", "body": body}

        async def send(message: Any) -> None:
            statuses.add(message.get("status", 200))

        async with at_once:
            await endpoint({**scope, "headers": [(name, value) for name, _, value in lines]}, receive, send)

    writer = asyncio.create_task(inbox.keep_writing())
    await asyncio.gather(*(deliver(_request("warm", number)) for number in range(100)))
    requests = [_request("evt", number) for number in range(events)]
    began, began_here = time.process_time(), time.thread_time()
    await asyncio.gather(*map(deliver, requests))
    cpu, here = time.process_time() - began, time.thread_time() - began_here
    writer.cancel()
    assert statuses == {200}
    return {"endpoint": here / events * 1e6, "transaction": (cpu - here) / events * 1e6}


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
    work = take(int(sys.argv[1])) if len(sys.argv) > 1 else load(**json.loads(sys.stdin.read()))
    print(json.dumps(asyncio.run(work)))
