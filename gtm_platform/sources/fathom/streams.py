"""Fathom's streams. Meetings can be asked for by when they appeared only; what is made of them comes later.

So those of the last days are read again each time: summaries are late, and people tick action items off for days.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from gtm_platform.http.pages import Page, get_path_or_none
from gtm_platform.ingest.record import with_facts
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.sources.fathom import records
from gtm_platform.sources.fathom.client import Fathom

CHANGES_WITHIN = timedelta(days=14)
# A transcript is there within the hour. It is large, and does not change.
TRANSCRIBED_WITHIN = timedelta(days=2)
# Without these a meeting comes bare.
PARTS = {"include_summary": "true", "include_action_items": "true", "include_highlights": "true"}


def meetings(fathom: Fathom, window: Window) -> Iterator[Page]:
    """Read meetings, all or those of the window, with all that is made of them but the transcript."""
    return fathom.meetings({**PARTS, **_since(window)})


def transcripts(fathom: Fathom, window: Window) -> Iterator[Page]:
    """Read what was said in meetings, all or those of the window."""
    for page in fathom.meetings({"include_transcript": "true", **_since(window)}):
        yield [with_facts(meeting, external_words=external_words(meeting)) for meeting in page]


def _since(window: Window) -> dict[str, str]:
    """The parameter means after, not from on, and Fathom counts in seconds."""
    return {} if window.full else {"created_after": _text(window.start - timedelta(seconds=1))}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def external_words(meeting: bytes) -> str | None:
    """Return what those said who are neither the recorder nor an invitee of ours; None where nobody did.

    Speakers are known by the address of the invitee that they were matched with. Without one, as in a call that is in
    no calendar, their name has to do.
    """
    lines = _dicts(get_path_or_none(meeting, "transcript"))
    invitees = _dicts(get_path_or_none(meeting, "calendar_invitees"))
    ours = [each for each in invitees if not each.get("is_external")]
    recorder = get_path_or_none(meeting, "recorded_by")
    ours += [recorder] if isinstance(recorder, dict) else []
    emails = {_plain(each.get("email")) for each in ours}
    names = {_plain(each.get(name)) for each in ours for name in ("name", "matched_speaker_display_name")} - {""}
    spoken = [str(line.get("text") or "") for line in lines if _is_external(line.get("speaker"), emails, names)]
    return "\n".join(filter(None, spoken)) or None


def _is_external(speaker: Any, emails: set[str], names: set[str]) -> bool:
    if not isinstance(speaker, dict):
        return False  # nobody knows who spoke
    if email := _plain(speaker.get("matched_calendar_invitee_email")):
        return email not in emails
    return _plain(speaker.get("display_name")) not in names


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _plain(value: Any) -> str:
    return value.strip().lower() if isinstance(value, str) else ""


STREAMS = (
    Stream("meetings", records.Meeting, meetings, cursor_field="created_at", lookback=CHANGES_WITHIN),
    Stream(
        "transcripts",
        records.Transcript,
        transcripts,
        sync_mode="append_only",
        cursor_field="created_at",
        lookback=TRANSCRIBED_WITHIN,
    ),
)
