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
from errno import EADDRINUSE
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from gtm_platform.sandbox.clock import SandboxClock
from gtm_platform.sandbox.control import Control, sentence
from gtm_platform.sandbox.faults import RESET, Faults
from gtm_platform.sandbox.journal import Journal
from gtm_platform.sandbox.kit.emulator import System, systems_of
from gtm_platform.sandbox.kit.limits import speed_variables
from gtm_platform.sandbox.kit.write_log import Persist
from gtm_platform.sandbox.request_counts import RequestCounts
from gtm_platform.sandbox.webhooks import PostOffice, receiver_variables
from gtm_platform.sandbox.world import World


def open_sandbox(
    seed: int, people: int, now: datetime | None, journal: Journal, staying: float = 0.0
) -> tuple[World, ASGIApp]:
    """Open the sandbox as it was left, or a new one; with `now` its clock stands still at that time."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    world = World(seed, people, journal.start_of(seed, people, now, midnight), staying)
    clock = SandboxClock(world, journal, stopped=now is not None)
    systems = {system.name: system for system in systems_of(world)}
    app = create_app(clock, list(systems.values()), journal)
    for name, at, write in journal.writes():
        world.advance(at)
        systems[name].replay(write, at)
    clock.resume()
    return world, app


def create_app(clock: SandboxClock, systems: list[System], journal: Journal) -> ASGIApp:
    """Build the whole sandbox: each emulator below its system's name, the sandbox's own pages at the top."""
    world = clock.world

    def persist(name: str) -> Persist:
        return lambda write: journal.record_write(name, world.now, write)

    def mounted(system: System) -> Mount:
        return Mount(f"/{system.name}", system.emulator.app(system.store, world.clock, persist(system.name)))

    apps = Starlette(routes=[mounted(system) for system in systems])
    faults = Faults(apps, [system.name for system in systems])
    counts = RequestCounts(faults)
    routes = Control(clock, faults, counts, systems, PostOffice(clock)).routes()
    control = Starlette(routes=routes, exception_handlers={HTTPException: sentence})

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        """The world catches up with the time before each request."""
        is_own = scope["type"] != "http" or scope["path"] == "/" or scope["path"].startswith("/_sandbox")
        clock.tick()
        await (control if is_own else counts)(scope, receive, send)

    return front


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: its address, its world, and the environment that connects the platform to it."""

    url: str
    world: World

    @property
    def env(self) -> dict[str, str]:
        """The variables that point a platform at it."""
        systems = systems_of(self.world)
        variables = {name: value for system in systems for name, value in system.environment(self.url).items()}
        return variables | receiver_variables() | speed_variables()


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


def _open_listener(port: int, host: str = "127.0.0.1") -> tuple[socket.socket, str]:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # who calls before the server runs waits, and is not refused
    except (OSError, OverflowError) as error:
        listener.close()
        raise ValueError(_refusal(port, error)) from error
    return listener, f"http://{host}:{listener.getsockname()[1]}"


def _refusal(port: int, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == EADDRINUSE:
        return f"Port {port} is taken, perhaps by another sandbox: end that one, or choose another port with --port."
    return f"The sandbox cannot listen on port {port} ({error}): choose another port with --port."


def serve(port: int, people: int, seed: int, now: datetime | None, home: Path | None, host: str = "127.0.0.1") -> None:
    """Runs until interrupted. Port 0 takes a free one; without `now` the clock follows real time."""
    listener, url = _open_listener(port, host)
    with listener:
        journal = Journal(home)
        world, app = open_sandbox(seed, people, now, journal)
        gc.freeze()  # the past stays: not worth looking through for garbage again and again
        journal.write_url(url)
        clock = f"{world.now:%Y-%m-%d %H:%M} UTC"
        print(f"Sandbox of {people} people, its clock at {clock}: open {url}/ to see and steer it.", flush=True)
        _server(app).run(sockets=[listener])


@contextmanager
def running(
    people: int = 150, seed: int = 1, now: datetime | None = None, home: Path | None = None, staying: float = 0.0
) -> Iterator[Sandbox]:
    """A sandbox in a thread of this process, for as long as the context lasts; `staying` is the world's."""
    listener, url = _open_listener(0)
    with listener:
        journal = Journal(home)
        world, app = open_sandbox(seed, people, now, journal, staying)
        journal.write_url(url)
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
