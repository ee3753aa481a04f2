"""The tables of the market: whose word counts, which company is meant, and what a signal is worth on a day."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from inspect import signature
from typing import Any

import ibis
import pytest

from gtm_platform.ingest.market_feeds import (
    CompetitorFeed,
    FirmographicFeed,
    OverlapFeed,
    PartnerEntryFeed,
    PartnerFeed,
    ReferralFeed,
    SignalFeed,
    TrafficFeed,
)
from gtm_platform.market import (
    competitors,
    firmographics,
    partner_overlaps,
    partners,
    provider_accuracy,
    signals,
    web_traffic,
)
from gtm_platform.policy import Market, PolicyError, policy
from gtm_platform_tests.tables import DAY, Row, by, computed, days_ago, filled, rows_as_table, rows_of

INSTANT = "timestamp('UTC', 6)"
FACTS = {"domain": "string", "at": INSTANT, "country": "string", "size": "int64"}
FACT_FIELDS: dict[str, Any] = {
    "retrieved_at": "at",
    "company_domain": "domain",
    "country": "country",
    "employee_count": "size",
}
COMPANIES: Sequence[Row] = (
    {"company_id": "acme", "name": "Acme, Inc.", "domains": ["acme.example"], "hubspot_company_ids": ["7"]},
    {"company_id": "twin1", "name": "Twin", "domains": ["twin.example"]},
    {"company_id": "twin2", "name": "Twin GmbH", "domains": ["twin.test"]},
)
Rule = Callable[..., ibis.Table]


def made(rule: Rule, table: str, schema: Mapping[str, str], **rows: Sequence[Row]) -> ibis.Table:
    """What a rule makes of tables of one schema, by their names, and of no other input."""
    inputs: dict[str, Any] = {
        "records": {name: rows_as_table(ibis.schema(schema), each) for name, each in rows.items()},
        "companies": filled("identity/companies", *({"match_method": "domain", **row} for row in COMPANIES)),
        "overlaps": filled("market/partner_overlaps"),
        "policy": policy(),
        "day": DAY,
    }
    return computed(rule, table, **{name: inputs[name] for name in signature(rule).parameters})


SIGNAL = {
    "id": "string",
    "kind": "string",
    "at": INSTANT,
    "ends_at": INSTANT,
    "domain": "string",
    "name": "string",
    "strength": "float64",
    "topics": "array<string>",
    "title": "string",
}


def seen(*rows: Row, **further: Sequence[Row]) -> ibis.Table:
    return made(signals.table, "market/signals", SIGNAL, first=rows, **further)


@pytest.fixture(autouse=True)
def feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sources of signals, of which the first is trusted more."""
    common: dict[str, Any] = {
        "kind": lambda rows: rows["kind"],
        "signal_id": "id",
        "at": "at",
        "ends_at": "ends_at",
        "company_domain": "domain",
        "company_name": "name",
        "strength": "strength",
        "topics": "topics",
        "title": "title",
    }
    two = [SignalFeed("sumble", "first", **common), SignalFeed("reodev", "second", precedence=20, **common)]
    monkeypatch.setattr(signals, "FEEDS", two)


def signal(**row: Any) -> dict[str, Any]:
    return {"id": "1", "kind": "star", "at": days_ago(0), "domain": "https://www.acme.example/jobs", **row}


@pytest.mark.parametrize(
    ("row", "points"),
    [
        (signal(), 2.0),
        (signal(at=days_ago(14)), 1.0),
        (signal(at=days_ago(28)), 0.5),
        (signal(kind="fork"), 4.0),
        (signal(kind="issue"), 6.0),
        (signal(kind="pull_request"), 8.0),
        (signal(kind="job", strength=0.7), 7.0),
        (signal(kind="visit", strength=3, topics=["/blog", "/docs", "/"]), 3.0),
        (signal(kind="visit", strength=3, topics=["/blog", "/Pricing", "/"]), 8.0),
        (signal(kind="visit", strength=3, topics=["www.acme.example/blog", "https://acme.example/pricing"]), 8.0),
        (signal(kind="visit", strength=40), 10.0),
        (signal(kind="listed"), 0.0),
        (signal(kind="job", strength=1, ends_at=days_ago(1)), 0.0),
        (signal(kind="job", strength=1, ends_at=days_ago(-1)), 10.0),
    ],
)
def test_what_a_signal_is_worth(row: Row, points: float) -> None:
    [made_of_it] = rows_of(seen(row, second=[]))
    assert made_of_it["points"] == points
    assert made_of_it["is_active"] is (row.get("ends_at") is None or row["ends_at"] > days_ago(0))


def test_what_comes_after_the_day_is_not_there_yet() -> None:
    assert rows_of(seen(signal(at=days_ago(-1)), second=[])) == []


def test_a_sign_that_two_sources_show_is_one_in_the_words_of_the_first() -> None:
    [row] = rows_of(seen(signal(title="ours"), second=[signal(title="theirs")]))
    assert (row["title"], row["source"], row["sources"]) == ("ours", "sumble", ["reodev", "sumble"])


def test_visits_of_a_day_count_as_the_first_source_has_them() -> None:
    visits = [signal(id=str(nth), kind="visit", strength=1, at=days_ago(nth)) for nth in (0, 1)]
    others = [signal(id=f"other{nth}", kind="visit", strength=9, at=days_ago(nth)) for nth in (0, 2, 3)]
    rows = rows_of(seen(*visits, second=[*others, signal(id="star")]))
    assert sorted(row["signal_id"] for row in rows) == ["0", "1", "other3", "star"]


@pytest.mark.parametrize(
    ("row", "company"),
    [
        ({"domain": "ACME.example"}, "acme"),
        ({"domain": None, "name": "ACME"}, "acme"),
        ({"domain": None, "name": "acme inc"}, "acme"),
        ({"domain": None, "name": "Twin"}, None),
        ({"domain": "nobody.example", "name": "Nobody"}, None),
        ({"domain": "twin.test", "name": "Acme"}, "twin2"),
    ],
)
def test_which_company_is_meant(row: Row, company: str | None) -> None:
    rows = rows_of(seen(signal(**row), second=[]))
    assert [each["company_id"] for each in rows] == ([company] if company else [])


EVIDENCE = {
    "id": "string",
    "domain": "string",
    "product": "string",
    "at": INSTANT,
    "sure": "float64",
    "url": "string",
    "pains": "array<string>",
}


def test_the_use_of_a_competitor_is_one_row_with_all_its_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    common: dict[str, Any] = {
        "competitor": "product",
        "at": "at",
        "evidence_id": "id",
        "company_domain": "domain",
        "confidence": "sure",
        "evidence": "url",
        "pain_points": "pains",
    }
    two = [
        CompetitorFeed("github", "code", channel="github", **common),
        CompetitorFeed("youtube", "videos", channel="youtube", **common),
    ]
    monkeypatch.setattr(competitors, "FEEDS", two)
    piece = {"domain": "acme.example", "at": days_ago(9), "sure": 0.4}
    code = [piece | {"id": "1", "product": "pinecone-client", "url": "https://code.example/1", "pains": ["cost"]}]
    videos = [
        piece | {"id": "1", "product": "Pinecone", "at": days_ago(2), "sure": 0.8, "pains": ["latency", "cost"]},
        piece | {"id": "2", "product": "Qdrant"},
        piece | {"id": "3", "product": "Excel"},
    ]
    rows = by("vector_db", made(competitors.table, "competitor_intel/usage", EVIDENCE, code=code, videos=videos))
    assert set(rows) == {"pinecone", "qdrant"}
    used = rows["pinecone"]
    assert (used["channels"], used["newest_channel"], used["pieces"]) == (["github", "youtube"], "youtube", 2)
    assert (used["first_seen_at"], used["last_seen_at"]) == (days_ago(9), days_ago(2))
    assert (used["confidence"], used["is_certain"], used["pain_points"]) == (0.8, True, ["cost", "latency"])
    assert used["evidence"] == ["https://code.example/1"]
    assert rows["qdrant"]["is_certain"] is False


PARTNER = {
    "domain": "string",
    "status": "string",
    "tier": "string",
    "skills": "array<string>",
    "customer": "string",
    "customer_name": "string",
    "kind": "string",
    "stage": "string",
    "at": INSTANT,
    "amount": "decimal(18, 2)",
    "currency": "string",
    "id": "string",
    "field": "string",
    "value": "string",
}


@pytest.fixture
def partner_feeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A portal, files that are trusted less, and what people enter."""
    stated: dict[str, Any] = {
        "company_domain": "domain",
        "status": "status",
        "tier": "tier",
        "specializations": "skills",
    }
    monkeypatch.setattr(
        partners,
        "PARTNERS",
        [PartnerFeed("files", "files", 20, **stated), PartnerFeed("portal", "portal", 10, **stated)],
    )
    referral = ReferralFeed(
        "files", "referrals", "id", "domain", "customer", "customer_name", "kind", "stage", "at",
        amount="amount", currency="currency",
    )  # fmt: skip
    monkeypatch.setattr(partners, "REFERRALS", [referral])
    entry = PartnerEntryFeed("files", "entries", "id", "field", "value", "at", company_domain="domain")
    monkeypatch.setattr(partners, "ENTRIES", [entry])


DEAL = {"domain": "acme.example", "at": days_ago(9), "currency": "EUR", "amount": Decimal(100)}
BROUGHT: Sequence[Row] = (
    DEAL | {"id": "1", "customer": "a.example", "kind": "referred", "stage": "won"},
    DEAL | {"id": "2", "customer": "a.example", "kind": "implemented", "stage": "live"},
    DEAL | {"id": "3", "customer": "b.example", "kind": "co_sell", "stage": "accepted"},
    DEAL | {"id": "4", "customer": "c.example", "kind": "co_sell", "stage": "lost"},
)
STATED: Row = {"domain": "acme.example", "status": "active", "tier": "Gold", "skills": ["rag"]}


def partnered(entries: Sequence[Row] = (), files: Sequence[Row] = (STATED,)) -> list[dict[str, Any]]:
    portal = [{"domain": "acme.example", "tier": "Silver"}]
    tables = {"files": files, "portal": portal, "referrals": BROUGHT, "entries": entries}
    return rows_of(made(partners.table, "market/partners", PARTNER, **tables))


def entry(field: str, value: str, days: float = 3, **row: Any) -> Row:
    return {"id": "e", "domain": "acme.example", "field": field, "value": value, "at": days_ago(days), **row}


@pytest.mark.usefixtures("partner_feeds")
def test_a_partner_with_what_it_brought() -> None:
    [row] = partnered()
    assert (row["status"], row["tier"], row["source"], row["specializations"]) == (
        "active",
        "silver",
        "portal",
        ["rag"],
    )
    assert (row["customers"], row["customers_referred"], row["customers_implemented"]) == (1, 1, 1)
    assert (row["revenue"], row["open_revenue"]) == (Decimal("218.00"), Decimal("109.00"))


@pytest.mark.usefixtures("partner_feeds")
def test_what_was_entered_by_hand_wins_over_every_source_from_its_day_on() -> None:
    [row] = partnered(
        [
            entry("tier", "platinum", days=9, id="older"),
            entry("tier", "strategic"),
            entry("tier", "registered", days=-1, id="to come"),
            entry("specialisations", "agents; llm_ops"),
            entry("customers_referred", "4"),
            entry("revenue", "1200.50"),
            entry("status", "active", domain="nobody.example"),
        ]
    )
    assert (row["tier"], row["status"], row["specializations"]) == ("strategic", "active", ["agents", "llm_ops"])
    assert (row["customers"], row["customers_referred"], row["customers_implemented"]) == (4, 4, 1)
    assert (row["revenue"], row["open_revenue"]) == (Decimal("1200.50"), Decimal("109.00"))


@pytest.mark.usefixtures("partner_feeds")
def test_only_an_entry_of_the_status_makes_a_partner() -> None:
    assert partnered([entry("tier", "gold")], files=[]) == []
    [row] = partnered([entry("tier", "gold"), entry("status", "onboarding")], files=[])
    assert (row["company_id"], row["status"], row["tier"], row["source"]) == ("acme", "onboarding", "gold", "files")


def test_an_overlap_is_of_two_companies_and_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = OverlapFeed("first", "first", "partner", "theirs", company_domain="domain", company_name="name")
    monkeypatch.setattr(partner_overlaps, "FEEDS", [feed, replace(feed, source="second", table="second")])
    schema = {"domain": "string", "name": "string", "partner": "string", "theirs": "boolean"}
    shared = {"domain": "https://acme.example", "partner": "twin.example"}
    rows = made(
        partner_overlaps.table,
        "market/partner_overlaps",
        schema,
        first=[
            shared | {"theirs": False},
            {"domain": "twin.test", "partner": "twin.example"},
            {"domain": "twin.example", "partner": "twin.example", "theirs": True},
            {"domain": "nobody.example", "partner": "twin.example", "theirs": True},
            {"domain": "acme.example", "partner": "nobody.example", "theirs": True},
        ],
        second=[shared | {"theirs": True}],
    )
    assert sorted(
        (row["company_id"], row["partner_id"], row["is_their_customer"], row["sources"]) for row in rows_of(rows)
    ) == [
        ("acme", "twin1", True, ["first", "second"]),
        ("twin2", "twin1", False, ["first"]),
    ]


def test_each_field_of_a_company_is_that_of_the_source_trusted_most(monkeypatch: pytest.MonkeyPatch) -> None:
    two = [
        FirmographicFeed("crm", "crm", 10, **FACT_FIELDS),
        FirmographicFeed("provider", "provider", 20, **FACT_FIELDS),
    ]
    monkeypatch.setattr(firmographics, "FEEDS", two)
    answer = {"domain": "acme.example", "at": days_ago(5)}
    tables = {
        "crm": [answer | {"country": "Germany"}],
        "provider": [answer | {"country": "France", "size": 90}, answer | {"size": 100, "at": days_ago(1)}],
    }
    [row] = rows_of(made(firmographics.table, "market/firmographics", FACTS, **tables))
    assert (row["country"], row["country_source"]) == ("Germany", "crm")
    assert (row["employee_count"], row["employee_count_source"]) == (100, "provider")
    assert (row["sources"], row["retrieved_at"]) == (["crm", "provider"], days_ago(1))


@pytest.mark.parametrize(
    ("precedence", "mistake"),
    [
        ({"employee_count": ("zoominof", "clay")}, "market.precedence names zoominof; the sources are "),
        ({"employees": ("clay",)}, "market.precedence names employees; the fields are country, industry, "),
    ],
)
def test_a_precedence_of_nothing_is_refused(precedence: dict[str, tuple[str, ...]], mistake: str) -> None:
    rules = policy().model_copy(update={"market": Market(precedence=precedence)})
    with pytest.raises(PolicyError, match=mistake):
        firmographics.table({}, filled("identity/companies"), rules, DAY)


def test_the_sessions_of_a_host_are_counted_by_one_system(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_traffic, "FEEDS", [TrafficFeed("ga4", "first", 30), TrafficFeed("posthog", "second", 40)])
    schema = {
        "date": "date", "host": "string", "source": "string", "medium": "string", "campaign": "string",
        "sessions": "int64", "users": "int64",
    }  # fmt: skip
    visits = {"date": DAY, "host": "www.ours.example", "medium": "(none)", "campaign": "(not set)", "users": 1}
    rows = made(
        web_traffic.table,
        "market/web_traffic",
        schema,
        first=[
            visits | {"source": "(direct)", "sessions": 3},
            visits | {"source": "google", "sessions": 2},
            visits | {"source": "google", "sessions": 7, "date": DAY - timedelta(days=1)},
        ],
        second=[
            visits | {"source": "(direct)", "sessions": 4, "host": "WWW.ours.example"},
            visits | {"source": "(direct)", "sessions": 5, "host": "docs.ours.example"},
        ],
    )
    counted = sorted((row["host"], row["origin"], row["sessions"], row["source"]) for row in rows_of(rows))
    assert counted == [
        ("docs.ours.example", "(direct)", 5, "posthog"),
        ("www.ours.example", "(direct)", 3, "ga4"),
        ("www.ours.example", "google", 2, "ga4"),
    ]


def test_which_source_was_right_how_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two against one are right; of two that differ the one that is trusted more; alone nobody is compared."""
    three = [FirmographicFeed(name, name, rank, **FACT_FIELDS) for rank, name in enumerate(("crm", "one", "two"))]
    monkeypatch.setattr(firmographics, "FEEDS", three)
    acme, twin = {"domain": "acme.example", "at": days_ago(2)}, {"domain": "twin.example", "at": days_ago(2)}
    rows = made(
        provider_accuracy.table,
        "market/provider_accuracy",
        FACTS,
        crm=[acme | {"country": "France", "size": 60}],
        one=[acme | {"country": "Germany", "size": 190}, twin | {"country": "Chile"}],
        two=[acme | {"country": " germany"}, acme | {"country": "Peru", "at": days_ago(9)}, twin | {"country": "Peru"}],
    )
    shares = {(row["source"], row["field"]): (row["answers"], row["compared"], row["right"]) for row in rows_of(rows)}
    assert shares == {
        ("crm", "country"): (1, 1, 0),
        ("one", "country"): (2, 2, 2),
        ("two", "country"): (2, 2, 1),
        ("crm", "employee_count"): (1, 1, 1),
        ("one", "employee_count"): (1, 1, 1),
    }
