"""`quality/customer_quality`: how complete, how fresh, how surely matched and how valid a customer's data are."""

from collections.abc import Mapping

import ibis

from gtm_platform.identity.person_records import FEEDS
from gtm_platform.ingest.feeds import Measure
from gtm_platform.lake.contracts import Column, Contract, contract_of
from gtm_platform.lake.daily_table import DailyTable, SyncTimes
from gtm_platform.lake.expressions.days import Day, end_of
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.literals import number
from gtm_platform.lake.expressions.rounding import points
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy
from gtm_platform.sources.feeds import usage_feeds

QUALITY = {
    "match_confidence": Column("float64", "Of the customer's least certain link, 0 to 1."),
    "completeness_score": Column("float64", "Share of the fields that are filled, in percent."),
    "data_quality_score": Column("int64", "0 to 100."),
    **{
        feed.sync_column: Column(
            "timestamp('UTC', 6)", f"Until when {feed.source} was read; null if it does not know the customer."
        )
        for feed in FEEDS
    },
}


def _is_share(value: ibis.Value) -> ibis.ir.BooleanValue:
    return value.between(0, 1)


CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        **QUALITY,
        "freshness": Column("float64", "Share of its sources that were read in time.", rule=_is_share),
        "validity": Column("float64", "Share of its records whose newest version is valid.", rule=_is_share),
    },
    key=("customer_id",),
    about="Completeness, freshness, certainty and validity of what is known about each customer.",
    figures={
        "mean_quality": lambda t: t["data_quality_score"].mean(),
        "mean_completeness": lambda t: t["completeness_score"].mean(),
    },
)

# What a complete record has: profile, revenue, activity and relationship. Columns join as their sources come.
FIELDS = {
    "people": ("company_id",),
    "profile": ("name", "company_name", "company_domain", "country", "city", "timezone", "signup_at", "assigned_am"),
    "revenue": (
        *("mrr", "ltv", "currency", "plan_name", "plan_tier"),
        *("plan_price", "subscription_status", "first_paid_at"),
    ),
    "activity": ("last_seen_at", "logins_30d", "onboarding_pct"),
    "pipeline": ("lifecycle_stage", "lead_source"),
}
# Fields that only some sources measure: they count once one of these was read.
MEASURED: Mapping[str, Measure] = {"logins_30d": "logins", "onboarding_pct": "onboarding"}
FIELD_COUNT = sum(map(len, FIELDS.values())) - len(MEASURED)


def table(
    domains: Mapping[str, ibis.Table],
    invalid: ibis.Table,
    synced: ibis.Table,
    cadences: Mapping[str, int],
    policy: Policy,
    day: Day,
) -> ibis.Table:
    """Return a row per customer; `domains` are the tables that FIELDS names."""
    ids = [feed.id_column for feed in FEEDS]
    customers = domains["people"].select("customer_id", "records", "match_confidence", *ids)
    invalid = invalid.group_by("customer_id").agg(invalid=invalid.count())
    customers = left_join_all(customers, [*_filled(domains), invalid])
    customers = customers.mutate(**_syncs(customers, synced))
    customers = customers.mutate(
        completeness_score=_total([customers[f"{name}_filled"].fill_null(0) for name in FIELDS])
        / _field_count(synced)
        * 100,
        freshness=_freshness(customers, cadences, policy.quality.overdue_hours, day),
        validity=1 - customers["invalid"].fill_null(0) / customers["records"],
    )
    return customers.mutate(data_quality_score=_score(customers, policy)).select(*CONTRACT.columns)


def cadences() -> dict[str, int]:
    """Return how often, in hours, each source of people is read."""
    return {feed.source: contract_of(feed.table).cadence or 0 for feed in FEEDS}


def _score(customers: ibis.Table, policy: Policy) -> ibis.ir.IntegerValue:
    weights = policy.quality
    return points(
        number(weights.completeness) * customers["completeness_score"] / 100
        + number(weights.freshness) * customers["freshness"].fill_null(0)
        + number(weights.match) * customers["match_confidence"]
        + number(weights.validity) * customers["validity"]
    )


def _syncs(customers: ibis.Table, synced: ibis.Table) -> dict[str, ibis.Value]:
    """Return when each source was last read, for the customers that it has a record of."""
    never = ibis.null("timestamp('UTC', 6)")
    return {
        feed.sync_column: ibis.ifelse(
            customers[feed.id_column].notnull(),
            synced["synced_at"].max(where=synced["source"] == feed.source).as_scalar(),
            never,
        )
        for feed in FEEDS
    }


def _freshness(customers: ibis.Table, cadences: Mapping[str, int], overdue: int, day: Day) -> ibis.ir.FloatingValue:
    """Return the share of a customer's sources whose last reading is not older than cadence and grace."""
    end = end_of(day).epoch_seconds()
    fresh = [
        (end - customers[feed.sync_column].epoch_seconds() <= (cadences[feed.source] + overdue) * 3600).fill_null(False)
        for feed in FEEDS
    ]
    present = [customers[feed.id_column].notnull() for feed in FEEDS]
    return _count(fresh) / _count(present).nullif(0)


def _field_count(synced: ibis.Table) -> ibis.ir.IntegerValue:
    """Return how many fields some source that was read could fill."""
    sources = [[feed.source for feed in usage_feeds() if feed.measure == measure] for measure in MEASURED.values()]
    was_read = [(synced["source"].isin(names).sum() > 0).fill_null(False).as_scalar() for names in sources if names]
    return _total([ibis.literal(FIELD_COUNT, "int64"), *(each.cast("int64") for each in was_read)])


def _filled(domains: Mapping[str, ibis.Table]) -> list[ibis.Table]:
    """Return of each domain the number of fields filled: counted before they are joined, as a number is light."""
    return [
        domains[name].select("customer_id", **{f"{name}_filled": _count([domains[name][f].notnull() for f in fields])})
        for name, fields in FIELDS.items()
    ]


def _count(flags: list[ibis.ir.BooleanValue]) -> ibis.ir.IntegerValue:
    return _total([flag.cast("int64") for flag in flags])


def _total(numbers: list[ibis.ir.IntegerValue]) -> ibis.ir.IntegerValue:
    return sum(numbers[1:], numbers[0])


TABLE = DailyTable(
    "quality/customer_quality",
    CONTRACT,
    inputs={
        "domains": {
            "people": "identity/people",
            **{name: f"core/{name}" for name in FIELDS if name != "people"},
        },
        "invalid": "identity/invalid_records",
        "synced": SyncTimes(),
        "cadences": cadences,
        "policy": current_policy,
    },
    rule=table,
    in_part=True,
    has_canaries=True,
)
