"""After a split the tables of customers and what HubSpot is to hold are those of a world in which the two never met."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.definitions import DAILY_TABLES
from gtm_platform.delivery.hubspot.object_types.contacts import OBJECT_TYPE as CONTACTS
from gtm_platform.delivery.hubspot.plan import DesiredRecord, plan
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.identity_decisions import SPLIT, add_decision
from gtm_platform_tests.tables import LONG_AGO, Row, filled, rows_of

ROOMS = ("identity", "core", "health", "quality/customer_quality")


def made_of_customers() -> list[DailyTable]:
    """The tables of customers, each after those that it is made of."""
    tables = {table.key: table for table in DAILY_TABLES if table.key != "core/unified_companies"}
    wanted = {key for key in tables if key.startswith(ROOMS)}
    while missing := {read for key in wanted for read in tables[key].tables if read in tables} - wanted:
        wanted |= missing
    needs = {key: [read for read in tables[key].tables if read in wanted] for key in wanted}
    return [tables[key] for key in TopologicalSorter(needs).static_order()]


TABLES = made_of_customers()
# What was published stays as it was published, and the changes of scores say what became of it.
ABOUT_THE_PAST = {"health/published_scores", "health/score_changes"}
FIRST = date(2026, 2, 10)
DAYS = [FIRST, FIRST + timedelta(days=1)]
AT = datetime(2026, 2, 1, tzinfo=UTC)

PEOPLE: Mapping[str, Sequence[Row]] = {
    "hubspot/contacts": [
        {"id": "h1", "email": "dana@acme.example", "first_name": "Dana", "created_at": LONG_AGO},
        {"id": "h2", "email": "noor@beta.example", "first_name": "Noor", "created_at": LONG_AGO},
    ],
    "hubspot/companies": [{"id": "c1", "name": "Acme", "domain": "acme.example"}],
    "intercom/contacts": [
        {"id": "i1", "email": "eve@acme.example", "role": "user", "created_at": AT, "last_seen_at": AT},
        {"id": "i2", "email": "dana@acme.example", "role": "user", "created_at": AT, "last_seen_at": AT},
    ],
    "intercom/conversations": [
        {"id": "k1", "contact_id": "i1", "contact_ids": ["i1"], "state": "open", "created_at": AT, "rating": 1}
    ],
    "stripe/customers": [
        {"id": "s1", "email": "dana@acme.example", "currency": "eur", "created_at": AT, "deleted": False},
        {"id": "s2", "email": "eve@acme.example", "currency": "eur", "created_at": AT, "deleted": False},
    ],
    "stripe/charges": [
        {
            "id": f"ch_{payer}",
            "customer_id": payer,
            "currency": "eur",
            "status": "succeeded",
            "amount_captured": 100 * amount,
            "created_at": AT,
        }
        for payer, amount in (("s1", 9), ("s2", 50))
    ],
    "stripe/subscriptions": [
        {
            "id": f"sub_{payer}",
            "customer_id": payer,
            "status": "active",
            "currency": "eur",
            "created_at": AT,
            "started_at": AT,
            "is_simulated": False,
        }
        for payer in ("s1", "s2")
    ],
}
GLUE = {
    "an id of the other": {"intercom/contacts": {"i1": {"stripe_id": "s1"}}},
    "an address of the other": {"hubspot/contacts": {"h1": {"additional_emails": ["eve@acme.example"]}}},
}


@dataclass(frozen=True)
class Home:
    """A home with a lake, in force while it is used."""

    path: Path
    patch: pytest.MonkeyPatch

    def enter(self) -> Lake:
        self.patch.setenv("GTM_HOME", str(self.path))
        self.patch.setenv("GTM_FIRST_DAY", str(FIRST))
        settings.cache_clear()
        return Lake(self.path / "lake")

    def land(self, glue: Mapping[str, Mapping[str, Row]]) -> None:
        lake = self.enter()
        for table, records in PEOPLE.items():
            changes = glue.get(table, {})
            for day in DAYS:
                end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
                rows = [{"_window": end, "_extracted_at": end, **row, **changes.get(row["id"], {})} for row in records]
                partition = str(day) if table.startswith("stripe") else f"{day}T1200"
                lake.write(table, partition, engine().to_pyarrow(filled(table, *rows)).to_reader(), full=True)

    def live(self) -> None:
        lake = self.enter()
        for day in DAYS:
            for table in TABLES:
                table.write_day(lake, str(day))

    def split(self, first: str, second: str) -> None:
        self.enter()
        with closing(open_state(settings().state_url)) as state, state.writing() as tx:
            add_decision(tx, SPLIT, (first, second), "Noor", "two people", AT)

    def tables(self, day: date) -> dict[str, list[dict[str, Any]]]:
        lake = self.enter()
        return {
            table.key: sorted(rows_of(lake.partition(table.key, str(day))), key=str)
            for table in TABLES
            if str(day) in lake.partitions(table.key)
        }

    def hubspot(self) -> list[DesiredRecord]:
        lake, day = self.enter(), str(DAYS[-1])
        return plan(CONTACTS, day, {name: lake.partition(name, day) for name in CONTACTS.inputs})


@pytest.fixture(scope="module")
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch
    settings.cache_clear()


@pytest.fixture(scope="module")
def never(tmp_path_factory: pytest.TempPathFactory, patch: pytest.MonkeyPatch) -> Home:
    """The world in which the two never met."""
    home = Home(tmp_path_factory.mktemp("never"), patch)
    home.land({})
    home.live()
    return home


@pytest.mark.soak
@pytest.mark.parametrize(
    "glue", [pytest.param(glue, marks=[pytest.mark.long] * nth) for nth, glue in enumerate(GLUE.values())], ids=GLUE
)
def test_tables_and_hubspot_are_those_of_a_world_without_the_glue(
    glue: Mapping[str, Mapping[str, Row]], tmp_path: Path, patch: pytest.MonkeyPatch, never: Home
) -> None:
    glued = Home(tmp_path / "glued", patch)
    glued.land(glue)
    glued.live()
    assert len({row["customer_id"] for row in glued.tables(DAYS[-1])["identity/links"]}) == 2
    assert glued.hubspot() != never.hubspot()

    glued.split("hubspot:h1", "stripe:s2")
    glued.live()
    for day in DAYS:
        expected, result = never.tables(day), glued.tables(day)
        assert set(result) == set(expected)
        assert {name for name in expected if result[name] != expected[name]} <= ABOUT_THE_PAST
    assert glued.hubspot() == never.hubspot() != []
