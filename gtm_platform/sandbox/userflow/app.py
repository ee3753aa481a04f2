"""The emulator's addresses, and what each of them answers."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from operator import attrgetter, itemgetter
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.requests import Request

from gtm_platform.sandbox.kit.errors import path_of
from gtm_platform.sandbox.kit.paging import Identified, LastIdPaging, Page, PageSize
from gtm_platform.sandbox.kit.walks import Walks
from gtm_platform.sandbox.userflow import progress, render
from gtm_platform.sandbox.userflow.access import API_VERSION, Limits, api, invalid, not_found
from gtm_platform.sandbox.userflow.render import Shape
from gtm_platform.sandbox.userflow.store import UserflowGroup, UserflowStore, UserflowUser

R = TypeVar("R")
M = TypeVar("M", UserflowUser, UserflowGroup)
PAGING = LastIdPaging(PageSize(default=20, largest=100))
_EXPAND = {
    "users": {"groups", "memberships", "memberships.group"},
    "groups": {"memberships", "users"},
    "content": {"draft_version", "published_version"},
    "content_versions": {"tasks", "questions"},
    "content_sessions": {"answers", "content", "group", "user", "version"},
}
_KINDS = {"users": "User", "groups": "Group", "content_sessions": "Content session"}
_ATTRIBUTES = {"name": "string", "email": "string", "plan": "string", "logins": "number", "last_seen_at": "datetime",
               "signed_up_at": "datetime", "first_seen_at": "datetime"}  # fmt: skip
_EVENTS = ("flow_started", "flow_completed", "checklist_started", "checklist_task_completed", "checklist_completed")
_id = attrgetter("id")


class Userflow:
    """The handlers."""

    def __init__(self, store: UserflowStore, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._walks = Walks(clock)

    # --- users and groups ---

    async def users(self, request: Request) -> Any:
        """All users, in the order in which they came."""
        sent, now, expand = request.query_params, self._clock(), _expanded(request, "users")
        rows = (
            each
            for each in self._store.users.values()
            if sent.get("email", "").lower() in ("", (each.email or "").lower())
            and sent.get("user_id") in (None, each.id)
            and sent.get("group_id") in (None, each.group)
        )
        return self._list(
            request, "users", lambda: _ordered(rows), lambda each: render.user(each, self._store, now, expand), _id
        )

    async def user(self, request: Request) -> Any:
        """One user."""
        record = self._store.users.get(request.path_params["id"])
        if record is None:
            raise not_found(f"User with id '{request.path_params['id']}' not found")
        return render.user(record, self._store, self._clock(), _expanded(request, "users"))

    async def groups(self, request: Request) -> Any:
        """All companies."""
        expand = _expanded(request, "groups")
        rows = self._store.groups.values()
        return self._list(request, "groups", lambda: _ordered(rows), lambda each: self._group(each.id, expand), _id)

    async def group(self, request: Request) -> Any:
        """One company."""
        id_ = request.path_params["id"]
        if id_ not in self._store.groups:
            raise not_found(f"Group with id '{id_}' not found")
        return self._group(id_, _expanded(request, "groups"))

    def _group(self, id_: str, expand: set[str]) -> Shape:
        shape, now = render.group(self._store.groups[id_]), self._clock()
        if expand:
            members = [each for each in self._store.users.values() if each.group == id_]
            users = [render.user(each, self._store, now, {"memberships"}) for each in members]
            shape["users"] = [{**each, "memberships": None} for each in users] if "users" in expand else None
            memberships = [membership for each in users for membership in each["memberships"]]
            shape["memberships"] = memberships if "memberships" in expand else None
        return shape

    # --- content and the runs through it ---

    async def content(self, request: Request) -> Any:
        """Checklists, flows and the like."""
        expand, opened = _expanded(request, "content"), self._store.opened
        ids = list(render.CONTENT)
        return self._list(request, "content", lambda: ids, lambda id_: render.content(id_, opened, expand))

    async def one_content(self, request: Request) -> Any:
        """One piece of content."""
        id_ = request.path_params["id"]
        if id_ not in render.CONTENT:
            raise not_found(f"Content with id '{id_}' not found")
        return render.content(id_, self._store.opened, _expanded(request, "content"))

    async def versions(self, request: Request) -> Any:
        """The versions of a piece."""
        expand, opened = _expanded(request, "content_versions"), self._store.opened
        ids = [id_ for id_ in render.PUBLISHED if id_ == request.query_params.get("content_id")]
        return self._list(request, "content_versions", lambda: ids, lambda id_: render.version(id_, opened, expand))

    async def version(self, request: Request) -> Any:
        """One version."""
        for content_id, id_ in render.PUBLISHED.items():
            if id_ == request.path_params["id"]:
                return render.version(content_id, self._store.opened, _expanded(request, "content_versions"))
        raise not_found("Content version not found")

    async def sessions(self, request: Request) -> Any:
        """Runs through one piece; of one whose progress was reset, only the run since then."""
        expand, sent = _expanded(request, "content_sessions"), request.query_params
        content_id = sent.get("content_id")
        if not content_id:
            # A large account answers such a request with a time-out; here it is never answered otherwise.
            raise invalid("content_id: is required")

        def rows() -> list[Shape]:
            shapes = self._sessions(content_id).values()
            return [shape for shape in shapes if sent.get("user_id") in (None, shape["user_id"])]

        return self._list(
            request, "content_sessions", rows, lambda shape: self._expanded_session(shape, expand), itemgetter("id")
        )

    async def session(self, request: Request) -> Any:
        """One run."""
        for content_id in render.PUBLISHED:
            rows = self._sessions(content_id)
            if request.path_params["id"] in rows:
                return self._expanded_session(rows[request.path_params["id"]], _expanded(request, "content_sessions"))
        raise not_found(f"Content session with id '{request.path_params['id']}' not found")

    def _sessions(self, content_id: str) -> dict[str, Shape]:
        """The runs through a piece by id, in the order in which they began."""
        if content_id not in render.PUBLISHED:
            return {}
        now = self._clock()
        begun = [each for each in self._store.users.values() if progress.session_start(each, now) <= now]
        shapes = [render.session(each, content_id, now) for each in begun]
        if content_id == render.CHECKLIST:
            shapes.append(render.preview(self._store.opened))
        shapes.sort(key=lambda shape: (shape["created_at"], shape["id"]))
        return {shape["id"]: shape for shape in shapes}

    def _expanded_session(self, shape: Shape, expand: set[str]) -> Shape:
        now, store, opened = self._clock(), self._store, self._store.opened
        user, group = store.users.get(shape["user_id"]), store.groups.get(shape["group_id"] or "")
        parts: Mapping[str, Callable[[], Any]] = {
            "user": lambda: render.user(user, store, now, set()) if user else None,
            "group": lambda: render.group(group) if group else None,
            "content": lambda: render.content(shape["content_id"], opened, set()),
            "version": lambda: render.version(shape["content_id"], opened),
        }
        answers = shape["answers"] if "answers" in expand else None
        return {**shape, "answers": answers, **{name: parts[name]() for name in parts if name in expand}}

    # --- definitions ---

    async def event_definitions(self, request: Request) -> Any:
        """The events that are known."""
        opened = render.instant(self._store.opened)
        return self._list(
            request,
            "event_definitions",
            lambda: _EVENTS,
            lambda name: {"id": f"evd_{name}", "object": "event_definition", "name": name,
                          "display_name": name.replace("_", " ").capitalize(), "description": "", "created_at": opened},
        )  # fmt: skip

    async def attribute_definitions(self, request: Request) -> Any:
        """The attributes that are known."""
        opened = render.instant(self._store.opened)
        return self._list(
            request,
            "attribute_definitions",
            lambda: list(_ATTRIBUTES),
            lambda name: {"id": f"atd_{name}", "object": "attribute_definition", "name": name, "display_name": name,
                          "description": "", "data_type": _ATTRIBUTES[name], "scope": "user", "created_at": opened},
        )  # fmt: skip

    def _list(
        self,
        request: Request,
        kind: str,
        rows: Callable[[], Sequence[R]],
        shape: Callable[[R], Shape],
        id_of: Callable[[R], str] = str,
    ) -> Shape:
        """A page of a list by ids; an id that is gone since, or never was, is refused."""
        sent = request.query_params
        if sent.get("order_by", "created_at") not in ("created_at", "number", "id"):
            raise invalid(f"order_by: {sent['order_by']} is not supported by the sandbox")

        def listed() -> Identified[R]:
            return Identified.of(rows()[::-1] if sent.get("sort", "asc") == "desc" else rows(), id_of)

        def turn(identified: Identified[R]) -> Page[R]:
            after = sent.get("starting_after")
            if after and after not in identified.places:
                raise invalid(f"starting_after: {_KINDS.get(kind, kind)} with id '{after}' not found")
            return PAGING.identified_page(identified, sent)

        page = self._walks.page(request, listed, turn)
        following = request.url.include_query_params(starting_after=page.next) if page.next else None
        return {
            "object": "list",
            "has_more": page.next is not None,
            "next_page_url": f"{path_of(request)}?{following.query}" if following else None,
            "data": [shape(row) for row in page.rows],
        }


def _ordered(rows: Iterable[M]) -> list[M]:
    """Users or companies in the order in which they came."""
    return sorted(rows, key=attrgetter("created", "id"))


def _expanded(request: Request, kind: str) -> set[str]:
    """What belongs to the objects and is asked for."""
    _check_version(request)
    expand = {*request.query_params.getlist("expand[]"), *request.query_params.getlist("expand")}
    if wrong := expand - _EXPAND[kind]:
        raise invalid(f"expand: {min(wrong)} cannot be expanded")
    return expand


def _check_version(request: Request) -> None:
    version = request.headers.get("userflow-version", API_VERSION)
    if version != API_VERSION:
        raise invalid(f"Userflow-Version: {version} is not a version")


def app(store: UserflowStore, clock: Callable[[], datetime], limits: Limits | None = None) -> Starlette:
    """Userflow on this store."""
    userflow = Userflow(store, clock)
    return api(limits or Limits()).app(
        (
            ("GET", "/users", userflow.users),
            ("GET", "/users/{id}", userflow.user),
            ("GET", "/groups", userflow.groups),
            ("GET", "/groups/{id}", userflow.group),
            ("GET", "/content", userflow.content),
            ("GET", "/content/{id}", userflow.one_content),
            ("GET", "/content_versions", userflow.versions),
            ("GET", "/content_versions/{id}", userflow.version),
            ("GET", "/content_sessions", userflow.sessions),
            ("GET", "/content_sessions/{id}", userflow.session),
            ("GET", "/event_definitions", userflow.event_definitions),
            ("GET", "/attribute_definitions", userflow.attribute_definitions),
        )
    )
