"""How an admin panel of the company's own products is read: the contract that docs/admin-api.md asks for.

What all such panels share belongs here: the client, how lists are read, days of use, odd spellings of values. What one
panel knows, and what it is called, belongs in its own package.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, SecretStr

from gtm_platform.http.client import Api, BearerAuth
from gtm_platform.http.errors import NotFound
from gtm_platform.http.pages import Page, expect_json, expect_list, get_path, get_path_or_none
from gtm_platform.http.pagination import CursorPaging
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.redaction import bare_url
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.record import Id, Instant, Record, at, fact, with_facts
from gtm_platform.ingest.source import SliceTotal, Stream, Totals, Window
from gtm_platform.settings import SystemSettings

log = logging.getLogger(__name__)

CALLS, MINUTE = 60, 60.5  # what the contract suggests, and half a second for calls that are held up on their way
LARGEST_PAGE = 500
PAGING = CursorPaging(next_at=("next_cursor",), send_as="cursor")
CLOCK_TOLERANCE = timedelta(minutes=5)
# A day's row is final some time after midnight. What changed until then still says what was so by midnight.
SETTLES_WITHIN = timedelta(hours=6)
SETTLED_AGAIN = timedelta(days=2)  # rows of so many days are asked for again
A_DAY, AN_INSTANT = timedelta(days=1), timedelta(microseconds=1)
COUNTED_DAYS = timedelta(days=90)  # of use are compared with the panel's total

Pages = Callable[["AdminPanel", Window], Iterator[Page]]


# --- the client ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AdminPanel:
    """One panel for one run; all streams share it, and so its rate limit."""

    api: Api
    now: Callable[[], datetime]

    def pages(self, path: str, since: datetime | None = None) -> Iterator[Page]:
        """Read a list page by page, whole or what was updated since a moment."""
        first = {"limit": LARGEST_PAGE} | ({"updated_since": _instant(since)} if since else {})
        for page, _ in PAGING.walk(lambda params: self.api.get(path, params, check=as_page), first):
            yield page

    def total(self, path: str, **filters: Any) -> int | None:
        """Ask how many rows a list has that fit; None of a panel that does not say, or does not have the list yet."""
        try:
            body = self.api.get(path, {"limit": 1, **filters}, check=as_page)
        except NotFound:
            return None
        total = get_path_or_none(body, "total")
        return total if isinstance(total, int) else None


def as_page(body: bytes) -> bytes:
    """Return an answer that is a page; a bare array, as the smallest servers send, becomes the only one."""
    text = expect_json(body)
    return b'{"data":' + text + b"}" if text.lstrip()[:1] == b"[" else expect_list()(text)


@contextmanager
def open_panel(
    settings: SystemSettings, base_url: str | None, token: SecretStr | None, key: str, retry: RetryPolicy
) -> Iterator[AdminPanel]:
    """Open a panel for one run; `key` names the variable that holds the token."""
    with Api(
        settings.title,
        base_url or "",
        auth=BearerAuth(token or SecretStr("")),
        rate_limiters=RateLimiter.within(CALLS, MINUTE),
        retry=retry,
        keys=(key,),
        read_limits=_allowance,
    ) as api:
        yield AdminPanel(api, settings.now)


def check(panel: AdminPanel) -> str:
    """Make one cheap call and return which panel it is, and whether its clock goes right."""
    try:
        health = panel.api.get("/health")
    except NotFound:  # the only list that every panel has shows as well that the token is good
        panel.api.get("/accounts", {"limit": 1}, check=as_page)
        return f"{bare_url(panel.api.base_url)}, which has no /health"
    service, version = get_path(health, "service"), get_path(health, "version")
    return f"{service} {version or ''}".strip() + _clock_warning(panel, get_path(health, "time"))


def _clock_warning(panel: AdminPanel, text: Any) -> str:
    with suppress(TypeError, ValueError):
        ahead = datetime.fromisoformat(text) - panel.now()
        if abs(ahead) > CLOCK_TOLERANCE:
            return f", whose clock differs from ours by {abs(ahead)}: what changed in between may come a day late"
    return ""


def _allowance(headers: Mapping[str, str]) -> tuple[int, float] | None:
    """Return how many calls are left, and for how many seconds; None where an answer does not say."""
    remaining, reset = headers.get("ratelimit-remaining", ""), headers.get("ratelimit-reset", "")
    return (int(remaining), min(float(reset), MINUTE)) if remaining.isdecimal() and reset.isdecimal() else None


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


# --- lists -----------------------------------------------------------------------------------------------------------


def whole_list(path: str) -> Pages:
    """Return how a list is read that every panel has: whole."""
    return lambda panel, _: panel.pages(path)


def optional_list(path: str) -> Pages:
    """Return how a list is read that a panel may not have yet: whole, or what was updated."""

    def pages(panel: AdminPanel, window: Window) -> Iterator[Page]:
        try:
            yield from panel.pages(path, None if window.full else window.start)
        except NotFound:
            log.warning("%s does not have %s yet, so there is nothing to read of it.", panel.api.system, path)

    return pages


def daily_usage_stream(record: type[Record]) -> Stream:
    """Return the stream of the days of use, whose records a panel's own package maps."""
    return Stream(
        "daily_usage",
        record,
        _daily_usage,
        sync_mode="append_only",
        key=("account_id", "day"),
        cursor_field="changed_at",
        lookback=SETTLED_AGAIN,
        totals=Totals(_count_days, "`total` of the list, by the day and over the last 90 days", counted_by="day"),
    )


def _daily_usage(panel: AdminPanel, window: Window) -> Iterator[Page]:
    """Read the days of use, each with the moment of which it tells."""
    for page in optional_list("/usage/daily")(panel, window):
        yield [with_facts(raw, changed_at=_moment_of_row(raw)) for raw in page]


def _moment_of_row(raw: bytes) -> Any:
    """The row's last change; of a row that became final soon after its day, the day's last instant.

    It would else belong to the day after, and be missing from its own.
    """
    changed = get_path_or_none(raw, "updated_at")
    try:
        midnight = datetime.combine(date.fromisoformat(get_path_or_none(raw, "date")) + A_DAY, time(), UTC)
        settled = midnight <= datetime.fromisoformat(changed) < midnight + SETTLES_WITHIN
    except (TypeError, ValueError):  # the record's fields say what is wrong
        return changed
    return _instant(midnight - AN_INSTANT) if settled else changed


# --- totals ----------------------------------------------------------------------------------------------------------


def whole_total(path: str) -> Totals:
    """Return how a list is counted that is read whole."""

    def count(panel: AdminPanel, window: Window) -> SliceTotal | None:
        total = panel.total(path)
        return None if total is None else SliceTotal(window.start, window.end, total)

    return Totals(count, "`total` of the list, before and after it is read; where the panel says it")


def updated_total(path: str) -> Totals:
    """Return how a list is counted by `updated_at`."""

    def count(panel: AdminPanel, window: Window) -> SliceTotal | None:
        # In this order what changes meanwhile is in the second total as well, and drops out.
        since_start = panel.total(path, updated_since=_instant(window.start))
        since_end = panel.total(path, updated_since=_instant(window.end))
        if since_start is None or since_end is None:
            return None
        return SliceTotal(window.start, window.end, since_start - since_end)

    return Totals(count, "`total` of the list by `updated_since`, where the panel says it")


def _count_days(panel: AdminPanel, window: Window) -> SliceTotal | None:
    """Count the days of use that were so by the end: without those that have been updated since."""
    end = datetime.combine(window.end.astimezone(UTC), time(), UTC)
    start = datetime.combine((window.start + A_DAY - AN_INSTANT).astimezone(UTC), time(), UTC)
    start = max(start, end - COUNTED_DAYS)
    if start >= end:
        return None
    last = end - A_DAY
    days = _days(start, last)
    totals = [
        panel.total("/usage/daily", **days),
        panel.total("/usage/daily", **_days(last, last), updated_since=_instant(end + SETTLES_WITHIN)),
    ]
    if start < last:
        totals.append(panel.total("/usage/daily", **_days(start, last - A_DAY), updated_since=_instant(end)))
    counted = [total for total in totals if total is not None]
    return SliceTotal(start, end, 2 * counted[0] - sum(counted)) if len(counted) == len(totals) else None


def _days(first: datetime, last: datetime) -> dict[str, str]:
    return {"from": f"{first:%Y-%m-%d}", "to": f"{last:%Y-%m-%d}"}


# --- records ---------------------------------------------------------------------------------------------------------


def _utc_day(value: Any) -> Any:
    """Take a full timestamp for the UTC day that it lies in."""
    if not isinstance(value, str):
        return value
    with suppress(ValueError):
        moment = datetime.fromisoformat(value.strip())
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
    return value.strip() or None


Day = Annotated[date, BeforeValidator(_utc_day)]
MaybeDay = Annotated[date | None, BeforeValidator(_utc_day)] | None


class DayOfUse(Record):
    """What an account did on a day."""

    account_id: Id = at("account_id", default=..., about="The account.")
    day: Day = at("date", default=..., about="The day, in UTC.")
    updated_at: Instant = at("updated_at", default=..., about="When the row last changed.")
    changed_at: Instant = fact(
        "changed_at", "updated_at", default=..., about="The same; of a row that became final at night, within its day."
    )
