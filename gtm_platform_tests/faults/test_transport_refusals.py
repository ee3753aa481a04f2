"""Where asking again does not help: redirects, addresses and certificates that are wrong, keys that no longer do."""

import json
import socket

import pytest

from gtm_platform.http.errors import ApiFailure, BadRequest, Forbidden, RetriesExhausted, Unauthorized, Unavailable
from gtm_platform_tests.faults.fake_api import CALLS, KEY, nothing
from gtm_platform_tests.faults.reading import ENV, SourceReading
from gtm_platform_tests.http.server import TLS, Answer, over_tls, serving, whole

REPEATED = json.dumps({"message": f"Your key {KEY} may not"}).encode()


# --- redirects -----------------------------------------------------------------------------------------------------


@pytest.mark.faults("S14")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_the_key_goes_nowhere_else(reading: SourceReading, status: int) -> None:
    elsewhere: list[bytes] = []

    def hears(request: bytes) -> Answer:
        elsewhere.append(request)
        return whole(b'{"orders": [], "next": null}')

    with serving(hears) as other:
        away = whole(b"", f"{status} Elsewhere", f"Location: {other}/orders\r\n")
        reading.fails(BadRequest, {2: lambda _: away}.get, f"answered {status}", "a redirect, which is not followed")
    assert elsewhere == []


@pytest.mark.faults("S14")
@pytest.mark.parametrize("place", ["http://169.254.169.254/latest/meta-data", "//shop.example/", "/orders?after=0", ""])
def test_nor_is_any_other_wherever_it_leads(reading: SourceReading, place: str) -> None:
    away = whole(b"", "302 Found", f"Location: {place}\r\n")
    began = reading.clock.now()
    reading.shop.a_day_passes()
    reading.stays_as_it_was(BadRequest, {2: lambda _: away}.get, "Check the base URL")
    assert (reading.calls, reading.clock.now()) == (2, began)


# --- addresses and certificates ------------------------------------------------------------------------------------


@pytest.mark.faults("S15")
def test_a_name_that_nobody_knows_is_told(reading: SourceReading, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    reading.shop.a_day_passes()
    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", unknown)
        parts = ("GET http://shop.example/orders reached nobody", "Name or service not known", "Check the base URL")
        failure = reading.stays_as_it_was(RetriesExhausted, nothing, *parts, url="http://shop.example")
    assert isinstance(failure.__cause__, Unavailable)
    reading.gets_through(nothing)


@pytest.mark.faults("S15")
def test_a_closed_door_is_told(reading: SourceReading) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    failure = reading.fails(RetriesExhausted, nothing, "Connection refused", url=f"http://127.0.0.1:{port}")
    assert isinstance(failure.__cause__, Unavailable)


@pytest.mark.faults("S15")
@pytest.mark.parametrize(
    ("shown", "trusted", "why"),
    [
        ("valid.pem", None, "self-signed certificate"),
        ("expired.pem", "expired.pem", "certificate has expired"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_told_and_not_tried_again(
    reading: SourceReading, monkeypatch: pytest.MonkeyPatch, shown: str, trusted: str | None, why: str
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(TLS / trusted))
    began = reading.clock.now()
    reading.shop.a_day_passes()
    with serving(reading.shop.answer, over_tls(shown)) as url:
        reading.stays_as_it_was(BadRequest, nothing, why, "Check the base URL, and its certificate", url=url)
    assert (reading.calls, reading.clock.now()) == (0, began)
    reading.gets_through(nothing)


@pytest.mark.faults("S15")
def test_one_that_is_trusted_is_read_from(reading: SourceReading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "valid.pem"))
    with serving(reading.shop.answer, over_tls("valid.pem")) as url:
        assert len(reading.gets_through(nothing, url=url)) == CALLS


@pytest.mark.faults("S15")
def test_a_server_that_speaks_no_tls_is_told_and_not_tried_again(reading: SourceReading) -> None:
    began, answers = reading.clock.now(), iter([whole(b"", "400 Bad Request")])
    reading.shop.a_day_passes()
    with serving(lambda _: next(answers)) as url:
        reading.stays_as_it_was(BadRequest, nothing, "is not trusted", url=url.replace("http:", "https:"))
    assert (list(answers), reading.clock.now()) == ([], began)
    reading.gets_through(nothing)


@pytest.mark.faults("S15")
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_a_password_is_told_and_not_tried_again(
    reading: SourceReading, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    asked: list[bytes] = []

    def refuses(request: bytes) -> Answer:
        asked.append(request)
        return whole(REPEATED, "407 Proxy Authentication Required", "Proxy-Authenticate: Basic\r\n")

    reading.shop.a_day_passes()
    with serving(refuses) as proxy, monkeypatch.context() as patched:
        patched.setenv(f"{scheme}_proxy", f"http://somebody:{KEY}@{proxy.removeprefix('http://')}")
        parts = ("check the user and password in HTTPS_PROXY and HTTP_PROXY",)
        reading.stays_as_it_was(BadRequest, nothing, *parts, url=f"{scheme}://shop.example")
    assert len(asked) == 1
    reading.gets_through(nothing)


# --- keys ----------------------------------------------------------------------------------------------------------


@pytest.mark.faults("S16")
@pytest.mark.parametrize("call", range(1, CALLS + 1))
@pytest.mark.parametrize(
    ("status", "kind", "parts"),
    [
        ("401 Unauthorized", Unauthorized, f"Check that {ENV} holds a valid key, or make a new one"),
        ("403 Forbidden", Forbidden, f"the key in {ENV} lacks a permission"),
    ],
)
def test_a_key_that_is_no_longer_good_enough_ends_the_run_without_another_call(
    reading: SourceReading, status: str, kind: type[ApiFailure], parts: str, call: int
) -> None:
    began = reading.clock.now()
    reading.shop.a_day_passes()
    reading.stays_as_it_was(kind, lambda n: (lambda _: whole(REPEATED, status)) if n >= call else None, parts)
    assert (reading.calls, reading.clock.now()) == (call, began)
    reading.gets_through(nothing)
