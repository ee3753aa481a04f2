"""`gtm hubspot …`: what would be written to HubSpot, writing it, and taking a run back."""

import sys
from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home, enter_with_sandbox
from gtm_platform.cli.options import HOME

OBJECT = click.option(
    "--object", "name", metavar="TYPE", help="Only companies, contacts or deals.  [default: all of them]"
)


@click.group()
def hubspot() -> None:
    """See what would be written to HubSpot, write it, and take it back.

    \b
    Example:
      gtm hubspot plan
      gtm hubspot apply
    """


@hubspot.command()
@HOME
@OBJECT
@click.option("--limit", type=click.IntRange(0), default=200, show_default=True, help="Lines to print; 0 prints all.")
def plan(home: Path | None, name: str | None, limit: int) -> None:
    """Show field by field what the next delivery would change in HubSpot; nothing is written.

    Each line has the value in HubSpot, ours, and the table, rule and day that ours is from; below stand the counts. It
    reads HubSpot, and works whether or not writing is enabled.

    \b
    Example:
      gtm hubspot plan
      gtm hubspot plan --object companies --limit 0
    """
    enter_with_sandbox(choose_home(home).announce())
    from gtm_platform.cli.hubspot_runs import print_plan

    print_plan(name, limit)


@hubspot.command()
@HOME
@OBJECT
@click.option(
    "--allow-mass-change",
    is_flag=True,
    help="Write also where more records would change, or be created, than the policy lets a run.",
)
def apply(home: Path | None, name: str | None, allow_mass_change: bool) -> None:
    """Deliver the newest day to HubSpot, as the platform does by itself.

    The same guards hold: every check of the tables must have passed, what people edited is left alone, and too large a
    change stops and asks. Without HUBSPOT_WRITE_ENABLED=true nothing is written.

    \b
    Example:
      gtm hubspot apply
      gtm hubspot apply --object contacts --allow-mass-change
    """
    enter_with_sandbox(choose_home(home).announce())
    from gtm_platform.cli.hubspot_runs import deliver_newest_day

    sys.exit(deliver_newest_day(name, allow_mass_change=allow_mass_change))


@hubspot.command()
@HOME
@click.argument("run_id")
def undo(home: Path | None, run_id: str) -> None:
    """Put back what HubSpot held before the writes of a run; `gtm undo` is the same.

    RUN_ID may be short, as the UI shows it. What people changed since is left as it is. Objects that the run created
    stay, without our values, and so do associations.

    \b
    Example:
      gtm hubspot undo 1f0c9a2b
    """
    undo_writes(home, run_id)


def undo_writes(home: Path | None, run_id: str) -> None:
    """Undo a run in a home, and print what became of it."""
    enter_with_sandbox(choose_home(home).announce())
    from gtm_platform.delivery.hubspot.undo import undo_run

    click.echo(undo_run(run_id))
