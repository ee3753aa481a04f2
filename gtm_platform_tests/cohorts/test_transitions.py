"""The changes of cohorts: each kind once, with its trigger, and nothing where nothing changed."""

from datetime import timedelta
from typing import Any

import pytest

from gtm_platform.cohorts import transitions
from gtm_platform_tests.tables import DAY, Row, computed, filled, rows_of

CUSTOMER, PARTNER = "cohort_1_current_customer", "cohort_4_si_partner"
IN_MARKET, COMPETITOR = "cohort_2_in_market", "cohort_3_competitor"
BEFORE = DAY - timedelta(days=1)


def standing(cohort: str | None, status: str | None = None, **row: Any) -> dict[str, Any]:
    return {"company_id": "c", "customer_cohort": cohort, "chroma_customer_status": status, **row}


def changes(before: list[Row], now: list[Row]) -> list[dict[str, Any]]:
    table = "cohorts/company_cohorts"
    return rows_of(
        computed(
            transitions.table,
            "cohorts/transitions",
            cohorts=filled(table, *({"as_of": DAY, **row} for row in now)),
            before=filled(table, *({"as_of": BEFORE, **row} for row in before)),
            day=DAY,
        )
    )


@pytest.mark.parametrize(
    ("before", "now", "trigger", "displaced"),
    [
        (COMPETITOR, IN_MARKET, "Came into the market", None),
        (None, IN_MARKET, "Came into the market", None),
        (IN_MARKET, CUSTOMER, "In-market converted", "pinecone"),
        (COMPETITOR, CUSTOMER, "Competitor displacement", "pinecone"),
        (None, CUSTOMER, "Signed up", None),
        (PARTNER, CUSTOMER, "Signed up", None),
        (IN_MARKET, PARTNER, "Became a partner", None),
        (COMPETITOR, PARTNER, "Became a partner", None),
        (None, COMPETITOR, "Competitor seen", None),
        (IN_MARKET, COMPETITOR, "Competitor seen", None),
        (IN_MARKET, None, "Nothing speaks for it any more", None),
    ],
)
def test_each_change_has_its_trigger(before: str | None, now: str | None, trigger: str, displaced: str | None) -> None:
    uses = {"current_vector_db": "pinecone", "in_market_signals": ["evaluating"]}
    [change] = changes([standing(before, **uses)], [standing(now, **uses)])
    assert (change["from_cohort"], change["to_cohort"], change["trigger"]) == (before, now, trigger)
    assert (change["at"], change["compared_with"]) == (DAY, BEFORE)
    assert (change["competitor_displaced"], change["evidence"]) == (displaced, ["evaluating", "uses pinecone"])


@pytest.mark.parametrize(
    ("before", "now", "trigger"),
    [("active_paid", "dormant", "Fell dormant"), ("dormant", "active_free", "Came back")],
)
def test_a_customer_that_falls_dormant_or_comes_back_stays_a_customer(before: str, now: str, trigger: str) -> None:
    [change] = changes([standing(CUSTOMER, before)], [standing(CUSTOMER, now)])
    assert (change["from_cohort"], change["to_cohort"], change["trigger"]) == (CUSTOMER, CUSTOMER, trigger)
    assert (change["from_status"], change["to_status"]) == (before, now)


def test_what_stays_is_no_change() -> None:
    same = standing(CUSTOMER, "active_paid")
    assert changes([same, standing(IN_MARKET, company_id="d")], [same, standing(IN_MARKET, company_id="d")]) == []
    assert changes([same], [standing(CUSTOMER, "trial")]) == []


def test_a_new_company_comes_from_no_cohort_and_the_first_day_has_no_change() -> None:
    [change] = changes([standing(None)], [standing(None), standing(COMPETITOR, company_id="new")])
    assert (change["company_id"], change["from_cohort"], change["to_cohort"]) == ("new", None, COMPETITOR)
    assert changes([], [standing(COMPETITOR)]) == []
