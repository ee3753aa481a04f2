"""Which records have changed since everything was computed, and of whom they are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import ibis

from gtm_platform.delivery.hotpath.lakes import KnownBy
from gtm_platform.identity.former_records import with_former
from gtm_platform.lake.changed_records import BOOKKEEPING, ChangedRecords, ids_of, records_between, records_named
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.encrypted_files import scratch_name
from gtm_platform.lake.owners import Owner, Owners
from gtm_platform.lake.some_customers import CUSTOMER


class TakenWhole(RuntimeError):
    """A table was read whole since everything was computed: whoever is missing in it is gone."""


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
        target = self.scratch / "changed" / scratch_name(table.replace("/", "."))
        before, now = self.computed_of.query_as_of(table, until), self.current.query_as_of(table, until)
        compared = [name for name in contract_of(table).columns if name not in BOOKKEEPING]
        return records_between(self.current, before, now, target).differing_in(compared)


def named_records(changed: ChangedRecords, owners: Sequence[Owner], since: Since) -> Iterator[ibis.Table]:
    """Yield [source, record_id] of the person records that changed records name, now or before."""
    until = (date.fromisoformat(since.day) + timedelta(days=1)).isoformat()
    for rows, lake in ((changed.now, since.current), (changed.before, since.computed_of)):
        for owner in owners:
            yield records_named(rows, owner, lambda table, lake=lake: lake.as_of(table, until))  # type: ignore[misc]


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
