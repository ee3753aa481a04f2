"""Orb's webhook: changes of customers, subscriptions, plans, invoices and credit notes, signed with the time."""

from collections.abc import Iterator
from dataclasses import dataclass

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
from gtm_platform.ingest.hooks.verifiers import (
    FIVE_MINUTES,
    Secrets,
    encoded,
    hex_hmac,
    require_recent,
    require_signature,
    required,
)
from gtm_platform.sources.orb.settings import OrbSettings

STREAMS = {
    "customer": ("customers",),
    "subscription": ("subscriptions",),
    "plan": ("plans",),
    "invoice": ("invoices",),
    "credit_note": ("credit_notes",),
}


@dataclass(frozen=True)
class OrbSignature:
    """`v1=<hex>`, several separated by spaces, over `v1:<time as sent>:<body>`."""

    def verify(self, delivery: Delivery, secrets: Secrets) -> None:
        """Compare each `v1` with each secret, then the time, which is UTC where it has no zone."""
        at = required(delivery, "x-orb-timestamp")
        parts = [part.partition("=") for part in required(delivery, "x-orb-signature").split()]
        text = b"v1:" + encoded(at) + b":" + delivery.body
        shown = [value for version, _, value in parts if version == "v1"]
        require_signature(shown, [hex_hmac(secret, text) for secret in secrets])
        require_recent(moment(at), delivery.received_at, FIVE_MINUTES)


def events(delivery: Delivery) -> Iterator[Event]:
    """Yield the event; the resource stands under the first half of its type, whole or as a summary."""
    body = delivery.object()
    id_, kind = plain_id(body.get("id")), plain_kind(body.get("type"))
    if not id_ or kind == "other":
        raise Malformed("This is no event of Orb: it has no id, or no type.")
    resource = kind.partition(".")[0]
    touched = touching(longest_prefix(kind, STREAMS), member(body, resource, "id"))
    yield Event(id_, kind, touched, moment(body.get("created_at")))


HOOKS = (
    Hook(
        name="orb",
        title="Orb",
        settings=OrbSettings,
        secret="ORB_WEBHOOK_SECRET",
        verifier=OrbSignature(),
        events=events,
        source="orb",
        setup="Developers → Webhooks → Add endpoint; then reveal its signing secret.",
        topics="customer.*, subscription.*, plan.*, invoice.*, credit_note.*",
        repeats="on a schedule; an endpoint that fails for 7 days is disabled",
    ),
)
