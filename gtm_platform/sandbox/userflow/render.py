"""Userflow's objects as the API shows them. What belongs to an object is null unless it is asked for by `expand`."""

from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from gtm_platform.sandbox.userflow import progress
from gtm_platform.sandbox.userflow.store import UserflowGroup, UserflowStore, UserflowUser

Shape = dict[str, Any]
CHECKLIST, FLOW, LAUNCHER = "5c1d0f6a", "7a20b9c4", "9e3355d1"
CONTENT = {CHECKLIST: ("Getting started", "checklist"), FLOW: ("Welcome tour", "flow"), LAUNCHER: ("Help", "launcher")}
PUBLISHED = {CHECKLIST: "v8", FLOW: "v3"}  # the launcher never was
_TOUR_TAKES = timedelta(minutes=4)


def instant(at: datetime | None) -> str | None:
    """An instant with milliseconds and offset; no instant stays none."""
    return at.isoformat(timespec="milliseconds") if at else None


def user(record: UserflowUser, store: UserflowStore, now: datetime, expand: set[str]) -> Shape:
    """A user. The attributes are the product's own; an address may be missing."""
    attributes: Shape = {
        "signed_up_at": instant(record.created),
        "first_seen_at": instant(record.created + timedelta(seconds=3)),
        "last_seen_at": instant(progress.last_seen(record, now + timedelta(seconds=1))),
        "plan": record.plan,
        "logins": progress.logins(record, now),
    }
    for name, value in (("name", record.name), ("email", record.email)):
        if value:
            attributes[name] = value
    group_ = store.groups.get(record.group or "")
    groups = [group(group_)] if group_ else []
    memberships = [_membership(record, group_, "memberships.group" in expand)] if group_ else []
    return {
        "id": record.id,
        "object": "user",
        "attributes": attributes,
        "created_at": instant(record.created),
        "groups": groups if "groups" in expand else None,
        "memberships": memberships if expand & {"memberships", "memberships.group"} else None,
    }


def _membership(record: UserflowUser, group_: UserflowGroup, with_group: bool) -> Shape:
    return {
        "id": f"mem_{record.id}",
        "object": "group_membership",
        "attributes": {"role": record.role},
        "created_at": instant(record.created),
        "group_id": group_.id,
        "group": group(group_) if with_group else None,
        "user_id": record.id,
    }


def group(record: UserflowGroup) -> Shape:
    """A company."""
    return {
        "id": record.id,
        "object": "group",
        "attributes": record.attributes,
        "created_at": instant(record.created),
        "memberships": None,
        "users": None,
    }


def content(id_: str, opened: datetime | None, expand: set[str]) -> Shape:
    """A checklist, a flow, or another piece that users meet."""
    name, kind = CONTENT[id_]
    published = PUBLISHED.get(id_)
    return {
        "id": id_,
        "object": "content",
        "name": name,
        "type": kind,
        "created_at": instant(opened),
        "draft_version_id": f"{published or 'v1'}d",
        "draft_version": None,
        "published_version_id": published,
        "published_version": version(id_, opened) if published and "published_version" in expand else None,
    }


def version(content_id: str, opened: datetime | None, expand: frozenset[str] | set[str] = frozenset()) -> Shape:
    """The published version of a piece."""
    id_ = PUBLISHED[content_id]
    tasks = [
        {"id": f"t{number}", "object": "checklist_task", "name": name}
        for number, name in enumerate(progress.TASKS if content_id == CHECKLIST else (), 1)
    ]
    return {
        "id": id_,
        "object": "content_version",
        "number": int(id_[1:]),
        "description": "",
        "created_at": instant(opened),
        "edited_at": instant(opened),
        "questions": [] if "questions" in expand else None,
        "tasks": tasks if "tasks" in expand else None,
    }


def session(record: UserflowUser, content_id: str, now: datetime) -> Shape:
    """A user's run through the checklist, or through the welcome tour, which takes some minutes."""
    if content_id == CHECKLIST:
        done = progress.done(record, now)
        start, share = progress.session_start(record, now), len(done) / len(progress.TASKS)
        finished = done[-1] if share == 1 else None
        last = done[-1] if done else None
    else:
        start = record.created + timedelta(seconds=30)
        finished = start + _TOUR_TAKES if start + _TOUR_TAKES <= now else None
        last, share = finished, 1.0 if finished else 0.0
    return {
        "id": session_id(record, content_id, start),
        "object": "content_session",
        "content_id": content_id,
        "content": None,
        "version_id": PUBLISHED[content_id],
        "version": None,
        "user_id": record.id,
        "user": None,
        "group_id": record.group,
        "group": None,
        "created_at": instant(start),
        "last_activity_at": instant(last),
        "completed": finished is not None,
        "completed_at": instant(finished),
        "progress": share,
        "is_preview": False,
        "launcher_activated": False,
        "answers": [],
    }


def session_id(record: UserflowUser, content_id: str, start: datetime) -> str:
    """The id of a run; a new run after a reset has another one."""
    return str(uuid5(NAMESPACE_URL, f"{record.id} {content_id} {start.isoformat()}"))


def preview(opened: datetime | None) -> Shape:
    """A click of the firm's own staff, which says nothing of any user."""
    shape: Shape = {
        "id": str(uuid5(NAMESPACE_URL, "preview")), "object": "content_session", "content_id": CHECKLIST,
        "content": None, "version_id": "v8", "version": None, "user_id": "usr_staff", "user": None, "group_id": None,
        "group": None, "created_at": instant(opened), "last_activity_at": None, "completed": False,
        "completed_at": None, "progress": 0.4, "is_preview": True, "launcher_activated": False, "answers": [],
    }  # fmt: skip
    return shape
