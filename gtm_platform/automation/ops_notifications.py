"""The sensors that notify the data team: of checks, assets, runs and automations that fail or are well again, of
files that were dropped, of what was delivered to HubSpot, of webhooks that nobody takes, of tests of models, and of
canaries.

Each reads what Dagster recorded since its cursor, journals what is news and posts it; a repeated tick posts nothing
twice. They post to `SLACK_OPS_CHANNEL` and nowhere else. What is news is decided in the modules beside this one.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import dagster as dg

from gtm_platform.automation.canary_turns import read_canary_turns
from gtm_platform.automation.check_turns import read_turns
from gtm_platform.automation.dropped_files import read_file_news
from gtm_platform.automation.failed_runs import read_failed_runs
from gtm_platform.automation.failing_automations import TickMemory, read_failing, read_late
from gtm_platform.automation.hook_turns import read_hook_turns
from gtm_platform.automation.hubspot_deliveries import read_delivery_news
from gtm_platform.automation.lost_webhooks import read_lost_webhooks
from gtm_platform.automation.model_tests import read_model_tests
from gtm_platform.delivery.alerts.kinds import (
    canary_late,
    check_turned,
    file_dropped,
    hook_trouble,
    hubspot_delivery,
    late_schedule,
    model_result,
    run_failed,
    sensor_failing,
    stale_asset,
    webhooks_lost,
)
from gtm_platform.delivery.alerts.ops_alerts import ops_off_reason, send, today
from gtm_platform.delivery.hubspot.consent import WITHIN_LIMITS
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.orchestration.compat import Graph
from gtm_platform.orchestration.compat_history import (
    FreshnessChange,
    freshness_changes,
    newest_freshness_change,
    stale_assets,
)
from gtm_platform.quality.source_checks import FRESH
from gtm_platform.settings import settings
from gtm_platform.state.slack_journal import Fact

TICK_SECONDS = 20  # with the wait for the run of a check, a message is out within a minute
EVENTS_READ = 500

# The facts that are news, and the cursor after them.
Look = Callable[[dg.SensorEvaluationContext], tuple[Sequence[Fact], str]]


def _notifying(name: str, description: str, kinds: Sequence[str], look: Look) -> dg.SensorDefinition:
    @dg.sensor(
        name=name,
        description=description,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=TICK_SECONDS,
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        if off := ops_off_reason():
            return dg.SkipReason(off)
        with redact_exceptions():
            facts, cursor = look(context)
            outcome = send(kinds, facts)
        context.update_cursor(cursor)
        return dg.SkipReason(outcome)

    return sensor


def _failed_checks(context: dg.SensorEvaluationContext) -> tuple[Sequence[Fact], str]:
    every = _repository(context).asset_graph.asset_check_keys
    checks = {check for check in every if check.name != WITHIN_LIMITS}  # that is told with the delivery that stopped
    turns, memory = read_turns(context.instance, checks, context.cursor, time.time())
    return check_turned.ALERT.facts_of(turns, today()), memory.cursor()


def _failed_runs(context: dg.SensorEvaluationContext) -> tuple[Sequence[Fact], str]:
    runs, memory = read_failed_runs(context.instance, _repository(context), context.cursor, datetime.now(UTC))
    return run_failed.ALERT.facts_of(runs, today()), memory.cursor()


def _stale_assets(context: dg.SensorEvaluationContext) -> tuple[Sequence[Fact], str]:
    graph = _repository(context).asset_graph
    if context.cursor:
        changes = freshness_changes(context.instance, int(context.cursor), EVENTS_READ)
        cursor = changes[-1].id if changes else int(context.cursor)
    else:  # before the first look all history is new: only what is stale now is reported
        cursor = newest_freshness_change(context.instance)
        stale = stale_assets(context.instance, graph.materializable_asset_keys)
        changes = [FreshnessChange(cursor, key, was_stale=False, is_stale=True) for key in stale]
    turns = [
        stale_asset.FreshnessTurn(
            change.asset.to_user_string(), change.is_stale, _allowed(graph, change.asset), str(change.id)
        )
        for change in _net(changes)
        if not _is_watched(graph, change.asset)
    ]
    return stale_asset.ALERT.facts_of(turns, today()), str(cursor)


def _net(changes: Sequence[FreshnessChange]) -> list[FreshnessChange]:
    """Return one change for each asset that is otherwise than it was before all of them."""
    first: dict[dg.AssetKey, bool] = {}
    last: dict[dg.AssetKey, FreshnessChange] = {}
    for change in changes:
        first.setdefault(change.asset, change.was_stale)
        last[change.asset] = change
    return [change for asset, change in last.items() if change.is_stale != first[asset]]


def _is_watched(graph: Graph, asset: dg.AssetKey) -> bool:
    """Whether the check `fresh` says more of its freshness: that of sources knows a backfill from news."""
    return dg.AssetCheckKey(asset, FRESH) in graph.asset_check_keys


def _allowed(graph: Graph, asset: dg.AssetKey) -> str:
    """Return the time within which an asset has to be made again, in words."""
    policy = graph.get(asset).freshness_policy if graph.has(asset) else None
    window = getattr(policy, "fail_window", None)
    return f"{window.to_timedelta().total_seconds() / 3600:g} hours" if window else ""


def _failing_automations(context: dg.SensorEvaluationContext) -> tuple[Sequence[Fact], str]:
    memory, now = TickMemory.of(context.cursor), datetime.now(UTC)
    failing = list(read_failing(context.instance, memory, now))
    late = list(read_late(context.instance, list(_repository(context).schedule_defs), memory, now))
    facts = sensor_failing.ALERT.facts_of(failing, today()) + late_schedule.ALERT.facts_of(late, today())
    return facts, memory.cursor()


def _dropped_files(context: dg.SensorEvaluationContext) -> tuple[Sequence[Fact], str]:
    news, cursor = read_file_news(context.cursor, settings().now())
    return file_dropped.ALERT.facts_of(news, today()), cursor


def _hubspot_deliveries(context: dg.SensorEvaluationContext) -> tuple[Sequence[Fact], str]:
    news, cursor = read_delivery_news(context.instance, context.cursor)
    return hubspot_delivery.ALERT.facts_of(news, today()), cursor


def _lost_webhooks(context: dg.SensorEvaluationContext) -> tuple[Sequence[Fact], str]:
    news, cursor = read_lost_webhooks(context.cursor, settings().now())
    return webhooks_lost.ALERT.facts_of(news, today()), cursor


def _model_tests(context: dg.SensorEvaluationContext) -> tuple[Sequence[Fact], str]:
    tests, cursor = read_model_tests(the_lake(), context.cursor)
    return model_result.ALERT.facts_of(tests, today()), cursor


def _hooks(context: dg.SensorEvaluationContext) -> tuple[Sequence[Fact], str]:
    turns, cursor = read_hook_turns(context.cursor, settings().now())
    return hook_trouble.ALERT.facts_of(turns, today()), cursor


def _canaries(context: dg.SensorEvaluationContext) -> tuple[Sequence[Fact], str]:
    turns, cursor = read_canary_turns(the_lake(), context.cursor, settings().now())
    return canary_late.ALERT.facts_of(turns, today()), cursor


def _repository(context: dg.SensorEvaluationContext) -> dg.RepositoryDefinition:
    assert context.repository_def
    return context.repository_def


SENSORS = [
    _notifying(
        "report_failed_checks",
        "Tells the data team in Slack which checks began to fail or warn, and which pass again; one message a run.",
        [check_turned.ALERT.kind],
        _failed_checks,
    ),
    _notifying(
        "report_failed_runs",
        "Tells the data team in Slack which run failed and why, once nothing retries it.",
        [run_failed.ALERT.kind],
        _failed_runs,
    ),
    _notifying(
        "report_stale_assets",
        "Tells the data team in Slack which assets were not made in time, and which are fresh again.",
        [stale_asset.ALERT.kind],
        _stale_assets,
    ),
    _notifying(
        "report_failing_automations",
        "Tells the data team in Slack which sensors and schedules fail or are late, and which work again.",
        [sensor_failing.ALERT.kind, late_schedule.ALERT.kind],
        _failing_automations,
    ),
    _notifying(
        "report_dropped_files",
        "Tells the data team in Slack what came of each dropped file: rows accepted, quarantined, and why.",
        [file_dropped.ALERT.kind],
        _dropped_files,
    ),
    _notifying(
        "report_hubspot_deliveries",
        "Tells the data team in Slack what became of each delivery to HubSpot: in counts, or why it stopped.",
        [hubspot_delivery.ALERT.kind],
        _hubspot_deliveries,
    ),
    _notifying(
        "report_lost_webhooks",
        "Tells the data team in Slack whose webhooks are tried no more, and which subscription was switched off.",
        [webhooks_lost.ALERT.kind],
        _lost_webhooks,
    ),
    _notifying(
        "report_model_tests",
        "Tells the data team in Slack which model lost its signal or drifted in its newest test, and the end of it.",
        [model_result.ALERT.kind],
        _model_tests,
    ),
    _notifying(
        "report_hooks",
        "Tells the data team in Slack which webhooks have stopped or are refused, and which come again.",
        [hook_trouble.ALERT.kind],
        _hooks,
    ),
    _notifying(
        "report_canaries",
        "Tells the data team in Slack which stage did not see in time what a canary did, and which does again.",
        [canary_late.ALERT.kind],
        _canaries,
    ),
]


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(sensors=SENSORS)
