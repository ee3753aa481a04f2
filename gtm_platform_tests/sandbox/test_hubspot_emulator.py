"""The HubSpot emulator as its official client meets it, over a real socket."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from hubspot import HubSpot
from hubspot.crm.contacts.exceptions import ApiException, NotFoundException, UnauthorizedException
from hubspot.crm.properties.exceptions import ApiException as PropertyException
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send
from urllib3.util.retry import Retry

from gtm_platform.sandbox.hubspot import TOKEN, Limits, app, replay
from gtm_platform.sandbox.hubspot.store import HubSpotOwner, HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.kit.limits import Limit

START = datetime(2026, 3, 2, 6, 0, tzinfo=UTC)
Properties = dict[str, Any]


@dataclass
class Sandbox:
    """A HubSpot on loopback, its store, and the writes that it persisted."""

    store: HubSpotStore = field(default_factory=HubSpotStore)
    now: datetime = START
    persisted: list[tuple[str, datetime]] = field(default_factory=list)
    limits: Limits = field(default_factory=lambda: Limits(Limit(100_000, 10), Limit(100_000, 10), Limit(100_000, 10)))
    url: str = ""

    def __post_init__(self) -> None:
        self.store.next_id = 501

    def persist(self, write: dict[str, Any]) -> None:
        self.persisted.append((json.dumps(write), self.now))

    def later(self) -> datetime:
        self.now += timedelta(minutes=5)
        return self.now

    def client(self, token: str = TOKEN) -> HubSpot:
        return HubSpot(access_token=token, host=self.url, base_url=self.url, retry=Retry(total=0))

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {TOKEN}"}, trust_env=False)

    def add(self, kind: str, **properties: str) -> str:
        """A record the world made, past the API."""
        key = str(self.store.next_id)
        self.store.next_id += 1
        self.store.objects.setdefault(kind, {})[key] = HubSpotRecord(key, properties, self.now, self.now)
        return key

    def record(self, kind: str, key: str) -> HubSpotRecord:
        return self.store.objects[kind][key]


@dataclass
class Host:
    """One server for all tests of this file; each test puts its own application behind it."""

    asgi: ASGIApp = field(default_factory=Starlette)
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.asgi(scope, receive, send)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    listening = socket.create_server(("127.0.0.1", 0))
    here = Host(url=f"http://127.0.0.1:{listening.getsockname()[1]}")
    server = uvicorn.Server(uvicorn.Config(here, log_level="error", ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield here
    server.should_exit = True
    thread.join()


@pytest.fixture
def sandbox(host: Host) -> Sandbox:
    here = Sandbox(url=f"{host.url}/hubspot")
    hubspot = app(here.store, lambda: here.now, here.persist, here.limits)
    host.asgi = Starlette(routes=[Mount("/hubspot", hubspot)])
    return here


@pytest.fixture
def client(sandbox: Sandbox) -> HubSpot:
    return sandbox.client()


OWN_ID = {
    "name": "own_id",
    "label": "Own id",
    "groupName": "companyinformation",
    "type": "string",
    "fieldType": "text",
    "hasUniqueValue": True,
}


def body_of(failure: pytest.ExceptionInfo[Any]) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(failure.value.body)
    return body


def nested_error(failure: pytest.ExceptionInfo[Any]) -> dict[str, Any]:
    """The validation error inside the message's text."""
    _, text = body_of(failure)["message"].split(": ", 1)
    answer: dict[str, Any] = json.loads(text)[0]
    return answer


def create(client: HubSpot, kind: str, associations: list[Any] | None = None, **properties: Any) -> Any:
    body = {"properties": properties, "associations": associations or []}
    return client.crm.objects.basic_api.create(kind, simple_public_object_input_for_create=body)


def link(to: str, type_id: int) -> dict[str, Any]:
    spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}
    return {"to": {"id": to}, "types": [spec]}


def search(client: HubSpot, kind: str, *filters: dict[str, Any], **more: Any) -> Any:
    body = {"filterGroups": [{"filters": list(filters)}] if filters else [], **more}
    return client.crm.objects.search_api.do_search(kind, public_object_search_request=body)


def ids(answer: Any) -> list[str]:
    return [each.id for each in answer.results]


# --- token and limits ----------------------------------------------------------------------------------------------


def test_a_wrong_token_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(UnauthorizedException) as failure:
        sandbox.client("pat-na1-other").crm.contacts.basic_api.get_page()
    body = body_of(failure)
    assert (failure.value.status, body["status"], body["category"]) == (401, "error", "INVALID_AUTHENTICATION")
    assert body["correlationId"]


def test_the_burst_limit_is_in_headers_and_refuses_in_the_end(sandbox: Sandbox, client: HubSpot) -> None:
    sandbox.limits.burst = Limit(2, 10)
    api = client.crm.contacts.basic_api
    _, status, headers = api.get_page_with_http_info()
    assert status == 200
    assert headers["X-HubSpot-RateLimit-Interval-Milliseconds"] == "10000"
    assert (headers["X-HubSpot-RateLimit-Max"], headers["X-HubSpot-RateLimit-Remaining"]) == ("2", "1")
    api.get_page()
    with pytest.raises(ApiException) as failure:
        api.get_page()
    body = body_of(failure)
    assert failure.value.status == 429
    assert (body["policyName"], body["errorType"]) == ("TEN_SECONDLY_ROLLING", "RATE_LIMIT")
    assert body["message"] == "You have reached your ten_secondly_rolling limit."
    assert body["groupName"] == "publicapi:private-app-api-calls-ten-secondly:1234567"
    assert "category" not in body


def test_searches_have_a_limit_of_their_own_and_no_headers(sandbox: Sandbox, client: HubSpot) -> None:
    sandbox.limits.search = Limit(1, 60)
    _, _, headers = client.crm.contacts.search_api.do_search_with_http_info(public_object_search_request={})
    assert not [name for name in headers if name.lower().startswith("x-hubspot")]
    with pytest.raises(ApiException) as failure:
        client.crm.contacts.search_api.do_search(public_object_search_request={})
    assert (failure.value.status, body_of(failure)["policyName"]) == (429, "SECONDLY")
    assert not [name for name in failure.value.headers if name.lower().startswith("x-hubspot")]
    assert client.crm.contacts.basic_api.get_page().results == []


def test_the_daily_limit_stops_everything(sandbox: Sandbox, client: HubSpot) -> None:
    sandbox.limits.daily = Limit(0, 86_400)
    with pytest.raises(ApiException) as failure:
        client.crm.contacts.basic_api.get_page()
    assert body_of(failure)["policyName"] == "DAILY"


def test_an_unknown_path_and_an_unknown_type_are_refused_differently(sandbox: Sandbox) -> None:
    with sandbox.http() as http:
        assert http.get("/crm/v3/nothing").status_code == 404
        refused = http.get("/crm/v3/objects/rockets")
        assert (refused.status_code, refused.json()["message"]) == (400, "Unable to infer object type from: rockets")
        assert http.post("/crm/v3/objects/contacts", content="{").status_code == 400


# --- list and get --------------------------------------------------------------------------------------------------


def test_all_contacts_come_once_and_in_order(sandbox: Sandbox, client: HubSpot) -> None:
    made = [sandbox.add("contacts", email=f"person{n}@acme.example") for n in range(250)]
    sandbox.record("contacts", made[10]).archived = START
    first = client.crm.contacts.basic_api.get_page(limit=100)
    assert len(first.results) == 100
    assert not first.paging.next.after.isdigit()
    assert f"after={first.paging.next.after}" in first.paging.next.link
    assert [each.id for each in client.crm.contacts.get_all()] == [key for key in made if key != made[10]]
    assert ids(client.crm.contacts.basic_api.get_page(archived=True)) == [made[10]]
    assert len(client.crm.contacts.basic_api.get_page().results) == 10


def test_a_record_shows_the_named_properties(sandbox: Sandbox, client: HubSpot) -> None:
    contact = sandbox.add("contacts", email="ada@acme.example", jobtitle="CTO")
    names = ["jobtitle", "phone", "no_such_property"]
    answer = client.crm.contacts.basic_api.get_by_id(contact, properties=names)
    stamp = "2026-03-02T06:00:00.000Z"
    assert answer.properties == {
        "jobtitle": "CTO",
        "phone": None,
        "createdate": stamp,
        "lastmodifieddate": stamp,
        "hs_object_id": contact,
    }
    assert (answer.created_at, answer.archived) == (START, False)
    default = client.crm.contacts.basic_api.get_by_id(contact).properties
    assert sorted(default) == ["createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"]


@pytest.mark.parametrize("prefix", ["/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"])
@pytest.mark.parametrize("name", ["companies", "0-2"])
def test_both_path_styles_and_both_ways_to_ask_for_properties(sandbox: Sandbox, prefix: str, name: str) -> None:
    sandbox.add("companies", name="Acme", domain="acme.example", city="Oslo")
    with sandbox.http() as http:
        joined = http.get(f"{prefix}/{name}", params={"properties": "name,city", "archived": "False"}).json()
        repeated = http.get(f"{prefix}/{name}", params={"properties": ["name", "city"]}).json()
    assert joined == repeated
    assert joined["results"][0]["properties"]["city"] == "Oslo"
    assert "domain" not in joined["results"][0]["properties"]
    assert "paging" not in joined


def test_a_list_page_of_more_than_a_hundred_is_refused(client: HubSpot) -> None:
    with pytest.raises(ApiException) as failure:
        client.crm.contacts.basic_api.get_page(limit=101)
    assert failure.value.status == 400


def test_a_contact_is_read_by_any_of_its_addresses(sandbox: Sandbox, client: HubSpot) -> None:
    contact = sandbox.add("contacts", email="ada@acme.example", hs_additional_emails="a@acme.example;l@acme.example")
    for address in ("ada@acme.example", "L@acme.example"):
        assert client.crm.contacts.basic_api.get_by_id(address, id_property="email").id == contact
    with pytest.raises(NotFoundException) as failure:
        client.crm.contacts.basic_api.get_by_id("eve@acme.example", id_property="email")
    assert body_of(failure)["category"] == "OBJECT_NOT_FOUND"


# --- create and update ---------------------------------------------------------------------------------------------


def test_a_second_contact_with_an_address_is_a_conflict(sandbox: Sandbox, client: HubSpot) -> None:
    existing = sandbox.add("contacts", email="ada@acme.example", hs_additional_emails="a@acme.example")
    for address in ("Ada@acme.example", "a@acme.example"):
        with pytest.raises(ApiException) as failure:
            client.crm.contacts.basic_api.create({"properties": {"email": address}})
        assert failure.value.status == 409
        assert body_of(failure)["message"] == f"Contact already exists. Existing ID: {existing}"
        assert body_of(failure)["category"] == "CONFLICT"


def test_a_change_moves_the_date_and_writing_the_same_again_does_not(sandbox: Sandbox, client: HubSpot) -> None:
    made = create(client, "companies", name="Acme", domain="acme.example")
    assert (made.id, made.properties["name"]) == ("501", "Acme")
    changed_at = sandbox.later()
    changed = client.crm.companies.basic_api.update("501", {"properties": {"name": "Acme Inc"}})
    assert (changed.updated_at, changed.created_at) == (changed_at, START)
    assert changed.properties["hs_lastmodifieddate"] == "2026-03-02T06:05:00.000Z"
    sandbox.later()
    same = client.crm.companies.basic_api.update("501", {"properties": {"name": "Acme Inc"}})
    assert same.updated_at == changed_at


def test_an_empty_string_clears_and_null_does_not(sandbox: Sandbox, client: HubSpot) -> None:
    company = sandbox.add("companies", name="Acme", city="Oslo")
    client.crm.companies.basic_api.update(company, {"properties": {"name": "", "city": None}})
    assert sandbox.record("companies", company).properties == {"city": "Oslo"}


@pytest.mark.parametrize(
    ("kind", "name", "value", "code"),
    [
        ("companies", "no_such_property", "1", "PROPERTY_DOESNT_EXIST"),
        ("companies", "hs_object_id", "1", "READ_ONLY_VALUE"),
        ("companies", "numberofemployees", "many", "INVALID_FLOAT"),
        ("companies", "lifecyclestage", "Customer", "INVALID_OPTION"),
        ("contacts", "email", "ada", "INVALID_EMAIL"),
        ("contacts", "hs_email_optout", "perhaps", "INVALID_OPTION"),
        ("deals", "closedate", "soon", "INVALID_DATE"),
    ],
)
def test_a_bad_value_is_refused(client: HubSpot, kind: str, name: str, value: str, code: str) -> None:
    with pytest.raises(Exception, match="Property values were not valid") as failure:
        create(client, kind, None, **{name: value})
    assert (body_of(failure)["category"], body_of(failure)["errors"][0]["code"]) == ("VALIDATION_ERROR", code)
    assert (nested_error(failure)["error"], nested_error(failure)["name"]) == (code, name)


def test_dates_are_taken_in_both_forms(client: HubSpot) -> None:
    deal = create(client, "deals", dealname="Acme", closedate="1774915200000", amount=1250.5)
    assert deal.properties["closedate"] == "2026-03-31T00:00:00.000Z"
    assert deal.properties["amount"] == "1250.5"


def test_a_lifecycle_stage_does_not_go_back_unless_cleared(sandbox: Sandbox, client: HubSpot) -> None:
    company = sandbox.add("companies", lifecyclestage="customer")
    for value, expected in (("lead", "customer"), ("", None), ("lead", "lead")):
        client.crm.companies.basic_api.update(company, {"properties": {"lifecyclestage": value}})
        assert sandbox.record("companies", company).properties.get("lifecyclestage") == expected


def test_an_engagement_needs_its_time(client: HubSpot) -> None:
    with pytest.raises(Exception, match="required properties") as failure:
        create(client, "notes", hs_note_body="Called")
    assert body_of(failure)["context"] == {"properties": ["hs_timestamp"]}
    note = create(client, "notes", hs_note_body="Called", hs_timestamp="2026-03-02T05:00:00Z")
    assert note.properties["hs_lastmodifieddate"] == "2026-03-02T06:00:00.000Z"


# --- archive, merge, erase -----------------------------------------------------------------------------------------


def test_an_archived_record_is_in_the_archive_only(sandbox: Sandbox, client: HubSpot) -> None:
    contact = sandbox.add("contacts", email="ada@acme.example")
    archived_at = sandbox.later()
    client.crm.contacts.basic_api.archive(contact)
    client.crm.contacts.basic_api.archive("999")
    with pytest.raises(NotFoundException):
        client.crm.contacts.basic_api.get_by_id(contact)
    [answer] = client.crm.contacts.basic_api.get_page(archived=True).results
    assert (answer.id, answer.archived, answer.archived_at) == (contact, True, archived_at)
    assert search(client, "contacts").total == 0


def test_a_merged_contact_forwards_to_the_winner(sandbox: Sandbox, client: HubSpot) -> None:
    winner = sandbox.add("contacts", email="ada@acme.example")
    loser = sandbox.add("contacts", email="a@acme.example", phone="1")
    company = sandbox.add("companies", name="Acme")
    client.crm.associations.v4.basic_api.create_default("contacts", loser, "companies", company)
    client.crm.contacts.basic_api.merge({"primaryObjectId": winner, "objectIdToMerge": loser})
    names = ["hs_merged_object_ids", "hs_additional_emails", "phone"]
    answer = client.crm.contacts.basic_api.get_by_id(loser, properties=names)
    assert answer.id == winner
    assert [answer.properties[name] for name in names] == [loser, "a@acme.example", "1"]
    assert ids(client.crm.contacts.basic_api.get_page()) == [winner]
    assert ids(client.crm.contacts.basic_api.get_page(archived=True)) == []
    assert ids(search(client, "contacts")) == [winner]
    linked = client.crm.associations.v4.basic_api.get_page("companies", company, "contacts")
    assert list(types_of(linked)) == [winner]


def test_a_gdpr_delete_leaves_nothing(sandbox: Sandbox, client: HubSpot) -> None:
    contact, company = sandbox.add("contacts", email="ada@acme.example"), sandbox.add("companies", name="Acme")
    client.crm.associations.v4.basic_api.create_default("contacts", contact, "companies", company)
    client.crm.contacts.basic_api.purge({"objectId": "ada@acme.example", "idProperty": "email"})
    assert sandbox.store.objects["contacts"] == {}
    assert sandbox.record("companies", company).links == {"contacts": {}}
    client.crm.contacts.basic_api.purge({"objectId": contact})


# --- batches -------------------------------------------------------------------------------------------------------


def test_a_batch_read_answers_207_for_what_is_missing(sandbox: Sandbox, client: HubSpot) -> None:
    contact = sandbox.add("contacts", email="ada@acme.example")
    body = {"inputs": [{"id": "999"}, {"id": contact}], "properties": ["email"], "propertiesWithHistory": []}
    answer, status, _ = client.crm.contacts.batch_api.read_with_http_info(body)
    assert (status, ids(answer), answer.num_errors) == (207, [contact], 1)
    assert (answer.errors[0].category, answer.errors[0].context) == ("OBJECT_NOT_FOUND", {"ids": ["999"]})
    whole, status, _ = client.crm.contacts.batch_api.read_with_http_info({**body, "inputs": [{"id": contact}]})
    assert (status, whole.status, whole.started_at) == (200, "COMPLETE", START)


def test_a_batch_has_at_most_a_hundred_inputs_and_no_id_twice(client: HubSpot) -> None:
    for inputs in ([{"id": str(n)} for n in range(101)], [{"id": "1"}, {"id": "1"}]):
        with pytest.raises(ApiException) as failure:
            client.crm.contacts.batch_api.read({"inputs": inputs, "properties": [], "propertiesWithHistory": []})
        assert failure.value.status == 400
    assert body_of(failure)["message"].startswith("Duplicate IDs found in batch input")


def test_a_batch_create_is_all_or_nothing_by_default(sandbox: Sandbox, client: HubSpot) -> None:
    existing = sandbox.add("contacts", email="ada@acme.example")
    addresses = ["new@acme.example", "ada@acme.example"]
    inputs = [{"properties": {"email": address}, "associations": []} for address in addresses]
    with pytest.raises(ApiException) as failure:
        client.crm.contacts.batch_api.create({"inputs": inputs})
    assert (failure.value.status, failure.value.reason) == (409, "Conflict")
    assert list(sandbox.store.objects["contacts"]) == [existing]
    made, status, _ = client.crm.contacts.batch_api.create_with_http_info({"inputs": inputs[:1]})
    assert (status, made.results[0].properties["email"]) == (201, "new@acme.example")


def test_a_batch_create_may_fail_in_part_when_every_input_is_traced(sandbox: Sandbox, client: HubSpot) -> None:
    existing = sandbox.add("contacts", email="ada@acme.example")
    addresses = ["ada@acme.example", "new@acme.example", "new@acme.example"]
    inputs = [
        {"properties": {"email": address}, "associations": [], "objectWriteTraceId": f"t-{n}"}
        for n, address in enumerate(addresses)
    ]
    made, status, _ = client.crm.contacts.batch_api.create_with_http_info({"inputs": inputs})
    assert (status, made.num_errors) == (207, 2)
    assert [(each.object_write_trace_id, each.properties["email"]) for each in made.results] == [
        ("t-1", "new@acme.example")
    ]
    assert [error.context["objectWriteTraceId"] for error in made.errors] == [["t-0"], ["t-2"]]
    assert made.errors[0].message == f"Contact already exists. Existing ID: {existing}"
    with pytest.raises(ApiException, match="unique"):
        client.crm.contacts.batch_api.create({"inputs": [inputs[0], inputs[0]]})


def test_a_batch_update_does_what_it_can(sandbox: Sandbox, client: HubSpot) -> None:
    good, bad = sandbox.add("companies", name="Acme"), sandbox.add("companies", name="Bolt")
    inputs: list[Properties] = [
        {"id": "999", "properties": {"city": "Oslo"}},
        {"id": good, "properties": {"city": "Oslo"}},
        {"id": bad, "properties": {"city": "Oslo", "annualrevenue": "lots"}},
    ]
    answer, status, _ = client.crm.companies.batch_api.update_with_http_info({"inputs": inputs})
    assert (status, ids(answer)) == (207, [good])
    assert [(error.category, error.context["ids"]) for error in answer.errors] == [
        ("OBJECT_NOT_FOUND", ["999"]),
        ("VALIDATION_ERROR", [bad]),
    ]
    assert "city" not in sandbox.record("companies", bad).properties


def test_a_batch_create_refuses_a_unique_value_that_is_there(client: HubSpot) -> None:
    client.crm.properties.core_api.create("companies", property_create=OWN_ID)
    inputs = [
        {"properties": {"name": key, "own_id": key}, "associations": [], "objectWriteTraceId": key} for key in "ab"
    ]
    [first, _] = client.crm.companies.batch_api.create({"inputs": inputs}).results
    again, status, _ = client.crm.companies.batch_api.create_with_http_info({"inputs": inputs})
    assert (status, again.results, again.num_errors) == (207, [], 2)
    assert f"{first.id} already has that value" in again.errors[0].message
    assert [error.context["objectWriteTraceId"] for error in again.errors] == [["a"], ["b"]]
    body = {"inputs": [{"id": "a"}, {"id": "c"}], "idProperty": "own_id", "properties": ["own_id"]}
    read, status, _ = client.crm.companies.batch_api.read_with_http_info({**body, "propertiesWithHistory": []})
    assert (status, ids(read), read.num_errors) == (207, [first.id], 1)


def test_contacts_are_read_by_any_address_and_from_the_archive(sandbox: Sandbox, client: HubSpot) -> None:
    ada = sandbox.add("contacts", email="ada@acme.example", hs_additional_emails="a@acme.example;old@acme.example")
    eve = sandbox.add("contacts", email="eve@acme.example")
    client.crm.contacts.basic_api.archive(eve)
    body = {
        "inputs": [{"id": "OLD@acme.example"}, {"id": "eve@acme.example"}],
        "idProperty": "email",
        "properties": ["email", "hs_additional_emails"],
        "propertiesWithHistory": [],
    }
    live = client.crm.contacts.batch_api.read(body)
    assert ids(live) == [ada]
    assert ids(client.crm.contacts.batch_api.read(body, archived=True)) == [eve]


def test_a_text_has_at_most_65536_characters(sandbox: Sandbox, client: HubSpot) -> None:
    company = sandbox.add("companies", name="Acme")
    client.crm.companies.basic_api.update(company, {"properties": {"description": "x" * 65_536}})
    with pytest.raises(Exception, match="too long: 65537 characters") as failure:
        client.crm.companies.basic_api.update(company, {"properties": {"description": "x" * 65_537}})
    assert nested_error(failure)["name"] == "description"


def test_an_upsert_marks_what_is_new(sandbox: Sandbox, client: HubSpot) -> None:
    existing = sandbox.add("contacts", email="ada@acme.example", hs_additional_emails="a@acme.example")
    inputs = [
        {"id": address, "idProperty": "email", "properties": {"email": address, "firstname": "Ada"}}
        for address in ("a@acme.example", "new@acme.example")
    ]
    answer, status, _ = client.crm.contacts.batch_api.upsert_with_http_info({"inputs": inputs})
    assert status == 200
    assert [(each.id, each.new) for each in answer.results] == [(existing, False), ("502", True)]
    assert sandbox.record("contacts", existing).properties["email"] == "ada@acme.example"
    assert sandbox.record("contacts", "502").properties == {"email": "new@acme.example", "firstname": "Ada"}
    with pytest.raises(ApiException, match="non-unique 0-1 property"):
        client.crm.contacts.batch_api.update({"inputs": inputs})


def test_a_batch_archive_passes_over_the_unknown(sandbox: Sandbox, client: HubSpot) -> None:
    contact = sandbox.add("contacts", email="ada@acme.example")
    client.crm.contacts.batch_api.archive({"inputs": [{"id": contact}, {"id": "999"}]})
    assert sandbox.record("contacts", contact).archived == START


# --- search --------------------------------------------------------------------------------------------------------


def test_the_recommended_walk_sees_every_change_once(sandbox: Sandbox, client: HubSpot) -> None:
    sandbox.add("contacts", email="old@acme.example")
    since = sandbox.later()
    changed = [sandbox.add("contacts", email=f"person{n}@acme.example") for n in range(450)]
    window = {
        "propertyName": "lastmodifieddate",
        "operator": "GTE",
        "value": str(int(since.timestamp() * 1000)),
    }
    seen: list[str] = []
    while True:
        newer = {"propertyName": "hs_object_id", "operator": "GT", "value": seen[-1] if seen else "0"}
        sorts = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
        answer = search(client, "contacts", window, newer, sorts=sorts, limit=200)
        assert answer.total == len(changed) - len(seen)
        seen += ids(answer)
        if len(answer.results) < 200:
            break
    assert seen == changed


def test_a_search_pages_by_offset_and_ends_at_ten_thousand(sandbox: Sandbox, client: HubSpot) -> None:
    for n in range(10_050):
        sandbox.add("contacts", firstname=str(n))
    last = search(client, "contacts", limit=200, after="9800")
    assert (last.total, len(last.results), last.paging.next.after) == (10_050, 200, "10000")
    with pytest.raises(Exception, match="10000") as failure:
        search(client, "contacts", limit=200, after="10000")
    assert body_of(failure)["category"] == "VALIDATION_ERROR"
    with pytest.raises(Exception, match="200"):
        search(client, "contacts", limit=201)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"propertyName": "name", "operator": "EQ", "value": "acme"}, ["Acme"]),
        ({"propertyName": "name", "operator": "NEQ", "value": "acme"}, ["Bolt", "Core"]),
        ({"propertyName": "name", "operator": "IN", "values": ["acme", "Bolt"]}, ["Acme"]),
        ({"propertyName": "name", "operator": "NOT_IN", "values": ["acme"]}, ["Bolt", "Core"]),
        ({"propertyName": "numberofemployees", "operator": "GT", "value": "9"}, ["Bolt", "Core"]),
        ({"propertyName": "numberofemployees", "operator": "LTE", "value": "10"}, ["Acme", "Bolt"]),
        ({"propertyName": "numberofemployees", "operator": "BETWEEN", "value": "9", "highValue": "10"}, ["Bolt"]),
        ({"propertyName": "city", "operator": "HAS_PROPERTY"}, ["Core"]),
        ({"propertyName": "city", "operator": "NOT_HAS_PROPERTY"}, ["Acme", "Bolt"]),
        ({"propertyName": "domain", "operator": "CONTAINS_TOKEN", "value": "bolt.*"}, ["Bolt"]),
        ({"propertyName": "domain", "operator": "NOT_CONTAINS_TOKEN", "value": "bolt"}, ["Acme", "Core"]),
        ({"propertyName": "lifecyclestage", "operator": "IN", "values": ["lead", "customer"]}, ["Acme"]),
        ({"propertyName": "createdate", "operator": "LT", "value": "1772431200001"}, ["Acme", "Bolt", "Core"]),
    ],
)
def test_filters(sandbox: Sandbox, client: HubSpot, condition: Properties, expected: list[str]) -> None:
    sandbox.add("companies", name="Acme", domain="acme.example", numberofemployees="5", lifecyclestage="lead")
    sandbox.add("companies", name="Bolt", domain="bolt.example", numberofemployees="10")
    sandbox.add("companies", name="Core", domain="core.example", numberofemployees="200", city="Oslo")
    answer = search(client, "companies", condition)
    assert [each.properties["name"] for each in answer.results] == expected


def test_companies_are_searched_by_many_domains_and_by_name(sandbox: Sandbox, client: HubSpot) -> None:
    first, double = (sandbox.add("companies", name=name, domain="acme.example") for name in ("Acme", "Acme Inc"))
    other = sandbox.add("companies", name="Bolt")
    domains = {"propertyName": "domain", "operator": "IN", "values": ["acme.example", "bolt.example"]}
    assert ids(search(client, "companies", domains)) == [first, double]
    names = {"propertyName": "name", "operator": "IN", "values": ["bolt", "acme"]}
    assert ids(search(client, "companies", names)) == [first, other]


def test_a_new_record_is_searched_in_vain_at_first(host: Host, sandbox: Sandbox, client: HubSpot) -> None:
    lagging = app(sandbox.store, lambda: sandbox.now, limits=sandbox.limits, search_lag=timedelta(seconds=10))
    host.asgi = Starlette(routes=[Mount("/hubspot", lagging)])
    company = create(client, "companies", domain="acme.example").id
    domain = {"propertyName": "domain", "operator": "EQ", "value": "acme.example"}
    assert ids(search(client, "companies", domain)) == []
    assert client.crm.companies.basic_api.get_by_id(company).id == company
    sandbox.later()
    assert ids(search(client, "companies", domain)) == [company]


def test_groups_are_alternatives_and_sorting_is_by_value(sandbox: Sandbox, client: HubSpot) -> None:
    for name, size in (("Acme", "9"), ("Bolt", "10"), ("Core", "200")):
        sandbox.add("companies", name=name, numberofemployees=size)
    sandbox.add("companies", name="Dune")
    groups = [
        {"filters": [{"propertyName": "name", "operator": "EQ", "value": name}]} for name in ("Core", "Acme", "Dune")
    ]
    sorts = [{"propertyName": "numberofemployees", "direction": "DESCENDING"}]
    answer = search(client, "companies", filterGroups=groups, sorts=sorts)
    assert [each.properties["name"] for each in answer.results] == ["Core", "Acme", "Dune"]
    assert [each.properties["name"] for each in search(client, "companies", query="bol").results] == ["Bolt"]
    with pytest.raises(Exception, match="at most 5 groups"):
        search(client, "companies", filterGroups=groups * 2)
    with pytest.raises(Exception, match="does not exist"):
        search(client, "companies", {"propertyName": "nothing", "operator": "HAS_PROPERTY"})


# --- properties ----------------------------------------------------------------------------------------------------


def option(value: str) -> Properties:
    return {"label": value.title(), "value": value, "displayOrder": 0, "hidden": False}


def ensure_signals(client: HubSpot) -> None:
    group = {"name": "chroma", "label": "Chroma", "displayOrder": -1}
    client.crm.properties.groups_api.create("companies", property_group_create=group)
    signals = {
        "name": "in_market_signals",
        "label": "In-market signals",
        "groupName": "chroma",
        "type": "enumeration",
        "fieldType": "checkbox",
        "options": [option("hiring"), option("funding")],
    }
    client.crm.properties.core_api.create("companies", property_create=signals)


def test_a_property_is_defined_once_and_its_options_are_overwritten(client: HubSpot) -> None:
    ensure_signals(client)
    api = client.crm.properties.core_api
    assert "chroma" in [group.name for group in client.crm.properties.groups_api.get_all("companies").results]
    answer = api.get_by_name("companies", "in_market_signals")
    assert [choice.value for choice in answer.options] == ["hiring", "funding"]
    assert (answer.has_unique_value, answer.modification_metadata.read_only_value) == (False, False)
    with pytest.raises(PropertyException) as failure:
        ensure_signals(client)
    assert (failure.value.status, body_of(failure)["category"]) == (409, "OBJECT_ALREADY_EXISTS")
    api.update("companies", "in_market_signals", property_update={"options": [option("launch")]})
    answer = api.get_by_name("companies", "in_market_signals")
    assert [choice.value for choice in answer.options] == ["launch"]
    api.archive("companies", "in_market_signals")
    assert "in_market_signals" not in [each.name for each in api.get_all("companies").results]


def test_properties_are_defined_in_batches(client: HubSpot) -> None:
    definition = {"label": "X", "groupName": "companyinformation", "type": "number", "fieldType": "number"}
    names = ["health_score", "name", "Bad-Name"]
    inputs = [{**definition, "name": name} for name in names]
    made, status, _ = client.crm.properties.batch_api.create_with_http_info("companies", {"inputs": inputs})
    assert (status, [each.name for each in made.results], made.num_errors) == (207, ["health_score"], 2)
    made, status, _ = client.crm.properties.batch_api.create_with_http_info(
        "companies", {"inputs": [{**definition, "name": "spend"}]}
    )
    assert status == 201


def test_a_property_needs_its_group_and_a_field_type_that_fits(client: HubSpot) -> None:
    definition = {"name": "x", "label": "X", "groupName": "companyinformation", "type": "date", "fieldType": "date"}
    for wrong in (
        {"groupName": "nowhere"},
        {"fieldType": "checkbox"},
        {"type": "bool", "fieldType": "booleancheckbox"},
    ):
        with pytest.raises(PropertyException) as failure:
            client.crm.properties.core_api.create("companies", property_create={**definition, **wrong})
        assert failure.value.status == 400


def test_a_multiple_choice_is_replaced_or_added_to(sandbox: Sandbox, client: HubSpot) -> None:
    ensure_signals(client)
    company = create(client, "companies", in_market_signals="hiring").id
    for value, expected in ((";funding", "hiring;funding"), ("funding", "funding")):
        client.crm.companies.basic_api.update(company, {"properties": {"in_market_signals": value}})
        assert sandbox.record("companies", company).properties["in_market_signals"] == expected
    with pytest.raises(Exception, match="allowed options") as failure:
        client.crm.companies.basic_api.update(company, {"properties": {"in_market_signals": "gossip"}})
    assert nested_error(failure)["message"] == "gossip was not one of the allowed options: [hiring, funding]"


def test_a_unique_property_identifies_records(client: HubSpot) -> None:
    definition = {
        "name": "chroma_account_id",
        "label": "Account",
        "groupName": "companyinformation",
        "type": "string",
        "fieldType": "text",
        "hasUniqueValue": True,
    }
    client.crm.properties.core_api.create("companies", property_create=definition)
    inputs = [
        {"id": key, "idProperty": "chroma_account_id", "properties": {"name": key.title()}}
        for key in ("acct_1", "acct_2")
    ]
    made = client.crm.companies.batch_api.upsert({"inputs": inputs})
    assert [each.new for each in made.results] == [True, True]
    answer = client.crm.companies.basic_api.get_by_id("acct_2", id_property="chroma_account_id", properties=["name"])
    assert answer.properties["name"] == "Acct_2"
    updated = client.crm.companies.batch_api.update({"inputs": inputs})
    assert ids(updated) == ids(made)
    with pytest.raises(Exception, match="already has that value") as failure:
        create(client, "companies", chroma_account_id="acct_1")
    assert nested_error(failure)["error"] == "CONFLICTING_UNIQUE_VALUE"
    with pytest.raises(Exception, match="non-unique 0-2 property domain"):
        client.crm.companies.basic_api.get_by_id("acme.example", id_property="domain")


# --- owners and pipelines ------------------------------------------------------------------------------------------


def test_owners_and_archived_owners(sandbox: Sandbox, client: HubSpot) -> None:
    for number, archived in (("71", False), ("72", False), ("73", True)):
        email = f"o{number}@chroma.example"
        sandbox.store.owners[number] = HubSpotOwner(
            number, 4000 + int(number), email, "Sam", "Lee", START, START, archived
        )
    api = client.crm.owners.owners_api
    first = api.get_page(limit=1)
    assert ids(first) == ["71"]
    assert ids(api.get_page(after=first.paging.next.after)) == ["72"]
    assert ids(api.get_page(archived=True)) == ["73"]
    assert ids(api.get_page(email="o72@chroma.example")) == ["72"]
    assert api.get_by_id(4071, id_property="userId").id == "71"
    with sandbox.http() as http:
        assert len(http.get("/crm/v3/owners").json()["results"]) == 2


def test_pipelines(sandbox: Sandbox, client: HubSpot) -> None:
    stamp = "2026-01-01T00:00:00.000Z"
    entry = {"displayOrder": 0, "archived": False, "createdAt": stamp, "updatedAt": stamp}
    stage = {**entry, "id": "closedwon", "label": "Closed won", "metadata": {"isClosed": "true", "probability": "1.0"}}
    sandbox.store.pipelines.append({**entry, "id": "default", "label": "Sales", "stages": [stage]})
    [answer] = client.crm.pipelines.pipelines_api.get_all("deals").results
    assert answer.stages[0].metadata == {"isClosed": "true", "probability": "1.0"}
    assert client.crm.pipelines.pipelines_api.get_by_id("deals", "default").label == "Sales"
    assert client.crm.pipelines.pipelines_api.get_all("contacts").results == []


def test_account_details(sandbox: Sandbox) -> None:
    with sandbox.http() as http:
        assert http.get("/account-info/v3/details").json()["portalId"] == 1234567


# --- associations --------------------------------------------------------------------------------------------------


def types_of(answer: Any) -> dict[str, list[tuple[int, str | None]]]:
    return {
        linked.to_object_id: [(each.type_id, each.label) for each in linked.association_types]
        for linked in answer.results
    }


def test_the_first_company_is_the_primary_one_until_another_is(sandbox: Sandbox, client: HubSpot) -> None:
    contact = sandbox.add("contacts", email="ada@acme.example")
    first, second = (sandbox.add("companies", name=name) for name in ("Acme", "Bolt"))
    api = client.crm.associations.v4.basic_api
    made = api.create_default("contacts", contact, "companies", first)
    assert [each.association_spec.association_type_id for each in made.results] == [279, 280]
    api.create_default("contacts", contact, "companies", second)
    plain, primary = (279, None), (1, "Primary")
    linked = types_of(api.get_page("contacts", contact, "companies"))
    assert linked == {first: [primary, plain], second: [plain]}
    spec = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
    named = api.create("contacts", contact, "companies", second, association_spec=spec)
    assert named.labels == ["Primary"]
    linked = types_of(api.get_page("contacts", contact, "companies"))
    assert linked == {first: [plain], second: [primary, plain]}
    answer = client.crm.contacts.basic_api.get_by_id(
        contact, associations=["companies"], properties=["associatedcompanyid"]
    )
    assert [(each.id, each.type) for each in answer.associations["companies"].results] == [
        (first, "contact_to_company_unlabeled"),
        (second, "contact_to_company"),
        (second, "contact_to_company_unlabeled"),
    ]
    assert answer.properties["associatedcompanyid"] == second
    assert answer.updated_at == START
    api.archive("contacts", contact, "companies", second)
    assert list(types_of(api.get_page("contacts", contact, "companies"))) == [first]
    assert types_of(api.get_page("companies", second, "contacts")) == {}


def test_linking_many_by_default_moves_no_primary_mark_and_names_what_is_gone(
    sandbox: Sandbox, client: HubSpot
) -> None:
    ada, eve = (sandbox.add("contacts", firstname=name) for name in ("Ada", "Eve"))
    first, second = (sandbox.add("companies", name=name) for name in ("Acme", "Bolt"))
    client.crm.associations.v4.basic_api.create_default("contacts", ada, "companies", first)
    pairs = [{"from": {"id": key}, "to": {"id": second}} for key in (ada, eve, "999")]
    batch = client.crm.associations.v4.batch_api
    for _ in range(2):  # the same again changes nothing
        made = batch.create_default("contacts", "companies", {"inputs": pairs})
        assert [(each._from.id, each.to.id) for each in made.results][::2] == [(ada, second), (eve, second)]
        assert [error.context["fromObjectId"] for error in made.errors] == [["999"]]
    assert sandbox.record("contacts", ada).properties["associatedcompanyid"] == first
    assert sandbox.record("contacts", eve).properties["associatedcompanyid"] == second


def test_links_come_in_pages(sandbox: Sandbox, client: HubSpot) -> None:
    company = sandbox.add("companies", name="Acme")
    contacts = [sandbox.add("contacts", firstname=str(n)) for n in range(5)]
    inputs = [{"from": {"id": company}, "to": {"id": contact}} for contact in contacts]
    batch = client.crm.associations.v4.batch_api
    assert len(batch.create_default("companies", "contacts", {"inputs": inputs}).results) == 10
    api = client.crm.associations.v4.basic_api
    first = api.get_page("companies", company, "contacts", limit=3)
    rest = api.get_page("companies", company, "contacts", limit=3, after=first.paging.next.after)
    assert [*types_of(first), *types_of(rest)] == contacts
    assert rest.paging is None


def test_a_batch_read_has_an_error_for_each_record_without_links(sandbox: Sandbox, client: HubSpot) -> None:
    linked, alone = sandbox.add("contacts", firstname="Ada"), sandbox.add("contacts", firstname="Eve")
    company = sandbox.add("companies", name="Acme")
    api = client.crm.associations.v4.batch_api
    spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}
    pairs = [{"from": {"id": key}, "to": {"id": company}, "types": [spec]} for key in (linked, "999")]
    made, status, _ = api.create_with_http_info("contacts", "companies", {"inputs": pairs})
    assert (status, len(made.results), made.num_errors) == (207, 1, 1)
    inputs = {"inputs": [{"id": linked}, {"id": alone}]}
    answer, status, _ = api.get_page_with_http_info("contacts", "companies", inputs)
    assert (status, answer.num_errors) == (207, 1)
    assert (answer.results[0]._from.id, answer.results[0].to[0].to_object_id) == (linked, company)
    error = answer.errors[0]
    assert error.sub_category == "crm.associations.NO_ASSOCIATIONS_FOUND"
    assert error.message == f"No company is associated with contact {alone}."
    assert error.context["fromObjectId"] == [alone]


def test_a_company_is_made_with_its_contact(sandbox: Sandbox, client: HubSpot) -> None:
    contact = sandbox.add("contacts", email="ada@acme.example")
    company = create(client, "companies", [link(contact, 280)], name="Acme").id
    answer = client.crm.associations.v4.basic_api.get_page("contacts", contact, "companies")
    assert list(types_of(answer)) == [company]
    with pytest.raises(Exception, match="not valid from company"):
        create(client, "companies", [link(contact, 279)], name="Bolt")
    with pytest.raises(Exception, match="No contact with id 999"):
        create(client, "companies", [link("999", 280)], name="Bolt")


def companies_of(sandbox: Sandbox, contact: str) -> list[tuple[str, str]]:
    """The companies of a contact, by id and domain; the primary one is its property, too."""
    linked = sandbox.store.objects["contacts"][contact].links.get("companies", {})
    return [(id, sandbox.store.objects["companies"][id].properties["domain"]) for id in linked]


def test_hubspot_makes_a_company_of_an_address_where_the_setting_is_on(sandbox: Sandbox, client: HubSpot) -> None:
    create(client, "contacts", email="ada@acme.example")
    assert "companies" not in sandbox.store.objects
    sandbox.store.companies_of_contacts = "on"

    first = create(client, "contacts", email="eve@acme.example").id
    second = create(client, "contacts", email="Joe@Acme.example").id
    free = create(client, "contacts", email="ada@gmail.com").id
    site = create(client, "contacts", email="eve@gmail.com", website="https://www.bolt.example/team").id

    [(company, domain)] = companies_of(sandbox, first)
    assert domain == "acme.example"
    assert sandbox.store.objects["contacts"][first].properties["associatedcompanyid"] == company
    assert sandbox.store.objects["companies"][company].history("domain")[0].source == "AUTO_ASSOCIATE_BY_DOMAIN"
    assert companies_of(sandbox, second) == [(company, domain)]
    assert companies_of(sandbox, free) == []
    assert [domain for _, domain in companies_of(sandbox, site)] == ["bolt.example"]

    again = HubSpotStore(next_id=501)
    for write, at in sandbox.persisted:
        replay(again, json.loads(write), at)
    assert again.objects == sandbox.store.objects


def test_a_contact_goes_to_the_company_that_has_its_domain_as_a_further_one(host: Host, sandbox: Sandbox) -> None:
    sandbox.store.companies_of_contacts = "on"
    acme = sandbox.add("companies", domain="acme.example", hs_additional_domains="labs.example; acme.test")
    slow = app(sandbox.store, lambda: sandbox.now, limits=sandbox.limits, company_lag=timedelta(seconds=10))
    host.asgi = Starlette(routes=[Mount("/hubspot", slow)])
    contact = create(sandbox.client(), "contacts", email="ada@acme.test").id
    assert companies_of(sandbox, contact) == []
    sandbox.later()
    search(sandbox.client(), "companies")
    assert companies_of(sandbox, contact) == [(acme, "acme.example")]


def test_labels(client: HubSpot) -> None:
    answer = client.crm.associations.v4.schema.definitions_api.get_all("deals", "companies").results
    assert [(each.type_id, each.label) for each in answer] == [(341, None), (5, "Primary")]


# --- writes ---------------------------------------------------------------------------------------------------------


def test_the_writes_done_again_make_the_same_store(sandbox: Sandbox, client: HubSpot) -> None:
    ensure_signals(client)
    company = create(client, "companies", name="Acme", in_market_signals="hiring").id
    ada = create(client, "contacts", [link(company, 279)], email="ada@acme.example").id
    bob = create(client, "contacts", [link(company, 279)], email="bob@acme.example").id
    sandbox.later()
    changes = [{"id": ada, "properties": {"firstname": "Ada"}}, {"id": bob, "properties": {"phone": "1"}}]
    client.crm.contacts.batch_api.update({"inputs": changes})
    client.crm.contacts.basic_api.merge({"primaryObjectId": ada, "objectIdToMerge": bob})
    client.crm.associations.v4.basic_api.archive("contacts", ada, "companies", company)
    eve = create(client, "contacts", email="eve@acme.example").id
    client.crm.contacts.basic_api.purge({"objectId": eve})
    sandbox.later()
    client.crm.companies.basic_api.update(company, {"properties": {"in_market_signals": ";funding"}})
    client.crm.companies.basic_api.archive(company)
    again = HubSpotStore(next_id=501)
    for write, at in sandbox.persisted:
        replay(again, json.loads(write), at)
    assert again.objects == sandbox.store.objects
    assert again.groups == sandbox.store.groups
    assert again.next_id == sandbox.store.next_id
    custom = again.properties["companies"]["in_market_signals"]
    assert custom == sandbox.store.properties["companies"]["in_market_signals"]


def test_what_is_refused_is_not_persisted(sandbox: Sandbox, client: HubSpot) -> None:
    with pytest.raises(ApiException):
        client.crm.contacts.basic_api.create({"properties": {"email": "nobody"}})
    assert sandbox.persisted == []
