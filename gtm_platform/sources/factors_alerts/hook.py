"""Factors.ai's webhook: an alert, with a digest of the secret in a header, which is a token and no signature."""

from collections.abc import Iterator
from dataclasses import dataclass

from gtm_platform.ingest.hooks.delivery import Delivery, Event, touching
from gtm_platform.ingest.hooks.hook import Hook
from gtm_platform.ingest.hooks.verifiers import (
    SIGNATURE_HEADER,
    Secrets,
    SharedSecret,
    hashed,
    require_signature,
    required,
)
from gtm_platform.sources.factors.alerts import alert
from gtm_platform.sources.factors_alerts.settings import FactorsAlertSettings

HEADER = "factors-secret-256"


@dataclass(frozen=True)
class HashedSecret:
    """Base64 of the secret's SHA-256: it covers nothing of the body, so TLS has to."""

    def verify(self, delivery: Delivery, secrets: Secrets) -> None:
        """Compare the header with each secret; a step between that signs, as ours is documented, is preferred."""
        if SIGNATURE_HEADER in delivery.headers:
            SharedSecret().verify(delivery, secrets)
        else:
            require_signature([required(delivery, HEADER)], map(hashed, secrets))


def events(delivery: Delivery) -> Iterator[Event]:
    """Yield the alert; a trial delivery is about nothing."""
    delivery.object()
    is_trial = alert(delivery.body, delivery.received_at) is None
    yield Event(None, "trial" if is_trial else "alert", {} if is_trial else touching(["alerts"]), body=delivery.body)


HOOKS = (
    Hook(
        name="factors",
        title="Factors.ai",
        settings=FactorsAlertSettings,
        secret="FACTORS_WEBHOOK_SECRET",
        verifier=HashedSecret(),
        events=events,
        source="factors_alerts",
        setup="Automations → Alerts → your alert → Webhook, with this address, a secret of your own, and the company's "
        "name and domain ticked.",
        topics="alerts of accounts: entered a segment, visited the pricing page",
        repeats="a few times; an alert that fails again and again is paused",
        keeps_bodies=True,
    ),
)
