"""A page of an answer: cut into raw records without parsing them, and small values read out of its envelope.

Almost-JSON (a byte order mark, UTF-16, NaN, half a surrogate pair) is repaired here, once. `ingest` reads the records.
"""

import json
import re
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from gtm_platform.http.errors import InvalidResponse
from gtm_platform.http.redaction import excerpt

Page = list[bytes]
T = TypeVar("T")

ENVELOPE = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
ROWS = msgspec.json.Decoder(list[msgspec.Raw] | None)
ANYTHING = msgspec.json.Decoder(msgspec.Raw)

NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
STRING_OR_NAN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|-?\b(?:Infinity|NaN)\b', re.DOTALL)
PAIR, LONE = r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}", r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
ESCAPE = re.compile(f"{PAIR}|(?P<lone>{LONE})|\\\\.", re.DOTALL)
STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"|[\[\]{}]', re.DOTALL)
DEEPEST = 256  # levels; more than readers of records follow, so that a record cut there is still set aside


def rows(body: bytes, at: str = "data") -> Page:
    """Return the raw records listed under `at` (a key, or keys joined by dots; "" for a list at the top)."""
    return _read(body, lambda text: _rows(text, at))


def get_path(body: bytes, *path: str) -> Any:
    """Return one value out of the envelope; None where it, or what it lies in, is missing or null."""
    return _read(body, lambda text: _value(text, path))


def get_path_or_none(raw: bytes, *path: str) -> Any:
    """Return one value of a record of any shape; None also where it cannot be looked into."""
    try:
        return get_path(raw, *path)
    except InvalidResponse:
        return None


def with_fields(raw: bytes, **more: Any) -> bytes:
    """Return the record with more members; what is no object stays as it is, for its reader to refuse."""
    try:
        members = ENVELOPE.decode(raw)
    except NOT_JSON:
        return raw
    return raw if members is None else msgspec.json.encode({**members, **more})


def expect_list(at: str = "data") -> Callable[[bytes], bytes]:
    """Return a check that a body has a list of records under `at`; one without is an InvalidResponse."""
    return lambda body: _read(body, lambda text: _with_list(text, at))


def expect_json(body: bytes) -> bytes:
    """Return the body where it is JSON, repaired where that makes it JSON; else raise InvalidResponse."""
    return _read(body, _checked)


def repair_json(text: bytes) -> bytes:
    """Return the same JSON in plain UTF-8, with null for what JSON cannot hold.

    That is NaN, Infinity, and what is nested deeper than any record; U+FFFD stands for whatever is no character.
    """
    readable = text.decode(json.detect_encoding(text), "replace")
    numbered = STRING_OR_NAN.sub(lambda match: match[0] if match[0].startswith('"') else "null", readable)
    return _shallow(ESCAPE.sub(lambda match: "\\ufffd" if match["lone"] else match[0], numbered)).encode()


def _shallow(text: str) -> str:
    kept, begin, depth = [], 0, 0
    for match in STRING_OR_BRACKET.finditer(text):
        if match[0] in "[{":
            depth += 1
            if depth == DEEPEST + 1:
                kept += [text[begin : match.start()], "null"]
                begin = len(text)
        elif match[0] in "]}":
            if depth == DEEPEST + 1:
                begin = match.end()
            depth -= 1
    return "".join([*kept, text[begin:]])


def _read(body: bytes, reading: Callable[[bytes], T]) -> T:
    try:
        return reading(body)
    except NOT_JSON:
        pass
    try:
        return reading(repair_json(body))
    except NOT_JSON as error:
        raise InvalidResponse("", _complaint(body, error)) from None


def _checked(text: bytes) -> bytes:
    ANYTHING.decode(text)
    return text


def _rows(text: bytes, at: str) -> Page:
    return [bytes(row) for row in ROWS.decode(_listed(text, at)) or []]


def _with_list(text: bytes, at: str) -> bytes:
    """The text, where what lies there begins as a list or is null: looking for it has checked that it is JSON."""
    listed = _listed(text, at) if at else ANYTHING.decode(text)
    if bytes(memoryview(listed)[:1]) not in (b"[", b"n"):
        ROWS.decode(listed)  # says what is wrong
    return text


def _listed(text: bytes, at: str) -> bytes | msgspec.Raw:
    listed = _raw(text, at.split(".") if at else [])
    if listed is None:
        raise InvalidResponse("", f"The answer has no list of records under '{at}'.")
    return listed


def _value(text: bytes, path: Sequence[str]) -> Any:
    value = _raw(text, path)
    return None if value is None else msgspec.json.decode(value)


def _raw(text: bytes, path: Sequence[str]) -> bytes | msgspec.Raw | None:
    value: bytes | msgspec.Raw | None = text
    for key in path:
        value = (ENVELOPE.decode(value) or {}).get(key) if value is not None else None
    return value


def _complaint(body: bytes, error: Exception) -> str:
    if not body.strip():
        return "The answer is empty where JSON was expected."
    # What looks like records is not shown: it may be about people.
    if repair_json(body).lstrip()[:1] in (b"{", b"["):
        return f"The answer is JSON cut short or of another shape ({len(body)} bytes): {excerpt(str(error))}."
    return f"The answer is not JSON. It begins: {excerpt(body.decode('utf-8', 'replace'))}"
