"""Competitors: what counts and what does not, beside an oracle of plain Python, and planted rates."""

import math
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from statistics import NormalDist
from typing import Any

import ibis
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gtm_platform.intelligence.competition import (
    competitor_deals,
    competitor_pains,
    competitor_rates,
    competitor_usage,
)
from gtm_platform.intelligence.competition.checks import deals_are_not_counted
from gtm_platform.lake.expressions.rates import rate_columns
from gtm_platform.policy import policy
from gtm_platform_tests.tables import DAY, by, computed, days_ago, filled, rows_of

Rows = Sequence[dict[str, Any]]
Z = NormalDist().inv_cdf(0.975)


def on(days: int) -> date:
    return DAY - timedelta(days=days)


def deal(deal_id: str, closed: int | None, won: bool = False, **details: Any) -> dict[str, Any]:
    """A deal that was made long ago and closed so many days ago."""
    row = {"as_of": DAY, "deal_id": deal_id, "deal_group": "g", "created_on": on(400), "is_won": won, "amount": 1000}
    return row | {"closed_on": None if closed is None else on(closed)} | details


def use(company: str, competitor: str, first: int, last: int | None = None, **details: Any) -> dict[str, Any]:
    row = {"company_id": company, "vector_db": competitor, "first_seen_at": days_ago(first + 50)}
    return (
        row | {"first_certain_at": days_ago(first), "last_seen_at": days_ago(first if last is None else last)} | details
    )


def linked(pairs: Sequence[tuple[str, str]]) -> Rows:
    """Deals linked with companies; the record of a company is called as the company."""
    links: dict[str, list[str]] = defaultdict(list)
    for deal_id, company in pairs:
        links[deal_id].append(company)
    return [
        {
            "from_type": "deals",
            "from_id": deal_id,
            "to_type": "companies",
            "links": [{"to_id": company, "type_id": 1, "label": None, "category": None} for company in companies],
        }
        for deal_id, companies in links.items()
    ]


def companies(*names: str) -> ibis.Table:
    return filled("identity/companies", *[{"company_id": name, "hubspot_company_ids": [name]} for name in names])


def seen_deals(deals: Rows, uses: Rows, pairs: Sequence[tuple[str, str]], reasons: Rows = ()) -> ibis.Table:
    written = {row["id"]: row for row in reasons}
    records = [{"id": row["deal_id"], "is_won": row["is_won"]} | written.get(row["deal_id"], {}) for row in deals]
    return computed(
        competitor_deals.table,
        "intelligence/competitor_deals",
        deals=filled("intelligence/pipeline_deals", *deals),
        records=filled("hubspot/deals", *records),
        associations=filled("hubspot/associations", *linked(pairs)),
        companies=companies(*sorted({company for _, company in pairs})),
        people=filled("identity/people"),
        links=filled("identity/links"),
        usage=filled("competitor_intel/usage", *uses),
        policy=policy(),
        day=DAY,
    )


def rates_of(deals: Rows, seen: ibis.Table, uses: Rows = (), **tables: Rows) -> ibis.Table:
    return computed(
        competitor_rates.table,
        "intelligence/competitor_rates",
        deals=filled("intelligence/pipeline_deals", *deals),
        competitor_deals=seen,
        usage=filled("competitor_intel/usage", *uses),
        accounts=filled("cohorts/company_accounts", *tables.get("accounts", ())),
        people=filled("identity/people", *tables.get("people", ())),
        profile=filled("core/profile", *tables.get("profile", ())),
        policy=policy(),
        day=DAY,
    )


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """The interval by its definition: the rates from which so many successes are less than z deviations away."""
    share, centre = successes / trials, (successes + Z * Z / 2) / (trials + Z * Z)
    half = Z / (trials + Z * Z) * math.sqrt(trials * share * (1 - share) + Z * Z / 4)
    return centre - half, centre + half


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 400), st.integers(1, 400))
def test_an_interval_is_that_of_wilson(successes: int, trials: int) -> None:
    successes = min(successes, trials)
    counts = ibis.memtable({"won": [successes], "all": [trials]})
    [row] = rows_of(counts.select(**rate_columns("rate", counts["won"], counts["all"], 0.95)))
    low, high = wilson(successes, trials)
    assert (row["rate"], row["rate_low"], row["rate_high"]) == pytest.approx((successes / trials, low, high), abs=1e-12)
    assert 0 <= row["rate_low"] <= row["rate"] <= row["rate_high"] <= 1


def test_only_what_was_seen_before_the_outcome_counts() -> None:
    deals = [deal("before", 10, won=True), deal("same day", 20), deal("after", 30), deal("open", None)]
    deals += [deal("unsure", 10), deal("none", 10)]
    uses = [use(name, "pinecone", 20) for name in ("before", "same day", "after", "open")]
    uses.append(use("unsure", "pinecone", 20, first_certain_at=None))
    pairs = [(row["deal_id"], row["deal_id"]) for row in deals]
    seen = {row["deal_id"]: row["seen_before"] for row in rows_of(seen_deals(deals, uses, pairs))}
    assert seen == {"before": True, "same day": False, "after": False, "open": True}


def test_a_reason_names_a_competitor_and_is_no_part_of_the_rate() -> None:
    deals = [deal("lost", 5), deal("won", 5, won=True), deal("open", None), deal("elasticity", 5)]
    reasons = [
        {"id": "lost", "lost_reason": "They took Pinecone-Client, cheaper"},
        {"id": "won", "won_reason": "left QDRANT"},
        {"id": "open", "lost_reason": "pinecone"},
        {"id": "elasticity", "lost_reason": "elasticity of the budget"},
    ]
    seen = seen_deals(deals, [], [(row["deal_id"], "c") for row in deals], reasons)
    assert {(row["deal_id"], row["competitor"], row["seen_before"]) for row in rows_of(seen)} == {
        ("lost", "pinecone", False),
        ("won", "qdrant", False),
    }
    rates = by("competitor", rates_of(deals, seen))
    assert (rates["pinecone"]["lost"], rates["pinecone"]["named_where_lost"]) == (0, 1)
    assert rates["pinecone"]["win_rate"] is None
    assert (rates["none"]["won"], rates["none"]["lost"]) == (1, 2)


def test_contacts_lead_to_the_company_of_a_deal() -> None:
    seen = computed(
        competitor_deals.table,
        "intelligence/competitor_deals",
        deals=filled("intelligence/pipeline_deals", deal("d", 3)),
        records=filled("hubspot/deals", {"id": "d"}),
        associations=filled(
            "hubspot/associations",
            {
                "from_type": "deals",
                "from_id": "d",
                "to_type": "contacts",
                "links": [{"to_id": "7", "type_id": 3, "label": None, "category": None}],
            },
        ),
        companies=companies("c"),
        people=filled("identity/people", {"customer_id": "p", "company_id": "c"}),
        links=filled("identity/links", {"source": "hubspot", "record_id": "7", "customer_id": "p"}),
        usage=filled("competitor_intel/usage", use("c", "milvus", 9)),
        policy=policy(),
        day=DAY,
    )
    assert [(row["company_id"], row["seen_before"]) for row in rows_of(seen)] == [("c", True)]


def random_world(seed: int, count: int = 600) -> tuple[Rows, Rows, list[tuple[str, str]]]:
    """Deals that are won by a rate of their competitor: Pinecone 20 %, Qdrant 60 %, none 40 %."""
    dice = Random(seed)
    deals, uses, pairs = [], [], []
    for place in range(count):
        competitor = dice.choice(("pinecone", "qdrant", None))
        rate = {"pinecone": 0.2, "qdrant": 0.6, None: 0.4}[competitor]
        closed = dice.choice((None, dice.randrange(1, 900)))
        name = f"{place:04}"
        deals.append(deal(name, closed, won=closed is not None and dice.random() < rate, amount=dice.randrange(9000)))
        pairs.append((name, f"co{name}"))
        if competitor:
            uses.append(use(f"co{name}", competitor, dice.randrange(0, 1200)))
    return deals, uses, pairs


def test_rates_are_those_of_an_oracle_and_planted_ones_lie_in_their_intervals() -> None:
    deals, uses, pairs = random_world(5, 3000)
    seen = seen_deals(deals, uses, pairs)
    rates = by("competitor", rates_of(deals, seen))
    first = {row["company_id"]: (row["vector_db"], row["first_certain_at"].date()) for row in uses}
    expected: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in deals:
        competitor, seen_on = first.get(f"co{row['deal_id']}", ("none", date.min))
        if seen_on >= (row["closed_on"] or DAY + timedelta(days=1)):
            competitor = "none"
        if row["closed_on"] is None:
            expected[competitor][2] += 1
        elif (DAY - row["closed_on"]).days < policy().competition.deal_days:
            expected[competitor][0 if row["is_won"] else 1] += 1
    assert {name: [row["won"], row["lost"], row["open_deals"]] for name, row in rates.items()} == dict(expected)
    for name, planted in (("pinecone", 0.2), ("qdrant", 0.6)):
        assert rates[name]["win_rate_low"] < planted < rates[name]["win_rate_high"]
    assert rates["pinecone"]["win_rate_high"] < rates["qdrant"]["win_rate_low"]
    all_deals = filled("intelligence/pipeline_deals", *deals)
    table = rates_of(deals, seen)
    assert not rows_of(deals_are_not_counted(all_deals, seen, table, policy(), DAY))
    fewer = table.mutate(won=table["won"] + 1)
    assert rows_of(deals_are_not_counted(all_deals, seen, fewer, policy(), DAY))


def test_displacements_and_departures_by_when_a_company_came_and_went() -> None:
    def company(name: str, came: int | None, **account: Any) -> dict[str, Any]:
        signed_up = None if came is None else days_ago(came)
        row = {"company_id": name, "is_signed_up": came is not None, "signed_up_at": signed_up, "mrr": Decimal(0)}
        return row | account

    accounts = [
        company("displaced", 10, mrr=Decimal("12.34")),
        company("never", None),
        company("ours first", 90, mrr=Decimal(5)),
        company("undated", None, is_signed_up=True),
        company("left", 90),
        company("left before", 90),
    ]
    people = [{"customer_id": row["company_id"], "company_id": row["company_id"]} for row in accounts]
    profile = [{"customer_id": "ours first", "is_customer": True}]
    profile += [{"customer_id": "left", "churned_at": days_ago(20)}]
    profile += [{"customer_id": "left before", "churned_at": days_ago(50)}]
    uses = [use(row["company_id"], "weaviate", 40) for row in accounts]
    rates = by(
        "competitor", rates_of([], seen_deals([], [], []), uses, accounts=accounts, people=people, profile=profile)
    )
    row = rates["weaviate"]
    assert (row["prospects"], row["displaced"], row["displaced_paying"], row["displaced_mrr"]) == (2, 1, 1, 1234)
    assert (row["exposed"], row["departed"]) == (2, 1)
    assert (row["displacement_rate_low"], row["displacement_rate_high"]) == pytest.approx(wilson(1, 2))


def used(uses: Rows, accounts: Rows = ()) -> dict[tuple[str, date], dict[str, Any]]:
    table = computed(
        competitor_usage.table,
        "intelligence/competitor_usage",
        usage=filled("competitor_intel/usage", *uses),
        accounts=filled("cohorts/company_accounts", *accounts),
        policy=policy(),
        day=DAY,
    )
    return {(row["competitor"], row["month"]): row for row in rows_of(table)}


def test_use_by_month_is_that_of_an_oracle() -> None:
    dice = Random(3)
    uses = []
    for place in range(200):
        first = dice.randrange(0, 900)
        competitor = dice.choice(("pinecone", "qdrant"))
        uses.append(use(f"c{place}", competitor, first, dice.randrange(0, first + 1)))
        if dice.random() < 0.2:
            uses[-1]["first_certain_at"] = None
    ours = {f"c{place}" for place in range(0, 200, 3)}
    table = used(uses, [{"company_id": name, "is_signed_up": True} for name in ours])
    ends = [DAY]
    for _ in range(policy().competition.months - 1):
        ends.append(ends[-1].replace(day=1) - timedelta(days=1))
    expected = {}
    for until in ends:
        for competitor in ("pinecone", "qdrant"):
            spans = {
                row["company_id"]: (row["first_certain_at"].date(), row["last_seen_at"].date())
                for row in uses
                if row["vector_db"] == competitor and row["first_certain_at"]
            }
            if not any(first <= until for first, _ in spans.values()):
                continue
            now = {
                name
                for name, (first, last) in spans.items()
                if first <= until and (until - last).days < policy().competition.in_use_days
            }
            begins = sum((first.year, first.month) == (until.year, until.month) for first, _ in spans.values())
            expected[competitor, until.replace(day=1)] = (len(now), len(now & ours), begins, until)
    shown = {
        key: tuple(row[name] for name in ("companies", "customers", "first_seen", "until"))
        for key, row in table.items()
    }
    assert shown == expected


RESEARCH = "competitor_research/competitor_use"


def pains_of(research: Rows, deals: Rows = (), seen: Rows = ()) -> Rows:
    records = {feed.table: filled(feed.table) for feed in competitor_pains.FEEDS}
    return rows_of(
        computed(
            competitor_pains.table,
            "intelligence/competitor_pains",
            records=records | {RESEARCH: filled(RESEARCH, *research)},
            companies=filled(
                "identity/companies", {"company_id": "c", "name": "Acme", "domain": "acme.com", "domains": ["acme.com"]}
            ),
            deals=filled("hubspot/deals", *deals),
            competitor_deals=filled("intelligence/competitor_deals", *seen),
            policy=policy(),
            day=DAY,
        )
    )


def researched(key: str, days: int = 3, **details: Any) -> dict[str, Any]:
    row = {"use_key": key, "company_domain": "acme.com", "company_name": "Acme", "competitor": "Pinecone"}
    return row | {"seen_on": days_ago(days), "pain_points": ["Cost"], "confidence": 0.9} | details


def test_pain_points_have_a_safe_link_and_a_short_excerpt() -> None:
    quote = "<script>alert(1)</script>\n\x00 too\tdear " + "x" * 500
    rows = [
        researched("a", evidence_url="https://acme.com/blog?a=1", quote=quote),
        researched("b", evidence_url="javascript:alert(1)", pain_points=["It is slow", "reliability"]),
        researched("unsure", confidence=0.1),
        researched("later", days=-1),
        researched("nobody's", competitor="Excel"),
    ]
    shown = {(row["evidence_id"].partition(":")[2], row["pain"]): row for row in pains_of(rows)}
    assert shown.keys() == {("a", "cost"), ("b", "performance"), ("b", "reliability")}
    first = shown["a", "cost"]
    assert (first["link"], first["company_id"], first["side"]) == ("https://acme.com/blog?a=1", "c", "theirs")
    assert first["excerpt"].startswith("<script>alert(1)</script> too dear x")
    assert len(first["excerpt"]) == policy().competition.excerpt_characters
    assert shown["b", "performance"]["link"] is None


def test_reasons_of_deals_speak_for_and_against_us() -> None:
    at = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
    deals = [
        {"id": "1", "lost_reason": "Too expensive", "close_date": at, "is_won": False},
        {"id": "2", "won_reason": "Their latency", "lost_reason": "ignored", "close_date": at, "is_won": True},
        {"id": "3", "lost_reason": "Went silent", "close_date": at, "is_won": False},
        {"id": "4", "lost_reason": "  ", "close_date": at, "is_won": False},
    ]
    seen = [
        {"deal_id": row["id"], "competitor": "qdrant", "outcome": "won" if row["is_won"] else "lost"}
        | {"seen_before": True, "closed_on": DAY}
        for row in deals
    ]
    assert {(row["evidence_id"], row["side"], row["pain"]) for row in pains_of([], deals, seen)} == {
        ("deal:1", "against_us", "cost"),
        ("deal:2", "for_us", "performance"),
        ("deal:3", "against_us", "other"),
    }


def test_what_comes_after_the_day_changes_nothing() -> None:
    deals, uses, pairs = random_world(8, 200)
    later = [use("new", "milvus", -5), *(use(f"co{place:04}", "milvus", -3) for place in range(200))]
    before = rows_of(seen_deals(deals, uses, pairs))
    after = rows_of(seen_deals(deals, [*uses, *later], [*pairs, ("0001", "new")]))
    assert {row["deal_id"] for row in before}
    key = ("deal_id", "competitor")
    assert sorted(before, key=lambda r: [r[n] for n in key]) == sorted(after, key=lambda r: [r[n] for n in key])
    assert used(uses) == used([*uses, *later])
