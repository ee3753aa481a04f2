"""Fathom's webhook: meetings whose content is ready; the meeting itself is the body."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.kit.webhooks import Happening, Webhook, compact, spans, standard, within


def happenings(world: Any, since: datetime, until: datetime) -> Iterator[Happening]:
    """The meetings that became ready in between."""
    for meeting in world.fathom.meetings.values():
        if within(since, meeting.ready, until):
            url = f"https://fathom.video/calls/{meeting.recording_id}"
            body = {"recording_id": meeting.recording_id, "title": meeting.title, "url": url}
            yield Happening(meeting.ready, compact({**body, "created_at": meeting.created.isoformat()}))


WEBHOOK = Webhook(
    "fathom",
    "FATHOM_WEBHOOK_SECRET",
    "whsec_c2FuZGJveC1mYXRob20tc2VjcmV0LTI0",
    standard,
    happenings,
    spans(5, 300, 1_800, 7_200, 18_000),
)
