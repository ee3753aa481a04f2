import pytest

from gtm_platform.http.errors import (
    ApiFailure,
    BadRequest,
    Forbidden,
    NotFound,
    Permanent,
    RateLimited,
    Transient,
    Unauthorized,
    Unavailable,
    classify,
    tls_refused,
)
from gtm_platform.http.redaction import bare_url, excerpt

NOON = "Sat, 21 Nov 2026 12:00:00 GMT"


def failure(status: int, headers: dict[str, str] | None = None, body: bytes = b"") -> ApiFailure:
    url = "https://user:canary@api.toy.example/v1/things?email=ann@toy.example&key=canary"
    return classify("Toy", ("TOY_API_KEY",), status, "GET", url, headers or {}, body)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, Unauthorized),
        (402, BadRequest),
        (403, Forbidden),
        (404, NotFound),
        (407, BadRequest),
        (409, BadRequest),
        (302, BadRequest),
        (408, Unavailable),
        (423, Unavailable),
        (425, Unavailable),
        (429, RateLimited),
        (477, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
        (524, Unavailable),
    ],
)
def test_a_status_decides_the_class(status: int, kind: type[ApiFailure]) -> None:
    assert type(failure(status)) is kind
    assert issubclass(kind, Transient) != issubclass(kind, Permanent)


@pytest.mark.parametrize(
    ("error", "refused"),
    [
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1006)", True),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)", True),
        ("[SSL: TLSV1_ALERT_PROTOCOL_VERSION] tlsv1 alert protocol version (_ssl.c:1006)", True),
        ("[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol (_ssl.c:1006)", False),
        ("[Errno 104] Connection reset by peer", False),
    ],
)
def test_only_a_handshake_that_broke_off_is_worth_another(error: str, refused: bool) -> None:
    assert tls_refused(error) is refused


def test_a_403_that_is_a_rate_limit_is_worth_retrying() -> None:
    assert isinstance(failure(403, {"Retry-After": "60"}), RateLimited)
    assert isinstance(failure(403, {"X-RateLimit-Remaining": "0"}), RateLimited)
    assert isinstance(failure(403, {"X-RateLimit-Remaining": "7"}), Forbidden)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"Retry-After": "0"}, 0.0),
        ({"Retry-After": "86400"}, 86400.0),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "1e9"}, None),
        ({"Retry-After": "Sat, 21 Nov 2026 12:01:30 GMT", "Date": NOON}, 90.0),
        ({"Retry-After": "Sat, 21 Nov 2026 11:59:00 GMT", "Date": NOON}, None),
        ({"X-RateLimit-Reset": "1795262410", "Date": NOON}, 10.0),
        ({"X-RateLimit-Reset": "33"}, 33.0),
        ({"Retry-After": "4", "X-RateLimit-Reset": "33"}, 4.0),
        ({"X-RateLimit-Reset": "1795262399", "Date": NOON}, None),
        ({"X-RateLimit-Reset": "1795262410000"}, None),
        ({"Retry-After": "Sat, 31 Feb 2026 12:00:00 GMT"}, None),
    ],
)
def test_how_long_the_server_asks_to_wait(headers: dict[str, str], wait: float | None) -> None:
    assert failure(429, headers).retry_after == wait


def test_only_rate_limits_heed_the_end_of_the_window_and_only_transient_failures_wait() -> None:
    assert failure(503, {"X-RateLimit-Reset": "33"}).retry_after is None
    assert failure(503, {"Retry-After": "3"}).retry_after == 3.0
    assert failure(404, {"Retry-After": "3"}).retry_after is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":{"message":"No such customer","type":"invalid_request_error"}}', "No such customer"),
        (b'{"status":"error","message":"Property is unknown","correlationId":"x"}', "Property is unknown"),
        (b'{"type":"error.list","errors":[{"code":"x","message":"Exceeded rate limit"}]}', "Exceeded rate limit"),
        (b'{"error":"invalid_grant","error_description":"expired"}', "expired"),
        (b'{"errors":["first","second"]}', "first"),
        (b"<html>\n<title>Bad\tGateway</title>", "<html> <title>Bad Gateway</title>"),
        (b"\xff\xfe\x00", "\ufffd\ufffd"),
        (b'{"strange":true}', '{"strange":true}'),
    ],
)
def test_the_message_of_the_answer_is_told(body: bytes, message: str) -> None:
    assert str(failure(400, body=body)).endswith(f" It said: {message}")


def test_a_body_nested_without_end_is_still_classified() -> None:
    assert isinstance(failure(400, body=b'{"error":' * 900 + b"1" + b"}" * 900), BadRequest)


def test_without_a_date_header_our_own_clock_counts() -> None:
    wait = failure(429, {"Retry-After": "Fri, 21 Nov 2225 12:00:00 GMT"}).retry_after
    assert wait is not None
    assert wait > 86400


def test_an_answer_without_a_body_is_still_a_sentence() -> None:
    assert str(failure(404)) == "Toy answered 404 to GET https://api.toy.example/v1/things."


def test_a_refused_key_is_named_by_its_variable() -> None:
    assert "TOY_API_KEY holds a valid key" in str(failure(401))
    assert "TOY_API_KEY lacks a permission" in str(failure(403))


@pytest.mark.parametrize(
    "canary",
    [
        "sk_live_canary123",
        "sk_test_canary123",
        "rk_live_canary123",
        "pat-na1-canary-1234",
        "xoxb-12-canary",
        "ghp_canary123",
        "whsec_canary",
        "api_key=canary",
        "https://u:canary@toy.example/",
        "canary" * 7,
        "ann.canary@toy.example",
        "Bearer canary.x/y+z==",
        "phx_canary",
    ],
)
def test_nothing_secret_or_personal_is_repeated(canary: str) -> None:
    refused = failure(400, body=f'{{"message":"You sent {canary}, which is wrong"}}'.encode())
    for shown in (str(refused), repr(refused), str(refused.metadata()), refused.message, str(refused.url)):
        assert "canary" not in shown
    assert "which is wrong" in str(refused)
    assert "canary" not in str(ApiFailure("Toy", f"It met {canary} there"))


def test_metadata_is_flat_and_says_whether_to_retry() -> None:
    assert failure(429, {"Retry-After": "7"}).metadata() == {
        "system": "Toy",
        "failure": "RateLimited",
        "worth_retrying": True,
        "status": 429,
        "method": "GET",
        "url": "https://api.toy.example/v1/things",
        "retry_after_seconds": 7,
    }
    assert ApiFailure("Toy", "Broken.").metadata() == {
        "system": "Toy",
        "failure": "ApiFailure",
        "worth_retrying": False,
    }


def test_excerpts_are_short_and_urls_bare() -> None:
    assert len(excerpt("word " * 1000)) == 201
    assert bare_url("http://a:b@toy.example:81/p/ann@toy.example?q=1#f") == "http://toy.example:81/p/***@***"
    assert bare_url("/v1/things?key=1") == "/v1/things"
