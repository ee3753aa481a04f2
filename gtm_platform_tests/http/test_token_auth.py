"""Access tokens: fetched once, renewed before they end and when they are refused, and never shown."""

from collections.abc import Callable

import httpx
import pytest

from gtm_platform.http.errors import InvalidResponse, RateLimited, Unauthorized, Unavailable
from gtm_platform.http.token_auth import TokenAuth

TOKENS, DATA = "https://auth.example/token", "https://api.example/data"


class Server:
    """Hands out tokens, and answers to who has the newest one."""

    def __init__(self) -> None:
        self.handed_out = 0
        self.refused = 0
        self.now = 0.0
        self.token_answer: httpx.Response | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if str(request.url) == TOKENS:
            self.handed_out += 1
            return self.token_answer or httpx.Response(
                200, json={"access_token": f"t{self.handed_out}", "expires_in": 600}
            )
        if request.headers["Authorization"] == f"Bearer t{self.handed_out}" and not self.refused:
            return httpx.Response(200, text="fine")
        self.refused = max(0, self.refused - 1)
        return httpx.Response(401)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture
def get(server: Server) -> Callable[[], int]:
    auth = TokenAuth("Acme", lambda: httpx.Request("POST", TOKENS), ("ACME_SECRET",), now=lambda: server.now)
    client = httpx.Client(auth=auth, transport=httpx.MockTransport(server))
    return lambda: client.get(DATA).status_code


def test_one_token_serves_many_calls(server: Server, get: Callable[[], int]) -> None:
    assert [get() for _ in range(5)] == [200] * 5
    assert server.handed_out == 1


def test_it_is_renewed_a_minute_before_its_end(server: Server, get: Callable[[], int]) -> None:
    get()
    server.now = 539
    get()
    assert server.handed_out == 1
    server.now = 541
    assert get() == 200
    assert server.handed_out == 2


def test_one_that_is_refused_is_renewed_once(server: Server, get: Callable[[], int]) -> None:
    get()
    server.refused = 1
    assert get() == 200
    assert server.handed_out == 2
    server.refused = 2
    assert get() == 401
    assert server.handed_out == 3


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_refused_secret_names_its_variable(server: Server, get: Callable[[], int], status: int) -> None:
    server.token_answer = httpx.Response(status, json={"error": "invalid_client"})
    with pytest.raises(Unauthorized, match=r"ACME_SECRET.*invalid_client"):
        get()


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        (httpx.Response(503), Unavailable),
        (httpx.Response(429, headers={"Retry-After": "7"}), RateLimited),
        (httpx.Response(200, text="<html>"), InvalidResponse),
        (httpx.Response(200, json={"token": "t"}), InvalidResponse),
    ],
)
def test_what_passes_is_worth_another_try(
    server: Server, get: Callable[[], int], answer: httpx.Response, failure: type[Exception]
) -> None:
    server.token_answer = answer
    with pytest.raises(failure):
        get()
    server.token_answer = None
    server.handed_out = 0
    assert get() == 200


def test_it_does_not_show_its_token() -> None:
    assert repr(TokenAuth("Acme", lambda: httpx.Request("POST", TOKENS), ())) == "TokenAuth('Acme')"
