"""HubSpot's store: plain records, which the world writes and the emulator renders and changes. Instants are UTC."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

PORTAL_ID = 1234567  # of a portal that no world fills
BY_PEOPLE, BY_INTEGRATION, BY_MERGE = "CRM_UI", "INTEGRATION", "MERGE_OBJECTS"
BY_WORKFLOW, BY_IMPORT = "AUTOMATION_PLATFORM", "IMPORT"
BY_ANOTHER_APP = "INTEGRATIONS_PLATFORM"  # of the same company; ours is an integration, too
BY_DOMAIN = "AUTO_ASSOCIATE_BY_DOMAIN"  # HubSpot itself, which makes companies of contacts' addresses
SOURCES = (BY_PEOPLE, BY_INTEGRATION, BY_MERGE, BY_WORKFLOW, BY_IMPORT, BY_ANOTHER_APP)


class HubSpotChange(NamedTuple):
    """A value that a property had from an instant on, and what set it."""

    value: str  # empty when the property was cleared
    at: datetime
    source: str


@dataclass(slots=True)
class HubSpotRecord:
    """A record of any object type; `properties` are strings as on the wire.

    They lack `hs_object_id` and the created/modified dates: those are rendered from `id`, `created` and `updated`.
    """

    id: str
    properties: dict[str, str]
    created: datetime
    updated: datetime
    archived: datetime | None = None
    merged_into: str | None = None  # the winner's id; the loser is gone from lists and forwards on get-by-id
    links: dict[str, dict[str, set[int]]] = field(default_factory=dict)  # "companies" -> company id -> type ids
    source: str = BY_PEOPLE  # what created it
    changes: dict[str, list[HubSpotChange]] = field(default_factory=dict)  # of properties that changed, oldest first

    def write(self, values: Mapping[str, str], at: datetime, source: str = BY_PEOPLE) -> bool:
        """Set values, or clear those that are empty; whether anything is different afterwards."""
        changed = {name: value for name, value in values.items() if self.properties.get(name, "") != value}
        for name, value in changed.items():
            self._note_change(name, value, at, source)
            if value:
                self.properties[name] = value
            else:
                del self.properties[name]
        if changed:
            self.updated = at
        return bool(changed)

    def _note_change(self, name: str, value: str, at: datetime, source: str) -> None:
        self.changes[name] = [*self.history(name), HubSpotChange(value, at, source)]

    def history(self, name: str) -> list[HubSpotChange]:
        """All values that a property had, oldest first."""
        value = self.properties.get(name, "")
        if name not in self.changes:
            return [HubSpotChange(value, self.created, self.source)] if value else []
        changes = self.changes[name]
        return (
            list(changes) if changes[-1].value == value else [*changes, HubSpotChange(value, self.updated, BY_PEOPLE)]
        )


@dataclass(slots=True)
class HubSpotOwner:
    """A HubSpot user to whom records are assigned; archived once they left."""

    id: str
    user_id: int
    email: str
    first_name: str
    last_name: str
    created: datetime
    updated: datetime
    archived: bool = False


@dataclass
class HubSpotStore:
    """Everything of one portal; `objects` by the plural name of their type, as in paths."""

    objects: dict[str, dict[str, HubSpotRecord]] = field(default_factory=dict)
    owners: dict[str, HubSpotOwner] = field(default_factory=dict)
    pipelines: list[dict[str, Any]] = field(default_factory=list)  # wire shape, deals only
    properties: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # type -> name -> wire definition
    groups: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # type -> name -> wire group
    next_id: int = 1
    portal_id: int = PORTAL_ID
    companies_of_contacts: str = "off"  # whether HubSpot makes companies of contacts' addresses
