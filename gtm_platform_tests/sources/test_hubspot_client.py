"""How HubSpot is asked: its limits, its refusals, and answers that break off."""

import gzip
import json
import random
import threading

import pytest
from pydantic import SecretStr

from gtm_platform.http.errors import (
    ApiFailure,
    BadRequest,
    InvalidResponse,
    RetriesExhausted,
    Unauthorized,
    Unavailable,
)
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.hubspot import TOKEN
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.settings import settings
from gtm_platform.sources.hubspot.client import CALLS, SEARCHES, HubSpotClient, RateLimits
from gtm_platform.sources.hubspot.source import SOURCE
from gtm_platform_tests.delivery.hubspot_pace import BURST, CountedLimit, allowed_seconds, client_on
from gtm_platform_tests.http.clock import Clock
from gtm_platform_tests.http.server import Answer, cut, drip, over_tls, served, serving, whole
from gtm_platform_tests.sources.conftest import Stand
from gtm_platform_tests.sources.hubspot_portal import FIRST, Portal, account, fast

EMPTY = whole(b'{"results": []}')


@pytest.fixture
def portal(stand: Stand, lake: Lake) -> Portal:
    return account(stand, lake)


def retry_policy(clock: Clock, budget: float = 300.0) -> RetryPolicy:
    return RetryPolicy(budget=budget, now=clock.now, sleep=clock.sleep, random=lambda: 1.0)


def answered_with(*answers: Answer, budget: float = 300.0) -> tuple[bytes, Clock]:
    """What a client makes of these answers, and the clock that it waited on."""
    clock = Clock()
    with served(*answers) as (url, _):
        client = HubSpotClient(SecretStr(TOKEN), url, retry=retry_policy(clock, budget), limits=limits(clock))
        try:
            return client.page("contacts", ["email"]), clock
        finally:
            client.close()


def slept(clock: Clock) -> RateLimiter:
    return RateLimiter(1_000_000, 1_000_000, now=clock.now, sleep=clock.sleep)


def limits(clock: Clock) -> RateLimits:
    return RateLimits(slept(clock), slept(clock))


def limited(policy: str) -> bytes:
    return json.dumps({"status": "error", "message": "limit", "errorType": "RATE_LIMIT", "policyName": policy}).encode()


# --- limits --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("own", "theirs"), [(CALLS, (190, 10)), (SEARCHES, (5, 1))], ids=["all", "searches"])
def test_the_pace_stays_within_the_limit_however_calls_are_held_up(
    own: tuple[int, float], theirs: tuple[int, int]
) -> None:
    clock, held_up = Clock(), random.Random(7)
    limiter = RateLimiter.within(*own, now=clock.now, sleep=clock.sleep)
    arrived = []
    for _ in range(1_000):
        limiter.acquire()
        arrived.append(clock.now() + held_up.random() * (own[1] - theirs[1]))
    limit = Limit(*theirs, now=lambda: now)
    for now in sorted(arrived):  # noqa: B007 - the limit's clock
        assert limit.take()
    assert clock.now() <= 1_000 / own[0] * own[1]
    assert own[0] / own[1] >= 0.95 * theirs[0] / theirs[1]


def test_many_calls_take_at_most_a_twentieth_longer_than_the_limit_makes_them_and_none_is_refused(
    portal: Portal,
) -> None:
    clock, calls = Clock(), 3 * BURST.calls + 1
    portal.limits.burst = burst = CountedLimit(*BURST, now=clock.now)
    client = client_on(clock, portal.stand.url)
    for _ in range(calls):
        client.owners(limit=1)
    client.close()
    assert (len(portal.calls), burst.refused) == (calls, 0)
    assert allowed_seconds(calls) <= clock.now() <= 1.05 * allowed_seconds(calls)


def test_a_limit_that_was_met_is_waited_for(portal: Portal) -> None:
    clock = Clock()
    portal.limits.burst = Limit(2, 10, now=clock.now)
    for _ in range(450):
        portal.add("contacts")
    client = portal.client(retry_policy(clock), slept(clock))
    [filled] = portal.sync("contacts", FIRST, client=client)
    assert filled.rows == 450
    assert len(portal.calls) <= 7
    assert 20 <= clock.now() <= 30


def test_a_smaller_limit_is_learned_from_the_answers_before_it_is_met(portal: Portal) -> None:
    clock = Clock()
    portal.limits.burst = Limit(100, 10, now=clock.now)
    client = portal.client(retry_policy(clock), RateLimiter.within(*CALLS, now=clock.now, sleep=clock.sleep))
    for _ in range(300):
        client.owners()
    client.close()
    assert len(portal.calls) == 300
    assert 20 <= clock.now() <= 40


@pytest.mark.faults("S1")
def test_a_limit_that_one_met_holds_up_all() -> None:
    clock = Clock()
    api_without_retries = RetryPolicy(deadline=1.0, now=clock.now, sleep=clock.sleep)
    with served(whole(limited("TEN_SECONDLY_ROLLING"), "429 Too Many Requests"), EMPTY) as (url, _):
        client = HubSpotClient(SecretStr(TOKEN), url, retry=api_without_retries, limits=limits(clock))
        with pytest.raises(RetriesExhausted):
            client.owners()
        client.owners()
        client.close()
    assert clock.now() == 10


@pytest.mark.parametrize(("policy", "wait"), [("SECONDLY", 1), ("TEN_SECONDLY_ROLLING", 10), ("NEW_ONE", 10)])
def test_a_limit_without_a_word_on_the_wait_is_waited_for_as_long_as_it_takes(policy: str, wait: int) -> None:
    _, clock = answered_with(whole(limited(policy), "429 Too Many Requests"), EMPTY)
    assert clock.now() == wait


@pytest.mark.faults("S1")
def test_a_wait_that_is_asked_for_is_kept() -> None:
    _, clock = answered_with(whole(limited("SECONDLY"), "429 Too Many Requests", "Retry-After: 7\r\n"), EMPTY)
    assert clock.now() == 7
    _, clock = answered_with(whole(b"{}", "477 Migration", "Retry-After: 30\r\n"), EMPTY)
    assert clock.now() == 30


@pytest.mark.faults("S4")
def test_the_daily_limit_ends_the_run_at_once(portal: Portal) -> None:
    portal.limits.daily = Limit(0, 86_400)
    with pytest.raises(RetriesExhausted, match=r"daily limit of calls is used up\. .* until midnight") as failure:
        portal.sync("contacts", FIRST)
    assert failure.value.status == 429
    assert len(portal.calls) == 1


def test_searches_do_not_use_up_what_the_other_calls_may_take(portal: Portal) -> None:
    clock = Clock()
    search = RateLimiter.within(*SEARCHES, now=clock.now, sleep=clock.sleep)
    client = HubSpotClient(SecretStr(TOKEN), portal.stand.url, limits=RateLimits(fast(), search))
    for _ in range(10):
        client.search("contacts", {"limit": 1})
    client.owners()
    client.close()
    assert clock.now() == pytest.approx(SEARCHES[1], abs=0.01)


def test_all_clients_of_a_token_share_one_budget_and_no_other() -> None:
    clients = [
        HubSpotClient(SecretStr(token), "http://127.0.0.1:9") for token in ("pat-na1-a1", "pat-na1-a1", "pat-na1-b2")
    ]
    first, again, other_account = [client.limits for client in clients]
    assert first is again
    assert first is not other_account
    first.calls.acquire()
    assert again.calls.available == CALLS[0] - 1
    assert other_account.calls.available == CALLS[0]


# --- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.faults("S16")
def test_a_wrong_token_is_named_by_its_variable_and_not_shown(portal: Portal) -> None:
    portal.token = "pat-na1-0f00ba12-wrong"
    with pytest.raises(Unauthorized, match="HUBSPOT_ACCESS_TOKEN") as failure:
        portal.sync("contacts", FIRST)
    assert "0f00ba12" not in f"{failure.value!r} {failure.value} {failure.value.metadata()}"
    assert len(portal.calls) == 1
    assert "0f00ba12" not in repr(portal.client())


@pytest.mark.faults("S6", "S16")
@pytest.mark.parametrize("status", ["401 Unauthorized", "500 Internal Server Error", "200 OK"])
def test_a_key_that_is_repeated_is_not_shown(status: str) -> None:
    clock, key = Clock(), "no-key-of-any-known-make"
    with served(whole(f"What is {key}?".encode(), status)) as (url, requests):
        client = HubSpotClient(SecretStr(key), url, retry=retry_policy(clock, budget=0.0), limits=limits(clock))
        with pytest.raises(ApiFailure, match=r"What is \*\*\*\?") as failure:
            client.owners()
        client.close()
    assert key.encode() in requests[0]
    assert key not in f"{failure.value!r} {failure.value} {failure.value.metadata()} {failure.value.__cause__}"


@pytest.mark.parametrize("token", ["", "pat-na1 sandbox", "pat-na1-\nsandbox"])
def test_a_token_that_can_be_none_is_refused_before_it_is_sent(token: str) -> None:
    with pytest.raises(ValueError, match="A key is empty, or holds blanks"):
        HubSpotClient(SecretStr(token), "http://127.0.0.1:9")


@pytest.mark.faults("S6", "S7")
def test_an_error_page_in_another_alphabet_keeps_its_status() -> None:
    _, clock = answered_with(whole("<h1>Défaillance</h1>".encode("latin-1"), "502 Bad Gateway"), EMPTY)
    assert clock.now() == 0.5
    with pytest.raises(BadRequest, match="answered 414 to GET"):
        answered_with(whole("Trop long: é".encode("latin-1"), "414 URI Too Long"))


@pytest.mark.parametrize("address", ["", "https://", "hubspot.example"])
def test_an_address_that_can_be_none_is_refused_before_it_is_asked(address: str) -> None:
    with pytest.raises(BadRequest, match="HUBSPOT_BASE_URL is no address"):
        HubSpotClient(SecretStr(TOKEN), address)


@pytest.mark.faults("S14")
def test_a_redirect_is_not_followed() -> None:
    with pytest.raises(BadRequest, match="a redirect, which is not followed"):
        answered_with(whole(b"", "302 Found", "Location: http://127.0.0.1:9/elsewhere\r\n"))


@pytest.mark.faults("S15")
def test_a_server_that_cannot_be_trusted_is_not_asked_again() -> None:
    clock = Clock()
    with serving(lambda _: cut(b""), over_tls("valid.pem")) as url:
        client = HubSpotClient(SecretStr(TOKEN), url, retry=retry_policy(clock), limits=limits(clock))
        with pytest.raises(BadRequest, match=r"self-signed certificate .* Check HUBSPOT_BASE_URL, and its certificate"):
            client.owners()
        client.close()
    assert clock.slept == []


@pytest.mark.faults("S13")
def test_an_answer_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtm_platform.http.caller.MAX_RESPONSE_BYTES", 1 << 20)
    with pytest.raises(BadRequest, match="more than 1 MB"):
        answered_with(whole(gzip.compress(b" " * (8 << 20)), headers="Content-Encoding: gzip\r\n"))


# --- answers that break off ----------------------------------------------------------------------------------------


@pytest.mark.faults("S6", "S11")
@pytest.mark.parametrize(
    "broken",
    [
        whole(b"<html>please log in</html>"),
        whole(b'{"status": "ok"}'),
        cut(b'HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{"results": ['),
        cut(b'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{"results": ['),
        cut(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nd\r\n{"results": [\r\n'),
        cut(b""),
    ],
    ids=["html", "no records", "short", "short without a length", "short chunks", "nothing"],
)
def test_half_an_answer_is_asked_for_again(broken: Answer) -> None:
    body, clock = answered_with(broken, EMPTY)
    assert body == b'{"results": []}'
    assert clock.slept == [0.5]


def test_an_answer_in_chunks_is_read_whole() -> None:
    chunks = b'd\r\n{"results": [\r\n2\r\n]}\r\n0\r\n\r\n'
    body, _ = answered_with(cut(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks))
    assert body == b'{"results": []}'


@pytest.mark.faults("S9")
def test_an_answer_that_drips_for_ever_is_given_up() -> None:
    class Ticking(Clock):
        def now(self) -> float:
            self.time += 10
            return self.time

    stop = threading.Event()
    with served(drip(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b" ", stop)) as (url, _):
        client = HubSpotClient(SecretStr(TOKEN), url, retry=retry_policy(Ticking(), budget=1.0), limits=limits(Clock()))
        with pytest.raises(RetriesExhausted, match="still coming after 60 seconds"):
            client.owners()
        stop.set()
        client.close()


def test_patience_ends_with_a_sentence() -> None:
    with pytest.raises(
        RetriesExhausted, match=r"HubSpot was asked 2 times .* got no whole answer \(ProtocolError"
    ) as failure:
        answered_with(cut(b""), cut(b""), budget=1.0)
    assert isinstance(failure.value.__cause__, Unavailable)


def test_associations_that_could_not_be_read_are_asked_for_again() -> None:
    errors = [{"status": "error", "category": "INTERNAL_ERROR", "message": "Try again"}]
    wrong = whole(json.dumps({"results": [], "errors": errors, "numErrors": 1}).encode(), "207 Multi-Status")
    clock = Clock()
    with served(wrong, wrong) as (url, _):
        client = HubSpotClient(SecretStr(TOKEN), url, retry=retry_policy(clock, budget=1.0), limits=limits(clock))
        with pytest.raises(
            RetriesExhausted, match=r"The associations of 1 records were not read\. It said: Try again"
        ) as failure:
            client.links("contacts", "companies", [{"id": "501"}])
        client.close()
    assert isinstance(failure.value.__cause__, InvalidResponse)


# --- the source's connection ---------------------------------------------------------------------------------------


def test_the_source_connects_as_the_environment_says(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SOURCE.off() == "hubspot is off: set HUBSPOT_ACCESS_TOKEN (see .env.example)"
    monkeypatch.setenv("HUBSPOT_ACCESS_TOKEN", TOKEN)
    monkeypatch.setenv("HUBSPOT_BASE_URL", portal.stand.url + "/")
    settings.cache_clear()
    with SOURCE.open() as client:
        assert SOURCE.check(client).startswith("HubSpot accepts the token")
    assert portal.calls == ["GET /crm/v3/owners/"]
