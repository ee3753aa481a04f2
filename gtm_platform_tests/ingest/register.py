"""A small system over HTTP that lists records by when they changed and counts them; it can hide, delay and cut them,
and its records change while it is read."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
from starlette.types import Receive, Scope, Send

from gtm_platform.http.errors import Forbidden
from gtm_platform.http.pages import Page, rows
from gtm_platform.ingest.record import Id, Instant, Record, at
from gtm_platform.ingest.source import Schedule, SliceTotal, Source, Stream, Totals, Window
from gtm_platform.settings import SystemSettings
from gtm_platform_tests.ingest.syncing import Clock

PAGE = 10
MINUTE = timedelta(minutes=1)


class Member(Record):
    """A member of the register."""

    id: Id = at("id", default=...)
    changed_at: Instant = at("changed_at", default=...)


@dataclass
class Register:
    """The server. Without `random` nothing changes by itself; with it, something may change with each request."""

    clock: Clock
    random: Random | None = None
    members: dict[str, datetime] = field(default_factory=dict)  # by id: when each last changed
    hidden: dict[str, int] = field(default_factory=dict)  # by id: from how many more lists it is left out, yet counted
    delayed: dict[str, datetime] = field(default_factory=dict)  # by id: until when it is neither listed nor counted
    cuts: int = 0  # so many more lists end in the middle of a page
    counting: bool = True
    requests: list[str] = field(default_factory=list)
    _created: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        query = dict(parse_qsl(scope["query_string"].decode()))
        self.requests.append(urlencode(query))
        if self.random:
            self.change(self.clock.now)
        if "count" in query and not self.counting:
            status, body = 403, {"message": "You may not count."}
        else:
            status, body = 200, self._answer(query)
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})

    def add(self, number: int, changed: datetime) -> None:
        """Add some members that changed one after the other, a minute apart."""
        for n in range(number):
            self._created += 1
            self.members[f"m{self._created:05}"] = changed + n * MINUTE

    def change(self, moment: datetime) -> None:
        """Create, change or delete a member, or none, by chance."""
        assert self.random is not None
        what = self.random.random()
        if what < 0.3 or not self.members:
            self.add(1, moment)
        elif what < 0.6:
            self.members[self.random.choice(list(self.members))] = moment
        elif what < 0.7:
            del self.members[self.random.choice(list(self.members))]

    def _answer(self, query: dict[str, str]) -> dict[str, Any]:
        start, end = (datetime.fromisoformat(query[name]) if name in query else None for name in ("start", "end"))
        visible = {
            key: changed
            for key, changed in sorted(self.members.items())
            if self.delayed.get(key, changed) <= self.clock.now
            and (start is None or changed >= start)
            and (end is None or changed < end)
        }
        after = [key for key in visible if key > query.get("after", "")]
        page, more = after[:PAGE], len(after) > PAGE
        if "count" not in query and self.cuts and len(page) > 1:
            self.cuts, page, more = self.cuts - 1, page[: len(page) // 2], False
        shown = [key for key in page if not self._is_hidden(key)] if "count" not in query else []
        records = [{"id": key, "changed_at": visible[key].isoformat()} for key in shown]
        return {"data": records, "total": len(visible), "after": page[-1] if more else None}

    def _is_hidden(self, key: str) -> bool:
        if not self.hidden.get(key):
            return False
        self.hidden[key] -= 1
        return True


def members(client: httpx.Client, window: Window) -> Iterator[Page]:
    """Read all members, or those that changed in the window."""
    params: dict[str, str] = {} if window.full else _span(window)
    while True:
        body = client.get("/", params=params).raise_for_status().content
        yield rows(body)
        if not (after := json.loads(body)["after"]):
            return
        params = {**params, "after": after}


def count(client: httpx.Client, window: Window) -> SliceTotal:
    """Count the members that changed in the window."""
    return SliceTotal(window.start, window.end, _total(client, _span(window)))


def count_all(client: httpx.Client, window: Window) -> SliceTotal:
    """Count all members."""
    return SliceTotal(window.start, window.end, _total(client, {}))


def _total(client: httpx.Client, params: dict[str, str]) -> int:
    response = client.get("/", params={**params, "count": "1"})
    if response.status_code == httpx.codes.FORBIDDEN:
        raise Forbidden("Register", "Register does not let us count.", status=403)
    return int(response.json()["total"])


def _span(window: Window) -> dict[str, str]:
    return {"start": window.start.isoformat(), "end": window.end.isoformat()}


SOURCE = Source(
    "register",
    Schedule(24),
    SystemSettings,
    connect=lambda _: httpx.Client(),
    check=lambda _: "",
    streams=(
        Stream("members", Member, members, cursor_field="changed_at", totals=Totals(count, "`total`")),
        Stream(
            "log",
            Member,
            members,
            sync_mode="append_only",
            cursor_field="changed_at",
            totals=Totals(count, "`total`"),
        ),
        Stream("list", Member, members, sync_mode="full_refresh", totals=Totals(count_all, "`total`")),
    ),
)
