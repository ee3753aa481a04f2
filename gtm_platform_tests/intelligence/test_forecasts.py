"""Forecasts on made-up companies: better than naive where something can be foreseen, naive where nothing can; intervals
that hold as often as they say; and nothing of what comes later.
"""

import dataclasses

import numpy as np
import pytest

from gtm_platform.intelligence.forecasts.backtest import NAIVE, Rules
from gtm_platform.intelligence.forecasts.pipeline import BOTH, HAZARDS, OPEN, Deals, forecast_pipeline
from gtm_platform.intelligence.forecasts.series import TooLittlePast, forecast_series
from gtm_platform_tests.intelligence.companies import company, pipeline, wandering

COMPANIES, STEPS, RULES = 40, 6, Rules()


def test_revenue_of_forty_companies_is_foreseen_better_than_naive_within_intervals_that_hold() -> None:
    """Each company's own past alone: the method of each moment is chosen by what had come by then."""
    forecasts = []
    for seed in range(COMPANIES):
        made = company(seed)
        forecasts.append(forecast_series(made.mrr, STEPS, RULES, new=made.new))
    coverage = np.mean([each.delivered.coverage for each in forecasts if each.delivered.coverage is not None])
    assert 0.75 <= coverage <= 0.85
    errors = np.mean([each.delivered_errors for each in forecasts], axis=0)
    naive = np.mean([each.errors[NAIVE] for each in forecasts], axis=0)
    assert (errors < 0.65 * naive).all()
    for each in forecasts:
        clearly_better = each.chosen.errors[each.chosen.best] < 0.9 * each.chosen.errors[NAIVE]
        assert (each.chosen.method != NAIVE) == clearly_better
        assert each.chosen.method in each.chosen.sentence.lower() or "Naive is best so far" in each.chosen.sentence


def test_where_nothing_can_be_foreseen_naive_is_best() -> None:
    forecasts = [forecast_series(wandering(seed), STEPS, RULES) for seed in range(COMPANIES)]
    assert sum(each.chosen.method != NAIVE for each in forecasts) <= 0.1 * COMPANIES
    assert all("Naive is best so far" in each.chosen.sentence for each in forecasts if each.chosen.method == NAIVE)
    coverage = np.mean([each.delivered.coverage for each in forecasts if each.delivered.coverage is not None])
    assert 0.75 <= coverage <= 0.85


def test_movements_go_on_at_their_rates() -> None:
    """Of 1,000 two percent leave each month, and 50 come."""
    mrr = [1000.0]
    for _ in range(30):
        mrr.append(mrr[-1] * 0.98 + 50)
    forecast = forecast_series(np.array(mrr), 3, RULES, new=np.array([0.0, *[50.0] * 30]))
    assert forecast.chosen.method == "movement"
    assert forecast.steps[0].value == pytest.approx(mrr[-1] * 0.98 + 50)
    assert forecast.steps[2].value == pytest.approx(((mrr[-1] * 0.98 + 50) * 0.98 + 50) * 0.98 + 50)


def test_a_season_is_seen() -> None:
    months = np.arange(96)
    values = (100 + months) * (1 + 0.3 * np.sin(2 * np.pi * months / 12))
    forecast = forecast_series(values[:84], 12, RULES, season=12)
    assert forecast.chosen.method != NAIVE
    ahead = np.array([step.value for step in forecast.steps])
    assert np.abs(np.log(ahead / values[84:])).mean() < 0.05


def test_a_season_is_seen_in_what_is_less_than_nothing() -> None:
    months = np.arange(72)
    values = 10 * np.sin(2 * np.pi * months / 12) + 0.2 * months + np.random.default_rng(1).normal(0, 1, 72)
    forecast = forecast_series(values[:60], 12, RULES, season=12)
    assert forecast.chosen.method in ("theta", "damped trend", "mean of theta and damped trend")
    ahead = np.array([step.value for step in forecast.steps])
    assert np.abs(ahead - values[60:]).mean() < 0.8 * np.abs(values[48:60] - values[60:]).mean()


def test_two_seasons_are_enough_to_see_one() -> None:
    months = np.arange(40)
    values = (100 + 2 * months) * (1 + 0.3 * np.sin(2 * np.pi * months / 12))
    forecast = forecast_series(values[:28], 12, RULES, season=12)
    assert forecast.chosen.method != NAIVE
    ahead = np.array([step.value for step in forecast.steps])
    assert np.abs(ahead - values[28:]).mean() < np.abs(values[27] - values[28:]).mean() / 3


@pytest.mark.parametrize(
    "values",
    [
        np.full(30, 7.0),
        np.zeros(30),
        np.arange(30) - 15.0,
        np.array([1.0, 2.0, 3.0]),
        np.array([5.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 9.0, 0.0, 0.0, 0.0, 0.0, 1.0]),
        np.geomspace(1, 1e12, 40),
    ],
)
@pytest.mark.parametrize("season", [1, 12])
def test_odd_series_have_a_forecast_that_is_finite(values: np.ndarray, season: int) -> None:
    forecast = forecast_series(values, STEPS, RULES, season, new=np.zeros(len(values)))
    for step in forecast.steps:
        assert np.isfinite([step.value, step.naive]).all()
        assert step.low is None or step.high is None or step.low <= step.value <= step.high


def test_too_short_a_series_is_a_sentence() -> None:
    with pytest.raises(TooLittlePast, match="has 2 values; a forecast needs 3"):
        forecast_series(np.array([1.0, 2.0]), STEPS, RULES)


@pytest.mark.parametrize("days", [30, 60, 90])
def test_the_pipeline_is_foreseen_better_than_naive(days: int) -> None:
    forecasts = [forecast_pipeline(pipeline(seed), 690, days, RULES) for seed in range(12)]
    errors = {name: np.mean([each.chosen.errors[name] for each in forecasts]) for name in (NAIVE, HAZARDS, BOTH)}
    assert errors[HAZARDS] < 0.85 * errors[NAIVE]
    assert np.mean([each.delivered_error for each in forecasts]) < 0.95 * errors[NAIVE]
    coverage = np.mean([each.delivered.coverage for each in forecasts if each.delivered.coverage is not None])
    assert 0.7 <= coverage <= 0.9


def test_what_comes_later_changes_no_forecast() -> None:
    deals = pipeline(5)
    dice = np.random.default_rng(0)
    after = (deals.closed > 400) | (deals.closed == OPEN)
    closed = np.where(after, 401 + dice.integers(0, 90, len(after)), deals.closed)
    other = Deals(deals.created, closed, deals.won | after, np.where(after, 1e9, deals.worth), deals.group, deals.names)
    assert repr(forecast_pipeline(deals, 400, 60, RULES)) == repr(forecast_pipeline(other, 400, 60, RULES))


def test_stages_make_open_deals_more_or_less_likely() -> None:
    deals = pipeline(5)
    plain = forecast_pipeline(deals, 400, 60, RULES).outlook
    doubled = forecast_pipeline(deals, 400, 60, RULES, np.full(len(deals.created), 0.5)).outlook
    assert doubled.of_open == pytest.approx(plain.of_open / 2)
    assert doubled.to_come == plain.to_come


def test_a_pipeline_without_wins_or_deals_lets_expect_nothing() -> None:
    deals = pipeline(5)
    days, none = np.array([], np.int64), np.array([])
    nobody = Deals(days, days, np.array([], bool), none, days)
    unwon = dataclasses.replace(deals, won=np.zeros(len(deals.created), bool))
    for each in (nobody, unwon):
        forecast = forecast_pipeline(each, 400, 60, RULES)
        assert (forecast.value, forecast.naive, forecast.chosen.method) == (0, 0, NAIVE)
