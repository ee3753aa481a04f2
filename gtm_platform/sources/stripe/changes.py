"""What has changed at Stripe. No list can be asked for changes, only for what was created: the changes are told by
events, for 30 days, in which the objects may have another version's shape. So objects are listed and read again."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from gtm_platform.http.errors import InvalidResponse, NotFound
from gtm_platform.http.pages import Page, get_path_or_none, with_fields
from gtm_platform.ingest.concurrency import map_concurrently
from gtm_platform.ingest.source import Window
from gtm_platform.sources.stripe.client import IN_FLIGHT, Stripe

# Stripe tells events for 30 days; near that edge they go missing while one pages.
REACH = timedelta(days=29)
# A subscription that was "deleted" is canceled and still there.
DELETIONS = ("customer.deleted", "invoice.deleted")

Object = dict[str, Any]


class EventData(msgspec.Struct):
    object: Object


class Event(msgspec.Struct):
    type: str
    created: int
    data: EventData


@dataclass(frozen=True)
class Change:
    """The newest event about an object, and the object as it was, if it is gone."""

    at: int
    gone: bytes | None = None


def own_id(_: Stripe, told: Object) -> Iterable[str]:
    return [told["id"]]


def as_it_is(_: Stripe, raw: bytes) -> bytes:
    return raw


@dataclass(frozen=True)
class Kind:
    """A kind of object that can be listed: the types of the events about it (Stripe takes 20 at once), the ids an event
    is about, what is expanded, and what is added to each object that is read."""

    path: str
    events: tuple[str, ...]
    ids: Callable[[Stripe, Object], Iterable[str]] = own_id
    params: Mapping[str, Any] = field(default_factory=dict)
    expand: Sequence[str] = ()
    finish: Callable[[Stripe, bytes], bytes] = as_it_is

    def pages(self, stripe: Stripe, window: Window) -> Iterator[Page]:
        reach = stripe.now() - REACH
        everything = window.full or window.start < reach
        # Of what has moved since the window's end a full one must know, so that it does not pass for older than it is.
        changed = self._changes(stripe, int(max(window.end if window.full else window.start, reach).timestamp()))
        # What was not told of since the reach may still have moved until then.
        floor = int(reach.timestamp()) if everything and not window.full else 0
        begun, ended = int(window.start.timestamp()), int(window.end.timestamp())
        created = {} if everything else {"created[gte]": begun, "created[lt]": ended}
        for page in stripe.pages(self.path, {**self.params, **created}, self.expand):
            yield [self._listed(stripe, raw, changed, floor) for raw in page]
        # What has changed again since the window's end belongs to a later window.
        others = [(key, change) for key, change in changed.items() if change.gone or change.at < ended]
        for raw in map_concurrently(lambda other: self._again(stripe, *other), others, IN_FLIGHT):
            yield [raw] if raw else []

    def _changes(self, stripe: Stripe, since: int) -> dict[str, Change]:
        found: dict[str, Change] = {}
        for page in stripe.pages("/v1/events", {"created[gte]": since, "types[]": list(self.events)}):
            for event in map(_event, page):
                told = event.data.object
                gone = msgspec.json.encode({**told, "deleted": True}) if event.type in DELETIONS else None
                for key in self.ids(stripe, told):
                    known = found.get(key, Change(0))
                    found[key] = Change(max(known.at, event.created), known.gone or gone)
        return found

    def _listed(self, stripe: Stripe, raw: bytes, changed: dict[str, Change], floor: int) -> bytes:
        """Takes its change out of those that must be read one by one."""
        change, created = changed.pop(str(get_path_or_none(raw, "id")), None), get_path_or_none(raw, "created")
        at = change.at if change else max(created, floor) if isinstance(created, int) else created
        return with_fields(self.finish(stripe, raw), moved_at=at)

    def _again(self, stripe: Stripe, key: str, change: Change) -> bytes | None:
        """The object as it is now; None when it went away since it was told of."""
        if change.gone:
            return with_fields(change.gone, moved_at=change.at)
        try:
            raw = stripe.retrieve(f"{self.path}/{key}", self.expand)
        except NotFound:
            return None
        return with_fields(self.finish(stripe, raw), moved_at=change.at)


def _event(raw: bytes) -> Event:
    try:
        return msgspec.json.decode(raw, type=Event)
    except msgspec.ValidationError as error:
        raise InvalidResponse("Stripe", f"Stripe tells an event that cannot be understood ({error}).") from None
