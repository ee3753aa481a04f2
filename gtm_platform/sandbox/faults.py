"""Scripted faults: what to do wrong, on which calls; and the ASGI layer that does it."""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from random import Random
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gtm_platform.sandbox.kit.paging import NEXT_PAGE_PARAMETERS

RESET = "gtm.reset"  # the server's extension that resets the connection
_KINDS = ("status", "reset", "truncate", "duplicate_page", "cursor_loop")
_REMEMBERED = 20  # pages of a list: several may be reading it


@dataclass
class Fault:
    """A fault on a system's calls; without `nth`, `rate` or `times` it hits every matching call.

    `path` is a prefix or a regular expression, within the system.
    """

    system: str
    path: str = "/"
    method: str | None = None
    rate: float | None = None  # share of the matching calls
    nth: list[int] | None = None  # which matching calls, the first is 1
    times: int | None = None  # at most so many hits
    seed: int = 0
    status: int | None = None
    body: Any = None
    retry_after: int | None = None
    delay_ms: int = 0
    reset: str | None = None  # "mid-body": half of the body, then the connection is reset
    truncate: bool = False  # a whole answer whose JSON is cut
    duplicate_page: bool = False  # the page before once more, to calls that ask for a further page
    cursor_loop: bool = False  # the first page again and again
    id: int = field(default=0, init=False)
    calls: int = field(default=0, init=False)
    hits: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if isinstance(self.nth, int):
            self.nth = [self.nth]
        self._check()
        self._pattern = re.compile(self.path)
        self._rng = Random(self.seed)
        self._pages: dict[str, list[Answer]] = {}  # by list: what duplicate_page and cursor_loop answer again

    def _check(self) -> None:
        chosen = [kind for kind in _KINDS if getattr(self, kind)]
        problem = None
        if len(chosen) > 1:
            problem = f"only one of {', '.join(chosen)} can happen to a call"
        elif not chosen and not self.delay_ms:
            problem = f"say what goes wrong: delay_ms or one of {', '.join(_KINDS)}"
        elif self.reset not in (None, "mid-body"):
            problem = f"reset can only be 'mid-body', not {self.reset!r}"
        elif self.rate is not None and not 0 <= self.rate <= 1:
            problem = f"rate must lie between 0 and 1, {self.rate} does not"
        elif self.status is not None and not 200 <= self.status <= 599:
            problem = f"status must be an HTTP status from 200 to 599, not {self.status}"
        elif self.nth is not None and any(call < 1 for call in self.nth):
            problem = "nth counts the calls from 1"
        if problem:
            raise ValueError(f"{problem[0].upper()}{problem[1:]}.")

    def matches(self, system: str, method: str, path: str) -> bool:
        """Whether the call is one of those that the fault is about, which are counted."""
        matching = (
            system == self.system
            and (self.method is None or self.method.upper() == method)
            and (path.startswith(self.path) or self._pattern.match(path) is not None)
        )
        self.calls += matching
        return matching

    def hits_call(self, list_key: str, position: str | None) -> bool:
        """Whether the fault happens to the call that it has just matched.

        `list_key` names the list that the call reads; `position` is from where on, empty at the beginning, and None
        for a list whose address does not show it.
        """
        hit = (
            (not self.remembers or self.page(list_key, position) is not None)
            and (self.times is None or self.hits < self.times)
            and (self.nth is None or self.calls in self.nth)
            and (self.rate is None or self._rng.random() < self.rate)
        )
        self.hits += hit
        return hit

    @property
    def remembers(self) -> bool:
        """Whether it answers again what was answered before."""
        return self.duplicate_page or self.cursor_loop

    def remember(self, list_key: str, answer: "Answer") -> None:
        """Note a page of a list, to answer it again later."""
        if answer.status < 300:
            pages = self._pages.setdefault(list_key, [])
            pages.append(answer)
            del pages[1 if self.cursor_loop else 0 : -_REMEMBERED]

    def page(self, list_key: str, position: str | None) -> "Answer | None":
        """The list's first page, or the one that a call which goes on from somewhere has had before."""
        pages = self._pages.get(list_key, [])
        if self.cursor_loop or position is None:
            return next(iter(pages if self.cursor_loop else reversed(pages)), None)
        ends = position.encode()
        return next((page for page in reversed(pages) if ends and ends in page.body), None)

    def to_json(self) -> dict[str, Any]:
        """The fault as its author wrote it, with its counts."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


_TYPES: dict[str, tuple[type, ...]] = {
    "system": (str,),
    "path": (str,),
    "method": (str,),
    "rate": (int, float),
    "nth": (int, list),
    "times": (int,),
    "seed": (int,),
    "status": (int,),
    "body": (str, dict, list),
    "retry_after": (int,),
    "delay_ms": (int,),
    "reset": (str,),
    "truncate": (bool,),
    "duplicate_page": (bool,),
    "cursor_loop": (bool,),
}


def parse(wish: Any) -> Fault:
    """Make a fault of a JSON object; a ValueError names what is wrong with it."""
    if not isinstance(wish, dict) or "system" not in wish:
        raise ValueError('A fault is a JSON object with at least a system: {"system": "stripe", "status": 503}.')
    for name, value in wish.items():
        if name not in _TYPES:
            raise ValueError(f"A fault has no {name!r}; it may have {', '.join(_TYPES)}.")
        if not isinstance(value, _TYPES[name]) or (isinstance(value, bool) and bool not in _TYPES[name]):
            raise ValueError(f"{name} must be {' or '.join(type_.__name__ for type_ in _TYPES[name])}, not {value!r}.")
    nth = wish.get("nth")
    if isinstance(nth, list) and not all(isinstance(call, int) for call in nth):
        raise ValueError("nth must be a number or a list of numbers.")
    try:
        return Fault(**wish)
    except re.error as error:
        raise ValueError(f"The path {wish['path']!r} is no regular expression: {error}.") from error


@dataclass
class Answer:
    """A whole answer of a system, held back."""

    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""

    async def send(self, send: Send, body: bytes | None = None, length: int | None = None, more: bool = False) -> None:
        """Send it, or another body in its place, which may be shorter than its announced length."""
        body = self.body if body is None else body
        headers = [(name, value) for name, value in self.headers if name.lower() != b"content-length"]
        headers.append((b"content-length", str(len(body) if length is None else length).encode()))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": more})


class Faults:
    """The faults that are in force, and the layer around the systems that makes them happen."""

    def __init__(self, app: ASGIApp, systems: Sequence[str]) -> None:
        self._app = app
        self._systems = systems
        self._added = 0
        self.list: list[Fault] = []

    def add(self, fault: Fault) -> Fault:
        """Put a fault in force, with a number of its own."""
        if fault.system not in self._systems:
            raise ValueError(f"System must be one of {', '.join(self._systems)}, not {fault.system!r}.")
        self._added += 1
        fault.id = self._added
        self.list.append(fault)
        return fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        system, _, rest = scope["path"].lstrip("/").partition("/")
        path = f"/{rest}"
        list_key, position = _list_request(scope, path)
        struck: Fault | None = None
        watching: list[Fault] = []
        for fault in self.list:
            if fault.matches(system, scope["method"], path):
                watching += [fault] if fault.remembers else []
                struck = fault if struck is None and fault.hits_call(list_key, position) else struck
        if struck:
            await self._do_wrong(struck, struck.page(list_key, position), scope, receive, send)
        elif watching:
            answer = await self._answer(scope, receive)
            for fault in watching:
                fault.remember(list_key, answer)
            await answer.send(send)
        else:
            await self._app(scope, receive, send)

    async def _do_wrong(
        self, fault: Fault, before: "Answer | None", scope: Scope, receive: Receive, send: Send
    ) -> None:
        await asyncio.sleep(fault.delay_ms / 1000)
        if fault.status:
            await _refusal(fault, fault.status).send(send)
            return
        if fault.remembers and before:
            await before.send(send)
            return
        answer = await self._answer(scope, receive)
        half = answer.body[: len(answer.body) // 2]
        if fault.reset:
            await answer.send(send, half, length=len(answer.body), more=True)
            scope["extensions"][RESET]()
        elif fault.truncate:
            await answer.send(send, half)
        else:
            await answer.send(send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        """The right answer, held back."""
        answer = Answer()

        async def collect(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status, answer.headers = message["status"], list(message["headers"])
            else:
                answer.body += message.get("body", b"")

        await self._app(scope, receive, collect)
        return answer


def _refusal(fault: Fault, status: int) -> Answer:
    is_text = isinstance(fault.body, str)
    body = fault.body if is_text else json.dumps(fault.body or {"message": "A fault made on purpose."})
    headers = [(b"content-type", b"text/plain; charset=utf-8" if is_text else b"application/json")]
    if fault.retry_after is not None:
        headers.append((b"retry-after", str(fault.retry_after).encode()))
    return Answer(status, headers, body.encode())


def _list_request(scope: Scope, path: str) -> tuple[str, str | None]:
    """The list that a call reads, and from where on."""
    query = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
    filters = sorted((name, value) for name, value in query if name not in NEXT_PAGE_PARAMETERS)
    position = next((value for name, value in query if name in NEXT_PAGE_PARAMETERS), "")
    return f"{path} {filters}", position if scope["method"] == "GET" else None
