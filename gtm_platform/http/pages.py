"""A page of an answer: cut into raw records without parsing them, and small values read out of its envelope.

What the senders of almost-JSON do (a byte order mark, UTF-16, NaN, half a surrogate pair) is mended here, once."""

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
    """The raw records listed under `at` (a key, or keys joined by dots; "" for a list at the top)."""
    return _read(body, lambda text: _rows(text, at))


def get_path(body: bytes, *path: str) -> Any:
    """One value out of the envelope; None where it, or what it lies in, is missing or null."""
    return _read(body, lambda text: _value(text, path))


def get_path_or_none(raw: bytes, *path: str) -> Any:
    """As `dig`, of a record, which may have any shape: what cannot be looked into is None, and set aside when read."""
    try:
        return get_path(raw, *path)
    except InvalidResponse:
        return None


def put(raw: bytes, **more: Any) -> bytes:
    """The record with members that the API said elsewhere. What is no object stays so, for its reader to refuse."""
    try:
        members = ENVELOPE.decode(raw)
    except NOT_JSON:
        return raw
    return raw if members is None else msgspec.json.encode({**members, **more})


def listing(at: str = "data") -> Callable[[bytes], bytes]:
    """To check answers with: one without a list of records under `at` is worth asking for again."""
    return lambda body: _read(body, lambda text: _with_list(text, at))


def expect_json(body: bytes) -> bytes:
    """The body itself where it is JSON, mended where that makes it JSON; else BadAnswer."""
    return _read(body, _checked)


def repair_json(text: bytes) -> bytes:
    """The same JSON in plain UTF-8, with null for NaN and Infinity and for what is nested deeper than any record, and
    U+FFFD for whatever is no character."""
    readable = text.decode(json.detect_encoding(text), "replace")
    numbered = STRING_OR_NAN.sub(lambda found: found[0] if found[0].startswith('"') else "null", readable)
    return _shallow(ESCAPE.sub(lambda found: "\\ufffd" if found["lone"] else found[0], numbered)).encode()


def _shallow(text: str) -> str:
    kept, begin, depth = [], 0, 0
    for found in STRING_OR_BRACKET.finditer(text):
        if found[0] in "[{":
            depth += 1
            if depth == DEEPEST + 1:
                kept += [text[begin : found.start()], "null"]
                begin = len(text)
        elif found[0] in "]}":
            if depth == DEEPEST + 1:
                begin = found.end()
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
    found = _raw(text, path)
    return None if found is None else msgspec.json.decode(found)


def _raw(text: bytes, path: Sequence[str]) -> bytes | msgspec.Raw | None:
    found: bytes | msgspec.Raw | None = text
    for key in path:
        found = (ENVELOPE.decode(found) or {}).get(key) if found is not None else None
    return found


def _complaint(body: bytes, error: Exception) -> str:
    if not body.strip():
        return "The answer is empty where JSON was expected."
    # What looks like records is not shown: it may be about people.
    if repair_json(body).lstrip()[:1] in (b"{", b"["):
        return f"The answer is JSON cut short or of another shape ({len(body)} bytes): {excerpt(str(error))}."
    return f"The answer is not JSON. It begins: {excerpt(body.decode('utf-8', 'replace'))}"
