"""Calendly's store: hosts, event types, scheduled events and their invitees. Instants are aware, in UTC.

A uuid is the last step of a record's address; the addresses themselves are made when a record is rendered.
"""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class CalendlyUser:
    """A host, or the owner of the organisation."""

    uuid: str
    name: str
    email: str
    role: str  # owner | admin | user
    created: datetime
    updated: datetime
    timezone: str = "America/New_York"

    @property
    def slug(self) -> str:
        """The host's part of a scheduling page's address."""
        return self.name.lower().replace(" ", "-")


@dataclass(slots=True)
class CalendlyEventType:
    """A kind of call that can be booked."""

    uuid: str
    name: str
    slug: str
    minutes: int
    owner: str  # uuid of a user
    created: datetime
    kind: str = "solo"
    pooling_type: str | None = None
    active: bool = True


@dataclass(slots=True)
class Cancellation:
    """Who called an event off, and why."""

    by: str  # a name
    canceler_type: str  # host | invitee
    reason: str
    at: datetime


@dataclass(slots=True)
class NoShow:
    """A host's mark that an invitee did not come."""

    uuid: str
    at: datetime


@dataclass(slots=True)
class CalendlyInvitee:
    """Somebody who booked; a rescheduled one is canceled and points to the invitee of the new event."""

    uuid: str
    event: str  # uuid
    email: str
    name: str
    created: datetime
    updated: datetime
    timezone: str
    first_name: str | None = None
    last_name: str | None = None
    company: str | None = None
    utm_source: str | None = None
    rescheduled: bool = False
    old: tuple[str, str] | None = None  # uuids of an event and its invitee
    new: tuple[str, str] | None = None
    no_show: NoShow | None = None
    cancellation: Cancellation | None = None

    @property
    def status(self) -> str:
        """active or canceled."""
        return "canceled" if self.cancellation else "active"


@dataclass(slots=True)
class CalendlyEvent:
    """A booked slot of one or several hosts."""

    uuid: str
    name: str
    event_type: str  # uuid
    hosts: list[str]  # uuids
    start: datetime
    end: datetime
    created: datetime
    updated: datetime
    location: str | None = "zoom_conference"
    invitees: list[CalendlyInvitee] = field(default_factory=list)
    guests: list[str] = field(default_factory=list)
    notes: str | None = None
    cancellation: Cancellation | None = None

    @property
    def status(self) -> str:
        """active or canceled."""
        return "canceled" if self.cancellation else "active"


@dataclass
class CalendlyStore:
    """All by uuid, and the uuid of the organisation."""

    users: dict[str, CalendlyUser] = field(default_factory=dict)
    event_types: dict[str, CalendlyEventType] = field(default_factory=dict)
    events: dict[str, CalendlyEvent] = field(default_factory=dict)
    invitees: dict[str, CalendlyInvitee] = field(default_factory=dict)
    no_shows: dict[str, str] = field(default_factory=dict)  # uuid of a mark -> uuid of the invitee
    organization: str = "ORGSANDBOX"
