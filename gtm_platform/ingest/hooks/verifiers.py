"""How it is proven that a system sent a delivery: over the raw bytes, in constant time, with every secret that is set.

A scheme of one system alone stands with its source. First the signature is compared and then the time, so that nobody
learns anything of a delivery that he cannot sign.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from gtm_platform.ingest.hooks.delivery import Delivery, RefusedDelivery

FIVE_MINUTES = timedelta(minutes=5)
BEARER = "bearer "
TOKEN_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER = "x-webhook-token", "x-webhook-timestamp", "x-webhook-signature"
MOST_SIGNATURES = 20  # of a delivery; a sender that changes its secret sends two

Secrets = Sequence[bytes]


class Verifier(Protocol):
    """A scheme of signing."""

    def verify(self, delivery: Delivery, secrets: Secrets) -> None:
        """Return where the delivery was made with one of the secrets; raise RefusedDelivery otherwise."""


@dataclass(frozen=True)
class TimedSignature:
    """`t=<seconds>,v1=<hex>` over `<t>.<body>`, HMAC-SHA256; several `v1` while a secret is replaced."""

    header: str
    tolerance: timedelta = FIVE_MINUTES

    def verify(self, delivery: Delivery, secrets: Secrets) -> None:
        """Compare each `v1` with each secret, then the time."""
        parts = [part.strip().partition("=") for part in required(delivery, self.header).split(",")]
        times = [value for name, _, value in parts if name == "t"]
        if len(times) != 1:
            raise RefusedDelivery("bad_signature", f"The header {self.header} does not say when it was signed.")
        require_signature(
            (value for name, _, value in parts if name == "v1"),
            [hex_hmac(secret, times[0].encode() + b"." + delivery.body) for secret in secrets],
        )
        require_recent(seconds(times[0]), delivery.received_at, self.tolerance)


@dataclass(frozen=True)
class BodySignature:
    """An HMAC of the body in hex, perhaps behind a prefix. No time is signed: ids alone tell repeats."""

    header: str
    algorithm: Literal["sha1", "sha256"]
    prefix: str = ""
    signed: Callable[[bytes], bytes] = bytes  # what of the body is signed

    def verify(self, delivery: Delivery, secrets: Secrets) -> None:
        """Compare the signature with each secret."""
        shown = required(delivery, self.header)
        text = self.signed(delivery.body)
        expected = [self.prefix.encode() + hex_hmac(secret, text, self.algorithm) for secret in secrets]
        require_signature([shown], expected)


@dataclass(frozen=True)
class StandardSignature:
    """Standard Webhooks: `v1,<base64>` over `<id>.<seconds>.<body>`, keyed by what follows `whsec_`."""

    tolerance: timedelta = FIVE_MINUTES

    def verify(self, delivery: Delivery, secrets: Secrets) -> None:
        """Compare each `v1` with each secret, then the time."""
        id_, at = required(delivery, "webhook-id"), required(delivery, "webhook-timestamp")
        text = encoded(id_) + b"." + encoded(at) + b"." + delivery.body
        digests = [hmac.digest(_decoded_secret(secret), text, "sha256") for secret in secrets]
        parts = [part.partition(",") for part in required(delivery, "webhook-signature").split(" ")]
        shown = [value for version, _, value in parts if version == "v1"]
        require_signature(shown, [base64.b64encode(digest) for digest in digests])
        require_recent(seconds(at), delivery.received_at, self.tolerance)


@dataclass(frozen=True)
class SharedSecret:
    """For what cannot sign as it is: our own signed variant, or the secret itself in a header.

    Signed is `<X-Webhook-Timestamp>.<body>`, in `X-Webhook-Signature: sha256=<hex>`. A delivery that has a signature is
    judged by it alone.
    """

    header: str = TOKEN_HEADER

    def verify(self, delivery: Delivery, secrets: Secrets) -> None:
        """Compare the signature, else the token, with each secret."""
        if SIGNATURE_HEADER in delivery.headers:
            at = required(delivery, TIMESTAMP_HEADER)
            text = encoded(at) + b"." + delivery.body
            expected = [b"sha256=" + hex_hmac(secret, text) for secret in secrets]
            require_signature([delivery.headers[SIGNATURE_HEADER]], expected)
            require_recent(seconds(at), delivery.received_at, FIVE_MINUTES)
            return
        authorization = delivery.headers.get("authorization", "")
        bearer = authorization[len(BEARER) :].strip() if authorization.lower().startswith(BEARER) else ""
        shown = delivery.headers.get(self.header) or bearer
        if not shown:
            message = f"Send the secret as `Authorization: Bearer …` or as the header {self.header}, or sign the body."
            raise RefusedDelivery("no_signature", message)
        require_signature([shown], secrets)


# --- parts of schemes ------------------------------------------------------------------------------------------------


def required(delivery: Delivery, header: str) -> str:
    """Return a header; refuse where it is missing: a proxy that strips it switches no check off."""
    value = delivery.headers.get(header, "").strip()
    if not value:
        raise RefusedDelivery("no_signature", f"The header {header} is missing: nothing is taken without it.")
    return value


def require_signature(shown: Iterable[str], expected: Iterable[bytes]) -> None:
    """Refuse where no signature is one of those expected; each is compared in constant time."""
    wanted = list(expected)
    matches = [hmac.compare_digest(encoded(each), want) for each in list(shown)[:MOST_SIGNATURES] for want in wanted]
    if not any(matches):
        raise RefusedDelivery("bad_signature", "The signature is not of this body with the secret that is set here.")


def require_recent(at: datetime | None, now: datetime, tolerance: timedelta) -> None:
    """Refuse what was signed too long ago, or in the future: it may be a recording."""
    if at is None:
        raise RefusedDelivery("bad_signature", "It cannot be read when the delivery was signed.")
    if abs(now - at) > tolerance:
        minutes = tolerance.total_seconds() / 60
        raise RefusedDelivery(
            "too_old", f"It was signed more than {minutes:g} minutes from now; see that the clocks are right."
        )


def seconds(text: str) -> datetime | None:
    """Return the instant of a whole number of seconds since 1970."""
    if not (text.isascii() and text.isdigit() and len(text) <= 12):
        return None
    return datetime.fromtimestamp(int(text), UTC)


def hex_hmac(secret: bytes, text: bytes, algorithm: str = "sha256") -> bytes:
    """Return an HMAC in lower-case hex."""
    return hmac.digest(secret, text, algorithm).hex().encode()


def encoded(text: str) -> bytes:
    """Return the bytes of a header, which may be anything."""
    return text.encode("latin-1", "replace")


def hashed(secret: bytes) -> bytes:
    """Return the SHA-256 of a secret, in base64."""
    return base64.b64encode(hashlib.sha256(secret).digest())


def _decoded_secret(secret: bytes) -> bytes:
    text = secret.removeprefix(b"whsec_")
    try:
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return secret  # not in this form: it signs nothing
