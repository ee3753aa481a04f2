"""One world read in three ways: by its APIs, by tables as Fivetran lands them, by tables as Airbyte does."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pandas as pd
import pytest

from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.landers.sync import sync, variables
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.sources.assets import SOURCES
from gtm_platform_tests.e2e.home import execute, frame, let_go, midnight, move_in, told, turn_clocks, windows_of

DAYS = (date(2026, 3, 1), date(2026, 3, 2))
LAST = str(DAYS[-1])
PEOPLE, SEED = 60, 17
SYSTEMS = ("hubspot", "intercom", "stripe")
LANDERS = ("fivetran", "airbyte")
NEITHER_LANDS = "intercom/tickets"
STREAMS = {
    source.name: [table for each in source.streams if (table := source.table(each)) != NEITHER_LANDS]
    for source in SOURCES
    if source.name in SYSTEMS
}


@dataclass(frozen=True)
class Read:
    """A home for each way in which the world was read, and the company that a person removed meanwhile."""

    homes: Mapping[str, Path]
    removed_company: str

    def customers(self, way: str) -> pd.DataFrame:
        """The wide rows."""
        return frame(self.homes[way], "core/unified_customers", LAST)

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
    """Two days, landed and read at each midnight; whole on the second, since only then an API shows what is gone."""
    folder = tmp_path_factory.mktemp("landed")
    homes = {way: folder / way for way in ("api", *LANDERS)}
    with pytest.MonkeyPatch.context() as patch, running(PEOPLE, SEED, datetime(2026, 3, 1, tzinfo=UTC)) as box:
        removed = ""
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
                    let_go()
        yield Read(homes, removed)


def read_day(dagster: dg.DagsterInstance, day: date) -> None:
    for job, first, last in windows_of(day):
        source = job.removeprefix("sync_")
        if source in SYSTEMS:
            ran = execute(dagster, job, first, last, tables=STREAMS[source])
            assert ran.success, told(ran)
    if day == DAYS[-1]:
        ran = execute(dagster, "daily_tables", str(day))
        assert ran.success, told(ran)


# When a record of Stripe changed is what a lander says: the last event, or the last time that it was written.
OF_THE_READING = {"_window", "_extracted_at", "_run_id", "payload", "changed_at"}


def compared(read: Read, way: str, stream: str) -> list[str]:
    """How the records of a stream differ from those of the API."""
    api, landed = read.current("api", stream), read.current(way, stream)
    wrong = [f"{stream} {key}: only one has it" for key in api.keys() ^ landed.keys()]
    for key in api.keys() & landed.keys():
        wrong += [
            f"{stream} {key}: {name} is {landed[key][name]!r}, by the API {value!r}"
            for name, value in api[key].items()
            if name not in OF_THE_READING and landed[key][name] != value
        ]
    return wrong


@pytest.mark.parametrize("way", LANDERS)
def test_print(read: Read, way: str) -> None:
    for source in SYSTEMS:
        for stream in STREAMS[source]:
            wrong = compared(read, way, stream)
            print(way, stream, len(read.current("api", stream)), len(wrong), wrong[:6])
    a, b = read.customers("api"), read.customers(way)
    print(len(a), len(b), len(set(a.customer_id) & set(b.customer_id)))
    a, b = a.set_index("customer_id"), b.set_index("customer_id")
    for name in a.columns:
        common = a.index.intersection(b.index)
        diff = [(i, a.loc[i, name], b.loc[i, name]) for i in common if repr(a.loc[i, name]) != repr(b.loc[i, name])]
        if diff:
            print(name, len(diff), diff[:3])
