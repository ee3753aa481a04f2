"""Today's rows of the customers and companies whom changed records touch, by the rules of the daily tables themselves.

Tables per customer are made of these customers' rows; those per population of everybody's, with these customers' rows
in the place of the ones before; then those per company likewise. A column that is made of a table which none of these
can make is stale, and is not delivered.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from gtm_platform.delivery.hotpath.changes import Since, TakenWhole
from gtm_platform.delivery.hotpath.company_reach import NO_IDS
from gtm_platform.delivery.hotpath.hot_tables import HotTables, LeftToTables, companies_left
from gtm_platform.delivery.hotpath.lakes import KnownBy
from gtm_platform.delivery.hotpath.touched import Touched, TouchedCompanies
from gtm_platform.identity.decisions import decisions_of_home
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.some_customers import COMPANY, CUSTOMER, SomeCustomers
from gtm_platform.policy import policy
from gtm_platform.state.hot_path import TablesMade

TOO_MANY, TOO_MANY_COMPANIES = "too_many", "too_many_companies"
RULES, WHOLE_LEFT = "rules", "read_whole"

Column = tuple[str, str]  # a table, and a column of it


@dataclass(frozen=True)
class HotPart:
    """What is of customers, or of companies: in which tables, of whom, and what is not delivered."""

    subject: str  # the column of their ids
    ready: frozenset[str] = NO_IDS
    tables: tuple[str, ...] = ()
    stale: frozenset[Column] = frozenset()


@dataclass(frozen=True)
class HotRows:
    """The rows that were computed: in which lake, of whom, and what of them may be delivered."""

    lake: SomeCustomers
    day: str
    ready: frozenset[str]
    tables: tuple[str, ...] = ()
    stale: frozenset[Column] = frozenset()
    left: Mapping[str, int] = field(default_factory=dict)  # customers or records left to everything, by cause
    unhot: str = ""  # why tables per population were not made
    until: str = ""  # the stamp by which records counted
    companies: HotPart = HotPart(COMPANY)

    @property
    def customers(self) -> HotPart:
        """What is of customers."""
        return HotPart(CUSTOMER, self.ready, self.tables, self.stale)

    @property
    def parts(self) -> tuple[HotPart, HotPart]:
        """What is of customers, and what is of companies."""
        return self.customers, self.companies


def hot_rows(
    lake: Lake,
    own: Path,
    tables: HotTables,
    made: TablesMade,
    scratch: Path,
    until: str,
    most: int,
    also: frozenset[str] = frozenset(),
    also_companies: frozenset[str] = frozenset(),
    companies_made: TablesMade | None = None,
) -> HotRows:
    """Compute the rows of a day of the customers touched since its tables were made, and of some others.

    `own` is the folder of what only the hot path has read, `until` the stamp by which things count. Companies' rows are
    computed where one and the same run has made their tables, too.
    """
    day = made.day
    if made.rules != rules_now():
        raise LeftToTables(RULES, "the tables were made by other rules, or decisions, than those of now")
    current = KnownBy(own, lake, until)
    before = KnownBy(own / "nothing", lake, made.read_by)
    since = Since(current, before, day, scratch)
    try:
        touched = Touched.of(since, tables, also)
    except TakenWhole as whole:
        raise LeftToTables(WHOLE_LEFT, str(whole)) from whole
    if len(touched.customers) > most:
        raise LeftToTables(TOO_MANY, f"{len(touched.customers):,} customers are touched, more than {most:,} at once")
    skip_reason = companies_left(lake, tables, made, companies_made)
    companies = TouchedCompanies.of(since, tables, touched, also_companies, skip_reason)
    if len(companies.companies) > most:
        companies = TouchedCompanies(left=Counter({TOO_MANY_COMPANIES: len(companies.companies)}))
    some = SomeCustomers(scratch / "rows", current, day, touched.customers, companies=companies.companies)
    left, ready = touched.left + companies.left, touched.customers - touched.undecided
    rows = HotRows(some, day, ready, left=left, unhot=touched.unhot, until=until)
    rows = _computed(rows, tables, touched) if touched.customers else rows
    return _with_companies(rows, tables, companies) if companies.companies else rows


def rules_now() -> str:
    """Return a digest of what tables follow besides records: the policy, and decisions on who is who."""
    return hashlib.sha256(f"{policy().hash} {decisions_of_home()!r}".encode()).hexdigest()[:40]


def _computed(rows: HotRows, tables: HotTables, touched: Touched) -> HotRows:
    made, late, stale = list[str](), set(tables.late), set[Column]()
    saying = {key: _columns_with_values(rows, key) for key in late}
    for table in tables.hot:
        if touched.changed_sources.isdisjoint(table.tables) and not set(made) & set(table.tables) and not touched.also:
            continue
        if table.per == "population" and touched.unhot:
            late.add(table.key)
            saying[table.key] = frozenset(table.contract.columns)
            continue
        lake = rows.lake.of_everybody() if table.per == "population" else rows.lake
        written = table.write_day(lake, rows.day)
        made.append(table.key)
        for column, origins in (written.lineage if written else {}).items():
            if any(origin in stale or origin[1] in saying.get(origin[0], ()) for origin in origins):
                stale.add((table.key, column))
    every = {(key, column) for key in late for column in tables.every[key].contract.columns}
    return replace(rows, tables=tuple(made), stale=frozenset(stale | every))


def _with_companies(rows: HotRows, tables: HotTables, touched: TouchedCompanies) -> HotRows:
    """Compute companies' rows, of those of all their people.

    Of their people only those who are touched themselves were judged anew by everybody's rows, as health does.
    """
    made, stale, lake = list[str](), set[Column](), rows.lake.of_everybody()
    for table in tables.of_companies:
        anew = touched.is_everything or not {*rows.tables, *made, *touched.changed_sources}.isdisjoint(table.tables)
        if not anew:
            continue
        written = table.write_day(lake, rows.day)
        made.append(table.key)
        stale |= {(table.key, column) for column in table.judged_by_all if touched.all_move}
        for column, origins in (written.lineage if written else {}).items():
            if any(origin in stale or origin in rows.stale or _is_of_all(origin, tables) for origin in origins):
                stale.add((table.key, column))
    part = HotPart(COMPANY, touched.companies - touched.undecided, tuple(made), frozenset(stale))
    return replace(rows, companies=part)


def _is_of_all(origin: Column, tables: HotTables) -> bool:
    return origin[0] in tables.every and tables.every[origin[0]].per == "population"


def _columns_with_values(rows: HotRows, table: str) -> frozenset[str]:
    """Return the columns of a late table that have a value at all: of a model in shadow, no risk is delivered."""
    query = rows.lake.base.query_day(table, rows.day)
    counts = ", ".join(f'count("{name}")' for name in query.schema)
    with rows.lake.naming_damage(lambda: query.files), cursor() as connection:
        counted = connection.execute(f"select {counts} from ({query.sql})").fetchone() or ()
    return frozenset(name for name, count in zip(query.schema, counted, strict=True) if count)
