"""What the hot path delivered beside what the tables say that were made afterwards; where they differ, it is stopped.

A row that is no longer the same has a reason: more was read since, of the customer or of others with whom it is judged.
So it is computed hot once more, of exactly what the tables were made of. What differs then is a mistake of ours.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import dagster as dg

from gtm_platform.cohorts import assets as cohorts
from gtm_platform.core import assets as core
from gtm_platform.delivery.gate import CUSTOMERS, newest_day
from gtm_platform.delivery.hotpath.changes import Since, TakenWhole, customers_of, named_records, owners_in
from gtm_platform.delivery.hotpath.computing import IDENTITY, HotTables, LeftToTables, hot_rows, require_made, rules_now
from gtm_platform.delivery.hotpath.delivering import columns_of, digest_of, digests
from gtm_platform.delivery.hotpath.fresher import knows
from gtm_platform.delivery.hotpath.lakes import KnownBy
from gtm_platform.delivery.hotpath.switch import RESUME, set_switch
from gtm_platform.health import assets as health
from gtm_platform.identity import assets as identity
from gtm_platform.intelligence.churn import assets as churn
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.overlay import scratch_folder
from gtm_platform.market import assets as market
from gtm_platform.quality import assets as quality
from gtm_platform.settings import settings
from gtm_platform.state import State, open_state
from gtm_platform.state.hot_path import (
    Compared,
    HotCustomer,
    TablesMade,
    forget_customers,
    hot_customers,
    note_comparison,
    note_tables,
    tables_made,
)
from gtm_platform.unified import assets as unified

NAME, CHECK = "hot_path_was_right", "the check hot_path_was_right"
LINKS, FORMER = "identity/links", "identity/former_records"
SHOWN = 20  # customers of whom something differs
ROOMS = (identity, core, market, health, cohorts, quality, unified, churn)


def platform_tables() -> HotTables:
    """Return the platform's own tables, as far as contacts are made of them."""
    return HotTables.of([table for room in ROOMS for table in room.TABLES])


@dataclass(frozen=True)
class Comparison:
    """Of how many delivered customers the tables say the same, and of whom they differ, in which tables."""

    equal: int = 0
    moved: int = 0  # more was read since
    waiting: int = 0  # the tables do not know yet what was delivered
    different: Mapping[str, Sequence[str]] = field(default_factory=dict)  # tables by customer

    @property
    def sentence(self) -> str:
        """What came of it."""
        if self.different:
            tables = sorted({table for of_one in self.different.values() for table in of_one})
            return f"Of {len(self.different):,} customers hot rows of {', '.join(tables)} differ from the tables."
        return (
            f"{self.equal:,} are the same, of {self.moved:,} more was read since, {self.waiting:,} are to be compared."
        )

    def noted(self, day: str, at: datetime) -> Compared:
        """Return what is kept of it."""
        return Compared(day, self.equal, self.moved, self.waiting, len(self.different), at)


def compared(lake: Lake, state: State, day: str, tables: HotTables) -> Comparison:
    """Compare the rows that were delivered of a day with the day's tables; forget those that were."""
    with state.reading() as tx:
        delivered, last = hot_customers(tx, day), tables_made(tx, day)
    try:
        made = require_made(lake, tables, day, last)
    except LeftToTables:
        return Comparison(waiting=len(delivered))
    covered = [each for each in delivered if knows(lake, each, made)]
    differing = [each for each in covered if not _same(lake, each)]
    wrong = _wrong(lake, tables, made, differing) if differing else {}
    with state.writing() as tx:
        forget_customers(tx, [each.customer_id for each in covered])
    moved = len(differing) - len(wrong)
    return Comparison(len(covered) - len(differing), moved, len(delivered) - len(covered), wrong)


def _same(lake: Lake, delivered: HotCustomer) -> bool:
    """Whether the tables have the very rows that were delivered."""
    return all(
        digest
        == digest_of(lake, table, delivered.day, columns_of(digest), [delivered.customer_id])[delivered.customer_id]
        for table, digest in delivered.digests.items()
    )


def _wrong(lake: Lake, tables: HotTables, made: TablesMade, differing: Sequence[HotCustomer]) -> dict[str, list[str]]:
    """Return in which tables rows differ that are computed hot of exactly what the tables were made of.

    What landed while they were being made is in some of them only: whom it touches is not judged, and where it touches
    anybody, what is judged by all is not.
    """
    customers = frozenset(each.customer_id for each in differing)
    with scratch_folder(lake) as scratch:
        nothing = scratch / "nothing"
        try:
            between = _touched_between(lake, tables, made, scratch / "between")
            rows = hot_rows(lake, nothing, tables, made, scratch / "rows", made.read_by, len(customers), customers)
        except (LeftToTables, TakenWhole):
            return {}
        judged = sorted(customers - between)
        some = [key for key in rows.tables if not between or tables.every[key].per == "customer"]
        of_all = set() if not between else {key for key in rows.tables if tables.every[key].per == "population"}
        hot, full = (digests(rows, each, judged) for each in (rows.lake, lake))
    reads_all = {key for key in some if of_all & set(tables.every[key].tables)}
    return {
        customer: wrong
        for customer in judged
        if (
            wrong := [key for key in some if key not in reads_all and hot[customer].get(key) != full[customer].get(key)]
        )
    }


def _touched_between(lake: Lake, tables: HotTables, made: TablesMade, scratch: Path) -> frozenset[str]:
    """Return whom records touch that landed while the tables were being made."""
    nothing, day = scratch / "nothing", made.day
    since = Since(KnownBy(nothing, lake, made.made_by), KnownBy(nothing, lake, made.read_by), day, scratch)
    owners, links, former = owners_in(tables.hot), lake.read_day(LINKS, day), lake.read_day(FORMER, day)
    customers = frozenset[str]()
    for table in sorted(tables.sources):
        if changed := since.changed(table):
            customers |= customers_of(list(named_records(changed, owners.get(table, ()), since)), links, former)
    return customers


def made_all(instance: dg.DagsterInstance, run_id: str, day: str, tables: HotTables) -> float | None:
    """Return when a run began that has made every table of a day, in seconds since 1970; else None."""
    for key in (*IDENTITY, *sorted(tables.hot_keys)):
        wanted = dg.AssetRecordsFilter(dg.AssetKey(key.split("/")), asset_partitions=[day])
        made = instance.fetch_materializations(wanted, limit=1).records
        if not made or made[0].run_id != run_id:
            return None
    record = instance.get_run_record_by_id(run_id)
    return record.start_time if record else None


@dg.asset_check(
    asset=CUSTOMERS.split("/"),
    name=NAME,
    description="What the hot path delivered is what the tables say; where it is not, the hot path is stopped.",
)
def hot_path_was_right(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> dg.AssetCheckResult:
    """Compare what was delivered of the newest day; stop the hot path where it was wrong."""
    store, now, tables = lake.open(), settings().now(), platform_tables()
    day = newest_day(store)
    with closing(open_state(settings().state_url)) as state:
        if began := made_all(context.instance, context.run.run_id, day, tables):
            with state.writing() as tx:
                note_tables(tx, TablesMade(day, f"{int(began * 1e9):020d}", f"{time.time_ns():020d}", rules_now()))
        comparison = compared(store, state, day, tables)
        with state.writing() as tx:
            note_comparison(tx, comparison.noted(day, now))
        if comparison.different:
            set_switch(state, is_on=False, reason=comparison.sentence, by=CHECK, at=now)
    counts = {
        "equal": comparison.equal,
        "moved": comparison.moved,
        "waiting": comparison.waiting,
        "different": len(comparison.different),
    }
    metadata: dict[str, dg.MetadataValue] = {name: dg.MetadataValue.int(count) for name, count in counts.items()}
    if comparison.different:
        shown = [f"- {customer}: {', '.join(wrong)}" for customer, wrong in list(comparison.different.items())[:SHOWN]]
        metadata["customers"] = dg.MetadataValue.md("\n".join(shown))
    return dg.AssetCheckResult(
        passed=not comparison.different,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{comparison.sentence} It is stopped; once this is mended: {RESUME}"
        if comparison.different
        else comparison.sentence,
        metadata=metadata,
    )
