"""Old runs go, and with them nothing that anybody would miss."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from gtm_platform.orchestration.compat import run_folders
from gtm_platform.orchestration.tidy import tidy
from gtm_platform_tests.cli.conftest import Command, command, home

__all__ = ["command", "home"]  # fixtures

DAYS = dg.DailyPartitionsDefinition("2026-01-01")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "history").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "history")) as instance:
        yield instance


@dg.asset(partitions_def=DAYS)
def table() -> None: ...


@dg.op
def nothing() -> None: ...


@dg.job
def found_nothing() -> None:
    nothing()


def make(instance: dg.DagsterInstance, day: str) -> str:
    return dg.materialize([table], partition_key=day, instance=instance).run_id


def made(instance: dg.DagsterInstance) -> list[str | None]:
    return [record.partition_key for record in instance.fetch_materializations(table.key, limit=9).records]


def later(days: int) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def test_only_runs_go_whose_partitions_were_made_again(instance: dg.DagsterInstance) -> None:
    superseded, newest, other = make(instance, "2026-01-02"), make(instance, "2026-01-02"), make(instance, "2026-01-03")
    empty = found_nothing.execute_in_process(instance=instance).run_id
    assert run_folders(instance, superseded)
    told = tidy(instance, later(91), 90, dry_run=False)
    assert (told.old, told.deleted) == (4, 2)
    assert told.freed > 10_000
    assert {run.run_id for run in instance.get_runs()} == {newest, other}
    assert made(instance) == ["2026-01-03", "2026-01-02"]
    assert run_folders(instance, superseded) == run_folders(instance, empty) == []
    assert "2 were deleted" in told.sentence(90, dry_run=False)


def test_a_dry_run_only_counts(instance: dg.DagsterInstance) -> None:
    found_nothing.execute_in_process(instance=instance)
    told = tidy(instance, later(91), 90, dry_run=True)
    assert (told.old, told.deleted) == (1, 1)
    assert "1 would be deleted" in told.sentence(90, dry_run=True)
    assert instance.get_runs_count() == 1


def test_runs_that_are_young_or_not_finished_stay(instance: dg.DagsterInstance) -> None:
    found_nothing.execute_in_process(instance=instance)
    assert tidy(instance, later(89), 90, dry_run=False).old == 0
    instance.create_run_for_job(found_nothing, status=dg.DagsterRunStatus.STARTED)
    assert tidy(instance, later(91), 90, dry_run=False).deleted == 1
    assert instance.get_runs_count() == 1


def test_it_runs_from_the_command_line(command: Command) -> None:
    answer = command("tidy", "--dry-run")
    assert answer.exit_code == 0, answer.output
    assert answer.stdout.startswith("0 runs are older than 90 days")
