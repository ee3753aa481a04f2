"""Whether health works: every figure of a back-test beside one worked out by hand, and what was missed examined."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from gtm_platform.health import backtest_measures as measures
from gtm_platform.health.backtest import Alarm, Backtest, RulesTested, backtest
from gtm_platform.health.backtest_history import NoHistory, history_of
from gtm_platform.health.customer_health import COMPONENTS, STATUSES
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.tables import filled

pytestmark = pytest.mark.soak

FIRST = date(2026, 1, 1)
STEP = timedelta(days=7)
Row = dict[str, Any]
Past = dict[date, dict[str, Row]]


def status_of(score: int) -> str:
    return next(name for name, least in zip(STATUSES, (70, 50, 30, 0), strict=True) if score >= least)


def write(lake: Lake, past: Past, aliases: Mapping[str, list[str]] | None = None) -> None:
    """Write what a back-test reads of each day."""
    for day, customers in past.items():
        tables = {
            "identity/people": [{"customer_id": c, "aliases": (aliases or {}).get(c, [])} for c in customers],
            "core/profile": [
                {
                    "customer_id": c,
                    "customer_status": row.get("customer_status", "active"),
                    "is_customer": bool(row["mrr"]),
                }
                for c, row in customers.items()
            ],
            "core/revenue": [
                {
                    "customer_id": c,
                    "mrr": row["mrr"],
                    "failed_payments_30d": row.get("failed", 0),
                    "subscription_status": row.get("subscription_status"),
                }
                for c, row in customers.items()
            ],
            "core/activity": [
                {"customer_id": c, "days_since_seen": row.get("days_since_seen", 1)} for c, row in customers.items()
            ],
            "core/support": [
                {"customer_id": c, "open_critical_tickets": row.get("critical", 0)} for c, row in customers.items()
            ],
            "health/customer_health": [judged(c, row) for c, row in customers.items() if row["mrr"]],
        }
        for table, rows in tables.items():
            lake.write(table, str(day), engine().to_pyarrow(filled(table, *rows)))


def judged(customer: str, row: Row) -> Row:
    score = row["score"]
    return {
        "customer_id": customer,
        "health_score": score,
        "health_status": status_of(score),
        "churn_risk": 100 - score,
        "policy_hash": row.get("rules", "rules"),
        **{f"{name}_score": float(score) for name in COMPONENTS if name != "mrr"},
        "override_cancel": -30 if score < 40 else 0,
    }


def steps(count: int) -> list[date]:
    return [FIRST + n * STEP for n in range(count)]


@dataclass
class Made:
    """A past of two hundred customers, whose lower scores leave more often, weekly over nine months."""

    days: list[date] = field(default_factory=lambda: steps(40))
    past: Past = field(default_factory=dict)

    def __post_init__(self) -> None:
        draw = random.Random(4)
        paying = {f"c{n:03}": draw.randrange(45, 100) for n in range(200)}
        gone: dict[str, int] = {}  # weeks until they are back
        for day in self.days:
            rows = self.past[day] = {}
            for customer, level in paying.items():
                if customer in gone:
                    gone[customer] -= 1
                    if gone[customer] < 0:
                        del gone[customer]
                elif draw.random() < (0.06 if level < 65 else 0.01):
                    gone[customer] = draw.choice((1, 2, 8, 99))
                score = max(0, min(100, level + draw.randrange(-12, 12)))
                leaving = draw.random() < 0.03
                rows[customer] = {
                    "mrr": 0 if customer in gone else 50,
                    "score": score,
                    "customer_status": "leaving" if leaving else "active",
                }


@pytest.fixture(scope="module")
def made() -> Made:
    return Made()


@pytest.fixture(scope="module")
def past_lake(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(tmp_path_factory.mktemp("past") / "lake")
    write(lake, made.past)
    return lake


@pytest.fixture(scope="module")
def result(past_lake: Lake) -> Backtest:
    return backtest(past_lake)


@pytest.fixture
def rules(result: Backtest) -> RulesTested:
    (tested,) = result.rules
    return tested


# --- by hand ---------------------------------------------------------------------------------------------------------


def churns_by_hand(made: Made) -> dict[str, list[date]]:
    """Pays on a day, not on the next that there is, nor within thirty days of that."""
    churns: dict[str, list[date]] = {}
    for before, day in zip(made.days, made.days[1:], strict=False):
        for customer in made.past[day]:
            pays = {d: made.past[d][customer]["mrr"] > 0 for d in made.days}
            back = any(pays[d] for d in made.days if day <= d <= day + timedelta(days=30))
            if pays[before] and not back:
                churns.setdefault(customer, []).append(day)
    return churns


def cases_by_hand(made: Made) -> Iterator[tuple[str, date, Row, bool]]:
    churns = churns_by_hand(made)
    starts = [min(d for d in made.days if d.month == month) for month in {d.month for d in made.days}]
    for day in starts:
        if day + timedelta(days=90) > made.days[-1]:
            continue
        for customer, row in made.past[day].items():
            if row["mrr"] > 0:
                left = any(day < churn <= day + timedelta(days=90) for churn in churns.get(customer, ()))
                yield customer, day, row, left


def open_cases(made: Made) -> list[tuple[int, bool]]:
    return [(row["score"], left) for _, _, row, left in cases_by_hand(made) if row["customer_status"] != "leaving"]


def test_who_counts_and_who_churned_is_as_by_hand(made: Made, rules: RulesTested) -> None:
    cases = list(cases_by_hand(made))
    scheduled = [left for _, _, row, left in cases if row["customer_status"] == "leaving"]
    assert rules.counts["cases"] == len(open_cases(made)) > 500
    assert rules.counts["churns"] == sum(left for _, left in open_cases(made)) > 50
    assert (rules.counts["scheduled"], rules.counts["scheduled_churned"]) == (len(scheduled), sum(scheduled))
    assert rules.months == sorted({day for _, day, _, _ in cases})


def test_precision_base_rate_and_false_alarms_are_as_by_hand(made: Made, rules: RulesTested) -> None:
    cases = open_cases(made)
    flagged = [left for score, left in cases if score < 70]
    rate = sum(left for _, left in cases) / len(cases)
    figures = {name: measure.value for name, measure in rules.figures.items()}
    assert figures["base_rate"] == pytest.approx(rate)
    assert figures["precision_at_risk"] == pytest.approx(sum(flagged) / len(flagged))
    assert figures["precision_over_base_rate"] == pytest.approx(sum(flagged) / len(flagged) / rate)
    assert figures["recall_at_risk"] == pytest.approx(sum(flagged) / sum(left for _, left in cases))
    assert figures["false_alarms_per_100"] == pytest.approx(100 * (len(flagged) - sum(flagged)) / len(cases))


def test_ranking_and_calibration_are_as_by_hand(made: Made, rules: RulesTested) -> None:
    cases = open_cases(made)
    left, stayed = ([score for score, gone in cases if gone == which] for which in (True, False))
    pairs = sum((a < b) + (a == b) / 2 for a in left for b in stayed) / (len(left) * len(stayed))
    brier = sum(((100 - score) / 100 - gone) ** 2 for score, gone in cases) / len(cases)
    rate = len(left) / len(cases)
    figures = rules.figures
    for name in ("auc_score", "auc_risk", "auc_activity", "auc_support"):
        assert figures[name].value == pytest.approx(pairs)
    assert figures["auc_mrr"].value is None, "it has no data"
    assert figures["auc_override_delinquent"].value == 0.5, "it never applies"
    assert figures["brier"].value == pytest.approx(brier)
    assert figures["brier_skill"].value == pytest.approx(1 - brier / (rate * (1 - rate)))
    assert figures["auc_score"].low < pairs < figures["auc_score"].high  # type: ignore[operator]
    assert rules.verdict == "signal"


def test_days_ahead_and_green_at_churn_are_as_by_hand(made: Made, rules: RulesTested) -> None:
    ahead: list[int | None] = []
    green = 0
    for customer, days in churns_by_hand(made).items():
        for churn in days:
            if churn < made.days[0] + timedelta(days=90):
                continue
            before = [d for d in made.days if churn - timedelta(days=90) <= d < churn]
            judged = [(d, made.past[d][customer]["score"]) for d in before if made.past[d][customer]["mrr"]]
            flagged = [(churn - d).days for d, score in judged if score < 70]
            ahead.append(max(flagged, default=None))
            green += judged[-1][1] >= 70
    assert rules.counts["churners"] == len(ahead) > 40
    assert sorted(rules.days_ahead) == sorted(days for days in ahead if days is not None)
    for least in (42, 14):
        share = sum(days is not None and days >= least for days in ahead) / len(ahead)
        assert rules.figures[f"flagged_{least}_days_ahead"].value == pytest.approx(share)
    assert rules.figures["green_at_churn"].value == pytest.approx(green / len(ahead))


def test_alerts_are_right_whose_customer_churns_within_ninety_days(made: Made, past_lake: Lake) -> None:
    churns = churns_by_hand(made)
    customer, (day, *_) = next((c, days) for c, days in churns.items() if days[0] > FIRST + timedelta(days=60))
    loyal = next(c for c in made.past[FIRST] if c not in churns)
    late = made.days[-1] - timedelta(days=10)
    alarms = [
        Alarm(customer, day - timedelta(days=7), "health_drop"),
        Alarm(loyal, FIRST, "health_drop"),
        Alarm(customer, day, "cancel"),
        Alarm(loyal, late, "cancel"),
    ]
    (rules,) = backtest(past_lake, alarms).rules
    assert rules.counts["alerts"] == 3, "the last one cannot be judged yet"
    assert rules.figures["precision_alerts"].value == pytest.approx(1 / 3)
    assert rules.figures["precision_alerts_health_drop"].value == 0.5


def test_the_same_lake_has_the_same_figures(past_lake: Lake, result: Backtest) -> None:
    assert backtest(past_lake) == result


# --- what is special -------------------------------------------------------------------------------------------------


def steady(count: int = 30, **more: Any) -> Past:
    return {day: {"steady": {"mrr": 10, "score": 80, **more}} for day in steps(count)}


def test_few_churns_are_too_few_to_judge_by(lake: Lake) -> None:
    write(lake, steady())
    (rules,) = backtest(lake).rules
    assert (rules.verdict, rules.counts["churns"]) == ("too few", 0)
    assert rules.figures["auc_score"].value is None


def test_less_than_ninety_days_are_no_history(lake: Lake) -> None:
    write(lake, steady(5))
    with pytest.raises(NoHistory, match="from 2026-01-01 to 2026-01-29"):
        backtest(lake)


def test_each_policy_hash_is_judged_by_its_own_scores(lake: Lake) -> None:
    past = steady()
    for day in steps(30)[6:]:
        past[day]["steady"]["rules"] = "newer"
    write(lake, past)
    assert [rules.policy_hash for rules in backtest(lake).rules] == ["newer", "rules"]


def test_who_was_merged_since_has_not_churned(lake: Lake) -> None:
    past = {day: {("old" if n < 15 else "new"): {"mrr": 10, "score": 80}} for n, day in enumerate(steps(30))}
    write(lake, past, aliases={"new": ["old"]})
    with history_of(lake) as history:
        assert history.churn_days() == {}


def test_the_autopsy_of_a_missed_churn_names_the_cheapest_rule_and_its_price(lake: Lake) -> None:
    """A ticket was open for two months; five others who stay have not been seen for long, one has a ticket, too."""
    past = steady()
    for n, day in enumerate(steps(30)):
        past[day] |= {f"away{k}": {"mrr": 10, "score": 90, "days_since_seen": 40} for k in range(5)}
        past[day]["stays"] = {"mrr": 10, "score": 90, "critical": 1}
        past[day]["leaves"] = {
            "mrr": 10 if n < 25 else 0,
            "score": 85,
            "critical": int(n >= 17),
            "days_since_seen": 40 if n >= 15 else 1,
        }
    write(lake, past)
    (autopsy,) = backtest(lake).missed
    assert (autopsy.churn.customer_id, autopsy.churn.day) == ("leaves", steps(30)[25])
    assert autopsy.churn.was_green
    assert autopsy.first_knowable == steps(30)[15]
    assert (autopsy.rule, autopsy.rule_days_ahead, autopsy.more_alarms) == ("a critical ticket is open", 56, 1)
    assert autopsy.facts["open_critical_tickets"] == 1


def test_a_churn_without_any_sign_could_not_be_known(lake: Lake) -> None:
    past = steady(30)
    for n, day in enumerate(steps(30)):
        past[day]["leaves"] = {"mrr": 10 if n < 25 else 0, "score": 95}
    write(lake, past)
    (autopsy,) = backtest(lake).missed
    assert (autopsy.first_knowable, autopsy.rule, autopsy.more_alarms) == (None, None, None)


# --- measures --------------------------------------------------------------------------------------------------------


def test_the_floor_of_the_calibration_error_is_that_of_a_perfect_model() -> None:
    probability = np.random.default_rng(1).uniform(0.02, 0.4, 6000)
    expected = 0.8 * np.sqrt(np.mean(probability * (1 - probability)) * measures.BINS / 6000)
    assert measures.calibration_floor(probability) == pytest.approx(expected, rel=0.15)
    wrong = measures.calibration_error(
        np.clip(probability + 0.3, 0, 1), np.random.default_rng(2).random(6000) < probability
    )
    assert wrong == pytest.approx(0.3, abs=0.02)


def test_intervals_are_over_customers_not_over_rows() -> None:
    """A customer who is there ten times says as little as one who is there once."""
    alone = measures.Resampling([f"c{n}" for n in range(50)])
    repeated = measures.Resampling([f"c{n}" for n in range(50) for _ in range(10)])
    once = alone.share(np.arange(50) < 20)
    tenfold = repeated.share(np.repeat(np.arange(50) < 20, 10))
    assert (once.value, once.low, once.high) == pytest.approx((tenfold.value, tenfold.low, tenfold.high))


def test_noise_has_no_signal() -> None:
    draw = np.random.default_rng(3)
    customers = [f"c{n}" for n in range(500)]
    noise, churned = draw.random(500), draw.random(500) < 0.2
    measure = measures.Resampling(customers).figure(lambda weights: measures.auc(noise, churned, weights), 500)
    assert measure.low is not None
    assert measure.low < 0.5


def test_a_part_without_any_difference_says_nothing() -> None:
    assert measures.auc(np.zeros(10), np.arange(10) < 3) == 0.5
    assert measures.auc(np.arange(10.0), np.zeros(10, bool)) is None
