"""`market/firmographics`: size, industry and place of each company, each of the source that is trusted most."""

import ibis

from gtm_platform.ingest.feeds import INSTANT, read
from gtm_platform.ingest.market_feeds import FirmographicFeed
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.expressions.days import Day, end_of
from gtm_platform.lake.expressions.literals import NO_TEXTS
from gtm_platform.market.mentioned_companies import Tables, inputs_of, mentions, with_company
from gtm_platform.policy import Market, Policy, PolicyError
from gtm_platform.sources.feeds import market_feeds

FEEDS = market_feeds(FirmographicFeed)
SOURCES = tuple(dict.fromkeys(feed.source for feed in FEEDS))
FIELDS = {
    "country": ("string", "Where it sits, in the words of the source."),
    "industry": ("string", "What it does, in the words of the source."),
    "employee_count": ("int64", "How many people work there."),
    "company_type": ("string", "Such as private, public or non-profit."),
    "linkedin_company_url": ("string", "Its page at LinkedIn."),
}

CONTRACT = Contract(
    {
        "company_id": Column("string", "The company.", nullable=False),
        **{name: Column(kind, about) for name, (kind, about) in FIELDS.items()},
        **{f"{name}_source": Column("string", f"The source of {name}.") for name in FIELDS},
        "sources": Column("array<string>", "All sources that describe it.", nullable=False),
        "agreeing_sources": Column(
            "array<string>", "Those of them whose size, industry and country all are what counts.", nullable=False
        ),
        "retrieved_at": Column(INSTANT, "Newest description."),
    },
    key=("company_id",),
    about="One row per company that some source describes: which field is whose, and who agreed.",
    figures={"with_size": lambda t: t["employee_count"].notnull().sum()},
)


def table(records: Tables, companies: ibis.Table, policy: Policy, day: Day) -> ibis.Table:
    """Return a row per company; of several answers of a source the newest counts."""
    _refuse_unknown(policy.market)
    rows = with_company((stated(feed, records, policy.market) for feed in FEEDS), companies)
    rows = rows.filter(rows["retrieved_at"].isnull() | (rows["retrieved_at"] < end_of(day)))
    best = {
        name: ibis.struct(
            {
                "rank": rows[f"{name}_rank"],
                "age": -rows["retrieved_at"].epoch_seconds().fill_null(0),
                "source": rows["source"],
                "value": rows[name],
            }
        ).min(where=rows[name].notnull())
        for name in FIELDS
    }
    described = rows.group_by("company_id").agg(
        **{f"best_{name}": value for name, value in best.items()}, retrieved_at=rows["retrieved_at"].max()
    )
    described = described.select(
        "company_id",
        "retrieved_at",
        **{name: described[f"best_{name}"]["value"] for name in FIELDS},
        **{f"{name}_source": described[f"best_{name}"]["source"] for name in FIELDS},
    )
    return described.join(_agreeing(rows, described), "company_id")


def _agreeing(rows: ibis.Table, described: ibis.Table) -> ibis.Table:
    """Return [company_id, sources, agreeing_sources]."""
    compared = ("country", "industry", "employee_count")
    winners = described.select("company_id", **{f"{name}_wins": described[name] for name in compared})
    pairs = rows.join(winners, "company_id")
    agrees = ibis.and_(*(pairs[name].isnull() | (pairs[name] == pairs[f"{name}_wins"]) for name in compared))
    pairs = pairs.mutate(agrees=agrees)
    collected = pairs.group_by("company_id").agg(
        sources=pairs["source"].collect(distinct=True),
        agreeing_sources=pairs["source"].collect(where=pairs["agrees"], distinct=True),
    )
    return collected.mutate(
        sources=collected["sources"].sort(),
        agreeing_sources=ibis.coalesce(collected["agreeing_sources"], NO_TEXTS).sort(),
    )


def stated(feed: FirmographicFeed, tables: Tables, rules: Market) -> ibis.Table:
    """Return what a source states of companies, with its place in the policy's order by field."""

    def columns(rows: ibis.Table) -> dict[str, ibis.Value]:
        return {
            "source": ibis.literal(feed.source),
            "retrieved_at": read(rows, feed.retrieved_at, INSTANT).cast(INSTANT),
            **{name: read(rows, getattr(feed, name), kind).cast(kind) for name, (kind, _) in FIELDS.items()},
            **{f"{name}_rank": ibis.literal(_rank(feed, name, rules), "int64") for name in FIELDS},
        }

    return mentions(feed, tables, columns)


def _refuse_unknown(rules: Market) -> None:
    """Raise where the policy ranks a source or a field that does not exist: it would be as good as no rule."""
    ranked = {name for sources in rules.precedence.values() for name in sources}
    for names, possible, what in ((rules.precedence.keys(), FIELDS, "fields"), (ranked, SOURCES, "sources")):
        if unknown := sorted(names - set(possible)):
            raise PolicyError(f"market.precedence names {', '.join(unknown)}; the {what} are {', '.join(possible)}.")


def _rank(feed: FirmographicFeed, name: str, rules: Market) -> int:
    """Return the place of a source for a field: the policy's order first, then that which the feeds declare."""
    listed = rules.precedence.get(name, ())
    return listed.index(feed.source) if feed.source in listed else len(listed) + feed.precedence


TABLE = DailyTable(
    "market/firmographics",
    CONTRACT,
    inputs=inputs_of(*(feed.table for feed in FEEDS)),
    rule=table,
    per="company",
)
