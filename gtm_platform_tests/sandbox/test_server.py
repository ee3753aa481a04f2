"""The whole sandbox over HTTP: its control routes, scripted faults, and what outlives a restart."""

import json
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest
import stripe
from hubspot import HubSpot
from slack_sdk import WebClient

from gtm_platform.sandbox.clock import SandboxClock
from gtm_platform.sandbox.journal import Journal
from gtm_platform.sandbox.kit.emulator import discover
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.request_counts import folded
from gtm_platform.sandbox.server import Sandbox, running, serve
from gtm_platform.sandbox.world import World

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch, running(people=60, seed=4, now=START) as sandbox:
        patch.setattr(Limit, "take", lambda _: True)  # tests ask faster than anybody may
        yield sandbox


@pytest.fixture
def control(sandbox: Sandbox) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{sandbox.url}/_sandbox", trust_env=False) as client:
        yield client
        client.delete("/faults")


@pytest.fixture
def billing(sandbox: Sandbox) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {sandbox.env['STRIPE_API_KEY']}"}
    with httpx.Client(base_url=f"{sandbox.url}/stripe", headers=headers, trust_env=False) as client:
        yield client


def _ids(answer: httpx.Response) -> list[str]:
    return [each["id"] for each in answer.json()["data"]]


def test_the_official_clients_read_it_by_the_variables_it_names(sandbox: Sandbox, control: httpx.Client) -> None:
    env = control.get("/env").json()
    assert env == sandbox.env
    api = stripe.StripeClient(env["STRIPE_API_KEY"], base_addresses={"api": env["STRIPE_BASE_URL"]})
    customers = list(api.v1.customers.list({"limit": 100}).auto_paging_iter())
    live = {id_ for id_, customer in sandbox.world.stripe.customers.items() if not customer.deleted}
    assert {customer.id for customer in customers} == live
    crm = HubSpot(access_token=env["HUBSPOT_ACCESS_TOKEN"], host=env["HUBSPOT_BASE_URL"])
    assert len(crm.crm.contacts.basic_api.get_page(limit=5, _request_timeout=(5, 60)).results) == 5
    headers = {"Authorization": f"Bearer {env['INTERCOM_ACCESS_TOKEN']}", "Intercom-Version": "2.14"}
    contacts = httpx.get(f"{env['INTERCOM_BASE_URL']}/contacts", headers=headers, trust_env=False).json()
    assert contacts["total_count"] > 10


def test_stripe_events_hold_the_object_as_the_api_shows_it(sandbox: Sandbox, billing: httpx.Client) -> None:
    events = billing.get("/v1/events", params={"type": "customer.created", "limit": 1}).json()["data"]
    customer = events[0]["data"]["object"]
    assert customer["email"] == sandbox.world.stripe.customers[customer["id"]].email
    assert set(billing.get(f"/v1/customers/{customer['id']}").json()) == set(customer)


def test_what_is_posted_to_slack_can_be_read(sandbox: Sandbox, control: httpx.Client) -> None:
    client = WebClient(token=sandbox.env["SLACK_BOT_TOKEN"], base_url=sandbox.env["SLACK_BASE_URL"])
    client.chat_postMessage(channel=sandbox.env["SLACK_ALERT_CHANNEL"], text="Acme wants to leave")
    message = control.get("/slack/messages").json()["messages"][-1]
    assert (message["channel"], message["text"]) == (sandbox.env["SLACK_ALERT_CHANNEL"], "Acme wants to leave")


def test_the_truth_over_http(control: httpx.Client) -> None:
    truth = control.get("/truth", params={"day": "2026-02-28", "fields": "emails,mrr"}).json()
    assert truth["day"] == "2026-02-28"
    assert all(set(person) == {"person", "emails", "mrr"} for person in truth["people"])
    assert truth["totals"]["customers"] > 10
    refused = control.get("/truth", params={"day": "2031-01-01"})
    assert refused.status_code == 400
    assert "2031-01-01 is outside" in refused.json()["error"]


def test_requests_are_counted_by_system_path_and_status(billing: httpx.Client, control: httpx.Client) -> None:
    control.delete("/requests")
    for id_ in _ids(billing.get("/v1/customers", params={"limit": 3})):
        billing.get(f"/v1/customers/{id_}")
    billing.get("/v1/customers", headers={"Authorization": "Bearer wrong"})
    counted = control.get("/requests").json()
    rows = {(row["system"], row["method"], row["path"], row["status"]): row["count"] for row in counted["requests"]}
    assert rows == {
        ("stripe", "GET", "/v1/customers", 200): 1,
        ("stripe", "GET", "/v1/customers", 401): 1,
        ("stripe", "GET", "/v1/customers/{id}", 200): 3,
    }
    assert counted["total"] == 5


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/crm/v3/objects/contacts/1000000001", "/crm/v3/objects/contacts/{id}"),
        ("/crm/v3/objects/0-1/search", "/crm/v3/objects/0-1/search"),
        ("/crm/v3/objects/contacts/ada%40acme.example", "/crm/v3/objects/contacts/{id}"),
        ("/v1/subscription_items", "/v1/subscription_items"),
        ("/v1/invoices/in_00000012a3/lines", "/v1/invoices/{id}/lines"),
        ("/contacts/650000000000000000000002", "/contacts/{id}"),
        ("/scheduled_events/EVT0000001A0003/invitees", "/scheduled_events/{id}/invitees"),
        ("/v1/customers/cus_de305d54-75b4-431b-adb2-eb6b9e546012", "/v1/customers/{id}"),
    ],
)
def test_ids_are_folded(path: str, expected: str) -> None:
    assert folded(path) == expected


# --- The clock ---


def test_the_clock_is_set_forwards_only() -> None:
    with running(people=20, seed=4, now=START) as sandbox:
        clock = f"{sandbox.url}/_sandbox/clock"
        answer = httpx.post(clock, json={"now": "2026-03-09T12:00:00Z"}, trust_env=False)
        assert answer.json() == {
            "now": "2026-03-09T12:00:00+00:00",
            "following": False,
            "ahead_seconds": 0,
            "message": "It is 2026-03-09 12:00:00 UTC in the sandbox. The clock stands still until it is moved.",
        }
        assert sandbox.world.now == datetime(2026, 3, 9, 12, tzinfo=UTC)
        for wish, problem in (
            ({"now": "2026-03-01T00:00:00Z"}, "cannot go back"),
            ({"now": "2026-03-10"}, "has no time zone"),
            ({"now": "soon"}, "soon"),
            ({"now": 7}, "not as 7"),
            ({}, "Say what time it shall be"),
            ({"weeks": 1}, "Say what time it shall be"),
            ({"days": 1, "hours": 1}, "Say what time it shall be"),
            ({"hours": -1}, "hours must be a number above 0"),
            ({"days": 1000}, "at most 366, not 1000"),
            ({"days": "1"}, "not '1'"),
            ({"hours": 0.0001}, "at least a second"),
        ):
            refused = httpx.post(clock, json=wish, trust_env=False)
            assert refused.status_code == 400
            assert problem in refused.json()["error"]


def test_without_a_time_of_its_own_it_follows_real_time() -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    with running(people=5, seed=4) as sandbox:
        health = httpx.get(f"{sandbox.url}/_sandbox/health", trust_env=False).json()
    assert health["following"]
    assert datetime.fromisoformat(health["now"]) >= before
    assert datetime.fromisoformat(health["start"]).time().isoformat() == "00:00:00"


def test_a_clock_that_was_set_can_follow_real_time_again(tmp_path: Path) -> None:
    yesterday = datetime.now(UTC).replace(microsecond=0) - DAY
    with running(people=5, seed=4, now=yesterday - DAY, home=tmp_path) as sandbox:
        _set_clock(sandbox, yesterday)
        before = datetime.now(UTC).replace(microsecond=0)
        answer = httpx.delete(f"{sandbox.url}/_sandbox/clock", trust_env=False).json()
        assert answer["following"]
        assert datetime.fromisoformat(answer["now"]) >= before
    with running(people=5, seed=4, home=tmp_path) as again:
        assert httpx.get(f"{again.url}/_sandbox/health", trust_env=False).json()["following"]


def test_a_clock_that_stands_is_moved_by_hours_and_days_and_stands_again() -> None:
    with running(people=5, seed=4, now=START) as sandbox:
        assert _call("POST", sandbox, "clock", json={"hours": 6})["now"] == "2026-03-01T06:00:00+00:00"
        assert _call("POST", sandbox, "clock", json={"days": 2})["now"] == "2026-03-03T06:00:00+00:00"
        answer = _call("POST", sandbox, "clock/day")
    assert (answer["now"], answer["following"]) == ("2026-03-04T06:00:00+00:00", False)


def test_a_clock_that_was_moved_ahead_runs_on_from_there_and_says_so(tmp_path: Path) -> None:
    with running(people=5, seed=4, home=tmp_path) as sandbox:
        before = datetime.now(UTC).replace(microsecond=0)
        moved = _call("POST", sandbox, "clock/day")
        assert moved["following"]
        assert moved["ahead_seconds"] == 86400
        assert datetime.fromisoformat(moved["now"]) >= before + DAY
        unmoved = _call("DELETE", sandbox, "clock")
        assert "1 day ahead: the world cannot go back" in unmoved["message"]
        assert datetime.fromisoformat(unmoved["now"]) >= datetime.fromisoformat(moved["now"])
    with running(people=5, seed=4, home=tmp_path) as again:
        resumed = _call("GET", again, "clock")
    assert resumed["following"]
    assert resumed["ahead_seconds"] == 86400
    assert datetime.fromisoformat(resumed["now"]) >= datetime.fromisoformat(unmoved["now"])


class RealTime:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now


def test_the_clock_is_never_earlier_than_it_was(tmp_path: Path) -> None:
    real_time, journal = RealTime(), Journal(tmp_path)

    def clock(stopped: bool = False) -> SandboxClock:
        opened = SandboxClock(World(1, 5, START), journal, stopped, real_time)
        opened.resume()
        return opened

    running_clock = clock()
    running_clock.move(3 * DAY)
    real_time.now += timedelta(hours=5)
    running_clock.tick()
    assert running_clock.world.now == START + 3 * DAY + timedelta(hours=5)
    real_time.now += DAY  # while the sandbox is not running
    assert clock().world.now == START + 4 * DAY + timedelta(hours=5)
    stopped = clock(stopped=True)
    assert stopped.world.now == START + 4 * DAY + timedelta(hours=5)
    real_time.now += 2 * DAY
    stopped.tick()
    assert stopped.world.now == START + 4 * DAY + timedelta(hours=5)
    stopped.follow()
    assert stopped.lead == DAY
    real_time.now += DAY
    stopped.tick()
    assert stopped.world.now == START + 5 * DAY + timedelta(hours=5)
    real_time.now -= 10 * DAY  # somebody sets the machine's clock back
    assert clock().world.now == START + 5 * DAY + timedelta(hours=5)


# --- What outlives a restart ---


def test_what_was_written_outlives_a_restart(tmp_path: Path) -> None:
    with running(people=30, seed=4, now=START, home=tmp_path) as sandbox:
        assert (tmp_path / "sandbox" / "url").read_text() == f"{sandbox.url}\n"
        _set_clock(sandbox, START + 2 * DAY)
        crm = HubSpot(access_token=sandbox.env["HUBSPOT_ACCESS_TOKEN"], host=sandbox.env["HUBSPOT_BASE_URL"])
        api = crm.crm.companies.basic_api
        made = api.create({"properties": {"name": "Acme", "domain": "acme.example"}}, _request_timeout=(5, 60))
        first = next(iter(sandbox.world.hubspot.objects["companies"]))
        api.update(first, {"properties": {"city": "Elsewhere"}}, _request_timeout=(5, 60))
        slack = WebClient(token=sandbox.env["SLACK_BOT_TOKEN"], base_url=sandbox.env["SLACK_BASE_URL"])
        slack.chat_postMessage(channel=sandbox.env["SLACK_SUMMARY_CHANNEL"], text="All is well")
        _set_clock(sandbox, START + 20 * DAY)
        before = sandbox.world
    with running(people=30, seed=4, home=tmp_path) as again:
        assert again.world.now == START + 20 * DAY
        assert again.world.hubspot.objects == before.hubspot.objects
        assert again.world.hubspot.next_id == before.hubspot.next_id
        assert again.world.hubspot.objects["companies"][made.id].properties["domain"] == "acme.example"
        assert again.world.slack == before.slack
        assert again.world.stripe == before.stripe
        assert not httpx.get(f"{again.url}/_sandbox/health", trust_env=False).json()["following"]


def test_a_write_torn_by_a_crash_is_dropped(tmp_path: Path) -> None:
    with running(people=5, seed=4, now=START, home=tmp_path) as sandbox:
        slack = WebClient(token=sandbox.env["SLACK_BOT_TOKEN"], base_url=sandbox.env["SLACK_BASE_URL"])
        slack.chat_postMessage(channel=sandbox.env["SLACK_SUMMARY_CHANNEL"], text="One")
    writes = tmp_path / "sandbox" / "writes.jsonl"
    whole = writes.read_text()
    writes.write_text(whole + whole[:40])
    with running(people=5, seed=4, home=tmp_path) as sandbox:
        assert [message.text for message in sandbox.world.slack.messages] == ["One"]
        assert writes.read_text() == whole


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"seed": 5}, r"seed 4 \(asked for: 5\)"),
        ({"people": 9}, r"people 5 \(asked for: 9\)"),
        ({"now": START + DAY}, r"start 2026-03-01.* \(asked for: 2026-03-02"),
    ],
)
def test_a_home_holds_one_world(tmp_path: Path, changed: dict[str, Any], problem: str) -> None:
    same: dict[str, Any] = {"people": 5, "seed": 4, "now": START, "home": tmp_path}
    with running(**same):
        pass
    with pytest.raises(ValueError, match=problem), running(**{**same, **changed}):
        pass


def _set_clock(sandbox: Sandbox, now: datetime) -> None:
    httpx.post(f"{sandbox.url}/_sandbox/clock", json={"now": now.isoformat()}, trust_env=False).raise_for_status()


def _call(method: str, sandbox: Sandbox, path: str, **content: Any) -> Any:
    return httpx.request(method, f"{sandbox.url}/_sandbox/{path}", trust_env=False, **content).raise_for_status().json()


def test_a_taken_port_is_one_sentence(sandbox: Sandbox) -> None:
    port = httpx.URL(sandbox.url).port or 0
    with pytest.raises(ValueError, match=f"^Port {port} is taken, .* choose another port with --port.$"):
        serve(port, people=5, seed=4, now=START, home=None)
    with pytest.raises(ValueError, match="cannot listen on port 70000"):
        serve(70000, people=5, seed=4, now=START, home=None)


# --- The pages ---


class Buttons(HTMLParser):
    """What the buttons of a page call, and what the page loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.calls: list[tuple[str, str, str | None]] = []
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if path := names.get("data-path"):
            self.calls.append((names["data-method"] or "", path, names.get("data-body")))
        if tag != "a":
            self.loaded += [value for name in ("src", "href") if (value := names.get(name))]
        elif link := names.get("href"):
            self.links.append(link)


def test_every_button_and_link_of_the_front_page_works() -> None:
    with running(people=5, seed=4, now=START) as sandbox, httpx.Client(base_url=sandbox.url, trust_env=False) as client:
        page = client.get("/").text
        buttons = Buttons(page)
        assert buttons.loaded == ["data:,"], "the page loads nothing from anywhere"
        assert f"{sandbox.url}/slack/" in buttons.links
        for name, value in sandbox.env.items():
            assert escape(f"export {name}={shlex.quote(value)}") in page
        assert all(f"{sandbox.url}/{emulator.name}" in page for emulator in discover())
        for link in buttons.links:
            assert client.get(link).status_code == 200
        breaking = [call for call in buttons.calls if call[:2] == ("POST", "/_sandbox/faults")]
        assert len(breaking) == 4 * len(discover())
        for method, path, body in buttons.calls:
            answer = client.request(method, path, content=body)
            assert answer.status_code < 300, (method, path, body, answer.text)
        assert {("POST", "/_sandbox/clock/day", None), ("DELETE", "/_sandbox/clock", None)} < set(buttons.calls)
        assert client.get("/_sandbox/faults").json() == {"faults": []}, "the last buttons clear all"


def test_the_front_page_says_what_is_broken_and_counts(sandbox: Sandbox, control: httpx.Client) -> None:
    control.delete("/requests")
    control.post("/faults", json={"system": "stripe", "path": "/v1/<b>", "nth": [2], "status": 503, "delay_ms": 1500})
    httpx.get(f"{sandbox.url}/stripe/v1/customers", trust_env=False)
    page = httpx.get(f"{sandbox.url}/", trust_env=False).text
    assert "the calls number 2 to /v1/&lt;b&gt; are answered with 503 and answered 1.5 seconds late" in page
    assert "1 request, 1 refused" in page
    control.post("/faults", json={"system": "slack", "status": 500})
    control.delete("/faults", params={"system": "stripe"})
    assert [fault["system"] for fault in control.get("/faults").json()["faults"]] == ["slack"]


def test_the_truth_as_a_table(control: httpx.Client) -> None:
    truth = control.get("/truth", params={"day": "2026-02-28"}).json()
    churned = [person for person in truth["people"] if person["customer_status"] == "churned"]
    page = control.get("/truth/table", params={"day": "2026-02-28", "status": "churned"}).text
    assert page.count("<tr>") == len(churned) + 1 > 1
    assert all(f"<td>{person['person']}</td>" in page for person in churned)
    everybody = control.get("/truth/table", params={"day": "2026-02-28", "status": ""}).text
    assert everybody.count("<tr>") == len(truth["people"]) + 1
    refused = control.get("/truth/table", params={"status": "gone"})
    assert refused.status_code == 400
    assert "choose one of prospect, active" in refused.json()["error"]


# --- Faults ---


def test_a_status_with_retry_after_on_some_calls(billing: httpx.Client, control: httpx.Client) -> None:
    fault = {"system": "stripe", "path": "/v1/charges", "nth": [1, 3], "status": 429, "retry_after": 7}
    assert control.post("/faults", json={**fault, "body": {"error": "slow"}}).status_code == 201
    answers = [billing.get("/v1/charges") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 200, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"
    assert answers[0].json() == {"error": "slow"}
    assert billing.get("/v1/invoices").status_code == 200
    listed = control.get("/faults").json()["faults"]
    assert [(each["calls"], each["hits"]) for each in listed] == [(4, 2)]
    control.delete("/faults")
    assert billing.get("/v1/charges").status_code == 200


def test_a_rate_hits_the_same_calls_each_time(billing: httpx.Client, control: httpx.Client) -> None:
    runs = []
    for _ in range(2):
        control.post("/faults", json={"system": "stripe", "path": "/v1/.*", "rate": 0.5, "status": 503, "times": 4})
        runs.append([billing.get("/v1/products", params={"limit": 1}).status_code for _ in range(12)])
        control.delete("/faults")
    assert runs[0] == runs[1]
    assert runs[0].count(503) == 4
    assert 200 in runs[0][: runs[0].index(503) + 4]


def test_a_connection_that_breaks_in_the_middle(billing: httpx.Client, control: httpx.Client) -> None:
    control.post("/faults", json={"system": "stripe", "path": "/v1/customers", "times": 1, "reset": "mid-body"})
    with pytest.raises(httpx.ReadError, match="reset by peer"):
        billing.get("/v1/customers")
    assert billing.get("/v1/customers").status_code == 200


def test_json_that_is_cut(billing: httpx.Client, control: httpx.Client) -> None:
    control.post("/faults", json={"system": "stripe", "path": "/v1/customers", "times": 1, "truncate": True})
    cut = billing.get("/v1/customers")
    assert cut.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        cut.json()


def test_a_page_that_comes_twice(billing: httpx.Client, control: httpx.Client) -> None:
    control.post("/faults", json={"system": "stripe", "path": "/v1/customers", "times": 1, "duplicate_page": True})
    first = _ids(billing.get("/v1/customers", params={"limit": 3}))
    assert _ids(billing.get("/v1/customers", params={"limit": 3})) == first  # a first page has none before it
    second = f"/v1/customers?limit=3&starting_after={first[-1]}"
    other = billing.get(f"{second}&expand[]=data.subscriptions")  # another list, which has had no page before
    assert set(_ids(other)).isdisjoint(first)
    assert _ids(billing.get(second)) == first
    assert set(_ids(billing.get(second))).isdisjoint(first)


def test_a_cursor_that_leads_nowhere(billing: httpx.Client, control: httpx.Client) -> None:
    control.post("/faults", json={"system": "stripe", "path": "/v1/customers", "cursor_loop": True})
    first = billing.get("/v1/customers", params={"limit": 3})
    for _ in range(3):
        again = billing.get("/v1/customers", params={"limit": 3, "starting_after": _ids(first)[-1]})
        assert again.json() == first.json()


def test_a_delay_alone_only_delays(billing: httpx.Client, control: httpx.Client) -> None:
    control.post("/faults", json={"system": "stripe", "delay_ms": 5})
    assert billing.get("/v1/customers").status_code == 200
    assert control.get("/faults").json()["faults"][0]["hits"] == 1


@pytest.mark.parametrize(
    ("wish", "problem"),
    [
        ([], "JSON object"),
        ({"status": 500}, "at least a system"),
        ({"system": "surveys", "status": 500}, "system must be one of"),
        ({"system": "slack"}, "say what goes wrong"),
        ({"system": "slack", "status": 500, "truncate": True}, "only one of"),
        ({"system": "slack", "status": 99}, "status must be"),
        ({"system": "slack", "status": 500, "rate": 2}, "rate must lie"),
        ({"system": "slack", "status": 500, "nth": [0]}, "nth counts"),
        ({"system": "slack", "status": 500, "nth": ["a"]}, "nth must be"),
        ({"system": "slack", "status": "500"}, "status must be int"),
        ({"system": "slack", "status": 500, "path": "("}, "no regular expression"),
        ({"system": "slack", "reset": "later"}, "reset can only be"),
        ({"system": "slack", "colour": "red"}, "no 'colour'"),
    ],
)
def test_a_bad_fault_is_refused_with_a_sentence(control: httpx.Client, wish: Any, problem: str) -> None:
    refused = control.post("/faults", json=wish)
    assert refused.status_code == 400
    assert problem.lower() in refused.json()["error"].lower()
    assert control.get("/faults").json() == {"faults": []}
