"""Whom the billing system deleted is still the person who paid: churned with the day, and with all that was paid."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from gtm_platform.demo.truth_checks import EXACT, SOURCES, SYSTEMS
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform_tests.e2e.home import (
    Control,
    execute,
    failure_of,
    frame,
    midnight,
    move_in,
    tables_read_by,
    turn_clocks,
    windows_of,
)

pytestmark = pytest.mark.long

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 20)
PEOPLE, SEED = 60, 7  # in which three are deleted on the way: two churned, one after a trial


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    with running(PEOPLE, SEED, datetime(2026, 3, 1, tzinfo=UTC)) as started:
        move_in(monkeypatch, tmp_path / "home", started, midnight(FIRST + timedelta(days=1)))
        yield started


def sync(dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, box: Sandbox, first: date, last: date) -> None:
    """Read every window of the days at once, from the midnight after them, and make who the customers
    are of the last day."""
    turn_clocks(monkeypatch, box, midnight(last) + timedelta(days=1))
    starts = {job: start for job, start, _ in windows_of(first)}
    for job, _, end in windows_of(last):
        ran = execute(dagster, job, starts[job], end)
        assert ran.success, failure_of(ran)
    ran = execute(dagster, "daily_tables", str(last), tables=tables_read_by("core/unified_customers"))
    assert ran.success, failure_of(ran)


def customers(home: Path, people: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The wide row of each true person."""
    links = frame(home, "identity/links", str(LAST))
    owner = {(row.source, row.record_id): row.customer_id for row in links.itertuples()}
    wide = {row["customer_id"]: row for row in frame(home, "core/unified_customers", str(LAST)).to_dict("records")}
    records = {person["person"]: [(s, record) for s in SOURCES for record in person[s]] for person in people}
    return {person: wide[owner[listed[0]]] for person, listed in records.items()}


def test_everybody_is_as_in_truth_after_deletions(
    box: Sandbox, dagster: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(dagster, monkeypatch, box, FIRST, FIRST)
    sync(dagster, monkeypatch, box, FIRST + timedelta(days=1), LAST)
    people = Control(box.url).ask("truth", day=str(LAST), systems=SYSTEMS)["people"]
    deleted = [person for person in people if person["stripe_deleted"] and not person["stripe"]]
    assert {person["customer_status"] for person in deleted} == {"churned", "prospect"}
    rows = customers(tmp_path / "home", people)
    wrong = [
        f"{person['person']}: {name} is {rows[person['person']][name]}, in truth {person[name]}"
        for person in people
        for name, same in EXACT.items()
        if not same(none_for_missing(rows[person["person"]][name]), person[name])
    ]
    assert wrong == []


def none_for_missing(value: Any) -> Any:
    return None if value != value else value
