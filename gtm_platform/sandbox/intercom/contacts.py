"""Wire shapes of contacts, and which of them are visible."""

from collections.abc import Sequence

from gtm_platform.sandbox.intercom.store import IntercomContact
from gtm_platform.sandbox.intercom.wire import Shape
from gtm_platform.sandbox.kit.render import unix_seconds

MAX_STUBS = 10

_UNSET = (
    "android_app_name",
    "android_app_version",
    "android_device",
    "android_last_seen_at",
    "android_os_version",
    "android_sdk_version",
    "avatar",
    "browser",
    "browser_language",
    "browser_version",
    "enabled_push_messaging",
    "ios_app_name",
    "ios_app_version",
    "ios_device",
    "ios_last_seen_at",
    "ios_os_version",
    "ios_sdk_version",
    "language_override",
    "last_email_clicked_at",
    "last_email_opened_at",
    "os",
    "referrer",
    "utm_campaign",
    "utm_content",
    "utm_medium",
    "utm_source",
    "utm_term",
)


def visible(record: IntercomContact) -> bool:
    """Whether the API shows a contact: merged and deleted ones are gone from it."""
    return record.merged_into is None and record.deleted is None


def email_domain(record: IntercomContact) -> str | None:
    """The part of the address after the @."""
    return record.email.rpartition("@")[2] if record.email else None


def contact(record: IntercomContact, workspace_id: str) -> Shape:
    """The wire shape of a contact, with stubs of what belongs to it."""
    url = f"/contacts/{record.id}"
    return {
        **dict.fromkeys(_UNSET),
        "type": "contact",
        "id": record.id,
        "workspace_id": workspace_id,
        "external_id": record.external_id,
        "role": record.role,
        "email": record.email,
        "email_domain": email_domain(record),
        "phone": record.phone,
        "name": record.name,
        "owner_id": record.owner_id,
        "social_profiles": {"type": "list", "data": []},
        "has_hard_bounced": record.has_hard_bounced,
        "marked_email_as_spam": False,
        "unsubscribed_from_emails": False,
        "created_at": unix_seconds(record.created),
        "updated_at": unix_seconds(record.updated),
        "signed_up_at": unix_seconds(record.signed_up),
        "last_seen_at": unix_seconds(record.last_seen),
        "last_replied_at": unix_seconds(record.last_replied),
        "last_contacted_at": unix_seconds(record.last_contacted),
        "location": _location(record),
        "custom_attributes": dict(record.custom_attributes),
        "tags": _stubs("tag", record.tags, "/tags", f"{url}/tags"),
        "notes": _stubs("note", [], "/notes", f"{url}/notes"),
        "companies": _stubs("company", record.companies, "/companies", f"{url}/companies"),
        "opted_out_subscription_types": _stubs("subscription", [], "/subscription_types", f"{url}/subscriptions"),
        "opted_in_subscription_types": _stubs("subscription", [], "/subscription_types", f"{url}/subscriptions"),
    }


def _location(record: IntercomContact) -> Shape:
    return {
        "type": "location",
        "country": record.country,
        "region": None,
        "city": record.city,
        "country_code": record.country_code,
        "continent_code": None,
    }


def _stubs(kind: str, ids: Sequence[str], path: str, url: str) -> Shape:
    return {
        "type": "list",
        "data": [{"type": kind, "id": each, "url": f"{path}/{each}"} for each in ids[:MAX_STUBS]],
        "url": url,
        "total_count": len(ids),
        "has_more": len(ids) > MAX_STUBS,
    }
