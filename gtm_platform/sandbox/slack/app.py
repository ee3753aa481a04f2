"""The routes of the Slack emulator: the Web API, one incoming webhook, and the page for people."""

import base64
from collections.abc import Callable, Mapping
from datetime import datetime

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from gtm_platform.sandbox.kit.authentication import bearer_token
from gtm_platform.sandbox.kit.write_log import Persist, WriteLog, discard
from gtm_platform.sandbox.slack.access import LIMITS, SCOPES, Access, check_token
from gtm_platform.sandbox.slack.arguments import arguments_of, content_type
from gtm_platform.sandbox.slack.call import Arguments, Call, Log
from gtm_platform.sandbox.slack.chat import post
from gtm_platform.sandbox.slack.errors import SlackError
from gtm_platform.sandbox.slack.methods import METHODS, WITHOUT_TOKEN
from gtm_platform.sandbox.slack.page import page
from gtm_platform.sandbox.slack.store import BOT_ID, TEAM_ID, SlackStore
from gtm_platform.sandbox.slack.write_log import ACTIONS

WEBHOOK = f"/services/{TEAM_ID}/{BOT_ID}/{{secret}}"
UPLOAD = "/upload/v1/{file}"
_LOAD_NOTHING = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class _Slack:
    def __init__(self, log: Log, access: Access) -> None:
        self.log = log
        self.access = access

    async def call(self, request: Request) -> Response:
        """Answer a method of the Web API; what is refused comes with status 200 too."""
        try:
            response = await self._response(request)
        except SlackError as error:
            response = JSONResponse(error.body)
        response.headers["X-OAuth-Scopes"] = ",".join(SCOPES)
        return response

    async def _response(self, request: Request) -> Response:
        arguments = await arguments_of(request)
        name = request.path_params["method"]
        if name not in WITHOUT_TOKEN:
            check_token(bearer_token(request) or str(arguments.get("token") or ""))
        if name not in METHODS:
            raise SlackError("unknown_method", req_method=name)
        wait = self.access.wait(name, str(arguments.get("channel")) if name == "chat.postMessage" else "")
        if wait:
            return JSONResponse({"ok": False, "error": "ratelimited"}, 429, {"Retry-After": str(wait)})
        answer = METHODS[name](Call(self.log, arguments, _workspace_url(request)))
        if content_type(request) == "application/json" and "charset" not in request.headers["content-type"]:
            metadata = {**answer.get("response_metadata", {}), "warnings": ["missing_charset"]}
            answer |= {"warning": "missing_charset", "response_metadata": metadata}
        return JSONResponse(answer)

    async def upload(self, request: Request) -> Response:
        """Take the bytes of a file that was announced. Its address is the secret, and the answer is plain text."""
        id, content = request.path_params["file"], await request.body()
        file = self.log.store.files.get(id)
        if file is None or file.complete:
            return PlainTextResponse("not found", 404)
        if len(content) != file.length:
            return PlainTextResponse("length differs", 400)
        self.log.do({"do": "upload", "file": id, "content": base64.b64encode(content).decode()})
        return PlainTextResponse(f"OK - {len(content)}")

    async def webhook(self, request: Request) -> Response:
        """Post to the workspace's first channel. The address is the secret, and the answer is plain text."""
        wait = self.access.wait("webhook", request.path_params["secret"])
        if wait:
            return PlainTextResponse("rate_limited", 429, {"Retry-After": str(wait)})
        try:
            arguments = await arguments_of(request)
        except SlackError:
            return PlainTextResponse("invalid_payload", 400)
        return self._post_by_webhook(arguments, _workspace_url(request))

    def _post_by_webhook(self, arguments: Arguments, url: str) -> Response:
        channel = next(iter(self.log.store.channels), None)
        if channel is None:
            return PlainTextResponse("channel_not_found", 404)
        try:
            post(Call(self.log, arguments, url), channel)
        except SlackError as error:
            return PlainTextResponse(error.code, 400)
        return PlainTextResponse("ok")

    async def page(self, request: Request) -> Response:
        """Show the channel in the query, or the one written to last, as a person would see it."""
        shown = page(self.log.store, request.query_params.get("channel"), self.log.clock())
        return HTMLResponse(shown, headers={"Content-Security-Policy": _LOAD_NOTHING})

    async def permalink(self, request: Request) -> Response:
        """Lead from a message's permalink to its place on the page."""
        channel, message = request.path_params["channel"], request.path_params["message"]
        return RedirectResponse(f"{_workspace_url(request)}?channel={channel}#{message}", 302)


def _workspace_url(request: Request) -> str:
    return str(request.url.replace(path=f"{request.scope.get('root_path', '')}/", query="", fragment=""))


def app(
    store: SlackStore,
    clock: Callable[[], datetime],
    persist: Persist = discard,
    limits: Mapping[str, tuple[int, float]] = LIMITS,
) -> Starlette:
    """Slack on this store. `persist` is called with each accepted write before it is answered."""
    slack = _Slack(WriteLog(store, clock, persist, ACTIONS), Access(limits))
    return Starlette(
        routes=[
            Route("/", slack.page),
            Route("/archives/{channel}/{message}", slack.permalink),
            Route(UPLOAD, slack.upload, methods=["POST"]),
            Route("/api/{method}", slack.call, methods=["GET", "POST"]),
            Route(WEBHOOK, slack.webhook, methods=["POST"]),
        ]
    )
