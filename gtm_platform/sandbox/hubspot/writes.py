"""What a create or an update will save: values checked against the definitions, unique ones against other records."""

from collections.abc import Iterable
from typing import Any

from gtm_platform.sandbox.hubspot.errors import RefusedError, bad_values
from gtm_platform.sandbox.hubspot.inputs import NewLink
from gtm_platform.sandbox.hubspot.kinds import KINDS, Kind
from gtm_platform.sandbox.hubspot.links import type_from
from gtm_platform.sandbox.hubspot.portal import Portal, key_of
from gtm_platform.sandbox.hubspot.standard import Definition
from gtm_platform.sandbox.hubspot.store import HubSpotRecord
from gtm_platform.sandbox.hubspot.values import check_values
from gtm_platform.sandbox.kit.write_log import Write

NEW = ""  # stands for the id of a record that is only being made


class Writer:
    """Checks the writes of one request, so that two of them cannot claim the same unique value either."""

    def __init__(self, portal: Portal, kind: Kind, writes: Iterable[dict[str, Any]]) -> None:
        self.portal = portal
        self.kind = kind
        self.defined = portal.definitions(kind)
        self._taken = self._holders(list(writes))

    def _holders(self, writes: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
        names = {name for write in writes for name in write if self.portal.is_unique(self.kind, name)}
        taken = {}
        for name in names:
            keys = {key_of(name, str(write[name]).strip()) for write in writes if write.get(name)}
            holders = self.portal.holders(self.kind, name, keys)
            taken[name] = {key: record.id for key, record in holders.items()}
        return taken

    def creation(self, properties: dict[str, Any], links: list[NewLink] | None = None) -> Write:
        """The write of a new record."""
        values = check_values(self.defined, properties, {})
        missing = [name for name in self.kind.required if not values.get(name)]
        if missing:
            message = f"Error creating {self.kind.singular.upper()}. Some required properties were not set."
            raise RefusedError(400, message, context={"properties": missing})
        pairs = [pair for link in links or [] for pair in self._new_links(link)]
        self._claim(values, NEW)
        return {"id": None, "properties": values, "links": pairs}

    def change(self, record: HubSpotRecord, properties: dict[str, Any]) -> Write:
        """The write of some properties of a record."""
        values = check_values(self.defined, properties, record.properties)
        if not _stage_goes_forward(self.defined, record, values):
            del values["lifecyclestage"]
        self._claim(values, record.id)
        return {"id": record.id, "properties": values}

    def _new_links(self, link: NewLink) -> list[tuple[int, str]]:
        pairs = []
        for spec in link.types:
            target = KINDS[type_from(self.kind, spec.association_type_id).target]
            record = self.portal.find(target, link.to.id)
            if record is None:
                raise RefusedError(
                    400, f"No {target.singular} with id {link.to.id} exists.", context={"ids": [link.to.id]}
                )
            pairs.append((spec.association_type_id, record.id))
        return pairs

    def _claim(self, values: dict[str, str], record_id: str) -> None:
        claims = [(name, key_of(name, values[name])) for name in self._taken if values.get(name)]
        for name, key in claims:
            holder = self._taken[name].get(key)
            if holder is not None and (holder != record_id or holder == NEW):
                raise _conflict(name, key, holder)
        for name, key in claims:
            self._taken[name][key] = record_id


def _conflict(name: str, value: str, holder: str) -> RefusedError:
    if holder == NEW:
        return RefusedError(400, f"Duplicate values found in batch input for property {name}: [{value}]")
    if name == "email":
        return RefusedError(409, f"Contact already exists. Existing ID: {holder}", "CONFLICT")
    message = f"Cannot set {name} to {value}. {holder} already has that value."
    return bad_values([{"message": message, "error": "CONFLICTING_UNIQUE_VALUE", "name": name}])


def _stage_goes_forward(defined: dict[str, Definition], record: HubSpotRecord, values: dict[str, str]) -> bool:
    """A lifecycle stage never moves back: such a value is left out without an error."""
    stages = [option["value"] for option in defined.get("lifecyclestage", {}).get("options", [])]
    current, new = record.properties.get("lifecyclestage"), values.get("lifecyclestage")
    if current not in stages or new not in stages:
        return True
    return stages.index(new) >= stages.index(current)
