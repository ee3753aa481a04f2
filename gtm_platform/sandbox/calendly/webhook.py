"""Calendly's webhook: invitees who booked, called off or did not come."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.kit.webhooks import Happening, Webhook, compact, spans, timed, within

API = "https://api.calendly.com"


def happenings(world: Any, since: datetime, until: datetime) -> Iterator[Happening]:
    """What became of invitees in between."""
    for invitee in world.calendly.invitees.values():
        if within(since, invitee.created, until):
            yield _happening("invitee.created", invitee, invitee.created)
        if invitee.cancellation and within(since, invitee.cancellation.at, until):
            yield _happening("invitee.canceled", invitee, invitee.cancellation.at)
        if invitee.no_show and within(since, invitee.no_show.at, until):
            yield _happening("invitee_no_show.created", invitee, invitee.no_show.at)


def _happening(kind: str, invitee: Any, at: datetime) -> Happening:
    event = f"{API}/scheduled_events/{invitee.event}"
    uri = f"{event}/invitees/{invitee.uuid}"
    payload = {"uri": uri, "event": event, "email": invitee.email, "name": invitee.name, "timezone": invitee.timezone}
    if kind == "invitee_no_show.created":
        payload = {"uri": f"{API}/invitee_no_shows/{invitee.no_show.uuid}", "invitee": uri}
    created_by = f"{API}/users/sandbox"
    body = {"event": kind, "created_at": at.isoformat(), "created_by": created_by, "payload": payload}
    return Happening(at, compact(body))


WEBHOOK = Webhook(
    "calendly",
    "CALENDLY_WEBHOOK_SIGNING_KEY",
    "sandbox-calendly-signing-key",
    timed("Calendly-Webhook-Signature"),
    happenings,
    spans(60, 300, 1_800, 7_200, 21_600, 43_200),
)
