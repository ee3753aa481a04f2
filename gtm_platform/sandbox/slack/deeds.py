"""The accepted messages and edits, as JSON-able deeds, and what each does to the store. The same deeds in the same
order, at the same instants, make the same store: a restarted sandbox does them again.
"""

from datetime import datetime
from typing import Any

from gtm_platform.sandbox.records import SlackMessage, SlackStore

Deed = dict[str, Any]


def redo(store: SlackStore, deed: Deed, at: datetime) -> SlackMessage:
    """Does one deed and answers the message it wrote."""
    return _post(store, deed, at) if deed["do"] == "post" else _edit(store, deed, at)


def _post(store: SlackStore, deed: Deed, at: datetime) -> SlackMessage:
    message = SlackMessage(
        channel=deed["channel"],
        ts=_next_ts(store, at),
        text=deed["text"],
        blocks=deed["blocks"],
        at=at,
        thread_ts=deed["thread_ts"],
        metadata=deed["metadata"],
    )
    store.messages.append(message)
    return message


def _next_ts(store: SlackStore, at: datetime) -> str:
    """The instant in microseconds; one more than the last where the clock stood still."""
    now = int(at.timestamp()) * 1_000_000 + at.microsecond
    last = int(store.messages[-1].ts.replace(".", "")) if store.messages else 0
    seconds, micros = divmod(max(now, last + 1), 1_000_000)
    return f"{seconds}.{micros:06d}"


def _edit(store: SlackStore, deed: Deed, at: datetime) -> SlackMessage:
    message = message_at(store, deed["channel"], deed["ts"])
    assert message is not None
    message.text, message.blocks, message.edited = deed["text"], deed["blocks"], at
    return message


def message_at(store: SlackStore, channel: str, ts: str | None) -> SlackMessage | None:
    return next((found for found in store.messages if (found.channel, found.ts) == (channel, ts)), None)
