"""Who may call, and how often."""

import base64
import binascii
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.stripe.errors import StripeError, rate_limited

TOKEN = "sk_test_sandbox"


@dataclass(frozen=True)
class Limits:
    """Requests a second: to the whole account, which in test mode has no more than one endpoint, and to each."""

    account: int = 25
    endpoint: int = 25
    now: Callable[[], float] = time.monotonic


DOCUMENTED = Limits()


class Access:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._account = Limit(limits.account, 1.0, limits.now)
        self._endpoints: dict[str, Limit] = {}

    def admit(self, endpoint: str, headers: Mapping[str, str]) -> None:
        key = _key(headers.get("authorization", ""))
        if not key:
            raise StripeError(401, _NO_KEY)
        if key != TOKEN:
            raise StripeError(401, f"Invalid API Key provided: {_masked(key)}")
        own = self._endpoints.setdefault(endpoint, Limit(self._limits.endpoint, 1.0, self._limits.now))
        if not self._account.take():
            raise rate_limited("global-rate")
        if not own.take():
            raise rate_limited("endpoint-rate")


def _key(authorization: str) -> str:
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return credentials.strip() if scheme.lower() == "bearer" else ""


def _masked(key: str) -> str:
    """`sk_test_******7890`: the kind of key and its last four characters."""
    prefix = re.match(r"[a-z]+_(test|live)_", key)
    kind = prefix[0] if prefix else ""
    secret = key.removeprefix(kind)
    shown = secret[-4:] if len(secret) > 8 else ""
    return kind + "*" * max(len(secret) - len(shown), 3) + shown


_NO_KEY = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, "
    "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
)
