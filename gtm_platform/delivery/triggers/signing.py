"""Secrets and signatures, by the specification Standard Webhooks 1.0: https://www.standardwebhooks.com.

Secrets are kept nowhere: each is made from TRIGGER_KEY, the subscription and a number, and known by its fingerprint.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gtm_platform.state.trigger_subscriptions import SecretVersion, Subscription

PREFIX = "whsec_"
FINGERPRINT = 16  # hexadecimal digits


class KeyLost(RuntimeError):
    """TRIGGER_KEY is not the one that a subscription's secret was made from."""


def new_secret(keys: Sequence[bytes], subscription_id: str, number: int) -> tuple[str, SecretVersion]:
    """Return a secret as its receiver needs it, and what is kept of it."""
    secret = _secret(keys[0], subscription_id, number)
    return PREFIX + base64.b64encode(secret).decode(), SecretVersion(number, _fingerprint(secret))


def rotated(secrets: Sequence[SecretVersion], new: SecretVersion, until: datetime) -> tuple[SecretVersion, ...]:
    """Return the secrets with a new one.

    Those before it sign until a moment, and none for longer than it would.
    """
    before = [replace(each, until=min(until, each.until) if each.until else until) for each in secrets]
    return new, *before


def headers(
    subscription: Subscription, keys: Sequence[bytes], message_id: str, body: bytes, at: datetime
) -> Mapping[str, str]:
    """Return the headers of a message, signed with every secret that its receiver may still have."""
    stamp = str(int(at.timestamp()))
    signed = b".".join((message_id.encode(), stamp.encode(), body))
    secrets = [_kept_secret(keys, subscription, each) for each in subscription.secrets if each.signs(at)]
    signatures = [base64.b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in secrets]
    return {
        "content-type": "application/json",
        "user-agent": "gtm-platform",
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _kept_secret(keys: Sequence[bytes], subscription: Subscription, version: SecretVersion) -> bytes:
    for key in keys:
        secret = _secret(key, subscription.id, version.number)
        if hmac.compare_digest(_fingerprint(secret), version.fingerprint):
            return secret
    raise KeyLost(
        f"The secret of {subscription.id} was made from another key than TRIGGER_KEY has: put that key behind the new "
        f"one, separated by a comma, or give the receiver a new secret: gtm trigger rotate {subscription.id}"
    )


def _secret(key: bytes, subscription_id: str, number: int) -> bytes:
    return hmac.digest(key, f"webhook secret {number} of {subscription_id}".encode(), "sha256")


def _fingerprint(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()[:FINGERPRINT]
