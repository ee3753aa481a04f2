"""The `reactions.*` methods: emoji on messages. The one who reacts is always the bot."""

import re

from gtm_platform.sandbox.slack.call import Answer, Call
from gtm_platform.sandbox.slack.errors import SlackError
from gtm_platform.sandbox.slack.render import message_wire, permalink
from gtm_platform.sandbox.slack.store import BOT_USER_ID, SlackMessage
from gtm_platform.sandbox.slack.users import member
from gtm_platform.sandbox.slack.write_log import replies_to

MAX_EMOJI = 23  # different ones on one message

_NAME = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


def add(call: Call) -> Answer:
    """`reactions.add`."""
    name, message = _name(call), _message(call)
    if BOT_USER_ID in message.reactions.get(name, ()):
        raise SlackError("already_reacted")
    if name not in message.reactions and len(message.reactions) >= MAX_EMOJI:
        raise SlackError("too_many_emoji")
    return _write(call, "react", message, name)


def remove(call: Call) -> Answer:
    """`reactions.remove`."""
    name, message = _name(call), _message(call)
    if BOT_USER_ID not in message.reactions.get(name, ()):
        raise SlackError("no_reaction")
    return _write(call, "unreact", message, name)


def get(call: Call) -> Answer:
    """`reactions.get`."""
    return {"ok": True, **_item(call, _message(call))}


def list_reactions(call: Call) -> Answer:
    """`reactions.list`: the messages on which a user, by default the bot, has reacted; the newest first."""
    user = call.text("user") or BOT_USER_ID
    member(call, user)
    messages = [
        message
        for message in reversed(call.store.messages)
        if any(user in users for users in message.reactions.values())
    ]
    page, metadata = call.page(messages)
    return {"ok": True, "items": [_item(call, message) for message in page], "response_metadata": metadata}


def _item(call: Call, message: SlackMessage) -> Answer:
    wire = message_wire(message, replies_to(call.store, message), with_metadata=False)
    shape = {**wire, "permalink": permalink(call.url, message)}
    return {"type": "message", "channel": message.channel, "message": shape}


def _name(call: Call) -> str:
    name = call.text("name").strip(":")
    if not _NAME.fullmatch(name):
        raise SlackError("invalid_name")
    return name


def _message(call: Call) -> SlackMessage:
    """The message that the call is about; files, which Slack has as well, do not exist here."""
    if not call.text("channel") or not call.text("timestamp"):
        raise SlackError("no_item_specified")
    if not re.fullmatch(r"\d+\.\d{6}", call.text("timestamp")):
        raise SlackError("bad_timestamp")
    return call.message("timestamp")


def _write(call: Call, do: str, message: SlackMessage, name: str) -> Answer:
    write = {"do": do, "channel": message.channel, "ts": message.ts, "name": name, "user": BOT_USER_ID}
    call.log.do(write)
    return {"ok": True}
