"""HubSpot's store: plain records, which the world writes and the emulator renders and changes. Instants are UTC."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(slots=True)
class HubSpotRecord:
    """A contact, company, deal, note, call, meeting, email or task. `properties` are wire strings, without
    `hs_object_id` and the created/modified dates: those are rendered from `id`, `created` and `updated`."""

    id: str
    properties: dict[str, str]
    created: datetime
    updated: datetime
    archived: datetime | None = None
    merged_into: str | None = None  # the winner's id; the loser is gone from lists and forwards on get-by-id
    links: dict[str, dict[str, set[int]]] = field(default_factory=dict)  # "companies" -> company id -> type ids


@dataclass(slots=True)
class HubSpotOwner:
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
    """`objects` by type name ("contacts", "companies", "deals", "notes", "calls", "meetings", "emails", "tasks")."""

    objects: dict[str, dict[str, HubSpotRecord]] = field(default_factory=dict)
    owners: dict[str, HubSpotOwner] = field(default_factory=dict)
    pipelines: list[dict[str, Any]] = field(default_factory=list)  # wire shape, deals only
    properties: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # type -> name -> wire definition
    groups: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)  # type -> name -> wire group
    next_id: int = 1
