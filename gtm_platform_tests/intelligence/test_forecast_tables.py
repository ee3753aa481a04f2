"""The daily tables of forecasts: what they read of a day, and that stages count where they would have helped."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from gtm_platform.intelligence.forecasts import pipeline_deals, pipeline_forecast, revenue_forecast
from gtm_platform.intelligence.forecasts.pipeline import OPEN, Deals
from gtm_platform.intelligence.forecasts.plot import Plot
from gtm_platform.intelligence.forecasts.stages import Sighting, stage_multipliers
from gtm_platform.policy import policy
from gtm_platform_tests.intelligence.companies import company, pipeline
from gtm_platform_tests.tables import DAY, by, computed, days_ago, filled

FIRST = date(2023, 1, 1)


def month(place: int) -> date:
    return date(2023 + place // 12, place % 12 + 1, 1)


def cohort_rows(mrr: Sequence[float], new: Sequence[float]) -> list[dict[str, Any]]:
    """Each month's MRR as two cohorts: what came in it, and all else."""
    rows = []
    for place, (total, came) in enumerate(zip(mrr, new, strict=True)):
        common = {"month": month(place), "until": month(place + 1) - timedelta(days=1), "basis": "observed"}
        rows.append(common | {"cohort": month(place), "mrr": round(came)})
        rows.append(common | {"cohort": date(2020, 1, 1), "mrr": round(total) - round(came)})
    return rows


def revenue(rows: list[dict[str, Any]], day: date) -> dict[date, dict[str, Any]]:
    table = revenue_forecast.table(filled("intelligence/retention_cohorts", *rows), policy(), day)
    return {row["month"]: row for row in table.to_pylist()}


def test_revenue_is_forecast_from_the_months_that_are_over() -> None:
    mrr = [100_000.0]
    for _ in range(30):
        mrr.append(mrr[-1] * 0.98 + 5000)
    rows = cohort_rows(mrr, [0, *[5000] * 30])
    unfinished = {"month": month(31), "until": month(31), "basis": "observed", "cohort": month(31), "mrr": 3}
    ahead = revenue([*rows, unfinished], month(31) + timedelta(days=4))
    assert list(ahead) == [month(31 + place) for place in range(6)]
    first = ahead[month(31)]
    assert (first["method"], first["naive"], first["months_ahead"]) == ("movement", round(mrr[-1]), 1)
    assert first["value"] == pytest.approx(mrr[-1] * 0.98 + 5000, abs=2)
    assert (first["months"], first["observed_months"]) == (31, 31)
    on_the_last_day = revenue(rows, month(31) - timedelta(days=1))
    assert {key: row["value"] for key, row in on_the_last_day.items()} == {
        key: row["value"] for key, row in ahead.items()
    }


def test_before_three_months_are_over_there_is_no_forecast() -> None:
    assert revenue(cohort_rows([5, 5], [5, 0]), month(2)) == {}
    assert revenue([], month(2)) == {}


def test_intervals_of_a_made_up_company_hold_its_forecast() -> None:
    made = company(7, 48)
    for row in revenue(cohort_rows((made.mrr * 100).tolist(), (made.new * 100).tolist()), month(48)).values():
        assert row["low"] < row["value"] < row["high"]
        assert 0.5 <= row["coverage"] <= 1


def test_deals_are_as_of_the_day() -> None:
    deals = [
        {"id": "won", "is_closed": True, "is_won": True, "close_date": days_ago(1), "amount": 100, "currency": "eur"},
        {"id": "later", "is_closed": True, "is_won": True, "close_date": days_ago(-5), "amount": 100},
        {"id": "open", "is_closed": False, "close_date": days_ago(-5), "stage_id": "2", "pipeline_id": "p"},
        {"id": "tomorrow", "created_at": days_ago(-1)},
    ]
    stages = filled(
        "hubspot/pipelines",
        {"pipeline_id": "p", "pipeline_label": "Sales", "stage_id": "2", "stage_label": "Proposal"},
    )
    rows = [{"created_at": days_ago(30), "type": "newbusiness"} | deal for deal in deals]
    table = computed(
        pipeline_deals.table,
        "intelligence/pipeline_deals",
        deals=filled("hubspot/deals", *rows),
        stages=stages,
        policy=policy(),
        day=DAY,
    )
    shown = by("deal_id", table)
    assert shown.keys() == {"won", "later", "open"}
    assert (shown["won"]["closed_on"], shown["won"]["is_won"], shown["won"]["amount"]) == (
        DAY - timedelta(days=1),
        True,
        10900,
    )
    assert (shown["later"]["closed_on"], shown["later"]["is_won"]) == (None, False)
    assert (shown["open"]["deal_group"], shown["open"]["stage"]) == ("Sales · newbusiness", "Proposal")


def deal_rows(deals: Deals, until: int) -> list[dict[str, Any]]:
    rows = []
    for place in np.flatnonzero(deals.created <= until):
        closed = int(deals.closed[place])
        is_closed = closed not in (OPEN,) and closed <= until
        rows.append(
            {
                "as_of": FIRST + timedelta(days=until),
                "deal_id": f"{place:05}",
                "deal_group": deals.names[deals.group[place]],
                "stage": "strong" if deals.won[place] else "weak",
                "created_on": FIRST + timedelta(days=int(deals.created[place])),
                "closed_on": FIRST + timedelta(days=closed) if is_closed else None,
                "is_won": bool(deals.won[place]) and is_closed,
                "amount": round(deals.worth[place] * 100),
            }
        )
    return rows


def test_the_pipeline_is_forecast_in_all_and_by_group() -> None:
    deals, today = pipeline(2), 600
    earlier = [row for ago in (90, 105, 120, 135) for row in deal_rows(deals, today - ago)]
    now, before = (filled("intelligence/pipeline_deals", *rows) for rows in (deal_rows(deals, today), earlier))
    table = pipeline_forecast.table(now, before, policy(), FIRST + timedelta(days=today))
    rows = {(row["days"], row["deal_group"]): row for row in table.to_pylist()}
    assert {days for days, _ in rows} == {30, 60, 90}
    for days in (30, 60, 90):
        whole = rows[days, "all"]
        groups = [rows[days, name] for name in deals.names]
        assert sum(row["open_deals"] for row in groups) == whole["open_deals"]
        assert sum(row["of_open"] for row in groups) == pytest.approx(whole["of_open"], abs=2)
        assert whole["until"] == FIRST + timedelta(days=today + days)
        assert whole["low"] < whole["value"] < whole["high"]
        assert whole["uses_stages"], "who is strong was won"
    nothing = filled("intelligence/pipeline_deals")
    assert pipeline_forecast.table(nothing, nothing, policy(), FIRST).num_rows == 0


def test_stages_that_say_nothing_are_left_out() -> None:
    deals, today, days = pipeline(2), 600, 60
    dice = np.random.default_rng(1)
    sightings = []
    for ago in (60, 75, 90, 105, 120):
        day = today - ago
        places = np.flatnonzero((deals.created <= day) & ((deals.closed == OPEN) | (deals.closed > day)))
        sightings.append(Sighting(day, places.tolist(), dice.choice(["a", "b"], len(places)).tolist()))
    multipliers = stage_multipliers(deals, sightings, today, days)
    assert all(0.7 < factor < 1.4 for factor in multipliers.values()), "chance alone moves little"
    telling = [
        Sighting(each.day, each.places, ["won" if deals.won[place] else "lost" for place in each.places])
        for each in sightings
    ]
    shown = stage_multipliers(deals, telling, today, days)
    assert shown["won"] > 2
    assert shown["lost"] < 0.5
    assert stage_multipliers(deals, telling[:0], today, days) == {}
    assert stage_multipliers(deals, telling, today - 59, days) == {}, "no sighting's days are over by then"


def test_a_plot_has_the_past_the_forecast_and_its_interval() -> None:
    drawn = Plot([1, 2, 3], [4, 5], [3, None], [5, None], [3, 3]).svg()
    assert drawn.count("<polyline") == 3
    assert drawn.count("<polygon") == 1
    assert "NaN" not in drawn
    assert Plot([1], [1], [None], [None], [1]).svg().count("<polygon") == 0
