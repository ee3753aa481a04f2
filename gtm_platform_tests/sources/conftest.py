"""A server on which a test puts its emulator, a clock that a test moves, and a lake to sync into."""

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.sources.stream import Source
from gtm_platform.sources.sync import Filled, Slot, Sync


class Stand:
    """One server for all tests, on which each test puts its own emulator. `asked` holds the requests that came."""

    emulator: ASGIApp
    url: str
    asked: list[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked.append(f"{scope['method']} {scope['path']}")
        await self.emulator(scope, receive, send)


@pytest.fixture(scope="session")
def server() -> Iterator[Stand]:
    stand = Stand()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(stand, log_level="warning", lifespan="off", ws="none")
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not running.started:
            time.sleep(0.002)
        stand.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield stand
        running.should_exit = True
        thread.join()


@pytest.fixture
def stand(server: Stand) -> Stand:
    server.asked = []
    return server


@dataclass
class Clock:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


@dataclass
class Syncing:
    """A source being synced into a lake, some windows of `hours` at a time, when the clock says so."""

    lake: Lake
    source: Source
    clock: Clock

    def slot(self, start: datetime) -> Slot:
        return Slot(f"{start:%Y-%m-%dT%H%M}", start, start + timedelta(hours=self.source.hours))

    def fill(self, client: Any, stream: str, *starts: datetime) -> list[Filled]:
        chosen = next(each for each in self.source.streams if each.name == stream)
        sync = Sync(self.lake, self.source, chosen, policy(), self.clock(), "run_1")
        return sync.fill(client, [self.slot(start) for start in starts])

    def rows(self, stream: str, start: datetime, *columns: str) -> list[Any]:
        """What the window holds: one column as values, several as tuples; in order."""
        table = self.lake.partition(f"{self.source.name}/{stream}", self.slot(start).key)
        found = [tuple(row[column] for column in columns) for row in table.select(*columns).to_pyarrow().to_pylist()]
        return sorted(row[0] for row in found) if len(columns) == 1 else sorted(found)

    def known(self, stream: str, before: datetime) -> list[str]:
        """The ids as of a moment."""
        table = self.lake.as_of(f"{self.source.name}/{stream}", self.slot(before).key)
        return sorted(table.select("id").to_pyarrow()["id"].to_pylist())

    def quarantined(self, stream: str, start: datetime) -> list[tuple[str, str]]:
        table = self.lake.partition(f"quarantine/{self.source.name}_{stream}", self.slot(start).key)
        return [(row["record_id"], row["reason"]) for row in table.to_pyarrow().to_pylist()]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")
