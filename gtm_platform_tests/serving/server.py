"""The API on a port of loopback, with tokens of each kind and runs that only take note."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI

from gtm_platform.serving.api.app import make_app
from gtm_platform.serving.api.syncs import CannotLaunch, RunState
from gtm_platform.serving.store import Store
from gtm_platform.serving.tokens import SCOPES, create_token
from gtm_platform.state import State, open_state
from gtm_platform_tests.serving.world import NOW

READ = ("customers:read",)
READ_ALL = ("customers:read", "personal:read")


@dataclass
class Time:
    """A clock that stands until it is moved."""

    moment: datetime = NOW
    seconds: float = 0.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds
        self.moment += timedelta(seconds=seconds)


@dataclass
class NotedRuns:
    """Runs that are launched by nobody."""

    launched: dict[str, str] = field(default_factory=dict)  # source by run
    running: RunState | None = None
    fails: bool = False

    def sources(self) -> tuple[str, ...]:
        return ("intercom", "stripe")

    def unfinished(self, source: str) -> RunState | None:  # noqa: ARG002
        return self.running

    def launch(self, source: str, run_id: str, *, full_refresh: bool) -> None:  # noqa: ARG002
        if self.fails:
            raise CannotLaunch("No process can be started.")
        self.launched[run_id] = source

    def status(self, run_id: str) -> str:
        return "started" if run_id in self.launched else "launched"


@dataclass
class Served:
    """An API that answers, and what it works with."""

    url: str
    app: FastAPI
    state: State
    time: Time
    runs: NotedRuns
    tokens: dict[str, str]

    def get(self, path: str, token: str | None = "all", **headers: str) -> httpx.Response:
        return self.send("GET", path, token, headers=headers)

    def send(self, method: str, path: str, token: str | None = "all", **how: object) -> httpx.Response:
        headers = dict(how.pop("headers", {}))  # type: ignore[call-overload]
        if token is not None:
            headers.setdefault("authorization", f"Bearer {self.tokens.get(token, token)}")
        with httpx.Client(trust_env=False, timeout=30) as client:
            return client.request(method, self.url + path, headers=headers, **how)  # type: ignore[arg-type]

    def written(self) -> int:
        """Write the audit that is queued."""
        return self.app.state.api.log.write()  # type: ignore[no-any-return]


@contextmanager
def serving(folder: Path, state_file: Path, per_second: float = 1e6) -> Iterator[Served]:
    """Serve a folder of snapshots."""
    time, runs = Time(), NotedRuns()
    state = open_state(f"sqlite:///{state_file}")
    kinds = {"masked": READ, "all": READ_ALL, "sync": ("sync:write",), "everything": tuple(SCOPES)}
    tokens = {name: create_token(state, name, scopes, 30, NOW)[0] for name, scopes in kinds.items()}
    app = make_app(Store(folder, time.monotonic), state, runs, time.now, time.monotonic, per_second)
    with listening(app) as url:
        yield Served(url, app, state, time, runs, tokens)
    state.close()


@contextmanager
def listening(app: FastAPI) -> Iterator[str]:
    """Run an app on a free port."""
    config = uvicorn.Config(app, port=0, log_level="critical", access_log=False, server_header=False)
    server = uvicorn.Server(config)
    started = threading.Event()
    startup = server.startup

    async def announce(*arguments: object, **more: object) -> None:
        await startup(*arguments, **more)  # type: ignore[arg-type]
        started.set()

    server.startup = announce  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert started.wait(20)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()
