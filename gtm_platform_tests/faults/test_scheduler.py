"""Ticks, backfills and Dagster's own history going wrong: the same rows, one run for a gap, a lake that is whole."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.scheduler import DagsterDaemonScheduler

from gtm_platform.ingest.assets import asset_of, schedule_of
from gtm_platform.ingest.source import Window
from gtm_platform.lake.contracts import TABLES, declare
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.instance import SETTINGS
from gtm_platform_tests.faults.nth_call import Nth, until_none_fails
from gtm_platform_tests.faults.test_lake import hidden
from gtm_platform_tests.ingest.syncing import RULES, Syncing
from gtm_platform_tests.ingest.test_assets import SOURCE as WOOD
from gtm_platform_tests.ingest.test_stream_sync import QUARTER, Sky, clock, day, sky, sync, syncing
from gtm_platform_tests.lake.tables import ALBUMS, SALES, album, daily, write

__all__ = ["clock", "sky", "syncing"]  # fixtures

DAY = "2026-03-01"
TICK = datetime(2026, 3, 2, 0, 5, tzinfo=UTC)


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as found:
        yield found


@pytest.fixture
def anew() -> Iterator[dg.DagsterInstance]:
    """Another, to which nothing happens."""
    with dg.DagsterInstance.ephemeral() as found:
        yield found


# --- ticks -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def dagster(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A schedule sees no other instance than one on disk."""
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as found:
        yield found


def ticked(instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    job = dg.define_asset_job("sync_wood", dg.AssetSelection.assets(asset_of(WOOD, lambda: RULES)))
    schedule = schedule_of(WOOD, job)
    with dg.build_schedule_context(instance=instance, scheduled_execution_time=TICK) as context:
        asked = schedule(context)
    assert isinstance(asked, dg.RunRequest | dg.SkipReason)
    return asked


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_1")


@pytest.mark.faults("T1")
@pytest.mark.usefixtures("key")
def test_a_tick_seen_twice_asks_for_one_run(dagster: dg.DagsterInstance) -> None:
    once, again = ticked(dagster), ticked(dagster)
    assert isinstance(once, dg.RunRequest)
    assert isinstance(again, dg.RunRequest)
    assert once.run_key == again.run_key == DAY


@dg.job
def sync_wood() -> None: ...


@pytest.mark.faults("T5")
@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("status", [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.STARTING])
def test_while_a_run_takes_longer_than_its_interval_none_is_put_behind_it(
    dagster: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    tags = {"dagster/schedule_name": "wood_schedule", "dagster/partition": "2026-02-28"}
    run = dagster.create_run_for_job(sync_wood, status=status, tags=tags)
    skipped = ticked(dagster)
    assert isinstance(skipped, dg.SkipReason)
    assert skipped.skip_message == (f"run {run.run_id} still reads 2026-02-28; the next window brings this one too")
    dagster.report_run_failed(run)
    assert isinstance(ticked(dagster), dg.RunRequest)


@pytest.mark.faults("T4", "T5")
@pytest.mark.usefixtures("key")
def test_a_backfill_stops_no_tick(dagster: dg.DagsterInstance) -> None:
    dagster.create_run_for_job(sync_wood, status=dg.DagsterRunStatus.STARTED, tags={"dagster/backfill": "b"})
    assert isinstance(ticked(dagster), dg.RunRequest)


@pytest.mark.faults("T2")
def test_ticks_that_were_missed_are_one(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "dagster.yaml").write_text(SETTINGS.read_text())
    with dg.DagsterInstance.from_config(str(tmp_path / "own")) as instance:
        scheduler = instance.scheduler
    assert isinstance(scheduler, DagsterDaemonScheduler)
    assert scheduler.max_catchup_runs == 1


@pytest.mark.faults("T2")
@pytest.mark.parametrize("stream", ["planets", "sightings"])
def test_one_run_covers_the_gap(syncing: Syncing, sky: Sky, stream: str) -> None:
    sync(syncing, sky, 0, stream=stream)
    for number in range(1, 5):  # nobody asks on the days 1, 2 and 3
        sky.put(f"comet {number}", day(number, 3))
    sync(syncing, sky, 4, stream=stream)
    assert [window.start for window in sky.requested[1:]] == [day(1) - QUARTER]
    comets = [f"comet {number}" for number in range(1, 5)]
    assert syncing.current_keys(stream, day(5)) == [*comets, "mars", "pluto", "venus"]


# --- a backfill over a live run --------------------------------------------------------------------------------------


@pytest.mark.faults("T4")
def test_a_backfill_over_a_live_run_moves_nothing_backwards(
    syncing: Syncing, sky: Sky, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the run of day 3 reads its page, Mars moves, and a backfill reads the days 1 to 3."""
    sync(syncing, sky, 0)
    for number in (1, 2, 3):
        sky.put(f"comet {number}", day(number, 3))
        sync(syncing, sky, number)
    pages, filled = Sky.pages, []

    def pages_while_another_reads(self: Sky, window: Window) -> Iterator[Any]:
        for page in pages(self, window):
            if not filled:
                filled.append("begun")
                self.put("mars", day(3, 5), name="Newest")
                filled.extend(syncing.fill(self, "planets", day(1), day(2), day(3)))
            yield page

    stream = syncing.source.streams[0]
    monkeypatch.setitem(stream.__dict__, "pages", pages_while_another_reads)
    live = syncing.fill(sky, "planets", day(3))
    assert len(filled) == 4
    assert live[0].rows == 2
    assert [row[1] for row in syncing.rows("planets", day(3), "id", "name") if row[0] == "mars"] == ["Newest"]
    assert syncing.current_keys("planets", day(4)) == ["comet 1", "comet 2", "comet 3", "mars", "pluto", "venus"]
    assert syncing.current_keys("planets", day(2)) == ["comet 1", "mars", "pluto", "venus"]
    sync(syncing, sky, 4)
    assert sky.requested[-1] == Window(day(4) - QUARTER, day(5))


# --- Dagster's history -----------------------------------------------------------------------------------------------


def shop() -> dg.AssetsDefinition:
    TABLES.clear()  # no other is in the catalogue that each run makes
    declare("shop/albums", ALBUMS)
    return daily("shop/sales", SALES, albums="shop/albums")(
        lambda albums: albums.select("id", sold=albums.count().cast("int64"))
    )


def make(sales: dg.AssetsDefinition, instance: dg.DagsterInstance) -> bool:
    resources = {"lake": LakeResource()}
    return dg.materialize(
        [sales], partition_key=DAY, instance=instance, resources=resources, raise_on_error=False
    ).success


def sold(store: Lake) -> list[int]:
    rows: list[int] = store.partition("shop/sales", DAY).to_pyarrow()["sold"].to_pylist()
    return rows


@pytest.mark.faults("T7")
@pytest.mark.parametrize("persistent", [False, True])
def test_whenever_the_history_cannot_be_written_the_lake_is_whole(
    instance: dg.DagsterInstance, anew: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, persistent: bool
) -> None:
    sales, store, before = shop(), the_lake(), 0
    real, failed = type(instance.event_log_storage).store_event, 0
    for nth in until_none_fails(persistent):
        write(store, DAY, [album(f"album {n}") for n in range(nth.n)], full=True)

        def store_event(self: Any, event: Any, nth: Nth = nth) -> None:
            if nth.strikes():
                raise sa.exc.OperationalError("insert", {}, Exception("database is locked"))
            real(self, event)

        with monkeypatch.context() as patch:
            patch.setattr(type(instance.event_log_storage), "store_event", store_event)
            try:
                done = make(sales, instance)
            except sa.exc.OperationalError:
                done = False
        failed += not done
        assert sold(store) in ([before] * before, [nth.n] * nth.n)
        assert hidden(store.root) == []
        assert make(sales, anew)
        assert sold(store) == [nth.n] * nth.n
        before = nth.n
    assert failed > 3


@pytest.mark.faults("T7")
def test_a_history_that_is_damaged_can_be_deleted(tmp_path: Path) -> None:
    sales, store, history = shop(), the_lake(), tmp_path / "dagster"
    history.mkdir()
    write(store, DAY, [album("first")], full=True)
    with dg.DagsterInstance.local_temp(str(history)) as instance:
        assert make(sales, instance)
    for path in history.rglob("*.db*"):
        path.write_bytes(b"no database " * 500)
    write(store, DAY, [album("first"), album("second")], full=True)
    with pytest.raises(Exception, match="file is not a database"), dg.DagsterInstance.local_temp(str(history)) as it:
        make(sales, it)
    assert sold(store) == [1]
    for path in sorted(history.rglob("*.db*")):
        path.unlink()
    with dg.DagsterInstance.local_temp(str(history)) as instance:
        assert make(sales, instance)
    assert sold(store) == [2, 2]
