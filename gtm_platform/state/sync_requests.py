"""Syncs that were asked for: of one idempotency key of a token only the first launches a run."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from gtm_platform.state.schema import sync_requests


@dataclass(frozen=True)
class SyncRequest:
    """A request, with the hashes of its key and its body; `answer` is None until a run was launched."""

    token_id: str
    key: str
    body_hash: str
    run_id: str
    at: datetime
    answer: Mapping[str, Any] | None = None


def claim(tx: sa.Connection, request: SyncRequest) -> SyncRequest:
    """Keep the request unless its key was used before; return the one that counts."""
    columns = sync_requests.c
    try:
        with tx.begin_nested():
            row = {name: value for name, value in vars(request).items() if name != "answer"}
            tx.execute(sa.insert(sync_requests), row)
    except IntegrityError:
        earlier = (columns.token_id == request.token_id) & (columns.key == request.key)
        return SyncRequest(**tx.execute(sa.select(sync_requests).where(earlier)).mappings().one())
    return request


def answer(tx: sa.Connection, request: SyncRequest, content: Mapping[str, Any]) -> None:
    """Keep what the request was answered with."""
    tx.execute(sa.update(sync_requests).where(*_is(request)).values(answer=dict(content)))


def release(tx: sa.Connection, request: SyncRequest) -> None:
    """Forget a request whose run could not be launched, so that it can be made again."""
    tx.execute(sa.delete(sync_requests).where(*_is(request)))


def _is(request: SyncRequest) -> tuple[sa.ColumnElement[bool], ...]:
    return sync_requests.c.token_id == request.token_id, sync_requests.c.key == request.key
