"""What changed, who left, which account manager needs help."""

from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from gtm_platform.serving.answers.account_managers import AccountManager
from gtm_platform.serving.answers.account_managers import account_managers as all_managers
from gtm_platform.serving.answers.changes import LEAST, LISTED
from gtm_platform.serving.answers.changes import changes as changes_of
from gtm_platform.serving.answers.churned import MOST, Churned, Departure
from gtm_platform.serving.answers.churned import churned as churned_in
from gtm_platform.serving.answers.mrr_movement import MrrMovement
from gtm_platform.serving.api.context import Call, Reader
from gtm_platform.serving.api.models import Answer, CustomerRow, Movement
from gtm_platform.serving.api.queries import NoQuery, Text, with_day
from gtm_platform.serving.metrics.metric import WINDOWS
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.store.documents import array

ROUTER = APIRouter(prefix="/v1", tags=["changes"])
Days = Literal[tuple(map(str, WINDOWS))]  # type: ignore[valid-type]
Manager = Annotated[Text | None, Field(description="Lists only customers of this one; empty: of nobody.")]


class AccountManagers(Answer):
    """The account managers, the one with most MRR at risk first."""

    currency: str = Field(description="The reporting currency.")
    data: list[AccountManager]


class DepartedCustomer(Departure):
    """Somebody who left."""

    customer: CustomerRow  # type: ignore[valid-type]


class ChurnedCustomers(Answer):
    """Who left, the latest first, at most 200; totals are of all."""

    days: int
    total: int
    total_mrr: float = Field(description="What they paid when they left, in the reporting currency.")
    foreseen: int = Field(description="How many had been flagged in the 30 days before.")
    watched: int = Field(description="Of how many this is known; the rest left before the first day that is shown.")
    data: list[DepartedCustomer]


class ChangesAnswer(Answer):
    """What moved in some days."""

    days: int
    currency: str = Field(description="The reporting currency.")
    mrr: MrrMovement | None = Field(description="Null in a home that is younger.")
    metrics: dict[str, Movement]
    total_fell: int
    fell: list[CustomerRow] = Field(description="Scores that fell most in 7 days.")  # type: ignore[valid-type]
    total_churned: int
    churned: list[DepartedCustomer] = Field(description="Who left, the latest first.")


class ChurnedQuery(NoQuery):
    """Who left, and when."""

    days: Days = Field(default="30", description="In so many days.")  # type: ignore[valid-type]
    account_manager: Manager = None
    limit: Annotated[int, Field(ge=1, le=MOST, description="Rows that are listed.")] = 50


class ChangesQuery(NoQuery):
    """What changed, and since when."""

    days: Days = Field(default="7", description="Over so many days.")  # type: ignore[valid-type]
    account_manager: Manager = None
    least: Annotated[int, Field(ge=1, le=100, description="Points that a score fell at least.")] = LEAST
    limit: Annotated[int, Field(ge=1, le=MOST, description="Rows of each list.")] = LISTED


@ROUTER.get("/changes", response_model=None, responses={200: {"model": ChangesAnswer}}, summary="Show what changed")
async def changes(call: Reader, query: Annotated[ChangesQuery, Query()]) -> Response:
    """Metrics with their changes, how MRR moved, whose score fell, who left."""
    return call.answer(lambda snapshot: _changes(call, snapshot, query))


@ROUTER.get("/churned", response_model=None, responses={200: {"model": ChurnedCustomers}}, summary="List who left")
async def churned(call: Reader, query: Annotated[ChurnedQuery, Query()]) -> Response:
    """Who ended a paid subscription, how they stood, and since when there had been a warning."""

    def make(snapshot: Snapshot) -> bytes:
        left = churned_in(
            snapshot,
            int(query.days),
            personal=call.principal.sees_personal,
            account_manager=query.account_manager,
            limit=query.limit,
        )
        totals = {
            "days": left.days,
            "total": left.total,
            "total_mrr": left.total_mrr,
            "foreseen": left.foreseen,
            "watched": left.watched,
        }
        return with_day(snapshot, **_json(totals), data=_departed(left))

    return call.answer(make)


@ROUTER.get(
    "/account-managers",
    response_model=None,
    responses={200: {"model": AccountManagers}},
    summary="List the account managers",
)
async def account_managers(call: Reader, _: Annotated[NoQuery, Query()]) -> Response:
    """Account managers by their MRR at risk: customers, MRR, mean health and how it moved, MRR lost."""

    def make(snapshot: Snapshot) -> bytes:
        managers = [each.model_dump() for each in all_managers(snapshot)]
        currency = orjson.loads(snapshot.fact("summary"))["currency"]
        return with_day(snapshot, **_json({"currency": currency, "data": managers}))

    return call.answer(make)


def _changes(call: Call, snapshot: Snapshot, query: ChangesQuery) -> bytes:
    personal = call.principal.sees_personal
    moved = changes_of(
        snapshot,
        int(query.days),
        personal=personal,
        account_manager=query.account_manager,
        least=query.least,
        limit=query.limit,
    )
    head = {
        "days": moved.days,
        "currency": moved.currency,
        "mrr": moved.mrr.model_dump() if moved.mrr else None,
        "metrics": moved.metrics,
        "total_fell": moved.fell.total,
        "total_churned": moved.churned.total,
    }
    fell = array(moved.fell.bodies(personal=personal))
    return with_day(snapshot, **_json(head), fell=fell, churned=_departed(moved.churned))


def _departed(left: Churned) -> bytes:
    return orjson.dumps([{**departure.model_dump(), "customer": row} for departure, row in left.listed()])


def _json(values: dict[str, Any]) -> dict[str, bytes]:
    return {name: orjson.dumps(value) for name, value in values.items()}
