"""Intercom's records: field names of ours, paths into theirs. Instants are Unix seconds there."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, AliasPath, BeforeValidator, Field, model_validator

from gtm_platform.connect.records import (
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
)
from gtm_platform.settings import settings
from gtm_platform.sources.tone import plain, tone

CUSTOMERS = frozenset({"user", "lead", "contact"})
SPOKEN = frozenset({"comment", "quick_reply"})  # never a note: that is internal


def _each(name: str) -> BeforeValidator:
    """One member of each object of a list; a list that is not there is empty."""

    def read(listed: Any) -> Any:
        return [row.get(name) for row in listed] if isinstance(listed, list) else [] if listed is None else listed

    return BeforeValidator(read)


def _major(amount: Decimal | None) -> Decimal | None:
    """Workspaces differ in whether they show Stripe's amounts in cents."""
    divisor = settings().intercom_stripe_amount_divisor
    return None if amount is None else (amount / divisor).quantize(MICRO)


def _tone_of_first_message(source: Any) -> float | None:
    body = plain(source.get("body")) if isinstance(source, dict) else None
    by_customer = body is not None and (source.get("author") or {}).get("type") in CUSTOMERS
    return tone(body) if body is not None and by_customer else None


def _when_answered(rating: Any) -> Any:
    """Until a rating is answered it is its request that was updated."""
    return rating.get("updated_at") if isinstance(rating, dict) and rating.get("rating") is not None else None


def _somebody(assignee: Any) -> Any:
    return None if assignee in (0, "0") else assignee


Ids = Annotated[list[str], _each("id")]
Names = Annotated[list[str], _each("name")]
Plain = Annotated[str | None, BeforeValidator(lambda text: plain(text) if isinstance(text, str) else text)]
StripeAmount = Annotated[MaybeAmount, AfterValidator(_major)]
Assignee = Annotated[MaybeId, BeforeValidator(_somebody)]
WhenAnswered = Annotated[MaybeInstant, BeforeValidator(_when_answered)]
FirstTone = Annotated[float | None, BeforeValidator(_tone_of_first_message)]


class Contact(Record):
    """A user or a lead, with what Intercom's Stripe app wrote on it."""

    id: Id = at("id", default=...)
    external_id: MaybeId = at("external_id", about="The id in the product.")
    role: MaybeText = at("role")
    email: MaybeText = at("email", personal=True)
    name: MaybeText = at("name", personal=True)
    phone: MaybeText = at("phone", personal=True)
    owner_id: MaybeId = at("owner_id")
    created_at: MaybeInstant = at("created_at")
    updated_at: Instant = at("updated_at", default=...)
    signed_up_at: MaybeInstant = at("signed_up_at")
    last_seen_at: MaybeInstant = at("last_seen_at")
    last_replied_at: MaybeInstant = at("last_replied_at")
    last_contacted_at: MaybeInstant = at("last_contacted_at")
    country: MaybeText = at("location", "country")
    city: MaybeText = at("location", "city", personal=True)
    company_ids: Ids = at("companies", "data", default=[])
    tag_ids: Ids = at("tags", "data", default=[])
    stripe_id: MaybeId = at("custom_attributes", "stripe_id")
    stripe_plan: MaybeText = at("custom_attributes", "stripe_plan", about="A label, not an id.")
    stripe_plan_price: StripeAmount = at("custom_attributes", "stripe_plan_price", about="Major units per interval.")
    stripe_plan_interval: MaybeText = at("custom_attributes", "stripe_plan_interval")
    stripe_subscription_status: MaybeText = at("custom_attributes", "stripe_subscription_status")
    stripe_delinquent: MaybeBool = at("custom_attributes", "stripe_delinquent", about="Where absent it is not known.")
    stripe_period_start_at: MaybeInstant = at("custom_attributes", "stripe_subscription_period_start_at")
    plan_tier: MaybeText = at("custom_attributes", "plan_tier")


class Company(Record):
    """A company that contacts belong to."""

    id: Id = at("id", default=...)
    company_id: MaybeId = at("company_id", about="The id in the product.")
    name: MaybeText = at("name")
    website: MaybeText = at("website")
    industry: MaybeText = at("industry")
    size: MaybeInt = at("size")
    plan: MaybeText = at("plan", "name")
    monthly_spend: MaybeAmount = at("monthly_spend")
    created_at: MaybeInstant = at("created_at")
    updated_at: MaybeInstant = at("updated_at")
    last_request_at: MaybeInstant = at("last_request_at")


class Conversation(Record):
    """A conversation with support: its first message, its state, and how it was rated."""

    id: Id = at("id", default=...)
    contact_id: MaybeId = at("contacts", "contacts", 0, "id", about="The first contact.")
    contact_ids: Ids = at("contacts", "contacts", default=[])
    created_at: Instant = at("created_at", default=...)
    updated_at: Instant = at("updated_at", default=...)
    state: MaybeText = at("state", about="open, closed or snoozed.")
    priority: MaybeText = at("priority", about="priority or not_priority.")
    admin_id: Assignee = at("admin_assignee_id")
    team_id: Assignee = at("team_assignee_id")
    tags: Names = at("tags", "tags", default=[])
    rating: MaybeInt = at("conversation_rating", "rating", about="1 to 5; None as long as it is not answered.")
    rating_remark: MaybeText = at("conversation_rating", "remark", personal=True)
    rated_at: WhenAnswered = at("conversation_rating")
    rating_requested_at: MaybeInstant = at("conversation_rating", "created_at")
    source_type: MaybeText = at("source", "type")
    subject: Plain = at("source", "subject", personal=True)
    body: Plain = at("source", "body", personal=True, about="The first message, as plain text.")
    author_type: MaybeText = at("source", "author", "type")
    author_id: MaybeId = at("source", "author", "id")
    author_email: MaybeText = at("source", "author", "email", personal=True)
    tone: FirstTone = at("source", about="Of the first message, -1 to 1, when a customer wrote it.")
    waiting_since: MaybeInstant = at("waiting_since")
    first_admin_reply_at: MaybeInstant = at("statistics", "first_admin_reply_at")
    last_close_at: MaybeInstant = at("statistics", "last_close_at")
    reopens: MaybeInt = at("statistics", "count_reopens")
    part_count: MaybeInt = at("statistics", "count_conversation_parts", about="More than 500 are never all told.")


class ConversationPart(Record):
    """What happened in a conversation after its first message. All parts of a conversation are read at once."""

    id: Id = at("id", default=...)
    conversation_id: Id = at("conversation_id", default=...)
    part_type: MaybeText = at("part_type")
    body: Plain = at("body", personal=True)
    created_at: Instant = at("created_at", default=...)
    author_type: MaybeText = at("author", "type")
    author_id: MaybeId = at("author", "id")
    author_email: MaybeText = at("author", "email", personal=True)
    from_customer: bool = at("from_customer", default=False, about="A customer says something.")
    tone: float | None = at("tone", about="-1 to 1, when it is from a customer.")
    moved_at: Instant = at("moved_at", default=..., about="When the conversation was last updated.")

    @model_validator(mode="before")
    @classmethod
    def _heard(cls, part: Any) -> Any:
        if not isinstance(part, dict) or part.get("part_type") not in SPOKEN:
            return part
        heard = (part.get("author") or {}).get("type") in CUSTOMERS
        body = plain(part.get("body")) if heard else None
        return {**part, "from_customer": heard, "tone": None if body is None else tone(body)}


class Ticket(Record):
    """A ticket; up to version 2.11 its state was a text."""

    id: Id = at("id", default=...)
    ticket_id: MaybeId = at("ticket_id", about="The number that people see.")
    contact_id: MaybeId = at("contacts", "contacts", 0, "id")
    title: MaybeText = at("ticket_attributes", "_default_title_", personal=True)
    state: MaybeText = Field(None, validation_alias=AliasChoices(AliasPath("ticket_state", "category"), "ticket_state"))
    category: MaybeText = at("category")
    open: MaybeBool = at("open")
    admin_id: Assignee = at("admin_assignee_id")
    created_at: Instant = at("created_at", default=...)
    updated_at: Instant = at("updated_at", default=...)


class Admin(Record):
    """A teammate of ours."""

    id: Id = at("id", default=...)
    name: MaybeText = at("name")
    email: MaybeText = at("email", personal=True)


class Tag(Record):
    """A tag that contacts and conversations can have."""

    id: Id = at("id", default=...)
    name: MaybeText = at("name")
