"""Sumble's query language, as far as it is about job posts: comparisons joined by AND, OR and parentheses."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from gtm_platform.sandbox.kit.errors import BadParameterError
from gtm_platform.sandbox.sumble.catalogue import categories_of
from gtm_platform.sandbox.sumble.store import Post

Test = Callable[[Post], bool]

_TOKENS = re.compile(r"\s*(?:(?P<text>'[^']*')|(?P<mark>[(),])|(?P<word>[\w.]+))")
_PERIODS = {"1mo": 30, "3mo": 91, "6mo": 182, "1yr": 365, "18mo": 548, "2yr": 730}
_FIELDS: Mapping[str, Callable[[Post], set[str]]] = {
    "technology": lambda post: {slug for slug, _ in post.job.technologies},
    "technology_category": lambda post: {c for slug, _ in post.job.technologies for c in categories_of(slug)},
    "job_function": lambda post: {post.job.function},
}


def parse(text: str, now: datetime) -> Test:
    """Read a query as a test of posts."""
    return _Parser(text, now).whole()


class _Parser:
    def __init__(self, text: str, now: datetime) -> None:
        self._now = now
        self._words = list(_words(text))

    def whole(self) -> Test:
        test = self._either()
        if self._words:
            raise _unreadable(f"unexpected {self._words[0]}")
        return test

    def _either(self) -> Test:
        tests = [self._both()]
        while self._words[:1] == ["OR"]:
            self._next()
            tests.append(self._both())
        return lambda post: any(test(post) for test in tests)

    def _both(self) -> Test:
        tests = [self._single()]
        while self._words[:1] == ["AND"]:
            self._next()
            tests.append(self._single())
        return lambda post: all(test(post) for test in tests)

    def _single(self) -> Test:
        name = self._next()
        if name == "(":
            test = self._either()
            self._expect(")")
            return test
        operator = self._next()
        if operator == "NOT":
            self._expect("IN")
            values = self._list()
            return lambda post: not self._has(name, values)(post)
        if operator not in ("EQ", "IN"):
            raise _unreadable(f"no operator {operator}")
        return self._has(name, {self._value()} if operator == "EQ" else self._list())

    def _has(self, name: str, values: set[str]) -> Test:
        if name == "hiring_period":
            (period,) = values
            if period not in _PERIODS:
                raise _unreadable(f"no hiring_period {period}")
            since = self._now - timedelta(days=_PERIODS[period])
            return lambda post: post.job.posted >= since
        if name not in _FIELDS:
            raise _unreadable(f"no field {name}")
        return lambda post: bool(_FIELDS[name](post) & values)

    def _list(self) -> set[str]:
        self._expect("(")
        values = {self._value()}
        while (mark := self._next()) == ",":
            values.add(self._value())
        if mark != ")":
            raise _unreadable(f"{mark} where ) was expected")
        return values

    def _value(self) -> str:
        word = self._next()
        if not word.startswith("'"):
            raise _unreadable(f"{word} is not in quotes")
        return word[1:-1]

    def _expect(self, word: str) -> None:
        if (read := self._next()) != word:
            raise _unreadable(f"{read} where {word} was expected")

    def _next(self) -> str:
        if not self._words:
            raise _unreadable("it breaks off")
        return self._words.pop(0)


def _words(text: str) -> Iterator[str]:
    place = 0
    while place < len(text.rstrip()):
        match = _TOKENS.match(text, place)
        if match is None:
            raise _unreadable(f"nothing readable at {text[place : place + 20]}")
        yield match[0].strip()
        place = match.end()


def _unreadable(why: str) -> BadParameterError:
    return BadParameterError("filter.query", f"The query cannot be read: {why}.")
