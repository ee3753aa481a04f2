"""A source as Dagster runs it: streams succeed and fail apart, what was set aside shows, and off means off."""

import json
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest

from gtm_platform.http.errors import Unavailable
from gtm_platform.http.pages import Page
from gtm_platform.ingest.assets import asset_of, schedule_of, windows
from gtm_platform.ingest.record import Id, Instant, Record, at
from gtm_platform.ingest.source import Schedule, Source, Stream, Window
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.orchestration import liveness
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
    yield []
    raise Unavailable("Wood", f"The wood is silent until {window.end:%H:%M}.", status=503)


SOURCE = Source(
    "wood",
    Schedule(24),
    StripeSettings,
    connect=lambda _: nullcontext(),
    check=lambda _: "quiet",
    streams=(
        Stream("birds", Bird, heard, cursor_field="heard_at"),
        Stream("bats", Bird, deaf, cursor_field="heard_at"),
    ),
)


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_1")


@pytest.fixture(autouse=True)
def _soon_after_the_day(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("GTM_NOW", "2026-03-02T00:15:00+00:00")
    settings.cache_clear()
    yield
    for file in liveness._held.values():  # a process holds its last run until it ends
        file.close()
    liveness._held.clear()


def run(*streams: str) -> dg.ExecuteInProcessResult:
    chosen = [dg.AssetKey(["wood", stream]) for stream in streams]
    return dg.materialize(
        [asset_of(SOURCE, lambda: RULES)],
        partition_key=DAY,
        resources={"lake": LakeResource()},
        selection=dg.AssetSelection.assets(*chosen),
        raise_on_error=False,
    )


@pytest.mark.usefixtures("key")
def test_what_succeeds_is_kept_and_what_fails_says_why() -> None:
    result = run("birds", "bats")
    assert not result.success
    (done,) = result.get_asset_materialization_events()
    assert done.asset_key == dg.AssetKey(["wood", "birds"])
    (failed,) = [event for event in result.all_events if event.is_step_failure]
    failure = failed.step_failure_data.user_failure_data
    assert failure is not None
    assert failure.description == "wood: 1 of 2 streams failed. bats: The wood is silent until 00:00."
    assert failure.metadata["bats.status"].value == 503


@pytest.mark.usefixtures("key")
def test_it_tells_how_many_and_what_was_set_aside() -> None:
    result = run("birds")
    assert result.success
    (done,) = result.asset_materializations_for_node("wood")
    told = {name: value.value for name, value in done.metadata.items()}
    assert (told["dagster/row_count"], told["quarantined"], told["full_snapshot"]) == (1, 1, True)
    assert (told["read"], told["duplicates"], told["outside"]) == (2, 0, 0)
    (check,) = result.get_asset_check_evaluations()
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)


def test_a_source_that_is_off_does_nothing_and_succeeds() -> None:
    result = run("birds", "bats")
    assert result.success
    assert not result.get_asset_materialization_events()


@pytest.mark.usefixtures("key")
def test_a_window_of_the_past_is_not_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_NOW", "2026-03-20T00:15:00+00:00")
    settings.cache_clear()
    result = run("birds")
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
    ("hours", "first", "count"), [(24, "2026-01-01", 1), (12, "2026-01-01T0000", 2), (6, "2026-01-01T0000", 4)]
)
def test_windows_divide_the_day_and_hold_no_colon(hours: int, first: str, count: int) -> None:
    keys = windows(hours).get_partition_keys(current_time=datetime(2026, 1, 2, 0, 1, tzinfo=UTC))
    assert keys[0] == first
    assert len(keys) == count
    assert keys == sorted(keys)
    assert not any(":" in key for key in keys)
