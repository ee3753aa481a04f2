"""`quality/canaries` as an asset: each run does what is due of canaries and notes which stages saw what they did.

That a stage failed is told by a sensor (`automation/canary_turns`), which needs no run of this one.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from typing import Any

import dagster as dg

from gtm_platform.delivery.canaries.life import NONE, bear_when_due, perform_due
from gtm_platform.delivery.canaries.stages import ABOUT, CanaryStage, failing, look, stages_now
from gtm_platform.delivery.canaries.systems import off_reason, open_systems
from gtm_platform.delivery.canaries.table import CONTRACT, TABLE, rows_by_day
from gtm_platform.delivery.gate import CUSTOMERS
from gtm_platform.delivery.hubspot.assets import newest_of
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.identity.people import TABLE as PEOPLE
from gtm_platform.lake.dagster.asset_pages import definition_metadata, written_metadata
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.graph_policy import DAILY_FRESHNESS, OWNERS
from gtm_platform.policy import policy
from gtm_platform.settings import settings
from gtm_platform.sources.hubspot.client import POOL
from gtm_platform.state import State, open_state
from gtm_platform.state.canaries import every_act

KEY = dg.AssetKey(TABLE.split("/"))
OFF_AT_HOUR = 5  # without canaries a run a day says so


@dg.asset(
    key=KEY,
    description=CONTRACT.about,
    group_name="monitoring",
    kinds={"hubspot", "intercom", "parquet"},
    owners=OWNERS,
    freshness_policy=DAILY_FRESHNESS,
    deps=newest_of(PEOPLE.key, CUSTOMERS),
    metadata=definition_metadata(TABLE),
    pool=POOL,
)
def canaries(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult[None]:
    """Do what is due, look for it in every stage, and write the days whose stages are not over."""
    with redact_exceptions(), closing(open_state(settings().state_url)) as state:
        failures = live(state, settings().now())
        stages = watch(lake.open(), state, settings().now())
    for failure in failures:
        context.log.warning(failure)
    return dg.MaterializeResult(metadata=_written(lake.open(), stages) | _metadata(stages, failures))


def live(state: State, now: datetime) -> list[str]:
    """Bear a canary where the next one is due and do what is due; return why something was not done."""
    rules = policy().canaries
    if rules.domains and off_reason() is None:
        bear_when_due(state, rules, now)
    if off_reason() is not None:
        return [f"Nothing is done of canaries: {off_reason()}."] if rules.domains else []
    if not _something_is_due(state, now):
        return []
    with open_systems() as systems:
        return perform_due(systems, state, now)


def watch(lake: Lake, state: State, now: datetime) -> list[CanaryStage]:
    """Look for what canaries did, and return every stage as it is now."""
    rules = policy().canaries
    look(lake, state, rules, now)
    return stages_now(state, rules, now)


def _something_is_due(state: State, now: datetime) -> bool:
    with state.reading() as tx:
        return any(each.due_at <= now and not each.done_at for each in every_act(tx))


def _written(store: Lake, stages: Sequence[CanaryStage]) -> dict[str, Any]:
    days = rows_by_day(stages)
    metadata: dict[str, Any] = {}
    for day in sorted(days):
        written = store.write(TABLE, day, days[day])
        metadata = written_metadata(store, TABLE, day, written, newest=day)
    return metadata


def _metadata(stages: Sequence[CanaryStage], failures: Sequence[str]) -> dict[str, Any]:
    if not stages:
        return {"summary": NONE}
    lines = ["| stage | not seen in time |", "|---|---|"]
    lines += [f"| {stage} | {each.about} |" for stage, each in failing(stages).items()]
    seen = sum(1 for each in stages if each.seen_at)
    summary = "\n".join(lines) if len(lines) > 2 else f"Every stage saw what it had to by now ({seen} sightings)."
    return {
        "summary": dg.MetadataValue.md(summary),
        "figure/failed_stages": len(failing(stages)),
        "figure/sightings": seen,
        **({"not done": dg.MetadataValue.md("\n".join(f"- {each}" for each in failures))} if failures else {}),
    }


@dg.asset_check(
    asset=KEY,
    name="seen_in_time",
    description="Every stage saw what canaries did within the policy's hours.",
)
def seen_in_time() -> dg.AssetCheckResult:
    """Judge the stages as they are now."""
    with closing(open_state(settings().state_url)) as state:
        stages = stages_now(state, policy().canaries, settings().now())
    late = failing(stages)
    sentences = [f"{stage}: {each.about}" for stage, each in late.items()]
    return dg.AssetCheckResult(
        passed=not late,
        severity=dg.AssetCheckSeverity.WARN,
        description=" ".join(sentences) or (NONE if not stages else "Every stage saw what it had to by now."),
        metadata={"stages": ", ".join(late) or "none", "watched": ", ".join(ABOUT)},
    )


JOB = dg.define_asset_job(
    "live_canaries",
    selection=dg.AssetSelection.assets(KEY),
    description="Does what is due of canaries, and notes which stages saw it.",
)


@dg.schedule(
    name="live_canaries_hourly",
    job=JOB,
    cron_schedule="15 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Does what is due of canaries, where the policy names a domain for them.",
)
def live_canaries_hourly(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Request a run each hour, and without canaries once a day."""
    hour = context.scheduled_execution_time.hour
    if policy().canaries.domains or hour == OFF_AT_HOUR:
        yield dg.RunRequest()
    else:
        yield dg.SkipReason(NONE)
