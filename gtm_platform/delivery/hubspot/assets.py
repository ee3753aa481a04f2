"""The deliveries to HubSpot as assets, one for each object type, without partitions: HubSpot holds no past.

Each reads the newest day out of the lake and shows what became of it. A dry run is an observation, so that nothing
takes the day for delivered.
"""

from collections.abc import Iterator, Mapping
from contextlib import closing

import dagster as dg

from gtm_platform.delivery.gate import newest_day, require_checks_passed, skip_reason
from gtm_platform.delivery.hubspot.consent import Consent, limits_result, limits_spec
from gtm_platform.delivery.hubspot.day_delivery import deliver_day, inputs_of, missing_tables
from gtm_platform.delivery.hubspot.guard import DeliveryStopped
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.object_types import object_types
from gtm_platform.delivery.hubspot.report import DeliveryReport
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.delivery.hubspot.stale import stale_now
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.delivery.request import DeliveryConfig, is_dry_run, requested_days
from gtm_platform.http.errors import ApiFailure
from gtm_platform.intelligence.effect.holdout import TABLE as HOLDOUT
from gtm_platform.intelligence.effect.shown_lake import shown
from gtm_platform.lake.dagster.asset_pages import links
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.compat import APPROVE_WITH, graph_of_run, output_without_materialization
from gtm_platform.orchestration.graph_policy import DAILY_FRESHNESS, OWNERS
from gtm_platform.orchestration.source_columns import SourceColumns
from gtm_platform.policy import policy
from gtm_platform.settings import SettingsError, settings, settings_of
from gtm_platform.sources.hubspot.client import POOL
from gtm_platform.state import open_state
from gtm_platform.state.hubspot_journal import records_of_run

REASONS_LOGGED, REASONS_SHOWN = 20, 200  # the journal has all of them
LINES_SHOWN, LINES_LOGGED = 200, 50  # of a dry run's diff
# HubSpot may make a company of a contact's address, so companies come first.
PRIORITIES = {"companies": 1}
DRY_RUN = "**Dry run**: nothing was written (HUBSPOT_WRITE_ENABLED, or dry_run in the launchpad).\n\n"

COUNTED = ("queried", "written", "unchanged", "held", "rejected", "waiting")  # the first is the sum of the others

Result = Iterator[dg.MaterializeResult[None] | dg.AssetObservation | dg.AssetCheckResult]


class HubSpotConfig(DeliveryConfig):
    """For the launchpad."""

    allow_mass_change: bool = False


def hubspot_asset(object_type: ObjectType) -> dg.AssetsDefinition:
    """Define the asset that delivers one object type."""

    @dg.asset(
        key=["delivery", f"hubspot_{object_type.name}"],
        description=object_type.about,
        group_name="delivery",
        kinds={"hubspot"},
        owners=OWNERS,
        freshness_policy=DAILY_FRESHNESS,
        deps=newest_of(*inputs_of(object_type), HOLDOUT.key),
        metadata=links(HubSpot=_list_url(object_type)),
        check_specs=[limits_spec(dg.AssetKey(["delivery", f"hubspot_{object_type.name}"]))],
        pool=POOL,
        op_tags={"dagster/priority": str(PRIORITIES.get(object_type.name, 0))},
        output_required=False,
    )
    def hubspot_objects(context: dg.AssetExecutionContext, config: HubSpotConfig, lake: LakeResource) -> Result:
        store = shown(lake.open())
        day = newest_day(store)
        if reason := _skip_reason(object_type, store, requested_days(context.run.tags, config, day), day):
            context.log.info(reason)
            yield limits_result(object_type)
            yield output_without_materialization()  # the other types are delivered, and compared, all the same
            return
        require_checks_passed(context, day, inputs_of(object_type))
        dry_run = is_dry_run(context.run.run_config) or not settings_of(HubSpotDeliverySettings).hubspot_write_enabled
        run = Run(context.run.run_id, day, settings().now)
        consent = Consent(object_type, run, policy().hubspot)
        guard = None if config.allow_mass_change else consent.guard()
        lineage = SourceColumns(context.instance, graph_of_run(context))
        stale = stale_now(object_type.named_by(policy().hubspot), store, policy(), run.now(), lineage)
        try:
            report = deliver_day(object_type, store, run, guard, stale, dry_run=dry_run)
        except ApiFailure as failure:
            raise dg.Failure(failure.message, metadata=failure.metadata()) from failure
        except DeliveryStopped as stop:
            consent.stopped(stop)
            yield limits_result(object_type)
            raise dg.Failure(str(stop), {APPROVE_WITH: stop.command}, allow_retries=False) from stop
        for reason in report.reasons[:REASONS_LOGGED]:
            context.log.warning(reason)
        if dry_run:
            context.log.info(f"Dry run, nothing was written:\n{report.text(LINES_LOGGED)}")
            yield dg.AssetObservation(context.asset_key, metadata=_metadata(object_type, report, day, dry_run=True))
            yield output_without_materialization()
        else:
            consent.delivered(report)
            yield dg.MaterializeResult(metadata=_metadata(object_type, report, day))
        yield limits_result(object_type)

    return hubspot_objects


def _list_url(object_type: ObjectType) -> str | None:
    """The list of the objects in HubSpot; none where the account is not known, or its settings are wrong."""
    try:
        portal_id = settings_of(HubSpotDeliverySettings).hubspot_portal_id
    except SettingsError:  # a run says so, and the other assets can be used
        return None
    return object_type.list_url(portal_id) if portal_id else None


def newest_of(*tables: str) -> list[dg.AssetDep]:
    """Return what an asset without partitions depends on: the newest day of each table."""
    return [dg.AssetDep(table.split("/"), partition_mapping=dg.LastPartitionMapping()) for table in tables]


def _skip_reason(object_type: ObjectType, store: Lake, days: list[str], newest: str) -> str | None:
    """Why nothing is delivered, in a sentence."""
    if not settings_of(HubSpotDeliverySettings).hubspot_access_token:
        return "HubSpot is off: set HUBSPOT_ACCESS_TOKEN."
    if reason := skip_reason(days, newest):
        return reason
    missing = missing_tables(store, newest, object_type.inputs)
    return f"Nothing to deliver: {' and '.join(missing)} have no {newest} yet." if missing else None


def _metadata(
    object_type: ObjectType, report: DeliveryReport, day: str, *, dry_run: bool = False
) -> dict[str, dg.MetadataValue]:
    counts = {
        "queried": report.queried,
        "written": report.written,
        "created": report.created,
        "unchanged": report.unchanged,
        "held": report.held_back,
        "rejected": report.rejected,
        "waiting": report.waiting,
        "fields_written": report.fields_written,
        "fields_held": report.fields_held_back,
        "fields_healed": report.healed,
        "associations": report.links.wanted,
        "associations_made": report.links.made,
        "associations_rejected": report.links.rejected,
    }
    metadata: dict[str, dg.MetadataValue] = {
        "summary": dg.MetadataValue.md((DRY_RUN if dry_run else "") + report.summary()),
        "day": dg.MetadataValue.text(day),
        "dry_run": dg.MetadataValue.bool(dry_run),
        **{name: dg.MetadataValue.int(count) for name, count in counts.items()},
    }
    if report.reasons:
        metadata["left_to_people"] = dg.MetadataValue.md(
            "\n".join(f"- {each}" for each in report.reasons[:REASONS_SHOWN])
        )
    if dry_run:
        metadata["diff"] = _diff_table(report)
    return metadata | links(HubSpot=_list_url(object_type))


def _diff_table(report: DeliveryReport) -> dg.MetadataValue:
    """The diff field by field; of an object only its id in HubSpot is shown."""
    names = ("object", "property", "old value", "new value", "note", "provenance")
    rows = [
        (f"{line.label} {line.object_id}", line.property, line.before, line.after, line.note, line.provenance)
        for line in report.lines[:LINES_SHOWN]
    ]
    records = [dg.TableRecord(dict(zip(names, row, strict=True))) for row in rows]
    return dg.MetadataValue.table(records, dg.TableSchema([dg.TableColumn(name) for name in names]))


def accounting_check(object_type: ObjectType) -> dg.AssetChecksDefinition:
    """Define the check that every record of the newest delivery is accounted for."""
    key = dg.AssetKey(["delivery", f"hubspot_{object_type.name}"])

    @dg.asset_check(
        asset=key,
        name="accounting",
        description="Every record that was to be delivered is unchanged, written, held, rejected or waiting, and the "
        "journal has as many written ones.",
    )
    def accounting(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        newest = context.instance.get_latest_materialization_event(key)
        made = newest.asset_materialization if newest else None
        if newest is None or made is None:
            return dg.AssetCheckResult(passed=True, description="Nothing was delivered yet.")
        with closing(open_state(settings().state_url)) as state, state.reading() as tx:
            journaled = records_of_run(tx, newest.run_id, object_type.name, "written")
        counts = {name: int(str(made.metadata[name].value)) for name in COUNTED}
        reasons = unaccounted(counts, journaled)
        return dg.AssetCheckResult(
            passed=not reasons,
            description=" ".join(reasons) or f"All {counts['queried']:,} {object_type.name} are accounted for.",
            metadata={**counts, "journaled_as_written": journaled},
        )

    return accounting


def unaccounted(counts: Mapping[str, int], journaled: int) -> list[str]:
    """Say which records of a delivery nobody can account for; nothing where all are."""
    queried, *outcomes = (counts[name] for name in COUNTED)
    reasons = []
    if lost := queried - sum(outcomes):
        reasons.append(
            f"{queried:,} records were to be delivered, and {queried - lost:,} came out: {abs(lost):,} "
            f"{'were lost' if lost > 0 else 'came out twice'}. Run again: what HubSpot holds is read anew."
        )
    if journaled != counts["written"]:
        reasons.append(f"The journal has {journaled:,} records as written, the delivery {counts['written']:,}.")
    return reasons


HUBSPOT_CHECKS = tuple(accounting_check(object_type) for object_type in object_types())
HUBSPOT_ASSETS = tuple(hubspot_asset(object_type) for object_type in object_types())
