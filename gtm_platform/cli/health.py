"""`gtm health …`: why a customer's score is what it is. How a score is made, and explained, stands in `health`."""

from datetime import datetime
from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home
from gtm_platform.cli.options import HOME

POLICY_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def health() -> None:
    """Explain the health of customers.

    \b
    Example:
      gtm health explain jane@acme.com
    """


@health.command()
@HOME
@click.argument("email")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="The day at whose end.  [default: the newest there is]")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def explain(home: Path | None, email: str, day: datetime | None, as_json: bool) -> None:
    """Write down how a customer's score is made.

    EMAIL is any of the customer's addresses, or its customer_id. Every component stands with its figures and the points
    that it earned and missed; then what was taken off, how the score moved, the signals with what shows them, and what
    to do.

    \b
    Example:
      gtm health explain jane@acme.com
      gtm health explain jane@acme.com --day 2026-11-20
    """
    choose_home(home).enter()
    import gtm_platform.definitions  # noqa: F401  declares the tables
    from gtm_platform.health.explained_customer import explain_customer
    from gtm_platform.health.explanation_text import text
    from gtm_platform.lake.dagster.resource import the_lake

    customer = explain_customer(the_lake(), email, day.date().isoformat() if day else None)
    if as_json:
        click.echo(customer.explanation.model_dump_json(indent=2))
    else:
        click.echo(text(customer.explanation, f"Health of {customer.name}"))


@health.command()
@HOME
@click.option("--policy", "path", type=POLICY_FILE, help="Test the rules of this file instead of history.")
@click.option("--try", "tries", is_flag=True, help="Test each refinement alone, a line for each.")
def backtest(home: Path | None, path: Path | None, tries: bool) -> None:
    """Test on the churns of the past whether health saw them coming.

    It prints how many days ahead customers were flagged before they left, how often a flag and an alert were right
    beside how often anybody leaves, how well the score ranks and how well risk is calibrated; and for each churn that
    was missed the first day on which it could have been known, and the cheapest rule that would have caught it.

    With --try it prints a line for the rules as they are, those in force or those of the file, and one for each of the
    policy's refinements of health alone. All days are made again for each, and history stays as it is.

    \b
    Example:
      gtm health backtest
      gtm health backtest --policy stricter.toml
      gtm health backtest --try
    """
    choose_home(home).announce().enter()
    import gtm_platform.definitions  # noqa: F401  declares the tables
    from gtm_platform.cli.backtest import print_backtest, print_trials
    from gtm_platform.lake.dagster.resource import the_lake

    (print_trials if tries else print_backtest)(the_lake(), path)


@health.command()
@HOME
@click.option("--policy", "path", type=POLICY_FILE, required=True, help="The policy file to try.")
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, help="How many of the newest days.")
def replay(home: Path | None, path: Path, days: int) -> None:
    """Try rules on the past: what health would have been by them.

    It prints who would move where, how many alerts more or fewer there would have been, and how much earlier each churn
    of the time would have been flagged. History stays as it is.

    \b
    Example:
      gtm health replay --policy stricter.toml --days 90
    """
    choose_home(home).announce().enter()
    import gtm_platform.definitions  # noqa: F401  declares the tables
    from gtm_platform.cli.replay import replay as print_replay
    from gtm_platform.lake.dagster.resource import the_lake

    print_replay(the_lake(), path, days)
