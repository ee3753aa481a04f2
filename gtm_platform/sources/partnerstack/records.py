"""PartnerStack's records: field names of ours, paths into theirs. Instants are milliseconds, amounts cents.

Rows of tests are marked, and no feed reads them.
"""

from typing import Annotated, Any

from pydantic import BeforeValidator

from gtm_platform.ingest.record import (
    Id,
    Instant,
    MaybeBool,
    MaybeId,
    MaybeInstant,
    MaybeInt,
    MaybeText,
    Record,
    at,
    either,
    fact,
)


def _texts(value: Any) -> Any:
    """Tags as texts, whether they come as texts or as objects with a name."""
    if not isinstance(value, list):
        return [] if value is None else value
    return [each.get("name") if isinstance(each, dict) else each for each in value]


Tags = Annotated[list[str], BeforeValidator(_texts)]


class Partnership(Record):
    """A partner that takes part in the programme."""

    key: Id = at("key", default=..., about="PartnerStack's id of the partnership.")
    partner_key: MaybeId = at("partner_key", about="PartnerStack's id of the partner, in all its programmes.")
    email: MaybeText = at("email", personal=True, about="The partner's address.")
    first_name: MaybeText = at("first_name", personal=True, about="First name of who signed up.")
    last_name: MaybeText = at("last_name", personal=True, about="Last name of who signed up.")
    company_name: MaybeText = at("team", "name", about="What the partner's company is called.")
    group_name: MaybeText = at("group", "name", about="Its group, which tells its kind and tier.")
    group_slug: MaybeText = at("group", "slug", about="The same for addresses.")
    manager_email: MaybeText = at("manager", "email", personal=True, about="Who of us looks after it.")
    tags: Tags = at("tags", default=[], about="What it is good at.")
    customers: MaybeInt = at("stats", "CUSTOMER_COUNT", about="How many customers it brought, by PartnerStack.")
    revenue_cents: MaybeInt = at("stats", "REVENUE", about="What they paid, in cents, by PartnerStack.")
    joined_at: MaybeInstant = at("joined_at", about="When it joined; None: it was invited only.")
    created_at: MaybeInstant = at("created_at", about="When it was invited.")
    updated_at: Instant = at("updated_at", default=..., about="When anything about it last changed.")


class BroughtRecord(Record):
    """What all that a partner brought has."""

    key: Id = at("key", default=..., about="PartnerStack's id.")
    partner_key: MaybeId = at("partner_key", about="The partner; see partnerstack/partnerships.")
    partner_email: MaybeText = fact("partner_email", personal=True, about="The partner's address, by its partnership.")
    partner_name: MaybeText = fact("partner_name", about="What the partner's company is called, by its partnership.")
    test: MaybeBool = at("test", about="It was made to try something out.")
    created_at: MaybeInstant = at("created_at", about="When it was made.")
    updated_at: Instant = at("updated_at", default=..., about="When anything about it last changed.")


class Customer(BroughtRecord):
    """A customer that a partner brought."""

    customer_key: MaybeId = at("customer_key", about="What the product calls the customer.")
    name: MaybeText = at("name", about="What the customer is called.")
    email: MaybeText = at("email", personal=True, about="The customer's address.")
    partnership_key: MaybeId = at("partnership_key", about="The partnership.")
    source_type: MaybeText = at("source_type", about="By what it is attributed: a link, a deal, by hand.")
    revenue_cents: MaybeInt = fact("revenue_cents", about="Its approved transactions, in cents of US dollars.")


class Deal(BroughtRecord):
    """A deal that a partner registered."""

    account_name: MaybeText = at("account_name", about="The company that may buy.")
    account_domain: MaybeText = either(
        ("field_data", "company_domain"), ("fields", "company_domain"), about="Its domain, where the form asks for it."
    )
    amount_cents: MaybeInt = at("amount", about="What it may come to, in cents.")
    stage: MaybeText = at("stage", about="How far it is, as the programme calls it.")
    lost_reason: MaybeText = at("lost_reason", about="Why it was lost.")
    close_date: MaybeInstant = at("close_date", about="When it is to be closed.")
    external_key: MaybeId = at("external_key", about="The deal in our CRM.")


class Lead(BroughtRecord):
    """A lead that a partner handed in."""

    account_name: MaybeText = either(
        ("field_data", "company_name"), ("fields", "company_name"), about="The company, as the form has it."
    )
    account_domain: MaybeText = either(
        ("field_data", "company_domain"), ("fields", "company_domain"), about="Its domain, where the form asks for it."
    )
    amount_cents: MaybeInt = at("amount", about="What it may come to, in cents.")
    status: MaybeText = at("status", about="pending, approved, declined and others.")
    approved: MaybeBool = at("approved", about="Whether we took it.")
    external_key: MaybeId = at("external_key", about="The lead in our CRM.")


class Transaction(Record):
    """What a customer paid, as we reported it to PartnerStack."""

    key: Id = at("key", default=..., about="PartnerStack's id.")
    customer_key: MaybeId = at("customer_key", about="The customer; see partnerstack/customers.")
    amount_cents: MaybeInt = at("amount", about="In cents of its currency.")
    amount_usd_cents: MaybeInt = at("amount_usd", about="In cents of US dollars.")
    currency: MaybeText = at("currency", about="Its currency.")
    approved: MaybeBool = at("approved", about="Whether it counts.")
    archived: MaybeBool = at("archived", about="Whether it was taken back.")
    test: MaybeBool = at("test", about="It was made to try something out.")
    created_at: Instant = at("created_at", default=..., about="When it was reported.")
    updated_at: MaybeInstant = at("updated_at", about="When anything about it last changed.")


class Group(Record):
    """A group of partners, with conditions of its own."""

    key: Id = at("key", default=..., about="PartnerStack's id.")
    name: MaybeText = at("name", about="What it is called.")
    slug: MaybeText = at("slug", about="The same for addresses.")
    created_at: MaybeInstant = at("created_at", about="When it was made.")
    updated_at: MaybeInstant = at("updated_at", about="When anything about it last changed.")
