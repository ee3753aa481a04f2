"""Days of competition and activity that are made again, after later ones were read: they have the same rows."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from gtm_platform.intelligence.activity.assets import TABLES as ACTIVITY
from gtm_platform.intelligence.competition.assets import TABLES as COMPETITION
from gtm_platform.intelligence.forecasts import pipeline_deals
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.market import competitors
from gtm_platform_tests.tables import filled, rows_of

FIRST = date(2026, 2, 10)
DAYS = [FIRST + timedelta(days=number) for number in range(3)]
TABLES = (competitors.TABLE, pipeline_deals.TABLE, *COMPETITION, *ACTIVITY)
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def at(day: date, hour: int = 9) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def use(key: str, competitor: str, seen_on: date) -> dict[str, Any]:
    row = {"use_key": key, "company_name": "Acme", "company_domain": "acme.example", "competitor": competitor}
    return row | {"seen_on": seen_on, "pain_points": ["too expensive"], "quote": f"Leaving {competitor}"}


def talk(name: str, day: date, replied: datetime | None) -> dict[str, Any]:
    row = {"id": name, "contact_id": "u", "contact_ids": ["u"], "author_type": "user", "source_type": "email"}
    return row | {"created_at": at(day), "updated_at": at(day), "first_admin_reply_at": replied}


def deal(day: date, **details: Any) -> dict[str, Any]:
    row = {"id": "7", "pipeline_id": "p", "stage_id": "s", "created_at": at(date(2026, 1, 5)), "owner_id": "1"}
    return row | {"amount": Decimal(900), "currency": "usd", "updated_at": at(day)} | details


LINK = {"from_type": "deals", "from_id": "7", "changed_at": at(FIRST)}
TO = {"type_id": 1, "label": None, "category": None}
OLD = talk("old", FIRST - timedelta(days=20), None)
# By day, what each source has of it: a deal that is lost on the second day, research that comes on the third.
NEWS: Sequence[Rows] = (
    {
        "hubspot/deals": [deal(FIRST)],
        "hubspot/owners": [{"id": "1", "first_name": "Sam", "last_name": "Lee"}],
        "hubspot/associations": [
            {**LINK, "to_type": "companies", "links": [{"to_id": "70", **TO}]},
            {**LINK, "to_type": "contacts", "links": [{"to_id": "71", **TO}]},
        ],
        "competitor_research/competitor_use": [use("u1", "qdrant", FIRST - timedelta(days=30))],
        "intercom/conversations": [OLD],
    },
    {
        "hubspot/deals": [
            deal(DAYS[1], is_closed=True, is_won=False, close_date=at(DAYS[1]), lost_reason="Pinecone is cheaper")
        ],
        "intercom/conversations": [OLD | {"first_admin_reply_at": at(DAYS[1]), "updated_at": at(DAYS[1])}],
    },
    {
        "competitor_research/competitor_use": [use("u2", "milvus", FIRST - timedelta(days=40))],
        "intercom/conversations": [talk("new", DAYS[2], at(DAYS[2], 10))],
    },
)
COMPANY = {"company_id": "c", "name": "Acme", "domain": "acme.example", "domains": ["acme.example"]}
DAILY: Rows = {
    "identity/companies": [COMPANY | {"hubspot_company_ids": ["70"]}],
    "identity/people": [{"customer_id": "k", "company_id": "c"}],
    "identity/links": [
        {"source": source, "record_id": record, "customer_id": "k", "match_method": "alone"}
        for source, record in (("hubspot", "71"), ("intercom", "u"))
    ],
    "core/profile": [{"customer_id": "k", "is_customer": True, "customer_status": "active", "assigned_am": "Sam Lee"}],
    "core/revenue": [{"customer_id": "k", "mrr": Decimal(9)}],
    "cohorts/company_accounts": [{"company_id": "c"}],
}


def land(lake: Lake, day: date) -> None:
    """Write each source's window of the day, with the newest version of all that it has by then."""
    end = at(day, 0) + timedelta(days=1)
    for table in {table for news in NEWS for table in news}:
        contract = contract_of(table)
        newest: dict[Any, Mapping[str, Any]] = {}
        for news in NEWS[: DAYS.index(day) + 1]:
            newest |= {tuple(row[name] for name in contract.key): row for row in news.get(table, ())}
        landed = [{"_window": end, "_extracted_at": end, **row} for row in newest.values()]
        key = f"{day}" if contract.cadence in (24, None) else f"{day}T0000"
        lake.write(table, key, engine().to_pyarrow(filled(table, *landed)).to_reader(), full=True)


def make(lake: Lake, day: date) -> dict[str, list[str]]:
    """Make the tables of a day; return their rows."""
    for table, daily in DAILY.items():
        lake.write(table, f"{day}", engine().to_pyarrow(filled(table, *daily)))
    for each in TABLES:
        assert each.write_day(lake, f"{day}") is not None, each.key
    return {each.key: sorted(map(str, rows_of(lake.partition(each.key, f"{day}")))) for each in TABLES}


def test_days_that_are_made_again_know_nothing_of_those_after_them() -> None:
    lake, at_first = the_lake(), []
    for day in DAYS:
        land(lake, day)
        at_first.append(make(lake, day))
    first, second, third = at_first
    assert [make(lake, day) for day in DAYS] == at_first
    rates = "intelligence/competitor_rates"
    assert [len(day[rates]) for day in at_first] == [2, 3, 4]
    lost = [row for row in rows_of(lake.partition(rates, f"{DAYS[2]}")) if row["lost"]]
    assert {row["competitor"] for row in lost} == {"qdrant", "milvus"}, "what names one afterwards counts for no rate"
    against = [row for row in second["intelligence/competitor_pains"] if "against_us" in row]
    assert len(against) == 2
    assert not [row for row in first["intelligence/competitor_pains"] if "against_us" in row]
    assert first["intelligence/activity_events"] != second["intelligence/activity_events"], "it was answered"
    assert len(third["intelligence/activity_events"]) == 2
    assert [len(day["intelligence/activity_outcomes"]) for day in at_first] == [0, 1, 1]
    assert all(third[key] for key in ("intelligence/activity_by_manager", "intelligence/competitor_usage"))
