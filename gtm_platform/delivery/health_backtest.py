"""`health/backtest`: each month whether health, and the alerts that come of it, saw the churns of the past coming.

It stands here and not in `health`, as it counts alerts. How the test is made stands in `health.backtest`.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import dagster as dg
import pyarrow as pa

from gtm_platform.delivery.alerts.alert_counts import raised_alerts
from gtm_platform.delivery.track_record import BACKTEST, MISSED_CHURNS
from gtm_platform.health.backtest import EARLY, LATE, Alarm, Backtest, RulesTested, backtest
from gtm_platform.health.backtest_history import HORIZON, NoHistory
from gtm_platform.health.customer_health import TABLE as HEALTH
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.compat import output_without_materialization
from gtm_platform.orchestration.graph_policy import OWNERS, made_each
from gtm_platform.orchestration.judged_months import MONTHS, all_days_of, request_newest
from gtm_platform.policy import Policy, policy

BAR = 30  # characters


def alarms_of(lake: Lake, rules: Policy) -> Sequence[Alarm]:
    """Return the alerts about customers that the days of a lake would have raised by some rules."""
    return [
        Alarm(fact.subject_id, date.fromisoformat(fact.day), fact.kind)
        for fact in raised_alerts(lake, lake.partitions(HEALTH.key), rules)
    ]


@dg.asset(
    key=BACKTEST.split("/"),
    description=contract_of(BACKTEST).about
    + " The month is the last one whose first day is tested, 90 days after which are over.",
    group_name="health",
    kinds={"parquet"},
    owners=OWNERS,
    partitions_def=MONTHS,
    freshness_policy=made_each(31),
    deps=all_days_of(HEALTH.key, "core/revenue"),
    output_required=False,
)
def health_backtest(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult[None]:
    """Test the months up to the partition's, as far as the lake has them."""
    try:
        result = write_month(lake.open(), context.partition_key)
    except NoHistory as nothing:
        context.log.info(str(nothing))
        return output_without_materialization()
    return dg.MaterializeResult(metadata=_metadata(result))


@redact_exceptions()
def write_month(lake: Lake, month: str) -> Backtest:
    """Test the months up to one, and keep the figures."""
    result = backtest(lake, alarms_of(lake, policy()), until=_last_day(date.fromisoformat(month)))
    for table, rows in ((BACKTEST, _rows(result)), (MISSED_CHURNS, _missed(result))):
        of_month = [{"month": date.fromisoformat(month), **row} for row in rows]
        lake.write(table, month, pa.Table.from_pylist(of_month, schema=contract_of(table).schema.to_pyarrow()))
    return result


def _last_day(month: date) -> date:
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _rows(result: Backtest) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for tested in result.rules:
        rules = {
            "policy_hash": tested.policy_hash,
            "tested_until": max(tested.months),
            "verdict": tested.verdict,
        }
        rows += [{**rules, "measure": f"count_{name}", "value": float(count)} for name, count in tested.counts.items()]
        rows += [{**rules, "measure": name, **asdict(figure)} for name, figure in tested.figures.items()]
    return rows


def _missed(result: Backtest) -> list[dict[str, Any]]:
    return [
        {
            "customer_id": autopsy.churn.customer_id,
            "churned_on": autopsy.churn.day,
            "policy_hash": autopsy.churn.policy_hash,
            "score_before": autopsy.churn.score_before,
            "days_ahead": autopsy.churn.days_ahead,
            "first_knowable": autopsy.first_knowable,
            "rule": autopsy.rule,
            "rule_days_ahead": autopsy.rule_days_ahead,
            "more_alarms": autopsy.more_alarms,
        }
        for autopsy in result.missed
    ]


# --- what Dagster shows ----------------------------------------------------------------------------------------------


def _metadata(result: Backtest) -> dict[str, Any]:
    """Return the figures of the newest rules as numbers to be plotted, and the days ahead as bars."""
    newest = result.rules[0] if result.rules else None
    shown: dict[str, Any] = {
        "missed": len(result.missed),
        "missed/cheapest rules": dg.MetadataValue.md(_cheapest_rules(result)),
    }
    if newest is None:
        return shown
    figures = {f"figure/{name}": measure.value for name, measure in newest.figures.items() if measure.value is not None}
    counts: Mapping[str, Any] = {f"count/{name}": count for name, count in newest.counts.items()}
    return {
        "verdict": newest.verdict,
        "days ahead": dg.MetadataValue.md(days_ahead_plot(newest)),
        "technical/policy_hash": newest.policy_hash,
        **shown,
        **figures,
        **counts,
    }


def days_ahead_plot(tested: RulesTested) -> str:
    """Draw how many days before their churn customers were flagged for the first time."""
    edges = (EARLY, LATE, 1)
    names = (f"{EARLY} to {HORIZON} days", f"{LATE} to {EARLY - 1} days", f"1 to {LATE - 1} days", "never")
    counts = [sum(days >= edge for days in tested.days_ahead) for edge in edges]
    bars = [counts[0], counts[1] - counts[0], counts[2] - counts[1], tested.counts["churners"] - counts[2]]
    most = max([*bars, 1])
    rows = [
        f"| {name} | {count} | `{'█' * round(BAR * count / most)}` |" for name, count in zip(names, bars, strict=True)
    ]
    return "\n".join(["| flagged ahead | churns | |", "|---|--:|---|", *rows])


def _cheapest_rules(result: Backtest) -> str:
    rules = Counter((autopsy.rule, autopsy.more_alarms) for autopsy in result.missed)
    rows = [
        f"| {rule or 'nothing that is known showed it'} | {count} | {'' if alarms is None else alarms} |"
        for (rule, alarms), count in rules.most_common()
    ]
    return "\n".join(["| rule that would have caught it | churns | more alarms a month |", "|---|--:|--:|", *rows])


# --- each month ------------------------------------------------------------------------------------------------------

JOB = dg.define_asset_job(
    "health_backtest",
    selection=dg.AssetSelection.assets(health_backtest.key),
    description="Tests on the churns of the past whether health saw them coming.",
)


@dg.schedule(
    name="health_backtest_schedule",
    cron_schedule="30 6 2 * *",
    job=JOB,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Tests health each month, up to the last one whose first day is 90 days ago.",
)
def health_backtest_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Ask for the newest month that can be judged."""
    return request_newest(context, HORIZON)
