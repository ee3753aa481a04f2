"""PostHog's webhook: the destination HTTP Webhook for the event of signing up, with its usual body."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.kit.webhooks import Happening, Webhook, compact, spans, token, within


def happenings(world: Any, since: datetime, until: datetime) -> Iterator[Happening]:
    """Who signed up in between."""
    for person in world.posthog.persons.values():
        if within(since, person.signup_ingested, until):
            at = person.signup_ingested
            event = {"uuid": f"{person.uuid}-signup", "event": "user_signed_up", "distinct_id": person.distinct_ids[0]}
            event |= {"timestamp": at.isoformat(), "properties": person.signup}
            about = {"id": person.uuid, "properties": person.properties}
            yield Happening(at, compact({"event": event, "person": about}))


WEBHOOK = Webhook(
    "posthog",
    "POSTHOG_WEBHOOK_SECRET",
    "sandbox-posthog-secret",
    token("X-PostHog-Secret"),
    happenings,
    spans(10, 60, 300),
)
