"""The receiver of webhooks alone, as an ASGI app: `gtm_platform.serving.hooks.app:app`, for a serverless function.

It verifies what comes and commits it to the state before it answers; neither the lake nor Dagster is needed where it
runs, nor a process that lives on. What `gtm run --due`, or the daemon, reads because of it is decided elsewhere.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from http import HTTPStatus

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gtm_platform.ingest.hooks.hook import PATH, discover_hooks
from gtm_platform.keyring import KeyProblem
from gtm_platform.serving.hooks.endpoint import HookEndpoint
from gtm_platform.serving.hooks.inbox import Inbox
from gtm_platform.serving.problem_answer import problem
from gtm_platform.settings import settings
from gtm_platform.state import State, StateError, open_state
from gtm_platform.state.hook_events import NewEvent

HEALTH = "/healthz"
ELSEWHERE = f"Only webhooks are received here: POST {PATH}<name>."
NO_STATE = "What was sent cannot be kept now: send it again a little later."


class CommittingInbox(Inbox):
    """Commits what it is given itself: nothing runs on once a function has answered."""

    async def keep(self, hook: str, events: Sequence[NewEvent]) -> None:
        """Return once the events are committed; raise where they are too many, or cannot be."""
        kept = asyncio.create_task(super().keep(hook, events))
        await asyncio.sleep(0)  # it is in the queue
        await self._write_queued()
        await kept


@dataclass
class Receiver:
    """The app; it opens the state with the first request, so that it can be imported without one."""

    now: Callable[[], datetime] = field(default=lambda: settings().now())

    @cached_property
    def state(self) -> State:
        return open_state(settings().state_url)

    @cached_property
    def endpoint(self) -> HookEndpoint:
        """The hooks of all systems, over the state."""
        hooks = {hook.name: hook for hook in discover_hooks()}
        return HookEndpoint(hooks, CommittingInbox(self.state, self.now), self.now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or begin and end where a server asks for that."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
            self._close()
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == HEALTH:
            await Response(b'{"status":"ok"}', media_type="application/json")(scope, receive, send)
        elif not scope["path"].startswith(PATH):
            await problem(HTTPStatus.NOT_FOUND, ELSEWHERE)(scope, receive, send)
        else:
            try:
                answer = self.endpoint
            except (KeyProblem, StateError):  # systems send it again
                again = problem(HTTPStatus.SERVICE_UNAVAILABLE, NO_STATE, {"Retry-After": "5"})
                await again(scope, receive, send)
            else:
                await answer(scope, receive, send)

    def _close(self) -> None:
        if "state" in vars(self):
            self.state.close()


async def _live(receive: Receive, send: Send) -> None:
    """Say that it is ready, and return when the server ends."""
    while (message := await receive())["type"] != "lifespan.shutdown":
        await send({"type": f"{message['type']}.complete"})
    await send({"type": "lifespan.shutdown.complete"})


app = Receiver()
