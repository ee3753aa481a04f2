"""Snowflake: a file is put into a stage and copied into a table aside; a day is replaced in one transaction.

Names are in capitals, as Snowflake reads those without quotes. A kill leaves the day of before, and at most a table
aside that the next run of the day makes anew.
"""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from gtm_platform.http.redaction import excerpt
from gtm_platform.publish.columns import DAY_COLUMN, CannotPublish, TypeNames
from gtm_platform.publish.snowflake.settings import SnowflakeSettings
from gtm_platform.publish.warehouse import DayRows, Target, WarehouseFailed, executed

NAMES = TypeNames(
    text="TEXT",
    whole="NUMBER(38,0)",
    number="FLOAT",
    boolean="BOOLEAN",
    date="DATE",
    instant="TIMESTAMP_TZ",
    json="VARIANT",
    decimal="NUMBER({precision},{scale})",
)
COLUMNS_OF = """select lower(column_name), case data_type when 'NUMBER'
    then 'NUMBER(' || numeric_precision || ',' || numeric_scale || ')' else data_type end
    from information_schema.columns where table_schema = '{schema}' and table_name = '{table}'
    order by ordinal_position"""


@dataclass(frozen=True)
class Snowflake:
    """A connection, and what its errors are."""

    connection: Any
    errors: type[Exception]
    names: TypeNames = NAMES

    def columns(self, target: Target) -> dict[str, str]:
        """Return the columns of the table."""
        rows = self._ask(COLUMNS_OF.format(schema=target.schema.upper(), table=target.name.upper()))
        return {str(name): str(kind) for name, kind in rows}

    def create(self, target: Target) -> None:
        """Make the schema, its stage and the table."""
        self._do(f"create schema if not exists {_quoted(target.schema)}")
        self._do(f"create stage if not exists {_stage(target)}")
        required = {column.name for column in target.columns if column.is_required}
        columns = (f"{_quoted(name)} {kind}{_null(name in required)}" for name, kind in target.types.items())
        self._do(f"create table if not exists {_named(target)} ({', '.join(columns)})")

    def add(self, target: Target, columns: Sequence[str]) -> None:
        """Add columns."""
        for name in columns:
            self._do(f"alter table {_named(target)} add column {_quoted(name)} {target.types[name]}")

    def replace(self, target: Target, day: DayRows) -> None:
        """Copy the rows into a table aside, count them, and exchange the day's."""
        short = day.day.replace("-", "")
        aside = f"{_quoted(target.schema)}.{_quoted(f'{target.name}__{short}')}"
        columns = {_quoted(name): kind for name, kind in target.types.items()}
        loaded = (f"{name} {'TEXT' if kind == NAMES.json else kind}" for name, kind in columns.items())
        self._do(f"create or replace transient table {aside} ({', '.join(loaded)})")
        with day.as_parquet() as path:
            place = f"@{_stage(target)}/{target.name}/{short}"
            self._do(f"put 'file://{path}' {place} auto_compress = false overwrite = true")
        self._do(
            f"copy into {aside} from {place} purge = true file_format = (type = parquet use_logical_type = true) "
            "match_by_column_name = case_insensitive"
        )
        day.require(target, int(self._ask(f"select count(*) from {aside}")[0][0]))
        read = (f"parse_json({name})" if kind == NAMES.json else name for name, kind in columns.items())
        self._do("begin")
        try:
            self._do(f"delete from {_named(target)} where {_quoted(DAY_COLUMN)} = '{day.day}'")
            self._do(f"insert into {_named(target)} ({', '.join(columns)}) select {', '.join(read)} from {aside}")
            self._do("commit")
        except BaseException:
            self.connection.cursor().execute("rollback")
            raise
        self._do(f"drop table if exists {aside}")

    def counts(self, target: Target) -> dict[str, int]:
        """Count the rows of each day."""
        day = _quoted(DAY_COLUMN)
        rows = self._ask(f"select {day}, count(*) from {_named(target)} group by 1")
        return {str(each): int(count) for each, count in rows}

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        return list(self._do(query).fetchall())

    def _do(self, statement: str) -> Any:
        return executed(self.connection, statement, self.errors, "Snowflake")


def _quoted(name: str) -> str:
    return f'"{name.upper()}"'


def _named(target: Target) -> str:
    return f"{_quoted(target.schema)}.{_quoted(target.name)}"


def _stage(target: Target) -> str:
    return f'{_quoted(target.schema)}."GTM_LOADING"'


def _null(is_required: bool) -> str:
    return " not null" if is_required else ""


@contextmanager
def opened(settings: SnowflakeSettings, schema: str) -> Iterator[Snowflake]:  # noqa: ARG001
    """Connect with the key."""
    try:
        import snowflake.connector
    except ImportError:
        raise CannotPublish("Snowflake's connector is needed: pip install 'gtm-platform[snowflake]'.") from None
    try:
        connection = snowflake.connector.connect(**_login(settings))
    except snowflake.connector.errors.Error as error:
        raise WarehouseFailed(f"Snowflake: {excerpt(str(error).splitlines()[0])}") from None
    with closing(connection):
        yield Snowflake(connection, snowflake.connector.errors.Error)


def _login(settings: SnowflakeSettings) -> dict[str, Any]:
    assert settings.publish_snowflake_private_key
    login = {
        "account": settings.publish_snowflake_account,
        "user": settings.publish_snowflake_user,
        "private_key": _der(settings.publish_snowflake_private_key.get_secret_value()),
        "database": settings.publish_snowflake_database,
        "warehouse": settings.publish_snowflake_warehouse,
        "role": settings.publish_snowflake_role,
        "session_parameters": {"TIMEZONE": "UTC"},
    }
    return {name: value for name, value in login.items() if value is not None}


def _der(pem: str) -> bytes:
    """Return the key as the connector takes it."""
    from cryptography.hazmat.primitives import serialization

    key = serialization.load_pem_private_key(pem.replace("\\n", "\n").encode(), password=None)
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


OPENING = opened
