"""`gtm hubspot …`: what HubSpot is to have, writing it, taking it back, and how much of it is true there.

Here are the commands and their options; what each does stands in a module beside this one, or in `delivery`.
"""

import getpass
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
    """See what HubSpot is to have, write it, take it back, and see how much of it is true there.

    \b
    Example:
      gtm hubspot plan
      gtm hubspot apply
      gtm hubspot truth
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
    help="Write also where more records would change, or be created, than the policy lets a run; approve is better.",
)
def apply(home: Path | None, name: str | None, allow_mass_change: bool) -> None:
    """Deliver the newest day to HubSpot, as the platform does by itself.

    The same guards hold: every check of the tables must have passed, what people edited is left alone, and too large a
    change stops and asks: gtm hubspot approve. Without HUBSPOT_WRITE_ENABLED=true nothing is written.

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
@click.argument("run_id", metavar="RUN", required=False)
@click.option("--reason", help="Why it is right; it is kept with your name.")
@click.option("--by", default=getpass.getuser, help="Who approves it.  [default: who is logged in]")
def approve(home: Path | None, run_id: str | None, reason: str | None, by: str) -> None:
    """Approve what a run stopped, as it would change or create more than the policy lets a run do.

    RUN may be short, as the UI shows it; without one the runs that wait are listed. The next run goes ahead, once, with
    no more records than approved and a margin, until the approval ends (hubspot.approval in the policy).

    \b
    Example:
      gtm hubspot approve
      gtm hubspot approve 1f0c9a2b --reason "the plans were renamed"
      gtm hubspot apply
    """
    if run_id and not (reason or "").strip():
        raise click.UsageError("Say why with --reason: it is kept with the approval.")
    choose_home(home).announce().enter()
    from gtm_platform.cli.hubspot_approvals import approve_run, print_waiting

    if run_id and reason:
        approve_run(run_id, by, reason.strip())
    else:
        print_waiting()


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
    from gtm_platform.delivery.actions.undo import undo_actions
    from gtm_platform.delivery.hubspot.undo import NothingToUndo, undo_run

    of_actions = undo_actions(run_id)
    if of_actions:
        click.echo(of_actions)
    try:
        click.echo(undo_run(run_id))
    except NothingToUndo:
        if not of_actions:
            raise


@hubspot.command()
@HOME
def truth(home: Path | None) -> None:
    """Print the share of what is wanted that is true in HubSpot, and who changed the rest.

    It is compared a little at a time, all of it within a day; the last day that was compared is shown.

    \b
    Example:
      gtm hubspot truth
    """
    choose_home(home).announce().enter()
    from gtm_platform.cli.hubspot_values import print_truth

    print_truth()


@hubspot.command()
@HOME
@click.option("--retry", "retried", type=int, metavar="ID", help="Let the next run send this one again.")
@click.option("--dismiss", "dismissed", type=int, metavar="ID", help="Let no run send these values again.")
@click.option("--by", default=getpass.getuser, help="Who decides that.  [default: who is logged in]")
def rejected(home: Path | None, retried: int | None, dismissed: int | None, by: str) -> None:
    """List what HubSpot refuses, in its own words, and when it is sent again.

    What is refused is sent again after some hours, then after more (hubspot.rejected in the policy), and at once when
    its values change. A dismissed one is not sent again before that.

    \b
    Example:
      gtm hubspot rejected
      gtm hubspot rejected --retry 3
      gtm hubspot rejected --dismiss 4
    """
    if retried is not None and dismissed is not None:
        raise click.UsageError("Either --retry or --dismiss, not both.")
    choose_home(home).announce().enter()
    from gtm_platform.cli.hubspot_values import dismiss_rejection, print_rejections, retry_rejection

    if retried is not None:
        retry_rejection(retried, by)
    elif dismissed is not None:
        dismiss_rejection(dismissed, by)
    else:
        print_rejections()


@hubspot.command()
@HOME
@click.argument("object_", metavar="OBJECT")
@click.argument("property_", metavar="PROPERTY")
def why(home: Path | None, object_: str, property_: str) -> None:
    """Say which rule, day and source records made a value, and what became of it run by run.

    OBJECT is a type and an id, such as contacts:501; PROPERTY is its name in HubSpot.

    \b
    Example:
      gtm hubspot why contacts:501 gtm_health_score
      gtm hubspot why companies:9001 customer_cohort
    """
    enter_with_sandbox(choose_home(home).announce())
    from gtm_platform.cli.hubspot_values import print_why

    print_why(object_, property_)
