"""The values of all metrics on a day, computed by the engine from daily tables; compiled once, run for many days."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cache

import ibis

from gtm_platform.lake.duckdb_engine import cursor, engine
from gtm_platform.lake.lake import File, Lake
from gtm_platform.serving.metrics import Metric, Population, discover
from gtm_platform.serving.metrics.metric import Days

Value = tuple[str, str, str, str, float]  # day, metric, dimension or "", member or "", value
FilesByDay = Mapping[str, Mapping[str, File]]  # of each table
ROWS = "rows_of_days"  # the rows of several days, each once in all and once for each dimension


def values_of_days(lake: Lake, days: Sequence[str]) -> Iterator[Value]:
    """Yield the values of some days; none of a metric whose earlier day the lake does not have.

    All days are one query for each population: to plan a query takes longer than to run it over a day.
    """
    files = files_by_day(lake)
    for population in populations():
        rows = {day: query for day in days if (query := rows_query(lake, population, day, files))}
        if rows:
            yield from _values(population, rows)


def populations() -> list[Population]:
    """Return the populations that metrics are computed over."""
    return list({metric.over.name: metric.over for metric in discover().values()}.values())


def files_read(files: FilesByDay, day: str) -> list[File]:
    """Return the files that the values of a day depend on, of those that each table has by day."""
    reads = dict.fromkeys(read for population in populations() for read in population.reads.values())
    return list(dict.fromkeys(file for read in reads for file in _files(files[read.table], read, day)))


def files_by_day(lake: Lake) -> FilesByDay:
    """Return the newest file of each day of the tables that metrics are computed from."""
    tables = {read.table for population in populations() for read in population.reads.values()}
    return {table: {file.partition: file for file in lake.files(table)} for table in sorted(tables)}


def _files(by_day: Mapping[str, File], read: Days, day: str) -> list[File]:
    days = range(read.ago - 1, -1, -1) if read.since else (read.ago,)
    return [by_day[each] for ago in days if (each := _days_before(day, ago)) in by_day]


@cache
def definitions() -> str:
    """Return what values depend on besides the days: with it they are the same, or computed again."""
    parts = [f"{population.query} {_compiled(population)}" for population in populations()]
    return "\n".join(parts)


def _days_before(day: str, days: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()


def rows_query(lake: Lake, population: Population, day: str, files: FilesByDay | None = None) -> str | None:
    """Return the query for a population's rows of a day; None where the lake lacks a day that it needs."""
    tables, queries = files or files_by_day(lake), {}
    for name, read in population.reads.items():
        by_day = tables[read.table]
        if _days_before(day, read.ago) not in by_day and not read.may_be_missing:
            return None
        queries[name] = f"({lake.file_query(read.table, _files(by_day, read, day)).sql})"
    return population.query.format(**queries)


def _values(population: Population, rows: Mapping[str, str]) -> Iterator[Value]:
    names = [metric.name for metric in _metrics_of(population)]
    query = _compiled(population)
    read = ", ".join(f'"{name}"' for name in population.columns if f'"{name}"' in query)
    split = f"""unnest(['', {", ".join(f"'{name}'" for name in population.dimensions)}]) as dimension,
        unnest(['', {", ".join(f"coalesce({column}, '')" for column in population.dimensions.values())}]) as member"""
    days = " union all ".join(f"select '{day}' as day, {read}, {split} from ({of_day})" for day, of_day in rows.items())
    empty = set(rows)
    with cursor() as connection:
        for day, dimension, member, *numbers in connection.execute(f"with {ROWS} as ({days}) {query}").fetchall():
            empty.discard(day)
            yield from _named(day, dimension, member, names, numbers)
        for day in sorted(empty):  # nobody is no group, and yet some metrics of nobody are 0
            whole = metrics_query(_metrics_of(population))
            for _, *numbers in connection.execute(f"with population as ({rows[day]}) {whole}").fetchall():
                yield from _named(day, "", "", names, numbers)


def _named(
    day: str, dimension: str, member: str, names: Sequence[str], numbers: Sequence[float | None]
) -> Iterator[Value]:
    for name, number in zip(names, numbers, strict=True):
        if number is not None:
            yield day, name, dimension, member, float(number)


def _metrics_of(population: Population) -> list[Metric]:
    return [metric for metric in discover().values() if metric.over.name == population.name]


@cache
def _compiled(population: Population) -> str:
    """Return the query over a population's rows of several days: day, dimension, member, then each metric."""
    keys = dict.fromkeys(("day", "dimension", "member"), "string")
    rows = ibis.table(ibis.schema({**keys, **dict(population.schema.items())}), name=ROWS)
    grouped = rows.group_by(*keys).aggregate(**{metric.name: metric.value(rows) for metric in _metrics_of(population)})
    return f"select * from ({engine().compile(grouped)})"


def metrics_query(metrics: Sequence[Metric], dimension: str = "") -> str:
    """Return the query for metrics of one population, in all ("") or by a dimension.

    Its columns are the member, then each metric. It reads the rows from `population`.
    """
    rows = ibis.table(metrics[0].over.schema, name="population")
    values = {metric.name: metric.value(rows) for metric in metrics}
    if dimension:
        grouped = rows.group_by(member=rows[metrics[0].over.dimensions[dimension]].nullif("")).aggregate(**values)
        query = grouped.select("member", *values)
    else:
        query = rows.aggregate(**values).select(ibis.null("string").name("member"), *values)
    return f"select * from ({engine().compile(query)})"
