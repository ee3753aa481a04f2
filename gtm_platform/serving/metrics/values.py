"""The values of all metrics on a day, computed by the engine from the wide table; compiled once, run for every day."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache

import ibis

from gtm_platform.lake.duckdb_engine import cursor, engine
from gtm_platform.lake.lake import Lake
from gtm_platform.serving.metrics import DIMENSIONS, Population, discover
from gtm_platform.unified.customers import TABLE

Value = tuple[str, str, str, float]  # metric, dimension or "", member or "", value


def values_of_day(lake: Lake, day: str) -> Iterator[Value]:
    """Yield the values of a day; none of a metric whose earlier day the lake does not have."""
    for population in populations():
        if rows := _rows(lake, population, day):
            yield from _values(population, rows)


def populations() -> list[Population]:
    """Return the populations that metrics are computed over."""
    return list({metric.over.name: metric.over for metric in discover().values()}.values())


def days_read(day: str) -> list[str]:
    """Return the days that the values of a day depend on."""
    before = [population.days_before for population in populations() if population.days_before]
    return [day, *(_days_before(day, days) for days in sorted(before))]


def definitions() -> str:
    """Return what values depend on besides the days: with it they are the same, or computed again."""
    parts = [f"{population.query} {_compiled(population.name)}" for population in populations()]
    return "\n".join(parts)


def _days_before(day: str, days: int) -> str:
    return (date.fromisoformat(day) - timedelta(days=days)).isoformat()


def _rows(lake: Lake, population: Population, day: str) -> str | None:
    """Return the query for a population's rows of a day; None where the lake lacks the earlier day."""
    tables = {"day": lake.query_day(TABLE.key, day)}
    if population.days_before is not None:
        earlier = _days_before(day, population.days_before)
        if not lake.has(TABLE.key, earlier):
            return None
        tables["before"] = lake.query_day(TABLE.key, earlier)
    return population.query.format(**{name: f"({query.sql})" for name, query in tables.items()})


def _values(population: Population, rows: str) -> Iterator[Value]:
    names = [metric.name for metric in discover().values() if metric.over.name == population.name]
    with cursor() as connection:
        for dimension, query in _compiled(population.name).items():
            for member, *numbers in connection.execute(f"with population as ({rows}) {query}").fetchall():
                for name, number in zip(names, numbers, strict=True):
                    if number is not None:
                        yield name, dimension, member or "", float(number)


@cache
def _compiled(name: str) -> dict[str, str]:
    """Return the queries over a population, in all ("") and by each dimension: the member, then each metric."""
    [population] = [each for each in populations() if each.name == name]
    rows = ibis.table(population.schema, name="population")
    metrics = {metric.name: metric.value(rows) for metric in discover().values() if metric.over.name == name}
    queries = {"": rows.aggregate(**metrics).select(ibis.null("string").name("member"), *metrics)}
    for dimension, column in DIMENSIONS.items():
        queries[dimension] = (
            rows.group_by(member=rows[column].nullif("")).aggregate(**metrics).select("member", *metrics)
        )
    return {dimension: f"select * from ({engine().compile(query)})" for dimension, query in queries.items()}
