"""Calendly's records as the API shows them. Every record is named by its address at Calendly itself."""

from datetime import datetime
from typing import Any

from gtm_platform.sandbox.calendly.store import (
    CalendlyEvent,
    CalendlyEventType,
    CalendlyInvitee,
    CalendlyStore,
    CalendlyUser,
    Cancellation,
)

HOST = "https://api.calendly.com"
_COLOR = "#0069ff"


def address(kind: str, uuid: str) -> str:
    """The address by which a record is named."""
    return f"{HOST}/{kind}/{uuid}"


def organization(store: CalendlyStore) -> str:
    """The address of the organisation."""
    return address("organizations", store.organization)


def invitee_address(event: str, invitee: str) -> str:
    """The address of an invitee, below the event."""
    return f"{address('scheduled_events', event)}/invitees/{invitee}"


def instant(at: datetime) -> str:
    """An instant with microseconds."""
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def user(record: CalendlyUser, store: CalendlyStore, *, alone: bool) -> dict[str, Any]:
    """A host; asked for alone it says more than within a membership."""
    shape = {
        "uri": address("users", record.uuid),
        "name": record.name,
        "slug": record.slug,
        "email": record.email,
        "scheduling_url": f"https://calendly.com/{record.slug}",
        "timezone": record.timezone,
        "avatar_url": None,
        "created_at": instant(record.created),
        "updated_at": instant(record.updated),
    }
    more = {"locale": "en", "resource_type": "User", "current_organization": organization(store)}
    return {**shape, **more} if alone else shape


def membership(record: CalendlyUser, store: CalendlyStore) -> dict[str, Any]:
    """A host's place in the organisation."""
    return {
        "uri": address("organization_memberships", f"MEM{record.uuid[3:]}"),
        "role": record.role,
        "user": user(record, store, alone=False),
        "organization": organization(store),
        "created_at": instant(record.created),
        "updated_at": instant(record.updated),
    }


def event_type(record: CalendlyEventType, store: CalendlyStore) -> dict[str, Any]:
    """A kind of call."""
    owner = store.users[record.owner]
    return {
        "uri": address("event_types", record.uuid),
        "name": record.name,
        "active": record.active,
        "booking_method": "instant",
        "slug": record.slug,
        "scheduling_url": f"https://calendly.com/{owner.slug}/{record.slug}",
        "duration": record.minutes,
        "kind": record.kind,
        "pooling_type": record.pooling_type,
        "kind_description": "Collective" if record.pooling_type else "One-on-One",
        "type": "StandardEventType",
        "color": _COLOR,
        "created_at": instant(record.created),
        "updated_at": instant(record.created),
        "internal_note": None,
        "description_plain": None,
        "description_html": None,
        "profile": {"type": "User", "name": owner.name, "owner": address("users", owner.uuid)},
        "secret": False,
        "deleted_at": None,
        "admin_managed": False,
        "custom_questions": [
            {
                "name": "Company?", "type": "string", "position": 0, "enabled": True, "required": False,
                "answer_choices": [], "include_other": False,
            }
        ],
    }  # fmt: skip


def event(record: CalendlyEvent, store: CalendlyStore) -> dict[str, Any]:
    """A booked slot. Only a canceled one has a cancellation."""
    active = sum(invitee.status == "active" for invitee in record.invitees)
    shape: dict[str, Any] = {
        "uri": address("scheduled_events", record.uuid),
        "name": record.name,
        "status": record.status,
        "start_time": instant(record.start),
        "end_time": instant(record.end),
        "event_type": address("event_types", record.event_type),
        "location": _location(record),
        "invitees_counter": {"total": len(record.invitees), "active": active, "limit": 1},
        "created_at": instant(record.created),
        "updated_at": instant(record.updated),
        "event_memberships": [_host(store.users[host], record) for host in record.hosts],
        "event_guests": [
            {"email": email, "created_at": instant(record.created), "updated_at": instant(record.created)}
            for email in record.guests
        ],
        "calendar_event": {"kind": "google", "external_id": f"{record.uuid.lower()}cal"},
        "meeting_notes_plain": record.notes,
        "meeting_notes_html": f"<p>{record.notes}</p>" if record.notes else None,
    }
    if record.cancellation:
        shape["cancellation"] = _cancellation(record.cancellation)
    return shape


def _host(host: CalendlyUser, record: CalendlyEvent) -> dict[str, Any]:
    return {
        "user": address("users", host.uuid),
        "user_email": host.email,
        "user_name": host.name,
        "buffered_start_time": instant(record.start),
        "buffered_end_time": instant(record.end),
    }


def _location(record: CalendlyEvent) -> dict[str, Any] | None:
    if record.location is None:
        return None
    if record.location == "outbound_call":
        return {"type": record.location, "location": "+1 555 0100"}
    join = f"https://meet.example/{record.uuid.lower()}"
    if record.location == "google_conference":
        return {"type": record.location, "status": "pushed", "join_url": join}
    data = {"id": record.uuid[-4:], "password": record.uuid[-6:]}
    return {"type": record.location, "status": "pushed", "join_url": join, "data": data}


def _cancellation(record: Cancellation) -> dict[str, Any]:
    return {
        "canceled_by": record.by,
        "reason": record.reason,
        "canceler_type": record.canceler_type,
        "created_at": instant(record.at),
    }


def invitee(record: CalendlyInvitee) -> dict[str, Any]:
    """Somebody who booked. Only a canceled one has a cancellation."""
    answers = [{"question": "Company?", "answer": record.company, "position": 0}] if record.company else []
    shape: dict[str, Any] = {
        "uri": invitee_address(record.event, record.uuid),
        "event": address("scheduled_events", record.event),
        "email": record.email,
        "name": record.name,
        "first_name": record.first_name,
        "last_name": record.last_name,
        "status": record.status,
        "timezone": record.timezone,
        "rescheduled": record.rescheduled,
        "old_invitee": invitee_address(*record.old) if record.old else None,
        "new_invitee": invitee_address(*record.new) if record.new else None,
        "questions_and_answers": answers,
        "tracking": {
            "utm_campaign": None, "utm_source": record.utm_source, "utm_medium": None, "utm_content": None,
            "utm_term": None, "salesforce_uuid": None,
        },
        "text_reminder_number": None,
        "routing_form_submission": None,
        "payment": None,
        "no_show": {"uri": address("invitee_no_shows", record.no_show.uuid), "created_at": instant(record.no_show.at)}
        if record.no_show
        else None,
        "reconfirmation": None,
        "cancel_url": f"https://calendly.com/cancellations/{record.uuid}",
        "reschedule_url": f"https://calendly.com/reschedulings/{record.uuid}",
        "created_at": instant(record.created),
        "updated_at": instant(record.updated),
    }  # fmt: skip
    if record.cancellation:
        shape["cancellation"] = _cancellation(record.cancellation)
    return shape


def no_show(record: CalendlyInvitee) -> dict[str, Any]:
    """The mark that an invitee did not come."""
    mark = record.no_show
    assert mark is not None
    return {
        "uri": address("invitee_no_shows", mark.uuid),
        "invitee": invitee_address(record.event, record.uuid),
        "created_at": instant(mark.at),
    }
