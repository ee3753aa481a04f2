"""The app: every endpoint, the errors, the audit; no page that loads anything from elsewhere."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from importlib.metadata import version

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gtm_platform.ingest.hooks.hook import discover_hooks
from gtm_platform.serving.api import endpoints, problems
from gtm_platform.serving.api.access_log import AccessLog, AccessLogged
from gtm_platform.serving.api.context import Api
from gtm_platform.serving.api.erasures import Erasures
from gtm_platform.serving.api.rate_limit import RequestLimit
from gtm_platform.serving.api.syncs import Syncs
from gtm_platform.serving.chat.http import PATH, ChatEndpoint
from gtm_platform.serving.hooks.endpoint import ROUTE, HookEndpoint
from gtm_platform.serving.hooks.inbox import Inbox
from gtm_platform.serving.store import Store
from gtm_platform.serving.tokens import Tokens
from gtm_platform.state import State

REQUESTS_PER_SECOND = 50.0  # of a token
ABOUT = """Customers, companies, metrics and what the platform did, from one snapshot per landing.

Every answer is of one day, `as_of`. Lists come in pages: pass `next_cursor` as `cursor`. Columns with personal data are
there only with the scope personal:read."""


def make_app(
    store: Store,
    state: State,
    syncs: Syncs,
    now: Callable[[], datetime],
    clock: Callable[[], float] = time.monotonic,
    per_second: float = REQUESTS_PER_SECOND,
    erasures: Erasures | None = None,
) -> FastAPI:
    """Return the app over a store, with the state that holds its tokens and its audit."""
    log = AccessLog(state, now)
    api = Api(store, state, Tokens(state, now, clock), RequestLimit(per_second, clock), log, syncs, now, erasures)
    chat, inbox = ChatEndpoint(api), Inbox(state, now)
    hooks = {hook.name: hook for hook in discover_hooks()}
    app = FastAPI(
        title="gtm-platform",
        version=version("gtm-platform"),
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        lifespan=_lifespan(log, chat, inbox),
        responses=problems.DOCUMENTED,
    )
    app.state.api, app.state.inbox = api, inbox
    problems.install(app)
    for router in endpoints.discover():
        app.include_router(router)
    app.add_api_route("/healthz", _healthz, include_in_schema=False)
    app.router.routes.append(Route(PATH, chat, methods=["POST"]))
    app.router.routes.append(Route(ROUTE, HookEndpoint(hooks, inbox, now)))
    app.add_middleware(AccessLogged, log=log)
    return app


def _lifespan(log: AccessLog, chat: ChatEndpoint, inbox: Inbox) -> Callable[[FastAPI], "asynccontextmanager[None]"]:  # type: ignore[valid-type]
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        writers = [asyncio.create_task(log.keep_writing()), asyncio.create_task(inbox.keep_writing())]
        async with chat.run():
            yield
        for writer in writers:
            writer.cancel()
            with suppress(asyncio.CancelledError):
                await writer

    return lifespan


async def _healthz(request: Request) -> Response:
    """Say that it answers, and whether there is something to serve."""
    request.app.state.api.store.current()
    return Response('{"status":"ok"}', media_type="application/json")
