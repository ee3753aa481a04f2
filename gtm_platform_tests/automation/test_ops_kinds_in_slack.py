"""Each kind of notification to the data team: what goes wrong is in the sandbox's Slack within two ticks of the
sensors, once, and so is its end.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import httpx
import pytest
from dagster._core.definitions.freshness import FreshnessState
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import TickStatus

from gtm_platform.automation import failed_runs
from gtm_platform.automation.ops_notifications import SENSORS
from gtm_platform.definitions import defs
from gtm_platform.delivery.alerts import slack_client
from gtm_platform.delivery.alerts.kinds import routed
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.files.streams import folder_of
from gtm_platform.intelligence.churn.model import MODEL as CHURN_MODEL
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.quality.source_checks import watch_tables
from gtm_platform.reports.slack_summaries import slack_summaries
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SOURCES
from gtm_platform.state import open_state, trigger_outbox, trigger_subscriptions
from gtm_platform.state.trigger_outbox import LastSent, NewMessage
from gtm_platform.state.trigger_subscriptions import Subscription
from gtm_platform_tests.automation.ops_room import OpsRoom, ops_room
from gtm_platform_tests.automation.test_dropped_files import take as read_file
from gtm_platform_tests.automation.test_failing_automations import Automated
from gtm_platform_tests.automation.test_ops_notifications import freshen
from gtm_platform_tests.e2e.home import execute
from gtm_platform_tests.quality.test_freshness import YESTERDAY
from gtm_platform_tests.quality.test_freshness import write as write_window
from gtm_platform_tests.quality.test_odd_figures import write as write_rows
from gtm_platform_tests.quality.test_odd_figures import write_odd
from gtm_platform_tests.serving.world import settle
from gtm_platform_tests.tables import DAY, filled

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
RULES, WEEKLY = "health/rules", "weekly_health_schedule"
STRIPE = next(source for source in SOURCES if source.name == "stripe")


@dataclass
class Platform:
    """The graph with its sensors, ticked by hand, and the Slack that they post to."""

    room: OpsRoom
    monkeypatch: pytest.MonkeyPatch
    now: datetime = NOW
    cursor: str | None = None
    automated: dict[str, Automated] = field(default_factory=dict)

    def ticks(self, times: int = 2) -> list[str]:
        """Let every sensor tick twice, or so many times; return the headings of what arrived."""
        titles = []
        for _ in range(times):
            self.tick_once()
            titles += self.room.titles()
        return titles

    def tick_once(self) -> None:
        self.monkeypatch.setenv("GTM_NOW", self.now.isoformat())
        settings.cache_clear()
        context = dg.build_sensor_context(self.room.instance, cursor=self.cursor, definitions=self.room.defs)
        watched = watch_tables(context)
        assert isinstance(watched, dg.SensorResult)
        for event in watched.asset_events:
            self.room.instance.report_runless_asset_event(event)
        self.cursor = watched.cursor
        for sensor in SENSORS:
            self.room.tick(sensor)


Script = Callable[[Platform], None]


def read_stripe(platform: Platform) -> None:
    day = str(NOW.date() - timedelta(days=1))
    execute(platform.room.instance, "sync_stripe", day, tables=["stripe/products"])


def key_is_refused(platform: Platform) -> None:
    platform.room.control.go_wrong("stripe", "/v1/products", status=401, times=1000)
    read_stripe(platform)


def nothing_is_read(platform: Platform) -> None:
    platform.now += timedelta(days=3)


def stripe_is_read_again(platform: Platform) -> None:
    for stream in STRIPE.streams:
        write_window(the_lake(), platform.now.date() - timedelta(days=1), table=f"stripe/{stream.name}")


def file_is_damaged(platform: Platform) -> None:
    """Rules of a day whose file was overwritten; the check of its contract reads it again."""
    row = {"policy_hash": "abc", "rules": "{}", "code_version": "1", "customers": 1}
    the_lake().write(RULES, str(DAY), filled(RULES, row).to_pyarrow())
    (file,) = the_lake().files(RULES)
    file.path.write_bytes(b"PAR1 this was a table once")
    evaluate_contract(platform)


def file_is_made_again(platform: Platform) -> None:
    row = {"policy_hash": "abc", "rules": "{}", "code_version": "1", "customers": 1}
    the_lake().write(RULES, str(DAY), filled(RULES, row).to_pyarrow())
    evaluate_contract(platform)


def evaluate_contract(platform: Platform) -> None:
    key = dg.AssetCheckKey(dg.AssetKey(RULES.split("/")), "contract")
    job = dg.define_asset_job("contract", selection=dg.AssetSelection.checks(key))
    definitions = dg.Definitions.merge(defs, dg.Definitions(jobs=[job]))
    definitions.resolve_job_def("contract").execute_in_process(
        instance=platform.room.instance, raise_on_error=False, run_config={"resources": {"catalogue": _catalogue()}}
    )


def _catalogue() -> dict[str, dict[str, str]]:
    return {"config": {"database": str(settings().home / "gtm.duckdb")}}


def file_is_dropped(platform: Platform) -> None:
    """A file that somebody dropped in the sandbox's world is picked up and read."""
    [dropped, *_] = platform.room.control.ask("files")["files"]
    folder = folder_of(next(source for source in SOURCES if source.name == dropped["source"]))
    assert folder
    path = settings().home / dropped["name"]
    path.write_bytes(httpx.get(f"{platform.room.box.url}/_sandbox/files/{dropped['source']}/{path.name}").content)
    read_file(folder, path)


def records_vanish(_platform: Platform) -> None:
    write_odd(the_lake(), "stripe/charges")


def records_are_back(_platform: Platform) -> None:
    write_rows(the_lake(), "quality/anomalies", DAY + timedelta(days=2), [])


def asset_goes_stale(platform: Platform) -> None:
    freshen(platform.room, "core/revenue", FreshnessState.PASS, FreshnessState.FAIL)


def asset_is_fresh(platform: Platform) -> None:
    freshen(platform.room, "core/revenue", FreshnessState.FAIL, FreshnessState.PASS)


def sensor_fails(platform: Platform) -> None:
    sensor = platform.automated["sensor"] = Automated(platform.room.instance, "make_it", InstigatorType.SENSOR)
    for minutes in (2, 1):
        sensor.ticks(datetime.now(UTC) - timedelta(minutes=minutes), TickStatus.FAILURE, "No.")


def sensor_works(platform: Platform) -> None:
    platform.automated["sensor"].ticks(datetime.now(UTC), TickStatus.SKIPPED)


def schedule_misses_its_time(platform: Platform) -> None:
    """The daemon's clock decides, so these days are those of today: its last tick is three weeks old."""
    now = datetime.now(UTC)
    schedule = Automated(platform.room.instance, WEEKLY, InstigatorType.SCHEDULE, began=now - timedelta(days=30))
    schedule.ticks(now - timedelta(days=21), TickStatus.SUCCESS)
    platform.automated["schedule"] = schedule


def schedule_ticks_again(platform: Platform) -> None:
    platform.automated["schedule"].ticks(datetime.now(UTC), TickStatus.SUCCESS)


def webhook_is_given_up(platform: Platform) -> None:
    """A message to a subscriber was not taken in all attempts."""
    message = NewMessage("msg_1", "customer.changed", "customer", "cus_1", {}, LastSent({}, 1))
    who = Subscription("sub_1", "https://hooks.example/x", ("cohort",), {}, False, False, (), NOW, "Noor", NOW)
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        trigger_subscriptions.add(tx, who)
        trigger_outbox.put(tx, "sub_1", [message], str(DAY), "run", platform.now)
        trigger_outbox.bury(tx, "sub_1", "webhook answered 500.", platform.now + timedelta(seconds=1))


def write_test(verdict: str, drift: float) -> None:
    """Write a month of the registry, later than those before."""
    months = [date.fromisoformat(month) for month in the_lake().partitions(CHURN_MODEL.registry)]
    month = (max(months, default=date(2026, 1, 1)) + timedelta(days=31)).replace(day=1)
    of_month = {"month": month, "verdict": verdict, "drift": drift, "drifted_column": "logins_a_day_30d"}
    the_lake().write(CHURN_MODEL.registry, str(month), filled(CHURN_MODEL.registry, of_month).to_pyarrow())


def model_loses_its_signal(_platform: Platform) -> None:
    write_test("signal", 0.01)
    write_test("no signal", 0.01)


def model_has_a_signal(_platform: Platform) -> None:
    write_test("signal", 0.01)


def model_drifts(_platform: Platform) -> None:
    write_test("signal", 0.01)
    write_test("signal", 0.9)


# What goes wrong, the kind, the heading; what ends it, and the heading of that.
STORIES: dict[str, tuple[Script, str, str, Script | None, str]] = {
    "a sync fails": (key_is_refused, "run_failed", "Run failed: stripe/products, 2026-11-20", None, ""),
    "a source is stale": (
        nothing_is_read, "check_turned", "Check warns: factors_alerts/alerts fresh and ", stripe_is_read_again,
        "Check passes again: stripe/charges fresh and ",
    ),
    "an asset check fails": (
        file_is_damaged, "check_turned", "Check failed: health/rules contract", file_is_made_again,
        "Check passes again: health/rules contract",
    ),
    "a metric is odd": (
        records_vanish, "check_turned", "Check warns: stripe/charges as_usual", records_are_back,
        "Check passes again: stripe/charges as_usual",
    ),
    "a file is dropped": (file_is_dropped, "file_dropped", "File read: ", None, ""),
    "an asset is stale": (
        asset_goes_stale, "stale_asset", "Stale: core/revenue", asset_is_fresh, "Fresh again: core/revenue",
    ),
    "a sensor fails": (
        sensor_fails, "sensor_failing", "Sensor fails: make_it", sensor_works, "Sensor works again: make_it",
    ),
    "a schedule is late": (
        schedule_misses_its_time, "late_schedule", f"Schedule is late: {WEEKLY}", schedule_ticks_again,
        f"Schedule ticks again: {WEEKLY}",
    ),
    "a webhook is given up": (
        webhook_is_given_up, "webhooks_lost", "Webhooks given up: hooks.example (sub_1)", None, "",
    ),
    "a model has no signal any more": (
        model_loses_its_signal, "model_result", "The model of churn lost its signal", model_has_a_signal,
        "The model of churn has a signal",
    ),
    "a model drifts": (
        model_drifts, "model_result", "The model of churn drifted", model_has_a_signal,
        "The model of churn knows its customers again",
    ),
}  # fmt: skip
ELSEWHERE = {"canary_late", "hubspot_delivery", "hook_trouble"}  # their stories are in tests of their own


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running(people=20) as box:
        yield box


@pytest.fixture
def platform(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    """A home in which Stripe is read, nothing is wrong, and every sensor has ticked."""
    with ops_room(box, tmp_path, monkeypatch) as room:
        for source in SOURCES:
            for name in source.required_env:
                if source.name != "stripe":
                    monkeypatch.delenv(name, raising=False)
        # A run of a test's own process is one that the daemon launched here.
        monkeypatch.setattr(failed_runs.read_failed_runs, "__defaults__", (lambda _: True,))
        room.defs = defs
        platform = Platform(room, monkeypatch)
        for stream in STRIPE.streams:
            write_window(the_lake(), YESTERDAY + timedelta(days=1), table=f"stripe/{stream.name}")
        assert platform.ticks(1) == []
        yield platform
        room.control.go_right()


@pytest.mark.soak
@pytest.mark.parametrize("name", STORIES)
def test_what_goes_wrong_is_in_slack_once_and_so_is_its_end(platform: Platform, name: str) -> None:
    happens, _, title, ends, recovery = STORIES[name]
    happens(platform)
    (heading,) = platform.ticks()
    assert heading.startswith(title)
    assert platform.ticks(1) == []
    if ends:
        ends(platform)
        (heading,) = platform.ticks()
        assert heading.startswith(recovery)
        assert platform.ticks(1) == []


@pytest.mark.soak
def test_a_delivery_that_slack_itself_failed_is_reported_once_slack_is_back(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(the_lake(), [DAY], people=10)
    monkeypatch.setattr(slack_client, "TICK_RETRIES", RetryPolicy(budget=0.01, sleep=lambda _: None))
    refused = {"ok": False, "error": "token_revoked"}
    platform.room.control.go_wrong("slack", "/api/chat.postMessage", status=200, body=refused, times=1000)
    ran = dg.materialize(
        [slack_summaries], instance=platform.room.instance, resources={"lake": LakeResource()}, raise_on_error=False
    )
    assert not ran.success
    assert platform.ticks() == [], "Slack takes nothing"

    platform.room.control.go_right()
    (heading,) = platform.ticks()
    assert heading.startswith("Run failed: ")
    assert platform.ticks(1) == []


def test_the_table_has_every_kind() -> None:
    assert {story[1] for story in STORIES.values()} == set(routed("ops")) - ELSEWHERE
