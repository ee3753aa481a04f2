"""Intercom's records in the tables that Airbyte lands: the API's own records, objects and lists as JSON."""

from gtm_platform.sources.landed.scope import Shape
from gtm_platform.sources.landed.system import AIRBYTE, Account, Lacking, LandedSystem, Part
from gtm_platform.sources.landed.values import Changed, document, instant, same, times, value

UPDATED = instant("updated_at", "_airbyte_extracted_at")


def _documents(*names: str) -> dict[str, Shape]:
    return {name: document(name) for name in names}


CONTACTS = Part(
    "contacts",
    {
        **same("id", "external_id", "role", "email", "name", "phone", "has_hard_bounced", "owner_id"),
        **times("created_at", "signed_up_at", "last_seen_at", "last_replied_at", "last_contacted_at"),
        "updated_at": Changed(),
        **_documents("location", "companies", "tags", "custom_attributes"),
    },
    changed=UPDATED,
)
COMPANIES = Part(
    "companies",
    {
        **same("id", "company_id", "name", "website", "industry", "size", "monthly_spend"),
        **times("created_at", "updated_at", "last_request_at"),
        "plan": document("plan"),
    },
)
CONVERSATIONS = Part(
    "conversations",
    {
        **same("id", "state", "priority", "admin_assignee_id", "team_assignee_id"),
        **times("created_at", "waiting_since"),
        "updated_at": Changed(),
        **_documents("contacts", "tags", "conversation_rating", "source", "statistics"),
    },
    changed=UPDATED,
)
PARTS = Part(
    "conversation_parts",
    {
        **same("id", "part_type", "body"),
        **times("created_at"),
        "author": document("author"),
    },
    {"conversation_id": value("conversation_id"), "changed_at": Changed()},
    changed=instant("conversation_updated_at", "updated_at", "_airbyte_extracted_at"),
)

AIRBYTE_INTERCOM = LandedSystem(
    "intercom",
    "Intercom",
    AIRBYTE,
    {
        "contacts": (CONTACTS,),
        "companies": (COMPANIES,),
        "conversations": (CONVERSATIONS,),
        "conversation_parts": (PARTS,),
        "admins": (Part("admins", same("id", "name", "email")),),
        "tags": (Part("tags", same("id", "name")),),
    },
    accounts=(
        Account("contacts", value("workspace_id"), "Intercom workspace {id}"),
        Account("companies", value("app_id"), "Intercom workspace {id}"),
    ),
    lacking={"tickets": Lacking("tickets")},
)
