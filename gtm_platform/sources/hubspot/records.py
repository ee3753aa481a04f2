"""What HubSpot's records look like to us. All its property values are texts or null, whatever their type."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, AliasPath, BeforeValidator

from gtm_platform.ingest.record import (
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
    either,
    fact,
)

RECORD = "HubSpot's record id; of two that were merged, the winner's."
LIFECYCLE = "How far on the way to a customer, such as lead or opportunity; stages of our own have numbers as ids."
OWNER = "Who of us is in charge; see hubspot/owners."
CREATED = "When the record came into HubSpot."
CHANGED = "When anybody last changed anything about it, HubSpot itself and this platform included."


def _split(value: Any) -> Any:
    """Several values in one text, as HubSpot keeps them: `a;b`."""
    if isinstance(value, str):
        return list(filter(None, map(str.strip, value.split(";"))))
    return [] if value is None else value


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Several = Annotated[list[str], BeforeValidator(_split)]
Currency = Annotated[MaybeText, BeforeValidator(_lower)]


def prop(name: str, *, personal: bool = False, about: str = "", default: Any = None) -> Any:
    """A HubSpot property of the record."""
    return at("properties", name, personal=personal, about=about, default=default)


def several(name: str, *, personal: bool = False, about: str = "") -> Any:
    """A property that holds several values in one text."""
    return prop(name, personal=personal, about=about, default=[])


def each(*names: str, personal: bool = False, about: str = "") -> Any:
    """A property that is called differently in each type of engagement."""
    return either(*(("properties", name) for name in names), personal=personal, about=about)


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

    id: Id = at("id", default=..., about=RECORD)
    email: MaybeText = prop("email", personal=True, about="Primary address; no two contacts share one.")
    additional_emails: Several = several("hs_additional_emails", personal=True, about="Other addresses of the person.")
    first_name: MaybeText = prop("firstname", personal=True, about="Given name.")
    last_name: MaybeText = prop("lastname", personal=True, about="Family name.")
    company_name: MaybeText = prop(
        "company", about="Employer as typed on the contact; the linked company is company_id."
    )
    job_title: MaybeText = prop("jobtitle", personal=True, about="What the person does there, as typed.")
    phone: MaybeText = prop("phone", personal=True, about="As typed, in no fixed format.")
    lifecycle_stage: MaybeText = prop("lifecyclestage", about=LIFECYCLE)
    lead_status: MaybeText = prop("hs_lead_status", about="Where sales stands with the lead, such as NEW or CONNECTED.")
    owner_id: MaybeId = prop("hubspot_owner_id", about=OWNER)
    company_id: MaybeId = prop("associatedcompanyid", about="The primary company: at most one.")
    country: MaybeText = prop("country", about="Where the person is, as typed: no code.")
    city: MaybeText = prop("city", personal=True, about="Where the person is, as typed.")
    timezone: MaybeText = prop("hs_timezone", about="Where the person's clock runs, in HubSpot's spelling.")
    lead_source: MaybeText = prop(
        "hs_analytics_source", about="How the person first found us, such as ORGANIC_SEARCH or OFFLINE."
    )
    linkedin_url: MaybeText = prop("hs_linkedin_url", personal=True, about="Profile of the person at LinkedIn.")
    email_opted_out: MaybeBool = prop("hs_email_optout", about="Has unsubscribed from all e-mail.")
    email_bounce_reason: MaybeText = prop(
        "hs_email_hard_bounce_reason_enum",
        about="Why mail to the primary address came back for good, such as UNKNOWN_USER or SPAM; None: none did.",
    )
    customer_cohort: MaybeText = prop("customer_cohort", about="Written by this platform.")
    customer_status: MaybeText = prop("chroma_customer_status", about="Written by this platform.")
    signal_sources: Several = several("signal_source", about="Which systems saw signals of this person.")
    merged_ids: Several = several("hs_merged_object_ids", about="Contacts that were merged into this one.")
    created_at: MaybeInstant = prop("createdate", about=CREATED)
    updated_at: Instant = prop("lastmodifieddate", default=..., about=CHANGED)


class Company(Record):
    """A company in the CRM, as HubSpot holds it."""

    id: Id = at("id", default=..., about=RECORD)
    name: MaybeText = prop("name", about="What the CRM calls the company.")
    domain: MaybeText = prop(
        "domain", about="Primary web domain, such as acme.example; two companies can have the same."
    )
    additional_domains: Several = several("hs_additional_domains", about="Other web domains of the company.")
    website: MaybeText = prop("website", about="Address of its web site, as typed.")
    industry: MaybeText = prop("industry", about="One of HubSpot's industries, such as COMPUTER_SOFTWARE.")
    employee_count: MaybeInt = prop("numberofemployees", about="How many people work there.")
    annual_revenue: MaybeAmount = prop("annualrevenue", about="In the account's currency.")
    country: MaybeText = prop("country", about="Where the company sits, as typed: no code.")
    state: MaybeText = prop("state", about="State or region, as typed.")
    city: MaybeText = prop("city", about="Where the company sits, as typed.")
    lifecycle_stage: MaybeText = prop("lifecyclestage", about=LIFECYCLE)
    type: MaybeText = prop("type", about="What it is to us, such as PROSPECT, PARTNER or VENDOR.")
    owner_id: MaybeId = prop("hubspot_owner_id", about=OWNER)
    linkedin_url: MaybeText = prop("linkedin_company_page", about="Its page at LinkedIn.")
    parent_id: MaybeId = prop("hs_parent_company_id", about="The company that it belongs to.")
    last_contacted_at: MaybeInstant = prop(
        "notes_last_contacted", about="When a call, sales e-mail or meeting with it was last logged."
    )
    contact_count: MaybeInt = prop("num_associated_contacts", about="How many contacts are linked with it.")
    deal_count: MaybeInt = prop("num_associated_deals", about="How many deals are linked with it.")
    account_id: MaybeId = prop("chroma_account_id", about="The internal account's id. Written by this platform.")
    customer_cohort: MaybeText = prop("customer_cohort", about="Written by this platform.")
    customer_status: MaybeText = prop("chroma_customer_status", about="Written by this platform.")
    cloud_mrr: MaybeAmount = prop("chroma_cloud_mrr", about="In dollars. Written by this platform.")
    usage_tier: MaybeText = prop("chroma_usage_tier", about="Written by this platform.")
    in_market_signals: Several = several(
        "in_market_signals", about="Signs that it may buy, such as hiring or funding. Written by this platform."
    )
    signal_sources: Several = several("signal_source", about="Which systems saw signals of this company.")
    health_score: MaybeAmount = prop("health_score", about="0 to 100. Written by this platform.")
    churn_risk: MaybeText = prop("churn_risk", about="Written by this platform.")
    lead_source: MaybeText = prop(
        "lead_source", about="How the company first came to us. Written by this platform, unless a person sets it."
    )
    lead_source_set_by: MaybeText = fact(
        "lead_source_set_by",
        about="What set its lead source last, by HubSpot's word, such as CRM_UI; None: nothing, or it is not known.",
    )
    merged_ids: Several = several("hs_merged_object_ids", about="Companies that were merged into this one.")
    created_at: MaybeInstant = prop("createdate", about=CREATED)
    updated_at: Instant = prop("hs_lastmodifieddate", default=..., about=CHANGED)


class Deal(Record):
    """A possible sale on its way through a pipeline, open, won or lost."""

    id: Id = at("id", default=..., about=RECORD)
    name: MaybeText = prop("dealname", about="What sales calls the deal.")
    stage_id: MaybeId = prop("dealstage", about="Unique only together with the pipeline.")
    pipeline_id: MaybeId = prop("pipeline", about="The sales process it runs through; see hubspot/pipelines.")
    amount: MaybeAmount = prop("amount", about="In the deal's currency, major units.")
    currency: Currency = prop("deal_currency_code", about="Three letters, lower case.")
    amount_at_home: MaybeAmount = prop("amount_in_home_currency", about="In the account's currency.")
    close_date: MaybeInstant = prop("closedate", about="When it was closed, or is expected to be.")
    owner_id: MaybeId = prop("hubspot_owner_id", about=OWNER)
    type: MaybeText = prop("dealtype", about="newbusiness, or existingbusiness where a customer buys more.")
    is_closed: MaybeBool = prop("hs_is_closed", about="Won or lost: no longer open.")
    is_won: MaybeBool = prop("hs_is_closed_won", about="Closed, and the sale was made.")
    probability: MaybeAmount = prop("hs_deal_stage_probability", about="Of being won, 0 to 1.")
    lost_reason: MaybeText = prop("closed_lost_reason", personal=True, about="Why it was lost, in the words of sales.")
    won_reason: MaybeText = prop("closed_won_reason", personal=True, about="Why it was won, in the words of sales.")
    mrr: MaybeAmount = prop("hs_mrr", about="In the deal's currency, major units.")
    arr: MaybeAmount = prop("hs_arr", about="In the deal's currency, major units.")
    competitor_displaced: MaybeText = prop("competitor_displaced", about="Key of the competitor that we replace.")
    created_at: MaybeInstant = prop("createdate", about=CREATED)
    updated_at: Instant = prop("hs_lastmodifieddate", default=..., about=CHANGED)


class Owner(Record):
    """A HubSpot user who owns records; deactivated ones too, since records keep pointing at them."""

    id: Id = at("id", default=..., about="What records name as their owner.")
    user_id: MaybeId = at("userIdIncludingInactive", about="Not what records name as their owner: that is the id.")
    email: MaybeText = at("email", personal=True, about="Address of the user.")
    first_name: MaybeText = at("firstName", personal=True, about="Given name.")
    last_name: MaybeText = at("lastName", personal=True, about="Family name.")
    archived: bool = at("archived", default=False, about="Deactivated, though records may still point here.")


class Stage(Record):
    """A stage of a deal pipeline. Labels are not unique across pipelines."""

    pipeline_id: Id = fact("pipeline_id", default=..., about="The sales process it is a step of.")
    pipeline_label: MaybeText = fact("pipeline_label", about="What people call the sales process.")
    stage_id: Id = at("id", default=..., about="Unique only together with the pipeline.")
    stage_label: MaybeText = at("label", about="What people call the stage.")
    position: MaybeInt = at("displayOrder", about="Place in the pipeline: the lower, the earlier.")
    is_closed: MaybeBool = at("metadata", "isClosed", about="Deals in it are over: won or lost.")
    probability: Annotated[float | None, Blank] = at(
        "metadata", "probability", about="Of being won: 1 in a won stage, 0 in a lost one."
    )


class Engagement(Record):
    """A touch with a contact, company or deal that was logged: a note, call, meeting, email or task."""

    type: Literal["note", "call", "meeting", "email", "task"] = fact(
        "engagement_type", default=..., about="Which kind of touch it is."
    )
    id: Id = at("id", default=..., about="HubSpot's record id, to be read together with the type.")
    happened_at: MaybeInstant = prop("hs_timestamp", about="When it took place; of a task, when it is due.")
    subject: MaybeText = each(
        "hs_call_title",
        "hs_meeting_title",
        "hs_email_subject",
        "hs_task_subject",
        personal=True,
        about="Headline; a note has none.",
    )
    body: MaybeText = each(
        "hs_note_body",
        "hs_call_body",
        "hs_meeting_body",
        "hs_email_text",
        "hs_task_body",
        personal=True,
        about="What was written or noted, often HTML.",
    )
    direction: MaybeText = each(
        "hs_call_direction",
        "hs_email_direction",
        about="A call's INBOUND or OUTBOUND; an e-mail's EMAIL (sent), INCOMING_EMAIL or FORWARDED_EMAIL.",
    )
    status: MaybeText = each(
        "hs_call_status",
        "hs_meeting_outcome",
        "hs_email_status",
        "hs_task_status",
        about="How far it is or how it went, such as COMPLETED, NO_SHOW or BOUNCED; each type has its own.",
    )
    owner_id: MaybeId = prop("hubspot_owner_id", about=OWNER)
    contact_ids: list[Id] = fact("contact_ids", default=[], about="With which contacts it was, as of its last change.")
    company_ids: list[Id] = fact("company_ids", default=[], about="With which companies, as of its last change.")
    deal_ids: list[Id] = fact("deal_ids", default=[], about="About which deals, as of its last change.")
    created_at: MaybeInstant = prop("hs_createdate", about=CREATED)
    updated_at: Instant = prop("hs_lastmodifieddate", default=..., about=CHANGED)


class Link(Record):
    """One end of an association and its type, which HubSpot or the account defined."""

    to_id: Id
    type_id: Whole
    label: MaybeText = None
    category: MaybeText = None


class Association(Record):
    """The links of a contact or deal as of its last change; a new link alone is no change of a record."""

    from_type: Literal["contacts", "deals"] = fact(
        "from_type", default=..., about="What is linked: a contact or a deal."
    )
    from_id: Id = fact("from_id", default=..., about="HubSpot's id of the contact or deal.")
    to_type: Literal["companies", "contacts"] = fact(
        "to_type", default=..., about="With what: contacts with companies, deals with both."
    )
    links: list[Link] = fact("links", default=..., about="Empty where there are none; one for each type of a link.")
    changed_at: Instant = fact("changed_at", default=..., about="When the contact or deal last changed.")
