"""`gtm init`: from keys to the first list of who is at risk. What it does stands in `init_run`."""

import sys
from pathlib import Path

import click

from gtm_platform.cli.homes import choose_home, read_dotenv
from gtm_platform.cli.options import HOME


@click.command()
@HOME
@click.option(
    "--env-file",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path(".env"),
    show_default=True,
    help="Where keys are kept, readable by you alone.",
)
@click.option("--system", "systems", multiple=True, metavar="NAME", help="Ask for the keys of this one; several times.")
@click.option("--yes", is_flag=True, help="Ask nothing: use the keys of the environment, and read at once.")
@click.option(
    "--minutes",
    type=click.IntRange(1, 24 * 60),
    default=15,
    show_default=True,
    help="How long systems are read before the list is made; what takes longer is left to gtm run --due.",
)
@click.option("--no-sync", is_flag=True, help="Stop before anything is read, after what it would take was said.")
def init(home: Path | None, env_file: Path, systems: tuple[str, ...], yes: bool, minutes: int, no_sync: bool) -> None:
    """Connect the systems you have, read them, and list who is at risk.

    It asks for keys, checks each and what it may do with the system itself, says how much there is to read and about
    how long that takes, and writes the keys to a file. It starts in shadow: nothing is written to HubSpot, Slack or any
    other system until you say so. A system whose first sync takes longer than --minutes is left out of the first list,
    which says so; `gtm run --due` reads it. It ends with 1 where a key does not work. Interrupted, it goes on from
    there when it is called again: keys that were accepted are in the file, and what was read is not read again.

    \b
    Example:
      gtm init
      gtm init --system hubspot --system stripe
      gtm init --yes --no-sync
    """
    read_dotenv(env_file)
    chosen = choose_home(home, sandbox=False).announce().enter()
    from gtm_platform.cli.init_run import Wish, initialise

    sys.exit(initialise(Wish(chosen.path, env_file, systems, asks=not yes, reads=not no_sync, minutes=minutes)))
