"""Health, worked out again from the rows of core/unified_customers by the rules of the mission's §6: the numbers are
written here once more on purpose, and no code of the platform computes them."""

import math
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from gtm_platform.health import customer_health
from gtm_platform.lake.lake import Lake
from gtm_platform_tests.e2e.conftest import DAYS, Lived
from gtm_platform_tests.e2e.home import frame

KEY = "health/customer_health"
EVERY_DAY = pytest.mark.parametrize("day", DAYS, ids=str)
WEIGHTS = {"activity": 25, "support": 20, "payment": 20, "engagement": 15, "tenure": 10, "mrr": 10}
PAYMENT = {"active": 100, "trialing": 80, "paused": 50, "past_due": 30, "unpaid": 10, "canceled": 0}
SEEN = [(3, 100), (7, 85), (14, 65), (30, 30), (60, 0)]
OVERRIDES = ["cancel", "delinquent", "inactive", "critical"]
STATUSES = [(70, "healthy"), (50, "at_risk"), (30, "high_risk"), (0, "critical")]


def filled(value: Any) -> bool:
    return value is not None and not pd.isna(value)


def days_since(moment: datetime | None, day: date) -> int | None:
    return (day - moment.date()).days if filled(moment) else None  # type: ignore[union-attr]


def activity(row: Any, day: date) -> float | None:
    days = days_since(row.last_seen_at, day)
    if days is None:
        return None
    for (early, high), (late, low) in pairwise([(-math.inf, 100), *SEEN]):
        if days <= late:
            return low if math.isinf(early) else high - (days - early) * (high - low) / (late - early)
    return 0


def mixed(first: tuple[float, float | None], second: tuple[float, float | None]) -> float | None:
    (share_a, score_a), (share_b, score_b) = first, second
    if score_a is None or score_b is None:
        return score_a if score_b is None else score_b
    return share_a * score_a + share_b * score_b


def support(row: Any) -> float | None:
    csat = (row.csat_avg_90d - 1) / 4 * 100 if filled(row.csat_avg_90d) else None
    tone = (row.sentiment_90d + 1) / 2 * 100 if filled(row.sentiment_90d) else None
    return mixed((0.6, csat), (0.4, tone))


def payment(row: Any) -> float | None:
    if row.subscription_status not in PAYMENT:
        return None
    failed = row.failed_payments_30d if filled(row.failed_payments_30d) else 0
    return max(0, PAYMENT[row.subscription_status] - 15 * failed)


def engagement(row: Any) -> float | None:
    logins = min(1, row.logins_30d / 12) * 100 if filled(row.logins_30d) else None
    onboarding = row.onboarding_pct if filled(row.onboarding_pct) else None
    return mixed((0.7, logins), (0.3, onboarding))


def tenure(row: Any, day: date) -> float | None:
    ages = [age for age in (days_since(row.signup_at, day), days_since(row.first_paid_at, day)) if age is not None]
    return min(1, max(ages) / 30.4375 / 24) * 100 if ages else None


def mrr(row: Any, paying: list[Decimal]) -> float | None:
    if not filled(row.mrr_reporting):
        return None
    if row.mrr_reporting == 0:
        return 0
    return 100 * sum(other < row.mrr_reporting for other in paying) / (len(paying) - 1) if len(paying) > 1 else 100


def overrides(row: Any, day: date) -> dict[str, int]:
    cancelled, unseen = days_since(row.cancel_mentioned_at, day), days_since(row.last_seen_at, day)
    return {
        "cancel": -30 if cancelled is not None and 0 <= cancelled < 30 else 0,
        "delinquent": -25 if filled(row.is_delinquent) and row.is_delinquent else 0,
        "inactive": -20 if unseen is not None and unseen >= 30 else 0,
        "critical": -15 if filled(row.open_critical_tickets) and row.open_critical_tickets > 0 else 0,
    }


ACTIONS = {  # by signal, the most pressing first
    "cancellation_scheduled": "Ask what would make the customer stay: the subscription is set to end.",
    "cancel_mentioned": "Call today: the customer spoke of cancelling.",
    "payment_delinquent": "Settle the overdue payment with the billing contact.",
    "critical_ticket_open": "Escalate the critical ticket and tell the customer.",
    "failed_payments": "Ask for a working payment method: charges failed.",
    "renewal_soon": "Talk to the customer before it renews: that is within 30 days.",
    "inactive_30d": "Win the customer back: not seen for 30 days or more.",
    "champion_left": "Get to know a colleague: the main contact has left, or is no longer seen while others are.",
    "usage_falling": "Ask what has changed: the product is used much less.",
    "low_csat": "Follow up on the poor support ratings.",
    "negative_tone": "Read the last messages and reach out.",
    "low_engagement": "Offer a session on getting more of the product.",
    "single_user": "Get a colleague on board: one person uses the product.",
}


def users_of_companies(wide: pd.DataFrame) -> dict[str, int]:
    """How many people of each company were ever seen."""
    users: dict[str, int] = {}
    for row in wide.itertuples():
        if filled(row.company_id) and filled(row.last_seen_at):
            users[str(row.company_id)] = users.get(str(row.company_id), 0) + 1
    return users


def champions_who_left(wide: pd.DataFrame, inboxes: set[str], day: date) -> set[str]:
    """Who has been a customer of their company for the longest, and has no seat; or whose mail bounces, and who is not
    seen for 7 days; or who is silent for 30 days while a colleague is not.
    """
    gone: set[str] = set()
    for _, company in wide[wide["company_id"].notna()].groupby("company_id"):
        customers = company[company["is_customer"] & company["customer_since"].notna()]
        customers = customers[~customers["customer_id"].isin(inboxes)]
        for row in customers.sort_values(["customer_since", "customer_id"]).head(1).itertuples():
            unseen = days_since(row.last_seen_at, day)
            others = company[company["customer_id"] != row.customer_id]["last_seen_at"]
            is_active = any(days_since(seen, day) < 7 for seen in others if filled(seen))  # type: ignore[operator]
            is_silent = unseen is None or unseen >= 30
            bounces = filled(row.mail_bounces) and row.mail_bounces and (unseen is None or unseen >= 7)
            if (is_active and is_silent) or bounces or (filled(row.seat_deactivated) and row.seat_deactivated):
                gone.add(str(row.customer_id))
    return gone


def signals(
    row: Any, day: date, score: int, taken: dict[str, int], users: dict[str, int], champions: set[str]
) -> set[str]:
    ends = days_since(row.current_period_end, day)
    engaged = engagement(row)
    applying = {
        "cancellation_scheduled": row.customer_status == "leaving",
        "cancel_mentioned": taken["cancel"] < 0,
        "payment_delinquent": taken["delinquent"] < 0,
        "critical_ticket_open": taken["critical"] < 0,
        "failed_payments": filled(row.failed_payments_30d) and row.failed_payments_30d > 0,
        "renewal_soon": ends is not None and -30 <= ends <= 0 and score < 70,
        "inactive_30d": taken["inactive"] < 0,
        "champion_left": row.customer_id in champions,
        "usage_falling": falling(row.logins_14d, row.logins_14d_before),
        "low_csat": filled(row.csat_avg_90d) and row.csat_avg_90d < 3,
        "negative_tone": filled(row.sentiment_90d) and row.sentiment_90d < -0.2,
        "low_engagement": engaged is not None and engaged < 30,
        "single_user": filled(row.last_seen_at) and users.get(str(row.company_id)) == 1,
    }
    return {name for name, applies in applying.items() if applies}


def falling(now: Any, before: Any) -> bool:
    """Whether the logins of 14 days are at most half of those of the 14 days before."""
    return bool(filled(now) and filled(before) and before > 0 and now <= before / 2)


def whole(value: float) -> int:
    """Half away from zero, undisturbed by the last digits of a binary fraction; within 0 to 100."""
    rounded = int(Decimal(str(round(value, 9))).quantize(Decimal(1), ROUND_HALF_UP))
    return min(100, max(0, rounded))


def by_hand(row: Any, day: date, paying: list[Decimal], users: dict[str, int], champions: set[str]) -> dict[str, Any]:
    scores = {
        "activity": activity(row, day),
        "support": support(row),
        "payment": payment(row),
        "engagement": engagement(row),
        "tenure": tenure(row, day),
        "mrr": mrr(row, paying),
    }
    present = {name: score for name, score in scores.items() if score is not None}
    weight = sum(WEIGHTS[name] for name in present)
    base = sum(WEIGHTS[name] * score for name, score in present.items()) / weight
    taken = overrides(row, day)
    score = whole(base + sum(taken.values()))
    churn = whole(100 / (1 + math.exp((score - 45) / 10)))
    applying = signals(row, day, score, taken, users, champions)
    return {
        **{f"{name}_score": score for name, score in scores.items()},
        **{f"override_{name}": points for name, points in taken.items()},
        "base_score": base,
        "health_confidence": weight / 100,
        "health_score": score,
        "health_status": next(status for least, status in STATUSES if score >= least),
        "churn_risk": max(churn, 80 if taken["cancel"] else 0, 90 if row.customer_status == "leaving" else 0),
        "churn_risk_model": "formula",
        "risk_signals": sorted(applying),
        "recommended_actions": [action for name, action in ACTIONS.items() if name in applying],
        "as_of": day,
    }


def reckoned(lived: Lived, day: date) -> pd.DataFrame:
    wide = frame(lived.home, "core/unified_customers", str(day))
    customers = wide[wide["is_customer"]]
    paying = [amount for amount in customers["mrr_reporting"] if filled(amount) and amount > 0]
    people = frame(lived.home, "identity/people", str(day))
    inboxes = set(people[people["shared_inbox"]]["customer_id"])
    users, champions = users_of_companies(wide), champions_who_left(wide, inboxes, day)
    rows = [
        {"customer_id": row.customer_id, **by_hand(row, day, paying, users, champions)}
        for row in customers.itertuples()
    ]
    return pd.DataFrame(rows).set_index("customer_id").sort_index()


def stored(lived: Lived, day: date) -> pd.DataFrame:
    return frame(lived.home, KEY, str(day)).set_index("customer_id").sort_index()


@EVERY_DAY
def test_score_status_and_risk_are_exactly_those_worked_out_by_hand(lived: Lived, day: date) -> None:
    ours, hand = stored(lived, day), reckoned(lived, day)
    assert len(hand) > 10
    assert ours.index.tolist() == hand.index.tolist()
    exact = ["health_score", "health_status", "churn_risk", *[f"override_{name}" for name in OVERRIDES]]
    pd.testing.assert_frame_equal(ours[exact], hand[exact], check_dtype=False, check_exact=True)


@EVERY_DAY
def test_components_are_those_worked_out_by_hand(lived: Lived, day: date) -> None:
    ours, hand = stored(lived, day), reckoned(lived, day)
    parts = [*[f"{name}_score" for name in WEIGHTS], "base_score", "health_confidence"]
    pd.testing.assert_frame_equal(ours[parts].astype(float), hand[parts].astype(float), rtol=1e-12, atol=1e-9)


@EVERY_DAY
def test_signals_and_actions_are_those_worked_out_by_hand(lived: Lived, day: date) -> None:
    ours, hand = stored(lived, day), reckoned(lived, day)
    for name in ("risk_signals", "recommended_actions"):
        assert ours[name].map(list).to_dict() == hand[name].to_dict()
    assert ours["churn_risk_model"].to_dict() == hand["churn_risk_model"].to_dict()
    assert ours["as_of"].to_dict() == hand["as_of"].to_dict()


@EVERY_DAY
def test_engagement_in_the_wide_row_is_the_component(lived: Lived, day: date) -> None:
    wide = frame(lived.home, "core/unified_customers", str(day)).set_index("customer_id").sort_index()
    everybody = pd.Series({row.Index: engagement(row) for row in wide.itertuples()}, dtype=float)
    pd.testing.assert_series_equal(wide["engagement_score"], everybody, check_names=False, rtol=1e-12)


@EVERY_DAY
def test_every_column_of_health_is_worked_out_here(lived: Lived, day: date) -> None:
    """A new column needs a line by hand."""
    changes = {"score_change_1d", "score_change_7d", "score_change_30d"}
    rules = {"policy_hash"}
    assert set(stored(lived, day).columns) == set(reckoned(lived, day).columns) | changes | rules
    assert stored(lived, day)["policy_hash"].nunique() == 1


@EVERY_DAY
def test_the_wide_row_says_what_health_says(lived: Lived, day: date) -> None:
    wide = frame(lived.home, "core/unified_customers", str(day)).set_index("customer_id").sort_index()
    columns = ["health_score", "health_status", "churn_risk"]
    judged = wide[wide["health_score"].notna()]
    pd.testing.assert_frame_equal(judged[columns], stored(lived, day)[columns], check_dtype=False)
    assert wide["is_customer"].sum() == len(judged)


def changes_by_hand(score: pd.Series, past: pd.Series | None) -> pd.Series:
    """What the scores of then, by customer, leave of those of now; nothing where there was none."""
    if past is None:
        return pd.Series(float("nan"), index=score.index)
    return score.astype(float) - past.reindex(score.index).astype(float)


@EVERY_DAY
def test_changes_are_those_of_the_scores(lived: Lived, day: date) -> None:
    ours = stored(lived, day)
    past = stored(lived, day - timedelta(days=1))["health_score"] if day > DAYS[0] else None
    assert ours["score_change_1d"].astype(float).equals(changes_by_hand(ours["health_score"], past))
    assert ours[["score_change_7d", "score_change_30d"]].isna().all(axis=None)


def test_changes_of_one_seven_and_thirty_days_are_those_of_the_scores(copied: Lived) -> None:
    """A week and a month before the last day some customers have other scores, and some have none."""
    lake, day = Lake(copied.home / "lake"), DAYS[-1]
    before = stored(copied, day)
    for back in (7, 30):
        rows = before.iloc[back % 3 :: 2].reset_index()
        rows = rows.assign(as_of=day - timedelta(days=back), health_score=(rows["health_score"] * back + 11) % 101)
        schema = lake.partition(KEY, str(day)).to_pyarrow().schema
        lake.write(KEY, str(day - timedelta(days=back)), pa.Table.from_pandas(rows, schema, preserve_index=False))
    assert customer_health.TABLE.write_day(lake, str(day))
    ours = stored(copied, day)
    for back in (1, 7, 30):
        past = stored(copied, day - timedelta(days=back))["health_score"]
        expected = changes_by_hand(ours["health_score"], past)
        assert ours[f"score_change_{back}d"].astype(float).equals(expected), back
        assert (expected.fillna(0) != 0).any(), back
        assert back == 1 or expected.isna().any(), back
    others = ours.columns.difference(["score_change_7d", "score_change_30d"])
    assert ours[others].astype(str).equals(before[others].astype(str))


def test_the_days_have_something_to_judge(lived: Lived) -> None:
    """Else the rules would not be asked."""
    hands = pd.concat([reckoned(lived, day) for day in DAYS])
    assert {"healthy", "critical"} <= set(hands["health_status"])
    for name in OVERRIDES:
        assert (hands[f"override_{name}"] < 0).any(), f"no override {name} in this world"
    for name in ("support", "payment", "engagement", "tenure", "mrr"):
        assert hands[f"{name}_score"].nunique() > 2, f"{name} is always the same in this world"
    present = {name for names in hands["risk_signals"] for name in names}
    assert {"usage_falling", "low_engagement", "renewal_soon", "inactive_30d", "low_csat"} <= present
