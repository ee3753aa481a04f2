"""What Fathom's meetings look like to us: recorded calls. There is no other record."""

from typing import Annotated, Any

from pydantic import BeforeValidator

from gtm_platform.ingest.record import (
    Id,
    Instant,
    MaybeBool,
    MaybeInstant,
    MaybeText,
    Record,
    at,
    fact,
)

RECORDING_ID = "Fathom's number of the recording."
RECORDED = "When the recording appeared; what is made of it comes later, and leaves this as it is."
BEGINS, ENDS = "When the recording begins.", "When the recording ends."
EXTERNAL = "Addresses of those in the calendar event who are not ours, in lower case."


def _lower(value: Any) -> Any:
    return value.strip().lower() if isinstance(value, str) else value


def external_emails(invitees: Any) -> Any:
    """Return the addresses of the invitees who are not ours, each once, in lower case."""
    if not isinstance(invitees, list):
        return [] if invitees is None else invitees
    external = [each.get("email") for each in invitees if isinstance(each, dict) and each.get("is_external")]
    return sorted({_lower(email) for email in external if email})


def _none_for_null(value: Any) -> Any:
    return [] if value is None else value


Email = Annotated[MaybeText, BeforeValidator(_lower)]
Externals = Annotated[list[str], BeforeValidator(external_emails)]
Several = BeforeValidator(_none_for_null)


class Invitee(Record):
    """Somebody in the calendar event of a call."""

    name: MaybeText = at("name", personal=True, about="First and last name.")
    email: Email = at("email", personal=True, about="Address, in lower case.")
    is_external: MaybeBool = at("is_external", about="Not one of ours.")


class ActionItem(Record):
    """Something to do after a call."""

    description: MaybeText = at("description", personal=True, about="What is to be done.")
    completed: MaybeBool = at("completed", about="It was ticked off.")
    assignee_email: Email = at("assignee", "email", personal=True, about="Who of us shall do it.")


class Highlight(Record):
    """A moment of a call that stood out."""

    type: MaybeText = at("type", about="Such as Objection or Praise.")
    summary: MaybeText = at("summary", personal=True, about="What it was about.")


class Meeting(Record):
    """A recorded call, its summary and what is to be done; the words are in fathom/transcripts."""

    id: Id = at("recording_id", default=..., about=RECORDING_ID)
    title: MaybeText = at("title", personal=True, about="What the call is called.")
    meeting_type: MaybeText = at("meeting_type", about="Of our own list of kinds of calls.")
    url: MaybeText = at("url", about="Address of the recording, for our own people.")
    meeting_url: MaybeText = at("meeting_url", about="Address at which the call took place.")
    scheduled_at: MaybeInstant = at("scheduled_start_time", about="When it was to begin.")
    starts_at: Instant = at("recording_start_time", default=..., about=BEGINS)
    ends_at: Instant = at("recording_end_time", default=..., about=ENDS)
    host_name: MaybeText = at("recorded_by", "name", about="Who of us recorded it.")
    host_email: Email = at("recorded_by", "email", about="The host's address at work.")
    invitees: Annotated[list[Invitee], Several] = at(
        "calendar_invitees", default=[], personal=True, about="Who is in the calendar event; nobody, where none is."
    )
    external_emails: Externals = at("calendar_invitees", default=[], personal=True, about=EXTERNAL)
    summary: MaybeText = at(
        "default_summary", "markdown_formatted", personal=True, about="What the call was about, in Markdown."
    )
    action_items: Annotated[list[ActionItem], Several] = at(
        "action_items", default=[], personal=True, about="What is to be done; people tick it off for days."
    )
    highlights: Annotated[list[Highlight], Several] = at(
        "highlights", default=[], personal=True, about="Moments that stood out."
    )
    created_at: Instant = at("created_at", default=..., about=RECORDED)


class Transcript(Record):
    """What those who are not ours said in a recorded call; everybody's words are in the payload."""

    id: Id = at("recording_id", default=..., about=RECORDING_ID)
    starts_at: Instant = at("recording_start_time", default=..., about=BEGINS)
    ends_at: Instant = at("recording_end_time", default=..., about=ENDS)
    language: MaybeText = at("transcript_language", about="Two letters.")
    external_emails: Externals = at("calendar_invitees", default=[], personal=True, about=EXTERNAL)
    external_words: MaybeText = fact(
        "external_words", personal=True, about="All that they said, in order; None until there is a transcript."
    )
    created_at: Instant = at("created_at", default=..., about=RECORDED)
