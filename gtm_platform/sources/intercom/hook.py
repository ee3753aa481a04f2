"""Intercom's webhook: notifications of topics, signed without a time; the address is probed with HEAD before."""

from collections.abc import Iterator

from gtm_platform.ingest.hooks.delivery import (
    Delivery,
    Event,
    Malformed,
    member,
    moment,
    plain_id,
    plain_kind,
    touching,
)
from gtm_platform.ingest.hooks.hook import Hook, longest_prefix
from gtm_platform.ingest.hooks.verifiers import BodySignature
from gtm_platform.sources.intercom.settings import IntercomSettings

STREAMS = {
    "contact": ("contacts",),
    "user": ("contacts",),
    "visitor": ("contacts",),
    "company": ("companies",),
    "conversation": ("conversations", "conversation_parts"),
    "conversation_part": ("conversations", "conversation_parts"),
    "ticket": ("tickets",),
    "admin": ("admins",),
}
PING = "ping"


def events(delivery: Delivery) -> Iterator[Event]:
    """Yield the notification; a ping when the hook is set up is about nothing."""
    body = delivery.object()
    id_, topic = plain_id(body.get("id")), plain_kind(body.get("topic"))
    if topic == "other" and not id_:
        raise Malformed("This is no notification of Intercom: it has neither a topic nor an id.")
    streams = longest_prefix(topic, STREAMS)
    touched = touching(streams, member(body, "data", "item", "id")) if topic != PING else {}
    yield Event(id_ or None, topic, touched, moment(body.get("created_at")))


HOOKS = (
    Hook(
        name="intercom",
        title="Intercom",
        settings=IntercomSettings,
        secret="INTERCOM_CLIENT_SECRET",
        verifier=BodySignature("x-hub-signature", "sha1", "sha1="),
        events=events,
        source="intercom",
        setup="Developer Hub → your app → Configure → Webhooks; the client secret stands under Basic information.",
        topics="contact.*, company.*, conversation.*, ticket.*",
        repeats="after a minute; 1,000 errors in half an hour pause it, errors over 7 days end it",
    ),
)
