"""ChartMogul's records: field names of ours, paths into theirs, where dashes and underscores stand side by side."""

from datetime import date

from gtm_platform.ingest.record import (
    FACTS,
    Id,
    Instant,
    MaybeAmount,
    MaybeId,
    MaybeInstant,
    MaybeInt,
    MaybeText,
    Record,
    at,
    fact,
)

CHARTMOGUL_ID = "What ChartMogul's other records call it: its uuid."
CURRENCY = "Three letters, upper case."
MINOR = "Minor units"


class Customer(Record):
    """A customer of one or more billing systems, as ChartMogul counts it."""

    id: Id = at("uuid", default=..., about=CHARTMOGUL_ID)
    external_id: MaybeId = at("external_id", about="What the first of its billing systems calls it.")
    external_ids: list[str] = at(
        "external_ids", default=[], about="What its billing systems call it: several where customers were merged."
    )
    data_source_ids: list[str] = at("data_source_uuids", default=[], about="Where it comes from.")
    billing_system: MaybeText = at(
        "billing-system-type", about="Such as Stripe, or Import API for all that is imported."
    )
    name: MaybeText = at("name", personal=True, about="Company or person, as in the billing system.")
    company: MaybeText = at("company", about="The company's name.")
    email: MaybeText = at("email", personal=True, about="From the billing system; often where bills go.")
    website: MaybeText = at("website_url", about="Of the company.")
    country: MaybeText = at("country", about="Two letters.")
    city: MaybeText = at("city", personal=True, about="From the address.")
    status: MaybeText = at(
        "status", about="Active, Past Due, Cancelled, or New, Working, Qualified or Unqualified Lead, who never paid."
    )
    mrr: MaybeInt = at("mrr", about=f"{MINOR} of its currency, when it was read.")
    arr: MaybeInt = at("arr", about=f"{MINOR}: twelve times the MRR.")
    currency: MaybeText = at("currency", about=f"Of its MRR. {CURRENCY}")
    customer_since: MaybeInstant = at("customer-since", about="When it first brought MRR; None for leads.")
    lead_created_at: MaybeInstant = at("lead_created_at", about="When it became a lead.")
    free_trial_started_at: MaybeInstant = at("free_trial_started_at", about="When it began a trial.")
    tags: list[str] = at("attributes", "tags", default=[], about="Tags that people or rules put on it.")


class Activity(Record):
    """A movement of a customer's MRR. Rewritten, under a new id, when billing data is imported anew."""

    id: Id = at("uuid", default=..., about=CHARTMOGUL_ID)
    happened_at: Instant = at("date", default=..., about="When the MRR changed.")
    type: Id = at("type", default=..., about="new_biz, expansion, contraction, churn or reactivation.")
    customer_id: Id = at("customer-uuid", default=..., about="Whose MRR changed.")
    customer_external_id: MaybeId = at("customer-external-id", about="What the billing system calls the customer.")
    movement: MaybeInt = at("activity-mrr-movement", about=f"{MINOR}; below nothing for contraction and churn.")
    mrr: MaybeInt = at("activity-mrr", about=f"{MINOR}: MRR of the customer after it.")
    arr: MaybeInt = at("activity-arr", about=f"{MINOR}: twelve times that.")
    currency: MaybeText = at("currency", about=CURRENCY)
    description: MaybeText = at("description", about="In words.")
    subscription_external_id: MaybeId = at("subscription-external-id", about="The billing system's subscription.")
    plan_external_id: MaybeId = at("plan-external-id", about="The billing system's plan or price.")
    data_source_id: MaybeId = at("billing-connector-uuid", about="Where it comes from.")


class Plan(Record):
    """A plan of a billing system."""

    id: Id = at("uuid", default=..., about=CHARTMOGUL_ID)
    external_id: MaybeId = at("external_id", about="What the billing system calls it.")
    name: MaybeText = at("name", about="As people call it.")
    interval: MaybeText = at("interval_unit", about="Billed by day, month or year.")
    interval_count: MaybeInt = at("interval_count", about="How many intervals pass from bill to bill.")
    data_source_id: MaybeId = at("data_source_uuid", about="Where it comes from.")


class DataSource(Record):
    """A billing system, or an import, that ChartMogul counts."""

    id: Id = at("uuid", default=..., about=CHARTMOGUL_ID)
    name: MaybeText = at("name", about="As people call it.")
    system: MaybeText = at("system", about="Such as Stripe or Import API.")
    status: MaybeText = at("status", about="idle while nothing is imported.")
    created_at: MaybeInstant = at("created_at", about="When it was connected.")


class Metric(Record):
    """Recurring revenue of all customers in a period, by ChartMogul's own rates of exchange."""

    interval: Id = fact("interval", default=..., about="day or month.")
    day: date = at("date", default=..., about="Last day of the period; of the running one the last that is over.")
    currency: MaybeText = fact("currency", about=f"Of the account. {CURRENCY}")
    mrr: MaybeInt = at("mrr", about=f"{MINOR} at the end of the period.")
    mrr_new_business: MaybeInt = at("mrr-new-business", about=f"{MINOR} of new customers.")
    mrr_expansion: MaybeInt = at("mrr-expansion", about=f"{MINOR} that customers pay more.")
    mrr_contraction: MaybeInt = at("mrr-contraction", about=f"{MINOR} that customers pay less; below nothing.")
    mrr_churn: MaybeInt = at("mrr-churn", about=f"{MINOR} of customers who left; below nothing.")
    mrr_reactivation: MaybeInt = at("mrr-reactivation", about=f"{MINOR} of customers who came back.")
    arr: MaybeInt = at(FACTS, "overall", "arr", about=f"{MINOR}: twelve times the MRR.")
    arpa: MaybeAmount = at(FACTS, "overall", "arpa", about=f"{MINOR}: MRR of an average customer.")
    ltv: MaybeAmount = at(FACTS, "overall", "ltv", about=f"{MINOR} that an average customer pays before leaving.")
    customers: MaybeInt = at(FACTS, "overall", "customers", about="Customers with MRR.")
    customer_churn_rate: MaybeAmount = at(
        FACTS, "overall", "customer-churn-rate", about="Percent of customers who left."
    )
    mrr_churn_rate: MaybeAmount = at(
        FACTS, "overall", "mrr-churn-rate", about="Percent of MRR that went, net: below nothing where more came."
    )
