"""Fathom's emulator, read with all the personal keys as a stranger would, against the calls that were held."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gtm_platform.sandbox import fathom
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.server import Sandbox
from gtm_platform.sandbox.world import World
from gtm_platform_tests.contract.places import needs_specs
from gtm_platform_tests.sandbox.conftest import NOW, START, serving
from gtm_platform_tests.sandbox.judge import described, differences

EVERYTHING = {f"include_{part}": "true" for part in ("summary", "action_items", "transcript", "highlights")}


@pytest.fixture(scope="module")
def client(box: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=box.env["FATHOM_BASE_URL"], trust_env=False, timeout=60) as opened:
        yield opened


def every(client: httpx.Client, key: str, path: str = "/meetings", **params: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        page = client.get(path, params=params, headers={"X-Api-Key": key}).raise_for_status().json()
        assert len(page["items"]) <= page["limit"] == 10
        rows += page["items"]
        if page["next_cursor"] is None:
            return rows
        params["cursor"] = page["next_cursor"]


@pytest.fixture(scope="module")
def meetings(client: httpx.Client, box: Sandbox) -> dict[int, dict[str, Any]]:
    """What all keys together show."""
    keys = box.env["FATHOM_API_KEYS"].split(",")
    return {row["recording_id"]: row for key in keys for row in every(client, key, **EVERYTHING)}


def test_all_keys_together_show_everything_and_each_its_own(
    client: httpx.Client, box: Sandbox, meetings: dict[int, dict[str, Any]], true_people: list[dict[str, Any]]
) -> None:
    keys = box.env["FATHOM_API_KEYS"].split(",")
    assert len(keys) > 5
    assert set(meetings) == set(box.world.fathom.meetings)
    first = every(client, keys[0])
    assert 0 < len(first) < len(meetings)
    hosts = {row["recorded_by"]["email"]: row["recorded_by"]["team"] for row in first}
    own = box.world.fathom.members["sam.lee@vendor.example"]
    assert own.email in hosts
    for row in first:
        by, shared = row["recorded_by"], row["shared_with"]
        is_shared = shared == "all_teams" or (shared == "single_team" and by["team"] == own.team)
        assert by["email"] == own.email or is_shared
    guests = {i["email"].lower() for row in meetings.values() for i in row["calendar_invitees"] if i["is_external"]}
    assert guests == {email for person in true_people for email in person["fathom"]}


def test_recordings_follow_calls_that_were_held(
    meetings: dict[int, dict[str, Any]], true_people: list[dict[str, Any]], box: Sandbox
) -> None:
    latest = {email: person["last_call_at"] for person in true_people for email in person["fathom"]}
    hosts = {owner.email for owner in box.world.hubspot.owners.values() if not owner.archived}
    impromptu = 0
    for row in meetings.values():
        assert row["recorded_by"]["email"] in hosts
        assert row["recording_start_time"] < row["recording_end_time"] <= row["created_at"]
        guest = next((i["email"].lower() for i in row["calendar_invitees"] if i["is_external"]), None)
        if guest:
            assert row["scheduled_start_time"][:19] <= latest[guest][:19]
        else:
            impromptu += 1
            assert row["calendar_invitees_domains_type"] == "only_internal"
    assert 0 < impromptu < len(meetings) / 5


def test_what_was_said(client: httpx.Client, box: Sandbox, meetings: dict[int, dict[str, Any]]) -> None:
    keys = box.env["FATHOM_API_KEYS"].split(",")
    row = next(row for row in meetings.values() if row["shared_with"] == "all_teams" and row["action_items"])
    path = f"/recordings/{row['recording_id']}"
    summary = client.get(f"{path}/summary", headers={"X-Api-Key": keys[3]}).json()["summary"]
    assert summary == row["default_summary"]
    assert row["action_items"][0]["description"] in summary["markdown_formatted"]
    transcript = client.get(f"{path}/transcript", headers={"X-Api-Key": keys[3]}).json()["transcript"]
    assert transcript == row["transcript"]
    speakers = {line["speaker"]["matched_calendar_invitee_email"] for line in transcript}
    assert speakers <= {invitee["email"] for invitee in row["calendar_invitees"]} | {None}
    answer = client.get(
        f"{path}/summary", params={"destination_url": "https://a.example"}, headers={"X-Api-Key": keys[3]}
    )
    assert answer.json() == {"destination_url": "https://a.example"}
    plain = every(client, keys[0])[0]
    assert plain["transcript"] is plain["default_summary"] is plain["action_items"] is None
    texts = [line["text"] for each in meetings.values() for line in each["transcript"]]
    assert any("may cancel" in text for text in texts)
    assert any("excellent" in text for text in texts)
    assert {item["completed"] for each in meetings.values() for item in each["action_items"]} == {True, False}


def test_lists_are_filtered(client: httpx.Client, box: Sandbox) -> None:
    key = box.env["FATHOM_API_KEYS"].split(",")[0]
    mine = every(client, key)
    created = [row["created_at"] for row in mine]
    assert created == sorted(created, reverse=True)
    middle = created[len(created) // 2]
    assert [row["created_at"] for row in every(client, key, created_after=middle)] == [
        at for at in created if at > middle
    ]
    assert [row["created_at"] for row in every(client, key, created_before=middle)] == [
        at for at in created if at < middle
    ]
    by_sam = every(client, key, **{"recorded_by[]": ["sam.lee@vendor.example"]})
    assert {row["recorded_by"]["email"] for row in by_sam} == {"sam.lee@vendor.example"}
    team = every(client, key, **{"teams[]": ["Sales"]})
    assert {row["recorded_by"]["team"] for row in team} == {"Sales"}
    domain = next(i["email_domain"] for row in mine for i in row["calendar_invitees"] if i["is_external"])
    result = every(client, key, **{"calendar_invitees_domains[]": [domain]})
    assert all(domain in [i["email_domain"] for i in row["calendar_invitees"]] for row in result)
    assert result
    assert every(client, key, meeting_type="Unheard of") == []
    assert all(row["meeting_type"] == "Check-in" for row in every(client, key, meeting_type="Check-in"))
    internal = every(client, key, calendar_invitees_domains_type="only_internal")
    assert len(internal) + len(every(client, key, calendar_invitees_domains_type="one_or_more_external")) == len(mine)
    assert len(every(client, key, "/teams")) == 2
    assert len(every(client, key, "/team_members", team="Sales")) == 3
    assert "Check-in" in [row["name"] for row in every(client, key, "/meeting_types")]


def test_the_summary_comes_after_the_recording() -> None:
    world = World(5, 200, START)
    meeting = max(world.fathom.meetings.values(), key=lambda each: each.created)
    key = world.fathom.members[meeting.host].key or ""
    now = meeting.created
    with serving(fathom.app(world.fathom, lambda: now), {"X-Api-Key": key}) as client:
        path, params = "/external/v1/meetings", {"include_summary": "true"}
        assert client.get(path, params=params).json()["items"][0]["default_summary"]["markdown_formatted"] is None
        now = meeting.ready + timedelta(seconds=1)
        assert client.get(path, params=params).json()["items"][0]["default_summary"]["markdown_formatted"]
    assert isinstance(now, datetime)


def test_what_may_not_be_seen_is_refused(
    client: httpx.Client, box: Sandbox, meetings: dict[int, dict[str, Any]]
) -> None:
    keys = box.env["FATHOM_API_KEYS"].split(",")
    row = next(
        row
        for row in meetings.values()
        if row["shared_with"] == "no_teams" and row["recorded_by"]["email"] != "sam.lee@vendor.example"
    )
    mine = {"X-Api-Key": keys[0]}
    assert client.get(f"/recordings/{row['recording_id']}/summary", headers=mine).status_code == 403
    for path in ("/recordings/1/summary", "/recordings/1", f"/meetings/{row['recording_id']}", "/nothing"):
        assert client.get(path, headers=mine).status_code == 404
    for params in ({"created_after": "soon"}, {"include_summary": "perhaps"}, {"cursor": "!"}):
        assert client.get("/meetings", params=params, headers=mine).status_code == 400
    assert client.get("/users", headers=mine).status_code == 403
    for headers in ({}, {"X-Api-Key": "other"}, {"Authorization": f"Bearer {keys[0]}"}):
        assert client.get("/meetings", headers=headers).status_code == 401


def test_one_call_too_many() -> None:
    world = World(5, 5, START)
    with serving(
        fathom.app(world.fathom, world.clock, fathom.Limits(Limit(1, 60))), {"X-Api-Key": fathom.KEYS[1]}
    ) as client:
        answers = [client.get("/external/v1/meetings") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert 1 <= int(answers[1].headers["RateLimit-Reset"]) <= 60
    assert answers[0].headers["RateLimit-Limit"] == "1"


@needs_specs
def test_answers_are_as_described() -> None:
    world = World(5, 60, START)
    world.advance(NOW)
    shared = next(each for each in world.fathom.meetings.values() if each.shared_with == "all_teams")

    def walk(client: httpx.Client) -> None:
        for params in ({}, EVERYTHING, {"include_crm_matches": "true"}):
            client.get("/meetings", params=params)
        client.get("/meetings", headers={"X-Api-Key": ""})
        client.get("/meetings", params={"created_after": "soon"})
        for path in (f"/recordings/{shared.recording_id}/summary", f"/recordings/{shared.recording_id}/transcript"):
            client.get(path)
        for path in ("/teams", "/team_members"):
            client.get(path)

    description = described("fathom", "fathom/fathom-external-v1.reconstructed.openapi.yaml")
    inner = fathom.app(world.fathom, world.clock)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        prefix = scope["root_path"]
        path = scope["path"].removeprefix(prefix)
        await inner({**scope, "path": f"{prefix}/external/v1{path}"}, receive, send)

    expected = (" has a body",)  # the vendor does not document the bodies of refusals
    assert differences(description, app, {"X-Api-Key": fathom.KEYS[0]}, walk, expected) == []
