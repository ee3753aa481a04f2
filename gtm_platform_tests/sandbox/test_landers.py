"""Fivetran and Airbyte in the sandbox: what a sync lands, and what the next one makes of a change and of a deletion."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from gtm_platform.sandbox.journal import Journal
from gtm_platform.sandbox.kit.emulator import systems_of
from gtm_platform.sandbox.landers import airbyte, fivetran
from gtm_platform.sandbox.landers.answers import SystemApi
from gtm_platform.sandbox.landers.sync import HEADERS, KEYS
from gtm_platform.sandbox.landers.tables import FOREVER, LandedTable, land
from gtm_platform.sandbox.server import open_sandbox

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
SECOND = FIRST + timedelta(hours=12)
Rows = list[dict[str, Any]]
Reach = Callable[[str, str], SystemApi]


@pytest.fixture
def reach() -> Reach:
    """Reach an emulator as a lander does."""
    world, app = open_sandbox(1, 20, FIRST, Journal(None))
    variables = {name: value for system in systems_of(world) for name, value in system.environment("").items()}

    def reached(system: str, lander: str) -> SystemApi:
        sent = {"Authorization": f"Bearer {variables[KEYS[system]]}", **HEADERS.get(system, {}).get(lander, {})}
        return SystemApi(TestClient(app, base_url=f"http://testserver/{system}", headers=sent))

    return reached


@pytest.fixture
def sync(reach: Reach, tmp_path: Path) -> Callable[[ModuleType, str, datetime], dict[str, int]]:
    def synced(lander: ModuleType, system: str, at: datetime) -> dict[str, int]:
        api = reach(system, lander.__name__.rpartition(".")[2])
        return land(tmp_path, lander.LAYOUTS[system](api), lander.MARKS, at)

    return synced


def rows(folder: Path, table: str) -> Rows:
    return pq.read_table(folder / f"{table}.parquet").to_pylist()


def test_fivetran_lands_properties_as_typed_columns_and_links_as_tables(sync: Any, tmp_path: Path) -> None:
    written = sync(fivetran, "hubspot", FIRST)
    contact = rows(tmp_path, "contact")[0]
    assert isinstance(contact["id"], int)
    assert isinstance(contact["property_createdate"], datetime)
    assert (contact["_fivetran_deleted"], contact["_fivetran_synced"]) == (False, FIRST)
    assert written["deal_contact"] == len(rows(tmp_path, "deal_contact")) > 0
    assert set(rows(tmp_path, "deal_contact")[0]) >= {"deal_id", "contact_id", "type_id", "category"}


def test_airbyte_lands_the_records_with_objects_as_json(sync: Any, tmp_path: Path) -> None:
    sync(airbyte, "stripe", FIRST)
    subscription = rows(tmp_path, "subscriptions")[0]
    assert subscription["items"].startswith('{"object":"list","data":[{')
    assert subscription["updated"] == subscription["created"]
    assert (subscription["is_deleted"], subscription["_airbyte_extracted_at"]) == (False, FIRST)
    assert "discount" in subscription  # of the version that Airbyte speaks


def test_a_second_sync_writes_what_changed_and_marks_what_is_gone(reach: Reach, sync: Any, tmp_path: Path) -> None:
    table, stamp = "company", "_fivetran_synced"
    sync(fivetran, "hubspot", FIRST)
    hubspot = reach("hubspot", "fivetran").client
    changed, gone, *_ = (row["id"] for row in rows(tmp_path, table))
    body = {"properties": {"name": "Renamed"}}
    hubspot.patch(f"/crm/v3/objects/companies/{changed}", json=body).raise_for_status()
    hubspot.delete(f"/crm/v3/objects/companies/{gone}").raise_for_status()
    assert sync(fivetran, "hubspot", SECOND)[table] == 2
    after = {row["id"]: row for row in rows(tmp_path, table)}
    assert (after[changed]["property_name"], after[changed][stamp]) == ("Renamed", SECOND)
    assert (after[gone]["_fivetran_deleted"], after[gone][stamp]) == (True, SECOND)
    assert {row[stamp] for key, row in after.items() if key not in (changed, gone)} == {FIRST}
    assert sync(fivetran, "hubspot", SECOND + timedelta(hours=1))[table] == 0


def test_airbyte_no_longer_lands_what_is_gone(reach: Reach, sync: Any, tmp_path: Path) -> None:
    sync(airbyte, "hubspot", FIRST)
    before = {row["id"] for row in rows(tmp_path, "companies")}
    gone = min(before)
    reach("hubspot", "airbyte").client.delete(f"/crm/v3/objects/companies/{gone}").raise_for_status()
    sync(airbyte, "hubspot", SECOND)
    assert before - {row["id"] for row in rows(tmp_path, "companies")} == {gone}


def test_a_history_keeps_the_versions_before(tmp_path: Path) -> None:
    def table(**names: str) -> list[LandedTable]:
        return [
            LandedTable("contact_history", [{"id": key, "name": name} for key, name in names.items()], history=True)
        ]

    land(tmp_path, table(a="Ada", b="Bob"), fivetran.MARKS, FIRST)
    land(tmp_path, table(a="Ada L."), fivetran.MARKS, SECOND)
    versions = [
        (row["name"], row["_fivetran_active"], row["_fivetran_start"], row["_fivetran_end"])
        for row in rows(tmp_path, "contact_history")
    ]
    assert sorted(versions) == [
        ("Ada", False, FIRST, SECOND),
        ("Ada L.", True, SECOND, FOREVER),
        ("Bob", False, FIRST, SECOND),
    ]
