"""Companies, and one with its people."""

from http import HTTPStatus
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import Field
from starlette.responses import Response

from gtm_platform.cohorts.company_cohorts import COHORTS
from gtm_platform.serving.answers.cohorts import MOST, transitions_of
from gtm_platform.serving.api.context import Call, Reader
from gtm_platform.serving.api.models import CompanyDetail, CompanyPage
from gtm_platform.serving.api.problems import Problem
from gtm_platform.serving.api.queries import NoQuery, PageQuery, Text, place_of, plain_page, with_day
from gtm_platform.serving.snapshot.layout import HISTORY_DAYS
from gtm_platform.serving.store import CompanyQuery, CompanySort, CustomerQuery, Snapshot
from gtm_platform.serving.store.customer_query import LARGEST_PAGE
from gtm_platform.serving.store.documents import array

SORTS: dict[str, CompanySort] = {"mrr": "mrr_reporting", "priority": "priority"}
ROUTER = APIRouter(prefix="/v1", tags=["companies"])


class CompanyListQuery(PageQuery):
    """Which companies."""

    domain: Annotated[Text | None, Field(description="The company with this domain.")] = None
    cohort: Annotated[Literal[COHORTS] | None, Field(description="Only those in it.")] = None  # type: ignore[valid-type]
    sort: Annotated[Literal["mrr", "priority"], Field(description="What comes first: the most of it.")] = "mrr"


@ROUTER.get("/companies", response_model=None, responses={200: {"model": CompanyPage}}, summary="List companies")
async def companies(call: Reader, query: Annotated[CompanyListQuery, Query()]) -> Response:
    """Companies that have people or are in a cohort."""
    after = place_of(query.cursor, (float, int))

    def make(snapshot: Snapshot) -> bytes:
        rows = snapshot.companies(CompanyQuery(query.domain, query.limit + 1, query.cohort, SORTS[query.sort], after))
        return plain_page(snapshot, rows, query.limit, total=orjson.dumps(snapshot.count_companies(query.cohort)))

    return call.answer(make)


@ROUTER.get(
    "/companies/{company_id}",
    response_model=None,
    responses={200: {"model": CompanyDetail}},
    summary="Show a company",
)
async def company(
    call: Reader,
    company_id: Annotated[str, Path(max_length=253, description="Id or domain.")],
    _: Annotated[NoQuery, Query()],
) -> Response:
    """A company with its people, those with the most MRR first."""
    return call.answer(lambda snapshot: _detail(call, snapshot, company_id))


def _detail(call: Call, snapshot: Snapshot, company_id: str) -> bytes:
    body = snapshot.company(company_id)
    if body is None:
        raise Problem(HTTPStatus.NOT_FOUND, "There is no such company: neither an id nor a domain of one.")
    id = orjson.loads(body)["company_id"]
    call.request.state.subject = id
    people = snapshot.customers(CustomerQuery({"company": [id]}, limit=LARGEST_PAGE, customers="all"))
    return with_day(
        snapshot,
        company=body,
        transitions=orjson.dumps(
            [each.model_dump(mode="json") for each in transitions_of(snapshot, HISTORY_DAYS, MOST, id)]
        ),
        total_people=orjson.dumps(people.total),
        people=array(people.bodies(personal=call.principal.sees_personal)),
    )
