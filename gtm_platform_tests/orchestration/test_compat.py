"""What is used of Dagster though it is not public: an upgrade that changes any of it fails here, and here first."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange

import gtm_platform
from gtm_platform.orchestration import compat, compat_history, compat_sqlite, sqlite_engines
from gtm_platform.orchestration.instance import prepare

DAYS = dg.DailyPartitionsDefinition("2026-01-01")
RANGE = {"dagster/asset_partition_range_start": "2026-01-01", "dagster/asset_partition_range_end": "2026-01-03"}


@pytest.fixture(params=["ephemeral", "sqlite", "ours"])
def instance(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """Every storage: on SQLite each run has a file of its own, and some queries differ; and that of a home."""
    (tmp_path / "dagster").mkdir()
    if request.param == "ephemeral":
        opened = dg.DagsterInstance.ephemeral(tempdir=str(tmp_path))
    elif request.param == "sqlite":
        opened = dg.DagsterInstance.local_temp(str(tmp_path / "dagster"))
    else:
        opened = of_home(tmp_path, monkeypatch)
    with opened as instance:
        yield instance


def of_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    monkeypatch.setenv("DAGSTER_HOME", str(home / "dagster"))
    prepare()
    return dg.DagsterInstance.get()


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run(), output_required=False, tags={"a": "b"})
def last_day_only(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
    tags = {compat.CODE_VERSION_TAG: "7"}
    context.log_event(dg.AssetMaterialization(context.asset_key, partition=context.partition_keys[-1], tags=tags))
    yield compat.output_without_materialization()


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run(), deps=[last_day_only])
def downstream() -> None: ...


@dg.asset_check(asset=downstream, blocking=True)
def guard() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.asset_check(asset=downstream)
def hint() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


def test_the_history_of_a_home_lies_where_dagster_looks_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home that was begun before, or is opened without the platform's settings, has one history."""
    with of_home(tmp_path, monkeypatch) as home:
        assert isinstance(home.event_log_storage, compat_sqlite.EventLog)
        ran = dg.materialize([last_day_only, downstream, guard, hint], tags=RANGE, instance=home)
        expected = home.get_run_stats(ran.run_id), home.fetch_materializations(downstream.key, limit=9).records
    (tmp_path / "dagster/dagster.yaml").unlink()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as plain:
        assert type(plain.event_log_storage) is not compat_sqlite.EventLog
        assert plain.get_run_by_id(ran.run_id) is not None
        assert (plain.get_run_stats(ran.run_id), plain.fetch_materializations(downstream.key, limit=9).records) == (
            expected
        )


def test_events_wait_for_no_disk_and_an_instance_that_ends_leaves_whole_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with of_home(tmp_path, monkeypatch) as home:
        log = home.event_log_storage
        assert isinstance(log, compat_sqlite.EventLog)
        ran = dg.materialize([last_day_only, downstream, guard], tags=RANGE, instance=home)
        with log.run_connection(ran.run_id) as connection:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1  # when the log is moved
        assert list((tmp_path / "dagster").rglob("*.db-wal"))
    assert not list((tmp_path / "dagster").rglob("*.db-wal"))


def test_few_files_are_open_after_many_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with of_home(tmp_path, monkeypatch) as home:
        log = home.event_log_storage
        for number in range(2 * sqlite_engines.FILES):
            with log.run_connection(f"run{number}") as connection:
                connection.exec_driver_sql("select count(*) from event_logs").scalar()
        open_logs = list((tmp_path / "dagster").rglob("run*.db-wal"))
        assert 0 < len(open_logs) <= sqlite_engines.FILES


def test_a_result_can_let_downstream_run_and_mark_no_partition(instance: dg.DagsterInstance) -> None:
    ran = dg.materialize([last_day_only, downstream], tags=RANGE, instance=instance)
    made = [(event.asset_key.path[0], event.partition) for event in ran.get_asset_materialization_events()]
    assert made == [("last_day_only", "2026-01-03"), *(("downstream", f"2026-01-0{n}") for n in (1, 2, 3))]
    [record] = instance.fetch_materializations(last_day_only.key, limit=9).records
    assert record.asset_materialization
    assert record.asset_materialization.tags == {compat.CODE_VERSION_TAG: "7"}


def test_completed_evaluations_are_read_without_those_planned(instance: dg.DagsterInstance) -> None:
    ran = dg.materialize([last_day_only, downstream, guard, hint], tags=RANGE, instance=instance)
    [passed] = compat_history.completed_evaluations(instance, guard.check_key)
    [warned] = compat_history.completed_evaluations(instance, hint.check_key)
    [newest] = instance.fetch_materializations(downstream.key, limit=1).records
    assert (passed.run_id, passed.passed, passed.target_id) == (ran.run_id, True, newest.storage_id)
    assert (warned.passed, warned.severity) == (False, dg.AssetCheckSeverity.WARN)


@pytest.mark.parametrize("job", ["made_in_process", "of_a_repository"])
def test_a_run_knows_the_whole_graph(instance: dg.DagsterInstance, job: str) -> None:
    seen: list[dg.AssetCheckKey] = []

    @dg.asset(deps=[downstream])
    def delivery(context: dg.AssetExecutionContext) -> None:
        graph = compat.graph_of_run(context)
        seen.extend(compat.checks_upstream(graph, [context.asset_key]))
        assert [compat.is_blocking(graph, check) for check in seen] == [True, False]

    assets, checks = [last_day_only, downstream, delivery], [guard, hint]
    if job == "made_in_process":
        assert dg.materialize([*assets, *checks], selection=[delivery], instance=instance).success
    else:
        deliver = dg.define_asset_job("deliver", dg.AssetSelection.assets(delivery))
        defs = dg.Definitions(assets=assets, asset_checks=checks, jobs=[deliver])
        assert isinstance(deliver, compat.AssetJob)
        assert compat.assets_of_job(defs.resolve_job_def("deliver")) == {delivery.key}
        assert defs.resolve_job_def("deliver").execute_in_process(instance=instance).success
    assert seen == [guard.check_key, hint.check_key]


def test_the_metadata_of_a_failure_is_read(instance: dg.DagsterInstance) -> None:
    @dg.asset
    def breaks() -> None:
        raise dg.Failure("no", metadata={"contacts.transient": True, "contacts.status": 503})

    ran = dg.materialize([breaks], instance=instance, raise_on_error=False)
    assert list(compat.step_failures(instance, ran.run_id)) == [{"contacts.transient": True, "contacts.status": 503}]


def test_a_run_that_died_is_told_from_one_that_could_not_begin(instance: dg.DagsterInstance) -> None:
    class Broken(dg.ConfigurableResource["Broken"]):
        def setup_for_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002
            raise ValueError("a wrong setting")

    @dg.asset
    def needs(broken: Broken) -> None: ...

    refused = dg.materialize([needs], resources={"broken": Broken()}, instance=instance, raise_on_error=False)
    killed = instance.add_run(dg.DagsterRun("some_job", status=dg.DagsterRunStatus.STARTED))
    instance.report_run_failed(killed)
    assert not compat.died(instance, refused.run_id)
    assert compat.died(instance, killed.run_id)


def test_the_next_tick_of_a_schedule_is_known() -> None:
    schedule = dg.ScheduleDefinition(
        name="s", cron_schedule="20 */12 * * *", target=[downstream], execution_timezone="UTC"
    )
    after = datetime(2026, 11, 21, 0, 21, tzinfo=UTC)
    assert compat.next_tick(schedule, after) == datetime(2026, 11, 21, 12, 20, tzinfo=UTC)


def test_nothing_else_imports_what_is_not_public() -> None:
    package = Path(gtm_platform.__file__).parent
    private = [
        f"{path.relative_to(package)} imports {node.module}"
        for path in sorted(package.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dagster._")
    ]
    assert {line.split(" imports ")[0] for line in private} == {
        "orchestration/compat.py",
        "orchestration/compat_history.py",
        "orchestration/compat_postgres.py",
        "orchestration/compat_sqlite.py",
        "orchestration/compat_sqlite_events.py",
    }


def test_evaluations_are_read_in_the_order_in_which_they_were_said(instance: dg.DagsterInstance) -> None:
    key = hint.check_key
    assert compat_history.newest_check_rows(instance, [key]) == {}
    first = dg.materialize([downstream, guard, hint], partition_key="2026-01-01", instance=instance)
    rows = compat_history.newest_check_rows(instance, [key])
    second = dg.materialize([downstream, guard, hint], partition_key="2026-01-02", instance=instance)
    assert set(rows) == {"downstream:hint"}
    assert compat_history.newest_check_rows(instance, [key]) != rows

    evaluations = compat_history.evaluations_since(instance, key, after=0, page=9)
    assert [evaluation.run_id for evaluation in evaluations] == [first.run_id, second.run_id]
    since = evaluations[0].timestamp
    assert [each.run_id for each in compat_history.evaluations_since(instance, key, since, page=1)] == [second.run_id]
    assert compat_history.evaluations_since(instance, key, evaluations[1].timestamp) == []
    job = dg.Definitions(
        [last_day_only, downstream], asset_checks=[guard, hint]
    ).resolve_implicit_global_asset_job_def()
    queued = instance.create_run_for_job(job, tags={"dagster/partition": "2026-01-03"})
    assert compat_history.runs_still_to_evaluate(instance, key)[0] == queued.run_id


def test_the_failure_of_a_step_is_an_error_or_the_verdict_of_a_check(instance: dg.DagsterInstance) -> None:
    @dg.asset_check(asset=downstream, name="refuses", blocking=True)
    def refuses() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False)

    @dg.asset_check(asset=downstream, name="crashes")
    def crashes() -> dg.AssetCheckResult:
        raise KeyError("no such column")

    @dg.asset(check_specs=[dg.AssetCheckSpec("inline", asset="breaks")])
    def breaks() -> dg.MaterializeResult:
        raise ValueError("no") from LookupError("no such record")

    @dg.asset
    def refused() -> None:
        raise dg.Failure("no", metadata={"people.failure": "Unauthorized"}, allow_retries=False)

    ran = dg.materialize(
        [downstream, refuses, crashes, breaks, refused],
        partition_key="2026-01-01",
        instance=instance,
        raise_on_error=False,
    )
    failed = compat.failed_steps(instance, ran.run_id)
    steps = {(step.by_verdict, step.crashed_checks) for step in failed}
    assert steps == {(True, ()), (False, ("downstream:crashes",)), (False, ())}
    errors = [step.errors for step in failed]
    assert ("DagsterExecutionStepExecutionError", "ValueError", "LookupError") in errors
    assert [names for names in errors if "Failure" in names] == [("Unauthorized", "Failure")]
    run = instance.get_run_by_id(ran.run_id)
    assert run
    assert not compat.launched_through_dagster(run)


def test_changes_of_freshness_are_read_by_their_ids(instance: dg.DagsterInstance) -> None:
    assert compat_history.newest_freshness_change(instance) == 0

    def change(before: FreshnessState, after: FreshnessState) -> None:
        instance._report_runless_asset_event(
            FreshnessStateChange(
                key=downstream.key, new_state=after, previous_state=before, state_change_timestamp=1767225600.0
            )
        )

    change(FreshnessState.PASS, FreshnessState.FAIL)
    [stale] = compat_history.freshness_changes(instance, after=0, limit=9)
    assert (stale.asset, stale.was_stale, stale.is_stale) == (downstream.key, False, True)
    assert compat_history.stale_assets(instance, [downstream.key, last_day_only.key]) == [downstream.key]
    change(FreshnessState.FAIL, FreshnessState.PASS)
    [fresh] = compat_history.freshness_changes(instance, stale.id, limit=9)
    assert (fresh.was_stale, fresh.is_stale) == (True, False)
    assert compat_history.newest_freshness_change(instance) == fresh.id
    assert compat_history.stale_assets(instance, [downstream.key]) == []


def test_the_last_tick_that_was_due_is_known() -> None:
    schedule = dg.ScheduleDefinition(
        name="s", cron_schedule="20 */12 * * *", target=[downstream], execution_timezone="UTC"
    )
    before = datetime(2026, 11, 21, 12, 19, tzinfo=UTC)
    assert compat.previous_tick(schedule, before) == datetime(2026, 11, 21, 0, 20, tzinfo=UTC)
