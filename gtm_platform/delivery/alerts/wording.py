"""What all messages are made of: text that is safe to show, blocks within Slack's limits, pages of a digest."""

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gtm_platform.state.slack_journal import Entry

Block = dict[str, Any]

REPEAT = "(may be a repeat) "
HEADER, FIELD, SECTION = 150, 2000, 3000  # what Slack takes, in characters
LINES_A_PAGE = 25


@dataclass(frozen=True)
class Message:
    """One post and the alerts that it sends; `follows` puts it into the thread of the page before.

    `recipient` is a channel or a person; "" is the channel of all alerts of its route. `without_picture` is posted in
    its place where Slack refuses it. `for_usual_channel` is posted to the usual channel where the recipient's own
    refuses, as others read that one; without it nothing is.
    """

    entries: tuple[Entry, ...]
    text: str
    blocks: tuple[Block, ...]
    follows: bool = False
    recipient: str = ""
    without_picture: "Message | None" = None
    for_usual_channel: "Message | None" = None

    @property
    def fingerprint(self) -> str:
        """Return the alert's own, or one that those of several make."""
        marks = [entry.fingerprint for entry in self.entries]
        return marks[0] if len(marks) == 1 else "digest:" + hashlib.sha256("\n".join(marks).encode()).hexdigest()[:32]

    @property
    def hash(self) -> str:
        """Return the hash of what is shown, and about what: no two messages have the same."""
        return hashlib.sha256(json.dumps([self.fingerprint, self.text, self.blocks]).encode()).hexdigest()


def digest(entries: Sequence[Entry], lines: Sequence[str], counts: str, total: int, number: int) -> Message:
    """Return one page of a digest, a line per alert; later pages go into the thread of the first."""
    text = f"{total} alerts at once" + (f", continued ({number + 1})" if number else "") + f"; here {counts}"
    blocks = [header(text), *(section(line) for line in lines)]
    return Message(tuple(entries), text, tuple(blocks), follows=number > 0)


def pages(entries: Sequence[Entry]) -> list[Sequence[Entry]]:
    """Return the entries in portions that fit a message."""
    return [entries[start : start + LINES_A_PAGE] for start in range(0, len(entries), LINES_A_PAGE)]


def counted(titles: Sequence[str]) -> str:
    """Return how many there are of each title, in words."""
    return ", ".join(f"{titles.count(title)} {title.lower()}" for title in dict.fromkeys(titles))


def repeat_mark(entry: Entry) -> str:
    """Return the words that mark an alert which may have been posted before."""
    return REPEAT if entry.status == "unknown" else ""


def header(text: str) -> Block:
    """Return a heading; it is plain text, so nothing in it needs to be escaped."""
    return {"type": "header", "text": {"type": "plain_text", "text": clean(text)[:HEADER]}}


def context(text: str) -> Block:
    """Return a line in small print of text that is escaped already."""
    return {"type": "context", "elements": [mrkdwn(text, FIELD)]}


def section(text: str) -> Block:
    """Return a paragraph of text that is escaped already."""
    return {"type": "section", "text": mrkdwn(text, SECTION)}


def mrkdwn(text: str, longest: int) -> Block:
    """Return a text object no longer than Slack takes."""
    return {"type": "mrkdwn", "text": text if len(text) <= longest else text[: longest - 1] + "…"}


def link(url: str, text: str) -> str:
    """Return a link in Slack's markup."""
    return f"<{url}|{escape(text)}>"


def clean(text: str) -> str:
    """Return one line of visible characters, without what turns or hides text."""
    visible = (
        " " if char.isspace() else char for char in text if char.isspace() or unicodedata.category(char)[0] != "C"
    )
    return " ".join("".join(visible).split())


def escape(text: str) -> str:
    """Return one clean line in which nothing is markup."""
    return clean(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
