"""How often each path of each system was requested, with which status: what tests and the front page show."""

import re
from collections import Counter
from typing import Any
from urllib.parse import unquote

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Numbers, long hexadecimal strings, prefixed ids and addresses; HubSpot's type ids ("0-1") are no ids of records.
_ID = re.compile(
    r"\d+|[0-9a-f]{12,}|[0-9a-f-]{36}|[a-z]{2,6}_[0-9A-Za-z_-]*\d[0-9A-Za-z_-]*|[A-Z]{2,8}[0-9A-F]{8,}|[^/]+@[^/]+"
)


class RequestCounts:
    """A layer that counts the requests to the systems by path (ids folded) and status."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.counts: Counter[tuple[str, str, str, int]] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        system, _, path = scope["path"].lstrip("/").partition("/")

        async def count(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.counts[system, scope["method"], folded(f"/{path}"), message["status"]] += 1
            await send(message)

        await self._app(scope, receive, count)

    def rows(self) -> list[dict[str, Any]]:
        """One row per system, method, path and status."""
        names = ("system", "method", "path", "status")
        return [{**dict(zip(names, key, strict=True)), "count": count} for key, count in sorted(self.counts.items())]

    def of_system(self, name: str) -> tuple[int, int]:
        """All requests to a system, and those among them that were refused or failed."""
        counts = [(status, count) for (system, _, _, status), count in self.counts.items() if system == name]
        return sum(count for _, count in counts), sum(count for status, count in counts if status >= 400)


def folded(path: str) -> str:
    """The path with a placeholder for every id."""
    return "/".join("{id}" if _ID.fullmatch(unquote(part)) else part for part in path.split("/"))
