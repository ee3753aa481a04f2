"""What has changed at Stripe, as its events tell.

No list can be asked for changes, only for what was created. Events tell them for 30 days, in which the objects may have
another version's shape: so objects are listed and read again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from gtm_platform.http.errors import InvalidResponse, NotFound
from gtm_platform.http.pages import Page, get_path_or_none
from gtm_platform.ingest.concurrency import map_concurrently
from gtm_platform.ingest.record import with_facts
from gtm_platform.ingest.source import Window
from gtm_platform.sources.stripe.client import IN_FLIGHT, Stripe

# Stripe tells events for 30 days; near that edge they go missing while one pages.
REACH = timedelta(days=29)
# A subscription that was "deleted" is canceled and still there.
DELETIONS = ("customer.deleted", "invoice.deleted")

Object = dict[str, Any]


class EventData(msgspec.Struct):
    """What an event is about, as received."""

    object: msgspec.Raw


class Event(msgspec.Struct):
    """An event, as far as it is needed."""

    type: str
    created: int
    data: EventData


@dataclass(frozen=True)
class Change:
    """The newest event about an object, and the object as it was, if it is gone."""

    at: int
    gone: bytes | None = None


def own_id(_: Stripe, subject: Object) -> Iterable[str]:
    """Return the id of what an event is about."""
    return [subject["id"]]


def as_it_is(_: Stripe, raw: bytes) -> bytes:
    """Add nothing to an object."""
    return raw


@dataclass(frozen=True)
class Kind:
    """A kind of object that can be listed, and the events about it (Stripe takes 20 types at once).

    `ids` are those that an event is about, `expand` is what each object is asked to hold, `finish` adds facts to it.
    """

    path: str
    events: tuple[str, ...]
    ids: Callable[[Stripe, Object], Iterable[str]] = own_id
    params: Mapping[str, Any] = field(default_factory=dict)
    expand: Sequence[str] = ()
    finish: Callable[[Stripe, bytes], bytes] = as_it_is

    def pages(self, stripe: Stripe, window: Window) -> Iterator[Page]:
        """Read the objects that are new or have changed in the window, or all."""
        reach = stripe.now() - REACH
        everything = window.full or window.start < reach
        # A full window must know what changed since its end, so that it does not pass for older than it is.
        changed = self._changes(stripe, int(max(window.end if window.full else window.start, reach).timestamp()))
        # What no event is about since the reach may still have changed until then.
        floor = int(reach.timestamp()) if everything and not window.full else 0
        begun, ended = int(window.start.timestamp()), int(window.end.timestamp())
        created = {} if everything else {"created[gte]": begun, "created[lt]": ended}
        for page in stripe.pages(self.path, {**self.params, **created}, self.expand):
            yield [self._listed(stripe, raw, changed, floor) for raw in page]
        # What has changed again since the window's end belongs to a later window.
        unlisted = [(key, change) for key, change in changed.items() if change.gone or change.at < ended]
        for raw in map_concurrently(lambda each: self._refetch(stripe, *each), unlisted, IN_FLIGHT):
            yield [raw] if raw else []

    def _changes(self, stripe: Stripe, since: int) -> dict[str, Change]:
        changes: dict[str, Change] = {}
        for page in stripe.pages("/v1/events", {"created[gte]": since, "types[]": list(self.events)}):
            for event, subject in map(_event, page):
                gone = bytes(event.data.object) if event.type in DELETIONS else None
                for key in self.ids(stripe, subject):
                    newer = changes.get(key, Change(0))
                    changes[key] = Change(max(newer.at, event.created), newer.gone or gone)
        return changes

    def _listed(self, stripe: Stripe, raw: bytes, changed: dict[str, Change], floor: int) -> bytes:
        """Takes its change out of those that must be read one by one."""
        change, created = changed.pop(str(get_path_or_none(raw, "id")), None), get_path_or_none(raw, "created")
        at = change.at if change else max(created, floor) if isinstance(created, int) else created
        return with_facts(self.finish(stripe, raw), changed_at=at)

    def _refetch(self, stripe: Stripe, key: str, change: Change) -> bytes | None:
        """The object as it is now; None when it went away since it was told of."""
        if change.gone:
            return with_facts(change.gone, deleted=True, changed_at=change.at)
        try:
            raw = stripe.retrieve(f"{self.path}/{key}", self.expand)
        except NotFound:
            return None
        return with_facts(self.finish(stripe, raw), changed_at=change.at)


def _event(raw: bytes) -> tuple[Event, Object]:
    """An event, and what it is about."""
    try:
        event = msgspec.json.decode(raw, type=Event)
        return event, msgspec.json.decode(event.data.object, type=Object)
    except msgspec.ValidationError as error:
        raise InvalidResponse("Stripe", f"Stripe tells an event that cannot be understood ({error}).") from None
