"""Tokens: what they look like, what they allow, and whether one may be used. API, hooks and chat share them.

A token is `gtm_<id>_<secret>`; the state keeps the id and the hash of the secret, so it cannot be shown again.
"""

import hashlib
import re
import secrets
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from hmac import compare_digest

from gtm_platform.state import State
from gtm_platform.state.api_tokens import StoredToken, add_token, token_of

SCOPES = {
    "customers:read": "Read customers, companies, metrics, freshness, alerts and runs, without personal data.",
    "personal:read": "See personal data, and look customers up by address.",
    "sync:write": "Launch a run that reads a source.",
    "erase": "Plan and carry out the erasure of a person.",
}
SHAPE = re.compile(r"gtm_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
CACHED_SECONDS, CACHED_TOKENS = 30.0, 10_000
LONGEST_DAYS = 730


@dataclass(frozen=True)
class Principal:
    """Who asks: a token, and what it allows."""

    token_id: str
    name: str
    scopes: frozenset[str]

    @property
    def sees_personal(self) -> bool:
        """Whether personal columns are shown."""
        return "personal:read" in self.scopes

    @property
    def role(self) -> str:
        """What answers depend on besides the question."""
        return ",".join(sorted(self.scopes))


class Tokens:
    """The tokens of a state; what was looked up is trusted for half a minute, also a revoked one."""

    def __init__(self, state: State, now: Callable[[], datetime], clock: Callable[[], float] = time.monotonic) -> None:
        self._state, self._now, self._clock = state, now, clock
        self._lock = threading.Lock()
        self._cached: dict[str, tuple[float, StoredToken]] = {}

    def principal(self, shown: str) -> Principal | None:
        """Return whose token it is; None where it is none, has expired, was revoked or never existed."""
        parts = SHAPE.fullmatch(shown)
        if parts is None:
            return None
        token = self._stored(parts[1])
        if token is None or not compare_digest(token.hash, hash_of(parts[2])) or not token.is_valid(self._now()):
            return None
        return Principal(token.id, token.name, frozenset(token.scopes))

    def _stored(self, id: str) -> StoredToken | None:
        cached = self._cached.get(id)
        if cached and self._clock() < cached[0]:
            return cached[1]
        with self._state.reading() as tx:
            token = token_of(tx, id)
        if token:
            with self._lock:
                if len(self._cached) >= CACHED_TOKENS:
                    self._cached.clear()
                self._cached[id] = (self._clock() + CACHED_SECONDS, token)
        return token


def hash_of(secret: str) -> str:
    """Return what is kept of a secret: it is as random as a key, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


def create_token(state: State, name: str, scopes: Collection[str], days: int, now: datetime) -> tuple[str, StoredToken]:
    """Make a token; return it as it is shown this once, and as it is kept."""
    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise ValueError(f"There is no scope {', '.join(unknown)}; there are {', '.join(SCOPES)}.")
    if not scopes:
        raise ValueError(f"A token needs a scope: {', '.join(SCOPES)}.")
    if not 1 <= days <= LONGEST_DAYS:
        raise ValueError(f"A token lives 1 to {LONGEST_DAYS} days.")
    id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    ordered = tuple(scope for scope in SCOPES if scope in scopes)
    token = StoredToken(id, name, hash_of(secret), ordered, now, now + timedelta(days=days))
    with state.writing() as tx:
        add_token(tx, token)
    return f"gtm_{id}_{secret}", token
