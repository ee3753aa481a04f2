"""The sandbox's own routes: its front page; under /_sandbox health, clock, truth, faults, webhooks, files …"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from gtm_platform.sandbox.clock import LONGEST_MOVE, SandboxClock
from gtm_platform.sandbox.faults import Faults, parse
from gtm_platform.sandbox.files import files_between
from gtm_platform.sandbox.front_page import FrontPage, SystemView
from gtm_platform.sandbox.kit.emulator import System
from gtm_platform.sandbox.kit.limits import speed_variables
from gtm_platform.sandbox.request_counts import RequestCounts
from gtm_platform.sandbox.shown import shown
from gtm_platform.sandbox.truth_page import truth_page
from gtm_platform.sandbox.webhooks import PostOffice, receiver_variables
from gtm_platform.sandbox.world.agenda import DAY
from gtm_platform.sandbox.world.truth import STATUSES, SYSTEMS, pick

_UNITS = {"days": DAY, "hours": timedelta(hours=1)}
T = TypeVar("T")


class Control:
    """The handlers of the sandbox's own routes, and the totals that they show, counted once a day."""

    def __init__(
        self, clock: SandboxClock, faults: Faults, counts: RequestCounts, systems: list[System], post: PostOffice
    ) -> None:
        self._clock, self._post = clock, post
        self._world = clock.world
        self._faults = faults
        self._counts = counts
        self._systems = systems
        self._totals: tuple[date, dict[str, Any]] | None = None

    def routes(self) -> list[Route]:
        table: tuple[tuple[str, str, Callable[[Request], Any]], ...] = (
            ("GET", "/", self._front_page),
            ("GET", "/_sandbox/health", self._health),
            ("GET", "/_sandbox/env", self._env),
            ("GET", "/_sandbox/clock", self._show_clock),
            ("POST", "/_sandbox/clock", self._move_clock),
            ("POST", "/_sandbox/clock/day", self._move_a_day),
            ("DELETE", "/_sandbox/clock", self._follow),
            ("GET", "/_sandbox/requests", self._requests),
            ("DELETE", "/_sandbox/requests", self._count_anew),
            ("GET", "/_sandbox/truth", self._truth),
            ("GET", "/_sandbox/truth/table", self._truth_page),
            ("GET", "/_sandbox/faults", self._list_faults),
            ("POST", "/_sandbox/faults", self._add_fault),
            ("DELETE", "/_sandbox/faults", self._clear_faults),
            ("GET", "/_sandbox/webhooks", self._show_webhooks),
            ("POST", "/_sandbox/webhooks", self._register),
            ("DELETE", "/_sandbox/webhooks", self._end_webhooks),
            ("POST", "/_sandbox/webhooks/send", self._send_webhooks),
            ("GET", "/_sandbox/files", self._list_files),
            ("GET", "/_sandbox/files/{source}/{name}", self._file),
            ("GET", "/_sandbox/{system}/{key}", self._inspect),
            ("PUT", "/_sandbox/{system}/{key}", self._switch),
        )
        return [Route(path, endpoint, methods=[method]) for method, path, endpoint in table]

    async def _health(self, _: Request) -> Response:
        world = self._world
        return JSONResponse(
            {
                "status": "ok",
                "now": world.now.isoformat(),
                "following": self._clock.following,
                "seed": world.seed,
                "people": world.people,
                "start": world.start.isoformat(),
            }
        )

    async def _env(self, request: Request) -> Response:
        return JSONResponse(self._environment(request))

    def _environment(self, request: Request) -> dict[str, str]:
        address = _address(request)
        return (
            speed_variables()
            | receiver_variables()
            | {name: value for system in self._systems for name, value in system.environment(address).items()}
        )

    # --- The clock ---

    async def _show_clock(self, _: Request) -> Response:
        clock = self._clock
        return JSONResponse(
            {
                "now": self._world.now.isoformat(),
                "following": clock.following,
                "ahead_seconds": int(clock.lead.total_seconds()),
                "message": f"It is {self._world.now:%Y-%m-%d %H:%M:%S} UTC in the sandbox. {clock.describe()}",
            }
        )

    async def _move_clock(self, request: Request) -> Response:
        """To an instant, where it stands still; or by hours or days, after which it goes on as it did."""
        wish = await _json(request)
        if not isinstance(wish, dict) or len(wish) != 1 or not (wish.keys() <= {"now", *_UNITS}):
            raise HTTPException(
                400, 'Say what time it shall be: {"now": "2026-03-01T00:00:00Z"}, {"days": 1} or {"hours": 6}.'
            )
        [(name, value)] = wish.items()
        if name == "now":
            with_sentence(lambda: self._clock.set(datetime.fromisoformat(_text(value))))
        else:
            with_sentence(lambda: self._clock.move(_span(name, value)))
        return await self._show_clock(request)

    async def _move_a_day(self, request: Request) -> Response:
        self._clock.move(DAY)
        return await self._show_clock(request)

    async def _follow(self, request: Request) -> Response:
        """The clock runs at real speed: with real time, or from where it stands if it is ahead of it."""
        self._clock.follow()
        return await self._show_clock(request)

    # --- What was requested, and what goes wrong ---

    async def _requests(self, _: Request) -> Response:
        return JSONResponse({"total": self._counts.counts.total(), "requests": self._counts.rows()})

    async def _count_anew(self, _: Request) -> Response:
        self._counts.counts.clear()
        return Response(status_code=204)

    async def _list_faults(self, _: Request) -> Response:
        return JSONResponse({"faults": [fault.to_json() for fault in self._faults.list]})

    async def _add_fault(self, request: Request) -> Response:
        wish = await _json(request)
        fault = with_sentence(lambda: self._faults.add(parse(wish)))
        return JSONResponse(fault.to_json(), 201)

    async def _clear_faults(self, request: Request) -> Response:
        """All of them, or those of one `system`."""
        system = request.query_params.get("system")
        self._faults.list[:] = [fault for fault in self._faults.list if system not in (None, fault.system)]
        return Response(status_code=204)

    # --- Webhooks ---

    async def _show_webhooks(self, _: Request) -> Response:
        return JSONResponse(self._post.report())

    async def _register(self, request: Request) -> Response:
        """Send to a `url`, of some `systems`, what happens from now on or `since`; late, twice, shuffled, unsigned."""
        wish = await _json(request)
        with_sentence(lambda: self._post.register(wish if isinstance(wish, dict) else {}))
        return JSONResponse(self._post.report(), 201)

    async def _end_webhooks(self, _: Request) -> Response:
        self._post.end()
        return Response(status_code=204)

    async def _send_webhooks(self, _: Request) -> Response:
        """Deliver what is due by the clock of the sandbox, also what was not taken before."""
        sent = await self._post.send()
        return JSONResponse({"sent": sent, **self._post.report()})

    # --- What the world knows ---

    async def _truth(self, request: Request) -> Response:
        """Of a `day` (by default yesterday), with only some `fields` of each person, as some `systems` can tell it.

        With it what is `shown`; `jobs_since` is for who does not see that a job post was closed.
        """
        truth, fields = self._truth_of(request), request.query_params.get("fields")
        since = request.query_params.get("jobs_since")
        day = date.fromisoformat(truth["day"])
        first = with_sentence(lambda: date.fromisoformat(since) if since else day)
        truth["shown"] = shown(self._world, truth["people"], day, first)
        return JSONResponse(pick(truth, fields.split(",")) if fields else truth)

    def _truth_of(self, request: Request) -> dict[str, Any]:
        day, systems = request.query_params.get("day"), request.query_params.get("systems")
        read = systems.split(",") if systems else SYSTEMS
        if unknown := set(read) - set(SYSTEMS):
            raise HTTPException(400, f"No system is called {min(unknown)}: choose some of {', '.join(SYSTEMS)}.")
        return with_sentence(lambda: self._world.truth(date.fromisoformat(day) if day else self._yesterday(), read))

    def _yesterday(self) -> date:
        return self._world.now.date() - DAY

    async def _truth_page(self, request: Request) -> Response:
        """The same for people, of one `status` or of all."""
        status = request.query_params.get("status") or None
        if status not in (None, *STATUSES):
            raise HTTPException(400, f"There is no status {status!r}: choose one of {', '.join(STATUSES)}.")
        first, last = self._world.start.date() - DAY, self._world.now.date()
        return HTMLResponse(truth_page(self._truth_of(request), first, last, status))

    async def _list_files(self, request: Request) -> Response:
        """The files that people have dropped by now, after an instant `since` or from the beginning on."""
        since = request.query_params.get("since")
        files = with_sentence(
            lambda: files_between(self._world, datetime.fromisoformat(since) if since else None, self._world.now)
        )
        rows = [{"source": f.source, "name": f.name, "at": f.at.isoformat(), "bytes": len(f.content)} for f in files]
        return JSONResponse({"files": rows})

    async def _file(self, request: Request) -> Response:
        """One of them, as it is."""
        source, name = request.path_params["source"], request.path_params["name"]
        for file in files_between(self._world, None, self._world.now):
            if (file.source, file.name) == (source, name):
                return Response(file.content, media_type="text/csv")
        raise HTTPException(404, f"Nobody has dropped a file {name} for {source} yet.")

    async def _inspect(self, request: Request) -> Response:
        """What an emulator shows of its store."""
        name, key = request.path_params["system"], request.path_params["key"]
        for system in self._systems:
            if system.name == name and key in system.emulator.inspect:
                return JSONResponse(system.emulator.inspect[key](system.store))
        raise HTTPException(404, f"The sandbox shows no {key} of {name}.")

    async def _switch(self, request: Request) -> Response:
        """Meet a system in another way, as its emulator offers it: `{"value": "minimal"}`."""
        name, key = request.path_params["system"], request.path_params["key"]
        wish = await _json(request)
        for system in self._systems:
            if system.name == name and key in system.emulator.switches:
                value, choices = wish.get("value") if isinstance(wish, dict) else None, system.emulator.switches[key]
                if value not in choices:
                    raise HTTPException(400, f"{key} of {name} is one of {', '.join(choices)}, not {value!r}.")
                setattr(system.store, key, value)
                return JSONResponse({key: value})
        raise HTTPException(404, f"Nothing is to be switched by {key} of {name}.")

    # --- The front page ---

    async def _front_page(self, request: Request) -> Response:
        world = self._world
        day, totals = self._totals_of_yesterday()
        page = FrontPage(
            now=world.now,
            clock=self._clock.describe(),
            people=world.people,
            seed=world.seed,
            start=world.start,
            systems=[self._view(system, _address(request)) for system in self._systems],
            truth_day=day,
            totals=totals,
            environment=self._environment(request),
        )
        return HTMLResponse(page.to_html())

    def _view(self, system: System, address: str) -> SystemView:
        requests, refusals = self._counts.of_system(system.name)
        return SystemView(
            name=system.name,
            title=system.emulator.title,
            url=f"{address}/{system.name}",
            pages=system.emulator.pages,
            requests=requests,
            refusals=refusals,
            faults=[fault for fault in self._faults.list if fault.system == system.name],
        )

    def _totals_of_yesterday(self) -> tuple[date, dict[str, Any]]:
        """Computed once a day: what has been does not change, and a large world takes a while to sum up."""
        day = self._yesterday()
        if self._totals is None or self._totals[0] != day:
            self._totals = day, self._world.truth(day)["totals"]
        return self._totals


def with_sentence(do: Callable[[], T]) -> T:
    """What `do` returns; a value that it refuses is answered with 400 and the reason."""
    try:
        return do()
    except ValueError as error:
        raise HTTPException(400, str(error)) from error


def _address(request: Request) -> str:
    return str(request.base_url).rstrip("/")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"now is written as 2026-03-01T00:00:00Z, not as {value!r}.")
    return value


def _span(unit: str, amount: Any) -> timedelta:
    longest = LONGEST_MOVE / _UNITS[unit]
    if not isinstance(amount, (int, float)) or isinstance(amount, bool) or not 0 < amount <= longest:
        raise ValueError(f"{unit} must be a number above 0 and at most {longest:.0f}, not {amount!r}.")
    return timedelta(seconds=round(amount * _UNITS[unit].total_seconds()))


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError as error:
        raise HTTPException(400, f"The body is not JSON: {error}.") from error


async def sentence(_: Request, error: Exception) -> Response:
    """What went wrong, for people."""
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code)
