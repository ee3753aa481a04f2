"""The fields that can be searched, by record: their types, and the operators on them.

How a condition on a field is read from a query and holds for a record belongs in `query`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

from gtm_platform.sandbox.intercom.contacts import email_domain
from gtm_platform.sandbox.intercom.conversations import delivered_as, started_by_contact, statistics, teammates
from gtm_platform.sandbox.intercom.segments import segments_of
from gtm_platform.sandbox.intercom.store import IntercomConversation, IntercomStore
from gtm_platform.sandbox.intercom.tickets import TYPE_ID, UNASSIGNED
from gtm_platform.sandbox.intercom.wire import plaintext


class Kind(Enum):
    """The type of a field, by Intercom's name for it."""

    DATE = "Date"
    NUMBER = "Integer"
    STRING = "String"
    BOOLEAN = "Boolean"
    TAG = "Tag"


@dataclass(frozen=True)
class Field:
    """`read` gives a value, nothing, or, of fields that hold several values, a list of them."""

    kind: Kind
    read: Callable[[Any], Any]


@dataclass(frozen=True)
class Dialect:
    """How a search endpoint understands queries.

    With a `timezone`, dates are compared by its whole days, and `>` and `<` leave out the bound; without a timezone,
    dates are compared by the second, and the bound is included.
    """

    fields: Mapping[str, Field]
    operators: Mapping[Kind, frozenset[str]]
    timezone: ZoneInfo | None = None
    custom: Callable[[str], Field | None] = field(default=lambda _: None)

    def field(self, name: str) -> Field | None:
        """The field of this name, if it can be searched."""
        return self.fields.get(name) or self.custom(name)


EQUALITY = frozenset(("=", "!=", "IN", "NIN"))
TEXT = EQUALITY | {"~", "!~", "^", "$"}


def contacts(store: IntercomStore, now: datetime) -> Dialect:
    """How contacts are searched. Their segments are those of this instant."""
    segments = Field(Kind.STRING, lambda contact: [segment.id for segment in segments_of(contact, now)])
    operators = {
        Kind.DATE: frozenset(("=", ">", "<")),
        Kind.NUMBER: EQUALITY | {">", "<", ">=", "<="},
        Kind.STRING: TEXT,
        Kind.BOOLEAN: EQUALITY,
        Kind.TAG: frozenset(("=", "!=")),
    }
    fields = {**CONTACT_FIELDS, "segment_id": segments}
    return Dialect(fields, operators, ZoneInfo(store.timezone), lambda name: _custom_attribute(name, store))


def conversations() -> Dialect:
    """How conversations are searched."""
    return Dialect(CONVERSATION_FIELDS, _INCLUSIVE)


def tickets() -> Dialect:
    """How tickets are searched."""
    return Dialect(TICKET_FIELDS, {**_INCLUSIVE, Kind.DATE: _INCLUSIVE[Kind.DATE] | {">=", "<="}})


_INCLUSIVE = {
    Kind.DATE: EQUALITY | {">", "<"},
    Kind.NUMBER: EQUALITY | {">", "<"},
    Kind.STRING: TEXT,
    Kind.BOOLEAN: EQUALITY,
}

_CUSTOM_KINDS = {
    "string": Kind.STRING,
    "integer": Kind.NUMBER,
    "float": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
}


def _custom_attribute(full_name: str, store: IntercomStore) -> Field | None:
    attributes = (
        attribute
        for attribute in store.data_attributes
        if attribute["model"] == "contact" and attribute["custom"] and attribute["full_name"] == full_name
    )
    attribute = next(attributes, None)
    if attribute is None:
        return None
    name, kind = attribute["name"], _CUSTOM_KINDS[attribute["data_type"]]
    if kind is Kind.DATE:
        return Field(kind, lambda contact: _moment(contact.custom_attributes.get(name)))
    return Field(kind, lambda contact: contact.custom_attributes.get(name))


def _moment(value: float | None) -> datetime | None:
    return None if value is None else datetime.fromtimestamp(value, UTC)


def _dates(**attributes: str) -> dict[str, Field]:
    return {name: Field(Kind.DATE, attrgetter(attribute)) for name, attribute in attributes.items()}


def _numbers(*names: str) -> dict[str, Field]:
    return {name: Field(Kind.NUMBER, attrgetter(name)) for name in names}


def _strings(*names: str) -> dict[str, Field]:
    return {name: Field(Kind.STRING, attrgetter(name)) for name in names}


def _never(kind: Kind, *names: str) -> dict[str, Field]:
    """Fields that are the same, empty or false, on all records of the sandbox."""
    value = False if kind is Kind.BOOLEAN else None
    return {name: Field(kind, lambda _: value) for name in names}


CONTACT_FIELDS: dict[str, Field] = {
    **_dates(
        created_at="created",
        updated_at="updated",
        signed_up_at="signed_up",
        last_seen_at="last_seen",
        last_contacted_at="last_contacted",
        last_replied_at="last_replied",
    ),
    **_strings("id", "role", "name", "email", "phone", "external_id"),
    **_numbers("owner_id"),
    **_never(Kind.DATE, "last_email_opened_at", "last_email_clicked_at", "ios_last_seen_at", "android_last_seen_at"),
    **_never(Kind.STRING, "avatar", "language_override", "browser", "browser_language", "os", "location.region"),
    **_never(Kind.BOOLEAN, "unsubscribed_from_emails", "marked_email_as_spam"),
    "has_hard_bounced": Field(Kind.BOOLEAN, attrgetter("has_hard_bounced")),
    "email_domain": Field(Kind.STRING, email_domain),
    "location.country": Field(Kind.STRING, attrgetter("country")),
    "location.city": Field(Kind.STRING, attrgetter("city")),
    "tag_id": Field(Kind.TAG, attrgetter("tags")),
}


def _rated(read: Callable[[Any], Any]) -> Callable[[IntercomConversation], Any]:
    return lambda conversation: read(conversation.rating) if conversation.rating else None


def _statistic(name: str) -> Callable[[IntercomConversation], Any]:
    return lambda conversation: statistics(conversation)[name]


def _words(conversation: IntercomConversation) -> list[str]:
    """The first message is searched word by word."""
    return re.findall(r"\w+", plaintext(conversation.body))


def _source_author(conversation: IntercomConversation) -> str:
    return conversation.contact_id if started_by_contact(conversation) else str(conversation.admin_id or 0)


CONVERSATION_FIELDS: dict[str, Field] = {
    **_dates(created_at="created", updated_at="updated", waiting_since="waiting_since", snoozed_until="snoozed_until"),
    **_dates(
        **{
            "statistics.first_admin_reply_at": "first_admin_reply",
            "statistics.last_admin_reply_at": "last_admin_reply",
            "statistics.last_contact_reply_at": "last_contact_reply",
            "statistics.first_close_at": "first_close",
            "statistics.last_close_at": "last_close",
        }
    ),
    **{
        f"statistics.{name}": Field(Kind.NUMBER, _statistic(name))
        for name in (
            "time_to_assignment",
            "time_to_admin_reply",
            "time_to_first_close",
            "time_to_last_close",
            "median_time_to_reply",
            "count_reopens",
            "count_assignments",
            "count_conversation_parts",
        )
    },
    **_strings("id", "state", "priority"),
    **_never(Kind.STRING, "source.url"),
    **_never(Kind.BOOLEAN, "ai_agent_participated"),
    "statistics.last_closed_by_id": Field(Kind.STRING, _statistic("last_closed_by_id")),
    "open": Field(Kind.BOOLEAN, attrgetter("open")),
    "read": Field(Kind.BOOLEAN, attrgetter("read")),
    "contact_ids": Field(Kind.STRING, lambda conversation: [conversation.contact_id]),
    "teammate_ids": Field(Kind.STRING, teammates),
    "tag_ids": Field(Kind.STRING, lambda conversation: [tag for tag, _ in conversation.tags]),
    "admin_assignee_id": Field(Kind.NUMBER, attrgetter("admin_id")),
    "team_assignee_id": Field(Kind.NUMBER, attrgetter("team_id")),
    "source.type": Field(Kind.STRING, lambda _: "conversation"),
    "source.id": Field(Kind.STRING, lambda conversation: f"40{conversation.id}"),
    "source.delivered_as": Field(Kind.STRING, delivered_as),
    "source.subject": Field(Kind.STRING, attrgetter("subject")),
    "source.body": Field(Kind.STRING, _words),
    "source.author.id": Field(Kind.STRING, _source_author),
    "source.author.type": Field(Kind.STRING, attrgetter("author_type")),
    "source.author.name": Field(Kind.STRING, attrgetter("author_name")),
    "source.author.email": Field(Kind.STRING, attrgetter("author_email")),
    "conversation_rating.score": Field(Kind.NUMBER, _rated(attrgetter("rating"))),
    "conversation_rating.remark": Field(Kind.STRING, _rated(attrgetter("remark"))),
    "conversation_rating.requested_at": Field(Kind.DATE, _rated(attrgetter("requested"))),
    "conversation_rating.replied_at": Field(Kind.DATE, _rated(attrgetter("replied"))),
}

_SEARCHED_AS = {"Customer": "request", "Back-office": "task", "Tracker": "tracker"}

TICKET_FIELDS: dict[str, Field] = {
    **_dates(created_at="created", updated_at="updated"),
    **_never(Kind.DATE, "snoozed_until"),
    **_strings("id", "title", "description", "state"),
    "category": Field(Kind.STRING, lambda ticket: _SEARCHED_AS[ticket.category]),
    "ticket_type_id": Field(Kind.STRING, lambda _: TYPE_ID),
    "contact_ids": Field(Kind.STRING, lambda ticket: [ticket.contact_id]),
    "teammate_ids": Field(Kind.STRING, lambda ticket: [ticket.admin_id] if ticket.admin_id else []),
    "admin_assignee_id": Field(Kind.STRING, lambda ticket: ticket.admin_id or UNASSIGNED),
    "team_assignee_id": Field(Kind.STRING, lambda ticket: ticket.team_id or UNASSIGNED),
    "open": Field(Kind.BOOLEAN, attrgetter("open")),
}
