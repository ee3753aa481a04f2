"""How PartnerStack is reached: a pair of keys, and lists that go on after the key of their last row.

What the lists of partners and transactions say of other records is read once a run.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from pydantic import SecretStr

from gtm_platform.http.client import Api
from gtm_platform.http.pages import Page, expect_list, get_path_or_none
from gtm_platform.http.pagination import LastIdPaging
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sources.partnerstack.settings import PartnerStackSettings as Settings

LARGEST_PAGE = 250
CALLS_A_SECOND = 5  # no limit is published: a careful guess
ITEMS = "data.items"
PAGING = LastIdPaging(rows=ITEMS, has_more=("data", "has_more"), id="key")


@dataclass
class PartnerStack:
    """One account for one run; all streams share it, and so its rate limit."""

    api: Api
    _partners: Mapping[str, Mapping[str, Any]] | None = None
    _revenue: Mapping[str, int] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def pages(self, path: str, **since: datetime) -> Iterator[Page]:
        """Read a list page by page, whole or what was created or updated since a moment."""
        filters = {name: int(moment.timestamp() * 1000) for name, moment in since.items()}
        first = {"limit": LARGEST_PAGE, **filters}
        for page, _ in PAGING.walk(lambda more: self.api.get(path, more, check=expect_list(ITEMS)), first):
            yield page

    def partner(self, key: Any) -> Mapping[str, Any]:
        """Return the address and the name of a partner, as its partnership has them."""
        with self._lock:
            if self._partners is None:
                rows = [row for page in self.pages("/partnerships") for row in page]
                self._partners = {str(get_path_or_none(row, "partner_key")): _partner(row) for row in rows}
            return self._partners.get(str(key), {})

    def revenue(self, customer_key: Any) -> int:
        """Return what a customer's approved transactions come to, in cents of US dollars."""
        with self._lock:
            if self._revenue is None:
                sums: dict[str, int] = {}
                for row in (row for page in self.pages("/transactions") for row in page if _counts(row)):
                    customer, cents = str(get_path_or_none(row, "customer_key")), get_path_or_none(row, "amount_usd")
                    sums[customer] = sums.get(customer, 0) + (cents if isinstance(cents, int) else 0)
                self._revenue = sums
            return self._revenue.get(str(customer_key), 0)


def _partner(row: bytes) -> Mapping[str, Any]:
    team = get_path_or_none(row, "team", "name")
    return {"partner_email": get_path_or_none(row, "email"), "partner_name": team}


def _counts(transaction: bytes) -> bool:
    flags = {name: get_path_or_none(transaction, name) for name in ("approved", "archived", "test")}
    return bool(flags["approved"]) and not flags["archived"] and not flags["test"]


@contextmanager
def connect(settings: Settings) -> Iterator[PartnerStack]:
    """Open the account of the keys for one run."""
    pair = [settings.partnerstack_public_key or SecretStr(""), settings.partnerstack_secret_key or SecretStr("")]
    with Api(
        "PartnerStack",
        settings.partnerstack_base_url,
        auth=httpx.BasicAuth(*(key.get_secret_value() for key in pair)),
        headers={"Accept": "application/json"},
        rate_limiters=RateLimiter(CALLS_A_SECOND, burst=CALLS_A_SECOND),
        retry=RetryPolicy(),
        keys=("PARTNERSTACK_PUBLIC_KEY", "PARTNERSTACK_SECRET_KEY"),
    ) as api:
        yield PartnerStack(api)


def check(partnerstack: PartnerStack) -> str:
    """List the groups of partners."""
    names = [get_path_or_none(row, "name") for page in partnerstack.pages("/groups") for row in page]
    return f"{len(names)} groups of partners: {', '.join(sorted(map(str, names)))}"
