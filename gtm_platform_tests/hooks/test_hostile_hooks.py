"""Hundreds of bodies and headers that nobody should send, each refused in a sentence that tells nothing."""

import json
import random
import string

import httpx
import pytest

from gtm_platform_tests.hooks.conftest import Receiver
from gtm_platform_tests.hooks.senders import BY_NAME, SENDERS

MARK = "zq7hostile"
DICE = random.Random(20)


def text(length: int) -> str:
    return "".join(DICE.choice(string.printable[:94]) for _ in range(length))


DEEP = [b"[" * 2_000, b'{"a":' * 900, b"x" * 100_000, b"%" * 500]
PLAIN = [
    b"", b" ", b"\x00", b"\xff\xfe\x00", b"{}", b"[]", b"null", b"true", b"0", b'""', b"{", b"}", b"<xml/>", b"a=b&c=d",
    b'{"id":1e999}', b'{"id":-0}', b'{"id":"\\ud800"}', b"--b\r\nContent-Disposition: form-data\r\n\r\n",
    b"payload=%7B%7D", b"payload={", b"\xef\xbb\xbf{}", b'{"type":"url_verification","challenge":"x"}',
]  # fmt: skip
MEMBERS = [{key: value} for key in ("id", "type", "event", "topic", MARK) for value in (None, [], {}, 1, MARK)]
LISTS = [[{"eventId": value}] for value in (None, [], {}, "x" * 9_000, 2**80, MARK)]
BODIES = [
    *PLAIN,
    *DEEP,
    *(json.dumps(value).encode() for value in (*MEMBERS, *LISTS)),
    *(text(DICE.randrange(1, 400)).encode() for _ in range(60)),
    *(DICE.randbytes(DICE.randrange(1, 400)) for _ in range(60)),
]
VALUES = [
    "", " ", "x", "t=1", "t=,v1=", "v1=", "v1,", "v0=", "sha1=", "sha256=", "t=1,v1=" + "0" * 64, "t=NaN,v1=x",
    "t=1e9,v1=x", "t=" + "9" * 400 + ",v1=x", "=" * 2_000, "," * 2_000, "v1=" * 600, "Bearer", "Bearer ",
    "bearer \xff\xfe", "Basic YTpi", "\xe9\xe9\xe9", MARK, f"{MARK}' or 1=1 --", "null", "../../x", "%00",
    "t=1767225600,v1=" + "\xe9" * 20,
]  # fmt: skip
HEADERS = sorted(
    {
        *(sender.header for sender in SENDERS),
        *(
            "X-Orb-Timestamp",
            "X-Slack-Request-Timestamp",
            "X-HubSpot-Request-Timestamp",
            "webhook-timestamp",
            "webhook-id",
        ),
        *("X-Webhook-Timestamp", "Content-Type", "X-Webhook-Token"),
    }
)
NAMES = [
    "..",
    "%2e%2e",
    "stripe/",
    "stripe/x",
    "Stripe",
    "stripe%00",
    "x" * 300,
    "",
    MARK,
    "stripe;x",
]


def judge(answer: httpx.Response) -> None:
    """RefusedDelivery, in a sentence that shows nothing of what was sent."""
    assert 400 <= answer.status_code < 500, answer.status_code
    assert answer.headers["content-type"] == "application/problem+json"
    detail = answer.json()["detail"]
    assert detail.endswith(".")
    assert MARK not in answer.text


@pytest.mark.faults("V10")
def test_hostile_bodies_are_refused(receiver: Receiver) -> None:
    """Unsigned for one hook after the other; then signed, where no body is an event."""
    for number, body in enumerate(BODIES):
        sender = SENDERS[number % len(SENDERS)]
        judge(receiver.post(sender.name, body, {"content-type": "application/json"}))
    for number, body in enumerate(BODIES):
        sender = SENDERS[number % len(SENDERS)]
        answer = receiver.post(sender.name, body, sender.headers(body, receiver.now))
        if answer.status_code != 200:
            judge(answer)
    assert all("@" not in str(row.touched) for row in receiver.rows())
    assert len(BODIES) >= 150


@pytest.mark.faults("V10")
def test_hostile_headers_are_refused(receiver: Receiver) -> None:
    for number, (header, value) in enumerate((header, value) for header in HEADERS for value in VALUES):
        sender = SENDERS[number % len(SENDERS)]
        body = sender.body(1, receiver.now)
        headers = [(b"content-type", b"application/json"), (header.lower().encode(), value.encode("latin-1"))]
        answer = receiver.client.post(
            f"{receiver.served.url}/webhooks/{sender.name}", content=body, headers=[(n, v.strip()) for n, v in headers]
        )
        judge(answer)
    assert receiver.rows() == []
    assert len(HEADERS) * len(VALUES) > 200


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_hook_is_none(receiver: Receiver, name: str) -> None:
    answer = receiver.client.post(f"{receiver.served.url}/webhooks/{name}", content=b"{}")
    assert answer.status_code == 404
    judge(answer)


def test_what_a_sender_writes_into_kinds_and_ids_is_no_place_for_people(receiver: Receiver) -> None:
    """A signed event may have anything where an id is expected: an address is kept as its digest."""
    sender = BY_NAME["stripe"]
    event = {"id": "ada@acme.example", "object": "event", "type": "customer.<b>Ada</b>@x.example"}
    body = json.dumps({**event, "data": {"object": {"id": "Ada Lovelace " * 30}}}).encode()
    assert receiver.post("stripe", body, sender.headers(body, receiver.now)).status_code == 200
    (row,) = receiver.rows()
    assert "ada" not in str(row).lower()
