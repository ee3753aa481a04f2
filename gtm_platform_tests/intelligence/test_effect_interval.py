"""The interval of a difference: its formula by another way, and how it holds in worlds whose truth is known."""

from dataclasses import dataclass
from math import exp, log, pi, sqrt

import numpy as np
import pytest

from gtm_platform.intelligence.effect.confidence import FIRST_BLOCK, RIDGE, always_valid, differences, half_width
from gtm_platform.intelligence.effect.effect import LEAST
from gtm_platform.intelligence.effect.power import outcomes_needed, power
from gtm_platform_tests.intelligence.experiment import terms

# --- the formula -----------------------------------------------------------------------------------------------------


def mixture(total: float, customers: int, rho: float) -> float:
    """The martingale of a sum of standard differences: its likelihood over none, mixed over normal means, by sums."""
    means = np.linspace(-12 * rho, 12 * rho, 20_001)
    weight = np.exp(-((means / rho) ** 2) / 2) / (rho * sqrt(2 * pi))
    likelihood = np.exp(means * total - means**2 * customers / 2)
    return float(np.trapezoid(weight * likelihood, means))


def boundary(customers: int, rho: float, alpha: float) -> float:
    """The sum at which the martingale comes to 1/alpha, by halving."""
    low, high = 0.0, 20 * sqrt(customers)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if mixture(middle, customers, rho) < 1 / alpha else (low, middle)
    return low


@pytest.mark.parametrize("customers", [50, 400, 3000])
@pytest.mark.parametrize(("confidence", "tuned_for"), [(0.95, 500), (0.9, 80)])
def test_the_half_width_is_where_the_mixture_martingale_ends(customers: int, confidence: float, tuned_for: int) -> None:
    alpha = 1 - confidence
    rho = sqrt((-2 * log(alpha) + log(-2 * log(alpha) + 1)) / tuned_for)
    expected = boundary(customers, rho, alpha) / customers
    assert half_width(customers, confidence, tuned_for) == pytest.approx(expected, rel=1e-4)


def test_it_is_about_the_narrowest_after_the_customers_that_it_is_tuned_for() -> None:
    narrowest = min(half_width(300, 0.95, tuned_for) for tuned_for in range(20, 3000, 5))
    assert half_width(300, 0.95, 300) <= narrowest * 1.01
    fixed = 1.96 / sqrt(300)
    assert half_width(300, 0.95, 300) > 1.3 * fixed, "to be looked at every day costs something"


def test_each_difference_is_that_of_a_regression_on_the_customers_before() -> None:
    draw = np.random.default_rng(3)
    count, share = 173, 0.3
    about = np.column_stack([draw.random(count), draw.normal(5, 2, count)])
    treated = draw.random(count) >= share
    outcome = 2 * about[:, 0] - treated + draw.normal(size=count)
    expected = []
    for place in range(count):
        known = 0
        while 2 * max(known, FIRST_BLOCK // 2) <= place:
            known = max(2 * known, FIRST_BLOCK)
        come = [0.0, 0.0]
        if known:
            scaled = (about - about[:known].mean(axis=0)) / about[:known].std(axis=0)
            columns = np.c_[np.ones(count), treated, scaled]
            # A ridge is so many more rows, one for each column that is held back.
            held = sqrt(RIDGE) * np.eye(4)[1:]
            weights, *_ = np.linalg.lstsq(np.r_[columns[:known], held], np.r_[outcome[:known], np.zeros(3)], rcond=None)
            come = [float(np.r_[1, group, scaled[place]] @ weights) for group in (0, 1)]
        weighted = (outcome[place] - come[1]) / (1 - share) if treated[place] else -(outcome[place] - come[0]) / share
        expected.append(come[1] - come[0] + weighted)
    assert differences(outcome, treated, about, share) == pytest.approx(np.array(expected), abs=1e-8)


def test_an_interval_is_the_mean_and_its_width_by_the_deviation() -> None:
    interval = always_valid(np.array([1.0, 3.0] * 100), 0.95, 500)
    assert (interval.difference, interval.deviation) == (2.0, 1.0)
    assert interval.high - interval.low == pytest.approx(2 * half_width(200, 0.95, 500))
    assert not interval.holds_nothing


# --- worlds ----------------------------------------------------------------------------------------------------------

CUSTOMERS, SHARE, TUNED_FOR, A_DAY = 800, 0.25, 800, 8


@dataclass
class World:
    """Customers whose outcomes come day by day, of whom a share is withheld, and what the treatment truly does."""

    seed: int
    cut: float  # of churn, by the treatment
    money: bool = False

    def differences(self) -> np.ndarray:
        draw = np.random.default_rng(self.seed)
        risk = draw.beta(2, 6, CUSTOMERS)
        mrr = np.exp(draw.normal(5.5, 0.8, CUSTOMERS))
        treated = draw.random(CUSTOMERS) >= SHARE
        churned = draw.random(CUSTOMERS) < risk * np.where(treated, 1 - self.cut, 1)
        grown = np.where(draw.random(CUSTOMERS) < 0.1, 0.3 * mrr, 0)
        outcome = np.where(churned, -mrr, grown) if self.money else churned.astype(float)
        about = np.column_stack([risk, np.log1p(mrr), risk * mrr])
        return differences(outcome, treated, about, SHARE)

    @property
    def truth(self) -> float:
        """The mean of what each customer's risk, 1/4 on average, is cut by, and of the MRR that it keeps."""
        paid = exp(5.5 + 0.8**2 / 2)
        return self.cut * 0.25 * paid * (1 + 0.3 * 0.1) if self.money else -self.cut * 0.25


def looked_at(each: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the interval on each day, from that on which both groups are large enough."""
    first = -(-int(LEAST / SHARE) // A_DAY) * A_DAY
    looks = [always_valid(each[:seen], 0.95, TUNED_FOR) for seen in range(first, CUSTOMERS + 1, A_DAY)]
    return np.array([look.low for look in looks]), np.array([look.high for look in looks])


def judged(worlds: list[World]) -> tuple[float, float, float]:
    """Of some worlds the share whose last interval holds the truth, whose every one does, and that claim an effect."""
    held, always, claimed = 0, 0, 0
    for world in worlds:
        low, high = looked_at(world.differences())
        holds = (low <= world.truth) & (world.truth <= high)
        held, always = held + bool(holds[-1]), always + bool(holds.all())
        claimed += bool(((low > 0) | (high < 0)).any())
    return held / len(worlds), always / len(worlds), claimed / len(worlds)


def test_intervals_hold_the_truth_and_claim_nothing_where_there_is_none() -> None:
    held, always, claimed = judged([World(seed, 0.0) for seed in range(60)])
    assert (held >= 0.93, always >= 0.93, claimed <= 0.05) == (True, True, True)


@pytest.mark.soak
@pytest.mark.parametrize("money", [False, True])
@pytest.mark.parametrize("cut", [0.0, 0.3, 0.6])
def test_in_200_worlds_intervals_hold_the_truth_at_every_look(cut: float, money: bool) -> None:
    held, always, claimed = judged([World(seed, cut, money) for seed in range(1000, 1200)])
    print(f"cut {cut}, money {money}: {held:.3f} held, {always:.3f} at every look, {claimed:.3f} claimed")
    assert held >= 0.93
    assert always >= 0.93
    if not cut:
        assert claimed <= 0.05
    elif cut == 0.6:
        assert claimed >= 0.5, "an effect that is large is found"


# --- power -----------------------------------------------------------------------------------------------------------


def test_the_power_is_what_experiments_come_to_at_their_last_look() -> None:
    rules, churn, cut, outcomes = terms(share=SHARE, sample_size=TUNED_FOR), 0.3, 0.4, 1600
    draw = np.random.default_rng(8)
    found = 0
    for _ in range(300):
        treated = draw.random(outcomes) >= SHARE
        churned = draw.random(outcomes) < np.where(treated, churn * (1 - cut), churn)
        each = np.where(treated, (churned - churn * (1 - cut)) / (1 - SHARE), -(churned - churn) / SHARE) - churn * cut
        found += always_valid(each, 0.95, TUNED_FOR).high < 0
    assert power(cut * churn, churn, outcomes, rules) == pytest.approx(found / 300, abs=0.08)


def test_as_many_outcomes_are_needed_as_bring_four_fifths() -> None:
    rules = terms(share=0.2, sample_size=2000)
    needed = outcomes_needed(0.06, 0.2, rules)
    assert needed is not None
    assert power(0.06, 0.2, needed, rules) >= 0.8 > power(0.06, 0.2, needed - 1, rules)
    assert outcomes_needed(0.0001, 0.2, rules) is None
    assert power(0.2, 0.2, 60, rules) == 0, "of too few no difference is reported"
