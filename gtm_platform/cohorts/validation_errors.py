"""`cohorts/validation_errors`: what a company's cohort asks of its row, and the row lacks."""

import ibis

from gtm_platform.cohorts.company_cohorts import COMPETITOR, CUSTOMER, IN_MARKET, PARTNER, SIZES
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable

# By the cohort, which fields it needs; of a group of fields one is enough.
REQUIRED: dict[str, tuple[tuple[str, ...], ...]] = {
    CUSTOMER: (("domain",), ("chroma_customer_status",)),
    IN_MARKET: (("in_market_signals", "ai_hiring_status", "signal_source"),),
    COMPETITOR: (("current_vector_db",),),
    PARTNER: (("si_partner_status",),),
}

CONTRACT = Contract(
    {
        "company_id": Column("string", "The company.", nullable=False),
        "customer_cohort": Column("string", "Its cohort; null where it is in none."),
        "field": Column("string", "The field, or fields of which one is needed, that are empty.", nullable=False),
        "error": Column("string", "What is wrong, in a sentence.", nullable=False),
    },
    key=("company_id", "field"),
    about="One row per company and field that its cohort needs and that is empty.",
    figures=SIZES,
)


def table(companies: ibis.Table, cohorts: ibis.Table) -> ibis.Table:
    """Return a row per field that is missing."""
    companies = companies.select("company_id", "name", "domain").join(cohorts, "company_id")
    parts = [_missing(companies, None, ("name",))]
    parts += [_missing(companies, cohort, fields) for cohort, needs in REQUIRED.items() for fields in needs]
    return ibis.union(*parts)


def _missing(companies: ibis.Table, cohort: str | None, fields: tuple[str, ...]) -> ibis.Table:
    empty = ibis.and_(*(is_empty(companies[name]) for name in fields))
    affected = companies["customer_cohort"] == cohort if cohort else ibis.literal(True)
    named = " or ".join(fields)
    sentence = f"A company in {cohort} needs {named}." if cohort else f"A company needs a {named}."
    return companies.filter(empty, affected).select(
        "company_id", "customer_cohort", field=ibis.literal(named), error=ibis.literal(sentence)
    )


def is_empty(value: ibis.Value) -> ibis.ir.BooleanValue:
    """Whether a field says nothing."""
    return value.isnull() | (value.length() == 0) if isinstance(value, ibis.ir.ArrayValue) else value.isnull()


TABLE = DailyTable(
    "cohorts/validation_errors",
    CONTRACT,
    inputs={"companies": "identity/companies", "cohorts": "cohorts/company_cohorts"},
    rule=table,
)
