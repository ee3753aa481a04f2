"""The sandbox's receiver of webhooks: it verifies by the specification, and shows what came."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from gtm_platform.sandbox.hookbin.app import app
from gtm_platform.sandbox.hookbin.store import HookStore, replay, verdict
from gtm_platform_tests.delivery.world import Watched, served

# The example that the specification's own libraries are tested with.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
HEADERS = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
}
NOW = datetime.fromtimestamp(1614265330, UTC)


@pytest.fixture
def writes() -> list[dict[str, Any]]:
    return []


@pytest.fixture
def store() -> HookStore:
    return HookStore()


@pytest.fixture
def hookbin(store: HookStore, writes: list[dict[str, Any]]) -> Iterator[Watched]:
    with served(app(store, lambda: NOW, writes.append)) as watched:
        yield watched


def test_what_is_signed_rightly_is_right(hookbin: Watched, store: HookStore) -> None:
    url = f"{hookbin.url}/hooks/all"
    assert httpx.post(url, content=BODY, headers=HEADERS).json() == {"verdict": "no secret is known for this address"}
    assert httpx.put(url, json={"secret": SECRET}).status_code == 204
    assert httpx.post(url, content=BODY, headers=HEADERS).json() == {"verdict": "right"}
    assert [hook.is_repeat for hook in store.received] == [False, True]
    shown = httpx.get(hookbin.url).text
    assert "2 so far, 1 of them with a right signature, 1 repeated" in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("change", "verdict_"),
    [
        ({"webhook-id": "msg_other"}, "wrong"),
        ({"webhook-signature": "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}, "wrong"),
        ({"webhook-signature": "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="}, "right"),
        ({"webhook-timestamp": "1614265329"}, "wrong"),
        ({"webhook-timestamp": "now"}, "wrong: the time is none"),
        ({"webhook-timestamp": None}, "wrong: no header webhook-timestamp"),
    ],
)
def test_what_was_changed_on_its_way_is_wrong(change: dict[str, str | None], verdict_: str) -> None:
    headers = {name: value for name, value in (HEADERS | change).items() if value is not None}
    assert verdict(SECRET, headers, BODY, NOW) == verdict_


def test_what_is_old_or_from_the_future_is_wrong() -> None:
    for seconds, judged in (
        (300, "right"),
        (301, "wrong: sent at another time"),
        (-301, "wrong: sent at another time"),
    ):
        assert verdict(SECRET, HEADERS, BODY, NOW + timedelta(seconds=seconds)) == judged


def test_a_secret_is_typed_into_the_page_and_nonsense_is_refused(hookbin: Watched, store: HookStore) -> None:
    answer = httpx.post(f"{hookbin.url}/secrets", data={"name": "all", "secret": SECRET})
    assert (answer.status_code, store.secrets) == (303, {"all": SECRET})
    for nonsense in ("whsec_!", "whsec_AAAA", "whsec_" + base64.b64encode(b"x" * 65).decode()):
        assert httpx.post(f"{hookbin.url}/secrets", data={"name": "b", "secret": nonsense}).status_code == 400
        assert httpx.put(f"{hookbin.url}/hooks/b", json={"secret": nonsense}).status_code == 400
    assert "b" not in store.secrets


def test_what_comes_is_shown_as_text(hookbin: Watched) -> None:
    httpx.post(f"{hookbin.url}/hooks/x", content=b'{"type": "<script>alert(1)</script>", "data": 3}')
    httpx.post(f"{hookbin.url}/hooks/x", content=b"\xff\x00 no JSON")
    shown = httpx.get(hookbin.url).text
    assert "<script>alert" not in shown
    assert "&lt;script&gt;alert" in shown


def test_a_restarted_receiver_has_what_it_had(hookbin: Watched, store: HookStore, writes: list[dict[str, Any]]) -> None:
    url = f"{hookbin.url}/hooks/all"
    httpx.put(url, json={"secret": SECRET})
    httpx.post(url, content=BODY, headers=HEADERS)
    httpx.post(url, content=b"\xff", headers=HEADERS)
    again = HookStore()
    for write in writes:
        replay(again, write, NOW)
    assert again == store
