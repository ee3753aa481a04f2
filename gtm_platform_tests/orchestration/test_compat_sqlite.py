"""The events of a home answer as those of Dagster's own storage do, of the same files."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from gtm_platform.orchestration import compat_sqlite_events
from gtm_platform.orchestration.compat_sqlite_events import EventLog
from gtm_platform.orchestration.instance import prepare

DAYS = dg.DailyPartitionsDefinition("2026-01-01")
KEYS = ["2026-01-01", "2026-01-02", "2026-01-03"]
RANGE = {"dagster/asset_partition_range_start": KEYS[0], "dagster/asset_partition_range_end": KEYS[-1]}
MATERIALIZED = dg.DagsterEventType.ASSET_MATERIALIZATION


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def upstream(context: dg.AssetExecutionContext) -> None:
    for day in context.partition_keys:
        context.add_asset_metadata({"day": day}, partition_key=day)


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run(), deps=[upstream])
def downstream() -> None: ...


@dg.asset_check(asset=upstream)
def guard() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    prepare()
    with dg.DagsterInstance.get() as opened:
        yield opened


@pytest.fixture
def plain(home: dg.DagsterInstance) -> Iterator[SqliteEventLogStorage]:
    """Dagster's own storage of the same files."""
    events = home.event_log_storage
    assert isinstance(events, EventLog)
    storage = SqliteEventLogStorage(events._base_dir)
    yield storage
    storage.dispose()


def make(home: dg.DagsterInstance) -> str:
    return dg.materialize([upstream, downstream, guard], tags=RANGE, instance=home).run_id


def versions(storage: SqliteEventLogStorage, partitions: list[str] | None, before: int | None = None) -> object:
    return storage.get_latest_tags_by_partition(upstream.key, MATERIALIZED, [DATA_VERSION_TAG], partitions, before)


def test_versions_of_partitions_are_those_that_dagster_reads(
    home: dg.DagsterInstance, plain: SqliteEventLogStorage
) -> None:
    first = make(home)
    earlier = versions(home.event_log_storage, KEYS)
    dg.materialize([upstream], partition_key=KEYS[0], instance=home)
    for partitions in ([], KEYS[:1], [*KEYS, "2026-02-01"], None):
        assert versions(home.event_log_storage, partitions) == versions(plain, partitions)
    newest = max(record.storage_id for record in home.fetch_materializations(upstream.key, limit=9).records)
    assert versions(home.event_log_storage, KEYS, newest) == versions(plain, KEYS, newest) == earlier
    assert versions(home.event_log_storage, KEYS) != earlier
    assert first


def test_nothing_is_read_of_an_asset_from_before_it_was_wiped(
    home: dg.DagsterInstance, plain: SqliteEventLogStorage
) -> None:
    make(home)
    assert len(versions(home.event_log_storage, KEYS)) == len(KEYS)
    home.wipe_assets([upstream.key])
    assert versions(home.event_log_storage, KEYS) == versions(plain, KEYS) == {}
    assert home.get_asset_records([upstream.key]) == plain.get_asset_records([upstream.key])
    dg.materialize([upstream], partition_key=KEYS[1], instance=home)
    assert versions(home.event_log_storage, KEYS) == versions(plain, KEYS)
    assert list(versions(home.event_log_storage, KEYS)) == KEYS[1:2]


def test_the_newest_materialization_of_an_asset_is_read_again_once_there_is_a_newer(
    home: dg.DagsterInstance, plain: SqliteEventLogStorage
) -> None:
    keys = [upstream.key, downstream.key, dg.AssetKey("unheard_of")]
    for _ in range(2):
        run = make(home)
        records = home.get_asset_records(keys)
        assert records == plain.get_asset_records(keys)
        assert {record.asset_entry.last_run_id for record in records} == {run}


@pytest.mark.parametrize("size", ["0", "2", "100"])
def test_a_batch_of_events_is_recorded_as_each_by_itself(
    home: dg.DagsterInstance, plain: SqliteEventLogStorage, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:
    monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", size)
    run = make(home)
    made = plain.fetch_materializations(upstream.key, limit=9).records
    assert sorted((each.partition_key, each.asset_materialization.metadata["day"].value) for each in made) == [
        (day, day) for day in KEYS
    ]
    assert [each.run_id for each in made] == [run] * len(KEYS)
    logged = [entry.dagster_event.partition for entry in home.all_logs(run, of_type=MATERIALIZED)]
    assert logged == KEYS * 2
    [record] = plain.get_asset_records([upstream.key])
    assert record.asset_entry.last_materialization_storage_id == max(each.storage_id for each in made)
    assert len(versions(plain, KEYS)) == len(KEYS)
    planned = home.all_logs(run, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
    assert sorted(entry.dagster_event.partition for entry in planned) == sorted(KEYS * 2)
    evaluated, *to_evaluate = plain.get_asset_check_execution_history(guard.check_key, limit=9)
    assert evaluated.status is AssetCheckExecutionRecordStatus.SUCCEEDED
    assert [(row.status, row.partition) for row in to_evaluate] == [
        (AssetCheckExecutionRecordStatus.PLANNED, day) for day in reversed(KEYS)
    ]


def test_a_batch_is_written_in_one_transaction(home: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    batches: list[int] = []
    store = EventLog.store_event_batch
    monkeypatch.setattr(
        EventLog, "store_event_batch", lambda log, events: (batches.append(len(events)), store(log, events))[1]
    )
    make(home)
    planned = 2 * len(KEYS) + 1  # the check, too, which Dagster plans for each day at once
    assert batches == [planned, len(KEYS), len(KEYS)]  # `prepare` lets Dagster batch them


def test_a_record_is_deserialized_once(home: dg.DagsterInstance) -> None:
    make(home)
    compat_sqlite_events._deserialized.cache_clear()
    for _ in range(3):
        home.get_asset_records([upstream.key])
    assert compat_sqlite_events._deserialized.cache_info().misses == 1
