"""Which records of a source table are others than they were, and whose they are."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

import ibis

from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import Statement, as_table, cursor, engine
from gtm_platform.lake.encrypted_files import plain_name
from gtm_platform.lake.file_query import FileQuery, quoted
from gtm_platform.lake.lake import SOURCE_ROW_GROUP_SIZE, Lake
from gtm_platform.lake.owners import Owner

PAYLOAD = "payload"  # no rule reads it
BOOKKEEPING = ("_window", "_extracted_at", "_run_id", PAYLOAD)  # what differs in versions that say the same
BEFORE = "_before"


@dataclass(frozen=True)
class ChangedRecords:
    """Records of a source table that may differ between two moments, as they are and were; no payloads."""

    query: FileQuery  # with the column `_before`
    count_before: int
    count_now: int

    @property
    def rows(self) -> ibis.Table:
        """Both, with the column `_before`."""
        return as_table(self.query)

    @property
    def now(self) -> ibis.Table:
        """The records as they are; none of those that are gone."""
        return self.rows.filter(~self.rows[BEFORE]).drop(BEFORE)

    @property
    def before(self) -> ibis.Table:
        """The records as they were; none of those that are new."""
        return self.rows.filter(self.rows[BEFORE]).drop(BEFORE)

    def differing_in(self, columns: Collection[str]) -> "ChangedRecords | None":
        """Return those that differ in some columns, or are new or gone; None where there are none."""
        contract = contract_of(self.query.table)
        key, compared = quoted(contract.key), quoted(dict.fromkeys([*contract.key, *columns]))
        earlier, fresh = (f'select {compared} from {{rows}} where {side} "{BEFORE}"' for side in ("", "not"))
        changed = f"select {key} from ({earlier} except {fresh}) union select {key} from ({fresh} except {earlier})"
        query = replace(self.query, template=f"select * from {{rows}} semi join ({changed}) using ({key})")
        before, now = _counts(query)
        return ChangedRecords(query, before, now) if before or now else None


def _counts(query: FileQuery) -> tuple[int, int]:
    """Count the records before, and now."""
    with cursor() as connection:
        sides = f'select count_if("{BEFORE}"), count_if(not "{BEFORE}") from ({query.sql})'
        [(before, now)] = connection.execute(sides).fetchall()
    return before, now


def records_between(lake: Lake, before: FileQuery, now: FileQuery, target: Path) -> ChangedRecords:
    """Write aside the records of a table that two readings, each as of a moment, may have otherwise.

    These are the records in any file that one of the readings lacks.
    """
    contract, files_before, files_now = contract_of(now.table), _by_name(before), _by_name(now)
    parts = {
        "common": [path for name, path in files_now.items() if name in files_before],
        "only_before": [path for name, path in files_before.items() if name not in files_now],
        "only_now": [path for name, path in files_now.items() if name not in files_before],
    }
    rows = {name: FileQuery(contract.schema, tuple(paths)).sql for name, paths in parts.items()}
    key, every = quoted(contract.key), quoted(name for name in contract.columns if name != PAYLOAD)
    newest = f"""select {every} from (select *, row_number() over
        (partition by {key} order by _window desc, _extracted_at desc) as _nth from ({{versions}}))
        where _nth = 1 and not _deleted"""
    query = f"""with only_before as ({rows["only_before"]}), only_now as ({rows["only_now"]}),
        suspect as (select {key} from only_before union select {key} from only_now),
        common as materialized (select {every} from ({rows["common"]}) as every_row semi join suspect using ({key})),
        earlier as ({newest.format(versions=f"from common union all select {every} from only_before")}),
        fresh as ({newest.format(versions=f"from common union all select {every} from only_now")})
        select {every}, false as "{BEFORE}" from fresh union all select {every}, true as "{BEFORE}" from earlier"""
    target.parent.mkdir(parents=True, exist_ok=True)
    with lake.naming_damage(lambda: [*before.files, *now.files]):
        lake.copy(Statement(query), target, SOURCE_ROW_GROUP_SIZE)
    aside = FileQuery(ibis.schema({**contract.schema, BEFORE: "boolean"}), (str(target),), table=now.table)
    return ChangedRecords(aside, *_counts(aside))


def _by_name(query: FileQuery) -> dict[str, str]:
    """Return the files of a query by their names without keys."""
    return {plain_name(path): path for path in query.files}


def records_named(rows: ibis.Table, owner: Owner, read: Callable[[str], ibis.Table]) -> ibis.Table:
    """Return [source, record_id] of the person records that some rows of a table name.

    `read` reads another table as it was when the rows were so.
    """
    if owner.through:
        table, column = owner.through
        [key] = contract_of(table).key
        rows = read(table).semi_join(rows.select(**{key: rows[column]}), key)
    if owner.with_table:
        table, made_of_both = owner.with_table
        rows = made_of_both(rows, read(table))
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
