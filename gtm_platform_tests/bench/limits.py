"""How much of what a system allows is used, and whether it ever has to refuse: the connectors' own clients and paces
against the sandbox, whose limiters count as the systems document theirs."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from gtm_platform.http.rate_limit import LimitShare
from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.rounds import in_child

THREADS = 8
ALL = LimitShare(1.0)  # of the documented limit: the account is ours alone


def _limits(effort: Effort) -> Iterator[tuple[str, str, int, float, int]]:
    """What is asked, the calls that its limit allows in so many seconds, and for how many such windows."""
    yield "HubSpot: lists, 190 in 10 s", "hubspot", 190, 10.0, effort.of(3, 1)
    yield "HubSpot: searches, 5 in 1 s", "hubspot_search", 5, 1.0, effort.of(15, 3)
    yield "Stripe: one endpoint, 25 in 1 s", "stripe", 25, 1.0, effort.of(15, 3)


def measure(effort: Effort) -> Iterator[Row]:
    with sandbox() as url:
        for what, system, calls, seconds, windows in _limits(effort):
            httpx.delete(f"{url}/_sandbox/requests")
            taken = in_child(f"{__name__}:use", url=url, system=system, calls=calls, windows=windows)
            counts = httpx.get(f"{url}/_sandbox/requests").json()["requests"]
            rate, refused = taken.findings["rate"], sum(each["count"] for each in counts if each["status"] == 429)
            yield Row(what, "calls/s", rate, Target("≥", 0.95), "the limit", calls / seconds)
            yield Row(what, "refused (429)", refused, Target("≤", 0))


@contextmanager
def sandbox(people: int = 50, now: str | None = None) -> Iterator[str]:
    """The sandbox in a process of its own: what it costs is not the client's."""
    command = [sys.executable, "-m", "gtm_platform.cli", "sandbox", "serve", "--port", "0", "--people", str(people)]
    command += ["--now", now] if now else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield next(word for word in process.stdout.readline().split() if word.startswith("http")).strip(",/")
        finally:
            process.terminate()


def use(url: str, system: str, calls: int, windows: int) -> dict[str, Any]:
    """Asks from several threads without a rest. The rate is that after the first window, whose calls leave at once."""
    with _asking(url, system) as ask:
        ask()
        times, left = [], iter(range(calls * (windows + 1)))
        lock = threading.Lock()

        def work() -> None:
            while True:
                with lock:
                    if next(left, None) is None:
                        return
                ask()
                times.append(time.perf_counter())

        threads = [threading.Thread(target=work) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    times.sort()
    return {"rate": (len(times) - calls) / (times[-1] - times[calls - 1])}


@contextmanager
def _asking(url: str, system: str) -> Iterator[Callable[[], object]]:
    os.environ.update(httpx.get(f"{url}/_sandbox/env").json())
    from gtm_platform.sources.hubspot.source import SOURCE as HUBSPOT
    from gtm_platform.sources.stripe.source import SOURCE as STRIPE

    if system == "stripe":
        with STRIPE.open(ALL) as client:
            yield lambda: client.api.get("/v1/customers", {"limit": 1})
    else:
        with HUBSPOT.open(ALL) as client:
            searching = system == "hubspot_search"
            yield (lambda: client.search("contacts", {"limit": 1})) if searching else (lambda: client.owners(limit=1))


FIGURE = Figure("limits", "Uses 95 % of what a system allows and is never refused for asking too often.", measure)
