"""The segments that a workspace begins with. Rules tell who is in them at an instant."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from gtm_platform.sandbox.intercom.store import IntercomContact
from gtm_platform.sandbox.intercom.wire import WORKSPACE_CREATED, Shape

_NEW, _ACTIVE, _SLIPPING = timedelta(days=7), timedelta(days=30), timedelta(days=60)


@dataclass(frozen=True)
class Segment:
    """The users, or the leads, for whom a rule holds; segments call leads contacts."""

    id: str
    name: str
    person_type: str  # user | contact
    rule: Callable[[IntercomContact, datetime], bool]

    def holds(self, contact: IntercomContact, now: datetime) -> bool:
        """Whether a contact is in the segment at this instant."""
        person_type = "contact" if contact.role == "lead" else "user"
        return self.person_type == person_type and self.rule(contact, now)


def _seen_within(contact: IntercomContact, now: datetime, start: timedelta, end: timedelta) -> bool:
    return contact.last_seen is not None and start <= now - contact.last_seen < end


SEGMENTS = (
    Segment(
        "6553f1000000000000000001", "New", "user",
        lambda contact, now: now - (contact.signed_up or contact.created) < _NEW,
    ),
    Segment(
        "6553f1000000000000000002", "Active", "user",
        lambda contact, now: _seen_within(contact, now, timedelta(), _ACTIVE),
    ),
    Segment(
        "6553f1000000000000000003", "Slipping Away", "user",
        lambda contact, now: _seen_within(contact, now, _ACTIVE, _SLIPPING),
    ),
    Segment("6553f1000000000000000004", "All leads", "contact", lambda _contact, _now: True),
)  # fmt: skip


def segments_of(contact: IntercomContact, now: datetime) -> list[Segment]:
    """The segments that a contact is in at this instant."""
    return [segment for segment in SEGMENTS if segment.holds(contact, now)]


def segment_shape(segment: Segment) -> Shape:
    """The wire shape of a segment, without the number of its people."""
    return {
        "type": "segment",
        "id": segment.id,
        "name": segment.name,
        "created_at": WORKSPACE_CREATED,
        "updated_at": WORKSPACE_CREATED,
        "person_type": segment.person_type,
    }
