"""`gtm demo`: some days of a made-up company, lived as a running platform would, and checked against its truth."""

import json
import os
import threading
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gtm_platform.demo.sandbox_process import Box, open_box
from gtm_platform.demo.story import Story
from gtm_platform.demo.world import World
from gtm_platform.settings import settings

if TYPE_CHECKING:
    import dagster as dg

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
HOUR = timedelta(hours=1)


def tell(people: int, days: int, seed: int, now: datetime | None, summary: Path | None) -> int:
    """Lives the days that were not lived yet, checks all that is claimed, and says what happened. 0: all is true."""
    from gtm_platform.demo import report
    from gtm_platform.demo import truth_checks as checked

    home, until = settings().home, _until(now)
    world = _world(home, people, seed, until - timedelta(days=days))
    story = Story()
    click.secho(f"{people:,} people in the tools of a made-up company, day by day until {until}.", bold=True)
    with _sandbox(home, world, story) as box:
        _live(box, world, until, story)
        with story.stage("checks"):
            findings = checked.against(box, story.lived)
    told = report.summed_up(story)
    report.show(story, told, findings)
    if summary:
        summary.write_text(json.dumps(told, indent=2) + "\n")
    return int(any(finding.wrong for finding in findings))


def _until(now: datetime | None) -> date:
    """The day whose beginning ends the story."""
    today = datetime.now(UTC).date()
    until = now.astimezone(UTC).date() if now else today
    if until > today:
        raise ValueError(f"--now {until} lies in the future: the platform's days end with today, {today}.")
    return until


def _world(home: Path, people: int, seed: int, start: date) -> World:
    wanted = World(people, seed, start.isoformat())
    found = World.of(home)
    if found and (found.people, found.seed) != (people, seed):
        raise ValueError(
            f"{home} holds a world of {found.people} people with seed {found.seed}, not of {people} with seed {seed}: "
            "use another --home, or remove the folder."
        )
    if not found:
        wanted.write(home)
    return found or wanted


@contextmanager
def _sandbox(home: Path, world: World, story: Story) -> Iterator[Box]:
    with story.stage("sandbox"):
        opened = open_box(home, world.people, world.seed, _midnight(world.first_day()))
        box = opened.__enter__()
        os.environ.update(box.connect())
    try:
        yield box
    finally:
        opened.__exit__(None, None, None)


def _live(box: Box, world: World, until: date, story: Story) -> None:
    first = world.first_day()
    _refuse_to_go_back(box, until)
    os.environ["GTM_FIRST_DAY"] = first.isoformat()
    with story.stage("definitions"):
        from gtm_platform.definitions import defs
        from gtm_platform.demo import report
        from gtm_platform.orchestration.instance import instance
    with instance() as dagster, _processes() as processes:
        days = [first + timedelta(days=n) for n in range((until - first).days)]
        new = [day for day in days if not _is_lived(day, dagster)]
        story.again = not new
        for day in new or days[-1:]:
            with story.stage("sandbox"):
                _turn_clocks(box, day + timedelta(days=1))
            with story.stage("sources"):
                said = _sync(day, processes, story)
            _live_day(day, defs, dagster, story, said)
            report.show_day(day, said)


def _refuse_to_go_back(box: Box, until: date) -> None:
    clock = datetime.fromisoformat(box.ask("clock")["now"])
    if clock > _midnight(until):
        raise ValueError(
            f"The world in {settings().home} has lived on until {clock:%Y-%m-%d %H:%M} UTC under `gtm ui`, past the "
            f"story's end at {until} 00:00. Use another --home, or remove the folder."
        )


def _is_lived(day: date, dagster: "dg.DagsterInstance") -> bool:
    """Whether the last thing that is done on a day was done."""
    from gtm_platform.delivery.assets import hubspot_contacts

    return day.isoformat() in dagster.get_materialized_partitions(hubspot_contacts.key)


def _turn_clocks(box: Box, day: date) -> None:
    """To the beginning of the day, in the sandbox and here."""
    box.set_clock(_midnight(day))
    os.environ["GTM_NOW"] = _midnight(day).isoformat()
    settings.cache_clear()


def _sync(day: date, processes: ProcessPoolExecutor, story: Story) -> Counter[str]:
    """The sources side by side, a process each, as the daemon runs them."""
    environment = dict(os.environ)
    runs = [processes.submit(run_source, *window, environment) for window in _windows_of(day)]
    said = Counter[str]()
    for table, rows, quarantined in (stream for run in runs for stream in run.result()):
        said["rows"] += rows
        story.rows[table] += rows
        story.quarantined += quarantined
    return said


def _processes() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    """A process of the pool does not outlive the one that opened it, however that ends."""
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run_source(source: str, first: str, last: str, environment: dict[str, str]) -> list[tuple[str, int, int]]:
    """In a process of its own: each stream's table, its rows, and how many were quarantined."""
    warnings.filterwarnings("ignore", message="Parameter `.*` is currently in beta")
    os.environ.update(environment)
    settings.cache_clear()
    from gtm_platform.definitions import defs
    from gtm_platform.orchestration.instance import instance

    with instance() as dagster:
        made = _execute(defs, dagster, f"sync_{source}", first, last)
    return [(".".join(m.asset_key.path), _number(m, "dagster/row_count"), _number(m, "quarantined")) for m in made]


def _live_day(
    day: date, defs: "dg.Definitions", dagster: "dg.DagsterInstance", story: Story, said: Counter[str]
) -> None:
    with story.stage("daily tables"):
        _execute(defs, dagster, "daily_tables", day.isoformat())
    with story.stage("delivery"):
        for made in _execute(defs, dagster, "deliver", day.isoformat()):
            counts = story.hubspot if made.asset_key.path[-1] == "hubspot_contacts" else story.slack
            for name in ("written", "unchanged", "held", "rejected", "said", "messages"):
                counts[name] += _number(made, name)
                said[name] += _number(made, name)
    story.lived.append(day)


def _windows_of(day: date) -> Iterator[tuple[str, str, str]]:
    """Each source with its first and last window of the day."""
    from gtm_platform.ingest.assets import windows
    from gtm_platform.sources.assets import SOURCES

    for source in SOURCES:
        starts = [_midnight(day) + n * HOUR for n in range(0, 24, source.hours)]
        fmt = windows(source.hours).fmt
        yield source.name, starts[0].strftime(fmt), starts[-1].strftime(fmt)


def _execute(
    defs: "dg.Definitions", dagster: "dg.DagsterInstance", job: str, first: str, last: str | None = None
) -> "list[dg.AssetMaterialization]":
    """Runs a job as the daemon would, for a range of partitions; a failure ends the story with its sentence."""
    from gtm_platform.cli.runs import sentences, span

    runnable = defs.resolve_job_def(job)
    ran = runnable.execute_in_process(instance=dagster, raise_on_error=False, run_config=QUIET, tags=span(first, last))
    if not ran.success:
        told = "; ".join(sentences(ran)) or "see the run in the UI"
        raise RuntimeError(f"{job} of {first} failed (run {ran.run_id}): {told}")
    return [event.materialization for event in ran.get_asset_materialization_events()]


def _number(made: "dg.AssetMaterialization", name: str) -> int:
    found: Any = made.metadata.get(name)
    return int(found.value) if found is not None else 0


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
