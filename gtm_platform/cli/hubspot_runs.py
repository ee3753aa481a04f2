"""What `gtm hubspot plan` and `gtm hubspot apply` do, once the home is entered."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import click
import dagster as dg

from gtm_platform.cli.runs import CONFIG, progress, sentences
from gtm_platform.definitions import defs
from gtm_platform.delivery.gate import newest_day
from gtm_platform.delivery.hubspot.assets import HUBSPOT_ASSETS
from gtm_platform.delivery.hubspot.client import HubSpotIsOff
from gtm_platform.delivery.hubspot.day_delivery import deliver_day, missing_tables
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.object_types import object_type_named, object_types
from gtm_platform.delivery.hubspot.report import DeliveryReport, DiffLine
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.intelligence.effect.shown_lake import shown
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.orchestration.instance import instance
from gtm_platform.orchestration.liveness import execute_here
from gtm_platform.settings import settings, settings_of

JOB = "deliver"


def print_plan(name: str | None, limit: int) -> None:
    """Print the diff of a dry run of the newest day, type by type."""
    if not settings_of(HubSpotDeliverySettings).hubspot_access_token:
        raise HubSpotIsOff("HubSpot is off: set HUBSPOT_ACCESS_TOKEN.")
    store = shown(the_lake())
    day = newest_day(store)
    if not day:
        raise LookupError("There is no day to deliver yet: make one with gtm run, or see gtm doctor.")
    for object_type in _types(name):
        click.secho(f"{object_type.name}, {day}", bold=True)
        if missing := missing_tables(store, day, object_type.inputs):
            click.echo(f"  {' and '.join(missing)} have no {day} yet.")
            continue
        run = Run("plan", day, settings().now)
        _print_report(deliver_day(object_type, store, run, None, dry_run=True), limit)


def deliver_newest_day(name: str | None, *, allow_mass_change: bool) -> int:
    """Run the deliveries to HubSpot with their guards; return 0 if they succeeded."""
    chosen = {f"hubspot_{object_type.name}" for object_type in _types(name)}
    assets = [asset for asset in HUBSPOT_ASSETS if asset.key.path[-1] in chosen]
    ops = {asset.op.name: {"config": {"allow_mass_change": allow_mass_change}} for asset in assets}
    graph = dg.Definitions.merge(defs, dg.Definitions(loggers={"progress": progress}))
    with instance() as opened:
        selected = [asset.key for asset in assets]
        config = {**CONFIG, "ops": ops}
        ran = execute_here(graph.resolve_job_def(JOB), opened, asset_selection=selected, run_config=config)
    for reason in sentences(ran):
        click.secho(reason, fg="red", err=True)
    events = [each.materialization for each in ran.get_asset_materialization_events()]
    seen = [each.asset_observation_data.asset_observation for each in ran.get_asset_observation_events()]
    for metadata in [event.metadata for event in events] + [event.metadata for event in seen]:
        _print_summary(metadata)
    delivered = "done" if events else "only a dry run" if seen else "nothing was delivered"
    click.echo(f"run {ran.run_id}: {delivered if ran.success else 'failed'}")
    return int(not (ran.success and events))


def _types(name: str | None) -> Sequence[ObjectType]:
    return [object_type_named(name)] if name else object_types()


def _print_summary(metadata: Mapping[str, dg.MetadataValue[Any]]) -> None:
    summary = metadata["summary"].value
    click.echo(" ".join(str(summary).replace("**", "").split()))


# --- the diff --------------------------------------------------------------------------------------------------------


def _print_report(report: DeliveryReport, limit: int) -> None:
    lines = report.lines[: limit or None]
    for (label, object_id, subject_id), of_object in groupby(lines, _object):
        click.echo(f"  {label} {object_id} ({subject_id})")
        for text in _table(list(of_object)):
            click.echo(f"    {text}")
    if left := len(report.lines) - len(lines):
        click.echo(f"  … and {left:,} lines more; --limit 0 prints all.")
    for reason in report.reasons:
        click.secho(f"  {reason}", fg="yellow")
    click.echo(f"  {report.summary()}")
    click.echo()


def _object(line: DiffLine) -> tuple[str, str, str]:
    return line.label, line.object_id, line.subject_id


def _table(lines: Sequence[DiffLine]) -> Iterator[str]:
    """One line for each field: its name, the values, where ours is from, and who set the other or why it stays."""
    width = max((len(line.property) for line in lines), default=0)
    for line in lines:
        values = f"{line.property:<{width}}  {line.before!r} → {line.after!r}" if line.property else ""
        yield "  ".join(part for part in (values, _source(line.provenance), line.note) if part)


def _source(provenance: str) -> str:
    """Where a value is from, in a few words."""
    if not provenance:
        return ""
    source = json.loads(provenance)
    rule = f", rule {source['rule']}" if source.get("rule") else ""
    return f"[{source.get('table')}.{source.get('column')}{rule}, {source.get('day')}]"
