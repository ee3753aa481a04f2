"""Intercom's streams. A search finds what was updated; a whole list finds what was deleted."""

from collections.abc import Iterable, Iterator
from datetime import timedelta

import msgspec

from gtm_platform.http.errors import NotFound
from gtm_platform.http.pages import Page, get_path, get_path_or_none, rows
from gtm_platform.ingest.concurrency import map_concurrently
from gtm_platform.ingest.record import with_facts
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.sources.intercom import records
from gtm_platform.sources.intercom.client import Intercom

# Contacts are searched by whole days of the workspace's time zone: `>` begins with the day after.
DAYS_ASKED_BEFORE = timedelta(days=2)
# What was updated may take minutes until a search finds it.
SEARCHED_AGAIN = timedelta(hours=1)
IN_FLIGHT = 8
PLAIN = {"display_as": "plaintext"}


def contacts(intercom: Intercom, window: Window) -> Iterator[Page]:
    """Read contacts with all their companies and tags."""
    searched = intercom.changed("/contacts/search", window.start - DAYS_ASKED_BEFORE)
    for page in intercom.listed("/contacts") if window.full else searched:
        yield [_with_all(intercom, _with_all(intercom, contact, "companies"), "tags") for contact in page]


def _with_all(intercom: Intercom, contact: bytes, of: str) -> bytes:
    """A contact shows ten of its companies and of its tags."""
    if not get_path_or_none(contact, of, "has_more"):
        return contact
    path = f"/contacts/{get_path(contact, 'id')}/{of}"
    try:
        pages = [intercom.single_page(path)] if of == "tags" else intercom.linked(path)
        rest = [msgspec.Raw(row) for page in pages for row in page]
    except NotFound:  # the contact was deleted since
        return contact
    return with_facts(contact, **{of: rest})


def a_company(intercom: Intercom) -> bytes:
    """Without a scroll: one that is begun and left blocks the next for a minute."""
    return intercom.api.post("/companies/list?per_page=1", None)


def companies(intercom: Intercom, _: Window) -> Iterator[Page]:
    """By scroll: the list ends at 10,000 and hides companies without users."""
    return intercom.scrolled("/companies/scroll")


def conversations(intercom: Intercom, window: Window) -> Iterator[Page]:
    """Read conversations, all or those that were updated."""
    if window.full:
        return intercom.listed("/conversations", "conversations")
    return intercom.changed("/conversations/search", window.start, "conversations")


def conversation_parts(intercom: Intercom, window: Window) -> Iterator[Page]:
    """One call for each conversation that was updated: all of its parts, whatever their own time."""
    return map_concurrently(lambda key: _parts(intercom, key), _updated_within(intercom, window), IN_FLIGHT)


def _updated_within(intercom: Intercom, window: Window) -> Iterable[str]:
    for page in conversations(intercom, window):
        for conversation in page:
            changed = get_path_or_none(conversation, "updated_at")
            if isinstance(changed, int) and window.start.timestamp() <= changed < window.end.timestamp():
                yield get_path(conversation, "id")


def _parts(intercom: Intercom, key: str) -> Page:
    try:
        conversation = intercom.api.get(f"/conversations/{key}", PLAIN)
    except NotFound:  # it was deleted since
        return []
    changed = get_path(conversation, "updated_at")
    parts = rows(conversation, "conversation_parts.conversation_parts")
    return [with_facts(part, conversation_id=key, changed_at=changed) for part in parts]


def tickets(intercom: Intercom, window: Window) -> Iterator[Page]:
    """There is no list of tickets: the whole is a search, too."""
    return intercom.changed("/tickets/search", window.start, "tickets")


def admins(intercom: Intercom, _: Window) -> Iterator[Page]:
    """List the teammates."""
    yield intercom.single_page("/admins", "admins")


def tags(intercom: Intercom, _: Window) -> Iterator[Page]:
    """List the tags."""
    yield intercom.single_page("/tags")


STREAMS = (
    Stream("contacts", records.Contact, contacts, cursor_field="updated_at", lookback=SEARCHED_AGAIN),
    Stream("companies", records.Company, companies, sync_mode="full_refresh", probe=a_company),
    Stream("conversations", records.Conversation, conversations, cursor_field="updated_at", lookback=SEARCHED_AGAIN),
    Stream(
        "conversation_parts",
        records.ConversationPart,
        conversation_parts,
        sync_mode="append_only",
        cursor_field="changed_at",
        lookback=SEARCHED_AGAIN,
    ),
    Stream("tickets", records.Ticket, tickets, cursor_field="updated_at", lookback=SEARCHED_AGAIN),
    Stream("admins", records.Admin, admins, sync_mode="full_refresh"),
    Stream("tags", records.Tag, tags, sync_mode="full_refresh"),
)
