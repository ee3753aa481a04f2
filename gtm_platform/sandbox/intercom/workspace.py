"""What the addresses about the workspace itself answer: teammates, tags, segments, attributes."""

from collections.abc import Callable
from datetime import datetime

from gtm_platform.sandbox.intercom.call import Call
from gtm_platform.sandbox.intercom.contacts import visible
from gtm_platform.sandbox.intercom.errors import invalid, missing, not_found
from gtm_platform.sandbox.intercom.paging import numbered
from gtm_platform.sandbox.intercom.query import unix_timestamp
from gtm_platform.sandbox.intercom.segments import SEGMENTS, Segment, segment_shape
from gtm_platform.sandbox.intercom.store import IntercomActivity, IntercomStore
from gtm_platform.sandbox.intercom.wire import WORKSPACE_CREATED, Shape, tag_list
from gtm_platform.sandbox.kit.render import unix_seconds

ACTIVITIES_PER_PAGE = 20
MODELS = ("contact", "company", "conversation")


class Workspace:
    """The answers around one store."""

    def __init__(self, store: IntercomStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock

    def me(self, _: Call) -> Shape:
        """The admin to whom the token belongs, and the workspace."""
        admin = self._store.admins[0] if self._store.admins else {}
        return {
            "type": "admin",
            "id": admin.get("id", "1"),
            "email": admin.get("email", "ops@sandbox.example"),
            "name": admin.get("name", "Sandbox"),
            "email_verified": True,
            "app": {
                "type": "app",
                "id_code": self._store.workspace_id,
                "name": "Sandbox",
                "created_at": WORKSPACE_CREATED,
                "secure": False,
                "identity_verification": False,
                "timezone": self._store.timezone,
                "region": "US",
            },
            "avatar": {"type": "avatar", "image_url": None},
            "has_inbox_seat": True,
        }

    def admins(self, _: Call) -> Shape:
        """All teammates."""
        return {"type": "admin.list", "admins": [_admin(admin) for admin in self._store.admins]}

    def admin(self, call: Call) -> Shape:
        """One teammate."""
        admin = next((admin for admin in self._store.admins if admin["id"] == call.path["id"]), None)
        if admin is None:
            raise not_found("Admin not found", "admin_not_found")
        return _admin(admin)

    def activity_logs(self, call: Call) -> Shape:
        """What teammates did to the workspace within a time, both ends included; the newest first."""
        if not call.query.get("created_at_after"):
            raise missing("created_at_after")
        start, end = (_bound(call, name) for name in ("created_at_after", "created_at_before"))
        rows = [
            activity
            for activity in self._store.activities
            if (start is None or unix_seconds(activity.created) >= start)
            and (end is None or unix_seconds(activity.created) <= end)
        ]
        rows.sort(key=lambda activity: (activity.created, activity.id), reverse=True)
        page = numbered(rows, call.query, ACTIVITIES_PER_PAGE)
        if following := page.pages["next"]:
            page.pages["next"] = call.address_of_page(following["page"])
        shapes = [self._activity(activity) for activity in page.rows]
        return {"type": "activity_log.list", "activity_logs": shapes, "pages": page.pages}

    def _activity(self, activity: IntercomActivity) -> Shape:
        admin = next((admin for admin in self._store.admins if admin["id"] == activity.admin_id), {})
        return {
            "id": activity.id,
            "performed_by": {
                "type": "admin",
                "id": activity.admin_id,
                "email": admin.get("email"),
                "ip": "127.0.0.1",
            },
            "metadata": dict(activity.metadata),
            "created_at": unix_seconds(activity.created),
            "activity_type": activity.activity_type,
            "activity_description": activity.description,
        }

    def teams(self, _: Call) -> Shape:
        """All teams."""
        return {"type": "team.list", "teams": self._store.teams}

    def tags(self, _: Call) -> Shape:
        """All tags."""
        return tag_list(self._store.tags, self._store.tags)

    def segments(self, call: Call) -> Shape:
        """All segments, with the number of their people when that is asked for."""
        counted = call.query.get("include_count") == "true"
        shapes = [self._counted(each) if counted else segment_shape(each) for each in SEGMENTS]
        return {"type": "segment.list", "segments": shapes}

    def segment(self, call: Call) -> Shape:
        """One segment."""
        segment = next((segment for segment in SEGMENTS if segment.id == call.path["id"]), None)
        if segment is None:
            raise not_found()
        return self._counted(segment) if call.query.get("include_count") == "true" else segment_shape(segment)

    def _counted(self, segment: Segment) -> Shape:
        people = (contact for contact in self._store.contacts.values() if visible(contact))
        count = sum(segment.holds(contact, self._clock()) for contact in people)
        return {**segment_shape(segment), "count": count}

    def data_attributes(self, call: Call) -> Shape:
        """The attributes of a model, or of all."""
        model, archived = call.query.get("model"), call.query.get("include_archived") == "true"
        if model not in (None, *MODELS):
            raise invalid("model must be contact, company or conversation", "model")
        attributes = [
            attribute
            for attribute in self._store.data_attributes
            if model in (None, attribute["model"]) and (archived or not attribute["archived"])
        ]
        return {"type": "list", "data": attributes}


def _admin(admin: Shape) -> Shape:
    return {"away_status_reason_id": None, **admin}


def _bound(call: Call, name: str) -> int | None:
    return unix_timestamp(call.query[name], name) if call.query.get(name) else None
