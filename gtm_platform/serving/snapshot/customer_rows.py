"""The customers of a snapshot: what they are filtered and sorted by, and their documents, in bounded memory."""

import zlib
from collections.abc import Iterator
from typing import Any

import duckdb
import ibis.expr.datatypes as dt

from gtm_platform.health.customer_health import CONTRACT as HEALTH
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.serving.snapshot import layout
from gtm_platform.serving.snapshot.documents import document, personal, shown_to_all, value
from gtm_platform.serving.snapshot.landing import Draft, Landing

ROWS_AT_ONCE = 2_000
CUSTOMERS_A_BUCKET = 15_000
FAST = 1  # level of packing: half the time of the usual one, a tenth more bytes
# Of the contract of health everything is part of the explanation that is no list, which the wide table has.
EXPLANATION = {
    name: column
    for name, column in shown_to_all(HEALTH.columns).items()
    if name != "customer_id" and not dt.dtype(column.type).is_array()
}


def fill(draft: Draft) -> int:
    """Write everybody in the wide table; return how many they are."""
    with cursor() as connection:
        total = _count(connection, draft.landing)
        buckets = max(1, -(-total // CUSTOMERS_A_BUCKET))
        number = 0
        for bucket in range(buckets):
            for rows in _bucket(connection, draft.landing, buckets, bucket):
                _write(draft, rows, number)
                number += len(rows)
    return total


def _count(connection: duckdb.DuckDBPyConnection, landing: Landing) -> int:
    wide = landing.lake.query_day(layout.CUSTOMERS, landing.day)
    row = connection.execute(f"select count(*) from ({wide.sql})").fetchone()
    return int(row[0]) if row else 0


def _bucket(
    connection: duckdb.DuckDBPyConnection, landing: Landing, buckets: int, bucket: int
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the rows of the customers whose id falls into a bucket."""
    with landing.lake.naming_damage(lambda: _paths(landing)):
        connection.execute(_query(landing, f"hash(customer_id) % {buckets} = {bucket}"))
        while rows := connection.fetchmany(ROWS_AT_ONCE):
            yield rows


def _paths(landing: Landing) -> list[str]:
    tables = (layout.CUSTOMERS, layout.SCORES, layout.PEOPLE, layout.COMPANIES)
    today = [path for table in tables for path in landing.lake.query_day(table, landing.day).files]
    return [*today, *_history_query(landing).files]


def _history_query(landing: Landing) -> Any:
    shown = set(landing.days)
    files = [file for file in landing.lake.files(layout.CUSTOMERS) if file.partition in shown]
    return landing.lake.file_query(layout.CUSTOMERS, files)


def _query(landing: Landing, condition: str) -> str:
    """Return the query for the rows of a bucket.

    One list of structs for each customer is collected and sorted: a list for each column takes far more memory.
    """
    tables = (layout.CUSTOMERS, layout.SCORES, layout.PEOPLE, layout.COMPANIES)
    wide, health, people, companies = (landing.lake.query_day(table, landing.day).sql for table in tables)
    kept = ", ".join(f"'{name}': \"{column}\"" for name, column in layout.HISTORY.items())
    unpacked = ", ".join(f"'{name}': [each.{name} for each in days]" for name in layout.HISTORY)
    changes = ", ".join(f'health."{name}"' for name in layout.CHANGES)
    columns = ", ".join(_indexed(name) for name in layout.COLUMNS)
    return f"""
        with wide as (from ({wide}) where {condition}),
        health as (from ({health}) where {condition}),
        people as (select customer_id, aliases from ({people}) where {condition}),
        days as (
            select customer_id, list_sort(list({{'day': as_of, {kept}}})) as days
            from ({_history_query(landing).sql}) where {condition} group by customer_id
        ),
        companies as (select company_id, customer_cohort as {layout.COHORT} from ({companies})),
        shown as (
            select wide.*, {changes}, {layout.COHORT}
            from wide left join health using (customer_id) left join companies using (company_id)
        )
        select shown.customer_id, {columns},
            {document(shown_to_all(layout.SHOWN), "shown")},
            {document(personal(layout.SHOWN), "shown")},
            case when health.customer_id is not null then {document(EXPLANATION, "health")} end,
            to_json({{'day': [each.day for each in days], {unpacked}}})::varchar,
            shown.all_emails, people.aliases
        from shown
        left join health using (customer_id)
        left join people using (customer_id)
        left join days using (customer_id)
        order by shown.customer_id"""


def _indexed(name: str) -> str:
    """Return an expression for a column that is filtered or sorted by; it is never null."""
    column = layout.SHOWN[name]
    if dt.dtype(column.type).is_array():
        return (
            f"'{layout.SEPARATOR}' || array_to_string(shown.\"{name}\", '{layout.SEPARATOR}') || '{layout.SEPARATOR}'"
        )
    if layout.kind_of(name) == "real":
        return f'coalesce(shown."{name}"::double, {layout.NO_NUMBER})'
    return f"coalesce({value(name, column, 'shown')}::varchar, '{layout.NO_TEXT}')"


def _write(draft: Draft, rows: list[tuple[Any, ...]], number: int) -> None:
    """Write rows under the numbers after `number`."""
    width = 1 + len(layout.COLUMNS)
    numbered = list(enumerate(rows, number + 1))
    customers = ", ".join(["?"] * (width + 1))
    draft.db.executemany(
        f"insert into customers values ({customers})",
        ((id, row[0], *(text or "" if text is None else text for text in row[1:width])) for id, row in numbered),
    )
    draft.db.executemany(
        "insert into documents values (?, ?, ?, ?, ?)",
        ((id, *row[width : width + 3], zlib.compress(row[width + 3].encode(), FAST)) for id, row in numbered),
    )
    draft.db.executemany("insert or ignore into identifiers values (?, ?)", _identifiers(numbered))


def _identifiers(numbered: list[tuple[int, tuple[Any, ...]]]) -> Iterator[tuple[str, int]]:
    for id, row in numbered:
        emails, aliases = row[-2:]
        yield row[0], id
        yield from ((alias, id) for alias in aliases or ())
        yield from ((email.lower(), id) for email in emails or ())
