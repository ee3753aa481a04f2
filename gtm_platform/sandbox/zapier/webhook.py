"""A Zap that posts a demo request for each call that is booked; with autoreplay, the same body again."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.kit.webhooks import Happening, Webhook, compact, spans, token, within


def happenings(world: Any, since: datetime, until: datetime) -> Iterator[Happening]:
    """The calls that were booked in between."""
    for invitee in world.calendly.invitees.values():
        if within(since, invitee.created, until):
            body = {"event_id": f"zap-{invitee.uuid}", "type": "demo_request", "email": invitee.email}
            body |= {"company": invitee.company or "", "occurred_at": invitee.created.isoformat()}
            yield Happening(invitee.created, compact(body))


WEBHOOK = Webhook(
    "zapier",
    "ZAPIER_WEBHOOK_SECRET",
    "sandbox-zapier-secret",
    token("Authorization", "Bearer "),
    happenings,
    spans(60, 600, 3_600, 10_800),
)
