"""The private attributes of libraries are where they are looked for; an upgrade that moves one fails here."""

import httpcore
import httpx
import pytest
from hubspot import HubSpot
from slack_sdk import WebClient

from gtm_platform.http.compat import SlackWithoutRedirects, close_hubspot_connections, wrap_network_backend
from gtm_platform_tests.http.server import served, whole


class Counting(httpcore.NetworkBackend):
    """Counts the connections that are made through it."""

    made = 0

    def __init__(self, inner: httpcore.NetworkBackend) -> None:
        self.inner = inner

    def connect_tcp(self, *args: object, **more: object) -> httpcore.NetworkStream:
        Counting.made += 1
        return self.inner.connect_tcp(*args, **more)  # type: ignore[arg-type]


def test_httpx_connects_through_the_backend_that_was_put_in() -> None:
    before = Counting.made
    with served(whole(b"{}")) as (url, _), httpx.Client(trust_env=False) as client:
        assert wrap_network_backend(client, Counting) == 1
        client.get(url)
    assert Counting.made == before + 1


def test_httpx_has_a_pool_for_each_proxy_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with httpx.Client() as client:
        assert wrap_network_backend(client, Counting) == 2


def test_hubspots_client_lets_go_of_its_connections() -> None:
    api = HubSpot(access_token="pat-na1-test").crm.objects.basic_api
    pools = api.api_client.rest_client.pool_manager.pools
    api.api_client.rest_client.pool_manager.connection_from_url("http://127.0.0.1:9/")
    assert len(pools) == 1
    close_hubspot_connections(api)
    assert len(pools) == 0


def test_slacks_client_sends_through_the_method_that_is_replaced() -> None:
    assert "_perform_urllib_http_request_internal" in vars(SlackWithoutRedirects)
    assert callable(WebClient._perform_urllib_http_request_internal)
    ok = whole(b'{"ok": true}', headers="Content-Type: application/json\r\n")
    with served(ok) as (url, requests):
        SlackWithoutRedirects(token="xoxb-test", base_url=f"{url}/").api_test()
    assert b"Authorization: Bearer xoxb-test" in requests[0]


def test_a_redirect_does_not_get_the_token() -> None:
    with served(whole(b'{"ok": true}')) as (elsewhere, strangers):
        moved = whole(b"", "302 Found", f"Location: {elsewhere}/\r\n")
        with served(moved) as (url, _):
            SlackWithoutRedirects(token="xoxb-test", base_url=f"{url}/").api_test()
    assert b"xoxb-test" not in strangers[0]
