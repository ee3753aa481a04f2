"""The audit trail: who read or did what, and whether the chain of its entries is whole."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from gtm_platform.serving.api.context import AuditReader
from gtm_platform.serving.api.queries import PageQuery, Text, cursor_at, place_of
from gtm_platform.serving.store.documents import compound
from gtm_platform.state import State
from gtm_platform.state.audit import all_entries

ROUTER = APIRouter(prefix="/v1", tags=["operations"])


class AuditRow(BaseModel):
    """Something that was read or done, and its place in the chain."""

    id: int
    at: datetime
    actor: str = Field(description="A token, a person by a digest of the address, a user of the machine, a part of us.")
    action: str
    subject: str = Field(description="About whom or what, by an id.")
    detail: dict[str, Any] = Field(description="`people` are the customers whose personal data was shown.")
    previous: str = Field(description="Hash of the entry before it.")
    hash: str = Field(description="Of all of the above; see `gtm audit verify`.")


class AuditPage(BaseModel):
    """A page of the audit trail, the oldest first."""

    next_cursor: str | None
    data: list[AuditRow]


class AuditQuery(PageQuery):
    """Which entries."""

    person: Annotated[Text, Field(description="Id of a customer: entries about them, or that showed them.")] = ""
    actor: Annotated[Text, Field(description="Who, as an entry says it: token 1f0c9a2b3c4d.")] = ""
    day: Annotated[date | None, Field(description="Only those of a day, by UTC.")] = None


@ROUTER.get("/audit", response_model=None, responses={200: {"model": AuditPage}}, summary="List the audit trail")
async def audit(call: AuditReader, query: Annotated[AuditQuery, Query()]) -> Response:
    """Who read or did what, the oldest first; persons by their ids. `gtm audit verify` checks the chain."""
    call.request.state.subject = query.person
    body = await run_in_threadpool(_page, call.api.state, query)
    return Response(body, headers={"Cache-Control": "no-store"}, media_type="application/json")


def _page(state: State, query: AuditQuery) -> bytes:
    after = place_of(query.cursor, (int,)) or (0,)
    since = datetime.combine(query.day, time(), tzinfo=UTC) if query.day else None
    until = since + timedelta(days=1) if since else None
    with state.reading() as tx:
        chosen = all_entries(tx, person=query.person, actor=query.actor, since=since, until=until, after=after[0])
        rows = [{str(name): row[name] for name in row} for row in islice(chosen, query.limit + 1)]
    cursor = cursor_at((rows[query.limit - 1]["id"],)) if len(rows) > query.limit else None
    return compound({"next_cursor": orjson.dumps(cursor), "data": orjson.dumps(rows[: query.limit])})
