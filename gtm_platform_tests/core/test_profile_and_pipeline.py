"""Who the customer is, who looks after it, and its deals: whose word goes before whose."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from gtm_platform.core import pipeline, profile
from gtm_platform.policy import Policy, PolicyError, policy
from gtm_platform.policy.identity import Precedence
from gtm_platform_tests.core.billing import subscriptions_of
from gtm_platform_tests.tables import DAY, by, computed, days_ago, filled, person_tables

ALL = {"hubspot_contact_id": "h1", "intercom_contact_id": "i1", "stripe_customer_id": "s1", "company_id": "com_1"}
OWNERS: list[dict[str, Any]] = [
    {"id": "1", "first_name": "Ana", "last_name": "Lee", "email": "ana@us.example", "archived": False},
    {"id": "2", "first_name": "Old", "last_name": "Hand", "email": "old@us.example", "archived": True},
    {"id": "3", "first_name": None, "last_name": None, "email": "new@us.example", "archived": False},
]
ADMINS: list[dict[str, Any]] = [{"id": "9", "name": "Ian", "email": "ian@us.example"}]


def a_profile(
    person: dict[str, Any] = ALL, rules: Policy | None = None, /, **rows: list[dict[str, Any]]
) -> dict[str, Any]:
    people = filled("identity/people", {"customer_id": "a", **person})
    links = filled(
        "identity/links",
        *[
            {"source": source, "record_id": id, "customer_id": "a", "match_method": "email"}
            for source, id in (("hubspot", "h1"), ("intercom", "i1"), ("intercom", "i2"), ("stripe", "s1"))
        ],
    )
    former = filled("identity/former_records", *rows.get("former", []))
    billing = {"stripe/subscriptions": rows.get("subscriptions", []), "intercom/contacts": rows.get("intercom", [])}
    table = computed(
        profile.table,
        "core/profile",
        people=people,
        links=links,
        companies=filled("identity/companies", *rows.get("companies", [])),
        records=person_tables(**{source: rows.get(source, []) for source in ("hubspot", "intercom", "stripe")}),
        owners={"hubspot": filled("hubspot/owners", *OWNERS), "intercom": filled("intercom/admins", *ADMINS)},
        seats={feed.table: filled(feed.table, *rows.get(feed.source, [])) for feed in profile.SEATS},
        calls=filled("core/calls", *rows.get("calls", [])),
        subscriptions=subscriptions_of(people, links, former, billing, rules),
        revenue=filled("core/revenue", *rows.get("revenue", [])),
        pipeline=filled("core/pipeline", *rows.get("pipeline", [])),
        policy=rules or policy(),
    )
    return by("customer_id", table)["a"]


@pytest.mark.parametrize(
    ("owner", "admin", "expected"),
    [
        ("1", "9", ("Ana Lee", "ana@us.example", "hubspot")),
        ("3", "9", ("new@us.example", "new@us.example", "hubspot")),
        ("2", "9", ("Ian", "ian@us.example", "intercom")),  # who was archived looks after nobody
        (None, "9", ("Ian", "ian@us.example", "intercom")),
        ("1", None, ("Ana Lee", "ana@us.example", "hubspot")),
        ("2", "404", (None, None, None)),
    ],
)
def test_account_manager(owner: str | None, admin: str | None, expected: tuple[str | None, ...]) -> None:
    row = a_profile(hubspot=[{"id": "h1", "owner_id": owner}], intercom=[{"id": "i1", "owner_id": admin}])
    assert (row["assigned_am"], row["assigned_am_email"], row["am_source"]) == expected


HELD = {
    "customer_id": "a", "last_call_host": "Cal", "last_call_host_email": "cal@us.example",
    "last_call_source": "calendly",
}  # fmt: skip


@pytest.mark.parametrize(
    ("order", "owner", "call", "expected"),
    [
        ((), "1", HELD, ("Ana Lee", "ana@us.example", "hubspot")),
        ((), None, HELD, ("Cal", "cal@us.example", "calendly")),
        ((), None, HELD | {"last_call_host": None}, ("Ian", "ian@us.example", "intercom")),
        ((), None, {"customer_id": "a"}, ("Ian", "ian@us.example", "intercom")),
        (("calendly",), "1", HELD, ("Cal", "cal@us.example", "calendly")),
        (("intercom", "calendly"), None, HELD, ("Ian", "ian@us.example", "intercom")),
    ],
)
def test_who_held_the_last_call_is_account_manager_where_hubspot_names_nobody(
    order: tuple[str, ...], owner: str | None, call: dict[str, Any], expected: tuple[str, ...]
) -> None:
    rules = policy()
    identity = rules.identity.model_copy(update={"precedence": Precedence(account_manager=order)})
    rules = rules.model_copy(update={"identity": identity})
    people: dict[str, list[dict[str, Any]]] = {
        "hubspot": [{"id": "h1", "owner_id": owner}],
        "intercom": [{"id": "i1", "owner_id": "9"}],
    }
    row = a_profile(ALL, rules, calls=[call], **people)
    assert (row["assigned_am"], row["assigned_am_email"], row["am_source"]) == expected


def test_the_first_source_that_says_something() -> None:
    row = a_profile(
        hubspot=[{"id": "h1", "first_name": None, "last_name": " Reed", "country": "", "timezone": "Europe/Berlin"}],
        intercom=[
            {"id": "i1", "name": "D. Reed", "country": "Germany", "signed_up_at": days_ago(3)},
            {"id": "i2", "name": "Other", "signed_up_at": days_ago(5)},
        ],
        stripe=[{"id": "s1", "name": "Reed Ltd", "city": "Berlin"}],
    )
    assert (row["name"], row["country"], row["city"]) == ("Reed", "Germany", "Berlin")
    assert (row["timezone"], row["signup_at"]) == ("Europe/Berlin", days_ago(5))


@pytest.mark.parametrize(
    ("listed", "typed", "expected"),
    [
        ("Acme Inc", "acme", "Acme Inc"),
        ("acme.example", "Acme (typed)", "Acme (typed)"),
        ("acme.example", None, "acme.example"),
    ],
)
def test_company_name(listed: str, typed: str | None, expected: str) -> None:
    company = {"company_id": "com_1", "name": listed, "domain": "acme.example"}
    row = a_profile(companies=[company], hubspot=[{"id": "h1", "company_name": typed}])
    assert (row["company_name"], row["company_domain"]) == (expected, "acme.example")


@pytest.mark.parametrize(
    ("reason", "bounced", "bounces"),
    [
        ("UNKNOWN_USER", False, True),
        ("UNKNOWN_USER", None, True),
        (None, True, True),
        ("MAILBOX_FULL", False, False),
        ("SPAM", None, False),
        (None, False, False),
    ],
)
def test_mail_bounces_where_a_source_says_that_nobody_has_the_address(
    reason: str | None, bounced: bool | None, bounces: bool
) -> None:
    contact, user = {"id": "h1", "email_bounce_reason": reason}, {"id": "i1", "has_hard_bounced": bounced}
    assert a_profile(hubspot=[contact], intercom=[user])["mail_bounces"] is bounces


def test_where_no_source_that_sends_mail_has_a_record_nothing_is_known_of_bounces() -> None:
    assert a_profile(stripe=[{"id": "s1"}])["mail_bounces"] is None
    assert a_profile(hubspot=[{"id": "h1"}])["mail_bounces"] is False


MAIL = {**ALL, "email": "dana@acme.example", "all_emails": ["dana.reed@home.example", "dana@acme.example"]}


@pytest.mark.parametrize(
    ("members", "former", "deactivated"),
    [
        ([], ["Dana+lists@Acme.example"], True),
        (["li@acme.example"], ["dana.reed@home.example"], True),
        (["dana@acme.example"], [], False),
        (["dana@acme.example"], ["dana.reed@home.example"], False),  # another address of hers has one
        (["li@acme.example"], ["kim@acme.example"], None),
        (None, None, None),
    ],
)
def test_whose_seat_was_taken_away(members: list[str] | None, former: list[str] | None, deactivated: bool) -> None:
    account = {"id": "acc", "member_emails": members, "deactivated_emails": former}
    assert a_profile(MAIL, listkit_admin=[account])["seat_deactivated"] is deactivated
    assert a_profile(MAIL, chroma_admin=[account])["seat_deactivated"] is deactivated


def test_who_may_use_one_product_has_a_seat() -> None:
    lost = {"id": "acc", "deactivated_emails": ["dana@acme.example"]}
    kept = {"id": "chr", "member_emails": ["dana@acme.example"]}
    assert a_profile(MAIL, listkit_admin=[lost], chroma_admin=[kept])["seat_deactivated"] is False


def test_policy_decides_whose_word_counts_first() -> None:
    records: dict[str, list[dict[str, Any]]] = {
        "hubspot": [{"id": "h1", "first_name": "Dana", "country": "DE", "owner_id": "1"}],
        "intercom": [{"id": "i1", "name": "D. Reed", "country": "FR", "owner_id": "9"}],
        "stripe": [{"id": "s1", "name": "Reed Ltd", "country": "US"}],
    }
    usual = a_profile(**records)
    assert (usual["name"], usual["country"], usual["am_source"]) == ("Dana", "DE", "hubspot")
    order = Precedence(name=("stripe",), country=("intercom", "stripe"), account_manager=("intercom",))
    rules = policy().model_copy(update={"identity": policy().identity.model_copy(update={"precedence": order})})
    other = a_profile(ALL, rules, **records)
    assert (other["name"], other["country"], other["assigned_am"]) == ("Reed Ltd", "FR", "Ian")


def test_a_source_without_such_a_field_is_refused_in_the_policy() -> None:
    order = Precedence(account_manager=("stripe",))
    rules = policy().model_copy(update={"identity": policy().identity.model_copy(update={"precedence": order})})
    with pytest.raises(PolicyError, match=r"identity\.precedence\.account_manager names stripe; .* hubspot, intercom"):
        a_profile(ALL, rules)


def test_deals() -> None:
    deals = {
        "d1": {
            "stage_id": "new",
            "amount": 100,
            "currency": "eur",
            "close_date": days_ago(0),
            "created_at": days_ago(9),
        },
        "d2": {"stage_id": "neg", "amount": 50, "close_date": days_ago(1), "created_at": days_ago(5)},
        "d3": {"stage_id": "won", "amount": 70, "currency": "USD", "is_closed": True, "is_won": True},
        "d4": {
            "stage_id": "lost",
            "amount": 999,
            "is_closed": True,
            "is_won": False,
            "close_date": days_ago(9),
            "lost_reason": "too dear",
        },
        "d7": {
            "stage_id": "lost",
            "amount": 1,
            "is_closed": True,
            "close_date": days_ago(30),
            "lost_reason": "no need",
        },
        "d5": {"stage_id": "new", "amount": 1, "close_date": days_ago(0) + timedelta(days=30)},
        "d6": {"stage_id": "new", "amount": 0},  # of unknown age, and so not the newest
    }
    links = {"d1": ["h1", "h2"], "d2": ["h1"], "d3": ["h1"], "d4": ["h1"], "d5": ["h3"], "d6": ["h1"], "d7": ["h2"]}
    linked = [
        {"source": "hubspot", "customer_id": "a", "match_method": "email", "record_id": id} for id in ("h1", "h2")
    ]
    table = computed(
        pipeline.table,
        "core/pipeline",
        people=filled("identity/people", {"customer_id": "a", "hubspot_contact_id": "h1"}, {"customer_id": "b"}),
        links=filled("identity/links", *linked),
        hubspot=filled("hubspot/contacts", {"id": "h1", "lifecycle_stage": "customer", "lead_source": "ORGANIC"}),
        deals=filled(
            "hubspot/deals",
            *[
                {"id": id, "pipeline_id": "p", **deal, "amount": Decimal(str(deal["amount"]))}
                for id, deal in deals.items()
            ],
        ),
        stages=filled("hubspot/pipelines", {"pipeline_id": "p", "stage_id": "neg", "stage_label": "Negotiation"}),
        associations=filled(
            "hubspot/associations",
            *[
                {
                    "from_type": "deals",
                    "from_id": deal,
                    "to_type": "contacts",
                    "links": [{"to_id": id, "type_id": 3, "label": None, "category": None} for id in contacts],
                }
                for deal, contacts in links.items()
            ],
        ),
        policy=policy(),
        day=DAY,
    )
    pipelines = by("customer_id", table)
    assert pipelines["a"] == {
        "customer_id": "a",
        "lifecycle_stage": "customer",
        "deal_stage": "Negotiation",
        "open_deal_amount": Decimal("159.00"),
        "won_amount": Decimal("70.00"),
        "next_close_date": DAY,
        "lead_source": "ORGANIC",
        "lost_reason": "too dear",
    }
    assert {name for name, value in pipelines["b"].items() if value is not None} == {"customer_id"}
