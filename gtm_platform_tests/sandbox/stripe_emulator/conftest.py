"""The emulator of a small account on a real server, for the official client and for plain requests."""

import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from stripe import StripeClient

from gtm_platform.sandbox.kit.write_log import Write
from gtm_platform.sandbox.stripe import TOKEN, Limits, app
from gtm_platform.sandbox.stripe.store import StripeStore
from gtm_platform_tests.sandbox.stripe_emulator.account import NOW, a_client, a_store


@pytest.fixture
def store() -> StripeStore:
    return a_store()


class SwappableApp:
    """One server for all tests, on which each test puts its own emulator."""

    emulator: Starlette

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.emulator(scope, receive, send)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[SwappableApp, str]]:
    server_app = SwappableApp()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(server_app, log_level="warning", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.002)
        yield server_app, f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def limits() -> Limits:
    return Limits(account=10**6, endpoint=10**6, search=10**6)


@pytest.fixture
def persisted() -> list[Write]:
    """The writes that the emulator has persisted."""
    return []


@pytest.fixture
def url(served: tuple[SwappableApp, str], store: StripeStore, limits: Limits, persisted: list[Write]) -> str:
    server_app, url = served
    server_app.emulator = app(store, lambda: NOW, limits, persisted.append)
    return url


@pytest.fixture
def client(url: str) -> StripeClient:
    return a_client(url)


@pytest.fixture
def raw(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{url}/v1", headers={"Authorization": f"Bearer {TOKEN}"}) as raw:
        yield raw
