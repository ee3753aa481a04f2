"""Which records of a source table are others than they were, and whose they are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import ibis

from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import Statement, cursor, engine, files_as_table
from gtm_platform.lake.file_query import FileQuery, quoted
from gtm_platform.lake.lake import SOURCE_ROW_GROUP_SIZE, Lake
from gtm_platform.lake.owners import Owner

BOOKKEEPING = ("_window", "_extracted_at", "_run_id", "payload")  # what differs in versions that say the same
BEFORE = "_before"


@dataclass(frozen=True)
class ChangedRecords:
    """The records of a source table that changed between two moments, as they are and were."""

    table: str
    rows: ibis.Table  # with the column `_before`
    count_before: int
    count_now: int

    @property
    def now(self) -> ibis.Table:
        """The records as they are; none of those that are gone."""
        return self.rows.filter(~self.rows[BEFORE]).drop(BEFORE)

    @property
    def before(self) -> ibis.Table:
        """The records as they were; none of those that are new."""
        return self.rows.filter(self.rows[BEFORE]).drop(BEFORE)


def records_between(lake: Lake, before: FileQuery, now: FileQuery, target: Path) -> ChangedRecords | None:
    """Write aside the records of a table that two readings of it, each as of a moment, have otherwise; None for none.

    Only records that some file has which one of the readings lacks can differ.
    """
    contract = contract_of(now.table)
    parts = {
        "common": [path for path in now.files if path in before.files],
        "only_before": [path for path in before.files if path not in now.files],
        "only_now": [path for path in now.files if path not in before.files],
    }
    if not parts["only_before"] and not parts["only_now"]:
        return None
    rows = {name: FileQuery(contract.schema, tuple(paths)).sql for name, paths in parts.items()}
    compared = quoted(name for name in contract.columns if name not in BOOKKEEPING)
    key, every = quoted(contract.key), quoted(contract.columns)
    newest = f"""select {every} from (select *, row_number() over
        (partition by {key} order by _window desc, _extracted_at desc) as _nth from ({{versions}}))
        where _nth = 1 and not _deleted"""
    query = f"""with only_before as ({rows["only_before"]}), only_now as ({rows["only_now"]}),
        suspect as (select {key} from only_before union select {key} from only_now),
        common as materialized (select * from ({rows["common"]}) as every_row semi join suspect using ({key})),
        earlier as ({newest.format(versions="from common union all by name from only_before")}),
        fresh as ({newest.format(versions="from common union all by name from only_now")}),
        changed as (select {key} from (select {compared} from fresh except select {compared} from earlier)
            union select {key} from (select {compared} from earlier except select {compared} from fresh))
        select {every}, false as "{BEFORE}" from fresh semi join changed using ({key})
        union all select {every}, true as "{BEFORE}" from earlier semi join changed using ({key})"""
    target.parent.mkdir(parents=True, exist_ok=True)
    with lake.naming_damage(lambda: [*before.files, *now.files]):
        lake.copy(Statement(query), target, SOURCE_ROW_GROUP_SIZE)
    with cursor() as connection:
        sides = f'select count_if("{BEFORE}"), count_if(not "{BEFORE}") from read_parquet(\'{target}\')'
        [(earlier, fresh)] = connection.execute(sides).fetchall()
    schema = ibis.schema({**contract.schema, BEFORE: "boolean"})
    return ChangedRecords(now.table, files_as_table([target], schema), earlier, fresh) if earlier or fresh else None


def records_named(rows: ibis.Table, owner: Owner, read: Callable[[str], ibis.Table]) -> ibis.Table:
    """Return [source, record_id] of the person records that some rows of a table name.

    `read` reads another table as it was when the rows were so.
    """
    if owner.through:
        table, column = owner.through
        [key] = contract_of(table).key
        rows = read(table).semi_join(rows.select(**{key: rows[column]}), key)
    if owner.beside:
        beside, made_of_both = owner.beside
        rows = made_of_both(rows, read(beside))
    if owner.rows:
        rows = owner.rows(rows)
    records = rows[owner.records] if isinstance(owner.records, str) else owner.records(rows)
    each = records.unnest() if isinstance(records, ibis.ir.ArrayValue) else records
    return rows.select(source=ibis.literal(owner.source), record_id=each.cast("string"))


def rows_of(table: ibis.Table) -> list[tuple[object, ...]]:
    """Compute a small table, on a connection of its own."""
    with cursor() as connection:
        return connection.execute(engine().compile(table)).fetchall()


def ids_of(table: ibis.Table) -> frozenset[str]:
    """Return the different values of the one column of a table."""
    return frozenset(str(value) for (value,) in rows_of(table.distinct()) if value is not None)
