"""Streams of what systems send and nobody can ask for: they read the bodies that are kept in the state.

Such a stream is synced like any other, as often as wanted, and what has landed stays: a window that is read again once
its bodies were deleted keeps its file.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from typing import Any

from gtm_platform.http.pages import Page
from gtm_platform.ingest.hooks.bodies import decrypt, has_key
from gtm_platform.ingest.hooks.hook import NO_KEY
from gtm_platform.ingest.hooks.pushed_settings import PushedSettings
from gtm_platform.ingest.record import Id, Instant, Record, fact
from gtm_platform.ingest.source import Pushed, Source, Stream, Window
from gtm_platform.settings import settings, settings_of
from gtm_platform.state import open_state
from gtm_platform.state.hook_events import KeptEvent, bodies_between

CURSOR = "received_at"
PAGE = 1_000
NO_TOTALS = "A webhook says nothing of how many there are."

# From an event and its body to the records in it.
RecordsOf = Callable[[KeptEvent, bytes], Iterable[bytes]]


class PushedRecord(Record):
    """What a webhook brought."""

    id: Id = fact("id", default=..., about="The sender's id, else made of what it sent.")
    received_at: Instant = fact(CURSOR, default=..., about="When it came.")


def pushed_stream(source: str, name: str, record: type[Record], records: RecordsOf) -> Stream:
    """Return a stream of a source whose records are read out of bodies."""

    def pages(_client: Any, window: Window) -> Iterator[Page]:
        with closing(open_state(settings().state_url)) as state, state.reading() as tx:
            kept = bodies_between(tx, source, window.start, window.end)
            while events := list(islice(kept, PAGE)):
                yield [row for event in events for row in records(event, decrypt(event.body))]

    return Stream(
        name,
        record,
        pages,
        sync_mode="append_only",
        cursor_field=CURSOR,
        probe=lambda _client: None,
        is_kept_here=True,
        totals=NO_TOTALS,
    )


def pushed_source(
    name: str, kind: type[PushedSettings], streams: Sequence[Stream], about: str, minute: int = 12
) -> Source:
    """Return a source whose only way is webhooks."""

    def reason_for_rest() -> str | None:
        missing = [*settings_of(kind).secrets_missing(), *([] if has_key() else [NO_KEY])]
        return f"{name} is off: set {' and '.join(missing)} (see .env.example)" if missing else None

    @contextmanager
    def connect(_settings: Any) -> Iterator[None]:
        yield None

    return Source(
        name,
        Pushed(minute=minute),
        kind,
        connect=connect,
        check=lambda _client: "what was sent lies here",
        streams=tuple(streams),
        about=about,
        identity="What is sent belongs to whoever has the secret.",
        idle=reason_for_rest,
    )
