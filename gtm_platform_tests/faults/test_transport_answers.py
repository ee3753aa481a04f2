"""Answers that are none: pages of another kind, in another alphabet, late, cut, too long, or packed to burst."""

import gzip
import zlib
from threading import Event

import httpx
import pytest

from gtm_platform.http import client as api
from gtm_platform.http.errors import BadRequest, InvalidResponse, RetriesExhausted, Unavailable
from gtm_platform_tests.faults import invariants
from gtm_platform_tests.faults.fake_api import CALLS, KEY, TABLE, Fault
from gtm_platform_tests.faults.reading import SourceReading
from gtm_platform_tests.http.server import Answer, cut, drip, reset, silence, whole

OK = b"HTTP/1.1 200 OK\r\n"
HTML = "Content-Type: text/html\r\n"
LOG_IN = f"<html>\x1b[31m\n<title>Log in</title> Your key {KEY} {'and so on ' * 900}".encode()
GATEWAY = f"<html>\n<title>Bad \x07Gateway</title> {'and so on ' * 900}".encode()


def length(page: bytes) -> bytes:
    return OK + b"Content-Length: %d\r\n\r\n" % len(page)


def half(page: bytes) -> bytes:
    return page[: len(page) // 2]


def chunked(page: bytes) -> bytes:
    return OK + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b" % (len(page), page)


def packed(body: bytes, packing: str = "gzip") -> Fault:
    return lambda _: whole(body, headers=f"Content-Encoding: {packing}\r\n")


def asked_again(reading: SourceReading, fault: Fault, **more: object) -> None:
    """Once the fault costs one call more; for good it ends the run."""
    assert len(reading.gets_through({3: fault}.get, **more)) == CALLS + 1
    reading.fails(RetriesExhausted, lambda call: fault if call > 2 else None, "Run again later", budget=20.0, **more)


# --- other pages ---------------------------------------------------------------------------------------------------


@pytest.mark.faults("S6")
@pytest.mark.parametrize("page", [LOG_IN, GATEWAY], ids=["repeats the key", "does not"])
@pytest.mark.parametrize("status", ["200 OK", "502 Bad Gateway"])
def test_html_is_no_record_and_no_change_of_shape_but_trouble_that_may_pass(
    reading: SourceReading, status: str, page: bytes
) -> None:
    def fault(_: bytes) -> Answer:
        return whole(page, status, HTML)

    asked_again(reading, fault)
    invariants.secret_in_no_file("<html", reading.lake)


@pytest.mark.faults("S6")
def test_of_a_page_of_html_little_is_told_and_printable(reading: SourceReading) -> None:
    failure = reading.fails(RetriesExhausted, lambda _: lambda _: whole(GATEWAY, headers=HTML), budget=1.0)
    assert isinstance(failure.__cause__, InvalidResponse)
    told = str(failure).partition("It begins: ")[2]
    assert told.startswith("<html> <title>Bad Gateway</title> and so on")
    assert told.isprintable()
    assert len(told) <= 201


# --- other alphabets -----------------------------------------------------------------------------------------------


@pytest.mark.faults("S7")
@pytest.mark.parametrize(
    "fault",
    [
        lambda page: whole(page, headers="Content-Type: text/plain; charset=latin-1\r\n"),
        lambda page: whole(b"\xef\xbb\xbf" + page),
        lambda page: whole(page.decode().encode("utf-16")),
        lambda page: whole(page.decode().encode("utf-16-le")),
        lambda page: whole(page.decode().encode("utf-16-be")),
        lambda page: whole(page.decode().encode("utf-32")),
    ],
    ids=["named text", "with a mark", "UTF-16", "little end first", "big end first", "UTF-32"],
)
def test_json_is_read_in_whatever_alphabet_it_comes(reading: SourceReading, fault: Fault) -> None:
    assert len(reading.gets_through(lambda _: fault)) == CALLS
    buyers = {order["buyer"] for order in reading.shop.orders.values()}
    assert {"Zoë Müller", "山田 太郎", "Ольга 🛒"} <= buyers


@pytest.mark.faults("S7")
def test_what_is_no_character_is_marked_as_such_and_never_guessed(reading: SourceReading) -> None:
    reading.shop.a_day_passes()
    reading.shop.orders["o-0"] |= {"buyer": "Zoë", "updated_at": reading.shop.today}
    reading.read(lambda _: lambda page: whole(page.replace("Zoë".encode(), b"Zo\xeb")))
    ((_, row),) = [each for each in invariants.stored_records(reading.lake, TABLE, ["buyer"]) if each[0] == "o-0"]
    assert row == {"buyer": "Zo\ufffd"}


# --- no answer, or a slow one --------------------------------------------------------------------------------------


@pytest.mark.faults("S8")
def test_silence_is_not_waited_for_without_end(reading: SourceReading, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only wait by the real clock, so it is a short one; on a slow machine good answers may be asked for again."""
    assert api.TIMEOUTS.read == 30
    monkeypatch.setattr(api, "TIMEOUTS", httpx.Timeout(0.2))
    assert len(reading.gets_through({2: lambda _: silence}.get)) > CALLS
    failure = reading.fails(RetriesExhausted, lambda _: lambda _: silence, "ReadTimeout", "Run again later", budget=1.0)
    assert isinstance(failure.__cause__, Unavailable)


@pytest.mark.faults("S9")
@pytest.mark.parametrize("start", [OK + b"X-Slow: ", OK + b"Content-Length: 9999\r\n\r\n"], ids=["headers", "body"])
def test_an_answer_that_drips_ends_at_the_deadline(reading: SourceReading, start: bytes) -> None:
    """Each drop comes well before a read would time out. The deadline also bounds how slow a whole answer may be."""

    def fault(_: bytes) -> Answer:
        return drip(start, b"x", Event(), passing)

    def passing() -> None:
        reading.clock.time += 11

    asked_again(reading, fault)


# --- broken connections --------------------------------------------------------------------------------------------


@pytest.mark.faults("S10", "S11", "S12")
@pytest.mark.parametrize(
    "fault",
    [
        lambda _: reset(b""),
        lambda _: reset(OK[:9]),
        lambda _: reset(OK + b"Content-"),
        lambda page: reset(length(page) + half(page)),
        lambda _: cut(b""),
        lambda _: cut(OK[:9]),
        lambda page: cut(length(page) + half(page)),
        lambda page: cut(chunked(page)[: -len(page) // 2]),
        lambda page: cut(chunked(page)),
        lambda page: cut(OK + b"\r\n" + half(page)),
        lambda page: cut(length(half(page)) + page),
        lambda page: whole(half(page)),
    ],
    ids=[
        "reset before the answer",
        "reset in the status line",
        "reset in the headers",
        "reset in the body",
        "closed before the answer",
        "closed in the status line",
        "closed in a body of known length",
        "closed in a chunk",
        "closed after a chunk",
        "closed in a body of unknown length",
        "a body longer than its length",
        "a body cut by the shop",
    ],
)
def test_what_breaks_off_is_asked_for_again_and_no_part_of_it_kept(reading: SourceReading, fault: Fault) -> None:
    asked_again(reading, fault)


# --- packed answers ------------------------------------------------------------------------------------------------


@pytest.mark.faults("S13")
def test_a_packed_page_is_unpacked(reading: SourceReading) -> None:
    assert len(reading.gets_through(lambda _: lambda page: packed(gzip.compress(page))(page))) == CALLS


@pytest.mark.faults("S13")
@pytest.mark.parametrize(
    "fault",
    [
        packed(b"not gzip"),
        lambda page: packed(gzip.compress(page)[:-9])(page),
        lambda page: packed(gzip.compress(page)[: len(page) // 4])(page),
        lambda page: packed(zlib.compress(page))(page),
        lambda page: packed(gzip.compress(gzip.compress(page)), "gzip, gzip")(page),
        lambda page: packed(page, "br")(page),
    ],
    ids=["no gzip", "its end missing", "cut", "of another make", "packed twice", "not asked for"],
)
def test_what_does_not_unpack_is_asked_for_again(reading: SourceReading, fault: Fault) -> None:
    asked_again(reading, fault)


@pytest.mark.faults("S13")
def test_a_page_that_unpacks_without_end_is_refused_at_once(
    reading: SourceReading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gtm_platform.http.caller.MAX_RESPONSE_BYTES", 1 << 20)
    bomb = packed(gzip.compress(b" " * (8 << 20)))
    reading.fails(BadRequest, {2: bomb}.get, "more than 1 MB", "Ask for smaller pages")
