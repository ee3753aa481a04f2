"""What HubSpot's reads answer besides plain records: history, schemas, older addresses, types that are not in use."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hubspot import HubSpot

from gtm_platform.sandbox.hubspot import TOKEN, Limits, app
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform_tests.contract.recorder import served

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TYPES = ("tickets", "products", "line_items", "quotes", "communications")


@dataclass
class Portal:
    """A portal on loopback whose clock goes on by a minute before each write."""

    http: httpx.Client
    client: HubSpot
    store: HubSpotStore = field(default_factory=HubSpotStore)
    now: datetime = START

    def add(self, kind: str, **properties: str) -> HubSpotRecord:
        """A record that people made."""
        key = str(500 + sum(map(len, self.store.objects.values())))
        record = HubSpotRecord(key, properties, self.now, self.now)
        self.store.objects.setdefault(kind, {})[key] = record
        self.store.next_id = int(key) + 1
        return record

    def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        self.now += MINUTE
        return self.http.post(path, json=body)

    def write(self, kind: str, key: str, **properties: str) -> None:
        self.now += MINUTE
        self.http.patch(f"/crm/v3/objects/{kind}/{key}", json={"properties": properties}).raise_for_status()

    def read(self, path: str, **parameters: Any) -> Any:
        return self.http.get(path, params=parameters).raise_for_status().json()


@pytest.fixture
def portal() -> Iterator[Portal]:
    store = HubSpotStore()
    unlimited = Limits(*(Limit(10**6, 10) for _ in range(3)))
    with served(app(store, lambda: here.now, limits=unlimited)) as url:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx.Client(base_url=url, headers=headers, trust_env=False) as http:
            here = Portal(http, HubSpot(access_token=TOKEN, host=url, base_url=url), store)
            yield here


def at(minutes: int) -> str:
    return (START + minutes * MINUTE).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def values(history: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(change["value"], change["timestamp"], change["sourceType"]) for change in history]


# --- history -------------------------------------------------------------------------------------------------------


def test_each_write_adds_to_the_history_and_the_newest_comes_first(portal: Portal) -> None:
    contact = portal.add("contacts", email="ada@acme.example", phone="1")
    portal.write("contacts", contact.id, phone="2")
    portal.write("contacts", contact.id, phone="")
    portal.write("contacts", contact.id, phone="3", jobtitle="CTO")
    portal.write("contacts", contact.id, phone="3")  # nothing changes, so nothing is added
    expected = [
        ("3", at(3), "INTEGRATION"),
        ("", at(2), "INTEGRATION"),
        ("2", at(1), "INTEGRATION"),
        ("1", at(0), "CRM_UI"),
    ]
    names = {"propertiesWithHistory": "phone,jobtitle,unheard_of"}
    batch = {"inputs": [{"id": contact.id}], "properties": [], "propertiesWithHistory": ["phone", "jobtitle"]}
    reads = [
        portal.read("/crm/v3/objects/contacts", **names)["results"][0],
        portal.read(f"/crm/v3/objects/contacts/{contact.id}", **names),
        portal.post("/crm/v3/objects/contacts/batch/read", batch).json()["results"][0],
    ]
    for record in reads:
        history = record["propertiesWithHistory"]
        assert values(history["phone"]) == expected
        assert values(history["jobtitle"]) == [("CTO", at(3), "INTEGRATION")]
        assert all(change["sourceId"] for change in history["phone"])
        assert record["properties"]["phone"] == "3"
        assert set(history) == {"phone", "jobtitle"}


def test_the_history_says_who_or_what_made_each_change(portal: Portal) -> None:
    contact = portal.add("contacts", phone="1")
    played = {"AUTOMATION_PLATFORM": "2", "IMPORT": "3", "CRM_UI": "4"}
    address = f"/crm/v3/objects/contacts/{contact.id}"
    for source, phone in played.items():
        body = {"properties": {"phone": phone}}
        assert portal.http.patch(address, json=body, headers={"X-Sandbox-Source": source}).status_code == 200
    history = portal.http.get(address, params={"propertiesWithHistory": "phone"}).json()["propertiesWithHistory"][
        "phone"
    ]
    assert [(change["value"], change["sourceType"], change["sourceId"]) for change in history[:3]] == [
        ("4", "CRM_UI", "userId:4242"),
        ("3", "IMPORT", "importId:77"),
        ("2", "AUTOMATION_PLATFORM", "workflowId:5512"),
    ]
    assert [change.get("updatedByUserId") for change in history[:2]] == [4242, None]
    assert portal.http.patch(address, json=body, headers={"X-Sandbox-Source": "ME"}).status_code == 400


def test_the_official_client_reads_the_history(portal: Portal) -> None:
    company = portal.add("companies", name="Acme")
    portal.write("companies", company.id, name="Acme Inc")
    api = portal.client.crm.companies
    read = api.basic_api.get_by_id(company.id, properties_with_history=["name", "hs_lastmodifieddate"])
    assert [change.value for change in read.properties_with_history["name"]] == ["Acme Inc", "Acme"]
    assert [change.timestamp for change in read.properties_with_history["name"]] == [START + MINUTE, START]
    assert [change.value for change in read.properties_with_history["hs_lastmodifieddate"]] == [at(1)]
    body = {"inputs": [{"id": company.id}], "properties": ["name"], "propertiesWithHistory": ["name"]}
    [record] = api.batch_api.read(body).results
    assert [change.source_type for change in record.properties_with_history["name"]] == ["INTEGRATION", "CRM_UI"]


def test_a_record_made_by_a_client_began_with_its_values(portal: Portal) -> None:
    made = portal.post("/crm/v3/objects/contacts", {"properties": {"email": "ada@acme.example", "phone": ""}}).json()
    read = portal.read(f"/crm/v3/objects/contacts/{made['id']}", propertiesWithHistory=["email", "phone"])
    assert values(read["propertiesWithHistory"]["email"]) == [("ada@acme.example", at(1), "INTEGRATION")]
    assert read["propertiesWithHistory"]["phone"] == []


def test_a_merge_shows_in_the_history(portal: Portal) -> None:
    winner, loser = portal.add("contacts", email="a@acme.example"), portal.add("contacts", phone="7")
    portal.post("/crm/v3/objects/contacts/merge", {"primaryObjectId": winner.id, "objectIdToMerge": loser.id})
    read = portal.read(f"/crm/v3/objects/contacts/{winner.id}", propertiesWithHistory="phone,email")
    assert values(read["propertiesWithHistory"]["phone"]) == [("7", at(1), "MERGE_OBJECTS")]
    assert values(read["propertiesWithHistory"]["email"]) == [("a@acme.example", at(0), "CRM_UI")]


def test_what_people_change_is_in_the_history(portal: Portal) -> None:
    contact = portal.add("contacts", lifecyclestage="lead")
    contact.write({"lifecyclestage": "customer"}, START + MINUTE)
    contact.properties["lifecyclestage"], contact.updated = "evangelist", START + 2 * MINUTE
    read = portal.read("/crm/v3/objects/contacts", propertiesWithHistory="lifecyclestage")["results"][0]
    stages = [change["value"] for change in read["propertiesWithHistory"]["lifecyclestage"]]
    assert stages == ["evangelist", "customer", "lead"]


def test_reads_with_history_are_for_fifty_records_at_most(portal: Portal) -> None:
    sent: dict[str, str | int] = {"propertiesWithHistory": "email", "limit": 51}
    refused = portal.http.get("/crm/v3/objects/contacts", params=sent)
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")
    inputs = [{"id": str(key)} for key in range(51)]
    body = {"inputs": inputs, "properties": [], "propertiesWithHistory": ["email"]}
    assert "at most 50" in portal.post("/crm/v3/objects/contacts/batch/read", body).json()["message"]
    without = {"inputs": inputs, "properties": [], "propertiesWithHistory": []}
    assert portal.post("/crm/v3/objects/contacts/batch/read", without).status_code == 207


# --- types that are not in use -------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", TYPES)
def test_associations_with_a_type_without_records_leave_the_list_as_it_is(portal: Portal, target: str) -> None:
    deal = portal.add("deals", dealname="Renewal")
    company = portal.add("companies", name="Acme")
    portal.http.put(f"/crm/v4/objects/deals/{deal.id}/associations/default/companies/{company.id}")
    listed = portal.read("/crm/v3/objects/deals", associations=["companies", target])["results"]
    assert [list(record["associations"]) for record in listed] == [["companies"]]
    assert "associations" not in portal.read(f"/crm/v3/objects/deals/{deal.id}", associations=target)
    assert portal.read(f"/crm/v4/objects/deals/{deal.id}/associations/{target}") == {"results": []}
    assert portal.read(f"/crm/v3/objects/{target}") == {"results": []}
    assert portal.post(f"/crm/v3/objects/{target}/search", {}).json() == {"total": 0, "results": []}


def test_a_line_item_that_a_client_makes_is_shown_with_its_deal(portal: Portal) -> None:
    deal = portal.add("deals", dealname="Renewal")
    types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 20}]
    item = {"properties": {"name": "Seats", "quantity": "3"}, "associations": [{"to": {"id": deal.id}, "types": types}]}
    made = portal.post("/crm/v3/objects/line_items", item).json()
    read = portal.read(f"/crm/v3/objects/deals/{deal.id}", associations="line_items")
    assert read["associations"] == {"line items": {"results": [{"id": made["id"], "type": "deal_to_line_item"}]}}


def test_an_unknown_type_is_still_refused(portal: Portal) -> None:
    portal.add("deals", dealname="Renewal")
    refused = portal.http.get("/crm/v3/objects/deals", params={"associations": "unicorns"})
    assert (refused.status_code, refused.json()["message"]) == (400, "Unable to infer object type from: unicorns")


# --- definitions ---------------------------------------------------------------------------------------------------

GROUP = {"name": "ours", "label": "Ours"}
NUMBER = {"name": "our_mrr", "label": "MRR", "groupName": "ours", "type": "number", "fieldType": "number"}
OPTIONS = [{"label": "79", "value": "79"}]


def test_only_enumerations_and_booleans_take_options(portal: Portal) -> None:
    path = "/crm/v3/properties/contacts"
    portal.post(f"{path}/groups", GROUP)
    refused = portal.post(path, {**NUMBER, "options": OPTIONS})
    assert (refused.status_code, refused.json()["category"]) == (400, "VALIDATION_ERROR")
    assert refused.json()["message"] == "Property our_mrr of type number cannot have options."
    batch = portal.post(f"{path}/batch/create", {"inputs": [{**NUMBER, "options": OPTIONS}]}).json()
    assert (batch["results"], batch["numErrors"]) == ([], 1)
    assert portal.post(path, {**NUMBER, "options": []}).status_code == 201
    for body in ({"options": OPTIONS}, {"type": "string", "fieldType": "text", "options": OPTIONS}):
        assert portal.http.patch(f"{path}/our_mrr", json=body).status_code == 400
    assert portal.read(f"{path}/our_mrr")["options"] == []


def test_an_enumeration_that_becomes_a_text_loses_its_options(portal: Portal) -> None:
    path = "/crm/v3/properties/contacts"
    portal.post(f"{path}/groups", GROUP)
    portal.post(path, {**NUMBER, "type": "enumeration", "fieldType": "select", "options": OPTIONS})
    changed = portal.http.patch(f"{path}/our_mrr", json={"type": "string", "fieldType": "text"})
    assert (changed.status_code, changed.json()["options"]) == (200, [])


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_definitions_at_the_older_address(portal: Portal, version: str) -> None:
    definitions = portal.read(f"/properties/{version}/contacts/properties")
    newer = portal.read("/crm/v3/properties/contacts")["results"]
    assert [each["name"] for each in definitions] == [each["name"] for each in newer]
    stage = portal.read(f"/properties/{version}/contacts/properties/named/lifecyclestage")
    assert (stage["type"], stage["options"][0]["value"], stage["deleted"]) == ("enumeration", "subscriber", False)
    portal.post("/crm/v3/properties/contacts/groups", GROUP)
    portal.post("/crm/v3/properties/contacts", NUMBER)
    ours = portal.read(f"/properties/{version}/contacts/properties/named/our_mrr")
    assert ours["createdAt"] == int((START + 2 * MINUTE).timestamp() * 1000)
    missing = portal.http.get(f"/properties/{version}/contacts/properties/named/unheard_of")
    assert missing.status_code == 404


def test_schemas(portal: Portal) -> None:
    assert portal.read("/crm/v3/schemas") == {"results": []}
    schema = portal.read("/crm/v3/schemas/contacts")
    assert (schema["objectTypeId"], schema["labels"]) == ("0-1", {"singular": "Contact", "plural": "Contacts"})
    assert "email" in [each["name"] for each in schema["properties"]]
    pair = {"fromObjectTypeId": "0-1", "toObjectTypeId": "0-2"}
    assert {"id": "1", "name": "contact_to_company", **pair} in schema["associations"]
    assert portal.http.get("/crm/v3/schemas/unicorns").status_code == 400
