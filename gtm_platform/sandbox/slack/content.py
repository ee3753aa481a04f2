"""The text, blocks and attachments of a message, checked and completed as Slack does it."""

from typing import Any

from gtm_platform.sandbox.slack.blocks import MARKDOWN_LENGTH, findings
from gtm_platform.sandbox.slack.call import Arguments
from gtm_platform.sandbox.slack.errors import SlackError, invalid_blocks

MAX_TEXT, MAX_ATTACHMENTS = 40_000, 100
NO_PREVIEW = "[no preview available]"
COLOURS = {"good": "2eb886", "warning": "daa038", "danger": "a30200"}

Block = dict[str, Any]
Attachment = dict[str, Any]
Content = tuple[str, list[Block], list[Attachment]]


def content_of(arguments: Arguments) -> Content:
    """Return the text, the blocks and the attachments; refuse a message without any of them."""
    text, blocks = str(arguments.get("text") or ""), arguments.get("blocks") or []
    if arguments.get("markdown_text"):
        if text or blocks:
            raise SlackError("markdown_text_conflict")
        text = str(arguments["markdown_text"])
        if len(text) > MARKDOWN_LENGTH:
            raise SlackError("msg_too_long")
        blocks = [{"type": "markdown", "text": text}]
    attachments = _checked_attachments(arguments.get("attachments") or [])
    if not text and not blocks and not attachments:
        raise SlackError("no_text")
    return text[:MAX_TEXT], _checked_blocks(blocks), attachments


def _checked_blocks(blocks: Any, pointer: str = "") -> list[Block]:
    """The blocks, each with an id."""
    if not isinstance(blocks, list):
        raise SlackError("invalid_blocks_format")
    wrong = findings(blocks)
    if wrong:
        raise invalid_blocks([each.replace("json-pointer:", f"json-pointer:{pointer}") for each in wrong])
    return [{"block_id": f"block-{place}", **block} for place, block in enumerate(blocks)]


def _checked_attachments(attachments: Any) -> list[Attachment]:
    if not isinstance(attachments, list) or not all(isinstance(each, dict) for each in attachments):
        raise SlackError("invalid_attachments")
    if len(attachments) > MAX_ATTACHMENTS:
        raise SlackError("too_many_attachments")
    return [_attachment(place, each) for place, each in enumerate(attachments)]


def _attachment(place: int, attachment: Attachment) -> Attachment:
    """An attachment as Slack returns it: numbered, with a fallback text, its colour as six digits."""
    shown = {name: value for name, value in attachment.items() if value is not None}
    if "color" in shown:
        shown["color"] = COLOURS.get(str(shown["color"]), str(shown["color"]).removeprefix("#"))
    if "blocks" in shown:
        shown["blocks"] = _checked_blocks(shown["blocks"], f"/attachments/{place}")
    fallback = next((str(shown[name]) for name in ("text", "title", "pretext") if shown.get(name)), NO_PREVIEW)
    return {"id": place + 1, "fallback": fallback, **shown}
