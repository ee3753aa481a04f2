"""The HubSpot and Slack of these tests: emulators on loopback that list the calls they got, with faults on demand."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


@dataclass
class Call:
    method: str
    path: str
    body: Any = None


Fault = Callable[[Call], tuple[int, dict[str, Any]] | None]


@dataclass
class Watched:
    """An emulator that remembers what it was asked, and answers a fault instead where one says so."""

    app: ASGIApp
    calls: list[Call] = field(default_factory=list)
    fault: Fault | None = None
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        body = await whole(receive)
        call = Call(scope["method"], scope["path"], json.loads(body) if body.startswith(b"{") else None)
        self.calls.append(call)
        if self.fault and (answer := self.fault(call)):
            return await _answer(send, *answer)
        return await self.app(scope, again(body), send)

    def calls_to(self, ending: str) -> list[Call]:
        return [call for call in self.calls if call.path.endswith(ending)]


async def whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    return body


def again(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


async def _answer(send: Send, status: int, body: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


@contextmanager
def served(app: ASGIApp) -> Iterator[Watched]:
    watched = Watched(app)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()  # who connects before the server runs waits for it
        watched.url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(watched, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([taken],), daemon=True)
        thread.start()
        try:
            yield watched
        finally:
            server.should_exit = True
            thread.join(10)
