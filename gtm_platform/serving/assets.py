"""The snapshot as the last asset of the daily graph, with the check that it says what the lake says."""

import time
from collections.abc import Set
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg

from gtm_platform.intelligence.effect.shown_lake import shown
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.compat import graph_of_run, output_without_materialization
from gtm_platform.orchestration.graph_policy import DAILY_FRESHNESS, DAILY_POOL, DAILY_TAG, DAYS, OWNERS
from gtm_platform.policy import policy
from gtm_platform.serving.answers.actions import actions_now
from gtm_platform.serving.answers.canaries import canaries_now
from gtm_platform.serving.answers.hooks import hooks_now
from gtm_platform.serving.answers.hot_path import hot_path_now
from gtm_platform.serving.audit_asset import audit, chain_is_whole
from gtm_platform.serving.snapshot import journals
from gtm_platform.serving.snapshot.build import Built, build
from gtm_platform.serving.snapshot.files import folder_of, opened, path_of, stamps
from gtm_platform.serving.snapshot.hubspot_writes import HubSpotWrites
from gtm_platform.serving.snapshot.landing import Landing
from gtm_platform.serving.snapshot.layout import (
    COHORT_ERRORS,
    COMPANIES,
    COMPANY_IDS,
    CUSTOMERS,
    HISTORY_DAYS,
    INTELLIGENCE,
    PEOPLE,
    REVIEW,
    SCORES,
    TRANSITIONS,
)
from gtm_platform.serving.snapshot.triggers import triggers_of
from gtm_platform.settings import settings
from gtm_platform.state import open_state

KEY = dg.AssetKey(["serving", "snapshot"])
CENT = 0.01
READ = (
    *(CUSTOMERS, SCORES, PEOPLE, COMPANY_IDS, COMPANIES, TRANSITIONS, COHORT_ERRORS),
    *(REVIEW, *INTELLIGENCE),
)


@dg.asset(
    key=KEY,
    description="One immutable file with everything that dashboard, API and chat show, of the newest day.",
    group_name="serving",
    kinds={"sqlite"},
    owners=OWNERS,
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    freshness_policy=DAILY_FRESHNESS,
    deps=[table.split("/") for table in READ],
    pool=DAILY_POOL,
    tags={DAILY_TAG: ""},
    output_required=False,
)
def snapshot(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult[None]:
    """Make a snapshot of the newest day, whichever days were made: the days before it are its history."""
    began = time.perf_counter()
    built = build(_landing(context.instance, graph_of_run(context).asset_check_keys, lake.open()), _folder())
    if built is None:
        context.log.info(f"Nothing to serve: {CUSTOMERS} holds no day yet.")
        return output_without_materialization()
    seconds = {"technical/seconds": round(time.perf_counter() - began, 3)}
    return dg.MaterializeResult(metadata=_metadata(built) | seconds)


def remake(instance: dg.DagsterInstance, checks: Set[dg.AssetCheckKey], lake: Lake) -> Built | None:
    """Make a snapshot of what the lake holds now, outside of a run."""
    return build(_landing(instance, checks, lake), _folder())


def _folder() -> Path:
    return folder_of(settings().home)


def _landing(instance: dg.DagsterInstance, checks: Set[dg.AssetCheckKey], lake: Lake) -> Landing:
    now = settings().now()
    since = (date.fromisoformat(f"{now:%Y-%m-%d}") - timedelta(days=HISTORY_DAYS)).isoformat()
    with closing(open_state(settings().state_url)) as state:
        alerts, accounts = journals.alerts_of(state, since), journals.accounts_of(state)
        deliveries, triggers = journals.deliveries_of(state, now), triggers_of(state)
        hot_path = hot_path_now(state, now).model_dump(mode="json")
        hooks = [hook.model_dump(mode="json") for hook in hooks_now(state, now)]
        actions = actions_now(state, policy().actions, now).model_dump(mode="json")["actions"]
        canaries = canaries_now(state, now).model_dump(mode="json")
    return Landing(
        shown(lake),
        now,
        policy(),
        alerts,
        journals.runs_of(instance),
        HubSpotWrites(settings().state_url, since),
        journals.checks_of(instance, checks),
        accounts,
        deliveries,
        triggers,
        hooks,
        hot_path,
        actions,
        canaries,
    )


def _metadata(built: Built) -> dict[str, Any]:
    return {
        "day": built.day,
        "dagster/row_count": built.customers,
        "figure/companies": built.companies,
        "figure/days_of_history": built.days,
        "technical/days_computed": built.days_computed,
        "technical/megabytes": round(built.bytes / 1e6, 1),
        "technical/stamp": built.stamp,
    }


@dg.asset_check(
    asset=KEY,
    name="says_what_the_lake_says",
    description="The newest snapshot has as many customers, and as much MRR, as the wide table of its day.",
)
def says_what_the_lake_says(lake: LakeResource) -> dg.AssetCheckResult:
    """Compare the newest snapshot with its day in the lake: by what is listed, and by the metrics."""
    folder = _folder()
    newest = stamps(folder)
    if not newest:
        return dg.AssetCheckResult(passed=True, description="There is no snapshot yet.")
    day, served = _served(path_of(folder, newest[-1]))
    expected = _in_lake(lake.open(), day)
    wrong = _differences(served, expected)
    return dg.AssetCheckResult(
        passed=not wrong,
        metadata={"day": day, **{f"lake_{name}": value for name, value in expected.items()}, **served},
        description=f"Differs from the lake in {', '.join(wrong)}." if wrong else f"{day} is as it is in the lake.",
    )


def _served(path: Path) -> tuple[str, dict[str, float]]:
    """Return the day of a snapshot, and what its lists and its metrics come to."""
    with closing(opened(path)) as db:
        [(day,)] = db.execute("select value from meta where name = 'as_of'")
        [(everybody, customers, mrr)] = db.execute(
            "select count(*), sum(is_customer), sum(max(mrr_reporting, 0) * is_customer) from customers"
        )
        metrics = dict(db.execute("select metric, value from metric_values where dimension = '' and day = ?", (day,)))
    listed = {"everybody": everybody, "customers": customers or 0, "mrr": round(mrr or 0, 2)}
    return day, listed | {f"{name} as metric": metrics.get(name, 0) for name in ("customers", "mrr")}


def _differences(served: dict[str, float], expected: dict[str, float]) -> list[str]:
    return [name for name, value in served.items() if abs(value - expected[name.split()[0]]) >= CENT / 2]


def _in_lake(store: Lake, day: str) -> dict[str, float]:
    """Return what the wide table of the day comes to."""
    with cursor() as connection:
        [row] = connection.execute(
            "select count(*), count(*) filter (is_customer), "
            "coalesce(sum(mrr_reporting) filter (is_customer), 0)::double "
            f"from ({store.query_day(CUSTOMERS, day).sql})"
        ).fetchall()
    return dict(zip(("everybody", "customers", "mrr"), row, strict=True))


def defs() -> dg.Definitions:
    """Return what this room adds to the graph."""
    return dg.Definitions(assets=[snapshot, audit], asset_checks=[says_what_the_lake_says, chain_is_whole])
