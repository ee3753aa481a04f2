"""An object type of HubSpot is one file: it becomes an asset, is delivered, and is known to the journal by its name."""

import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from pydantic import SecretStr

from gtm_platform.delivery.hubspot import object_types as package
from gtm_platform.delivery.hubspot.assets import hubspot_asset
from gtm_platform.delivery.hubspot.client import HubSpotObjects
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.object_types import object_type_named, object_types
from gtm_platform.delivery.hubspot.pipeline import deliver
from gtm_platform.delivery.hubspot.plan import plan
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.sandbox.hubspot import TOKEN
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sources.hubspot.client import HubSpotClient
from gtm_platform.state import State
from gtm_platform_tests.delivery.world import NOW, Watched
from gtm_platform_tests.tables import DAY, filled

TICKETS = '''
"""HubSpot tickets: how many of who wrote are open."""

from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.properties import Origin, number

SUPPORT = "core/support"
OPEN = Origin(SUPPORT, "open_conversations", "customer_id")


def plan(tables):
    rows = tables[SUPPORT]
    return rows.select("customer_id", "open_conversations", ticket=rows["customer_id"].replace("c", "90"))


OBJECT_TYPE = ObjectType(
    name="tickets",
    label="ticket",
    type_id="0-5",
    key="ticket",
    subject="customer_id",
    properties=(number("gtm_open_tickets", "Open tickets", "How many are open.", OPEN),),
    inputs=(SUPPORT,),
    plan=plan,
    about="Open tickets.",
)
'''


@pytest.fixture
def tickets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectType]:
    (tmp_path / "tickets.py").write_text(TICKETS)
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    yield {each.name: each for each in object_types()}["tickets"]
    del sys.modules[f"{package.__name__}.tickets"], package.tickets  # type: ignore[attr-defined]


def test_it_becomes_an_asset_that_waits_for_its_tables(tickets: ObjectType) -> None:
    asset = hubspot_asset(tickets)
    assert asset.key == dg.AssetKey(["delivery", "hubspot_tickets"])
    assert dg.AssetKey(["core", "support"]) in asset.keys_by_input_name.values()
    assert asset.descriptions_by_key[asset.key] == "Open tickets."
    assert object_type_named("tickets") is tickets


def test_it_is_delivered(tickets: ObjectType, hubspot_api: Watched, portal: HubSpotStore, state: State) -> None:
    portal.objects["tickets"] = {"901": HubSpotRecord("901", {"subject": "Help"}, NOW, NOW)}
    support = filled("core/support", {"customer_id": "c1", "open_conversations": 3})
    desired = plan(tickets, DAY.isoformat(), {"core/support": support})
    client = HubSpotClient(SecretStr(TOKEN), hubspot_api.url)
    report = deliver(desired, HubSpotObjects(client, tickets), state, Run("run-1", DAY.isoformat(), lambda: NOW))
    assert (report.written, report.rejected) == (1, 0)
    assert portal.objects["tickets"]["901"].properties["gtm_open_tickets"] == "3"
