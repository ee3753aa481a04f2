"""Signatures as others make and judge them: the systems' own libraries, and the vectors of their documentation."""

import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import orb
import pytest
import stripe
from hubspot.utils.signature import Signature
from slack_sdk.signature import Clock, SignatureVerifier

from gtm_platform.delivery.alerts.hook import SignatureV0
from gtm_platform.ingest.hooks.delivery import Delivery, RefusedDelivery
from gtm_platform.ingest.hooks.verifiers import BodySignature, TimedSignature, Verifier
from gtm_platform.sources.hubspot.hook import SignatureV3
from gtm_platform.sources.orb.hook import OrbSignature
from gtm_platform.sources.segment_messages.hook import signed_part
from gtm_platform_tests.hooks.senders import BY_NAME, PUBLIC_URL

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
URL = f"{PUBLIC_URL}/webhooks/hubspot"


def is_taken(verifier: Verifier, headers: dict[str, str], body: bytes, secret: str, at: datetime = NOW) -> bool:
    lowered = {name.lower(): value for name, value in headers.items()}
    try:
        verifier.verify(Delivery(URL, lowered, body, at), [secret.encode()])
    except RefusedDelivery:
        return False
    return True


BODIES = [b"{}", '{"name":"Zoë"}'.encode(), b'{"a": 1,\n "b":"\\u00eb"}', b"[" + b"1," * 500 + b"1]"]


@pytest.mark.parametrize("body", BODIES)
def test_what_the_library_of_stripe_signs_is_taken(body: bytes) -> None:
    at, verifier = int(NOW.timestamp()), TimedSignature("stripe-signature")
    header = stripe.WebhookSignature.generate_signature_header(body.decode(), "whsec_1", timestamp=at)
    assert is_taken(verifier, {"Stripe-Signature": header}, body, "whsec_1")
    assert not is_taken(verifier, {"Stripe-Signature": header}, body + b" ", "whsec_1")
    assert not is_taken(verifier, {"Stripe-Signature": header}, body, "whsec_2")
    assert not is_taken(verifier, {"Stripe-Signature": header}, body, "whsec_1", NOW + timedelta(seconds=301))


def test_a_header_of_stripe_with_several_signatures_and_unknown_schemes() -> None:
    body, at = b"{}", int(NOW.timestamp())
    good = hmac.new(b"whsec_1", f"{at}.{{}}".encode(), hashlib.sha256).hexdigest()
    verifier = TimedSignature("stripe-signature")
    assert is_taken(verifier, {"stripe-signature": f"t={at},v1={'0' * 64},v1={good},v0=x"}, body, "whsec_1")
    assert not is_taken(verifier, {"stripe-signature": f"t={at},v0={good}"}, body, "whsec_1")
    assert not is_taken(verifier, {"stripe-signature": f"v1={good}"}, body, "whsec_1")
    assert not is_taken(verifier, {"stripe-signature": f"t={at},t={at + 1},v1={good}"}, body, "whsec_1")


@pytest.mark.parametrize("body", BODIES)
def test_what_the_library_of_orb_takes_we_take(body: bytes) -> None:
    at = datetime.now(UTC)  # the library asks the clock itself
    headers = BY_NAME["orb"].headers(body, at, "orb_whsec_1")
    with orb.Orb(api_key="unused") as client:
        client.webhooks.verify_signature(body.decode(), headers, secret="orb_whsec_1")
        with pytest.raises(ValueError, match=r".+"):
            client.webhooks.verify_signature(body.decode() + " ", headers, secret="orb_whsec_1")
    assert is_taken(OrbSignature(), headers, body, "orb_whsec_1", at)
    assert not is_taken(OrbSignature(), headers, body + b" ", "orb_whsec_1", at)


@pytest.mark.parametrize("body", BODIES)
def test_what_the_library_of_hubspot_takes_we_take(body: bytes) -> None:
    at = datetime.now(UTC)
    headers = BY_NAME["hubspot"].headers(body, at, "secret-1")

    def judged(text: str) -> bool:
        return bool(
            Signature.is_valid(
                signature=headers["X-HubSpot-Signature-v3"],
                client_secret="secret-1",
                request_body=text,
                http_uri=URL,
                http_method="POST",
                signature_version="v3",
                timestamp=headers["X-HubSpot-Request-Timestamp"],
            )
        )

    assert [judged(body.decode()), judged(body.decode() + " ")] == [True, False]
    assert is_taken(SignatureV3(), headers, body, "secret-1", at)
    assert not is_taken(SignatureV3(), headers, body + b" ", "secret-1", at)


class Stopped(Clock):
    def now(self) -> float:
        return NOW.timestamp()


@pytest.mark.parametrize("body", [b"payload=%7B%7D", *BODIES])
def test_what_the_library_of_slack_signs_and_takes_we_take(body: bytes) -> None:
    library = SignatureVerifier("signing-1", clock=Stopped())
    at = str(int(NOW.timestamp()))
    signature = library.generate_signature(timestamp=at, body=body)
    assert signature is not None
    headers = {"X-Slack-Request-Timestamp": at, "X-Slack-Signature": signature}
    assert library.is_valid_request(body, headers)
    assert is_taken(SignatureV0(), headers, body, "signing-1")
    assert not is_taken(SignatureV0(), headers, body + b"&", "signing-1")


# From the systems' documentation: the verifier, the secret, the headers, the body, the time.
HUBSPOT_BODY = (
    b'[{"eventId":1,"subscriptionId":25,"portalId":1234567,"appId":99,"occurredAt":1767225600000,"subscriptionType":'
    b'"contact.propertyChange","attemptNumber":0,"objectId":501,"propertyName":"lifecyclestage","propertyValue":'
    b'"customer","changeSource":"CRM_UI","sourceId":"userId:42"}]'
)
SEGMENT_BODY = (
    b'{"version":1,"type":"track","userId":"u-1","event":"Plan Upgraded","properties":{"plan":"team"},'
    b'"timestamp":"2026-01-01T00:00:00.000Z"}'
)
VECTORS: dict[str, tuple[Verifier, str, dict[str, str], bytes, datetime]] = {
    "stripe": (
        TimedSignature("stripe-signature"),
        "whsec_test",
        {"Stripe-Signature": "t=1795219762,v1=360c47aa31f0359223fcabbe9325fe74dbe9c7ed05840b0ce7885fb454529677"},
        b'{"id":"evt_1","object":"event","type":"invoice.paid","data":{"object":{}}}',
        datetime.fromtimestamp(1795219762, UTC),
    ),
    "hubspot": (
        SignatureV3(),
        "whsec-test-123",
        {
            "X-HubSpot-Signature-v3": "Bl0spPiSxdru+nO4O2lUbQdabkuK7UfSIe65P3S05nU=",
            "X-HubSpot-Request-Timestamp": "1767225601000",
        },
        HUBSPOT_BODY,
        datetime.fromtimestamp(1767225601, UTC),
    ),
    "orb": (
        OrbSignature(),
        "orb_whsec_test",
        {
            "X-Orb-Timestamp": "2026-11-01T12:00:00.123456",
            "X-Orb-Signature": "v1=e1d7eac4265da8c0ffc9f6a68bc0222cf423448786dda9c2a6e5d31ed28bab8f",
        },
        b'{"id":"whev_1","type":"subscription.created"}',
        datetime(2026, 11, 1, 12, tzinfo=UTC),
    ),
    "slack": (
        SignatureV0(),
        "slack-signing",
        {
            "X-Slack-Request-Timestamp": "1767225600",
            "X-Slack-Signature": "v0=d9542a5ff8156c0a878e64f11b7e6188fbb374caba1540ba0e4c038054363d82",
        },
        b"payload=%7B%7D",
        datetime.fromtimestamp(1767225600, UTC),
    ),
    "segment": (
        BodySignature("x-signature", "sha1", signed=signed_part),
        "seg-secret",
        {"X-Signature": "6b0caa81111566acf739c73863c8ce3cbc403e39"},
        SEGMENT_BODY,
        NOW,
    ),
    "segment, a batch of one": (
        BodySignature("x-signature", "sha1", signed=signed_part),
        "seg-secret",
        {"X-Signature": "6b0caa81111566acf739c73863c8ce3cbc403e39"},
        b"[" + SEGMENT_BODY + b"]",
        NOW,
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_of_the_documentation_hold(name: str) -> None:
    verifier, secret, headers, body, at = VECTORS[name]
    assert is_taken(verifier, headers, body, secret, at)
    assert not is_taken(verifier, headers, body.replace(b'"', b"'").replace(b"%7B", b"%7D"), secret, at)


def test_hubspot_undoes_escapes_in_the_address_that_it_signs() -> None:
    address, at = f"{URL}?back=https%3A%2F%2Fa.example%2Fb%40c", int(NOW.timestamp() * 1000)
    signed = f"{URL}?back=https://a.example/b@c"
    text = f"POST{signed}{{}}{at}".encode()
    import base64

    signature = base64.b64encode(hmac.new(b"s", text, hashlib.sha256).digest()).decode()
    headers = {"x-hubspot-signature-v3": signature, "x-hubspot-request-timestamp": str(at)}
    SignatureV3().verify(Delivery(address, headers, b"{}", NOW), [b"s"])


def test_every_comparison_is_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is compared with a secret, or with what is made of one, goes through `compare_digest`."""
    from gtm_platform.ingest.hooks import verifiers
    from gtm_platform.ingest.hooks.hook import discover_hooks

    compared: list[int] = []
    compare: Callable[[bytes, bytes], bool] = hmac.compare_digest

    def counting(first: bytes, second: bytes) -> bool:
        compared.append(1)
        return compare(first, second)

    monkeypatch.setattr(verifiers.hmac, "compare_digest", counting)
    monkeypatch.setenv("GTM_PUBLIC_URL", PUBLIC_URL)
    for hook in discover_hooks():
        sender = BY_NAME[hook.name]
        body = sender.body(1, NOW)
        headers = {name.lower(): value for name, value in sender.headers(body, NOW).items()}
        compared.clear()
        hook.verifier.verify(Delivery(f"{PUBLIC_URL}{hook.path}", headers, body, NOW), [b"x", sender.secret.encode()])
        assert len(compared) >= 2, f"{hook.name}: both secrets are compared, also after one matched"
    assert json.dumps(sorted(BY_NAME)) == json.dumps(sorted(hook.name for hook in discover_hooks()))
