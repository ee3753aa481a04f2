"""Who is a customer, since when, until when and why not any more: of one subscription, of several, and of none."""

from datetime import datetime
from typing import Any

import pytest

from gtm_platform.core.customer_status import CURRENT
from gtm_platform_tests.core.test_profile_and_pipeline import a_profile
from gtm_platform_tests.tables import days_ago

PAID = [{"customer_id": "a", "first_paid_at": days_ago(300), "mrr_source": "stripe"}]
Subscription = dict[str, Any]


def subscription(status: str, number: int = 1, **details: Any) -> Subscription:
    return {"id": f"sub_{number}", "customer_id": "s1", "status": status, **details}


def ended(number: int = 1, at: datetime | None = None, **details: Any) -> Subscription:
    return subscription("canceled", number, ended_at=at or days_ago(5), **details)


def status_of(*subscriptions: Subscription, paid: bool = True, **rows: list[dict[str, Any]]) -> dict[str, Any]:
    return a_profile(subscriptions=list(subscriptions), revenue=PAID if paid else [], **rows)


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"status": "trialing"}, "trial"),
        ({"status": "active"}, "active"),
        ({"status": "past_due"}, "past_due"),
        ({"status": "unpaid"}, "past_due"),
        ({"status": "paused"}, "paused"),
        ({"status": "active", "paused_collection": "void"}, "paused"),
        ({"status": "active", "paused_collection": "mark_uncollectible"}, "paused"),
        ({"status": "active", "paused_collection": "keep_as_draft"}, "active"),  # the money is still to come
        ({"status": "active", "cancel_at_period_end": True}, "leaving"),
        ({"status": "past_due", "cancel_at": days_ago(-9)}, "leaving"),
        ({"status": "paused", "cancel_at_period_end": True}, "leaving"),
        ({"status": "active", "is_simulated": True}, "prospect"),
        ({"status": "incomplete"}, "prospect"),
        ({"status": "incomplete_expired", "ended_at": days_ago(3)}, "prospect"),
    ],
)
def test_of_one_subscription(details: dict[str, Any], expected: str) -> None:
    profile = status_of(subscription(**details), paid=False)
    assert profile["customer_status"] == expected
    assert profile["is_customer"] is (expected in CURRENT)
    assert profile["churned_at"] is profile["churn_reason"] is None


def test_of_several_the_best_for_us_counts() -> None:
    each: dict[str, dict[str, Any]] = {
        "active": {"status": "active"},
        "trial": {"status": "trialing"},
        "past_due": {"status": "unpaid"},
        "paused": {"status": "paused"},
        "leaving": {"status": "active", "cancel_at_period_end": True},
    }
    for place, best in enumerate(CURRENT):
        owned = [subscription(number=number, **each[name]) for number, name in enumerate(CURRENT[place:])]
        assert status_of(*owned, ended(9))["customer_status"] == best


def test_who_paid_and_has_no_subscription_any_more_has_churned_when_the_last_one_ended() -> None:
    profile = status_of(
        ended(1, days_ago(40), cancel_feedback="unused"),
        ended(2, days_ago(5), cancel_reason="payment_failed"),
        subscription("incomplete_expired", 3, ended_at=days_ago(1)),
    )
    assert (profile["customer_status"], profile["is_customer"]) == ("churned", False)
    assert (profile["customer_since"], profile["churned_at"]) == (days_ago(300), days_ago(5))
    assert profile["churn_reason"] == "payment_failed"


def test_a_trial_that_led_to_nothing_leaves_a_prospect() -> None:
    profile = status_of(ended(cancel_reason="cancellation_requested"), paid=False)
    assert (profile["customer_status"], profile["customer_since"], profile["churned_at"]) == ("prospect", None, None)
    assert profile["churn_reason"] is None


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"cancel_feedback": "unused", "cancel_comment": "bye", "cancel_reason": "cancellation_requested"}, "unused"),
        ({"cancel_comment": "bye", "cancel_reason": "cancellation_requested"}, "bye"),
        ({"cancel_reason": "cancellation_requested"}, "cancellation_requested"),
        ({}, "no budget"),  # of the latest lost deal
    ],
)
def test_why(details: dict[str, Any], expected: str) -> None:
    profile = status_of(ended(**details), pipeline=[{"customer_id": "a", "lost_reason": "no budget"}])
    assert profile["churn_reason"] == expected


def test_a_payer_whom_the_billing_system_deleted_is_still_the_customers() -> None:
    former = [{"source": "stripe", "record_id": "s9", "customer_id": "a", "match_method": "email"}]
    gone = ended(at=days_ago(2)) | {"customer_id": "s9"}
    profile = a_profile({"hubspot_contact_id": "h1"}, subscriptions=[gone], revenue=PAID, former=former)
    assert (profile["customer_status"], profile["churned_at"]) == ("churned", days_ago(2))
    assert a_profile({"hubspot_contact_id": "h1"}, subscriptions=[gone], revenue=PAID)["customer_status"] == "prospect"


@pytest.mark.parametrize(
    ("copied", "billed", "expected"),
    [
        ("active", [], "active"),
        ("trialing", [], "trial"),
        ("unpaid", [], "past_due"),
        ("canceled", [], "churned"),
        ("incomplete", [], "prospect"),
        ("active", [subscription("incomplete_expired")], "prospect"),
        ("active", [subscription("past_due")], "past_due"),
        ("canceled", [subscription("active")], "active"),
    ],
)
def test_a_copy_counts_only_where_the_billing_system_never_had_a_subscription(
    copied: str, billed: list[Subscription], expected: str
) -> None:
    contact = {"id": "i1", "stripe_subscription_status": copied}
    assert status_of(*billed, paid=False, intercom=[contact])["customer_status"] == expected
