"""From rows to what HubSpot is to hold, and how values travel."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from gtm_platform.delivery.gate import CUSTOMERS, HEALTH
from gtm_platform.delivery.hubspot.plan import Desired, plan
from gtm_platform.delivery.hubspot.properties import CHURN_RISK, HEALTH_STATUS, RISK_SIGNALS, Property, wire, wired
from gtm_platform_tests.delivery.rows import DAY, customer, health
from gtm_platform_tests.tables import Row, given


def planned(judged: Sequence[Row], customers: Sequence[Row]) -> list[Desired]:
    return plan(DAY, given(HEALTH, *judged), given(CUSTOMERS, *customers))


def test_a_plan_holds_the_values_and_where_each_came_from() -> None:
    [desired] = planned([health(score=72)], [customer()])

    assert desired.object_id == "501"
    assert desired.values == {
        "gtm_health_score": "72",
        "gtm_health_status": "healthy",
        "gtm_churn_risk": "20",
        "gtm_risk_signals": "payment_delinquent",
        "gtm_mrr": "1250.5",
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
    assert [(one.customer_id, one.object_id) for one in desired] == [("c1", "501"), ("c3", "503")]


def test_what_is_not_known_is_left_and_no_signals_are_cleared() -> None:
    [desired] = planned([health(risk_signals=[])], [customer(mrr=None, mrr_source=None)])
    assert "gtm_mrr" not in desired.values
    assert desired.values["gtm_risk_signals"] == ""


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
        [Decimal("1250.50"), Decimal("1250.5"), Decimal("1250.51"), None, Decimal("NaN")],
        [0.0, -0.0, 0.5, float("nan")],
        [["b", "a"], ["a", "b"], [], None, ["a;b"], ["a", "b"]],
    ],
)
def test_a_column_travels_as_its_values_do(column: list[Any]) -> None:
    assert wired(column) == [wire(value) for value in column]


def test_what_cannot_travel_is_refused() -> None:
    with pytest.raises(TypeError, match="A object cannot be written"):
        wire(object())


@pytest.mark.parametrize(
    ("property", "one", "other", "same"),
    [
        (CHURN_RISK, "72", "72.00", True),
        (CHURN_RISK, "72", "", False),
        (CHURN_RISK, "", "", True),
        (CHURN_RISK, "many", "72", False),
        (RISK_SIGNALS, "a;b", ";b;a", True),
        (RISK_SIGNALS, "a", "a;b", False),
        (HEALTH_STATUS, "at_risk", "At_risk", False),
    ],
)
def test_values_are_the_same_where_hubspot_says_so(property: Property, one: str, other: str, same: bool) -> None:
    assert property.same(one, other) is same
