"""Which days of a schema's tables are due, and publishing one of them, with a receipt.

A day is due when the lake has another file of it than the receipt names, or the table other columns by now. So what was
made again is published again, and what was not is left alone.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

from gtm_platform.intelligence.effect.shown_lake import shown, withheld_version
from gtm_platform.lake.contracts import Contract, contract_of
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.lake import File, Lake
from gtm_platform.policy.publish import PublishedSchema
from gtm_platform.publish.columns import (
    DAY_COLUMN,
    CannotPublish,
    TypeNames,
    projection,
    published_columns,
    published_key,
    shape_of,
)
from gtm_platform.publish.warehouse import DayRows, Target, Warehouse, new_columns
from gtm_platform.settings import settings
from gtm_platform.state import State, open_state
from gtm_platform.state.published_days import Receipt, forget, keep, receipts


@dataclass(frozen=True)
class DueDay:
    """A day of a table that is to be published, and of which file."""

    table: str
    file: File
    shape: str
    reason: str  # new | made again | other columns

    @property
    def day(self) -> str:
        """The day."""
        return self.file.partition


@dataclass(frozen=True)
class Schema:
    """A schema of the policy over a lake, and the receipts of what the warehouse holds of it."""

    rules: PublishedSchema
    lake: Lake
    state: State

    def contract(self, table: str) -> Contract:
        """Return the contract of a table; refuse what is no daily table."""
        contract = contract_of(table)
        if contract.cadence is not None:
            raise CannotPublish(
                f"{table} is a table of a source: daily tables are published, and what is made of them."
            )
        return contract

    def target(self, table: str, names: TypeNames) -> Target:
        """Return the published table."""
        contract = self.contract(table)
        columns = published_columns(table, contract, self.rules)
        types = {column.name: names.of(column.kind) for column in columns}
        return Target(self.rules.name, table_name(table), columns, types, published_key(contract, columns))

    def shape(self, table: str, day: str) -> str:
        """Return a digest of what of a day is published."""
        columns = published_columns(table, self.contract(table), self.rules)
        return shape_of({column.name: str(column.kind) for column in columns}, withheld_version(self._shown, day))

    def due(self) -> list[DueDay]:
        """Return what is due by itself, the oldest day first: what the policy's days bring, or was published before."""
        due = [each for table in self.rules.tables for each in self.due_of(table)]
        return sorted(due, key=lambda each: (each.day, each.table))

    def due_of(self, table: str, days: Collection[str] | None = None) -> list[DueDay]:
        """Return what is due of a table by itself, or of some days however old they are."""
        self.contract(table)
        kept = self.receipts()
        oldest = str(settings().now().date() - timedelta(days=self.rules.back_days)) if days is None else ""
        due = (
            self._due(table, file, kept.get((table, file.partition)), oldest)
            for file in self.lake.files(table)
            if days is None or file.partition in days
        )
        return [each for each in due if each]

    def _due(self, table: str, file: File, receipt: Receipt | None, oldest: str) -> DueDay | None:
        """What was published once is kept up to date however old it is; else it is left once it is too old."""
        if receipt is None:
            return DueDay(table, file, self.shape(table, file.partition), "new") if file.partition >= oldest else None
        shape = self.shape(table, file.partition)
        if receipt.stamp != file.stamp:
            return DueDay(table, file, shape, "made again")
        return DueDay(table, file, shape, "other columns") if receipt.shape != shape else None

    def receipts(self) -> dict[tuple[str, str], Receipt]:
        """Return the receipts by table and day."""
        with self.state.reading() as tx:
            kept = receipts(tx, self.rules.warehouse, self.rules.name)
        return {(receipt.table_name, receipt.day): receipt for receipt in kept}

    def forget(self, days: Collection[str]) -> None:
        """Forget the receipts of some days, so that they are published again whatever they hold."""
        with self.state.writing() as tx:
            for table in self.rules.tables:
                forget(tx, self.rules.warehouse, self.rules.name, table, days)

    def publish(self, warehouse: Warehouse, due: DueDay, run_id: str) -> Receipt:
        """Publish a day of a table, and keep the receipt once the warehouse counts what the lake's file has."""
        began = time.perf_counter()
        target = self.target(due.table, warehouse.names)
        prepare(warehouse, target)
        rows = self.rows(due, target, warehouse.names)
        warehouse.replace(target, rows)
        seconds = round(time.perf_counter() - began, 3)
        place = (self.rules.warehouse, self.rules.name, due.table, due.day)
        receipt = Receipt(*place, due.file.stamp, due.shape, rows.rows, seconds, run_id, settings().now())
        with self.state.writing() as tx:
            keep(tx, receipt)
        return receipt

    def rows(self, due: DueDay, target: Target, names: TypeNames) -> DayRows:
        """Return the rows of a day as people are shown them: without what an experiment withholds."""
        has_day = DAY_COLUMN in self.contract(due.table).columns
        query = self._shown.file_query(due.table, [due.file])
        with cursor() as connection, self.lake.naming_damage(lambda: query.files):
            counted = connection.execute(f"select count(*) from ({query.sql})").fetchone()
        sql = projection(target.columns, names, query.sql, due.day, has_day)
        return DayRows(due.day, sql, int((counted or (0,))[0]))

    @cached_property
    def _shown(self) -> Lake:
        return shown(self.lake)


def prepare(warehouse: Warehouse, target: Target) -> None:
    """Make a table, or add the columns that it lacks; refuse what is more than that."""
    columns = warehouse.columns(target)
    if not columns:
        warehouse.create(target)
    elif new := new_columns(target, columns):
        warehouse.add(target, new)


def table_name(table: str) -> str:
    """Return what a table is called in its schema: the last part of its key."""
    return table.rpartition("/")[2]


@dataclass(frozen=True)
class Difference:
    """A day of which a warehouse has another number of rows than its receipt says."""

    table: str
    day: str
    published: int
    counted: int


def differences(schema: Schema, warehouse: Warehouse) -> Iterator[Difference]:
    """Count every published day in the warehouse, and yield those that somebody changed since."""
    by_table: dict[str, list[Receipt]] = {}
    for receipt in schema.receipts().values():
        by_table.setdefault(receipt.table_name, []).append(receipt)
    for table, kept in by_table.items():
        if table not in schema.rules.tables:
            continue  # it is not published any more, and nobody's to watch
        target = schema.target(table, warehouse.names)
        counts = warehouse.counts(target) if warehouse.columns(target) else {}
        for receipt in kept:
            if counts.get(receipt.day, 0) != receipt.rows:
                yield Difference(table, receipt.day, receipt.rows, counts.get(receipt.day, 0))


@contextmanager
def opened_schema(rules: PublishedSchema, lake: Lake) -> Iterator[Schema]:
    """Open a schema of the policy over the home's state."""
    with closing(open_state(settings().state_url)) as state:
        yield Schema(rules, lake, state)


def rows_by_table(made: Sequence[Receipt]) -> Mapping[str, int]:
    """Return how many rows each table got."""
    rows: dict[str, int] = {}
    for receipt in made:
        rows[receipt.table_name] = rows.get(receipt.table_name, 0) + receipt.rows
    return rows
