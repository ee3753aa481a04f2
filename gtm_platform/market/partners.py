"""`market/partners`: the companies that partner with us, at which tier, and which customers they brought."""

import ibis

from gtm_platform.ingest.feeds import INSTANT, read
from gtm_platform.ingest.market_feeds import PartnerFeed, ReferralFeed
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import Day, end_of
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.literals import NO_TEXTS
from gtm_platform.market.mentioned_companies import Tables, inputs_of, mentions, with_company
from gtm_platform.policy import Policy
from gtm_platform.sources.feeds import market_feeds

PARTNERS, REFERRALS = market_feeds(PartnerFeed), market_feeds(ReferralFeed)
TABLES = dict.fromkeys([*(feed.table for feed in PARTNERS), *(feed.table for feed in REFERRALS)])
STATED = ("partner_type", "status", "tier", "specializations", "since")
BROUGHT = ("referred", "co_sell", "resold", "influenced")
WON = ("won", "live")
STATUSES = ("prospect", "onboarding", "active", "paused", "inactive")

CONTRACT = Contract(
    {
        "company_id": Column("string", "The partner.", nullable=False),
        "partner_type": Column("string", "si, consultancy, reseller, technology, cloud, referral or agency."),
        "status": Column("string", ", ".join(STATUSES) + "."),
        "tier": Column("string", "registered, silver, gold, platinum or strategic."),
        "specializations": Column("array<string>", "What it is good at.", nullable=False),
        "since": Column(INSTANT, "When it joined."),
        "source": Column("string", "The first source in precedence that knows the partner.", nullable=False),
        "customers": Column("int64", "Customers won that it brought or implemented.", nullable=False),
        "customers_referred": Column("int64", "Of them, referred, sold with us or resold.", nullable=False),
        "customers_implemented": Column("int64", "Of them, implemented.", nullable=False),
        "revenue": Column(money.AMOUNT, "What the deals it won with us come to, in the reporting currency."),
        "open_revenue": Column(money.AMOUNT, "What its open referrals come to, in the reporting currency."),
    },
    key=("company_id",),
    about="One row per partner, with what it brought until the end of the day.",
    figures={"active": lambda t: (t["status"] == "active").sum(), "revenue": lambda t: t["revenue"].sum()},
)
COUNTS = ("customers", "customers_referred", "customers_implemented")


def table(records: Tables, companies: ibis.Table, policy: Policy, day: Day) -> ibis.Table:
    """Return a row per partner; each field is that of the first source in precedence that has one."""
    rows = with_company((_stated(feed, records) for feed in PARTNERS), companies)
    rows = rows.filter(rows["since"].isnull() | (rows["since"] < end_of(day)))
    partners = rows.group_by("company_id").agg(
        first=ibis.struct({"precedence": rows["precedence"], "source": rows["source"]}).min(),
        **{
            name: ibis.struct({"precedence": rows["precedence"], "value": rows[name]}).min(where=rows[name].notnull())
            for name in STATED
        },
    )
    partners = partners.select(
        "company_id", source=partners["first"]["source"], **{name: partners[name]["value"] for name in STATED}
    )
    brought = _brought(with_company((_referrals(feed, records, policy) for feed in REFERRALS), companies), day)
    joined = left_join_all(partners, [brought], "company_id")
    counts = {name: joined[name].fill_null(0) for name in COUNTS}
    return joined.mutate(specializations=ibis.coalesce(joined["specializations"], NO_TEXTS), **counts)


def _stated(feed: PartnerFeed, tables: Tables) -> ibis.Table:
    def columns(rows: ibis.Table) -> dict[str, ibis.Value]:
        return {
            "precedence": ibis.literal(feed.precedence, "int64"),
            "source": ibis.literal(feed.source),
            "partner_type": read(rows, feed.partner_type).cast("string").lower(),
            "status": read(rows, feed.status).cast("string").lower(),
            "tier": read(rows, feed.tier).cast("string").lower(),
            "specializations": read(rows, feed.specializations, "array<string>").cast("array<string>"),
            "since": read(rows, feed.since, INSTANT).cast(INSTANT),
        }

    return mentions(feed, tables, columns)


def _referrals(feed: ReferralFeed, tables: Tables, policy: Policy) -> ibis.Table:
    def columns(rows: ibis.Table) -> dict[str, ibis.Value]:
        currency = ibis.coalesce(read(rows, feed.currency).cast("string"), policy.money.reporting_currency)
        amount = money.exact(read(rows, feed.amount, "float64"))
        domain = read(rows, feed.customer_domain).cast("string")
        return {
            "customer": ibis.coalesce(domain, read(rows, feed.customer_name).cast("string")).lower(),
            "engagement": read(rows, feed.engagement).cast("string").lower(),
            "stage": read(rows, feed.stage).cast("string").lower(),
            "at": read(rows, feed.at, INSTANT).cast(INSTANT),
            "worth": money.reported(amount, currency, policy.money),
        }

    partner = PartnerFeed(feed.source, feed.table, feed.precedence, company_domain=feed.partner_domain, rows=feed.rows)
    return mentions(partner, tables, columns)


def _brought(referrals: ibis.Table, day: Day) -> ibis.Table:
    past = referrals.filter(referrals["at"].isnull() | (referrals["at"] < end_of(day)))
    won = past["stage"].isin(WON)
    is_open = past["stage"].isin(("submitted", "accepted", "in_progress"))
    return past.group_by("company_id").agg(
        customers=past["customer"].nunique(where=won),
        customers_referred=past["customer"].nunique(where=won & past["engagement"].isin(BROUGHT)),
        customers_implemented=past["customer"].nunique(where=won & (past["engagement"] == "implemented")),
        revenue=money.shown(past["worth"].sum(where=won)),
        open_revenue=money.shown(past["worth"].sum(where=is_open)),
    )


TABLE = DailyTable(
    "market/partners",
    CONTRACT,
    inputs=inputs_of(*TABLES),
    rule=table,
)
