"""What people write: the plain text of HTML, and how friendly it sounds."""

import re
from html.parser import HTMLParser
from threading import Lock

# What the reader of a message sees on a new line.
BLOCKS = frozenset({"p", "br", "div", "li", "ul", "ol", "tr", "table", "blockquote", "h1", "h2", "h3", "h4", "pre"})
UNSEEN = frozenset({"script", "style", "head", "title"})
# The first who asks has the words read; a stream that asks meanwhile would be answered out of half of them.
_asked = Lock()


class _Reading(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []
        self.unseen = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 (the parser passes it)
        self.unseen += tag in UNSEEN
        self.read.append("\n" if tag in BLOCKS else "")

    def handle_endtag(self, tag: str) -> None:
        self.unseen -= self.unseen > 0 and tag in UNSEEN
        self.read.append("\n" if tag in BLOCKS else "")

    def handle_data(self, data: str) -> None:
        self.read.append("" if self.unseen else data)


def plain(html: str | None) -> str | None:
    """The text as it is read: tags gone, entities resolved, one line per paragraph; None where nothing is left."""
    if html is None:
        return None
    reading = _Reading()
    reading.feed(html)
    reading.close()
    lines = (re.sub(r"\s+", " ", line).strip() for line in "".join(reading.read).splitlines())
    return "\n".join(line for line in lines if line) or None


def tone(text: str) -> float:
    """From -1 (hostile) to 1 (delighted); 0 where no word of the text says so, as in languages that are not English."""
    from textblob.en import polarity  # brings all of nltk, which only a process that reads messages needs

    with _asked:
        return float(polarity(text))
