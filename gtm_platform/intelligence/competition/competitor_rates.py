"""`intelligence/competitor_rates`: wins, displacements and departures where a competitor is, with intervals.

Rates are of what was known before the outcome: deals of companies that were seen to use the competitor before the deal
was closed, companies that were seen to use it before they came to us, customers who were seen to use it while they were
ours. The row without a competitor has the deals of which none was known.
"""

import ibis

from gtm_platform.ingest.feeds import INSTANT
from gtm_platform.intelligence.competition.competitor_deals import LOST, OPEN, WON
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions import money
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.rates import rate_columns
from gtm_platform.policy import Competition, Policy
from gtm_platform.policy import policy as current_policy

NONE = "none"
COUNTS = {
    "open_deals": "Open deals.",
    "won": "Deals that were won within the policy's days.",
    "lost": "Deals that were lost within them.",
    "won_amount": "What the won deals came to, in minor units of the reporting currency.",
    "lost_amount": "What the lost deals came to.",
    "named_where_won": "Won deals whose reason names it; no part of the rate.",
    "named_where_lost": "Lost deals whose reason names it; no part of the rate.",
    "prospects": "Companies that were seen to use it before they came to us, if they did.",
    "displaced": "Of them, came to us since.",
    "displaced_paying": "Of those, pay now.",
    "displaced_mrr": "What they pay by the month, in minor units of the reporting currency.",
    "exposed": "Companies that were seen to use it while they were customers.",
    "departed": "Of them, left since.",
}
RATES = {
    "win_rate": "won of won and lost",
    "displacement_rate": "displaced of prospects",
    "departure_rate": "departed of exposed",
}


def _rate(about: str) -> Column:
    return Column("float64", about, rule=lambda share: share.between(0, 1))


CONTRACT = Contract(
    {
        "competitor": Column("string", f"The competitor; {NONE}: deals of which none was known.", nullable=False),
        **{name: Column("int64", about, nullable=False) for name, about in COUNTS.items()},
        **{
            f"{name}{end}": _rate(f"{about}{which}.")
            for name, about in RATES.items()
            for end, which in (("", ""), ("_low", ", lower end"), ("_high", ", upper end"))
        },
    },
    key=("competitor",),
    about="How deals and companies go where a competitor is, with intervals by Wilson; association, not effect.",
    figures={
        "won": lambda t: t["won"].sum(where=t["competitor"] != NONE),
        "lost": lambda t: t["lost"].sum(where=t["competitor"] != NONE),
        "displaced": lambda t: t["displaced"].sum(),
    },
)


def table(
    deals: ibis.Table,
    competitor_deals: ibis.Table,
    usage: ibis.Table,
    accounts: ibis.Table,
    people: ibis.Table,
    profile: ibis.Table,
    policy: Policy,
    day: Day,
) -> ibis.Table:
    """Return a row per competitor that was seen anywhere, and one for none."""
    rules = policy.competition
    of_deals = _deals(competitor_deals, rules, day)
    certain = usage.filter(usage["first_certain_at"].notnull()).rename(competitor="vector_db")
    of_companies = _companies(certain, _customers(accounts, people, profile), policy)
    names = of_deals.select("competitor").union(of_companies.select("competitor"), distinct=True).view()
    without = _without(deals, competitor_deals, rules, day)
    rows = left_join_all(names, [of_deals, of_companies], "competitor")
    rows = rows.mutate(**{name: rows[name].fill_null(0).cast("int64") for name in COUNTS})
    rows = rows.select("competitor", *COUNTS).union(without)
    return rows.mutate(
        **rate_columns("win_rate", rows["won"], rows["won"] + rows["lost"], rules.interval),
        **rate_columns("displacement_rate", rows["displaced"], rows["prospects"], rules.interval),
        **rate_columns("departure_rate", rows["departed"], rows["exposed"], rules.interval),
    )


def _recent(closed_on: ibis.Value, rules: Competition, day: Day) -> ibis.ir.BooleanValue:
    age = as_scalar(day).epoch_days() - closed_on.epoch_days()
    recent: ibis.ir.BooleanValue = age.between(0, rules.deal_days - 1).fill_null(False)
    return recent


def _deals(rows: ibis.Table, rules: Competition, day: Day) -> ibis.Table:
    recent = _recent(rows["closed_on"], rules, day)
    won, lost = ((rows["outcome"] == outcome) & recent for outcome in (WON, LOST))
    seen, named = rows["seen_before"], rows["named_in_reason"]
    return rows.group_by("competitor").agg(
        open_deals=rows.count(where=seen & (rows["outcome"] == OPEN)),
        won=rows.count(where=seen & won),
        lost=rows.count(where=seen & lost),
        won_amount=rows["amount"].sum(where=seen & won),
        lost_amount=rows["amount"].sum(where=seen & lost),
        named_where_won=rows.count(where=named & won),
        named_where_lost=rows.count(where=named & lost),
    )


def _without(deals: ibis.Table, rows: ibis.Table, rules: Competition, day: Day) -> ibis.Table:
    """Return the row of the deals of which no competitor was known before their outcome."""
    with_competitor = rows.filter(rows["seen_before"]).select("deal_id").distinct()
    rest = deals.anti_join(with_competitor, "deal_id").view()
    recent = _recent(rest["closed_on"], rules, day)
    won, lost = rest["is_won"] & recent, ~rest["is_won"] & recent
    sums = rest.aggregate(
        open_deals=rest.count(where=rest["closed_on"].isnull()),
        won=rest.count(where=won),
        lost=rest.count(where=lost),
        won_amount=rest["amount"].sum(where=won),
        lost_amount=rest["amount"].sum(where=lost),
    )
    counted = {
        name: sums[name].fill_null(0).cast("int64") if name in sums.columns else ibis.literal(0, "int64")
        for name in COUNTS
    }
    return sums.select(competitor=ibis.literal(NONE), **counted)


def _customers(accounts: ibis.Table, people: ibis.Table, profile: ibis.Table) -> ibis.Table:
    """Return [company_id, came_at, left_at, mrr]: when each company came to us, and left with all its people."""
    members = people.filter(people["company_id"].notnull()).select("customer_id", "company_id")
    dated = members.join(profile.select("customer_id", "customer_since", "churned_at", "is_customer"), "customer_id")
    current = dated["is_customer"].fill_null(False)
    companies = dated.group_by("company_id").agg(
        paid_at=dated["customer_since"].min(), gone_at=dated["churned_at"].max(), stays=current.any()
    )
    rows = left_join_all(
        accounts.select("company_id", "is_signed_up", "signed_up_at", "mrr"), [companies], "company_id"
    )
    paid, signed_up = rows["paid_at"], rows["signed_up_at"]
    came_at = ibis.coalesce(ibis.ifelse(paid < signed_up, paid, signed_up), signed_up, paid)
    stays = rows["stays"].fill_null(False)
    return rows.select(
        "company_id",
        "is_signed_up",
        "mrr",
        came_at=came_at,
        left_at=ibis.ifelse(stays, ibis.null(INSTANT), rows["gone_at"]),
    )


def _companies(certain: ibis.Table, customers: ibis.Table, policy: Policy) -> ibis.Table:
    """Return what became of the companies that use each competitor; one that came at an unknown time is left out."""
    rows = certain.join(customers, "company_id")
    first, last, came, left = (rows[name] for name in ("first_certain_at", "last_seen_at", "came_at", "left_at"))
    never = ~rows["is_signed_up"] & came.isnull()
    displaced = (came > first).fill_null(False)
    # Of a piece of evidence in between only the first and the newest are known.
    stayed = came.notnull() & left.isnull() & (last >= came)
    during = ibis.or_(*(((seen >= came) & (seen <= left)).fill_null(False) for seen in (first, last)))
    mrr = money.minor(rows["mrr"].fill_null(0), ibis.literal(policy.money.reporting_currency))
    pays = displaced & (rows["mrr"] > 0).fill_null(False)
    return rows.group_by("competitor").agg(
        prospects=rows.count(where=never | displaced),
        displaced=rows.count(where=displaced),
        displaced_paying=rows.count(where=pays),
        displaced_mrr=mrr.sum(where=pays),
        exposed=rows.count(where=stayed.fill_null(False) | during),
        departed=rows.count(where=during),
    )


TABLE = DailyTable(
    "intelligence/competitor_rates",
    CONTRACT,
    inputs={
        "deals": "intelligence/pipeline_deals",
        "competitor_deals": "intelligence/competitor_deals",
        "usage": "competitor_intel/usage",
        "accounts": "cohorts/company_accounts",
        "people": "identity/people",
        "profile": "core/profile",
        "policy": current_policy,
    },
    rule=table,
)
