"""`intelligence/activity_events`: meetings, calls, e-mails and messages with each customer, and our answers."""

from collections.abc import Mapping, Sequence

import ibis

from gtm_platform.core.calls import BOOKED, BOOKINGS, NO_SHOW, RECORDINGS, RESCHEDULED
from gtm_platform.core.messages import CUSTOMERS
from gtm_platform.core.support import of_customers
from gtm_platform.identity.person_records import named
from gtm_platform.ingest.feeds import INSTANT, CallFeed, feed_rows, read
from gtm_platform.intelligence.activity import logged
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day, end_of, within
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.expressions.literals import NO_TEXTS
from gtm_platform.policy import ActivityRules, Policy
from gtm_platform.policy import policy as current_policy

Tables = Mapping[str, ibis.Table]
MEETING, MISSED_MEETING, CALL, EMAIL, MESSAGE, OUTREACH, LOGGED_CALL, SENT_EMAIL = KINDS = (
    *("meeting_held", "meeting_missed", "call_recorded"),
    *("email", "message", "outreach"),
    *("call_logged", "email_sent"),
)
MAIL = "email"  # of the way in which a conversation came in

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "company_id": Column("string", "The customer's company."),
        "deal_ids": Column("array<string>", "The CRM's deals that its log says it was about.", nullable=False),
        "event_id": Column("string", "The meeting, call, e-mail or conversation.", nullable=False),
        "kind": Column(
            "string",
            f"{', '.join(KINDS)}: e-mails and messages are conversations that the customer began, or e-mails of the "
            "customer in the CRM's log; outreach is a conversation that we began.",
            nullable=False,
            rule=lambda v: v.isin(KINDS),
        ),
        "at": Column(INSTANT, "When it began.", nullable=False),
        "answered_at": Column(INSTANT, "When one of us first answered an e-mail or a message."),
        "response_hours": Column("float64", "How long that took.", rule=lambda hours: hours >= 0),
        "source": Column("string", "The system that has it.", nullable=False),
    },
    key=("customer_id", "kind", "event_id"),
    about="One row per customer and meeting, call, e-mail or conversation, of the days that activity is looked at.",
    figures={
        "events": lambda t: t.count(),
        "answered": lambda t: t["answered_at"].notnull().sum(),
        "median_response_hours": lambda t: t["response_hours"].median(),
    },
)
NAMES = tuple(name for name in CONTRACT.columns if name != "company_id")


def table(
    links: ibis.Table,
    bookings: Tables,
    recordings: Tables,
    conversations: ibis.Table,
    log: ibis.Table,
    associations: ibis.Table,
    people: ibis.Table,
    companies: ibis.Table,
    policy: Policy,
    day: Day,
) -> ibis.Table:
    """Return the events up to the end of the day."""
    booked = [_meetings(feed, bookings[feed.source], links, day) for feed in BOOKINGS]
    entries = logged.entries(log, links, associations, people, companies, day).view()
    starts = ibis.union(*(part.select("customer_id", "at") for part in booked))
    parts = [
        *(part.mutate(deal_ids=NO_TEXTS) for part in booked),
        *(_recorded(feed, recordings[feed.source], links).mutate(deal_ids=NO_TEXTS) for feed in RECORDINGS),
        _conversations(conversations, links, day).mutate(deal_ids=NO_TEXTS),
        logged.meetings(entries.view(), starts, {True: MEETING, False: MISSED_MEETING}),
        logged.calls(entries.view(), LOGGED_CALL),
        logged.emails(entries.view(), EMAIL, SENT_EMAIL),
    ]
    rows = ibis.union(*(part.select(*NAMES) for part in parts)).view()
    rows = rows.filter(within(rows["at"], day, days_kept(policy.activity)))
    columns = ("at", "answered_at", "response_hours", "source", "deal_ids")
    once = rows.group_by("customer_id", "kind", "event_id")
    once = once.agg(first=lambda t: ibis.struct({name: t[name] for name in columns}).min())
    events = once.select("customer_id", "kind", "event_id", **{name: once["first"][name] for name in columns})
    return left_join_all(events, [people.select("customer_id", "company_id").view()])


def days_kept(rules: ActivityRules) -> int:
    """Return how far back events are needed: before the oldest outcome."""
    return rules.outcome_days + rules.before_days


def _of_customers(feed: CallFeed, table: ibis.Table, links: ibis.Table) -> ibis.Table:
    rows = feed_rows(feed, table)
    calls = rows.select(
        record_id=read(rows, feed.record_id),
        event_id=named(feed.source, read(rows, feed.call_id)),
        at=read(rows, feed.starts_at),
        ends_at=read(rows, feed.ends_at),
        outcome=read(rows, feed.outcome),
    )
    calls = calls.join(links.filter(links["source"] == feed.source).select("record_id", "customer_id"), "record_id")
    return calls.filter(calls["at"].notnull()).mutate(
        source=ibis.literal(feed.source), answered_at=ibis.null(INSTANT), response_hours=ibis.null("float64")
    )


def _meetings(feed: CallFeed, table: ibis.Table, links: ibis.Table, day: Day) -> ibis.Table:
    """Return the booked meetings that took place or were missed by the customer."""
    calls = _of_customers(feed, table, links)
    calls = calls.filter(calls["outcome"] != RESCHEDULED)
    took_place = (calls["outcome"] == BOOKED) & (calls["ends_at"] < end_of(day))
    kind = ibis.cases((took_place, MEETING), (calls["outcome"] == NO_SHOW, MISSED_MEETING), else_=ibis.null("string"))
    calls = calls.mutate(kind=kind)
    return calls.filter(calls["kind"].notnull())


def _recorded(feed: CallFeed, table: ibis.Table, links: ibis.Table) -> ibis.Table:
    return _of_customers(feed, table, links).mutate(kind=ibis.literal(CALL))


def _conversations(conversations: ibis.Table, links: ibis.Table, day: Day) -> ibis.Table:
    """Return conversations with each customer in them, and when the customer's first message was answered."""
    users = links.filter(links["source"] == "intercom").select("customer_id", contact_id="record_id")
    talks = of_customers(conversations, users)
    theirs = talks["author_type"].isin(CUSTOMERS).fill_null(False)
    replied = talks["first_admin_reply_at"]
    answered = theirs & ((replied >= talks["created_at"]) & (replied < end_of(day))).fill_null(False)
    answered_at = ibis.ifelse(answered, replied, ibis.null(INSTANT))
    seconds = answered_at.epoch_seconds() - talks["created_at"].epoch_seconds()
    return talks.mutate(
        event_id=ibis.literal("intercom:") + talks["conversation_id"],
        kind=ibis.cases((theirs & (talks["source_type"] == MAIL), EMAIL), (theirs, MESSAGE), else_=OUTREACH),
        at=talks["created_at"],
        source=ibis.literal("intercom"),
        answered_at=answered_at,
        response_hours=seconds.cast("float64") / logged.SECONDS_AN_HOUR,
    )


def counted(events: ibis.Table, kinds: Sequence[str]) -> ibis.ir.IntegerScalar:
    """Return how many events are of some kinds."""
    count: ibis.ir.IntegerScalar = events.count(where=events["kind"].isin(kinds))
    return count


TABLE = DailyTable(
    "intelligence/activity_events",
    CONTRACT,
    inputs={
        "links": "identity/links",
        "bookings": {feed.source: feed.table for feed in BOOKINGS},
        "recordings": {feed.source: feed.table for feed in RECORDINGS},
        "conversations": "intercom/conversations",
        "log": "hubspot/engagements",
        "associations": "hubspot/associations",
        "people": "identity/people",
        "companies": "identity/companies",
        "policy": current_policy,
    },
    rule=table,
)
