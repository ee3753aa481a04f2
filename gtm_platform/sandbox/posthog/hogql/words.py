"""A query as the words that it is written in."""

import re
from dataclasses import dataclass

from gtm_platform.sandbox.posthog.hogql.tree import SyntaxProblem

_TOKEN = re.compile(
    r"\s*(?:(?P<comment>--[^\n]*)|(?P<string>'(?:[^'\\]|\\.|'')*')|(?P<quoted>`[^`]+`|\"[^\"]+\")"
    r"|(?P<number>\d+(?:\.\d+)?)|(?P<name>[A-Za-z_$][\w$]*)|(?P<sign><=|>=|!=|<>|==|[-+*/%(),.<>=\[\]{}]))"
)


@dataclass(frozen=True)
class Token:
    """A word of the query, and where it stands."""

    kind: str
    text: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The words of a query."""
    result, place = [], 0
    text = text.rstrip().rstrip(";").rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if not match:
            raise SyntaxProblem(f"Syntax error at position {place}: {text[place : place + 20]!r}.")
        kind = match.lastgroup or ""
        if kind != "comment":
            result.append(Token(kind, match.group(kind), match.start(kind), match.end()))
        place = match.end()
    return result
