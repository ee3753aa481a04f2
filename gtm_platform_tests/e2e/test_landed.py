"""One world read in three ways: by its APIs, by tables as Fivetran lands them, by tables as Airbyte does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import dagster as dg
import httpx
import pandas as pd
import pytest

from gtm_platform.ingest.source_run import FULL_REFRESH_TAG
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.landers.sync import sync, variables
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.sources.assets import SOURCES
from gtm_platform_tests.e2e.home import (
    execute,
    failure_of,
    frame,
    let_go,
    midnight,
    move_in,
    tables_read_by,
    turn_clocks,
    windows_of,
)

pytestmark = pytest.mark.soak

DAYS = (date(2026, 3, 1), date(2026, 3, 2))
LAST = str(DAYS[-1])
PEOPLE, SEED = 60, 17
SYSTEMS = ("hubspot", "intercom", "stripe")
LANDERS = ("fivetran", "airbyte")
LINKS, CUSTOMERS = "hubspot/associations", "core/unified_customers"
WHOLE = ["hubspot/contacts", "hubspot/companies", LINKS]
NO_TAGS: Mapping[str, str] = MappingProxyType({})
# When a record of Stripe changed is what a lander says: when the last event was, or when it was last written.
OF_THE_READING = frozenset(["_window", "_extracted_at", "_run_id", "payload", "changed_at"])
STREAMS = {source.name: [source.table(each) for each in source.streams] for source in SOURCES if source.name in SYSTEMS}
BY_API = (LINKS, "intercom/tickets", "stripe/coupons")  # what neither lands whole
NOT_LANDED = {"hubspot/companies": frozenset(["lead_source_set_by"])}  # who set a property, neither lands


@dataclass(frozen=True)
class Read:
    """A home for each way in which the world was read, and the company that a person removed meanwhile."""

    homes: Mapping[str, Path]
    removed_company: str
    notes: Mapping[str, list[str]]  # what each way says of what is lacking

    def customers(self, way: str) -> pd.DataFrame:
        """The wide rows, in the order of their ids."""
        return frame(self.homes[way], CUSTOMERS, LAST).sort_values("customer_id", ignore_index=True)

    def current(self, way: str, stream: str) -> dict[tuple[Any, ...], dict[str, Any]]:
        """The newest version of each record, by its key."""
        rows = Lake(self.homes[way] / "lake").read_day(stream, LAST).to_pyarrow().to_pylist()
        key = contract_of(stream).key
        return {tuple(row[part] for part in key): row for row in rows}


def remove_a_company(box: Sandbox) -> str:
    """Archive a company in HubSpot, as a person there would."""
    api = httpx.Client(
        base_url=box.env["HUBSPOT_BASE_URL"],
        headers={"Authorization": f"Bearer {box.env['HUBSPOT_ACCESS_TOKEN']}"},
        trust_env=False,
    )
    with api:
        company = api.get("/crm/v3/objects/companies", params={"limit": 1}).json()["results"][0]["id"]
        api.delete(f"/crm/v3/objects/companies/{company}").raise_for_status()
    return str(company)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    """Two days, landed and read at each midnight."""
    folder = tmp_path_factory.mktemp("landed")
    homes = {way: folder / way for way in ("api", *LANDERS)}
    with pytest.MonkeyPatch.context() as patch, running(PEOPLE, SEED, datetime(2026, 3, 1, tzinfo=UTC)) as box:
        removed, notes = "", {}
        for day in DAYS:
            now = midnight(day) + (midnight(DAYS[1]) - midnight(DAYS[0]))
            turn_clocks(patch, box, now)
            removed = remove_a_company(box) if day == DAYS[-1] else ""
            for lander in LANDERS:
                sync(lander, box.env, folder / f"{lander}_tables", now)
            for way, home in homes.items():
                with patch.context() as within, dg.DagsterInstance.ephemeral(tempdir=str(folder)) as dagster:
                    move_in(within, home, box, now)
                    for name, value in (variables(way, folder / f"{way}_tables") if way in LANDERS else {}).items():
                        within.setenv(name, value)
                    read_day(dagster, day)
                    notes[way] = lacking()
                    let_go()
        yield Read(homes, removed, notes)


def lacking() -> list[str]:
    """What the sources say that they lack, as the doctor has it."""
    sentences = []
    for source in SOURCES:
        if source.name in SYSTEMS:
            with source.open() as client:
                sentences += source.notes(client)
    return sentences


def read_day(dagster: dg.DagsterInstance, day: date) -> None:
    """Every window of a day; on the last one, what changed, and what has deletions whole: only so an API shows them."""
    whole = WHOLE if day == DAYS[-1] else []
    for job, first, last in windows_of(day):
        source = job.removeprefix("sync_")
        if source not in SYSTEMS:
            continue
        read_tables(dagster, job, first, last, [table for table in STREAMS[source] if table not in whole])
        if source == "hubspot" and whole:
            read_tables(dagster, job, last, last, whole, {FULL_REFRESH_TAG: "true"})
    if day == DAYS[-1]:
        ran = execute(dagster, "daily_tables", str(day), tables=tables_read_by(CUSTOMERS))
        assert ran.success, failure_of(ran)


def read_tables(
    dagster: dg.DagsterInstance, job: str, first: str, last: str, tables: list[str], tags: Mapping[str, str] = NO_TAGS
) -> None:
    ran = execute(dagster, job, first, last, tables=tables, tags=tags)
    assert ran.success, failure_of(ran)


def compared(read: Read, way: str, stream: str) -> list[str]:
    """How the records of a stream differ from those of the API."""
    api, landed = read.current("api", stream), read.current(way, stream)
    left_out = OF_THE_READING | NOT_LANDED.get(stream, frozenset())
    wrong = [f"{stream} {key}: only one has it" for key in api.keys() ^ landed.keys()]
    for key in api.keys() & landed.keys():
        wrong += [
            f"{stream} {key}: {name} is {landed[key][name]!r}, by the API {value!r}"
            for name, value in api[key].items()
            if name not in left_out and in_order(landed[key][name]) != in_order(value)
        ]
    return wrong


def in_order(value: Any) -> Any:
    """Lists as sets: of tags, a lander keeps no order."""
    return sorted(map(repr, value)) if isinstance(value, list) else value


@pytest.mark.parametrize("way", LANDERS)
@pytest.mark.parametrize("stream", [table for source in SYSTEMS for table in STREAMS[source]])
def test_the_records_are_the_same(read: Read, way: str, stream: str) -> None:
    assert compared(read, way, stream) == []


def test_what_only_the_api_tells_is_in_this_world(read: Read) -> None:
    kinds = {link["type_id"] for row in read.current("api", LINKS).values() for link in row["links"]}
    assert len(kinds) > len({"contacts to companies", "deals to companies", "deals to contacts"})
    assert any(row["product_ids"] for row in read.current("api", "stripe/coupons").values())
    assert all(row["title"] for row in read.current("api", "intercom/tickets").values())
    assert sum(read.customers("api")["open_critical_tickets"]) > 0


@pytest.mark.parametrize("lander", LANDERS)
def test_the_doctor_says_what_is_read_by_the_api(read: Read, lander: str) -> None:
    beginnings = [sentence.partition(": ")[0] for sentence in read.notes[lander]]
    by_api = [f"{table} is read by the API" for table in BY_API]
    assert [each for each in beginnings if each.endswith("the API")] == by_api


@pytest.mark.parametrize("way", LANDERS)
def test_the_customers_are_the_same(read: Read, way: str) -> None:
    by_api, landed = read.customers("api"), read.customers(way)
    pd.testing.assert_frame_equal(landed, by_api)
    assert len(by_api) > PEOPLE / 2


@pytest.mark.parametrize("way", ["api", *LANDERS])
def test_who_was_removed_is_gone(read: Read, way: str) -> None:
    assert (read.removed_company,) not in read.current(way, "hubspot/companies")
    assert read.current(way, "hubspot/companies")


@pytest.mark.parametrize("way", LANDERS)
def test_nothing_is_quarantined_and_the_tables_bring_changes_of_the_second_day(read: Read, way: str) -> None:
    assert list((read.homes[way] / "lake/quarantine").glob("*/[!.]*.parquet")) == []
    assert len(frame(read.homes[way], "stripe/charges", LAST)) > 0
