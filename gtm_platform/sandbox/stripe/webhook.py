"""Stripe's webhook: the events of its store."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.kit.webhooks import Happening, Webhook, compact, spans, timed, within
from gtm_platform.sandbox.stripe.render import API_VERSION


def happenings(world: Any, since: datetime, until: datetime) -> Iterator[Happening]:
    """The events in between, as Stripe lists them."""
    for event in world.stripe.events:
        if within(since, event.created, until):
            data = {"object": event.object, **({"previous_attributes": event.previous} if event.previous else {})}
            body = {
                "id": event.id,
                "object": "event",
                "api_version": API_VERSION,
                "livemode": False,
                "type": event.type,
            }
            yield Happening(event.created, compact({**body, "created": int(event.created.timestamp()), "data": data}))


WEBHOOK = Webhook(
    "stripe",
    "STRIPE_WEBHOOK_SECRET",
    "whsec_sandbox_stripe",
    timed("Stripe-Signature"),
    happenings,
    spans(5, 300, 1_800, 7_200, 18_000, 36_000, 36_000, 36_000),
)
