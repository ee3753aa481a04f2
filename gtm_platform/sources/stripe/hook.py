"""Stripe's webhook: events of the account, signed with the time."""

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
from gtm_platform.ingest.hooks.verifiers import TimedSignature
from gtm_platform.sources.stripe.settings import StripeSettings

STREAMS = {
    "customer": ("customers",),
    "customer.subscription": ("subscriptions",),
    "customer.discount": ("customers", "subscriptions"),
    "customer.source": (),
    "customer.tax_id": (),
    "invoice": ("invoices",),
    "invoice_payment": ("invoices", "charges"),
    "charge": ("charges",),
    "charge.refunded": ("charges", "refunds"),
    "charge.dispute": ("disputes", "charges"),
    "refund": ("refunds", "charges"),
    "product": ("products",),
    "price": ("prices",),
    "coupon": ("coupons",),
}


def events(delivery: Delivery) -> Iterator[Event]:
    """Yield the event: a thin one of version 2 is about nothing that is read."""
    body = delivery.object()
    id_, kind = plain_id(body.get("id")), plain_kind(body.get("type"))
    if not id_ or not str(body.get("object", "")).endswith("event"):
        raise Malformed("This is no event of Stripe: it has no id, or is another object.")
    streams = longest_prefix(kind, STREAMS) if body["object"] == "event" else ()
    touched = touching(streams, member(body, "data", "object", "id"))
    yield Event(id_, kind, touched, moment(body.get("created")))


HOOKS = (
    Hook(
        name="stripe",
        title="Stripe",
        settings=StripeSettings,
        secret="STRIPE_WEBHOOK_SECRET",
        verifier=TimedSignature("stripe-signature"),
        events=events,
        source="stripe",
        setup="Developers → Webhooks → Add destination → Webhook endpoint; then copy its signing secret.",
        topics="customer.*, customer.subscription.*, invoice.*, charge.*, refund.*, product.*, price.*, coupon.*",
        repeats="for up to 3 days, ever more slowly",
    ),
)
