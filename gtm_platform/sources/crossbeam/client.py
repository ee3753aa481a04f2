"""How Crossbeam is reached: access tokens of a refresh token, the organisation in every call, two kinds of lists."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from gtm_platform.accounts import AccountIdentity
from gtm_platform.http.client import Api
from gtm_platform.http.errors import CursorLoop, InvalidResponse
from gtm_platform.http.pages import Page, expect_json, expect_list, get_path, rows
from gtm_platform.http.pagination import CursorPaging
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.http.token_auth import TokenAuth
from gtm_platform.sources.crossbeam.settings import CrossbeamSettings as Settings

SECRETS = ("CROSSBEAM_CLIENT_ID", "CROSSBEAM_CLIENT_SECRET", "CROSSBEAM_REFRESH_TOKEN")
LARGEST_PAGE, PARTNERS_PAGE = 1_000, 100
CALLS_A_SECOND = 5  # no limit is published: a careful guess
LONGEST_LIST = 10_000  # pages of partners
OVERLAPS = CursorPaging(
    next_at=("pagination", "next_cursor"), send_as="cursor", more_at=("pagination", "has_more"), rows="data"
)


@dataclass(frozen=True)
class Crossbeam:
    """One organisation for one run; all streams share it, and so its rate limit."""

    api: Api
    organization: str

    def partners(self) -> Iterator[Page]:
        """Read all partners, page by page as long as an answer names a next one."""
        for number in range(1, LONGEST_LIST):
            body = self.api.get("/v1/partners", {"limit": PARTNERS_PAGE, "page": number}, check=_page(number))
            yield rows(body)
            if not get_path(body, "pagination", "next_href"):
                return
        raise CursorLoop("Crossbeam", f"Crossbeam lists more than {LONGEST_LIST} pages of partners.")

    def overlaps(self) -> Iterator[Page]:
        """Read all accounts that partners and we share."""
        for page, _ in OVERLAPS.walk(self._overlaps, {"limit": LARGEST_PAGE}):
            yield page

    def _overlaps(self, params: dict[str, Any]) -> bytes:
        return self.api.get("/v1/overlaps/accounts", params, check=_with_data)

    def me(self) -> bytes:
        """Return who the refresh token belongs to."""
        return self.api.get("/v1/users/me")


def _page(number: int) -> Callable[[bytes], bytes]:
    """Return a check that an answer is the page that was asked for; the page before is worth another call."""

    def check(body: bytes) -> bytes:
        text = expect_list()(body)
        if get_path(text, "pagination", "page") not in (number, None):
            raise InvalidResponse("Crossbeam", f"Crossbeam answered another page of partners than {number}.")
        return text

    return check


def _with_data(body: bytes) -> bytes:
    """An answer that lists its rows under `data`; the description of the API calls them `items`."""
    text = expect_json(body)
    try:
        return expect_list("data")(text)
    except InvalidResponse:
        return expect_list("items")(text).replace(b'"items"', b'"data"', 1)


@contextmanager
def connect(settings: Settings) -> Iterator[Crossbeam]:
    """Open the organisation of the environment for one run."""
    organization = settings.crossbeam_organization_uuid or ""
    with Api(
        "Crossbeam",
        settings.crossbeam_base_url,
        auth=TokenAuth("Crossbeam", lambda: _token_request(settings), SECRETS),
        headers={"Accept": "application/json", "Xbeam-Organization": organization},
        rate_limiters=RateLimiter(CALLS_A_SECOND, burst=CALLS_A_SECOND),
        retry=RetryPolicy(),
        keys=(*SECRETS, "CROSSBEAM_ORGANIZATION_UUID"),
    ) as api:
        yield Crossbeam(api, organization)


def _token_request(settings: Settings) -> httpx.Request:
    def text(secret: SecretStr | None) -> str:
        return secret.get_secret_value() if secret else ""

    form = {
        "grant_type": "refresh_token",
        "client_id": settings.crossbeam_client_id or "",
        "client_secret": text(settings.crossbeam_client_secret),
        "refresh_token": text(settings.crossbeam_refresh_token),
    }
    return httpx.Request("POST", f"{settings.crossbeam_auth_url.rstrip('/')}/oauth/token", data=form)


def check(crossbeam: Crossbeam) -> str:
    """Ask who the refresh token belongs to."""
    account = identity(crossbeam)
    return account.label if account else "an organisation that its user does not name"


def identity(crossbeam: Crossbeam) -> AccountIdentity | None:
    """Return the organisation, where the user is one of its people."""
    listed = get_path(crossbeam.me(), "authorizations")
    organizations: list[Any] = [each.get("organization") for each in listed or () if isinstance(each, dict)]
    names = {str(each.get("uuid")): each.get("name") for each in organizations if isinstance(each, dict)}
    if crossbeam.organization not in names:
        return None
    name, id_ = names[crossbeam.organization], crossbeam.organization
    return AccountIdentity("crossbeam", id_, f"Crossbeam {name} ({id_})")
