"""The routes of the Slack emulator: the Web API, one incoming webhook, and the page for people."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gtm_platform.sandbox.slack.access import LIMITS, Access, check_token
from gtm_platform.sandbox.slack.errors import SlackError
from gtm_platform.sandbox.slack.methods import METHODS, Arguments, Workspace, post
from gtm_platform.sandbox.slack.page import page
from gtm_platform.sandbox.slack.store import SlackStore

_JSON_IN_FORMS = ("blocks", "metadata")
_NOTHING_FROM_ELSEWHERE = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class _Slack:
    def __init__(self, workspace: Workspace, access: Access) -> None:
        self.workspace = workspace
        self.access = access

    async def call(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except SlackError as error:
            return JSONResponse(error.body)

    async def _answer(self, request: Request) -> Response:
        arguments = await _arguments(request)
        _, _, token = request.headers.get("authorization", "").partition("Bearer ")
        check_token(token or arguments.get("token"))
        name = request.path_params["method"]
        if name not in METHODS:
            raise SlackError("unknown_method", req_method=name)
        wait = self.access.wait(name, str(arguments.get("channel")) if name == "chat.postMessage" else "")
        if wait:
            return JSONResponse({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(wait)})
        answer = METHODS[name](self.workspace, arguments)
        if _kind(request) == "application/json" and "charset" not in request.headers["content-type"]:
            metadata = {**answer.get("response_metadata", {}), "warnings": ["missing_charset"]}
            answer |= {"warning": "missing_charset", "response_metadata": metadata}
        return JSONResponse(answer)

    async def webhook(self, request: Request) -> Response:
        """Bound to the workspace's first channel; it answers in plain text, and whoever knows the address may post."""
        wait = self.access.wait("webhook", request.path_params["secret"])
        if wait:
            return PlainTextResponse("rate_limited", 429, {"Retry-After": str(wait)})
        try:
            arguments = await _arguments(request)
        except SlackError:
            return PlainTextResponse("invalid_payload", 400)
        channel = next(iter(self.workspace.store.channels), None)
        if channel is None:
            return PlainTextResponse("channel_not_found", 404)
        try:
            post(self.workspace, channel, arguments)
        except SlackError as error:
            return PlainTextResponse(error.code, 400)
        return PlainTextResponse("ok")

    async def page(self, request: Request) -> Response:
        """What a person would see in the channel named in the query, or in the one written to last."""
        shown = page(self.workspace.store, request.query_params.get("channel"), self.workspace.clock())
        return HTMLResponse(shown, headers={"Content-Security-Policy": _NOTHING_FROM_ELSEWHERE})


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _arguments(request: Request) -> Arguments:
    """The arguments of a call, be they in the query, a form or a JSON body."""
    body = (await request.body()).decode()
    given: Arguments = dict(request.query_params)
    if _kind(request) == "application/json":
        return given | _object(body)
    form = dict(parse_qsl(body))
    if "payload" in form:
        return given | _object(form["payload"])
    given |= form
    for name in _JSON_IN_FORMS:
        if name in given:
            given[name] = _parsed(given[name], f"invalid_{name}_format")
    return given


def _object(text: str) -> Arguments:
    parsed = _parsed(text or "{}", "invalid_json")
    if not isinstance(parsed, dict):
        raise SlackError("json_not_object")
    return parsed


def _parsed(text: str, code: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise SlackError(code) from error


def app(
    store: SlackStore,
    clock: Callable[[], datetime],
    keep: Callable[[dict[str, Any]], None] = lambda _: None,
    limits: Mapping[str, tuple[int, float]] = LIMITS,
) -> Starlette:
    """Slack on this store; `keep` is told of each accepted message or edit before it is answered."""
    slack = _Slack(Workspace(store, clock, keep), Access(limits))
    return Starlette(
        routes=[
            Route("/", slack.page),
            Route("/api/{method}", slack.call, methods=["GET", "POST"]),
            Route("/services/T0/B0/{secret}", slack.webhook, methods=["POST"]),
        ]
    )
