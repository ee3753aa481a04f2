"""Today's rows of the customers and companies whom changed records touch, by the rules of the daily tables themselves.

Tables per customer are made of these customers' rows; those per population of everybody's, with these customers' rows
in the place of the ones before; then those per company likewise. A column that is made of a table which none of these
can make is stale, and is not delivered.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from graphlib import TopologicalSorter
from pathlib import Path

import ibis

from gtm_platform.core.billing_feeds import SOURCES as BILLING
from gtm_platform.delivery.hotpath.changes import (
    Since,
    TakenWhole,
    customers_of,
    named_records,
    owners_in,
    sources_of,
)
from gtm_platform.delivery.hotpath.company_reach import NO_IDS, CompanyReach, companies_of, company_reach
from gtm_platform.delivery.hotpath.identity_reach import COMPANY_FEEDS, Undecided, undecided
from gtm_platform.delivery.hotpath.lakes import KnownBy
from gtm_platform.identity.decisions import decisions_of_home
from gtm_platform.identity.person_records import FEEDS
from gtm_platform.lake.changed_records import ids_of, rows_of
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.duckdb_engine import cursor
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.overlay import Overlay
from gtm_platform.lake.some_customers import COMPANY, CUSTOMER, SomeCustomers
from gtm_platform.policy import policy
from gtm_platform.state.hot_path import TablesMade

IDENTITY = tuple(f"identity/{name}" for name in ("links", "people", "companies", "former_records"))
COMPANIES, SUBSCRIPTIONS = "identity/companies", "core/subscriptions"
OF_MONEY = (SUBSCRIPTIONS, "core/revenue")
OF_ALL = (*OF_MONEY, "core/activity")  # what all customers' rows judge one by
NOT_MADE, BEING_MADE, CHANGED_COMPANY, TOO_MANY = "tables_not_made", "being_made", "company", "too_many"
COMPANIES_NOT_MADE, TOO_MANY_COMPANIES = "companies_not_made", "too_many_companies"
TRANSITIONS = "cohorts/transitions"  # nothing is made of it
RULES = "rules"
IDENTITY_LEFT, UNKNOWN_LEFT, WHOLE_LEFT, COMPANIES_LEFT = "identity", "unknown_records", "read_whole", "companies"

Column = tuple[str, str]  # a table, and a column of it


class LeftToTables(RuntimeError):
    """Nothing can be said before everything is computed anew; `cause` says why in a word."""

    def __init__(self, cause: str, sentence: str) -> None:
        super().__init__(sentence)
        self.cause = cause


@dataclass(frozen=True)
class HotTables:
    """The daily tables, those among them that are made for some customers, and what these read."""

    every: Mapping[str, DailyTable]

    @classmethod
    def of(cls, tables: Sequence[DailyTable]) -> "HotTables":
        """Return those of a graph."""
        return cls({table.key: table for table in tables})

    @cached_property
    def hot(self) -> list[DailyTable]:
        """The tables per customer and per population, each after those that it reads."""
        return [table for table in self._ordered if table.per in ("customer", "population")]

    @cached_property
    def of_companies(self) -> list[DailyTable]:
        """The tables per company, likewise."""
        return [table for table in self._ordered if table.per == "company"]

    @cached_property
    def _ordered(self) -> list[DailyTable]:
        keys = {key: [name for name in table.tables if name in self.every] for key, table in self.every.items()}
        return [self.every[key] for key in TopologicalSorter(keys).static_order()]

    @cached_property
    def hot_keys(self) -> frozenset[str]:
        """Their keys."""
        return frozenset(table.key for table in self.hot)

    @cached_property
    def company_keys(self) -> tuple[str, ...]:
        """The tables per company that others read, or that are delivered."""
        return tuple(table.key for table in self.of_companies if table.key != TRANSITIONS)

    @cached_property
    def upstream(self) -> frozenset[str]:
        """The daily tables that they read, at once or through others."""
        keys, unvisited = set[str](), [table.key for table in self.hot]
        while unvisited:
            for name in self.every[unvisited.pop()].tables:
                if name in self.every and name not in keys:
                    keys.add(name)
                    unvisited.append(name)
        return frozenset(keys)

    @cached_property
    def late(self) -> frozenset[str]:
        """Those among what they read that are made of them in turn: they are as everything was computed."""
        return frozenset(key for key in self.upstream - self.hot_keys if self._is_late(key))

    def _is_late(self, key: str) -> bool:
        return any(
            name in self.hot_keys or self._is_late(name) for name in self.every[key].tables if name in self.every
        )

    @cached_property
    def between(self) -> frozenset[str]:
        """Those that stand between the sources and them, and are made for everybody only."""
        return frozenset(key for key in self.upstream - self.hot_keys - self.late if not key.startswith("identity/"))

    @cached_property
    def sources(self) -> frozenset[str]:
        """The source tables whose records count."""
        of_identity = {feed.table for feed in FEEDS} | {feed.table for feed in COMPANY_FEEDS}
        mentioned = {mention.table for feed in FEEDS for mention in feed.mentions}
        return sources_of([*self.hot_keys, *self.between], self.every) | of_identity | mentioned


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


def require_made(lake: Lake, tables: HotTables, day: str, made: TablesMade | None) -> TablesMade:
    """Raise unless one run has made all tables of a day, and none has been written since."""
    if made is None:
        raise LeftToTables(NOT_MADE, f"no run has made all tables of {day} yet")
    for key in (*IDENTITY, *sorted(tables.hot_keys)):
        stamps = [file.stamp for file in lake.files(key) if file.partition == day]
        if not stamps:
            raise LeftToTables(NOT_MADE, f"{key} has no {day} yet")
        if stamps[0] > made.made_by:
            raise LeftToTables(BEING_MADE, f"{key} of {day} was written again: the tables are being made")
    return made


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


def companies_left(lake: Lake, tables: HotTables, made: TablesMade, companies: TablesMade | None) -> str:
    """Say for which cause no companies' rows are computed; "" where they are."""
    if companies is None or companies.read_by != made.read_by:
        return COMPANIES_NOT_MADE
    for key in tables.company_keys:
        stamps = [file.stamp for file in lake.files(key) if file.partition == made.day]
        if not stamps or stamps[0] > companies.made_by:
            return COMPANIES_NOT_MADE
    return ""


def rules_now() -> str:
    """Return a digest of what tables follow besides records: the policy, and decisions on who is who."""
    return hashlib.sha256(f"{policy().hash} {decisions_of_home()!r}".encode()).hexdigest()[:40]


def _computed(rows: HotRows, tables: HotTables, touched: "Touched") -> HotRows:
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


def _with_companies(rows: HotRows, tables: HotTables, touched: "TouchedCompanies") -> HotRows:
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


@dataclass(frozen=True)
class Touched:
    """Whom changed records touch, and of whom nothing can be said yet."""

    customers: frozenset[str]
    undecided: frozenset[str]
    changed_sources: frozenset[str]
    left: Counter[str]
    unhot: str
    also: frozenset[str]
    identity: Mapping[str, ibis.Table]
    new_at: frozenset[str]  # companies to which somebody new may belong
    unsure: frozenset[str]  # customers who may be others
    of_everybody: frozenset[str]  # changed source tables of which every customer's row is made

    @classmethod
    def of(cls, since: Since, tables: HotTables, also: frozenset[str]) -> "Touched":
        """Find out whom the changed records name."""
        changed = {table: each for table in sorted(tables.sources) if (each := since.changed(table))}
        identity = {key: since.computed_of.read_day(key, since.day) for key in IDENTITY}
        nothing = Undecided(frozenset(), 0, frozenset())
        identity_left = undecided(since, identity, lambda: _companies_differ(since, tables)) if changed else nothing
        if identity_left.company:
            sentence = f"{identity_left.company} says otherwise than before which companies there are"
            raise LeftToTables(CHANGED_COMPANY, sentence)
        owners, left, customers, waiting = owners_in(tables.hot), Counter[str](), set(also), set[str]()
        unhot, billed, of_everybody = "", set[str](), set[str]()
        for table, records in changed.items():
            named = list(named_records(records, owners.get(table, ()), since))
            theirs = customers_of(named, identity["identity/links"], identity["identity/former_records"])
            customers |= theirs
            billed |= theirs if table in sources_of(OF_MONEY, tables.every) else set()
            needs = [key for key in sorted(tables.between) if table in tables.every[key].tables]
            if needs and table not in owners:
                raise LeftToTables(needs[0], f"{table} has changed, of which {needs[0]} is made")
            if needs:
                waiting |= theirs
                left[needs[0]] += len(theirs)
            elif table not in owners and table in sources_of(sorted(tables.hot_keys), tables.every):
                left[table] += int(str(rows_of(records.rows.count().as_table())[0][0]))
                of_everybody.add(table)
                unhot = unhot or (table if table in sources_of(OF_ALL, tables.every) else "")
        unsure = identity_left.customers | _colleagues(identity_left.customers, identity["identity/people"])
        left[IDENTITY_LEFT] += len(unsure)
        left[UNKNOWN_LEFT] += identity_left.unknown_records
        unhot = unhot or _moves_all(identity_left, unsure, billed, since)
        return cls(
            customers=frozenset(customers),
            undecided=frozenset(unsure | waiting),
            changed_sources=frozenset(changed),
            left=+left,
            unhot=unhot,
            also=also,
            identity=identity,
            new_at=identity_left.companies,
            unsure=frozenset(unsure),
            of_everybody=frozenset(of_everybody),
        )


@dataclass(frozen=True)
class TouchedCompanies:
    """The companies whom changed records touch, through their people or by themselves."""

    companies: frozenset[str] = NO_IDS
    undecided: frozenset[str] = NO_IDS
    changed_sources: frozenset[str] = NO_IDS
    left: Counter[str] = field(default_factory=Counter)
    all_move: bool = False  # what is judged by all companies may be otherwise
    is_everything: bool = False  # all tables are made, whatever changed

    @classmethod
    def of(
        cls, since: Since, tables: HotTables, touched: Touched, also: frozenset[str], skip_reason: str
    ) -> "TouchedCompanies":
        """Find out whom; where it is said why not, nobody, and how many are left."""
        people = touched.identity["identity/people"]
        with_people = companies_of(touched.customers, people)
        sources = sorted(sources_of([table.key for table in tables.of_companies], tables.every))
        reach = CompanyReach() if skip_reason else company_reach(since, sources, touched.identity)
        cause = skip_reason or reach.waits_for or min(touched.of_everybody, default="")
        if cause:
            return cls(left=Counter({cause: len(with_people)}))
        undecided = companies_of(touched.undecided, people) | touched.new_at
        companies = with_people | reach.companies | also
        return cls(
            companies,
            undecided,
            reach.changed_sources,
            +Counter({COMPANIES_LEFT: len(companies & undecided)}),
            all_move=bool(touched.unsure or touched.new_at or touched.left.get(UNKNOWN_LEFT)),
            is_everything=bool(also),
        )


def _companies_differ(since: Since, tables: HotTables) -> bool:
    """Whether there are other companies, or others than before, by what is known now; given who is who."""
    lake = Overlay(since.scratch / "companies", since.current)
    tables.every[COMPANIES].write_day(lake, since.day)
    before, now = (each.read_day(COMPANIES, since.day) for each in (since.computed_of, lake))
    differing = before.difference(now).union(now.view().difference(before.view()))
    return bool(rows_of(differing.limit(1)))


def _colleagues(customers: frozenset[str], people: ibis.Table) -> frozenset[str]:
    if not customers:
        return customers
    companies = people.filter(people[CUSTOMER].isin(sorted(customers)), people["company_id"].notnull())
    return ids_of(people.semi_join(companies.select("company_id").view(), "company_id").select(CUSTOMER))


def _moves_all(left: Undecided, unsure: frozenset[str], billed: set[str], since: Since) -> str:
    """Say why what is undecided may move what all customers' rows judge one by; "" where it cannot.

    `billed` are those of whom a billing system has changed something.
    """
    if left.unknown_records and left.sources & set(BILLING):
        return "a new record of a billing system is nobody's yet"
    if not unsure:
        return ""
    subscribed = since.computed_of.read_day(SUBSCRIPTIONS, since.day)
    paying = unsure & billed or ids_of(subscribed.filter(subscribed[CUSTOMER].isin(sorted(unsure))).select(CUSTOMER))
    return "it is undecided who some customers are that have subscriptions" if paying else ""


def today_of(day: str, today: date) -> None:
    """Raise where the newest tables are not today's."""
    if day != today.isoformat():
        raise LeftToTables(NOT_MADE, f"the tables of {today} are not made yet")
