"""A source as Dagster runs it: streams succeed and fail apart, each window is accounted for, and off means off."""

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from gtm_platform.http.errors import Forbidden, Unavailable
from gtm_platform.http.pages import Page
from gtm_platform.http.rate_limit import current_share
from gtm_platform.http.waiting import announce_wait
from gtm_platform.ingest.assets import asset_of, schedule_of, windows
from gtm_platform.ingest.record import Id, Instant, Record, at
from gtm_platform.ingest.schema_drift import acknowledge
from gtm_platform.ingest.source import Schedule, SliceTotal, Source, Stream, Totals, Window
from gtm_platform.ingest.source_run import FULL_REFRESH_TAG, TRANSIENT_TAG
from gtm_platform.ingest.truncation import ACCEPT_SHRINKAGE_TAG
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.orchestration.graph_policy import FIRST_DAY
from gtm_platform.settings import settings
from gtm_platform.sources.stripe.settings import StripeSettings
from gtm_platform_tests.ingest.syncing import RULES

DAY = "2026-03-01"


class Bird(Record):
    """A bird that was heard."""

    id: Id = at("id", default=...)
    heard_at: Instant = at("heard_at", default=...)


def heard(_: Any, window: Window) -> Iterator[Page]:
    yield [json.dumps({"id": "wren", "heard_at": window.end.timestamp() - 60}).encode(), b'{"id": "owl"}']


def deaf(_: Any, window: Window) -> Iterator[Page]:
    announce_wait(60, "The wood is misty.")
    yield []
    raise Unavailable("Wood", f"The wood is silent until {window.end:%H:%M}.", status=503)


def fenced(_: Any, __: Window) -> Iterator[Page]:
    yield []
    raise Forbidden("Wood", "The wood is fenced.", status=403)


SOURCE = Source(
    "wood",
    Schedule(24),
    StripeSettings,
    connect=lambda _: nullcontext(),
    check=lambda _: "quiet",
    streams=(
        Stream("birds", Bird, heard, cursor_field="heard_at"),
        Stream("bats", Bird, deaf, cursor_field="heard_at"),
        Stream("deer", Bird, fenced, cursor_field="heard_at"),
        Stream("trees", Bird, heard, sync_mode="full_refresh"),
        Stream("calls", Bird, heard, sync_mode="append_only", cursor_field="heard_at"),
    ),
)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_1")


@pytest.fixture(autouse=True)
def _soon_after_the_day(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    move(monkeypatch, "2026-03-02T00:15:00+00:00")
    return


def move(monkeypatch: pytest.MonkeyPatch, now: str) -> None:
    monkeypatch.setenv("GTM_NOW", now)
    settings.cache_clear()


def run(
    *streams: str, day: str = DAY, last: str | None = None, tags: dict[str, str] | None = None
) -> dg.ExecuteInProcessResult:
    assets = asset_of(SOURCE, lambda: RULES)
    span = {"dagster/asset_partition_range_start": day, "dagster/asset_partition_range_end": last} if last else {}
    return dg.materialize(
        [assets],
        partition_key=None if last else day,
        resources={"lake": LakeResource()},
        selection=dg.AssetSelection.assets(*(dg.AssetKey(["wood", stream]) for stream in streams)),
        raise_on_error=False,
        tags=span | (tags or {}),
    )


def windows_of(result: dg.ExecuteInProcessResult) -> dict[tuple[str, str], dict[str, Any]]:
    """The metadata of each window that was reported, by stream and partition."""
    events = [event.step_materialization_data.materialization for event in result.get_asset_materialization_events()]
    return {
        (event.asset_key.path[-1], event.partition or ""): {name: value.value for name, value in event.metadata.items()}
        for event in events
    }


def failure_of(result: dg.ExecuteInProcessResult) -> Any:
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    return failed.step_failure_data.user_failure_data


@pytest.mark.usefixtures("key")
def test_the_first_sync_that_succeeds_keeps_the_first_day_in_the_home() -> None:
    kept = settings().home / "first_day"
    run("bats")
    assert not kept.exists()
    run("birds", "bats")
    assert kept.read_text() == f"{FIRST_DAY}\n"


@pytest.mark.usefixtures("key")
def test_a_run_uses_the_share_of_the_limits_that_its_rules_allow() -> None:
    shares = []

    def connect(_: Any) -> AbstractContextManager[None]:
        shares.append(current_share().share)
        return nullcontext()

    rules = replace(RULES, limit_share={"wood": 0.6}.__getitem__)
    assets = asset_of(replace(SOURCE, connect=connect), lambda: rules)
    dg.materialize([assets], partition_key=DAY, resources={"lake": LakeResource()}, raise_on_error=False)
    assert shares == [0.6]


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize(("counted", "passed"), [(1, True), (2, False)])
def test_a_run_says_whether_the_table_has_all_that_the_system_counts(counted: int, passed: bool) -> None:
    def whole(_: Any, window: Window) -> Iterator[Page]:
        yield [json.dumps({"id": "wren", "heard_at": window.end.timestamp() - 60}).encode()]

    totals = Totals(lambda _, window: SliceTotal(window.start, window.end, counted), "a census")
    source = replace(SOURCE, streams=(Stream("birds", Bird, whole, cursor_field="heard_at", totals=totals),))
    result = dg.materialize(
        [asset_of(source, lambda: RULES)], partition_key=DAY, resources={"lake": LakeResource()}, raise_on_error=False
    )
    assert result.success
    (check,) = [each for each in result.get_asset_check_evaluations() if each.check_name == "complete"]
    assert (check.passed, check.severity) == (passed, dg.AssetCheckSeverity.WARN)
    assert check.metadata["records"].value == counted
    assert (check.description or "").startswith("Complete as of" if passed else "Lacks 1 of 2 records")


@pytest.mark.usefixtures("key")
class TestStreams:
    def test_what_succeeds_is_kept_and_what_fails_says_why(self) -> None:
        result = run("birds", "bats")
        assert not result.success
        assert list(windows_of(result)) == [("birds", DAY)]
        failure = failure_of(result)
        assert failure.description == "wood: 1 of 2 streams failed. bats: The wood is silent until 00:00."
        assert failure.metadata["bats.status"].value == 503

    @pytest.mark.parametrize(
        ("streams", "transient"), [(("bats",), True), (("deer",), False), (("bats", "deer"), False)]
    )
    def test_a_failure_says_whether_it_may_pass_and_which_windows_it_cost(
        self, streams: tuple[str, ...], transient: bool
    ) -> None:
        with dg.instance_for_test() as instance:
            result = dg.materialize(
                [asset_of(SOURCE, lambda: RULES)],
                partition_key=DAY,
                resources={"lake": LakeResource()},
                selection=dg.AssetSelection.assets(*(dg.AssetKey(["wood", stream]) for stream in streams)),
                raise_on_error=False,
                instance=instance,
            )
            metadata = failure_of(result).metadata
            assert metadata["transient"].value is transient
            assert {stream: metadata[f"{stream}.transient"].value for stream in streams} == {
                stream: stream == "bats" for stream in streams
            }
            assert (metadata["first_partition"].value, metadata["last_partition"].value) == (DAY, DAY)
            tagged = instance.get_run_by_id(result.run_id)
            assert tagged is not None
            assert tagged.tags[TRANSIENT_TAG] == str(transient).lower()
            assert tagged.tags["source"] == "wood"

    def test_it_tells_how_many_and_what_was_set_aside(self) -> None:
        result = run("birds")
        assert result.success
        metadata = windows_of(result)["birds", DAY]
        assert metadata["dagster/row_count"] == metadata["dagster/partition_row_count"] == 1
        names = ("quarantined", "full_snapshot", "read", "duplicates", "outside")
        assert [metadata[f"technical/{name}"] for name in names] == [1, True, 2, 0, 0]
        checks = {each.check_name: each for each in result.get_asset_check_evaluations()}
        check = checks["nothing_quarantined"]
        assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)

    def test_a_stream_shows_its_rows_and_a_query_but_nothing_personal(self) -> None:
        preview = windows_of(run("birds"))["birds", DAY]["preview"]
        [row] = [record.data for record in preview.records]
        assert (row["id"], row["payload"]) == ("wren", "•••")
        metadata = asset_of(SOURCE, lambda: RULES).metadata_by_key[dg.AssetKey(["wood", "birds"])]
        assert "gtm query" in metadata["query"].value
        [written] = metadata["dagster/code_references"].code_references
        assert written.file_path == __file__

    def test_a_run_says_in_its_log_what_it_waits_for(self, capfd: pytest.CaptureFixture[str]) -> None:
        run("bats")
        assert "bats: 0 pages, 0 rows so far; waits 60 s. The wood is misty." in capfd.readouterr().err


@pytest.mark.usefixtures("key")
class TestWindows:
    def test_a_range_of_past_windows_is_accounted_for_window_by_window(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for number in (1, 2, 3):
            move(monkeypatch, f"2026-03-0{number + 1}T00:15:00+00:00")
            assert run("birds", "trees", "calls", day=f"2026-03-0{number}").success
        move(monkeypatch, "2026-03-20T00:15:00+00:00")
        result = run("birds", "trees", "calls", day=DAY, last="2026-03-03", tags={"dagster/backfill": "b1"})
        assert result.success
        reported = windows_of(result)
        assert set(reported) == {(s, f"2026-03-0{n}") for s in ("birds", "trees", "calls") for n in (1, 2, 3)}
        kept = {"dagster/partition_row_count": 1, "technical/full_snapshot": True, "technical/kept": True}
        assert reported["trees", DAY] == reported["trees", "2026-03-02"] == kept
        newest = reported["trees", "2026-03-03"]  # it alone shows the table as it is
        assert newest == kept | {"dagster/row_count": 1, "preview": newest["preview"]}
        assert "technical/kept" not in reported["birds", "2026-03-02"]

    def test_windows_that_were_missed_are_told_with_the_one_that_covers_them(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run("birds", "trees")
        move(monkeypatch, "2026-03-05T00:15:00+00:00")
        reported = windows_of(run("birds", "trees", day="2026-03-04"))
        for stream in ("birds", "trees"):
            for missed in ("2026-03-02", "2026-03-03"):
                assert reported[stream, missed] == {
                    "dagster/partition_row_count": 0,
                    "technical/kept": True,
                    "technical/covered_by": "2026-03-04",
                }
        assert len(reported) == 6

    def test_a_range_that_begins_before_the_first_sync_does_the_others(self, monkeypatch: pytest.MonkeyPatch) -> None:
        run("birds", day=DAY)
        move(monkeypatch, "2026-03-20T00:15:00+00:00")
        reported = windows_of(run("birds", day="2026-02-27", last="2026-03-02"))
        assert {day for _, day in reported} == {"2026-02-27", "2026-02-28", DAY, "2026-03-02"}
        assert the_lake().partitions("wood/birds") == [DAY, "2026-03-02"]

    @pytest.mark.parametrize("tags", [{"dagster/backfill": "b1"}, {}])
    def test_a_person_hears_why_a_window_cannot_be_had(
        self, monkeypatch: pytest.MonkeyPatch, tags: dict[str, str]
    ) -> None:
        move(monkeypatch, "2026-03-20T00:15:00+00:00")
        result = run("birds", "trees", tags=tags)
        assert not result.success
        assert "wood/birds: before the first sync" in failure_of(result).description
        assert not result.get_asset_materialization_events()

    def test_a_schedule_does_not_fail_for_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        move(monkeypatch, "2026-03-20T00:15:00+00:00")
        result = run("birds", tags={"dagster/schedule_name": "wood_schedule"})
        assert result.success
        assert not result.get_asset_materialization_events()


@pytest.mark.usefixtures("key")
class TestASchema:
    def test_is_warned_of_while_a_change_is_open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def sync(day: str, now: str, **more: str) -> dg.AssetCheckEvaluation:
            birds = [{"id": str(number), "heard_at": f"{day}T05:00:00Z", **more} for number in range(30)]
            stream = Stream("birds", Bird, lambda _, __: iter([[json.dumps(bird).encode() for bird in birds]]),
                            cursor_field="heard_at")  # fmt: skip
            monkeypatch.setattr(sys.modules[__name__], "SOURCE", replace(SOURCE, streams=(stream,)))
            move(monkeypatch, f"{now}T00:15:00+00:00")
            evaluations = run("birds", day=day).get_asset_check_evaluations()
            return next(each for each in evaluations if each.check_name == "schema_unchanged")

        assert sync("2026-03-01", "2026-03-02").passed
        changed = sync("2026-03-02", "2026-03-03", song="tirra-lirra")
        assert not changed.passed
        assert changed.severity == dg.AssetCheckSeverity.WARN
        assert changed.description == "song is new, of type text"
        assert "tirra-lirra" not in str(changed.metadata)
        assert not sync("2026-03-03", "2026-03-04", song="tirra-lirra").passed
        acknowledge(the_lake(), "wood/birds", settings().now())
        assert sync("2026-03-04", "2026-03-05", song="tirra-lirra").passed
        assert not sync("2026-03-05", "2026-03-06", song="tirra-lirra", nest="oak").passed
        assert sync("2026-03-19", "2026-03-20", song="tirra-lirra", nest="oak").passed


@pytest.mark.usefixtures("key")
class TestAFullRefresh:
    def test_is_taken_of_the_newest_window_when_a_run_is_tagged_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        run("birds", "calls")
        move(monkeypatch, "2026-03-03T00:15:00+00:00")
        tags = {FULL_REFRESH_TAG: "true"}
        reported = windows_of(run("birds", "calls", day="2026-03-02", tags=tags))
        assert reported["birds", "2026-03-02"]["technical/full_snapshot"] is True
        assert reported["calls", "2026-03-02"]["technical/full_snapshot"] is False  # what the API no longer has stays
        kept = the_lake().as_of("wood/calls", "9999").count().to_pyarrow().as_py()
        assert kept == 1

    def test_of_a_past_window_is_refused_in_a_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        run("birds")
        move(monkeypatch, "2026-03-20T00:15:00+00:00")
        result = run("birds", day="2026-03-02", tags={FULL_REFRESH_TAG: "true"})
        assert not result.success
        assert "only the newest window can be taken whole" in failure_of(result).description

    def test_that_lost_everything_is_believed_when_a_run_is_tagged_so(self, monkeypatch: pytest.MonkeyPatch) -> None:
        run("trees")
        felled = Stream("trees", Bird, lambda _, __: iter([[]]), sync_mode="full_refresh")
        monkeypatch.setattr(sys.modules[__name__], "SOURCE", replace(SOURCE, streams=(felled,)))
        refused = run("trees")
        assert "--full-refresh --accept-shrinkage" in failure_of(refused).description
        assert failure_of(refused).metadata["transient"].value is False
        assert windows_of(run("trees", tags={ACCEPT_SHRINKAGE_TAG: "true"}))["trees", DAY]["dagster/row_count"] == 0


class TestASourceThatIsOff:
    def test_tells_a_person_so(self) -> None:
        result = run("birds", "bats")
        assert not result.success
        assert failure_of(result).description == "wood is off: set STRIPE_API_KEY (see .env.example)"
        assert not result.get_asset_materialization_events()

    def test_does_nothing_and_succeeds_when_no_person_asked(self) -> None:
        result = run("birds", "bats", tags={"dagster/sensor_name": "retry_failed_windows"})
        assert result.success
        assert not result.get_asset_materialization_events()


@pytest.mark.usefixtures("key")
def test_the_schedule_asks_for_the_window_that_has_just_closed() -> None:
    job = dg.define_asset_job("sync_wood", dg.AssetSelection.assets(asset_of(SOURCE, lambda: RULES)))
    schedule = schedule_of(SOURCE, job)
    with dg.instance_for_test() as instance:
        tick = datetime(2026, 3, 2, 0, 5, tzinfo=UTC)
        with dg.build_schedule_context(instance=instance, scheduled_execution_time=tick) as context:
            request = schedule(context)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == DAY


@pytest.mark.parametrize(
    ("hours", "first", "count"), [(24, "2026-01-01", 2), (12, "2026-01-01T0000", 3), (6, "2026-01-01T0000", 5)]
)
def test_windows_divide_the_day_and_hold_no_colon(hours: int, first: str, count: int) -> None:
    """The last is the one that is open."""
    keys = windows(hours).get_partition_keys(current_time=datetime(2026, 1, 2, 0, 1, tzinfo=UTC))
    assert keys[0] == first
    assert len(keys) == count
    assert keys == sorted(keys)
    assert not any(":" in key for key in keys)


@pytest.mark.parametrize(("hours", "cron"), [(24, "7 0 * * *"), (6, "7 */6 * * *")])
def test_a_schedule_ticks_some_minutes_after_its_windows_close(hours: int, cron: str) -> None:
    assert Schedule(hours, minute=7).cron == cron
