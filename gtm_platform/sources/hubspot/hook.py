"""HubSpot's webhook: up to a hundred events at once, signed over method, address, body and time (version 3)."""

import base64
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gtm_platform.ingest.hooks.delivery import Delivery, Event, Malformed, moment, plain_kind, touching
from gtm_platform.ingest.hooks.hook import Hook
from gtm_platform.ingest.hooks.verifiers import (
    FIVE_MINUTES,
    Secrets,
    encoded,
    require_recent,
    require_signature,
    required,
)
from gtm_platform.sources.hubspot.settings import HubSpotSettings

SIGNATURE, TIMESTAMP = "x-hubspot-signature-v3", "x-hubspot-request-timestamp"
# Escapes that HubSpot undoes in the address before it signs it.
ESCAPES = {
    "%3A": ":", "%2F": "/", "%3F": "?", "%40": "@", "%21": "!", "%24": "$", "%27": "'", "%28": "(", "%29": ")",
    "%2A": "*", "%2C": ",", "%3B": ";",
}  # fmt: skip
ESCAPED = re.compile("|".join(ESCAPES), re.IGNORECASE)
STREAMS = {
    "contact": ("contacts",),
    "company": ("companies",),
    "deal": ("deals",),
    "0-1": ("contacts",),
    "0-2": ("companies",),
    "0-3": ("deals",),
}
ENGAGEMENTS = ("0-4", "0-18", "0-27", "0-46", "0-47", "0-48", "0-49", "call", "email", "meeting", "note", "task")
OBJECT_IDS = ("objectId", "fromObjectId", "newObjectId", "primaryObjectId")
MOST_EVENTS = 1_000  # of a delivery; HubSpot sends a hundred at most


@dataclass(frozen=True)
class SignatureV3:
    """Base64 of an HMAC-SHA256 over method, address, body and milliseconds, with the app's client secret."""

    def verify(self, delivery: Delivery, secrets: Secrets) -> None:
        """Compare the signature with each secret, then the time."""
        shown, at = required(delivery, SIGNATURE), required(delivery, TIMESTAMP)
        text = encoded(delivery.method + _decoded(delivery.url)) + delivery.body + encoded(at)
        require_signature([shown], [base64.b64encode(hmac.digest(secret, text, "sha256")) for secret in secrets])
        require_recent(_milliseconds(at), delivery.received_at, FIVE_MINUTES)


def _decoded(url: str) -> str:
    return ESCAPED.sub(lambda escape: ESCAPES[escape[0].upper()], url)


def _milliseconds(text: str) -> datetime | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        return None
    return datetime.fromtimestamp(int(text) / 1000, UTC)


def events(delivery: Delivery) -> Iterator[Event]:
    """Yield the events; each is told by its id, its subscription, its object and its time together."""
    listed = delivery.json()
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise Malformed("This is no delivery of HubSpot: it is not a list of events.")
    if len(listed) > MOST_EVENTS:
        raise Malformed(f"There are more than {MOST_EVENTS:,} events in it; HubSpot sends a hundred at most.")
    yield from map(_event, listed)


def _event(body: dict[str, Any]) -> Event:
    parts = [body.get(name) for name in ("eventId", "subscriptionId", "objectId", "occurredAt")]
    kind = plain_kind(body.get("subscriptionType") or body.get("eventType"))
    if body.get("eventId") is None:
        raise Malformed("An event of it has no eventId.")
    of, _, what = kind.partition(".")
    ids = [body[name] for name in OBJECT_IDS if body.get(name) is not None]
    of = str(body.get("objectTypeId") or of)
    streams = ("associations",) if what == "associationChange" else STREAMS.get(of, ())
    streams = ("engagements",) if of in ENGAGEMENTS else streams
    return Event(":".join(map(str, parts)), kind, touching(streams, *ids), moment(body.get("occurredAt")))


HOOKS = (
    Hook(
        name="hubspot",
        title="HubSpot",
        settings=HubSpotSettings,
        secret="HUBSPOT_CLIENT_SECRET",
        verifier=SignatureV3(),
        events=events,
        source="hubspot",
        setup=(
            "Settings → Integrations → Private apps → your app → Webhooks, with this address as target; the client "
            "secret stands under Auth. A service key cannot receive webhooks."
        ),
        topics="creation, property changes, deletion, merge and association changes of contacts, companies and deals",
        repeats="10 times over 24 hours",
        needs_public_url=True,
    ),
)
