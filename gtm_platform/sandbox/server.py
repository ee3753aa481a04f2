"""The sandbox as one server on loopback: the emulators, and the routes that control them."""

import asyncio
import gc
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from gtm_platform.sandbox.clock import SandboxClock
from gtm_platform.sandbox.control import Control, Counted, sentence
from gtm_platform.sandbox.faults import RESET, Faults
from gtm_platform.sandbox.journal import Journal
from gtm_platform.sandbox.kit.emulator import System, discover, environment_of, systems_of
from gtm_platform.sandbox.kit.write_log import Persist
from gtm_platform.sandbox.world import World


def open_sandbox(seed: int, people: int, now: datetime | None, journal: Journal) -> tuple[World, ASGIApp]:
    """The sandbox as it was left, or a new one; without `now`, and until it is set, its clock follows real time."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    world = World(seed, people, journal.start_of(seed, people, now, midnight))
    clock = journal.clock()
    systems = {system.name: system for system in systems_of(world)}
    app = create_app(world, list(systems.values()), journal, following=now is None and clock is None)
    for name, at, write in journal.writes():
        world.advance(at)
        systems[name].replay(write, at)
    world.advance(max(world.now, clock or world.start))
    return world, app


def create_app(world: World, systems: list[System], journal: Journal, following: bool) -> ASGIApp:
    """The whole sandbox around a world: each emulator below its name."""
    keeper = SandboxClock(world, journal, following)

    def persist(name: str) -> Persist:
        return lambda write: journal.record_write(name, world.now, write)

    def mounted(system: System) -> Mount:
        return Mount(f"/{system.name}", system.emulator.app(system.store, world.clock, persist(system.name)))

    faults = Faults(Starlette(routes=[mounted(system) for system in systems]))
    counted = Counted(faults)
    routes = Control(keeper, faults, counted, systems).routes()
    control = Starlette(routes=routes, exception_handlers={HTTPException: sentence})

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
        return environment_of(discover(), self.url)


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
