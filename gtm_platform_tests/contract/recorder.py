"""What went over the wire between a caller and the emulators: each request with the answer that it got."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gtm_platform_tests.delivery.world import again, whole


@dataclass
class Exchange:
    """`path` is as the system itself would see it, without the prefix under which the sandbox holds the system."""

    system: str
    method: str
    path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    body: bytes
    status: int = 0
    answer_headers: dict[str, str] = field(default_factory=dict)
    answer: bytes = b""

    def __str__(self) -> str:
        return f"{self.system} {self.method} {self.path}"


@dataclass
class Recorder:
    app: ASGIApp
    url: str = ""
    exchanges: list[Exchange] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await whole(receive)
        _, system, rest = scope["path"].split("/", 2)
        query = parse_qsl(scope["query_string"].decode(), keep_blank_values=True)
        exchange = Exchange(system, scope["method"], f"/{rest}", query, _headers(scope), body)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status, exchange.answer_headers = message["status"], _headers(message)
            else:
                exchange.answer += message.get("body", b"")
            await send(message)

        self.exchanges.append(exchange)
        await self.app(scope, again(body), noting)

    def of(self, system: str) -> list[Exchange]:
        return [exchange for exchange in self.exchanges if exchange.system == system]


def _headers(message: Any) -> dict[str, str]:
    return {name.decode().lower(): value.decode() for name, value in message["headers"]}


def parsed(text: bytes) -> Any:
    return json.loads(text) if text else None


@contextmanager
def served(app: ASGIApp) -> Iterator[str]:
    """The app on loopback, for callers that bring their own way over the wire; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            time.sleep(0.002)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
