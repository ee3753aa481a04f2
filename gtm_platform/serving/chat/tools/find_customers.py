"""Who the customers are that fit some filters."""

from typing import Annotated, Literal

import orjson
from pydantic import Field

from gtm_platform.cohorts.company_cohorts import COHORTS
from gtm_platform.health.customer_health import STATUSES
from gtm_platform.serving.api.queries import ORDERS
from gtm_platform.serving.chat.answers import Customers
from gtm_platform.serving.chat.question import Question
from gtm_platform.serving.chat.tools import Tool
from gtm_platform.serving.snapshot.layout import CUSTOMERS
from gtm_platform.serving.store import CustomerQuery
from gtm_platform.serving.store.customer_query import Value

MOST = 50
Health = Literal[STATUSES]  # type: ignore[valid-type]
Cohort = Literal[COHORTS]  # type: ignore[valid-type]
Order = Literal[ORDERS]  # type: ignore[valid-type]
Text = Annotated[str, Field(max_length=200)]


def answer(
    question: Question,
    health: Annotated[list[Health], Field(max_length=len(STATUSES), description="Any of these; all without.")] = [],  # noqa: B006  a schema's default
    account_manager: Annotated[Text | None, Field(description="Name; empty for customers without one.")] = None,
    plan: Annotated[Text | None, Field(description="Tier of the plan.")] = None,
    company_domain: Text | None = None,
    cohort: Annotated[Cohort | None, Field(description="Cohort of the company.")] = None,
    signal: Annotated[Text | None, Field(description="Name of a risk signal, such as payment_delinquent.")] = None,
    mrr_at_least: Annotated[float | None, Field(ge=0, le=1e12, description="In the reporting currency.")] = None,
    customers: Annotated[
        Literal["current", "former", "all"], Field(description="former are those who left.")
    ] = "current",
    sort: Annotated[Order, Field(description="With a minus descending.")] = "-mrr",
    limit: Annotated[int, Field(ge=1, le=MOST)] = 20,
) -> Customers:
    """List customers by health, account manager, plan, company, its cohort, risk signal or MRR.

    `total` and `total_mrr` are of all that fit.
    For who is at risk pass health=["at_risk", "high_risk", "critical"]; `risk_signals` say why, `recommended_actions`
    what to do, `assigned_am` whose customer it is.
    """
    filters: dict[str, list[Value]] = {
        "health": list(health),
        "account_manager": _single(account_manager),
        "plan": _single(plan),
        "domain": _single(company_domain and company_domain.lower()),
        "cohort": _single(cohort),
        "signal": _single(signal),
        "mrr_min": _single(mrr_at_least),
    }
    page = question.snapshot.customers(CustomerQuery(filters, sort, limit, None, customers))
    return Customers(
        **question.origin(CUSTOMERS),
        total=page.total,
        total_mrr=page.total_mrr,
        currency=orjson.loads(question.snapshot.fact("summary"))["currency"],
        customers=question.brief(page.rows(personal=question.personal)),
    )


def _single(value: Value | None) -> list[Value]:
    return [] if value is None else [value]


TOOL = Tool("find_customers", "Find customers", answer)
