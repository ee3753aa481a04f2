"""`market/signals`: what companies do before they buy, each sign once, with what it is worth on the day."""

import ibis

from gtm_platform.ingest.feeds import INSTANT, read
from gtm_platform.ingest.market_feeds import SignalFeed
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day, as_scalar, days_since, end_of
from gtm_platform.lake.expressions.literals import NO_TEXTS, number
from gtm_platform.market.mentioned_companies import Tables, inputs_of, mentions, with_company
from gtm_platform.policy import Market, Policy
from gtm_platform.sources.feeds import market_feeds

FEEDS = market_feeds(SignalFeed)
DEVELOPER_ACTS = ("star", "fork", "issue", "pull_request")
KINDS = ("job", *DEVELOPER_ACTS, "visit", "listed")

CONTRACT = Contract(
    {
        "company_id": Column("string", "The company.", nullable=False),
        "signal_id": Column("string", "The same for the same sign in every source that shows it.", nullable=False),
        "kind": Column("string", ", ".join(KINDS) + ".", nullable=False, rule=lambda v: v.isin(KINDS)),
        "at": Column(INSTANT, "When it happened.", nullable=False),
        "ends_at": Column(INSTANT, "When it stopped to say anything, such as a job post that was taken down."),
        "is_active": Column("boolean", "Whether it still says something at the end of the day.", nullable=False),
        "title": Column("string", "What it is called, such as the job."),
        "topics": Column("array<string>", "Technologies, repositories or pages, in lower case.", nullable=False),
        "strength": Column("float64", "Of a job how urgent, 0 to 1; of a visit how many pages."),
        "points": Column("float64", "What it is worth on the day, by the policy.", nullable=False),
        "evidence": Column("string", "An address where it can be seen."),
        "source": Column("string", "The source whose word counts.", nullable=False),
        "sources": Column("array<string>", "All sources that show it.", nullable=False),
        "person_name": Column("string", "Who did it, where that is public.", personal=True),
        "person_email": Column("string", "Their address, where that is public.", personal=True),
    },
    key=("company_id", "signal_id"),
    about="One row per buying signal of a company until the end of the day.",
    figures={
        "active": lambda t: t["is_active"].sum(),
        "companies": lambda t: t["company_id"].nunique(),
    },
)
STATED = ("kind", "at", "ends_at", "title", "topics", "strength", "evidence", "source", "person_name", "person_email")


def table(records: Tables, companies: ibis.Table, policy: Policy, day: Day) -> ibis.Table:
    """Return a row per signal, in the words of the first source in precedence that shows it."""
    rows = with_company((_stated(feed, records) for feed in FEEDS), companies)
    rows = _visits_once(rows.filter(rows["at"] < end_of(day)))
    stated = ibis.struct({"precedence": rows["precedence"], **{name: rows[name] for name in STATED}})
    signals = rows.group_by("company_id", "signal_id").agg(
        stated=stated.min(), sources=rows["source"].collect(distinct=True)
    )
    signals = signals.select("company_id", "signal_id", "sources", **{name: signals["stated"][name] for name in STATED})
    active = signals["ends_at"].isnull() | (signals["ends_at"] >= end_of(day))
    signals = signals.mutate(is_active=active, sources=signals["sources"].sort())
    return signals.mutate(points=ibis.ifelse(active, _points(signals, policy.market, day), number(0)))


def _visits_once(rows: ibis.Table) -> ibis.Table:
    """Leave of a company's visits those of the first source in precedence: the others count the same people.

    What is days in one time zone is the day before or after in another.
    """
    rows = rows.mutate(on=rows["at"].date().epoch_days())
    near = ibis.range_window(preceding=1, following=1, group_by=["company_id", "kind"], order_by="on")
    marked = rows.mutate(first=rows["precedence"].min().over(near))
    counts = (marked["kind"] != "visit") | (marked["precedence"] == marked["first"])
    return marked.filter(counts).drop("first", "on")


def _stated(feed: SignalFeed, tables: Tables) -> ibis.Table:
    def columns(rows: ibis.Table) -> dict[str, ibis.Value]:
        kind = ibis.literal(feed.kind) if isinstance(feed.kind, str) else feed.kind(rows)
        topics = read(rows, feed.topics, "array<string>").cast("array<string>")
        return {
            "precedence": ibis.literal(feed.precedence, "int64"),
            "signal_id": read(rows, feed.signal_id).cast("string"),
            "kind": kind,
            "at": read(rows, feed.at, INSTANT).cast(INSTANT),
            "ends_at": read(rows, feed.ends_at, INSTANT).cast(INSTANT),
            "title": read(rows, feed.title).cast("string"),
            "topics": _plain(ibis.coalesce(topics, NO_TEXTS), kind == "visit"),
            "strength": read(rows, feed.strength, "float64").cast("float64"),
            "evidence": read(rows, feed.evidence).cast("string"),
            "source": ibis.literal(feed.source),
            "person_name": read(rows, feed.person_name).cast("string"),
            "person_email": read(rows, feed.person_email).cast("string"),
        }

    return mentions(feed, tables, columns)


def _plain(topics: ibis.ir.ArrayValue, are_pages: ibis.ir.BooleanValue) -> ibis.ir.ArrayValue:
    """Return topics in lower case; of a page its path, whatever the source says of the site."""
    lower = topics.map(lambda topic: topic.lower())
    paths = lower.map(lambda page: page.re_replace(r"^(?:[a-z]+://)?[^/]*", ""))
    plain: ibis.ir.ArrayValue = ibis.ifelse(are_pages, paths, lower)
    return plain


def _points(signals: ibis.Table, rules: Market, day: Day) -> ibis.ir.FloatingValue:
    """Return what each signal is worth after its age."""
    worth, strength = rules.points, signals["strength"]
    pages = ibis.least(strength.fill_null(1), number(worth.most_pages)) * number(worth.page)
    pricing = ibis.ifelse(
        about(signals["topics"], rules.evaluating.pricing_pages), number(worth.pricing_page), number(0)
    )
    fresh = ibis.cases(
        (signals["kind"] == "job", number(worth.job) * strength.fill_null(1)),
        (signals["kind"] == "visit", pages + pricing),
        *((signals["kind"] == kind, number(getattr(worth, kind))) for kind in DEVELOPER_ACTS),
        else_=number(worth.listed),
    )
    age = days_since(signals["at"], as_scalar(day)).cast("float64")
    return (fresh * (number(0.5) ** (age / number(worth.half_life_days)))).round(6)


def about(topics: ibis.ir.ArrayValue, words: tuple[str, ...]) -> ibis.ir.BooleanValue:
    """Whether any of the topics is, or begins with, one of the words."""
    matching = topics.filter(lambda topic: ibis.or_(*(topic.startswith(word) for word in words)))
    return matching.length() > 0


TABLE = DailyTable(
    "market/signals",
    CONTRACT,
    inputs=inputs_of(*(feed.table for feed in FEEDS)),
    rule=table,
    per="company",
)
