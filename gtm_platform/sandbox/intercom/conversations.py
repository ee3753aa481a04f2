"""Wire shapes of conversations and their parts."""

from collections.abc import Callable
from statistics import median

from gtm_platform.sandbox.intercom.store import IntercomConversation, IntercomPart, IntercomRating, IntercomStore
from gtm_platform.sandbox.intercom.wire import Shape, between, plaintext, reference
from gtm_platform.sandbox.kit.render import unix_seconds

MAX_PARTS = 500
ASSIGNMENTS = ("assignment", "default_assignment", "assign_and_reopen")
DELIVERED_AS = {"admin": "admin_initiated", "bot": "operator_initiated"}


def conversation(record: IntercomConversation, store: IntercomStore, with_parts: bool, plain: bool = False) -> Shape:
    """The wire shape of a conversation; its parts are shown only when it is retrieved by itself."""
    shown: Callable[[str], str] = plaintext if plain else str
    shape = {
        "type": "conversation",
        "id": record.id,
        "title": None,
        "created_at": unix_seconds(record.created),
        "updated_at": unix_seconds(record.updated),
        "waiting_since": unix_seconds(record.waiting_since),
        "snoozed_until": unix_seconds(record.snoozed_until),
        "open": record.open,
        "state": record.state,
        "read": record.read,
        "priority": record.priority,
        "admin_assignee_id": record.admin_id,
        "team_assignee_id": record.team_id,
        "tags": _tags(record, store),
        "conversation_rating": _rating(record, record.rating, store) if record.rating else None,
        "source": _source(record, shown),
        "contacts": {"type": "contact.list", "contacts": [contact_reference(record.contact_id, store)]},
        "teammates": {"type": "admin.list", "teammates": [reference("admin", each) for each in teammates(record)]},
        "custom_attributes": {},
        "first_contact_reply": _first_contact_reply(record),
        "sla_applied": None,
        "statistics": statistics(record),
        "linked_objects": {"type": "list", "data": [], "total_count": 0, "has_more": False},
        "topics": {},
        "ticket": None,
        "ai_agent_participated": False,
        "ai_agent": None,
    }
    if with_parts:
        parts = [_part(part, record.state, shown) for part in record.parts[-MAX_PARTS:]]
        shape["conversation_parts"] = {
            "type": "conversation_part.list",
            "conversation_parts": parts,
            "total_count": len(parts),
        }
    return shape


def contact_reference(contact_id: str, store: IntercomStore) -> Shape:
    """A contact as other records refer to it."""
    contact = store.contacts.get(contact_id)
    return {"type": "contact", "id": contact_id, "external_id": contact.external_id if contact else None}


def teammates(record: IntercomConversation) -> list[str]:
    """The assignee and all admins who wrote, each once."""
    ids = [str(record.admin_id)] if record.admin_id is not None else []
    ids += [part.author_id for part in record.parts if part.author_type == "admin"]
    return list(dict.fromkeys(ids))


def started_by_contact(record: IntercomConversation) -> bool:
    """Whether the first message came from the contact."""
    return record.author_type not in DELIVERED_AS


def delivered_as(record: IntercomConversation) -> str:
    """How the first message came."""
    return DELIVERED_AS.get(record.author_type, "customer_initiated")


def statistics(record: IntercomConversation) -> Shape:
    """The wire shape of how long answers took and how often what happened."""
    assigned = [part.created for part in record.parts if part.part_type in ASSIGNMENTS]
    closers = [part.author_id for part in record.parts if part.part_type == "close"]
    gaps = _reply_gaps(record)
    return {
        "type": "conversation_statistics",
        "time_to_assignment": between(record.created, assigned[0]) if assigned else None,
        "time_to_admin_reply": between(record.created, record.first_admin_reply),
        "time_to_first_close": between(record.created, record.first_close),
        "time_to_last_close": between(record.created, record.last_close),
        "median_time_to_reply": int(median(gaps)) if gaps else None,
        "first_contact_reply_at": unix_seconds(record.created) if started_by_contact(record) else None,
        "first_assignment_at": unix_seconds(assigned[0]) if assigned else None,
        "first_admin_reply_at": unix_seconds(record.first_admin_reply),
        "first_close_at": unix_seconds(record.first_close),
        "last_assignment_at": unix_seconds(assigned[-1]) if assigned else None,
        "last_assignment_admin_reply_at": unix_seconds(record.last_admin_reply) if assigned else None,
        "last_contact_reply_at": unix_seconds(record.last_contact_reply),
        "last_admin_reply_at": unix_seconds(record.last_admin_reply),
        "last_close_at": unix_seconds(record.last_close),
        "last_closed_by_id": closers[-1] if closers else None,
        "count_reopens": record.reopens,
        "count_assignments": len(assigned),
        "count_conversation_parts": len(record.parts),
        "handling_time": None,
        "adjusted_handling_time": None,
        "assigned_team_first_response_time": [],
        "assigned_team_first_response_time_in_office_hours": [],
    }


def _reply_gaps(record: IntercomConversation) -> list[float]:
    """Seconds from each first unanswered message of the contact to the admin's reply."""
    waiting = record.created if started_by_contact(record) else None
    gaps = []
    for part in record.parts:
        if part.part_type != "comment":
            continue
        if part.author_type == "admin" and waiting is not None:
            gaps.append((part.created - waiting).total_seconds())
            waiting = None
        elif part.author_type != "admin" and waiting is None:
            waiting = part.created
    return gaps


def _tags(record: IntercomConversation, store: IntercomStore) -> Shape:
    tags = [
        {
            "type": "tag",
            "id": tag,
            "name": store.tags.get(tag, tag),
            "applied_at": unix_seconds(applied),
            "applied_by": reference("admin", record.admin_id),
        }
        for tag, applied in record.tags
    ]
    return {"type": "tag.list", "tags": tags}


def _rating(record: IntercomConversation, rating: IntercomRating, store: IntercomStore) -> Shape:
    return {
        "rating": rating.rating,
        "remark": rating.remark,
        "created_at": unix_seconds(rating.requested),
        "updated_at": unix_seconds(rating.replied or rating.requested),
        "contact": contact_reference(record.contact_id, store),
        "teammate": reference("admin", rating.admin_id),
    }


def _source(record: IntercomConversation, shown: Callable[[str], str]) -> Shape:
    by_contact = started_by_contact(record)
    author = record.contact_id if by_contact else str(record.admin_id or 0)
    return {
        "type": "conversation",
        "id": f"40{record.id}",
        "delivered_as": delivered_as(record),
        "subject": record.subject,
        "body": shown(record.body),
        "author": _author(record.author_type, author, record.author_name, record.author_email),
        "attachments": [],
        "url": None,
        "redacted": False,
    }


def _first_contact_reply(record: IntercomConversation) -> Shape | None:
    if not started_by_contact(record):
        return None
    return {"created_at": unix_seconds(record.created), "type": "conversation", "url": None}


def _part(part: IntercomPart, state: str, shown: Callable[[str], str]) -> Shape:
    return {
        "type": "conversation_part",
        "id": part.id,
        "part_type": part.part_type,
        "body": None if part.body is None else shown(part.body),
        "created_at": unix_seconds(part.created),
        "updated_at": unix_seconds(part.created),
        "notified_at": unix_seconds(part.created),
        "assigned_to": None,
        "author": _author(part.author_type, part.author_id, part.author_name, part.author_email),
        "attachments": [],
        "external_id": None,
        "redacted": False,
        "email_message_metadata": None,
        "metadata": None,
        "state": state,
        "tags": [],
        "event_details": None,
        "app_package_code": None,
    }


def _author(kind: str, identifier: str, name: str | None, email: str | None) -> Shape:
    return {"type": kind, "id": identifier, "name": name, "email": email}
