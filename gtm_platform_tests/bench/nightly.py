"""One more night of `gtm run --due`, and the first sync before it: windows, tables of yesterday and today, deliveries.

It is the command itself in a process of its own, over the sandbox, whose limits count a hundred times as fast: what is
measured is the platform, and the sandbox, which lives and answers on the same processors. Seconds of CPU are those of
the platform alone. Left out are systems whose first sync takes the sandbox hours with so many people.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

from gtm_platform.demo.sandbox_process import Box, open_box
from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.rounds import ROOT, environment

NOW = datetime(2026, 3, 10, 0, 40, tzinfo=UTC)
NIGHT = Target("≤", 300)
PARTS = {"sync": "windows of sources", "daily_tables": "tables of yesterday and today", "deliver": "deliveries"}
LONGEST = 5  # of a night, each a row of its own
# Asked for each event, meeting, company or account by itself, computed anew for each query, or paid for by the record.
LEFT_OUT = ("CALENDLY", "FATHOM", "FACTORS", "REODEV", "CHROMA_ADMIN", "LISTKIT_ADMIN", "POSTHOG", "SUMBLE")


@dataclass(frozen=True)
class Night:
    """What one `gtm run --due` took: on the clock, of the processors in it and its children, by part and step."""

    seconds: float
    cpu: float
    rows: int
    parts: Mapping[str, float]
    steps: Mapping[str, float]


def measure(effort: Effort) -> Iterator[Row]:
    people = effort.of(50_000, 2_000)
    with tempfile.TemporaryDirectory(prefix="gtm-bench-") as folder, open_box(Path(folder), people, 7, NOW) as box:
        home = Path(folder, "home")
        first = due(box, home, NOW)
        yield from _rows(f"the first sync of {people:,} people", first, None)
        tomorrow = NOW + timedelta(days=1)
        box.set_clock(tomorrow)
        night = due(box, home, tomorrow)
        yield from _rows(f"one more night of {people:,} people", night, NIGHT)


def _rows(what: str, night: Night, target: Target | None) -> Iterator[Row]:
    yield Row(f"{what}, {night.rows:,} rows", "s", night.seconds, target)
    yield Row(what, "s of CPU", night.cpu)
    for part, seconds in night.parts.items():
        yield Row(f"{what}: {part}", "s", seconds)
    for step, seconds in Counter(night.steps).most_common(LONGEST):
        yield Row(f"{what}: {step}", "s", seconds)


def due(box: Box, home: Path, now: datetime) -> Night:
    """Run what is due at a moment; what fails ends the measurement."""
    summary = home.parent / "due.json"
    place = {"GTM_HOME": str(home), "DAGSTER_HOME": str(home / "dagster"), "GTM_NOW": now.isoformat()}
    place["GTM_POLICY"] = str(_policy(home.parent))
    command = [sys.executable, "-m", "gtm_platform.cli", "run", "--due", "--summary", str(summary)]
    keys = {name: value for name, value in box.environment().items() if not name.startswith(LEFT_OUT)}
    variables = environment(str(home)) | keys | place
    began, before = datetime.now(UTC), os.times()
    ran = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, check=False)
    after, seconds = os.times(), (datetime.now(UTC) - began).total_seconds()
    if ran.returncode:
        raise RuntimeError(f"gtm run --due ended with {ran.returncode}: {ran.stderr[-3000:]}{ran.stdout[-3000:]}")
    outcomes = json.loads(summary.read_text())["outcomes"]
    parts, steps = Counter[str](), Counter[str]()
    for each in outcomes:
        part, taken = _part(each["name"]), each["seconds"]
        parts[part] = max(parts[part], taken) if part == PARTS["sync"] else parts[part] + taken  # side by side
        steps[each["name"]] += taken
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    parts["starting, looking and ending"] = seconds - sum(parts.values())
    return Night(seconds, cpu, sum(each["rows"] for each in outcomes), parts, steps)


def _policy(folder: Path) -> Path:
    """Write a policy by which the first delivery, of so many companies, asks nobody."""
    path = folder / "policy.toml"
    packaged = files("gtm_platform").joinpath("policy/policy.toml").read_text()
    path.write_text(packaged.replace("\nmax_creations = 500", "\nmax_creations = 1_000_000"))
    return path


def _part(name: str) -> str:
    return next((part for begins, part in PARTS.items() if name.startswith(begins)), "reports, models, comparisons")


FIGURE = Figure("nightly", "50,000 customers take at most 5 minutes a night on 2 cores.", measure)
