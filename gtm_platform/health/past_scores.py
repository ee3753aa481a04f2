"""What the scores of a past day come to, step by step from how they were stored to how they would be made today.

Steps: today's code, today's rules, what came late, who is who today. A step is computed only where its cause is
present, so on most days there are none, and nothing is computed again.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

import ibis

from gtm_platform.health import customer_health, rules
from gtm_platform.health.customer_health import AGO
from gtm_platform.health.recomputation import (
    BY_KEY,
    Hindsight,
    cursor_fields,
    facts_of,
    make_again,
    scored_on,
    source_tables,
    upstream,
)
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.duckdb_engine import value
from gtm_platform.lake.lake import Lake
from gtm_platform.lake.overlay import Overlay, scratch_folder
from gtm_platform.policy import Policy, policy

Cause = Literal["code", "rules", "late_data", "identity"]
CAUSES: tuple[Cause, ...] = ("code", "rules", "late_data", "identity")
LINKS = "identity/links"
HEALTH = customer_health.TABLE.key


@dataclass(frozen=True)
class Past:
    """The scores of a day some days before: as stored, and after each cause that is present, in order."""

    days: int
    stored: ibis.Table
    steps: Sequence[tuple[Cause, ibis.Table]] = field(default=())


@contextmanager
def past_scores(lake: Lake, day: str) -> Iterator[list[Past]]:
    """Prepare the scores of yesterday, 7 and 30 days ago for a comparison with those of the day."""
    with scratch_folder(lake) as folder:
        yield [_past(lake, folder / f"{days}d", day, days) for days in AGO]


def standing(health: ibis.Table, facts: ibis.Table) -> ibis.Table:
    """Return the stored scores beside the facts that they were made from."""
    facts = facts.select("customer_id", *(name for name in facts.columns if name not in health.columns))
    return health.join(facts, "customer_id")


def _past(lake: Lake, folder: Path, day: str, days: int) -> Past:
    then = (date.fromisoformat(day) - timedelta(days=days)).isoformat()
    stored = standing(lake.partition(HEALTH, then), facts_of(lake, then))
    if not lake.has(HEALTH, then):
        return Past(days, stored)
    return Past(days, stored, list(_steps(lake, folder, then, day)))


def _steps(lake: Lake, folder: Path, then: str, day: str) -> Iterator[tuple[Cause, ibis.Table]]:
    made, now = rules.rules_of_day(lake, then), policy()
    rules_changed = _hash(lake, then) not in (None, now.hash)
    if made and made.code_version != rules.code_version() and (made.policy or not rules_changed):
        by_then = made.policy if rules_changed and made.policy else now
        yield "code", _again(Overlay(folder / "code", lake), then, by_then)
    if rules_changed:
        yield "rules", _again(Overlay(folder / "rules", lake), then, now)
    hindsight = Hindsight(folder / "late", lake, day)
    came_late = _came_late(lake, hindsight, then)
    if came_late:
        yield "late_data", _again(hindsight, then, now)
    if _identity_changed(lake, then, day):
        current = Hindsight(folder / "identity", lake, day if came_late else then)
        yield "identity", _with_people_of(current, then, day, now)


def _hash(lake: Lake, day: str) -> str | None:
    health = lake.partition(HEALTH, day)
    stored: str | None = value(health["policy_hash"].max())
    return stored


def _again(lake: Overlay, then: str, by: Policy) -> ibis.Table:
    make_again(lake, then, by, upstream())
    return scored_on(lake, then, by)


def _with_people_of(lake: Overlay, then: str, day: str, by: Policy) -> ibis.Table:
    """Score a past day as if today's links between records had been made by then."""
    identity = [key for key in BY_KEY if key.startswith("identity/")]
    for table in identity:
        lake.stand_in(table, then, day)
    make_again(lake, then, by, [table for table in upstream() if table.key not in identity])
    return scored_on(lake, then, by)


def _came_late(lake: Lake, hindsight: Hindsight, then: str) -> bool:
    """Whether a source says today something else of that day than it did then."""
    until = (date.fromisoformat(then) + timedelta(days=1)).isoformat()
    for table in source_tables():
        cursor = cursor_fields().get(table)
        later = [file for file in lake.files(table) if str(file.path) in hindsight.later_files(table, until)]
        if cursor is None or not later:
            continue
        rows, end = lake.read(table, later), ibis.timestamp(f"{until}T00:00:00").cast("timestamp('UTC', 6)")
        key = [*contract_of(table).key, "payload", "_deleted"]
        late = rows.filter(rows[cursor] < end).anti_join(lake.as_of(table, until), key)
        if value(late.count()):
            return True
    return False


def _identity_changed(lake: Lake, then: str, day: str) -> bool:
    """Whether a record of that day belongs to another customer today."""
    if not lake.has(LINKS, then) or not lake.has(LINKS, day):
        return False
    before, now = (lake.partition(LINKS, each).select("source", "record_id", "customer_id") for each in (then, day))
    both = before.join(now.rename(today="customer_id"), ["source", "record_id"])
    return bool(value((both["customer_id"] != both["today"]).sum()))
