"""The objects of one type in HubSpot: their properties defined, their values read and written.

A thin layer over the client that HubSpot is read with (`sources.hubspot.client`), whose rate budget it shares.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from gtm_platform.accounts import refuse_other_account, require_own_account
from gtm_platform.delivery.access import limit_share
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.properties import GROUP, GROUP_LABEL, Property, option
from gtm_platform.http.rate_limit import LimitShare, limited_to
from gtm_platform.http.redaction import excerpt
from gtm_platform.sources.hubspot.client import POOL, HubSpotClient
from gtm_platform.sources.hubspot.settings import HubSpotAccountSettings

BATCH = 100

T = TypeVar("T")
Values = Mapping[str, str]


def batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """Cut a sequence into as many items as HubSpot takes in one call."""
    return (items[start : start + BATCH] for start in range(0, len(items), BATCH))


class HubSpotIsOff(RuntimeError):
    """No token is set to write with."""


class DefinitionDiffers(RuntimeError):
    """A property of our name exists in HubSpot as something else."""


@dataclass(frozen=True)
class Input:
    """The values to write to one object."""

    object_id: str
    trace_id: str
    values: Values


@dataclass
class BatchResult:
    """What HubSpot said of a batch, by object id; an object in neither has an outcome that nobody knows."""

    written: dict[str, Values] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)


class HubSpotObjects:
    """The objects of one type in the account of a client."""

    def __init__(self, client: HubSpotClient, object_type: ObjectType) -> None:
        self.client, self.object_type = client, object_type
        name = object_type.name
        self._objects, self._properties = f"/crm/v3/objects/{name}", f"/crm/v3/properties/{name}"

    def define(self, values: Sequence[Values]) -> None:
        """Make sure that the properties exist, with the options that the values need; people's own options stay."""
        get_all = partial(self.client.api("properties.core_api").get_all, self.object_type.name, archived=False)
        definitions = {definition["name"]: definition for definition in self._call("GET", self._properties, get_all)}
        existing = [property for property in self.object_type.properties if property.name in definitions]
        missing = [property for property in self.object_type.properties if property.name not in definitions]

        def used(property: Property) -> list[str]:
            return property.used_options(value.get(property.name, "") for value in values)

        for property in existing:
            self._require_type(property, definitions[property.name])
        for property in existing:
            if property.has_options:
                self._add_options(property, definitions[property.name].get("options") or [], used(property))
        if missing:
            self._ensure_group()
        for property in missing:
            self._create(property.definition(used(property)))

    def read(self, ids: Sequence[str]) -> dict[str, dict[str, str]]:
        """Return what HubSpot holds of up to 100 live objects; "" is empty, and an id that is gone is missing."""
        names = self.object_type.names
        body = {"inputs": [{"id": id} for id in ids], "properties": names, "propertiesWithHistory": []}
        read = partial(self.client.api("objects.batch_api").read, self.object_type.name, body, archived=False)
        requested = set(ids)  # what was merged comes back under the winner's id
        return {
            record["id"]: {name: record["properties"].get(name) or "" for name in names}
            for record in self._call("POST", f"{self._objects}/batch/read", read)
            if record["id"] in requested and not record.get("archived")
        }

    def read_history(self, ids: Sequence[str], names: Sequence[str]) -> dict[str, dict[str, list[dict[str, Any]]]]:
        """Return all values that properties of up to 50 live objects had, each with what set it."""
        body = {"inputs": [{"id": id} for id in ids], "properties": names, "propertiesWithHistory": names}
        read = partial(self.client.api("objects.batch_api").read, self.object_type.name, body, archived=False)
        return {
            record["id"]: record.get("propertiesWithHistory") or {}
            for record in self._call("POST", f"{self._objects}/batch/read", read)
        }

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
            context, reason = error.get("context") or {}, excerpt(error.get("message") or "HubSpot did not say why.")
            by_trace = [traced[trace] for trace in context.get("objectWriteTraceId", []) if trace in traced]
            result.refused |= dict.fromkeys([*context.get("ids", []), *context.get("id", []), *by_trace], reason)
        return result

    def _call(self, method: str, path: str, call: Callable[..., Any]) -> list[Any]:
        results: list[Any] = json.loads(self.client.call(method, path, call))["results"]
        return results

    def _ensure_group(self) -> None:
        path, groups = f"{self._properties}/groups", self.client.api("properties.groups_api")
        existing = {group["name"] for group in self._call("GET", path, partial(groups.get_all, self.object_type.name))}
        if GROUP not in existing:
            body = {"name": GROUP, "label": GROUP_LABEL, "displayOrder": -1}
            self._change("POST", path, partial(groups.create, self.object_type.name, body))

    def _create(self, definition: dict[str, Any]) -> None:
        create = partial(self.client.api("properties.core_api").create, self.object_type.name, definition)
        self._change("POST", self._properties, create)

    def _add_options(self, property: Property, options: Sequence[dict[str, Any]], used: Iterable[str]) -> None:
        existing = {option["value"] for option in options}
        missing = [value for value in dict.fromkeys([*property.options, *used]) if value not in existing]
        if not missing:
            return
        # A change of options replaces them all: those that exist are sent along.
        kept = [{name: option.get(name) for name in ("label", "value", "displayOrder", "hidden")} for option in options]
        body = {"options": kept + [option(value, order) for order, value in enumerate(missing, start=len(kept))]}
        update = self.client.api("properties.core_api").update
        call = partial(update, self.object_type.name, property.name, body)
        self._change("PATCH", f"{self._properties}/{property.name}", call)

    def _change(self, method: str, path: str, call: Callable[..., Any]) -> None:
        """Change a definition, whose answer is the definition itself."""
        self.client.call(method, path, call, check=bytes)

    def _require_type(self, property: Property, definition: Mapping[str, Any]) -> None:
        if (definition["type"], definition["fieldType"]) != (property.type, property.field_type):
            raise DefinitionDiffers(
                f"HubSpot's {self.object_type.label} property {property.name} is a {definition['type']} shown as "
                f"{definition['fieldType']}, not a {property.type} shown as {property.field_type}. Nothing was "
                "written. Archive it in HubSpot, and the next run makes it anew."
            )


def open_client(config: HubSpotAccountSettings, *, pin: bool = True, share: LimitShare | None = None) -> HubSpotClient:
    """Return a client for the account of the environment, which refuses any but this home's own.

    With its first call the account becomes the home's, where it has none yet and `pin` does not forbid it. It uses as
    much of the rate limits as the policy allows, which is what reading HubSpot may use, too.
    """
    if config.hubspot_access_token is None:
        raise HubSpotIsOff("HubSpot is off: set HUBSPOT_ACCESS_TOKEN.")
    token, url = config.hubspot_access_token, config.hubspot_base_url
    with limited_to(share or limit_share(POOL)):
        return HubSpotClient(token, url, check_account=require_own_account if pin else refuse_other_account)
