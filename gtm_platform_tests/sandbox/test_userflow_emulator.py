"""Userflow's emulator, read as a stranger would, against what is true of the users."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.server import Sandbox
from gtm_platform.sandbox.userflow import API_VERSION, TOKEN, Limits, app
from gtm_platform.sandbox.world import World
from gtm_platform_tests.sandbox.conftest import START, serving


@pytest.fixture(scope="module")
def client(box: Sandbox) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {box.env['USERFLOW_API_KEY']}", "Userflow-Version": API_VERSION}
    with httpx.Client(base_url=box.env["USERFLOW_BASE_URL"], headers=headers, trust_env=False, timeout=60) as opened:
        yield opened


def every(client: httpx.Client, path: str, **params: Any) -> list[dict[str, Any]]:
    """All pages of a list, by the id that each names for the next one."""
    rows: list[dict[str, Any]] = []
    while True:
        page = client.get(path, params=params).raise_for_status().json()
        rows += page["data"]
        if not page["has_more"]:
            assert page["next_page_url"] is None
            return rows
        assert page["next_page_url"].startswith(f"{path}?")
        params["starting_after"] = httpx.URL(page["next_page_url"]).params["starting_after"]


@pytest.fixture(scope="module")
def users(client: httpx.Client) -> dict[str, dict[str, Any]]:
    return {user["id"]: user for user in every(client, "/users", limit=33, expand="memberships")}


def test_users_are_known_by_the_products_own_id(
    users: dict[str, dict[str, Any]], true_people: list[dict[str, Any]], box: Sandbox
) -> None:
    assert set(users) == {id_ for person in true_people for id_ in person["userflow"]}
    external_ids = {contact.external_id for contact in box.world.intercom.contacts.values()}
    without = [id_ for id_, user in users.items() if "email" not in user["attributes"]]
    assert without
    assert set(without) <= external_ids, "whoever has no address here is told by the id there"
    for person in true_people:
        for id_ in person["userflow"]:
            seen = datetime.fromisoformat(users[id_]["attributes"]["last_seen_at"])
            assert seen <= datetime.fromisoformat(person["last_seen_at"])


def test_onboarding_is_true(
    client: httpx.Client, box: Sandbox, true_people: list[dict[str, Any]], users: dict[str, dict[str, Any]]
) -> None:
    checklist = box.env["USERFLOW_ONBOARDING_CONTENT_IDS"]
    sessions = every(client, "/content_sessions", content_id=checklist, limit=50, order_by="created_at", sort="asc")
    newest = {session["user_id"]: session for session in sessions if not session["is_preview"]}
    assert len(newest) < len(sessions)
    percentages = set()
    for person in true_people:
        for id_ in person["userflow"]:
            assert person["onboarding_pct"] == round(100 * newest[id_]["progress"])
            assert newest[id_]["completed"] == (person["onboarding_pct"] == 100)
            percentages.add(person["onboarding_pct"])
    assert percentages == {0, 20, 40, 60, 80, 100}
    session = next(iter(newest.values()))
    expanded = client.get(
        f"/content_sessions/{session['id']}", params={"expand[]": ["user", "content", "version"]}
    ).json()
    assert expanded["user"]["id"] == session["user_id"] in users
    assert expanded["content"]["type"] == "checklist"
    mine = every(client, "/content_sessions", content_id=checklist, user_id=session["user_id"])
    assert [session["id"] for session in mine] == [session["id"]]


def test_a_reset_deletes_the_session_and_a_cursor_that_points_at_it_is_refused() -> None:
    world = World(5, 400, START)
    user = next(each for each in world.userflow.users.values() if each.reset and each.reset < START)
    reset = user.reset
    assert reset is not None
    now = reset - timedelta(hours=1)
    params = {"content_id": "5c1d0f6a", "user_id": user.id}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with serving(app(world.userflow, lambda: now), headers) as client:
        [before] = client.get("/content_sessions", params=params).json()["data"]
        now = reset + timedelta(hours=1)
        [after] = client.get("/content_sessions", params=params).json()["data"]
        assert before["id"] != after["id"]
        assert client.get(f"/content_sessions/{before['id']}").status_code == 404
        refused = client.get("/content_sessions", params={**params, "starting_after": before["id"]})
    assert refused.status_code == 400
    assert refused.json()["error"] == {
        "code": "invalid_params",
        "message": f"starting_after: Content session with id '{before['id']}' not found",
    }


def test_logins_are_a_counter(client: httpx.Client, true_people: list[dict[str, Any]]) -> None:
    ours = {id_: p["logins_30d"] for p in true_people if p["logins_30d"] is not None for id_ in p["userflow"]}
    users = {user["id"]: user["attributes"]["logins"] for user in every(client, "/users", limit=100)}
    assert all(users[id_] >= logins for id_, logins in ours.items())
    assert any(users[id_] > logins for id_, logins in ours.items())


def test_what_belongs_to_an_object_is_null_unless_it_is_expanded(client: httpx.Client) -> None:
    plain = client.get("/users", params={"limit": 1}).json()["data"][0]
    assert plain["groups"] is None is plain["memberships"]
    rows = every(client, "/users", limit=100, **{"expand[]": ["groups", "memberships.group"]})
    member = next(user for user in rows if user["memberships"])
    [membership] = member["memberships"]
    assert membership["group"] == member["groups"][0]
    group = client.get(f"/groups/{membership['group_id']}", params={"expand": "users"}).json()
    assert member["id"] in [user["id"] for user in group["users"]]
    assert client.get(f"/users/{member['id']}", params={"expand": "groups"}).json()["groups"] == member["groups"]
    same = every(client, "/users", group_id=membership["group_id"])
    assert {user["id"] for user in same} == {user["id"] for user in group["users"]}
    email = member["attributes"].get("email")
    if email:
        assert [user["id"] for user in every(client, "/users", email=email)] == [member["id"]]


def test_content_and_definitions(client: httpx.Client) -> None:
    content = {row["id"]: row for row in every(client, "/content", **{"expand[]": "published_version"})}
    assert {row["type"] for row in content.values()} == {"checklist", "flow", "launcher"}
    assert sum(row["published_version_id"] is None for row in content.values()) == 1
    checklist = next(row for row in content.values() if row["type"] == "checklist")
    [version] = every(client, "/content_versions", content_id=checklist["id"], **{"expand[]": "tasks"})
    assert version["id"] == checklist["published_version_id"]
    assert len(version["tasks"]) == 5
    assert client.get(f"/content_versions/{version['id']}").json()["tasks"] is None
    assert client.get(f"/content/{checklist['id']}").json()["name"] == "Getting started"
    flow = next(id_ for id_, row in content.items() if row["type"] == "flow")
    assert any(row["completed"] for row in every(client, "/content_sessions", content_id=flow, limit=100))
    assert len(every(client, "/groups", limit=10)) == len({row["id"] for row in every(client, "/groups", limit=100)})
    assert {row["data_type"] for row in every(client, "/attribute_definitions")} >= {"string", "number", "datetime"}
    assert every(client, "/event_definitions", limit=2)[0]["object"] == "event_definition"


@pytest.mark.parametrize(
    ("path", "params", "status", "code"),
    [
        ("/users", {"limit": 101}, 400, "invalid_params"),
        ("/users", {"starting_after": "nobody"}, 400, "invalid_params"),
        ("/users", {"expand": "secrets"}, 400, "invalid_params"),
        ("/users", {"order_by": "mood"}, 400, "invalid_params"),
        ("/content_sessions", {}, 400, "invalid_params"),
        ("/users/nobody", {}, 404, "not_found"),
        ("/groups/nothing", {}, 404, "not_found"),
        ("/content_versions/v0", {}, 404, "not_found"),
        ("/events", {}, 404, "not_found"),
    ],
)
def test_what_is_asked_wrongly_is_refused(
    client: httpx.Client, path: str, params: dict[str, Any], status: int, code: str
) -> None:
    refused = client.get(path, params=params)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert client.get(path, headers={"Authorization": ""}).status_code == 401
    assert client.get("/users", headers={"Userflow-Version": "2031-01-01"}).status_code == 400


def test_one_call_too_many() -> None:
    world = World(5, 5, START)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with serving(app(world.userflow, world.clock, Limits(Limit(1, 60))), headers) as client:
        answers = [client.get("/users") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json()["error"]["code"] == "rate_limit_exceeded"
