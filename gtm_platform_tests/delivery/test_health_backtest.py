"""The back-test of health each month, as an asset and as a command."""

from datetime import UTC, date, datetime
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from gtm_platform.cli.health import health
from gtm_platform.delivery.health_backtest import (
    days_ahead_plot,
    health_backtest,
    health_backtest_schedule,
    write_month,
)
from gtm_platform.delivery.track_record import BACKTEST, MISSED_CHURNS
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.judged_months import MONTHS
from gtm_platform.settings import settings
from gtm_platform_tests.first_files import linked
from gtm_platform_tests.health.test_backtest import Made, steady, write

pytestmark = pytest.mark.soak


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of nine months, which are dear to write."""
    folder = tmp_path_factory.mktemp("past") / "lake"
    write(Lake(folder), Made().past)
    return folder


@pytest.fixture
def lived(past: Path) -> Lake:
    return linked(past, settings().home / "lake")


def test_a_month_keeps_each_figure_with_its_interval(lived: Lake) -> None:
    result = write_month(lived, "2026-04-01")
    rows = {row["measure"]: row for row in lived.partition(BACKTEST, "2026-04-01").to_pyarrow().to_pylist()}
    (tested,) = result.rules
    precision = tested.figures["precision_at_risk"]
    assert rows["precision_at_risk"]["value"] == precision.value
    assert (rows["precision_at_risk"]["low"], rows["precision_at_risk"]["high"]) == (precision.low, precision.high)
    assert rows["count_cases"]["value"] == tested.counts["cases"]
    assert {row["verdict"] for row in rows.values()} == {"signal"}
    assert {row["tested_until"] for row in rows.values()} == {max(tested.months)}
    assert rows["count_missed"]["value"] == len(result.missed) > 0


def test_a_month_keeps_each_churn_that_was_missed(lived: Lake) -> None:
    result = write_month(lived, "2026-04-01")
    rows = lived.partition(MISSED_CHURNS, "2026-04-01").to_pyarrow().to_pylist()
    assert [(row["customer_id"], row["churned_on"], row["rule"], row["more_alarms"]) for row in rows] == [
        (missed.churn.customer_id, missed.churn.day, missed.rule, missed.more_alarms) for missed in result.missed
    ]
    assert {row["month"] for row in rows} == {date(2026, 4, 1)}


def test_a_month_knows_nothing_of_later_ones(lived: Lake) -> None:
    early, later = (write_month(lived, month).rules[0] for month in ("2026-03-01", "2026-06-01"))
    assert max(early.months) == date(2026, 3, 5)
    assert max(later.months) == date(2026, 6, 4)
    assert early.counts["churners"] < later.counts["churners"]


def test_the_asset_shows_its_figures_and_how_many_days_ahead(lived: Lake) -> None:
    made = dg.materialize([health_backtest], partition_key="2026-05-01", resources={"lake": LakeResource()})
    (event,) = made.get_asset_materialization_events()
    metadata = event.step_materialization_data.materialization.metadata
    assert metadata["verdict"].value == "signal"
    assert 0 < float(str(metadata["figure/precision_at_risk"].value)) < 1
    assert "█" in str(metadata["days ahead"].value)
    assert lived.has(BACKTEST, "2026-05-01")


def test_a_home_with_little_history_is_not_tested_and_fails_nothing() -> None:
    write(Lake(settings().home / "lake"), steady(4))
    made = dg.materialize([health_backtest], partition_key="2026-01-01", resources={"lake": LakeResource()})
    assert made.success
    assert not Lake(settings().home / "lake").has(BACKTEST, "2026-01-01")


def test_the_plot_counts_everybody_once(lived: Lake) -> None:
    (tested,) = write_month(lived, "2026-06-01").rules
    counts = [int(line.split("|")[2]) for line in days_ahead_plot(tested).splitlines()[2:]]
    assert sum(counts) == tested.counts["churners"]
    assert counts[0] == sum(days >= 42 for days in tested.days_ahead)


@pytest.mark.parametrize(
    ("now", "month"),
    [(datetime(2026, 7, 2, 6, 30, tzinfo=UTC), "2026-04-01"), (datetime(2026, 2, 2, tzinfo=UTC), None)],
)
def test_the_schedule_asks_for_the_newest_month_that_can_be_judged(now: datetime, month: str | None) -> None:
    context = dg.build_schedule_context(scheduled_execution_time=now)
    asked = health_backtest_schedule(context)
    assert getattr(asked, "partition_key", None) == month
    with dg.partition_loading_context(effective_dt=now):
        assert month is None or MONTHS.has_partition_key(month)


@pytest.mark.usefixtures("lived")
def test_the_command_prints_what_a_person_wants_to_know() -> None:
    answer = CliRunner().invoke(health, ["backtest", "--home", str(settings().home)])
    assert answer.exit_code == 0, answer.output
    for words in (
        "precision of at-risk",
        "flagged at least 42 days ahead",
        "green at churn",
        "Missed:",
        "cheapest rule",
    ):
        assert words in answer.output


@pytest.mark.usefixtures("lived")
def test_the_command_tests_rules_of_a_file_too(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        health.main(["backtest", "--policy", str(tmp_path / "missing.toml")])
