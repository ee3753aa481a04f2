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

from gtm_platform.policy import Access, policy
from gtm_platform.policy.access import Area
from gtm_platform.serving.store.sight import Sight
from gtm_platform.serving.viewer import WITH_AUDIT, WITHOUT_ROLE, viewer_of
from gtm_platform.state import State
from gtm_platform.state.api_tokens import StoredToken, add_token, token_of

SCOPES = {
    "customers:read": "Read customers, companies, metrics, freshness, alerts and runs, without personal data.",
    "personal:read": "See personal data, and look customers up by address.",
    "sync:write": "Launch a run that reads a source.",
    "audit:read": "Read the audit trail.",
    "erase": "Plan and carry out the erasure of a person.",
}
SHAPE = re.compile(r"gtm_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
CACHED_SECONDS, CACHED_TOKENS = 30.0, 10_000
LONGEST_DAYS = 730


@dataclass(frozen=True)
class Principal:
    """Who asks: a token, and what it allows. Of a role both have to allow it, the scopes and the role."""

    token_id: str
    name: str
    scopes: frozenset[str]
    areas: frozenset[Area]
    sight: Sight

    @property
    def sees_personal(self) -> bool:
        """Whether personal columns are shown."""
        return self.sight.personal

    @property
    def role(self) -> str:
        """What answers depend on besides the question."""
        return f"{','.join(sorted(self.scopes))} {','.join(sorted(self.areas))} {self.sight}"


def principal_of(token: StoredToken, access: Access) -> Principal | None:
    """Return who asks with a token; None where its role is no more in the policy."""
    scopes, personal = frozenset(token.scopes), "personal:read" in token.scopes
    if token.role is None:
        areas = WITH_AUDIT if "audit:read" in scopes else WITHOUT_ROLE
        return Principal(token.id, token.name, scopes, areas, Sight(personal))
    role = access.roles.get(token.role)
    if role is None or (role.customers == "own" and not token.account_manager):
        return None
    viewer = viewer_of(f"token {token.id}", token.role, role, token.account_manager)
    sight = Sight(personal and role.personal, viewer.sight.managers)
    allowed = scopes if sight.personal else scopes - {"personal:read"}
    return Principal(token.id, token.name, allowed, viewer.areas, sight)


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
        return principal_of(token, policy().access)

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


def create_token(
    state: State,
    name: str,
    scopes: Collection[str],
    days: int,
    now: datetime,
    role: str | None = None,
    account_manager: str | None = None,
) -> tuple[str, StoredToken]:
    """Make a token; return it as it is shown this once, and as it is kept."""
    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise ValueError(f"There is no scope {', '.join(unknown)}; there are {', '.join(SCOPES)}.")
    if not scopes:
        raise ValueError(f"A token needs a scope: {', '.join(SCOPES)}.")
    if not 1 <= days <= LONGEST_DAYS:
        raise ValueError(f"A token lives 1 to {LONGEST_DAYS} days.")
    refuse_wrong_role(role, account_manager, policy().access)
    id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    ordered = tuple(scope for scope in SCOPES if scope in scopes)
    ends = now + timedelta(days=days)
    token = StoredToken(id, name, hash_of(secret), ordered, now, ends, role=role, account_manager=account_manager)
    with state.writing() as tx:
        add_token(tx, token)
    return f"gtm_{id}_{secret}", token


def refuse_wrong_role(name: str | None, account_manager: str | None, access: Access) -> None:
    """Raise ValueError for a role that the policy has not, or that does not say whose customers it sees."""
    role = access.roles.get(name) if name else None
    if name and role is None:
        raise ValueError(f"The policy has no role {name}; it has {', '.join(access.roles)}.")
    sees_own = role is not None and role.customers == "own"
    if sees_own and not account_manager:
        raise ValueError(f"Who has the role {name} sees own customers: say whose, with --account-manager NAME.")
    if account_manager and not sees_own:
        raise ValueError("--account-manager belongs to a role that sees its own customers.")
