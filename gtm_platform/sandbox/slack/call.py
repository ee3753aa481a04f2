"""One call of a Web API method: what its arguments mean, and which page of a list it is about.

What a method answers belongs in the module of its family: `chat`, `conversations`, `users`, `reactions`.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from gtm_platform.sandbox.kit.write_log import WriteLog
from gtm_platform.sandbox.slack.errors import SlackError
from gtm_platform.sandbox.slack.store import SlackMessage, SlackStore
from gtm_platform.sandbox.slack.write_log import message_at

DEFAULT_PAGE, MAX_PAGE = 100, 1_000

Arguments = dict[str, Any]
Answer = dict[str, Any]
Log = WriteLog[SlackStore, Any]  # what a write is about: a message or a file
T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """The arguments and the workspace they are about.

    `log` does and persists accepted writes; `url` is the workspace's own address, with a slash at the end.
    """

    log: Log
    arguments: Arguments
    url: str

    @property
    def store(self) -> SlackStore:
        """The workspace's store."""
        return self.log.store

    def text(self, name: str) -> str:
        """An argument as text; empty when it is absent."""
        return str(self.arguments.get(name) or "")

    def flag(self, name: str) -> bool:
        """A boolean argument, from JSON or a form."""
        return self.text(name).lower() in ("true", "1")

    def channel(self, *, by_name: bool = False) -> str:
        """The id of the channel, or of the direct messages with a person. Only posting accepts a name in its place."""
        channel = self.text("channel")
        if channel in self.store.channels or person_in(self.store, channel):
            return channel
        if by_name and person_in(self.store, direct_channel(channel)):
            return direct_channel(channel)
        names = {name: channel_id for channel_id, name in self.store.channels.items()} if by_name else {}
        if channel.removeprefix("#") not in names:
            raise SlackError("channel_not_found")
        return names[channel.removeprefix("#")]

    def message(self, argument: str) -> SlackMessage:
        """The message whose timestamp is in this argument."""
        message = message_at(self.store, self.channel(), self.text(argument))
        if message is None or message.deleted:
            raise SlackError("message_not_found")
        return message

    def limit(self) -> int:
        """The largest number of items for one page."""
        limit = str(self.arguments.get("limit") or DEFAULT_PAGE)
        if not limit.isdigit() or not 1 <= int(limit) <= MAX_PAGE:
            raise SlackError("invalid_limit")
        return int(limit)

    def page(self, items: Sequence[T]) -> tuple[list[T], Answer]:
        """A page of the items, and the metadata with the cursor of the next one."""
        start = int(self.cursor("next") or 0)
        end = start + self.limit()
        return list(items[start:end]), next_cursor("next", str(end) if end < len(items) else "")

    def cursor(self, kind: str) -> str:
        """What a cursor of this kind points at; empty when there is none."""
        cursor = self.text("cursor")
        if not cursor:
            return ""
        try:
            decoded = base64.b64decode(cursor).decode()
        except (binascii.Error, ValueError) as error:
            raise SlackError("invalid_cursor") from error
        if not re.fullmatch(rf"{kind}:\d+", decoded):
            raise SlackError("invalid_cursor")
        return decoded.partition(":")[2]


def direct_channel(user: str) -> str:
    """The id of the direct messages with a person; an id of anything else is returned as it is."""
    return f"D{user[1:]}" if user[:1] in ("U", "W") else user


def person_in(store: SlackStore, channel: str) -> str | None:
    """The name of the person whose direct messages a channel holds; None of every other channel."""
    for user in store.users.values():
        if channel == direct_channel(user["id"]) and not user.get("deleted"):
            return str(user.get("profile", {}).get("real_name") or user["name"])
    return None


def next_cursor(kind: str, target: str) -> Answer:
    """The metadata of an answer; an empty cursor ends the list."""
    cursor = base64.b64encode(f"{kind}:{target}".encode()).decode() if target else ""
    return {"next_cursor": cursor}
