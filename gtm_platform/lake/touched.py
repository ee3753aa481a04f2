"""Which customers' rows of a daily table can be others than they were, by what its inputs have otherwise.

It is exact or says nothing: where a difference of an input is not known to be some customers', all rows may differ.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import ibis

from gtm_platform.lake.changed_records import ids_of, records_between, records_named
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import as_table, cursor
from gtm_platform.lake.file_query import FileQuery
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.made_from import Queries
from gtm_platform.lake.owners import Owners
from gtm_platform.lake.some_customers import CUSTOMER

LINKS, FORMER = "identity/links", "identity/former_records"  # which customer a record is of, and was
REMEMBERED = 64  # differences of daily tables, of which several tables of a run ask


class NotLocal(Exception):
    """All rows of a table may differ; the message says why."""


@dataclass(frozen=True)
class Inputs:
    """What a daily table has read, and what it reads now, place by place."""

    before: Sequence[FileQuery]
    now: Sequence[FileQuery]

    @classmethod
    def of(cls, before: Queries, now: Queries) -> "Inputs":
        """Lay the queries of two moments side by side."""
        if [(name, len(each)) for name, each in before.items()] != [(name, len(each)) for name, each in now.items()]:
            raise NotLocal("it reads other tables than before")
        return cls(*([query for each in queries.values() for query in each] for queries in (before, now)))

    @property
    def differing(self) -> list[tuple[FileQuery, FileQuery]]:
        """What is read otherwise, as it was and is."""
        return [(old, new) for old, new in zip(self.before, self.now, strict=True) if old.sql != new.sql]

    def reads(self, table: str) -> bool:
        """Whether a table is among them."""
        return any(query.table == table for query in self.now)

    def read_before(self, table: str) -> ibis.Table:
        """Return a table as it was."""
        return _read(self.before, table)

    def read_now(self, table: str) -> ibis.Table:
        """Return a table as it is."""
        return _read(self.now, table)


def _read(queries: Sequence[FileQuery], table: str) -> ibis.Table:
    for query in queries:
        if query.table == table:
            return as_table(query)
    raise NotLocal(f"whose some records are stands in {table}, which it does not read")


@dataclass(frozen=True)
class Locality:
    """What a daily table declares of how its inputs reach a customer's row."""

    owners: Owners
    whether_any: Sequence[str]  # source tables of which only counts whether they have rows


def touched_customers(lake: Lake, inputs: Inputs, locality: Locality, aside: Path) -> frozenset[str]:
    """Return the customers of whom some input says otherwise than it did; `aside` is a folder for what is compared."""
    customers, named = set[str](), list[ibis.Table]()
    for before, now in inputs.differing:
        if missing := next((path for path in before.files if not Path(path).exists()), None):
            raise NotLocal(f"{missing}, of which it was made, is no more")
        if not now.table or now.table != before.table:
            raise NotLocal("when sources were synced counts for everybody")
        with lake.naming_damage(lambda old=before, new=now: [*old.files, *new.files]):  # type: ignore[misc]
            if contract_of(now.table).cadence is not None:
                named += _by_records(lake, before, now, inputs, locality, aside)
            elif CUSTOMER in now.schema:
                customers |= _differing(before.sql, now.sql)
            elif now.table in locality.owners:
                named += _by_rows(before, now, inputs, locality.owners)
            else:
                raise NotLocal(f"{now.table} is another, of which every row is made")
    return frozenset(customers | _owners_of(named, inputs))


def _by_records(
    lake: Lake, before: FileQuery, now: FileQuery, inputs: Inputs, locality: Locality, aside: Path
) -> Iterator[ibis.Table]:
    """Yield [source, record_id] of the person records that changed records of a source table name."""
    changed = records_between(lake, before, now, aside / f"{before.name}.{now.name}.parquet")
    if changed is None:
        return
    had_rows, has_rows = changed.count_before or _has_rows(before), changed.count_now or _has_rows(now)
    if bool(had_rows) != bool(has_rows):  # a source that is off counts for everybody
        raise NotLocal(f"{now.table} has its first records, or has lost its last")
    if now.table in locality.owners:
        for owner in locality.owners[now.table]:
            yield records_named(changed.now, owner, inputs.read_now)
            yield records_named(changed.before, owner, inputs.read_before)
    elif now.table not in locality.whether_any:
        raise NotLocal(f"{now.table} has changed records, which count for everybody")


def _by_rows(before: FileQuery, now: FileQuery, inputs: Inputs, owners: Owners) -> Iterator[ibis.Table]:
    """Yield [source, record_id] of the person records that differing rows of a daily table name."""
    old, new = as_table(before), as_table(now)
    for owner in owners[now.table]:
        yield records_named(new.difference(old), owner, inputs.read_now)
        yield records_named(old.difference(new), owner, inputs.read_before)


@lru_cache(REMEMBERED)
def _differing(before: str, now: str) -> frozenset[str]:
    """Return the customers whose rows are not the same in two queries; files never change, so neither does this."""
    query = f"""select distinct {CUSTOMER} from (
        (select * from ({before}) except select * from ({now}))
        union all (select * from ({now}) except select * from ({before})))"""
    with cursor() as connection:
        return frozenset(customer for (customer,) in connection.execute(query).fetchall() if customer is not None)


def _has_rows(query: FileQuery) -> bool:
    with cursor() as connection:
        return connection.execute(f"select 1 from ({query.sql}) limit 1").fetchone() is not None


def _owners_of(named: Sequence[ibis.Table], inputs: Inputs) -> frozenset[str]:
    """Return the customers whose some records are, or were."""
    if not named:
        return frozenset()
    records = ibis.union(*named, distinct=True) if len(named) > 1 else named[0].distinct()
    tables = [table for table in (LINKS, FORMER) if table == LINKS or inputs.reads(table)]
    links = [read(table) for table in tables for read in (inputs.read_now, inputs.read_before)]
    columns = (CUSTOMER, "source", "record_id")
    every = ibis.union(*[each.select(*columns) for each in links])
    return ids_of(every.semi_join(records.view(), ["source", "record_id"]).select(CUSTOMER))
