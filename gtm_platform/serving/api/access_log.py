"""The audit of each access: which token asked what about whom, and what it was answered; never an address.

Reads are queued and written once a second in one transaction: a process that is killed loses the last second of them.
What changes something is written in a transaction of its own, before it is answered.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gtm_platform.serving.store.sight import noting_people
from gtm_platform.state import State
from gtm_platform.state.audit import Entry, append

FLUSH_SECONDS = 1.0
QUEUED_AT_MOST = 100_000  # while the state cannot be written; then the oldest are lost
LOGGER = logging.getLogger(__name__)


@dataclass
class AccessLog:
    """What was accessed and is not written yet."""

    state: State
    now: Callable[[], datetime]
    queue: list[Entry] = field(default_factory=list)

    def add(self, actor: str, action: str, subject: str, **detail: Any) -> None:
        """Queue an access; without `people` where it showed nobody's personal data."""
        if not detail.get("people", True):
            del detail["people"]
        self.queue.append(Entry(self.now(), actor, action, subject, detail))

    def write(self) -> int:
        """Write what is queued; return how much it was. What cannot be written stays queued."""
        batch = self._take()
        try:
            self._write(batch)
        except Exception:
            self._put_back(batch)
            raise
        return len(batch)

    async def keep_writing(self) -> None:
        """Write what is queued, each second, until cancelled; the rest then."""
        try:
            while True:
                await asyncio.sleep(FLUSH_SECONDS)
                batch = self._take()
                try:
                    await asyncio.to_thread(self._write, batch)
                except Exception as error:  # a state that is locked or full: it is tried again with the next second
                    self._put_back(batch)
                    LOGGER.error("The audit of %d accesses cannot be written yet: %s", len(batch), type(error).__name__)
        finally:
            self.write()

    def _take(self) -> list[Entry]:
        batch, self.queue = self.queue, []
        return batch

    def _put_back(self, batch: list[Entry]) -> None:
        self.queue = [*batch, *self.queue][-QUEUED_AT_MOST:]

    def _write(self, batch: list[Entry]) -> None:
        if batch:
            with self.state.writing() as tx:
                append(tx, batch)


class AccessLogged:
    """Middleware that logs what authenticated requests were answered; endpoints may name the subject."""

    def __init__(self, app: ASGIApp, log: AccessLog) -> None:
        self.app, self.log = app, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and log its answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start" and (principal := state.get("principal")):
                route = getattr(scope.get("route"), "path", "no route")
                self.log.add(
                    f"token {principal.token_id}",
                    f"{scope['method']} {route}",
                    state.get("subject", ""),
                    status=message["status"],
                    personal=principal.sees_personal,
                    people=list(people),
                )
            await send(message)

        with noting_people() as people:
            await self.app(scope, receive, watched)
