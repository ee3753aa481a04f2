"""Options that several commands share, and how their values are read."""

import datetime
from pathlib import Path

import click

HOME = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the lake, the state and Dagster's history.  "
    "[default: $GTM_HOME; else .gtm where a real account has a key, .gtm-demo where none has]",
)
DEMO_HOME = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the made-up company's lake, state and history.  [default: $GTM_HOME, else .gtm-demo]",
)
PEOPLE = click.option(
    "--people",
    type=click.IntRange(20, 100_000),
    default=1500,
    show_default=True,
    help="How many people live in the made-up world.",
)


class HomeAnywhere(click.Group):
    """A group that enters a home for its commands; `--home` may stand behind them, too."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the option of the group first, wherever it stands."""
        ends = args.index("--") if "--" in args else len(args)
        for place, word in enumerate(args[:ends]):
            if word == "--home" or word.startswith("--home="):
                after = place + (2 if word == "--home" else 1)
                args = [*args[place:after], *args[:place], *args[after:]]
                break
        return super().parse_args(ctx, args)


SANDBOX_PORT = 8787  # of every sandbox that a person starts, unless another one has it
SEED = click.option("--seed", type=int, default=7, show_default=True, help="Another seed is another world.")


def moment(text: str) -> datetime.datetime:
    """Read a moment in ISO 8601; one without a time zone is in UTC."""
    when = datetime.datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=datetime.UTC)
