"""Health recomputed by other means: pandas and exact fractions, from the rules as written down, not from policy."""

import math
import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pandas as pd
import pytest

from gtm_platform.health import customer_health
from gtm_platform.policy import Policy, policy
from gtm_platform_tests.tables import DAY, by, computed, filled

Facts = dict[str, Any]
EMPTY: Facts = {"subscription_status": "active", "mrr_reporting": None}
WEIGHTS = {"activity": 25, "support": 20, "payment": 20, "engagement": 15, "tenure": 10, "mrr": 10}
OF = {
    "core/profile": ("signup_at", "customer_status", "customer_since", "mail_bounces", "seat_deactivated"),
    "core/revenue": (
        *("mrr_reporting", "subscription_status", "is_delinquent", "failed_payments_30d", "first_paid_at"),
        "current_period_end",
    ),
    "core/activity": ("days_since_seen", "logins_14d", "logins_14d_before", "engagement_score", "last_seen_at"),
    "core/support": ("open_critical_tickets", "csat_avg_90d", "sentiment_90d", "cancel_mentioned_at"),
}


def health(
    customers: list[Facts],
    before: dict[int, dict[str, int]] | None = None,
    modelled: list[dict[str, Any]] | None = None,
    rules: Policy | None = None,
) -> dict[str, dict[str, Any]]:
    def rows(table: str) -> Any:
        more = {"is_customer": True} if table == "core/profile" else {}
        columns = [{name: (facts | engaged(facts)).get(name) for name in OF[table]} for facts in customers]
        return filled(table, *[{"customer_id": f"c{n:03}", **facts, **more} for n, facts in enumerate(columns)])

    def scores(days: int) -> Any:
        then = (before or {}).get(days, {})
        return filled(
            "health/customer_health", *[{"customer_id": customer, "health_score": s} for customer, s in then.items()]
        )

    made_today = computed(
        customer_health.table,
        "health/customer_health",
        people=filled(
            "identity/people",
            *[
                {"customer_id": f"c{n:03}", "shared_inbox": False}
                | {name: facts[name] for name in ("company_id", "shared_inbox") if name in facts}
                for n, facts in enumerate(customers)
            ],
        ),
        **{table.split("/")[1]: rows(table) for table in OF},
        churn_scores=filled("intelligence/churn_scores", *(modelled or ())),
        one_day_ago=scores(1),
        seven_days_ago=scores(7),
        thirty_days_ago=scores(30),
        policy=rules or policy(),
        day=DAY,
    )
    return by("customer_id", made_today)


def engaged(facts: Facts) -> Facts:
    """The score that core/activity has, by hand."""
    score = engagement({"logins_30d": None, "onboarding_pct": None} | facts)
    return {"engagement_score": None if score is None else float(score)}


# --- the same by hand ------------------------------------------------------------------------------------------------


def days(moment: datetime) -> int:
    return (DAY - moment.date()).days


def activity(f: Facts) -> Fraction | None:
    if f["days_since_seen"] is None:
        return None
    points = [(3, 100), (7, 85), (14, 65), (30, 30), (60, 0)]
    day = min(max(f["days_since_seen"], 3), 60)
    for (x0, y0), (x1, y1) in pairwise(points):
        if day <= x1:
            return y0 + Fraction((day - x0) * (y1 - y0), x1 - x0)
    raise AssertionError(day)


def mixed(first: tuple[Fraction, Fraction] | None, second: tuple[Fraction, Fraction] | None) -> Fraction | None:
    present = [pair for pair in (first, second) if pair]
    if len(present) == 2:
        return sum((share * score for share, score in present), Fraction(0))
    return present[0][1] if present else None


def support(f: Facts) -> Fraction | None:
    csat, tone = f["csat_avg_90d"], f["sentiment_90d"]
    return mixed(
        None if csat is None else (Fraction(6, 10), (Fraction(csat) - 1) / 4 * 100),
        None if tone is None else (Fraction(4, 10), (Fraction(tone) + 1) / 2 * 100),
    )


def payment(f: Facts) -> Fraction | None:
    points = {"active": 100, "trialing": 80, "paused": 50, "past_due": 30, "unpaid": 10, "canceled": 0}
    if f["subscription_status"] not in points:
        return None
    return Fraction(max(0, points[f["subscription_status"]] - 15 * (f["failed_payments_30d"] or 0)))


def engagement(f: Facts) -> Fraction | None:
    logins, onboarding = f["logins_30d"], f["onboarding_pct"]
    return mixed(
        None if logins is None else (Fraction(7, 10), min(Fraction(1), Fraction(logins, 12)) * 100),
        None if onboarding is None else (Fraction(3, 10), Fraction(onboarding)),
    )


def tenure(f: Facts) -> Fraction | None:
    moments = [moment for moment in (f["signup_at"], f["first_paid_at"]) if moment]
    return min(Fraction(1), Fraction(days(min(moments))) / Fraction("30.4375") / 24) * 100 if moments else None


def mrr(frame: pd.DataFrame) -> list[Fraction | None]:
    amounts = [None if pd.isna(value) else Decimal(value) for value in frame["mrr_reporting"]]
    paying = sorted(amount for amount in amounts if amount)
    if len(paying) == 1:
        return [Fraction(100) if a else None if a is None else Fraction(0) for a in amounts]
    return [
        None if a is None else Fraction(paying.index(a) * 100, len(paying) - 1) if a else Fraction(0) for a in amounts
    ]


def half_away(value: Fraction) -> int:
    whole = math.floor(abs(value) + Fraction(1, 2))
    return whole if value >= 0 else -whole


def overrides(f: Facts) -> dict[str, int]:
    mentioned = f["cancel_mentioned_at"]
    return {
        "cancel": -30 if mentioned and 0 <= days(mentioned) < 30 else 0,
        "delinquent": -25 if f["is_delinquent"] else 0,
        "inactive": -20 if f["days_since_seen"] is not None and f["days_since_seen"] >= 30 else 0,
        "critical": -15 if f["open_critical_tickets"] else 0,
    }


def records(frame: pd.DataFrame) -> list[Facts]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def by_hand(customers: list[Facts]) -> pd.DataFrame:
    frame = pd.DataFrame(customers, dtype=object).where(lambda t: t.notna(), None)
    rules: dict[str, Callable[[Facts], Fraction | None]] = {
        "activity": activity,
        "support": support,
        "payment": payment,
        "engagement": engagement,
        "tenure": tenure,
    }
    components = {name: [rule(f) for f in records(frame)] for name, rule in rules.items()}
    components["mrr"] = mrr(frame)
    rows = []
    for n, facts in enumerate(records(frame)):
        scores = {name: values[n] for name, values in components.items() if values[n] is not None}
        weight = sum(WEIGHTS[name] for name in scores)
        taken = overrides(facts)
        row: dict[str, Any] = {f"{name}_score": scores.get(name) for name in WEIGHTS}
        row |= {f"override_{name}": points for name, points in taken.items()}
        row["health_confidence"] = Fraction(weight, 100)
        if weight:
            row["base_score"] = sum(WEIGHTS[name] * score for name, score in scores.items() if score) / Fraction(weight)
            row["health_score"] = min(100, max(0, half_away(row["base_score"] + sum(taken.values()))))
            risk = half_away(Fraction(100 / (1 + math.exp((row["health_score"] - 45) / 10))))
            least = max(80 if taken["cancel"] else 0, 90 if facts["customer_status"] == "leaving" else 0)
            row["churn_risk"] = max(risk, least)
            limits = {"healthy": 70, "at_risk": 50, "high_risk": 30, "critical": 0}
            row["health_status"] = next(name for name, least in limits.items() if row["health_score"] >= least)
        rows.append(row)
    return pd.DataFrame(rows, dtype=object)


# --- held against each other -----------------------------------------------------------------------------------------


def random_customers(seed: int, count: int) -> list[Facts]:
    draw = random.Random(seed)

    def maybe(value: Any) -> Any:
        return value if draw.random() < 0.75 else None

    def moment(most: int) -> datetime:
        return datetime(2026, 11, 20, 23, 59, tzinfo=UTC) - timedelta(
            days=draw.randrange(most), hours=draw.randrange(24)
        )

    return [
        {
            "customer_status": draw.choice(["active", "trial", "past_due", "paused", "leaving"]),
            "days_since_seen": maybe(draw.randrange(80)),
            "csat_avg_90d": maybe(draw.randint(4, 20) / 4),
            "sentiment_90d": maybe(draw.randint(-64, 64) / 64),
            "subscription_status": draw.choice(
                ["active", "trialing", "paused", "past_due", "unpaid", "canceled", "new"]
            ),
            "failed_payments_30d": maybe(draw.randrange(4)),
            "logins_30d": maybe(draw.randrange(20)),
            "onboarding_pct": maybe(float(draw.randrange(101))),
            "signup_at": maybe(moment(1200)),
            "first_paid_at": maybe(moment(1200)),
            "mrr_reporting": maybe(Decimal(draw.choice([0, 0, 4900, draw.randrange(99999)])) / 100),
            "is_delinquent": maybe(draw.random() < 0.2),
            "open_critical_tickets": maybe(draw.randrange(2)),
            "cancel_mentioned_at": maybe(moment(40)) if draw.random() < 0.4 else None,
        }
        for _ in range(count)
    ]


def random_scores(seed: int, count: int) -> dict[int, dict[str, int]]:
    """The scores that most customers had 1, 7 and 30 days ago."""
    draw = random.Random(seed)
    return {
        back: {f"c{n:03}": draw.randrange(101) for n in range(count) if draw.random() < 0.75} for back in (1, 7, 30)
    }


@pytest.mark.parametrize(("seed", "count"), [(0, 400), (1, 400), (2, 1), (3, 2), (4, 7)])
def test_health_is_what_it_comes_to_by_hand(seed: int, count: int) -> None:
    customers, before = random_customers(seed, count), random_scores(seed, count)
    expected, judged = by_hand(customers), health(customers, before)
    assert len(judged) == count
    exact = [f"override_{name}" for name in ("cancel", "delinquent", "inactive", "critical")]
    exact += ["health_score", "health_status", "churn_risk"]
    for row, customer in zip(records(expected), sorted(judged), strict=True):
        got = judged[customer]
        assert {name: got[name] for name in exact} == {name: row[name] for name in exact}
        for name in ("base_score", "health_confidence", *[f"{component}_score" for component in WEIGHTS]):
            by_rule = row[name]
            assert got[name] == (None if by_rule is None else pytest.approx(float(by_rule), abs=1e-9)), name
        for back, scores in before.items():
            had_both = customer in scores and row["health_score"] is not None
            change = row["health_score"] - scores[customer] if had_both else None
            assert got[f"score_change_{back}d"] == change, back


def test_half_a_point_goes_up_even_where_binary_fractions_fall_short() -> None:
    # Support 0.6 × 33 + 0.4 × 68 = 47 and payment 100, of equal weight: 73.5.
    (row,) = health(
        [{"csat_avg_90d": 1 + 4 * 0.33, "sentiment_90d": 2 * 0.68 - 1, "subscription_status": "active"}]
    ).values()
    assert row["base_score"] == pytest.approx(73.5, abs=1e-9)
    assert row["health_score"] == 74


@pytest.mark.parametrize(("at", "taken"), [(0, -30), (29, -30), (30, 0)])
def test_the_border_of_the_cancel_window(at: int, taken: int) -> None:
    mentioned = datetime(2026, 11, 20, 0, 0, tzinfo=UTC) - timedelta(days=at)
    (row,) = health([EMPTY | {"cancel_mentioned_at": mentioned}]).values()
    assert row["override_cancel"] == taken
    assert (row["churn_risk"] >= 80) is bool(taken)


def test_signals_are_sorted_and_actions_begin_with_the_most_pressing() -> None:
    worst = {
        "days_since_seen": 30,
        "csat_avg_90d": 2.9,
        "sentiment_90d": -0.5,
        "subscription_status": "past_due",
        "is_delinquent": True,
        "failed_payments_30d": 1,
        "logins_30d": 1,
        "logins_14d": 1,
        "logins_14d_before": 2,
        "open_critical_tickets": 1,
        "cancel_mentioned_at": datetime(2026, 11, 19, tzinfo=UTC),
        "customer_status": "leaving",
        "current_period_end": datetime(2026, 12, 20, tzinfo=UTC),
        "company_id": "com_1",
        "last_seen_at": datetime(2026, 10, 21, tzinfo=UTC),
    }
    bad, good = health([worst, EMPTY | {"days_since_seen": 0}]).values()
    assert bad["risk_signals"] == [
        "cancel_mentioned",
        "cancellation_scheduled",
        "critical_ticket_open",
        "failed_payments",
        "inactive_30d",
        "low_csat",
        "low_engagement",
        "negative_tone",
        "payment_delinquent",
        "renewal_soon",
        "single_user",
        "usage_falling",
    ]
    assert bad["recommended_actions"][0].startswith("Ask what would make the customer stay")
    assert bad["recommended_actions"][1].startswith("Call today")
    assert len(bad["recommended_actions"]) == len(bad["risk_signals"])
    assert (good["risk_signals"], good["recommended_actions"]) == ([], [])


@pytest.mark.parametrize(
    ("logins", "before", "falls"),
    [(5, 10, True), (6, 10, False), (0, 1, True), (0, 0, False), (1, 3, True), (None, None, False)],
)
def test_usage_falls_where_half_of_the_logins_are_gone(logins: int | None, before: int | None, falls: bool) -> None:
    (row,) = health([EMPTY | {"logins_14d": logins, "logins_14d_before": before}]).values()
    assert ("usage_falling" in row["risk_signals"]) is falls
    assert any("used much less" in action for action in row["recommended_actions"]) is falls


@pytest.mark.parametrize(("in_days", "soon"), [(-1, False), (0, True), (30, True), (31, False)])
def test_a_renewal_is_soon_within_thirty_days_for_who_is_not_healthy(in_days: int, soon: bool) -> None:
    ends = datetime(2026, 11, 20, 23, tzinfo=UTC) + timedelta(days=in_days)
    ill, well = health([EMPTY | {"days_since_seen": seen, "current_period_end": ends} for seen in (60, 0)]).values()
    assert ill["health_status"] != "healthy" == well["health_status"]
    assert ("renewal_soon" in ill["risk_signals"]) is soon
    assert well["risk_signals"] == []


def test_a_single_user_is_the_only_one_of_the_company_who_was_ever_seen() -> None:
    seen = EMPTY | {"last_seen_at": datetime(2026, 11, 1, tzinfo=UTC), "days_since_seen": 19}
    alone, colleague, other, unseen, homeless = health(
        [
            seen | {"company_id": "com_1"},
            seen | {"company_id": "com_2"},
            seen | {"company_id": "com_2"},
            EMPTY | {"company_id": "com_1"},
            seen,
        ]
    ).values()
    singles = ["single_user" in row["risk_signals"] for row in (alone, colleague, other, unseen, homeless)]
    assert singles == [True, False, False, False, False]


@pytest.mark.parametrize(
    ("lead", "colleague", "gone"),
    [(30, 6, True), (None, 0, True), (29, 6, False), (30, 7, False), (30, None, False), (0, 0, False)],
)
def test_a_champion_is_gone_who_is_silent_while_a_colleague_is_not(
    lead: int | None, colleague: int | None, gone: bool
) -> None:
    def person(days: int | None, since: int, company: str | None = "com_1") -> Facts:
        seen = None if days is None else datetime(2026, 11, 20, tzinfo=UTC) - timedelta(days=days)
        began = datetime(since, 1, 1, tzinfo=UTC)
        return EMPTY | {
            "days_since_seen": days, "last_seen_at": seen, "company_id": company, "customer_since": began
        }  # fmt: skip

    alike, elsewhere = person(lead, 2025), person(lead, 2023, None)
    rows = health([person(colleague, 2026), person(lead, 2024), alike, elsewhere]).values()
    assert ["champion_left" in row["risk_signals"] for row in rows] == [False, gone, False, False]


@pytest.mark.parametrize(
    ("facts", "gone"),
    [
        ({"seat_deactivated": True, "days_since_seen": 0}, True),
        ({"mail_bounces": True, "days_since_seen": 7}, True),
        ({"mail_bounces": True, "days_since_seen": None}, True),
        ({"mail_bounces": True, "days_since_seen": 6}, False),
        ({"mail_bounces": False, "seat_deactivated": False, "days_since_seen": 90}, False),
    ],
)
def test_a_champion_is_gone_whose_seat_is_or_whose_mail_bounces(facts: Facts, gone: bool) -> None:
    first, later = datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC)
    champion = EMPTY | {"company_id": "com_1", "customer_since": first} | facts
    colleague = champion | {"customer_since": later}
    inbox = EMPTY | {"company_id": "com_1", "customer_since": datetime(2023, 1, 1, tzinfo=UTC), "shared_inbox": True}
    homeless = champion | {"company_id": None}
    rows = health([champion, colleague, inbox, homeless]).values()
    assert ["champion_left" in row["risk_signals"] for row in rows] == [gone, False, False, False]


def test_who_is_leaving_is_at_risk_whatever_the_score() -> None:
    leaving, staying = health([EMPTY | {"customer_status": status} for status in ("leaving", "active")]).values()
    assert leaving["health_score"] == staying["health_score"] == 100
    assert (leaving["churn_risk"], leaving["risk_signals"]) == (90, ["cancellation_scheduled"])
    assert (staying["churn_risk"], staying["risk_signals"]) == (0, [])


def test_changes_of_the_score_and_the_rules_it_was_made_with() -> None:
    first, second = health([EMPTY, EMPTY], before={1: {"c000": 90, "gone": 1}, 30: {"c000": 100}}).values()
    score = first["health_score"]
    assert (first["score_change_1d"], first["score_change_7d"], first["score_change_30d"]) == (
        score - 90,
        None,
        score - 100,
    )
    assert (second["score_change_1d"], second["as_of"]) == (None, DAY)
    assert first["policy_hash"] == policy().hash


def test_only_customers_have_health() -> None:
    profile = filled(
        "core/profile", {"customer_id": "a", "is_customer": False}, {"customer_id": "b", "is_customer": True}
    )
    nothing = filled("health/customer_health")
    judged = computed(
        customer_health.table,
        "health/customer_health",
        people=filled("identity/people", {"customer_id": "a"}, {"customer_id": "b"}),
        profile=profile,
        **{name: filled(f"core/{name}", {"customer_id": "a"}) for name in ("revenue", "activity", "support")},
        churn_scores=filled("intelligence/churn_scores"),
        one_day_ago=nothing,
        seven_days_ago=nothing,
        thirty_days_ago=nothing,
        policy=policy(),
        day=date(2026, 11, 20),
    )
    assert {customer: row["health_score"] for customer, row in by("customer_id", judged).items()} == {"b": None}


def delivered(customer: str, risk: int | None, month: date = date(2026, 8, 1)) -> dict[str, Any]:
    return {"customer_id": customer, "delivered_risk": risk, "month": month, "verdict": "signal", "stage": "shown"}


def test_the_model_says_the_risk_of_whom_it_scores_and_the_formula_that_of_others() -> None:
    facts = [EMPTY | {"days_since_seen": days, "cancel_mentioned_at": None} for days in (1, 20, 50)]
    facts[2]["cancel_mentioned_at"] = datetime(2026, 11, 19, tzinfo=UTC)
    customers = [dict.fromkeys(random_customers(1, 1)[0]) | each for each in facts]
    by_formula = health(customers)
    rows = health(customers, modelled=[delivered("c000", 41), delivered("c001", None), delivered("c002", 7)])
    assert {name: row["churn_risk"] for name, row in rows.items()} == {
        "c000": 41,
        "c001": by_formula["c001"]["churn_risk"],
        "c002": 7,  # the model knows that it was mentioned, and is calibrated: no floor
    }
    assert [row["churn_risk_model"] for _, row in sorted(rows.items())] == [
        "model of 2026-08",
        "formula",
        "model of 2026-08",
    ]
    other = {"churn_risk", "churn_risk_model"}
    for name, row in rows.items():
        assert {k: v for k, v in row.items() if k not in other} == {
            k: v for k, v in by_formula[name].items() if k not in other
        }


def test_the_policy_keeps_the_model_out() -> None:
    customers = [dict.fromkeys(random_customers(1, 1)[0]) | EMPTY | {"days_since_seen": 1}]
    rules = policy()
    churn = rules.health.churn.model_copy(update={"risk_from": "formula"})
    off = rules.model_copy(update={"health": rules.health.model_copy(update={"churn": churn})})
    before = health(customers, rules=off)
    assert health(customers, modelled=[delivered("c000", 41)], rules=off) == before
    assert before["c000"]["churn_risk_model"] == "formula"
