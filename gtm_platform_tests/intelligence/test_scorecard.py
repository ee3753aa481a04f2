"""A table is scored as well as can be, and not better than it can be known."""

import numpy as np
import pandas as pd
import pytest

from gtm_platform.health.backtest_measures import auc
from gtm_platform.intelligence.scoring.features import features_of
from gtm_platform.intelligence.scoring.models import SMALL, probability, unseen_odds
from gtm_platform.intelligence.scoring.outcomes import NoOutcome
from gtm_platform.intelligence.scoring.scorecard import NotScorable, Scorecard, score_table
from gtm_platform_tests.intelligence.planted import Planted, chance, signal, with_leaks


@pytest.fixture(scope="module")
def planted() -> Planted:
    return signal(1800)


@pytest.fixture(scope="module")
def card(planted: Planted) -> Scorecard:
    return score_table(with_leaks(planted.frame), "left")


def test_a_signal_is_recovered_nearly_as_well_as_can_be(card: Scorecard, planted: Planted) -> None:
    best = auc(planted.truth, card.outcome.labels)
    assert card.verdict == "signal"
    assert card.figures
    assert (card.figures.auc.value or 0) > (best or 1) - 0.02
    assert card.figures.brier < card.figures.brier_of_base_rate
    assert card.figures.ece < card.figures.ece_floor + 0.02


def test_leaks_are_named_with_their_reason_and_left_out(card: Scorecard) -> None:
    assert card.leaks.keys() == {"exit_survey", "days_open", "team", "LastActivityDate", "lead_tags"}
    assert "filled in only with one outcome" in card.leaks["exit_survey"]
    assert "alone it tells the outcome" in card.leaks["days_open"]
    assert "its value 'win-back'" in card.leaks["team"]
    assert "by its name" in card.leaks["LastActivityDate"]
    assert not card.leaks.keys() & set(card.features.names)
    assert (card.auc_with_leaks or 0) > 0.99


def test_ids_are_of_no_use(card: Scorecard) -> None:
    assert card.features.left_out == {"customer_id": "it is an id"}


def test_reasons_add_up_to_the_score_exactly(card: Scorecard) -> None:
    assert card.trained
    matrix = card.features.matrix[:50]
    reasons = card.trained.reasons(matrix)
    assert np.allclose(reasons.base + reasons.parts.sum(axis=1), reasons.total, atol=0, rtol=1e-12)
    assert np.allclose(probability(reasons.total), card.trained.scores(matrix), atol=1e-12)
    matters = dict(zip(card.features.names, np.abs(reasons.parts).mean(axis=0), strict=True))
    assert max(matters, key=lambda name: matters[name]) in ("usage_change", "tenure")
    assert matters["noise"] < matters["usage_change"] / 4


def test_new_rows_are_scored_as_those_of_the_table(card: Scorecard, planted: Planted) -> None:
    assert card.trained
    again = card.trained.matrix(with_leaks(planted.frame).head(20).sample(frac=1, random_state=1).sort_index())
    assert np.array_equal(again, card.features.matrix[:20], equal_nan=True)
    unseen = planted.frame.head(3).assign(plan="a plan of tomorrow", calls=None)
    scores = card.trained.scores(card.trained.matrix(unseen))
    assert scores.min() > 0
    assert scores.max() < 1


@pytest.mark.parametrize("seed", range(2))
def test_chance_is_no_signal_and_delivers_the_base_rate(seed: int) -> None:
    card = score_table(chance(300, seed=seed), "left")
    assert card.verdict == "no signal"
    assert set(card.delivered()) == {card.outcome.labels.mean()}


def test_what_held_before_and_not_since_is_no_signal() -> None:
    frame = signal(900, seed=3).frame.assign(day=[f"2026-{1 + row // 100:02}-01" for row in range(900)])
    frame.loc[600:, "left"] = list(chance(300, seed=5)["left"].map({True: "yes", False: "no"}))
    card = score_table(frame, "left", time="day")
    assert card.verdict == "no signal"
    assert card.split_at == "day up to 2026-06-01, tested on those after"
    assert card.tested.sum() == 300


@pytest.mark.parametrize(("rows", "rate"), [(150, 0.4), (900, 0.025)])
def test_too_little_data_is_not_judged(rows: int, rate: float) -> None:
    card = score_table(chance(rows, rate=rate), "left")
    assert (card.verdict, card.figures, card.scores) == ("too little data", None, None)


def test_a_signal_is_seen_among_hundreds_of_columns_of_chance() -> None:
    draw = np.random.default_rng(8)
    frame = pd.DataFrame(draw.normal(size=(300, 120))).add_prefix("x")
    left = draw.random(300) < 1 / (1 + np.exp(-2 * frame["x7"]))
    features = features_of(frame)
    scores = unseen_odds(SMALL, features, left.to_numpy())
    assert (auc(scores, left.to_numpy()) or 0) > 0.7


def test_rows_about_the_same_customer_are_on_one_side() -> None:
    """Each customer has one outcome, and a value that names it: across sides that would be a perfect signal."""
    draw = np.random.default_rng(1)
    customer = np.repeat(np.arange(60), 5)
    frame = pd.DataFrame({"customer_id": customer, "size": draw.normal(size=60)[customer]})
    card = score_table(frame.assign(left=(draw.random(60) < 0.4)[customer]), "left")
    assert card.verdict == "no signal"


def test_errors_are_sentences() -> None:
    frame = chance(100)
    with pytest.raises(NotScorable, match=r"There is no column 'gone'\. The columns are: x0, x1"):
        score_table(frame, "gone")
    with pytest.raises(NoOutcome, match="Column 'plan' has 8 different values"):
        score_table(frame, "plan")
    with pytest.raises(NotScorable, match=r"Every column may hold the outcome.*again: alone it tells"):
        score_table(frame[["left"]].assign(again=frame["left"].astype(int) * 9 + frame["x0"]), "left")
    with pytest.raises(NotScorable, match="holds no dates or numbers"):
        score_table(frame, "left", time="plan")
