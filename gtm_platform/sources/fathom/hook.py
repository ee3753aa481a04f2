"""Fathom's webhook: a meeting whose content is ready, by the scheme of Standard Webhooks."""

from collections.abc import Iterator

from gtm_platform.ingest.hooks.delivery import Delivery, Event, Malformed, moment, plain_id, touching
from gtm_platform.ingest.hooks.hook import Hook
from gtm_platform.ingest.hooks.verifiers import StandardSignature
from gtm_platform.sources.fathom.settings import FathomSettings

READY = "meeting_content_ready"  # the one event that there is; a delivery does not name it


def events(delivery: Delivery) -> Iterator[Event]:
    """Yield the event; it is told by the delivery's id, which stays the same when it is repeated."""
    body = delivery.object()
    recording = body.get("recording_id") or body.get("id")
    if not recording and not body.get("url"):
        raise Malformed("This is no meeting of Fathom: it has neither a recording nor an address.")
    touched = touching(("meetings", "transcripts"), recording)
    yield Event(plain_id(delivery.headers.get("webhook-id")), READY, touched, moment(body.get("created_at")))


HOOKS = (
    Hook(
        name="fathom",
        title="Fathom",
        settings=FathomSettings,
        secret="FATHOM_WEBHOOK_SECRET",
        verifier=StandardSignature(),
        events=events,
        source="fathom",
        setup="User Settings → API Access → Add webhook; the secret is shown once. One webhook can cover a team.",
        topics="recordings of the team; the summary is enough, the rest is read from the API",
        repeats="with growing delays, under one webhook-id",
    ),
)
