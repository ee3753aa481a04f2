"""The gate fails closed: whatever is not a passed check of the newest materialisation keeps everything in."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned

from gtm_platform.delivery.gate import CUSTOMERS, HEALTH, closed_reasons
from gtm_platform.orchestration.graph_policy import DAYS

DAY, PAST = "2026-01-09", "2026-01-02"


@dataclass
class Verdict:
    """What the check does when it is evaluated next."""

    passed: bool = True
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR
    crashes: bool = False


@dataclass
class Tables:
    """The two delivered tables, the table above them with a check, and a history."""

    instance: dg.DagsterInstance
    verdict: Verdict
    blocking: bool = True

    def __post_init__(self) -> None:
        @dg.asset(key=["core", "revenue"], partitions_def=DAYS)
        def revenue() -> None: ...

        @dg.asset_check(asset=revenue, name="adds_up", blocking=self.blocking)
        def adds_up() -> dg.AssetCheckResult:
            if self.verdict.crashes:
                raise RuntimeError("the catalogue cannot be opened")
            return dg.AssetCheckResult(passed=self.verdict.passed, severity=self.verdict.severity)

        @dg.asset(key=HEALTH.split("/"), partitions_def=DAYS, deps=[revenue])
        def health() -> None: ...

        @dg.asset(key=CUSTOMERS.split("/"), partitions_def=DAYS, deps=[health])
        def customers() -> None: ...

        self.revenue = revenue.key
        whole = dg.define_asset_job("make", dg.AssetSelection.all())
        unchecked = dg.define_asset_job(
            "make_unchecked", dg.AssetSelection.all() - dg.AssetSelection.all_asset_checks()
        )
        only_check = dg.define_asset_job("check", dg.AssetSelection.checks_for_assets(revenue))
        self.defs = dg.Definitions(
            assets=[revenue, health, customers], asset_checks=[adds_up], jobs=[whole, unchecked, only_check]
        )

    def run(self, job: str, day: str = DAY) -> None:
        self.defs.resolve_job_def(job).execute_in_process(
            instance=self.instance, tags={"dagster/partition": day}, raise_on_error=False
        )

    def queue(self) -> None:
        """A run that is created and waits: Dagster has a row for its check already."""
        run = self.instance.add_run(dg.DagsterRun("make", tags={"dagster/partition": DAY}))
        planned = AssetCheckEvaluationPlanned(asset_key=self.revenue, check_name="adds_up")
        kind = dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED
        event = dg.DagsterEvent(kind.value, run.job_name, event_specific_data=planned)
        self.instance.report_dagster_event(event, run.run_id)

    def held_back_by(self) -> str:
        return "; ".join(closed_reasons(self.instance, self.defs.resolve_asset_graph(), DAY))


@pytest.fixture(params=["ephemeral", "sqlite"])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster").mkdir()
    with (
        dg.DagsterInstance.ephemeral(tempdir=str(tmp_path))
        if request.param == "ephemeral"
        else dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance
    ):
        yield instance


@pytest.fixture
def tables(instance: dg.DagsterInstance) -> Tables:
    return Tables(instance, Verdict())


FAILED = "the check adds_up of core/revenue failed"


def test_a_table_that_passed_goes_out(tables: Tables) -> None:
    tables.run("make")
    assert tables.held_back_by() == ""


def test_a_check_of_a_table_that_was_never_made_holds_back_nothing(tables: Tables) -> None:
    """As when its source is off: nothing of it goes out."""
    assert tables.held_back_by() == ""


def test_a_check_that_was_never_evaluated_lets_nothing_out(tables: Tables) -> None:
    tables.run("make_unchecked")
    assert tables.held_back_by() == "the check adds_up of core/revenue was never evaluated"


def test_a_failure_stands_until_the_check_passes(tables: Tables) -> None:
    tables.verdict.passed = False
    tables.run("make")
    assert tables.held_back_by() == FAILED
    tables.queue()
    assert tables.held_back_by() == FAILED  # a queued run is no verdict
    tables.verdict.crashes = True
    tables.run("make")
    assert tables.held_back_by() == FAILED  # nor is a check that crashed
    tables.verdict = Verdict()
    tables.run("make")
    assert tables.held_back_by() == ""


def test_a_check_that_crashed_on_new_rows_lets_nothing_out(tables: Tables) -> None:
    tables.run("make")
    tables.verdict.crashes = True
    tables.run("make")
    assert "adds_up of core/revenue was not evaluated since the table was made in run" in tables.held_back_by()


def test_a_table_made_again_without_its_check_stays_in_until_it_is_checked(tables: Tables) -> None:
    tables.run("make")
    tables.run("make_unchecked")
    assert "was not evaluated since" in tables.held_back_by()
    tables.run("check")
    assert tables.held_back_by() == ""


def test_a_past_day_made_without_its_check_holds_back_nothing(tables: Tables) -> None:
    tables.run("make")
    tables.run("make_unchecked", day=PAST)
    assert tables.held_back_by() == ""


def test_a_queued_run_holds_back_nothing_that_passed(tables: Tables) -> None:
    tables.run("make")
    tables.queue()
    assert tables.held_back_by() == ""


def test_a_warning_holds_back_nothing(instance: dg.DagsterInstance) -> None:
    tables = Tables(instance, Verdict(passed=False, severity=dg.AssetCheckSeverity.WARN), blocking=False)
    assert tables.held_back_by() == ""
    tables.run("make")
    assert tables.held_back_by() == ""


def test_an_error_holds_back_also_where_the_check_is_not_declared_blocking(instance: dg.DagsterInstance) -> None:
    tables = Tables(instance, Verdict(passed=False), blocking=False)
    tables.run("make")
    assert tables.held_back_by() == FAILED
