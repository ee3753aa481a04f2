"""From rows to what HubSpot is to hold, and how values travel."""

import json
from collections.abc import Sequence, Set
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from gtm_platform.cohorts.company_cohorts import COMPETITOR, CUSTOMER, IN_MARKET
from gtm_platform.delivery.gate import CUSTOMERS, HEALTH
from gtm_platform.delivery.hubspot.object_types import deals
from gtm_platform.delivery.hubspot.object_types.companies import COMPANIES
from gtm_platform.delivery.hubspot.object_types.companies import OBJECT_TYPE as COMPANY_TYPE
from gtm_platform.delivery.hubspot.object_types.contacts import COMPANY_RECORDS, DEVELOPERS, company_links
from gtm_platform.delivery.hubspot.object_types.contacts import OBJECT_TYPE as CONTACTS
from gtm_platform.delivery.hubspot.plan import DesiredRecord, Unmatched, plan
from gtm_platform.delivery.hubspot.properties import Origin, checkboxes, number, text, wire, wire_column
from gtm_platform_tests.delivery.rows import DAY, customer, health
from gtm_platform_tests.tables import Row, filled

FORMER = {"c1": False, "c2": None, "c3": True, "c4": True}  # c4 has no health


def planned(
    judged: Sequence[Row], customers: Sequence[Row], *developers: Row, created: Set[str] = frozenset()
) -> list[DesiredRecord]:
    tables = {HEALTH: judged, CUSTOMERS: customers, DEVELOPERS: developers}
    return plan(CONTACTS, DAY, {name: filled(name, *rows) for name, rows in tables.items()}, created)


def test_a_plan_holds_the_values_and_where_each_came_from() -> None:
    [desired] = planned([health(score=72)], [customer()])

    assert desired.object_id == "501"
    assert desired.values == {
        "gtm_health_score": "72",
        "gtm_health_status": "healthy",
        "gtm_churn_risk": "20",
        "gtm_risk_signals": "payment_delinquent",
        "gtm_mrr": "1250.5",
        "gtm_mrr_currency": "USD",
        "gtm_mrr_reporting": "1250.5",
    }
    assert json.loads(desired.provenance["gtm_mrr"]) == {
        "table": "core/unified_customers",
        "column": "mrr",
        "rule": "stripe",
        "day": DAY,
    }
    assert json.loads(desired.provenance["gtm_health_score"])["rule"] == "abc"


def test_only_customers_with_a_contact_are_planned() -> None:
    contacts = {"c1": "501", "c2": None, "c3": "503", "c4": "", "c5": "505"}
    people = [customer(id, hubspot_contact_id=contact) for id, contact in contacts.items()]
    desired = planned([health(id) for id in ("c4", "c3", "c2", "c1")], people)
    assert [(record.subject_id, record.object_id) for record in desired] == [
        ("c1", "501"),
        ("c3", "503"),
        ("c5", "505"),
    ]


def test_a_current_customer_of_whom_no_health_is_shown_keeps_what_it_pays() -> None:
    [desired] = planned([], [customer()])
    of_health = {each.name for each in CONTACTS.properties if each.origin.table == "health/customer_health"}
    assert {desired.values[name] for name in of_health} == {""}
    assert desired.values["gtm_mrr"] == "1250.5"


def test_the_contact_of_a_former_customer_is_cleared_whatever_its_health() -> None:
    people = [customer(id, hubspot_contact_id=f"50{id[1]}", is_customer=now) for id, now in FORMER.items()]
    cleared, also_cleared, current, unjudged = planned([health("c1"), health("c3")], people)
    assert cleared.object_id == "501"
    assert cleared.values == also_cleared.values == dict.fromkeys(CONTACTS.names, "")
    assert current.values["gtm_health_score"] == "72"
    assert (unjudged.values["gtm_health_score"], unjudged.values["gtm_mrr"]) == ("", "1250.5")


@pytest.mark.faults("D12")
def test_an_unknown_value_is_left_and_no_signals_are_cleared() -> None:
    [desired] = planned([health(risk_signals=[])], [customer(mrr=None, mrr_reporting=None, mrr_source=None)])
    assert not {"gtm_mrr", "gtm_mrr_currency", "gtm_mrr_reporting"} & desired.values.keys()
    assert desired.values["gtm_risk_signals"] == ""


@pytest.mark.faults("D13")
@pytest.mark.parametrize(
    ("value", "travels"),
    [
        (72, "72"),
        (0, "0"),
        (Decimal("1250.5000"), "1250.5"),
        (Decimal("1E+3"), "1000"),
        (Decimal("NaN"), None),
        (float("nan"), None),
        (-0.0, "0"),
        (None, None),
        ("at_risk", "at_risk"),
        (["b", "a", "a"], "a;b"),
        (["odd;one"], "odd,one"),
        ([], ""),
        (date(2026, 3, 31), "2026-03-31"),
        (datetime(2026, 3, 31, 23, 30, tzinfo=UTC), "2026-03-31"),
    ],
)
def test_values_travel_as_text(value: Any, travels: str | None) -> None:
    assert wire(value) == travels


@pytest.mark.parametrize(
    "column",
    [
        [3, 1, None, 3, 1],
        [Decimal("1250.50"), Decimal("1250.5"), Decimal("1250.51"), None],
        ["usd", None, "", "usd"],
        [0.0, -0.0, 0.5, float("nan")],
        [["b", "a"], ["a", "b"], [], None, ["a;b"], ["a", "b"]],
        [date(2026, 3, 31), None, date(2026, 3, 31)],
    ],
)
def test_a_column_travels_as_its_values_do(column: list[Any]) -> None:
    assert wire_column(pa.chunked_array([column[:2], column[2:]])) == [wire(value) for value in column]


def test_what_cannot_travel_is_refused() -> None:
    with pytest.raises(TypeError, match="A object cannot be written"):
        wire(object())


@pytest.mark.parametrize(
    ("name", "first", "second", "same"),
    [
        ("gtm_churn_risk", "72", "72.00", True),
        ("gtm_churn_risk", "72", "", False),
        ("gtm_churn_risk", "", "", True),
        ("gtm_churn_risk", "many", "72", False),
        ("gtm_risk_signals", "a;b", ";b;a", True),
        ("gtm_risk_signals", "a", "a;b", False),
        ("gtm_health_status", "at_risk", "At_risk", False),
        ("gtm_mrr_currency", "USD", "usd", False),
        ("github_url", "https://github.com/ada", CONTACTS.by_name["github_url"].shown("https://github.com/ada"), True),
        ("github_url", "https://github.com/ada", "https://github.com/eve", False),
    ],
)
def test_values_are_the_same_where_hubspot_says_so(name: str, first: str, second: str, same: bool) -> None:
    assert CONTACTS.by_name[name].same(first, second) is same


def test_only_an_enumeration_has_options() -> None:
    values = ["1250.5", "79"]
    for declare in (number, text):
        property = declare("gtm_x", "X", "X.", Origin("t", "x", "rule"))
        assert property.used_options(values) == []
        assert "options" not in property.definition("gtm", values)
    signals = checkboxes("gtm_x", "X", "X.", Origin("t", "x", "rule"), ("late",))
    assert signals.used_options(["late;low", ""]) == ["late", "low"]
    assert [option["value"] for option in signals.definition("gtm", ["low"])["options"]] == ["late", "low"]


def test_an_amount_in_another_currency_comes_with_it_and_with_the_reporting_amount() -> None:
    [desired] = planned([health()], [customer(mrr=Decimal("100"), mrr_reporting=Decimal("108.5"), currency="eur")])
    assert {name: value for name, value in desired.values.items() if "mrr" in name} == {
        "gtm_mrr": "100",
        "gtm_mrr_currency": "EUR",
        "gtm_mrr_reporting": "108.5",
    }


# --- what HubSpot lacks ----------------------------------------------------------------------------------------------

NEW: dict[str, Any] = {"hubspot_contact_id": None}


def test_a_current_customer_without_a_contact_is_planned_with_what_makes_one() -> None:
    people = [
        customer("c1", **NEW, all_emails=["ada@acme.example", "a@acme.example"]),
        customer("c2", **NEW, email=None, all_emails=[]),
        customer("c3", **NEW, customer_status="trial"),
        customer("c4", **NEW, is_customer=False, customer_status="churned"),
        customer("c5", hubspot_contact_id="505"),
    ]
    judged = [health(f"c{n}") for n in range(1, 6)]

    first, last = planned(judged, people, created={"active"})

    assert (first.subject_id, first.object_id, last.object_id) == ("c1", "", "505")
    names = {"email": "ada@acme.example", "firstname": "Ada", "lastname": "Byron"}
    assert first.unmatched == Unmatched((("ada@acme.example", "a@acme.example"),), names)
    assert first.values["gtm_health_score"] == "72"
    assert last.unmatched is None
    assert [record.subject_id for record in planned(judged, people)] == ["c5"]


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("Ada Byron", {"firstname": "Ada", "lastname": "Byron"}),
        ("Ada de la Cruz", {"firstname": "Ada de la", "lastname": "Cruz"}),
        ("Ada", {"firstname": "Ada"}),
        (None, {}),
    ],
)
def test_a_name_is_parted_at_its_last_word(name: str | None, parts: dict[str, str]) -> None:
    [desired] = planned([health()], [customer(**NEW, name=name)], created={"active"})
    assert desired.unmatched
    assert desired.unmatched.created_with == {"email": "ada@acme.example", **parts}


def test_a_shared_inbox_is_nobodys_contact() -> None:
    shared = ["ap@acme.example", "billing@acme.example"]
    people = [
        customer("c1", **NEW, email=shared[0], all_emails=shared),
        customer("c2", **NEW, email=shared[0], all_emails=[*shared, "eve@acme.example"]),
        customer("c3", **NEW, email="ada@acme.example", all_emails=["ada@acme.example", *shared]),
    ]
    desired = planned([health(f"c{n}") for n in range(1, 4)], people, created={"active"})
    assert {record.subject_id: record.unmatched and record.unmatched.by_key for record in desired} == {
        "c2": (("eve@acme.example",),),
        "c3": (("ada@acme.example",),),
    }
    assert desired[0].unmatched
    assert desired[0].unmatched.created_with["email"] == "eve@acme.example"


def test_the_page_at_github_is_that_of_a_developer_with_one_of_the_addresses() -> None:
    pages = {"a@acme.example": "https://github.com/ada", "eve@acme.example": "https://github.com/eve"}
    developers = [{"id": str(n), "email": email.upper(), "github_url": pages[email]} for n, email in enumerate(pages)]
    [desired] = planned([health()], [customer(all_emails=["ada@acme.example", "a@acme.example"])], *developers)
    assert desired.values["github_url"] == "https://github.com/ada"
    assert json.loads(desired.provenance["github_url"])["table"] == "reodev/developers"


def company(id: str, cohort: str | None, record: str | None = None, **more: Any) -> Row:
    names = {"name": f"Company {id}", "domain": f"{id}.example", "aliases": []}
    return {"company_id": id, "customer_cohort": cohort, "hubspot_company_id": record, **names, **more}


def test_companies_without_a_record_are_planned_by_the_policys_cohorts() -> None:
    rows = [
        company("a", IN_MARKET, aliases=["a.test"]),
        company("b", COMPETITOR),
        company("c", None),
        company("d", None, "9"),
        company("e", IN_MARKET, name=None),
    ]
    first, last = plan(COMPANY_TYPE, DAY, {COMPANIES: filled(COMPANIES, *rows)}, {IN_MARKET, CUSTOMER})

    assert (first.subject_id, last.subject_id, last.object_id) == ("a", "d", "9")
    keys = (("a.example",), ("a.test",), ("company a",))
    own = {"name": "Company a", "domain": "a.example", "hs_additional_domains": "a.test"}
    assert first.unmatched == Unmatched(keys, own)
    assert first.values["customer_cohort"] == IN_MARKET
    assert set(last.values.values()) == {""}


def test_the_contacts_of_current_customers_are_linked_with_their_companies() -> None:
    people = [
        customer("c1", company_id="a", hubspot_contact_id="501"),
        customer("c2", company_id="b", **NEW),
        customer("c3", company_id="a", hubspot_contact_id="503", is_customer=False),
        customer("c4", company_id=None, hubspot_contact_id="504"),
    ]
    tables = {
        CUSTOMERS: filled(CUSTOMERS, *people),
        COMPANIES: filled(COMPANIES, company("a", CUSTOMER, "9"), company("b", CUSTOMER)),
        COMPANY_RECORDS: filled(COMPANY_RECORDS, {"company_id": "a", "hubspot_company_ids": ["8", "9"]}),
    }
    rows = company_links(tables).order_by("from_subject").to_pyarrow().to_pylist()
    assert [tuple(row[name] for name in ("from_id", "to_subject", "to_id", "same_ids")) for row in rows] == [
        ("501", "a", "9", ["8", "9"]),
        (None, "b", None, []),
    ]


# --- deals -----------------------------------------------------------------------------------------------------------


def deal(id: str, *, closed: bool = False, won: bool = False) -> Row:
    return {"id": id, "is_closed": closed, "is_won": won}


def linked(deal_id: str, to_type: str, *ids: str) -> Row:
    links = [{"to_id": id} for id in ids]
    return {"from_type": "deals", "from_id": deal_id, "to_type": to_type, "links": links}


def displaced_on_deals(*transitions: Row) -> dict[str, str]:
    tables = {
        deals.TRANSITIONS: transitions,
        deals.COMPANY_RECORDS: [
            {"company_id": "a", "hubspot_company_ids": ["9"], "former_ids": ["z"]},
            {"company_id": "b", "hubspot_company_ids": ["10"]},
        ],
        deals.PEOPLE: [{"customer_id": "c1", "company_id": "a"}],
        deals.LINKS: [{"source": "hubspot", "record_id": "501", "customer_id": "c1"}],
        deals.DEALS: [deal("1"), deal("2", closed=True, won=True), deal("3", closed=True), deal("4"), deal("5")],
        deals.ASSOCIATIONS: [
            linked("1", "companies", "9"),
            linked("2", "contacts", "501"),
            linked("3", "companies", "9"),
            linked("4", "companies", "10"),
            linked("5", "companies", "9", "10"),
        ],
    }
    rows = {name: filled(name, *table) for name, table in tables.items()}
    return {each.object_id: each.values["competitor_displaced"] for each in plan(deals.OBJECT_TYPE, DAY, rows)}


def transition(company_id: str, competitor: str | None, day: int = 20) -> Row:
    return {"company_id": company_id, "competitor_displaced": competitor, "at": date(2026, 11, day)}


def test_the_competitor_that_a_company_left_is_on_its_open_and_won_deals() -> None:
    assert displaced_on_deals(transition("a", "qdrant"), transition("b", None)) == {
        "1": "qdrant",
        "2": "qdrant",
        "5": "qdrant",
    }


def test_of_a_deal_of_two_companies_the_later_displacement_counts() -> None:
    later = displaced_on_deals(transition("a", "qdrant", 18), transition("b", "pinecone", 19))
    assert (later["1"], later["4"], later["5"]) == ("qdrant", "pinecone", "pinecone")


def test_a_displacement_under_a_former_id_of_the_company_counts() -> None:
    assert displaced_on_deals(transition("z", "milvus"))["1"] == "milvus"
