"""The emulator's addresses. Lists say in a header how they go on, and an answer that did not change is a 304."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gtm_platform.sandbox.github import render
from gtm_platform.sandbox.github.access import GitHubError, Limits, api, not_found
from gtm_platform.sandbox.github.store import GitHubStore
from gtm_platform.sandbox.kit.api import json_object
from gtm_platform.sandbox.kit.errors import BadParameterError
from gtm_platform.sandbox.kit.filters import parse_instant
from gtm_platform.sandbox.kit.paging import NumberPaging, PageSize, decode_cursor, encode_cursor
from gtm_platform.sandbox.world.market_signals import REPOSITORIES

PAGING = NumberPaging(PageSize(30, 100, "per_page"))
SEARCH_PAGING = NumberPaging(PageSize(30, 100, "per_page"), reachable=1000)
_LARGEST = 100
_SEARCHED = re.compile(r'"(?P<term>[^"]+)"\s*(?:filename:(?P<file>\S+))?')
_ISSUES = ("issue", "pull_request")


class GitHub:
    """The handlers."""

    def __init__(self, store: GitHubStore, clock: Callable[[], datetime], limits: Limits) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits

    async def forks(self, request: Request) -> Any:
        """Forks of a repository, the newest first unless asked otherwise."""
        acts = self._store.acts(self._clock(), _repository(request), ("fork",))
        if request.query_params.get("sort", "newest") == "newest":
            acts.reverse()
        return _listed(request, [render.fork(act) for act in acts])

    async def issues(self, request: Request) -> Any:
        """Issues and pull requests of a repository, in the order in which they were touched."""
        now, since = self._clock(), request.query_params.get("since")
        begin = parse_instant(since) if since else None
        if since and begin is None:
            raise BadParameterError("since", "since must be an instant.")
        acts = self._store.acts(now, _repository(request), _ISSUES)
        acts = [act for act in acts if begin is None or render.updated(act, now) >= begin]
        acts.sort(key=lambda act: (render.updated(act, now), act.id))
        if request.query_params.get("direction", "desc") == "desc":
            acts.reverse()
        return _listed(request, [render.issue(act, now) for act in acts])

    async def user(self, request: Request) -> Any:
        """A person's profile."""
        account = render.by_login(self._store.accounts(self._clock()), request.path_params["login"], "User")
        if account is None:
            raise not_found()
        return _unless_unchanged(request, render.user(account))

    async def organization(self, request: Request) -> Any:
        """An organisation's profile."""
        account = render.by_login(self._store.accounts(self._clock()), request.path_params["login"], "Organization")
        if account is None:
            raise not_found()
        return _unless_unchanged(request, render.organization(account))

    async def search_code(self, request: Request) -> Any:
        """Files with a text in them, by the name of the file where it is named."""
        match = _SEARCHED.fullmatch(request.query_params.get("q", "").strip())
        if match is None:
            raise GitHubError(422, "Validation Failed", field="q", code="missing")
        files = [file for file in self._store.files(self._clock()) if match["term"] in file.text]
        if match["file"]:
            files = [file for file in files if file.path.endswith(match["file"])]
        page = SEARCH_PAGING.page(files, request.query_params)
        items = [render.code_match(file, match["term"]) for file in page.rows]
        body = {"total_count": len(files), "incomplete_results": False, "items": items}
        return _with_link(request, JSONResponse(body), page.next, len(files))

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
        acts = self._store.acts(self._clock(), name, ("star",))[::-1]
        place = decode_cursor(after, "after") if after else None
        left = [act for act in acts if place is None or [act.at.isoformat(), act.id] < place]
        rows = left[:size]
        cursor = encode_cursor([rows[-1].at.isoformat(), rows[-1].id]) if rows else None
        return {
            "stargazerCount": len(acts),
            "stargazers": {
                "pageInfo": {"hasNextPage": len(left) > size, "endCursor": cursor},
                "edges": [render.star(act, with_email="email" in query) for act in rows],
            },
        }


def _repository(request: Request) -> str:
    """The repository of an address, which has to be one that is public."""
    name = f"{request.path_params['owner']}/{request.path_params['name']}"
    if name.lower() not in map(str.lower, REPOSITORIES):
        raise not_found()
    return name


def _listed(request: Request, rows: Sequence[Any]) -> Response:
    page = PAGING.page(rows, request.query_params)
    return _with_link(request, _unless_unchanged(request, page.rows), page.next, len(rows))


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
