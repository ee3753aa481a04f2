"""The emulator's addresses. Lists say in a header how they go on, and an answer that did not change is a 304."""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.github import render
from gtm_platform.sandbox.github.access import GitHubError, Limits, api, not_found
from gtm_platform.sandbox.github.store import Act, CodeFile, GitHubStore
from gtm_platform.sandbox.kit.api import json_object
from gtm_platform.sandbox.kit.cached import AsOfNow
from gtm_platform.sandbox.kit.errors import BadParameterError
from gtm_platform.sandbox.kit.filters import parse_instant
from gtm_platform.sandbox.kit.paging import CursorPaging, NumberPaging, Page, PageSize, Placed, encode_cursor
from gtm_platform.sandbox.kit.walks import Walks
from gtm_platform.sandbox.world.market_signals import REPOSITORIES

PAGING = NumberPaging(PageSize(30, 100, "per_page"))
SEARCH_PAGING = NumberPaging(PageSize(30, 100, "per_page"), reachable=1000)
_LARGEST = 100
STARS = CursorPaging(PageSize(_LARGEST, _LARGEST, "first"))
_SEARCHED = re.compile(r'"(?P<term>[^"]+)"\s*(?:filename:(?P<file>\S+))?')
_ISSUES = ("issue", "pull_request")


class GitHub:
    """The handlers."""

    def __init__(self, store: GitHubStore, clock: Callable[[], datetime], limits: Limits) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits
        self._walks = Walks(clock)
        self._accounts = AsOfNow(clock, lambda now: render.by_login(store.accounts(now)))

    async def forks(self, request: Request) -> Any:
        """Forks of a repository, the newest first unless asked otherwise."""
        name, newest = _repository(request), request.query_params.get("sort", "newest") == "newest"

        def acts() -> list[Act]:
            forks = self._store.acts(self._clock(), name, ("fork",))
            return forks[::-1] if newest else forks

        return self._listed(request, acts, render.fork)

    async def issues(self, request: Request) -> Any:
        """Issues and pull requests of a repository, in the order in which they were touched."""
        now, since = self._clock(), request.query_params.get("since")
        begin = parse_instant(since) if since else None
        if since and begin is None:
            raise BadParameterError("since", "since must be an instant.")
        name, descending = _repository(request), request.query_params.get("direction", "desc") == "desc"

        def acts() -> list[Act]:
            issues = self._store.acts(now, name, _ISSUES)
            wanted = [act for act in issues if begin is None or render.updated(act, now) >= begin]
            wanted.sort(key=lambda act: (render.updated(act, now), act.id))
            return wanted[::-1] if descending else wanted

        return self._listed(request, acts, lambda act: render.issue(act, now))

    def _listed(self, request: Request, acts: Callable[[], list[Act]], shape: Callable[[Act], Any]) -> Response:
        """A page of acts, which are looked for only where none are kept."""

        def turn(rows: list[Act]) -> Page[Act]:
            return PAGING.page(rows, request.query_params)

        page = self._walks.page(request, acts, turn)
        response = _unless_unchanged(request, [shape(act) for act in page.rows])
        return _with_link(request, response, page.next, page.total)

    async def user(self, request: Request) -> Any:
        """A person's profile."""
        account = self._accounts().get(("User", request.path_params["login"].lower()))
        if account is None:
            raise not_found()
        return _unless_unchanged(request, render.user(account))

    async def organization(self, request: Request) -> Any:
        """An organisation's profile."""
        account = self._accounts().get(("Organization", request.path_params["login"].lower()))
        if account is None:
            raise not_found()
        return _unless_unchanged(request, render.organization(account))

    async def search_code(self, request: Request) -> Any:
        """Files with a text in them, by the name of the file where it is named."""
        match = _SEARCHED.fullmatch(request.query_params.get("q", "").strip())
        if match is None:
            raise GitHubError(422, "Validation Failed", field="q", code="missing")

        def files() -> list[CodeFile]:
            matches = (file for file in self._store.files(self._clock()) if match["term"] in file.text)
            return [file for file in matches if not match["file"] or file.path.endswith(match["file"])]

        def turn(rows: list[CodeFile]) -> Page[CodeFile]:
            return SEARCH_PAGING.page(rows, request.query_params)

        page = self._walks.page(request, files, turn)
        items = [render.code_match(file, match["term"]) for file in page.rows]
        body = {"total_count": page.total, "incomplete_results": False, "items": items}
        return _with_link(request, JSONResponse(body), page.next, page.total)

    async def rate_limit(self, _: Request) -> Any:
        """How many calls of each kind are left."""
        resources = {
            name: {
                "limit": limit.calls,
                "remaining": limit.remaining,
                "reset": 0,
                "used": limit.calls - limit.remaining,
            }
            for name, limit in self._limits.by_resource.items()
        }
        return {"resources": resources, "rate": resources["core"]}

    async def graphql(self, request: Request) -> Any:
        """The stars of a repository, the newest first; no other query is understood."""
        body = await json_object(request)
        query, variables = str(body.get("query", "")), body.get("variables") or {}
        if "stargazers(" not in query or "STARRED_AT" not in query or "DESC" not in query:
            return {"errors": [{"type": "UNDEFINED", "message": "Only stargazers by STARRED_AT DESC are emulated."}]}
        name = f"{variables.get('owner')}/{variables.get('name')}"
        if name.lower() not in map(str.lower, REPOSITORIES):
            error = {
                "type": "NOT_FOUND",
                "path": ["repository"],
                "message": f"Could not resolve to a Repository '{name}'.",
            }
            return {"data": {"repository": None}, "errors": [error]}
        return {"data": {"repository": self._stars(name, query, variables)}}

    def _stars(self, name: str, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        size, after = int(variables.get("first", _LARGEST)), variables.get("after")
        if not 1 <= size <= _LARGEST:
            raise BadParameterError("first", f"first must be from 1 to {_LARGEST}.")

        def stars() -> Placed[Act]:
            return Placed.of(self._store.acts(self._clock(), name, ("star",)), _place, descending=True)

        def turn(placed: Placed[Act]) -> Page[Act]:
            return STARS.placed_page(placed, {"first": size, "after": after})

        page = self._walks.page_of(("stars", name.lower()), bool(after), stars, turn)
        return {
            "stargazerCount": page.total,
            "stargazers": {
                "pageInfo": {
                    "hasNextPage": page.next is not None,
                    "endCursor": encode_cursor(_place(page.rows[-1])) if page.rows else None,
                },
                "edges": [render.star(act, with_email="email" in query) for act in page.rows],
            },
        }


def _place(star: Act) -> list[Any]:
    return [star.at.isoformat(), star.id]


def _repository(request: Request) -> str:
    """The repository of an address, which has to be one that is public."""
    name = f"{request.path_params['owner']}/{request.path_params['name']}"
    if name.lower() not in map(str.lower, REPOSITORIES):
        raise not_found()
    return name


def _with_link(request: Request, response: Response, following: int | None, total: int) -> Response:
    """Say in a header where the list goes on, and where it ends."""
    if following:
        size = PAGING.size.read(request.query_params)
        pages = {"next": following, "last": -(-total // size)}
        urls = {name: request.url.include_query_params(page=page) for name, page in pages.items()}
        response.headers["Link"] = ", ".join(f'<{url}>; rel="{name}"' for name, url in urls.items())
    return response


def _unless_unchanged(request: Request, content: Any) -> Response:
    text = json.dumps(content, ensure_ascii=False).encode()
    etag = f'W/"{hashlib.sha256(text).hexdigest()}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    return Response(text, headers={"ETag": etag}, media_type="application/json")


def app(store: GitHubStore, clock: Callable[[], datetime], limits: Limits | None = None) -> Starlette:
    """GitHub on this store."""
    limits = limits or Limits()
    github = GitHub(store, clock, limits)
    return api(limits).app(
        (
            ("GET", "/repos/{owner}/{name}/forks", github.forks),
            ("GET", "/repos/{owner}/{name}/issues", github.issues),
            ("GET", "/users/{login}", github.user),
            ("GET", "/orgs/{login}", github.organization),
            ("GET", "/search/code", github.search_code),
            ("GET", "/rate_limit", github.rate_limit),
            ("POST", "/graphql", github.graphql),
        )
    )
