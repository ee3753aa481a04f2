"""HubSpot's webhook: contacts, companies and deals that were made or changed, up to a hundred in a delivery."""

import base64
import hashlib
import hmac
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from typing import Any

from gtm_platform.sandbox.kit.webhooks import Happening, Headers, Webhook, compact, spans, within

OBJECTS = {"contacts": "contact", "companies": "company", "deals": "deal"}
AT_ONCE = 100


def _sign(body: bytes, secret: str, address: str, at: datetime) -> Headers:
    milliseconds = str(int(at.timestamp() * 1000))
    text = b"POST" + address.encode() + body + milliseconds.encode()
    digest = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    signature = base64.b64encode(digest).decode()
    return {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": milliseconds}


def happenings(world: Any, since: datetime, until: datetime) -> Iterator[Happening]:
    """What was made or changed in between."""
    changed = sorted(
        ((record.updated, kind, record) for kind in OBJECTS for record in world.hubspot.objects.get(kind, {}).values()
         if within(since, record.updated, until)),
        key=lambda change: (change[0], change[1], change[2].id),
    )  # fmt: skip
    numbers = count(int(since.timestamp()) * 1000)
    for start in range(0, len(changed), AT_ONCE):
        some = changed[start : start + AT_ONCE]
        events = [_event(next(numbers), kind, record, world.hubspot.portal_id) for _, kind, record in some]
        yield Happening(some[-1][0], compact(events))


def _event(number: int, kind: str, record: Any, portal: int) -> dict[str, Any]:
    is_new = record.created == record.updated
    about = {"changeFlag": "CREATED"} if is_new else {"propertyName": "hs_lastmodifieddate", "changeSource": "CRM_UI"}
    return {
        "eventId": number,
        "subscriptionId": 25,
        "portalId": portal,
        "appId": 99,
        "occurredAt": int(record.updated.timestamp() * 1000),
        "subscriptionType": f"{OBJECTS[kind]}.{'creation' if is_new else 'propertyChange'}",
        "attemptNumber": 0,
        "objectId": int(record.id),
        **about,
    }


WEBHOOK = Webhook(
    "hubspot", "HUBSPOT_CLIENT_SECRET", "sandbox-hubspot-client-secret", _sign, happenings, spans(60, 600, *[9_000] * 8)
)
