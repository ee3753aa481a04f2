"""`gtm …`: the command line. Commands import what they need when they are called, so that `--help` answers at once;
and after they entered their home, since the definitions are loaded for one home.

Here are the commands and their options; what each does stands in a module beside this one, or in `demo`.
"""

import datetime
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from gtm_platform.cli import command_log
from gtm_platform.cli.accounts import accounts
from gtm_platform.cli.alerts import alerts
from gtm_platform.cli.audit import audit
from gtm_platform.cli.backup import backup, restore
from gtm_platform.cli.canary import canary
from gtm_platform.cli.effect import effect
from gtm_platform.cli.enrich import enrich
from gtm_platform.cli.erase import erase, export
from gtm_platform.cli.forecast import forecast
from gtm_platform.cli.health import health
from gtm_platform.cli.homes import choose_demo_home, choose_home, enter_with_sandbox, read_dotenv
from gtm_platform.cli.hooks import hooks
from gtm_platform.cli.hubspot import hubspot, undo_writes
from gtm_platform.cli.identity import identity, why
from gtm_platform.cli.init import init
from gtm_platform.cli.key import key
from gtm_platform.cli.options import DEMO_HOME, HOME, PEOPLE, SEED, moment
from gtm_platform.cli.policy import policy
from gtm_platform.cli.publish import publish
from gtm_platform.cli.sandbox import sandbox
from gtm_platform.cli.schema import schema
from gtm_platform.cli.score import score
from gtm_platform.cli.serving import dashboard, mcp, report, serve, ui
from gtm_platform.cli.tokens import token
from gtm_platform.cli.triggers import trigger


class Sentences(click.Group):
    """Errors are one sentence, not a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; what it raises is printed as a sentence and ends the process with 1."""
        try:
            with _audited():
                return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if os.environ.get("GTM_TRACEBACK"):
                raise
            click.secho(_sentence(error), fg="red", err=True)
            click.echo("(GTM_TRACEBACK=1 shows where.)", err=True)
            sys.exit(1)


@contextmanager
def _audited() -> Iterator[None]:
    """Write the entry of the command, however it ends; it may have been written before it showed anything.

    Where it cannot be written that is said, and the command ends as it did: its own error is the one to see. Often both
    have one reason, as where the state cannot be opened; it is given once.
    """
    failed: Exception | None = None
    try:
        yield
    except Exception as error:
        failed = error
        raise
    finally:
        try:
            command_log.write()
        except Exception as error:
            why = "" if failed and _sentence(failed) == _sentence(error) else f" {_sentence(error)}"
            click.secho(f"This command is not in the audit trail.{why}", fg="yellow", err=True)


def _sentence(error: Exception) -> str:
    """What the platform raises is worded for people; before what a library raises stands what kind of error it is."""
    words = str(error).strip() or "no more is known"
    if type(error).__module__.startswith("gtm_platform.") or type(error) in (ValueError, LookupError, RuntimeError):
        return words
    return f"{type(error).__name__}: {words}"


@click.group(cls=Sentences, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gtm-platform", prog_name="gtm")
def gtm() -> None:
    """One record per customer out of all the tools a go-to-market team uses.

    Begin with the demo, which needs no account and no network; then open the Dagster UI over what it made.

    A home is the folder that holds everything: the lake, the state, Dagster's history. The demo has a home of its own,
    .gtm-demo; real accounts have .gtm. Commands open the real one as soon as one account has a key in the environment
    or in .env, and the demo's until then; --home and GTM_HOME choose another.

    \b
    Example:
      gtm demo
      gtm ui
    """
    read_dotenv(Path(".env"))
    warnings.filterwarnings("ignore", message="Parameter `.*` is currently in beta")


@gtm.command()
@DEMO_HOME
@PEOPLE
@click.option("--days", type=click.IntRange(1, 60), default=4, show_default=True, help="How many days to simulate.")
@SEED
@click.option(
    "--now", "now_", metavar="ISO", help="The moment at which the last day is over.  [default: last midnight]"
)
@click.option(
    "--summary", type=click.Path(dir_okay=False, path_type=Path), help="Write the figures to this file, as JSON."
)
def demo(home: Path | None, people: int, days: int, seed: int, now_: str | None, summary: Path | None) -> None:
    """Simulate some days of a made-up company, and check every figure against the truth.

    All systems are played by a sandbox on this machine: no account, no key and no network are
    needed. Called again, it goes on from where it ended.

    \b
    Example:
      gtm demo
      gtm demo --people 120 --days 2 --home /tmp/small
    """
    choose_demo_home(home).announce().enter()
    from gtm_platform.demo.simulation import run_demo

    sys.exit(run_demo(people=people, days=days, seed=seed, now=moment(now_) if now_ else None, summary=summary))


@gtm.command()
@HOME
@click.argument("sql", required=False)
@click.option("--describe", "table", metavar="TABLE", help="Show the columns of a table, and what they mean.")
@click.option(
    "--format",
    "style",
    type=click.Choice(["table", "vertical", "json", "csv"]),
    help="How rows are printed.  [default: table; vertical where a row is wider than the terminal]",
)
@click.option("--other-files", is_flag=True, help="Let SQL read files outside the lake, too, and the network.")
def query(home: Path | None, sql: str | None, table: str | None, style: str | None, other_files: bool) -> None:
    """Query the lake in SQL, read-only; without SQL, list its tables.

    <schema>.<table> has every day or window of a table, current.<source>_<stream> the newest version of each record,
    latest.<table> the newest day of a daily table.

    \b
    Example:
      gtm query
      gtm query --describe latest.unified_customers
      gtm query "select health_status, count(*) from latest.customer_health group by 1"
    """
    if sql and table:
        raise click.UsageError("Give either SQL or --describe, not both.")
    choose_home(home).enter()
    from gtm_platform.cli.query import describe, list_tables, run_query

    if table:
        describe(table, style)
    elif sql:
        run_query(sql, style, other_files=other_files)
    else:
        list_tables(style)


@gtm.command()
@HOME
def doctor(home: Path | None) -> None:
    """Check each source and destination: key, account, connection, permissions, age of its data.

    In a home of the demo it checks the sandbox that runs there.

    \b
    Example:
      gtm doctor
    """
    enter_with_sandbox(choose_home(home).announce())
    from gtm_platform.cli.doctor import examine

    sys.exit(examine())


@gtm.command()
@HOME
@click.argument("selection", required=False)
@click.option("--partition", help="Day or window, e.g. 2026-11-20 or 2026-11-20T0600.")
@click.option("--to", "last", help="Last day or window of a range, made in one run.")
@click.option("--full-refresh", is_flag=True, help="Read sources whole, which also shows what was deleted.")
@click.option("--accept-shrinkage", is_flag=True, help="Believe a full refresh that lost many records: they are gone.")
@click.option("--run-id", hidden=True, help="Id of the run, as whoever launches it has chosen.")
@click.option("--due", is_flag=True, help="Do all that is due, without the daemon; see below.")
@click.option("--dry-run", is_flag=True, help="With --due: only say what is due.")
@click.option("--until", metavar="ISO", help="With --due: begin nothing new after this moment, nor read on.")
@click.option("--max-minutes", type=click.FloatRange(0, min_open=True), help="With --due: nor after so many minutes.")
@click.option(
    "--summary",
    type=click.Path(dir_okay=False, path_type=Path),
    help="With --due: write what was done to this file, as JSON.",
)
def run(
    home: Path | None,
    selection: str | None,
    partition: str | None,
    last: str | None,
    full_refresh: bool,
    accept_shrinkage: bool,
    run_id: str | None,
    due: bool,
    dry_run: bool,
    until: str | None,
    max_minutes: float | None,
    summary: Path | None,
) -> None:
    """Make SELECTION for a partition or a range of them; or all that is due.

    SELECTION is a table (core/revenue), what Dagster calls an asset selection (group:stripe; core/revenue+ with what is
    made of it), or a job: everything_of_a_day reads the day's windows of every source, makes its tables and delivers
    it. It ends with 1 where nothing was made, and says why.

    With --due it brings everything up to date, as Dagster's daemon would: windows that have closed, the tables
    of yesterday and today, deliveries, reports. Call it from cron. It ends with 0 when all was done, 1 where something
    failed or waits for a person, 3 where the time was over, 75 where another process does it already.

    \b
    Example:
      gtm run core/revenue --partition 2026-11-20
      gtm run core/revenue --partition 2026-11-01 --to 2026-11-20
      gtm run group:stripe --partition 2026-11-20 --full-refresh
      gtm run --due --max-minutes 50
    """
    if due == bool(selection):
        raise click.UsageError("Give either SELECTION with --partition, or --due.")
    if not due and (dry_run or until or max_minutes or summary):
        raise click.UsageError("--dry-run, --until, --max-minutes and --summary belong to --due.")
    if due and (partition or last or full_refresh or accept_shrinkage or run_id):
        raise click.UsageError("--due chooses partitions by itself: leave --partition and what belongs to it out.")
    if selection and not partition:
        raise click.UsageError("Name the partition, too: --partition 2026-11-20.")
    ends = moment(until) if until else None
    enter_with_sandbox(choose_home(home).announce())
    if not selection or not partition:
        from gtm_platform.cli.due import run_all

        sys.exit(run_all(dry_run=dry_run, until=ends, max_minutes=max_minutes, summary=summary))
    from gtm_platform.cli.runs import make

    switches = {"full_refresh": full_refresh, "accept_shrinkage": accept_shrinkage}
    sys.exit(make(selection, partition, last, **switches, run_id=run_id))


@gtm.command("import")
@HOME
@click.argument("source", required=False)
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only show what would happen.")
@click.option(
    "--rejected",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the rows that do not fit into this file, each with the reason, to mend and import.",
)
def import_(home: Path | None, source: str | None, file: Path | None, dry_run: bool, rejected: Path | None) -> None:
    """Read a CSV file into SOURCE; without arguments, list the sources that take files.

    It prints which columns are recognised and which are ignored, and which rows are quarantined and why. A file dropped
    into the folder drop/SOURCE of the home is read in the same way, by itself. The exit code is 0 where every row is
    accepted, 3 where some are quarantined, and 1 where the file is refused.

    
    Example:
      gtm import
      gtm import partners_csv partners.csv --dry-run --rejected to_mend.csv
      gtm import linkedin_sales_nav accounts_tier1_20261101.csv
    """
    if source and not file:
        raise click.UsageError("Name the file, too: gtm import SOURCE FILE. Without either it lists the sources.")
    if file and rejected and rejected.exists() and rejected.samefile(file):
        raise click.UsageError("--rejected names the file itself: give the rows that do not fit a file of their own.")
    enter_with_sandbox(choose_home(home).announce())
    from gtm_platform.cli.imports import import_file, list_sources

    sys.exit(import_file(source, file, dry_run=dry_run, rejected=rejected) if source and file else list_sources())


@gtm.command()
@HOME
@click.option("--days", type=click.IntRange(1), default=90, show_default=True, help="Keep the runs of so many days.")
@click.option("--dry-run", is_flag=True, help="Only count.")
def tidy(home: Path | None, days: int, dry_run: bool) -> None:
    """Delete old runs of Dagster's history.

    None is deleted that holds the newest word on a partition, and nothing of the lake.

    \b
    Example:
      gtm tidy --dry-run
      gtm tidy --days 30
    """
    choose_home(home).announce().enter()
    from gtm_platform.orchestration.instance import instance
    from gtm_platform.orchestration.tidy import tidy as tidied

    with instance() as dagster:
        now = datetime.datetime.now(datetime.UTC)
        click.echo(tidied(dagster, now, days, dry_run=dry_run).sentence(days, dry_run=dry_run))


@gtm.command()
@HOME
@click.argument("run_id")
def undo(home: Path | None, run_id: str) -> None:
    """Put back what HubSpot held before the writes of a run, and take back its tasks and tags.

    RUN_ID may be short, as the UI shows it: its first eight characters. What people changed since is left as it is;
    what the run created stays, without our values. `gtm hubspot undo` is the same.

    \b
    Example:
      gtm undo 1f0c9a2b
    """
    undo_writes(home, run_id)


for command in (
    accounts,
    alerts,
    audit,
    backup,
    canary,
    dashboard,
    effect,
    enrich,
    erase,
    export,
    forecast,
    health,
    hooks,
    hubspot,
    identity,
    init,
    key,
    mcp,
    policy,
    publish,
    report,
    restore,
    sandbox,
    schema,
    score,
    serve,
    token,
    trigger,
    ui,
    why,
):
    gtm.add_command(command)
