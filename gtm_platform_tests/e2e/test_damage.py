"""A damaged file of the lake: it is named together with the command that makes it again, and that command does."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner

from gtm_platform.cli import gtm
from gtm_platform.settings import settings
from gtm_platform_tests.e2e.conftest import DAYS, Lived
from gtm_platform_tests.e2e.home import contents, execute, failure_of, file_of, frame, made, queried

DAY = str(DAYS[2])


@pytest.fixture(autouse=True)
def _no_dotenv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def damage(home: Path, table: str, partition: str) -> Path:
    path = file_of(home, table, partition)
    path.write_bytes(b"PAR1 this was a table once")
    return path


def readable_rows(home: Path, table: str) -> list[tuple[Any, ...]]:
    """The newest version of each record of a source table."""
    unread = "* exclude (_window, _extracted_at, _run_id)"
    return sorted(queried(home, f"select {unread} from current.{table.replace('/', '_')}"), key=repr)


def by_hand(command: str) -> str:
    """Gives the command that a message told of; what it printed."""
    words = command.split()
    assert words[0] == "gtm"
    answer = CliRunner().invoke(gtm, words[1:])
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_a_daily_table_is_made_again(copied: Lived) -> None:
    before = contents(copied.home)
    path = damage(copied.home, "core/activity", DAY)
    ran = execute(copied.dagster, "daily_tables", DAY, tables=["core/unified_customers"])
    assert not ran.success
    assert str(path) in failure_of(ran)
    assert "cannot be read" in failure_of(ran)
    command = f"gtm run core/activity --partition {DAY}"
    assert f"Make it again with: {command}" in failure_of(ran)
    assert f"core/activity {DAY}: " in by_hand(command)
    ran = execute(copied.dagster, "daily_tables", DAY, tables=["core/unified_customers"])
    assert ran.success, failure_of(ran)
    assert contents(copied.home) == before


@pytest.mark.parametrize(
    ("table", "window", "reader"),
    [
        ("stripe/subscriptions", DAY, "core/revenue"),
        ("intercom/contacts", f"{DAY}T1800", "core/activity"),
    ],
)
def test_the_newest_window_of_a_source_is_read_again(copied: Lived, table: str, window: str, reader: str) -> None:
    before, records = contents(copied.home), readable_rows(copied.home, table)
    path = damage(copied.home, table, window)
    ran = execute(copied.dagster, "daily_tables", DAY, tables=[reader])
    assert not ran.success
    command = f"gtm run {table} --partition {window}"
    assert f"Make it again with: {command}" in failure_of(ran)
    assert str(path) in failure_of(ran)
    assert f"{table} {window}: " in by_hand(command)
    ran = execute(copied.dagster, "daily_tables", DAY, tables=[reader])
    assert ran.success, failure_of(ran)
    assert readable_rows(copied.home, table) == records
    # Read by itself, a window can hold what moved shortly before it too: the same records, once more.
    after = contents(copied.home)
    assert [where for where in before if after[where] != before[where] and where[0] != table] == []
    assert set(before[table, window]) <= set(after[table, window])


def test_damage_elsewhere_stops_nobody(copied: Lived) -> None:
    damage(copied.home, "hubspot/deals", f"{DAY}T1200")
    ran = execute(copied.dagster, "daily_tables", DAY, tables=["core/activity"])
    assert ran.success, failure_of(ran)
    assert set(made(ran)) == {("core/activity", DAY)}
    assert queried(copied.home, "select count(*) from latest.activity") == [
        (len(frame(copied.home, "identity/people", DAY)),)
    ]


@pytest.mark.usefixtures("box")
def test_the_first_full_window_is_read_again_while_it_is_the_newest(dagster: dg.DagsterInstance) -> None:
    home, window = settings().home, str(DAYS[0])
    assert execute(dagster, "sync_stripe", window, tables=["stripe/customers"]).success
    before = contents(home)
    damage(home, "stripe/customers", window)
    ran = execute(dagster, "sync_stripe", window, tables=["stripe/customers"])
    assert ran.success, failure_of(ran)
    assert contents(home) == before
