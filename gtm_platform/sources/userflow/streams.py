"""Userflow's streams, each read in full: no record of it says when it last changed, and past events are not listed.

Runs are listed by content. How far the onboarding got is put beside the user, who may have begun no run.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from gtm_platform.http.errors import InvalidResponse
from gtm_platform.http.pages import Page, get_path, get_path_or_none
from gtm_platform.ingest.record import with_facts
from gtm_platform.ingest.source import Stream, Window
from gtm_platform.sources.userflow import records
from gtm_platform.sources.userflow.client import Userflow

RUN_THROUGH = ("checklist", "flow")  # the types of content that have a progress
NOT_BEGUN = {"onboarding_progress": 0, "onboarding_at": None, "onboarding_completed_at": None}


def users(userflow: Userflow, _: Window) -> Iterator[Page]:
    """Read all users with their companies, and with how far their onboarding got."""
    newest = _newest_onboarding(userflow)
    expand = ("memberships", "memberships.group")
    for page in userflow.pages("/users", expand):
        yield [with_facts(user, **_onboarding(userflow, newest, user)) for user in page]


def _newest_onboarding(userflow: Userflow) -> Mapping[str, tuple[datetime, bytes]]:
    """Return by user the newest run through the onboarding that is no preview, and when it began."""
    newest: dict[str, tuple[datetime, bytes]] = {}
    for content_id in userflow.onboarding_ids:
        for page in userflow.pages("/content_sessions", content_id=content_id):
            for session in page:
                user, began = get_path_or_none(session, "user_id"), _began(session)
                if user is None or began is None or get_path_or_none(session, "is_preview"):
                    continue
                if user not in newest or newest[user][0] <= began:
                    newest[user] = began, session
    return newest


def _began(session: bytes) -> datetime | None:
    try:
        return datetime.fromisoformat(str(get_path(session, "created_at")))
    except (InvalidResponse, ValueError):  # the stream of the runs sets it aside
        return None


def _onboarding(userflow: Userflow, newest: Mapping[str, tuple[datetime, bytes]], user: bytes) -> dict[str, Any]:
    if not userflow.onboarding_ids:
        return {}
    _, session = newest.get(str(get_path_or_none(user, "id")), (None, None))
    if session is None:
        return NOT_BEGUN
    progress, completed = get_path(session, "progress"), get_path(session, "completed")
    return {
        "onboarding_progress": int(bool(completed)) if progress is None else progress,
        "onboarding_at": get_path(session, "created_at"),
        "onboarding_completed_at": get_path(session, "completed_at"),
    }


def groups(userflow: Userflow, _: Window) -> Iterator[Page]:
    """Read all companies."""
    return userflow.pages("/groups")


def content(userflow: Userflow, _: Window) -> Iterator[Page]:
    """Read what users can meet."""
    return userflow.pages("/content")


def content_sessions(userflow: Userflow, _: Window) -> Iterator[Page]:
    """Read the runs through every checklist and flow that was ever shown, and through the onboarding."""
    pieces = [piece for page in userflow.pages("/content") for piece in page]
    shown = [get_path(piece, "id") for piece in pieces if _has_runs(piece)]
    for content_id in dict.fromkeys([*shown, *userflow.onboarding_ids]):
        yield from userflow.pages("/content_sessions", content_id=content_id)


def _has_runs(piece: bytes) -> bool:
    return get_path(piece, "type") in RUN_THROUGH and get_path(piece, "published_version_id") is not None


def a_user(userflow: Userflow) -> object:
    """Ask for the first page of users alone, without the onboarding."""
    return next(userflow.pages("/users"), None)


STREAMS = (
    Stream("users", records.User, users, sync_mode="full_refresh", probe=a_user),
    Stream("groups", records.Group, groups, sync_mode="full_refresh"),
    Stream("content", records.Content, content, sync_mode="full_refresh"),
    Stream("content_sessions", records.ContentSession, content_sessions, sync_mode="full_refresh"),
)
