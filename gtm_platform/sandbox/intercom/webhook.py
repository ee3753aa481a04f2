"""Intercom's webhook: contacts and conversations that were made or changed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.kit.webhooks import Happening, Webhook, compact, of_body, spans, within


def happenings(world: Any, since: datetime, until: datetime) -> Iterator[Happening]:
    """What was made or changed in between."""
    for contact in world.intercom.contacts.values():
        if within(since, contact.updated, until):
            what = "created" if contact.created == contact.updated else "updated"
            yield _happening(contact, "contact", f"contact.user.{what}")
    for conversation in world.intercom.conversations.values():
        if within(since, conversation.updated, until):
            what = "created" if conversation.created == conversation.updated else "replied"
            yield _happening(conversation, "conversation", f"conversation.user.{what}")


def _happening(record: Any, kind: str, topic: str) -> Happening:
    seconds = int(record.updated.timestamp())
    item = {"type": kind, "id": record.id, "created_at": int(record.created.timestamp()), "updated_at": seconds}
    body = {
        "type": "notification_event",
        "app_id": "sandbox",
        "id": f"notif_{kind}_{record.id}_{seconds}",
        "topic": topic,
        "data": {"type": "notification_event_data", "item": item},
        "delivery_attempts": 1,
        "first_sent_at": seconds,
        "created_at": seconds,
    }
    return Happening(record.updated, compact(body))


WEBHOOK = Webhook(
    "intercom",
    "INTERCOM_CLIENT_SECRET",
    "sandbox-intercom-client-secret",
    of_body("X-Hub-Signature", "sha1", "sha1="),
    happenings,
    spans(60),
)
