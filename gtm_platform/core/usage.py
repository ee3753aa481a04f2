"""What the usage feeds of all sources say of each customer: latest sights, sums over windows, newest states.

How a figure is made of rows, and which feed's counts, stands here; which figures there are is `core/activity`'s.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ibis

from gtm_platform.ingest.feeds import Measure, UsageFeed, read
from gtm_platform.lake.expressions.days import Day, days_since
from gtm_platform.lake.expressions.joins import left_join_all

Tables = Mapping[str, ibis.Table]


@dataclass(frozen=True)
class Latest:
    """The latest time of a measure, whichever feed has it, by the end of the day."""

    measure: Measure = "seen"


@dataclass(frozen=True)
class Sum:
    """A measure summed over so many days, of which the last is the day itself or lies some days before."""

    measure: Measure
    days: int
    days_before: int = 0


@dataclass(frozen=True)
class Newest:
    """The value of the newest row; `without_rows` is that of whom the source knows and has no row of."""

    measure: Measure
    without_rows: int | None = None


Figure = Latest | Sum | Newest


def figures_of(
    customers: ibis.Table,
    links: ibis.Table,
    used: Tables,
    feeds: Sequence[UsageFeed],
    figures: Mapping[str, Figure],
    day: Day,
) -> ibis.Table:
    """Return the customers with a column for each figure; null where no source of it knows them.

    `feeds` are in the order of their precedence: the first whose source has a record of the customer counts.
    """
    by_feed = [_of_feed(number, feed, links, used[feed.table], figures, day) for number, feed in enumerate(feeds)]
    wide = left_join_all(customers, by_feed)
    columns = {name: _chosen(wide, name, figure, feeds) for name, figure in figures.items()}
    return wide.select(*customers.columns, **columns)


def _of_feed(
    number: int, feed: UsageFeed, links: ibis.Table, table: ibis.Table, figures: Mapping[str, Figure], day: Day
) -> ibis.Table:
    """Return [customer_id, …] with the figures of the feed's measure for whom its source has a record of.

    A table without any row is of a source that is off, or of a list that it does not have: it says nothing of anybody.
    """
    records = links.filter(links["source"] == feed.source).select("customer_id", "record_id")
    events = records.left_join(_events(feed, table), "record_id").drop("record_id_right")
    measured = {name: figure for name, figure in figures.items() if figure.measure == feed.measure}
    summed = events.group_by("customer_id").agg(
        **{_column(name, number): _figure(events, figure, day) for name, figure in measured.items()}
    )
    has_rows = table.count().as_scalar() > 0
    return summed.select(
        "customer_id",
        **{
            column: ibis.ifelse(has_rows, summed[column], ibis.null(summed[column].type()))
            for column in summed.columns
            if column != "customer_id"
        },
    )


def _events(feed: UsageFeed, table: ibis.Table) -> ibis.Table:
    return table.select(
        record_id=read(table, feed.record_id),
        at=read(table, feed.at).cast("timestamp('UTC', 6)"),
        value=ibis.literal(1, "int64") if feed.value is None else read(table, feed.value),
    )


def _figure(events: ibis.Table, figure: Figure, day: Day) -> ibis.Value:
    at, value = events["at"], events["value"]
    ago = days_since(at, day)
    if isinstance(figure, Latest):
        return at.max(where=ago >= 0)
    if isinstance(figure, Sum):
        within = ago.between(figure.days_before, figure.days_before + figure.days - 1)
        return value.sum(where=within).fill_null(0)
    row = ibis.struct({"at": at, "record_id": events["record_id"], "value": value})
    newest = row.max(where=at.notnull() & value.notnull())["value"]
    return newest if figure.without_rows is None else newest.fill_null(figure.without_rows)


def _chosen(wide: ibis.Table, name: str, figure: Figure, feeds: Sequence[UsageFeed]) -> ibis.Value:
    values = [wide[_column(name, number)] for number, feed in enumerate(feeds) if feed.measure == figure.measure]
    if not values:
        return ibis.null("timestamp('UTC', 6)" if isinstance(figure, Latest) else "int64")
    if len(values) == 1:
        return values[0]
    return ibis.greatest(*values) if isinstance(figure, Latest) else ibis.coalesce(*values)


def _column(name: str, number: int) -> str:
    return f"{name}_{number}"
