"""The objects of one type in HubSpot: looked up, read, created and written.

A thin layer over the client that HubSpot is read with (`sources.hubspot.client`), whose rate budget it shares.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from gtm_platform.accounts import refuse_other_account, require_own_account
from gtm_platform.delivery.access import limit_share
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.property_definitions import PropertyDefinitions
from gtm_platform.http.errors import NotFound
from gtm_platform.http.pages import get_path_or_none
from gtm_platform.http.rate_limit import LimitShare, limited_to
from gtm_platform.http.redaction import excerpt
from gtm_platform.policy import policy
from gtm_platform.sources.hubspot.client import POOL, SEARCH_PAGE, HubSpotClient
from gtm_platform.sources.hubspot.settings import HubSpotAccountSettings

BATCH = 100

T = TypeVar("T")
Values = Mapping[str, str]


def batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut a sequence into as many items as HubSpot takes in one call."""
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))


class HubSpotIsOff(RuntimeError):
    """No token is set to write with."""


@dataclass(frozen=True)
class Input:
    """The values to write to one object."""

    object_id: str
    trace_id: str
    values: Values


@dataclass(frozen=True)
class NewObject:
    """An object to create: our record's id, and all values, HubSpot's own properties among them."""

    subject_id: str
    trace_id: str
    values: Values


@dataclass
class CreateResult:
    """What HubSpot said of a batch of new objects, by our records' ids.

    Of one in neither nobody knows the outcome.
    """

    created: dict[str, str] = field(default_factory=dict)  # the new objects' ids
    refused: dict[str, str] = field(default_factory=dict)


@dataclass
class BatchResult:
    """What HubSpot said of a batch, by object id; an object in neither has an outcome that nobody knows."""

    written: dict[str, Values] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


class HubSpotObjects:
    """The objects of one type in the account of a client."""

    def __init__(self, client: HubSpotClient, object_type: ObjectType) -> None:
        self.client, self.object_type = client, object_type
        self.definitions = PropertyDefinitions(client, object_type)
        self._objects = f"/crm/v3/objects/{object_type.name}"

    def read(self, ids: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return what HubSpot holds of up to 100 live objects; "" is empty, and an id that is gone is missing."""
        return self.read_values(ids, self.object_type.names)

    def read_values(self, ids: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return some properties of up to 100 live objects, HubSpot's own among them; "" is empty."""
        body = {"inputs": [{"id": id} for id in ids], "properties": list(names), "propertiesWithHistory": []}
        read = partial(self.client.api("objects.batch_api").read, self.object_type.name, body, archived=False)
        requested = set(ids)  # what was merged comes back under the winner's id
        return {
            record["id"]: {name: (record.get("properties") or {}).get(name) or "" for name in names}
            for record in self._call("POST", f"{self._objects}/batch/read", read)
            if record["id"] in requested and not record.get("archived")
        }

    def associates(self, ids: Sequence[str], to: str) -> dict[str, set[str]]:
        """Return the objects of another type with which some are associated; of many only the first page."""
        answer = json.loads(self.client.links(self.object_type.name, to, [{"id": id} for id in ids]))
        return {
            str(row["from"]["id"]): {str(other["toObjectId"]) for other in row.get("to") or ()}
            for row in answer["results"]
        }

    def archive(self, ids: Sequence[str]) -> None:
        """Move up to 100 objects to the archive, from where a person can restore them."""
        archive = partial(
            self.client.api("objects.batch_api").archive, self.object_type.name, {"inputs": [{"id": id} for id in ids]}
        )
        self.client.call("POST", f"{self._objects}/batch/archive", archive, check=bytes)

    def read_history(self, ids: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """Return all values that properties of up to 50 live objects had, each with what set it."""
        body = {"inputs": [{"id": id} for id in ids], "properties": names, "propertiesWithHistory": names}
        read = partial(self.client.api("objects.batch_api").read, self.object_type.name, body, archived=False)
        return {
            record["id"]: record.get("propertiesWithHistory") or {}
            for record in self._call("POST", f"{self._objects}/batch/read", read)
        }

    def own_app(self) -> str | None:
        """Return the id by which histories name our app; None where HubSpot does not tell it of such a token."""
        return self.client.app_id

    def update(self, inputs: Sequence[Input]) -> BatchResult:
        """Write up to 100 objects. Raises where HubSpot refuses all of them, for the sake of a single one or not."""
        body = {
            "inputs": [
                {"id": input.object_id, "objectWriteTraceId": input.trace_id, "properties": dict(input.values)}
                for input in inputs
            ]
        }
        update = partial(self.client.api("objects.batch_api").update, self.object_type.name, body)
        answer = json.loads(self.client.call("POST", f"{self._objects}/batch/update", update))
        result = BatchResult({record["id"]: record.get("properties") or {} for record in answer["results"]})
        traced = {input.trace_id: input.object_id for input in inputs}
        for error in answer.get("errors") or []:
            context, reason = error.get("context") or {}, _reason(error)
            by_trace = [traced[trace] for trace in context.get("objectWriteTraceId", []) if trace in traced]
            result.refused |= dict.fromkeys([*context.get("ids", []), *context.get("id", []), *by_trace], reason)
        return result

    def read_by(
        self, property: str, values: Sequence[str], names: Sequence[str], *, archived: bool = False
    ) -> list[dict[str, Any]]:
        """Return the objects that have one of up to 100 values in a property that is unique."""
        body = {"inputs": [{"id": value} for value in values], "idProperty": property, "properties": list(names)}
        body |= {"propertiesWithHistory": []}
        read = partial(self.client.api("objects.batch_api").read, self.object_type.name, body, archived=archived)
        try:
            return self._call("POST", f"{self._objects}/batch/read", read)
        except NotFound:  # none of them is there
            return []

    def search(self, property: str, values: Sequence[str], names: Sequence[str]) -> list[dict[str, Any]]:
        """Return the live objects that have one of up to 100 texts in a property, in any case."""
        some = {"propertyName": property, "operator": "IN", "values": [value.lower() for value in values]}
        request: dict[str, Any] = {"filterGroups": [{"filters": [some]}], "properties": list(names)}
        request |= {"limit": SEARCH_PAGE, "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]}
        records: list[dict[str, Any]] = []
        while True:
            page = self.client.search(self.object_type.name, request)
            records += json.loads(page)["results"]
            after = get_path_or_none(page, "paging", "next", "after")
            if after is None:
                return records
            request["after"] = after

    def create(self, inputs: Sequence[NewObject]) -> CreateResult:
        """Create up to 100 objects; as each is traced, one that is refused leaves the others alone."""
        matching = self.object_type.matching
        assert matching is not None
        body = {
            "inputs": [{"properties": dict(input.values), "objectWriteTraceId": input.trace_id} for input in inputs]
        }
        create = partial(self.client.api("objects.batch_api").create, self.object_type.name, body)
        answer = json.loads(self.client.call("POST", f"{self._objects}/batch/create", create))
        own_id = matching.id_property.name
        subjects = {input.subject_id for input in inputs}
        made = {(record.get("properties") or {}).get(own_id): record["id"] for record in answer["results"]}
        result = CreateResult({subject: id for subject, id in made.items() if subject in subjects})
        traced = {input.trace_id: input.subject_id for input in inputs}
        for error in answer.get("errors") or []:
            traces = (error.get("context") or {}).get("objectWriteTraceId", [])
            result.refused |= {traced[trace]: _reason(error) for trace in traces if trace in traced}
        return result

    def _call(self, method: str, path: str, call: Callable[..., Any]) -> list[Any]:
        results: list[Any] = json.loads(self.client.call(method, path, call))["results"]
        return results


def _reason(error: Mapping[str, Any]) -> str:
    return excerpt(error.get("message") or "HubSpot did not say why.")


def open_client(config: HubSpotAccountSettings, *, pin: bool = True, share: LimitShare | None = None) -> HubSpotClient:
    """Return a client for the account of the environment, which refuses any but this home's own.

    With its first call the account becomes the home's, where it has none yet and `pin` does not forbid it. It uses as
    much of the rate limits as the policy allows, which is what reading HubSpot may use, too, and leaves the policy's
    share of the day's calls to others.
    """
    if config.hubspot_access_token is None:
        raise HubSpotIsOff("HubSpot is off: set HUBSPOT_ACCESS_TOKEN.")
    token, url = config.hubspot_access_token, config.hubspot_base_url
    with limited_to(share or limit_share(POOL)):
        return HubSpotClient(
            token,
            url,
            check_account=require_own_account if pin else refuse_other_account,
            daily_reserve=policy().hubspot.daily_reserve,
        )
