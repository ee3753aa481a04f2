"""The methods of the Web API: arguments in, the answer's body out."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.slack.blocks import MARKDOWN_LENGTH, findings
from gtm_platform.sandbox.slack.errors import SlackError, invalid_blocks
from gtm_platform.sandbox.slack.store import SlackMessage, SlackStore
from gtm_platform.sandbox.slack.write_log import Write, message_at, replay

BOT_NAME = "GTM Platform"
TEXT_LENGTH = 40_000
MOST_CHANNELS = 1_000
_IDENTITY = {"user": "U0GTM", "bot_id": "B0GTM", "app_id": "A0GTM", "team": "T0"}

Arguments = dict[str, Any]
Answer = dict[str, Any]


@dataclass
class Workspace:
    store: SlackStore
    clock: Callable[[], datetime]
    keep: Callable[[Write], None]

    def do(self, write: Write) -> SlackMessage:
        message = replay(self.store, write, self.clock())
        self.keep(write)
        return message

    def channel(self, given: Any) -> str:
        """The id of a channel given by id or, as Slack allows here and there, by name."""
        if given in self.store.channels:
            return str(given)
        name = str(given or "").removeprefix("#")
        for channel_id, known in self.store.channels.items():
            if name == known:
                return channel_id
        raise SlackError("channel_not_found")


def post_message(workspace: Workspace, arguments: Arguments) -> Answer:
    channel = workspace.channel(arguments.get("channel"))
    message = post(workspace, channel, arguments)
    return {"ok": True, "channel": channel, "ts": message.ts, "message": _wire(message)}


def post(workspace: Workspace, channel: str, arguments: Arguments) -> SlackMessage:
    text, blocks = _content(arguments)
    write = {
        "do": "post",
        "channel": channel,
        "text": text,
        "blocks": blocks,
        "thread_ts": _thread(workspace, channel, arguments.get("thread_ts")),
        "metadata": arguments.get("metadata"),
    }
    return workspace.do(write)


def _content(arguments: Arguments) -> tuple[str, list[dict[str, Any]]]:
    """The text, cut where Slack cuts it, and the blocks, each with an id."""
    text, blocks = str(arguments.get("text") or ""), arguments.get("blocks") or []
    if arguments.get("markdown_text"):
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        text = str(arguments["markdown_text"])
        if len(text) > MARKDOWN_LENGTH:
            raise SlackError("msg_too_long")
        blocks = [{"type": "markdown", "text": text}]
    if not text and not blocks:
        raise SlackError("no_text")
    return text[:TEXT_LENGTH], _checked(blocks)


def _checked(blocks: Any) -> list[dict[str, Any]]:
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    wrong = findings(blocks)
    if wrong:
        raise invalid_blocks(wrong)
    return [{"block_id": f"block-{place}", **block} for place, block in enumerate(blocks)]


def _thread(workspace: Workspace, channel: str, given: Any) -> str | None:
    """The first message of the thread; a reply to a reply goes to the same thread."""
    if not given:
        return None
    message = message_at(workspace.store, channel, str(given))
    if message is None:
        raise SlackError("thread_not_found")
    return message.thread_ts or message.ts


def update(workspace: Workspace, arguments: Arguments) -> Answer:
    """Changes a message; blocks that are not mentioned stay."""
    channel = workspace.channel(arguments.get("channel"))
    message = message_at(workspace.store, channel, arguments.get("ts"))
    if message is None:
        raise SlackError("message_not_found")
    text, blocks = _content(arguments)
    if arguments.get("blocks") is None:
        blocks = blocks or message.blocks
    message = workspace.do({"do": "edit", "channel": channel, "ts": message.ts, "text": text, "blocks": blocks})
    return {"ok": True, "channel": channel, "ts": message.ts, "text": message.text, "message": _wire(message)}


def _wire(message: SlackMessage) -> Answer:
    wire: Answer = {"type": "message", "subtype": "bot_message", "text": message.text, "ts": message.ts, **_IDENTITY}
    if message.blocks:
        wire["blocks"] = message.blocks
    if message.thread_ts:
        wire["thread_ts"] = message.thread_ts
    if message.metadata:
        wire["metadata"] = message.metadata
    if message.edited:
        wire["edited"] = {"user": _IDENTITY["user"], "ts": f"{int(message.edited.timestamp())}.000000"}
    return wire


def auth_test(_workspace: Workspace, _arguments: Arguments) -> Answer:
    return {
        "ok": True,
        "url": "https://sandbox.slack.example/",
        "team": "Sandbox",
        "user": BOT_NAME,
        "team_id": _IDENTITY["team"],
        "user_id": _IDENTITY["user"],
        "bot_id": _IDENTITY["bot_id"],
        "is_enterprise_install": False,
    }


def list_channels(workspace: Workspace, arguments: Arguments) -> Answer:
    """All channels are public ones here."""
    limit = str(arguments.get("limit") or 100)
    if not limit.isdigit() or not 1 <= int(limit) <= MOST_CHANNELS:
        raise SlackError("invalid_limit")
    types = str(arguments.get("types") or "public_channel").split(",")
    channels = sorted(workspace.store.channels.items()) if "public_channel" in types else []
    start = _offset(arguments.get("cursor"))
    end = start + int(limit)
    cursor = base64.b64encode(f"next:{end}".encode()).decode() if end < len(channels) else ""
    found = [_channel(channel_id, name) for channel_id, name in channels[start:end]]
    return {"ok": True, "channels": found, "response_metadata": {"next_cursor": cursor}}


def _channel(channel_id: str, name: str) -> Answer:
    return {
        "id": channel_id,
        "name": name,
        "name_normalized": name,
        "is_channel": True,
        "is_group": False,
        "is_im": False,
        "is_private": False,
        "is_archived": False,
        "is_member": True,
        "is_general": name == "general",
    }


def _offset(cursor: Any) -> int:
    if not cursor:
        return 0
    try:
        return int(base64.b64decode(str(cursor)).decode().removeprefix("next:"))
    except (binascii.Error, ValueError) as error:
        raise SlackError("invalid_cursor") from error


def lookup_by_email(workspace: Workspace, arguments: Arguments) -> Answer:
    user = workspace.store.users.get(str(arguments.get("email") or "").lower())
    if user is None:
        raise SlackError("users_not_found")
    return {"ok": True, "user": user}


METHODS: dict[str, Callable[[Workspace, Arguments], Answer]] = {
    "chat.postMessage": post_message,
    "chat.update": update,
    "auth.test": auth_test,
    "conversations.list": list_channels,
    "users.lookupByEmail": lookup_by_email,
}
