"""A month's model is tested on a later day, kept with all that it takes to judge it, and shown once confirmed."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest

from gtm_platform.intelligence.churn import scores
from gtm_platform.intelligence.churn.model import DEFINITIONS, MODEL
from gtm_platform.intelligence.learning.months import stage
from gtm_platform.intelligence.models import registry
from gtm_platform.intelligence.models.asset import CHECKS, judged, metadata_of, newest_row, write_month
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.policy.intelligence import Intelligence
from gtm_platform_tests.intelligence.past import Past, past

pytestmark = pytest.mark.soak

MONTH = date(2025, 7, 1)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Past:
    made = past(tmp_path_factory.mktemp("past"))
    write_month(MODEL, made.lake, str(MONTH))
    return made


@pytest.fixture
def row(year: Past) -> Mapping[str, Any]:
    newest = newest_row(MODEL, year.lake)
    assert newest
    return newest


@pytest.mark.soak
def test_a_month_is_trained_on_what_was_over_and_tested_later(row: Mapping[str, Any]) -> None:
    assert (row["month"], row["verdict"], row["stage"]) == (MONTH, "signal", "shadow")
    assert row["trained_until"] <= row["tested_on"] - timedelta(days=90)
    assert row["available_on"] == row["tested_on"] + timedelta(days=90)
    assert row["auc"] > 0.7
    assert row["brier"] < row["brier_of_base_rate"]
    assert sum(each["rows"] for each in json.loads(row["calibration"])) == row["test_rows"]
    assert next(iter(json.loads(row["importance"]))).startswith("login")
    assert {"verdict", "calibration", "figure/auc", "technical/library"} <= metadata_of(MODEL, row).keys()


def test_no_score_is_made_before_what_came_of_the_test_was_known(year: Past, row: Mapping[str, Any]) -> None:
    early = max(day for day in year.days if day < row["available_on"])
    assert scored(year, early) == []


def test_scores_of_a_day_add_up_and_say_that_they_are_in_shadow(year: Past) -> None:
    rows = scored(year, year.days[-1])
    assert len(rows) > 100
    assert {(row["verdict"], row["stage"], row["month"]) for row in rows} == {("signal", "shadow", MONTH)}
    explained = [row for row in rows if row["reasons"]]
    assert explained
    for row in explained:
        odds = row["base_log_odds"] + sum(reason["log_odds"] for reason in row["reasons"])
        assert np.isclose(1 / (1 + np.exp(-odds)), row["score"], rtol=1e-9)


def test_a_model_of_another_version_is_not_used_and_a_check_says_how_it_is_mended(
    row: Mapping[str, Any], tmp_path: Path
) -> None:
    made = past(tmp_path, customers=20)
    of_another = {**row, "content": b"cmissing_module\nModel\n."}
    made.lake.write(MODEL.registry, str(MONTH), registry.as_table(MODEL, of_another))
    rows = scored(made, made.days[-1])
    assert {(each["verdict"], each["stage"], each["score"]) for each in rows} == {
        ("unreadable", "shadow", row["base_rate"])
    }
    result = judged(MODEL, "readable", of_another, Intelligence())
    assert not result.passed
    assert result.description is not None
    assert "gtm run intelligence/churn_model --partition 2025-07-01" in result.description


@pytest.mark.parametrize(("stage_of_month", "delivers"), [("shown", True), ("shadow", False)])
def test_scores_are_delivered_in_whole_percent_once_they_are_shown(
    row: Mapping[str, Any], tmp_path: Path, stage_of_month: str, delivers: bool
) -> None:
    made = past(tmp_path, customers=30)
    made.lake.write(MODEL.registry, str(MONTH), registry.as_table(MODEL, {**row, "stage": stage_of_month}))
    rows = scored(made, made.days[-1])
    assert rows
    expected = [Decimal(str(round(each["score"] * 100, 9))).quantize(0, ROUND_HALF_UP) for each in rows]
    assert [each["delivered_risk"] for each in rows] == (expected if delivers else [None] * len(rows))


def scored(year: Past, day: date) -> list[dict[str, Any]]:
    assert scores.TABLE.write_day(year.lake, str(day))
    rows: list[dict[str, Any]] = year.lake.partition(scores.TABLE.key, str(day)).to_pyarrow().to_pylist()
    return rows


@pytest.mark.parametrize(
    ("verdict", "earlier", "expected"),
    [
        ("signal", [], "shadow"),
        ("signal", ["signal"], "shown"),
        ("signal", ["signal", "no signal"], "shadow"),
        ("signal", ["no signal", "signal"], "shown"),
        ("no signal", ["signal"], "shadow"),
        ("too little data", ["signal"], "shadow"),
    ],
)
def test_scores_are_shown_once_a_later_month_confirmed_a_signal(
    verdict: str, earlier: list[str], expected: str
) -> None:
    rows = [{"month": date(2026, 1 + place, 1), "verdict": each} for place, each in enumerate(earlier)]
    assert stage(verdict, date(2026, 6, 1), rows, confirming=1) == expected


def test_checks_judge_the_newest_month(row: Mapping[str, Any]) -> None:
    rules = Intelligence(max_calibration_gap=0.2, drift_warn=0.2)
    assert {name: judged(MODEL, name, row, rules).passed for name in CHECKS} == dict.fromkeys(CHECKS, True)
    worse = {
        **row,
        "auc": 0.51,
        "brier": 0.9,
        "ece": row["ece_floor"] + 0.3,
        "drift": 0.4,
        "lift": 1.0,
        "days_ahead": 5.0,
    }
    results = {name: judged(MODEL, name, worse, rules) for name in CHECKS}
    assert {name for name, result in results.items() if result.passed} == {"readable"}
    assert results["drift"].severity == dg.AssetCheckSeverity.ERROR
    assert {"calibration"} <= results["ece"].metadata.keys() & results["lift"].metadata.keys()
    assert judged(MODEL, "days_ahead", {**row, "days_ahead": None}, rules).passed
    assert judged(MODEL, "auc", None, rules).passed


def test_the_newest_model_of_before_the_day_is_used() -> None:
    rows = [
        {"month": date(2026, month, 1), "tested_on": date(2026, month, 1), "available_on": date(2026, month + 3, 1)}
        for month in (1, 2, 3)
    ]
    assert registry.usable(rows, date(2026, 5, 15)) == rows[1]
    assert registry.usable(rows, date(2026, 3, 1)) is None


def test_dagster_ends_green_in_a_home_with_nothing_to_learn_yet() -> None:
    resources = {"lake": LakeResource()}
    made = dg.materialize([DEFINITIONS.asset, DEFINITIONS.checks], partition_key="2026-01-01", resources=resources)
    assert made.success
    assert made.get_asset_materialization_events() == []
    evaluations = made.get_asset_check_evaluations()
    assert {each.check_name: each.passed for each in evaluations} == dict.fromkeys(CHECKS, True)


def test_the_schedule_asks_for_the_month_whose_outcome_is_known() -> None:
    context = dg.build_schedule_context(scheduled_execution_time=datetime(2026, 11, 2, 6, 45, tzinfo=UTC))
    request = DEFINITIONS.schedule(context)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-08-01"
