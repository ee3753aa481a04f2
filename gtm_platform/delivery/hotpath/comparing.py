"""What the hot path delivered beside what the tables say that were made afterwards; where they differ, it is stopped.

A row that is no longer the same has a reason: more was read since, of the customer or of others with whom it is judged.
So it is computed hot once more, of exactly what the tables were made of. What differs then is a mistake of ours.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import dagster as dg

from gtm_platform.cohorts import assets as cohorts
from gtm_platform.core import assets as core
from gtm_platform.delivery.gate import CUSTOMERS, newest_day
from gtm_platform.delivery.hotpath.changes import Since, TakenWhole, customers_of, named_records, owners_in, sources_of
from gtm_platform.delivery.hotpath.company_reach import companies_of, company_reach
from gtm_platform.delivery.hotpath.computing import hot_rows, rules_now
from gtm_platform.delivery.hotpath.delivering import columns_of, digest_of, digests
from gtm_platform.delivery.hotpath.fresher import knows
from gtm_platform.delivery.hotpath.hot_tables import (
    COMPANIES_NOT_MADE,
    IDENTITY,
    HotTables,
    LeftToTables,
    companies_left,
    require_made,
)
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
    SUBJECTS,
    Compared,
    HotRecord,
    Subject,
    TablesMade,
    forget_records,
    hot_records,
    note_comparison,
    note_tables,
    tables_made,
)
from gtm_platform.unified import assets as unified

NAME, OF_COMPANIES = "hot_path_was_right", "hot_companies_were_right"
COMPANIES = "core/unified_companies"
IDENTITY_OF = tuple(f"identity/{name}" for name in ("links", "former_records", "people", "companies"))
SHOWN = 20  # customers or companies of which something differs
ROOMS = (identity, core, market, health, cohorts, quality, unified, churn)


def platform_tables() -> HotTables:
    """Return the platform's own tables, as far as contacts and companies are made of them."""
    return HotTables.of([table for room in ROOMS for table in room.TABLES])


@dataclass(frozen=True)
class Comparison:
    """Of how many delivered customers or companies the tables say the same, and where they differ."""

    subject: Subject = "customers"
    equal: int = 0
    moved: int = 0  # more was read since
    waiting: int = 0  # the tables do not know yet what was delivered
    different: Mapping[str, Sequence[str]] = field(default_factory=dict)  # tables by id

    @property
    def sentence(self) -> str:
        """What came of it."""
        if self.different:
            tables = sorted({table for of_one in self.different.values() for table in of_one})
            return f"Of {len(self.different):,} {self.subject} hot rows of {', '.join(tables)} differ from the tables."
        return (
            f"{self.equal:,} are the same, of {self.moved:,} more was read since, {self.waiting:,} are to be compared."
        )

    def noted(self, day: str, at: datetime) -> Compared:
        """Return what is kept of it."""
        return Compared(day, self.equal, self.moved, self.waiting, len(self.different), at, self.subject)


def compared(lake: Lake, state: State, day: str, tables: HotTables, subject: Subject = "customers") -> Comparison:
    """Compare the rows that were delivered of a day with the day's tables; forget those that were."""
    with state.reading() as tx:
        delivered, last = hot_records(tx, day, subject), tables_made(tx, day)
        of_companies = tables_made(tx, day, "companies")
    try:
        made = require_made(lake, tables, day, last)
        if subject == "companies":
            made = _companies_made(lake, tables, made, of_companies)
    except LeftToTables:
        return Comparison(subject, waiting=len(delivered))
    covered = [each for each in delivered if knows(lake, each, made)]
    differing = [each.id for each in covered if not _same(lake, each, subject)]
    wrong_of = _wrong if subject == "customers" else _wrong_companies
    wrong = wrong_of(lake, tables, made, frozenset(differing)) if differing else {}
    with state.writing() as tx:
        forget_records(tx, subject, [each.id for each in covered])
    moved = len(differing) - len(wrong)
    return Comparison(subject, len(covered) - len(differing), moved, len(delivered) - len(covered), wrong)


def _companies_made(lake: Lake, tables: HotTables, made: TablesMade, of_companies: TablesMade | None) -> TablesMade:
    if of_companies is None or companies_left(lake, tables, made, of_companies):
        raise LeftToTables(COMPANIES_NOT_MADE, "no run has made the tables of companies yet")
    return of_companies


def _same(lake: Lake, delivered: HotRecord, subject: Subject) -> bool:
    """Whether the tables have the very rows that were delivered."""
    _, column = SUBJECTS[subject]
    return all(
        digest == digest_of(lake, table, delivered.day, columns_of(digest), column, [delivered.id])[delivered.id]
        for table, digest in delivered.digests.items()
    )


def _wrong(lake: Lake, tables: HotTables, made: TablesMade, differing: frozenset[str]) -> dict[str, list[str]]:
    """Return in which tables rows differ that are computed hot of exactly what the tables were made of.

    What landed while they were being made is in some of them only: whom it touches is not judged, and where it touches
    anybody, what is judged by all is not.
    """
    with scratch_folder(lake) as scratch:
        nothing = scratch / "nothing"
        try:
            between = _touched_between(lake, tables, made, scratch / "between")
            rows = hot_rows(lake, nothing, tables, made, scratch / "rows", made.read_by, len(differing), differing)
        except (LeftToTables, TakenWhole):
            return {}
        judged = sorted(differing - between)
        some = [key for key in rows.tables if not between or tables.every[key].per == "customer"]
        of_all = set() if not between else {key for key in rows.tables if tables.every[key].per == "population"}
        hot, full = (digests(rows.customers, each, rows.day, judged) for each in (rows.lake, lake))
    reads_all = {key for key in some if of_all & set(tables.every[key].tables)}
    return _differing(judged, [key for key in some if key not in reads_all], hot, full)


def _wrong_companies(
    lake: Lake, tables: HotTables, made: TablesMade, differing: frozenset[str]
) -> dict[str, list[str]]:
    """Return the same of companies."""
    with scratch_folder(lake) as scratch:
        nothing = scratch / "nothing"
        try:
            between = _companies_between(lake, tables, made, scratch / "between")
            rows = hot_rows(
                lake,
                nothing,
                tables,
                made,
                scratch / "rows",
                made.read_by,
                len(differing),
                also_companies=differing,
                companies_made=made,
            )
        except (LeftToTables, TakenWhole):
            return {}
        judged = sorted(differing - between)
        some = [key for key in rows.companies.tables if not between or not tables.every[key].judged_by_all]
        hot, full = (digests(rows.companies, each, rows.day, judged) for each in (rows.lake, lake))
    return _differing(judged, some, hot, full)


Digests = Mapping[str, Mapping[str, str]]


def _differing(judged: Iterable[str], some: Sequence[str], hot: Digests, full: Digests) -> dict[str, list[str]]:
    return {id: wrong for id in judged if (wrong := [key for key in some if hot[id].get(key) != full[id].get(key)])}


def _touched_between(lake: Lake, tables: HotTables, made: TablesMade, scratch: Path) -> frozenset[str]:
    """Return whom records touch that landed while the tables were being made."""
    since = _landed_between(lake, made, scratch)
    owners = owners_in(tables.hot)
    links, former, *_ = (lake.read_day(key, made.day) for key in IDENTITY_OF)
    customers = frozenset[str]()
    for table in sorted(tables.sources):
        if changed := since.changed(table):
            customers |= customers_of(list(named_records(changed, owners.get(table, ()), since)), links, former)
    return customers


def _companies_between(lake: Lake, tables: HotTables, made: TablesMade, scratch: Path) -> frozenset[str]:
    """Return which companies such records touch, by themselves or through their people."""
    customers = _touched_between(lake, tables, made, scratch / "customers")
    identity = {key: lake.read_day(key, made.day) for key in IDENTITY_OF}
    sources = sorted(sources_of([table.key for table in tables.of_companies], tables.every))
    reach = company_reach(_landed_between(lake, made, scratch), sources, identity)
    if reach.waits_for:
        raise TakenWhole(reach.waits_for)
    return reach.companies | companies_of(customers, identity["identity/people"])


def _landed_between(lake: Lake, made: TablesMade, scratch: Path) -> Since:
    nothing = scratch / "nothing"
    return Since(KnownBy(nothing, lake, made.made_by), KnownBy(nothing, lake, made.read_by), made.day, scratch)


def made_all(instance: dg.DagsterInstance, run_id: str, day: str, tables: Iterable[str]) -> float | None:
    """Return when a run began that has made some tables of a day, in seconds since 1970; else None."""
    for key in tables:
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
    """Compare what was delivered of customers on the newest day; stop the hot path where it was wrong."""
    tables = platform_tables()
    return _checked(context, lake.open(), tables, (*IDENTITY, *sorted(tables.hot_keys)), "customers", NAME)


@dg.asset_check(
    asset=COMPANIES.split("/"),
    name=OF_COMPANIES,
    description="What the hot path delivered of companies is what the tables say; where not, the hot path is stopped.",
)
def hot_companies_were_right(context: dg.AssetCheckExecutionContext, lake: LakeResource) -> dg.AssetCheckResult:
    """Compare what was delivered of companies on the newest day; stop the hot path where it was wrong."""
    tables = platform_tables()
    made = (*IDENTITY, *sorted(tables.hot_keys), *tables.company_keys)
    return _checked(context, lake.open(), tables, made, "companies", OF_COMPANIES)


def _checked(
    context: dg.AssetCheckExecutionContext,
    lake: Lake,
    tables: HotTables,
    made: Sequence[str],
    subject: Subject,
    name: str,
) -> dg.AssetCheckResult:
    """Note that a run has made all tables, if so; compare, and stop the hot path where it was wrong."""
    now, day = settings().now(), newest_day(lake)
    with closing(open_state(settings().state_url)) as state:
        if began := made_all(context.instance, context.run.run_id, day, made):
            with state.writing() as tx:
                by_now = TablesMade(day, f"{int(began * 1e9):020d}", f"{time.time_ns():020d}", rules_now())
                note_tables(tx, by_now, subject)
        comparison = compared(lake, state, day, tables, subject)
        with state.writing() as tx:
            note_comparison(tx, comparison.noted(day, now))
        if comparison.different:
            set_switch(state, is_on=False, reason=comparison.sentence, by=f"the check {name}", at=now)
    counts = {
        "equal": comparison.equal,
        "moved": comparison.moved,
        "waiting": comparison.waiting,
        "different": len(comparison.different),
    }
    metadata: dict[str, dg.MetadataValue] = {name: dg.MetadataValue.int(count) for name, count in counts.items()}
    if comparison.different:
        shown = [f"- {id}: {', '.join(wrong)}" for id, wrong in list(comparison.different.items())[:SHOWN]]
        metadata[subject] = dg.MetadataValue.md("\n".join(shown))
    return dg.AssetCheckResult(
        passed=not comparison.different,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{comparison.sentence} It is stopped; once this is mended: {RESUME}"
        if comparison.different
        else comparison.sentence,
        metadata=metadata,
    )
