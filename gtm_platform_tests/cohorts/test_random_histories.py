"""Random histories of companies in a lake: each day can be made again, late and in any order, with the same rows; and
there is one transition for each change.
"""

import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.cohorts import company_accounts, company_cohorts, transitions
from gtm_platform.identity import companies, links, people
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.market import competitors, firmographics, partner_overlaps, partners, signals
from gtm_platform.unified import companies as unified_companies
from gtm_platform_tests.tables import filled, rows_of

FIRST = date(2026, 2, 10)
DAYS = [FIRST + timedelta(days=number) for number in range(4)]
MODULES = (
    *(links, companies, people, firmographics, signals, competitors, partner_overlaps, partners),
    *(company_accounts, company_cohorts, transitions, unified_companies),
)
MADE = [module.TABLE for module in MODULES]
COHORTS, TRANSITIONS = company_cohorts.TABLE.key, transitions.TABLE.key
FIRMS = [f"firm{number}" for number in range(9)]
USES, JOBS, PARTNERS = "competitor_research/competitor_use", "sumble/jobs", "partners_csv/partners"
RECORDS, ACCOUNTS = "hubspot/companies", "chroma_admin/accounts"
Landed = Mapping[str, Sequence[Mapping[str, Any]]]
Rows = dict[date, dict[str, list[str]]]


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 9, tzinfo=UTC)


def a_history(seed: int) -> list[Landed]:
    """Draw what each source has on each day: things begin, and some of them end again or are called otherwise."""
    draw = random.Random(seed)
    began = {(kind, firm): draw.randrange(-1, 6) for kind in (USES, JOBS, PARTNERS, ACCOUNTS) for firm in FIRMS}
    ended = {thing: begin + draw.choice((1, 2, 9)) for thing, begin in began.items()}
    industry = {firm: draw.choice(("software", "retail", None)) for firm in FIRMS}

    def row(kind: str, firm: str, number: int) -> dict[str, Any]:
        began_on, named = DAYS[max(0, began[kind, firm])], {"company_name": firm, "company_domain": f"{firm}.example"}
        if kind == PARTNERS:
            status = "active" if number < ended[kind, firm] else "inactive"
            return {
                "partner_key": firm,
                "partner_name": firm,
                "partner_domain": f"{firm}.example",
                "partner_type": "si",
                "tier": "gold",
                "status": status,
                "joined_on": began_on,
            }
        if kind == ACCOUNTS:
            active_on = began_on - timedelta(days=40 if number >= ended[kind, firm] else 1)
            return {"id": firm, "company_name": firm, "created_at": at(began_on), "last_active_on": active_on}
        if kind == USES:
            return {**named, "competitor": "qdrant", "use_key": firm, "seen_on": began_on}
        return {**named, "id": firm, "title": "ai engineer", "topics": ["rag"], "posted_at": at(began_on)}

    def landed(number: int) -> Landed:
        present = [thing for thing, begin in began.items() if begin <= number]
        stays = [thing for thing in present if thing[0] != JOBS or number < ended[thing]]  # a job is closed
        tables = {kind: [row(*thing, number) for thing in stays if thing[0] == kind] for kind, _ in began}
        records = [
            {"id": str(n), "name": firm, "domain": f"{firm}.example", "industry": industry[firm], "merged_ids": []}
            for n, firm in enumerate(FIRMS)
            if (n + number) % 4  # some come, some go
        ]
        return {**tables, RECORDS: records}

    return [landed(number) for number in range(len(DAYS))]


def land(lake: Lake, day: date, tables: Landed) -> None:
    """Write the whole of each source as of the end of the day."""
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    for table, rows in tables.items():
        landed = [{"_window": end, "_extracted_at": end, **row} for row in rows]
        key = f"{day}" if contract_of(table).cadence in (24, None) else f"{day}T1200"
        lake.write(table, key, engine().to_pyarrow(filled(table, *landed)).to_reader(), full=True)


def make(lake: Lake, *days: date) -> None:
    for day in days:
        for table in MADE:
            table.write_day(lake, f"{day}")


def rows_on(lake: Lake, day: date) -> dict[str, list[str]]:
    return {table.key: sorted(map(str, rows_of(lake.partition(table.key, f"{day}")))) for table in MADE}


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1])  # others hold as well; a lake of days that are made anew takes its time
def test_a_day_has_the_same_rows_whenever_it_is_made(seed: int, tmp_path: Path) -> None:
    history, lake = a_history(seed), Lake(tmp_path / "lake")
    at_first: Rows = {}
    for day, landed in zip(DAYS, history, strict=True):
        land(lake, day, landed)
        make(lake, day)  # of the days after it nothing is there yet
        at_first[day] = rows_on(lake, day)
    make(lake, *random.Random(seed).sample(DAYS, len(DAYS)))
    assert {day: rows_on(lake, day) for day in DAYS} == at_first
    assert one_transition_for_each_change(lake) > 4

    late = Lake(tmp_path / "late")
    for day, landed in zip(DAYS, history, strict=True):
        land(late, day, landed)
    left_out = random.Random(seed).randrange(1, 3)
    make(late, *DAYS[:left_out], *DAYS[left_out + 1 :])
    one_transition_for_each_change(late)
    make(late, *DAYS[left_out:])
    assert {day: rows_on(late, day) for day in DAYS} == at_first


def one_transition_for_each_change(lake: Lake) -> int:
    """Check the transitions of each day that there is against the cohorts of the one before; return how many."""
    standings = {day: standing(lake, day) for day in DAYS if lake.has(COHORTS, f"{day}")}
    days, count = sorted(standings), 0
    for before, day in pairwise(days):
        then, now = standings[before], standings[day]
        changed = {id for id, each in now.items() if each != then.get(id, (None, False))}
        recorded = [row["company_id"] for row in rows_of(lake.partition(TRANSITIONS, f"{day}"))]
        assert sorted(recorded) == sorted(changed)
        count += len(recorded)
    return count


def standing(lake: Lake, day: date) -> dict[str, tuple[str | None, bool]]:
    """Return the cohort of each company, and whether a customer is dormant."""
    return {
        row["company_id"]: (row["customer_cohort"], row["chroma_customer_status"] == "dormant")
        for row in rows_of(lake.partition(COHORTS, f"{day}"))
    }
