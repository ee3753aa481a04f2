"""Userflow's lists against its emulator: which are asked for, how they begin again, how far an onboarding got."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from gtm_platform.http.errors import BadRequest
from gtm_platform.http.pages import get_path
from gtm_platform.ingest.record import Reader
from gtm_platform.ingest.source import BEGINNING, Window
from gtm_platform.sandbox.userflow import TOKEN, app
from gtm_platform.sandbox.userflow.render import CHECKLIST, FLOW, LAUNCHER
from gtm_platform.sandbox.userflow.store import UserflowGroup, UserflowStore, UserflowUser
from gtm_platform.sources.userflow import client, streams
from gtm_platform.sources.userflow.client import Userflow
from gtm_platform.sources.userflow.records import User
from gtm_platform.sources.userflow.settings import UserflowSettings
from gtm_platform_tests.ingest.syncing import Clock
from gtm_platform_tests.sources.conftest import Stand
from gtm_platform_tests.sources.test_posthog import Habit

CAME = datetime(2026, 3, 2, 9, tzinfo=UTC)
NOW = CAME + timedelta(days=5)
EVERYTHING = Window(BEGINNING, NOW, full=True)


@dataclass
class Queries:
    """An app whose addresses are noted with all that was sent in them."""

    app: ASGIApp
    sent: list[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.sent.append(f"{scope['path']}?{scope['query_string'].decode()}")
        await self.app(scope, receive, send)


def user(number: int, *tasks: int, **more: Any) -> UserflowUser:
    """Somebody who did tasks after so many hours."""
    done = [CAME + timedelta(hours=hours) for hours in tasks]
    habit = Habit(CAME, CAME + timedelta(days=2))
    email = f"ann{number}@acme.example"
    return UserflowUser(f"usr_{number}", email, "Ann", CAME, habit, tasks=done, **more)


@pytest.fixture
def store() -> UserflowStore:
    people = [
        user(1, 1, 2, 3, group="ws_1"),
        user(2, 1, 2, 30, reset=CAME + timedelta(hours=20)),
        user(3, 1, 2, 3, 4, 5),
        replace(user(4), created=NOW - timedelta(seconds=20), email=None),
    ]
    group = UserflowGroup("ws_1", "Acme", CAME, {"name": "Acme", "domain": "acme.example"})
    return UserflowStore({each.id: each for each in people}, {"ws_1": group}, CAME - timedelta(days=9))


@pytest.fixture
def queries(stand: Stand, store: UserflowStore) -> Queries:
    stand.emulator = queries = Queries(app(store, Clock(NOW)), [])
    return queries


def opened(stand: Stand, *onboarding: str) -> Any:
    settings = UserflowSettings(
        userflow_api_key=SecretStr(TOKEN),
        userflow_base_url=stand.url,
        userflow_onboarding_content_ids=" , ".join(onboarding),
        userflow_max_rps=1000,
    )
    return client.connect(settings)


@pytest.fixture
def userflow(stand: Stand, queries: Queries) -> Iterator[Userflow]:  # noqa: ARG001  it serves
    with opened(stand, CHECKLIST) as userflow:
        yield userflow


def users(userflow: Userflow) -> dict[str, User]:
    read, _, rejected = Reader(User).read([row for page in streams.users(userflow, EVERYTHING) for row in page])
    assert rejected == []
    return {each.id: each for each in read}


def test_an_onboarding_is_as_far_as_its_newest_run(userflow: Userflow) -> None:
    read = users(userflow)
    assert {id_: each.onboarding_progress for id_, each in read.items()} == {
        "usr_1": Decimal("0.6"),
        "usr_2": Decimal("0.2"),  # since the reset
        "usr_3": Decimal(1),
        "usr_4": Decimal(0),  # no run yet
    }
    assert read["usr_3"].onboarding_completed_at == CAME + timedelta(hours=5)
    assert (read["usr_4"].onboarding_at, read["usr_4"].email) == (None, None)


def test_without_a_checklist_that_is_the_onboarding_nothing_is_said_of_it(stand: Stand, queries: Queries) -> None:
    with opened(stand) as userflow:
        assert {each.onboarding_progress for each in users(userflow).values()} == {None}
        assert client.check(userflow).endswith("the onboarding is not named")
    assert not any("content_sessions" in query for query in queries.sent)
    assert UserflowSettings(userflow_onboarding_content_ids="").hints()


def test_a_user_s_company(userflow: Userflow) -> None:
    read = users(userflow)
    ann = read["usr_1"]
    assert (ann.group_ids, ann.company_name, ann.company_domain) == (["ws_1"], "Acme", "acme.example")
    assert (read["usr_3"].group_ids, read["usr_3"].company_domain) == ([], None)


def test_runs_are_asked_for_by_content_that_has_runs(userflow: Userflow, queries: Queries) -> None:
    sessions = [row for page in streams.content_sessions(userflow, EVERYTHING) for row in page]
    assert {get_path(row, "content_id") for row in sessions} == {CHECKLIST, FLOW}
    assert any(get_path(row, "is_preview") for row in sessions)
    asked = [query for query in queries.sent if "content_sessions" in query]
    assert all("content_id=" in query for query in asked)
    assert not any(LAUNCHER in query for query in asked)


def test_lists_are_ordered_by_what_is_never_null(userflow: Userflow, queries: Queries) -> None:
    list(streams.content_sessions(userflow, EVERYTHING))
    assert all("order_by=created_at&sort=asc" in query for query in queries.sent)


def test_the_check_names_the_onboarding(stand: Stand, queries: Queries) -> None:  # noqa: ARG001
    with opened(stand, CHECKLIST) as userflow:
        assert client.check(userflow) == "3 pieces of content; the onboarding is Getting started"
    with opened(stand, "gone") as userflow:
        assert client.check(userflow) == "3 pieces of content, but none with the id gone of the onboarding"


# --- answers that the emulator does not give -------------------------------------------------------------------------


def run(number: int, user_id: str, created: datetime, **more: Any) -> dict[str, Any]:
    session = {"id": f"s{number}", "user_id": user_id, "created_at": created.isoformat(), "progress": None}
    return {**session, "completed": False, "completed_at": None, "is_preview": False, **more}


def environment(*sessions: dict[str, Any], ids: tuple[str, ...] = ("usr_1",)) -> Starlette:
    """An environment of some users and runs."""
    created = CAME.isoformat()
    lists = {
        "/users": [{"id": each, "attributes": {}, "memberships": None, "created_at": created} for each in ids],
        "/content_sessions": list(sessions),
    }

    async def listed(request: Request) -> JSONResponse:
        return JSONResponse({"object": "list", "has_more": False, "data": lists[request.url.path]})

    return Starlette(routes=[Route(path, listed) for path in lists])


@pytest.mark.parametrize(
    ("sessions", "progress"),
    [
        ([run(1, "usr_1", CAME, progress="0.4")], "0.4"),
        ([run(1, "usr_1", CAME, completed=True)], "1"),
        ([run(1, "usr_1", CAME)], "0"),
        ([run(1, "usr_1", NOW, progress=0.8), run(2, "usr_1", CAME, progress=0.2)], "0.8"),
        ([run(1, "usr_1", CAME, progress=0.2), run(2, "usr_1", NOW, progress=0.8, is_preview=True)], "0.2"),
        ([run(1, "usr_2", CAME, progress=0.2)], "0"),
        ([{"id": "s1", "user_id": "usr_1", "created_at": "soon"}, {"id": "s2"}], "0"),
    ],
)
def test_what_a_run_says_of_the_onboarding(stand: Stand, sessions: list[dict[str, Any]], progress: str) -> None:
    stand.emulator = environment(*sessions)
    with opened(stand, CHECKLIST) as userflow:
        assert users(userflow)["usr_1"].onboarding_progress == Decimal(progress)


def test_the_newest_of_several_checklists_counts(stand: Stand) -> None:
    stand.emulator = environment(run(1, "usr_1", CAME, progress=0.2))
    with opened(stand, "a", "b") as userflow:
        assert users(userflow)["usr_1"].onboarding_progress == Decimal("0.2")


@pytest.mark.parametrize(("refusals", "fails"), [(1, False), (2, False), (3, True)])
def test_a_list_that_cannot_go_on_is_begun_again(stand: Stand, refusals: int, fails: bool) -> None:
    """The record that a page ended with was deleted for good before the next was asked for."""
    refused: list[str] = []

    async def listed(request: Request) -> JSONResponse:
        after = request.query_params.get("starting_after")
        if after is None:
            return JSONResponse({"data": [{"id": f"a{len(refused)}"}], "has_more": True})
        if len(refused) < refusals:
            refused.append(after)
            message = f"starting_after: Content session with id '{after}' not found"
            return JSONResponse({"error": {"code": "invalid_params", "message": message}}, 400)
        return JSONResponse({"data": [{"id": "z"}], "has_more": False})

    stand.emulator = Starlette(routes=[Route("/content_sessions", listed)])
    with opened(stand) as userflow:
        pages = userflow.pages("/content_sessions", content_id="a")
        if fails:
            with pytest.raises(BadRequest, match="not found"):
                list(pages)
        else:
            assert [get_path(row, "id") for page in pages for row in page][-1] == "z"
    assert len(refused) == refusals


def test_another_refusal_is_not_asked_again(stand: Stand) -> None:
    async def listed(_: Request) -> JSONResponse:
        return JSONResponse({"error": {"code": "invalid_params", "message": "content_id: is required"}}, 400)

    stand.emulator = Starlette(routes=[Route("/content_sessions", listed)])
    with opened(stand) as userflow, pytest.raises(BadRequest, match="content_id"):
        list(userflow.pages("/content_sessions"))
    assert len(stand.requested) == 1
