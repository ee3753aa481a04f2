"""All private attributes of HTTP libraries that we use: an upgrade that takes one away is noticed in one place.

Whoever needs another one adds it here, with a line in the test of this module.
"""

from collections.abc import Callable
from typing import Any
from urllib.request import Request

import httpcore
import httpx
from slack_sdk import WebClient

WrapBackend = Callable[[httpcore.NetworkBackend], httpcore.NetworkBackend]


def wrap_network_backend(client: httpx.Client, wrap: WrapBackend) -> int:
    """Put a network backend around that of each of the client's pools; return how many there are.

    httpx builds its pools itself and takes no backend, so it is put in afterwards; proxies have pools of their own.
    """
    transports = [client._transport, *client._mounts.values()]
    pools = [transport._pool for transport in transports if isinstance(transport, httpx.HTTPTransport)]
    for pool in pools:
        pool._network_backend = wrap(pool._network_backend)
    return len(pools)


def close_hubspot_connections(api: Any) -> None:
    """Close the connections of one API object of HubSpot's client, which offers no way to."""
    api.api_client.rest_client.pool_manager.clear()


class SlackWithoutRedirects(WebClient):
    """Slack's client, whose token stays behind wherever a redirect leads."""

    def _perform_urllib_http_request_internal(self, url: str, req: Request) -> dict[str, Any]:
        for name in [name for name in req.headers if name.lower() == "authorization"]:
            req.add_unredirected_header(name, req.headers.pop(name))
        return super()._perform_urllib_http_request_internal(url, req)
