"""Refinements of the rules: each does what it says to whom it is about and nothing to others; none is in force."""

from decimal import Decimal
from typing import Any

import pytest

from gtm_platform.health import customer_health
from gtm_platform.health.components import LOGIN_DAYS
from gtm_platform.health.explanation import explained
from gtm_platform.health.recomputation import under
from gtm_platform.policy import Policy, policy
from gtm_platform_tests.health.days import Days, Facts, earlier
from gtm_platform_tests.health.test_explanation import worked_out
from gtm_platform_tests.health.test_policy_check import changed
from gtm_platform_tests.tables import DAY, days_ago

pytestmark = pytest.mark.soak

SETTLED: dict[str, Any] = {
    "days_since_seen": 1,
    "subscription_status": "active",
    "logins_30d": 12,
    "csat_avg_90d": 4.0,
    "csat_count_90d": 5,
    "signup_at": days_ago(400),
    "first_paid_at": days_ago(390),
}
NEW = SETTLED | {"signup_at": days_ago(10), "first_paid_at": days_ago(5), "logins_30d": 4}
UNSEEN = SETTLED | {"days_since_seen": None}
UNKNOWN = {"subscription_status": "active", "signup_at": days_ago(400), "mrr_reporting": Decimal(10)}


def refined(**values: Any) -> Policy:
    return changed(health={"refinements": values})


def scored(days: Days, facts: Facts, by: Policy | None = None) -> dict[str, Any]:
    days.write_facts(DAY, {"jane": facts, "joe": SETTLED})
    under(customer_health.TABLE, by or policy()).write_day(days.lake, str(DAY))
    return days.health()["jane"]


def moved(days: Days, facts: Facts, **values: Any) -> set[str]:
    """The columns of the score that a refinement changes."""
    before, after = scored(days, facts), scored(days, facts, refined(**values))
    return {
        name
        for name in before
        if name.endswith(("_score", "_status")) or name.startswith("override_")
        if before[name] != after[name]
    }


def test_none_is_in_force() -> None:
    assert policy().health.refinements == type(policy().health.refinements)()


@pytest.mark.parametrize(
    ("values", "concerned", "unconcerned", "columns"),
    [
        ({"tenure_from_days": 60}, NEW, SETTLED, {"tenure_score"}),
        ({"never_seen_counts_from_signup": True}, UNSEEN, SETTLED, {"activity_score", "override_inactive"}),
        ({"logins_by_days_since_signup": True}, NEW, SETTLED, {"engagement_score"}),
        ({"csat_prior_answers": 3}, SETTLED | {"csat_avg_90d": 1.0, "csat_count_90d": 1}, SETTLED, {"support_score"}),
        (
            {"inactive_ramp_days": 7},
            SETTLED | {"days_since_seen": 32},
            SETTLED | {"days_since_seen": 37},
            {"override_inactive"},
        ),
        (
            {"overrides_beside_components": False},
            SETTLED | {"days_since_seen": 40, "is_delinquent": True},
            SETTLED | {"cancel_mentioned_at": days_ago(1), "open_critical_tickets": 1},
            {"override_inactive", "override_delinquent"},
        ),
        ({"failed_payments_from": 2}, SETTLED | {"failed_payments_30d": 1}, SETTLED, {"payment_score"}),
        ({"new_within_days": 60}, NEW | {"logins_30d": 0}, SETTLED, {"health_status"}),
        ({"new_below_confidence": 0.5}, UNKNOWN, SETTLED, {"health_status"}),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) and len(value) == 1 else "",
)
def test_each_is_about_some_and_leaves_the_others(
    days: Days, values: dict[str, Any], concerned: Facts, unconcerned: Facts, columns: set[str]
) -> None:
    follows = {"base_score", "health_score"} | ({"health_status"} - columns)
    assert moved(days, concerned, **values) - follows == columns
    assert moved(days, unconcerned, **values) == set()


def test_what_each_comes_to(days: Days) -> None:
    assert scored(days, NEW, refined(tenure_from_days=60))["tenure_score"] is None
    unseen = scored(days, UNSEEN | {"signup_at": days_ago(20)}, refined(never_seen_counts_from_signup=True))
    seen = scored(days, SETTLED | {"days_since_seen": 20, "signup_at": days_ago(20)})
    assert unseen["activity_score"] == seen["activity_score"]
    assert scored(days, NEW, refined(logins_by_days_since_signup=True))["engagement_score"] == 100  # 4 of 4 expected
    one_bad = SETTLED | {"csat_avg_90d": 1.0, "csat_count_90d": 1}
    drawn = scored(days, one_bad, refined(csat_prior_answers=3, csat_prior=4.0))["support_score"]
    assert drawn == pytest.approx(((1 + 3 * 4) / 4 - 1) / 4 * 100)
    failed = [
        scored(days, SETTLED | {"failed_payments_30d": failed}, refined(failed_payments_from=2))["payment_score"]
        for failed in (0, 1, 2, 3, 9)
    ]
    assert failed == [100, 100, 85, 70, 0]
    grown = [
        scored(days, SETTLED | {"days_since_seen": seen}, refined(inactive_ramp_days=7))["override_inactive"]
        for seen in (29, 30, 32, 37, 60)
    ]
    assert grown == [0, 0, -6, -20, -20]


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        (NEW | {"logins_30d": 0}, "new"),
        (NEW | {"signup_at": days_ago(59), "first_paid_at": None}, "new"),
        (NEW | {"signup_at": days_ago(60), "logins_30d": 0}, "at_risk"),
        (SETTLED, "healthy"),
        (UNKNOWN, "new"),
        (UNKNOWN | {"days_since_seen": 1}, "healthy"),
        (NEW | {"cancel_mentioned_at": days_ago(1)}, "high_risk"),
    ],
)
def test_who_is_new_or_little_known_has_no_status_by_score(days: Days, facts: Facts, status: str) -> None:
    """Whoever loses points by an override is at risk all the same."""
    assert scored(days, facts, refined(new_within_days=60, new_below_confidence=0.5))["health_status"] == status


def test_nobody_counts_from_sign_up_while_nobody_is_ever_seen(days: Days) -> None:
    days.write_facts(DAY, {"jane": UNSEEN, "joe": UNSEEN})
    under(customer_health.TABLE, refined(never_seen_counts_from_signup=True)).write_day(days.lake, str(DAY))
    assert days.health()["jane"]["activity_score"] is None


def test_a_refined_score_is_written_down(days: Days) -> None:
    rules = refined(
        never_seen_counts_from_signup=True, logins_by_days_since_signup=True, csat_prior_answers=3, csat_prior=4.0,
        failed_payments_from=2,
    )  # fmt: skip
    facts = {**UNSEEN, **dict.fromkeys(("sentiment_90d", "failed_payments_30d", "onboarding_pct")), "logins_30d": 2}
    facts |= {"signup_at": days_ago(20), "csat_avg_90d": 2.0, "csat_count_90d": 2, "failed_payments_30d": 3}
    row = scored(days, facts, rules)
    explanation = explained(row, {"mrr_reporting": None, "is_delinquent": None, **facts}, rules, rules_in_force=True)
    written = {part.component: part for part in explanation.components if part.calculation}
    assert written.keys() >= {"activity", "support", "engagement", "payment"}
    for part in written.values():
        assert worked_out(part.calculation or "") == pytest.approx(part.score, abs=0.02), part
    assert "never seen, signed up 20 days ago" in (written["activity"].calculation or "")
    assert f"2 × {LOGIN_DAYS} / 20" in (written["engagement"].calculation or "")


def test_parts_of_a_change_add_up_under_every_refinement(days: Days) -> None:
    rules = refined(
        tenure_from_days=60, never_seen_counts_from_signup=True, logins_by_days_since_signup=True,
        csat_prior_answers=3, inactive_ramp_days=7, overrides_beside_components=False, failed_payments_from=2,
    )  # fmt: skip
    for ago, facts in (
        (1, NEW),
        (
            0,
            NEW
            | {
                "logins_30d": 1,
                "csat_avg_90d": 1.0,
                "csat_count_90d": 1,
                "days_since_seen": 35,
                "failed_payments_30d": 2,
            },
        ),
    ):
        days.write_facts(earlier(ago), {"jane": facts, "joe": UNSEEN})
        days.judge(earlier(ago), rules)
    change = days.health()["jane"]["score_change_1d"]
    parts = days.changes()["jane"]
    assert sum(part["points_1d"] for part in parts) == change < 0
    assert {part["fact"] for part in parts} >= {"days_since_seen", "csat_avg_90d", "logins_30d"}
