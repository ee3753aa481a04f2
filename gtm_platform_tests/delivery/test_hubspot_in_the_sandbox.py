"""Deliveries and the comparison over a running sandbox, in which a person and a workflow write by its HTTP."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import dagster as dg
import httpx
import pytest
from hubspot import HubSpot

from gtm_platform.delivery.assets import hubspot_contacts
from gtm_platform.delivery.hubspot.truth import hubspot_truth
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.sandbox.hubspot import TOKEN
from gtm_platform.sandbox.hubspot.objects import PLAYED
from gtm_platform.sandbox.server import running
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.hubspot_journal import story
from gtm_platform_tests.delivery.rows import customer, health
from gtm_platform_tests.delivery.test_assets import CUSTOMERS, DAYS, HEALTH, World, shown, world
from gtm_platform_tests.delivery.world import NOW

__all__ = ["world"]
ASSETS = (hubspot_contacts, hubspot_truth)


class Account:
    """The HubSpot of a running sandbox, and who works in it."""

    def __init__(self, url: str, client: httpx.Client) -> None:
        self._client = client
        self._stranger = HubSpot(access_token=TOKEN, host=url)  # the official client, as anybody else uses it
        answer = client.get("/crm/v3/objects/contacts", params={"limit": 5}).raise_for_status().json()
        self.ids = [record["id"] for record in answer["results"]]

    def score(self, id: str) -> str | None:
        api = self._stranger.crm.contacts.basic_api
        record = api.get_by_id(id, properties=["gtm_health_score"], _request_timeout=(5, 60))
        value: str | None = record.properties["gtm_health_score"]
        return value

    def edit(self, id: str, source: str, score: str) -> None:
        body = {"properties": {"gtm_health_score": score}}
        played = self._client.patch(f"/crm/v3/objects/contacts/{id}", json=body, headers={PLAYED: source})
        played.raise_for_status()


@pytest.fixture
def account(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    assert world
    with running(people=30, now=NOW) as box:
        for name in ("HUBSPOT_BASE_URL", "HUBSPOT_ACCESS_TOKEN", "HUBSPOT_PORTAL_ID"):
            monkeypatch.setenv(name, box.env[name])
        settings.cache_clear()
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=f"{box.url}/hubspot", headers=headers, trust_env=False) as client:
            yield Account(box.env["HUBSPOT_BASE_URL"], client)


def deliver(world: World, account: Account, day: str, score: int) -> dict[str, Any]:
    """Land a day, deliver it and compare it with HubSpot; return what the comparison shows."""
    world.land(HEALTH, day, [health(f"c{id}", score) for id in account.ids])
    people = [customer(f"c{id}", hubspot_contact_id=id, health_score=score) for id in account.ids]
    world.land(CUSTOMERS, day, people)
    result = dg.materialize(list(ASSETS), instance=world.instance, resources={"lake": LakeResource()})
    return shown(result, hubspot_truth) or {}


def newest(id: str) -> tuple[str, str, str]:
    """What became last of the score of a contact, why, and who had written what HubSpot had."""
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        row = story(tx, "contacts", id, "gtm_health_score")[-1]
    return row["status"], row["cause"], row["author"]


def test_a_persons_edit_survives_and_a_workflows_is_healed_within_a_day(world: World, account: Account) -> None:
    person, workflow, *_ = account.ids
    deliver(world, account, DAYS[0], score=55)
    assert {account.score(id) for id in account.ids} == {"55"}
    account.edit(person, "CRM_UI", "99")
    account.edit(workflow, "AUTOMATION_PLATFORM", "1")

    second = deliver(world, account, DAYS[1], score=55)

    assert (second["figure/healed"], second["figure/by_workflow"], second["figure/by_person"]) == (1, 1, 1)
    assert (account.score(workflow), account.score(person)) == ("55", "99")
    assert newest(workflow) == ("written", "workflow", "workflowId:5512")

    deliver(world, account, DAYS[2], score=60)

    assert (account.score(workflow), account.score(person)) == ("60", "99")
    status, cause, author = newest(person)
    assert (status, cause) == ("held", "person")
    assert author.startswith("user ")
