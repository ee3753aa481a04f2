"""Databases without a person: the state, Dagster's history, and whatever people keep in `gtm.duckdb`.

Every table of a database is walked, whoever made it. A row that is about the person goes; a text that names them stays
without the name. Afterwards the file is made anew, as what a database deletes it does not overwrite.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from gtm_platform.identity.decisions import record_key
from gtm_platform.ingest.hooks import bodies
from gtm_platform.lake.file_query import text
from gtm_platform.privacy.lake_rows import Done
from gtm_platform.privacy.needles import Needles

# The record of what was done stays: who did what, and what was erased. Only texts in it are cleaned.
KEPT_ROWS = frozenset({"audit", "erasures", "alembic_version", "suppressions"})
UNTOUCHED = frozenset({"suppressions", "alembic_version"})
TEXT_TYPES = (sa.String, sa.Text, sa.JSON, sa.LargeBinary)
SEPARATOR = "\x1f"
# Beside what changes of a row, this column goes: without it the hash of what the row said tells nothing.
SALTS = {"audit": "salt"}


@dataclass(frozen=True)
class RowHit:
    """A row of a database that names the person: it goes, or some of its values change."""

    key: Mapping[str, Any]
    goes: bool
    changes: Mapping[str, Any]
    row: Mapping[str, Any]


def hits_of_table(
    connection: sa.Connection, table: sa.Table, needles: Needles, *, keeps_rows: bool = False
) -> list[RowHit]:
    """Return the rows of a table that name the person; with `keeps_rows` none of them goes."""
    keeps = keeps_rows or table.name in KEPT_ROWS
    columns = [column for column in table.columns if isinstance(column.type, TEXT_TYPES)]
    if table.name in UNTOUCHED or not table.primary_key.columns:
        return []
    if not columns:
        return []
    query = sa.select(table).where(_candidates(columns, needles))
    rows = connection.execute(query).mappings()
    return [hit for row in rows if (hit := _hit(table, dict(row), needles, keeps=keeps))]


def _candidates(columns: Sequence[sa.Column[Any]], needles: Needles) -> sa.ColumnElement[bool]:
    """Whether a row may name the person. Bytes are looked into one by one: they are packed, or encrypted."""
    wanted = {*needles.coarse, *(id for _, id in needles.person.records)}
    texts = [column for column in columns if not isinstance(column.type, sa.LargeBinary)]
    tests: list[sa.ColumnElement[bool]] = [column.is_not(None) for column in columns if column not in texts]
    if texts:
        shown: list[sa.ColumnElement[str]] = [sa.func.coalesce(sa.cast(column, sa.Text), "") for column in texts]
        whole = sa.func.lower(reduce(lambda left, right: left + SEPARATOR + right, shown))
        tests += [whole.contains(needle.lower(), autoescape=True) for needle in sorted(wanted)]
    return sa.or_(*tests)


def _hit(table: sa.Table, row: dict[str, Any], needles: Needles, *, keeps: bool) -> RowHit | None:
    key = {column.name: row[column.name] for column in table.primary_key.columns}
    if not keeps and _is_about(row, needles):
        return RowHit(key, True, {}, row)
    changes = {name: new for name, value in row.items() if (new := _cleaned(value, needles)) is not _SAME}
    if not changes:
        return None
    if table.name in SALTS:
        changes[SALTS[table.name]] = ""
    goes = not keeps and bool(changes.keys() & key.keys())
    return RowHit(key, goes, changes, row)


def _is_about(row: Mapping[str, Any], needles: Needles) -> bool:
    """Whether a value is the person's id, or two values name a record of theirs."""
    texts = {value for value in row.values() if isinstance(value, str)}
    named = {record_key(table.split("/")[0], id) for table, id in needles.person.records}
    if texts & needles.ids or texts & named or any(needles.is_named(each) for each in texts):
        return True
    kinds = [(name.removesuffix("type"), value) for name, value in row.items() if name.endswith("type")]
    streams = {(table.split("/")[1], id) for table, id in needles.person.records}
    if any((kind, row.get(f"{prefix}id")) in streams for prefix, kind in kinds):
        return True
    touched = [value for value in row.values() if isinstance(value, dict)]
    return any(
        isinstance(ids, list) and needles.is_record(f"{row.get('source')}/{stream}", str(id))
        for value in touched
        for stream, ids in value.items()
        for id in (ids if isinstance(ids, list) else ())
    )


_SAME = object()


def _cleaned(value: Any, needles: Needles) -> Any:
    """Return a value without what names the person; _SAME where it does not."""
    if isinstance(value, str):
        return _SAME if (clean := needles.cleaned_of_ids(value)) == value else clean
    if isinstance(value, bytes):
        return _cleaned_bytes(value, needles)
    if isinstance(value, (dict, list)):
        whole = json.dumps(value, ensure_ascii=False, default=str)
        clean = needles.cleaned_of_ids(whole)
        return _SAME if clean == whole else json.loads(clean)
    return _SAME


def _cleaned_bytes(value: bytes, needles: Needles) -> Any:
    """What a webhook brought is encrypted; of what cannot be read nobody knows whom it names, so that it goes."""
    try:
        body = bodies.decrypt(value).decode("utf-8", "replace")
    except Exception:  # no key, another one, or no body
        return _SAME if not needles.bytes_pattern.search(value) else b""
    return _SAME if (clean := needles.cleaned(body)) == body else bodies.encrypt(clean.encode())


def hits_of_database(
    engine: sa.Engine, needles: Needles, *, keeps_rows: bool = False
) -> Iterator[tuple[sa.Table, list[RowHit]]]:
    """Yield the tables of a database that name the person, as the database itself describes them."""
    described = sa.MetaData()
    described.reflect(engine)
    with engine.connect() as connection:
        for table in described.sorted_tables:
            if hits := hits_of_table(connection, table, needles, keeps_rows=keeps_rows):
                yield table, hits


def erase_from_database(engine: sa.Engine, needles: Needles, done: Done, *, keeps_rows: bool = False) -> None:
    """Delete or clean every row that names the person, and leave none of the old bytes."""
    for table, hits in list(hits_of_database(engine, needles, keeps_rows=keeps_rows)):
        with engine.connect().execution_options(writes=True) as connection, connection.begin():
            for hit in hits:
                where = sa.and_(*(table.c[name] == value for name, value in hit.key.items()))
                statement = sa.delete(table) if hit.goes else sa.update(table).values(**hit.changes)
                connection.execute(statement.where(where))
        done(f"erased rows of {table.name}")
    overwrite(engine)
    done("made the database anew")


def overwrite(engine: sa.Engine) -> None:
    """Write a database's files anew, without what was deleted: with SQLite its journal, too."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "sqlite":
            raw = connection.connection.dbapi_connection
            assert raw is not None
            raw.commit()
            raw.execute("pragma secure_delete = on")
            raw.execute("vacuum")
            raw.execute("pragma wal_checkpoint(truncate)")
        else:
            connection.exec_driver_sql("vacuum full")


def sqlite_files(home: Path) -> list[Path]:
    """List the databases of Dagster's history that lie in files."""
    return sorted(path for path in (home / "dagster").rglob("*.db") if path.stat().st_size)


def clean_sqlite_file(path: Path, needles: Needles) -> int:
    """Clean every text of a SQLite file whose rows are not ours to delete; return how many changed."""
    changed = 0
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as db:
        tables = db.execute("select name from sqlite_master where type = 'table' and sql is not null").fetchall()
        for (table,) in tables:
            columns = [row[1] for row in db.execute(f"select * from pragma_table_info({text(table)})")]
            for column in columns:
                query = f'select rowid, "{column}" from "{table}" where typeof("{column}") = \'text\''
                for rowid, value in db.execute(query).fetchall():
                    if (clean := needles.cleaned_of_ids(value)) != value:
                        db.execute(f'update "{table}" set "{column}" = ? where rowid = ?', (clean, rowid))
                        changed += 1
        if changed:
            db.execute("vacuum")
            db.execute("pragma wal_checkpoint(truncate)")
    return changed


# --- what people keep in the catalogue -----------------------------------------------------------------------------


def guest_tables(path: Path, needles: Needles) -> dict[str, int]:
    """Return the tables that people keep in `gtm.duckdb` and that name the person, with how many rows do."""
    if not path.exists():
        return {}
    with duckdb.connect(str(path), read_only=True) as connection:
        return {name: len(rows) for name, rows in _guest_hits(connection, needles)}


def erase_guest_rows(path: Path, needles: Needles, done: Done) -> None:
    """Delete such rows, and copy what is left into a new file: DuckDB does not overwrite what it deletes."""
    if not guest_tables(path, needles):
        return
    draft = path.with_name(f".{path.name}.erased")
    draft.unlink(missing_ok=True)
    with duckdb.connect(str(path)) as connection:
        for name, rows in list(_guest_hits(connection, needles)):
            connection.execute(f"delete from {name} where rowid in ({', '.join(map(str, rows))})")
            done(f"erased rows of {name} in {path.name}")
        [(current,)] = connection.execute("select current_database()").fetchall()
        connection.execute(f"attach {text(str(draft))} as erased")
        connection.execute(f'copy from database "{current}" to erased')
        connection.execute("detach erased")
    os.replace(draft, path)
    done(f"made {path.name} anew")


def _guest_hits(connection: duckdb.DuckDBPyConnection, needles: Needles) -> Iterator[tuple[str, list[int]]]:
    query = "select schema_name, table_name from duckdb_tables() where not internal and table_name != 'platform_views'"
    for schema, table in connection.execute(query).fetchall():
        name = f'"{schema}"."{table}"'
        rows = connection.execute(f"select rowid, * from {name}").fetchall()
        if hits := [row[0] for row in rows if any(needles.names(value) for value in row[1:] if value is not None)]:
            yield name, hits
