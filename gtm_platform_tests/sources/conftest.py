"""A server on which a test puts its emulator."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send


class Stand:
    """One server for all tests, on which each test puts its own emulator. `asked` holds the requests that came."""

    emulator: ASGIApp
    url: str
    requested: list[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requested.append(f"{scope['method']} {scope['path']}")
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
    server.requested = []
    return server
