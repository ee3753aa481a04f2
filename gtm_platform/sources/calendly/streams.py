"""Calendly's streams. No list can be asked for what changed, only by when calls begin.

So each run reads the calls from some weeks back on, without an end, since calls are booked ahead; what came long ago
and changed all the same is seen by the weekly full refresh.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from gtm_platform.http.errors import NotFound
from gtm_platform.http.pages import Page, get_path_or_none
from gtm_platform.ingest.concurrency import map_concurrently
from gtm_platform.ingest.record import with_facts
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.sources.calendly import records
from gtm_platform.sources.calendly.client import Calendly, last_step

BACK = timedelta(days=30)  # as far as calls are looked at for what changed
# A host marks a no-show after the call, which does not touch the event, so recent calls are asked about each time.
MARKED_WITHIN = timedelta(days=14)
IN_FLIGHT = 4
Fields = dict[str, Any]


def events(calendly: Calendly, window: Window) -> Iterator[Page]:
    """Read the calls, all or those that begin from some weeks before the window on."""
    params = {} if window.full else {"min_start_time": _text(window.start - BACK)}
    for page in calendly.listed_in_organization("/scheduled_events", sort="start_time:asc", **params):
        yield [with_facts(event, hosts=_hosts(calendly, event)) for event in page]


def invitees(calendly: Calendly, window: Window) -> Iterator[Page]:
    """Read who booked the calls: one request for each call that may have changed."""
    for page in events(calendly, window):
        chosen = [event for event in page if window.full or _may_have_changed(event, window)]
        answers = map_concurrently(partial(_invitees_of, calendly), chosen, IN_FLIGHT)
        yield [invitee for invitees in answers for invitee in invitees]


def _may_have_changed(event: bytes, window: Window) -> bool:
    """Whether the event, or a no-show of it, can have changed since the window began."""
    updated, ends = _instant(event, "updated_at"), _instant(event, "end_time")
    if updated is None or ends is None or updated >= window.start:
        return True
    return window.start - MARKED_WITHIN <= ends <= window.end


def _invitees_of(calendly: Calendly, event: bytes) -> Page:
    path = f"/scheduled_events/{last_step(str(get_path_or_none(event, 'uri')))}/invitees"
    facts = {
        "event_name": get_path_or_none(event, "name"),
        "starts_at": get_path_or_none(event, "start_time"),
        "ends_at": get_path_or_none(event, "end_time"),
        "hosts": _hosts(calendly, event),
    }
    changed = _instant(event, "updated_at")
    try:
        return [
            with_facts(invitee, **facts, **_own_facts(invitee, facts["hosts"], changed))
            for page in calendly.listed(path, {})
            for invitee in page
        ]
    except NotFound:  # the event was deleted since
        return []


def _own_facts(invitee: bytes, hosts: Sequence[Fields], event_changed: datetime | None) -> Fields:
    moments = (event_changed, _instant(invitee, "updated_at"), _instant(invitee, "no_show", "created_at"))
    changed = max((moment for moment in moments if moment), default=None)
    domains = {_domain(host.get("user_email")) for host in hosts} - {""}
    is_internal = _domain(get_path_or_none(invitee, "email")) in domains
    return {"changed_at": _text(changed) if changed else None, "is_internal": is_internal}


def _hosts(calendly: Calendly, event: bytes) -> list[Fields]:
    """The hosts with name and address, which older answers leave for the list of members to say."""
    listed = get_path_or_none(event, "event_memberships")
    hosts = [host for host in listed if isinstance(host, dict)] if isinstance(listed, list) else []
    return [host if host.get("user_email") else {**host, **_member(calendly, host.get("user"))} for host in hosts]


def _member(calendly: Calendly, user: Any) -> Mapping[str, Any]:
    return calendly.members.get(user, {}) if isinstance(user, str) else {}


def _domain(email: Any) -> str:
    return email.strip().lower().rpartition("@")[2] if isinstance(email, str) else ""


def _instant(raw: bytes, *path: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(get_path_or_none(raw, *path)))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def users(calendly: Calendly, _: Window) -> Iterator[Page]:
    """List the members of the organisation."""
    return calendly.listed_in_organization("/organization_memberships")


def event_types(calendly: Calendly, _: Window) -> Iterator[Page]:
    """List what can be booked, or could be."""
    return calendly.listed_in_organization("/event_types")


STREAMS = (
    Stream("events", records.Event, events, cursor_field="updated_at"),
    Stream(
        "invitees",
        records.Invitee,
        invitees,
        cursor_field="changed_at",
        probe=Calendly.an_event,
        totals="Counted for each call only, and not by when they changed.",
    ),
    Stream("users", records.User, users, sync_mode="full_refresh"),
    Stream("event_types", records.EventType, event_types, sync_mode="full_refresh"),
)
