"""What the commands of `gtm publish` do and print."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import dagster as dg

from gtm_platform.cli.printing import Rows, print_rows
from gtm_platform.cli.runs import BY_HAND, CONFIG, progress, sentences, span
from gtm_platform.definitions import defs  # declares every table, those of extensions, too
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.orchestration.instance import instance
from gtm_platform.orchestration.liveness import execute_here
from gtm_platform.policy import policy
from gtm_platform.policy.publish import PublishedSchema
from gtm_platform.publish import dbt
from gtm_platform.publish.assets import REFUSALS, key_of
from gtm_platform.publish.publishing import DueDay, Schema, differences, opened_schema, table_name
from gtm_platform.publish.warehouse import opened, warehouses
from gtm_platform.settings import settings_of
from gtm_platform.state.published_days import Receipt

NOTHING = "Nothing is published: [publish] of the policy chooses no table (docs/publishing.md)."


def list_schemas() -> None:
    """Print the schemas of the policy, and whether their warehouse can be reached."""
    schemas = policy().publish.schemas
    if not schemas:
        click.echo(NOTHING)
    for schema in schemas:
        missing = settings_of(warehouses()[schema.warehouse]).missing()
        state = f"off: set {' and '.join(missing)}" if missing else "on"
        click.secho(f"{schema.name} in {schema.warehouse} ({state})", bold=True)
        for table in schema.tables:
            allowed = [column.partition(".")[2] for column in schema.personal if column.partition(".")[0] == table]
            personal = f"  with personal columns {', '.join(allowed)}" if allowed else ""
            click.echo(f"  {table} as {schema.name}.{table_name(table)}{personal}")


def publish_due(name: str | None, day: str | None, last: str | None, *, dry_run: bool, again: bool) -> int:
    """Publish what is due, a run for each schema; 1 where something could not be."""
    schemas = _named(name)
    if not schemas:
        click.echo(NOTHING)
        return 1
    failed = [_publish(schema, day, last, dry_run=dry_run, again=again) for schema in schemas]
    return int(any(failed))


def _named(name: str | None) -> list[PublishedSchema]:
    schemas = policy().publish.schemas
    if name and name not in {schema.name for schema in schemas}:
        names = ", ".join(schema.name for schema in schemas) or "none"
        raise ValueError(f"The policy publishes no schema {name!r} (it has: {names}).")
    return [schema for schema in schemas if name in (None, schema.name)]


def _publish(rules: PublishedSchema, day: str | None, last: str | None, *, dry_run: bool, again: bool) -> bool:
    """Publish a schema; whether something failed."""
    due, failures = _due(rules, day, last)
    for sentence in failures:
        click.secho(sentence, fg="red", err=True)
    days = [day, last or day] if day else sorted({each.day for each in due})
    if dry_run:
        print_rows(Rows(("table", "day", "why"), [(each.table, each.day, each.reason) for each in due]), "table")
    if dry_run or not days or not (due or again):
        click.echo(f"{rules.name}: {len(due)} days of tables are due{'' if due else ': the warehouse has them'}.")
        return bool(failures)
    return _run(rules, str(days[0]), str(days[-1]), again=again) or bool(failures)


def _due(rules: PublishedSchema, day: str | None, last: str | None) -> tuple[list[DueDay], list[str]]:
    due: list[DueDay] = []
    failures: list[str] = []
    with opened_schema(rules, the_lake()) as schema:
        for table in rules.tables:
            try:
                due += schema.due_of(table, _days(schema, table, day, last))
            except REFUSALS as refusal:
                failures.append(str(refusal))
    return sorted(due, key=lambda each: (each.day, each.table)), failures


def _days(schema: Schema, table: str, day: str | None, last: str | None) -> list[str] | None:
    if day is None:
        return None
    return [made for made in schema.lake.partitions(table) if day <= made <= (last or day)]


def _run(rules: PublishedSchema, first: str, last: str, *, again: bool) -> bool:
    job = dg.define_asset_job(BY_HAND, selection=dg.AssetSelection.assets(key_of(rules)))
    graph = dg.Definitions.merge(defs, dg.Definitions(loggers={"progress": progress}, jobs=[job]))
    config = {**CONFIG, "ops": {"__".join(key_of(rules).path): {"config": {"again": again}}}}
    with instance() as dagster:
        ran = execute_here(graph.resolve_job_def(BY_HAND), dagster, tags=span(first, last), run_config=config)
    for sentence in sentences(ran):
        click.secho(sentence, fg="red", err=True)
    for failed in (each for each in ran.get_asset_check_evaluations() if not each.passed):
        click.secho(failed.description or failed.check_name, fg="red", err=True)
    days = [event.partition or "" for event in ran.get_asset_materialization_events()]
    click.echo(f"{rules.name}: the warehouse has {', '.join(sorted(days)) or 'no day'} of the run {ran.run_id}.")
    return not ran.success


def show_status(*, count: bool) -> int:
    """Print a line for each table; with `count` also what the warehouse counts otherwise (then 1)."""
    schemas = policy().publish.schemas
    if not schemas:
        click.echo(NOTHING)
        return 0
    columns = ("table", "days", "newest", "rows", "rows_per_second", "due", "published_at")
    lines = []
    wrong: list[str] = []
    for rules in schemas:
        with opened_schema(rules, the_lake()) as schema:
            lines += list(_lines(schema))
            if count:
                wrong += list(_wrong(schema))
    print_rows(Rows(columns, lines), "table")
    for sentence in wrong:
        click.secho(sentence, fg="red", err=True)
    return int(bool(wrong))


def _lines(schema: Schema) -> Iterator[tuple[Any, ...]]:
    kept: dict[str, list[Receipt]] = {}
    for receipt in schema.receipts().values():
        kept.setdefault(receipt.table_name, []).append(receipt)
    for table in schema.rules.tables:
        receipts = kept.get(table, [])
        seconds, rows = sum(each.seconds for each in receipts), sum(each.rows for each in receipts)
        yield (
            f"{schema.rules.name}.{table_name(table)}",
            len(receipts),
            max((each.day for each in receipts), default=""),
            rows,
            round(rows / seconds) if seconds else "",
            _count_due(schema, table),
            max((f"{each.at:%Y-%m-%d %H:%M}" for each in receipts), default=""),
        )


def _count_due(schema: Schema, table: str) -> int | str:
    try:
        return len(schema.due_of(table))
    except REFUSALS as refusal:
        return str(refusal)


def _wrong(schema: Schema) -> Iterator[str]:
    rules = schema.rules
    with opened(rules.warehouse, rules.name) as warehouse:
        for each in differences(schema, warehouse):
            yield (
                f"{rules.name}.{table_name(each.table)} has {each.counted:,} rows of {each.day}, and "
                f"{each.published:,} were published. Publish it again: "
                f"gtm publish run {rules.name} --day {each.day} --again"
            )


def write_dbt(folder: Path) -> None:
    """Write the files, and say which."""
    schemas = policy().publish.schemas
    if not schemas:
        raise ValueError(NOTHING)
    for path in dbt.write(schemas, folder):
        click.echo(path)
