"""What each accepted write does to the store.

Whether a write is acceptable is decided before, in the modules of the methods.
"""

import base64
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.kit.write_log import Actions, Write
from gtm_platform.sandbox.kit.write_log import replay as replay_with
from gtm_platform.sandbox.slack.store import SlackFile, SlackMessage, SlackStore


def replay(store: SlackStore, write: Write, at: datetime) -> Any:
    """Do one write as it was done at that instant, and return the message or the file that it was about."""
    return replay_with(ACTIONS, store, write, at)


def message_at(store: SlackStore, channel: str, ts: str | None) -> SlackMessage | None:
    """The message with this timestamp in this channel."""
    return next((message for message in store.messages if (message.channel, message.ts) == (channel, ts)), None)


def replies_to(store: SlackStore, message: SlackMessage) -> list[SlackMessage]:
    """The replies in a message's thread, oldest first."""
    thread = (message.channel, message.ts)
    return [each for each in store.messages if (each.channel, each.thread_ts) == thread]


def _post(store: SlackStore, write: Write, at: datetime) -> SlackMessage:
    message = SlackMessage(
        channel=write["channel"],
        ts=_next_ts(store, at),
        text=write["text"],
        blocks=write["blocks"],
        at=at,
        thread_ts=write["thread_ts"],
        metadata=write["metadata"],
        attachments=write.get("attachments", []),
        broadcast=write.get("broadcast", False),
    )
    store.messages.append(message)
    store.last_ts = message.ts
    return message


def _next_ts(store: SlackStore, at: datetime) -> str:
    """The instant in microseconds; one more than the last where the clock stood still."""
    now = int(at.timestamp()) * 1_000_000 + at.microsecond
    last = int(store.last_ts.replace(".", "") or 0)
    seconds, micros = divmod(max(now, last + 1), 1_000_000)
    return f"{seconds}.{micros:06d}"


def _edit(store: SlackStore, write: Write, at: datetime) -> SlackMessage:
    message = _target(store, write)
    message.text, message.blocks, message.edited = write["text"], write["blocks"], at
    message.attachments = write.get("attachments", message.attachments)
    message.metadata = write.get("metadata", message.metadata)
    return message


def _delete(store: SlackStore, write: Write, _: datetime) -> SlackMessage:
    """Remove a message. One with replies leaves a mark, so that its thread stays in place."""
    message = _target(store, write)
    if replies_to(store, message):
        message.text, message.blocks, message.attachments = "This message was deleted.", [], []
        message.metadata, message.reactions, message.deleted = None, {}, True
    else:
        store.messages.remove(message)
    return message


def _react(store: SlackStore, write: Write, _: datetime) -> SlackMessage:
    message = _target(store, write)
    message.reactions.setdefault(write["name"], []).append(write["user"])
    return message


def _unreact(store: SlackStore, write: Write, _: datetime) -> SlackMessage:
    message = _target(store, write)
    message.reactions[write["name"]].remove(write["user"])
    if not message.reactions[write["name"]]:
        del message.reactions[write["name"]]
    return message


def _announce(store: SlackStore, write: Write, at: datetime) -> SlackFile:
    number = f"F0FILE{len(store.files) + 1:05d}"
    file = SlackFile(number, write["name"], write["length"], write["about"], at)
    store.files[file.id] = file
    return file


def _upload(store: SlackStore, write: Write, _: datetime) -> SlackFile:
    file = store.files[write["file"]]
    file.content = base64.b64decode(write["content"])
    return file


def _complete(store: SlackStore, write: Write, _: datetime) -> SlackFile:
    file = store.files[write["file"]]
    file.title, file.complete = write["title"], True
    return file


def _target(store: SlackStore, write: Write) -> SlackMessage:
    message = message_at(store, write["channel"], write["ts"])
    assert message is not None
    return message


ACTIONS: Actions[SlackStore, Any] = {
    "post": _post,
    "edit": _edit,
    "delete": _delete,
    "react": _react,
    "unreact": _unreact,
    "announce": _announce,
    "upload": _upload,
    "complete": _complete,
}
