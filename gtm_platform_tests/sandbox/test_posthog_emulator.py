"""PostHog's emulator, read by queries and lists as a stranger would, against what is true of the people."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gtm_platform.sandbox import posthog
from gtm_platform.sandbox.kit.limits import Rate
from gtm_platform.sandbox.server import Sandbox
from gtm_platform.sandbox.world import World
from gtm_platform_tests.sandbox.conftest import DAY, NOW, START, serving

KEY = {"Authorization": f"Bearer {posthog.TOKEN}"}
FROM, TO = f"{NOW - timedelta(days=30):%Y-%m-%d} 00:00:00.000000", f"{NOW:%Y-%m-%d} 00:00:00.000000"
WINDOW = f"timestamp >= toDateTime64('{FROM}', 6, 'UTC') AND timestamp < toDateTime64('{TO}', 6, 'UTC')"


@pytest.fixture
def client(box: Sandbox) -> Iterator[httpx.Client]:
    address = f"{box.env['POSTHOG_HOST']}/api/projects/{box.env['POSTHOG_PROJECT_ID']}"
    headers = {"Authorization": f"Bearer {box.env['POSTHOG_API_KEY']}"}
    with httpx.Client(base_url=address, headers=headers, trust_env=False, timeout=60) as opened:
        yield opened


def ask(client: httpx.Client, text: str, **more: Any) -> dict[str, Any]:
    """The answer to a query that has to be answered anew."""
    query = {"kind": "HogQLQuery", "query": text, "values": more.pop("values", {})}
    answer = client.post("/query/", json={"query": query, "refresh": "force_blocking", "name": "test", **more})
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()
    return result


def rows(client: httpx.Client, text: str, **more: Any) -> list[dict[str, Any]]:
    answer = ask(client, text, **more)
    return [dict(zip(answer["columns"], row, strict=True)) for row in answer["results"]]


def refusal(client: httpx.Client, text: str) -> tuple[int, dict[str, Any]]:
    answer = client.post("/query/", json={"query": {"kind": "HogQLQuery", "query": text}})
    return answer.status_code, answer.json()


def test_logins_and_last_sights_are_true(client: httpx.Client, true_people: list[dict[str, Any]]) -> None:
    week = f"{NOW - timedelta(days=7):%Y-%m-%d} 00:00:00"
    result = {
        row["person_id"]: row
        for row in rows(
            client,
            f"""SELECT person_id, countIf(event = 'user_logged_in') AS logins_30d, max(timestamp) AS last_seen,
            countIf(event = 'user_logged_in' AND timestamp >= toDateTime('{week}', 'UTC')) AS logins_7d
            FROM events WHERE {WINDOW} GROUP BY person_id ORDER BY person_id LIMIT 50000""",
        )
    }
    compared = 0
    for person in true_people:
        for uuid in person["posthog"]:
            row = result.get(uuid, {"logins_7d": 0, "logins_30d": 0, "last_seen": None})
            assert (person["logins_7d"], person["logins_30d"]) == (row["logins_7d"], row["logins_30d"])
            if row["last_seen"]:
                assert datetime.fromisoformat(row["last_seen"]) <= datetime.fromisoformat(person["last_seen_at"])
            compared += bool(row["logins_30d"])
    assert compared > 60


def test_pages_by_timestamp_and_uuid_read_every_event_once(client: httpx.Client) -> None:
    columns = "uuid, timestamp, toString(uuid) AS id"
    expected = [row["uuid"] for row in rows(client, f"SELECT {columns} FROM events WHERE {WINDOW} LIMIT 50000")]
    after, read, instants = ("1970-01-01 00:00:00", ""), list[str](), list[str]()
    while True:
        page = rows(
            client,
            f"""SELECT {columns} FROM events WHERE {WINDOW} AND (timestamp > toDateTime64({{at}}, 6, 'UTC')
            OR (timestamp = toDateTime64({{at}}, 6, 'UTC') AND toString(uuid) > {{id}}))
            ORDER BY timestamp, toString(uuid) LIMIT 700""",
            values={"at": after[0], "id": after[1]},
        )
        read += [row["uuid"] for row in page]
        instants += [row["timestamp"] for row in page]
        if not page:
            break
        after = (page[-1]["timestamp"].replace("T", " ").rstrip("Z"), page[-1]["uuid"])
    assert len(read) == len(set(read)) == len(expected) > 3000
    assert set(read) == set(expected)
    assert len(set(instants)) < len(instants), "some events share their microsecond"


def test_persons_and_signups(client: httpx.Client, true_people: list[dict[str, Any]], box: Sandbox) -> None:
    owned = {uuid for person in true_people for uuid in person["posthog"]}
    text = (
        "SELECT id, properties, is_identified, pdi.distinct_id AS distinct_id, properties.email AS email FROM persons"
    )
    persons = {row["id"]: row for row in rows(client, f"{text} WHERE id > toUUID('0') ORDER BY id LIMIT 50000")}
    assert {id_ for id_, row in persons.items() if row["is_identified"]} == owned
    assert sum(row["distinct_id"].startswith("usr_") for row in persons.values()) > 0.8 * len(persons)
    assert all(json.loads(row["properties"]).get("email") == row["email"] for row in persons.values())
    assert 0 < sum(row["email"] is None for row in persons.values()) < 0.2 * len(persons)
    signups = rows(
        client,
        f"""SELECT uuid, person_id, properties, properties.use_case AS use_case, created_at, timestamp,
        coalesce(properties.utm_source, person.properties.$initial_utm_source) AS source,
        group_0.properties.name AS company
        FROM events WHERE event = 'user_signed_up' AND {WINDOW} LIMIT 1000""",
    )
    assert len(signups) > 5
    assert all(row["use_case"] == json.loads(row["properties"])["use_case"] for row in signups)
    assert any(row["source"] for row in signups)
    assert any(row["company"] for row in signups)
    assert {row["person_id"] for row in signups} <= set(box.world.posthog.persons)


def test_a_late_event_is_not_there_before_it_has_come() -> None:
    world = World(5, 300, START)
    late = [
        person
        for person in world.posthog.persons.values()
        if person.signup_ingested and person.signup_ingested - person.created > timedelta(minutes=1)
    ]
    while not late:
        world.advance(world.now + timedelta(days=10))
        late = [p for p in world.posthog.persons.values() if p.signup_ingested and p.signup_ingested > world.now]
    person = max(late, key=lambda each: each.created)
    text = f"SELECT uuid FROM events WHERE event = 'user_signed_up' AND person_id = '{person.uuid}' LIMIT 10"
    with serving(posthog.app(world.posthog, world.clock), KEY) as client:
        ingested = person.signup_ingested
        assert ingested is not None
        body = {"query": {"kind": "HogQLQuery", "query": text}, "refresh": "force_blocking"}
        seen = len(client.post("/api/projects/@current/query/", json=body).json()["results"])
        assert seen == (ingested <= world.now)
        world.advance(max(world.now, ingested) + timedelta(minutes=1))
        assert len(client.post("/api/projects/@current/query/", json=body).json()["results"]) == 1


def test_limits_of_rows(client: httpx.Client) -> None:
    assert len(ask(client, f"SELECT uuid FROM events WHERE {WINDOW}")["results"]) == 100
    assert ask(client, f"SELECT uuid FROM events WHERE {WINDOW} LIMIT 100000")["limit"] == 50_000
    two = ask(client, f"SELECT uuid, timestamp FROM events WHERE {WINDOW} LIMIT 2")
    assert (len(two["results"]), two["hasMore"], two["columns"]) == (2, True, ["uuid", "timestamp"])
    assert two["types"][1] == ["timestamp", "DateTime64(6, 'UTC')"]


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        (
            "SELECT uuid FROM events LIMIT 5 OFFSET 5",
            "OFFSET is not supported on queries made with a personal API key.",
        ),
        ("SELECT u FROM (SELECT uuid AS u FROM events LIMIT 5 OFFSET 5) LIMIT 1", "OFFSET is not supported"),
        ("SELECT uuid FROM events LIMIT 5, 10", "OFFSET is not supported"),
        ("SELEC uuid FROM events", "Syntax error at position 0"),
        ("SELECT uuid FROM events WHERE", "the query ends too early"),
        ("SELECT nothing FROM events", "Unable to resolve field: nothing"),
        ("SELECT parseDateTime64BestEffort(timestamp) FROM events", "Unsupported function call"),
        ("SELECT uuid FROM sessions", 'Unknown table "sessions"'),
        ("SELECT uuid FROM events WHERE event = {name}", "Placeholder {name} has no value"),
    ],
)
def test_what_cannot_be_answered_is_refused(client: httpx.Client, text: str, detail: str) -> None:
    status, body = refusal(client, text)
    assert (status, body["type"], body["code"]) == (400, "validation_error", "invalid_input")
    assert detail in body["detail"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("if(1 > 2, 'a', 'b')", "b"),
        ("CASE WHEN 1 = 1 THEN 'x' ELSE 'y' END", "x"),
        ("'acme' LIKE 'ac%' AND NOT 'acme' ILIKE 'X%'", True),
        ("'b' IN ('a', 'b')", True),
        ("(2, 'b') > (2, 'a')", True),
        ("nullIf('', '') IS NULL", True),
        ("toDate(toDateTime64('2026-03-02 10:11:12.5', 6, 'UTC')) + INTERVAL 1 DAY", "2026-03-03"),
        ("dateDiff('day', toDateTime('2026-03-02 23:00:00', 'UTC'), toDateTime('2026-03-03 01:00:00', 'UTC'))", 1),
        ("splitByChar('@', lower('A@B.example'))[2]", None),
        ("3 BETWEEN 1 AND 4", True),
        ("concat('a', toString(1))", "a1"),
        ("coalesce(properties.none, 'none')", "none"),
    ],
)
def test_expressions(client: httpx.Client, expression: str, expected: Any) -> None:
    if expected is None:
        expression, expected = "arrayElement(splitByChar('@', lower('A@B.example')), 2)", "b.example"
    text = f"SELECT {expression} AS value FROM persons LIMIT 1"
    assert ask(client, text)["results"] == [[expected]]


def test_groups_of_groups_and_conditions_on_them(client: httpx.Client) -> None:
    result = rows(
        client,
        f"""SELECT d, uniq(p) AS people, sum(n) AS events FROM (
              SELECT toDate(timestamp) AS d, person_id AS p, count() AS n FROM events WHERE {WINDOW}
              GROUP BY d, p LIMIT 1000000)
            GROUP BY d HAVING people > 1 ORDER BY d DESC LIMIT 3""",
    )
    assert [row["d"] for row in result] == [f"{DAY - timedelta(days=ago)}" for ago in range(3)]
    assert all(row["events"] >= row["people"] > 1 for row in result)
    [none] = rows(client, "SELECT count() AS n, maxIf(timestamp, event = 'x') AS at FROM events WHERE event = 'x'")
    assert none == {"n": 0, "at": "1970-01-01T00:00:00.000000Z"}


def test_an_answer_may_come_from_the_cache(client: httpx.Client) -> None:
    body = {"query": {"kind": "HogQLQuery", "query": "SELECT count() FROM persons"}}
    kinds = ("force_blocking", "blocking", "force_blocking", "force_cache")
    assert [client.post("/query/", json={**body, "refresh": kind}).json()["is_cached"] for kind in kinds] == [
        False,
        True,
        False,
        True,
    ]


def test_a_query_can_be_answered_later(client: httpx.Client) -> None:
    body = {"query": {"kind": "HogQLQuery", "query": "SELECT count() FROM persons"}, "client_query_id": "sync-1"}
    first = client.post("/query/", json={**body, "refresh": "async"}).json()["query_status"]
    assert (first["id"], first["complete"]) == ("sync-1", False)
    later = client.get("/query/sync-1/").json()["query_status"]
    assert later["complete"]
    assert later["results"]["columns"] == ["count()"]
    assert client.delete("/query/sync-1/").status_code == 204
    assert client.get("/query/sync-1/").status_code == 404


def test_persons_are_listed_page_by_page(client: httpx.Client, box: Sandbox) -> None:
    address, read = "/persons/?limit=50", list[dict[str, Any]]()
    while address:
        page = client.get(address).json()
        read += page["results"]
        address = page["next"]
    assert len(read) == len({row["uuid"] for row in read}) == len(box.world.posthog.persons)
    owned = next(row for row in read if row["properties"].get("email"))
    for params in ({"email": owned["name"]}, {"distinct_id": owned["distinct_ids"][1]}, {"search": owned["name"]}):
        assert owned["uuid"] in [row["uuid"] for row in client.get("/persons/", params=params).json()["results"]]
    condition = json.dumps([{"key": "email", "value": owned["name"], "operator": "exact"}])
    assert (
        len(client.get("/persons/", params={"properties": condition, "include_total": "true"}).json()["results"]) == 1
    )
    assert client.get(f"/persons/{owned['uuid']}/").json() == owned
    assert client.get("/persons/nobody/").status_code == 404


def test_the_other_lists(client: httpx.Client, box: Sandbox) -> None:
    cohort = client.get("/cohorts/").json()["results"][0]
    assert client.get(f"/cohorts/{cohort['id']}/").json() == cohort
    assert len(client.get(f"/cohorts/{cohort['id']}/persons/?limit=1000").json()["results"]) == cohort["count"] > 20
    events = client.get("/events/", params={"event": "user_logged_in", "limit": 5}).json()
    assert [row["event"] for row in events["results"]] == ["user_logged_in"] * 5
    older = client.get(events["next"]).json()["results"]
    assert older[0]["timestamp"] < events["results"][-1]["timestamp"]
    assert str(client.get("/").json()["id"]) == box.env["POSTHOG_PROJECT_ID"]


def test_who_may_call(box: Sandbox) -> None:
    project = f"{box.env['POSTHOG_HOST']}/api/projects/@current"
    for headers, code in (({}, "not_authenticated"), ({"Authorization": "Bearer phx_x"}, "authentication_failed")):
        refused = httpx.get(f"{project}/persons/", headers=headers, trust_env=False)
        assert (refused.status_code, refused.json()["code"]) == (401, code)
    assert httpx.get(f"{project}/persons", headers=KEY, trust_env=False).status_code == 301
    assert httpx.post(f"{project}/query", headers=KEY, trust_env=False).status_code == 404
    for address in (f"{project[:-1]}2/persons/", f"{project}/nothing/"):
        missing = httpx.get(address, headers=KEY, trust_env=False)
        assert (missing.status_code, missing.json()["code"]) == (404, "not_found")


def test_one_call_too_many_says_when_to_come_back() -> None:
    world = World(5, 5, START)
    app = posthog.app(world.posthog, world.clock, posthog.Limits({"analytics burst": Rate(1, 60)}))
    with serving(app, KEY) as client:
        answers = [client.get("/api/projects/@current/persons/") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json()["type"] == "throttled_error"
    assert answers[1].json()["detail"].startswith("Request was throttled. Expected available in ")
    assert "Retry-After" not in answers[1].headers
