"""Whose word counts where several systems bill a customer, or copy what others bill; what of each is summed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import ibis
import pytest

from gtm_platform.core import customer_status
from gtm_platform_tests.core.billing import billed_of, subscriptions_of
from gtm_platform_tests.tables import Row, days_ago, filled, rows_of

MODES = ("forever_only", "recurring", "all")
IDS = {
    "stripe_customer_id": "s1",
    "orb_customer_id": "o1",
    "chartmogul_uuid": "m1",
    "intercom_contact_id": "i1",
}
Stored = Mapping[str, Sequence[Row]]


def stripe(status: str = "active", cents: int = 4900, **details: Any) -> Stored:
    amounts = {f"mrr_{mode}": cents for mode in MODES} | {f"arr_{mode}": Decimal(12 * cents) for mode in MODES}
    row = {"id": "sub_1", "customer_id": "s1", "status": status, "currency": "usd", "created_at": days_ago(300)}
    phases = [{"begins": None, "ends": None, **amounts}]
    return {"stripe/customers": [{"id": "s1"}], "stripe/subscriptions": [{**row, "phases": phases, **details}]}


def orb(mrr: str = "300", currency: str = "USD", phases: Sequence[Row] | None = None, **details: Any) -> Stored:
    worth = {"mrr": Decimal(mrr), "arr": Decimal(mrr) * 12, "list_mrr": Decimal(mrr)}
    row = {"id": "orb_1", "customer_id": "o1", "currency": currency, "started_at": days_ago(60)}
    phases = phases or [{"begins": days_ago(60), "ends": None, **worth}]
    return {
        "orb/customers": [{"id": "o1", "currency": currency}],
        "orb/subscriptions": [{**row, "created_at": days_ago(61), "phases": phases, **details}],
    }


def invoice(id: str, total: str, status: str = "paid", **details: Any) -> Row:
    paid = {"paid_at": days_ago(20)} if status == "paid" else {}
    row = {"id": id, "customer_id": "o1", "currency": "USD", "total": Decimal(total), "status": status}
    return {**row, "payment_attempts": [], **paid, **details}


def chartmogul(mrr: int = 7700, status: str = "Active", **details: Any) -> Stored:
    row = {"id": "m1", "mrr": mrr, "currency": "EUR", "status": status, "customer_since": days_ago(400)}
    return {"chartmogul/customers": [{**row, **details}]}


def intercom(status: str = "active") -> Stored:
    price = {"stripe_plan_price": Decimal(19), "stripe_plan_interval": "month", "stripe_subscription_status": status}
    return {"intercom/contacts": [{"id": "i1", **price}]}


def a_customer(*stored: Stored) -> tuple[dict[str, Any], dict[str, Any]]:
    """The customer's money, and the columns of its status."""
    rows = {table: part for each in stored for table, part in each.items()}
    people = filled("identity/people", {"customer_id": "a", **IDS})
    records = {"stripe": "s1", "orb": "o1", "chartmogul": "m1", "intercom": "i1"}
    links = filled(
        "identity/links",
        *[
            {"source": source, "record_id": id, "customer_id": "a", "match_method": "shared_id"}
            for source, id in records.items()
        ],
    )
    former = filled("identity/former_records")
    money = billed_of(people, links, former, rows)["a"]
    summed = customer_status.summed(subscriptions_of(people, links, former, rows))
    since = ibis.literal(money["first_paid_at"], "timestamp('UTC', 6)")
    sums = summed.mutate(first_paid_at=since, lost_reason=ibis.literal("no budget"))
    standing = rows_of(sums.select(**customer_status.columns(sums)))
    return money, standing[0] if standing else {"customer_status": "prospect"}


@pytest.mark.parametrize(
    ("stored", "source", "mrr", "status"),
    [
        ([stripe(), orb()], "stripe", "49", "active"),
        ([stripe("canceled"), orb()], "orb", "300", "active"),
        ([stripe("trialing"), orb()], "stripe", "0", "active"),  # the better standing is at the other system
        ([stripe("canceled"), orb(ends_at=days_ago(3))], "stripe", "0", "prospect"),  # nobody ever paid
        ([orb(ends_at=days_ago(3)), chartmogul()], "orb", "0", "prospect"),
        ([orb(ends_at=days_ago(-3)), chartmogul()], "orb", "300", "leaving"),
        ([orb(trial_ends_at=days_ago(-3))], "orb", "0", "trial"),
        ([orb(started_at=days_ago(-3)), chartmogul()], "chartmogul", "77", "active"),
        ([chartmogul(), intercom()], "chartmogul", "77", "active"),
        ([chartmogul(status="Past Due"), intercom()], "chartmogul", "77", "past_due"),
        ([intercom()], "intercom", "19", "active"),
        ([stripe("incomplete_expired"), intercom()], "stripe", "0", "prospect"),
        ([{"stripe/customers": [{"id": "s1"}]}, intercom()], "intercom", "19", "active"),
    ],
)
def test_the_first_system_in_which_a_subscription_runs_else_ran(
    stored: list[Stored], source: str, mrr: str, status: str
) -> None:
    money, standing = a_customer(*stored)
    assert (money["mrr_source"], money["mrr"]) == (source, Decimal(mrr))
    assert standing["customer_status"] == status


def test_a_customer_that_moved_keeps_what_it_paid_before_and_churns_when_the_last_subscription_ends() -> None:
    before = stripe("canceled", ended_at=days_ago(90), cancel_feedback="switched_service")
    charge = {"id": "c", "customer_id": "s1", "amount": 4900, "amount_captured": 4900, "currency": "usd"}
    paid: Stored = {"stripe/charges": [{**charge, "status": "succeeded", "created_at": days_ago(200)}]}
    bills: Stored = {"orb/invoices": [invoice("in_1", "300.00"), invoice("in_2", "5.50", "issued")]}
    money, standing = a_customer(before, paid, orb(ends_at=days_ago(2)), bills)
    assert (money["mrr_source"], money["ltv"], money["mrr"]) == ("stripe", Decimal("349.00"), 0)
    assert (standing["customer_since"], standing["churned_at"]) == (days_ago(200), days_ago(2))
    assert (standing["customer_status"], standing["churn_reason"]) == ("churned", "no budget")


def test_money_that_one_system_collected_for_another_counts_once() -> None:
    charge = {"id": "c", "customer_id": "s1", "amount": 30000, "amount_captured": 30000, "currency": "usd"}
    failed = {**charge, "id": "f", "status": "failed", "amount_captured": 0, "created_at": days_ago(4)}
    taken: Stored = {"stripe/charges": [{**charge, "status": "succeeded", "created_at": days_ago(20)}, failed]}
    attempt = {"id": "p", "amount": Decimal(300), "tried_at": days_ago(4), "succeeded": False}
    bills: Stored = {"orb/invoices": [invoice("in_1", "300.00", payment_attempts=[attempt])]}
    provider = {"id": "o1", "currency": "USD", "payment_provider": "stripe_charge", "payment_provider_id": "s1"}
    collected: Stored = {**orb(), "orb/customers": [provider]}
    money, _ = a_customer({"stripe/customers": [{"id": "s1"}]}, taken, collected, bills)
    assert (money["ltv"], money["failed_payments_30d"], money["mrr_source"]) == (Decimal(300), 1, "orb")
    money, _ = a_customer(taken, orb(), bills)
    assert (money["ltv"], money["failed_payments_30d"]) == (Decimal(600), 2)


def test_refunds_and_failed_attempts_of_the_last_30_days() -> None:
    attempts = [
        {"id": f"p{n}", "amount": Decimal(9), "tried_at": days_ago(n), "succeeded": n == 1} for n in (1, 2, 29, 31)
    ]
    notes = [
        {"id": f"n{n}", "invoice_id": "in_1", "type": kind, "total": Decimal(total), "voided_at": voided}
        for n, (kind, total, voided) in enumerate(
            [("refund", "100.25", None), ("adjustment", "50", None), ("refund", "7", days_ago(1))]
        )
    ]
    bills: Stored = {"orb/invoices": [invoice("in_1", "300.00", payment_attempts=attempts)], "orb/credit_notes": notes}
    money, _ = a_customer(orb(), bills)
    assert (money["ltv"], money["failed_payments_30d"]) == (Decimal("199.75"), 2)
    assert (money["first_paid_at"], money["is_delinquent"]) == (days_ago(20), False)


@pytest.mark.parametrize(
    ("bill", "owes"),
    [
        (invoice("in_1", "9", "issued", due_at=days_ago(1)), True),
        (invoice("in_1", "9", "issued", due_at=days_ago(-1)), False),
        (invoice("in_1", "9", "issued", due_at=days_ago(-1), payment_failed_at=days_ago(1)), True),
        (invoice("in_1", "9", "paid", due_at=days_ago(1)), False),
        (invoice("in_1", "9", "void", due_at=days_ago(1)), False),
    ],
)
def test_a_bill_past_its_date_makes_what_runs_past_due(bill: Row, owes: bool) -> None:
    money, standing = a_customer(orb(), {"orb/invoices": [bill]})
    assert money["is_delinquent"] is owes
    assert standing["customer_status"] == money["subscription_status"] == ("past_due" if owes else "active")
    assert money["mrr"] == 300


@pytest.mark.parametrize(
    ("currency", "mrr", "expected", "reporting"),
    [
        ("EUR", "49.50", "49.50", "53.96"),
        ("JPY", "4900", "4900", "32.83"),  # in major units, which are not divided again
        ("KWD", "4.905", "4.91", None),
    ],
)
def test_amounts_in_major_units_of_any_currency(currency: str, mrr: str, expected: str, reporting: str | None) -> None:
    money, _ = a_customer(orb(mrr, currency))
    assert (money["mrr"], money["currency"]) == (Decimal(expected), currency.lower())
    assert money["mrr_reporting"] == (reporting and Decimal(reporting))


def test_two_systems_with_two_currencies_are_stated_in_the_reporting_one() -> None:
    money, _ = a_customer(stripe(), orb("100", "EUR"), {"orb/invoices": [invoice("in_1", "100", currency="EUR")]})
    assert (money["mrr"], money["ltv"], money["currency"]) == (Decimal(49), Decimal(109), "usd")


@pytest.mark.parametrize(("begins", "mrr"), [(days_ago(1), 500), (days_ago(-1), 300)])
def test_the_phase_at_the_end_of_the_day_counts(begins: datetime, mrr: int) -> None:
    amounts = [{"mrr": Decimal(n), "arr": Decimal(12 * n), "list_mrr": Decimal(n)} for n in (300, 500)]
    phases: list[Row] = [
        {"begins": days_ago(60), "ends": begins, **amounts[0]},
        {"begins": begins, "ends": None, **amounts[1]},
    ]
    assert a_customer(orb(phases=phases))[0]["mrr"] == mrr


def test_of_whom_only_a_copy_knows_it_says_since_and_until_when() -> None:
    last = {"id": "a1", "customer_id": "m1", "type": "churn", "happened_at": days_ago(9), "mrr": 0}
    first = {**last, "id": "a0", "type": "new_biz", "happened_at": days_ago(400), "mrr": 7700}
    gone: Stored = {**chartmogul(0, "Cancelled"), "chartmogul/activities": [first, last]}
    money, standing = a_customer(gone)
    assert (money["mrr"], money["subscription_status"], money["ltv"]) == (0, "canceled", None)
    assert (standing["customer_status"], standing["churned_at"]) == ("churned", days_ago(9))
    assert standing["customer_since"] == days_ago(400)
    assert money["failed_payments_30d"] is money["is_delinquent"] is None  # a copy shows no payments
    assert a_customer(chartmogul(0, "New Lead", customer_since=None))[1]["customer_status"] == "prospect"
