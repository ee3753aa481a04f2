"""Stripe: who subscribes to what, what it is worth, and what was paid."""

from gtm_platform.ingest.source import Schedule, Source
from gtm_platform.sources.landed.ways import Ways
from gtm_platform.sources.stripe.client import check, connect, identity
from gtm_platform.sources.stripe.landed_airbyte import AIRBYTE_STRIPE
from gtm_platform.sources.stripe.landed_fivetran import FIVETRAN_STRIPE
from gtm_platform.sources.stripe.settings import StripeSettings
from gtm_platform.sources.stripe.streams import STREAMS

WAYS = Ways(connect, check, identity, (FIVETRAN_STRIPE, AIRBYTE_STRIPE), STREAMS)
SOURCE = Source(
    "stripe",
    Schedule(hours=24, minute=15),
    StripeSettings,
    prepare=WAYS.prepare,
    connect=WAYS.connect,
    check=WAYS.check,
    identity=WAYS.identity,
    streams=STREAMS,
    about="Self-serve billing: customers, subscriptions, invoices, and the cash that came and went.",
)
