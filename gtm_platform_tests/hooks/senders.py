"""How each system signs a delivery, by its documentation: written anew, and sharing nothing with the receiver."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

Headers = dict[str, str]
Signer = Callable[[bytes, str, datetime], Headers]
PUBLIC_URL = "https://gtm.example"
KEY = "w7Hn0Xk0mB1s0Yb2n3oXoKj0e8aQdVn1o0pTq1Xv2b4="  # of Fernet
STANDARD_SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four!").decode()


def _hex(secret: str, text: bytes, algorithm: str = "sha256") -> str:
    return hmac.new(secret.encode(), text, algorithm).hexdigest()


def _timed(header: str) -> Signer:
    def sign(body: bytes, secret: str, at: datetime) -> Headers:
        t = int(at.timestamp())
        return {header: f"t={t},v1={_hex(secret, f'{t}.'.encode() + body)}"}

    return sign


def _hubspot(body: bytes, secret: str, at: datetime) -> Headers:
    ms = str(int(at.timestamp() * 1000))
    text = b"POST" + f"{PUBLIC_URL}/webhooks/hubspot".encode() + body + ms.encode()
    digest = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    return {"X-HubSpot-Signature-v3": base64.b64encode(digest).decode(), "X-HubSpot-Request-Timestamp": ms}


def _intercom(body: bytes, secret: str, _at: datetime) -> Headers:
    return {"X-Hub-Signature": "sha1=" + _hex(secret, body, "sha1")}


def _orb(body: bytes, secret: str, at: datetime) -> Headers:
    text = at.astimezone(UTC).replace(tzinfo=None).isoformat()
    return {"X-Orb-Timestamp": text, "X-Orb-Signature": "v1=" + _hex(secret, f"v1:{text}:".encode() + body)}


def _slack(body: bytes, secret: str, at: datetime) -> Headers:
    t = int(at.timestamp())
    return {"X-Slack-Request-Timestamp": str(t), "X-Slack-Signature": "v0=" + _hex(secret, f"v0:{t}:".encode() + body)}


def _fathom(body: bytes, secret: str, at: datetime) -> Headers:
    id_, t = "msg_" + hashlib.sha1(body).hexdigest()[:12], int(at.timestamp())
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{id_}.{t}.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(digest).decode()
    return {"webhook-id": id_, "webhook-timestamp": str(t), "webhook-signature": signature}


def _factors(_body: bytes, secret: str, _at: datetime) -> Headers:
    return {"factors-secret-256": base64.b64encode(hashlib.sha256(secret.encode()).digest()).decode()}


def _segment(body: bytes, secret: str, _at: datetime) -> Headers:
    return {"X-Signature": _hex(secret, body, "sha1")}


def _bearer(_body: bytes, secret: str, _at: datetime) -> Headers:
    return {"Authorization": f"Bearer {secret}"}


def _posthog(_body: bytes, secret: str, _at: datetime) -> Headers:
    return {"X-PostHog-Secret": secret}


def signed_variant(body: bytes, secret: str, at: datetime) -> Headers:
    """Our own documented signature, for tools that can compute one."""
    t = int(at.timestamp())
    signature = "sha256=" + _hex(secret, f"{t}.".encode() + body)
    return {"X-Webhook-Timestamp": str(t), "X-Webhook-Signature": signature}


@dataclass(frozen=True)
class Sender:
    """A system that sends: its secret's variable, how it signs, and an event number by number."""

    name: str
    variable: str
    sign: Signer
    event: Callable[[int, datetime], Any]
    streams: tuple[str, ...]
    secret: str = "a-secret-of-twenty-characters"
    other: str = "another-secret-of-that-length"
    is_timed: bool = True
    header: str = ""  # that has the signature
    form: bool = False

    def body(self, number: int, at: datetime) -> bytes:
        """An event as it is sent."""
        event = self.event(number, at)
        if self.form:
            return b"payload=" + quote_plus(json.dumps(event)).encode()
        return json.dumps(event, separators=(",", ":")).encode()

    def headers(self, body: bytes, at: datetime, secret: str | None = None) -> Headers:
        """The headers of a delivery, signed."""
        kind = "application/x-www-form-urlencoded" if self.form else "application/json"
        return {"content-type": kind, **self.sign(body, secret or self.secret, at)}


def _stripe_event(number: int, at: datetime) -> Mapping[str, Any]:
    sent = {"id": f"evt_{number}", "object": "event", "type": "customer.subscription.updated"}
    return {**sent, "created": int(at.timestamp()), "data": {"object": {"id": f"sub_{number}"}}}


def _hubspot_event(number: int, at: datetime) -> list[Mapping[str, Any]]:
    sent = {"eventId": number, "subscriptionId": 25, "portalId": 1, "objectId": 500 + number, "attemptNumber": 0}
    occurred = int(at.timestamp() * 1000)
    return [{**sent, "occurredAt": occurred, "subscriptionType": "contact.propertyChange", "propertyName": "phone"}]


def _intercom_event(number: int, at: datetime) -> Mapping[str, Any]:
    item = {"type": "conversation", "id": str(number), "source": {"author": {"email": "ada@acme.example"}}}
    return {
        "type": "notification_event",
        "id": f"notif_{number}",
        "topic": "conversation.user.replied",
        "data": {"type": "notification_event_data", "item": item},
        "created_at": int(at.timestamp()),
    }


def _calendly_event(number: int, at: datetime) -> Mapping[str, Any]:
    events = "https://api.calendly.com/scheduled_events/"
    payload = {"uri": f"{events}E{number}/invitees/I{number}", "event": f"{events}E{number}", "email": "a@b.example"}
    return {"event": "invitee.created", "created_at": at.isoformat(), "payload": payload}


def _posthog_event(number: int, at: datetime) -> Mapping[str, Any]:
    event = {"uuid": f"018f-{number}", "event": "user_signed_up", "distinct_id": "ada@acme.example"}
    return {
        "event": {**event, "timestamp": at.isoformat()},
        "person": {"id": f"p-{number}", "name": "ada@acme.example"},
    }


def _orb_event(number: int, at: datetime) -> Mapping[str, Any]:
    sent = {"id": f"whev_{number}", "type": "invoice.payment_failed", "created_at": at.isoformat()}
    return {**sent, "invoice": {"id": f"inv_{number}"}, "properties": {}}


def _userflow_event(number: int, at: datetime) -> Mapping[str, Any]:
    user = {"id": "ada@acme.example", "object": "user", "attributes": {"email": "ada@acme.example"}}
    return {"id": f"n-{number}", "topic": "user.updated", "created_at": at.isoformat(), "data": {"object": user}}


def _fathom_event(number: int, at: datetime) -> Mapping[str, Any]:
    return {
        "recording_id": number,
        "title": "Acme and us",
        "url": "https://fathom.video/x",
        "created_at": at.isoformat(),
    }


def _slack_event(number: int, at: datetime) -> Mapping[str, Any]:
    item = {"type": "message", "channel": "C1", "ts": f"17{number}.1"}
    event = {"type": "reaction_added", "user": "U1", "reaction": "+1", "item": item}
    return {"type": "event_callback", "event_id": f"Ev{number}", "event_time": int(at.timestamp()), "event": event}


def _factors_event(number: int, _at: datetime) -> Mapping[str, Any]:
    shown = {"Company Name": f"Acme {number}", "Company Domain": f"acme{number}.example", "Page Count": 4}
    listed = {str(n): {"DisplayName": k, "PropValue": v} for n, (k, v) in enumerate(shown.items())}
    return {"Title": "High intent", "Event": "Website Session", "Message": "…", "MessageProperty": listed}


def _reodev_event(number: int, at: datetime) -> Mapping[str, Any]:
    account = {"account_name": "Acme", "account_domain": f"acme{number}.example"}
    developer = {"developer_name": "Dana Dev", "developer_business_email": "dana@acme.example", "account": account}
    return {"activity_type": "PAGE_VISIT", "activity_date": f"{at:%Y-%m-%d %H:%M:%S}", "developer": developer}


def _segment_event(number: int, at: datetime) -> Mapping[str, Any]:
    sent = {"version": 1, "type": "identify", "userId": f"u-{number}", "messageId": f"seg-{number}"}
    return {**sent, "traits": {"email": "ada@acme.example"}, "timestamp": at.isoformat()}


def _signal(number: int, at: datetime) -> Mapping[str, Any]:
    company = {"name": "Acme", "domain": f"acme{number}.example"}
    sent = {"event_id": f"z-{number}", "type": "signal.observed", "occurred_at": at.isoformat(), "company": company}
    return {**sent, "person": {"email": "ada@acme.example"}, "signal": {"name": "hiring", "strength": 0.7}}


def _sender(name: str, variable: str, sign: Signer, event: Any, *streams: str, **more: Any) -> Sender:
    return Sender(name, variable, sign, event, streams, **more)


SENDERS = (
    _sender("calendly", "CALENDLY_WEBHOOK_SIGNING_KEY", _timed("Calendly-Webhook-Signature"), _calendly_event,
            "events", "invitees", header="Calendly-Webhook-Signature"),
    _sender("factors", "FACTORS_WEBHOOK_SECRET", _factors, _factors_event, "alerts", is_timed=False,
            header="factors-secret-256"),
    _sender("fathom", "FATHOM_WEBHOOK_SECRET", _fathom, _fathom_event, "meetings", "transcripts",
            secret=STANDARD_SECRET, other="whsec_" + base64.b64encode(b"another of twenty-four!!").decode(),
            header="webhook-signature"),
    _sender("hubspot", "HUBSPOT_CLIENT_SECRET", _hubspot, _hubspot_event, "contacts", header="X-HubSpot-Signature-v3"),
    _sender("intercom", "INTERCOM_CLIENT_SECRET", _intercom, _intercom_event, "conversation_parts", "conversations",
            is_timed=False, header="X-Hub-Signature"),
    _sender("make", "MAKE_WEBHOOK_SECRET", _bearer, _signal, "signals", is_timed=False, header="Authorization"),
    _sender("orb", "ORB_WEBHOOK_SECRET", _orb, _orb_event, "invoices", header="X-Orb-Signature"),
    _sender("posthog", "POSTHOG_WEBHOOK_SECRET", _posthog, _posthog_event, "daily_usage", "persons", "signups",
            is_timed=False, header="X-PostHog-Secret"),
    _sender("reodev", "REODEV_WEBHOOK_SECRET", _bearer, _reodev_event, "activities", is_timed=False,
            header="Authorization"),
    _sender("segment", "SEGMENT_WEBHOOK_SECRET", _segment, _segment_event, "people", is_timed=False,
            header="X-Signature"),
    _sender("signals", "SIGNALS_WEBHOOK_SECRET", signed_variant, _signal, "signals", header="X-Webhook-Signature"),
    _sender("slack", "SLACK_SIGNING_SECRET", _slack, _slack_event, "alert_feedback", header="X-Slack-Signature"),
    _sender("stripe", "STRIPE_WEBHOOK_SECRET", _timed("Stripe-Signature"), _stripe_event, "subscriptions",
            header="Stripe-Signature"),
    _sender("userflow", "USERFLOW_WEBHOOK_SECRET", _timed("Userflow-Signature"), _userflow_event, "users",
            header="Userflow-Signature"),
    _sender("zapier", "ZAPIER_WEBHOOK_SECRET", _bearer, _signal, "signals", is_timed=False, header="Authorization"),
)  # fmt: skip
BY_NAME = {sender.name: sender for sender in SENDERS}
ENVIRONMENT = {
    **{sender.variable: sender.secret for sender in SENDERS},
    "GTM_PUBLIC_URL": PUBLIC_URL,
    "GTM_ENCRYPTION_KEY": KEY,
}
