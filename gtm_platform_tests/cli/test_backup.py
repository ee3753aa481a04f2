"""`gtm backup` and `gtm restore`: the restored home answers at once, and nothing in it seems to be at work."""

from contextlib import closing
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from gtm_platform.lake.contracts import Column, Contract, declare
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.instance import instance
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.leases import held_by, take
from gtm_platform_tests.backups.test_backup import NOW
from gtm_platform_tests.cli.conftest import Command

QUERY = ("query", "select sum(n) as sum from marts.sums", "--format", "csv")


@pytest.fixture
def lived(home: Path, command: Command) -> Path:
    """A home with a table, a run that goes on and a lease that is held."""
    assert command
    declare("marts/sums", Contract({"n": Column("int64", "A number.", nullable=False)}, key=("n",), about="Numbers."))
    Lake(home / "lake").write("marts/sums", "2026-03-09", pa.table({"n": [1, 2, 39]}))
    settings.cache_clear()
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        take(tx, "run --due", "sync_stripe", NOW)
    with instance() as dagster:
        dagster.add_run(dg.DagsterRun(job_name="sync_stripe", status=dg.DagsterRunStatus.STARTED))
    return home


def test_a_restored_home_answers_at_once(
    lived: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lived.exists()
    backed_up = command("backup", "--to", str(tmp_path / "backup.tar.gz"))
    assert backed_up.exit_code == 0, backed_up.output
    another = tmp_path / "another"
    monkeypatch.setenv("GTM_HOME", str(another))  # as of the command itself; the test takes it back
    restored = command("restore", str(tmp_path / "backup.tar.gz"), "--home", str(another))
    assert restored.exit_code == 0, restored.output
    assert "1 runs were under way when it was copied; they count as failed." in restored.stdout
    assert command(*QUERY).stdout.split() == ["sum", "42"]
    with instance() as dagster:
        assert [run.status for run in dagster.get_runs()] == [dg.DagsterRunStatus.FAILURE]
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        assert held_by(tx, "run --due") is None


def test_a_home_is_never_restored_over(lived: Path, command: Command, tmp_path: Path) -> None:
    command("backup", "--to", str(tmp_path / "backup"))
    answer = command("restore", str(tmp_path / "backup"), "--home", str(lived))
    assert answer.exit_code == 1
    assert "is not empty, and a restore replaces nothing." in answer.stderr


def test_a_state_in_postgres_is_not_in_it(
    lived: Path, command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("psycopg", reason="the extra postgres is not installed")
    assert lived.exists()
    monkeypatch.setenv("GTM_STATE_URL", "postgresql+psycopg://gtm:secret@127.0.0.1:1/gtm")
    answer = command("backup", "--to", str(tmp_path / "backup"))
    assert answer.exit_code == 0, answer.output
    assert "back that up with pg_dump" in answer.stderr
    assert not list((tmp_path / "backup").rglob("state.db"))
    assert "secret" not in answer.output
