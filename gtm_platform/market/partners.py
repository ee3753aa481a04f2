"""`market/partners`: the companies that partner with us, at which tier, and which customers they brought.

What a person entered about a partner wins over every source, field by field, from the day on that it names.
"""

import ibis

from gtm_platform.ingest.feeds import INSTANT, read
from gtm_platform.ingest.market_feeds import PartnerEntryFeed, PartnerFeed, ReferralFeed
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import Day, end_of
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.literals import NO_TEXTS
from gtm_platform.market.mentioned_companies import Tables, inputs_of, mentions, with_company
from gtm_platform.policy import Policy
from gtm_platform.sources.feeds import market_feeds

PARTNERS, REFERRALS, ENTRIES = market_feeds(PartnerFeed), market_feeds(ReferralFeed), market_feeds(PartnerEntryFeed)
TABLES = dict.fromkeys([feed.table for feeds in (PARTNERS, REFERRALS, ENTRIES) for feed in feeds])
STATED = ("partner_type", "status", "tier", "specializations", "since")
BROUGHT = ("referred", "co_sell", "resold", "influenced")
WON = ("won", "live")
ENTERED = ("status", "tier", "specialisations", "customers_referred", "customers_implemented", "revenue")
FIRST = -1  # of an entry: before the precedence of every source
STATUSES = ("prospect", "onboarding", "active", "paused", "inactive")

CONTRACT = Contract(
    {
        "company_id": Column("string", "The partner.", nullable=False),
        "partner_type": Column("string", "si, consultancy, reseller, technology, cloud, referral or agency."),
        "status": Column("string", ", ".join(STATUSES) + "."),
        "tier": Column("string", "registered, silver, gold, platinum or strategic."),
        "specializations": Column("array<string>", "What it is good at.", nullable=False),
        "since": Column(INSTANT, "When it joined."),
        "source": Column("string", "The first source in precedence that has the partner.", nullable=False),
        "customers": Column("int64", "Customers won that it brought or implemented.", nullable=False),
        "customers_referred": Column("int64", "Of them, referred, sold with us or resold.", nullable=False),
        "customers_implemented": Column("int64", "Of them, implemented.", nullable=False),
        "revenue": Column(money.AMOUNT, "What the deals it won with us come to, in the reporting currency."),
        "open_revenue": Column(money.AMOUNT, "What its open referrals come to, in the reporting currency."),
        "overlaps": Column("int64", "Companies that it and we both have in our books.", nullable=False),
        "introductions": Column("int64", "Of them, its customers, to whom it could introduce us.", nullable=False),
    },
    key=("company_id",),
    about="One row per partner, with what it brought until the end of the day.",
    figures={"active": lambda t: (t["status"] == "active").sum(), "revenue": lambda t: t["revenue"].sum()},
)
COUNTS = ("customers", "customers_referred", "customers_implemented")


def table(records: Tables, companies: ibis.Table, overlaps: ibis.Table, policy: Policy, day: Day) -> ibis.Table:
    """Return a row per partner; each field is as entered, else as the first source that has it."""
    rows = with_company((_stated(feed, records) for feed in PARTNERS), companies)
    rows = rows.filter(rows["since"].isnull() | (rows["since"] < end_of(day)))
    entries = _newest_entries(with_company((_entered(feed, records) for feed in ENTRIES), companies), day)
    rows = ibis.union(rows.select(sorted(rows.columns)), _as_stated(entries).select(sorted(rows.columns)))
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
    joined = left_join_all(
        partners.filter(partners["status"].notnull()), [brought, _shared(overlaps), _figures(entries)], "company_id"
    )
    counts = {name: joined[name].fill_null(0) for name in (*COUNTS, "overlaps", "introductions")}
    joined = joined.mutate(specializations=ibis.coalesce(joined["specializations"], NO_TEXTS), **counts)
    return _corrected(joined)


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


def _entered(feed: PartnerEntryFeed, tables: Tables) -> ibis.Table:
    def columns(rows: ibis.Table) -> dict[str, ibis.Value]:
        return {
            "source": ibis.literal(feed.source),
            "field": read(rows, feed.field).cast("string"),
            "entry": ibis.struct(
                {
                    "at": read(rows, feed.effective_at, INSTANT).cast(INSTANT),
                    "id": read(rows, feed.entry_id).cast("string"),
                    "value": read(rows, feed.value).cast("string"),
                }
            ),
        }

    return mentions(feed, tables, columns)


def _newest_entries(entries: ibis.Table, day: Day) -> ibis.Table:
    """Return a row per company with what was last entered of each field until the end of a day, as text."""
    entries = entries.filter(entries["entry"]["at"] < end_of(day))
    newest = entries.group_by("company_id").agg(
        source=entries["source"].min(),
        **{name: entries["entry"].max(where=entries["field"] == name) for name in ENTERED},
    )
    return newest.select("company_id", "source", **{name: newest[name]["value"] for name in ENTERED})


def _as_stated(entries: ibis.Table) -> ibis.Table:
    skills = ibis.ifelse(
        entries["specialisations"].notnull(), entries["specialisations"].split(";"), ibis.null("array<string>")
    )
    return entries.select(
        "company_id",
        "source",
        "status",
        "tier",
        precedence=ibis.literal(FIRST, "int64"),
        partner_type=ibis.null("string"),
        specializations=skills.map(lambda skill: skill.strip()).filter(lambda skill: skill != ""),
        since=ibis.null(INSTANT),
    )


def _figures(entries: ibis.Table) -> ibis.Table:
    """Return [company_id, entered_…]: the figures that were entered."""
    numbers = {name: entries[name].re_extract(r"^\d+(\.\d+)?$", 0).nullif("") for name in ENTERED[3:]}
    return entries.select(
        "company_id",
        entered_referred=numbers["customers_referred"].cast("int64"),
        entered_implemented=numbers["customers_implemented"].cast("int64"),
        entered_revenue=money.shown(money.exact(numbers["revenue"])),
    )


def _corrected(rows: ibis.Table) -> ibis.Table:
    """Put figures that were entered in the place of those counted; a customer of both kinds stays one."""
    referred = ibis.coalesce(rows["entered_referred"], rows["customers_referred"])
    implemented = ibis.coalesce(rows["entered_implemented"], rows["customers_implemented"])
    of_both = rows["customers_referred"] + rows["customers_implemented"] - rows["customers"]
    return rows.mutate(
        customers_referred=referred,
        customers_implemented=implemented,
        customers=ibis.greatest(referred + implemented - of_both, referred, implemented),
        revenue=ibis.coalesce(rows["entered_revenue"], rows["revenue"]),
    ).drop("entered_referred", "entered_implemented", "entered_revenue")


def _shared(overlaps: ibis.Table) -> ibis.Table:
    """Return [company_id, overlaps, introductions] of partners."""
    return overlaps.group_by(company_id="partner_id").agg(
        overlaps=overlaps.count(), introductions=overlaps["is_their_customer"].sum()
    )


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
    inputs={**inputs_of(*TABLES), "overlaps": "market/partner_overlaps"},
    rule=table,
    per="company",
)
