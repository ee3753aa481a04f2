"""Days that are made again, late or in another order: the same cohorts, and one transition for each real change."""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from gtm_platform.cohorts import checks, company_accounts, company_cohorts, transitions
from gtm_platform.identity import companies, links, people
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.market import competitors, partners, signals
from gtm_platform_tests.tables import computed, filled, rows_of

pytestmark = pytest.mark.soak

FIRST = date(2026, 2, 10)
DAYS = [FIRST + timedelta(days=number) for number in range(4)]
MADE = [
    module.TABLE
    for module in (
        links,
        companies,
        people,
        signals,
        competitors,
        partners,
        company_accounts,
        company_cohorts,
        transitions,
    )
]
COHORTS, TRANSITIONS = company_cohorts.TABLE.key, transitions.TABLE.key
Rows = Mapping[str, Sequence[Mapping[str, Any]]]


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


USE = {
    "company_name": "Acme",
    "company_domain": "acme.example",
    "competitor": "qdrant",
    "use_key": "u",
    "seen_on": FIRST,
}
JOB = {
    "id": "j", "company_name": "Acme", "company_domain": "acme.example", "title": "ai engineer", "topics": ["rag"],
    "posted_at": at(DAYS[1]),
}  # fmt: skip
ACCOUNT = {"id": "a", "company_name": "Acme", "created_at": at(DAYS[2]), "last_active_on": DAYS[2]}
# By day, what a source has that it had not before: a competitor's product, a job post, an account with us.
NEWS: Sequence[Rows] = (
    {"competitor_research/competitor_use": [USE]},
    {"sumble/jobs": [JOB]},
    {"chroma_admin/accounts": [ACCOUNT]},
    {},
)


def land(lake: Lake, day: date) -> None:
    """Write each source's window of the day, with all that it has by then."""
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    for table in {table for news in NEWS for table in news}:
        rows = [row for news in NEWS[: DAYS.index(day) + 1] for row in news.get(table, ())]
        landed = [{"_window": end, "_extracted_at": end, **row} for row in rows]
        contract = contract_of(table)
        key = f"{day}" if contract.cadence in (24, None) else f"{day}T0000"
        lake.write(table, key, engine().to_pyarrow(filled(table, *landed)).to_reader(), full=True)


def make(lake: Lake, day: date) -> None:
    for table in MADE:
        table.write_day(lake, f"{day}")


def rows(lake: Lake, table: str, day: date) -> list[str]:
    return sorted(map(str, rows_of(lake.partition(table, f"{day}"))))


def moves(lake: Lake) -> list[tuple[date, str | None, str | None, str, str | None]]:
    """All transitions of all days: on which, from where, to where, by what, from which competitor."""
    names = ("at", "from_cohort", "to_cohort", "trigger", "competitor_displaced")
    days = lake.partitions(TRANSITIONS)
    return sorted(
        (tuple(row[name] for name in names) for day in days for row in rows_of(lake.partition(TRANSITIONS, day))),
        key=str,
    )


IN_ORDER = [
    (DAYS[1], "cohort_3_competitor", "cohort_2_in_market", "Came into the market", None),
    (DAYS[2], "cohort_2_in_market", "cohort_1_current_customer", "In-market converted", "qdrant"),
]


@pytest.fixture
def lake() -> Lake:
    return the_lake()


def test_a_day_that_is_made_again_later_has_the_same_rows_and_nothing_of_the_days_after_it(lake: Lake) -> None:
    at_first = {}
    for day in DAYS:
        land(lake, day)
        make(lake, day)
        at_first[day] = {table.key: rows(lake, table.key, day) for table in MADE}
    assert moves(lake) == IN_ORDER
    for day in reversed(DAYS):
        make(lake, day)
    for day in DAYS:
        assert {table.key: rows(lake, table.key, day) for table in MADE} == at_first[day]
    assert moves(lake) == IN_ORDER


def test_a_day_that_was_left_out_is_filled_in_later(lake: Lake) -> None:
    for day in DAYS:
        land(lake, day)
    for day in (DAYS[0], DAYS[2], DAYS[3]):
        make(lake, day)
    assert [move[3] for move in moves(lake)] == ["Competitor displacement"]
    make(lake, DAYS[1])

    late = computed_check(lake, DAYS[2])
    assert [(row["compared_with"], row["day_before"]) for row in late] == [(f"{DAYS[0]}", f"{DAYS[1]}")]
    make(lake, DAYS[2])

    assert computed_check(lake, DAYS[2]) == []
    assert moves(lake) == IN_ORDER


def computed_check(lake: Lake, day: date) -> list[dict[str, Any]]:
    before = max(made for made in lake.partitions(COHORTS) if made < f"{day}")
    return rows_of(
        checks.compared_with_another_day(lake.partition(COHORTS, before), lake.partition(TRANSITIONS, f"{day}"))
    )


STANDINGS = [
    (None, None),
    *((cohort, None) for cohort in company_cohorts.COHORTS[1:]),
    ("cohort_1_current_customer", "active_free"),
    ("cohort_1_current_customer", "dormant"),
]


@pytest.mark.parametrize("seed", range(3))
def test_any_history_has_one_transition_for_each_change(seed: int) -> None:
    """Each pair of days against an oracle: companies that stand anywhere, move anywhere, come and go."""
    rng = random.Random(seed)
    days = [{f"c{n}": rng.choice(STANDINGS) for n in range(40) if rng.random() < 0.9} for _ in range(3)]
    for number, (then, now) in enumerate(pairwise(days), 1):
        changed = computed(
            transitions.table,
            TRANSITIONS,
            cohorts=_standing(now, DAYS[number]),
            before=_standing(then, DAYS[number - 1]),
            day=DAYS[number],
        )
        by_company = {row["company_id"]: row for row in rows_of(changed)}
        expected = {id for id, standing in now.items() if standing != then.get(id, (None, None))}
        assert len(rows_of(changed)) == len(by_company)
        assert by_company.keys() == expected


def _standing(companies: Mapping[str, tuple[str | None, str | None]], day: date) -> Any:
    each = [
        {"company_id": id, "as_of": day, "customer_cohort": cohort, "chroma_customer_status": status}
        for id, (cohort, status) in companies.items()
    ]
    return filled(COHORTS, *each)
