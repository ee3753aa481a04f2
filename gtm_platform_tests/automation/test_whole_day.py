"""Everything of a day in one job: the sources' windows, then the tables, then the delivery."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from gtm_platform.orchestration.instance import instance as the_instance
from gtm_platform.orchestration.origin import PART_OF_TAG, partition_span, started_by_person
from gtm_platform.settings import settings
from gtm_platform_tests.automation import synthetic
from gtm_platform_tests.automation.synthetic import MadeUpSource
from gtm_platform_tests.cli.conftest import Command, command

pytestmark = pytest.mark.soak

__all__ = ["command"]  # a fixture

DAY = "2026-11-20"
SOURCES = [
    MadeUpSource("chat", hours=6, minute=10, streams=1),
    MadeUpSource("billing", hours=24, minute=15, streams=1),
]


def run(instance: dg.DagsterInstance, defs: dg.Definitions) -> dg.ExecuteInProcessResult:
    job = defs.resolve_job_def("everything_of_a_day")
    return job.execute_in_process(instance=instance, tags={"dagster/partition": DAY}, raise_on_error=False)


def parts(instance: dg.DagsterInstance, whole: dg.ExecuteInProcessResult) -> list[tuple[str, tuple[str, str] | None]]:
    """The runs that were started, in their order, with their partitions."""
    started = [run for run in instance.get_runs() if run.tags.get(PART_OF_TAG) == whole.run_id]
    assert not any(started_by_person(run.tags) for run in started)
    return [(run.job_name, partition_span(run.tags)) for run in reversed(started)]


@pytest.mark.parametrize("newest", [DAY, "2026-11-21"])
def test_sources_then_tables_then_the_delivery_of_the_newest_day(
    instance: dg.DagsterInstance, home: Path, newest: str
) -> None:
    synthetic.land_day(home / "lake", newest)
    whole = run(instance, synthetic.graph(SOURCES, tables=3))
    assert whole.success
    expected = [
        ("sync_chat", (f"{DAY}T0000", f"{DAY}T1800")),
        ("sync_billing", (DAY, DAY)),
        ("daily_tables", (DAY, DAY)),
    ]
    assert parts(instance, whole) == [*expected, ("deliver", None)][: 4 if newest == DAY else 3]
    delivered = instance.get_latest_materialization_event(dg.AssetKey(["delivery", "somewhere"]))
    assert (delivered is not None) == (newest == DAY)


@pytest.mark.usefixtures("home")
def test_of_today_the_windows_that_have_closed_are_read(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GTM_NOW", datetime(2026, 11, 20, 13, tzinfo=UTC).isoformat())
    settings.cache_clear()
    whole = run(instance, synthetic.graph(SOURCES, tables=3))
    assert whole.success
    assert parts(instance, whole) == [("sync_chat", (f"{DAY}T0000", f"{DAY}T0600")), ("daily_tables", (DAY, DAY))]


@pytest.mark.usefixtures("home")
def test_what_failed_is_told_at_the_end_and_the_rest_is_made(instance: dg.DagsterInstance) -> None:
    @dg.asset(key=["crm", "contacts"], partitions_def=SOURCES[1].windows, tags={"source": "crm"})
    def contacts() -> None:
        raise dg.Failure("crm refuses the key")

    job = dg.define_asset_job("sync_crm", dg.AssetSelection.assets(contacts), tags={"source": "crm"})
    broken = dg.Definitions(assets=[contacts], jobs=[job])
    whole = run(instance, synthetic.graph(SOURCES, 3, broken))
    assert [name for name, _ in parts(instance, whole)] == ["sync_chat", "sync_billing", "sync_crm", "daily_tables"]
    failure = whole.failure_data_for_node("everything")
    assert failure
    assert failure.user_failure_data
    assert failure.user_failure_data.description == "sync_crm: crm refuses the key"


def test_it_runs_from_the_command_line(command: Command) -> None:
    """With every source off it goes through, and says that it made nothing."""
    answer = command("run", "everything_of_a_day", "--partition", "2026-03-01")
    assert answer.exit_code == 1, answer.output
    assert "Nothing was made." in answer.stderr
    assert answer.stdout.splitlines()[-1].endswith(": made nothing")
    with the_instance() as dagster:
        names = {run.job_name for run in dagster.get_runs()}
    assert names >= {"everything_of_a_day", "sync_stripe", "daily_tables"}
