"""The emulator's addresses, below a project; an environment's are the same."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from gtm_platform.sandbox.kit.api import Handler, json_object
from gtm_platform.sandbox.posthog.access import Limits, api, not_found
from gtm_platform.sandbox.posthog.lists import Lists
from gtm_platform.sandbox.posthog.querying import Querying
from gtm_platform.sandbox.posthog.store import PostHogStore


def app(store: PostHogStore, clock: Callable[[], datetime], limits: Limits | None = None) -> Starlette:
    """PostHog on this store."""
    querying, lists = Querying(store, clock), Lists(store, clock)

    async def ask(request: Request) -> Any:
        return querying.ask(await json_object(request))

    async def fetch(request: Request) -> Any:
        return querying.fetch(request.path_params["id"])

    async def cancel(request: Request) -> Response:
        querying.cancel(request.path_params["id"])
        return Response(status_code=204)

    table: tuple[tuple[str, str, Handler], ...] = (
        ("GET", "", _project_of(store)),
        ("POST", "/query", ask),
        ("GET", "/query/{id}", fetch),
        ("DELETE", "/query/{id}", cancel),
        ("GET", "/persons", lists.persons),
        ("GET", "/persons/{id}", lists.person),
        ("GET", "/cohorts", lists.cohorts),
        ("GET", "/cohorts/{id}", lists.cohort),
        ("GET", "/cohorts/{id}/persons", lists.cohort_persons),
        ("GET", "/events", lists.events),
        ("GET", "/hog_functions", _nothing),
        ("GET", "/batch_exports", _nothing),
    )
    rows: list[tuple[str, str, Handler]] = [("GET", "/api/users/@me/", _me_of(store))]
    for space in ("projects", "environments"):
        for method, path, handler in table:
            address = f"/api/{space}/{{project}}{path}"
            rows.append((method, f"{address}/", _of_project(handler, store)))
            rows.append((method, address, _without_slash))
    return api(limits or Limits()).app(rows)


def _of_project(handler: Handler, store: PostHogStore) -> Handler:
    """The handler, for the one project that there is."""

    async def checked(request: Request) -> Any:
        if request.path_params["project"] not in (str(store.project_id), "@current"):
            raise not_found()
        return await handler(request)

    return checked


async def _without_slash(request: Request) -> Response:
    """Paths end with a slash: a GET is sent there, anything else is lost on the way."""
    if request.method != "GET":
        raise not_found()
    return RedirectResponse(str(request.url.replace(path=f"{request.url.path}/")), 301)


def _project_of(store: PostHogStore) -> Handler:
    async def project(_: Request) -> Any:
        shape = {"id": store.project_id, "name": "Product", "timezone": "UTC"}
        return {**shape, "is_demo": False, "access_control": False}

    return project


def _me_of(store: PostHogStore) -> Handler:
    async def me(_: Request) -> Any:
        return JSONResponse(
            {"uuid": "00000000-0000-4000-8000-00000000000a", "first_name": "Sam", "email": "sam.lee@vendor.example",
             "team": {"id": store.project_id, "name": "Product", "timezone": "UTC"}}
        )  # fmt: skip

    return me


async def _nothing(_: Request) -> Any:
    return {"count": 0, "next": None, "previous": None, "results": []}
