"""What HubSpot holds, asked directly: neither our client nor our journal has a say in it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx

from gtm_platform.settings import settings_of
from gtm_platform.sources.hubspot.settings import HubSpotSettings

BATCH = 100
Properties = Mapping[str, str | None]


def hubspot_properties(object_type: str, ids: Sequence[str], names: Sequence[str]) -> Mapping[str, Properties]:
    """Return the properties of the objects that are live, by their ids."""
    return {record["id"]: record["properties"] for record in _records(object_type, ids, names)}


def hubspot_ids(
    object_type: str, property: str, values: Sequence[str], *, further: str | None = None, archived: bool = False
) -> Mapping[str, str]:
    """Return the objects that have a value in a unique property, by the value in lower case.

    `further` is the property in which an object has more such values, parted by semicolons.
    """
    names = [property, further] if further else [property]
    records = _records(object_type, values, names, {"idProperty": property}, archived=archived)
    return {
        value.strip().lower(): record["id"]
        for record in records
        for name in names
        for value in str(record["properties"].get(name) or "").split(";")
        if value.strip()
    }


def hubspot_matches(object_type: str, property: str, values: Sequence[str]) -> Mapping[str, list[str]]:
    """Return the live objects that have a text in a property, by the text in lower case."""
    matches: dict[str, list[str]] = {}
    path = f"/crm/v3/objects/{object_type}/search"
    with _client() as client:
        for some in _batches(values):
            filters = [{"propertyName": property, "operator": "IN", "values": [value.lower() for value in some]}]
            body: dict[str, Any] = {"filterGroups": [{"filters": filters}], "properties": [property], "limit": 200}
            while body.get("after", "0"):
                answer = _ask(client, path, body)
                for record in answer["results"]:
                    matches.setdefault(str(record["properties"][property]).lower(), []).append(record["id"])
                body["after"] = answer.get("paging", {}).get("next", {}).get("after")
    return matches


def hubspot_links(source: str, target: str, ids: Sequence[str]) -> Mapping[str, set[str]]:
    """Return the objects that each of some objects is associated with."""
    path = f"/crm/v4/associations/{source}/{target}/batch/read"
    with _client() as client:
        answers = [_ask(client, path, {"inputs": [{"id": id} for id in some]}) for some in _batches(ids)]
    rows = [row for answer in answers for row in answer["results"]]
    return {row["from"]["id"]: {str(other["toObjectId"]) for other in row["to"]} for row in rows}


def _records(
    object_type: str,
    ids: Sequence[str],
    names: Sequence[str],
    more: Mapping[str, Any] | None = None,
    *,
    archived: bool = False,
) -> Iterator[Mapping[str, Any]]:
    path = f"/crm/v3/objects/{object_type}/batch/read?archived={str(archived).lower()}"
    with _client() as client:
        for some in _batches(ids):
            body = {"inputs": [{"id": id} for id in some], "properties": list(names), **(more or {})}
            yield from _ask(client, path, body)["results"]


def _batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[start : start + BATCH] for start in range(0, len(values), BATCH))


@contextmanager
def _client() -> Iterator[httpx.Client]:
    config = settings_of(HubSpotSettings)
    token = config.hubspot_access_token
    assert token is not None
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
    with httpx.Client(base_url=config.hubspot_base_url, headers=headers, timeout=60, trust_env=False) as client:
        yield client


def _ask(client: httpx.Client, path: str, body: Mapping[str, Any]) -> Any:
    answer = client.post(path, json=body)
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:  # as of a search: five a second
        raise RuntimeError(f"HubSpot lets no more calls through to {path} now.")
    return answer.raise_for_status().json()
