"""`gtm hubspot …`: what is written to HubSpot. The commands and their options; what they do stands in `delivery`."""

import getpass
from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home, enter_with_sandbox
from gtm_platform.cli.options import HOME


@click.group()
def hubspot() -> None:
    """See what HubSpot is to have, what became of it, and how much of it is true there.

    \b
    Example:
      gtm hubspot truth
      gtm hubspot why contacts:501 gtm_health_score
    """


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
        retry_rejection(retried)
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
