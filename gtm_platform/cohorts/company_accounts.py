"""`cohorts/company_accounts`: the people, money and use of each company, and what kind of customer that makes it."""

from collections.abc import Mapping

import ibis

from gtm_platform.core import main_contact
from gtm_platform.identity import normalise
from gtm_platform.ingest.feeds import INSTANT, AccountFeed, read
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import Day, days_since, within
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.literals import number
from gtm_platform.market.mentioned_companies import of_one_company
from gtm_platform.policy import Companies, Policy
from gtm_platform.policy import policy as current_policy
from gtm_platform.sources.feeds import account_feeds, person_feeds

Tables = Mapping[str, ibis.Table]

CUSTOMER_STATUSES = ("active_paid", "trial", "active_free", "dormant")
LEVELS = ("high", "medium", "low")

CONTRACT = Contract(
    {
        "company_id": Column("string", "The company.", nullable=False),
        "people": Column("int64", "People of it in any system.", nullable=False),
        "customers": Column("int64", "Current customers among them.", nullable=False),
        "is_signed_up": Column(
            "boolean", "Somebody signed up, has an account, or has or had a subscription.", nullable=False
        ),
        "mrr": Column(
            money.AMOUNT, "What its current customers pay a month, in the reporting currency.", nullable=False
        ),
        "open_deal_amount": Column(money.AMOUNT, "Sum of the open deals of its people; reporting currency."),
        "won_amount": Column(money.AMOUNT, "Sum of their won deals; reporting currency."),
        "pipeline_stage": Column("string", "Stage of the deal of whoever has the largest open deals."),
        "last_active_at": Column(INSTANT, "When anybody of it last used the product."),
        "chroma_customer_status": Column(
            "string",
            "active_paid, trial, active_free or dormant; null for a company that never signed up.",
            rule=lambda v: v.isin(CUSTOMER_STATUSES),
        ),
        "chroma_instances": Column("int64", "Database instances of its accounts, where the panel counts them."),
        "collections": Column("int64", "Collections of its accounts."),
        "usage_growth_30d": Column("float64", "Queries of 30 days over those of the 30 days before, less 1."),
        "limit_share": Column("float64", "Share of the credits of 30 days that were used, the highest of its people."),
        "chroma_usage_tier": Column("string", "By the names of its plans, the highest."),
        "chroma_expansion_potential": Column("string", ", ".join(LEVELS) + ".", rule=lambda v: v.isin(LEVELS)),
        "lowest_health": Column("int64", "Of its current customers."),
        "mean_health": Column("float64", "Of its current customers, by what they pay; evenly where nobody pays."),
        "active_users": Column("int64", "People seen in 30 days.", nullable=False),
        "single_user": Column("boolean", "Of several seats or people, only one was seen in 30 days.", nullable=False),
        "champion_left": Column(
            "boolean",
            "Its longest customer has no seat any more, or mail comes back, or is silent while a colleague is not.",
            nullable=False,
        ),
        "next_renewal_at": Column(INSTANT, "Nearest end of a period of its current customers."),
        "signed_up_at": Column(INSTANT, "First sign-up of its people."),
    },
    key=("company_id",),
    about="One row per company: people, money and use rolled up, at the end of the day.",
    figures={
        "customers": lambda t: (t["customers"] > 0).sum(),
        "paying": lambda t: (t["mrr"] > 0).sum(),
        "champion_left": lambda t: t["champion_left"].sum(),
    },
)
OF_PROFILE = (
    *("customer_status", "is_customer", "customer_since", "signup_at"),
    *("mail_bounces", "seat_deactivated"),
)
ACCOUNT_IDS = tuple(sorted(feed.id_column for feed in person_feeds() if feed.is_account))
RECORD_IDS = {feed.source: feed.id_column for feed in person_feeds()}
ACCOUNTS = account_feeds()
WINDOW = 30


def table(
    companies: ibis.Table,
    people: ibis.Table,
    domains: Tables,
    accounts: Tables,
    usage: Tables,
    policy: Policy,
    day: Day,
) -> ibis.Table:
    """Return a row per company of identity/companies."""
    rules = policy.companies
    members = people.select("customer_id", "company_id", "shared_inbox", *ACCOUNT_IDS)
    staff = left_join_all(members, _facts(domains))
    staff = staff.filter(staff["company_id"].notnull())
    parts = [_people(staff, rules, day), _contacts(staff, rules), _accounts(accounts, usage, companies, staff, day)]
    rows = left_join_all(companies.select("company_id"), parts, "company_id")
    return _judged(rows, rules, day).select(*CONTRACT.columns)


def _facts(domains: Tables) -> list[ibis.Table]:
    """Return of each domain the columns that count for a company."""
    profile, revenue, activity, pipeline, health = (domains[name] for name in DOMAINS)
    return [
        profile.select("customer_id", *OF_PROFILE),
        revenue.select("customer_id", "mrr_reporting", "plan_name", "current_period_end"),
        activity.select("customer_id", "last_seen_at", "days_since_seen", "credits_remaining", "credits_used_30d"),
        pipeline.select("customer_id", "open_deal_amount", "won_amount", "deal_stage"),
        health.select("customer_id", "health_score"),
    ]


def _people(staff: ibis.Table, rules: Companies, day: Day) -> ibis.Table:
    current = staff["is_customer"].fill_null(False)
    worth = ibis.ifelse(current, staff["mrr_reporting"].fill_null(0), 0)
    signed_up = ibis.or_(
        staff["signup_at"].notnull(),
        (staff["customer_status"] != "prospect").fill_null(False),
        *(staff[name].notnull() for name in ACCOUNT_IDS),
    )
    seen = (staff["days_since_seen"] < WINDOW).fill_null(False)
    used, left = staff["credits_used_30d"].cast("float64"), staff["credits_remaining"].cast("float64")
    granted = used + ibis.greatest(left, number(0))
    deals = {"amount": staff["open_deal_amount"], "customer_id": staff["customer_id"], "stage": staff["deal_stage"]}
    weight = worth.cast("float64")
    scored = staff["health_score"].notnull() & current
    tier = ibis.cases(
        *(
            (staff["plan_name"].re_search(tier.plans), ibis.literal(place, "int64"))
            for place, tier in enumerate(rules.usage_tiers)
        ),
        else_=None,
    )
    return staff.group_by("company_id").agg(
        people=staff.count(),
        customers=current.sum(),
        is_signed_up=signed_up.any(),
        is_trial=(staff["customer_status"] == "trial").any(),
        mrr=money.shown(worth.sum()),
        open_deal_amount=money.shown(staff["open_deal_amount"].sum()),
        won_amount=money.shown(staff["won_amount"].sum()),
        largest=ibis.struct(deals).max(where=staff["open_deal_amount"] > 0),
        seen_at=staff["last_seen_at"].max(),
        limit_share=(used / granted).max(where=granted > 0),
        tier=tier.min(where=current),
        lowest_health=staff["health_score"].min(where=scored),
        weighted=(staff["health_score"] * weight).sum(where=scored),
        weights=weight.sum(where=scored),
        even_health=staff["health_score"].mean(where=scored),
        active_users=seen.sum(),
        next_renewal_at=staff["current_period_end"].min(
            where=current & (days_since(staff["current_period_end"], day) <= 0)
        ),
        signed_up_at=staff["signup_at"].min(),
    )


def _contacts(staff: ibis.Table, rules: Companies) -> ibis.Table:
    """Return [company_id, contact_gone, contact_silent, colleague_seen] of each company with people."""
    leads = staff.group_by("company_id").agg(lead=main_contact.longest_customer(staff))
    rows = staff.join(leads, "company_id")
    is_lead = (rows["customer_id"] == rows["lead"]["customer_id"]).fill_null(False)
    champion = rules.champion_left
    return rows.group_by("company_id").agg(
        contact_gone=(is_lead & main_contact.has_gone(rows, champion)).any(),
        contact_silent=(is_lead & main_contact.is_silent(rows, champion)).any(),
        colleague_seen=(~is_lead & main_contact.is_active(rows["days_since_seen"], champion)).any(),
    )


def _accounts(accounts: Tables, usage: Tables, companies: ibis.Table, staff: ibis.Table, day: Day) -> ibis.Table:
    """Return what the product's panels count of each company: through its people, else by the company's name."""
    by_name = of_one_company(companies).rename(named="company_id")
    owned = [_owned(feed, accounts[feed.source], by_name, staff) for feed in ACCOUNTS]
    used = [_queries(feed, usage[feed.source], day) for feed in ACCOUNTS]
    rows = ibis.union(*(left_join_all(each, [queries], "id") for each, queries in zip(owned, used, strict=True)))
    return rows.group_by("company_id").agg(
        has_account=rows["id"].notnull().any(),
        chroma_instances=rows["instances"].sum(),
        collections=rows["collections"].sum(),
        used_at=rows["last_active_on"].cast(INSTANT).max(),
        recent=rows["recent"].sum().fill_null(0),
        before=rows["before"].sum().fill_null(0),
    )


def _owned(feed: AccountFeed, accounts: ibis.Table, by_name: ibis.Table, staff: ibis.Table) -> ibis.Table:
    """Return the accounts of a panel that belong to a company, each with what is in it."""
    owners = staff.select("company_id", id=RECORD_IDS[feed.source]).filter(lambda t: t["id"].notnull()).distinct()
    rows = accounts.select(
        id=read(accounts, feed.id),
        email=read(accounts, feed.email),
        name=normalise.company_name(read(accounts, feed.company_name)),
        instances=read(accounts, feed.instances, "int64"),
        collections=read(accounts, feed.collections, "int64"),
        last_active_on=read(accounts, feed.last_active_on, "date"),
    )
    rows = rows.left_join(owners, "id")
    rows = rows.left_join(by_name, (rows["name"] == by_name["name"]) & rows["email"].isnull())
    rows = rows.mutate(company_id=ibis.coalesce(rows["company_id"], rows["named"]))
    rows = rows.filter(rows["company_id"].notnull())
    return rows.select("id", "company_id", "instances", "collections", "last_active_on")


def _queries(feed: AccountFeed, usage: ibis.Table, day: Day) -> ibis.Table:
    """Return how many queries each account of a panel made in two windows, one after the other."""
    on_day = read(usage, feed.usage_day, "date").cast(INSTANT)
    recent = within(on_day, day, WINDOW)
    queries = read(usage, feed.queries, "int64")
    return usage.group_by(id=read(usage, feed.usage_account_id)).agg(
        recent=queries.sum(where=recent),
        before=queries.sum(where=within(on_day, day, 2 * WINDOW) & ~recent),
    )


def _judged(rows: ibis.Table, rules: Companies, day: Day) -> ibis.Table:
    growth = (rows["recent"] / rows["before"].cast("float64") - 1).round(9)
    rows = rows.mutate(
        people=rows["people"].fill_null(0),
        customers=rows["customers"].fill_null(0),
        mrr=rows["mrr"].fill_null(0),
        is_signed_up=rows["is_signed_up"].fill_null(False) | rows["has_account"].fill_null(False),
        last_active_at=_later(rows["seen_at"], rows["used_at"]),
        usage_growth_30d=ibis.ifelse(rows["before"] > 0, growth, ibis.null("float64")),
        active_users=rows["active_users"].fill_null(0),
        mean_health=ibis.ifelse(rows["weights"] > 0, rows["weighted"] / rows["weights"], rows["even_health"]).round(9),
        pipeline_stage=rows["largest"]["stage"],
        champion_left=(rows["contact_gone"] | (rows["contact_silent"] & rows["colleague_seen"])).fill_null(False),
    )
    idle = (days_since(rows["last_active_at"], day) > rules.dormant_days).fill_null(True)
    status = ibis.cases(
        (~rows["is_signed_up"], None),
        (idle, "dormant"),
        (rows["mrr"] > 0, "active_paid"),
        (rows["is_trial"], "trial"),
        else_="active_free",
    )
    return rows.mutate(
        chroma_customer_status=status,
        chroma_usage_tier=rows["tier"].cases(*enumerate(tier.name for tier in rules.usage_tiers)),
        chroma_expansion_potential=ibis.ifelse(rows["is_signed_up"], _expansion(rows, rules), ibis.null("string")),
        single_user=(rows["active_users"] == 1) & (rows["people"] > 1) & (rows["customers"] > 0),
    )


def _later(first: ibis.ir.TimestampValue, second: ibis.ir.TimestampValue) -> ibis.ir.TimestampValue:
    """Return the later of two instants, or the one there is: engines disagree on the greatest of one and nothing."""
    later: ibis.ir.TimestampValue = ibis.coalesce(ibis.ifelse(second > first, second, first), second)
    return later


def _expansion(rows: ibis.Table, rules: Companies) -> ibis.ir.StringValue:
    limits = rules.expansion

    def reaches(growth: float, share: float, collections: int) -> ibis.ir.BooleanValue:
        return ibis.or_(
            (rows["usage_growth_30d"] >= number(growth)).fill_null(False),
            (rows["limit_share"] >= number(share)).fill_null(False),
            (rows["collections"] >= collections).fill_null(False),
        )

    high = reaches(limits.high_growth, limits.high_limit_share, limits.high_collections)
    medium = reaches(limits.medium_growth, limits.medium_limit_share, limits.medium_collections)
    return ibis.cases((high, "high"), (medium, "medium"), else_="low")


DOMAINS = {
    "profile": "core/profile",
    "revenue": "core/revenue",
    "activity": "core/activity",
    "pipeline": "core/pipeline",
    "health": "health/customer_health",
}
TABLE = DailyTable(
    "cohorts/company_accounts",
    CONTRACT,
    inputs={
        "companies": "identity/companies",
        "people": "identity/people",
        "domains": DOMAINS,
        "accounts": {feed.source: feed.table for feed in ACCOUNTS},
        "usage": {feed.source: feed.usage for feed in ACCOUNTS},
        "policy": current_policy,
    },
    rule=table,
    per="company",
)
