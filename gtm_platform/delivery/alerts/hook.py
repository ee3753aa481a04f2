"""Slack's webhook: reactions to alerts and clicks on buttons, signed with the time; it begins with a challenge."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

import msgspec

from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.ingest.hooks.delivery import (
    NOT_READABLE,
    Delivery,
    Event,
    Malformed,
    Reply,
    member,
    moment,
    plain_id,
    plain_kind,
    touching,
)
from gtm_platform.ingest.hooks.hook import Hook
from gtm_platform.ingest.hooks.verifiers import (
    FIVE_MINUTES,
    Secrets,
    encoded,
    hex_hmac,
    require_recent,
    require_signature,
    required,
    seconds,
)

FORM = "application/x-www-form-urlencoded"
REACTIONS_FROM, FEEDBACK = "slack", ("alert_feedback",)  # what reactions are read into: `delivery/alerts/precision`
REACTIONS = ("reaction_added", "reaction_removed")
CHALLENGE = "url_verification"
LONGEST_CHALLENGE = 1_000


@dataclass(frozen=True)
class SignatureV0:
    """`v0=<hex>` over `v0:<seconds>:<body>`, which is a form where a button was clicked."""

    def verify(self, delivery: Delivery, secrets: Secrets) -> None:
        """Compare the signature with each secret, then the time."""
        at = required(delivery, "x-slack-request-timestamp")
        text = b"v0:" + encoded(at) + b":" + delivery.body
        require_signature(
            [required(delivery, "x-slack-signature")], [b"v0=" + hex_hmac(secret, text) for secret in secrets]
        )
        require_recent(seconds(at), delivery.received_at, FIVE_MINUTES)


def reply(delivery: Delivery) -> Reply | None:
    """Answer the challenge that Slack sends when the address is entered."""
    body = _body(delivery)
    challenge = body.get("challenge")
    if body.get("type") != CHALLENGE or not isinstance(challenge, str) or len(challenge) > LONGEST_CHALLENGE:
        return None
    return Reply(challenge.encode("utf-8", "replace"))


def events(delivery: Delivery) -> Iterator[Event]:
    """Yield the reaction or the click, with the message that it is about; other events are about nothing."""
    body = _body(delivery)
    kind = plain_kind(body.get("type"))
    if kind == "event_callback":
        event = plain_kind(member(body, "event", "type"))
        touched = _message(member(body, "event", "item")) if event in REACTIONS else {}
        yield Event(plain_id(body.get("event_id")) or None, event, touched, moment(body.get("event_time")))
    elif kind == "block_actions":
        place = {"channel": member(body, "channel", "id"), "ts": member(body, "message", "ts")}
        yield Event(plain_id(body.get("trigger_id")) or None, kind, _message(place))
    elif kind == "other":
        raise Malformed("This is no request of Slack: it has no type.")
    else:
        yield Event(plain_id(body.get("event_id")) or None, kind)


def _message(place: Any) -> dict[str, tuple[str, ...]]:
    channel, ts = member(place, "channel"), member(place, "ts")
    return touching(FEEDBACK, f"{channel}:{ts}") if channel and ts else {}


def _body(delivery: Delivery) -> dict[str, Any]:
    """Return the JSON of a request, which lies in a field of a form where a button was clicked."""
    if not delivery.headers.get("content-type", "").startswith(FORM):
        return delivery.object()
    try:
        fields = parse_qs(delivery.body.decode(), max_num_fields=100)
        body = msgspec.json.decode(fields["payload"][0])
    except (KeyError, ValueError, *NOT_READABLE):
        raise Malformed("The form has no field payload with JSON.") from None
    if not isinstance(body, dict):
        raise Malformed("The payload is not a JSON object.")
    return body


HOOKS = (
    Hook(
        name="slack",
        title="Slack",
        settings=SlackSettings,
        secret="SLACK_SIGNING_SECRET",
        verifier=SignatureV0(),
        events=events,
        reply=reply,
        source=REACTIONS_FROM,
        setup=(
            "api.slack.com/apps → your app → Event Subscriptions (and Interactivity, for buttons), with this address "
            "as request URL; the signing secret stands under Basic Information."
        ),
        topics="reaction_added, reaction_removed",
        repeats="3 times within an hour",
    ),
)
