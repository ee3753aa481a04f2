"""Redshift: a file is put into a bucket and copied into a temporary table; a day is replaced in one transaction.

Lists are JSON text, which `json_parse` reads. A kill leaves the day of before, and at most a file in the bucket.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gtm_platform.http.redaction import excerpt
from gtm_platform.lake.file_query import text
from gtm_platform.publish.columns import DAY_COLUMN, CannotPublish, TypeNames
from gtm_platform.publish.redshift.settings import RedshiftSettings
from gtm_platform.publish.warehouse import DayRows, Target, WarehouseFailed, executed

LONGEST = "character varying(65535)"  # bytes, the most that Redshift has
NAMES = TypeNames(LONGEST, "bigint", "double precision", "boolean", "date", "timestamp with time zone", LONGEST)
LOADED = {NAMES.instant: "timestamp"}  # what Parquet's moments, which are in UTC, are read into
COLUMNS_OF = """select a.attname::text, format_type(a.atttypid, a.atttypmod) from pg_attribute a
    join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = {schema} and c.relname = {table} and a.attnum > 0 and not a.attisdropped order by a.attnum"""

# Puts a file where the warehouse reads it, and returns the COPY's own part: from where, by whom, in which format.
Stage = Callable[[Path, str], AbstractContextManager[str]]


@dataclass(frozen=True)
class Redshift:
    """A connection, where files are staged, and what errors are."""

    connection: Any
    stage: Stage
    errors: type[Exception]
    options: str = f" compound sortkey ({DAY_COLUMN})"
    names: TypeNames = NAMES

    def columns(self, target: Target) -> dict[str, str]:
        """Return the columns of the table."""
        return dict(self._ask(COLUMNS_OF.format(schema=text(target.schema), table=text(target.name))))

    def create(self, target: Target) -> None:
        """Make the schema and the table."""
        with self._transaction():
            self._do(f'create schema if not exists "{target.schema}"')
            self._do(f"create table if not exists {_named(target)} ({target.declared()}){self.options}")

    def add(self, target: Target, columns: Sequence[str]) -> None:
        """Add columns, each by a statement: Redshift adds one at a time."""
        with self._transaction():
            for name in columns:
                self._do(f'alter table {_named(target)} add column "{name}" {target.types[name]}')

    def replace(self, target: Target, day: DayRows) -> None:
        """Copy the rows into a temporary table, count them, and exchange the day's."""
        aside = f'"{target.name}_aside"'
        columns = {f'"{name}"': kind for name, kind in target.types.items()}
        loaded = (f"{name} {LOADED.get(kind, kind)}" for name, kind in columns.items())
        read = (f"{name} at time zone 'UTC'" if kind in LOADED else name for name, kind in columns.items())
        with day.as_parquet() as path, self.stage(path, target.name) as source, self._transaction():
            self._do(f"create temp table {aside} ({', '.join(loaded)})")
            self._do(f"copy {aside} {source}")
            day.require(target, int(self._ask(f"select count(*) from {aside}")[0][0]))
            self._do(f"delete from {_named(target)} where {DAY_COLUMN} = date '{day.day}'")
            self._do(f"insert into {_named(target)} ({', '.join(columns)}) select {', '.join(read)} from {aside}")
            self._do(f"drop table {aside}")

    def counts(self, target: Target) -> dict[str, int]:
        """Count the rows of each day."""
        query = f"select to_char({DAY_COLUMN}, 'YYYY-MM-DD'), count(*) from {_named(target)} group by 1"
        return {str(day): int(count) for day, count in self._ask(query)}

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """All of it is kept when the block ends, nothing when it raises."""
        try:
            yield
        except BaseException:
            self.connection.rollback()
            raise
        self.connection.commit()

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        return list(self._do(query).fetchall())

    def _do(self, statement: str) -> Any:
        return executed(self.connection, statement, self.errors, "Redshift")


def _named(target: Target) -> str:
    return f'"{target.schema}"."{target.name}"'


def bucket_stage(settings: RedshiftSettings, objects: Any) -> Stage:
    """Return what puts files into the bucket, and takes them away again."""
    bucket, _, folder = str(settings.publish_redshift_stage).removeprefix("s3://").partition("/")

    @contextmanager
    def stage(path: Path, name: str) -> Iterator[str]:
        key = "/".join(filter(None, (folder.strip("/"), f"{name}.{secrets.token_hex(8)}.parquet")))
        objects.upload_file(str(path), bucket, key)
        try:
            role = text(str(settings.publish_redshift_iam_role))
            yield f"from {text(f's3://{bucket}/{key}')} iam_role {role} format as parquet"
        finally:
            objects.delete_object(Bucket=bucket, Key=key)

    return stage


@contextmanager
def opened(settings: RedshiftSettings, schema: str) -> Iterator[Redshift]:  # noqa: ARG001
    """Connect by the protocol of Postgres, and to the bucket as AWS's own variables say."""
    try:
        import boto3
        import psycopg2
    except ImportError:
        raise CannotPublish("Redshift needs psycopg2 and boto3: pip install 'gtm-platform[redshift]'.") from None
    assert settings.publish_redshift_url
    url = settings.publish_redshift_url.get_secret_value().replace("redshift://", "postgresql://")
    try:
        connection = psycopg2.connect(url)
    except psycopg2.Error as error:
        raise WarehouseFailed(f"Redshift: {excerpt(str(error).replace(url, '…').splitlines()[0])}") from None
    with closing(connection):
        yield Redshift(connection, bucket_stage(settings, boto3.client("s3")), psycopg2.Error)


OPENING = opened
