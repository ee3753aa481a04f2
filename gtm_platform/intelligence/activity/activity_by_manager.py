"""`intelligence/activity_by_manager`: what each account manager's customers got, and what the manager logged.

What is with a customer counts for who looks after the customer, an entry in the CRM's log also for who logged it.
"""

import ibis

from gtm_platform.ingest.feeds import read
from gtm_platform.intelligence.activity.activity_events import EMAIL, MEETING, MESSAGE, MISSED_MEETING, OUTREACH
from gtm_platform.intelligence.activity.activity_outcomes import OWNERS
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day, within
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.literals import number
from gtm_platform.policy import Policy
from gtm_platform.policy import policy as current_policy

LOGGED = {"logged_calls": "call", "logged_emails": "email", "logged_meetings": "meeting"}
COUNTS = {
    "customers": "Current customers.",
    "customers_met": "Of them, met in the policy's days.",
    "meetings_held": "Meetings with them that took place.",
    "meetings_missed": "Meetings that the customer missed.",
    "written": "E-mails and messages of theirs.",
    "answered": "Of them, answered.",
    "answered_quickly": "Of those, within the policy's hours.",
    "outreach": "Conversations that we began.",
    **{name: f"Entries of type {kind} in the CRM's log." for name, kind in LOGGED.items()},
}

CONTRACT = Contract(
    {
        "account_manager": Column("string", "The account manager; empty for customers without one.", nullable=False),
        **{name: Column("int64", about, nullable=False) for name, about in COUNTS.items()},
        "median_response_hours": Column("float64", "Half of the answered e-mails and messages were so within."),
        "slow_response_hours": Column("float64", "Nine tenths were."),
    },
    key=("account_manager",),
    about="Activity of the policy's last days by account manager of today; answers may be of anybody of ours.",
    figures={
        "meetings_held": lambda t: t["meetings_held"].sum(),
        "written": lambda t: t["written"].sum(),
        "answered_quickly": lambda t: t["answered_quickly"].sum(),
    },
)


def table(
    events: ibis.Table, profile: ibis.Table, log: ibis.Table, owners: ibis.Table, policy: Policy, day: Day
) -> ibis.Table:
    """Return a row per account manager with a current customer or an entry in the log."""
    rules = policy.activity
    manager = profile["assigned_am"].fill_null("")
    current = profile.filter(profile["is_customer"]).select("customer_id", account_manager=manager).view()
    recent = events.filter(within(events["at"], day, rules.before_days)).join(current, "customer_id")
    written = recent["kind"].isin((EMAIL, MESSAGE))
    answered = written & recent["answered_at"].notnull()
    done = recent.group_by("account_manager").agg(
        customers_met=recent["customer_id"].nunique(where=recent["kind"] == MEETING),
        meetings_held=recent["event_id"].nunique(where=recent["kind"] == MEETING),
        meetings_missed=recent["event_id"].nunique(where=recent["kind"] == MISSED_MEETING),
        written=recent["event_id"].nunique(where=written),
        answered=recent["event_id"].nunique(where=answered),
        answered_quickly=recent["event_id"].nunique(
            where=answered & (recent["response_hours"] <= number(rules.quick_hours))
        ),
        outreach=recent["event_id"].nunique(where=recent["kind"] == OUTREACH),
        median_response_hours=recent["response_hours"].quantile(0.5, where=answered),
        slow_response_hours=recent["response_hours"].quantile(0.9, where=answered),
    )
    looked_after = current.group_by("account_manager").agg(customers=current.count())
    logged = _logged(log, owners, rules.before_days, day)
    names = looked_after.select("account_manager").union(logged.select("account_manager"), distinct=True).view()
    rows = left_join_all(names, [looked_after, done, logged], "account_manager")
    return rows.mutate(**{name: rows[name].fill_null(0) for name in COUNTS})


def _logged(log: ibis.Table, owners: ibis.Table, days: int, day: Day) -> ibis.Table:
    """Return [account_manager, logged_…] of the entries of the last days."""
    assert OWNERS is not None
    names = owners.select(owner_id=read(owners, OWNERS.id), account_manager=read(owners, OWNERS.name))
    rows = log.filter(within(log["happened_at"], day, days)).join(names, "owner_id")
    rows = rows.filter(rows["account_manager"].notnull())
    counts = {name: rows.count(where=rows["type"] == kind) for name, kind in LOGGED.items()}
    return rows.group_by("account_manager").agg(**counts)


TABLE = DailyTable(
    "intelligence/activity_by_manager",
    CONTRACT,
    inputs={
        "events": "intelligence/activity_events",
        "profile": "core/profile",
        "log": "hubspot/engagements",
        "owners": "hubspot/owners",
        "policy": current_policy,
    },
    rule=table,
)
