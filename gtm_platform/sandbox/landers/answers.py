"""Everything that the emulators of HubSpot, Stripe and Intercom answer, read with their own paging."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

Record = dict[str, Any]
TIMEOUT = 60  # seconds
MOST_IN_BATCH = 100


@dataclass(frozen=True)
class SystemApi:
    """An emulator, and how it is params_of_all."""

    client: httpx.Client

    @classmethod
    def open(cls, url: str, key: str, **headers: str) -> "SystemApi":
        """Open it with a key, past any proxy of the environment: it is on this machine."""
        sent = {"Authorization": f"Bearer {key}", "Accept": "application/json", **headers}
        return cls(httpx.Client(base_url=url, headers=sent, timeout=TIMEOUT, trust_env=False))

    def ask(self, method: str, path: str, **content: Any) -> Any:
        """Return what it answers; a rate limit is waited out."""
        while (answer := self.client.request(method, path, **content)).status_code == 429:
            time.sleep(1)
        return answer.raise_for_status().json()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Read an address."""
        return self.ask("GET", path, params=params)


# --- HubSpot ---------------------------------------------------------------------------------------------------------


def hubspot_objects(api: SystemApi, kind: str, properties: Sequence[str]) -> Iterator[Record]:
    """Read all objects of a kind with all of these properties."""
    ids = [row["id"] for row in _hubspot_list(api, f"/crm/v3/objects/{kind}", {"limit": 100})]
    for batch in _batches(ids):
        wanted = {"properties": list(properties), "inputs": [{"id": each} for each in batch]}
        yield from api.ask("POST", f"/crm/v3/objects/{kind}/batch/read", json=wanted)["results"]


def hubspot_properties(api: SystemApi, kind: str) -> dict[str, str]:
    """Read the type of each property of a kind."""
    return {row["name"]: row["type"] for row in api.get(f"/crm/v3/properties/{kind}")["results"]}


def hubspot_links(api: SystemApi, source: str, target: str, ids: Sequence[str]) -> dict[str, list[Record]]:
    """Read what each of these records is linked with."""
    links: dict[str, list[Record]] = {}
    for batch in _batches(ids):
        body = {"inputs": [{"id": each} for each in batch]}
        for row in api.ask("POST", f"/crm/v4/associations/{source}/{target}/batch/read", json=body)["results"]:
            links[row["from"]["id"]] = row["to"]
    return links


def hubspot_owners(api: SystemApi) -> list[Record]:
    """Read the owners, archived ones too."""
    return [
        row
        for archived in ("false", "true")
        for row in _hubspot_list(api, "/crm/v3/owners/", {"limit": 100, "archived": archived})
    ]


def _batches(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(ids), MOST_IN_BATCH):
        yield ids[begin : begin + MOST_IN_BATCH]


def _hubspot_list(api: SystemApi, path: str, params: Mapping[str, Any]) -> Iterator[Record]:
    after: dict[str, str] = {}
    while True:
        page = api.get(path, {**params, **after})
        yield from page["results"]
        if "paging" not in page or not page["paging"]:
            return
        after = {"after": page["paging"]["next"]["after"]}


# --- Stripe ----------------------------------------------------------------------------------------------------------


def stripe_list(api: SystemApi, path: str, *expand: str, **params: Any) -> list[Record]:
    """Read a whole list."""
    rows: list[Record] = []
    params_of_all = {"limit": 100, **params, "expand[]": [f"data.{each}" for each in expand]}
    while True:
        page = api.get(path, {**params_of_all, **({"starting_after": rows[-1]["id"]} if rows else {})})
        rows += page["data"]
        if not page["has_more"]:
            return rows


def all_of(api: SystemApi, shown: Record, path: str, *expand: str, **params: Any) -> list[Record]:
    """Read the rest of a list that a record shows the beginning of."""
    return stripe_list(api, path, *expand, **params) if shown["has_more"] else list(shown["data"])


# --- Intercom --------------------------------------------------------------------------------------------------------


def intercom_list(api: SystemApi, path: str, at: str = "data") -> list[Record]:
    """Read a whole list."""
    rows: list[Record] = []
    params: dict[str, Any] = {"per_page": 150}
    while True:
        page = api.get(path, params)
        rows += page[at]
        following = (page.get("pages") or {}).get("next")
        if not following:
            return rows
        params["starting_after"] = following["starting_after"]


def intercom_companies(api: SystemApi) -> list[Record]:
    """Read all companies, by scroll."""
    rows: list[Record] = []
    page = api.get("/companies/scroll")
    while page["data"]:
        rows += page["data"]
        page = api.get("/companies/scroll", {"scroll_param": page["scroll_param"]})
    return rows


def intercom_conversations(api: SystemApi) -> list[Record]:
    """Read all conversations with their parts, which only come one by one."""
    listed = intercom_list(api, "/conversations", "conversations")
    return [api.get(f"/conversations/{row['id']}") for row in listed]


def intercom_tickets(api: SystemApi) -> list[Record]:
    """Read all tickets, which are only searched."""
    everything = {"field": "updated_at", "operator": ">", "value": 0}
    rows: list[Record] = []
    pagination: dict[str, Any] = {"per_page": 150}
    while True:
        search = {"query": everything, "pagination": pagination}
        page = api.ask("POST", "/tickets/search", json=search)
        rows += page["tickets"]
        following = page["pages"].get("next")
        if not following:
            return rows
        pagination = {**pagination, "starting_after": following["starting_after"]}


def intercom_linked(api: SystemApi, contact: Record, of: str) -> list[Record]:
    """Read all companies or tags of a contact, of which it shows the first ten."""
    if not contact[of]["has_more"]:
        return list(contact[of]["data"])
    rows: list[Record] = []
    page, number = api.get(f"/contacts/{contact['id']}/{of}"), 1
    rows += page["data"]
    while of == "companies" and (page.get("pages") or {}).get("next"):
        number += 1
        page = api.get(f"/contacts/{contact['id']}/{of}", {"page": number})
        rows += page["data"]
    return rows
