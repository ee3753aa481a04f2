"""Checks that span rooms: sources against the day, figures of one source against those of another."""

import ibis

from gtm_platform.lake.contracts import TABLES
from gtm_platform.lake.daily_table import SyncTimes
from gtm_platform.lake.day_check import DayCheck
from gtm_platform.lake.expressions.days import Day, end_of
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy


def mrr_differences(differences: ibis.Table, policy: Policy) -> ibis.Table:
    """Return each difference without an accepted cause, with how many of the day have the same cause."""
    unaccepted = differences.filter(differences["cause"].notin(policy.quality.accepted_mrr_differences))
    counted = unaccepted.group_by("cause").mutate(with_this_cause=lambda t: t.count())
    return counted.select(
        "cause", "with_this_cause", "customer_id", "source", "mrr", "currency", "other_source", "other_mrr",
        "other_currency",
    )  # fmt: skip


def overdue_tables(synced: ibis.Table, cadences: dict[str, int], policy: Policy, day: Day) -> ibis.Table:
    """Return source tables last read longer ago than their cadence plus the policy's hours of grace."""
    due = synced["table"].cases(*cadences.items()).cast("int64") + policy.quality.overdue_hours
    age = (end_of(day).epoch_seconds() - synced["synced_at"].epoch_seconds()) / 3600
    late = synced.mutate(hours_old=age, hours_allowed=due)
    return late.filter(late["hours_old"] > late["hours_allowed"]).drop("synced_at")


def overdue_sources(synced: ibis.Table, cadences: dict[str, int], policy: Policy, day: Day) -> ibis.Table:
    """Return sources with overdue tables, these, and how long the oldest has waited."""
    late = overdue_tables(synced, cadences, policy, day)
    return late.group_by("source").agg(
        hours_old=late["hours_old"].max(),
        hours_allowed=late["hours_allowed"].max(),
        tables=late["table"].group_concat(", ", order_by=late["table"]),
    )


def cadences() -> dict[str, int]:
    """Return how often, in hours, each source table is read."""
    return {table: contract.cadence for table, contract in TABLES.items() if contract.cadence}


CHECKS = (
    DayCheck(
        "quality/customer_quality",
        "sources_are_fresh",
        "Every source table was read within its cadence and the policy's grace (quality.overdue_hours).",
        inputs={"synced": SyncTimes(), "cadences": cadences, "policy": current_policy},
        rule=overdue_sources,
        severity="WARN",
    ),
    DayCheck(
        "quality/mrr_differences",
        "mrr_sources_agree",
        "Billing systems and their copies differ on no customer's MRR by more than 1 % and 1 unit, but for causes that "
        "the policy accepts (quality.accepted_mrr_differences).",
        inputs={"differences": "quality/mrr_differences", "policy": current_policy},
        rule=mrr_differences,
        severity="WARN",
    ),
)
