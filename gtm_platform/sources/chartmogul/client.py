"""How ChartMogul is reached: the key, the pace, lists that go on by cursor, and answers in one piece.

Which lists a stream reads stands in `streams`.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic import SecretStr

from gtm_platform.accounts import AccountIdentity
from gtm_platform.http.client import Api
from gtm_platform.http.pages import Page, expect_list, get_path, rows
from gtm_platform.http.pagination import CursorPaging
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sources.chartmogul.settings import ChartMogulSettings as Settings

# 40 calls a second are allowed; but computing time is limited, too, without a number, so few are asked for.
RATE, BURST = 5.0, 5
LARGEST_PAGE = 200


@dataclass(frozen=True)
class ChartMogul:
    """One account for one run."""

    api: Api

    def pages(self, path: str, rows_at: str = "entries", params: Mapping[str, Any] = {}) -> Iterator[Page]:
        """Read a list page by page; what it is listed under differs from list to list."""
        paging = CursorPaging(next_at=("cursor",), send_as="cursor", rows=rows_at, more_at=("has_more",))
        first = {"per_page": LARGEST_PAGE, **params}
        for page, _ in paging.walk(lambda more: self.api.get(path, more, check=expect_list(rows_at)), first):
            yield page

    def single_page(self, path: str, rows_at: str = "entries", params: Mapping[str, Any] = {}) -> Page:
        """Read a list that comes in one piece."""
        return rows(self.api.get(path, params, check=expect_list(rows_at)), rows_at)

    def account(self) -> bytes:
        """Read the account and its settings."""
        return self.api.get("/account")


@contextmanager
def connect(settings: Settings) -> Iterator[ChartMogul]:
    """Open the account of the environment for one run. The key is the user name; there is no password."""
    key = (settings.chartmogul_api_key or SecretStr("")).get_secret_value().strip()
    with Api(
        "ChartMogul",
        settings.chartmogul_base_url,
        auth=httpx.BasicAuth(key, ""),
        rate_limiters=RateLimiter(RATE, BURST),
        retry=RetryPolicy(),
        keys=("CHARTMOGUL_API_KEY",),
    ) as api:
        yield ChartMogul(api)


def identity(chartmogul: ChartMogul) -> AccountIdentity:
    """Ask which account the key opens."""
    account = chartmogul.account()
    id_, name = get_path(account, "id"), get_path(account, "name")
    return AccountIdentity("chartmogul", str(id_), f"ChartMogul account {id_} ({name})")


def check(chartmogul: ChartMogul) -> str:
    """Make one cheap call and return which account the key opens."""
    account = chartmogul.account()
    shown = {name: get_path(account, name) for name in ("id", "name", "currency", "time_zone")}
    return f"account {shown['id']} ({shown['name']}), in {shown['currency']}, days in {shown['time_zone']}"
