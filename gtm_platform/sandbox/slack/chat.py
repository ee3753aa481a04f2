"""The `chat.*` methods: messages are posted, changed, deleted and linked to."""

from gtm_platform.sandbox.slack.call import Answer, Call
from gtm_platform.sandbox.slack.content import content_of
from gtm_platform.sandbox.slack.errors import SlackError, invalid_blocks
from gtm_platform.sandbox.slack.files import unknown_pictures
from gtm_platform.sandbox.slack.render import message_wire, permalink
from gtm_platform.sandbox.slack.store import SlackMessage
from gtm_platform.sandbox.slack.write_log import message_at


def post_message(call: Call) -> Answer:
    """`chat.postMessage`."""
    channel = call.channel(by_name=True)
    message = post(call, channel)
    return {"ok": True, "channel": channel, "ts": message.ts, "message": message_wire(message)}


def post(call: Call, channel: str) -> SlackMessage:
    """Post what the arguments hold to a channel."""
    text, blocks, attachments = content_of(call.arguments)
    if wrong := unknown_pictures(call.store, blocks):
        raise invalid_blocks(wrong)
    thread_ts = _thread(call, channel)
    message: SlackMessage = call.log.do(
        {
            "do": "post",
            "channel": channel,
            "text": text,
            "blocks": blocks,
            "attachments": attachments,
            "thread_ts": thread_ts,
            "metadata": call.arguments.get("metadata"),
            "broadcast": thread_ts is not None and call.flag("reply_broadcast"),
        }
    )
    return message


def _thread(call: Call, channel: str) -> str | None:
    """The first message of the thread; a reply to a reply goes to the same thread."""
    thread_ts = call.text("thread_ts")
    if not thread_ts:
        return None
    message = message_at(call.store, channel, thread_ts)
    if message is None:
        raise SlackError("thread_not_found")
    return message.thread_ts or message.ts


def update(call: Call) -> Answer:
    """`chat.update`. Blocks, attachments and metadata that are not mentioned stay."""
    message, arguments = call.message("ts"), call.arguments
    text, blocks, attachments = content_of(arguments)
    message = call.log.do(
        {
            "do": "edit",
            "channel": message.channel,
            "ts": message.ts,
            "text": text,
            "blocks": blocks or (message.blocks if arguments.get("blocks") is None else []),
            "attachments": message.attachments if arguments.get("attachments") is None else attachments,
            "metadata": message.metadata if arguments.get("metadata") is None else arguments["metadata"],
        }
    )
    answer = {"ok": True, "channel": message.channel, "ts": message.ts}
    return {**answer, "text": message.text, "message": message_wire(message)}


def delete(call: Call) -> Answer:
    """`chat.delete`."""
    message = call.message("ts")
    call.log.do({"do": "delete", "channel": message.channel, "ts": message.ts})
    return {"ok": True, "channel": message.channel, "ts": message.ts}


def get_permalink(call: Call) -> Answer:
    """`chat.getPermalink`. The link opens the sandbox's page at the message."""
    message = call.message("message_ts")
    return {"ok": True, "channel": message.channel, "permalink": permalink(call.url, message)}
