"""A lake in which sources landed and everything was computed, then records changed; and everything computed anew."""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from gtm_platform.definitions import DAILY_TABLES
from gtm_platform.delivery.hotpath.computing import HotPart, HotRows, hot_rows, rules_now
from gtm_platform.delivery.hotpath.hot_tables import HotTables
from gtm_platform.delivery.hotpath.lakes import KnownBy
from gtm_platform.lake.contracts import TABLES, contract_of
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.overlay import Overlay
from gtm_platform.state import State
from gtm_platform.state.hot_path import TablesMade, note_tables
from gtm_platform_tests.tables import filled, rows_of

TODAY = date(2026, 2, 10)
DAY = str(TODAY)
TABLES_OF = HotTables.of(DAILY_TABLES)
# What nothing of a contact is made of takes its time, and reads models that are not there.
LEFT_OUT = ("intelligence/features", "intelligence/churn_scores")
COMPUTED = [
    table
    for table in DAILY_TABLES
    if table.key in (TABLES_OF.upstream | TABLES_OF.hot_keys | {each.key for each in TABLES_OF.of_companies})
    and table.key not in LEFT_OUT
]

Record = dict[str, Any]
Stored = Mapping[str, Sequence[Record]]  # by table


def stamp() -> str:
    return f"{time.time_ns():020d}ffff"


def keyed(table: str, rows: Iterable[Record]) -> dict[str, Record]:
    """Return records by their keys; of several with one the last."""
    return {" ".join(str(row[name]) for name in contract_of(table).key): row for row in rows}


@dataclass
class HotHome:
    """What the systems hold, table by table, and a lake that has it."""

    root: Path
    records: dict[str, dict[str, Record]] = field(default_factory=dict)
    window: dict[str, dict[str, Record]] = field(default_factory=dict)
    made: TablesMade | None = None
    state: State | None = None

    @property
    def lake(self) -> Lake:
        return Lake(self.root / "lake")

    @property
    def own(self) -> Path:
        return self.root / "hot"

    def begin(self, records: Stored) -> None:
        """Land each source whole, in the window before today; compute everything of today."""
        for table, contract in TABLES.items():
            if contract.cadence:
                rows = keyed(table, records.get(table, []))
                self.records[table] = rows
                key = str(TODAY - timedelta(days=1))
                partition = key if contract.cadence == 24 else f"{key}T{24 - contract.cadence:02d}00"
                self._write(self.lake, table, partition, rows.values(), full=True)
        self.compute_everything()

    def compute_everything(self) -> None:
        """As one run makes all tables, which notes it."""
        read_by = stamp()
        for table in DAILY_TABLES:
            if table in COMPUTED:
                table.write_day(self.lake, DAY)
            elif table.key in LEFT_OUT:
                self.lake.write(table.key, DAY, engine().to_pyarrow(filled(table.key)).to_reader())
        self.made = TablesMade(DAY, read_by, stamp(), rules_now())
        if self.state:
            with self.state.writing() as tx:
                note_tables(tx, self.made)
                note_tables(tx, self.made, "companies")

    def change(self, records: Stored, *, hot_only: bool = False) -> None:
        """Read the open window: of each table all that changed in it so far."""
        lake = Lake(self.own) if hot_only else self.lake
        for table, rows in records.items():
            changed = keyed(table, rows)
            self.records[table] |= changed
            self.window[table] = self.window.get(table, {}) | changed
            partition = DAY if contract_of(table).cadence == 24 else f"{DAY}T0000"
            self._write(lake, table, partition, self.window[table].values(), is_open=True)

    def _write(self, lake: Lake, table: str, partition: str, rows: Iterable[Record], **how: bool) -> None:
        cadence = contract_of(table).cadence or 24
        begin = datetime.strptime(partition, "%Y-%m-%dT%H%M" if "T" in partition else "%Y-%m-%d").replace(tzinfo=UTC)
        landed = [{"_window": begin + timedelta(hours=cadence), "_extracted_at": begin, **row} for row in rows]
        lake.write(table, partition, engine().to_pyarrow(filled(table, *landed)).to_reader(), **how)

    def hot(self, scratch: str = "scratch", most: int = 1_000) -> HotRows:
        assert self.made
        return hot_rows(
            self.lake, self.own, TABLES_OF, self.made, self.root / scratch, stamp(), most, companies_made=self.made
        )

    def full(self, scratch: str = "full") -> Lake:
        """Everything computed anew of what is known now, beside the lake."""
        known = KnownBy(self.own, self.lake, stamp())
        lake = Overlay(self.root / scratch, known)
        for table in COMPUTED:
            table.write_day(lake, DAY)
        return lake


def differences(hot: HotRows, full: Lake) -> list[str]:
    """List where the rows that may be delivered differ from those of the computation of everything."""
    wrong = []
    for part in hot.parts:
        for key in part.tables if part.ready else ():
            names = [name for name in contract_of(key).columns if (key, name) not in part.stale]
            own, every = (_texts(lake.read_day(key, DAY), part, names) for lake in (hot.lake, full))
            for id in sorted(part.ready):
                if own.get(id) != every.get(id):
                    wrong.append(f"{key} {id}: {own.get(id)} is not {every.get(id)}")
    return wrong


def _texts(table: Any, part: HotPart, names: Sequence[str]) -> dict[str, list[str]]:
    """Return by id what the columns say, as texts."""
    texts: dict[str, list[str]] = {}
    columns = dict.fromkeys([part.subject, *names])
    for row in rows_of(table.filter(table[part.subject].isin(sorted(part.ready))).select(*columns)):
        texts.setdefault(row[part.subject], []).append(str(sorted(row.items())))
    return {id: sorted(each) for id, each in texts.items()}
