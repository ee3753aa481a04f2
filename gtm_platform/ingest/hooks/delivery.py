"""A delivery of a webhook as it came, the events in it, and why one is refused."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from gtm_platform.http.redaction import ADDRESSES
from gtm_platform.state.hook_events import LONGEST_KIND, digest_of

Refusal = Literal["no_signature", "bad_signature", "too_old", "malformed", "too_large", "too_slow", "flooded", "off"]

BOM = b"\xef\xbb\xbf"
NOT_READABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
PLAIN_ID = re.compile(r"[A-Za-z0-9_.:/|=+-]{1,120}")
PLAIN_KIND = re.compile(r"[A-Za-z0-9_.:/ $-]+")
SECOND_MOST = 100_000_000_000  # of seconds since 1970; a larger number counts milliseconds


class RefusedDelivery(Exception):
    """A delivery that is not taken; the message says why, and shows nothing of what was sent."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


class Malformed(RefusedDelivery):
    """A verified delivery that is no event of the system."""

    def __init__(self, message: str) -> None:
        super().__init__("malformed", message)


@dataclass(frozen=True)
class Delivery:
    """A request as received: headers by names in lower case, the public `url`, the raw bytes."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    method: str = "POST"

    def json(self) -> Any:
        """Return the body as JSON; Malformed where it is none."""
        try:
            return msgspec.json.decode(self.body.removeprefix(BOM))
        except NOT_READABLE:
            raise Malformed("The body is not JSON that can be read.") from None

    def object(self) -> dict[str, Any]:
        """Return the body as a JSON object; Malformed where it is none."""
        value = self.json()
        if not isinstance(value, dict):
            raise Malformed("The body is not a JSON object.")
        return value


Touched = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Event:
    """What happened, as far as it is kept: ids, a kind and times.

    `id` is the sender's; without one, the same bytes within a day are the same event. `touched` names the objects that
    changed, by stream. `body` is kept, encrypted, of systems that cannot be asked.
    """

    id: str | None
    kind: str
    touched: Touched = field(default_factory=dict)
    occurred_at: datetime | None = None
    body: bytes | None = None


@dataclass(frozen=True)
class Reply:
    """An answer that a system expects instead of the usual one, such as to a challenge."""

    body: bytes
    media_type: str = "text/plain"


def plain_id(value: Any) -> str:
    """Return an id that can be kept: as it is, or its digest where it could be an address or a text."""
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not text:
        return ""
    return (
        text if PLAIN_ID.fullmatch(text) and not ADDRESSES.search(text) else digest_of(text.encode("utf-8", "replace"))
    )


def plain_kind(value: Any) -> str:
    """Return the kind of an event; what does not look like one is `other`."""
    text = value[:LONGEST_KIND] if isinstance(value, str) else ""
    return text if PLAIN_KIND.fullmatch(text) else "other"


def touching(streams: Iterable[str], *ids: Any) -> dict[str, tuple[str, ...]]:
    """Return what an event touches: these objects of each of the streams; all of it without ids."""
    plain = tuple(dict.fromkeys(filter(None, map(plain_id, ids))))
    return dict.fromkeys(streams, plain)


def member(value: Any, *path: str | int) -> Any:
    """Return what lies at a path in decoded JSON; None where nothing does."""
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and -len(value) <= step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
    return value


def moment(value: Any) -> datetime | None:
    """Return an instant that is written in ISO, in seconds or in milliseconds; None where it is none."""
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if abs(value) > SECOND_MOST else value, UTC)
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except (ValueError, OverflowError, OSError):
        return None
    return at and (at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC))
