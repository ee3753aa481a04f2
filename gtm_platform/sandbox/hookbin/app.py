"""The addresses of the receiver: one to post webhooks to, one to tell it a secret, and the page."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from gtm_platform.sandbox.hookbin.page import page
from gtm_platform.sandbox.hookbin.store import ACTIONS, HEADERS, HookStore, key_of
from gtm_platform.sandbox.kit.write_log import Persist, WriteLog, discard

KEPT_HEADERS = (*HEADERS, "content-type", "user-agent")
MAX_BYTES = 1 << 20


def app(store: HookStore, clock: Callable[[], datetime], persist: Persist = discard) -> Starlette:
    """A receiver on this store."""
    log: WriteLog[HookStore, Any] = WriteLog(store, clock, persist, ACTIONS)

    async def receive(request: Request) -> Response:
        body = await request.body()
        if len(body) > MAX_BYTES:
            return JSONResponse({"error": "too large"}, 413)
        headers = {name: value for name, value in request.headers.items() if name in KEPT_HEADERS}
        name = request.path_params["name"]
        hook = log.do({"do": "receive", "name": name, "headers": headers, "body": body.decode("latin-1")})
        return JSONResponse({"verdict": hook.verdict})

    async def keep_secret(request: Request) -> Response:
        wish = await request.json()
        try:
            key_of(str(wish["secret"]))
        except (ValueError, KeyError, TypeError) as error:
            return JSONResponse({"error": str(error)}, 400)
        log.do({"do": "secret", "name": request.path_params["name"], "secret": str(wish["secret"]).strip()})
        return Response(status_code=204)

    async def keep_typed_secret(request: Request) -> Response:
        form = await _form(request)
        try:
            key_of(form.get("secret", ""))
        except ValueError as error:
            return HTMLResponse(page(store, _address(request), str(error)), 400)
        log.do({"do": "secret", "name": form.get("name") or "all", "secret": form["secret"].strip()})
        return RedirectResponse(_address(request), 303)

    async def show(request: Request) -> Response:
        return HTMLResponse(page(store, _address(request)))

    return Starlette(
        routes=[
            Route("/", show),
            Route("/hooks/{name}", receive, methods=["POST"]),
            Route("/hooks/{name}", keep_secret, methods=["PUT"]),
            Route("/secrets", keep_typed_secret, methods=["POST"]),
        ]
    )


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode()))


def _address(request: Request) -> str:
    return str(request.url.replace(path=f"{request.scope.get('root_path', '')}/", query="", fragment=""))
