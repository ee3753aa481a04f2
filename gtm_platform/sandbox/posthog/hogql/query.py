"""Answering a query: its rows are filtered, grouped, ordered and cut."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from gtm_platform.sandbox.posthog.hogql.meaning import Column, Meaning, Reader
from gtm_platform.sandbox.posthog.hogql.span import Span, is_day, span_of
from gtm_platform.sandbox.posthog.hogql.tree import Expression, Name, Select, Selected, SyntaxProblem

DEFAULT_ROWS, MOST_ROWS = 100, 50_000
_MOST_DAYS = timedelta(days=400)  # which are looked at one after the other


@dataclass(frozen=True)
class Table:
    """A table: its rows in a span, its columns by name, how a name is read, and whether it is timed."""

    rows: Callable[[Span], Iterable[Any]]
    columns: Sequence[str]
    column: Column
    timed: bool = False


@dataclass(frozen=True)
class Answer:
    """What a query comes to; `limit` is the one that held."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    limit: int
    more: bool


def answer(query: Select, tables: Callable[[str], Table | None], now: datetime) -> Answer:
    """The answer to a query. A limit beyond the largest is cut without a word."""
    requested = DEFAULT_ROWS if query.limit is None else query.limit
    limit = min(requested, MOST_ROWS)
    columns, rows = _rows(query, tables, now)
    return Answer(columns, rows[:limit], limit, more=len(rows) > limit and requested <= MOST_ROWS)


def _rows(
    query: Select, tables: Callable[[str], Table | None], now: datetime
) -> tuple[list[str], list[tuple[Any, ...]]]:
    table = _source(query, tables, now)
    selected = [each for column in query.columns for each in _expanded(column, table)]
    aliases = {each.name: each.expression for each in selected if each.expression != Name((each.name,))}
    meaning = Meaning(table.column, aliases, now)
    answers: list[tuple[Any, ...]] = []
    for span in _parts(query, table, meaning, now):
        answers += _answers(query, selected, meaning, table.rows(span))
        if query.limit is not None and len(answers) > query.limit:
            break
    return [each.name for each in selected], list(dict.fromkeys(answers)) if query.distinct else answers


def _parts(query: Select, table: Table, meaning: Meaning, now: datetime) -> Iterable[Span]:
    """The spans whose answers follow each other: the days, of a query that groups by them and has them in order."""
    span = span_of(query.where, meaning)
    first = query.order[0] if query.order else None
    by_day = first and not first.descending and first.expression in query.groups and is_day(first.expression, meaning)
    until_now = replace(span, last=min(span.last, now))
    if not by_day or not table.timed or query.distinct or until_now.last - until_now.first > _MOST_DAYS:
        return [span]
    return until_now.days()


def _answers(
    query: Select, selected: Sequence[Selected], meaning: Meaning, rows: Iterable[Any]
) -> list[tuple[Any, ...]]:
    """What is selected of rows, in the order of the query."""
    if query.where is not None:
        test = meaning.of_row(query.where)
        rows = [row for row in rows if test(row)]
    read: Callable[[Expression], Reader] = meaning.of_row
    units: list[Any] = list(rows)
    if query.groups or any(meaning.is_aggregate(each.expression) for each in selected):
        read = meaning.of_group
        units = _grouped(units, [meaning.of_row(each) for each in query.groups])
    if query.having is not None:
        kept = read(query.having)
        units = [unit for unit in units if kept(unit)]
    for step in reversed(query.order):
        value = read(step.expression)
        units.sort(key=lambda unit, value=value: _orderly(value(unit)), reverse=step.descending)  # type: ignore[misc]
    readers = [read(each.expression) for each in selected]
    return [tuple(each(unit) for each in readers) for unit in units]


def _source(query: Select, tables: Callable[[str], Table | None], now: datetime) -> Table:
    if isinstance(query.source, Select):
        columns, rows = _rows(query.source, tables, now)
        limited = rows if query.source.limit is None else rows[: query.source.limit]
        places = {name: place for place, name in enumerate(columns)}

        def column(path: tuple[str, ...]) -> Reader | None:
            place = places.get(path[-1])
            return None if place is None else lambda row: row[place]

        return Table(lambda _: limited, columns, column)
    table = tables(query.source)
    if table is None:
        raise SyntaxProblem(f'Unknown table "{query.source}".')
    return table


def _expanded(column: Selected, table: Table) -> list[Selected]:
    if column.name != "*":
        return [column]
    return [Selected(Name((name,)), name) for name in table.columns]


def _grouped(rows: Sequence[Any], keys: Sequence[Reader]) -> list[list[Any]]:
    """The rows by their keys; without keys all of them are one group, even if there are none."""
    if not keys:
        return [list(rows)]
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        groups.setdefault(tuple([key(row) for key in keys]), []).append(row)
    return list(groups.values())


def _orderly(value: Any) -> Any:
    """A value by which can be ordered: nulls last, as ClickHouse has them."""
    if isinstance(value, tuple):
        return tuple(_orderly(each) for each in value)
    return (value is None, 0 if value is None else value)


def written(value: Any) -> Any:
    """A value as it stands in an answer."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return [written(each) for each in value] if isinstance(value, (tuple, list)) else value


def type_of(values: Iterable[Any]) -> str:
    """ClickHouse's name for the type of a column, by its first value."""
    value = next((each for each in values if each is not None), None)
    names = {bool: "Bool", int: "UInt64", float: "Float64", datetime: "DateTime64(6, 'UTC')", date: "Date"}
    return names.get(type(value), "Array(String)" if isinstance(value, list) else "Nullable(String)")
