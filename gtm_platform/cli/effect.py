"""`gtm effect …`: experiments that show what the platform changes. What they print stands in `effect_text`."""

from datetime import datetime
from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home
from gtm_platform.cli.options import HOME

MONTHS = (3, 4, 6, 9, 12)


@click.group()
def effect() -> None:
    """Find out what the platform changes, by withholding what it shows of some customers.

    The policy's [effect] says what is withheld (alerts, risk, expansion), from which share of customers, and from when
    to when. Who they are is drawn by chance, and shown nowhere. First see what an experiment would find, then register
    it: what was registered cannot be changed. The difference in churn, MRR and expansion comes with an interval that
    holds however often it is looked at, in `gtm effect show` and in the dashboard.

    \b
    Example:
      gtm effect power --share 0.2
      gtm effect register
      gtm effect show
    """


@effect.command()
@HOME
@click.option(
    "--share", type=click.FloatRange(0.01, 0.5), help="Of customers, withheld.  [default: the policy's, or .2]"
)
@click.option("--days", type=click.IntRange(1, 365), help="After which outcomes are read.  [default: the policy's]")
@click.option("--sample-size", type=click.IntRange(50), help="Customers after whom nobody enters any more.")
@click.option("--customers", type=click.IntRange(0), help="Who would count at the start.  [default: by the lake]")
@click.option("--a-month", type=click.IntRange(0), help="Who would come later, a month.  [default: by the lake]")
@click.option("--churn", type=click.FloatRange(0.001, 0.999), help="Of them, within the days.  [default: by the lake]")
@click.option("--months", type=click.IntRange(1, 60), multiple=True, default=MONTHS, show_default=True)
def power(
    home: Path | None,
    share: float | None,
    days: int | None,
    sample_size: int | None,
    customers: int | None,
    a_month: int | None,
    churn: float | None,
    months: tuple[int, ...],
) -> None:
    """Say how large a reduction of churn an experiment would find, and how soon, before it starts.

    For each number of months it prints the chance that the interval excludes no difference at all, if churn falls by a
    tenth, a fifth, three tenths or half. How many customers would count, and how many churn, is what they did in the
    lake; with all three of --customers, --a-month and --churn none is needed.

    \b
    Example:
      gtm effect power
      gtm effect power --share 0.3 --days 60
      gtm effect power --customers 400 --a-month 80 --churn 0.12
    """
    choose_home(home).announce().enter()
    from gtm_platform.cli.effect_text import print_power

    stated = {"now": customers, "a_month": a_month, "churn": churn}
    print_power({"share": share, "outcome_days": days, "sample_size": sample_size}, stated, months)


@effect.command()
@HOME
@click.option("--who", help="Who registers it.  [default: the user of this machine]")
@click.option("--yes", is_flag=True, help="Do not ask.")
def register(home: Path | None, who: str | None, yes: bool) -> None:
    """Register the experiment that the policy's [effect] describes.

    It has to begin on a later day, and no other may run then. Once registered its terms count, whatever the policy says
    later; another experiment needs another name.

    \b
    Example:
      gtm effect register
      gtm effect register --who "Noor Haddad" --yes
    """
    choose_home(home).announce().enter()
    from gtm_platform.cli.effect_text import register_policy

    register_policy(who, ask=not yes)


@effect.command()
@HOME
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="As of the end of a day.  [default: the newest]")
def show(home: Path | None, day: datetime | None) -> None:
    """Show the experiments that were registered, what they found, and the metrics of success.

    \b
    Example:
      gtm effect show
      gtm effect show --day 2026-11-20
    """
    choose_home(home).announce().enter()
    from gtm_platform.cli.effect_text import print_experiments, print_success

    wanted = day.date().isoformat() if day else None
    print_experiments(wanted)
    print_success(wanted)


@effect.command()
@HOME
@click.argument("name")
@click.option("--why", "reason", required=True, help="For what reason; it is shown with the experiment.")
@click.option("--who", help="Who stops it.  [default: the user of this machine]")
def stop(home: Path | None, name: str, reason: str, who: str | None) -> None:
    """Stop an experiment: today is the last day on which anything is withheld.

    Outcomes that would be read later do not count. It cannot be taken up again.

    \b
    Example:
      gtm effect stop spring --why "Withheld customers leave: the alerts work."
    """
    choose_home(home).announce().enter()
    from gtm_platform.cli.effect_text import stop_experiment

    stop_experiment(name, who, reason)
