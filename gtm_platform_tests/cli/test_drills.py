"""Drills, with the commands that a person types: a home is put back after a fire, and an update is undone."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gtm_platform.backups.making import Backup, make
from gtm_platform.backups.manifest import NotABackup
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings
from gtm_platform.state.schema import VERSION
from gtm_platform.state.sqlite_copy import copy_database, version_of
from gtm_platform_tests.cli.conftest import Command

NOW = datetime(2026, 3, 10, 0, 20, tzinfo=UTC)
READ = ("stripe", "hubspot")
COUNT = ("query", "select count(*) as n, sum(amount) as sum from stripe.charges", "--format", "csv")


@pytest.fixture
def box(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox of which two systems are connected, read only."""
    with running(20, 1, NOW) as started:
        variables = {name: value for name, value in started.env.items() if name.lower().startswith(READ)}
        place = {"GTM_NOW": NOW.isoformat(), "GTM_HOME": str(home), "HUBSPOT_WRITE_ENABLED": "false"}
        for name, value in {**variables, **place}.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        yield started


@pytest.mark.soak
def test_a_home_that_was_copied_while_it_was_read_is_put_back_and_all_is_green(
    box: Sandbox, home: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert box.env
    copies = list(copied_while_it_runs(home, tmp_path))
    assert len(copies) > 1, "of several moments of the run"
    whole = make(Backup(home, NOW), tmp_path / "after")
    before = command(*COUNT).stdout
    [(rows, amount)] = [line.split(",") for line in before.splitlines()[1:]]
    assert int(rows) > 0
    assert float(amount) > 0
    for n, copy in enumerate([*copies, tmp_path / "after"]):
        restored = tmp_path / f"restored-{n}"
        monkeypatch.setenv("GTM_HOME", str(restored))
        answer = command("restore", str(copy), "--home", str(restored))
        assert answer.exit_code == 0, answer.output
        with closing(sqlite3.connect(restored / "state.db")) as state:
            assert state.execute("pragma integrity_check").fetchone() == ("ok",)
    assert whole.manifest.files
    assert command(*COUNT).stdout == before, "it answers at once"
    doctor = command("doctor")
    assert doctor.exit_code == 0, doctor.output
    for system in READ:
        [line] = [line for line in doctor.stdout.splitlines() if line.startswith(f"{system} ")]
        assert line.split()[1] == "ok", line
        assert "to which this home belongs" in line
    assert "never" not in doctor.stdout.partition("stripe ")[2].splitlines()[1]
    assert "sync_" not in command("run", "--due", "--dry-run").stdout, "what was read is not read again"


def copied_while_it_runs(home: Path, tmp_path: Path) -> Iterator[Path]:
    """Back up again and again while another process reads two systems; which copies were whole."""
    environment = {**os.environ, "DAGSTER_HOME": str(home / "dagster")}
    begun = [
        subprocess.Popen([sys.executable, "-m", "gtm_platform.cli", "run", f"sync_{system}"], env=environment)
        for system in READ
    ]
    copy = 0
    try:
        while any(process.poll() is None for process in begun):
            target = tmp_path / f"copy-{copy}"
            try:
                make(Backup(home, NOW), target)
            except (NotABackup, ValueError):  # there is no state yet
                time.sleep(0.2)  # another process makes it
                continue
            copy += 1
            yield target
    finally:
        codes = [process.wait() for process in begun]
    assert codes == [0, 0], "to be copied harms no run"


def test_an_update_is_undone_with_the_command_that_the_version_of_before_names(home: Path, command: Command) -> None:
    assert command("token", "list").exit_code == 0
    state, copy = home / "state.db", home / "state-copies" / f"state.{VERSION}.db"
    copy_database(state, copy)
    with closing(sqlite3.connect(state)) as updated:  # what a version that does not exist yet would leave
        updated.execute("update alembic_version set version_num = '9999'")
        updated.commit()
    refused = command("token", "list")
    assert refused.exit_code == 1
    named = f"gtm restore {copy} --home {home}"
    assert "written by another version of the platform: Can't locate revision identified by '9999'" in refused.stderr
    assert f"Update it, or go back to the state of before: {named}." in refused.stderr
    assert version_of(state) == "9999", "it was left as it was"
    undone = command(*named.split()[1:])
    assert undone.exit_code == 0, undone.output
    assert version_of(state) == VERSION
    assert command("token", "list").exit_code == 0
    [aside] = home.glob("state.replaced-*.db")
    assert version_of(aside) == "9999"


def test_a_copy_that_is_newer_than_the_version_is_not_named(home: Path, command: Command) -> None:
    assert command("token", "list").exit_code == 0
    copy_database(home / "state.db", home / "state-copies" / "state.9998.db")
    with closing(sqlite3.connect(home / "state.db")) as updated:
        updated.execute("update alembic_version set version_num = '9999'")
        updated.commit()
    refused = command("token", "list")
    assert "identified by '9999'. Update it.\n" in refused.stderr
    assert "go back" not in refused.stderr
