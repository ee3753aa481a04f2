"""Block Kit blocks as HTML.

Blocks were checked when they were posted, so their parts can be relied on here.
"""

import re
from collections.abc import Callable, Iterator
from html import escape
from typing import Any

from gtm_platform.sandbox.slack.mrkdwn import Names, is_link, link_html, plain_html, to_html

Block = dict[str, Any]


def blocks_html(blocks: list[Block], names: Names) -> str:
    """The blocks one below the other."""
    return "".join(_SHOWN[block["type"]](block, names) for block in blocks)


def _text(text: Block, names: Names) -> str:
    return to_html(text["text"], names) if text["type"] == "mrkdwn" else plain_html(text["text"])


def _header(block: Block, names: Names) -> str:
    return f"<h3>{_text(block['text'], names)}</h3>"


def _section(block: Block, names: Names) -> str:
    text = f"<div>{_text(block['text'], names)}</div>" if "text" in block else ""
    fields = "".join(f"<div>{_text(field, names)}</div>" for field in block.get("fields", []))
    body = text + (f'<div class="fields">{fields}</div>' if fields else "")
    accessory = _element(block["accessory"]) if "accessory" in block else ""
    return f'<div class="section"><div class="body">{body}</div>{accessory}</div>'


def _context(block: Block, names: Names) -> str:
    shown = (_image(part, names) if part["type"] == "image" else _text(part, names) for part in block["elements"])
    return f'<div class="context">{"".join(f"<span>{part}</span>" for part in shown)}</div>'


def _actions(block: Block, _names: Names) -> str:
    return f'<div class="actions">{"".join(_element(part) for part in block["elements"])}</div>'


def _element(element: Block) -> str:
    if element["type"] == "image":
        return picture_html(element["image_url"], element["alt_text"])
    label = next(_words([element.get("text"), element.get("placeholder")]), element["type"])
    style = {"primary": "button primary", "danger": "button danger"}.get(str(element.get("style")), "button")
    if is_link(str(element.get("url", ""))):
        return link_html(element["url"], label, style)
    return f'<span class="{style}">{plain_html(label)}</span>'


def _image(block: Block, _names: Names) -> str:
    return picture_html(str(block.get("image_url", "")), block["alt_text"])


def picture_html(url: str, label: str) -> str:
    """A picture's name as a link to it. Nothing is loaded: the page asks nobody for anything."""
    text = f"🖼 {label}"
    return link_html(url, text, "picture") if is_link(url) else f'<span class="picture">{escape(text)}</span>'


def _divider(_block: Block, _names: Names) -> str:
    return "<hr>"


def _markdown(block: Block, names: Names) -> str:
    """Common Markdown, as far as it differs from mrkdwn in what messages use: bold, links and headings."""
    text = re.sub(r"\*\*(.+?)\*\*", r"*\1*", block["text"])
    text = re.sub(r"\[([^\]\n]+)\]\(([^)\s]+)\)", r"<\2|\1>", text)
    text = re.sub(r"^#{1,6} +(.+)$", r"*\1*", text, flags=re.MULTILINE)
    return f'<div class="section"><div class="body">{to_html(text, names)}</div></div>'


def _table(block: Block, _names: Names) -> str:
    rows = ("".join(f"<td>{escape(' '.join(_words(cell)))}</td>" for cell in row) for row in block["rows"])
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"


def _rich_text(block: Block, _names: Names) -> str:
    return f'<div class="section"><div class="body">{plain_html("".join(_words(block)))}</div></div>'


def _words(node: Any) -> Iterator[str]:
    """All the text somewhere inside a nested element."""
    if isinstance(node, dict):
        if isinstance(node.get("text"), str):
            yield node["text"]
        node = [node.get("text"), node.get("elements")]
    if isinstance(node, list):
        for part in node:
            yield from _words(part)


_SHOWN: dict[str, Callable[[Block, Names], str]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "divider": _divider,
    "image": _image,
    "markdown": _markdown,
    "table": _table,
    "rich_text": _rich_text,
}
