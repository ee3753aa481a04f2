"""The definitions of our properties in HubSpot: created and extended where something is missing, never taken away from.

A property that is defined as something else, or that cannot be created, is left alone: its values are not delivered.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.properties import Property, option
from gtm_platform.http.errors import BadRequest
from gtm_platform.policy import policy
from gtm_platform.sources.hubspot.client import HubSpotClient

Definition = Mapping[str, Any]


class PropertyDefinitions:
    """The properties of one object type as an account defines them, read when they are first needed."""

    def __init__(self, client: HubSpotClient, object_type: ObjectType) -> None:
        self._client, self._object_type = client, object_type
        self._path = f"/crm/v3/properties/{object_type.name}"
        self._live: dict[str, Definition] | None = None
        self._refused: dict[str, str] = {}  # why a property could not be created
        self.deleted: dict[str, str] = {}  # those that were deleted while they were written, each with a sentence

    def has(self, name: str) -> bool:
        """Whether a property is defined."""
        return name in self._definitions()

    def unusable(self) -> dict[str, str]:
        """Return our properties whose values cannot be written, each with the reason."""
        definitions = self._definitions()
        differing = {
            property.name: reason
            for property in self._own()
            if property.name in definitions and (reason := self._difference(property, definitions[property.name]))
        }
        return self._refused | differing

    def ensure(self, values: Sequence[Mapping[str, str]]) -> None:
        """Make sure that our properties exist, with the options that the values need; people's own options stay."""
        definitions, unusable = self._definitions(), self.unusable()
        usable = [property for property in self._own() if property.name not in unusable]

        def used(property: Property) -> list[str]:
            return property.used_options(value.get(property.name, "") for value in values)

        for property in usable:
            if property.has_options and property.name in definitions:
                self._add_options(property, definitions[property.name].get("options") or [], used(property))
        missing = [property for property in usable if property.name not in definitions]
        if missing:
            self._ensure_group()
        for property in missing:
            self._create(property, used(property))

    def note_deleted(self) -> bool:
        """Read the definitions again; whether any of ours is gone since they were read before."""
        before = self._definitions()
        self._live = None
        now = self._definitions()
        gone = [property.name for property in self._own() if property.name in before and property.name not in now]
        self.deleted |= {name: f"{self._called(name)} was deleted in HubSpot while it was written." for name in gone}
        self._refused |= self.deleted
        return bool(gone)

    def _own(self) -> list[Property]:
        matching = self._object_type.matching
        return [*self._object_type.properties, *([matching.id_property] if matching else [])]

    def _definitions(self) -> dict[str, Definition]:
        if self._live is None:
            get_all = partial(self._client.api("properties.core_api").get_all, self._object_type.name, archived=False)
            definitions = json.loads(self._client.call("GET", self._path, get_all))["results"]
            self._live = {definition["name"]: definition for definition in definitions}
        return self._live

    def _difference(self, property: Property, definition: Definition) -> str | None:
        """Say how HubSpot's property of our name is another one."""
        way_out = "Archive it in HubSpot, or give ours another name in the policy (hubspot.names)."
        name, is_read_only = self._called(property.name), (definition.get("modificationMetadata") or {})
        if (definition["type"], definition["fieldType"]) != (property.type, property.field_type):
            return (
                f"{name} is a {definition['type']} shown as {definition['fieldType']}, not a {property.type} shown as "
                f"{property.field_type}. {way_out}"
            )
        if property.unique and not definition.get("hasUniqueValue"):
            return f"{name} may have the same value twice, so nothing is created by it. {way_out}"
        if is_read_only.get("readOnlyValue") or definition.get("calculated"):
            return f"{name} cannot be written. {way_out}"
        return None

    def _called(self, name: str) -> str:
        return f"HubSpot's {self._object_type.label} property {name}"

    def _ensure_group(self) -> None:
        rules, groups = policy().hubspot, self._client.api("properties.groups_api")
        get_all = partial(groups.get_all, self._object_type.name)
        answer = json.loads(self._client.call("GET", f"{self._path}/groups", get_all))
        if rules.group_name not in {group["name"] for group in answer["results"]}:
            body = {"name": rules.group_name, "label": rules.group_label, "displayOrder": -1}
            self._change("POST", f"{self._path}/groups", partial(groups.create, self._object_type.name, body))

    def _create(self, property: Property, used: Iterable[str]) -> None:
        definition = property.definition(policy().hubspot.group_name, used)
        create = partial(self._client.api("properties.core_api").create, self._object_type.name, definition)
        try:
            self._change("POST", self._path, create)
        except BadRequest as failure:
            self._live = None
            if not self.has(property.name):  # nobody else made it in the meantime
                self._refused[property.name] = (
                    f"{self._called(property.name)} cannot be created: {failure.message} A property that was deleted "
                    "keeps its name: restore it in HubSpot, or switch ours off in the policy (hubspot.names)."
                )
        else:
            self._definitions()[property.name] = definition

    def _add_options(self, property: Property, options: Sequence[Definition], used: Iterable[str]) -> None:
        existing = {option["value"] for option in options}
        missing = [value for value in dict.fromkeys([*property.options, *used]) if value not in existing]
        if not missing:
            return
        # A change of options replaces them all: those that exist are sent along.
        kept = [{name: option.get(name) for name in ("label", "value", "displayOrder", "hidden")} for option in options]
        body = {"options": kept + [option(value, order) for order, value in enumerate(missing, start=len(kept))]}
        update = self._client.api("properties.core_api").update
        call = partial(update, self._object_type.name, property.name, body)
        self._change("PATCH", f"{self._path}/{property.name}", call)

    def _change(self, method: str, path: str, call: Callable[..., Any]) -> None:
        """Change a definition, whose answer is the definition itself."""
        self._client.call(method, path, call, check=bytes)
