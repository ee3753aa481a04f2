"""From an event to a value in HubSpot that was read back, in the sandbox: how soon, and where the time goes.

A made-up company lives some days; then its systems send webhooks of what goes on, and `gtm hooks hot` follows them.
GTM_BENCH_PEOPLE says how many people there are.
"""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from gtm_platform.demo.sandbox_process import Box, open_box
from gtm_platform.demo.world import World
from gtm_platform_tests.bench.api import _server
from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.rounds import ROOT

SEED = 7
SHARES = {"p50": 0.5, "p99": 0.99}
LONGEST_SECONDS = 120  # until what was sent has been followed
MINUTES = 20  # that pass in the world from one round to the next
GTM = [sys.executable, "-W", "ignore", "-m", "gtm_platform.cli"]


def measure(effort: Effort) -> Iterator[Row]:
    people = int(os.environ.get("GTM_BENCH_PEOPLE", effort.of(1_500, 60)))
    with tempfile.TemporaryDirectory(prefix="gtm-bench-") as folder:
        home = Path(folder, "home")
        _gtm(home, {}, "demo", "--people", str(people), "--days", str(effort.of(2, 1)), "--seed", str(SEED))
        with open_box(home, people, SEED, None) as box:
            runs, box_errors = _followed(home, box, effort.of(30, 5))
    assert not box_errors, box_errors
    yield from _rows(people, runs)


def _followed(home: Path, box: Box, rounds: int) -> tuple[list[dict[str, Any]], list[str]]:
    """Let rounds pass in the world; return what was followed, and whose deliveries failed."""
    world = World.of(home)
    assert world
    assert world.start
    clock = {"GTM_SANDBOX_CLOCK": str(home / "sandbox" / "clock.json")}
    environment = {**box.environment(), **clock, "GTM_FIRST_DAY": world.start}
    box.follow_real_time()
    today = str(box.now().date())
    _gtm(home, environment, "run", "daily_tables", "--partition", today)
    _gtm(home, environment, "hubspot", "apply")
    served = {**environment, "GTM_HOME": str(home)}
    with _server([*GTM, "serve", "--port", "0"], served) as (url, _), open(home / "hot.log", "w") as log:
        follows = subprocess.Popen([*GTM, "hooks", "--home", str(home), "hot"], env=os.environ | served, stdout=log)
        try:
            _wait_for(lambda: "follows webhooks" in (home / "hot.log").read_text(), "the process to follow webhooks")
            box.register_webhooks(url, [])
            for _ in range(rounds):
                _round(home, box)
        finally:
            follows.terminate()
            follows.wait()
    failed = [str(each) for each in box.webhooks().get("failed", []) or []]
    return _runs(home), failed


def _round(home: Path, box: Box) -> None:
    """Let some minutes pass, and wait until all that was sent has been followed."""
    box.move_clock(MINUTES / 24 / 60)
    box.send_webhooks()
    _wait_for(lambda: _events(home) <= sum(run["events"] for run in _runs(home)), "events to be followed")


def _wait_for(is_so: Any, what: str) -> None:
    until = time.monotonic() + LONGEST_SECONDS
    while not is_so():
        if time.monotonic() > until:
            raise RuntimeError(f"It took more than {LONGEST_SECONDS} seconds for {what}.")
        time.sleep(0.1)


def _gtm(home: Path, environment: dict[str, str], command: str, *arguments: str) -> None:
    done = subprocess.run(
        [*GTM, command, *_with_home(command, arguments, home)],
        cwd=ROOT,
        env=os.environ | {"PYTHONUNBUFFERED": "1"} | environment | {"GTM_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"gtm {command} failed: {done.stdout[-1500:]} {done.stderr[-1500:]}")


def _with_home(command: str, arguments: Sequence[str], home: Path) -> list[str]:
    return list(arguments) if command == "hubspot" else [*arguments, "--home", str(home)]


def _events(home: Path) -> int:
    """Count the events that are about something, by the database itself."""
    with closing(sqlite3.connect(home / "state.db")) as state:
        return int(state.execute("select count(*) from hook_events where touched <> '{}'").fetchone()[0])


def _runs(home: Path) -> list[dict[str, Any]]:
    with closing(sqlite3.connect(home / "state.db")) as state:
        state.row_factory = sqlite3.Row
        return [dict(row) for row in state.execute("select * from hot_runs order by id")]


def _rows(people: int, runs: Sequence[dict[str, Any]]) -> Iterator[Row]:
    delivered = [run for run in runs if run["outcome"] == "delivered"]
    seconds = sorted(_moment(run["at"]) - _moment(run["first_event_at"]) for run in delivered)
    yield Row("people in the world", "people", people)
    yield Row("events that were followed", "events", sum(run["events"] for run in runs))
    for outcome, count in sorted(Counter(run["outcome"] for run in runs).items()):
        yield Row(f"runs: {outcome}", "runs", count)
    if seconds:
        targets = {"p50": Target("≤", 3), "p99": Target("≤", 8)}
        for name, share in SHARES.items():
            at = seconds[min(len(seconds) - 1, int(len(seconds) * share))]
            yield Row(f"{name} from the first event to HubSpot read back", "s", at, targets[name])
    stages = [json.loads(run["stages"]) for run in delivered]
    for name in dict.fromkeys(name for each in stages for name in each):
        yield Row(f"of these: {name}", "s", sum(each.get(name, 0) for each in stages) / len(stages) / 1000)
    left: Counter[str] = Counter()
    for run in runs:
        left.update(json.loads(run["left"]))
    for cause, number in left.most_common():
        yield Row(f"left to the daily tables: {cause}", "records", number)


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


FIGURE = Figure(
    "hot",
    "A value that an event changes is in HubSpot, and read back, within 3 s for half, within 8 s for 99 %.",
    measure,
)
