"""Postgres: a partition for each day, loaded aside through DuckDB's extension and put in its place in one transaction.

A kill at any moment leaves the day of before, as nothing of the transaction is there until its end.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from gtm_platform.http.redaction import excerpt
from gtm_platform.lake import spill
from gtm_platform.lake.encryption import equip
from gtm_platform.lake.file_query import quoted, text
from gtm_platform.lake.postgres_extension import load_postgres
from gtm_platform.publish.columns import DAY_COLUMN, TypeNames
from gtm_platform.publish.postgres.settings import PostgresSettings
from gtm_platform.publish.warehouse import DayRows, Target, WarehouseFailed

MEMORY_LIMIT = "1GB"  # beside the engine of the lake; rows pass through
LOCK_SECONDS, LOCK_TRIES = 5, 24  # readers wait behind us for so long at most, and we for readers two minutes

NAMES = TypeNames(
    "text", "bigint", "double precision", "boolean", "date", "timestamp with time zone", "json", array="{}[]"
)
DAYS_OF = """select to_char(as_of, 'YYYY-MM-DD'), count(*) from {table} group by 1"""
COLUMNS_OF = """select attname::text, format_type(atttypid, atttypmod) from pg_attribute
    where attrelid = to_regclass({table}) and attnum > 0 and not attisdropped order by attnum"""
PATIENTLY = """do $patient$
declare replaced regclass := {replaced};
begin
    for attempt in 1..{tries} loop
        begin
            perform set_config('lock_timeout', '{seconds}s', true);
            {statements}
            exit;
        exception when lock_not_available then
            if attempt = {tries} then raise; end if;
            perform pg_sleep(1);
        end;
    end loop;
end $patient$"""
PARTITION_OF = """(select inhrelid::regclass from pg_inherits join pg_class on pg_class.oid = inhrelid
    where inhparent = {table}::regclass and pg_get_expr(relpartbound, inhrelid) = {bound})"""


@dataclass(frozen=True)
class Postgres:
    """A connection to the database, through DuckDB."""

    connection: duckdb.DuckDBPyConnection
    url: str
    lock_tries: int = LOCK_TRIES
    lock_seconds: int = LOCK_SECONDS
    names: TypeNames = NAMES

    def columns(self, target: Target) -> dict[str, str]:
        """Return the columns of the table."""
        return dict(self._ask(COLUMNS_OF.format(table=text(_named(target)))))

    def create(self, target: Target) -> None:
        """Make the schemas and the partitioned table; days lie out of the way, in a schema beside it."""
        key = f", primary key ({quoted(target.key)})" if target.key else ""
        schemas = {str(name) for (name,) in self._ask("select nspname::text from pg_namespace")}
        needed = (target.schema, f"{target.schema}_days", f"{target.schema}_loading")
        self._do(
            # "if not exists" needs the right to create one also where it is there.
            *(f'create schema "{name}"' for name in needed if name not in schemas),
            f"create table if not exists {_named(target)} ({target.declared()}{key}) partition by list ({DAY_COLUMN})",
        )

    def add(self, target: Target, columns: Sequence[str]) -> None:
        """Add columns to the table and all its partitions."""
        added = ", ".join(f'add column if not exists "{name}" {target.types[name]}' for name in columns)
        self._do(self._patiently(f"alter table {_named(target)} {added};"))

    def replace(self, target: Target, day: DayRows) -> None:
        """Load a new partition aside and attach it in the place of the old one."""
        table = _named(target)
        name = f"{target.name[:40]}_{day.day}_{secrets.token_hex(4)}"
        draft, partition = f'"{target.schema}_loading"."{name}"', f'"{target.schema}_days"."{name}"'
        key = f"alter table {draft} add primary key ({quoted(target.key)});" if target.key else ""
        bound = f"for values in ('{day.day}')"
        replaced = PARTITION_OF.format(table=text(table), bound=text(bound.replace("for values in", "FOR VALUES IN")))
        self._run("begin")
        try:
            self._do("set local datestyle = 'ISO'", f"create table {draft} (like {table} including defaults)")
            self._run("call pg_clear_cache()")
            self._run(f"insert into warehouse.{draft} by name {day.query}")
            [(rows,)] = self._ask(f"select count(*) from {draft}")
            day.require(target, rows)
            self._do(
                f"{key} alter table {draft} add check ({DAY_COLUMN} = date '{day.day}')",
                f'alter table {draft} set schema "{target.schema}_days"',
                self._patiently(
                    f"if replaced is not null then lock table only {table} in access exclusive mode; "
                    f"execute format('drop table %s', replaced); end if;"
                    f"alter table {table} attach partition {partition} {bound};",
                    replaced,
                ),
            )
            self._run("commit")
        except BaseException:
            self.connection.execute("rollback")
            raise

    def counts(self, target: Target) -> dict[str, int]:
        """Count the rows of each day."""
        return dict(self._ask(DAYS_OF.format(table=_named(target))))

    def _patiently(self, statements: str, replaced: str = "null") -> str:
        """Take locks that keep readers waiting for a short while only, as often as it needs."""
        return PATIENTLY.format(
            replaced=replaced, statements=statements, tries=self.lock_tries, seconds=self.lock_seconds
        )

    def _do(self, *statements: str) -> None:
        for statement in statements:
            self._run(f"call postgres_execute('warehouse', {text(statement)})")

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        return self._run(f"from postgres_query('warehouse', {text(query)})").fetchall()

    def _run(self, statement: str) -> duckdb.DuckDBPyConnection:
        try:
            return self.connection.execute(statement)
        except duckdb.Error as error:
            raise WarehouseFailed(f"Postgres: {_reason(error, self.url)}") from None


def _named(target: Target) -> str:
    return f'"{target.schema}"."{target.name}"'


def _reason(error: Exception, url: str) -> str:
    """What the server says, without the statement and the rows, which may be personal."""
    lines = str(error).replace(url, "…").splitlines()
    words = next((line.partition("ERROR:")[2] for line in lines if "ERROR:" in line), "") or lines[0]
    return excerpt(words.strip())


@contextmanager
def opened(settings: PostgresSettings, schema: str) -> Iterator[Postgres]:
    """Connect; DuckDB looks at the tables of the schema for loading only, which holds nothing else."""
    assert settings.publish_postgres_url
    url = settings.publish_postgres_url.get_secret_value().replace("postgresql+psycopg://", "postgresql://")
    room = spill.folder() / "publish"
    room.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(":memory:") as connection:
        connection.execute(
            "set TimeZone='UTC'; set autoinstall_known_extensions=false; set autoload_known_extensions=false;"
            f"set memory_limit={text(MEMORY_LIMIT)}; set temp_directory={text(str(room))};"
            "set preserve_insertion_order=false; set enable_external_file_cache=false"
        )
        equip(connection)
        load_postgres(connection)
        connection.execute("set pg_null_byte_replacement=''")  # Postgres has no text with a NUL
        warehouse = Postgres(connection, url)
        warehouse._run(f"attach {text(url)} as warehouse (type postgres, schema {text(f'{schema}_loading')})")
        yield warehouse


OPENING = opened
