"""`core/unified_companies`: everything that is known about a company in one row, and how much it matters to us."""

from collections.abc import Mapping

import ibis

from gtm_platform.cohorts import company_accounts, company_cohorts
from gtm_platform.cohorts.company_cohorts import COMPETITOR, CUSTOMER, IN_MARKET, PARTNER, SIZES
from gtm_platform.cohorts.validation_errors import is_empty
from gtm_platform.ingest.feeds import INSTANT, CompanyFeed, feed_rows, read
from gtm_platform.ingest.market_feeds import SignalFeed
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.literals import NO_TEXTS, number
from gtm_platform.lake.expressions.scores import capped
from gtm_platform.market import firmographics
from gtm_platform.policy import Companies, Policy
from gtm_platform.policy import policy as current_policy
from gtm_platform.sources.feeds import company_feeds, market_feeds
from gtm_platform.unified.fit import fit

LEAD_SOURCES = ("product_signup", "chroma_signal", "inbound", "competitor_research", "partner_referral")
SIGNAL_LEADS = {feed.source: feed.lead for feed in market_feeds(SignalFeed) if feed.lead}
NICE_TO_HAVE: dict[str, tuple[str, ...]] = {
    CUSTOMER: ("chroma_usage_tier", "country", "employee_count", "industry"),
    IN_MARKET: ("use_case_detected", "country", "employee_count", "industry", "linkedin_company_url"),
    COMPETITOR: ("competitor_source_channel", "country", "employee_count", "industry"),
    PARTNER: ("si_partner_tier", "si_specializations", "country"),
}


RECORDS = [feed for feed in company_feeds() if feed.stands_alone]  # of systems in which each company has a record


STATED_LEADS = [feed for feed in RECORDS if feed.lead_source]


def _id_column(feed: CompanyFeed) -> str:
    return f"{feed.source}_company_id"


def _lead_column(feed: CompanyFeed) -> str:
    return f"{feed.source}_lead_source"


ACCOUNT = {
    name: company_accounts.CONTRACT.columns[name]
    for name in (
        "people",
        "customers",
        "pipeline_stage",
        "open_deal_amount",
        "last_active_at",
        "chroma_customer_status",
        "chroma_instances",
        "chroma_usage_tier",
        "chroma_expansion_potential",
        "usage_growth_30d",
        "lowest_health",
        "mean_health",
        "active_users",
        "single_user",
        "champion_left",
        "next_renewal_at",
    )
}
COHORT = {
    name: column
    for name, column in company_cohorts.CONTRACT.columns.items()
    if name not in ("company_id", "as_of", "chroma_customer_status", "first_signal_at", "first_signal_source")
}

CONTRACT = Contract(
    {
        "company_id": Column("string", "The company.", nullable=False),
        "as_of": Column("date", "The day at whose end all of this was so.", nullable=False),
        "name": Column("string", "As identity/companies has it."),
        "domain": Column("string", "The domain that it goes by."),
        "aliases": Column("array<string>", "Its further domains, sorted.", nullable=False),
        **{
            _id_column(feed): Column("string", f"Its record in {feed.source}; of several that are live the oldest.")
            for feed in RECORDS
        },
        **{name: firmographics.CONTRACT.columns[name] for name in firmographics.FIELDS},
        **COHORT,
        "cohort_priority_score": Column(
            "float64",
            "0 to 100 of cohort, money, signals and fit, by the policy; without the fit where it is not known.",
            rule=lambda v: v.between(0, 100),
        ),
        "icp_fit": Column(
            "float64",
            "How often others of its industry, size and country pay, beside all companies: 0 to 1, 0.5 as often.",
            rule=lambda v: v.between(0, 1),
        ),
        "q1_revenue_potential": Column("string", "high, medium or low.", nullable=False),
        "chroma_cloud_mrr": Column(money.AMOUNT, "What it pays a month, in the reporting currency.", nullable=False),
        **ACCOUNT,
        "si_customer_count": Column("int64", "Customers that the partner brought or implemented."),
        "si_revenue_potential": Column(money.AMOUNT, "What its won and open referrals come to, reporting currency."),
        "si_specializations": Column("array<string>", "What the partner is good at.", nullable=False),
        "introducers": Column(
            "array<string>", "Partners, by domain, whose customer it is: who could introduce us.", nullable=False
        ),
        "lead_source": Column(
            "string", f"What a person set in the CRM; else its first touch in time: {', '.join(LEAD_SOURCES)}."
        ),
        "engagement_notes": Column("string", "What the last recorded call with its people was about.", personal=True),
        "completeness_score": Column(
            "float64", "Share of the fields that are filled of those nice to have in its cohort, 0 to 100."
        ),
        "policy_hash": Column("string", "The business rules that the row was made with.", nullable=False),
    },
    key=("company_id",),
    about="One row per company with everything known about it at the end of the day.",
    figures={**SIZES, "chroma_cloud_mrr": lambda t: t["chroma_cloud_mrr"].sum()},
)


def table(
    companies: ibis.Table,
    accounts: ibis.Table,
    cohorts: ibis.Table,
    firmographics: ibis.Table,
    partners: ibis.Table,
    overlaps: ibis.Table,
    people: ibis.Table,
    calls: ibis.Table,
    records: Mapping[str, ibis.Table],
    policy: Policy,
    day: Day,
) -> ibis.Table:
    """Return a row per company of identity/companies."""
    parts = [
        accounts.drop("is_signed_up", "won_amount", "collections", "limit_share"),
        cohorts.drop("as_of", "chroma_customer_status"),
        firmographics.select("company_id", *FIRMOGRAPHIC),
        _partnership(partners),
        _introducers(overlaps, companies),
        _notes(people, calls),
        *(_own_record(feed, feed_rows(feed, records[feed.table]), companies) for feed in RECORDS),
    ]
    rows = left_join_all(companies.select("company_id", "name", "domain", "domains"), parts, "company_id")
    rows = rows.mutate(
        as_of=as_scalar(day),
        policy_hash=ibis.literal(policy.hash),
        aliases=rows["domains"].filter(lambda domain: domain != ibis.coalesce(rows["domain"], "")),
        chroma_cloud_mrr=rows["mrr"],
        si_specializations=ibis.coalesce(rows["si_specializations"], NO_TEXTS),
        introducers=ibis.coalesce(rows["introducers"], NO_TEXTS),
        lead_source=ibis.coalesce(*(rows[_lead_column(feed)] for feed in STATED_LEADS), _first_touch(rows)),
        icp_fit=fit(rows, policy.companies.fit),
        q1_revenue_potential=_potential(rows),
    )
    return rows.mutate(
        cohort_priority_score=_priority(rows, policy.companies), completeness_score=_completeness(rows)
    ).select(*CONTRACT.columns)


FIRMOGRAPHIC = tuple(firmographics.FIELDS)


def _partnership(partners: ibis.Table) -> ibis.Table:
    potential = partners["revenue"].fill_null(0) + partners["open_revenue"].fill_null(0)
    return partners.select(
        "company_id",
        si_customer_count="customers",
        si_revenue_potential=money.shown(potential),
        si_specializations="specializations",
        partner_since="since",
    )


def _introducers(overlaps: ibis.Table, companies: ibis.Table) -> ibis.Table:
    """Return [company_id, introducers]: the domains of partners whose customer the company is."""
    domains = companies.filter(companies["domain"].notnull()).select(partner_id="company_id", partner="domain")
    theirs = overlaps.filter(overlaps["is_their_customer"]).select("company_id", "partner_id")
    rows = theirs.join(domains, "partner_id")
    return rows.group_by("company_id").agg(introducers=rows["partner"].collect(distinct=True).sort())


def _notes(people: ibis.Table, calls: ibis.Table) -> ibis.Table:
    """Return [company_id, engagement_notes]: the summary of the newest call with anybody of the company."""
    rows = people.select("customer_id", "company_id").join(calls, "customer_id")
    rows = rows.filter(
        rows["company_id"].notnull(), rows["last_call_summary"].notnull(), rows["last_call_at"].notnull()
    )
    details = {"at": rows["last_call_at"], "customer_id": rows["customer_id"], "summary": rows["last_call_summary"]}
    newest = rows.group_by("company_id").agg(newest=ibis.struct(details).max())
    return newest.select("company_id", engagement_notes=newest["newest"]["summary"])


def _own_record(feed: CompanyFeed, records: ibis.Table, companies: ibis.Table) -> ibis.Table:
    """Return [company_id, <source>_company_id] and what a person stated there.

    Ids grow with time, so the oldest is the shortest and least.
    """
    owned = companies.select("company_id", id=companies[feed.ids_column].unnest())
    stated = read(records, feed.lead_source).cast("string").nullif("")
    live = records.select(id=read(records, feed.id).cast("string"), stated=stated).distinct()
    rows = owned.join(live, "id")
    oldest = ibis.struct({"length": rows["id"].length(), "id": rows["id"], "stated": rows["stated"]})
    ids = rows.group_by("company_id").agg(oldest=oldest.min(), telling=oldest.min(where=rows["stated"].notnull()))
    columns = {_id_column(feed): ids["oldest"]["id"]}
    if feed in STATED_LEADS:
        columns[_lead_column(feed)] = ids["telling"]["stated"]
    return ids.select("company_id", **columns)


def _first_touch(rows: ibis.Table) -> ibis.ir.StringValue:
    """Return the touch that came first; of several at one instant the first in the order of LEAD_SOURCES."""
    signal = rows["first_signal_source"].cases(*SIGNAL_LEADS.items())
    touches = {
        "product_signup": rows["signed_up_at"],
        "chroma_signal": _when(signal == "chroma_signal", rows["first_signal_at"]),
        "inbound": _when(signal == "inbound", rows["first_signal_at"]),
        "competitor_research": rows["competitor_first_seen_at"],
        "partner_referral": rows["partner_since"],
    }
    never = ibis.literal("9999-01-01").cast(INSTANT)
    moments = {lead: at.fill_null(never) for lead, at in touches.items()}
    earliest = ibis.least(*moments.values())
    return ibis.cases(
        (earliest == never, None), *((moments[lead] == earliest, lead) for lead in LEAD_SOURCES), else_=None
    )


def _when(condition: ibis.ir.BooleanValue, at: ibis.Value) -> ibis.Value:
    return ibis.ifelse(condition.fill_null(False), at, ibis.null(INSTANT))


def _potential(rows: ibis.Table) -> ibis.ir.StringValue:
    promising = (rows["chroma_customer_status"] == "trial") | rows["signal_strength"].isin(("strong", "very_strong"))
    return ibis.cases((rows["mrr"] > 0, "high"), (promising.fill_null(False), "medium"), else_="low")


def _priority(rows: ibis.Table, rules: Companies) -> ibis.ir.FloatingValue:
    """Return 0 to 100: the parts that have data, by their weights; the fit alone may be unknown."""
    weights, ranks = rules.priority, rules.cohort_ranks
    rank = rows["customer_cohort"].cases(
        (CUSTOMER, number(ranks.current_customer)),
        (PARTNER, number(ranks.si_partner)),
        (IN_MARKET, number(ranks.in_market)),
        (COMPETITOR, number(ranks.competitor)),
        else_=number(0),
    )
    amount = ibis.ifelse(rows["mrr"] > 0, rows["mrr"], rows["open_deal_amount"].fill_null(0)).cast("float64")
    window = ibis.window(group_by=amount > 0, order_by=amount)
    worth = ibis.ifelse(amount > 0, ibis.percent_rank().over(window), number(0))
    signals = capped(rows["signal_points"].fill_null(0) / number(weights.full_signal_points))
    total = number(weights.cohort) * rank + number(weights.money) * worth + number(weights.signals) * signals
    weight = number(weights.cohort + weights.money + weights.signals)
    weight = ibis.ifelse(rows["icp_fit"].notnull(), weight + number(weights.fit), weight)
    total += number(weights.fit) * rows["icp_fit"].fill_null(0.0)
    return (total / weight * 100).round(4)


def _completeness(rows: ibis.Table) -> ibis.ir.FloatingValue:
    return rows["customer_cohort"].cases(
        *((cohort, _filled_share(rows, fields)) for cohort, fields in NICE_TO_HAVE.items()), else_=ibis.null("float64")
    )


def _filled_share(rows: ibis.Table, fields: tuple[str, ...]) -> ibis.ir.FloatingValue:
    filled = [ibis.ifelse(is_empty(rows[name]), 0, 1) for name in fields]
    total = filled[0]
    for value in filled[1:]:
        total = total + value
    return (total / number(len(fields)) * 100).round(2)


TABLE = DailyTable(
    "core/unified_companies",
    CONTRACT,
    inputs={
        "companies": "identity/companies",
        "accounts": "cohorts/company_accounts",
        "cohorts": "cohorts/company_cohorts",
        "firmographics": "market/firmographics",
        "partners": "market/partners",
        "overlaps": "market/partner_overlaps",
        "people": "identity/people",
        "calls": "core/calls",
        "records": {feed.table: feed.table for feed in RECORDS},
        "policy": current_policy,
    },
    rule=table,
    per="company",
    judged_by_all=("cohort_priority_score", "icp_fit"),
    group="unified",
)
