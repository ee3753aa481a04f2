"""`gtm run --due`: all that is due in one process, for cron, with its progress, a summary and an exit code."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from gtm_platform.automation.due import Step, Waiting
from gtm_platform.automation.due_run import Bounds, Summary, run_due, what_is_due
from gtm_platform.automation.step_processes import StepProcesses
from gtm_platform.automation.step_run import FAILED, LEFT, MADE, Outcome
from gtm_platform.cli.processes import end_in_order
from gtm_platform.definitions import defs
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.orchestration.instance import instance
from gtm_platform.state.leases import LeaseTaken

DONE_CODE, FAILED_CODE, LEFT_CODE = 0, 1, 3
TAKEN_CODE, INTERRUPTED_CODE = 75, 130  # as sysexits.h and shells have them
OFF = " is off"  # of a source without its key: texts once, by its number


def run_all(*, dry_run: bool, until: datetime | None, max_minutes: float | None, summary: Path | None) -> int:
    """Do all that is due, or say what is; return the exit code."""
    if dry_run:
        with instance() as dagster:
            return _show_due(what_is_due(dagster, defs.get_repository_def(), the_lake()))
    done = run_within(_bounds(until, max_minutes))
    if isinstance(done, int):
        return done
    if summary:
        summary.write_text(json.dumps(_as_json(done), indent=2) + "\n")
    return _code(done)


def run_within(bounds: Bounds) -> Summary | int:
    """Do what is due, and show it; return the exit code where that did not come to an end."""
    end_in_order()
    with instance() as dagster:
        try:
            done = run_due(dagster, defs.get_repository_def(), the_lake(), bounds, _watch, StepProcesses())
        except KeyboardInterrupt:
            click.secho("Interrupted. The next `gtm run --due` goes on from here.", fg="yellow", err=True)
            return INTERRUPTED_CODE
        except LeaseTaken as taken:
            click.secho(f"Nothing was done: another `gtm run --due` is at it, {taken}.", fg="yellow", err=True)
            return TAKEN_CODE
    _show(done)
    return done


def _bounds(until: datetime | None, max_minutes: float | None) -> Bounds:
    """The earlier of a moment and so many minutes from now, by the clock on the wall."""
    after = datetime.now(UTC) + timedelta(minutes=max_minutes) if max_minutes else None
    ends = [end for end in (until, after) if end]
    return Bounds(min(ends, default=None), lambda: datetime.now(UTC))


def _code(done: Summary) -> int:
    if done.failed:
        return FAILED_CODE
    return LEFT_CODE if done.of(LEFT) else DONE_CODE


# --- what is printed -------------------------------------------------------------------------------------------------


def _show_due(items: Sequence[Step | Waiting]) -> int:
    steps = [each for each in items if isinstance(each, Step)]
    for step in steps:
        click.echo(step)
    for waiting in items:
        if isinstance(waiting, Waiting) and OFF not in waiting.reason:
            click.secho(str(waiting), dim=True)
    click.echo(_off_sentence([each for each in items if isinstance(each, Waiting)]), nl=False)
    follows = " What sources bring makes tables and a delivery due, too." if any(_reads(step) for step in steps) else ""
    click.echo(f"{len(steps)} due.{follows} Nothing was done.")
    return 0


def _reads(step: Step) -> bool:
    return step.job.startswith("sync_")


def _off_sentence(waiting: Sequence[Waiting]) -> str:
    off = [each for each in waiting if OFF in each.reason]
    return f"{len(off)} sources are off; `gtm doctor` says which.\n" if off else ""


def _watch(event: Step | Outcome | Waiting) -> None:
    """Print one line as something begins or ends."""
    if isinstance(event, Step):
        click.secho(f"{event} …", dim=True, err=True)
    elif isinstance(event, Outcome):
        colour = {MADE: "green", FAILED: "red", LEFT: "yellow"}[event.status]
        click.secho(_line(event), fg=colour, err=True)


def _line(outcome: Outcome) -> str:
    counts = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in outcome.counts.items())
    figures = counts or f"{outcome.tables} tables, {outcome.rows:,} rows"
    texts = {MADE: f"{figures} in {outcome.seconds:.0f} s", FAILED: f"failed: {outcome.reason}"}
    return f"{outcome.name}: {outcome.about}: {texts.get(outcome.status, f'left: {outcome.reason}')}"


def _show(done: Summary) -> None:
    """Print what was computed, delivered, failed and left."""
    made, failed, left = done.of(MADE), done.of(FAILED), done.of(LEFT)
    computed = [each for each in made if not each.counts]
    rows = sum(each.rows for each in computed)
    click.echo(f"computed  {len(computed)} runs, {sum(each.tables for each in computed)} tables, {rows:,} rows")
    for outcome in made:
        if outcome.counts:
            click.echo(f"delivered {_line(outcome)}")
    for outcome in failed:
        click.echo(f"failed    {outcome.name}: {outcome.about}: {outcome.reason} (run {outcome.run_id[:8] or 'none'})")
    for waiting in done.waiting:
        if OFF not in waiting.reason:
            click.echo(f"{'waits' if waiting.needs_person else 'skipped':<9} {waiting}")
    for outcome in left:
        click.echo(f"left      {outcome.name}: {outcome.about}: {outcome.reason}")
    click.echo(_off_sentence(done.waiting), nl=False)
    if done.only_with_daemon:
        click.echo(f"Only Dagster's daemon looks at: {', '.join(done.only_with_daemon)}.")
    if not done.outcomes:
        click.echo("Nothing was due.")


def _as_json(done: Summary) -> dict[str, object]:
    return {
        "code": _code(done),
        "outcomes": [asdict(each) | {"counts": dict(each.counts)} for each in done.outcomes],
        "waiting": [asdict(each) for each in done.waiting],
    }
