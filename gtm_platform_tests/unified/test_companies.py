"""The wide table of companies: every column that is promised, and those that it works out itself."""

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.ingest.market_feeds import SignalFeed
from gtm_platform.policy import policy
from gtm_platform.sources.feeds import market_feeds
from gtm_platform.unified import companies as unified_companies
from gtm_platform.unified.companies import LEAD_SOURCES
from gtm_platform_tests.tables import DAY, Row, by, computed, days_ago, filled

MISSION = Path(__file__).parents[3] / "shared" / "mission.md"
TABLES = {
    "accounts": "cohorts/company_accounts",
    "cohorts": "cohorts/company_cohorts",
    "firmographics": "market/firmographics",
    "partners": "market/partners",
    "overlaps": "market/partner_overlaps",
}


@pytest.mark.skipif(not MISSION.exists(), reason="the specification is not beside the repository")
def test_every_promised_column() -> None:
    section = MISSION.read_text().split("## 4. `core.unified_companies`")[1].split("## 5.")[0].split("| property")[0]
    listed = section.split("\n\n")[1].replace("people count", "people").replace("cohort columns of §5", "")
    promised = set(re.findall(r"[a-z][a-z0-9_]+", listed)) - {"company_type"}
    assert len(promised) > 35
    assert promised <= set(unified_companies.CONTRACT.columns)
    assert {"company_type", "icp_fit"} <= set(unified_companies.CONTRACT.columns)


SIGNAL: Row = {"first_signal_at": days_ago(9), "first_signal_source": "sumble"}


def wide(*companies: Row, calls: Row | None = None, hubspot: Sequence[Row] = ()) -> dict[str, dict[str, Any]]:
    """The rows of companies whose facts are columns of whatever table has them."""

    def part(table: str) -> Any:
        names = filled(table).columns
        return filled(table, *({k: v for k, v in row.items() if k in names} for row in companies))

    identity = [{"match_method": "domain", "domains": [], **row} for row in companies]
    names = filled("identity/companies").columns
    inputs = {name: part(table) for name, table in TABLES.items()}
    return by(
        "company_id",
        computed(
            unified_companies.table,
            "core/unified_companies",
            companies=filled("identity/companies", *({k: v for k, v in row.items() if k in names} for row in identity)),
            people=filled("identity/people", {"customer_id": "a", "company_id": "c"}),
            calls=filled("core/calls", {"customer_id": "a", **(calls or {})}),
            records={"hubspot/companies": filled("hubspot/companies", *hubspot)},
            policy=policy(),
            day=DAY,
            **inputs,
        ),
    )


def test_aliases_are_the_further_domains() -> None:
    rows = wide({"company_id": "c", "domain": "acme.example", "domains": ["acme.example", "acme.test"]})
    assert (rows["c"]["domain"], rows["c"]["aliases"], rows["c"]["as_of"]) == ("acme.example", ["acme.test"], DAY)


def test_of_several_records_in_hubspot_the_oldest_that_is_live_is_the_companys() -> None:
    ids = {"hubspot_company_ids": ["10", "7", "90"]}  # 7 was merged into another
    rows = wide({"company_id": "c", **ids}, {"company_id": "d"}, hubspot=[{"id": "90"}, {"id": "10"}, {"id": "11"}])
    assert (rows["c"]["hubspot_company_id"], rows["d"]["hubspot_company_id"]) == ("10", None)
    assert rows["c"]["policy_hash"] == policy().hash


@pytest.mark.parametrize(
    ("facts", "potential"),
    [
        ({"mrr": Decimal(1)}, "high"),
        ({"chroma_customer_status": "trial"}, "medium"),
        ({"signal_strength": "strong"}, "medium"),
        ({"signal_strength": "moderate"}, "low"),
        ({}, "low"),
    ],
)
def test_revenue_potential(facts: Row, potential: str) -> None:
    assert wide({"company_id": "c", **facts})["c"]["q1_revenue_potential"] == potential


def test_every_source_of_signals_says_once_what_lead_its_companies_are() -> None:
    declared = {(feed.source, feed.lead) for feed in market_feeds(SignalFeed)}
    assert len(declared) == len({source for source, _ in declared})
    assert {source for source, lead in declared if lead is None} == {"linkedin_sales_nav"}, "a list is no touch"
    assert {lead for _, lead in declared if lead} == {"chroma_signal", "inbound"} < set(LEAD_SOURCES)


@pytest.mark.parametrize(
    ("facts", "lead_source"),
    [
        (
            {"signed_up_at": days_ago(9), "first_signal_at": days_ago(3), "first_signal_source": "sumble"},
            "product_signup",
        ),
        (
            {"signed_up_at": days_ago(3), "first_signal_at": days_ago(9), "first_signal_source": "sumble"},
            "chroma_signal",
        ),
        ({"first_signal_at": days_ago(9), "first_signal_source": "factors"}, "inbound"),
        ({"competitor_first_seen_at": days_ago(9)}, "competitor_research"),
        ({"since": days_ago(9), "source": "partner_files"}, "partner_referral"),
        ({}, None),
    ],
)
def test_the_lead_source_is_the_first_touch_in_time(facts: Row, lead_source: str | None) -> None:
    assert wide({"company_id": "c", **facts})["c"]["lead_source"] == lead_source


@pytest.mark.parametrize(
    ("value", "set_by", "lead_source"),
    [
        ("trade_fair", "CRM_UI", "trade_fair"),
        ("trade_fair", "IMPORT", "trade_fair"),
        ("inbound", "INTEGRATION", "chroma_signal"),  # what we wrote some days before is nobody's word
        ("inbound", None, "chroma_signal"),
        (None, "CRM_UI", "chroma_signal"),
        ("", "CRM_UI", "chroma_signal"),
    ],
)
def test_a_lead_source_that_a_person_set_in_the_crm_wins(
    value: str | None, set_by: str | None, lead_source: str
) -> None:
    record = {"id": "7", "lead_source": value, "lead_source_set_by": set_by}
    rows = wide({"company_id": "c", "hubspot_company_ids": ["5", "7"], **SIGNAL}, hubspot=[{"id": "5"}, record])
    assert (rows["c"]["lead_source"], rows["c"]["hubspot_company_id"]) == (lead_source, "5")


def industry(name: str, paying: int, of: int) -> list[Row]:
    """So many companies of an industry, of which some pay."""
    return [
        {"company_id": f"{name}{n:02}", "industry": name, "mrr": Decimal(10 if n < paying else 0)} for n in range(of)
    ]


def test_who_is_like_those_who_pay_fits() -> None:
    rows = wide(*industry("Software", 8, 10), *industry("retail", 0, 10), {"company_id": "unknown"})
    fits = {id: rows[id]["icp_fit"] for id in ("Software00", "Software09", "retail00", "unknown")}
    assert fits["Software09"] > fits["Software00"] > 0.5 > fits["retail00"]  # a company does not count for itself
    assert fits["unknown"] is None
    share = 8 / 21
    rate = (8 + share * 20) / (9 + 20)
    assert fits["Software09"] == round(rate / (rate + share), 4)


def test_the_fit_is_the_mean_of_what_is_known_and_counts_in_the_priority() -> None:
    small: Row = {"employee_count": 5, "country": "Germany"}
    firms = [{**row, **small} if n % 2 else row for n, row in enumerate(industry("software", 5, 10))]
    rows = wide(*firms, *industry("retail", 0, 4))
    both, alone = rows["software01"], rows["software00"]
    assert 0 < both["icp_fit"] < 1
    assert both["icp_fit"] != alone["icp_fit"]
    nobody = wide(*industry("software", 0, 3))["software00"]
    assert (nobody["icp_fit"], nobody["cohort_priority_score"]) == (None, 0.0)
    fit = rows["retail00"]["icp_fit"]
    assert rows["retail00"]["cohort_priority_score"] == round(fit * 10, 4)


def test_partners_whose_customer_it_is_could_introduce_us() -> None:
    shared = {"company_id": "c", "is_their_customer": True}
    rows = wide(
        {"company_id": "p", "domain": "p.example"},
        {"company_id": "q", "domain": "q.example"},
        {**shared, "partner_id": "q"},
        {**shared, "partner_id": "p"},
        {**shared, "partner_id": "c", "is_their_customer": False},
    )
    assert (rows["c"]["introducers"], rows["p"]["introducers"]) == (["p.example", "q.example"], [])


def test_priority_by_cohort_money_and_signals() -> None:
    rows = wide(
        {
            "company_id": "top",
            "customer_cohort": "cohort_1_current_customer",
            "mrr": Decimal(90),
            "signal_points": 60.0,
        },
        {"company_id": "next", "customer_cohort": "cohort_1_current_customer", "mrr": Decimal(10)},
        {"company_id": "last", "customer_cohort": "cohort_3_competitor"},
        {"company_id": "none"},
    )
    scores = {name: row["cohort_priority_score"] for name, row in rows.items()}
    assert scores == {"top": 100.0, "next": 44.4444, "last": 13.3333, "none": 0.0}


def test_completeness_is_of_what_is_nice_to_have_in_the_cohort() -> None:
    rows = wide({"company_id": "c", "customer_cohort": "cohort_3_competitor", "country": "Germany"})
    assert rows["c"]["completeness_score"] == 25.0
    assert wide({"company_id": "c"})["c"]["completeness_score"] is None


def test_the_notes_are_those_of_the_last_recorded_call() -> None:
    call = {"last_call_summary": "They grow.", "last_call_at": days_ago(3)}
    assert wide({"company_id": "c"}, calls=call)["c"]["engagement_notes"] == "They grow."
