"""How Fathom is reached: by the keys of several people, which share one rate limit; and how it lists.

Which lists a stream reads stands in `streams`.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from gtm_platform.accounts import AccountIdentity
from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.errors import BadRequest
from gtm_platform.http.pages import Page, expect_list, get_path_or_none
from gtm_platform.http.pagination import CursorPaging
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sources.fathom.settings import FathomSettings as Settings

# What is left of the minute is room for calls that are held up on their way more than others. Whether each key has a
# limit of its own is not documented: they share one here.
MINUTE = 61.0
ROWS = "items"
KEYS = "FATHOM_API_KEYS"


class KeyAuth(BearerAuth):
    """A key that travels in a header of its own."""

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """Put the key into the request's header."""
        request.headers["X-Api-Key"] = self.secret.get_secret_value()
        yield request


@dataclass(frozen=True)
class Fathom:
    """What the owners of some keys see, for one run; `apis` has one for each key."""

    apis: Sequence[Api]

    def meetings(self, params: Mapping[str, Any]) -> Iterator[Page]:
        """Read meetings with each key in turn; one that several keys see comes once."""
        seen: set[str] = set()
        for api in self.apis:
            for page in _listed(api, "/meetings", params):
                numbered = [(_recording(meeting), meeting) for meeting in page]
                yield [meeting for number, meeting in numbered if number not in seen]
                seen.update(number for number, _ in numbered if number)

    def organisation(self, api: Api) -> str:
        """Return the domain of the oldest member of the organisation that a key belongs to.

        No answer names an organisation. Of a person without a team it is the domain of who recorded the last meeting.
        """
        members = [row for page in _listed(api, "/team_members", {}) for row in page]
        joined = [(str(get_path_or_none(row, "created_at")), str(get_path_or_none(row, "email"))) for row in members]
        if joined:
            return _domain(min(joined)[1])
        newest = next(_listed(api, "/meetings", {}))[:1]
        return _domain(str(get_path_or_none(newest[0], "recorded_by", "email"))) if newest else ""


def _recording(meeting: bytes) -> str:
    """The number of a meeting's recording; nothing, where it has none that can be read."""
    number = get_path_or_none(meeting, "recording_id")
    return str(number) if isinstance(number, int | str) else ""


def _listed(api: Api, path: str, params: Mapping[str, Any]) -> Iterator[Page]:
    def ask(more: Mapping[str, Any]) -> bytes:
        return api.get(path, more, check=expect_list(ROWS))

    for page, _ in CursorPaging(("next_cursor",), send_as="cursor", rows=ROWS).walk(ask, params):
        yield page


def _domain(email: str) -> str:
    return email.strip().lower().rpartition("@")[2]


@contextmanager
def connect(settings: Settings) -> Iterator[Fathom]:
    """Open what the keys of the environment see, for one run."""
    limiter, keys = RateLimiter.within(settings.fathom_max_rpm, MINUTE), settings.keys() or [SecretStr("")]
    with ExitStack() as stack:
        named = [f"{KEYS} (number {place})" if len(keys) > 1 else KEYS for place in range(1, len(keys) + 1)]
        apis = [_api(settings, key, name, limiter) for key, name in zip(keys, named, strict=True)]
        yield Fathom([stack.enter_context(api) for api in apis])


def _api(settings: Settings, key: SecretStr, name: str, limiter: RateLimiter) -> Api:
    return Api(
        "Fathom",
        settings.fathom_base_url,
        auth=KeyAuth(key),
        rate_limiters=limiter,
        retry=RetryPolicy(),
        keys=(name,),
        read_limits=allowance,
    )


def allowance(headers: Mapping[str, str]) -> tuple[int, float] | None:
    """Return how many calls are left, and for how many seconds; None where an answer does not say."""
    left, ends = headers.get("ratelimit-remaining", ""), headers.get("ratelimit-reset", "")
    if not (left.isdecimal() and ends.isdecimal()):
        return None
    return int(left), min(float(ends), MINUTE)


def identity(fathom: Fathom) -> AccountIdentity:
    """Ask to which organisation the first key belongs; `check` compares the others with it."""
    domain = fathom.organisation(fathom.apis[0])
    return AccountIdentity("fathom", domain, f"Fathom of {domain or 'an organisation without members'}")


def check(fathom: Fathom) -> str:
    """Make a cheap call with each key, and expect all of them to belong to one organisation."""
    domains = [fathom.organisation(api) for api in fathom.apis]
    if len(set(domains)) > 1:
        raise BadRequest("Fathom", f"{KEYS} holds keys of several organisations: {', '.join(sorted(set(domains)))}.")
    return f"organisation {domains[0]}, keys of {len(domains)} people"
