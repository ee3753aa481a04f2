"""`gtm …`: the command line. Commands import what they need when they are called, so that `--help` is at once there."""

import datetime
import os
import signal
import sys
import threading
import warnings
from pathlib import Path

import click

HOME = click.option(
    "--home",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the lake, the state and Dagster's history.  [default: $GTM_HOME or .gtm]",
)


class Sentences(click.Group):
    """Errors that a person can mend are one sentence, not a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except (ValueError, LookupError, RuntimeError, OSError) as error:
            if os.environ.get("GTM_TRACEBACK"):
                raise
            click.secho(f"{error}", fg="red", err=True)
            click.echo("(GTM_TRACEBACK=1 shows where.)", err=True)
            sys.exit(1)


@click.group(cls=Sentences, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gtm-platform", prog_name="gtm")
def gtm() -> None:
    """One record per customer out of all the tools a go-to-market team uses.

    Begin with `gtm demo`: it lives through fourteen days of a made-up company, offline. Then `gtm ui`.
    """
    _read_dotenv(Path(".env"))
    warnings.filterwarnings("ignore", message="Parameter `.*` is currently in beta")


def _read_dotenv(path: Path) -> None:
    """What the environment does not say itself, as `dagster dev` reads it."""
    if path.is_file():
        for line in path.read_text().splitlines():
            name, equals, value = line.partition("=")
            if equals and not line.lstrip().startswith("#"):
                os.environ.setdefault(name.strip(), value.split(" #")[0].strip().strip("'\""))


@gtm.command()
@HOME
@click.option(
    "--people", type=click.IntRange(20, 100_000), default=1500, show_default=True, help="How many people live."
)
@click.option(
    "--days", type=click.IntRange(1, 60), default=14, show_default=True, help="How many days they live through."
)
@click.option("--seed", type=int, default=7, show_default=True, help="Another seed is another world.")
@click.option(
    "--now", "now_", metavar="ISO", help="The moment at which the last day is over.  [default: last midnight]"
)
@click.option("--summary", type=click.Path(dir_okay=False, path_type=Path), help="Write what happened here, as JSON.")
def demo(home: Path | None, people: int, days: int, seed: int, now_: str | None, summary: Path | None) -> None:
    """Live through some days in a sandbox, and check all that is claimed."""
    from gtm_platform.demo.live import tell

    use_home(home)
    sys.exit(tell(people=people, days=days, seed=seed, now=moment(now_) if now_ else None, summary=summary))


@gtm.command()
@HOME
@click.option("--port", type=int, default=3000, show_default=True, help="Port of the Dagster UI.")
@click.option(
    "--sandbox/--no-sandbox", default=True, show_default=True, help="Read the sandbox, or the accounts in .env."
)
def ui(home: Path | None, port: int, sandbox: bool) -> None:
    """Start the Dagster UI with its daemon, and the sandbox. Ctrl-C ends all of it."""
    from gtm_platform.cli.ui import show

    use_home(home)
    sys.exit(show(port=port, sandbox=sandbox))


@gtm.group()
def sandbox() -> None:
    """The world in the box: HubSpot, Stripe, Intercom and Slack on loopback."""


@sandbox.command()
@HOME
@click.option("--port", type=int, default=8787, show_default=True, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--people", type=click.IntRange(20, 100_000), default=1500, show_default=True)
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--now", "now_", metavar="ISO", help="Stop the clock at this moment.  [default: it follows the real one]")
@click.option("--attached", is_flag=True, hidden=True, help="End when standard input does, with whoever started it.")
def serve(home: Path | None, port: int, people: int, seed: int, now_: str | None, attached: bool) -> None:
    """Serve the sandbox until Ctrl-C. With --home, what is written to it outlives a restart."""
    from gtm_platform.sandbox.server import serve as run

    if attached:
        threading.Thread(target=_end_with_input, daemon=True).start()
    run(port=port, people=people, seed=seed, now=moment(now_) if now_ else None, home=home)


def _end_with_input() -> None:
    """However the other end of the pipe goes, also by a kill -9, the kernel closes it."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGINT)


@gtm.command()
@HOME
@click.argument("sql")
@click.option("--format", "shape", type=click.Choice(["table", "json", "csv"]), default="table", show_default=True)
def query(home: Path | None, sql: str, shape: str) -> None:
    """Ask the lake in SQL, read-only: <schema>.<table>, current.<source>_<stream>, latest.<table>."""
    from gtm_platform.cli.query import ask

    use_home(home)
    ask(sql, shape)


@gtm.command()
@HOME
def doctor(home: Path | None) -> None:
    """Every source: configured or off, reachable, allowed what it needs, last sync, freshness."""
    from gtm_platform.cli.doctor import examine

    use_home(home)
    sys.exit(examine())


@gtm.command()
@HOME
@click.argument("selection")
@click.option("--partition", required=True, help="Day or window, e.g. 2026-11-20 or 2026-11-20T0600.")
@click.option("--to", "last", help="Last day or window of a range, made in one run.")
def run(home: Path | None, selection: str, partition: str, last: str | None) -> None:
    """Make SELECTION for a partition or a range: a table (core/revenue), `group:stripe`, `core/revenue+`, or a job.

    The job everything_of_a_day reads the day's windows of every source, makes its tables and delivers it.
    """
    from gtm_platform.cli.runs import make

    use_home(home)
    sys.exit(make(selection, partition, last))


@gtm.command()
@HOME
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, help="Keep the runs of so many days.")
@click.option("--dry-run", is_flag=True, help="Only count.")
def tidy(home: Path | None, days: int, dry_run: bool) -> None:
    """Delete old runs of Dagster's history; none that holds the newest word on a partition, nothing of the lake."""
    use_home(home)
    from gtm_platform.orchestration.instance import instance
    from gtm_platform.orchestration.tidy import tidy as tidied

    with instance() as dagster:
        now = datetime.datetime.now(datetime.UTC)
        click.echo(tidied(dagster, now, days, dry_run=dry_run).sentence(days, dry_run=dry_run))


@gtm.command()
@HOME
@click.argument("run_id")
def undo(home: Path | None, run_id: str) -> None:
    """Put back what HubSpot held before the writes of a run."""
    from gtm_platform.delivery.hubspot.undo import undo_run

    use_home(home)
    click.echo(undo_run(run_id))


def use_home(home: Path | None) -> None:
    """From here on this process, and those it starts, live in that folder."""
    if home is not None:
        os.environ["GTM_HOME"] = str(home)
    place = Path(os.environ.setdefault("GTM_HOME", ".gtm")).expanduser().resolve()
    os.environ["GTM_HOME"] = str(place)
    os.environ["DAGSTER_HOME"] = str(place / "dagster")


def moment(text: str) -> datetime.datetime:
    when = datetime.datetime.fromisoformat(text)
    return when if when.tzinfo else when.replace(tzinfo=datetime.UTC)
