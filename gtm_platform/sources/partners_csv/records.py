"""What the rows of partner files look like to us."""

import re
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BeforeValidator, StringConstraints, ValidationInfo
from pydantic_core import PydanticCustomError

from gtm_platform.ingest.files.cells import Day, MaybeDay, MaybeMoney, Word, Words, host_of
from gtm_platform.ingest.files.streams import FileRow
from gtm_platform.ingest.record import Id, MaybeId, MaybeInt, MaybeText, fact

PARTNER_TYPES = Literal["si", "consultancy", "reseller", "technology", "cloud", "referral", "agency"]
TIERS = Literal["registered", "silver", "gold", "platinum", "strategic"]
STATUSES = Literal["prospect", "onboarding", "active", "paused", "inactive"]
ENGAGEMENTS = Literal["referred", "co_sell", "implemented", "resold", "influenced"]
STAGES = Literal["submitted", "accepted", "in_progress", "won", "lost", "live", "churned"]
ENTRY_FIELDS = Literal[
    "tier", "status", "specialisations", "customers_referred", "customers_implemented", "revenue", "note"
]


def _host(value: object) -> object:
    if value is None or (isinstance(value, str) and (host := host_of(value)) is None and not value.strip()):
        return None
    host = host_of(str(value))
    if host is None:
        raise PydanticCustomError("no_domain", "It is not a domain")
    return host


def _currency(value: str | None) -> str | None:
    return value.upper() if value else value


WORDS = {"tier": get_args(TIERS), "status": get_args(STATUSES)}
NUMBERS = {"customers_referred": r"\d{1,9}", "customers_implemented": r"\d{1,9}", "revenue": r"\d{1,15}(\.\d{1,6})?"}


def _entered(value: str, info: ValidationInfo) -> str:
    """A value that its field can have, written as the other files write it."""
    name = info.data.get("field")
    if name in WORDS:
        value = re.sub(r"[\s-]+", "_", value.lower())
        if value not in WORDS[name]:
            raise PydanticCustomError("word_of_field", f"It is no {name}")
    if name in NUMBERS:
        value = re.sub(r"[$€£,\s]", "", value)
        if not re.fullmatch(NUMBERS[name], value):
            raise PydanticCustomError("number_of_field", "It is no number")
    return value


Domain = Annotated[str, BeforeValidator(_host)]
MaybeDomain = Annotated[str | None, BeforeValidator(_host)] | None
Currency = Annotated[str, StringConstraints(strip_whitespace=True, pattern="^[A-Za-z]{3}$"), AfterValidator(_currency)]
REQUIRED_DOMAIN = "The partner's domain: the bare host, in lower case."


class Partner(FileRow):
    """A partner of ours, as the newest file has it."""

    partner_key: Id = fact("partner_key", default=..., about="The partner's id, else its domain.")
    partner_id: MaybeId = fact("partner_id", about="The id in the programme.")
    partner_name: Id = fact("partner_name", default=..., about="The company's name.")
    partner_domain: Domain = fact("partner_domain", default=..., about=REQUIRED_DOMAIN)
    partner_type: Annotated[PARTNER_TYPES, Word] = fact("partner_type", default=..., about="What kind of partner.")
    tier: Annotated[TIERS, Word] = fact("tier", default=..., about="From registered to strategic.")
    status: Annotated[STATUSES, Word] = fact("status", default=..., about="How far the partnership is.")
    specialisations: Words = fact("specialisations", default=[], about="What the partner is good at.")
    certified_people: MaybeInt = fact("certified_people", about="How many of its people are certified.")
    regions: Words = fact("regions", default=[], about="Where it works: countries, or EMEA, AMER, APAC.")
    partner_manager_email: MaybeText = fact("partner_manager_email", personal=True, about="Who of us looks after it.")
    primary_contact_name: MaybeText = fact("primary_contact_name", personal=True, about="Whom we talk to there.")
    primary_contact_email: MaybeText = fact("primary_contact_email", personal=True, about="Their address.")
    joined_on: MaybeDay = fact("joined_on", about="When it became a partner.")
    renewal_on: MaybeDay = fact("renewal_on", about="When the contract is renewed.")
    hubspot_company_id: MaybeId = fact("hubspot_company_id", about="The company in HubSpot.")
    notes: MaybeText = fact("notes", personal=True, about="What somebody noted about it.")
    in_full_file: bool = fact(
        "in_full_file", default=False, about="The file claimed to list all partners: its name ends in _full."
    )


class Referral(FileRow):
    """A customer whom a partner referred, sold to or implemented."""

    referral_key: Id = fact("referral_key", default=..., about="The id, else partner, customer, kind and start.")
    referral_id: MaybeId = fact("referral_id", about="The id in the programme.")
    partner_domain: Domain = fact("partner_domain", default=..., about=REQUIRED_DOMAIN)
    customer_name: Id = fact("customer_name", default=..., about="The customer's name.")
    customer_domain: MaybeDomain = fact("customer_domain", about="The customer's domain.")
    engagement_type: Annotated[ENGAGEMENTS, Word] = fact("engagement_type", default=..., about="What the partner did.")
    stage: Annotated[STAGES, Word] = fact("stage", default=..., about="How far it is.")
    submitted_on: Day = fact("submitted_on", default=..., about="When the partner named the customer.")
    started_on: MaybeDay = fact("started_on", about="When the work began.")
    closed_on: MaybeDay = fact("closed_on", about="When it was won, lost or over.")
    deal_amount: MaybeMoney = fact("deal_amount", about="The deal's amount, in whole units of the currency.")
    partner_revenue: MaybeMoney = fact("partner_revenue", about="What was paid to the partner, or kept by it.")
    currency: Currency | None = fact("currency", about="Of the amounts, such as USD.")
    hubspot_deal_id: MaybeId = fact("hubspot_deal_id", about="The deal in HubSpot.")
    use_case: MaybeText = fact("use_case", about="What the customer wants to build.")
    competitor_replaced: MaybeText = fact("competitor_replaced", about="Whose product ours took the place of.")
    notes: MaybeText = fact("notes", personal=True, about="What somebody noted about it.")


class ManualEntry(FileRow):
    """A correction of what is known of a partner, or a fact that no system has."""

    entry_id: Id = fact("entry_id", default=..., about="The entry's id.")
    partner_domain: Domain = fact("partner_domain", default=..., about=REQUIRED_DOMAIN)
    field: Annotated[ENTRY_FIELDS, Word] = fact("field", default=..., about="What the entry says something of.")
    value: Annotated[Id, AfterValidator(_entered)] = fact("value", default=..., about="What it says.")
    effective_on: Day = fact("effective_on", default=..., about="From when on; of several the newest counts.")
    entered_by: Id = fact("entered_by", default=..., personal=True, about="Who says so.")
    reason: MaybeText = fact("reason", about="Why.")
