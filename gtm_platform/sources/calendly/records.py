"""What Calendly's records look like to us. Each is named by its address, and refers to others by theirs."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from gtm_platform.ingest.record import (
    Id,
    Instant,
    MaybeBool,
    MaybeId,
    MaybeInstant,
    MaybeInt,
    MaybeText,
    Record,
    at,
    fact,
)

ADDRESS = "Its address at Calendly."
CANCELER = "Who called it off: host or invitee."
REASON = "Why it was called off."


def _addresses(guests: Any) -> Any:
    return [guest.get("email") for guest in guests if isinstance(guest, dict)] if isinstance(guests, list) else guests


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


Addresses = Annotated[list[str | None], BeforeValidator(_addresses)]
Email = Annotated[MaybeText, BeforeValidator(_lower)]


class Host(Record):
    """One of us who holds a call."""

    user_id: MaybeId = at("user", about="See calendly/users.")
    email: MaybeText = at("user_email", personal=True, about="Address at work.")
    name: MaybeText = at("user_name", personal=True, about="First and last name.")


class Event(Record):
    """A booked slot of one or several hosts; who booked it stands in calendly/invitees."""

    id: Id = at("uri", default=..., about=ADDRESS)
    name: MaybeText = at("name", about="What kind of call it is, as invitees see it.")
    status: MaybeText = at("status", about="active or canceled.")
    event_type_id: MaybeId = at("event_type", about="See calendly/event_types.")
    starts_at: Instant = at("start_time", default=..., about="When the call begins.")
    ends_at: Instant = at("end_time", default=..., about="When the call ends.")
    hosts: list[Host] = fact(
        "hosts", "event_memberships", default=[], personal=True, about="Who of us holds the call; several share one."
    )
    guest_emails: Addresses = at(
        "event_guests", default=[], personal=True, about="Whom the invitee brings along; they are no invitees."
    )
    location_type: MaybeText = at("location", "type", about="Where it takes place, such as zoom_conference.")
    canceler_type: MaybeText = at("cancellation", "canceler_type", about=CANCELER)
    cancel_reason: MaybeText = at("cancellation", "reason", personal=True, about=REASON)
    notes: MaybeText = at("meeting_notes_plain", personal=True, about="What the host noted about the call.")
    created_at: Instant = at("created_at", default=..., about="When it was booked.")
    updated_at: Instant = at("updated_at", default=..., about="When it last changed; a no-show does not count.")


class Invitee(Record):
    """Somebody who booked a call, beside what the event says of the call."""

    id: Id = at("uri", default=..., about=ADDRESS)
    event_id: Id = at("event", default=..., about="The call; see calendly/events.")
    email: Email = at("email", personal=True, about="The address with which it was booked, in lower case.")
    name: MaybeText = at("name", personal=True, about="First and last name.")
    timezone: MaybeText = at("timezone", about="In which the slot was chosen.")
    status: MaybeText = at("status", about="active or canceled.")
    rescheduled: MaybeBool = at("rescheduled", about="Moved: canceled here, and booked anew as new_invitee_id.")
    old_invitee_id: MaybeId = at("old_invitee", about="The invitee that was moved here.")
    new_invitee_id: MaybeId = at("new_invitee", about="The invitee that this one was moved to.")
    no_show_at: MaybeInstant = at("no_show", "created_at", about="When a host marked that they did not come.")
    canceler_type: MaybeText = at("cancellation", "canceler_type", about=CANCELER)
    cancel_reason: MaybeText = at("cancellation", "reason", personal=True, about=REASON)
    utm_source: MaybeText = at("tracking", "utm_source", about="Where the booking came from.")
    created_at: Instant = at("created_at", default=..., about="When it was booked.")
    updated_at: Instant = at("updated_at", default=..., about="When the invitee last changed.")
    event_name: MaybeText = fact("event_name", about="What kind of call it is.")
    starts_at: Instant = fact("starts_at", default=..., about="When the call begins.")
    ends_at: Instant = fact("ends_at", default=..., about="When the call ends.")
    hosts: list[Host] = fact("hosts", default=[], personal=True, about="Who of us holds the call.")
    is_internal: bool = fact(
        "is_internal", default=False, about="The address is at the domain of a host: we tried it out ourselves."
    )
    changed_at: Instant = fact(
        "changed_at", default=..., about="When the invitee, its no-show or its event last changed."
    )


class User(Record):
    """One of us: a member of the organisation, and as such a host."""

    id: Id = at("user", "uri", default=..., about=ADDRESS)
    membership_id: MaybeId = at("uri", about="The address of the membership.")
    name: MaybeText = at("user", "name", personal=True, about="First and last name.")
    email: MaybeText = at("user", "email", personal=True, about="Address at work.")
    timezone: MaybeText = at("user", "timezone", about="In which their calls are shown to them.")
    role: MaybeText = at("role", about="user, admin or owner.")
    created_at: MaybeInstant = at("created_at", about="When they joined the organisation.")


class EventType(Record):
    """A kind of call that can be booked."""

    id: Id = at("uri", default=..., about=ADDRESS)
    name: MaybeText = at("name", about="What invitees see.")
    active: MaybeBool = at("active", about="It can be booked.")
    kind: MaybeText = at("kind", about="solo, or group for several invitees.")
    pooling_type: MaybeText = at("pooling_type", about="round_robin or collective, where several hosts share it.")
    minutes: MaybeInt = at("duration", about="How long such a call takes.")
    owner_id: MaybeId = at("profile", "owner", about="The user or team whose it is.")
    created_at: MaybeInstant = at("created_at", about="When it was made.")
    updated_at: MaybeInstant = at("updated_at", about="When it last changed.")
