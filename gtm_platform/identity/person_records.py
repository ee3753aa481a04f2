"""The person records of all sources in one form, made by their feeds. What ties records together is in `links`."""

from collections.abc import Iterable, Mapping

import ibis

from gtm_platform.identity import normalise
from gtm_platform.ingest.feeds import Field, PersonFeed, feed_rows, read
from gtm_platform.lake.expressions.literals import NO_TEXTS
from gtm_platform.sources.feeds import person_feeds

FEEDS = person_feeds()
TABLES = {feed.source: feed.table for feed in FEEDS}
Tables = Mapping[str, ibis.Table]

UNKNOWN_AGE = 2**40  # seconds: what has no date counts as young
MERGED_AWAY = 100  # added to the rank of a record that was merged into another: every other record speaks before it
# Systems whose ids records of several sources carry: those that some feed names.
SHARED_SYSTEMS = frozenset(system for feed in FEEDS for system in feed.shared_ids)


def _shared_ids(feed: PersonFeed) -> list[tuple[str, Field]]:
    """List the systems of the ids that a feed's records carry, their own included, each with where it lies."""
    own = [(feed.source, feed.id)] if feed.source in SHARED_SYSTEMS else []
    return [*own, *feed.shared_ids.items()]


def person_records(tables: Tables) -> ibis.Table:
    """Return a row per person record of every source.

    `place` orders a customer's records within a source: the least speaks for it.
    """
    return ibis.union(*[records_of(feed, tables[feed.source]) for feed in FEEDS])


def named(source: str | ibis.ir.StringValue, record_id: ibis.ir.StringValue) -> ibis.ir.StringValue:
    """Return one text for a record, unlike that of every record of every source."""
    return ibis.literal(source) + ":" + record_id if isinstance(source, str) else source + ":" + record_id


def node(source: str | ibis.ir.StringValue, record_id: ibis.ir.StringValue) -> ibis.ir.IntegerValue:
    """Return a number for a record: numbers are tied together twice as fast as texts.

    It has 63 bits: among a million records two share one less than once in ten million times.
    """
    number: ibis.ir.IntegerValue = xxhash64(named(source, record_id))
    return number


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def xxhash64(text: str) -> int:  # type: ignore[empty-body]
    """Return a number for a text."""


def merged_records(tables: Tables) -> ibis.Table:
    """Return [winner, loser, into] of merged records, `into` being a name; the loser may still exist."""
    return ibis.union(*[_merges(feed, tables[feed.source]) for feed in FEEDS if feed.merged_ids])


def addresses(records: ibis.Table, of: str) -> ibis.Table:
    """Return [of, email, own]: every normalised address of the records; `own` is false if secondary."""
    own = records.select(of, "email", own=True)
    secondary = records.select(of, raw=records["other_emails"].unnest())
    secondary = secondary.select(of, email=normalise.email(secondary["raw"]), own=False)
    return own.union(secondary).filter(lambda t: t["email"].notnull())


def _merges(feed: PersonFeed, table: ibis.Table) -> ibis.Table:
    table = feed_rows(feed, table)
    pairs = table.select(id=read(table, feed.id), loser=read(table, feed.merged_ids).unnest()).distinct()
    return pairs.select(
        winner=node(feed.source, pairs["id"]),
        loser=node(feed.source, pairs["loser"]),
        into=named(feed.source, pairs["id"]),
    )


def records_of(feed: PersonFeed, table: ibis.Table) -> ibis.Table:
    """Return a row per person record of a feed."""
    table = feed_rows(feed, table)
    record_id, rank = read(table, feed.id), read(table, feed.rank, "int64").fill_null(0).cast("int64")
    if feed.merged_ids:
        table, rank = _with_merged_last(feed, table, rank)
        record_id = read(table, feed.id)
    created = _seconds(read(table, feed.created_at, "timestamp"), UNKNOWN_AGE)
    return table.select(
        source=ibis.literal(feed.source),
        record_id=record_id,
        node=node(feed.source, record_id),
        email=normalise.email(read(table, feed.email)),
        email_rank=_email_rank(feed, table),
        other_emails=read(table, feed.other_emails, "array<string>").cast("array<string>"),
        company=_company(feed, table),
        created=created,
        place=ibis.struct(
            {
                "rank": rank,
                "unseen": -_seconds(read(table, feed.seen_at, "timestamp"), 0),
                "created": created,
                "record_id": record_id,
            }
        ),
        shared_ids=_named_ids(feed, table),
    )


def _with_merged_last(feed: PersonFeed, table: ibis.Table, rank: ibis.Value) -> tuple[ibis.Table, ibis.Value]:
    loser = table.select(loser=read(table, feed.merged_ids).unnest()).distinct().mutate(away=MERGED_AWAY)
    marked = table.mutate(feed_rank=rank, feed_id=read(table, feed.id))
    marked = marked.left_join(loser, marked["feed_id"] == loser["loser"])
    return marked, marked["feed_rank"] + marked["away"].fill_null(0).cast("int64")


def _seconds(moment: ibis.Value, absent: int) -> ibis.ir.IntegerValue:
    return moment.epoch_seconds().fill_null(absent).cast("int64")


def _email_rank(feed: PersonFeed, table: ibis.Table) -> ibis.Value:
    rank = feed.precedence if feed.email_precedence is None else feed.email_precedence
    return (rank(table) if callable(rank) else ibis.literal(rank)).cast("int64")


def _company(feed: PersonFeed, table: ibis.Table) -> ibis.Value:
    """Return by what the record names its company: a record of the same source, else a domain."""
    by_id = named(feed.source, read(table, feed.company_id)) if feed.company_id else None
    by_domain = normalise.site(read(table, feed.company_domain)) if feed.company_domain else None
    ways: Iterable[ibis.Value] = [way for way in (by_id, by_domain) if way is not None]
    return ibis.coalesce(*ways) if ways else ibis.null("string")


def _named_ids(feed: PersonFeed, table: ibis.Table) -> ibis.ir.ArrayValue:
    """Return all ids that a record carries, each with the system whose it is; a record may carry several of one."""
    named_ids: ibis.ir.ArrayValue = NO_TEXTS
    for system, where in _shared_ids(feed):
        ids = _as_array(table[where] if isinstance(where, str) else where(table))
        named_ids = named_ids.concat(_with_prefix(shared_id(system, ""), ids))
    return named_ids


def shared_id(system: str, id: str) -> str:
    """Return an id of a system as the trait that records which carry it have in common."""
    return f"{system} id {id}"


def _with_prefix(prefix: str, ids: ibis.ir.ArrayValue) -> ibis.ir.ArrayValue:
    texts: ibis.ir.ArrayValue = ids.filter(lambda id_: id_.notnull()).map(lambda id_: ibis.literal(prefix) + id_)
    return texts


def _as_array(ids: ibis.Value) -> ibis.ir.ArrayValue:
    several: ibis.ir.ArrayValue = ids if ids.type().is_array() else ibis.array([ids.cast("string")])
    return several.fill_null(NO_TEXTS)
