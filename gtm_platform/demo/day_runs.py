"""The runs of a day, as the daemon would start them: every source's windows, the tables, the deliveries.

For `gtm demo` and `gtm sandbox day`. Which days are run, and at which time, is their affair.
"""

import os
import time
import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from gtm_platform.orchestration.parent_process import end_with_parent
from gtm_platform.settings import settings

if TYPE_CHECKING:
    import dagster as dg

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
NO_CONFIG: Mapping[str, Any] = MappingProxyType({})
HOUR = timedelta(hours=1)
# What the deliveries count; all but the last two are HubSpot's.
HUBSPOT_COUNTS = ("written", "created", "associations_made", "unchanged", "held", "rejected")
DELIVERY_COUNTS = (*HUBSPOT_COUNTS, "sent", "messages")


@dataclass
class Tally:
    """What happened on the days that were run: counts of everything, and where the time went."""

    days: list[date] = field(default_factory=list)
    is_rerun: bool = False  # every day was complete before; the newest one was run once more
    rows: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0
    hubspot: Counter[str] = field(default_factory=Counter)
    slack: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count the time of the block."""
        began = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - began


class DayRuns:
    """Runs days in this process, the sources in processes beside it."""

    def __init__(self, instance: "dg.DagsterInstance", processes: ProcessPoolExecutor, tally: Tally) -> None:
        from gtm_platform.definitions import defs

        self._defs, self._instance, self._processes, self._tally = defs, instance, processes, tally

    def is_complete(self, day: date) -> bool:
        """Say whether the last thing that is done on a day was done."""
        from gtm_platform.delivery.assets import hubspot_contacts
        from gtm_platform.delivery.request import delivered_days

        return day.isoformat() in delivered_days(self._instance, hubspot_contacts.key)

    def run(self, day: date) -> Counter[str]:
        """Run a day whole and return its counts; a failure is raised as a sentence."""
        counts = Counter[str]()
        with self._tally.stage("sources"):
            self._sync(day, counts)
        with self._tally.stage("daily tables"):
            _execute(self._defs, self._instance, "daily_tables", day.isoformat())
        with self._tally.stage("delivery"):
            self._deliver(day, counts)
        self._tally.days.append(day)
        return counts

    def _sync(self, day: date, counts: Counter[str]) -> None:
        """The sources side by side, a process each, as the daemon runs them."""
        environment = dict(os.environ)
        runs = [self._processes.submit(sync_source, *windows, environment) for windows in _windows_of(day)]
        for table, rows, quarantined in (stream for run in runs for stream in run.result()):
            counts["rows"] += rows
            self._tally.rows[table] += rows
            self._tally.quarantined += quarantined

    def _delivery_config(self) -> Mapping[str, Any]:
        """The first delivery creates what HubSpot lacks, however much that is, as if a person had said yes to it."""
        from gtm_platform.delivery.assets import hubspot_contacts
        from gtm_platform.delivery.hubspot.assets import HUBSPOT_ASSETS
        from gtm_platform.delivery.request import delivered_days

        if delivered_days(self._instance, hubspot_contacts.key):
            return {}
        return {"ops": {asset.op.name: {"config": {"allow_mass_change": True}} for asset in HUBSPOT_ASSETS}}

    def _deliver(self, day: date, counts: Counter[str]) -> None:
        for made in _execute(self._defs, self._instance, "deliver", day.isoformat(), config=self._delivery_config()):
            totals = self._tally.hubspot if made.asset_key.path[-1].startswith("hubspot_") else self._tally.slack
            for name in DELIVERY_COUNTS:
                totals[name] += _number(made, name)
                counts[name] += _number(made, name)


@contextmanager
def day_runs(tally: Tally) -> Iterator[DayRuns]:
    """Open the Dagster instance of the home and the processes for its sources."""
    from gtm_platform.orchestration.instance import instance

    processes = ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=end_with_parent)
    with instance() as opened, processes, _partitions_until_now():
        yield DayRuns(opened, processes, tally)


ROWS = "dagster/partition_row_count"  # of a window; the row count is that of all windows together


def days_between(first: date, until: date) -> Sequence[date]:
    """List the days from the first one up to, and without, the last."""
    return [first + timedelta(days=n) for n in range((until - first).days)]


def midnight(day: date) -> datetime:
    """Return the moment at which the day begins."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def use_clock(now: datetime) -> None:
    """Pretend from here on, in this process and those it starts, that it is this moment."""
    os.environ["GTM_NOW"] = now.isoformat()
    settings.cache_clear()


def sync_source(source: str, first: str, last: str, environment: dict[str, str]) -> list[tuple[str, int, int]]:
    """In a process of its own: return each stream's table, its rows, and how many were quarantined."""
    warnings.filterwarnings("ignore", message="Parameter `.*` is currently in beta")
    os.environ.update(environment)
    settings.cache_clear()
    from gtm_platform.definitions import defs
    from gtm_platform.orchestration.instance import instance

    with instance() as opened, _partitions_until_now():
        made = _execute(defs, opened, f"sync_{source}", first, last)
    return [(".".join(m.asset_key.path), _number(m, ROWS), _number(m, "technical/quarantined")) for m in made]


@contextmanager
def _partitions_until_now() -> Iterator[None]:
    """Let Dagster have the partitions that have closed by the platform's clock, which may be ahead of the real one."""
    import dagster as dg

    with dg.partition_loading_context(effective_dt=settings().now()):
        yield


def _windows_of(day: date) -> Iterator[tuple[str, str, str]]:
    """Each source that is on, with its first and last window of the day."""
    from gtm_platform.ingest.assets import windows
    from gtm_platform.sources.assets import SCHEDULED

    for source in SCHEDULED:
        if source.off():  # as one is for which nobody has dropped a file
            continue
        starts = [midnight(day) + n * HOUR for n in range(0, 24, source.hours)]
        fmt = windows(source.hours).fmt
        yield source.name, starts[0].strftime(fmt), starts[-1].strftime(fmt)


def _execute(
    defs: "dg.Definitions",
    instance: "dg.DagsterInstance",
    job: str,
    first: str,
    last: str | None = None,
    config: Mapping[str, Any] = NO_CONFIG,
) -> "list[dg.AssetMaterialization]":
    """Run a job as the daemon would, for a range of partitions; a failure is raised as a sentence."""
    from gtm_platform.cli.runs import sentences, span
    from gtm_platform.orchestration.liveness import execute_here

    runnable = defs.resolve_job_def(job)
    ran = execute_here(runnable, instance, run_config={**QUIET, **config}, tags=span(first, last))
    if not ran.success:
        reasons = "; ".join(sentences(ran)) or "see the run in the UI"
        raise RuntimeError(f"{job} of {first} failed (run {ran.run_id[:8]}): {reasons}")
    return [event.materialization for event in ran.get_asset_materialization_events()]


def _number(made: "dg.AssetMaterialization", name: str) -> int:
    value = made.metadata.get(name)
    return int(str(value.value)) if value is not None else 0
