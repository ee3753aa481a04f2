"""`competitor_intel/usage`: which companies use a competitor's product, where that can be seen, and what hurts them."""

import ibis

from gtm_platform.ingest.feeds import INSTANT, read
from gtm_platform.ingest.market_feeds import CompetitorFeed
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day, end_of
from gtm_platform.lake.expressions.literals import NO_TEXTS, number
from gtm_platform.market.mentioned_companies import Tables, inputs_of, mentions, with_company
from gtm_platform.policy import Market, Policy
from gtm_platform.sources.feeds import market_feeds

FEEDS = market_feeds(CompetitorFeed)
CHANNELS = ("job_posting", "youtube", "github", "manual_research", "conversation")

CONTRACT = Contract(
    {
        "company_id": Column("string", "The company.", nullable=False),
        "vector_db": Column("string", "The competitor, as the policy names it.", nullable=False),
        "channels": Column("array<string>", f"Where it was seen: {', '.join(CHANNELS)}.", nullable=False),
        "newest_channel": Column("string", "Where it was seen last.", nullable=False, rule=lambda v: v.isin(CHANNELS)),
        "first_seen_at": Column(INSTANT, "Oldest evidence.", nullable=False),
        "last_seen_at": Column(INSTANT, "Newest evidence.", nullable=False),
        "first_certain_at": Column(INSTANT, "Oldest evidence that is certain enough to act upon; null without any."),
        "pieces": Column("int64", "Pieces of evidence.", nullable=False),
        "confidence": Column(
            "float64",
            "0 to 1, of the surest piece.",
            nullable=False,
            rule=lambda v: v.between(0, 1),
        ),
        "evidence": Column("array<string>", "Addresses where it can be seen.", nullable=False),
        "pain_points": Column("array<string>", "What they complain of.", nullable=False),
        "is_certain": Column("boolean", "The confidence is enough, by the policy, to act upon.", nullable=False),
    },
    key=("company_id", "vector_db"),
    about="One row per company and competitor whose product it was seen to use, until the end of the day.",
    figures={"companies": lambda t: t["company_id"].nunique()},
)


def table(records: Tables, companies: ibis.Table, policy: Policy, day: Day) -> ibis.Table:
    """Return a row per company and competitor."""
    rows = with_company((_stated(feed, records, policy.market) for feed in FEEDS), companies)
    rows = rows.filter(rows["at"] < end_of(day), rows["vector_db"].notnull())
    certain = rows["confidence"] >= number(policy.market.least_confidence)
    used = rows.group_by("company_id", "vector_db").agg(
        first_certain_at=rows["at"].min(where=certain),
        channels=rows["channel"].collect(distinct=True),
        newest=ibis.struct({"at": rows["at"], "channel": rows["channel"]}).max(),
        first_seen_at=rows["at"].min(),
        last_seen_at=rows["at"].max(),
        pieces=rows["evidence_id"].nunique(),
        confidence=rows["confidence"].max(),
        evidence=rows["evidence"].collect(where=rows["evidence"].notnull(), distinct=True),
        pain_points=rows["pain_points"].collect(),
    )
    return used.mutate(
        newest_channel=used["newest"]["channel"],
        is_certain=used["confidence"] >= number(policy.market.least_confidence),
        channels=used["channels"].sort(),
        evidence=ibis.coalesce(used["evidence"], NO_TEXTS).sort(),
        pain_points=used["pain_points"].flatten().unique().sort(),
    ).drop("newest")


def _stated(feed: CompetitorFeed, tables: Tables, rules: Market) -> ibis.Table:
    def columns(rows: ibis.Table) -> dict[str, ibis.Value]:
        pains = read(rows, feed.pain_points, "array<string>").cast("array<string>")
        return {
            "vector_db": named_by_policy(read(rows, feed.competitor), rules),
            "channel": ibis.literal(feed.channel),
            "evidence_id": ibis.literal(f"{feed.source}:") + read(rows, feed.evidence_id).cast("string"),
            "at": read(rows, feed.at, INSTANT).cast(INSTANT),
            "confidence": read(rows, feed.confidence, "float64").cast("float64").fill_null(1),
            "evidence": read(rows, feed.evidence).cast("string"),
            "pain_points": ibis.coalesce(pains, NO_TEXTS),
        }

    return mentions(feed, tables, columns)


def named_by_policy(name: ibis.ir.StringValue, rules: Market) -> ibis.ir.StringValue:
    """Return a competitor's name in the policy; null for what is none."""
    lower = name.strip().lower()
    return ibis.cases(*((lower.isin([slug, *aliases]), slug) for slug, aliases in rules.competitors.items()))


TABLE = DailyTable(
    "competitor_intel/usage",
    CONTRACT,
    inputs=inputs_of(*(feed.table for feed in FEEDS)),
    rule=table,
    per="company",
    group="market",
)
