"""Reo.dev's streams. Accounts and developers are read whole, activities newest first until they are from before.

Nothing can be asked for by time: an account that was not active in a window is left out by its last day of activity.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec

from gtm_platform.http.pages import Page, get_path_or_none
from gtm_platform.ingest.record import instant_or_none, with_facts
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.sources.developer_acts import BY_NUMBER
from gtm_platform.sources.reodev import records
from gtm_platform.sources.reodev.client import Reo
from gtm_platform.sources.reodev.kinds import activity_id, kind_of, login_of, number_of, repository_of

SHOWN_LATE = timedelta(days=7)
DAY = timedelta(days=1)


def segments(reo: Reo, _: Window) -> Iterator[Page]:
    """Read the segments that are chosen."""
    yield reo.segments()


def accounts(reo: Reo, _: Window) -> Iterator[Page]:
    """Read the accounts of all segments, each once, with the segments it is in."""
    yield [with_facts(row, segment_ids=reo.segments_of(id_)) for id_, row in reo.accounts().items()]


def developers(reo: Reo, _: Window) -> Iterator[Page]:
    """Read the developers of all accounts, and of the segments of developers, each once."""
    ids: set[Any] = set()

    def unread(page: Page) -> Page:
        new = {get_path_or_none(row, "id"): row for row in page}
        rows = [row for id_, row in new.items() if id_ is None or id_ not in ids]
        ids.update(new)
        return rows

    for account_id in reo.accounts():
        yield unread(reo.developers(account_id))
    yield unread(list(reo.segment_developers()))


def activities(reo: Reo, window: Window) -> Iterator[Page]:
    """Read what the developers of each account did since a window began."""
    for account_id, account in reo.accounts().items():
        last = instant_or_none(account, "last_activity_date")
        if not window.full and last and last + DAY <= window.start:
            continue
        for page in _newest(reo.activities(account_id), window):
            yield [_with_account(reo, account_id, account, row) for row in page]


def _newest(pages: Iterator[Page], window: Window) -> Iterator[Page]:
    for page in pages:
        days = [instant_or_none(row, "activity_date") for row in page]
        is_recent = [window.full or day is None or day + DAY > window.start for day in days]
        yield [row for row, recent in zip(page, is_recent, strict=True) if recent]
        if not all(is_recent):
            return


def _with_account(reo: Reo, account_id: str, account: bytes, row: bytes) -> bytes:
    """Put the account, the developer and what was done beside a row."""
    activity = _members(row)
    developer = next(
        (each for each in map(_members, reo.developers(account_id)) if each.get("id") == activity.get("developer_id")),
        {},
    )
    kind, login = kind_of(activity), login_of(developer.get("developer_github"))
    is_numbered = kind in BY_NUMBER
    return with_facts(
        row,
        id=activity_id(account_id, activity),
        account_id=account_id,
        company_name=get_path_or_none(account, "account_name"),
        company_domain=get_path_or_none(account, "account_domain"),
        kind=kind,
        repository=repository_of(activity),
        act=(number_of(activity) if is_numbered else None) or login,
        developer_email=developer.get("developer_business_email"),
        github_login=login,
    )


def _members(row: bytes) -> Mapping[str, Any]:
    with suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        members = msgspec.json.decode(row)
        return members if isinstance(members, dict) else {}
    return {}


STREAMS = (
    Stream("segments", records.Segment, segments, sync_mode="full_refresh"),
    Stream("accounts", records.Account, accounts, sync_mode="full_refresh"),
    Stream("developers", records.Developer, developers, sync_mode="full_refresh"),
    Stream(
        "activities",
        records.Activity,
        activities,
        sync_mode="append_only",
        cursor_field="occurred_on",
        lookback=SHOWN_LATE,
    ),
)
