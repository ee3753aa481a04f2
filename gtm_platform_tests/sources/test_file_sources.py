"""The sources that are read from files: each layout that people have, what a row becomes, and what feeds say of it."""

import dataclasses
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import ibis
import pytest

from gtm_platform.ingest.files.outcome import outcome_of
from gtm_platform.ingest.files.streams import folder_of
from gtm_platform.ingest.market_feeds import CompetitorFeed, PartnerFeed, ReferralFeed, SignalFeed
from gtm_platform.ingest.plan import PartitionWindow
from gtm_platform.ingest.source import Source
from gtm_platform.ingest.stream_sync import StreamSync
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform.sources.competitor_research.source import SOURCE as RESEARCH
from gtm_platform.sources.feeds import market_feeds
from gtm_platform.sources.linkedin_sales_nav.keys import company_key, lead_id, person_key
from gtm_platform.sources.linkedin_sales_nav.source import SOURCE as LINKEDIN
from gtm_platform.sources.partners_csv.source import SOURCE as PARTNERS
from gtm_platform.sources.reodev_export.source import SOURCE as REO
from gtm_platform_tests.ingest.syncing import RULES

NOW = datetime(2026, 3, 5, 10, tzinfo=UTC)
DAY = timedelta(days=1)
Rows = list[dict[str, Any]]
Read = Callable[..., Rows]


@pytest.fixture
def read(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Read:
    """Drop files on a day, sync, and return the rows of a stream, newest version each."""

    def dropping(source: Source, stream: str, now: datetime = NOW, **files: str) -> Rows:
        monkeypatch.setenv("GTM_NOW", now.isoformat())
        settings.cache_clear()
        folder = folder_of(source)
        assert folder is not None
        folder.drop.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            path = folder.drop / f"{name}.csv"
            path.write_text(content)
            os.utime(path, (0, 0))
        end = now.replace(hour=0)
        window = PartitionWindow(f"{end - DAY:%Y-%m-%d}", end - DAY, end)
        for each in source.streams:
            with source.open() as client:
                StreamSync(lake, source, each, RULES, now, "run").sync(client, [window])
        (chosen,) = (each for each in source.streams if each.name == stream)
        table = lake.as_of(source.table(chosen), "9999").to_pyarrow().to_pylist()
        return sorted(table, key=lambda row: row["line"])

    return dropping


def refusals(source: Source) -> list[str]:
    folder = folder_of(source)
    assert folder is not None
    reports = [outcome_of(file).report for file in folder.files("accepted", "read", "refused")]
    return [reason for report in reports for reason in (report.refused, *report.reasons) if reason]


def shown(row: dict[str, Any], *columns: str) -> tuple[Any, ...]:
    return tuple(row[column] for column in columns)


# --- LinkedIn ---------------------------------------------------------------------------------------------------------

TEMPLATE = """\
company_name,website,linkedin_company_url,headquarters,country,industry,employee_count,list_name,owner_email,notes
Acme,https://www.acme.example,https://de.linkedin.com/company/Acme-Example/about?x=1,Austin TX,United States,Software,\
51-200,Tier 1,sam@chroma.example,met at event
"""
ACCOUNT_EXPORT = """\
companyName,companyUrl,companyId,regularCompanyUrl,industry,employeeCountRange,employeesCount,description,isHiring,query
Acme,https://www.linkedin.com/sales/company/1035,1035,https://www.linkedin.com/company/1035,Software,"1,001-5,000",1200,\
"We build, with ""care"" and love",true,"https://x.example/?q=(a,b)"
"""
LEAD_EXPORT = """\
profileUrl,fullName,firstName,lastName,companyName,title,companyId,companyUrl,regularCompanyUrl,summary,industry,\
location,defaultProfileUrl,query
"https://www.linkedin.com/sales/lead/ACwAAB12,NAME_SEARCH,x",Ada Li,Ada,Li,Acme,CTO,1035,\
https://www.linkedin.com/sales/company/1035,https://www.linkedin.com/company/acme,"Two
lines",Software,Berlin,https://www.linkedin.com/in/Ada-Li%C3%A9/,q
"""
CONNECTIONS = """\
Notes:
"When exporting your connection data, some may be missing."

First Name,Last Name,URL,Email Address,Company,Position,Connected On
Ada,Li,https://www.linkedin.com/in/adali,ada@acme.example,Acme,CTO,02 Mar 2026
Bo,Ek,,,Acme,Engineer,01 Mar 2026
"""


def test_accounts_by_our_template(read: Read) -> None:
    [row] = read(LINKEDIN, "accounts", accounts_x=TEMPLATE)
    wanted = ("list_name", "account_key", "domain", "employees_min", "employees_max", "country")
    assert shown(row, *wanted) == ("Tier 1", "company/acme-example", "acme.example", 51, 200, "United States")


def test_accounts_of_export_tools(read: Read) -> None:
    [row] = read(LINKEDIN, "accounts", accounts_Tier_One_20260301=ACCOUNT_EXPORT)
    wanted = ("list_name", "account_key", "linkedin_company_id", "employees_min")
    assert shown(row, *wanted) == ("Tier_One", "company/1035", "1035", 1200)


def test_leads_of_export_tools(read: Read) -> None:
    [row] = read(LINKEDIN, "leads", leads_vp_20260301=LEAD_EXPORT)
    wanted = ("list_name", "lead_key", "sales_nav_id", "linkedin_company_key", "title", "full_name")
    assert shown(row, *wanted) == ("vp", "in/ada-lié", "ACwAAB12", "company/acme", "CTO", "Ada Li")


def test_the_member_export_has_notes_above_its_header(read: Read) -> None:
    rows = read(LINKEDIN, "leads", Connections=CONNECTIONS)
    assert [shown(row, "list_name", "lead_key", "line") for row in rows] == [
        ("Connections", "in/adali", 5),
        ("Connections", "bo ek@acme", 6),
    ]


def test_forms_of_addresses_at_linkedin() -> None:
    assert company_key(None, "linkedin.com/company/Acme/") == "company/acme"
    assert company_key("https://www.linkedin.com/sales/company/1035") == "company/1035"
    person = ("https://www.linkedin.com/sales/lead/ACw,NAME,x", "https://fr.linkedin.com/in/zo%C3%AB?a=b")
    assert person_key(*person) == "in/zoë"
    assert lead_id("https://www.linkedin.com/sales/lead/ACwAAa,NAME_SEARCH,Xy?_ntb=1") == "ACwAAa"
    assert (company_key("https://acme.example"), person_key(None), lead_id("x")) == (None, None, None)


def test_whoever_the_newest_file_of_a_list_lacks_has_left_it(read: Read, lake: Lake) -> None:
    header = "company name;website;list\n"
    read(LINKEDIN, "accounts", one=header + "Acme;acme.example;T\nBeta;beta.example;T\nCasa;casa.example;Other\n")
    read(LINKEDIN, "accounts", now=NOW + DAY, two=header + "Acme;acme.example;T\n")
    (feed,) = (each for each in market_feeds(SignalFeed) if each.source == "linkedin_sales_nav")
    assert feed.rows is not None
    rows = engine().to_pyarrow(feed.rows(lake.as_of(feed.table, "9999"))).to_pylist()
    assert {row["domain"]: row["left_at"] for row in rows} == {
        "acme.example": None,
        "beta.example": NOW + DAY,
        "casa.example": None,
    }


# --- partners ---------------------------------------------------------------------------------------------------------

PARTNER_HEADER = "partner_id,partner_name,partner_domain,partner_type,tier,status,specialisations,regions,joined_on\n"
NORTHWIND = 'P-1,Northwind,HTTPS://www.Northwind.example/,SI,Gold,Active,rag;vector_search,"DE;AT",2025-03-01\n'
SOUTHWIND = ",Southwind,southwind.example,consultancy,silver,paused,,,\n"


def test_partners(read: Read) -> None:
    rows = read(PARTNERS, "partners", partners=PARTNER_HEADER + NORTHWIND + SOUTHWIND)
    wanted = ("partner_key", "partner_domain", "partner_type", "tier", "status", "specialisations", "joined_on")
    assert [shown(row, *wanted) for row in rows] == [
        ("P-1", "northwind.example", "si", "gold", "active", ["rag", "vector_search"], date(2025, 3, 1)),
        ("southwind.example", "southwind.example", "consultancy", "silver", "paused", [], None),
    ]


def test_a_partner_that_a_file_of_all_of_them_lacks_is_inactive(read: Read, lake: Lake) -> None:
    read(PARTNERS, "partners", a_full=PARTNER_HEADER + NORTHWIND + SOUTHWIND)
    read(PARTNERS, "partners", now=NOW + DAY, b=PARTNER_HEADER + SOUTHWIND)
    assert statuses(lake) == {"P-1": "active", "southwind.example": "paused"}
    read(PARTNERS, "partners", now=NOW + 2 * DAY, c_full=PARTNER_HEADER + NORTHWIND)
    assert statuses(lake) == {"P-1": "active", "southwind.example": "inactive"}


def statuses(lake: Lake) -> dict[str, str]:
    (feed,) = (each for each in market_feeds(PartnerFeed) if each.source == "partners_csv")
    assert feed.rows is not None
    rows = engine().to_pyarrow(feed.rows(lake.as_of(feed.table, "9999"))).to_pylist()
    return {row["partner_key"]: row[str(feed.status)] for row in rows}


def test_referrals(read: Read) -> None:
    header = "Partner website;Customer;Customer domain;Engagement;Stage;Submitted;Amount;Currency\n"
    good = "northwind.example;Acme;acme.example;co-sell;In progress;2026-01-10;48000.00;usd\n"
    rows = read(PARTNERS, "referrals", referrals=header + good + good.replace("usd", "").replace("Acme", "B"))
    [row] = rows
    wanted = ("engagement_type", "stage", "submitted_on", "deal_amount", "currency")
    assert shown(row, *wanted) == ("co_sell", "in_progress", date(2026, 1, 10), Decimal(48000), "USD")
    assert refusals(PARTNERS) == ["currency is not written as it should be"]


def test_manual_entries(read: Read) -> None:
    header = "entry_id,partner_domain,field,value,effective_on,entered_by,reason\n"
    line = "M-7,northwind.example,tier,gold,2026-11-01,jane@ours.example,\n"
    rows = read(PARTNERS, "manual_entries", x=header + line)
    assert [shown(row, "entry_id", "field", "value") for row in rows] == [("M-7", "tier", "gold")]


def test_a_manual_entry_says_what_its_field_can_have(read: Read) -> None:
    header = "entry_id,partner_domain,field,value,effective_on,entered_by\n"
    values = (
        ("tier", "Gold"),
        ("tier", "wooden"),
        ("status", "On-boarding"),
        ("customers_referred", "about ten"),
        ("revenue", '"$1,200.50"'),
        ("specialisations", "rag; agents"),
    )
    lines = [
        f"M-{n},northwind.example,{name},{value},2026-11-01,jane@ours.example\n"
        for n, (name, value) in enumerate(values)
    ]
    rows = read(PARTNERS, "manual_entries", x=header + "".join(lines))
    assert [row["value"] for row in rows] == ["gold", "1200.50", "rag; agents"]
    assert refusals(PARTNERS) == [
        "value is none of the words that its field can have",
        "value is not a number such as its field has",
    ]


# --- research, and exports of Reo.dev ---------------------------------------------------------------------------------


def test_research(read: Read) -> None:
    header = "Company,Domain,Competitor,Evidence,Confidence,Pain points,Last seen\n"
    lines = 'Acme,acme.example,Pinecone,https://x.example,80 %,"cost; latency",2026-02-01\nBeta,,Qdrant,,high,,\n'
    rows = read(RESEARCH, "competitor_use", research=header + lines + "Casa,,Milvus,,perhaps,,\n")
    wanted = ("use_key", "competitor", "confidence", "pain_points", "seen_on")
    assert [shown(row, *wanted) for row in rows] == [
        ("acme.example|pinecone", "pinecone", 0.8, ["cost", "latency"], date(2026, 2, 1)),
        ("beta|qdrant", "qdrant", 0.9, [], NOW.date()),
    ]
    assert refusals(RESEARCH) == ["confidence is not a number"]


def test_exports_of_reodev(read: Read) -> None:
    header = "account_domain,developer_name,developer_email,github_username,activity_type,repo,activity_date,"
    header += "activity_info\n"
    star = (
        "acme.example,Dana Dev,Dana@acme.example,https://github.com/danadev,Star,,2026-02-01,https://github.com/a/b\n"
    )
    rows = read(REO, "activities", reodev_activities=header + star + star)
    [row] = rows
    wanted = ("account_domain", "developer_email", "github_username", "activity_type", "repo")
    assert shown(row, *wanted) == ("acme.example", "dana@acme.example", "danadev", "star", "a/b")


@pytest.mark.parametrize("kind", [SignalFeed, CompetitorFeed, PartnerFeed, ReferralFeed])
def test_every_field_of_a_feed_is_in_its_table(kind: type[Any], lake: Lake) -> None:
    sources = {source.name for source in (LINKEDIN, PARTNERS, RESEARCH, REO)}
    feeds = [feed for feed in market_feeds(kind) if feed.source in sources]
    assert feeds
    for feed in feeds:
        table = lake.as_of(feed.table, "9999")
        rows = feed.rows(table) if feed.rows else table
        for field in dataclasses.fields(feed):
            value = getattr(feed, field.name)
            if field.name in ("source", "table", "channel", "precedence", "lead", "rows") or value is None:
                continue
            if field.name != "kind" or callable(value):
                assert isinstance(value(rows) if callable(value) else rows[value], ibis.Value)
