"""A receiver of webhooks for tests: it checks signatures by the specification, with nothing of the platform's code."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gtm_platform_tests.delivery.world import NOW

TOLERANCE = 300  # seconds


def signature_is_right(secret: str, headers: Any, body: bytes, now: float) -> bool:
    """Verify a message as the specification of Standard Webhooks says: any of its v1 signatures may be right."""
    stamp = headers["webhook-timestamp"]
    if abs(now - int(stamp)) > TOLERANCE:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{headers['webhook-id']}.{stamp}.".encode() + body
    wanted = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    versions = [each.split(",", 1) for each in headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(given_text, wanted) for version, given_text in versions)


@dataclass
class Arrived:
    """A request that came."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def payload(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(self.body)
        return loaded


@dataclass
class Receiver:
    """Takes what comes, unless it is told to answer otherwise; `keep` is called before it answers."""

    status: int | Callable[[Arrived], int] = 200
    headers: dict[str, str] = field(default_factory=dict)
    arrived: list[Arrived] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{path:path}", self._take, methods=["POST"])])

    async def _take(self, request: Request) -> Response:
        message = Arrived(request.url.path, dict(request.headers), await request.body())
        self.arrived.append(message)
        status = self.status(message) if callable(self.status) else self.status
        return Response(status_code=status, headers=self.headers)

    def ids(self) -> list[str]:
        return [each.id for each in self.arrived]

    def newest(self) -> dict[str, Any]:
        """What who keeps the newest of each subject knows, by the sequence and not by the order of arrival."""
        by_subject: dict[str, dict[str, Any]] = {}
        for each in self.arrived:
            data = each.payload["data"]
            id = data.get("customer_id") or data.get("company_id")
            if data["sequence"] > by_subject.get(id, {}).get("sequence", 0):
                by_subject[id] = data
        return {id: data["after"] for id, data in by_subject.items() if data["after"] is not None}


def verified(receiver: Receiver, secret: str, now: float = NOW.timestamp()) -> bool:
    """Whether all that came is signed with a secret."""
    return all(signature_is_right(secret, each.headers, each.body, now) for each in receiver.arrived)
