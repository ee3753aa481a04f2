"""From rows to what HubSpot is to hold, and how values travel."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from gtm_platform.delivery.gate import CUSTOMERS, HEALTH
from gtm_platform.delivery.hubspot.object_types.contacts import OBJECT_TYPE as CONTACTS
from gtm_platform.delivery.hubspot.plan import DesiredRecord, plan
from gtm_platform.delivery.hubspot.properties import Origin, checkboxes, number, text, wire, wire_column
from gtm_platform_tests.delivery.rows import DAY, customer, health
from gtm_platform_tests.tables import Row, filled

FORMER = {"c1": False, "c2": None, "c3": True, "c4": True}  # c4 has no health


def planned(judged: Sequence[Row], customers: Sequence[Row]) -> list[DesiredRecord]:
    return plan(CONTACTS, DAY, {HEALTH: filled(HEALTH, *judged), CUSTOMERS: filled(CUSTOMERS, *customers)})


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


def test_only_customers_with_health_and_a_contact_are_planned() -> None:
    contacts = {"c1": "501", "c2": None, "c3": "503", "c4": "", "c5": "505"}
    people = [customer(id, hubspot_contact_id=contact) for id, contact in contacts.items()]
    desired = planned([health(id) for id in ("c4", "c3", "c2", "c1")], people)
    assert [(record.subject_id, record.object_id) for record in desired] == [("c1", "501"), ("c3", "503")]


def test_the_contact_of_a_former_customer_is_cleared_whatever_its_health() -> None:
    people = [customer(id, hubspot_contact_id=f"50{id[1]}", is_customer=now) for id, now in FORMER.items()]
    cleared, also_cleared, current = planned([health("c1"), health("c3")], people)
    assert cleared.object_id == "501"
    assert cleared.values == also_cleared.values == dict.fromkeys(CONTACTS.names, "")
    assert current.values["gtm_health_score"] == "72"


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
    ],
)
def test_values_are_the_same_where_hubspot_says_so(name: str, first: str, second: str, same: bool) -> None:
    assert CONTACTS.by_name[name].same(first, second) is same


def test_only_an_enumeration_has_options() -> None:
    values = ["1250.5", "79"]
    for declare in (number, text):
        property = declare("gtm_x", "X", "X.", Origin("t", "x", "rule"))
        assert property.used_options(values) == []
        assert "options" not in property.definition(values)
    signals = checkboxes("gtm_x", "X", "X.", Origin("t", "x", "rule"), ("late",))
    assert signals.used_options(["late;low", ""]) == ["late", "low"]
    assert [option["value"] for option in signals.definition(["low"])["options"]] == ["late", "low"]


def test_an_amount_in_another_currency_comes_with_it_and_with_the_reporting_amount() -> None:
    [desired] = planned([health()], [customer(mrr=Decimal("100"), mrr_reporting=Decimal("108.5"), currency="eur")])
    assert {name: value for name, value in desired.values.items() if "mrr" in name} == {
        "gtm_mrr": "100",
        "gtm_mrr_currency": "EUR",
        "gtm_mrr_reporting": "108.5",
    }
