"""The homes of these tests. `lived` is dear and shared: what a test does there must leave its rows as they are."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest

from gtm_platform.demo.sandbox_process import SPEED
from gtm_platform.demo.truth_checks import SYSTEMS
from gtm_platform.orchestration.instance import instance
from gtm_platform.sandbox.kit.limits import WINDOWS
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.state.sqlite_copy import copy_database
from gtm_platform_tests.e2e.home import MARKET, Control, contents, gtm, let_go, live, midnight, move_in

PEOPLE, SEED = 60, 17  # in which customers speak of cancelling, owe, stay away, wait with a critical ticket, rate badly
DAYS = [date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)]
NOW = midnight(date(2026, 3, 4))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs the home that is dear is among the tests that live whole days."""
    for item in items:
        if item.path.parent == Path(__file__).parent and "lived" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.soak)


@pytest.fixture(scope="module", autouse=True)
def limits_pass_faster() -> Iterator[None]:
    """Days are lived in seconds here, in which the calls of some systems would wait for minutes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WINDOWS, "times", SPEED)
        yield


@dataclass(frozen=True)
class Demo:
    """One call of `gtm demo`, and what the lake held after it."""

    process: subprocess.CompletedProcess[str]
    summary: dict[str, Any]
    rows: dict[tuple[str, str], list[str]]


@dataclass(frozen=True)
class Lived:
    """Two days lived by `gtm demo`, twice; then a third one here, by the same jobs."""

    home: Path
    box: Sandbox
    dagster: dg.DagsterInstance
    demos: list[Demo]
    delivered: dict[str, dict[tuple[str, str], int]]  # what HubSpot and Slack were asked on the third day

    @property
    def control(self) -> Control:
        return Control(self.box.url)

    def truth(self, day: date) -> pd.DataFrame:
        return pd.DataFrame(self.control.ask("truth", day=day.isoformat(), systems=SYSTEMS)["people"])


def demo(home: Path) -> Demo:
    summary = home / "summary.json"
    summary.unlink(missing_ok=True)
    world = ["--people", str(PEOPLE), "--seed", str(SEED), "--days", "2", "--now", midnight(DAYS[2]).isoformat()]
    process = gtm("demo", *world, "--summary", str(summary), home=home)
    assert process.returncode == 0, process.stdout + process.stderr
    return Demo(process, json.loads(summary.read_text()), contents(home))


@pytest.fixture(scope="session")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    home = tmp_path_factory.mktemp("lived")
    demos = [demo(home), demo(home)]
    with pytest.MonkeyPatch.context() as patch, running(PEOPLE, SEED, home=home) as box:
        patch.setattr(WINDOWS, "times", SPEED)  # this home is opened before any module's own fixtures
        control = Control(box.url)
        move_in(patch, home, box, midnight(DAYS[2]), MARKET)
        with instance() as dagster:
            live(dagster, patch, box, DAYS[2])
            delivered = {system: control.requests(system) for system in ("hubspot", "slack")}
            patch.undo()
            yield Lived(home, box, dagster, demos, delivered)
            let_go()


@pytest.fixture
def at_home(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> Lived:
    """This test lives in the shared home, after the third day."""
    move_in(monkeypatch, lived.home, lived.box, NOW, MARKET)
    return lived


@pytest.fixture
def copied(lived: Lived, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lived]:
    """A copy of the shared home, to do harm to. Its Dagster begins anew.

    SQLite copies the state: this process has it open, and a file that is closed by hand loses all of its locks.
    """
    home = tmp_path / "copied"
    shutil.copytree(lived.home, home, ignore=shutil.ignore_patterns("dagster", "sandbox", "state.db*"))
    copy_database(lived.home / "state.db", home / "state.db")
    move_in(monkeypatch, home, lived.box, NOW, MARKET)
    with instance() as dagster:
        yield Lived(home, lived.box, dagster, [], {})
        let_go()


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    """The same world at the end of its first day, for tests with a home of their own."""
    with running(PEOPLE, SEED, datetime(2026, 3, 1, tzinfo=UTC)) as box:
        Control(box.url).set_clock(midnight(DAYS[1]))
        yield box


@pytest.fixture
def box(started: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The environment of an empty home that reads it."""
    move_in(monkeypatch, tmp_path / "home", started, midnight(DAYS[1]))
    yield started
    Control(started.url).go_right()


@pytest.fixture
def dagster(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as ephemeral:
        yield ephemeral
        let_go()
