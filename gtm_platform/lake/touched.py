"""Whether what a daily table reads is other than it was, and which customers' rows can be others because of it.

It is exact or says nothing: where a difference is not known to be some customers', all rows may be others.
"""

import secrets
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock

import ibis

from gtm_platform.lake import spill
from gtm_platform.lake.changed_records import PAYLOAD, ChangedRecords, ids_of, records_between, records_named
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import Statement, as_table, cursor
from gtm_platform.lake.encrypted_files import plain_name, rows_of_files, scratch_name, written_form
from gtm_platform.lake.file_query import FileQuery, quoted, text
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.made_from import Columns, Queries, StoredDay
from gtm_platform.lake.owners import ADDRESS, Owner, Owners
from gtm_platform.lake.some_customers import CUSTOMER, SomeCustomers

LINKS, FORMER = "identity/links", "identity/former_records"  # which customer a record is of, and was
PEOPLE = "identity/people"  # which addresses are a customer's
REMEMBERED = 128  # comparisons in a process: tables of a run ask for the same


class NotLocal(Exception):
    """All rows of a table may be others; the message says why."""


@dataclass(frozen=True)
class Locality:
    """What a daily table declares of how what it reads reaches a customer's row."""

    owners: Owners
    whether_any: Collection[str]  # source tables of which only counts whether they have rows
    whole: Collection[str] = ()  # inputs of which each row counts for everybody


@dataclass(frozen=True)
class Difference:
    """A query of another text than before, and which columns of its rows count."""

    before: FileQuery
    now: FileQuery
    columns: Columns  # None for all
    input: str

    @property
    def compared(self) -> list[str]:
        """The columns that count, and those of the key."""
        contract = contract_of(self.now.table)
        return list(dict.fromkeys([*contract.key, *(contract.columns if self.columns is None else self.columns)]))

    def require_files(self) -> None:
        """Raise unless both can be read and are of one table."""
        if not self.now.table or self.now.table != self.before.table:
            raise NotLocal("when sources were synced counts for everybody")
        if missing := next((path for path in self.before.files if not Path(path).exists()), None):
            raise NotLocal(f"{missing}, of which it was made, is no more")

    def records(self, lake: Lake) -> ChangedRecords | None:
        """Return the records of a source table that differ in what counts."""
        if self.columns is None or PAYLOAD in self.columns:
            raise NotLocal(f"it is not known what is read of {self.now.table}")
        return _suspects(lake, self.before, self.now).differing_in(self.compared)

    def is_seen(self, lake: Lake) -> bool:
        """Whether anything that counts differs."""
        self.require_files()
        if contract_of(self.now.table).cadence is not None:
            return self.records(lake) is not None
        columns = quoted(self.compared)
        return _digest(self.before.sql, columns) != _digest(self.now.sql, columns)


@dataclass(frozen=True)
class Inputs:
    """What a daily table has read, and what it reads now, place by place."""

    before: Sequence[FileQuery]
    now: Sequence[FileQuery]
    columns: Sequence[Columns]
    names: Sequence[str]  # of the inputs

    @classmethod
    def of(cls, lake: Lake, stored: StoredDay, now: Queries) -> "Inputs":
        """Lay the queries of two moments side by side."""
        before = stored.made_from.queries if stored.made_from else {}
        if [(name, len(each)) for name, each in before.items()] != [(name, len(each)) for name, each in now.items()]:
            raise NotLocal("it reads other tables than before")
        places = [(name, place) for name, each in now.items() for place in range(len(each))]
        return cls(
            [named_as_now(lake, before[name][place], now[name][place]) for name, place in places],
            [now[name][place] for name, place in places],
            [stored.reads[name][place] for name, place in places],
            [name for name, _ in places],
        )

    @property
    def differing(self) -> list[Difference]:
        """What is read otherwise, daily tables first."""
        places = zip(self.before, self.now, self.columns, self.names, strict=True)
        differing = [Difference(*place) for place in places if place[0].text_and_files != place[1].text_and_files]
        return sorted(differing, key=lambda each: bool(each.now.table and contract_of(each.now.table).cadence))

    def reads(self, table: str) -> bool:
        """Whether a table is among them."""
        return any(query.table == table for query in self.now)

    def read_before(self, table: str) -> ibis.Table:
        """Return a table as it was."""
        return _read(self.before, table)

    def read_now(self, table: str) -> ibis.Table:
        """Return a table as it is."""
        return _read(self.now, table)


def named_as_now(lake: Lake, before: FileQuery, now: FileQuery) -> FileQuery:
    """Return a query over the same files by the names that they have now, under whichever key."""
    if before.table != now.table or set(before.files) <= set(now.files):
        return before
    names = _by_plain_name(now.files)
    missing = {plain_name(path) for path in before.files if not Path(path).exists()} - names.keys()
    if missing:
        files = [file for file in lake.versions(now.table) if plain_name(file.path) in missing]
        for file in files:  # of one that several keys encrypted the last counts
            names |= _by_plain_name(lake.paths([file]))
    base, paths = (
        tuple(dict.fromkeys(name for path in each for name in names.get(plain_name(path), [path])))
        for each in (before.base, before.paths)
    )
    return replace(before, base=base, paths=paths)


def _by_plain_name(paths: Iterable[str]) -> dict[str, list[str]]:
    """Return paths by the name of the file that they are, or are parts of."""
    names: dict[str, list[str]] = {}
    for path in paths:
        names.setdefault(plain_name(path), []).append(path)
    return names


def _read(queries: Sequence[FileQuery], table: str) -> ibis.Table:
    for query in queries:
        if query.table == table:
            return as_table(query)
    raise NotLocal(f"{table}, which says whose some records are, is not read")


def is_read_otherwise(lake: Lake, inputs: Inputs) -> bool:
    """Whether anything that counts in what is read is other than it was."""
    return any(difference.is_seen(lake) for difference in inputs.differing)


def touched_customers(lake: Lake, inputs: Inputs, locality: Locality) -> frozenset[str]:
    """Return the customers of whom what is read says otherwise than it did."""
    customers, named, differing = set[str](), list[ibis.Table](), inputs.differing
    for difference in differing:  # of one may be asked whose the rows of another are
        difference.require_files()
    for difference in differing:
        if difference.input in locality.whole:
            if difference.is_seen(lake):
                raise NotLocal(f"{difference.now.table} is another, which counts as a whole")
        elif contract_of(difference.now.table).cadence is not None:
            named += _by_records(lake, difference, inputs, locality)
        elif CUSTOMER in difference.now.schema:
            columns = quoted(dict.fromkeys([CUSTOMER, *difference.compared]))
            customers |= _differing(difference.before.sql, difference.now.sql, columns)
        elif difference.now.table in locality.owners:
            named += _by_rows(difference, inputs, locality.owners)
        elif difference.is_seen(lake):
            raise NotLocal(f"{difference.now.table} is another, of which every row is made")
    return frozenset(customers | _owners_of(named, inputs))


def _by_records(lake: Lake, difference: Difference, inputs: Inputs, locality: Locality) -> Iterator[ibis.Table]:
    """Yield [source, record_id] of the person records that changed records of a source table name."""
    table, changed = difference.now.table, difference.records(lake)
    if changed is None:
        return
    had_rows = changed.count_before or _has_rows(difference.before)
    has_rows = changed.count_now or _has_rows(difference.now)
    if bool(had_rows) != bool(has_rows):  # a source that is off counts for everybody
        raise NotLocal(f"{table} has its first records, or has lost its last")
    if table in locality.owners:
        for owner in locality.owners[table]:
            yield records_named(changed.now, owner, inputs.read_now)
            yield records_named(changed.before, owner, inputs.read_before)
    elif table not in locality.whether_any:
        raise NotLocal(f"{table} has changed records, which count for everybody")


def _by_rows(difference: Difference, inputs: Inputs, owners: Owners) -> Iterator[ibis.Table]:
    """Yield [source, record_id] of the person records that differing rows of a daily table name."""
    old, new = as_table(difference.before), as_table(difference.now)
    for owner in owners[difference.now.table]:
        yield records_named(new.difference(old), owner, inputs.read_now)
        yield records_named(old.difference(new), owner, inputs.read_before)


def _owners_of(named: Sequence[ibis.Table], inputs: Inputs) -> frozenset[str]:
    """Return the customers whose some records are, or were."""
    if not named:
        return frozenset()
    records = ibis.union(*named, distinct=True) if len(named) > 1 else named[0].distinct()
    tables = [LINKS, *([FORMER] if inputs.reads(FORMER) else [])]
    owned = [
        read(table).select(CUSTOMER, "source", "record_id")
        for table in tables
        for read in (inputs.read_now, inputs.read_before)
    ]
    if inputs.reads(PEOPLE):
        owned += [_addresses(read(PEOPLE)) for read in (inputs.read_now, inputs.read_before)]
    return ids_of(ibis.union(*owned).semi_join(records.view(), ["source", "record_id"]).select(CUSTOMER))


def _addresses(people: ibis.Table) -> ibis.Table:
    """Return the addresses of customers as owners of what names them."""
    return people.select(CUSTOMER, source=ibis.literal(ADDRESS), record_id=people["all_emails"].unnest())


def owned_rows(inputs: Inputs, locality: Locality, some: SomeCustomers, target: Path) -> dict[str, str]:
    """Return conditions by source table: which of its rows are some customers'.

    There is none where it takes more than a column to know. `target` is a file for the customers' records.
    """
    linked = [query.sql for query in inputs.now if query.table in (LINKS, FORMER)]
    if not linked:
        return {}
    every = " union ".join(f"select {CUSTOMER}, source, record_id from ({query})" for query in linked)
    theirs = f"select source, record_id from ({some.these(Statement(every)).sql})"
    with cursor() as connection:
        connection.execute(f"copy ({theirs}) to '{target}' ({written_form(target, 'format parquet')})")
    return {
        table: " or ".join(_is_of(target, *each) for each in plain)
        for table, owners in locality.owners.items()
        if (plain := _plain(table, owners))
    }


def _is_of(records: Path, source: str, column: str) -> str:
    return f"""("{column}" in (select record_id from {rows_of_files([records])} where source = {text(source)}))"""


def _plain(table: str, owners: Sequence[Owner]) -> list[tuple[str, str]]:
    """Return the source and the column of each owner; none unless all of them are no more than that."""
    contract = contract_of(table)
    plain = [
        (owner.source, owner.records)
        for owner in owners
        if isinstance(owner.records, str)
        and not (owner.rows or owner.through or owner.with_table)
        and contract.schema[owner.records].is_string()
    ]
    return plain if contract.cadence is not None and len(plain) == len(owners) else []


# Files of the lake never change, so neither does what a comparison of two queries over them comes to.


@lru_cache(REMEMBERED)
def _differing(before: str, now: str, columns: str) -> frozenset[str]:
    """Return the customers whose rows are not the same in two queries."""
    sides = [f"select {columns} from ({query})" for query in (before, now)]
    query = f"({sides[0]} except {sides[1]}) union all ({sides[1]} except {sides[0]})"
    with cursor() as connection:
        customers = connection.execute(f"select distinct {CUSTOMER} from ({query})").fetchall()
    return frozenset(customer for (customer,) in customers if customer is not None)


@lru_cache(REMEMBERED)
def _digest(query: str, columns: str) -> object:
    """Return the count of rows, and two sums over what their columns hash to."""
    with cursor() as connection:
        hashed = f"select hash({columns}) as hashed from ({query})"
        return connection.execute(f"select count(*), bit_xor(hashed), sum(hashed) from ({hashed})").fetchone()


def _has_rows(query: FileQuery) -> bool:
    with cursor() as connection:
        return connection.execute(f"select 1 from ({query.sql}) limit 1").fetchone() is not None


_suspects_lock = Lock()
_kept_suspects: "OrderedDict[tuple[str, str], tuple[Path, ChangedRecords]]" = OrderedDict()


def _suspects(lake: Lake, before: FileQuery, now: FileQuery) -> ChangedRecords:
    """Return the records of a source table that two readings of it may have otherwise, written aside once."""
    with _suspects_lock:
        key = (before.sql, now.sql)
        if key in _kept_suspects and _kept_suspects[key][0].exists():
            return _kept_suspects[key][1]
        while len(_kept_suspects) >= REMEMBERED:
            _kept_suspects.popitem(last=False)[1][0].unlink(missing_ok=True)
        target = spill.folder() / "suspects" / scratch_name(secrets.token_hex(8))
        _kept_suspects[key] = target, records_between(lake, before, now, target)
        return _kept_suspects[key][1]
