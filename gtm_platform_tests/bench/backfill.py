"""How long a backfill of 90 days takes beside what the system and its limits allow: each discovered source, in one run,
from the sandbox, whose limiters count as the systems document theirs.

GTM_BENCH_PEOPLE says how many people the sandbox has, GTM_BENCH_SOURCES which sources are measured. A system whose 90
days are a handful of calls is measured where it has more to tell: with more people.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import patch

import httpx

from gtm_platform.http.caller import Caller
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.ingest.discovery import discover_sources
from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.limits import sandbox
from gtm_platform_tests.bench.rounds import in_child

FIRST, DAYS = date(2026, 3, 1), 90


def measure(effort: Effort) -> Iterator[Row]:
    people = int(os.environ.get("GTM_BENCH_PEOPLE", effort.of(1_500, 60)))
    scheduled = [each.name for each in discover_sources() if each.is_scheduled and each.required_env]
    for name in os.environ.get("GTM_BENCH_SOURCES", " ".join(scheduled)).split():
        with sandbox(people=people, now=_midnight(FIRST).isoformat()) as url:
            taken = in_child(f"{__name__}:backfill", url=url, name=name).findings
        what = f"{DAYS} days of {name}, {people:,} people, {taken['calls']:,} calls"
        yield Row(what, "s", taken["seconds"], Target("≤", 1.1), "waiting for its answers and limits", taken["outside"])
        yield Row(what, "s", taken["seconds"], None, "its limits alone", taken["limits"])
        yield Row(what, "s of CPU", taken["cpu"])
        yield Row(what, "runs", taken["runs"], Target("≤", 1))


class Outside:
    """The time in which at least one call waits for its turn or for its answer, and the calls by limiter."""

    def __init__(self) -> None:
        self.seconds, self._under_way, self._since, self._lock = 0.0, 0, 0.0, threading.Lock()
        self.calls: Counter[int] = Counter()
        self.limiters: dict[int, RateLimiter] = {}

    def begin(self) -> None:
        with self._lock:
            self._since = self._since if self._under_way else time.perf_counter()
            self._under_way += 1

    def end(self) -> None:
        with self._lock:
            self._under_way -= 1
            self.seconds += 0.0 if self._under_way else time.perf_counter() - self._since

    def count(self, limiter: RateLimiter) -> None:
        with self._lock:
            self.limiters[id(limiter)] = limiter
            self.calls[id(limiter)] += 1

    @property
    def allowed(self) -> float:
        """Seconds that the calls take at least, as the limiters let them pass."""
        needed = (max(0, n - self.limiters[key].burst) / self.limiters[key].rate for key, n in self.calls.items())
        return max(needed, default=0.0)


def backfill(url: str, name: str) -> dict[str, Any]:
    """Sync the first day, let 90 pass, and backfill them."""
    environment = httpx.get(f"{url}/_sandbox/env").json()
    home = os.environ["GTM_HOME"]
    os.environ.update(environment, GTM_FIRST_DAY=str(FIRST), GTM_HOME=home, DAGSTER_HOME=f"{home}/dagster")
    from gtm_platform.orchestration.instance import instance as history
    from gtm_platform.sources.assets import SOURCES
    from gtm_platform_tests.e2e.home import execute

    (source,) = (source for source in SOURCES if source.name == name)
    outside, once, acquire = Outside(), Caller._once, RateLimiter.acquire

    def counted(limiter: RateLimiter) -> None:
        outside.count(limiter)
        acquire(limiter)

    def watched(caller: Caller, *arguments: Any) -> Any:
        outside.begin()
        try:
            return once(caller, *arguments)
        finally:
            outside.end()

    with history() as instance:
        _at(url, FIRST + timedelta(days=1))
        keys = _windows(source.hours, FIRST)
        first = execute(instance, f"sync_{name}", keys[-1])
        assert first.success, "the first sync failed"
        _at(url, FIRST + timedelta(days=1 + DAYS))
        last = _windows(source.hours, FIRST + timedelta(days=DAYS))[-1]
        before, began, cpu = instance.get_runs_count(), time.perf_counter(), time.process_time()
        with patch.object(Caller, "_once", watched), patch.object(RateLimiter, "acquire", counted):
            ran = execute(instance, f"sync_{name}", _windows(source.hours, FIRST + timedelta(days=1))[0], last)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
        assert ran.success, "the backfill failed"
        runs = instance.get_runs_count() - before
    calls = max(outside.calls.values(), default=0)
    return {
        "seconds": seconds,
        "cpu": cpu,
        "outside": outside.seconds,
        "limits": outside.allowed,
        "calls": calls,
        "runs": runs,
    }


def _windows(hours: int, day: date) -> list[str]:
    """The partition keys of a day."""
    starts = [_midnight(day) + timedelta(hours=hour) for hour in range(0, 24, hours)]
    return [f"{start:%Y-%m-%d}" if hours == 24 else f"{start:%Y-%m-%dT%H%M}" for start in starts]


def _at(url: str, day: date) -> None:
    """Let it be soon after midnight, for the sandbox and for us."""
    from gtm_platform.settings import settings

    now = (_midnight(day) + timedelta(minutes=20)).isoformat()
    httpx.post(f"{url}/_sandbox/clock", json={"now": now}, timeout=120).raise_for_status()
    os.environ["GTM_NOW"] = now
    settings.cache_clear()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


FIGURE = Figure(
    "backfill", "A backfill of 90 days is one run, and takes 1.1 times what the system and its limits allow.", measure
)
