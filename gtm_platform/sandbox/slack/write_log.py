"""The accepted messages and edits as JSON-able values, and what each does to the store. The same writes in the same
order, at the same instants, make the same store: a restarted sandbox does them again.
"""

from datetime import datetime
from typing import Any

from gtm_platform.sandbox.slack.store import SlackMessage, SlackStore

Write = dict[str, Any]


def replay(store: SlackStore, write: Write, at: datetime) -> SlackMessage:
    """Does one write and answers the message it wrote."""
    return _post(store, write, at) if write["do"] == "post" else _edit(store, write, at)


def _post(store: SlackStore, write: Write, at: datetime) -> SlackMessage:
    message = SlackMessage(
        channel=write["channel"],
        ts=_next_ts(store, at),
        text=write["text"],
        blocks=write["blocks"],
        at=at,
        thread_ts=write["thread_ts"],
        metadata=write["metadata"],
    )
    store.messages.append(message)
    return message


def _next_ts(store: SlackStore, at: datetime) -> str:
    """The instant in microseconds; one more than the last where the clock stood still."""
    now = int(at.timestamp()) * 1_000_000 + at.microsecond
    last = int(store.messages[-1].ts.replace(".", "")) if store.messages else 0
    seconds, micros = divmod(max(now, last + 1), 1_000_000)
    return f"{seconds}.{micros:06d}"


def _edit(store: SlackStore, write: Write, at: datetime) -> SlackMessage:
    message = message_at(store, write["channel"], write["ts"])
    assert message is not None
    message.text, message.blocks, message.edited = write["text"], write["blocks"], at
    return message


def message_at(store: SlackStore, channel: str, ts: str | None) -> SlackMessage | None:
    return next((found for found in store.messages if (found.channel, found.ts) == (channel, ts)), None)
