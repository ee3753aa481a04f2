"""`gtm demo` and `gtm sandbox day`: days of a made-up company, run as a platform would run them.

The demo also checks all that it claims against the sandbox's truth. What a day consists of stands in `day_runs`.
"""

import json
import os
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click

from gtm_platform.demo.day_runs import DayRuns, Tally, day_runs, days_between, midnight, use_clock
from gtm_platform.demo.file_drops import drop_files
from gtm_platform.demo.sandbox_process import Box, open_box, required_sandbox
from gtm_platform.demo.world import World, claim_home
from gtm_platform.orchestration.first_day import first_day
from gtm_platform.settings import settings


def run_demo(people: int, days: int, seed: int, now: datetime | None, summary: Path | None) -> int:
    """Run the days that are still missing and check the result; return 0 if every claim is true."""
    home, until = settings().home, _end_of_demo(now)
    world = claim_home(home, people, seed, until - timedelta(days=days))
    tally = Tally()
    click.secho(f"{people:,} people in the tools of a made-up company, day by day until {until}.", bold=True)
    with ExitStack() as opened:
        with tally.stage("sandbox"):
            first = midnight(world.first_day())
            box = opened.enter_context(open_box(home, world.people, world.seed, first))
        os.environ.update(box.environment())
        _run_days(box, world, until, tally)
        with tally.stage("checks"):
            from gtm_platform.demo import report, truth_checks

            findings = truth_checks.against(box, tally.days)
    figures = report.summed_up(tally)
    report.show(tally, figures, findings, home)
    if summary:
        summary.write_text(json.dumps(figures, indent=2) + "\n")
    return int(any(finding.wrong for finding in findings))


def run_next_day(home: Path) -> int:
    """Move the sandbox that runs for the home on by a day, and run here what a platform does until then."""
    box, tally = required_sandbox(home), Tally()
    box.move_clock(days=1)
    connect(box, home)
    click.echo(box.clock_message())
    with day_runs(tally) as runs:
        from gtm_platform.demo import report

        for day in _days_after_the_last_run(runs):
            drop_files(box, home, since=midnight(day))
            report.show_day(day, runs.run(day))
    if not tally.days:
        click.echo("No day has ended since the last one that was run.")
    return 0


def _days_after_the_last_run(runs: DayRuns) -> Sequence[date]:
    """The days that are over and came after the last one that was run; the newest, where none was run before.

    Its first sync brings all that there is.
    """
    past = days_between(first_day(), settings().now().date())
    complete = [day for day in past if runs.is_complete(day)]
    return [day for day in past if day > complete[-1]] if complete else past[-1:]


def connect(box: Box, home: Path) -> None:
    """Let the platform in this process read the sandbox that runs for the home, at the sandbox's time."""
    os.environ.update(box.environment())
    world = World.of(home)
    if world and world.start:
        os.environ["GTM_FIRST_DAY"] = world.start
    use_clock(box.now())


def _end_of_demo(now: datetime | None) -> date:
    """Return the day whose beginning ends the demo."""
    today = datetime.now(UTC).date()
    until = now.astimezone(UTC).date() if now else today
    if until > today:
        raise ValueError(f"--now {until} lies in the future: the platform's days end with today, {today}.")
    return until


def _run_days(box: Box, world: World, until: date, tally: Tally) -> None:
    first = world.first_day()
    _refuse_to_go_back(box, until)
    os.environ["GTM_FIRST_DAY"] = first.isoformat()
    use_clock(midnight(until))
    with ExitStack() as opened:
        with tally.stage("definitions"):
            from gtm_platform.demo import report

            runs = opened.enter_context(day_runs(tally))
        days = days_between(first, until)
        new = [day for day in days if not runs.is_complete(day)]
        tally.is_rerun = not new
        for day in new or days[-1:]:
            with tally.stage("sandbox"):
                _turn_clocks(box, midnight(day + timedelta(days=1)))
                if new:
                    drop_files(box, settings().home, since=None if day == first else midnight(day))
            report.show_day(day, runs.run(day))


def _turn_clocks(box: Box, now: datetime) -> None:
    """Move both clocks, the sandbox's and the platform's."""
    box.set_clock(now)
    use_clock(now)


def _refuse_to_go_back(box: Box, until: date) -> None:
    if (now := box.now()) > midnight(until):
        raise ValueError(
            f"The world in {settings().home} has gone on until {now:%Y-%m-%d %H:%M} UTC under `gtm ui`, past the "
            f"demo's end at {until} 00:00. Use another --home, or remove the folder."
        )
