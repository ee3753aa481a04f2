"""What the platform says of people on each day, against what the sandbox knows to be true; compared by pandas alone."""

from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from gtm_platform.demo.truth_checks import SOURCES
from gtm_platform.sandbox.hubspot.store import BY_PEOPLE
from gtm_platform.unified.customers import CONTRACT
from gtm_platform_tests.e2e.conftest import DAYS, Lived
from gtm_platform_tests.e2e.home import frame

SYSTEMS = list(SOURCES)
EVERY_DAY = pytest.mark.parametrize("day", DAYS, ids=str)


def linked(lived: Lived, day: date) -> pd.DataFrame:
    """Each record of each true person, and the customer that it was given to."""
    true = lived.truth(day).melt("person", SYSTEMS, "source", "record_id").explode("record_id").dropna()
    links = frame(lived.home, "identity/links", str(day))
    return true.merge(links[["source", "record_id", "customer_id"]], "left", ["source", "record_id"])


def side_by_side(lived: Lived, day: date) -> pd.DataFrame:
    """One line per true person: what is true, and what we say of it (`…_ours`)."""
    owners = linked(lived, day)[["person", "customer_id"]].drop_duplicates()
    ours = frame(lived.home, "core/unified_customers", str(day)).add_suffix("_ours")
    known = lived.truth(day).merge(owners, "left", "person")
    return known.merge(ours, "left", left_on="customer_id", right_on="customer_id_ours")


@EVERY_DAY
def test_every_person_is_one_customer_and_every_customer_one_person(lived: Lived, day: date) -> None:
    links = linked(lived, day)
    assert links["customer_id"].notna().all()
    assert links["person"].nunique() == len(lived.truth(day)) > 60
    assert (links.groupby("person")["customer_id"].nunique() == 1).all()
    assert (links.groupby("customer_id")["person"].nunique() == 1).all()


@EVERY_DAY
def test_only_what_went_since_the_last_full_reading_is_still_known(lived: Lived, day: date) -> None:
    known = frame(lived.home, "identity/links", str(day))[["source", "record_id"]]
    ever = pd.concat([linked(lived, then) for then in DAYS if then <= day])[["source", "record_id"]]
    assert set(known.itertuples(index=False, name=None)) <= set(ever.itertuples(index=False, name=None))


@EVERY_DAY
@pytest.mark.parametrize("fact", ["customer_status", "is_customer", "churn_reason"])
def test_who_is_a_customer_is_true_of_everybody(lived: Lived, day: date, fact: str) -> None:
    both = side_by_side(lived, day)
    assert both["is_customer"].sum() > 10
    assert (both["customer_status"] == "churned").sum() > 1
    assert both["customer_status"].nunique() > 2
    assert plain(both[f"{fact}_ours"]) == plain(both[fact])


def plain(column: pd.Series) -> list[object]:
    """The values, None for what is missing."""
    return [None if pd.isna(value) else value for value in column]


@EVERY_DAY
@pytest.mark.parametrize("figure", ["mrr", "ltv"])
def test_amounts_are_exact(lived: Lived, day: date, figure: str) -> None:
    both = side_by_side(lived, day)
    true = [Decimal(amount) for amount in both[figure]]
    assert sum(amount > 0 for amount in true) >= 10
    assert [Decimal(ours or 0) for ours in both[f"{figure}_ours"]] == true


@EVERY_DAY
def test_amounts_are_in_the_right_currency(lived: Lived, day: date) -> None:
    both = side_by_side(lived, day)
    paying = both[[Decimal(amount) > 0 for amount in both["mrr"]]]
    assert paying["currency"].nunique() > 1
    assert paying["currency_ours"].tolist() == paying["currency"].tolist()


@EVERY_DAY
def test_what_customers_owe_and_how_their_subscription_stands_is_true(lived: Lived, day: date) -> None:
    both = side_by_side(lived, day)
    assert both["failed_payments_30d"].sum() > 0
    assert both["failed_payments_30d_ours"].fillna(0).astype(int).tolist() == both["failed_payments_30d"].tolist()
    assert both["delinquent"].any()
    assert [bool(owes) for owes in plain(both["is_delinquent_ours"])] == both["delinquent"].tolist()
    assert both["subscription_status"].nunique() > 2
    assert plain(both["subscription_status_ours"]) == plain(both["subscription_status"])


@EVERY_DAY
@pytest.mark.parametrize("fact", ["mail_bounces", "seat_deactivated"])
def test_who_has_left_the_company_is_known_of_everybody(lived: Lived, day: date, fact: str) -> None:
    both = side_by_side(lived, day)
    assert both[fact].any()
    assert [value is True for value in plain(both[f"{fact}_ours"])] == both[fact].tolist()


@EVERY_DAY
def test_ratings_are_exact(lived: Lived, day: date) -> None:
    both = side_by_side(lived, day)
    rated = both[both["csat_count_90d"] > 0]
    assert len(rated) > 2
    assert rated["csat_avg_90d_ours"].tolist() == rated["csat_avg_90d"].tolist()
    assert both["csat_count_90d_ours"].tolist() == both["csat_count_90d"].tolist()
    assert both.loc[both["csat_count_90d"] == 0, "csat_avg_90d_ours"].isna().all()


@EVERY_DAY
@pytest.mark.parametrize("figure", ["open_critical_tickets", "open_conversations", "conversations_90d"])
def test_support_counts_are_exact(lived: Lived, day: date, figure: str) -> None:
    both = side_by_side(lived, day)
    assert both[figure].sum() > 0
    assert both[f"{figure}_ours"].tolist() == both[figure].tolist()


@EVERY_DAY
@pytest.mark.parametrize(
    "figure",
    ["last_seen_at", "cancel_mentioned_at", "customer_since", "churned_at", "last_call_at", "next_call_at"],
)
def test_moments_are_exact(lived: Lived, day: date, figure: str) -> None:
    both = side_by_side(lived, day)
    true = [datetime.fromisoformat(at) if isinstance(at, str) else None for at in both[figure]]
    assert any(true)
    assert [at if isinstance(at, datetime) and not pd.isna(at) else None for at in both[f"{figure}_ours"]] == true


@EVERY_DAY
@pytest.mark.parametrize("figure", ["booked", "held", "no_show", "cancelled"])
def test_calls_are_exact(lived: Lived, day: date, figure: str) -> None:
    both = side_by_side(lived, day)
    assert both[f"calls_{figure}_90d"].sum() > 0
    assert both[f"calls_{figure}_90d_ours"].tolist() == both[f"calls_{figure}_90d"].tolist()


@EVERY_DAY
def test_how_many_of_their_calls_people_keep_is_exact_and_null_without_any(lived: Lived, day: date) -> None:
    both = side_by_side(lived, day)
    assert both["call_show_rate"].nunique() > 2
    assert both["call_show_rate"].isna().any()
    assert plain(both["call_show_rate_ours"]) == plain(both["call_show_rate"])


@EVERY_DAY
@pytest.mark.parametrize(
    "figure",
    ["logins_7d", "logins_30d", "onboarding_pct", "credits_remaining", "credits_used_30d", "exports_30d"],
)
def test_use_of_the_product_is_exact_and_null_where_nobody_counts_it(lived: Lived, day: date, figure: str) -> None:
    both = side_by_side(lived, day)
    assert both[figure].nunique() > 3
    assert both[figure].isna().any()
    assert plain(both[f"{figure}_ours"]) == plain(both[figure])


@EVERY_DAY
def test_every_column_has_a_value_for_somebody(lived: Lived, day: date) -> None:
    """A column that nobody fills would pass every comparison that treats null as nothing."""
    customers = frame(lived.home, "core/unified_customers", str(day))
    assert set(CONTRACT.columns) == set(customers.columns)
    assert [name for name in CONTRACT.columns if not customers[name].map(is_filled).any()] == []


def is_filled(value: object) -> bool:
    """Whether it says something: not null, and no list or text without contents."""
    return len(value) > 0 if isinstance(value, (str, np.ndarray, list)) else bool(pd.notna(value))


def test_a_lead_source_that_somebody_entered_in_hubspot_stays_and_counts(lived: Lived) -> None:
    entered = {
        id: record.properties["lead_source"]
        for id, record in lived.box.world.hubspot.objects["companies"].items()
        if record.history("lead_source") and record.history("lead_source")[-1].source == BY_PEOPLE
    }
    assert entered
    ours = frame(lived.home, "core/unified_companies", str(DAYS[-1])).set_index("hubspot_company_id")
    assert {id: ours["lead_source"][id] for id in entered} == entered


def test_the_days_differ(lived: Lived) -> None:
    """Else the days after the first would prove nothing."""
    first, last = (lived.truth(day).set_index("person")["last_seen_at"] for day in (DAYS[0], DAYS[-1]))
    moved = pd.concat([first, last], axis=1, keys=["first", "last"]).dropna()
    assert (moved["first"] != moved["last"]).sum() > 5
