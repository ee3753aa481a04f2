"""`intelligence/activity_outcomes`: what came of deals and customers, beside what was done in the days before.

Activity is of the days before an outcome, and before the time in which it is decided: a deal's before the day it was
closed, and not before it was made; of a stage and of a renewal before the day from which on it is watched.
"""

import ibis

from gtm_platform.identity.person_records import FEEDS
from gtm_platform.ingest.feeds import read
from gtm_platform.intelligence.activity.activity_events import (
    CALL,
    EMAIL,
    LOGGED_CALL,
    MEETING,
    MESSAGE,
    MISSED_MEETING,
    OUTREACH,
    SENT_EMAIL,
)
from gtm_platform.intelligence.activity.logged import deal_contacts
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, DaysAgo
from gtm_platform.lake.expressions.days import Day, as_scalar
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.literals import number
from gtm_platform.policy import ActivityRules, Policy
from gtm_platform.policy import policy as current_policy

DEAL, STAGE, RENEWAL = OUTCOMES = ("deal_won", "stage_moved", "renewed")
OWNERS = next(feed.owners for feed in FEEDS if feed.owners and feed.owners.table == "hubspot/owners")
LEAVING = "leaving"
STAGE_DAYS, RENEWAL_DAYS = 30, 90  # that a deal and a customer are watched for
COUNTS = {
    "meetings_held": (MEETING,),
    "meetings_missed": (MISSED_MEETING,),
    "calls_recorded": (CALL,),
    "emails": (EMAIL,),
    "messages": (MESSAGE,),
    "outreach": (OUTREACH,),
    "calls_logged": (LOGGED_CALL,),
    "emails_sent": (SENT_EMAIL,),
}

CONTRACT = Contract(
    {
        "outcome": Column("string", ", ".join(OUTCOMES) + ".", nullable=False, rule=lambda v: v.isin(OUTCOMES)),
        "subject_id": Column("string", "The deal, or the customer.", nullable=False),
        "is_good": Column("boolean", "Won; moved on or won; still pays.", nullable=False),
        "decided_from": Column("date", "From this day on nothing that is done counts any more.", nullable=False),
        "account_manager": Column("string", "Who owns the deal, or looked after the customer then; else now."),
        "stage": Column("string", "Stage of the deal, or status of the customer, then."),
        **{
            name: Column("int64", f"{kinds[0]}: so many in the days before.", nullable=False)
            for name, kinds in COUNTS.items()
        },
        "quick_answers": Column("int64", "E-mails and messages of it that were answered quickly.", nullable=False),
        "slow_answers": Column("int64", "Those that were answered later, or not.", nullable=False),
    },
    key=("outcome", "subject_id"),
    about="Deals with a contact that were closed, or open and moved on or not, customers who stayed or left, with "
    "what was done before; association, and no effect.",
    figures={
        "outcomes": lambda t: t.count(),
        "good": lambda t: t["is_good"].sum(),
    },
)
OUTCOME = ("outcome", "subject_id", "is_good", "decided_from", "begins", "account_manager", "stage")


def table(
    deals: ibis.Table,
    deals_before: ibis.Table,
    records: ibis.Table,
    owners: ibis.Table,
    stages: ibis.Table,
    associations: ibis.Table,
    links: ibis.Table,
    revenue: ibis.Table,
    revenue_before: ibis.Table,
    profile: ibis.Table,
    profile_before: ibis.Table,
    events: ibis.Table,
    policy: Policy,
    day: Day,
) -> ibis.Table:
    """Return a row per outcome."""
    rules = policy.activity
    facts = _facts(records, owners)
    closed = _closed(deals, facts, rules, day)
    moved = _moved(deals, deals_before, facts, stages, rules, day)
    stayed = _stayed(revenue, revenue_before, profile, profile_before, rules, day)
    outcomes = ibis.union(*(part.select(*OUTCOME) for part in (closed, moved, stayed))).view()
    of_deals = deal_contacts(associations, links).rename(subject_id="deal_id").view()
    # Of a deal without a contact nothing is known that was done, which is not that nothing was.
    with_contact = of_deals.select("subject_id").distinct().mutate(has_contact=ibis.literal(True))
    outcomes = left_join_all(outcomes, [with_contact], "subject_id")
    outcomes = outcomes.filter((outcomes["outcome"] == RENEWAL) | outcomes["has_contact"].fill_null(False)).view()
    in_deals = outcomes.filter(outcomes["outcome"] != RENEWAL).view()
    renewals = outcomes.filter(outcomes["outcome"] == RENEWAL).mutate(customer_id=lambda t: t["subject_id"])
    names = ("outcome", "subject_id", "decided_from", "begins", "customer_id")
    involved = in_deals.join(of_deals, "subject_id").select(*names).union(renewals.select(*names)).view()
    done = _done(involved, in_deals, events, rules)
    key = ["outcome", "subject_id"]
    rows = outcomes.left_join(done, key, rname="{name}_of_done")
    counts = {name: rows[name].fill_null(0) for name in (*COUNTS, "quick_answers", "slow_answers")}
    return rows.select(*(name for name in OUTCOME if name != "begins"), **counts)


def _facts(records: ibis.Table, owners: ibis.Table) -> ibis.Table:
    """Return [deal_id, pipeline_id, account_manager] of the deals."""
    assert OWNERS is not None
    names = owners.select(owner_id=read(owners, OWNERS.id), account_manager=read(owners, OWNERS.name))
    rows = records.select("pipeline_id", "owner_id", deal_id="id")
    return left_join_all(rows, [names], "owner_id").drop("owner_id")


def _closed(deals: ibis.Table, facts: ibis.Table, rules: ActivityRules, day: Day) -> ibis.Table:
    """Return the deals that were closed lately; their stage then is that they are closed, and says nothing."""
    age = as_scalar(day).epoch_days() - deals["closed_on"].epoch_days()
    rows = left_join_all(deals.filter(age.between(0, rules.outcome_days - 1).fill_null(False)), [facts], "deal_id")
    earliest = (rows["closed_on"] - ibis.interval(days=rules.before_days)).cast("date")
    return rows.select(
        "account_manager",
        outcome=ibis.literal(DEAL),
        subject_id="deal_id",
        is_good="is_won",
        decided_from="closed_on",
        begins=ibis.ifelse(rows["created_on"] > earliest, rows["created_on"], earliest),
        stage=ibis.null("string"),
    )


def _moved(
    deals: ibis.Table, before: ibis.Table, facts: ibis.Table, stages: ibis.Table, rules: ActivityRules, day: Day
) -> ibis.Table:
    """Return the deals that were open some days ago, and whether they moved to a later stage or were won since."""
    stage = ibis.coalesce(stages["stage_label"], stages["stage_id"])
    positions = stages.mutate(stage=stage).group_by("pipeline_id", "stage").agg(position=stages["position"].min())
    then = before.filter(before["closed_on"].isnull()).select("deal_id", "created_on", "stage").join(facts, "deal_id")
    now = deals.select("deal_id", "is_won", is_closed=deals["closed_on"].notnull(), stage_now="stage")
    rows = then.join(now, "deal_id")
    at = positions.view()
    rows = rows.left_join(at, ["pipeline_id", "stage"], rname="{name}_of_then")
    after = positions.view().rename(stage_now="stage", position_now="position")
    rows = rows.left_join(after, ["pipeline_id", "stage_now"], rname="{name}_of_now")
    later = rows["position_now"] > rows["position"]
    rows = rows.mutate(is_good=ibis.ifelse(rows["is_closed"], rows["is_won"], later))
    return _watched(rows.filter(rows["is_good"].notnull()), STAGE_DAYS, rules, day).mutate(
        outcome=ibis.literal(STAGE), subject_id=lambda t: t["deal_id"]
    )


def _stayed(
    revenue: ibis.Table,
    before: ibis.Table,
    profile: ibis.Table,
    profile_before: ibis.Table,
    rules: ActivityRules,
    day: Day,
) -> ibis.Table:
    """Return who paid some days ago and was not leaving, and whether it still pays."""
    staying = profile_before.filter(profile_before["is_customer"], profile_before["customer_status"] != LEAVING)
    staying = staying.select("customer_id", stage="customer_status", manager_then="assigned_am")
    staying = left_join_all(staying, [profile.select("customer_id", manager_now="assigned_am")])
    staying = staying.mutate(account_manager=ibis.coalesce(staying["manager_then"], staying["manager_now"]))
    rows = staying.join(before.filter(before["mrr"] > 0).select("customer_id"), "customer_id")
    rows = rows.join(revenue.select("customer_id", mrr_now="mrr"), "customer_id")
    rows = rows.mutate(is_good=(rows["mrr_now"] > 0).fill_null(False), created_on=ibis.null("date"))
    return _watched(rows, RENEWAL_DAYS, rules, day).mutate(
        outcome=ibis.literal(RENEWAL), subject_id=lambda t: t["customer_id"]
    )


def _watched(rows: ibis.Table, days: int, rules: ActivityRules, day: Day) -> ibis.Table:
    """Return the rows with the days whose activity counts: those before they were watched for so many days."""
    decided_from = (as_scalar(day) - ibis.interval(days=days - 1)).cast("date")
    earliest = (decided_from - ibis.interval(days=rules.before_days)).cast("date")
    made = rows["created_on"].fill_null(earliest)
    return rows.mutate(decided_from=decided_from, begins=ibis.ifelse(made > earliest, made, earliest))


def _done(involved: ibis.Table, deals: ibis.Table, events: ibis.Table, rules: ActivityRules) -> ibis.Table:
    """Return what was done before each outcome, with its people, or about the deal by the CRM's log.

    What several people of a deal took part in counts once.
    """
    columns = ("event_id", "kind", "at", "answered_at", "response_hours")
    names = ("outcome", "subject_id", "decided_from", "begins", *columns)
    about = events.view()
    about = about.select(*columns, subject_id=about["deal_ids"].unnest())
    with_people = involved.join(events.select("customer_id", *columns), "customer_id").select(*names)
    rows = with_people.union(deals.view().join(about, "subject_id").select(*names)).view()
    on = rows["at"].date()
    rows = rows.filter(on >= rows["begins"], on < rows["decided_from"])
    answered = (rows["answered_at"].date() < rows["decided_from"]).fill_null(False)
    quick = answered & (rows["response_hours"] <= number(rules.quick_hours)).fill_null(False)
    waits = rows["kind"].isin((EMAIL, MESSAGE))
    return rows.group_by("outcome", "subject_id").agg(
        **{name: rows["event_id"].nunique(where=rows["kind"].isin(kinds)) for name, kinds in COUNTS.items()},
        quick_answers=rows["event_id"].nunique(where=waits & quick),
        slow_answers=rows["event_id"].nunique(where=waits & ~quick),
    )


TABLE = DailyTable(
    "intelligence/activity_outcomes",
    CONTRACT,
    inputs={
        "deals": "intelligence/pipeline_deals",
        "deals_before": DaysAgo("intelligence/pipeline_deals", STAGE_DAYS),
        "records": "hubspot/deals",
        "owners": "hubspot/owners",
        "stages": "hubspot/pipelines",
        "associations": "hubspot/associations",
        "links": "identity/links",
        "revenue": "core/revenue",
        "revenue_before": DaysAgo("core/revenue", RENEWAL_DAYS),
        "profile": "core/profile",
        "profile_before": DaysAgo("core/profile", RENEWAL_DAYS),
        "events": "intelligence/activity_events",
        "policy": current_policy,
    },
    rule=table,
)
