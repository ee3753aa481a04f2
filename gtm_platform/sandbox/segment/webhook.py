"""Segment's webhook: an identify and a track message for each who signs up."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.kit.webhooks import Happening, Webhook, compact, of_body, spans, within


def happenings(world: Any, since: datetime, until: datetime) -> Iterator[Happening]:
    """Who signed up in between."""
    for person in world.posthog.persons.values():
        if within(since, person.signup_ingested, until):
            at = person.signup_ingested
            common = {"version": 1, "userId": person.distinct_ids[0], "timestamp": at.isoformat(), "channel": "server"}
            traits = {name: person.properties.get(name) for name in ("email", "name", "company")}
            identify = {**common, "type": "identify", "traits": traits, "messageId": f"{person.uuid}-i"}
            track = {**common, "type": "track", "event": "Signed Up", "properties": {}, "messageId": f"{person.uuid}-t"}
            yield Happening(at, compact(identify))
            yield Happening(at, compact(track))


WEBHOOK = Webhook(
    "segment",
    "SEGMENT_WEBHOOK_SECRET",
    "sandbox-segment-secret",
    of_body("X-Signature", "sha1"),
    happenings,
    spans(60, 300, 1_800, 7_200),
)
