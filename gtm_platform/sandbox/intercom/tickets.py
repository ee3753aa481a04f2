"""Wire shapes of tickets."""

from gtm_platform.sandbox.intercom.conversations import contact_reference
from gtm_platform.sandbox.intercom.store import IntercomStore, IntercomTicket
from gtm_platform.sandbox.intercom.wire import Shape
from gtm_platform.sandbox.kit.render import unix_seconds

UNASSIGNED = "0"
TYPE_ID = "100"

_STATES = {
    "submitted": ("8577", "Submitted"),
    "in_progress": ("8578", "In progress"),
    "waiting_on_customer": ("8579", "Waiting on you"),
    "resolved": ("8580", "Resolved"),
}


def ticket(record: IntercomTicket, store: IntercomStore) -> Shape:
    """The wire shape of a ticket."""
    return {
        "type": "ticket",
        "id": record.id,
        "ticket_id": record.ticket_id,
        "category": record.category,
        "ticket_attributes": {"_default_title_": record.title, "_default_description_": record.description},
        "ticket_state": _state(record.state),
        "ticket_type": _type(record.category, store.workspace_id),
        "contacts": {"type": "contact.list", "contacts": [contact_reference(record.contact_id, store)]},
        "admin_assignee_id": record.admin_id or UNASSIGNED,
        "team_assignee_id": record.team_id or UNASSIGNED,
        "created_at": unix_seconds(record.created),
        "updated_at": unix_seconds(record.updated),
        "open": record.open,
        "snoozed_until": None,
        "linked_objects": {"type": "list", "data": [], "total_count": 0, "has_more": False},
        "ticket_parts": {"type": "ticket_part.list", "ticket_parts": [], "total_count": 0},
        "is_shared": record.category == "Customer",
    }


def _state(category: str) -> Shape:
    identifier, label = _STATES[category]
    return {
        "type": "ticket_state",
        "id": identifier,
        "category": category,
        "internal_label": label,
        "external_label": label,
    }


def _type(category: str, workspace_id: str) -> Shape:
    return {
        "type": "ticket_type",
        "id": TYPE_ID,
        "name": "Request",
        "description": "",
        "icon": "",
        "category": category,
        "workspace_id": workspace_id,
        "archived": False,
        "is_internal": category != "Customer",
    }
