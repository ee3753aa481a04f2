"""The seam to a warehouse: what publishing asks of one. An adapter has the statements, and decides nothing."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gtm_platform.http.redaction import excerpt
from gtm_platform.ingest.discovery import discover
from gtm_platform.lake import spill
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.publish.columns import CannotPublish, PublishedColumn, TypeNames
from gtm_platform.settings import SystemSettings, settings_of

ROW_GROUP = 50_000


class WarehouseFailed(RuntimeError):
    """A warehouse did not do what it was to; the message says why. The day is as it was before."""


@dataclass(frozen=True)
class Target:
    """A table of a warehouse: where it is, its columns with their types there, and its key."""

    schema: str
    name: str
    columns: tuple[PublishedColumn, ...]
    types: Mapping[str, str]
    key: tuple[str, ...]

    @property
    def label(self) -> str:
        """The table as people call it."""
        return f"{self.schema}.{self.name}"

    def declared(self, quote: str = '"') -> str:
        """Return the columns for a statement that makes the table."""
        required = {column.name for column in self.columns if column.is_required}
        return ", ".join(
            f"{quote}{name}{quote} {kind}{' not null' if name in required else ''}" for name, kind in self.types.items()
        )


@dataclass(frozen=True)
class DayRows:
    """The rows of a day: a query in DuckDB's words, and how many rows it has."""

    day: str
    query: str
    rows: int

    def require(self, target: Target, rows: int) -> None:
        """Raise unless the warehouse counts as many rows as the lake's file has."""
        if rows != self.rows:
            raise WarehouseFailed(
                f"{target.label} got {rows:,} rows of {self.day} and the lake has {self.rows:,}: the day is left as it "
                "was. Run it again; if it stays so, somebody else writes this table."
            )

    @contextmanager
    def as_parquet(self) -> Iterator[Path]:
        """Write the rows into a file, for a warehouse that is handed one; it goes with the context."""
        spill.folder().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="publish-", dir=spill.folder()) as folder:
            path = Path(folder) / f"{self.day}.parquet"
            with cursor() as connection:
                connection.execute(
                    f"copy ({self.query}) to '{path}' (format parquet, compression zstd, row_group_size {ROW_GROUP})"
                )
            yield path


def executed(connection: Any, statement: str, errors: type[Exception], title: str) -> Any:
    """Return the cursor of a statement; what the warehouse says against it is one sentence."""
    answer = connection.cursor()
    try:
        answer.execute(statement)
    except errors as error:
        raise WarehouseFailed(f"{title}: {excerpt(str(error).splitlines()[0])}") from None
    return answer


class Warehouse(Protocol):
    """A connection to a warehouse."""

    names: TypeNames

    def columns(self, target: Target) -> dict[str, str]:
        """Return the columns that the table has there, with their types; none where there is no table."""

    def create(self, target: Target) -> None:
        """Make the schema and the table, where they are not there."""

    def add(self, target: Target, columns: Sequence[str]) -> None:
        """Add columns, null in all rows that are there."""

    def replace(self, target: Target, day: DayRows) -> None:
        """Put rows in the place of a day's: a reader sees those of before or the new ones, whenever this ends."""

    def counts(self, target: Target) -> dict[str, int]:
        """Count the rows of each day that the table has."""


class Opening(Protocol):
    """What a warehouse's package declares: OPENING."""

    def __call__(self, settings: SystemSettings, schema: str) -> AbstractContextManager[Warehouse]:
        """Connect with the settings of the package, for the tables of a schema."""


def warehouses() -> dict[str, type[SystemSettings]]:
    """Return the settings of each warehouse."""
    return discover("gtm_platform.publish", "settings", "SETTINGS")


@contextmanager
def opened(name: str, schema: str) -> Iterator[Warehouse]:
    """Connect to a warehouse as the environment says."""
    config = settings_of(warehouses()[name])
    if missing := config.missing():
        raise CannotPublish(f"{config.title} is off: set {' and '.join(missing)} (see .env.example).")
    with discover("gtm_platform.publish", "warehouse", "OPENING")[name](config, schema) as warehouse:
        yield warehouse


def new_columns(target: Target, columns: Mapping[str, str]) -> list[str]:
    """Return the columns to add to a table; refuse any other difference with what to do about it."""
    if other := [name for name, kind in target.types.items() if columns.get(name, kind) != kind]:
        name = other[0]
        raise CannotPublish(
            f"{target.label}.{name} is {columns[name]} in the warehouse and {target.types[name]} here: columns are "
            f"only added, never changed. {_way_out(target)}"
        )
    if gone := [name for name in columns if name not in target.types]:
        raise CannotPublish(
            f"{target.label} has a column {gone[0]} in the warehouse that is not published any more: it was renamed, "
            f"removed, or is personal and no longer allowed. Drop it there (alter table {target.label} drop column "
            f"{gone[0]}), and publish again; or keep the history: {_way_out(target)}"
        )
    return [name for name in target.types if name not in columns]


def _way_out(target: Target) -> str:
    return (
        f"Rename the table there (alter table {target.label} rename to {target.name}_before), and publish again: "
        f"gtm publish run {target.schema} --again"
    )
