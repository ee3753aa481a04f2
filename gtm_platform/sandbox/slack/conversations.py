"""The `conversations.*` methods: channels, and the messages in them."""

import re

from gtm_platform.sandbox.slack.call import Answer, Call, direct_channel, next_cursor, person_in
from gtm_platform.sandbox.slack.errors import SlackError
from gtm_platform.sandbox.slack.render import CREATED, channel_wire, message_wire
from gtm_platform.sandbox.slack.store import SlackMessage
from gtm_platform.sandbox.slack.write_log import message_at, replies_to

TYPES = {"public_channel", "private_channel", "mpim", "im"}


def list_channels(call: Call) -> Answer:
    """`conversations.list`. All channels are public ones, and none is archived."""
    types = set((call.text("types") or "public_channel").split(","))
    if not types <= TYPES:
        raise SlackError("invalid_types")
    channels = sorted(call.store.channels.items()) if "public_channel" in types else []
    page, metadata = call.page(channels)
    shapes = [{**channel_wire(*channel), "num_members": _num_members(call)} for channel in page]
    return {"ok": True, "channels": shapes, "response_metadata": metadata}


def info(call: Call) -> Answer:
    """`conversations.info`."""
    channel = call.channel()
    if channel not in call.store.channels:
        person = next(user["id"] for user in call.store.users.values() if direct_channel(user["id"]) == channel)
        direct = {"id": channel, "created": CREATED, "is_im": True, "is_archived": False, "user": person}
        return {"ok": True, "channel": direct}
    shape = channel_wire(channel, call.store.channels[channel])
    if call.flag("include_num_members"):
        shape["num_members"] = _num_members(call)
    if call.flag("include_locale"):
        shape["locale"] = "en-GB"
    return {"ok": True, "channel": shape}


def open_direct(call: Call) -> Answer:
    """`conversations.open`: the direct messages with one person, who need not have any yet."""
    users = call.arguments.get("users") or ""
    ids = users if isinstance(users, list) else [each.strip() for each in str(users).split(",") if each.strip()]
    if len(ids) != 1:
        raise SlackError("users_list_not_supplied" if not ids else "not_enough_users")
    channel = direct_channel(str(ids[0]))
    if person_in(call.store, channel) is None:
        raise SlackError("user_not_found")
    return {"ok": True, "channel": {"id": channel}}


def _num_members(call: Call) -> int:
    """Everybody who has not left, and the bot."""
    return 1 + sum(not user.get("deleted") for user in call.store.users.values())


def history(call: Call) -> Answer:
    """`conversations.history`: the newest first, without the replies in threads."""
    channel = call.channel()
    messages = [
        message
        for message in reversed(call.store.messages)
        if message.channel == channel and (message.thread_ts is None or message.broadcast)
    ]
    page, metadata, has_more = _window(call, messages, newest_first=True)
    replies = _replies_by_thread(call, channel)
    answer = {"ok": True, "messages": [_wire(call, each, replies.get(each.ts, [])) for each in page]}
    answer |= {"has_more": has_more, "pin_count": 0, "channel_actions_ts": None, "channel_actions_count": 0}
    return {**answer, "response_metadata": metadata} if has_more else answer


def replies(call: Call) -> Answer:
    """`conversations.replies`: the first message of a thread and its replies, the oldest first."""
    channel = call.channel()
    message = message_at(call.store, channel, call.text("ts"))
    first = message_at(call.store, channel, message.thread_ts or message.ts) if message else None
    if first is None:
        raise SlackError("thread_not_found")
    in_thread = replies_to(call.store, first)
    page, metadata, has_more = _window(call, [first, *in_thread], newest_first=False)
    messages = [_wire(call, each, in_thread if each is first else []) for each in page]
    return {"ok": True, "messages": messages, "has_more": has_more, "response_metadata": metadata}


def _wire(call: Call, message: SlackMessage, in_thread: list[SlackMessage]) -> Answer:
    return message_wire(message, in_thread, with_metadata=call.flag("include_all_metadata"))


def _replies_by_thread(call: Call, channel: str) -> dict[str, list[SlackMessage]]:
    threads: dict[str, list[SlackMessage]] = {}
    for message in call.store.messages:
        if message.channel == channel and message.thread_ts is not None:
            threads.setdefault(message.thread_ts, []).append(message)
    return threads


def _window(call: Call, messages: list[SlackMessage], *, newest_first: bool) -> tuple[list[SlackMessage], Answer, bool]:
    """The page of the messages between `oldest` and `latest`, its metadata, and whether more follow.

    The cursor names the next message, so messages that come while a client pages do not shift the pages.
    """
    oldest, latest = _micros(call, "oldest"), _micros(call, "latest")
    slack = 1 if call.flag("inclusive") else 0
    shown = [
        message
        for message in messages
        if (oldest is None or int(message.ts.replace(".", "")) > oldest - slack)
        and (latest is None or int(message.ts.replace(".", "")) < latest + slack)
    ]
    if start := call.cursor("next_ts"):
        beyond = [(int(each.ts.replace(".", "")) - int(start)) * (-1 if newest_first else 1) for each in shown]
        shown = [message for message, distance in zip(shown, beyond, strict=True) if distance >= 0]
    limit = call.limit()
    has_more = len(shown) > limit
    target = shown[limit].ts.replace(".", "") if has_more else ""
    return shown[:limit], next_cursor("next_ts", target), has_more


def _micros(call: Call, name: str) -> int | None:
    """A timestamp argument in microseconds."""
    text = call.text(name)
    if not text:
        return None
    if not re.fullmatch(r"\d+(\.\d{1,6})?", text):
        raise SlackError(f"invalid_ts_{name}")
    seconds, _, fraction = text.partition(".")
    return int(seconds) * 1_000_000 + int(fraction.ljust(6, "0"))
