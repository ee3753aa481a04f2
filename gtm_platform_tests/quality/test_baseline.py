"""Anomaly detection on made-up years with planted anomalies, and on small cases: what is odd, and what is normal."""

import numpy as np
import pytest

from gtm_platform.policy import Anomalies
from gtm_platform.quality.baseline import Series, judge
from gtm_platform_tests.quality.metric_years import KINDS, metric_year

RULES = Anomalies()
WEEK = np.array([100.0, 105, 103, 100, 95, 40, 30])


def counts(values: list[float] | np.ndarray) -> Series:
    row = np.array([values], dtype=float)
    return Series(row, np.array([True]), np.array([False]), np.full(row.shape, np.nan))


def shares(values: list[float] | np.ndarray, base: float = 1000) -> Series:
    row = np.array([values], dtype=float)
    return Series(row, np.array([False]), np.array([True]), np.full(row.shape, base))


def weeks(number: int, level: float = 1.0, seed: int = 1) -> np.ndarray:
    """Counts of some weeks, with quiet weekends and a little noise."""
    noise = np.random.default_rng(seed).uniform(0.97, 1.03, 7 * number)
    return np.round(np.tile(WEEK, number) * level * noise)


def odd_days(series: Series, rules: Anomalies = RULES) -> list[int]:
    return [int(day) for day in np.flatnonzero(judge(series, rules).odd[0])]


@pytest.mark.parametrize("seed", range(200, 212))
def test_of_twenty_planted_anomalies_18_are_found_at_one_false_alarm_a_month(seed: int) -> None:
    year = metric_year(seed)
    judged = judge(year.series, RULES)
    assert len(year.planted) == sum(KINDS.values()) == 20
    missed = [each for each in year.planted if each not in year.caught(judged)]
    assert len(missed) <= 2, missed
    assert len(year.false_alarms(judged)) <= 12  # of all twelve metrics together


def test_over_many_years_each_kind_is_found() -> None:
    rates: dict[str, list[bool]] = {kind: [] for kind in KINDS}
    for seed in range(300, 310):
        year = metric_year(seed)
        found = year.caught(judge(year.series, RULES))
        for each in year.planted:
            rates[each.kind].append(each in found)
    assert {kind: np.mean(rate) >= 0.85 for kind, rate in rates.items()} == dict.fromkeys(KINDS, True), rates


def test_a_quiet_weekend_is_usual_and_a_quiet_monday_is_not() -> None:
    values = weeks(9)
    assert odd_days(counts(values)) == []
    values[56] = 35
    assert odd_days(counts(values)) == [56]


def test_nothing_is_odd_with_little_history() -> None:
    values = weeks(9)
    values[27] = 0
    assert odd_days(counts(values[:28])) == []
    values = weeks(9)
    values[29] = 0
    assert odd_days(counts(values)) == [29]


def test_few_records_more_or_less_are_no_matter() -> None:
    values = np.ones(63)
    values[60] = 9
    assert odd_days(counts(values)) == []


def test_an_outlier_counts_for_nothing_later() -> None:
    values = weeks(10)
    values[57] *= 50
    assert odd_days(counts(values)) == [57]
    judged = judge(counts(values), RULES)
    assert judged.expected[0, 64] == pytest.approx(105, rel=0.05)


def test_growth_is_expected() -> None:
    assert odd_days(counts(np.round(weeks(20) * np.exp(np.arange(140) * 0.004)))) == []


def test_a_new_level_is_said_for_a_week_and_then_normal() -> None:
    values = np.append(weeks(9), weeks(5, 2.0))
    odd = odd_days(counts(values))
    assert odd[:5] == [63, 64, 65, 66, 67]
    assert max(odd) < 63 + 14
    judged = judge(counts(values), RULES)
    assert judged.first_days(66)[0] == 63
    assert judged.expected[0, -1] == pytest.approx(60, rel=0.1), "the weekday's factor outlives the change of level"


def test_a_weekday_that_stays_otherwise_is_normal_after_some_weeks() -> None:
    values = weeks(18)
    values[[day for day in range(63, 126) if day % 7 == 6]] = 100
    assert odd_days(counts(values)) == [69, 76, 83]


def test_a_share_that_creeps_up_is_noticed_before_it_has_doubled_twice() -> None:
    values = np.append(np.full(60, 5.0), np.linspace(5, 20, 30))
    first = odd_days(shares(values))[0]
    assert 60 < first < 70
    assert values[first] < 10


def test_a_share_of_few_is_allowed_more() -> None:
    values = np.full(60, 10.0)
    values[58] = 30.0
    assert odd_days(shares(values, base=1000)) == [58]
    assert odd_days(shares(values, base=5)) == []


def test_points_of_percent_are_needed_for_a_share() -> None:
    values = np.full(60, 0.5)
    values[58] = 1.9
    assert odd_days(shares(values, base=1_000_000)) == []


def test_a_missing_day_is_odd_where_values_are_usual() -> None:
    values = weeks(9)
    values[58] = np.nan
    assert odd_days(counts(values)) == [58]
    values[::3] = np.nan
    assert odd_days(counts(values)) == []


def test_a_metric_that_ended_is_forgotten_after_some_days() -> None:
    values = weeks(12)
    values[60:] = np.nan
    assert odd_days(counts(values)) == [60, 61, 62, 63]


def test_metrics_do_not_know_of_each_other() -> None:
    year = metric_year(1).series
    together = judge(year, RULES)
    for row in range(len(year.values)):
        alone = judge(Series(year.values[[row]], year.counts[[row]], year.shares[[row]], year.bases[[row]]), RULES)
        assert np.array_equal(alone.odd[0], together.odd[row])


def test_a_day_is_judged_by_those_before_it_only() -> None:
    values = weeks(12)
    whole = judge(counts(values), RULES)
    part = judge(counts(values[:70]), RULES)
    assert np.array_equal(whole.expected[0, :70], part.expected[0], equal_nan=True)
