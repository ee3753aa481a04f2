"""The sandbox as one server on loopback: the emulators, and the routes that control them."""

import asyncio
import gc
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from gtm_platform.sandbox import hubspot, intercom, slack, stripe
from gtm_platform.sandbox.clock import SandboxClock
from gtm_platform.sandbox.control import Control, Counted, environment, sentence
from gtm_platform.sandbox.faults import RESET, Faults
from gtm_platform.sandbox.journal import Journal
from gtm_platform.sandbox.world import World

_REDO: dict[str, Callable[[Any, dict[str, Any], datetime], Any]] = {"hubspot": hubspot.replay, "slack": slack.replay}


def open_sandbox(seed: int, people: int, now: datetime | None, journal: Journal) -> tuple[World, ASGIApp]:
    """The sandbox as it was left, or a new one; without `now`, and until it is set, its clock follows real time."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    world = World(seed, people, journal.start_of(seed, people, now, midnight), stripe.render)
    clock = journal.clock()
    app = create_app(world, journal, following=now is None and clock is None)
    for system, at, write in journal.writes():
        world.advance(at)
        _REDO[system](getattr(world, system), write, at)
    world.advance(max(world.now, clock or world.start))
    return world, app


def create_app(world: World, journal: Journal | None = None, following: bool = False) -> ASGIApp:
    """The whole sandbox around a world."""
    journal = journal or Journal(None)
    keeper = SandboxClock(world, journal, following)

    def keep(system: str) -> Callable[[dict[str, Any]], None]:
        return lambda write: journal.record_write(system, world.now, write)

    systems = Starlette(
        routes=[
            Mount("/hubspot", hubspot.app(world.hubspot, world.clock, keep("hubspot"))),
            Mount("/stripe", stripe.app(world.stripe, world.clock)),
            Mount("/intercom", intercom.app(world.intercom, world.clock)),
            Mount("/slack", slack.app(world.slack, world.clock, keep("slack"))),
        ]
    )
    faults = Faults(systems)
    counted = Counted(faults)
    control = Starlette(routes=Control(keeper, faults, counted).routes(), exception_handlers={HTTPException: sentence})

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        """The world catches up with the time before each request."""
        is_own = scope["type"] != "http" or scope["path"].startswith("/_sandbox")
        keeper.tick()
        await (control if is_own else counted)(scope, receive, send)

    return front


@dataclass(frozen=True)
class Sandbox:
    url: str
    world: World

    @property
    def env(self) -> dict[str, str]:
        return environment(self.url)


class _Breakable(AutoHTTPProtocol):  # type: ignore[misc, valid-type]  # chosen by uvicorn when it is imported
    """A connection that the app can reset, as no app can by itself."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        inner: ASGIApp = self.app  # type: ignore[has-type]

        def reset() -> None:
            at_once = struct.pack("ii", 1, 0)  # lingering for no time is what makes it a reset
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
            transport.abort()

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await inner({**scope, "extensions": {**scope.get("extensions", {}), RESET: reset}}, receive, send)

        self.app = app


def _server(app: ASGIApp) -> uvicorn.Server:
    # Broken answers are made on purpose here: uvicorn's complaints about them are no news.
    config = uvicorn.Config(app, http=_Breakable, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    return uvicorn.Server(config)


def _listen(port: int) -> tuple[socket.socket, str]:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen()  # who calls before the server runs waits, and is not refused
    return listener, f"http://127.0.0.1:{listener.getsockname()[1]}"


def serve(port: int, people: int, seed: int, now: datetime | None, home: Path | None) -> None:
    """Runs until interrupted. Port 0 takes a free one; without `now` the clock follows real time."""
    listener, url = _listen(port)
    with listener:
        journal = Journal(home)
        world, app = open_sandbox(seed, people, now, journal)
        gc.freeze()  # the past stays: not worth looking through for garbage again and again
        journal.keep_url(url)
        print(f"Sandbox of {people} people at {url}, its clock at {world.now:%Y-%m-%d %H:%M} UTC", flush=True)
        _server(app).run(sockets=[listener])


@contextmanager
def running(
    people: int = 150, seed: int = 1, now: datetime | None = None, home: Path | None = None
) -> Iterator[Sandbox]:
    """A sandbox in a thread of this process, for as long as the context lasts."""
    listener, url = _listen(0)
    with listener:
        journal = Journal(home)
        world, app = open_sandbox(seed, people, now, journal)
        journal.keep_url(url)
        server = _server(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        try:
            yield Sandbox(url, world)
        finally:
            server.should_exit = True
            thread.join()
