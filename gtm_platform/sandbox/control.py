"""The sandbox's own routes, under /_sandbox: health, clock, truth, requests so far, faults, Slack's messages."""

import re
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gtm_platform.sandbox.clock import SandboxClock
from gtm_platform.sandbox.faults import Faults, parse
from gtm_platform.sandbox.kit.emulator import System, environment_of
from gtm_platform.sandbox.world.truth import pick

# Numbers, long hexadecimal strings, prefixed ids and addresses; HubSpot's type ids ("0-1") are no ids of records.
_ID = re.compile(r"\d+|[0-9a-f]{12,}|[0-9a-f-]{36}|[a-z]{2,6}_[0-9A-Za-z_]*\d[0-9A-Za-z_]*|[^/]+@[^/]+")
T = TypeVar("T")


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
    def __init__(self, keeper: SandboxClock, faults: Faults, counted: Counted, systems: list[System]) -> None:
        self._keeper = keeper
        self._world = keeper.world
        self._faults = faults
        self._counted = counted
        self._systems = systems

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
            ("GET", "/faults", self._list_faults),
            ("POST", "/faults", self._add_fault),
            ("DELETE", "/faults", self._clear_faults),
            ("GET", "/{system}/{key}", self._inspect),
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
        return JSONResponse(
            environment_of((system.emulator for system in self._systems), str(request.base_url).rstrip("/"))
        )

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

    async def _inspect(self, request: Request) -> Response:
        """What an emulator shows of its store."""
        name, key = request.path_params["system"], request.path_params["key"]
        for system in self._systems:
            if system.name == name and key in system.emulator.inspect:
                return JSONResponse(system.emulator.inspect[key](system.store))
        raise HTTPException(404, f"The sandbox shows no {key} of {name}.")

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


async def sentence(_: Request, error: Exception) -> Response:
    """What went wrong, for people."""
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)
