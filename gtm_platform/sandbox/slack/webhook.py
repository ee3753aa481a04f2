"""Slack's webhook: reactions to messages, a minute after each message."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from gtm_platform.sandbox.kit.webhooks import Happening, Headers, Webhook, compact, hex_of, spans, within

MINUTE = timedelta(minutes=1)


def _sign(body: bytes, secret: str, _address: str, at: datetime) -> Headers:
    seconds = str(int(at.timestamp()))
    signature = f"v0={hex_of(secret, f'v0:{seconds}:'.encode() + body)}"
    return {"X-Slack-Request-Timestamp": seconds, "X-Slack-Signature": signature}


def happenings(world: Any, since: datetime, until: datetime) -> Iterator[Happening]:
    """The reactions to messages of a minute before."""
    for message in world.slack.messages:
        at = message.at + MINUTE
        if within(since, at, until):
            for reaction, users in message.reactions.items():
                for user in users:
                    yield Happening(at, compact(_event(world.slack.team_id, message, reaction, user, at)))


def _event(team: str, message: Any, reaction: str, user: str, at: datetime) -> dict[str, Any]:
    item = {"type": "message", "channel": message.channel, "ts": message.ts}
    event = {"type": "reaction_added", "user": user, "reaction": reaction, "item": item}
    return {
        "type": "event_callback",
        "team_id": team,
        "event_id": f"Ev{message.ts.replace('.', '')}{reaction}{user}",
        "event_time": int(at.timestamp()),
        "event": event,
    }


WEBHOOK = Webhook("slack", "SLACK_SIGNING_SECRET", "sandbox-slack-signing-secret", _sign, happenings, spans(1, 60, 300))
