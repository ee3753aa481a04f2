"""`cohorts/transitions`: every change of a company's cohort, or into and out of being dormant, with what brought it."""

import ibis

from gtm_platform.cohorts.company_cohorts import COMPETITOR, CUSTOMER, IN_MARKET, PARTNER
from gtm_platform.lake.contracts import Column, Contract
from gtm_platform.lake.daily_table import DailyTable, PreviousDay
from gtm_platform.lake.expressions.days import Day, as_scalar

DORMANT = "dormant"
IN_MARKET_CONVERTED, DISPLACEMENT = "In-market converted", "Competitor displacement"
BECAME_PARTNER, CAME_INTO_MARKET = "Became a partner", "Came into the market"
FELL_DORMANT, CAME_BACK = "Fell dormant", "Came back"
SIGNED_UP, NEW_COMPETITOR, LEFT = "Signed up", "Competitor seen", "Nothing speaks for it any more"
TRIGGERS = (
    IN_MARKET_CONVERTED,
    DISPLACEMENT,
    BECAME_PARTNER,
    CAME_INTO_MARKET,
    FELL_DORMANT,
    CAME_BACK,
    SIGNED_UP,
    NEW_COMPETITOR,
    LEFT,
)

CONTRACT = Contract(
    {
        "company_id": Column("string", "The company.", nullable=False),
        "at": Column("date", "The day on which it changed.", nullable=False),
        "compared_with": Column("date", "The day before it with which it was compared.", nullable=False),
        "from_cohort": Column("string", "Null: none."),
        "to_cohort": Column("string", "Null: none."),
        "from_status": Column("string", "chroma_customer_status before."),
        "to_status": Column("string", "chroma_customer_status now."),
        "trigger": Column("string", ", ".join(TRIGGERS) + ".", nullable=False, rule=lambda v: v.isin(TRIGGERS)),
        "competitor_displaced": Column("string", "The competitor's product that a new customer leaves."),
        "evidence": Column("array<string>", "The signs of the day behind it, sorted.", nullable=False),
    },
    key=("company_id",),
    about="One row per company whose cohort changed, or that fell dormant or came back, since the day before.",
    figures={"transitions": lambda t: t.count()},
)


def table(cohorts: ibis.Table, before: ibis.Table, day: Day) -> ibis.Table:
    """Return the changes; a new company comes from no cohort, and the first day has none."""
    then = before.select("company_id", "customer_cohort", "chroma_customer_status")
    rows = cohorts.left_join(then, "company_id", rname="{name}_before")
    rows = rows.cross_join(before.aggregate(compared_with=before["as_of"].max()))
    rows = rows.filter(rows["compared_with"].notnull(), _has_changed(rows))
    from_, to = rows["customer_cohort_before"], rows["customer_cohort"]
    displaced = (to == CUSTOMER) & from_.isin((COMPETITOR, IN_MARKET)).fill_null(False)
    return rows.select(
        "company_id",
        "compared_with",
        at=as_scalar(day),
        from_cohort=from_,
        to_cohort=to,
        from_status=rows["chroma_customer_status_before"],
        to_status=rows["chroma_customer_status"],
        trigger=_trigger(rows),
        competitor_displaced=ibis.ifelse(displaced, rows["current_vector_db"], ibis.null("string")),
        evidence=_evidence(rows),
    )


def _has_changed(rows: ibis.Table) -> ibis.ir.BooleanValue:
    """Whether the cohort is another, or a customer fell dormant or came back."""
    cohort, before = rows["customer_cohort"].fill_null(""), rows["customer_cohort_before"].fill_null("")
    dormant = (rows["chroma_customer_status"] == DORMANT).fill_null(False)
    was_dormant = (rows["chroma_customer_status_before"] == DORMANT).fill_null(False)
    return (cohort != before) | ((cohort == CUSTOMER) & (dormant != was_dormant))


def _trigger(rows: ibis.Table) -> ibis.ir.StringValue:
    from_, to = rows["customer_cohort_before"].fill_null(""), rows["customer_cohort"].fill_null("")
    is_customer = to == CUSTOMER
    return ibis.cases(
        (is_customer & (from_ == CUSTOMER) & (rows["chroma_customer_status"] == DORMANT), FELL_DORMANT),
        (is_customer & (from_ == CUSTOMER), CAME_BACK),
        (is_customer & (from_ == IN_MARKET), IN_MARKET_CONVERTED),
        (is_customer & (from_ == COMPETITOR), DISPLACEMENT),
        (is_customer, SIGNED_UP),
        (to == PARTNER, BECAME_PARTNER),
        (to == IN_MARKET, CAME_INTO_MARKET),
        (to == COMPETITOR, NEW_COMPETITOR),
        else_=LEFT,
    )


def _evidence(rows: ibis.Table) -> ibis.ir.ArrayValue:
    absent = ibis.null("string")
    signs = ibis.array(
        [
            ibis.ifelse(rows["current_vector_db"].notnull(), ibis.literal("uses ") + rows["current_vector_db"], absent),
            ibis.ifelse(
                rows["si_partner_status"].notnull(), rows["si_partner_status"] + ibis.literal(" partner"), absent
            ),
        ]
    ).filter(lambda sign: sign.notnull())
    evidence: ibis.ir.ArrayValue = rows["in_market_signals"].concat(signs).sort()
    return evidence


TABLE = DailyTable(
    "cohorts/transitions",
    CONTRACT,
    inputs={"cohorts": "cohorts/company_cohorts", "before": PreviousDay("cohorts/company_cohorts")},
    rule=table,
    per="company",
)
