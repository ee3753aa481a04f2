"""Subscriptions as they are read: each with what it amounts to. Which of it counts is no matter of a source."""

import msgspec

from gtm_platform.ingest.record import unusable, with_facts
from gtm_platform.sources.orb.mrr import phases, unpriced
from gtm_platform.sources.orb.shapes import Subscription

READ = msgspec.json.Decoder(Subscription).decode


def priced(raw: bytes) -> bytes:
    """Put beside a subscription what it amounts to; what cannot be read so is quarantined."""
    try:
        subscription = READ(raw)
        return with_facts(
            raw,
            currency=subscription.currency,
            phases=phases(subscription),
            unpriced=unpriced(subscription),
        )
    except msgspec.ValidationError as error:
        return unusable(raw, str(error))
    except msgspec.DecodeError:  # almost JSON, which the record's reader repairs or refuses
        return raw
