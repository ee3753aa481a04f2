"""When tables are published: once a warehouse lacks a day of the lake, or has it of another file.

What a run leaves, as the warehouse is down or refuses a column, is asked for again after an hour, then after two, four
and so on, or when it changed: each failure is a message.
"""

import hashlib
import math
from collections.abc import Collection, Sequence

import dagster as dg

from gtm_platform.automation.daily_tables import TICK_SECONDS
from gtm_platform.delivery.gate import closed_reasons
from gtm_platform.intelligence.effect.shown_lake import WithholdingUnknown
from gtm_platform.lake.contracts import UnknownTable
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.orchestration.compat import AssetJob
from gtm_platform.orchestration.graph_policy import DAILY_TAG
from gtm_platform.orchestration.graph_reading import keys_tagged, unfinished_runs
from gtm_platform.orchestration.origin import covers_any, partition_tags
from gtm_platform.policy import policy
from gtm_platform.policy.publish import PublishedSchema
from gtm_platform.publish.assets import GROUP, key_of
from gtm_platform.publish.columns import CannotPublish
from gtm_platform.publish.publishing import DueDay, opened_schema
from gtm_platform.publish.warehouse import warehouses
from gtm_platform.settings import settings, settings_of

Answer = dg.SensorResult | dg.SkipReason


def publish_job() -> AssetJob:
    """Define the job that publishes."""
    return dg.define_asset_job(
        "publish",
        selection=dg.AssetSelection.groups(GROUP),
        description="Copies the chosen tables of its days into the warehouse, where they are due.",
    )


def request_publishing(job: AssetJob) -> dg.SensorDefinition:
    """Define the sensor that requests what is due, each schema in a run of its own."""

    @dg.sensor(
        name="request_publishing",
        job=job,
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=TICK_SECONDS,
        description="Publishes days that were made, or made again, once their checks have passed.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> Answer:
        answers = [_request(context, schema) for schema in policy().publish.schemas]
        requests = [answer for answer in answers if isinstance(answer, dg.RunRequest)]
        if requests:
            return dg.SensorResult(run_requests=requests)
        return dg.SkipReason("; ".join(answer for answer in answers if isinstance(answer, str)))

    return sensor


def _request(context: dg.SensorEvaluationContext, rules: PublishedSchema) -> dg.RunRequest | str:
    """Return a request for what is due of a schema, or what it waits for."""
    if missing := settings_of(warehouses()[rules.warehouse]).missing():
        return f"{rules.name} is off: set {' and '.join(missing)}"
    try:
        with opened_schema(rules, the_lake()) as schema:
            due = schema.due()
    except (CannotPublish, UnknownTable, WithholdingUnknown) as refusal:
        return f"{rules.name}: {refusal}"
    if not due:
        return f"{rules.name} has all that is due"
    days = sorted({each.day for each in due})
    if reason := _not_yet(context, rules, due, days):
        return f"{rules.name}: {reason}"
    return dg.RunRequest(run_key=_key(rules, due), tags=partition_tags(days), asset_selection=[key_of(rules)])


def _not_yet(
    context: dg.SensorEvaluationContext, rules: PublishedSchema, due: Sequence[DueDay], days: list[str]
) -> str | None:
    """Say what publishing waits for: a run that publishes the schema or makes one of the days, or a check."""
    repository = context.repository_def
    assert repository
    graph = repository.asset_graph
    for run in unfinished_runs(context.instance, repository, {key_of(rules)}):
        return f"the run {run.run_id[:8]} publishes it"
    for run in unfinished_runs(context.instance, repository, keys_tagged(graph, DAILY_TAG)):
        if covers_any(run.tags, days):
            return f"the run {run.run_id[:8]} makes {days[-1]}"
    keys = [key for table in sorted(_tables(due, days[-1])) if graph.has(key := dg.AssetKey(table.split("/")))]
    if reasons := closed_reasons(context.instance, graph, days[-1], keys):
        return f"{days[-1]} is held back: {'; '.join(reasons)}"
    return None


def _tables(due: Sequence[DueDay], day: str) -> Collection[str]:
    return {each.table for each in due if each.day == day}


def _key(rules: PublishedSchema, due: Sequence[DueDay]) -> str:
    """One for each try of a set of files: what a run could not publish is asked for ever more seldom."""
    hours = (settings().now().timestamp() - max(each.file.written for each in due)) / 3600
    tries = int(math.log2(max(hours, 0) + 1))
    files = " ".join(f"{each.table} {each.day} {each.file.stamp} {each.shape}" for each in due)
    digest = hashlib.sha256(files.encode()).hexdigest()[:16]
    return f"publish:{rules.name}:{tries}:{digest}"
