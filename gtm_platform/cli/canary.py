"""`gtm canary …`: synthetic customers that show that everything works."""

import getpass
from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home
from gtm_platform.cli.options import HOME


@click.group()
def canary() -> None:
    """Live with canaries: synthetic customers that sign up, complain, pay late and churn.

    They are made in the systems that the platform may write to, and have to be seen by each stage in its time: read,
    recognised, scored, due as an alert, written to HubSpot, in a report. The data team hears which stage failed. They
    are in no total and no list. The policy's [canaries] names the domain at which they have their addresses.

    \b
    Example:
      gtm canary list
      gtm canary plant
    """


@canary.command(name="list")
@HOME
@click.option("--all", "every", is_flag=True, help="Also what every stage has seen.")
def list_canaries(home: Path | None, every: bool) -> None:
    """List what canaries did and which stage has not seen it; with --all every stage.

    \b
    Example:
      gtm canary list
    """
    from gtm_platform.cli.canary_life import print_stages

    choose_home(home).announce().enter()
    print_stages(every=every)


@canary.command()
@HOME
def plant(home: Path | None) -> None:
    """Make a new canary now; it lives on by the schedule.

    `gtm canary remove NAME` takes it away again.

    \b
    Example:
      gtm canary plant
    """
    from gtm_platform.cli.canary_life import plant_canary

    choose_home(home).announce().enter()
    plant_canary(getpass.getuser())


@canary.command()
@HOME
@click.argument("name")
def remove(name: str, home: Path | None) -> None:
    """Take a canary away: its contacts are archived, and it does nothing more.

    \b
    Example:
      gtm canary remove NAME
    """
    from gtm_platform.cli.canary_life import remove_canary

    choose_home(home).announce().enter()
    remove_canary(name, getpass.getuser())
