"""Attachments as HTML: the older way to lay out a message, with a coloured bar beside it."""

import re
from html import escape
from typing import Any

from gtm_platform.sandbox.slack.block_html import blocks_html, picture_html
from gtm_platform.sandbox.slack.mrkdwn import Names, is_link, link_html, plain_html, to_html

Attachment = dict[str, Any]


def attachments_html(attachments: list[Attachment], names: Names) -> str:
    """The attachments one below the other, each after its introduction."""
    return "".join(_introduction(each, names) + _attachment(each, names) for each in attachments)


def _introduction(attachment: Attachment, names: Names) -> str:
    return _line("", to_html(str(attachment["pretext"]), names)) if attachment.get("pretext") else ""


def _attachment(attachment: Attachment, names: Names) -> str:
    colour = str(attachment.get("color", ""))
    style = f' style="border-color: #{colour}"' if re.fullmatch(r"[0-9A-Fa-f]{3,6}", colour) else ""
    blocks = attachment.get("blocks")
    content = blocks_html(blocks, names) if blocks else _plain(attachment, names)
    return f'<div class="attachment"{style}>{content}</div>'


def _plain(attachment: Attachment, names: Names) -> str:
    parts = [
        _named(attachment, "author_name", "author_link"),
        _named(attachment, "title", "title_link", "title"),
        _line("", to_html(str(attachment.get("text") or ""), names)),
        _fields(attachment.get("fields"), names),
        *(picture_html(str(attachment[name]), name) for name in ("image_url", "thumb_url") if attachment.get(name)),
        _line("context", plain_html(str(attachment.get("footer") or ""))),
    ]
    return "".join(parts) or plain_html(str(attachment["fallback"]))


def _named(attachment: Attachment, name: str, link: str, css: str = "") -> str:
    text, url = str(attachment.get(name) or ""), str(attachment.get(link) or "")
    return _line(css, link_html(url, text) if text and is_link(url) else plain_html(text))


def _fields(fields: Any, names: Names) -> str:
    if not isinstance(fields, list):
        return ""
    shown = "".join(_field(each, names) for each in fields if isinstance(each, dict))
    return _line("fields", shown)


def _field(field: Attachment, names: Names) -> str:
    title, value = str(field.get("title") or ""), str(field.get("value") or "")
    return f"<div><strong>{escape(title)}</strong><br>{to_html(value, names)}</div>"


def _line(css: str, content: str) -> str:
    if not content:
        return ""
    return f'<div class="{css}">{content}</div>' if css else f"<div>{content}</div>"
