"""What the data team is notified of: real runs on SQLite, ticks of the sensors, and what arrives in Slack."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange

from gtm_platform.automation import check_turns
from gtm_platform.automation.failed_runs import read_failed_runs
from gtm_platform.automation.ops_notifications import SENSORS
from gtm_platform.delivery.alerts import ops_alerts, slack_client
from gtm_platform.delivery.alerts.kinds import run_failed
from gtm_platform.delivery.alerts.sender import MAX_ALERT_AGE_DAYS
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.orchestration import compat
from gtm_platform.orchestration.graph_policy import SOURCE_TAG
from gtm_platform.orchestration.origin import RETRY_TAG
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings
from gtm_platform_tests.automation.ops_room import OpsRoom, ops_room

CHECKS, RUNS, STALE, AUTOMATIONS, *_ = SENSORS
DAYS = dg.DailyPartitionsDefinition("2026-11-01")
ERROR, WARN = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN

verdicts: dict[str, dg.AssetCheckSeverity | str | None] = {}


@dg.asset(key=["core", "revenue"], partitions_def=DAYS)
def revenue() -> None:
    if verdicts.get("asset") == "raises":
        raise ValueError("the <disk> is full")


def check(name: str, *, blocking: bool = False) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=revenue, name=name, blocking=blocking)
    def evaluate() -> dg.AssetCheckResult:
        verdict = verdicts.get(name)
        if verdict == "raises":
            raise KeyError("no such column")
        severity = verdict if isinstance(verdict, dg.AssetCheckSeverity) else ERROR
        found = {"found": 3, "query": "select 1"} if verdict else {}
        return dg.AssetCheckResult(passed=not verdict, severity=severity, metadata=found)

    return evaluate


AGREES, BALANCED, BLOCKING = check("sources_agree"), check("balanced"), check("complete", blocking=True)
GRAPH = dg.Definitions(assets=[revenue], asset_checks=[AGREES, BALANCED, BLOCKING])


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running(people=20) as box:
        yield box


@pytest.fixture
def room(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpsRoom]:
    verdicts.clear()
    with ops_room(box, tmp_path, monkeypatch) as room:
        room.defs = GRAPH
        yield room
        room.control.go_right()


def run(room: OpsRoom, *assets: dg.AssetsDefinition, **tags: str) -> dg.ExecuteInProcessResult:
    """A run of the asset and of its checks, or of some of them."""
    chosen = assets or (revenue, AGREES, BALANCED, BLOCKING)
    return dg.materialize(
        list(chosen), partition_key="2026-11-20", instance=room.instance, raise_on_error=False, tags=tags
    )


def seeded(room: OpsRoom) -> None:
    """A first tick over checks that pass."""
    run(room)
    room.tick(CHECKS)
    assert room.titles() == []


def test_the_checks_of_a_run_are_one_message_told_once(room: OpsRoom) -> None:
    seeded(room)
    verdicts.update(sources_agree=ERROR, balanced=WARN)
    failed = run(room)

    assert room.tick(CHECKS) == "2 new, 2 sent, 0 waiting"
    [message] = room.box.world.slack.messages
    assert room.heading(message.blocks) == "Check failed: core/revenue sources_agree and 1 more"
    shown = json.dumps(message.blocks)
    assert "core/revenue balanced warned, 2026-11-20: found 3" in shown
    assert f"<http://dagster.example:3000/runs/{failed.run_id}|Open in Dagster>" in shown
    assert "select 1" not in shown
    assert len(room.titles()) == 1

    run(room)
    assert room.tick(CHECKS) == "0 new, 0 sent, 0 waiting"


def test_worse_is_told_better_is_not_and_recovery_is(room: OpsRoom) -> None:
    seeded(room)
    told = []
    for verdict in (WARN, WARN, ERROR, WARN, None, None):
        verdicts["balanced"] = verdict
        run(room)
        room.tick(CHECKS)
        told.append(room.titles())
    assert told == [
        ["Check warns: core/revenue balanced"],
        [],
        ["Check failed: core/revenue balanced"],
        [],
        ["Check passes again: core/revenue balanced"],
        [],
    ]


def test_a_check_that_turned_and_turned_back_between_two_ticks_is_no_news(room: OpsRoom) -> None:
    seeded(room)
    for verdict in (ERROR, None):
        verdicts["balanced"] = verdict
        run(room)
    room.tick(CHECKS)
    assert room.titles() == []


def test_the_first_tick_tells_what_is_wrong_now_and_no_history(room: OpsRoom) -> None:
    verdicts.update(sources_agree=ERROR, balanced=ERROR)
    run(room)
    verdicts.pop("balanced")
    run(room)
    room.tick(CHECKS)
    assert room.titles() == ["Check failed: core/revenue sources_agree"]


def test_a_check_that_crashes_stays_as_it_was_and_is_told_by_its_run(room: OpsRoom) -> None:
    seeded(room)
    verdicts["balanced"] = ERROR
    run(room)
    room.tick(CHECKS)
    verdicts["balanced"] = "raises"
    crashed = run(room)
    room.tick(CHECKS)
    assert room.titles() == ["Check failed: core/revenue balanced"]

    assert [run_failed_title(failed) for failed in failed_runs(room)] == ["Check crashed: core/revenue:balanced"]
    assert not crashed.success


def test_a_run_that_a_blocking_check_failed_is_told_by_the_check_alone(room: OpsRoom) -> None:
    seeded(room)
    verdicts["complete"] = ERROR
    assert not run(room).success
    room.tick(CHECKS)
    assert room.titles() == ["Check failed: core/revenue complete"]
    assert failed_runs(room) == []


@pytest.mark.faults("D15")
def test_slack_being_down_loses_nothing_and_fails_no_tick(room: OpsRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    seeded(room)
    room.control.go_wrong("slack", "/api/chat.postMessage", status=503, times=1000)
    monkeypatch.setattr(slack_client, "TICK_RETRIES", RetryPolicy(budget=0.01, sleep=lambda _: None))
    verdicts["balanced"] = ERROR
    run(room)
    assert room.tick(CHECKS).startswith("1 new, 0 sent, 1 waiting; Slack")
    assert room.titles() == []

    room.control.go_right()
    assert room.tick(CHECKS) == "0 new, 1 sent, 0 waiting"
    assert room.titles() == ["Check failed: core/revenue balanced"]


def test_slack_is_given_up_on_before_a_tick_ends() -> None:
    longest = slack_client.TICK_RETRIES.deadline + slack_client.TICK_TIMEOUT
    assert longest < 60


def test_a_tick_that_is_repeated_posts_nothing_twice(room: OpsRoom) -> None:
    seeded(room)
    before = dict(room.cursors)
    verdicts["balanced"] = ERROR
    run(room)
    room.tick(CHECKS)
    room.cursors = before  # the daemon died before it stored the cursor
    room.tick(CHECKS)
    assert room.titles() == ["Check failed: core/revenue balanced"]


def test_a_backfill_turns_nothing_red_but_its_repair_is_told(room: OpsRoom) -> None:
    seeded(room)
    backfill = {"dagster/backfill": "b1"}
    verdicts["balanced"] = ERROR
    run(room, **backfill)
    room.tick(CHECKS)
    assert room.titles() == []

    run(room)
    room.tick(CHECKS)
    assert room.titles() == ["Check failed: core/revenue balanced"]

    verdicts.clear()
    run(room, **backfill)
    room.tick(CHECKS)
    assert room.titles() == ["Check passes again: core/revenue balanced"]


def test_an_evaluation_from_outside_is_told(room: OpsRoom) -> None:
    seeded(room)
    room.instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(revenue.key, "balanced", passed=False, metadata={}, description="3 rows differ")
    )
    room.tick(CHECKS)
    [message] = room.box.world.slack.messages
    assert "failed: 3 rows differ" in json.dumps(message.blocks)
    assert "/assets/core/revenue?view=checks|" in json.dumps(message.blocks)


def planned(room: OpsRoom) -> dg.DagsterRun:
    """A run that is not over and will evaluate the checks."""
    job = GRAPH.resolve_implicit_global_asset_job_def()
    return room.instance.create_run_for_job(job, tags={"dagster/partition": "2026-11-20"})


def evaluate(room: OpsRoom, run: dg.DagsterRun, *, passed: bool) -> None:
    room.instance.report_dagster_event(
        dg.DagsterEvent(
            dg.DagsterEventType.ASSET_CHECK_EVALUATION.value,
            run.job_name,
            step_key="core__revenue_balanced",
            event_specific_data=dg.AssetCheckEvaluation(revenue.key, "balanced", passed=passed, metadata={}),
        ),
        run.run_id,
    )


def test_a_run_that_began_earlier_and_ends_later_is_read(room: OpsRoom) -> None:
    """Its row is older than that of a run which overtook it."""
    seeded(room)
    slow = planned(room)
    run(room)
    room.tick(CHECKS)
    evaluate(room, slow, passed=False)
    room.instance.report_run_canceled(slow)
    room.tick(CHECKS)
    assert room.titles() == ["Check failed: core/revenue balanced"]


def test_a_check_waits_for_its_run_but_not_for_long(room: OpsRoom) -> None:
    seeded(room)
    slow = planned(room)
    evaluate(room, slow, passed=False)
    keys = GRAPH.resolve_asset_graph().asset_check_keys
    cursor, now = room.cursors[CHECKS.name], time.time()

    held, memory = check_turns.read_turns(room.instance, keys, cursor, now)
    assert held == []
    held, memory = check_turns.read_turns(room.instance, keys, memory.cursor(), now)
    assert held == []
    [turn], memory = check_turns.read_turns(room.instance, keys, memory.cursor(), now + check_turns.HOLD_SECONDS)
    assert (turn.check, turn.verdict) == ("balanced", "ERROR")
    assert check_turns.read_turns(room.instance, keys, memory.cursor(), now + 60)[0] == []


def test_a_check_that_was_removed_is_forgotten(room: OpsRoom) -> None:
    seeded(room)
    verdicts["balanced"] = ERROR
    run(room)
    room.tick(CHECKS)
    room.defs = dg.Definitions(assets=[revenue], asset_checks=[AGREES])
    room.tick(CHECKS)
    assert "balanced" not in (room.cursors[CHECKS.name] or "")
    assert room.titles() == ["Check failed: core/revenue balanced"]


@pytest.mark.faults("D15")
def test_many_messages_at_once_are_a_digest(room: OpsRoom) -> None:
    failed = [run_failed.FailedRun(f"run-{n}", "sync_stripe", f"2026-11-{n:02}", ("No.",)) for n in range(1, 15)]
    outcome = ops_alerts.send(["run_failed"], run_failed.ALERT.facts_of(failed, ops_alerts.today()))
    assert outcome == "14 new, 14 sent, 0 waiting"
    [message] = room.box.world.slack.messages
    assert room.heading(message.blocks) == "14 alerts at once; here 14 run failed"
    assert "*<http://dagster.example:3000/runs/run-1|Run failed: sync_stripe, 2026-11-01>* No." in json.dumps(
        message.blocks
    )


def test_nobody_is_notified_where_no_ops_channel_is_set(room: OpsRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLACK_OPS_CHANNEL")
    settings.cache_clear()
    verdicts["balanced"] = ERROR
    run(room)
    for sensor in SENSORS:
        assert room.tick(sensor) == "Slack is off: set SLACK_OPS_CHANNEL."
        assert room.cursors[sensor.name] is None
    assert room.titles() == []

    monkeypatch.setenv("SLACK_OPS_CHANNEL", "C0OPSROOM1")
    settings.cache_clear()
    room.tick(CHECKS)
    assert room.titles() == ["Check failed: core/revenue balanced"]


def test_what_waited_too_long_is_dropped_with_its_reason(room: OpsRoom) -> None:
    day = datetime.now(UTC) - timedelta(days=MAX_ALERT_AGE_DAYS + 1)
    failed = run_failed.FailedRun("run-1", "sync_stripe", "", ("No.",))
    assert "0 sent" in ops_alerts.send(["run_failed"], run_failed.ALERT.facts_of([failed], f"{day:%Y-%m-%d}"))
    assert room.titles() == []


# --- runs --------------------------------------------------------------------------------------------------------


def failed_runs(room: OpsRoom, cursor: str | None = None, now: datetime | None = None) -> list[run_failed.FailedRun]:
    """The runs that failed for good since a moment ago; those of this process, too."""
    now = now or datetime.now(UTC)
    memory = json.dumps({"read_until": (now - timedelta(hours=2)).isoformat(), "pending": []})
    repository = room.defs.get_repository_def()
    failed, remembered = read_failed_runs(room.instance, repository, cursor or memory, now, lambda _: True)
    room.cursors["runs"] = remembered.cursor()
    return failed


def run_failed_title(failed: run_failed.FailedRun) -> str:
    [fact] = run_failed.ALERT.facts_of([failed], "2026-11-20")
    assert callable(run_failed.ALERT.title)
    return run_failed.ALERT.title(fact.facts)


def test_a_failed_run_is_named_by_what_it_makes_with_its_partition_and_its_sentence(room: OpsRoom) -> None:
    verdicts["asset"] = "raises"
    ran = run(room, revenue)
    [failed] = failed_runs(room)
    facts = run_failed.ALERT.facts_of([failed], ops_alerts.today())
    ops_alerts.send(["run_failed"], facts)
    ops_alerts.send(["run_failed"], facts)
    [message] = room.box.world.slack.messages
    assert room.heading(message.blocks).startswith("Run failed: ")
    assert room.heading(message.blocks).endswith(", 2026-11-20")
    assert "the &lt;disk&gt; is full" in message.text
    assert f"/runs/{ran.run_id}|" in json.dumps(message.blocks)


def test_a_run_of_a_command_is_for_who_gave_it(room: OpsRoom) -> None:
    verdicts["asset"] = "raises"
    room.tick(RUNS)
    run(room, revenue)
    room.tick(RUNS)
    assert room.titles() == []


def test_a_run_that_is_retried_is_told_of_when_the_last_try_failed(room: OpsRoom) -> None:
    def killed(**tags: str) -> str:
        run = room.instance.add_run(dg.DagsterRun("sync_stripe", status=dg.DagsterRunStatus.STARTED, tags=tags))
        room.instance.report_run_failed(run, "The process died.")
        return run.run_id

    first = killed()
    kept = room.instance.get_run_by_id(first)
    assert kept
    assert kept.tags[compat.WILL_RETRY_TAG] == "true"
    assert failed_runs(room) == []
    assert first in room.cursors["runs"]  # type: ignore[operator]

    second = killed(**{"dagster/retry_number": "1", "dagster/root_run_id": first, "dagster/parent_run_id": first})
    room.instance.add_run_tags(first, {compat.RETRIED_BY_TAG: second})
    room.instance.add_run_tags(second, {compat.WILL_RETRY_TAG: "false"})
    [failed] = failed_runs(room, room.cursors["runs"])
    assert (failed.run_id, failed.sentences) == (second, ("The process died.",))


def test_a_retry_that_never_begins_is_not_waited_for_for_ever(room: OpsRoom) -> None:
    run = room.instance.add_run(dg.DagsterRun("sync_stripe", status=dg.DagsterRunStatus.STARTED))
    room.instance.report_run_failed(run)
    assert failed_runs(room) == []
    later = datetime.now(UTC) + timedelta(hours=1, minutes=1)
    [failed] = failed_runs(room, room.cursors["runs"], later)
    assert failed.run_id == run.run_id


def test_the_failed_runs_of_a_backfill_are_one_message(room: OpsRoom) -> None:
    verdicts["asset"] = "raises"
    for _ in range(3):
        run(room, revenue, **{"dagster/backfill": "b1"})
    facts = run_failed.ALERT.facts_of(failed_runs(room), ops_alerts.today())
    ops_alerts.send(["run_failed"], facts)
    [title] = room.titles()
    assert title.endswith("and 2 more")


# --- freshness ---------------------------------------------------------------------------------------------------


def freshen(room: OpsRoom, key: str, before: FreshnessState, after: FreshnessState) -> None:
    room.instance._report_runless_asset_event(
        FreshnessStateChange(
            key=dg.AssetKey(key.split("/")), new_state=after, previous_state=before, state_change_timestamp=time.time()
        )
    )


def test_stale_assets_are_one_message_and_recovery_is_another(room: OpsRoom) -> None:
    freshen(room, "core/revenue", FreshnessState.UNKNOWN, FreshnessState.PASS)
    room.tick(STALE)
    for key in ("core/revenue", "core/profile"):
        freshen(room, key, FreshnessState.PASS, FreshnessState.WARN)
        freshen(room, key, FreshnessState.WARN, FreshnessState.FAIL)
    room.tick(STALE)
    assert room.titles() == ["Stale: core/revenue and 1 more"]
    room.tick(STALE)
    freshen(room, "core/revenue", FreshnessState.FAIL, FreshnessState.PASS)
    room.tick(STALE)
    assert room.titles() == ["Fresh again: core/revenue"]

    freshen(room, "core/revenue", FreshnessState.PASS, FreshnessState.FAIL)
    freshen(room, "core/revenue", FreshnessState.FAIL, FreshnessState.PASS)
    room.tick(STALE)
    assert room.titles() == []


def test_the_first_tick_tells_what_is_stale_now(room: OpsRoom) -> None:
    freshen(room, "core/revenue", FreshnessState.PASS, FreshnessState.FAIL)
    room.tick(STALE)
    assert room.titles() == ["Stale: core/revenue"]
    room.tick(STALE)
    assert room.titles() == []


# --- windows of sources, which another sensor tries again ----------------------------------------------------------


def window(room: OpsRoom, failure: str | None, **tags: str) -> dg.ExecuteInProcessResult:
    """A scheduled run over a window of a source, with a failure of its stream or none."""

    @dg.asset(key=["stripe", "charges"], partitions_def=DAYS)
    def charges() -> None:
        if failure:
            passes = failure == "Unavailable"
            metadata = {"charges.failure": failure, "charges.transient": passes}
            raise dg.Failure("stripe: 1 of 1 streams failed.", metadata=metadata)

    job = dg.define_asset_job("sync_stripe", dg.AssetSelection.assets(charges))
    room.defs = dg.Definitions([charges], jobs=[job])
    scheduled = {SOURCE_TAG: "stripe", "dagster/schedule_name": "stripe_schedule", **tags}
    return room.defs.resolve_job_def("sync_stripe").execute_in_process(
        instance=room.instance, partition_key="2026-11-20", tags=scheduled, raise_on_error=False
    )


def test_a_window_that_is_tried_again_is_told_of_when_the_last_try_failed(room: OpsRoom) -> None:
    window(room, "Unavailable")
    assert failed_runs(room) == []
    window(room, "Unavailable", **{RETRY_TAG: "1"})
    assert failed_runs(room, room.cursors["runs"]) == []
    last = window(room, "Unavailable", **{RETRY_TAG: "2"})
    [failed] = failed_runs(room, room.cursors["runs"])
    assert (failed.run_id, failed.what, failed.partitions) == (last.run_id, "sync_stripe", "2026-11-20")


def test_a_window_whose_next_try_succeeds_is_never_told_of(room: OpsRoom) -> None:
    window(room, "Unavailable")
    assert failed_runs(room) == []
    window(room, None, **{RETRY_TAG: "1"})
    later = datetime.now(UTC) + timedelta(hours=3)
    assert failed_runs(room, room.cursors["runs"], later) == []


def test_a_window_is_told_of_at_once_where_the_failure_does_not_pass(room: OpsRoom) -> None:
    window(room, "Unauthorized")
    assert len(failed_runs(room)) == 1


def test_a_window_that_nothing_tries_again_is_told_of_in_the_end(room: OpsRoom) -> None:
    window(room, "Unavailable")
    assert failed_runs(room) == []
    later = datetime.now(UTC) + timedelta(hours=1, minutes=16)
    assert len(failed_runs(room, room.cursors["runs"], later)) == 1
