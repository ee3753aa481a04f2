"""Intercom's streams. A search finds what was updated; a whole list finds what was deleted."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from gtm_platform.http.errors import NotFound
from gtm_platform.http.pages import Page, get_path, get_path_or_none, rows
from gtm_platform.ingest.concurrency import map_concurrently
from gtm_platform.ingest.record import with_facts
from gtm_platform.ingest.source import SliceTotal, Stream, Totals, Window
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


def count_contacts(intercom: Intercom, window: Window) -> SliceTotal | None:
    """Count the contacts that changed on the workspace's whole days in the window."""
    if intercom.timezone is None:
        return None
    start, end = (_midnight(moment, intercom.timezone) for moment in (window.start, window.end))
    if start >= end:
        return None
    # `>` begins with the day after the moment's, `<` ends with the day before.
    after, before = int(start.timestamp()) - 1, int(end.timestamp())
    return SliceTotal(start, end, intercom.changed_total("/contacts/search", after, before))


def _midnight(moment: datetime, zone: ZoneInfo) -> datetime:
    """The last midnight there was, in the zone."""
    return datetime.combine(moment.astimezone(zone).date(), time(), zone).astimezone(UTC)


def count_by_search(path: str) -> Callable[[Intercom, Window], SliceTotal]:
    """Return how records that are searched to the second are counted.

    Whether `>` and `<` include the second itself is not documented: here no record outside of the window is counted.
    """

    def count(intercom: Intercom, window: Window) -> SliceTotal:
        after, before = int(window.start.timestamp()), int(window.end.timestamp()) - 1
        return SliceTotal(window.start, window.end, intercom.changed_total(path, after, before))

    return count


CONTACT_TOTALS = Totals(count_contacts, "`total_count` of a search by `updated_at`, up to the last midnight there")
CONVERSATION_TOTALS = Totals(count_by_search("/conversations/search"), "`total_count` of a search by `updated_at`")
TICKET_TOTALS = Totals(count_by_search("/tickets/search"), "`total_count` of a search by `updated_at`")


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
    Stream(
        "contacts",
        records.Contact,
        contacts,
        cursor_field="updated_at",
        lookback=SEARCHED_AGAIN,
        totals=CONTACT_TOTALS,
    ),
    Stream(
        "companies",
        records.Company,
        companies,
        sync_mode="full_refresh",
        probe=a_company,
        totals="A scroll gives no total, and that of the list leaves out companies without users.",
    ),
    Stream(
        "conversations",
        records.Conversation,
        conversations,
        cursor_field="updated_at",
        lookback=SEARCHED_AGAIN,
        totals=CONVERSATION_TOTALS,
    ),
    Stream(
        "conversation_parts",
        records.ConversationPart,
        conversation_parts,
        sync_mode="append_only",
        cursor_field="changed_at",
        lookback=SEARCHED_AGAIN,
        totals="Parts are counted for each conversation only, in the answer that brings them all.",
    ),
    Stream(
        "tickets",
        records.Ticket,
        tickets,
        cursor_field="updated_at",
        lookback=SEARCHED_AGAIN,
        totals=TICKET_TOTALS,
    ),
    Stream("admins", records.Admin, admins, sync_mode="full_refresh"),
    Stream("tags", records.Tag, tags, sync_mode="full_refresh"),
)
