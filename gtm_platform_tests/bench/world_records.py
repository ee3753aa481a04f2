"""The person and company records of a made-up world, as the tables of their sources, taken out of its stores without a
single request: what identity reads, and no more.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.world import World
from gtm_platform.sandbox.world.history import as_of

Rows = list[dict[str, Any]]


def records_of(world: World) -> Mapping[str, Rows]:
    """Return the rows of each table of people and companies, as the systems would show them now."""
    return {
        "hubspot/contacts": _hubspot(world, "contacts", _contact),
        "hubspot/companies": _hubspot(world, "companies", _company),
        "intercom/contacts": [_user(each) for each in _living(world.intercom.contacts.values())],
        "intercom/companies": [
            {"id": each.id, "name": each.name, "website": each.website, "created_at": each.created}
            for each in world.intercom.companies.values()
        ],
        "stripe/customers": [
            {"id": each.id, "email": each.email, "name": each.name, "created_at": each.created, "deleted": False}
            for each in _living(world.stripe.customers.values())
        ],
        **_calls(world),
        **_product(world),
        **_bills(world),
    }


def _living(records: Iterable[Any]) -> Iterable[Any]:
    return (each for each in records if each.deleted is None and not getattr(each, "merged_into", None))


def _hubspot(world: World, kind: str, shown: Any) -> Rows:
    objects = world.hubspot.objects[kind].values()
    merged: dict[str, list[str]] = {}
    for each in objects:
        if each.merged_into:
            merged.setdefault(each.merged_into, []).append(each.id)
    living = (each for each in objects if not each.archived and not each.merged_into)
    return [{**shown(each), "merged_ids": merged.get(each.id, []), "created_at": each.created} for each in living]


def _contact(record: Any) -> dict[str, Any]:
    values = record.properties
    return {
        "id": record.id,
        "email": values.get("email"),
        "additional_emails": _several(values.get("hs_additional_emails")),
        "company_id": next(iter(record.links.get("companies", {})), None),
        "first_name": values.get("firstname"),
        "last_name": values.get("lastname"),
    }


def _company(record: Any) -> dict[str, Any]:
    values = record.properties
    further = _several(values.get("hs_additional_domains"))
    return {"id": record.id, "name": values.get("name"), "domain": values.get("domain"), "additional_domains": further}


def _several(text: str | None) -> list[str]:
    return [part for part in (text or "").split(";") if part]


def _user(contact: Any) -> dict[str, Any]:
    return {
        "id": contact.id,
        "email": contact.email,
        "role": contact.role,
        "external_id": contact.external_id,
        "stripe_id": contact.custom_attributes.get("stripe_id"),
        "company_ids": contact.companies,
        "created_at": contact.created,
        "last_seen_at": contact.last_seen,
    }


def _calls(world: World) -> Mapping[str, Rows]:
    hosts = {user.email.split("@")[1] for user in world.calendly.users.values()}
    invitees = [
        {
            "id": each.uuid,
            "email": each.email.lower(),
            "name": each.name,
            "created_at": each.created,
            "is_internal": each.email.lower().split("@")[1] in hosts,
        }
        for each in world.calendly.invitees.values()
        if each.created < world.now
    ]
    meetings = [
        {
            "id": str(each.recording_id),
            "created_at": each.created,
            "invitees": [
                {"name": guest.name, "email": guest.email and guest.email.lower(), "is_external": guest.external}
                for guest in each.invitees
            ],
        }
        for each in world.fathom.meetings.values()
        if each.ready < world.now
    ]
    return {"calendly/invitees": invitees, "fathom/meetings": meetings}


def _product(world: World) -> Mapping[str, Rows]:
    users = [
        {"id": each.id, "email": each.email, "name": each.name, "created_at": each.created}
        for each in world.userflow.users.values()
    ]
    persons = [
        {
            "id": each.uuid,
            "user_id": each.distinct_ids[0],
            "email": each.properties.get("email"),
            "is_identified": True,
            "created_at": each.created,
        }
        for each in world.posthog.persons.values()
        if each.use is not None
    ]
    lists = [
        {
            "id": each.account_id,
            "email": each.email,
            "company_name": each.company_name,
            "stripe_customer_id": as_of(each.stripe_customer_ids, world.now),
            "created_at": each.created,
        }
        for each in world.listkit_admin.accounts.values()
    ]
    chroma = [
        {"id": each.account_id, "email": each.email, "company_name": each.company_name, "created_at": each.created}
        for each in world.chroma_admin.accounts.values()
    ]
    tables = {"userflow/users": users, "posthog/persons": persons, "listkit_admin/accounts": lists}
    return {name: _born(rows, world.now) for name, rows in (tables | {"chroma_admin/accounts": chroma}).items()}


def _bills(world: World) -> Mapping[str, Rows]:
    orb = [
        {
            "id": each.id,
            "email": each.email,
            "external_customer_id": each.external_customer_id,
            "payment_provider": each.payment_provider,
            "payment_provider_id": each.payment_provider_id,
            "hubspot_contact_id": each.metadata.get("hubspot_contact_id"),
            "created_at": each.created,
        }
        for each in world.orb.customers.values()
    ]
    copied = [
        {
            "id": each.uuid,
            "email": each.email or None,
            "external_ids": [account.external_id for account in each.accounts],
            "customer_since": each.created,
        }
        for each in world.chartmogul.customers.values()
        if each.created + each.lag < world.now
    ]
    return {"orb/customers": _born(orb, world.now), "chartmogul/customers": copied}


def _born(rows: Rows, now: datetime) -> Rows:
    return [row for row in rows if row["created_at"] < now]
