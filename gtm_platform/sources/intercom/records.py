"""Intercom's records: field names of ours, paths into theirs. Instants are Unix seconds there."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from gtm_platform.ingest.plain_text import plain_text
from gtm_platform.ingest.record import (
    MICRO,
    Id,
    Instant,
    MaybeAmount,
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
from gtm_platform.settings import settings_of
from gtm_platform.sources.intercom.settings import IntercomSettings

INTERCOM_ID = "What Intercom's other records call it."
AUTHOR = "user, lead or contact (a customer), admin (a teammate), bot or team."


def _each(name: str) -> BeforeValidator:
    """One member of each object of a list; a list that is not there is empty."""

    def read(listed: Any) -> Any:
        return [row.get(name) for row in listed] if isinstance(listed, list) else [] if listed is None else listed

    return BeforeValidator(read)


def _major(amount: Decimal | None) -> Decimal | None:
    """Workspaces differ in whether they show Stripe's amounts in cents."""
    divisor = settings_of(IntercomSettings).intercom_stripe_amount_divisor
    return None if amount is None else (amount / divisor).quantize(MICRO)


def _when_answered(rating: Any) -> Any:
    """Until a rating is answered it is its request that was updated."""
    return rating.get("updated_at") if isinstance(rating, dict) and rating.get("rating") is not None else None


def _somebody(assignee: Any) -> Any:
    return None if assignee in (0, "0") else assignee


Ids = Annotated[list[str], _each("id")]
Names = Annotated[list[str], _each("name")]
Plain = Annotated[str | None, BeforeValidator(lambda text: plain_text(text) if isinstance(text, str) else text)]
StripeAmount = Annotated[MaybeAmount, AfterValidator(_major)]
Assignee = Annotated[MaybeId, BeforeValidator(_somebody)]
WhenAnswered = Annotated[MaybeInstant, BeforeValidator(_when_answered)]


class Contact(Record):
    """A user or a lead, with what Intercom's Stripe app wrote on it."""

    id: Id = at("id", default=..., about=INTERCOM_ID)
    external_id: MaybeId = at("external_id", about="The id in the product.")
    role: MaybeText = at("role", about="user, or lead where nobody has signed up yet.")
    email: MaybeText = at("email", personal=True, about="Not unique: a lead and a user can share it.")
    name: MaybeText = at("name", personal=True, about="As they or the product gave it.")
    phone: MaybeText = at("phone", personal=True, about="As they or the product gave it.")
    owner_id: MaybeId = at("owner_id", about="Who of us looks after them; see intercom/admins.")
    created_at: MaybeInstant = at("created_at", about="When they became known to Intercom.")
    updated_at: Instant = at("updated_at", default=..., about="When anything about them last changed in Intercom.")
    signed_up_at: MaybeInstant = at("signed_up_at", about="When they signed up for the product.")
    last_seen_at: MaybeInstant = at("last_seen_at", about="When they were last where the Messenger runs.")
    last_replied_at: MaybeInstant = at("last_replied_at", about="When they last wrote to us.")
    last_contacted_at: MaybeInstant = at("last_contacted_at", about="When we last wrote to them.")
    has_hard_bounced: MaybeBool = at("has_hard_bounced", about="Mail to them came back for good.")
    country: MaybeText = at("location", "country", about="Where Intercom locates them, by name.")
    city: MaybeText = at("location", "city", personal=True, about="Where Intercom locates them.")
    company_ids: Ids = fact(
        "companies", "companies", "data", default=[], about="All companies they belong to; see intercom/companies."
    )
    tag_ids: Ids = fact("tags", "tags", "data", default=[], about="Their tags; see intercom/tags.")
    stripe_id: MaybeId = at("custom_attributes", "stripe_id", about="The customer at Stripe, matched by e-mail.")
    stripe_plan: MaybeText = at("custom_attributes", "stripe_plan", about="A label, not an id.")
    stripe_plan_price: StripeAmount = at("custom_attributes", "stripe_plan_price", about="Major units per interval.")
    stripe_plan_interval: MaybeText = at("custom_attributes", "stripe_plan_interval", about="day, week, month or year.")
    stripe_subscription_status: MaybeText = at(
        "custom_attributes", "stripe_subscription_status", about="Copy of Stripe's, such as active or past_due."
    )
    stripe_delinquent: MaybeBool = at("custom_attributes", "stripe_delinquent", about="Where absent it is not known.")
    stripe_period_start_at: MaybeInstant = at(
        "custom_attributes", "stripe_subscription_period_start_at", about="When the current billing period began."
    )
    plan_tier: MaybeText = at("custom_attributes", "plan_tier", about="The plan's tier, an attribute of our own.")


class Company(Record):
    """A company that contacts belong to, with what Intercom was told about it."""

    id: Id = at("id", default=..., about=INTERCOM_ID)
    company_id: MaybeId = at("company_id", about="The id in the product.")
    name: MaybeText = at("name", about="What the company is called in Intercom.")
    website: MaybeText = at("website", about="Address of its web site.")
    industry: MaybeText = at("industry", about="What business it is in.")
    size: MaybeInt = at("size", about="How many people work there.")
    plan: MaybeText = at("plan", "name", about="What its plan is called.")
    monthly_spend: MaybeAmount = at(
        "monthly_spend", about="Revenue from it a month, as told to Intercom; Stripe knows what is billed."
    )
    created_at: MaybeInstant = at("created_at", about="When it became known to Intercom.")
    updated_at: MaybeInstant = at("updated_at", about="When anything about it last changed in Intercom.")
    last_request_at: MaybeInstant = at("last_request_at", about="When one of its people was last active.")


class Conversation(Record):
    """A conversation with support: its first message, its state, and how it was rated."""

    id: Id = at("id", default=..., about=INTERCOM_ID)
    contact_id: MaybeId = at("contacts", "contacts", 0, "id", about="The first contact.")
    contact_ids: Ids = at("contacts", "contacts", default=[], about="All contacts who take part.")
    created_at: Instant = at("created_at", default=..., about="When it began.")
    updated_at: Instant = at("updated_at", default=..., about="When anything in it last changed.")
    state: MaybeText = at("state", about="open, closed or snoozed.")
    priority: MaybeText = at("priority", about="priority or not_priority.")
    admin_id: Assignee = at("admin_assignee_id", about="The teammate it is assigned to; None: nobody.")
    team_id: Assignee = at("team_assignee_id", about="The team it is assigned to; None: no team.")
    tags: Names = at("tags", "tags", default=[], about="Names of its tags, such as critical.")
    rating: MaybeInt = at("conversation_rating", "rating", about="1 to 5; None as long as it is not answered.")
    rating_remark: MaybeText = at(
        "conversation_rating", "remark", personal=True, about="What the customer wrote about the rating."
    )
    rated_at: WhenAnswered = at("conversation_rating", about="When the customer rated it.")
    rating_requested_at: MaybeInstant = at("conversation_rating", "created_at", about="When we asked for a rating.")
    source_type: MaybeText = at(
        "source",
        "type",
        about="Where it came in: conversation (the Messenger), email, phone_call, whatsapp and others.",
    )
    subject: Plain = at("source", "subject", personal=True, about="Headline of the first message, as plain text.")
    body: Plain = at("source", "body", personal=True, about="The first message, as plain text.")
    author_type: MaybeText = at("source", "author", "type", about=AUTHOR)
    author_id: MaybeId = at("source", "author", "id", about="Who wrote the first message.")
    author_email: MaybeText = at("source", "author", "email", personal=True, about="Who wrote the first message.")
    waiting_since: MaybeInstant = at(
        "waiting_since", about="Since when the customer has waited for an answer; None: does not wait."
    )
    first_admin_reply_at: MaybeInstant = at(
        "statistics", "first_admin_reply_at", about="When a teammate first answered."
    )
    last_close_at: MaybeInstant = at("statistics", "last_close_at", about="When it was last closed.")
    reopens: MaybeInt = at("statistics", "count_reopens", about="How often it was opened again.")
    part_count: MaybeInt = at(
        "statistics",
        "count_conversation_parts",
        about="What happened after the first message; above 500, not all parts can be read.",
    )


class ConversationPart(Record):
    """What happened in a conversation after its first message; all its parts are read at once."""

    id: Id = at("id", default=..., about=INTERCOM_ID)
    conversation_id: Id = fact("conversation_id", default=..., about="What it is a part of.")
    part_type: MaybeText = at(
        "part_type", about="comment and quick_reply are messages, note is internal; others, such as close, are acts."
    )
    body: Plain = at("body", personal=True, about="What was said or noted, as plain text.")
    created_at: Instant = at("created_at", default=..., about="When it was said or done.")
    author_type: MaybeText = at("author", "type", about=AUTHOR)
    author_id: MaybeId = at("author", "id", about="Who said or did it.")
    author_email: MaybeText = at("author", "email", personal=True, about="Who said or did it.")
    changed_at: Instant = fact("changed_at", default=..., about="When the conversation was last updated.")


class Ticket(Record):
    """A request that is followed until it is resolved. Up to version 2.11 its state was a text."""

    id: Id = at("id", default=..., about=INTERCOM_ID)
    ticket_id: MaybeId = at("ticket_id", about="The number that people see.")
    contact_id: MaybeId = at("contacts", "contacts", 0, "id", about="The first contact it is for.")
    title: MaybeText = at(
        "ticket_attributes", "_default_title_", personal=True, about="What it is about, in somebody's words."
    )
    state: MaybeText = either(
        ("ticket_state", "category"),
        ("ticket_state",),
        about="submitted, in_progress, waiting_on_customer or resolved.",
    )
    category: MaybeText = at("category", about="Customer, Back-office or Tracker.")
    open: MaybeBool = at("open", about="Still to be dealt with.")
    admin_id: Assignee = at("admin_assignee_id", about="The teammate it is assigned to; None: nobody.")
    created_at: Instant = at("created_at", default=..., about="When it was raised.")
    updated_at: Instant = at("updated_at", default=..., about="When anything about it last changed.")


class Admin(Record):
    """A teammate of ours who works in Intercom."""

    id: Id = at("id", default=..., about="What contacts name as their owner, conversations as their assignee.")
    name: MaybeText = at("name", personal=True, about="First and last name.")
    email: MaybeText = at("email", personal=True, about="Address at work.")


class Tag(Record):
    """A tag that contacts and conversations can have."""

    id: Id = at("id", default=..., about=INTERCOM_ID)
    name: MaybeText = at("name", about="What people see, such as critical.")
