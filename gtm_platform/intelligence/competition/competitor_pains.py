"""`intelligence/competitor_pains`: what hurts, piece by piece, with where it can be read.

Of users of a competitor: what they complain of there. Of our deals: why they were won where a competitor was, and why
they were lost. What people wrote is cut short and free of line breaks; whoever shows it escapes it.
"""

import ibis

from gtm_platform.ingest.feeds import INSTANT, read
from gtm_platform.ingest.market_feeds import CompetitorFeed
from gtm_platform.intelligence.competition.competitor_deals import WON, reason_of
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day, end_of
from gtm_platform.lake.expressions.literals import NO_TEXTS, number
from gtm_platform.market.competitors import FEEDS, named_by_policy
from gtm_platform.market.mentioned_companies import Tables, inputs_of, mentions, with_company
from gtm_platform.policy import Competition, Policy

THEIRS, FOR_US, AGAINST_US = SIDES = ("theirs", "for_us", "against_us")
OTHER = "other"
DEAL = "deal"
PIECE = ("company_id", "competitor", "side", "pain", "at", "channel", "evidence_id", "link", "excerpt")

CONTRACT = Contract(
    {
        "evidence_id": Column("string", "The piece of evidence, or the deal.", nullable=False),
        "competitor": Column("string", "The competitor, as the policy names it.", nullable=False),
        "pain": Column("string", "What hurts, by the words of the policy.", nullable=False),
        "side": Column(
            "string",
            "theirs: users of the competitor say so; for_us, against_us: why a deal was won or lost beside it.",
            nullable=False,
            rule=lambda v: v.isin(SIDES),
        ),
        "company_id": Column("string", "The company."),
        "channel": Column("string", "Where it was seen; deal: in what sales wrote.", nullable=False),
        "at": Column(INSTANT, "When.", nullable=False),
        "link": Column("string", "Where it can be read."),
        "excerpt": Column("string", "What was written, cut short.", personal=True),
    },
    key=("evidence_id", "competitor", "pain"),
    about="One row per piece of evidence and pain point, until the end of the day.",
    figures={
        "theirs": lambda t: (t["side"] == THEIRS).sum(),
        "against_us": lambda t: (t["side"] == AGAINST_US).sum(),
    },
)


def table(
    records: Tables,
    companies: ibis.Table,
    deals: ibis.Table,
    competitor_deals: ibis.Table,
    policy: Policy,
    day: Day,
) -> ibis.Table:
    """Return a row per piece of evidence and pain point."""
    rules = policy.competition
    stated = with_company((_stated(feed, records, policy) for feed in FEEDS), companies)
    certain = stated["confidence"] >= number(policy.market.least_confidence)
    stated = stated.filter(certain, stated["competitor"].notnull())
    theirs = stated.mutate(side=ibis.literal(THEIRS), complaint=stated["pain_points"].unnest())
    theirs = theirs.mutate(pain=pain_of(theirs["complaint"], rules)).select(*PIECE)
    rows = theirs.union(_of_deals(deals, competitor_deals, rules).select(*PIECE)).view()
    rows = rows.filter(rows["at"] < end_of(day))
    newest = ibis.struct({name: rows[name] for name in ("at", "company_id", "side", "channel", "link", "excerpt")})
    once = rows.group_by("evidence_id", "competitor", "pain").agg(newest=newest.max())
    columns = ("at", "company_id", "side", "channel", "link", "excerpt")
    return once.select("evidence_id", "competitor", "pain", **{name: once["newest"][name] for name in columns})


def _stated(feed: CompetitorFeed, tables: Tables, policy: Policy) -> ibis.Table:
    def columns(rows: ibis.Table) -> dict[str, ibis.Value]:
        pains = read(rows, feed.pain_points, "array<string>").cast("array<string>")
        return {
            "competitor": named_by_policy(read(rows, feed.competitor), policy.market),
            "channel": ibis.literal(feed.channel),
            "evidence_id": ibis.literal(f"{feed.source}:") + read(rows, feed.evidence_id).cast("string"),
            "at": read(rows, feed.at, INSTANT).cast(INSTANT),
            "confidence": read(rows, feed.confidence, "float64").cast("float64").fill_null(1),
            "link": web_address(read(rows, feed.evidence).cast("string")),
            "excerpt": excerpt(read(rows, feed.quote).cast("string"), policy.competition),
            "pain_points": ibis.coalesce(pains, NO_TEXTS),
        }

    return mentions(feed, tables, columns)


def _of_deals(records: ibis.Table, competitor_deals: ibis.Table, rules: Competition) -> ibis.Table:
    """Return what sales wrote of deals in which a competitor was."""
    reason = reason_of(records)
    written = records.filter(reason.notnull() & (reason.strip() != "")).view()
    written = written.select("close_date", deal_id="id", reason=reason_of(written))
    closed = competitor_deals.filter(competitor_deals["closed_on"].notnull())
    rows = closed.filter(closed["seen_before"] | closed["named_in_reason"]).join(written, "deal_id")
    return rows.mutate(
        evidence_id=ibis.literal("deal:") + rows["deal_id"],
        side=ibis.ifelse(rows["outcome"] == WON, FOR_US, AGAINST_US),
        pain=pain_of(rows["reason"], rules),
        channel=ibis.literal(DEAL),
        at=rows["close_date"].cast(INSTANT),
        link=ibis.null("string"),
        excerpt=excerpt(rows["reason"], rules),
    )


def pain_of(text: ibis.ir.StringValue, rules: Competition) -> ibis.ir.StringValue:
    """Return the first pain point of the policy whose words, or name, are in a text; `other` for none."""
    cases = [((text.lower() == pain.name) | text.re_search(pain.words), pain.name) for pain in rules.pains]
    named: ibis.ir.StringValue = ibis.cases(*cases, else_=OTHER)
    return named


def excerpt(text: ibis.ir.StringValue, rules: Competition) -> ibis.ir.StringValue:
    """Return a text on one line, no longer than the policy says; null for nothing."""
    line = text.re_replace(r"[\x00-\x20\x7f]+", " ").strip().nullif("")
    most = rules.excerpt_characters
    cut: ibis.ir.StringValue = ibis.ifelse(line.length() > most, line.substr(0, most - 1) + "…", line)
    return cut


def web_address(text: ibis.ir.StringValue) -> ibis.ir.StringValue:
    """Return a text that is an address of the web without blanks; null for what else would be a link."""
    address: ibis.ir.StringValue = ibis.ifelse(text.re_search(r"^https?://[^\s<>\"]+$"), text, ibis.null("string"))
    return address


TABLE = DailyTable(
    "intelligence/competitor_pains",
    CONTRACT,
    inputs={
        **inputs_of(*(feed.table for feed in FEEDS)),
        "deals": "hubspot/deals",
        "competitor_deals": "intelligence/competitor_deals",
    },
    rule=table,
)
