"""Companies, and the people of one."""

from typing import Annotated, Literal

import orjson
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from gtm_platform.cohorts.company_cohorts import COHORTS
from gtm_platform.serving.chat.answers import Companies
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool
from gtm_platform.serving.snapshot.layout import COMPANIES, CUSTOMERS
from gtm_platform.serving.store import CompanyQuery, CustomerQuery

MOST = 50
Cohort = Literal[COHORTS]  # type: ignore[valid-type]


def answer(
    question: Question,
    company: Annotated[str | None, Field(max_length=200, description="Id or domain; without it the largest.")] = None,
    cohort: Annotated[Cohort | None, Field(description="Only companies in it.")] = None,
    limit: Annotated[int, Field(ge=1, le=MOST)] = 20,
) -> Companies:
    """List the companies that pay most, in all or in a cohort, or show one with its people.

    Each with MRR, health and account managers.
    """
    snapshot = question.snapshot
    origin = question.origin(COMPANIES, CUSTOMERS)
    total = snapshot.count_companies(cohort)
    if company is None:
        rows = [orjson.loads(body) for body, _ in snapshot.companies(CompanyQuery(limit=limit, cohort=cohort))]
        return Companies(**origin, total=total, companies=rows, total_people=0, people=[])
    body = snapshot.company(company.strip().lower() if "." in company else company.strip())
    if body is None:
        raise ToolError("There is no such company: neither an id nor a domain of one.")
    row = orjson.loads(body)
    question.subjects.append(row["company_id"])
    people = snapshot.customers(CustomerQuery({"company": [row["company_id"]]}, "-mrr", limit, customers="all"))
    listed = question.brief(people.rows(personal=question.personal))
    return Companies(**origin, total=total, companies=[row], total_people=people.total, people=listed)


TOOL = Tool("companies", "Companies", answer)
