"""`gtm forecast` on files as people have them: what is recognised, printed, written, and refused with a sentence."""

import csv
import json
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gtm_platform.cli import gtm
from gtm_platform_tests.intelligence.companies import company, pipeline

FIRST = date(2024, 1, 1)


def written(path: Path, heading: Sequence[str], rows: Sequence[Sequence[Any]], separator: str = ",") -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file, delimiter=separator).writerows([heading, *rows])
    return path


def forecast(path: Path, *options: str) -> Result:
    return CliRunner().invoke(gtm, ["forecast", str(path), *options], env={"COLUMNS": "200"})


def test_values_at_dates_are_forecast_beside_the_naive(tmp_path: Path) -> None:
    made = company(3, 48)
    rows = [(f"{2022 + n // 12}-{n % 12 + 1:02d}", f"${value:,.2f}") for n, value in enumerate(made.mrr)]
    out = tmp_path / "out.json"
    result = forecast(written(tmp_path / "mrr.csv", ["Month", "MRR"], rows), "--steps", "3", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert "48 values of MRR, a month apart, 2022-01-01 to 2025-12-01" in result.output
    for text in ("naive", "drift", "theta", "seasonal naive", "is delivered: its mean error over", "Intervals for 80%"):
        assert text in result.output
    steps = json.loads(out.read_text())
    assert [step["date"] for step in steps] == ["2026-01-01", "2026-02-01", "2026-03-01"]
    assert steps[0]["naive"] == pytest.approx(made.mrr[-1], abs=0.01)
    assert steps[0]["low"] < steps[0]["forecast"] < steps[0]["high"]


def test_a_column_of_what_is_new_lets_movements_be_used(tmp_path: Path) -> None:
    made = company(3, 48)
    rows = [(FIRST + timedelta(days=7 * n), *each) for n, each in enumerate(zip(made.mrr, made.new, strict=True))]
    result = forecast(written(tmp_path / "mrr.csv", ["date", "value", "new"], rows, separator=";"))
    assert "a week apart" in result.output
    assert "movement" in result.output


def test_deals_are_recognised_and_forecast(tmp_path: Path) -> None:
    deals, rows = pipeline(1), []
    for number, (came, closed, won, worth, group) in enumerate(
        zip(deals.created, deals.closed, deals.won, deals.worth, deals.group, strict=True)
    ):
        is_closed = 0 <= closed <= 690
        stage = ("Closed Won" if won else "closedlost") if is_closed else "Proposal"
        end = FIRST + timedelta(days=int(closed)) if is_closed else ""
        rows.append((number, FIRST + timedelta(days=int(came)), end, stage, round(worth, 2), deals.names[group]))
    heading = ["id", "Create Date", "Close Date", "Deal Stage", "Amount", "Segment"]
    out = tmp_path / "out.csv"
    result = forecast(written(tmp_path / "deals.csv", heading, rows), "--days", "60", "--out", str(out))
    assert result.exit_code == 0, result.output
    assert f"{len(rows)} deals" in result.output
    assert "Grouped by Segment: large, middle, small." in result.output
    [row] = csv.DictReader(out.read_text().splitlines())
    assert (row["days"], row["method"]) == ("60", "age of deals")
    assert float(row["low"]) < float(row["won"]) < float(row["high"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "has no rows below its headings"),
        ("date,value\n", "has no rows below its headings"),
        ("name,city\na,b\n", "has neither dates with values nor deals that are created and closed"),
        ("date,name\n2026-01-01,a\n2026-01-02,b\n", "no column holds numbers; name one that does with --value"),
        ("date,value\n2026-01-01,1\n2026-01-02,2\n", "The series has 2 values; a forecast needs 3."),
        ("date,value\n2026-01-01,1\n", "has 1 dates with a value"),
        ("a,a\n1,2\n", "has a heading twice: a, a"),
        ("created,closed,amount\n2026-01-01,,3\n", "has deals, and no column for a stage"),
        ("created,closed,stage,amount\nsoon,,won,3\n", "some values of created are no dates"),
    ],
)
def test_what_cannot_be_forecast_is_refused_with_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "file.csv"
    path.write_text(text)
    result = forecast(path)
    assert result.exit_code == 1
    assert sentence in result.output
    assert "Traceback" not in result.output


def test_columns_that_are_not_there_are_named(tmp_path: Path) -> None:
    path = written(tmp_path / "x.csv", ["date", "value"], [(FIRST, 1)])
    assert "has no column sales; it has date, value." in forecast(path, "--value", "sales").output


@pytest.mark.parametrize(
    ("dates", "step", "following"),
    [
        (["31/01/2026", "28/02/2026", "31/03/2026"], "month", "2026-04-30"),
        (["1/2/2026", "1/3/2026", "1/4/2026"], "day", "2026-01-05"),
        (["Jan 2026", "Feb 2026", "Mar 2026"], "month", "2026-04-01"),
        (["2025Q2", "2025Q3", "2025Q4"], "quarter", "2026-01-01"),
        (["2023", "2024", "2025"], "year", "2026-01-01"),
        (["2026-01-01T00:00:00Z", "2026-01-08 00:00", "2026-01-15"], "week", "2026-01-22"),
    ],
)
def test_dates_in_their_many_forms(tmp_path: Path, dates: list[str], step: str, following: str) -> None:
    out = tmp_path / "out.json"
    path = written(tmp_path / "x.csv", ["when", "count"], [(day, n + 1) for n, day in enumerate(dates)])
    result = forecast(path, "--out", str(out))
    assert f"a {step} apart" in result.output
    assert json.loads(out.read_text())[0]["date"] == following


def test_weekdays_have_a_week_of_five_and_go_on_with_weekdays(tmp_path: Path) -> None:
    weekdays = [day for n in range(120) if (day := FIRST + timedelta(days=n)).weekday() < 5]
    rows = [(day, 100 + 30 * (day.weekday() == 4) + n % 7) for n, day in enumerate(weekdays)]
    out = tmp_path / "out.json"
    result = forecast(written(tmp_path / "x.csv", ["date", "value"], rows), "--out", str(out))
    assert "a weekday apart" in result.output
    assert "no value" not in result.output
    ahead = {step["date"]: step["forecast"] for step in json.loads(out.read_text())}
    assert list(ahead)[:2] == ["2024-04-30", "2024-05-01"]
    assert max(ahead, key=lambda day: ahead[day]) == "2024-05-03"  # a Friday


def test_a_month_that_is_missing_does_not_shift_the_season(tmp_path: Path) -> None:
    months = [(2020 + n // 12, n % 12 + 1) for n in range(60)]
    rows = [(f"{year}-{month:02d}", 100 + 50 * (month == 12)) for year, month in months if (year, month) != (2022, 7)]
    out = tmp_path / "out.json"
    result = forecast(written(tmp_path / "x.csv", ["month", "value"], rows), "--steps", "12", "--out", str(out))
    assert "1 months between the dates have no value; they are put between their neighbours." in result.output
    assert [round(step["forecast"]) for step in json.loads(out.read_text())] == [100] * 11 + [150]


def test_many_gaps_are_said_and_left(tmp_path: Path) -> None:
    rows = [(FIRST + timedelta(days=n), n) for n in range(60) if n % 5 < 3]
    result = forecast(written(tmp_path / "x.csv", ["date", "value"], rows))
    assert "days between the dates have no value; what there is counts as even steps." in result.output


def test_help_says_what_a_file_needs() -> None:
    result = CliRunner().invoke(gtm, ["forecast", "--help"])
    assert "date,value" in result.output
    assert "created,closed,stage,amount" in result.output
