"""Calendly's webhook: what happens to invitees, signed with the time. Its events have no id of their own."""

from collections.abc import Iterator
from datetime import timedelta

from gtm_platform.ingest.hooks.delivery import Delivery, Event, Malformed, member, moment, plain_kind, touching
from gtm_platform.ingest.hooks.hook import Hook
from gtm_platform.ingest.hooks.verifiers import TimedSignature
from gtm_platform.sources.calendly.settings import CalendlySettings

THREE_MINUTES = timedelta(minutes=3)
STREAMS = {
    "invitee": ("events", "invitees"),
    "invitee_no_show": ("invitees",),
    "event_type": ("event_types",),
    "routing_form_submission": (),
}


def events(delivery: Delivery) -> Iterator[Event]:
    """Yield the event, with the call and the invitee that it names."""
    body = delivery.object()
    kind = plain_kind(body.get("event"))
    if not isinstance(body.get("payload"), dict) or kind == "other":
        raise Malformed("This is no event of Calendly: it has no kind, or no payload.")
    invitee = member(body, "payload", "invitee") or member(body, "payload", "uri")
    touched = {
        stream: ids
        for stream in STREAMS.get(kind.partition(".")[0], ())
        for ids in touching(
            [stream], _last_step(member(body, "payload", "event") if stream == "events" else invitee)
        ).values()
    }
    yield Event(None, kind, touched, moment(body.get("created_at")))


def _last_step(uri: object) -> str:
    return uri.rstrip("/").rpartition("/")[2] if isinstance(uri, str) else ""


HOOKS = (
    Hook(
        name="calendly",
        title="Calendly",
        settings=CalendlySettings,
        secret="CALENDLY_WEBHOOK_SIGNING_KEY",
        verifier=TimedSignature("calendly-webhook-signature", THREE_MINUTES),
        events=events,
        source="calendly",
        setup=(
            "No page has it: POST https://api.calendly.com/webhook_subscriptions with this address, scope organization "
            "and a signing_key of your own, which is the secret; without it nothing is signed. Paid plans only."
        ),
        topics="invitee.created, invitee.canceled, invitee_no_show.created, invitee_no_show.deleted",
        repeats="for about a day; then the subscription is disabled and has to be made again",
    ),
)
