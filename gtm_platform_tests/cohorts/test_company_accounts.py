"""What the people and accounts of a company come to."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from gtm_platform.cohorts import company_accounts
from gtm_platform.policy import policy
from gtm_platform_tests.tables import DAY, Row, computed, days_ago, filled, rows_of

ACTIVE: Row = {"customer_status": "active", "is_customer": True, "customer_since": days_ago(400)}


def person(customer_id: str, **facts: Any) -> dict[str, Any]:
    return {"customer_id": customer_id, **facts}


def account_of(*people: Row, accounts: list[Row] | None = None, usage: list[Row] | None = None) -> dict[str, Any]:
    """What one company comes to that has these people, whose facts are columns of whatever table has them."""

    def part(table: str) -> Any:
        columns = filled(table).columns
        rows = [{name: value for name, value in row.items() if name in columns} for row in people]
        return filled(table, *rows)

    staff = [{"company_id": "c", **row} for row in people]
    columns = filled("identity/people").columns
    result = computed(
        company_accounts.table,
        "cohorts/company_accounts",
        companies=filled("identity/companies", {"company_id": "c", "name": "Acme, Inc.", "match_method": "domain"}),
        people=filled("identity/people", *({k: v for k, v in row.items() if k in columns} for row in staff)),
        domains={name: part(table) for name, table in company_accounts.DOMAINS.items()},
        accounts={"chroma_admin": filled("chroma_admin/accounts", *(accounts or []))},
        usage={"chroma_admin": filled("chroma_admin/daily_usage", *(usage or []))},
        policy=policy(),
        day=DAY,
    )
    [row] = rows_of(result)
    return row


def test_a_company_without_anybody_is_no_customer() -> None:
    row = account_of()
    assert (row["people"], row["customers"], row["is_signed_up"], row["mrr"]) == (0, 0, False, 0)
    assert (row["chroma_customer_status"], row["chroma_expansion_potential"]) == (None, None)


def test_people_and_money_are_summed() -> None:
    row = account_of(
        person("a", **ACTIVE, mrr_reporting=Decimal("90"), health_score=80, days_since_seen=1, plan_name="Pro"),
        person("b", **ACTIVE, mrr_reporting=Decimal("10"), health_score=40, days_since_seen=40, plan_name="Starter"),
        person("c", customer_status="churned", is_customer=False, mrr_reporting=Decimal("7"), plan_name="Enterprise"),
    )
    assert (row["people"], row["customers"], row["mrr"]) == (3, 2, 100)
    assert (row["lowest_health"], row["mean_health"], row["active_users"]) == (40, 76.0, 1)
    assert (row["chroma_usage_tier"], row["single_user"]) == ("growth", True)


def test_where_nobody_pays_the_mean_health_is_even() -> None:
    trial = {"customer_status": "trial", "is_customer": True}
    row = account_of(person("a", **trial, health_score=80), person("b", **trial, health_score=40))
    assert row["mean_health"] == 60.0


@pytest.mark.parametrize(
    ("facts", "status"),
    [
        ({"customer_status": "prospect"}, None),
        ({"customer_status": "prospect", "signup_at": days_ago(5), "last_seen_at": days_ago(2)}, "active_free"),
        ({**ACTIVE, "mrr_reporting": Decimal(5), "last_seen_at": days_ago(30)}, "active_paid"),
        ({**ACTIVE, "mrr_reporting": Decimal(5), "last_seen_at": days_ago(31)}, "dormant"),
        ({**ACTIVE, "mrr_reporting": Decimal(5)}, "dormant"),
        ({"customer_status": "trial", "is_customer": True, "last_seen_at": days_ago(1)}, "trial"),
        ({"customer_status": "churned", "last_seen_at": days_ago(1)}, "active_free"),
        ({"customer_status": "prospect", "listkit_account_id": "l", "last_seen_at": days_ago(1)}, "active_free"),
    ],
)
def test_what_kind_of_customer_it_is(facts: Row, status: str | None) -> None:
    assert account_of(person("a", **facts))["chroma_customer_status"] == status


def test_an_account_without_an_owner_is_the_companys_by_its_name() -> None:
    account = {"id": "x", "company_name": "ACME", "collections": 12, "instances": 2, "last_active_on": DAY}
    row = account_of(accounts=[account])
    assert (row["is_signed_up"], row["chroma_customer_status"], row["chroma_instances"]) == (True, "active_free", 2)
    assert row["chroma_expansion_potential"] == "high"
    assert account_of(accounts=[account | {"company_name": "Other"}])["is_signed_up"] is False


@pytest.mark.parametrize(
    ("recent", "before", "potential"),
    [(15, 10, "high"), (14, 10, "medium"), (12, 10, "medium"), (11, 10, "low"), (10, 0, "low")],
)
def test_growth_of_use_makes_a_company_one_that_may_buy_more(recent: int, before: int, potential: str) -> None:
    usage = [
        {"account_id": "x", "day": DAY - timedelta(days=29), "queries": recent},
        {"account_id": "x", "day": DAY - timedelta(days=30), "queries": before},
        {"account_id": "x", "day": DAY - timedelta(days=60), "queries": 1000},
    ]
    owned = person("a", **ACTIVE, chroma_account_id="x", last_seen_at=days_ago(1))
    row = account_of(owned, accounts=[{"id": "x", "email": "a@acme.example"}], usage=usage)
    assert row["chroma_expansion_potential"] == potential


@pytest.mark.parametrize(
    ("used", "left", "potential"), [(80, 20, "high"), (79, 21, "medium"), (50, 50, "medium"), (49, 51, "low")]
)
def test_credits_near_their_limit_do_so_too(used: int, left: int, potential: str) -> None:
    facts = {"credits_used_30d": Decimal(used), "credits_remaining": Decimal(left), "last_seen_at": days_ago(1)}
    assert account_of(person("a", **ACTIVE, **facts))["chroma_expansion_potential"] == potential


@pytest.mark.parametrize(
    ("lead", "colleague", "left"), [(30, 6, True), (29, 6, False), (30, 7, False), (None, 6, True)]
)
def test_the_main_contact_left_when_silent_while_a_colleague_is_not(
    lead: int | None, colleague: int, left: bool
) -> None:
    row = account_of(
        person("a", **ACTIVE, days_since_seen=lead),
        person("b", customer_status="prospect", days_since_seen=colleague),
    )
    assert row["champion_left"] is left
    assert account_of(person("a", **ACTIVE, days_since_seen=lead))["champion_left"] is False


@pytest.mark.parametrize(
    ("facts", "left"),
    [
        ({"seat_deactivated": True, "days_since_seen": 0}, True),
        ({"seat_deactivated": False, "days_since_seen": 0}, False),
        ({"mail_bounces": True, "days_since_seen": 7}, True),
        ({"mail_bounces": True, "days_since_seen": None}, True),
        ({"mail_bounces": True, "days_since_seen": 6}, False),  # the address is gone, the person is not
        ({"mail_bounces": False, "days_since_seen": 29}, False),
    ],
)
def test_the_main_contact_left_when_its_mail_bounces_or_its_seat_is_gone(facts: Row, left: bool) -> None:
    """Whether a colleague is seen or not."""
    lead, colleague = person("a", **ACTIVE, **facts), person("b", customer_status="prospect", days_since_seen=90)
    assert account_of(lead)["champion_left"] is left
    assert account_of(lead, colleague)["champion_left"] is left


def test_a_colleague_who_leaves_is_not_the_main_contact() -> None:
    newer = {**ACTIVE, "customer_since": days_ago(30), "seat_deactivated": True, "mail_bounces": True}
    row = account_of(person("a", **ACTIVE, days_since_seen=1), person("b", **newer, days_since_seen=50))
    assert row["champion_left"] is False


def test_a_shared_inbox_is_nobodys_main_contact() -> None:
    inbox = person("a", **{**ACTIVE, "customer_since": days_ago(900)}, shared_inbox=True)
    lead = person("b", **ACTIVE, days_since_seen=1)
    assert account_of(inbox, lead)["champion_left"] is False
    assert account_of(inbox, {**lead, "seat_deactivated": True})["champion_left"] is True
