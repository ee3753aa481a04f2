"""How Calendly is reached (token, rate limit), whose organisation it is, and how it lists.

Which lists a stream reads stands in `streams`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import SecretStr

from gtm_platform.accounts import AccountIdentity
from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.pages import Page, expect_list, get_path, get_path_or_none
from gtm_platform.http.pagination import CursorPaging
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sources.calendly.settings import CalendlySettings as Settings

# What is left of the minute is room for calls that are held up on their way more than others.
MINUTE = 61.0
LARGEST_PAGE = 100
ROWS = "collection"


@dataclass(frozen=True)
class Calendly:
    """One organisation for one run; all streams share it, and so its rate limit."""

    api: Api

    @cached_property
    def organization(self) -> str:
        """The address of the organisation that the token belongs to."""
        return str(get_path(self.api.get("/users/me"), "resource", "current_organization"))

    @cached_property
    def members(self) -> dict[str, dict[str, Any]]:
        """Name and address of the organisation's members, under the names that an event has for them."""
        rows = [row for page in self.listed_in_organization("/organization_memberships") for row in page]
        users = [user for row in rows if isinstance(user := get_path_or_none(row, "user"), dict)]
        return {
            str(user.get("uri")): {"user_email": user.get("email"), "user_name": user.get("name")} for user in users
        }

    def an_event(self) -> Page:
        """Read one call of anybody's, which only an owner or admin may."""
        return next(self.listed_in_organization("/scheduled_events", count=1))

    def listed(self, path: str, params: Mapping[str, Any]) -> Iterator[Page]:
        """Read a list page by page, with the same parameters beside each page's token."""

        def ask(more: Mapping[str, Any]) -> bytes:
            return self.api.get(path, more, check=expect_list(ROWS))

        # The address of the next page leads to Calendly itself, wherever ours points: only its token is taken.
        paging = CursorPaging(("pagination", "next_page_token"), send_as="page_token", rows=ROWS)
        for page, _ in paging.walk(ask, {"count": LARGEST_PAGE, **params}):
            yield page

    def listed_in_organization(self, path: str, **params: Any) -> Iterator[Page]:
        """Read a list of the whole organisation."""
        return self.listed(path, {"organization": self.organization, **params})


@contextmanager
def connect(settings: Settings) -> Iterator[Calendly]:
    """Open the organisation of the environment for one run."""
    with Api(
        "Calendly",
        settings.calendly_base_url,
        auth=BearerAuth(settings.calendly_token or SecretStr("")),
        rate_limiters=RateLimiter.within(settings.calendly_max_rpm, MINUTE),
        retry=RetryPolicy(),
        keys=("CALENDLY_TOKEN",),
        read_limits=allowance,
    ) as api:
        yield Calendly(api)


def allowance(headers: Mapping[str, str]) -> tuple[int, float] | None:
    """Return how many calls are left, and for how many seconds; None for an account that does not say."""
    left, ends = headers.get("x-ratelimit-remaining", ""), headers.get("x-ratelimit-reset", "")
    if not (left.isdecimal() and ends.isdecimal()):
        return None
    return int(left), min(float(ends), MINUTE)


def identity(calendly: Calendly) -> AccountIdentity:
    """Ask which organisation the token belongs to."""
    organization = last_step(calendly.organization)
    return AccountIdentity("calendly", organization, f"Calendly organisation {organization}")


def check(calendly: Calendly) -> str:
    """Make two cheap calls: the second fails for who may see no more than the own calls."""
    calendly.an_event()
    return f"organisation {last_step(calendly.organization)}"


def last_step(address: str) -> str:
    """Return the uuid with which the address of a record ends."""
    return address.rstrip("/").rpartition("/")[2]
