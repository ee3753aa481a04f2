"""Stripe: who subscribes to what, what it is worth, and what was paid."""

from gtm_platform.ingest.source import Source
from gtm_platform.sources.stripe.client import check, connect, identity
from gtm_platform.sources.stripe.streams import STREAMS

SOURCE = Source(
    "stripe",
    hours=24,
    needs=("STRIPE_API_KEY",),
    connect=connect,
    check=check,
    identity=identity,
    streams=STREAMS,
    about="Self-serve billing: customers, subscriptions, invoices, and the cash that came and went.",
    minute=15,
)
