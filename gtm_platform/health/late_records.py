"""Whom records concern that are of a past day, and were read only after its scores were published.

Late is a record that its system dates before the end of that day (`cursor_field`), and one that stands in a window of
that day which was read again since. Where a system does not date changes, nothing comes late. A record concerns whoever
any of its ids and addresses names, if need be by another record of the same system: a message by its conversation.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import ibis.expr.datatypes as dt

from gtm_platform.health.recomputation import Hindsight, cursor_fields, source_tables
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.file_query import quoted, text
from gtm_platform.lake.lake import File

LINKS = "identity/links"
LONG_TEXTS = ("payload", "body", "summary", "external_words", "description")  # name nobody


@dataclass(frozen=True)
class LateRecords:
    """Of whom more is known about a day than when its scores were published, and the tables that have it."""

    customers: Sequence[str] = ()
    tables: frozenset[str] = frozenset()


def late_records(lake: Hindsight, published: File) -> LateRecords:
    """Return whom late records of a published day concern."""
    end = (date.fromisoformat(published.partition) + timedelta(days=1)).isoformat()
    with cursor() as connection:
        connection.execute("create or replace temp table late_ids (source text, id text)")
        tables = {
            table
            for table in source_tables()
            for query in _late(lake, table, published, end)
            if _keep(connection, table, query)
        }
        if not tables:
            return LateRecords()
        sources = {table.split("/")[0] for table in tables}
        for table in source_tables():
            if table.split("/")[0] in sources and contract_of(table).key == ("id",):
                rows = lake.query_as_of(table, end).sql
                _keep(connection, table, f"from ({rows}) where id in (select id from late_ids)")
        return LateRecords(_concerned(connection, lake, published.partition), frozenset(tables))


def _late(lake: Hindsight, table: str, published: File, end: str) -> Iterator[str]:
    """Yield queries for the late rows of a table."""
    again = [file for file in lake.files(table) if file.partition < end and file.stamp > published.stamp]
    if again:
        yield f"from ({lake.file_query(table, again).sql})"
    changed, later = cursor_fields().get(table), set(lake.later_files(table, end))
    if changed is None or not later:
        return
    read_later = lake.file_query(table, [file for file in lake.files(table) if str(file.path) in later])
    same = " and ".join(f'stored."{name}" = late."{name}"' for name in contract_of(table).key)
    stored = f"select {quoted([*contract_of(table).key, changed])} from ({lake.base.query_as_of(table, end).sql})"
    yield f"""from ({read_later.sql}) as late where "{changed}" < timestamptz '{end} 00:00:00+00' and not exists (
        select 1 from ({stored}) as stored where {same} and stored."{changed}" >= late."{changed}")"""


def _keep(connection: duckdb.DuckDBPyConnection, table: str, rows: str) -> bool:
    """Keep the ids that rows of a table name; say whether there were any."""
    schema = contract_of(table).schema
    texts = [name for name, kind in schema.items() if kind.is_string() and name not in LONG_TEXTS]
    text_lists = [
        name for name, kind in schema.items() if isinstance(kind, dt.Array) and isinstance(kind.value_type, dt.String)
    ]
    lists = [f"[{quoted(texts)}]", *(f'coalesce("{name}", [])' for name in text_lists)]
    ids = lists[0] if len(lists) == 1 else f"flatten([{', '.join(lists)}])"
    kept = connection.execute(
        f"insert into late_ids select distinct {text(table.split('/')[0])}, named from "
        f"(select unnest({ids}) as named {rows}) where named <> ''"
    ).fetchone()
    return bool(kept and kept[0])


def _concerned(connection: duckdb.DuckDBPyConnection, lake: Hindsight, day: str) -> list[str]:
    links = lake.query_day(LINKS, day).sql
    rows = connection.execute(f"""
        select distinct customer_id from ({links}) as links where exists (
            select 1 from late_ids where late_ids.source = links.source and late_ids.id = links.record_id
        ) or lower(email) in (select lower(id) from late_ids) order by 1""").fetchall()
    return [customer for (customer,) in rows]
