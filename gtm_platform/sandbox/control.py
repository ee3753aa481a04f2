"""The sandbox's own routes, under /_sandbox: health, clock, truth, requests so far, faults, Slack's messages."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gtm_platform.sandbox import hubspot, intercom, slack, stripe
from gtm_platform.sandbox.clock import SandboxClock
from gtm_platform.sandbox.faults import Faults, parse
from gtm_platform.sandbox.hubspot.render import PORTAL_ID
from gtm_platform.sandbox.world.truth import pick

# Numbers, long hexadecimal strings, prefixed ids and addresses; HubSpot's type ids ("0-1") are no ids of records.
_ID = re.compile(r"\d+|[0-9a-f]{12,}|[0-9a-f-]{36}|[a-z]{2,6}_[0-9A-Za-z_]*\d[0-9A-Za-z_]*|[^/]+@[^/]+")
T = TypeVar("T")


def environment(url: str) -> dict[str, str]:
    """The variables that point a platform at the sandbox."""
    return {
        "HUBSPOT_ACCESS_TOKEN": hubspot.TOKEN,
        "HUBSPOT_BASE_URL": f"{url}/hubspot",
        "HUBSPOT_PORTAL_ID": str(PORTAL_ID),
        "HUBSPOT_WRITE_ENABLED": "true",
        "STRIPE_API_KEY": stripe.TOKEN,
        "STRIPE_BASE_URL": f"{url}/stripe",
        "INTERCOM_ACCESS_TOKEN": intercom.TOKEN,
        "INTERCOM_BASE_URL": f"{url}/intercom",
        "SLACK_BOT_TOKEN": slack.TOKEN,
        "SLACK_BASE_URL": f"{url}/slack/api/",
        "SLACK_ALERT_CHANNEL": "C0ALERTS",
        "SLACK_SUMMARY_CHANNEL": "C0SUMMARY",
        "SLACK_SEND_ENABLED": "true",
    }


class Counted:
    """A layer that counts the requests to the systems by path (ids folded) and status."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.counts: Counter[tuple[str, str, str, int]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        system, _, path = scope["path"].lstrip("/").partition("/")

        async def count(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.counts[system, scope["method"], folded(f"/{path}"), message["status"]] += 1
            await send(message)

        await self._app(scope, receive, count)

    def listed(self) -> list[dict[str, Any]]:
        names = ("system", "method", "path", "status")
        return [{**dict(zip(names, key, strict=True)), "count": count} for key, count in sorted(self.counts.items())]


def folded(path: str) -> str:
    return "/".join("{id}" if _ID.fullmatch(unquote(part)) else part for part in path.split("/"))


class Control:
    def __init__(self, keeper: SandboxClock, faults: Faults, counted: Counted) -> None:
        self._keeper = keeper
        self._world = keeper.world
        self._faults = faults
        self._counted = counted

    def routes(self) -> list[Route]:
        table: tuple[tuple[str, str, Callable[[Request], Any]], ...] = (
            ("GET", "/health", self._health),
            ("GET", "/env", self._env),
            ("GET", "/clock", self._clock),
            ("POST", "/clock", self._set_clock),
            ("DELETE", "/clock", self._follow),
            ("GET", "/requests", self._requests),
            ("DELETE", "/requests", self._forget_requests),
            ("GET", "/truth", self._truth),
            ("GET", "/slack/messages", self._messages),
            ("GET", "/faults", self._list_faults),
            ("POST", "/faults", self._add_fault),
            ("DELETE", "/faults", self._clear_faults),
        )
        return [Route(f"/_sandbox{path}", endpoint, methods=[method]) for method, path, endpoint in table]

    async def _health(self, _: Request) -> Response:
        world = self._world
        return JSONResponse(
            {
                "status": "ok",
                "now": world.now.isoformat(),
                "following": self._keeper.following,
                "seed": world.seed,
                "people": world.people,
                "start": world.start.isoformat(),
            }
        )

    async def _env(self, request: Request) -> Response:
        return JSONResponse(environment(str(request.base_url).rstrip("/")))

    async def _clock(self, _: Request) -> Response:
        return JSONResponse({"now": self._world.now.isoformat(), "following": self._keeper.following})

    async def _set_clock(self, request: Request) -> Response:
        wish = await _json(request)
        now = wish.get("now") if isinstance(wish, dict) else None
        if not isinstance(now, str):
            raise HTTPException(400, 'Say what time it shall be: {"now": "2026-03-01T00:00:00Z"}.')
        with_sentence(lambda: self._keeper.set(datetime.fromisoformat(now)))
        return await self._clock(request)

    async def _follow(self, request: Request) -> Response:
        """Lets the clock follow real time again."""
        self._keeper.follow()
        return await self._clock(request)

    async def _requests(self, _: Request) -> Response:
        return JSONResponse({"total": self._counted.counts.total(), "requests": self._counted.listed()})

    async def _forget_requests(self, _: Request) -> Response:
        self._counted.counts.clear()
        return Response(status_code=204)

    async def _truth(self, request: Request) -> Response:
        """`day` (yesterday, if not said) and `fields` of each person, separated by commas."""
        asked, wanted = request.query_params.get("day"), request.query_params.get("fields")
        yesterday = self._world.now.date() - timedelta(days=1)
        truth = with_sentence(lambda: self._world.truth(date.fromisoformat(asked) if asked else yesterday))
        return JSONResponse(pick(truth, wanted.split(",")) if wanted else truth)

    async def _messages(self, _: Request) -> Response:
        return JSONResponse({"messages": [_in_json(asdict(message)) for message in self._world.slack.messages]})

    async def _list_faults(self, _: Request) -> Response:
        return JSONResponse({"faults": [fault.listed() for fault in self._faults.list]})

    async def _add_fault(self, request: Request) -> Response:
        wish = await _json(request)
        fault = with_sentence(lambda: self._faults.add(parse(wish)))
        return JSONResponse(fault.listed(), 201)

    async def _clear_faults(self, _: Request) -> Response:
        self._faults.list.clear()
        return Response(status_code=204)


def with_sentence(do: Callable[[], T]) -> T:
    try:
        return do()
    except ValueError as error:
        raise HTTPException(400, str(error)) from error


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError as error:
        raise HTTPException(400, f"The body is not JSON: {error}.") from error


def _in_json(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}


async def sentence(_: Request, error: Exception) -> Response:
    """What went wrong, for people."""
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)
