"""`gtm publish …`: copies of tables in a warehouse. What each prints stands in `publish_text`."""

import sys
from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home
from gtm_platform.cli.options import HOME, HomeAnywhere


@click.group(cls=HomeAnywhere, invoke_without_command=True)
@HOME
@click.pass_context
def publish(ctx: click.Context, home: Path | None) -> None:
    """Copy chosen tables into a warehouse, for analysts.

    Which tables, into which schema of which warehouse, stands in [publish] of the policy. They are published by
    themselves once a day is made; docs/publishing.md says how.

    \b
    Example:
      gtm publish list
      gtm publish run gtm --dry-run
    """
    choose_home(home).announce().enter()
    if ctx.invoked_subcommand is None:
        from gtm_platform.cli.publish_text import list_schemas

        list_schemas()


@publish.command("list")
def list_() -> None:
    """List the schemas, their tables and which personal columns go along.

    \b
    Example:
      gtm publish list
    """
    from gtm_platform.cli.publish_text import list_schemas

    list_schemas()


@publish.command()
@click.argument("schema", required=False)
@click.option("--day", help="Publish this day, however old it is.  [default: all that is due]")
@click.option("--to", "last", help="Last day of a range that begins with --day.")
@click.option("--dry-run", is_flag=True, help="Only show what is due.")
@click.option("--again", is_flag=True, help="Publish the days whether they are due or not.")
def run(schema: str | None, day: str | None, last: str | None, dry_run: bool, again: bool) -> None:
    """Publish what is due of SCHEMA, or of every schema.

    It ends with 1 where something could not be published, and says why. What the warehouse has of the same file is left
    alone.

    \b
    Example:
      gtm publish run
      gtm publish run gtm --day 2026-11-01 --to 2026-11-20
      gtm publish run gtm --dry-run
    """
    if last and not day:
        raise click.UsageError("--to is the end of a range: give its first day with --day.")
    from gtm_platform.cli.publish_text import publish_due

    sys.exit(publish_due(schema, day, last, dry_run=dry_run, again=again))


@publish.command()
@click.option("--count", is_flag=True, help="Count the rows in the warehouse, too; ends with 1 where they differ.")
def status(count: bool) -> None:
    """Show what the warehouse has of each table: days, rows, how fast they were loaded, what is due.

    \b
    Example:
      gtm publish status
      gtm publish status --count
    """
    from gtm_platform.cli.publish_text import show_status

    sys.exit(show_status(count=count))


@publish.command()
@click.option(
    "--to", "folder", required=True, type=click.Path(file_okay=False, path_type=Path), help="Folder of the files."
)
def dbt(folder: Path) -> None:
    """Write a dbt sources file and a data dictionary, from the contracts of the published tables.

    \b
    Example:
      gtm publish dbt --to analytics/models/gtm
    """
    from gtm_platform.cli.publish_text import write_dbt

    write_dbt(folder)
