"""The sections about the effect and success in reports."""

from datetime import date
from pathlib import Path

import pytest

from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.reports.content import Table
from gtm_platform.reports.effect import effect, success
from gtm_platform.reports.figures import Figures
from gtm_platform.reports.period import MONTH
from gtm_platform_tests.intelligence.shown_effect import settle_effect
from gtm_platform_tests.tables import filled

DAY = date(2026, 1, 31)


def figures(folder: Path) -> Figures:
    lake = Lake(folder / "lake")
    lake.write("core/unified_customers", str(DAY), engine().to_pyarrow(filled("core/unified_customers")))
    return Figures(lake, MONTH.named("2026-01-01"), policy())


@pytest.fixture
def of_month(tmp_path: Path) -> Figures:
    settle_effect(Lake(tmp_path / "lake"), DAY)
    return figures(tmp_path)


def cells(table: Table) -> list[list[tuple[str, str]]]:
    return [[(cell, "") if isinstance(cell, str) else (cell.text, cell.below) for cell in row] for row in table.rows]


def test_the_newest_experiment_is_shown_with_intervals_the_registered_outcome_first(of_month: Figures) -> None:
    churn, expansion, mrr = cells(effect(of_month))
    assert [text for text, _ in churn] == [
        "Churn (registered)", "7.5 %", "20.0 %", "−12.5 %", "230 and 80", "Less with it",
    ]  # fmt: skip
    assert churn[3][1] == "−22.5 % to −2.5 %"
    assert (mrr[0][0], mrr[2][0], mrr[3]) == ("MRR a customer", "−$40", ("$28", "−$1 to $56"))
    assert expansion[0][0] == "Expansion a customer"


def test_success_stands_beside_what_it_is_compared_with(of_month: Figures) -> None:
    rows = {row[0][0]: row[1:] for row in cells(success(of_month))}
    assert rows["MRR saved"][0] == ("$12,345", "Measured")
    assert rows["Complete profiles"][1] == ("50.0 %", "the first day on which it was measured")
    assert rows["Minutes saved in 30 days"][:2] == [
        ("340", "Estimated"),
        ("0", "the first day on which it was measured"),
    ]


def test_without_an_experiment_a_report_says_so(tmp_path: Path) -> None:
    empty = figures(tmp_path)
    assert (effect(empty).rows, success(empty).rows) == ([], [])
    assert "cannot be told" in effect(empty).empty
