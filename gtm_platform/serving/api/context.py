"""What endpoints work with: the store, who asks, and how an answer is made from a snapshot."""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.responses import Response

from gtm_platform.policy.access import Area
from gtm_platform.serving.api.access_log import AccessLog
from gtm_platform.serving.api.erasures import Erasures
from gtm_platform.serving.api.problems import Problem
from gtm_platform.serving.api.rate_limit import RequestLimit
from gtm_platform.serving.api.syncs import Syncs
from gtm_platform.serving.store import Snapshot, Store
from gtm_platform.serving.tokens import SCOPES, Principal, Tokens
from gtm_platform.state import State

BEARER = HTTPBearer(auto_error=False, description="A token that `gtm token create` made.")
CHALLENGE = {"WWW-Authenticate": "Bearer"}


@dataclass(frozen=True)
class Api:
    """What an app serves from; one for each process."""

    store: Store
    state: State
    tokens: Tokens
    limit: RequestLimit
    log: AccessLog
    syncs: Syncs
    now: Callable[[], datetime]
    erasures: Erasures | None = None


@dataclass(frozen=True)
class Call:
    """An allowed request: who asks, and of what."""

    request: Request
    api: Api
    principal: Principal

    def answer(self, make: Callable[[Snapshot], bytes], moving: Callable[[Snapshot], str] = lambda _: "") -> Response:
        """Answer from the current snapshot, or that the asker has the answer already.

        `moving` is what of the answer changes with time, while the snapshot does not.
        """
        snapshot = self.api.store.current().seen(self.principal.sight)  # once: an answer is never of two
        tag = self._tag(snapshot, moving(snapshot))
        headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Authorization"}
        if _names(self.request.headers.get("if-none-match", ""), tag):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return Response(make(snapshot), headers=headers, media_type="application/json")

    def _tag(self, snapshot: Snapshot, moving: str) -> str:
        """Return what the answer depends on: the landing, the question, and what the asker may see."""
        question = f"{self.request.url.path}?{self.request.url.query} {self.principal.role} {moving}"
        return f'"{snapshot.stamp}-{hashlib.sha256(question.encode()).hexdigest()[:16]}"'


def _names(header: str, tag: str) -> bool:
    tags = [each.strip().removeprefix("W/") for each in header.split(",")]
    return tag in tags or tags == ["*"]


def authorized(tokens: Tokens, limit: RequestLimit, token: str | None) -> Principal:
    """Return whose token it is, and count the request; Problem where it is none, or asks too often."""
    principal = tokens.principal(token) if token else None
    if principal is None:
        detail = "Send a valid token as `Authorization: Bearer gtm_…`; `gtm token create` makes one."
        raise Problem(HTTPStatus.UNAUTHORIZED, detail, CHALLENGE)
    if wait := limit.seconds_to_wait(principal.token_id):
        detail = "This token makes more requests than it may: wait, then go on more slowly."
        raise Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, {"Retry-After": str(math.ceil(wait))})
    return principal


def allowed(*scopes: str, area: Area = "customers") -> Any:
    """Return the dependency of endpoints that need these scopes, and a role that opens the area."""

    async def call(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
    ) -> Call:
        api: Api = request.app.state.api
        principal = authorized(api.tokens, api.limit, credentials.credentials if credentials else None)
        request.state.principal = principal
        for scope in scopes:
            require(principal, scope)
        require_area(principal, area)
        return Call(request, api, principal)

    return Depends(call)


def require(principal: Principal, scope: str) -> None:
    """Refuse who lacks a scope."""
    if scope not in principal.scopes:
        raise Problem(HTTPStatus.FORBIDDEN, f"This needs a token with the scope {scope}: {SCOPES[scope]}")


def require_area(principal: Principal, area: Area) -> None:
    """Refuse whose role is for something else."""
    if area not in principal.areas:
        raise Problem(HTTPStatus.FORBIDDEN, f"The role of this token does not open what is about {area}.")


Reader = Annotated[Call, allowed("customers:read")]
RulesReader = Annotated[Call, allowed("customers:read", area="rules")]
OperationsReader = Annotated[Call, allowed("customers:read", area="operations")]
AuditReader = Annotated[Call, allowed("audit:read", area="audit")]
