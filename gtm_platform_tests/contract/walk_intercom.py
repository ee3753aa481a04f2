"""Every address of the Intercom emulator, called rightly and wrongly by a stranger."""

import httpx

from gtm_platform.sandbox.world import World


def walk_intercom(client: httpx.Client, world: World) -> None:
    """Read all lists and one record of each kind; then ask what is refused."""
    store = world.intercom
    contact = next(each for each in store.contacts.values() if each.companies and not each.merged_into)
    company, conversation = contact.companies[0], next(iter(store.conversations))
    _walk_lists(client)
    for path in ("/me", "/admins", "/teams", "/tags", "/segments", "/data_attributes", f"/companies/{company}"):
        client.get(path)
    for path in ("", "/companies", "/segments", "/tags"):
        client.get(f"/contacts/{contact.id}{path}")
    _walk_workspace(client, store.admins[0]["id"])
    client.get(f"/companies/{company}/segments")
    client.get("/data_attributes", params={"model": "contact", "include_archived": "true"})
    client.get(f"/companies/{company}/contacts")
    client.get("/companies", params={"company_id": store.companies[company].company_id})
    client.get("/companies", params={"page": 1, "per_page": 2})
    client.get("/companies/scroll")
    client.get("/companies/scroll")
    client.post("/companies/list")
    client.post("/companies/list", params={"page": 2, "per_page": 2, "order": "asc"})
    for each in list(store.conversations)[:20]:
        client.get(f"/conversations/{each}", params={"display_as": "plaintext"})
    client.get(f"/conversations/{conversation}")
    _tag(client, contact.id, company)
    _write(client, store.admins[0]["id"])
    _ask_wrongly(client)


def _tag(client: httpx.Client, contact_id: str, company_id: str) -> None:
    tag = client.post("/tags", json={"name": "at risk"}).json()["id"]
    client.post(f"/contacts/{contact_id}/tags", json={"id": tag})
    client.delete(f"/contacts/{contact_id}/tags/{tag}")
    client.post("/tags", json={"name": "at risk", "companies": [{"id": company_id}]})
    client.get(f"/tags/{tag}")
    client.post("/tags", json={"name": "at risk", "companies": [{"id": company_id, "untag": True}]})
    client.post(f"/contacts/{contact_id}/tags", json={"id": "123"})
    client.post("/contacts/1/tags", json={"id": tag})
    client.post("/tags", json={"test": "invalid"})


def _write(client: httpx.Client, admin_id: str) -> None:
    """A contact that is made, changed, begins a conversation that is closed, and is archived."""
    made = client.post("/contacts", json={"email": "walker@example.test", "role": "user", "signed_up_at": 1700000000})
    id = made.json()["id"]
    client.post("/contacts", json={"email": "walker@example.test", "role": "user"})
    client.put(f"/contacts/{id}", json={"name": "A Walker"})
    begun = client.post("/conversations", json={"from": {"type": "user", "id": id}, "body": "Hello"}).json()
    closing = {"message_type": "close", "type": "admin", "admin_id": admin_id}
    client.post(f"/conversations/{begun['conversation_id']}/parts", json=closing)
    client.post(f"/contacts/{id}/archive")
    client.put(f"/contacts/{id}", json={"name": "Nobody"})
    client.post("/conversations/1/parts", json=closing)


def _walk_workspace(client: httpx.Client, admin_id: str) -> None:
    client.get(f"/admins/{admin_id}")
    page = client.get("/admins/activity_logs", params={"created_at_after": "1", "created_at_before": "1900000000"})
    client.get(page.json()["pages"]["next"])
    segments = client.get("/segments", params={"include_count": "true"}).json()["segments"]
    client.get(f"/segments/{segments[0]['id']}")


def _walk_lists(client: httpx.Client) -> None:
    page = client.get("/conversations", params={"per_page": 20}).json()
    client.get("/conversations", params={"starting_after": page["pages"]["next"]["starting_after"]})
    client.get("/contacts")
    condition = {"field": "created_at", "operator": ">", "value": "1"}
    nested = {"operator": "AND", "value": [{"operator": "OR", "value": [condition, condition]}] * 2}
    for name in ("contacts", "conversations", "tickets"):
        page = client.post(f"/{name}/search", json={"query": condition, "pagination": {"per_page": 2}}).json()
        pagination = {"per_page": 2, "starting_after": page["pages"]["next"]["starting_after"]}
        client.post(f"/{name}/search", json={"query": nested, "pagination": pagination})


def _ask_wrongly(client: httpx.Client) -> None:
    for path in ("/me", "/contacts", "/conversations/1", "/companies/scroll", "/tags"):
        client.get(path, headers={"Authorization": "Bearer wrong"})
    client.get("/me", headers={"Intercom-Version": "1.0"})
    for path in ("/contacts/1", "/contacts/1/companies", "/contacts/1/tags", "/companies/1", "/companies/1/contacts"):
        client.get(path)
    client.get("/conversations/999999999")
    client.get("/companies", params={"name": "Nobody"})
    client.get("/contacts", params={"per_page": 151})
    client.get("/companies/scroll", params={"scroll_param": "unheard_of"})
    client.post("/contacts/search", json={"query": {"field": "shoe_size", "operator": "=", "value": "44"}})
    for path in ("/admins/1", "/admins/activity_logs", "/segments/1", "/contacts/1/segments", "/companies/1/segments"):
        client.get(path)
    client.get("/unheard_of")
