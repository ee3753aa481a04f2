"""`core/calls`: the calls with the customer, by what became of them, and what they were about."""

from collections.abc import Callable, Mapping, Sequence

import ibis

from gtm_platform.identity.person_records import named
from gtm_platform.ingest.feeds import CallFeed, Field, feed_rows, read
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day, end_of, within
from gtm_platform.lake.expressions.joins import left_join_all
from gtm_platform.lake.owners import Owner
from gtm_platform.sources.feeds import call_feeds

BOOKINGS = [feed for feed in call_feeds() if feed.outcome]
RECORDINGS = [feed for feed in call_feeds() if feed.summary]
Tables = Mapping[str, ibis.Table]

WINDOW_DAYS = 90  # the columns of the contract are named by it
BOOKED, CANCELED, RESCHEDULED, NO_SHOW = "booked", "canceled", "rescheduled", "no_show"
INSTANT = "timestamp('UTC', 6)"
TONE = "decimal(18, 12)"  # sums of floats depend on their order, and so differ from run to run

CONTRACT = Contract(
    {
        "customer_id": Column("string", "The customer.", nullable=False),
        "calls_booked_90d": Column("int64", "Calls of 90 days, whatever became of them; a moved one counts once."),
        "calls_held_90d": Column("int64", "Of them, held."),
        "calls_no_show_90d": Column("int64", "Of them, missed by the customer."),
        "calls_cancelled_90d": Column("int64", "Of them, called off by either side and not moved."),
        "call_show_rate": Column("float64", "Held of held and missed, 0 to 1.", rule=lambda v: v.between(0, 1)),
        "last_call_at": Column(INSTANT, "Beginning of the last call that was held."),
        "next_call_at": Column(INSTANT, "Beginning of the next call that is booked."),
        "last_call_summary": Column("string", "What the last recorded call was about.", personal=True),
        "call_tone_90d": Column(
            "float64", "Mean tone of what was said in calls of 90 days, -1 to 1.", rule=lambda v: v.between(-1, 1)
        ),
        "last_call_host": Column("string", "Who of us held the last call."),
        "last_call_host_email": Column("string", "The host's address."),
        "last_call_source": Column(
            "string", "The source of the last call.", rule=lambda v: v.isin([feed.source for feed in BOOKINGS])
        ),
    },
    key=("customer_id",),
    about="Calls with each customer; counts are 0 for none, and null while no source brings any call.",
    figures={
        "calls": lambda t: t["calls_booked_90d"].sum(),
        "no_shows": lambda t: t["calls_no_show_90d"].sum(),
        "to_come": lambda t: t["next_call_at"].notnull().sum(),
    },
)

CALLS = call_feeds()


def _recorded(feed: CallFeed) -> Callable[[ibis.Table, ibis.Table], ibis.Table]:
    """Return who makes of tones, and of the recordings of a feed, the recordings that were toned."""

    def toned(tones: ibis.Table, recordings: ibis.Table) -> ibis.Table:
        return recordings.semi_join(tones, named(feed.source, read(recordings, feed.call_id)) == tones["call"])

    return toned


OWNERS = {
    table: tuple(Owner(feed.source, feed.record_id, feed.rows) for feed in CALLS if feed.table == table)
    for table in dict.fromkeys(feed.table for feed in CALLS)
} | {
    "core/call_tone": tuple(
        Owner(feed.source, feed.record_id, feed.rows, with_table=(feed.table, _recorded(feed)))
        for feed in CALLS
        if feed.words
    )
}
COUNTS = ("calls_booked_90d", "calls_held_90d", "calls_no_show_90d", "calls_cancelled_90d")


def table(
    people: ibis.Table, links: ibis.Table, bookings: Tables, recordings: Tables, tones: ibis.Table, day: Day
) -> ibis.Table:
    """Return a row per customer; a call that begins after the day is the next one, not a recent one."""
    booked = _of_customers(ibis.union(*[_bookings(feed, bookings[feed.source]) for feed in BOOKINGS]), links)
    recorded = _of_customers(ibis.union(*[_recordings(feed, recordings[feed.source]) for feed in RECORDINGS]), links)
    summed = [_counted(booked, day), _last(booked, day), _about(left_join_all(recorded, [tones], "call"), day)]
    customers = left_join_all(people.select("customer_id"), summed)
    on = _has_rows([bookings[feed.source] for feed in BOOKINGS])
    counts = {name: ibis.ifelse(on, customers[name].fill_null(0), ibis.null("int64")) for name in COUNTS}
    customers = customers.mutate(**counts)
    judged = customers["calls_held_90d"] + customers["calls_no_show_90d"]
    return customers.mutate(call_show_rate=customers["calls_held_90d"].cast("float64") / judged.nullif(0))


def _has_rows(tables: Sequence[ibis.Table]) -> ibis.ir.BooleanValue:
    counts = [table.count().as_scalar() for table in tables]
    return sum(counts[1:], counts[0]) > 0


def _bookings(feed: CallFeed, table: ibis.Table) -> ibis.Table:
    """Return a feed's calls with [outcome, host, host_email]."""
    stated = {"outcome": feed.outcome, "host": feed.host_name, "host_email": feed.host_email}
    return _calls(feed, table, stated)


def _recordings(feed: CallFeed, table: ibis.Table) -> ibis.Table:
    """Return a feed's calls with [summary]."""
    return _calls(feed, table, {"summary": feed.summary})


def _calls(feed: CallFeed, table: ibis.Table, stated: Mapping[str, Field | None]) -> ibis.Table:
    """Return [source, record_id, call, starts_at, ends_at] of a feed, and what else it states."""
    rows = feed_rows(feed, table)
    return rows.select(
        source=ibis.literal(feed.source),
        record_id=read(rows, feed.record_id),
        call=named(feed.source, read(rows, feed.call_id)),
        starts_at=read(rows, feed.starts_at),
        ends_at=read(rows, feed.ends_at),
        **{name: read(rows, field) for name, field in stated.items()},
    )


def _of_customers(calls: ibis.Table, links: ibis.Table) -> ibis.Table:
    """Return the calls with the customer of each."""
    owners = links.select("source", "record_id", "customer_id")
    return calls.join(owners, ["source", "record_id"])


def _took_place(calls: ibis.Table, day: Day) -> ibis.ir.BooleanValue:
    """Whether a call is over that nobody called off, moved or missed."""
    return (calls["outcome"] == BOOKED) & (calls["ends_at"] < end_of(day))


def _counted(calls: ibis.Table, day: Day) -> ibis.Table:
    recent = calls.filter(within(calls["starts_at"], day, WINDOW_DAYS))
    outcome = recent["outcome"]
    return recent.group_by("customer_id").agg(
        calls_booked_90d=recent.count(where=outcome != RESCHEDULED),
        calls_held_90d=recent.count(where=_took_place(recent, day)),
        calls_no_show_90d=recent.count(where=outcome == NO_SHOW),
        calls_cancelled_90d=recent.count(where=outcome == CANCELED),
    )


def _last(calls: ibis.Table, day: Day) -> ibis.Table:
    """Return the last call that took place, with its host, and when the next one is."""
    fields = ("starts_at", "call", "source", "host", "host_email")
    coming = (calls["outcome"] == BOOKED) & (calls["starts_at"] >= end_of(day))
    customers = calls.group_by("customer_id").agg(
        last=ibis.struct({name: calls[name] for name in fields}).max(where=_took_place(calls, day)),
        next_call_at=calls["starts_at"].min(where=coming),
    )
    last = customers["last"]
    return customers.select(
        "customer_id",
        "next_call_at",
        last_call_at=last["starts_at"],
        last_call_host=last["host"],
        last_call_host_email=last["host_email"],
        last_call_source=last["source"],
    )


def _about(calls: ibis.Table, day: Day) -> ibis.Table:
    """Return what the last recorded call was about, and how recorded calls sounded."""
    over = calls.filter(calls["ends_at"] < end_of(day))
    judged = over["tone"].notnull() & within(over["starts_at"], day, WINDOW_DAYS)
    latest = ibis.struct({name: over[name] for name in ("starts_at", "call", "summary")})
    customers = over.group_by("customer_id").agg(
        latest=latest.max(where=over["summary"].notnull()),
        tones=over["tone"].cast(TONE).sum(where=judged),
        judged=over.count(where=judged),
    )
    mean = customers["tones"].cast("float64") / customers["judged"].nullif(0)
    return customers.select("customer_id", last_call_summary=customers["latest"]["summary"], call_tone_90d=mean)


TABLE = DailyTable(
    "core/calls",
    CONTRACT,
    inputs={
        "people": "identity/people",
        "links": "identity/links",
        "bookings": {feed.source: feed.table for feed in BOOKINGS},
        "recordings": {feed.source: feed.table for feed in RECORDINGS},
        "tones": "core/call_tone",
    },
    rule=table,
    has_canaries=True,
    per="customer",
    owners=OWNERS,
)
