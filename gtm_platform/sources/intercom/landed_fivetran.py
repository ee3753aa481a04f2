"""Intercom's records in the tables that Fivetran lands: histories, of which the present version counts, and links."""

from gtm_platform.sources.intercom.records import Contact
from gtm_platform.sources.landed.scope import Shape
from gtm_platform.sources.landed.system import FIVETRAN, Account, Lacking, LandedSystem, Part
from gtm_platform.sources.landed.values import Changed, Where, first_of, instant, row, rows, same, seconds, times, value

UPDATED = instant("updated_at", "_fivetran_synced")
CUSTOM = "custom_attributes"


def _custom_attributes() -> dict[str, Shape]:
    """The custom attributes that contacts are read with, each landed as a column of its own."""
    aliases = [field.validation_alias for field in Contact.model_fields.values()]
    paths: list[list[str | int]] = [list(getattr(alias, "path", [])) for alias in aliases]
    names = [str(path[1]) for path in paths if path[:1] == [CUSTOM]]
    return {name: (seconds if name.endswith("_at") else value)(f"custom_{name}") for name in names}


def _author(prefix: str) -> dict[str, Shape]:
    """Who wrote something; where the address is not beside it, that of the contact or teammate."""
    id_ = f"{prefix}author_id"
    addresses = (row(table, by={"id": id_}, shape=value("email")) for table in ("contact_history", "admin"))
    email = first_of(value(f"{prefix}author_email"), *addresses)
    return {"type": value(f"{prefix}author_type"), "id": value(id_), "email": email}


def _assignee(kind: str) -> Shape:
    return first_of(value(f"{kind}_assignee_id"), Where(("assignee_type",), value("assignee_id"), equals=kind))


CONTACTS = Part(
    ("contact_history", "contact"),
    {
        **same("id", "external_id", "role", "email", "name", "phone", "has_hard_bounced"),
        **times("created_at", "signed_up_at", "last_seen_at", "last_replied_at", "last_contacted_at"),
        "updated_at": Changed(),
        "owner_id": value("owner_id", "admin_id"),
        "location": same("country", "city", prefix="location_"),
        "companies": {
            "data": rows(
                "contact_company_history",
                "contact_company",
                by={"contact_id": "id"},
                shape={"id": value("company_id")},
                order="company_id",
            )
        },
        "tags": {
            "data": rows(
                "contact_tag_history",
                "contact_tag",
                by={"contact_id": "id"},
                shape={"id": value("tag_id")},
                order="tag_id",
            )
        },
        CUSTOM: _custom_attributes(),
    },
    changed=UPDATED,
)
COMPANIES = Part(
    ("company_history", "company"),
    {
        **same("id", "company_id", "name", "website", "industry", "size", "monthly_spend"),
        **times("created_at", "updated_at", "last_request_at"),
        "plan": {"name": value("plan_name")},
    },
)
CONVERSATIONS = Part(
    ("conversation_history", "conversation"),
    {
        **same("id", "state", "priority"),
        **times("created_at", "waiting_since"),
        "updated_at": Changed(),
        "contacts": {
            "contacts": rows(
                "conversation_contact_history",
                "conversation_contact",
                by={"conversation_id": "id"},
                shape={"id": value("contact_id")},
                order="contact_id",
            )
        },
        "admin_assignee_id": _assignee("admin"),
        "team_assignee_id": _assignee("team"),
        "tags": {
            "tags": rows(
                "conversation_tag_history",
                "conversation_tag",
                by={"conversation_id": "id"},
                shape={
                    "id": value("tag_id"),
                    "name": row("tag", by={"id": "tag_id"}, shape=value("name")),
                },
                order="tag_id",
            )
        },
        "conversation_rating": {
            "rating": value("conversation_rating_value"),
            "remark": value("conversation_rating_remark"),
            **{name: seconds(f"conversation_rating_{name}") for name in ("created_at", "updated_at")},
        },
        "source": {
            **{name: value(f"source_{name}") for name in ("type", "subject", "body")},
            "author": _author("source_"),
        },
        "statistics": {
            **times("first_admin_reply_at", "last_close_at", prefix="statistics_"),
            **same("count_reopens", "count_conversation_parts", prefix="statistics_"),
        },
    },
    changed=UPDATED,
)
PARTS = Part(
    ("conversation_part_history", "conversation_part"),
    {
        **same("id", "part_type", "body"),
        **times("created_at"),
        "author": _author(""),
    },
    {"conversation_id": value("conversation_id"), "changed_at": Changed()},
    changed=instant("conversation_updated_at", "updated_at", "_fivetran_synced"),
)
# Fivetran keeps no attributes of tickets, of which the title is one.
TICKETS = Part(
    ("ticket_history", "ticket"),
    {
        **same("id", "ticket_id", "category", "open", "admin_assignee_id"),
        **times("created_at"),
        "updated_at": Changed(),
        "contacts": {
            "contacts": rows(
                "ticket_contact_history",
                "ticket_contact",
                by={"ticket_id": "id"},
                shape={"id": value("id")},
                order="id",
            )
        },
        "ticket_state": first_of(
            row("ticket_state", by={"id": "ticket_state_id"}, shape=value("category")), value("ticket_state")
        ),
    },
    changed=UPDATED,
)

FIVETRAN_INTERCOM = LandedSystem(
    "intercom",
    "Intercom",
    FIVETRAN,
    {
        "contacts": (CONTACTS,),
        "companies": (COMPANIES,),
        "conversations": (CONVERSATIONS,),
        "conversation_parts": (PARTS,),
        "tickets": (TICKETS,),
        "admins": (Part("admin", same("id", "name", "email")),),
        "tags": (Part("tag", same("id", "name")),),
    },
    accounts=tuple(
        Account(table, value("workspace_id"), "Intercom workspace {id}")
        for table in ("contact_history", "contact", "article_history")
    ),
    lacking={"tickets": Lacking("the titles of tickets")},
)
