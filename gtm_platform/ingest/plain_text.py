"""The plain text of HTML, as a person reads it. What it means, such as its tone, is judged elsewhere."""

import re
from html.parser import HTMLParser

# What the reader of a message sees on a new line.
BLOCKS = frozenset({"p", "br", "div", "li", "ul", "ol", "tr", "table", "blockquote", "h1", "h2", "h3", "h4", "pre"})
QUOTE = "blockquote"
UNSEEN = frozenset({"script", "style", "head", "title"})


class _TextParser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self.unseen = self.quotes = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002 (the parser passes it)
        self.unseen += tag in UNSEEN
        self.quotes += tag == QUOTE
        self.pieces.append(self._line() if tag in BLOCKS else "")

    def handle_endtag(self, tag: str) -> None:
        self.unseen -= self.unseen > 0 and tag in UNSEEN
        self.quotes -= self.quotes > 0 and tag == QUOTE
        self.pieces.append(self._line() if tag in BLOCKS else "")

    def handle_data(self, data: str) -> None:
        self.pieces.append("" if self.unseen else data.replace("\n", self._line()))

    def _line(self) -> str:
        """A new line; within a quote it begins as in plain mails."""
        return "\n> " if self.quotes else "\n"


def plain_text(html: str | None) -> str | None:
    """Remove tags and resolve entities, a line per paragraph; None where nothing is left."""
    if html is None:
        return None
    parser = _TextParser()
    parser.feed(html)
    parser.close()
    lines = (re.sub(r"\s+", " ", line).strip() for line in "".join(parser.pieces).splitlines())
    return "\n".join(line for line in lines if line.strip("> ")) or None
