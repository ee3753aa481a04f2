"""`publish/<schema>` in Dagster, with a warehouse in memory: what is requested, published, held back and shown."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from gtm_platform.automation import publishing
from gtm_platform.automation.publishing import publish_job, request_publishing
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.lake import File
from gtm_platform.orchestration.graph_policy import DAILY_TAG, DAYS
from gtm_platform.policy import policy
from gtm_platform.policy.publish import Publish, PublishedSchema
from gtm_platform.publish import assets
from gtm_platform.publish.assets import publish_assets
from gtm_platform.publish.columns import TypeNames
from gtm_platform.publish.postgres.warehouse import NAMES
from gtm_platform.publish.publishing import DueDay
from gtm_platform.publish.warehouse import DayRows, Target, WarehouseFailed
from gtm_platform.settings import settings
from gtm_platform_tests.publish import marts
from gtm_platform_tests.publish.marts import ACCOUNTS, DAY, NEXT, PLANS, accounts

KEY = dg.AssetKey(["publish", "gtm"])


@dataclass
class Memory:
    """A warehouse that keeps rows by table and day."""

    tables: dict[str, dict[str, str]] = field(default_factory=dict)
    days: dict[str, dict[str, list[Any]]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    names: TypeNames = NAMES

    def columns(self, target: Target) -> dict[str, str]:
        return self.tables.get(target.name, {})

    def create(self, target: Target) -> None:
        self.tables[target.name] = dict(target.types)

    def add(self, target: Target, columns: Sequence[str]) -> None:
        self.tables[target.name] |= {name: target.types[name] for name in columns}

    def replace(self, target: Target, day: DayRows) -> None:
        if target.name in self.broken:
            raise WarehouseFailed(f"{target.name} is broken.")
        with cursor() as connection:
            self.days.setdefault(target.name, {})[day.day] = connection.execute(day.query).fetchall()

    def counts(self, target: Target) -> dict[str, int]:
        return {day: len(rows) for day, rows in self.days.get(target.name, {}).items()}


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    """The warehouse of the policy's one schema, on a day of these tests."""
    warehouse = Memory()

    @contextmanager
    def opened(name: str, schema: str) -> Iterator[Memory]:
        assert (name, schema) == ("postgres", "gtm")
        yield warehouse

    monkeypatch.setattr(assets, "opened", opened)
    monkeypatch.setenv("PUBLISH_POSTGRES_URL", "postgresql://nobody@127.0.0.1:1/x")
    monkeypatch.setenv("GTM_NOW", f"{NEXT}T12:00:00+00:00")
    settings.cache_clear()
    choose(monkeypatch)
    return warehouse


def choose(monkeypatch: pytest.MonkeyPatch, *schemas: Any) -> None:
    chosen = policy().model_copy(update={"publish": Publish(schemas=schemas or (marts.rules(),))})
    for module in ("gtm_platform.publish.assets", "gtm_platform.automation.publishing"):
        monkeypatch.setattr(f"{module}.policy", lambda: chosen)


def graph(passes: bool = True) -> dg.Definitions:
    """Two daily tables with a check, and what is published of them."""

    def table(key: str) -> dg.AssetsDefinition:
        @dg.asset(key=key.split("/"), partitions_def=DAYS, tags={DAILY_TAG: ""})
        def made() -> None: ...

        return made

    @dg.asset_check(asset=ACCOUNTS.split("/"), blocking=True)
    def right() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=passes)

    made = dg.Definitions(
        assets=[table(ACCOUNTS), table(PLANS)],
        asset_checks=[right],
        jobs=[dg.define_asset_job("tables", selection=dg.AssetSelection.groups("default"))],
        resources={"lake": LakeResource()},
    )
    job = publish_job()
    return dg.Definitions.merge(
        made, publish_assets(made), dg.Definitions(jobs=[job], sensors=[request_publishing(job)])
    )


def make(defs: dg.Definitions, instance: dg.DagsterInstance, day: str, count: int) -> None:
    """Make both tables of a day, and have their checks evaluated."""
    marts.write(ACCOUNTS, day, accounts(count, day), marts.declare_accounts())
    marts.write(PLANS, day, [{"plan": "basic", "accounts": count}], marts.declare_plans())
    defs.resolve_job_def("tables").execute_in_process(instance=instance, partition_key=day, raise_on_error=False)


def tick(defs: dg.Definitions, instance: dg.DagsterInstance) -> dg.RunRequest | str:
    """What the sensor requests, or why nothing."""
    sensor = next(each for each in defs.sensors or () if each.name == "request_publishing")
    assert isinstance(sensor, dg.SensorDefinition)
    context = dg.build_sensor_context(instance, definitions=defs)
    tick = sensor.evaluate_tick(context)
    return tick.run_requests[0] if tick.run_requests else str(tick.skip_message)


def run(defs: dg.Definitions, instance: dg.DagsterInstance, tags: dict[str, str], **config: Any) -> Any:
    return defs.resolve_job_def("publish").execute_in_process(
        instance=instance,
        tags=tags,
        raise_on_error=False,
        run_config={"ops": {"publish__gtm": {"config": config}}},
    )


def days_of(result: Any) -> list[str]:
    return [event.partition for event in result.get_asset_materialization_events()]


def test_nothing_chosen_is_nothing_in_the_graph() -> None:
    from gtm_platform.definitions import defs

    assert not policy().publish.schemas
    repository = defs.get_repository_def()
    assert not repository.has_job("publish")
    assert not repository.has_sensor_def("request_publishing")
    assert not [key for key in defs.resolve_asset_graph().get_all_asset_keys() if key.path[0] == "publish"]


def test_what_was_made_and_checked_is_requested_once(memory: Memory, tmp_path: Path) -> None:
    defs = graph()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        make(defs, instance, DAY, 4)
        make(defs, instance, NEXT, 5)
        request = tick(defs, instance)
        assert isinstance(request, dg.RunRequest)
        assert request.tags["dagster/asset_partition_range_start"] == DAY
        assert request.tags["dagster/asset_partition_range_end"] == NEXT
        assert request.asset_selection == [KEY]
        again = tick(defs, instance)
        assert isinstance(again, dg.RunRequest)
        assert again.run_key == request.run_key, "which Dagster launches once"
        result = run(defs, instance, dict(request.tags))
        assert result.success
        assert days_of(result) == [DAY, NEXT]
        assert tick(defs, instance) == "gtm has all that is due"
        make(defs, instance, DAY, 6)
        request = tick(defs, instance)
        assert isinstance(request, dg.RunRequest)
        assert request.tags["dagster/partition"] == DAY
    assert {day: len(rows) for day, rows in memory.days["accounts"].items()} == {DAY: 4, NEXT: 5}
    assert memory.days["plans"][NEXT][0][1:] == ("basic", 5)


def test_the_page_shows_rows_and_speed_and_the_check_that_they_are_there(memory: Memory, tmp_path: Path) -> None:
    defs = graph()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        make(defs, instance, DAY, 4)
        result = run(defs, instance, {"dagster/partition": DAY})
        [event] = result.get_asset_materialization_events()
        shown = {name: value.value for name, value in event.materialization.metadata.items()}
        assert {name: shown[name] for name in shown if not name.startswith("technical")} == {
            "dagster/row_count": 5,
            "rows/accounts": 4,
            "rows/plans": 1,
            "tables_loaded": 2,
            "tables_unchanged": 0,
        }
        assert shown["technical/rows_loaded"] == 5
        assert shown["technical/seconds"] > 0
        assert shown["technical/rows_per_second"] > 0
        assert [each.passed for each in result.get_asset_check_evaluations()] == [True]
        del memory.days["accounts"][DAY][0]
        result = run(defs, instance, {"dagster/partition": DAY})
        [event] = result.get_asset_materialization_events()
        assert event.materialization.metadata["tables_unchanged"].value == 2
        [check] = result.get_asset_check_evaluations()
        assert not check.passed
        assert f"gtm publish run gtm --day {DAY} --to {DAY} --again" in str(check.description)
        result = run(defs, instance, {"dagster/partition": DAY}, again=True)
        assert [each.passed for each in result.get_asset_check_evaluations()] == [True]


def test_what_a_check_holds_back_is_neither_requested_nor_published(memory: Memory, tmp_path: Path) -> None:
    defs = graph(passes=False)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        make(defs, instance, DAY, 4)
        assert "the check right of marts/accounts failed" in str(tick(defs, instance))
        result = run(defs, instance, {"dagster/partition": DAY})
        assert not result.success
        assert "marts/accounts is not published" in str(result.failure_data_for_node("publish__gtm"))
    assert list(memory.days) == ["plans"], "whose checks say nothing against it"


def test_a_table_that_fails_keeps_no_other_from_being_published(memory: Memory, tmp_path: Path) -> None:
    defs = graph()
    memory.broken.add("accounts")
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        make(defs, instance, DAY, 4)
        result = run(defs, instance, {"dagster/partition": DAY})
        assert not result.success
        failure = result.failure_data_for_node("publish__gtm")
        assert "accounts is broken." in str(failure)
        assert list(memory.days) == ["plans"]
        memory.broken.clear()
        assert run(defs, instance, {"dagster/partition": DAY}).success
    assert memory.counts(Target("gtm", "accounts", (), {}, ())) == {DAY: 4}


def test_a_dry_run_publishes_nothing(memory: Memory, tmp_path: Path) -> None:
    defs = graph()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        make(defs, instance, DAY, 4)
        result = run(defs, instance, {"dagster/partition": DAY}, dry_run=True)
        assert result.success
        [event] = result.get_asset_observation_events()
        assert "2 days of tables are due" in event.asset_observation_data.asset_observation.metadata["summary"].value
        assert days_of(result) == []
    assert memory.days == {}


def test_a_table_that_nobody_makes_is_said_to_be_unknown(
    memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(monkeypatch, marts.rules(tables=(PLANS, "marts/misspelt")))
    defs = graph()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        make(defs, instance, DAY, 4)
        assert "No table 'marts/misspelt' is declared" in str(tick(defs, instance))
        result = run(defs, instance, {"dagster/partition": DAY})
        assert not result.success
    assert list(memory.days) == ["plans"]


def test_without_its_address_a_schema_is_off(memory: Memory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory.days == {}
    monkeypatch.delenv("PUBLISH_POSTGRES_URL")
    settings.cache_clear()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert tick(graph(), instance) == "gtm is off: set PUBLISH_POSTGRES_URL"


def test_what_could_not_be_published_is_asked_for_ever_more_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    made = datetime(2026, 3, 2, 6, tzinfo=UTC)
    file = File.of(Path(f"2026-03-01.{int(made.timestamp()) * 10**9:020d}abcd.part.parquet"))
    due = [DueDay("core/profile", file, "shape", "new")]
    hours: dict[str, int] = {}
    for hour in range(72):
        now = made + timedelta(hours=hour, minutes=1)
        monkeypatch.setattr(publishing, "settings", lambda now=now: SimpleNamespace(now=lambda: now))
        hours.setdefault(publishing._key(PublishedSchema(name="gtm", warehouse="postgres", tables=("a/b",)), due), hour)
    assert list(hours.values()) == [0, 1, 3, 7, 15, 31, 63]
