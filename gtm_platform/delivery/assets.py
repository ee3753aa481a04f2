"""The delivery to HubSpot as an asset: it reads the newest day out of the lake, hands it on, and tells in counts what
became of it. Nobody but `sensors` asks for it, or a person. The alerts are an asset of `delivery/alerts`.
"""

from collections.abc import Iterator
from contextlib import closing

import dagster as dg

from gtm_platform.delivery.gate import CUSTOMERS, HEALTH, newest_day, require_checks_passed, skip_reason
from gtm_platform.delivery.hubspot.client import HubSpotContacts
from gtm_platform.delivery.hubspot.deliver import Delivered, Guard, deliver
from gtm_platform.delivery.hubspot.plan import plan
from gtm_platform.delivery.hubspot.send import Run
from gtm_platform.http.errors import ApiFailure
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.graph_policy import DAILY_FRESHNESS, DAYS, OWNERS
from gtm_platform.policy import policy
from gtm_platform.settings import settings
from gtm_platform.state import open_state

REASONS_LOGGED = 20  # the journal has all of them
DEPS = [HEALTH.split("/"), CUSTOMERS.split("/")]
Result = Iterator[dg.AssetMaterialization]
Metadata = dict[str, int | bool | dg.MarkdownMetadataValue]


class HubSpotRun(dg.Config):
    """For the launchpad."""

    dry_run: bool = False
    allow_mass_change: bool = False


@dg.asset(
    key=["delivery", "hubspot_contacts"],
    description="Health, churn risk and MRR as properties of HubSpot contacts; only what changed, only the newest day.",
    group_name="delivery",
    kinds={"hubspot"},
    owners=OWNERS,
    partitions_def=DAYS,
    freshness_policy=DAILY_FRESHNESS,
    deps=DEPS,
    pool="hubspot_write",
    output_required=False,
)
def hubspot_contacts(context: dg.AssetExecutionContext, config: HubSpotRun, lake: LakeResource) -> Result:
    store, there = lake.open(), settings()
    day = newest_day(store)
    off = None if there.hubspot_access_token else "HubSpot is off: set HUBSPOT_ACCESS_TOKEN."
    if silent := off or skip_reason(context.partition_keys, day):
        context.log.info(silent)
        return
    require_checks_passed(context, day)
    dry_run = config.dry_run or not there.hubspot_write_enabled
    rules = policy().hubspot
    guard = None if config.allow_mass_change else Guard(rules.largest_change_share, rules.change_min_records)
    try:
        told = _deliver(store, Run(context.run.run_id, day, there.now), guard, dry_run=dry_run)
    except ApiFailure as failure:
        raise dg.Failure(failure.message, metadata=failure.metadata()) from failure
    for reason in told.reasons[:REASONS_LOGGED]:
        context.log.warning(reason)
    yield _delivered(context, day, _shown(told, dry_run=dry_run))


@redact_exceptions()
def _deliver(store: Lake, run: Run, guard: Guard | None, *, dry_run: bool) -> Delivered:
    there = settings()
    desired = plan(run.day, store.partition(HEALTH, run.day), store.partition(CUSTOMERS, run.day))
    with closing(open_state(there.state_url)) as state:
        return deliver(desired, HubSpotContacts.of(there), state, run, guard, dry_run=dry_run)


def _shown(told: Delivered, *, dry_run: bool) -> Metadata:
    how = (
        "**Dry run**: nothing was written (HUBSPOT_WRITE_ENABLED, or dry_run in the launchpad).\n\n" if dry_run else ""
    )
    return {
        "summary": dg.MetadataValue.md(how + told.summary()),
        "dry_run": dry_run,
        "queried": told.queried,
        "written": told.written,
        "unchanged": told.unchanged,
        "held": told.held,
        "rejected": told.rejected,
        "waiting": told.waiting,
        "fields_written": told.fields_written,
        "fields_held": told.fields_held,
    }


def _delivered(context: dg.AssetExecutionContext, day: str, told: Metadata) -> dg.AssetMaterialization:
    """Only the day that was delivered counts as such, also in a run over several."""
    return dg.AssetMaterialization(context.asset_key, partition=day, metadata=told)
