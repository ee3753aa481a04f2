"""How Google Analytics is reached: tokens for a signed statement of the service account, and reports by the day."""

import json
import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx

from gtm_platform.http.client import Api
from gtm_platform.http.errors import InvalidResponse, Unauthorized
from gtm_platform.http.pages import Page, get_path, rows
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.http.token_auth import TokenAuth
from gtm_platform.sources.ga4.settings import Ga4Settings as Settings

log = logging.getLogger(__name__)

KEY = "GA4_SERVICE_ACCOUNT_JSON"
SCOPE = "https://www.googleapis.com/auth/analytics.readonly"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
STATEMENT_LIFE = 3_600  # seconds, the longest that Google accepts
# A project may use 14,000 tokens of a property in an hour; a report of some days takes about ten.
REPORTS_AN_HOUR = 1_400
LARGEST_PAGE = 100_000
SLICE = timedelta(days=200)


@dataclass(frozen=True)
class Report:
    """A table of figures by some dimensions, the first of which is the date."""

    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]


@dataclass(frozen=True)
class Analytics:
    """One property for one run; all streams share it, and so its quota."""

    api: Api
    property_id: str
    company_dimension: str | None
    history: timedelta

    def pages(self, report: Report, first: date, last: date) -> Iterator[Page]:
        """Read a report for some days, slice by slice and page by page."""
        while first <= last:
            end = min(last, first + SLICE - timedelta(days=1))
            yield from self._slice(report, first, end)
            first = end + timedelta(days=1)

    def _slice(self, report: Report, first: date, last: date) -> Iterator[Page]:
        offset, total = 0, 1
        while offset < total:
            body = self._run(report, first, last, offset, LARGEST_PAGE)
            total = get_path(body, "rowCount") or 0
            if not total:  # a report without rows has no member `rows`
                return
            _warn_of_loss(body, first, last)
            yield rows(body, "rows")
            offset += LARGEST_PAGE

    def one_row(self, report: Report, day: date) -> None:
        """Ask for so little of a report that a failure is all that can be learnt."""
        self._run(report, day, day, 0, 1)

    def _run(self, report: Report, first: date, last: date, offset: int, limit: int) -> bytes:
        names = [{"name": name} for name in report.dimensions]
        request = {
            "dateRanges": [{"startDate": first.isoformat(), "endDate": last.isoformat()}],
            "dimensions": names,
            "metrics": [{"name": name} for name in report.metrics],
            "orderBys": [{"dimension": {"dimensionName": name}} for name in report.dimensions],
            "limit": str(limit),
            "offset": str(offset),
            "keepEmptyRows": False,
        }
        body = self.api.post(f"/v1beta/properties/{self.property_id}:runReport", request)
        if get_path(body, "rowCount") and get_path(body, "dimensionHeaders") != names:
            raise InvalidResponse("Google Analytics", "Google Analytics answered with other dimensions than asked for.")
        return body

    def metadata(self) -> bytes:
        """Return the dimensions and metrics that the property has."""
        return self.api.get(f"/v1beta/properties/{self.property_id}/metadata")


def _warn_of_loss(body: bytes, first: date, last: date) -> None:
    """Google says so where it lumped rows together, or left small ones out."""
    if get_path(body, "metadata", "dataLossFromOtherRow"):
        log.warning("Google Analytics lumped rare values of %s to %s together as (other).", first, last)
    if get_path(body, "metadata", "subjectToThresholding"):
        log.warning("Google Analytics left small rows of %s to %s out, to protect visitors.", first, last)


@contextmanager
def connect(settings: Settings) -> Iterator[Analytics]:
    """Open the property of the environment for one run."""
    account = service_account(settings)
    with Api(
        "Google Analytics",
        settings.ga4_base_url,
        auth=TokenAuth("Google Analytics", lambda: _token_request(account, settings.ga4_token_url), (KEY,)),
        headers={"Accept": "application/json"},
        rate_limiters=RateLimiter.within(REPORTS_AN_HOUR, 3_600),
        retry=RetryPolicy(),
        keys=(KEY,),
    ) as api:
        history = timedelta(days=settings.ga4_history_days)
        yield Analytics(api, settings.ga4_property_id or "", settings.ga4_company_dimension, history)


def service_account(settings: Settings) -> Mapping[str, Any]:
    """Return the key of the service account, whose text or file the variable holds."""
    text = settings.ga4_service_account_json.get_secret_value() if settings.ga4_service_account_json else ""
    try:
        account = json.loads(text if text.lstrip().startswith("{") else Path(text).expanduser().read_text())
    except (OSError, ValueError):
        account = None
    if not isinstance(account, dict) or not {"client_email", "private_key"} <= account.keys():
        raise Unauthorized(
            "Google Analytics", f"{KEY} is neither a service account's key in JSON nor the path of a file with one."
        )
    return account


def _token_request(account: Mapping[str, Any], url: str) -> httpx.Request:
    return httpx.Request("POST", url, data={"grant_type": GRANT, "assertion": _statement(account, url)})


def _statement(account: Mapping[str, Any], url: str) -> str:
    """What the service account says of itself, signed with its key."""
    import jwt  # a tenth of a second, once an hour

    now = int(time.time())
    claims = {
        "iss": account["client_email"],
        "scope": SCOPE,
        "aud": url,
        "iat": now,
        "exp": now + STATEMENT_LIFE,
    }
    headers = {"kid": account["private_key_id"]} if account.get("private_key_id") else None
    try:
        return jwt.encode(claims, account["private_key"], algorithm="RS256", headers=headers)
    except (ValueError, TypeError, jwt.PyJWTError):
        raise Unauthorized("Google Analytics", f"The private_key in {KEY} is no key: download it again.") from None


def check(analytics: Analytics) -> str:
    """Ask for the property's dimensions, and whether that of companies is one of them."""
    body = analytics.metadata()
    names: Sequence[str] = [str(each.get("apiName")) for each in get_path(body, "dimensions") or ()]
    sentence = f"property {analytics.property_id} with {len(names)} dimensions"
    if analytics.company_dimension and analytics.company_dimension not in names:
        return f"{sentence}, but none named {analytics.company_dimension}: check GA4_COMPANY_DIMENSION"
    return sentence
