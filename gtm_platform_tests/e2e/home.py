"""A platform's home beside a sandbox: its environment, its runs in the test's own process, and its files as pandas
reads them."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import dagster as dg
import duckdb
import httpx
import pandas as pd
import pyarrow.parquet as pq
import pytest

import gtm_platform
from gtm_platform.definitions import defs
from gtm_platform.orchestration import liveness
from gtm_platform.sandbox.server import Sandbox
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SCHEDULED

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
REPOSITORY = Path(gtm_platform.__file__).parents[1]
# Of what was read: when, and by which run. They differ from reading to reading; nothing else may.
READING = ["_extracted_at", "_run_id"]
MEASURED = "quality/source_costs"  # it says how many runs there were, and how long they took


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def gtm(*arguments: str, home: Path, at_most: float = 900, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command as a person gives it, in a process of its own and in a folder that holds no .env.

    One that takes longer than `at_most` seconds hangs.
    """
    home.mkdir(parents=True, exist_ok=True)
    inherited = {
        name: os.environ[name]
        for name in ("PATH", "HOME", "TMPDIR", "LANG", "JAVA_HOME", "GTM_FIRST_DAY", "GTM_CACHE")
        if name in os.environ
    }
    return subprocess.run(
        [sys.executable, "-m", "gtm_platform.cli", *arguments],
        cwd=home,
        env={
            **inherited,
            "PYTHONPATH": str(REPOSITORY),
            "GTM_HOME": str(home),
            "GTM_FIRST_DAY": "2026-01-01",
            **variables,
        },
        capture_output=True,
        text=True,
        timeout=at_most,
        check=False,
    )


@dataclass(frozen=True)
class Control:
    """The sandbox's own routes."""

    url: str

    def ask(self, path: str, **params: str) -> Any:
        return self._call("GET", path, params=params).json()

    def set_clock(self, now: datetime) -> None:
        self._call("POST", "clock", json={"now": now.isoformat()})

    def go_wrong(self, system: str, path: str, **how: Any) -> None:
        self._call("POST", "faults", json={"system": system, "path": path, **how})

    def go_right(self) -> None:
        self._call("DELETE", "faults")

    def forget_requests(self) -> None:
        self._call("DELETE", "requests")

    def requests(self, system: str) -> dict[tuple[str, str], int]:
        """How often each method and path was asked for."""
        counted: dict[tuple[str, str], int] = {}
        for row in self.ask("requests")["requests"]:
            if row["system"] == system:
                counted[row["method"], row["path"]] = counted.get((row["method"], row["path"]), 0) + row["count"]
        return counted

    def _call(self, method: str, path: str, **content: Any) -> httpx.Response:
        answer = httpx.request(method, f"{self.url}/_sandbox/{path}", trust_env=False, timeout=60, **content)
        return answer.raise_for_status()


# The systems that watch the market. Days are lived in half the time without them, and most tests are about customers.
MARKET = ("clay", "crossbeam", "factors", "ga4", "github", "partnerstack", "reodev", "sumble", "youtube", "zoominfo")


def environment_of(box: Sandbox, market: Sequence[str] = ()) -> dict[str, str]:
    """The variables that point the platform at the sandbox: of the systems that watch the market at those named."""
    off = tuple(f"{name.upper()}_" for name in MARKET if name not in market)
    return {name: value for name, value in box.env.items() if not name.startswith(off)}


def move_in(
    monkeypatch: pytest.MonkeyPatch, home: Path, box: Sandbox, now: datetime, market: Sequence[str] = ()
) -> None:
    """From here on the process lives in that home, at that time, and reads that sandbox."""
    variables = {
        **environment_of(box, market),
        "GTM_HOME": str(home),
        "DAGSTER_HOME": str(home / "dagster"),
        "GTM_NOW": now.isoformat(),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()


def turn_clocks(monkeypatch: pytest.MonkeyPatch, box: Sandbox, now: datetime) -> None:
    Control(box.url).set_clock(now)
    monkeypatch.setenv("GTM_NOW", now.isoformat())
    settings.cache_clear()


def execute(
    instance: dg.DagsterInstance,
    job: str,
    first: str,
    last: str | None = None,
    tables: Sequence[str] = (),
    tags: Mapping[str, str] = MappingProxyType({}),
) -> dg.ExecuteInProcessResult:
    """The job for a partition or a range of them, or for some tables of it only."""
    span = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last or first}
    # A code server has one home, known when it loads its definitions; a test process has many.
    catalogue = {"config": {"database": str(settings().home / "gtm.duckdb")}}
    return defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        raise_on_error=False,
        run_config={**QUIET, "resources": {"catalogue": catalogue}},
        tags={**span, **tags},
        asset_selection=[dg.AssetKey(table.split("/")) for table in tables] or None,
    )


def windows_of(day: date, among: Sequence[str] = ()) -> Iterator[tuple[str, str, str]]:
    """Each source's job, or those of the sources named, with its first and last window of the day."""
    for source in SCHEDULED:
        if among and source.name not in among:
            continue
        if source.off() and (source.name in MARKET or not source.required_env):
            continue  # nobody reads the market here, or has dropped a file
        fmt = "%Y-%m-%d" if source.hours == 24 else "%Y-%m-%dT%H%M"
        last = midnight(day) + timedelta(hours=24 - source.hours)
        yield f"sync_{source.name}", midnight(day).strftime(fmt), last.strftime(fmt)


def live(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, box: Sandbox, day: date) -> None:
    """One day as the daemon would live it, seen from the midnight after it."""
    turn_clocks(monkeypatch, box, midnight(day) + timedelta(days=1))
    for job, first, last in [*windows_of(day), ("daily_tables", str(day), str(day)), ("deliver", str(day), str(day))]:
        ran = execute(instance, job, first, last)
        assert ran.success, failure_of(ran)


def tables_read_by(*assets: str) -> list[str]:
    """The daily tables that deliveries or tables are made of, however far back, and they themselves.

    Days are lived faster without the others.
    """
    graph, wanted = defs.resolve_asset_graph(), dg.AssetSelection.assets(*(asset.split("/") for asset in assets))
    daily = dg.AssetSelection.assets(*defs.resolve_job_def("daily_tables").asset_layer.executable_asset_keys)
    keys = (wanted.upstream() & daily).resolve(graph)
    return sorted(key.to_user_string() for key in keys)


def tables_delivered() -> list[str]:
    """The daily tables that any delivery is made of."""
    deliveries = defs.resolve_job_def("deliver").asset_layer.executable_asset_keys
    return tables_read_by(*(key.to_user_string() for key in deliveries))


def let_go() -> None:
    """A process holds its last run until it ends; a test ends before."""
    liveness._runs.clear()


def failure_of(ran: dg.ExecuteInProcessResult) -> str:
    """Why the run failed, with what its checks saw."""
    failures = [event.step_failure_data for event in ran.all_events if event.is_step_failure]
    reasons = [
        failure.user_failure_data.description if failure.user_failure_data else failure.error for failure in failures
    ]
    failed = [check for check in ran.get_asset_check_evaluations() if not check.passed]
    return "\n".join([*map(str, reasons), *(f"{check.check_name}: {check.metadata}" for check in failed)])


def made(ran: dg.ExecuteInProcessResult) -> dict[tuple[str, str | None], dict[str, Any]]:
    """What was materialised, with its metadata."""
    events = [event.materialization for event in ran.get_asset_materialization_events()]
    return {
        (event.asset_key.to_user_string(), event.partition): {name: at.value for name, at in event.metadata.items()}
        for event in events
    }


def file_of(home: Path, table: str, partition: str) -> Path:
    """The newest file of the partition."""
    return max((home / "lake" / table).glob(f"{partition}.*.parquet"))


def frame(home: Path, table: str, partition: str) -> pd.DataFrame:
    """What the partition holds, amounts as decimals."""
    found: pd.DataFrame = pq.ParquetFile(file_of(home, table, partition)).read().to_pandas(timestamp_as_object=True)
    return found


def contents(home: Path, but: Mapping[str, Sequence[str]] = MappingProxyType({})) -> dict[tuple[str, str], list[str]]:
    """All rows of the newest file of every partition, sorted as text; without what differs from reading to reading,
    and but for some columns of some tables."""
    newest = {}
    for path in sorted((home / "lake").glob("*/*/[!.]*.parquet")):
        if (table := path.parent.relative_to(home / "lake").as_posix()) != MEASURED:
            newest[table, path.name.split(".")[0]] = path
    return {where: _lines(path, [*READING, *but.get(where[0], ())]) for where, path in newest.items()}


def _lines(path: Path, without: Sequence[str]) -> list[str]:
    rows = pq.ParquetFile(path).read()
    kept = rows.drop_columns([name for name in without if name in rows.column_names])
    return sorted(map(repr, kept.to_pylist()))


def queried(home: Path, query: str) -> list[tuple[Any, ...]]:
    """What the catalogue answers, as any tool from outside would ask it."""
    with duckdb.connect(str(home / "gtm.duckdb"), read_only=True) as connection:
        return connection.execute(query).fetchall()
