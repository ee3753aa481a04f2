"""Fathom's meetings as the API shows them. Summary, action items and the like are null unless they are asked for."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.fathom import content
from gtm_platform.sandbox.fathom.store import FathomActionItem, FathomInvitee, FathomMeeting, FathomMember, FathomStore
from gtm_platform.sandbox.kit.filters import is_flag
from gtm_platform.sandbox.kit.render import iso_seconds

Shape = dict[str, Any]
PARTS = ("transcript", "summary", "action_items", "highlights", "crm_matches")


def parts_asked_for(sent: Mapping[str, str]) -> set[str]:
    """The parts of a meeting that a request includes."""
    flags = {part: f"include_{part}" for part in PARTS}
    return {part for part, name in flags.items() if name in sent and is_flag(lambda flag: flag)(name, sent[name])(True)}


def meeting(record: FathomMeeting, store: FathomStore, now: datetime, parts: set[str]) -> Shape:
    """A recording. What is made of it is there some time after the recording itself."""
    external = any(invitee.external for invitee in record.invitees)
    ready = record.ready <= now
    shape = {
        "title": record.title,
        "meeting_title": record.calendar_title,
        "meeting_type": record.meeting_type,
        "recording_id": record.recording_id,
        "url": _address(record),
        "share_url": f"https://fathom.video/share/{record.recording_id:x}",
        "meeting_url": f"https://meet.example/{record.recording_id}",
        "created_at": iso_seconds(record.created),
        "scheduled_start_time": iso_seconds(record.scheduled[0]),
        "scheduled_end_time": iso_seconds(record.scheduled[1]),
        "recording_start_time": iso_seconds(record.recorded[0]),
        "recording_end_time": iso_seconds(record.recorded[1]),
        "calendar_invitees_domains_type": "one_or_more_external" if external else "only_internal",
        "shared_with": record.shared_with,
        "transcript_language": "en",
        "recorded_by": _person(store.members[record.host]),
        "calendar_invitees": [_invitee(each, record, "transcript" in parts) for each in record.invitees],
    }
    made: Mapping[str, Callable[[], Any]] = {
        "transcript": lambda: transcript(record, store) if ready else [],
        "summary": lambda: summary(record, now),
        "action_items": lambda: [_action_item(item, record, store, now) for item in record.action_items if ready],
        "highlights": lambda: _highlights(record) if ready else [],
        "crm_matches": lambda: _crm_matches(record),
    }
    names = {part: "default_summary" if part == "summary" else part for part in PARTS}
    return {**shape, **{names[part]: made[part]() if part in parts else None for part in PARTS}}


def summary(record: FathomMeeting, now: datetime) -> Shape:
    """The summary; without text right after the call."""
    text = content.summary(record) if record.ready <= now else None
    return {"template_name": "general", "markdown_formatted": text}


def transcript(record: FathomMeeting, store: FathomStore) -> list[Shape]:
    """What was said. Who was not in the calendar is a speaker without an address."""
    guest = next((invitee.email for invitee in record.invitees if invitee.external), None)
    host = store.members[record.host]
    speakers = {
        "host": {"display_name": host.name, "matched_calendar_invitee_email": host.email if record.invitees else None},
        "guest": {"display_name": record.guest, "matched_calendar_invitee_email": guest},
    }
    return [
        {"speaker": speakers[who], "text": text, "timestamp": content.clock(second)}
        for who, text, second in content.transcript(record)
    ]


def _address(record: FathomMeeting) -> str:
    return f"https://fathom.video/calls/{record.recording_id}"


def _domain(email: str | None) -> str | None:
    return email.partition("@")[2].lower() if email else None


def _person(member: FathomMember) -> Shape:
    return {"name": member.name, "email": member.email, "email_domain": _domain(member.email), "team": member.team}


def _invitee(invitee: FathomInvitee, record: FathomMeeting, with_speaker: bool) -> Shape:
    speaker = record.guest if invitee.external else invitee.name
    return {
        "name": invitee.name,
        "matched_speaker_display_name": speaker if with_speaker else None,
        "email": invitee.email,
        "email_domain": _domain(invitee.email),
        "is_external": invitee.external,
    }


def _action_item(item: FathomActionItem, record: FathomMeeting, store: FathomStore, now: datetime) -> Shape:
    assignee = store.members.get(item.assignee)
    return {
        "description": item.description,
        "user_generated": False,
        "completed": item.done is not None and item.done <= now,
        "recording_timestamp": content.clock(item.second),
        "recording_playback_url": f"{_address(record)}?timestamp={item.second}",
        "assignee": {
            "name": assignee.name if assignee else None,
            "email": assignee.email if assignee else None,
            "team": assignee.team if assignee else None,
        },
    }


def _highlights(record: FathomMeeting) -> list[Shape]:
    noted = content.highlight(record)
    if noted is None:
        return []
    kind, gist, words = noted
    return [{"type": kind, "summary": gist, "text": words, "start_time": 16, "end_time": 27.5}]


def _crm_matches(record: FathomMeeting) -> Shape:
    guest = next((invitee for invitee in record.invitees if invitee.external), None)
    contacts = []
    if guest and record.contact_id:
        url = f"https://app.hubspot.com/contacts/1/contact/{record.contact_id}"
        contacts.append({"name": guest.name or record.guest, "email": guest.email, "record_url": url})
    return {"contacts": contacts, "companies": [], "deals": [], "error": None}
