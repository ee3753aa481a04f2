"""Orb's webhook: customers and subscriptions that began, invoices that were issued, paid, or not paid."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from gtm_platform.sandbox.kit.webhooks import Happening, Headers, Webhook, compact, hex_of, spans, within


def _sign(body: bytes, secret: str, _address: str, at: datetime) -> Headers:
    text = at.astimezone(UTC).replace(tzinfo=None).isoformat()
    return {"X-Orb-Timestamp": text, "X-Orb-Signature": f"v1={hex_of(secret, f'v1:{text}:'.encode() + body)}"}


def happenings(world: Any, since: datetime, until: datetime) -> Iterator[Happening]:
    """What happened in between; payloads are summaries."""
    store = world.orb
    changes = [(customer.created, "customer.created", customer.id) for customer in store.customers.values()]
    changes += [(each.created, "subscription.created", each.id) for each in store.subscriptions.values()]
    for invoice in store.invoices.values():
        changes += [
            (invoice.issued, "invoice.issued", invoice.id),
            (invoice.paid, "invoice.payment_succeeded", invoice.id),
            (invoice.failed, "invoice.payment_failed", invoice.id),
        ]
    changes += [(note.created, "credit_note.issued", note.id) for note in store.credit_notes.values()]
    for at, kind, id_ in changes:
        if at is not None and within(since, at, until):
            resource = {kind.partition(".")[0]: {"id": id_}}
            body = {"id": f"whev_{kind}_{id_}", "created_at": at.isoformat(), "type": kind, "payload_style": "standard"}
            yield Happening(at, compact({**body, **resource, "properties": {}}))


WEBHOOK = Webhook("orb", "ORB_WEBHOOK_SECRET", "sandbox-orb-secret", _sign, happenings, spans(30, 300, 3_600, 21_600))
