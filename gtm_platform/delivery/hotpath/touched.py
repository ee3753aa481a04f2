"""Whom changed records touch: which customers and companies, and of whom nothing can be said before all is made."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import ibis

from gtm_platform.core.billing_feeds import SOURCES as BILLING
from gtm_platform.delivery.hotpath.changes import Since, customers_of, named_records, owners_in, sources_of
from gtm_platform.delivery.hotpath.company_reach import NO_IDS, CompanyReach, companies_of, company_reach
from gtm_platform.delivery.hotpath.hot_tables import IDENTITY, HotTables, LeftToTables
from gtm_platform.delivery.hotpath.identity_reach import Undecided, undecided
from gtm_platform.lake.changed_records import ids_of, rows_of
from gtm_platform.lake.overlay import Overlay
from gtm_platform.lake.some_customers import CUSTOMER

COMPANIES, SUBSCRIPTIONS = "identity/companies", "core/subscriptions"
OF_MONEY = (SUBSCRIPTIONS, "core/revenue")
OF_ALL = (*OF_MONEY, "core/activity")  # what all customers' rows judge one by
CHANGED_COMPANY = "company"
IDENTITY_LEFT, UNKNOWN_LEFT, COMPANIES_LEFT = "identity", "unknown_records", "companies"


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
