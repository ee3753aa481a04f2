"""Retention as an asset, enforced each night by the policy, with a check that nothing older is left."""

from datetime import date
from typing import Any

import dagster as dg

from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.orchestration.graph_policy import DAILY_POOL, OWNERS, made_each
from gtm_platform.policy import policy
from gtm_platform.policy.privacy import Retention
from gtm_platform.privacy.retention import due, enforce, sweep
from gtm_platform.settings import settings

KEY = dg.AssetKey(["privacy", "retention"])
NAME = "retention"


@dg.asset(
    key=KEY,
    description="What the policy lets nobody keep any longer: emptied or removed each night, with counts.",
    group_name="privacy",
    kinds={"parquet"},
    owners=OWNERS,
    freshness_policy=made_each(1),
    pool=DAILY_POOL,  # no day is made meanwhile
)
def retention(lake: LakeResource) -> dg.MaterializeResult[None]:
    """Enforce `[privacy.retention]`; with nothing in it nothing is done."""
    rules, store, today = policy().privacy.retention, lake.open(), settings().now().date()
    what = due(store, settings().home, rules, today)
    rows, swept = enforce(store, what), sweep(store, rules, today)
    return dg.MaterializeResult(
        metadata={
            "figure/files": what.files,
            "figure/rows_emptied": rows,
            "technical/files_swept": swept,
            **{f"figure/{kind}": count for kind, count in what.kinds.items()},
            "what_it_means": dg.MetadataValue.md(_meaning(rules)),
        }
    )


def _meaning(rules: Retention) -> str:
    """Say what cannot be made again any more as it was."""
    meanings = (
        (
            rules.payload_days,
            "Payloads older than {days} days are gone: no new column can be read from them.",
        ),
        (rules.text_days, "Texts older than {days} days are gone: a day that is made again is judged without them."),
        (rules.history_days, "Days older than {days} days are gone: what looks back over them has less to look at."),
    )
    sentences = [sentence.format(days=days) for days, sentence in meanings if days]
    return " ".join(sentences) or "The policy keeps everything."


@dg.asset_check(
    asset=KEY, name="as_the_policy_says", description="Nothing is kept for longer than `[privacy.retention]` allows."
)
def as_the_policy_says(lake: LakeResource) -> dg.AssetCheckResult:
    """Look for what is due once more."""
    left = due(lake.open(), settings().home, policy().privacy.retention, _today())
    metadata: dict[str, Any] = {"files": left.files, **left.kinds}
    return dg.AssetCheckResult(passed=not left.files, metadata=metadata)


def _today() -> date:
    return settings().now().date()


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    job = dg.define_asset_job(NAME, selection=dg.AssetSelection.assets(KEY), description="Enforces retention.")
    nightly = dg.ScheduleDefinition(
        name=f"{NAME}_schedule",
        job=job,
        cron_schedule="40 3 * * *",
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
    )
    return dg.Definitions(assets=[retention], asset_checks=[as_the_policy_says], jobs=[job], schedules=[nightly])
