"""`gtm schema …`: what sources send otherwise than before, and that a person has seen it."""

from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home
from gtm_platform.cli.options import HOME


@click.group()
def schema() -> None:
    """Show new, vanished and changed fields of the sources, and acknowledge them.

    The check `schema_unchanged` of a source's table warns of each for some days (sync.schema_change_days in the
    policy), or until it is acknowledged; it is evaluated with each sync.

    \b
    Example:
      gtm schema changes
    """


@schema.command("changes")
@HOME
@click.option("--all", "show_all", is_flag=True, help="Also those that are acknowledged, undone or old.")
def list_changes(home: Path | None, show_all: bool) -> None:
    """List what was noticed, by table.

    \b
    Example:
      gtm schema changes
      gtm schema changes --all
    """
    choose_home(home).announce().enter()
    from gtm_platform.ingest.schema_drift import changes_by_table
    from gtm_platform.lake.dagster.resource import the_lake
    from gtm_platform.policy import policy
    from gtm_platform.settings import settings

    now, days, listed = settings().now(), policy().sync.schema_change_days, 0
    for table, changes in changes_by_table(the_lake()).items():
        for change in changes:
            if show_all or change.is_open(now, days):
                listed += 1
                click.echo(f"{change.first_seen[:10]}  {table:<30} {change}")
    if not listed:
        click.echo("No change is open." if not show_all else "No change was noticed yet.")


@schema.command()
@HOME
@click.argument("table")
@click.argument("field", required=False)
def acknowledge(home: Path | None, table: str, field: str | None) -> None:
    """Mark the changes of TABLE, or of one FIELD of it, as seen: they are warned of no more.

    \b
    Example:
      gtm schema acknowledge hubspot/contacts
      gtm schema acknowledge hubspot/contacts properties.tier
    """
    choose_home(home).announce().enter()
    from gtm_platform.ingest import schema_drift
    from gtm_platform.lake.dagster.resource import the_lake
    from gtm_platform.settings import settings

    seen = schema_drift.acknowledge(the_lake(), table, settings().now(), field)
    if not seen:
        raise click.ClickException(f"No change of {field or 'a field'} of {table} waits: see gtm schema changes.")
    for change in seen:
        click.echo(f"Acknowledged: {change}.")
