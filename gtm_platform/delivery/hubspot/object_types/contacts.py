"""HubSpot contacts: a current customer's health, churn risk and MRR; nothing on that of a former one."""

import ibis

from gtm_platform.delivery.hubspot.object_type import ObjectType, Tables
from gtm_platform.delivery.hubspot.properties import Origin, checkboxes, number, select, text
from gtm_platform.lake.expressions.joins import left_join_all

HEALTH, CUSTOMERS = "health/customer_health", "core/unified_customers"

# Those known beforehand; another one is added as an option when a customer has it.
SIGNALS = (
    "cancel_mentioned",
    "payment_delinquent",
    "critical_ticket_open",
    "failed_payments",
    "inactive_30d",
    "usage_falling",
    "low_csat",
    "negative_tone",
    "low_engagement",
)

PROPERTIES = (
    number(
        "gtm_health_score",
        "Health score",
        "Customer health, 0 to 100.",
        Origin(HEALTH, "health_score", "policy_hash"),
    ),
    select(
        "gtm_health_status",
        "Health status",
        "Customer health in words.",
        Origin(HEALTH, "health_status", "policy_hash"),
        ("healthy", "at_risk", "high_risk", "critical"),
    ),
    number(
        "gtm_churn_risk",
        "Churn risk",
        "Probability in percent of churning within 90 days.",
        Origin(HEALTH, "churn_risk", "churn_risk_model"),
    ),
    checkboxes(
        "gtm_risk_signals",
        "Risk signals",
        "Why the health score is what it is.",
        Origin(HEALTH, "risk_signals", "policy_hash"),
        SIGNALS,
    ),
    number(
        "gtm_mrr",
        "MRR",
        "Monthly recurring revenue in the currency of MRR currency.",
        Origin(CUSTOMERS, "mrr", "mrr_source"),
    ),
    text(
        "gtm_mrr_currency",
        "MRR currency",
        "The currency of MRR, such as EUR.",
        Origin(CUSTOMERS, "currency", "mrr_source"),
    ),
    number(
        "gtm_mrr_reporting",
        "MRR (reporting)",
        "MRR in the reporting currency, to add up and compare; empty without a rate for its currency.",
        Origin(CUSTOMERS, "mrr_reporting", "mrr_source"),
    ),
)


def plan(tables: Tables) -> ibis.Table:
    """Return a row per customer with a HubSpot contact who has health or is no longer a customer."""
    health = tables[HEALTH].select("customer_id", *OBJECT_TYPE.columns_of(HEALTH), has_health=True)
    customers = tables[CUSTOMERS]
    customers = customers.filter(customers["hubspot_contact_id"] != "").select(
        "customer_id",
        "hubspot_contact_id",
        *(name for name in OBJECT_TYPE.columns_of(CUSTOMERS) if name != "currency"),
        not_a_customer=~customers["is_customer"].fill_null(False),
        currency=ibis.ifelse(customers["mrr"].notnull(), customers["currency"].upper(), ibis.null("string")),
    )
    rows = left_join_all(customers, [health])
    return rows.filter(rows["has_health"].fill_null(False) | rows["not_a_customer"])


OBJECT_TYPE = ObjectType(
    name="contacts",
    label="contact",
    type_id="0-1",
    key="hubspot_contact_id",
    subject="customer_id",
    properties=PROPERTIES,
    inputs=(HEALTH, CUSTOMERS),
    plan=plan,
    cleared="not_a_customer",
    about="Health, churn risk and MRR as properties of HubSpot contacts; only what changed, only the newest day.",
)
