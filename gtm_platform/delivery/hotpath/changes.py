"""Which records have changed since everything was computed, and of whom they are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import ibis

from gtm_platform.delivery.hotpath.lakes import CUSTOMER, KnownBy
from gtm_platform.identity.former_records import with_former
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.daily_table import DailyTable, Owner, Owners
from gtm_platform.lake.duckdb_engine import Statement, cursor, engine, files_as_table
from gtm_platform.lake.encrypted_files import rows_of_files, scratch_name
from gtm_platform.lake.file_query import quoted
from gtm_platform.lake.lake import SOURCE_ROW_GROUP_SIZE

BOOKKEEPING = ("_window", "_extracted_at", "_run_id", "payload")  # what differs in versions that say the same
BEFORE = "_before"


class TakenWhole(RuntimeError):
    """A table was read whole since everything was computed: whoever is missing in it is gone."""


@dataclass(frozen=True)
class ChangedRecords:
    """The records of a source table that changed since everything was computed, as they are and were."""

    table: str
    rows: ibis.Table  # with the column `_before`

    @property
    def now(self) -> ibis.Table:
        """The records as they are, those among them that are gone."""
        return self.rows.filter(~self.rows[BEFORE]).drop(BEFORE)

    @property
    def before(self) -> ibis.Table:
        """The records as they were."""
        return self.rows.filter(self.rows[BEFORE]).drop(BEFORE)


@dataclass(frozen=True)
class Since:
    """What is known now, and what everything was computed of, for a day."""

    current: KnownBy
    computed_of: KnownBy
    day: str
    scratch: Path
    _changed: dict[str, ChangedRecords | None] = field(default_factory=dict)

    def changed(self, table: str) -> ChangedRecords | None:
        """Return the changed records of a source table; None where there are none."""
        if table not in self._changed:
            self._changed[table] = self._compared(table)
        return self._changed[table]

    def _compared(self, table: str) -> ChangedRecords | None:
        until = (date.fromisoformat(self.day) + timedelta(days=1)).isoformat()
        old = {file.version for file in self.computed_of.files(table)}
        files = [each for each in self.current.files(table) if each.version not in old and each.partition < until]
        if not files:
            return None
        if any(file.full for file in files):
            raise TakenWhole(f"{table} was read whole since the tables were made, which are made anew because of it")
        contract = contract_of(table)
        compared_columns = [name for name in contract.columns if name not in BOOKKEEPING]
        key, every = quoted(contract.key), quoted(contract.columns)
        fresh, earlier = self.current.file_query(table, files), self.computed_of.query_as_of(table, until)
        query = f"""with fresh as (select * from ({fresh.sql}) qualify row_number() over
                (partition by {key} order by _window desc, _extracted_at desc) = 1),
            earlier as (select * from ({earlier.sql}) as every_row semi join (select {key} from fresh) using ({key})),
            changed as (select distinct {key} from (select {quoted(compared_columns)} from fresh
                except select {quoted(compared_columns)} from earlier))
            select {every}, false as "{BEFORE}" from fresh semi join changed using ({key})
            union all select {every}, true as "{BEFORE}" from earlier semi join changed using ({key})"""
        target = self.scratch / "changed" / scratch_name(table.replace("/", "."))
        target.parent.mkdir(parents=True, exist_ok=True)
        with self.current.naming_damage(lambda: [*fresh.files, *earlier.files]):
            self.current.copy(Statement(query), target, SOURCE_ROW_GROUP_SIZE)
        with cursor() as connection:
            compared = connection.execute(f"select count(*) from {rows_of_files([target])}").fetchone()
        schema = ibis.schema({**contract.schema, BEFORE: "boolean"})
        return ChangedRecords(table, files_as_table([target], schema)) if compared and compared[0] else None


def named_records(changed: ChangedRecords, owners: Sequence[Owner], since: Since) -> Iterator[ibis.Table]:
    """Yield [source, record_id] of the person records that changed records name, now or before."""
    until = (date.fromisoformat(since.day) + timedelta(days=1)).isoformat()
    for owner in owners:
        for rows, lake in ((changed.now, since.current), (changed.before, since.computed_of)):
            if owner.through:
                table, column = owner.through
                [key] = contract_of(table).key
                linked = lake.as_of(table, until)
                rows = linked.semi_join(rows.select(**{key: rows[column]}), key)
            if owner.rows:
                rows = owner.rows(rows)
            records = rows[owner.records] if isinstance(owner.records, str) else owner.records(rows)
            each = records.unnest() if records.type().is_array() else records
            yield rows.select(source=ibis.literal(owner.source), record_id=each.cast("string"))


def customers_of(records: Sequence[ibis.Table], links: ibis.Table, former: ibis.Table) -> frozenset[str]:
    """Return the customers whose the records are."""
    if not records:
        return frozenset()
    named = ibis.union(*records, distinct=True) if len(records) > 1 else records[0].distinct()
    sources = sorted(ids_of(named.select("source")))
    if not sources:
        return frozenset()
    owned = [
        with_former(links, former, source).select(CUSTOMER, "record_id", source=ibis.literal(source))
        for source in sources
    ]
    every = ibis.union(*owned) if len(owned) > 1 else owned[0]
    return ids_of(every.join(named.view(), ["source", "record_id"]).select(CUSTOMER))


def rows_of(table: ibis.Table) -> list[tuple[object, ...]]:
    """Compute a small table, on a connection of its own."""
    with cursor() as connection:
        return connection.execute(engine().compile(table)).fetchall()


def ids_of(table: ibis.Table) -> frozenset[str]:
    """Return the different values of the one column of a table."""
    return frozenset(str(value) for (value,) in rows_of(table.distinct()) if value is not None)


def owners_in(tables: Sequence[DailyTable]) -> Owners:
    """Return whose the rows of source tables are, as some daily tables say."""
    every: dict[str, tuple[Owner, ...]] = {}
    for table in tables:
        for name, owners in table.owners.items():
            every[name] = tuple(dict.fromkeys([*every.get(name, ()), *owners]))
    return every


def sources_of(keys: Sequence[str], tables: Mapping[str, DailyTable]) -> frozenset[str]:
    """Return the source tables that some daily tables read themselves."""
    return frozenset(name for key in keys for name in tables[key].tables if contract_of(name).cadence is not None)
