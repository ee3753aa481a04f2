"""Slack's mrkdwn as HTML. Everything that is not markup in Slack is shown as text, escaped."""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby

from gtm_platform.sandbox.slack.emoji import with_emoji


@dataclass(frozen=True)
class Names:
    """How ids in mentions are shown."""

    users: Mapping[str, str]
    channels: Mapping[str, str]


_KEEP_OPEN, _KEEP_CLOSE = "\ue000", "\ue001"  # private use: around the number of a piece set aside
_SET_ASIDE = re.compile(r"```(?P<block>.+?)```|`(?P<code>[^`\n]+)`|<(?P<angle>[^<>\n]+)>", re.DOTALL)
_STYLES = (
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]*[^*\s])\*(?![\w*])"), r"<strong>\1</strong>"),
    (re.compile(r"(?<![\w_])_(?=\S)([^_\n]*[^_\s])_(?![\w_])"), r"<em>\1</em>"),
    (re.compile(r"(?<![\w~])~(?=\S)([^~\n]*[^~\s])~(?![\w~])"), r"<s>\1</s>"),
)


def plain_html(text: str) -> str:
    """Plain text, with emoji and line breaks."""
    return html.escape(with_emoji(text)).replace("\n", "<br>")


def to_html(text: str, names: Names) -> str:
    """Mrkdwn text.

    Code and links are set aside first, so that styles neither look into them nor break on them.
    """
    aside: list[str] = []

    def put_aside(match: re.Match[str]) -> str:
        piece = _piece(match, names)
        if piece is None:
            return match.group()
        aside.append(piece)
        return f"{_KEEP_OPEN}{len(aside) - 1}{_KEEP_CLOSE}"

    clean = text.replace(_KEEP_OPEN, "").replace(_KEEP_CLOSE, "")
    shown = _escaped(_SET_ASIDE.sub(put_aside, clean))
    shown = _with_quotes(with_emoji(shown))
    for pattern, replacement in _STYLES:
        shown = pattern.sub(replacement, shown)
    return re.sub(f"{_KEEP_OPEN}(\\d+){_KEEP_CLOSE}", lambda match: aside[int(match.group(1))], shown)


def _escaped(text: str) -> str:
    """Slack has `& < >` escaped already when they are meant as text; a stray one is text as well."""
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, character)
    return html.escape(text)


def _piece(match: re.Match[str], names: Names) -> str | None:
    if match["block"]:
        return f"<pre>{_escaped(match['block'].strip(chr(10)))}</pre>"
    if match["code"]:
        return f"<code>{_escaped(match['code'])}</code>"
    return _angle(match["angle"], names)


def _angle(content: str, names: Names) -> str | None:
    """A mention, a command or a link between angle brackets; None when it is neither."""
    target, _, label = content.partition("|")
    if target.startswith("@"):
        return _mention("@" + (label or names.users.get(target[1:], target[1:])))
    if target.startswith("#"):
        return _mention("#" + (label or names.channels.get(target[1:], target[1:])))
    if target.startswith("!"):
        return _mention(label if label else "@" + target[1:].partition("^")[0])
    return link_html(target, label or target) if is_link(target) else None


def _mention(text: str) -> str:
    return f'<span class="mention">{_escaped(text)}</span>'


def is_link(url: str) -> bool:
    """Whether a page may link to this address."""
    return re.match(r"(https?://|mailto:)", url) is not None


def link_html(url: str, label: str, css: str = "") -> str:
    """A link that opens in a page of its own."""
    named = f' class="{css}"' if css else ""
    return f'<a{named} href="{_escaped(url)}" target="_blank" rel="noopener noreferrer">{_escaped(label)}</a>'


def _with_quotes(shown: str) -> str:
    """Neighbouring lines that begin with `>` become one quotation, the other lines keep their breaks."""
    parts: list[str] = []
    for quoted, run in groupby(shown.split("\n"), key=lambda line: line.startswith("&gt;")):
        lines = [line.removeprefix("&gt;").removeprefix(" ") if quoted else line for line in run]
        text = "<br>".join(lines)
        parts.append(f"<blockquote>{text}</blockquote>" if quoted else text)
    return "".join(parts)
