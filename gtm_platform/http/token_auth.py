"""Access tokens that live for a while: bought with a secret, sent as a bearer token, and renewed before they end.

How a system wants to be asked for one is the request that a client hands over.
"""

import threading
import time
from collections.abc import Callable, Generator

import httpx
import msgspec

from gtm_platform.http.errors import InvalidResponse, classify

RENEWED_EARLY = 60.0  # seconds before its end
SHORTEST_LIFE = 300.0  # of a token that does not say how long it lives


class TokenAuth(httpx.Auth):
    """Sends an access token, which `request_token` fetches anew when it ends soon or was refused.

    Of several threads one fetches it. A refusal of the secret names `keys`, the variables that hold it.
    """

    def __init__(
        self,
        system: str,
        request_token: Callable[[], httpx.Request],
        keys: tuple[str, ...],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.system, self.keys = system, keys
        self._request_token, self._now = request_token, now
        self._token, self._ends = "", float("-inf")
        self._lock = threading.Lock()

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Send the request with a token; with a fresh one where it was refused, once."""
        token = yield from self._current(refused="")
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        if response.status_code == 401:
            token = yield from self._current(refused=token)
            request.headers["Authorization"] = f"Bearer {token}"
            yield request

    def _current(self, refused: str) -> Generator[httpx.Request, httpx.Response, str]:
        with self._lock:
            if self._token in ("", refused) or self._now() >= self._ends:
                response = yield self._request_token()
                response.read()
                self._take(response)
            return self._token

    def _take(self, response: httpx.Response) -> None:
        url = str(response.request.url)
        if not response.is_success:
            status = 401 if response.status_code in (400, 403) else response.status_code  # how OAuth refuses a secret
            raise classify(self.system, self.keys, status, "POST", url, response.headers, response.content)
        try:
            answer = msgspec.json.decode(response.content, type=dict)
            self._token = str(answer["access_token"])
        except (msgspec.DecodeError, KeyError, UnicodeDecodeError):
            raise InvalidResponse(self.system, f"{self.system} answered without an access token.") from None
        self._ends = self._now() + max(float(answer.get("expires_in") or SHORTEST_LIFE) - RENEWED_EARLY, 0.0)

    def __repr__(self) -> str:
        return f"TokenAuth({self.system!r})"
