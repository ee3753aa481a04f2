"""The share of what is wanted that is true in HubSpot, as an asset: each run goes on with the sweep of the newest day.

A sweep is slow, so that it takes a small share of the account's calls; it is begun once a day, and an hourly schedule
goes on with it until every object was compared. Checks say whether enough is true, and whether a day was enough.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import dagster as dg

from gtm_platform.delivery.gate import newest_day
from gtm_platform.delivery.hubspot.client import HubSpotObjects, open_client
from gtm_platform.delivery.hubspot.day_delivery import missing_tables, read_tables
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.object_types import delivered_types, object_types
from gtm_platform.delivery.hubspot.plan import plan_after
from gtm_platform.delivery.hubspot.rules import DeliveryRules
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.delivery.hubspot.sweep import Sweeper
from gtm_platform.delivery.hubspot.truth_table import OUTCOMES, TABLE, rows_of, totals_of, true_share
from gtm_platform.delivery.hubspot.turns import writing_alone
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.delivery.request import is_dry_run
from gtm_platform.http.errors import ApiFailure
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.intelligence.effect.shown_lake import shown
from gtm_platform.lake.dagster.asset_pages import definition_metadata, written_metadata
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.compat import output_without_materialization
from gtm_platform.orchestration.graph_policy import DAILY_FRESHNESS, OWNERS
from gtm_platform.policy import policy
from gtm_platform.settings import settings, settings_of
from gtm_platform.sources.hubspot.client import POOL
from gtm_platform.state import State, hubspot_sweeps, open_state
from gtm_platform.state.hubspot_sweeps import TruthSweep

KEY = dg.AssetKey(TABLE.split("/"))
HOURS = 24  # of a day, over which its calls are spread
TRUE_ENOUGH, IN_A_DAY = "true_enough", "compared_within_a_day"


@dg.asset(
    key=KEY,
    description="How many of the values that were delivered HubSpot still has; what a workflow or an import changed is "
    "set back, what a person wrote is left alone.",
    group_name="delivery",
    kinds={"hubspot", "parquet"},
    owners=OWNERS,
    freshness_policy=DAILY_FRESHNESS,
    deps=[dg.AssetDep(["delivery", f"hubspot_{each.name}"]) for each in object_types()],
    metadata=definition_metadata(TABLE),
    pool=POOL,
    output_required=False,
)
def hubspot_truth(context: dg.AssetExecutionContext, lake: LakeResource) -> Iterator[dg.MaterializeResult[None]]:
    """Go on with the sweep of the newest day, as far as an hour's share of the calls reaches."""
    store = shown(lake.open())
    day, config = newest_day(store), settings_of(HubSpotDeliverySettings)
    if reason := _skip_reason(store, day, config):
        context.log.info(reason)
        yield output_without_materialization()
        return
    heals = config.hubspot_write_enabled and not is_dry_run(context.run.run_config)
    run = Run(context.run.run_id, day, settings().now)
    try:
        sweeps = sweep_on(store, run, delivered_types(), heals=heals)
    except ApiFailure as failure:
        raise dg.Failure(failure.message, metadata=failure.metadata()) from failure
    if not any(sweep.counts for sweep in sweeps):
        context.log.info(f"Nothing of {day} was delivered to HubSpot, so nothing can be compared.")
        yield output_without_materialization()
        return
    written = store.write(TABLE, day, rows_of(sweeps))
    yield dg.MaterializeResult(metadata=written_metadata(store, TABLE, day, written, newest=day) | _metadata(sweeps))


def _skip_reason(store: Lake, day: str, config: HubSpotDeliverySettings) -> str | None:
    if not config.hubspot_access_token:
        return "HubSpot is off: set HUBSPOT_ACCESS_TOKEN."
    if not day:
        return "Nothing to compare: no day was made yet."
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        finished = [sweep.object_type for sweep in hubspot_sweeps.sweeps(tx, day) if sweep.finished_at]
    possible = [each.name for each in object_types() if not missing_tables(store, day, each.inputs)]
    return None if set(possible) - set(finished) else f"All objects of {day} were compared with HubSpot."


@redact_exceptions()
def sweep_on(store: Lake, run: Run, types: Sequence[ObjectType], *, heals: bool) -> list[TruthSweep]:
    """Go on with the sweeps of a day in the account of the environment; return all of that day."""
    config = settings_of(HubSpotDeliverySettings)
    calls = policy().hubspot.truth.calls_a_day
    with closing(open_state(settings().state_url)) as state, closing(open_client(config)) as client:
        left = min(-(-calls // HOURS), calls - _spent(state, run.now()))
        for object_type in types:
            if not missing_tables(store, run.day, object_type.inputs):
                objects = HubSpotObjects(client, object_type)
                left = sweep_type(store, objects, state, run, left, heals=heals)
        with state.reading() as tx:
            return hubspot_sweeps.sweeps(tx, run.day)


def _spent(state: State, now: datetime) -> int:
    with state.reading() as tx:
        return hubspot_sweeps.calls_since(tx, now - timedelta(hours=HOURS))


def sweep_type(store: Lake, objects: HubSpotObjects, state: State, run: Run, calls: int, *, heals: bool) -> int:
    """Go on with the sweep of one type of objects; return the calls that are left."""
    object_type, rules = objects.object_type, policy().hubspot
    with state.reading() as tx:
        sweep = hubspot_sweeps.sweep_of(tx, run.day, object_type.name, run.now())
    if sweep.finished_at or calls <= 0:
        return calls
    tables = read_tables(store, run.day, object_type.inputs, object_type.days_back)
    following = partial(plan_after, object_type, run.day, tables)
    of_run, share, least = DeliveryRules.of(rules, run.now(), run.day), rules.max_change_share, rules.change_min_records
    alone = partial(writing_alone, f"compares {object_type.name} of {run.day}") if heals else nullcontext
    sweeper = Sweeper(objects, state, run, of_run, share, least, heals=heals, alone=alone)
    return sweeper.go_on(sweep, following, calls)


def _metadata(sweeps: Sequence[TruthSweep]) -> dict[str, Any]:
    totals, share = totals_of(sweeps), true_share(sweeps)
    return {
        "day": sweeps[0].day,
        "summary": dg.MetadataValue.md(text(sweeps)),
        "figure/true_share": round(share or 0.0, 6),
        **{f"figure/{name}": number for name, number in totals.items()},
        "technical/objects": sum(sweep.objects for sweep in sweeps),
        "technical/calls": sum(sweep.calls for sweep in sweeps),
    }


def text(sweeps: Sequence[TruthSweep]) -> str:
    """Say how much is true, by type of objects, and who changed the rest."""
    return "\n\n".join(_sentence(sweep) for sweep in sweeps) or "Nothing was compared with HubSpot yet."


def _sentence(sweep: TruthSweep) -> str:
    share, totals = true_share([sweep]), totals_of([sweep])
    wanted = sum(totals[outcome] for outcome in OUTCOMES)
    parts = [f"{totals[name]:,} {name}" for name in OUTCOMES if totals[name]]
    authors = [f"{number:,} by {name[3:]}" for name, number in totals.items() if name.startswith("by_") and number]
    state = f"all {sweep.objects:,}" if sweep.finished_at else f"the first {sweep.objects:,}"
    return (
        f"{sweep.object_type} of {sweep.day}, {state} compared in {sweep.calls:,} calls: "
        + (f"{share:.2%} of {wanted:,} values are true" if share is not None else "no values are wanted")
        + (f" ({', '.join(parts)})" if parts else "")
        + (f"; changed in HubSpot: {', '.join(authors)}." if authors else ".")
    )


@dg.asset_check(
    asset=KEY,
    name=TRUE_ENOUGH,
    description="As much of what is wanted is true in HubSpot as the policy's objective (hubspot.truth.objective).",
)
def true_enough() -> dg.AssetCheckResult:
    """Judge the newest day that was compared."""
    sweeps, objective = _newest_sweeps(), policy().hubspot.truth.objective
    share = true_share(sweeps)
    return dg.AssetCheckResult(
        passed=share is None or share >= objective,
        severity=dg.AssetCheckSeverity.WARN,
        description=text(sweeps),
        metadata={"true_share": share or 0.0, "objective": objective},
    )


@dg.asset_check(
    asset=KEY,
    name=IN_A_DAY,
    description="All objects are compared with HubSpot within a day by the calls that the policy allows "
    "(hubspot.truth.quota_share).",
)
def compared_within_a_day() -> dg.AssetCheckResult:
    """Judge the sweeps: one that goes on for longer than a day has too few calls."""
    now = settings().now()
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        newest = hubspot_sweeps.sweeps(tx)
    slow = [each for each in newest if (each.finished_at or now) - each.started_at > timedelta(hours=HOURS)]
    recent = [each for each in slow if each.updated_at > now - timedelta(hours=2 * HOURS)]
    sentence = (
        f"{recent[0].object_type} of {recent[0].day} took longer than a day: allow the sweep more calls."
        if recent
        else "Every sweep of late ended within a day, or still may."
    )
    return dg.AssetCheckResult(passed=not recent, severity=dg.AssetCheckSeverity.WARN, description=sentence)


def _newest_sweeps() -> list[TruthSweep]:
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        newest = hubspot_sweeps.sweeps(tx)
    return [sweep for sweep in newest if sweep.day == newest[0].day]


SWEEP = dg.define_asset_job(
    "compare_hubspot",
    selection=dg.AssetSelection.assets(KEY),
    description="Goes on comparing HubSpot with what was delivered.",
)


@dg.schedule(
    name="compare_hubspot_hourly",
    job=SWEEP,
    cron_schedule="40 * * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Goes on with the comparison of HubSpot, until every object of the newest day was compared.",
)
def compare_hubspot_hourly() -> dg.RunRequest | dg.SkipReason:
    """Request a run while there is something left to compare."""
    store = shown(the_lake())
    reason = _skip_reason(store, newest_day(store), settings_of(HubSpotDeliverySettings))
    return dg.SkipReason(reason) if reason else dg.RunRequest()


TRUTH_CHECKS = (true_enough, compared_within_a_day)
