"""A backfill of one table as so many runs, and what is to be there after it."""

from collections import Counter
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration import liveness
from gtm_platform.settings import settings
from gtm_platform_tests.faults.running import EVERY, Daemon, backfilling
from gtm_platform_tests.lake.tables import ALBUMS, SALES, declared


def right(home: Path, count: int) -> None:
    """Each day holds an album more than some days before, and each of its rows says how many there are."""
    lake, expected = Lake(home / "lake"), {n: n // EVERY + 1 for n in range(count)}
    with declared(shop__albums=ALBUMS, shop__sales=SALES):
        days = lake.partitions("shop/sales")
        sold = {n: lake.partition("shop/sales", day).to_pyarrow()["sold"].to_pylist() for n, day in enumerate(days)}
    assert sold == {n: [rows] * rows for n, rows in expected.items()}
    assert list((home / "lake").rglob(".*")) == []
    with duckdb.connect(str(home / "gtm.duckdb"), read_only=True) as catalogue:
        assert catalogue.execute("select count(*), sum(sold) from shop.sales").fetchone() == (
            sum(expected.values()),
            sum(rows * rows for rows in expected.values()),
        )


def at_once(instance: dg.DagsterInstance) -> int:
    """The most runs that ran at the same moment."""
    records = instance.get_run_records()
    steps = [(record.start_time, 1) for record in records] + [(record.end_time, -1) for record in records]
    running = peak = 0
    for _, step in sorted(steps):
        running += step
        peak = max(peak, running)
    return peak


def backfill(home: Path, count: int, seconds: float) -> int:
    """Runs it to its end; the most runs that there were at once."""

    def over() -> bool:
        found = daemon.counts()
        return sum(found[status] for status in ("SUCCESS", "FAILURE", "CANCELED")) >= count

    daemon: Daemon
    with pytest.MonkeyPatch.context() as patch, backfilling(home, count) as daemon:
        patch.setenv("GTM_HOME", str(home))
        settings.cache_clear()
        daemon.until(over, seconds)
        assert daemon.counts() == Counter(SUCCESS=count)
        assert liveness.reap(daemon.instance) == []
        right(home, count)
        return at_once(daemon.instance)
