"""Every address of the HubSpot emulator, as in `walks`."""

from typing import Any

import httpx

from gtm_platform.sandbox.hubspot import TOKEN
from gtm_platform.sandbox.world import World

KINDS = ("contacts", "companies", "deals", "notes", "calls", "meetings", "emails", "tasks")


def walk_hubspot(client: httpx.Client, world: World) -> None:
    for prefix in ("/crm/v3/objects", "/crm/objects/2026-03", "/crm/objects/2026-09"):
        for kind in KINDS:
            _read_objects(client, world, f"{prefix}/{kind}", kind)
        _write_contacts(client, f"{prefix}/contacts")
    for kind in KINDS:
        client.get(f"/crm/v3/properties/{kind}")
    _define(client)
    _associate(client, world)
    _look_around(client)
    _ask_hubspot_wrongly(client)


def _read_objects(client: httpx.Client, world: World, path: str, kind: str) -> None:
    ids = [key for key, record in world.hubspot.objects[kind].items() if not record.archived and not record.merged_into]
    property = "email" if kind == "contacts" else "hs_object_id"
    asked = {"properties": ["createdate", property], "associations": ["companies", "contacts"]}
    page = client.get(path, params={"limit": 2, **asked}).json()
    client.get(path, params={"limit": 2, "after": page["paging"]["next"]["after"], **asked})
    client.get(path, params={"archived": "true"})
    with_history = {"propertiesWithHistory": [property], "associations": ["line_items", "tickets", "quotes"]}
    client.get(path, params={"limit": 2, **with_history})
    client.get(f"{path}/{ids[0]}", params=asked)
    client.get(f"{path}/{ids[0]}", params=with_history)
    inputs = {"inputs": [{"id": ids[0]}], "properties": [property], "propertiesWithHistory": [property]}
    client.post(f"{path}/batch/read", json=inputs)
    client.post(f"{path}/batch/read", json={**inputs, "inputs": [{"id": ids[0]}, {"id": "999"}]})
    filters = [{"propertyName": "hs_object_id", "operator": "GT", "value": "0"}]
    search = {"filterGroups": [{"filters": filters}], "properties": [property], "limit": 2}
    found = client.post(f"{path}/search", json=search).json()
    client.post(f"{path}/search", json={**search, "after": found["paging"]["next"]["after"], "sorts": [property]})


def _write_contacts(client: httpx.Client, path: str) -> None:
    def made(number: int, **more: Any) -> dict[str, Any]:
        return {"properties": {"email": f"made{number}@initech.example", "firstname": "Ada"}, **more}

    to_company = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
    company = client.get(path.replace("contacts", "companies"), params={"limit": 1}).json()["results"][0]["id"]
    linked = {"associations": [{"to": {"id": company}, "types": to_company}]}
    one = client.post(path, json=made(1, **linked)).json()["id"]
    client.post(path, json=made(1))
    client.patch(f"{path}/{one}", json={"properties": {"firstname": "Grace"}})
    batch = [made(2, objectWriteTraceId="a"), made(3, objectWriteTraceId="b"), made(1, objectWriteTraceId="c")]
    two, three = (row["id"] for row in client.post(f"{path}/batch/create", json={"inputs": batch}).json()["results"])
    fourth, fifth = (
        row["id"] for row in client.post(f"{path}/batch/create", json={"inputs": [made(4), made(5)]}).json()["results"]
    )
    names = {"properties": {"firstname": "Mary"}}
    client.post(f"{path}/batch/update", json={"inputs": [{"id": two, **names}]})
    wrong = {"properties": {"unheard_of": "1"}, "objectWriteTraceId": "x"}
    client.post(f"{path}/batch/update", json={"inputs": [{"id": two, **names}, {"id": three, **wrong}]})
    by_email = [{"id": f"made{number}@initech.example", "idProperty": "email", **names} for number in (2, 6)]
    client.post(f"{path}/batch/upsert", json={"inputs": by_email})
    client.post(f"{path}/merge", json={"primaryObjectId": one, "objectIdToMerge": two})
    client.post(f"{path}/gdpr-delete", json={"objectId": three})
    client.post(f"{path}/batch/archive", json={"inputs": [{"id": fourth}]})
    client.delete(f"{path}/{fifth}")
    client.get(f"{path}/{fifth}", params={"archived": "true"})
    for email in ("made1@initech.example", "made6@initech.example"):
        client.post(f"{path}/gdpr-delete", json={"objectId": email, "idProperty": "email"})


def _define(client: httpx.Client) -> None:
    path = "/crm/v3/properties/contacts"
    groups = f"{path}/groups"
    client.post(groups, json={"name": "walked", "label": "Walked", "displayOrder": -1})
    client.get(groups)
    client.get(f"{groups}/walked")
    client.patch(f"{groups}/walked", json={"label": "Walked on"})

    def definition(name: str) -> dict[str, Any]:
        options = [{"label": "Yes", "value": "yes", "displayOrder": 0, "hidden": False}]
        kind = {"type": "enumeration", "fieldType": "select", "options": options}
        return {"name": name, "label": name, "groupName": "walked", **kind}

    client.post(path, json=definition("one"))
    client.post(path, json=definition("one"))
    client.post(f"{path}/batch/create", json={"inputs": [definition("two"), definition("one")]})
    client.get(path, params={"archived": "false"})
    client.get(f"{path}/one")
    client.patch(f"{path}/one", json={"label": "The one"})
    client.delete(f"{path}/one")
    client.get(path, params={"archived": "true"})
    client.delete(f"{groups}/walked")


def _associate(client: httpx.Client, world: World) -> None:
    contact = next(id for id, record in world.hubspot.objects["contacts"].items() if "companies" in record.links)
    company = next(iter(world.hubspot.objects["contacts"][contact].links["companies"]))
    record, pairs = f"/crm/v4/objects/contacts/{contact}/associations", "/crm/v4/associations/contacts/companies"
    typed = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]
    pair = {"from": {"id": contact}, "to": {"id": company}}
    client.get(f"{record}/companies", params={"limit": 1})
    client.put(f"/crm/v4/objects/contacts/{contact}/associations/default/companies/{company}")
    client.put(f"{record}/companies/{company}", json=typed)
    client.post(f"{pairs}/batch/read", json={"inputs": [{"id": contact}]})
    client.post(f"{pairs}/batch/read", json={"inputs": [{"id": contact}, {"id": "999"}]})
    client.post(f"{pairs}/batch/associate/default", json={"inputs": [pair]})
    client.post(f"{pairs}/batch/create", json={"inputs": [{**pair, "types": typed}]})
    client.post(f"{pairs}/batch/create", json={"inputs": [{**pair, "from": {"id": "999"}, "types": typed}]})
    client.get(f"{pairs}/labels")
    client.post(f"{pairs}/batch/labels/archive", json={"inputs": [{**pair, "types": typed}]})
    client.post(f"{pairs}/batch/archive", json={"inputs": [{"from": {"id": contact}, "to": [{"id": company}]}]})
    client.put(f"{record}/companies/{company}", json=typed)
    client.delete(f"{record}/companies/{company}")


def _look_around(client: httpx.Client) -> None:
    page = client.get("/crm/v3/owners/", params={"limit": 2, "archived": "false"}).json()
    client.get("/crm/v3/owners", params={"limit": 2, "after": page["paging"]["next"]["after"]})
    client.get("/crm/v3/owners/", params={"archived": "true"})
    client.get("/crm/v3/owners/", params={"email": page["results"][0]["email"]})
    client.get(f"/crm/v3/owners/{page['results'][0]['id']}")
    pipeline = client.get("/crm/v3/pipelines/deals").json()["results"][0]["id"]
    client.get(f"/crm/v3/pipelines/deals/{pipeline}")
    client.get(f"/crm/v3/pipelines/deals/{pipeline}/stages")
    client.get("/account-info/v3/details")
    client.post("/oauth/v2/private-apps/get/access-token-info", json={"tokenKey": TOKEN})
    for version in ("v1", "v2"):
        client.get(f"/properties/{version}/contacts/properties")
        client.get(f"/properties/{version}/contacts/properties/named/email")
    client.get("/crm/v3/schemas")
    client.get("/crm/v3/schemas/contacts")
    for kind in ("tickets", "line_items", "products", "quotes", "communications"):
        client.get(f"/crm/v3/objects/{kind}")


def _ask_hubspot_wrongly(client: httpx.Client) -> None:
    client.get("/crm/v3/objects/contacts", headers={"Authorization": "Bearer wrong"})
    client.get("/crm/v3/objects/contacts", params={"limit": 101})
    client.get("/crm/v3/objects/contacts/999")
    client.get("/crm/v3/objects/contacts/999", params={"idProperty": "unheard_of"})
    client.post("/crm/v3/objects/contacts", json={"properties": {"unheard_of": "1"}})
    client.post("/crm/v3/objects/contacts", content=b"nonsense", headers={"Content-Type": "application/json"})
    client.post("/crm/v3/objects/contacts/batch/read", json={"inputs": [], "properties": []})
    client.post("/crm/v3/objects/contacts/search", json={"limit": 201})
    client.post("/crm/v3/objects/deals/batch/create", json={"inputs": [{"properties": {"unheard_of": "1"}}]})
    client.get("/crm/v3/properties/contacts/unheard_of")
    client.get("/crm/v3/properties/contacts/groups/unheard_of")
    client.get("/crm/v3/owners/999")
    client.get("/crm/v3/pipelines/deals/unheard_of")
    client.get("/crm/v3/unheard_of")
    number = {"name": "size", "label": "Size", "groupName": "contactinformation", "type": "number"}
    options = [{"label": "One", "value": "1", "displayOrder": 0, "hidden": False}]
    client.post("/crm/v3/properties/contacts", json={**number, "fieldType": "number", "options": options})
