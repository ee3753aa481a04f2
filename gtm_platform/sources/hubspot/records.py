"""What HubSpot's records look like to us. All its property values are texts or null, whatever their type."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, AliasPath, BeforeValidator, Field

from gtm_platform.connect.records import (
    Blank,
    Id,
    Instant,
    MaybeAmount,
    MaybeBool,
    MaybeId,
    MaybeInstant,
    MaybeInt,
    MaybeText,
    Record,
    Whole,
    at,
)


def _split(value: Any) -> Any:
    """Several values in one text, as HubSpot keeps them: `a;b`."""
    if isinstance(value, str):
        return [part for part in (part.strip() for part in value.split(";")) if part]
    return [] if value is None else value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Several = Annotated[list[str], BeforeValidator(_split)]
Currency = Annotated[MaybeText, BeforeValidator(_lower)]


def prop(name: str, *, personal: bool = False, about: str = "", default: Any = None) -> Any:
    return at("properties", name, personal=personal, about=about, default=default)


def several(name: str, *, personal: bool = False, about: str = "") -> Any:
    return prop(name, personal=personal, about=about, default=[])


def each(*names: str, personal: bool = False, about: str = "") -> Any:
    """A property that is called differently in each type of engagement."""
    paths = AliasChoices(*(AliasPath("properties", name) for name in names))
    return Field(None, validation_alias=paths, description=about, json_schema_extra={"personal": personal})


def properties_of(record: type[Record]) -> tuple[str, ...]:
    """The HubSpot properties that the fields of a record are read from."""
    aliases = [field.validation_alias for field in record.model_fields.values()]
    paths = [path for alias in aliases for path in _paths(alias)]
    return tuple(str(path.path[1]) for path in paths if path.path[0] == "properties")


def _paths(alias: AliasChoices | AliasPath | str | None) -> Iterable[AliasPath]:
    if isinstance(alias, AliasChoices):
        return [choice for choice in alias.choices if isinstance(choice, AliasPath)]
    return [alias] if isinstance(alias, AliasPath) else []


class Contact(Record):
    """A person in the CRM, as HubSpot holds it."""

    id: Id = at("id", default=...)
    email: MaybeText = prop("email", personal=True)
    additional_emails: Several = several("hs_additional_emails", personal=True, about="Other addresses of the person.")
    first_name: MaybeText = prop("firstname", personal=True)
    last_name: MaybeText = prop("lastname", personal=True)
    company_name: MaybeText = prop("company")
    job_title: MaybeText = prop("jobtitle", personal=True)
    phone: MaybeText = prop("phone", personal=True)
    lifecycle_stage: MaybeText = prop("lifecyclestage")
    lead_status: MaybeText = prop("hs_lead_status")
    owner_id: MaybeId = prop("hubspot_owner_id")
    company_id: MaybeId = prop("associatedcompanyid", about="The primary company.")
    country: MaybeText = prop("country")
    city: MaybeText = prop("city", personal=True)
    timezone: MaybeText = prop("hs_timezone")
    lead_source: MaybeText = prop("hs_analytics_source")
    linkedin_url: MaybeText = prop("hs_linkedin_url", personal=True)
    email_opted_out: MaybeBool = prop("hs_email_optout")
    customer_cohort: MaybeText = prop("customer_cohort", about="Written by this platform.")
    customer_status: MaybeText = prop("chroma_customer_status", about="Written by this platform.")
    signal_sources: Several = several("signal_source", about="Which systems saw signals of this person.")
    merged_ids: Several = several("hs_merged_object_ids", about="Contacts that were merged into this one.")
    created_at: MaybeInstant = prop("createdate")
    updated_at: Instant = prop("lastmodifieddate", default=...)


class Company(Record):
    """A company in the CRM, as HubSpot holds it."""

    id: Id = at("id", default=...)
    name: MaybeText = prop("name")
    domain: MaybeText = prop("domain")
    additional_domains: Several = several("hs_additional_domains")
    website: MaybeText = prop("website")
    industry: MaybeText = prop("industry")
    employee_count: MaybeInt = prop("numberofemployees")
    annual_revenue: MaybeAmount = prop("annualrevenue", about="In the account's currency.")
    country: MaybeText = prop("country")
    state: MaybeText = prop("state")
    city: MaybeText = prop("city")
    lifecycle_stage: MaybeText = prop("lifecyclestage")
    type: MaybeText = prop("type")
    owner_id: MaybeId = prop("hubspot_owner_id")
    linkedin_url: MaybeText = prop("linkedin_company_page")
    parent_id: MaybeId = prop("hs_parent_company_id")
    last_contacted_at: MaybeInstant = prop("notes_last_contacted")
    contact_count: MaybeInt = prop("num_associated_contacts")
    deal_count: MaybeInt = prop("num_associated_deals")
    account_id: MaybeId = prop("chroma_account_id", about="The internal account's id. Written by this platform.")
    customer_cohort: MaybeText = prop("customer_cohort", about="Written by this platform.")
    customer_status: MaybeText = prop("chroma_customer_status", about="Written by this platform.")
    cloud_mrr: MaybeAmount = prop("chroma_cloud_mrr", about="In dollars. Written by this platform.")
    usage_tier: MaybeText = prop("chroma_usage_tier", about="Written by this platform.")
    in_market_signals: Several = several("in_market_signals")
    signal_sources: Several = several("signal_source", about="Which systems saw signals of this company.")
    health_score: MaybeAmount = prop("health_score", about="0 to 100. Written by this platform.")
    churn_risk: MaybeText = prop("churn_risk", about="Written by this platform.")
    merged_ids: Several = several("hs_merged_object_ids", about="Companies that were merged into this one.")
    created_at: MaybeInstant = prop("createdate")
    updated_at: Instant = prop("hs_lastmodifieddate", default=...)


class Deal(Record):
    """A deal in a sales pipeline."""

    id: Id = at("id", default=...)
    name: MaybeText = prop("dealname")
    stage_id: MaybeId = prop("dealstage", about="Unique only together with the pipeline.")
    pipeline_id: MaybeId = prop("pipeline")
    amount: MaybeAmount = prop("amount", about="In the deal's currency, major units.")
    currency: Currency = prop("deal_currency_code", about="Three letters, lower case.")
    amount_at_home: MaybeAmount = prop("amount_in_home_currency", about="In the account's currency.")
    close_date: MaybeInstant = prop("closedate")
    owner_id: MaybeId = prop("hubspot_owner_id")
    type: MaybeText = prop("dealtype")
    is_closed: MaybeBool = prop("hs_is_closed")
    is_won: MaybeBool = prop("hs_is_closed_won")
    probability: MaybeAmount = prop("hs_deal_stage_probability", about="Of being won, 0 to 1.")
    lost_reason: MaybeText = prop("closed_lost_reason")
    won_reason: MaybeText = prop("closed_won_reason")
    mrr: MaybeAmount = prop("hs_mrr", about="In the deal's currency, major units.")
    arr: MaybeAmount = prop("hs_arr", about="In the deal's currency, major units.")
    competitor_displaced: MaybeText = prop("competitor_displaced")
    created_at: MaybeInstant = prop("createdate")
    updated_at: Instant = prop("hs_lastmodifieddate", default=...)


class Owner(Record):
    """A HubSpot user who owns records; deactivated ones too, since records keep pointing at them."""

    id: Id = at("id", default=...)
    user_id: MaybeId = at("userIdIncludingInactive", about="Not what records name as their owner: that is the id.")
    email: MaybeText = at("email", personal=True)
    first_name: MaybeText = at("firstName", personal=True)
    last_name: MaybeText = at("lastName", personal=True)
    archived: bool = at("archived", default=False)


class Stage(Record):
    """A stage of a deal pipeline. Labels are not unique across pipelines."""

    pipeline_id: Id = at("pipelineId", default=...)
    pipeline_label: MaybeText = at("pipelineLabel")
    stage_id: Id = at("id", default=...)
    stage_label: MaybeText = at("label")
    position: MaybeInt = at("displayOrder")
    is_closed: MaybeBool = at("metadata", "isClosed")
    probability: Annotated[float | None, Blank] = at(
        "metadata", "probability", about="Of being won: 1 in a won stage, 0 in a lost one."
    )


class Engagement(Record):
    """A note, call, meeting, email or task."""

    type: Literal["note", "call", "meeting", "email", "task"] = at("engagementType", default=...)
    id: Id = at("id", default=...)
    happened_at: MaybeInstant = prop("hs_timestamp", about="When it took place; of a task, when it is due.")
    subject: MaybeText = each("hs_call_title", "hs_meeting_title", "hs_email_subject", "hs_task_subject", personal=True)
    body: MaybeText = each(
        "hs_note_body",
        "hs_call_body",
        "hs_meeting_body",
        "hs_email_text",
        "hs_task_body",
        personal=True,
        about="Often HTML.",
    )
    direction: MaybeText = each("hs_call_direction", "hs_email_direction")
    status: MaybeText = each("hs_call_status", "hs_meeting_outcome", "hs_email_status", "hs_task_status")
    owner_id: MaybeId = prop("hubspot_owner_id")
    created_at: MaybeInstant = prop("hs_createdate")
    updated_at: Instant = prop("hs_lastmodifieddate", default=...)


class Link(Record):
    to_id: Id
    type_id: Whole
    label: MaybeText = None
    category: MaybeText = None


class Association(Record):
    """What a contact or deal is linked with, as of its last change: links of their own do not change a record."""

    from_type: Literal["contacts", "deals"] = at("from_type", default=...)
    from_id: Id = at("from_id", default=...)
    to_type: Literal["companies", "contacts"] = at("to_type", default=...)
    links: list[Link] = at("links", default=..., about="Empty where there are none; one for each type of a link.")
    moved_at: Instant = at("moved_at", default=..., about="When the contact or deal last changed.")
