"""`publish/<schema>` as an asset with a partition a day: for each schema of the policy one, and none without any.

A run publishes what is due of its days. Tables succeed and fail apart: what was published stays, and the run says of
the others what to do.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
from pydantic import Field

from gtm_platform.delivery.gate import closed_reasons
from gtm_platform.http.redaction import redact_exceptions
from gtm_platform.intelligence.effect.shown_lake import WithholdingUnknown
from gtm_platform.lake.contracts import UnknownTable
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.postgres_extension import ExtensionMissing
from gtm_platform.orchestration.compat import graph_of_run, output_without_materialization
from gtm_platform.orchestration.graph_policy import DAILY_FRESHNESS, DAYS, OWNERS
from gtm_platform.policy import policy
from gtm_platform.policy.publish import PublishedSchema
from gtm_platform.publish.columns import CannotPublish
from gtm_platform.publish.publishing import DueDay, Schema, differences, opened_schema, table_name
from gtm_platform.publish.warehouse import Warehouse, WarehouseFailed, opened
from gtm_platform.state.published_days import Receipt

GROUP = "publish"
PUBLISH_TAG = "gtm/publish"  # on every such asset: the sensor finds them by it
DIFFERENCES_SHOWN = 50
REFUSALS = (CannotPublish, ExtensionMissing, UnknownTable, WarehouseFailed, WithholdingUnknown)

Events = Iterator[dg.AssetMaterialization | dg.MaterializeResult[None] | dg.AssetObservation]
Failures = dict[str, str]


class PublishConfig(dg.Config):
    """For the launchpad."""

    dry_run: bool = Field(False, description="Show what is due, and publish nothing.")
    again: bool = Field(False, description="Publish the days whether they are due or not.")


def publish_assets(graph: dg.Definitions) -> dg.Definitions:
    """Return the asset and the check of each schema, over the tables that the graph has."""
    schemas = policy().publish.schemas
    if not schemas:
        return dg.Definitions()
    made = {key.to_user_string() for key in graph.resolve_asset_graph().materializable_asset_keys}
    return dg.Definitions(
        assets=[publish_asset(schema, made) for schema in schemas],
        asset_checks=[counts_check(schema) for schema in schemas],
    )


def key_of(schema: PublishedSchema) -> dg.AssetKey:
    """Return the key of a schema's asset."""
    return dg.AssetKey([GROUP, schema.name])


def publish_asset(rules: PublishedSchema, made: set[str]) -> dg.AssetsDefinition:
    """Define the asset of a schema.

    A table that nobody makes is no dependency: the run says that it is unknown.
    """

    @dg.asset(
        key=key_of(rules),
        description=f"{', '.join(rules.tables)} in the schema {rules.name} of the warehouse, for analysts.",
        group_name=GROUP,
        kinds={rules.warehouse, "table"},
        owners=OWNERS,
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        freshness_policy=DAILY_FRESHNESS,
        deps=[table.split("/") for table in rules.tables if table in made],
        output_required=False,
        pool=f"publish_{rules.name}",  # two runs never write one schema at once
        tags={PUBLISH_TAG: rules.name},
    )
    def asset(context: dg.AssetExecutionContext, config: PublishConfig, lake: LakeResource) -> Events:
        days = list(context.partition_keys)
        with redact_exceptions(), opened_schema(rules, lake.open()) as schema:
            if config.again and not config.dry_run:
                schema.forget(days)
            due, failures = _due(schema, days)
            if config.dry_run:
                yield from _preview(context, due, failures)
                return
            failures |= _held_back(context, due)
            published: list[Receipt] = []
            try:
                _publish(context, schema, due, failures, published)
            finally:
                # Dagster hears of each day that was published, also of a run that is cancelled half way.
                yield from _made(context, schema, days, published, failures)
        if failures:
            raise dg.Failure(" ".join(dict.fromkeys(failures.values())), allow_retries=False)
        yield output_without_materialization()

    return asset


def _due(schema: Schema, days: Sequence[str]) -> tuple[list[DueDay], Failures]:
    """Return what is due of the tables that can be published, and why others cannot."""
    due: list[DueDay] = []
    failures: Failures = {}
    for table in schema.rules.tables:
        try:
            due += schema.due_of(table, days)
        except REFUSALS as refusal:
            failures[table] = str(refusal)
    return sorted(due, key=lambda each: (each.day, each.table)), failures


def _held_back(context: dg.AssetExecutionContext, due: Sequence[DueDay]) -> Failures:
    """Say of which tables the checks do not say that they are right. They judge all days, so the newest is asked of."""
    failures: Failures = {}
    graph = graph_of_run(context)
    for table in sorted({each.table for each in due}):
        key, newest = dg.AssetKey(table.split("/")), max(each.day for each in due if each.table == table)
        if graph.has(key) and (reasons := closed_reasons(context.instance, graph, newest, [key])):
            failures[table] = f"{table} is not published: {'; '.join(reasons)}."
    return failures


def _publish(
    context: dg.AssetExecutionContext,
    schema: Schema,
    due: Sequence[DueDay],
    failures: Failures,
    published: list[Receipt],
) -> None:
    """Publish what is due, a table at a time until it fails."""
    if not any(each.table not in failures for each in due):
        return
    try:
        with opened(schema.rules.warehouse, schema.rules.name) as warehouse:
            for each in due:
                if each.table not in failures:
                    _publish_day(context, schema, warehouse, each, failures, published)
    except REFUSALS as refusal:
        failures["warehouse"] = str(refusal)


def _publish_day(
    context: dg.AssetExecutionContext,
    schema: Schema,
    warehouse: Warehouse,
    due: DueDay,
    failures: Failures,
    published: list[Receipt],
) -> None:
    try:
        receipt = schema.publish(warehouse, due, context.run.run_id)
    except REFUSALS as refusal:
        failures[due.table] = str(refusal)
    else:
        published.append(receipt)
        context.log.info(f"{due.table} {due.day} ({due.reason}): {receipt.rows:,} rows in {receipt.seconds} s")


def _made(
    context: dg.AssetExecutionContext,
    schema: Schema,
    days: Sequence[str],
    published: Sequence[Receipt],
    failures: Failures,
) -> Events:
    """Yield each day that the warehouse has of every table of which the lake has it, with what this run did."""
    receipts = schema.receipts()
    for day in days:
        tables = [table for table in schema.rules.tables if table not in failures and schema.lake.has(table, day)]
        if tables and all((table, day) in receipts for table in tables):
            now = [receipt for receipt in published if receipt.day == day]
            in_warehouse = [receipts[table, day] for table in tables]
            yield dg.AssetMaterialization(context.asset_key, partition=day, metadata=_metadata(in_warehouse, now))


def _metadata(in_warehouse: Sequence[Receipt], now: Sequence[Receipt]) -> dict[str, Any]:
    rows, seconds = sum(receipt.rows for receipt in now), sum(receipt.seconds for receipt in now)
    speed = {"technical/rows_per_second": round(rows / seconds)} if seconds else {}
    return {
        "dagster/row_count": sum(receipt.rows for receipt in in_warehouse),
        **{f"rows/{table_name(receipt.table_name)}": receipt.rows for receipt in in_warehouse},
        "tables_loaded": len(now),
        "tables_unchanged": len(in_warehouse) - len(now),
        "technical/rows_loaded": rows,
        "technical/seconds": round(seconds, 3),
        **speed,
    }


def _preview(context: dg.AssetExecutionContext, due: Sequence[DueDay], failures: Failures) -> Events:
    columns = [dg.TableColumn(name) for name in ("table", "day", "reason")]
    rows = [dg.TableRecord({"table": each.table, "day": each.day, "reason": each.reason}) for each in due]
    sentence = f"Dry run: {len(due)} days of tables are due, and nothing was published."
    context.log.info(sentence)
    metadata: dict[str, Any] = {
        "summary": dg.MetadataValue.md(" ".join([sentence, *failures.values()])),
        "due": dg.MetadataValue.table(rows, schema=dg.TableSchema(columns)),
    }
    for day in context.partition_keys:
        yield dg.AssetObservation(context.asset_key, partition=day, metadata=metadata)


# --- the check -------------------------------------------------------------------------------------------------------


def counts_check(rules: PublishedSchema) -> dg.AssetChecksDefinition:
    """Define the check that the warehouse still has as many rows of each day as were published."""

    @dg.asset_check(
        asset=key_of(rules),
        name="row_counts_equal",
        description="Fails where the warehouse has another number of rows of a day than were published.",
    )
    def check(lake: LakeResource) -> dg.AssetCheckResult:
        with redact_exceptions(), opened_schema(rules, lake.open()) as schema:
            published = len(schema.receipts())
            with opened(rules.warehouse, rules.name) as warehouse:
                wrong = list(differences(schema, warehouse))
        return dg.AssetCheckResult(passed=not wrong, **_verdict(rules, published, wrong))

    return check


def _verdict(rules: PublishedSchema, published: int, wrong: Sequence[Any]) -> Mapping[str, Any]:
    if not wrong:
        return {"description": f"{published} published days have as many rows as they should."}
    days = sorted({each.day for each in wrong})
    rows = [
        dg.TableRecord({"table": each.table, "day": each.day, "published": each.published, "counted": each.counted})
        for each in wrong[:DIFFERENCES_SHOWN]
    ]
    return {
        "severity": dg.AssetCheckSeverity.ERROR,
        "description": f"{len(wrong)} of {published} published days were changed in the warehouse. Publish them again: "
        f"gtm publish run {rules.name} --day {days[0]} --to {days[-1]} --again",
        "metadata": {"rows": dg.MetadataValue.table(rows)},
    }
