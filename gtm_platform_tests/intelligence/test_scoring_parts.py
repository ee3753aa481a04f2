"""The parts of scoring: what a column is, what an outcome is, leaks of each kind, calibration, drift."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from gtm_platform.intelligence.scoring.calibration import calibrate
from gtm_platform.intelligence.scoring.drift import spread_of, stability_index
from gtm_platform.intelligence.scoring.features import encoded, features_of
from gtm_platform.intelligence.scoring.leaks import find_leaks
from gtm_platform.intelligence.scoring.names import is_later, may_be_later
from gtm_platform.intelligence.scoring.outcomes import outcome_of
from gtm_platform.intelligence.scoring.verdicts import figures_of
from gtm_platform_tests.intelligence.planted import chance, signal, with_leaks

ROWS = 120


def column(*values: Any, rows: int = ROWS) -> pd.Series:
    return pd.Series([values[row % len(values)] for row in range(rows)])


@pytest.mark.parametrize(
    ("values", "event"),
    [
        (("yes", "no"), "yes"),
        (("No", "Yes", "Yes"), "Yes"),
        ((0, 1), "1"),
        ((1.0, 2.0), "2"),
        ((-1, 1, 1), "1"),
        ((True, False), "true"),
        (("True", "False", ""), "True"),
        (("Existing Customer", "Attrited Customer"), "Attrited Customer"),
        (("stayed", "departed", "departed"), "departed"),
        (("red", "blue", "blue"), "red"),
    ],
)
def test_the_event_is_the_value_that_says_yes_or_is_rarer(values: tuple[Any, ...], event: str) -> None:
    outcome = outcome_of(column(*values), "y")
    assert outcome.event == event
    assert outcome.labels.sum() == sum(str(value).lower() == event.lower() for value in column(*values)) or event == "2"


def test_each_column_is_seen_for_what_it_is() -> None:
    frame = pd.DataFrame(
        {
            "plan": column("a", "b", None),
            "price": column("$1,200.50", "$80.00", " "),
            "share": column("1,5", "2,25", "3"),
            "zip": column("01234", "02345"),
            "signup": column("31.12.2025", "01.01.2026", ""),
            "seen": pd.to_datetime(column("2026-01-01", "2026-02-01")),
            "active": column(True, False),
            "email": [f"{row}@example.com" for row in range(ROWS)],
            "account_id": range(1000, 1000 + 7 * ROWS, 7),
            "row": range(ROWS),
            "country": column("US"),
            "nothing": column(None),
            "tags_seen": [["a"]] * ROWS,
        }
    )
    features = features_of(frame)
    kinds = {feature.name: feature.kind for feature in features.columns}
    assert kinds == {
        "plan": "category",
        "price": "number",
        "share": "number",
        "zip": "category",
        "signup": "date",
        "seen": "date",
        "active": "category",
    }
    assert features.matrix[0, 1] == 1200.5
    assert features.matrix[0, 2] == 1.5
    assert features.matrix[1, 4] - features.matrix[0, 4] == 1  # from the last day of a year to the first of the next
    assert features.left_out == {
        "email": "nearly every row has a value of its own",
        "account_id": "it is an id",
        "row": "it numbers the rows",
        "country": "it is the same in every row",
        "nothing": "it has no values",
        "tags_seen": "its values are lists or records",
    }
    assert np.array_equal(encoded(frame, features.columns), features.matrix, equal_nan=True)


@pytest.mark.parametrize(
    ("name", "later"),
    [
        ("Last Activity", True),
        ("LastNotableActivity", True),
        ("churn_reason", True),
        ("last_contact_at", True),
        ("previous_cancellations", False),
        ("cancellation_policy", False),
        ("checking_status", False),
        ("closed_at", True),
        ("MaritalStatus", False),
        ("credit_score", False),
        ("poutcome", False),
        ("last_login_days", False),
        ("plan", False),
    ],
)
def test_names_that_tell_a_later_state(name: str, later: bool) -> None:
    assert is_later(name) is later


@pytest.mark.parametrize(
    ("name", "later"),
    [
        ("CustomerStatus", True),
        ("lead_score", True),
        ("days_to_close", True),
        ("checking_status", False),
        ("plan", False),
    ],
)
def test_names_that_may_tell_a_later_state(name: str, later: bool) -> None:
    assert may_be_later(name) is later


def test_a_name_that_may_tell_a_later_state_is_a_leak_only_where_it_tells_much() -> None:
    draw = np.random.default_rng(4)
    left = draw.random(1000) < 0.3
    frame = pd.DataFrame(
        {"nps_score": draw.integers(0, 11, 1000), "stage": np.where(draw.random(1000) < 0.75, left, ~left)}
    )
    assert list(find_leaks(features_of(frame), left)) == ["stage"]


def test_what_others_tell_as_well_is_no_leak_and_what_stands_out_is() -> None:
    """Five sizes of the same thing, each of which tells; beside them a copy of the outcome with errors."""
    draw = np.random.default_rng(5)
    size = draw.normal(size=1500)
    left = size + draw.normal(0, 0.35, 1500) > 0.5
    honest = {
        f"size_{place}": size + draw.normal(0, noise, 1500) for place, noise in enumerate((0.2, 0.3, 0.6, 0.8, 1.0))
    }
    errors = draw.random(1500) < 0.04
    leaks = {"copy": left ^ errors, "after": np.where(left, 3.0, 0.0) + draw.normal(0, 0.7, 1500)}
    frame = pd.DataFrame(honest)
    assert find_leaks(features_of(frame), left) == {}
    assert set(find_leaks(features_of(frame.assign(**leaks)), left)) == {"copy", "after"}
    assert list(find_leaks(features_of(pd.DataFrame({"size": size, "x": draw.normal(size=1500)})), left)) == ["size"]


def test_rows_of_few_customers_are_on_one_side() -> None:
    """A hundred customers with fifty rows each: their id is no feature, and nobody is learned by heart."""
    customers = np.repeat(np.arange(100), 50)
    draw = np.random.default_rng(6)
    frame = pd.DataFrame(
        {"customer_id": customers, "taste": draw.normal(size=100)[customers], "x": draw.normal(size=5000)}
    )
    features = features_of(frame)
    assert features.left_out == {"customer_id": "it is an id"}
    assert features.subjects is not None
    assert len(np.unique(features.subjects)) == 100


def test_values_that_tell_both_outcomes_are_a_leak() -> None:
    draw = np.random.default_rng(2)
    left = draw.random(1000) < 0.3
    quality = np.where(draw.random(1000) < 0.7, "unsure", np.where(left, "high", "low"))
    leaks = find_leaks(features_of(pd.DataFrame({"quality": quality, "x": draw.normal(size=1000)})), left)
    assert list(leaks) == ["quality"]
    assert "its values tell the outcome of" in leaks["quality"]


def test_what_is_honest_is_no_leak() -> None:
    frame = chance(1000)
    assert find_leaks(features_of(frame.drop(columns="left")), frame["left"].to_numpy()) == {}


def test_a_column_that_somebody_vouches_for_is_no_leak() -> None:
    frame = with_leaks(signal(400).frame)
    features, left = features_of(frame.drop(columns="left")), (frame["left"] == "yes").to_numpy()
    assert find_leaks(features, left).keys() - find_leaks(features, left, keep=["Days_Open"]).keys() == {"days_open"}


def test_a_date_after_the_time_of_its_row_is_a_leak() -> None:
    frame = chance(400).assign(
        renewed=column("2026-06-15", "2026-05-01", rows=400), signup=column("2025-01-07", "2025-01-09", rows=400)
    )
    times = np.full(400, (pd.Timestamp("2026-06-01") - pd.Timestamp(0)).days, dtype=float)
    leaks = find_leaks(features_of(frame.drop(columns="left"), times), frame["left"].to_numpy(), times=times)
    assert list(leaks) == ["renewed"]
    assert "after the time of their row" in leaks["renewed"]


def test_calibration_mends_scores_that_promise_too_much() -> None:
    draw = np.random.default_rng(3)
    truth = draw.uniform(0.05, 0.6, 8_000)
    labels = draw.random(8_000) < truth
    odds = 3 * np.log(truth / (1 - truth)) + 1
    said = 1 / (1 + np.exp(-odds))
    mended = calibrate(said, labels)(said)
    assert figures_of(said, labels, rounds=100).ece > 0.1
    assert figures_of(mended, labels, rounds=100).ece < 0.02
    assert (np.argsort(mended) == np.argsort(said)).all()


def test_scores_that_rank_backwards_become_the_base_rate() -> None:
    draw = np.random.default_rng(4)
    said = draw.random(5000)
    labels = draw.random(5000) > said
    assert np.allclose(calibrate(said, labels)(said), labels.mean())


def test_drift_is_near_nothing_for_like_values_and_large_for_others() -> None:
    draw = np.random.default_rng(5)
    spread = spread_of(draw.normal(size=5000), "number")
    assert stability_index(spread, draw.normal(size=5000)) < 0.02
    assert stability_index(spread, draw.normal(0.8, 1, size=5000)) > 0.25
    assert stability_index(spread, np.full(5000, np.nan)) > 0.25
    plans = spread_of(draw.integers(0, 3, 3000).astype(float), "category")
    assert stability_index(plans, draw.integers(0, 3, 3000).astype(float)) < 0.02
    assert stability_index(plans, np.zeros(3000)) > 0.25
