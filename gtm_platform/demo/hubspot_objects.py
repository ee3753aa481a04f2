"""What HubSpot holds, asked directly: neither our client nor our journal has a say in it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import httpx

from gtm_platform.settings import settings_of
from gtm_platform.sources.hubspot.settings import HubSpotSettings

BATCH = 100


def hubspot_properties(
    object_type: str, ids: Sequence[str], names: Sequence[str]
) -> Mapping[str, Mapping[str, str | None]]:
    """Return the properties of the objects that are live, by their ids."""
    return {record["id"]: record["properties"] for record in _records(object_type, ids, names)}


def _records(object_type: str, ids: Sequence[str], names: Sequence[str]) -> Iterator[Mapping[str, Any]]:
    config = settings_of(HubSpotSettings)
    token = config.hubspot_access_token
    assert token is not None
    headers = {"Authorization": f"Bearer {token.get_secret_value()}"}
    with httpx.Client(base_url=config.hubspot_base_url, headers=headers, timeout=60, trust_env=False) as client:
        for start in range(0, len(ids), BATCH):
            body = {"inputs": [{"id": id} for id in ids[start : start + BATCH]], "properties": list(names)}
            answer = client.post(f"/crm/v3/objects/{object_type}/batch/read", json=body)
            yield from answer.raise_for_status().json()["results"]
