"""`POST /webhooks/<name>`: the body is read with limits, verified as it came, read, committed, and then answered.

A plain ASGI app: nothing of the request is parsed before its signature was compared.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from gtm_platform.ingest.hooks.bodies import encrypt
from gtm_platform.ingest.hooks.delivery import Delivery, Event, Refusal, RefusedDelivery, plain_id
from gtm_platform.ingest.hooks.hook import PATH, Hook, public_url
from gtm_platform.serving.hooks.inbox import CannotKeep, Inbox
from gtm_platform.serving.problem_answer import problem
from gtm_platform.settings import SettingsError
from gtm_platform.state.hook_events import NewEvent, digest_of

LARGEST_BODY = 1_000_000  # bytes
BODY_SECONDS = 10.0
MOST_EVENTS = 5_000  # of a delivery
ROUTE = PATH + "{name:path}"
NAME = re.compile(r"[a-z0-9_-]{1,64}")
ACCEPTED = b'{"status":"accepted"}'
STATUSES: Mapping[Refusal, HTTPStatus] = {
    "no_signature": HTTPStatus.UNAUTHORIZED,
    "bad_signature": HTTPStatus.UNAUTHORIZED,
    "too_old": HTTPStatus.UNAUTHORIZED,
    "malformed": HTTPStatus.BAD_REQUEST,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "too_slow": HTTPStatus.REQUEST_TIMEOUT,
    "flooded": HTTPStatus.TOO_MANY_REQUESTS,
    "off": HTTPStatus.FORBIDDEN,
}
OFF = "This hook is switched off here; `gtm hooks` says what has to be set."
UNKNOWN = "There is no such hook; `gtm hooks` lists those that there are."
AGAIN_LATER = {"Retry-After": "5"}
CLOSE = {"Connection": "close"}  # what is left of the body is not read
UNREAD: tuple[Refusal, ...] = ("too_large", "too_slow", "off")


@dataclass(frozen=True)
class HookEndpoint:
    """The ASGI app of all hooks."""

    hooks: Mapping[str, Hook]
    inbox: Inbox
    now: Callable[[], datetime]
    body_seconds: float = BODY_SECONDS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a delivery."""
        response = await self._answer(scope, receive)
        await response(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        name = scope["path"].removeprefix(PATH)
        hook = self.hooks.get(name) if NAME.fullmatch(name) else None
        if hook is None:
            return problem(HTTPStatus.NOT_FOUND, UNKNOWN, CLOSE)
        if scope["method"] == "HEAD":  # by which a system sees whether the address answers
            return Response(status_code=HTTPStatus.OK)
        if scope["method"] != "POST":
            allowed = {"Allow": "POST, HEAD", **CLOSE}
            return problem(
                HTTPStatus.METHOD_NOT_ALLOWED, "A hook takes POST, and HEAD to see that it answers.", allowed
            )
        try:
            return await self._take(hook, scope, receive)
        except RefusedDelivery as refused:
            self.inbox.note(hook.name, refused.refusal)
            headers = AGAIN_LATER if refused.refusal == "flooded" else CLOSE if refused.refusal in UNREAD else {}
            return problem(STATUSES[refused.refusal], str(refused), headers)
        except CannotKeep:
            detail = "What was sent cannot be kept now: send it again a little later."
            return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, AGAIN_LATER)

    async def _take(self, hook: Hook, scope: Scope, receive: Receive) -> Response:
        if _is_off(hook):
            raise RefusedDelivery("off", OFF)
        headers = headers_of(scope["headers"])
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise RefusedDelivery("malformed", "The body is compressed: send it as it is.")
        body = await read_body(receive, headers, self.body_seconds)
        query = scope["query_string"].decode("latin-1")
        url = public_url() + hook.path + (f"?{query}" if query else "")
        delivery = Delivery(url, headers, body, self.now())
        hook.verifier.verify(delivery, hook.secrets())
        if not body.strip():  # a set-up ping
            return Response(ACCEPTED, media_type="application/json")
        if reply := hook.reply(delivery):
            return Response(reply.body, media_type=reply.media_type)
        await self.inbox.keep(hook.name, new_events(hook, delivery))
        return Response(ACCEPTED, media_type="application/json")


def new_events(hook: Hook, delivery: Delivery) -> list[NewEvent]:
    """Return the events of a delivery as they are kept, each once."""
    events = list(hook.events(delivery))
    if len(events) > MOST_EVENTS:
        raise RefusedDelivery(
            "too_large", f"There are more than {MOST_EVENTS:,} events in one delivery: send fewer at once."
        )
    kept = [_kept(hook, delivery, event) for event in events]
    return list({event.event_key: event for event in reversed(kept)}.values())[::-1]


def _kept(hook: Hook, delivery: Delivery, event: Event) -> NewEvent:
    return NewEvent(
        hook.name,
        hook.source,
        plain_id(event.id) or digest_of(event.body or delivery.body),
        event.kind,
        event.touched,
        event.occurred_at,
        delivery.received_at,
        encrypt(event.body) if hook.keeps_bodies and event.body is not None else None,
        has_id=bool(event.id),
    )


def _is_off(hook: Hook) -> bool:
    try:
        return bool(hook.missing())
    except SettingsError:
        return True


def headers_of(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by name in lower case; of one that came several times the first."""
    headers: dict[str, str] = {}
    for name, value in raw:
        headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return headers


async def read_body(receive: Receive, headers: Mapping[str, str], within: float) -> bytes:
    """Return the body; RefusedDelivery once it is too large or takes too long."""
    length = headers.get("content-length", "")
    if length.isdigit() and int(length[:20]) > LARGEST_BODY:
        raise RefusedDelivery("too_large", f"The body is larger than {LARGEST_BODY:,} bytes.")
    body = bytearray()
    try:
        async with asyncio.timeout(within):
            while True:
                message: Message = await receive()
                if message["type"] == "http.disconnect":
                    raise RefusedDelivery("too_slow", "The body ended before it was whole.")
                body += message.get("body", b"")
                if len(body) > LARGEST_BODY:
                    raise RefusedDelivery("too_large", f"The body is larger than {LARGEST_BODY:,} bytes.")
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        raise RefusedDelivery("too_slow", f"The body did not come within {within:g} seconds.") from None
