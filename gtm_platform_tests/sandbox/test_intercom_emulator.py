"""The Intercom emulator over HTTP."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from gtm_platform.sandbox.intercom import TOKEN, Limits, app
from gtm_platform.sandbox.intercom.store import (
    IntercomActivity,
    IntercomCompany,
    IntercomContact,
    IntercomConversation,
    IntercomPart,
    IntercomRating,
    IntercomStore,
    IntercomTicket,
)
from gtm_platform.sandbox.kit.limits import WINDOWS

START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def a_contact(number: int) -> IntercomContact:
    return IntercomContact(
        f"c{number:03d}",
        "lead" if number % 10 == 0 else "user",
        f"user{number}@{'initech' if number % 2 else 'acme'}.example",
        f"User {number}",
        created=day(number // 5),
        updated=day(number),
        external_id=f"usr_{number}",
        last_seen=day(number) if number % 3 else None,
        custom_attributes={"plan_tier": "scale", "seats": number, "renews_at": seconds(day(number))},
        tags=["t1"] if number < 3 else [],
        companies=["co_0"] if number < 60 else [],
    )


def a_conversation(number: int) -> IntercomConversation:
    part = IntercomPart(f"{number}01", "comment", "<p>Any&nbsp;update?</p>", day(number + 0.5), "user", "c001")
    reply = IntercomPart(f"{number}02", "comment", "<p>Yes</p>", day(number + 0.6), "admin", "814860", "Sam")
    return IntercomConversation(
        f"{100 + number}",
        "c001",
        created=day(number),
        updated=day(number + 1),
        subject="",
        body="<p>I want to cancel</p><p>now &amp; here</p>",
        author_type="user",
        author_name="User 1",
        author_email="user1@initech.example",
        state="closed" if number % 2 else "open",
        priority="priority" if number < 3 else "not_priority",
        admin_id=814860,
        tags=[("t1", day(number))],
        first_admin_reply=day(number + 0.6),
        rating=IntercomRating(day(number + 1), 2, "Slow", day(number + 1), "814860") if number == 0 else None,
        parts=[part, reply],
    )


def an_attribute(name: str, data_type: str) -> dict[str, Any]:
    return {
        "type": "data_attribute", "id": 1, "model": "contact", "name": name, "full_name": f"custom_attributes.{name}",
        "label": name, "data_type": data_type, "custom": True, "archived": False,
    }  # fmt: skip


@pytest.fixture
def store() -> IntercomStore:
    store = IntercomStore(tags={"t1": "critical"}, timezone="America/Los_Angeles")
    store.contacts = {contact.id: contact for contact in map(a_contact, range(200))}
    store.contacts["c007"].merged_into = "c008"
    store.contacts["c009"].deleted = day(50)
    store.contacts["c001"].companies = [f"co_{number}" for number in range(12)]
    store.companies = {
        f"co_{number}": IntercomCompany(
            f"co_{number}", f"acme-{number}", f"Acme {number}", day(0), day(1), last_request=day(number), plan="Scale"
        )
        for number in range(230)
    }
    store.conversations = {conversation.id: conversation for conversation in map(a_conversation, range(45))}
    store.conversations["144"].deleted = day(60)
    store.tickets = {
        f"9{number}": IntercomTicket(
            f"9{number}", str(number), "c001", "Broken", "", day(number), day(number), category=category
        )
        for number, category in enumerate(("Customer", "Back-office", "Tracker"))
    }
    store.admins = [{"type": "admin", "id": "814860", "email": "sam@acme.example", "name": "Sam", "team_ids": [1]}]
    store.activities = [
        IntercomActivity(f"a{number:02d}", "814860", day(number), "admin_login_success", "Sam logged in.")
        for number in range(45)
    ]
    store.teams = [{"type": "team", "id": "1", "name": "Support", "admin_ids": [814860]}]
    store.data_attributes = [
        an_attribute("plan_tier", "string"),
        an_attribute("seats", "integer"),
        an_attribute("renews_at", "date"),
        an_attribute("old", "string") | {"archived": True},
        an_attribute("size", "integer") | {"model": "company"},
    ]
    return store


ONE_FILTER = {"field": "id", "operator": "=", "value": "1"}


class Stand:
    """One server for all tests, on which each test puts its own emulator."""

    emulator: Starlette

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.emulator(scope, receive, send)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Stand, str]]:
    stand = Stand()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(stand, log_level="warning", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.002)
        yield stand, f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


class Now:
    """Real time as the emulator sees it, moved by the test."""

    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def calls() -> int:
    return 10**6


@pytest.fixture
def client(served: tuple[Stand, str], store: IntercomStore, now: Now, calls: int) -> Iterator[httpx.Client]:
    stand, url = served
    stand.emulator = app(store, lambda: day(90), Limits(calls=calls, now=now))
    headers = {"Authorization": f"Bearer {TOKEN}", "Intercom-Version": "2.14"}
    with httpx.Client(base_url=url, headers=headers) as client:
        yield client


def refusal(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert body["type"] == "error.list"
    assert body["request_id"]
    return answer.status_code, body["errors"][0]["code"]


def pages(client: httpx.Client, path: str, per_page: int) -> Iterator[dict[str, Any]]:
    params: dict[str, Any] = {"per_page": per_page}
    while True:
        answer = client.get(path, params=params).json()
        yield answer
        if "next" not in answer["pages"]:
            return
        params["starting_after"] = answer["pages"]["next"]["starting_after"]


def search(client: httpx.Client, path: str, query: Any, **more: Any) -> dict[str, Any]:
    answer = client.post(f"/{path}/search", json={"query": query, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def matching_ids(client: httpx.Client, path: str, field: str, operator: str, value: Any) -> set[str]:
    query = {"field": field, "operator": operator, "value": value}
    answer = search(client, path, query, pagination={"per_page": 150})
    return {row["id"] for row in answer["data" if path == "contacts" else path]}


class TestPaging:
    @pytest.mark.parametrize("per_page", [150, 66, 50])
    def test_the_pages_of_contacts_hold_each_visible_contact_once(
        self, client: httpx.Client, store: IntercomStore, per_page: int
    ) -> None:
        walked = list(pages(client, "/contacts", per_page))
        ids = [row["id"] for answer in walked for row in answer["data"]]
        assert sorted(ids) == sorted(store.contacts.keys() - {"c007", "c009"})
        assert [answer["pages"]["page"] for answer in walked] == list(range(1, len(walked) + 1))
        assert {answer["total_count"] for answer in walked} == {198}

    def test_the_default_page_sizes(self, client: httpx.Client) -> None:
        assert len(client.get("/contacts").json()["data"]) == 50
        assert len(client.get("/conversations").json()["conversations"]) == 20
        assert client.get("/conversations").json()["pages"]["total_pages"] == 3

    def test_a_last_page_that_is_full_has_no_next(self, client: httpx.Client) -> None:
        assert len(list(pages(client, "/conversations", 22))) == 2

    def test_contacts_that_appear_while_paging_do_not_shift_the_pages(
        self, client: httpx.Client, store: IntercomStore
    ) -> None:
        ids: list[str] = []
        for number, answer in enumerate(pages(client, "/contacts", 50)):
            ids += [row["id"] for row in answer["data"]]
            store.contacts[f"new{number}"] = a_contact(900 + number)
        assert len(ids) == len(set(ids)) == 198

    @pytest.mark.parametrize("params", [{"per_page": 151}, {"per_page": 0}, {"per_page": "x"}, {"starting_after": "?"}])
    def test_nonsense_is_refused(self, client: httpx.Client, params: dict[str, Any]) -> None:
        assert refusal(client.get("/contacts", params=params)) == (400, "parameter_invalid")


class TestContacts:
    def test_stubs_show_ten_companies_and_where_the_rest_is(self, client: httpx.Client) -> None:
        stubs = client.get("/contacts/c001").json()["companies"]
        assert (len(stubs["data"]), stubs["total_count"], stubs["has_more"]) == (10, 12, True)
        whole = client.get(stubs["url"]).json()
        assert (len(whole["data"]), whole["total_count"], whole["pages"]["next"]) == (12, 12, None)
        second = client.get(stubs["url"], params={"per_page": 10, "page": 2}).json()
        assert [row["id"] for row in second["data"]] == ["co_10", "co_11"]

    def test_the_tags_of_a_contact_come_in_one_piece(self, client: httpx.Client, store: IntercomStore) -> None:
        store.tags = {f"t{number}": f"tag {number}" for number in range(12)}
        store.contacts["c001"].tags = list(store.tags)
        stubs = client.get("/contacts/c001").json()["tags"]
        assert (len(stubs["data"]), stubs["has_more"]) == (10, True)
        assert [row["name"] for row in client.get(stubs["url"]).json()["data"]] == list(store.tags.values())

    @pytest.mark.parametrize("contact", ["c007", "c009", "nobody"])
    def test_merged_deleted_and_unknown_contacts_are_refused(self, client: httpx.Client, contact: str) -> None:
        assert refusal(client.get(f"/contacts/{contact}")) == (404, "not_found")
        assert refusal(client.get(f"/contacts/{contact}/companies")) == (404, "not_found")
        assert refusal(client.get(f"/contacts/{contact}/tags")) == (404, "not_found")
        assert matching_ids(client, "contacts", "id", "=", contact) == set()

    def test_data_attributes(self, client: httpx.Client) -> None:
        def names(**params: str) -> list[str]:
            return [row["name"] for row in client.get("/data_attributes", params=params).json()["data"]]

        assert names(model="contact") == ["plan_tier", "seats", "renews_at"]
        assert names(model="contact", include_archived="true")[-1] == "old"
        assert names(model="company") == ["size"]
        assert refusal(client.get("/data_attributes", params={"model": "deal"})) == (400, "parameter_invalid")


class TestTheDayRuleOfContacts:
    """The workspace is in Los Angeles: its 15 March 2026 runs from 07:00 UTC to 07:00 UTC of the next day."""

    NOON = datetime(2026, 3, 15, 20, tzinfo=UTC)

    @pytest.fixture(autouse=True)
    def moments(self, store: IntercomStore) -> None:
        local = ZoneInfo("America/Los_Angeles")
        store.contacts = {
            name: IntercomContact(name, "user", None, None, moment, moment)
            for name, moment in {
                "before": datetime(2026, 3, 14, 23, 59, 59, tzinfo=local),
                "first": datetime(2026, 3, 15, tzinfo=local),
                "noon": self.NOON,
                "last": datetime(2026, 3, 15, 23, 59, 59, tzinfo=local),
                "after": datetime(2026, 3, 16, tzinfo=local),
            }.items()
        }

    @pytest.mark.parametrize(
        ("operator", "expected"),
        [("=", {"first", "noon", "last"}), (">", {"after"}), ("<", {"before"})],
    )
    def test_dates_are_whole_days(self, client: httpx.Client, operator: str, expected: set[str]) -> None:
        assert matching_ids(client, "contacts", "updated_at", operator, seconds(self.NOON)) == expected
        assert matching_ids(client, "contacts", "updated_at", operator, str(seconds(self.NOON))) == expected
        assert matching_ids(client, "contacts", "updated_at", operator, float(seconds(self.NOON))) == expected
        assert matching_ids(client, "contacts", "updated_at", operator, f"{seconds(self.NOON)}.0") == expected

    def test_another_timezone_has_other_days(self, client: httpx.Client, store: IntercomStore) -> None:
        store.timezone = "UTC"
        assert matching_ids(client, "contacts", "updated_at", "=", seconds(self.NOON)) == {"before", "first", "noon"}
        assert client.get("/me").json()["app"]["timezone"] == "UTC"

    def test_a_day_may_last_23_hours(self, client: httpx.Client, store: IntercomStore) -> None:
        clocks_go_forward = datetime(2026, 3, 8, 12, tzinfo=UTC)
        store.contacts["noon"].updated = datetime(2026, 3, 9, 7, 30, tzinfo=UTC)
        assert "noon" in matching_ids(client, "contacts", "updated_at", ">", seconds(clocks_go_forward))

    @pytest.mark.parametrize("operator", ["!=", ">=", "<=", "IN", "NIN", "~"])
    def test_other_operators_are_refused(self, client: httpx.Client, operator: str) -> None:
        query = {"field": "updated_at", "operator": operator, "value": [1] if "IN" in operator else 1}
        assert refusal(client.post("/contacts/search", json={"query": query})) == (400, "parameter_invalid")


class TestSearch:
    @pytest.mark.parametrize(
        ("field", "operator", "value", "count"),
        [
            ("role", "=", "lead", 20),
            ("role", "!=", "lead", 178),
            ("email", "=", "USER3@initech.example", 1),
            ("email", "IN", ["user3@initech.example", "user4@acme.example"], 2),
            ("email", "NIN", ["user3@initech.example", "user4@acme.example"], 196),
            ("email_domain", "=", "acme.example", 100),
            ("name", "~", "user 19", 11),
            ("name", "!~", "user 19", 187),
            ("external_id", "^", "usr_19", 11),
            ("external_id", "$", "_19", 1),
            ("tag_id", "=", "t1", 3),
            ("tag_id", "!=", "t1", 195),
            ("owner_id", "=", None, 198),
            ("unsubscribed_from_emails", "=", False, 198),
            ("custom_attributes.seats", ">", 195, 4),
            ("custom_attributes.seats", ">=", "195", 5),
            ("custom_attributes.seats", "<", 2, 2),
            ("custom_attributes.plan_tier", "=", "scale", 198),
            ("custom_attributes.renews_at", "=", seconds(day(3)), 1),
            ("last_seen_at", ">", 0, 132),
        ],
    )
    def test_operators_on_contacts(
        self, client: httpx.Client, field: str, operator: str, value: Any, count: int
    ) -> None:
        query = {"operator": "AND", "value": [{"field": field, "operator": operator, "value": value}]}
        assert search(client, "contacts", query)["total_count"] == count

    @pytest.mark.parametrize(
        ("field", "operator", "value", "count"),
        [
            ("state", "=", "open", 22),
            ("open", "=", True, 22),
            ("priority", "=", "priority", 3),
            ("contact_ids", "=", "c001", 44),
            ("teammate_ids", "IN", ["814860"], 44),
            ("tag_ids", "!=", "t1", 0),
            ("admin_assignee_id", "=", 814860, 44),
            ("source.body", "=", "cancel", 44),
            ("source.body", "=", "to cancel", 0),
            ("source.author.email", "=", "user1@initech.example", 44),
            ("conversation_rating.score", "<", 2, 1),
            ("conversation_rating.remark", "=", "slow", 1),
            ("statistics.count_conversation_parts", ">", 3, 0),
            ("waiting_since", "!=", None, 0),
        ],
    )
    def test_operators_on_conversations(
        self, client: httpx.Client, field: str, operator: str, value: Any, count: int
    ) -> None:
        query = {"field": field, "operator": operator, "value": value}
        assert search(client, "conversations", query)["total_count"] == count

    def test_conversation_dates_are_to_the_second_and_include_their_bound(self, client: httpx.Client) -> None:
        bound = seconds(day(40))
        assert matching_ids(client, "conversations", "updated_at", ">", bound) == {"139", "140", "141", "142", "143"}
        assert "139" in matching_ids(client, "conversations", "updated_at", "<", bound)
        assert "139" not in matching_ids(client, "conversations", "updated_at", "<", bound - 1)
        assert matching_ids(client, "conversations", "updated_at", "=", bound) == {"139"}
        assert "139" not in matching_ids(client, "conversations", "updated_at", "!=", bound)
        assert matching_ids(client, "conversations", "updated_at", "IN", [float(bound)]) == {"139"}

    def test_groups_in_groups(self, client: httpx.Client) -> None:
        def any_of(*emails: str) -> dict[str, Any]:
            filters = [{"field": "email", "operator": "=", "value": email} for email in emails]
            return {"operator": "OR", "value": filters}

        either = any_of("user3@initech.example", "user4@acme.example")
        also = any_of("user4@acme.example", "user6@acme.example")
        (row,) = search(client, "contacts", {"operator": "AND", "value": [either, also]})["data"]
        assert row["id"] == "c004"

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, "parameter_not_found"),
            ([], "bad_request"),
            ({"query": "all"}, "parameter_invalid"),
            ({"query": {"operator": "AND", "value": []}}, "parameter_invalid"),
            ({"query": {"operator": "XOR", "value": [ONE_FILTER]}}, "parameter_invalid"),
            ({"query": {"operator": "AND", "value": [ONE_FILTER] * 16}}, "parameter_invalid"),
            ({"query": {"field": "shoe_size", "operator": "=", "value": 44}}, "parameter_invalid"),
            ({"query": {"field": "custom_attributes.unheard", "operator": "=", "value": 1}}, "parameter_invalid"),
            ({"query": {"field": "created_at", "operator": ">", "value": "yesterday"}}, "parameter_invalid"),
            ({"query": {"field": "created_at", "operator": ">", "value": 10**20}}, "parameter_invalid"),
            ({"query": {"field": "created_at", "operator": ">", "value": 1483228800.5}}, "parameter_invalid"),
            ({"query": {"field": "created_at", "operator": ">", "value": True}}, "parameter_invalid"),
            ({"query": {"field": "name", "operator": ">", "value": "a"}}, "parameter_invalid"),
            ({"query": {"field": "tag_id", "operator": "IN", "value": ["t1"]}}, "parameter_invalid"),
            ({"query": ONE_FILTER, "sort": {"field": "name"}}, "parameter_invalid"),
        ],
    )  # fmt: skip
    def test_bad_queries_are_refused(self, client: httpx.Client, body: Any, code: str) -> None:
        assert refusal(client.post("/contacts/search", json=body)) == (400, code)

    def test_three_levels_are_too_deep(self, client: httpx.Client) -> None:
        query: dict[str, Any] = ONE_FILTER
        for _ in range(3):
            query = {"operator": "AND", "value": [query]}
        assert refusal(client.post("/contacts/search", json={"query": query})) == (400, "parameter_invalid")

    def test_ascending_pages_see_rows_that_move_to_the_end(self, client: httpx.Client, store: IntercomStore) -> None:
        query = {"field": "updated_at", "operator": ">", "value": seconds(day(-2))}
        sort = {"field": "updated_at", "order": "ascending"}
        pagination: dict[str, Any] = {"per_page": 30}
        ids: list[str] = []
        while True:
            answer = search(client, "contacts", query, sort=sort, pagination=pagination)
            ids += [row["id"] for row in answer["data"]]
            if len(ids) == 30:
                store.contacts["c002"].updated = day(500)
                store.contacts["c100"].updated = day(501)
            if "next" not in answer["pages"]:
                break
            pagination["starting_after"] = answer["pages"]["next"]["starting_after"]
        assert ids[-2:] == ["c002", "c100"]
        assert set(ids) == store.contacts.keys() - {"c007", "c009"}
        assert len(ids) == len(set(ids)) + 1

    def test_rows_updated_at_the_same_instant_are_kept_apart(self, client: httpx.Client, store: IntercomStore) -> None:
        for contact in store.contacts.values():
            contact.updated = day(1)
        query = {"field": "role", "operator": "=", "value": "lead"}
        sort = {"field": "updated_at", "order": "ascending"}
        first = search(client, "contacts", query, sort=sort, pagination={"per_page": 12})
        after = first["pages"]["next"]["starting_after"]
        second = search(client, "contacts", query, sort=sort, pagination={"per_page": 12, "starting_after": after})
        ids = [row["id"] for row in first["data"] + second["data"]]
        assert ids == [f"c{number:03d}" for number in range(0, 200, 10)]

    @pytest.mark.parametrize(("category", "expected"), [("request", {"90"}), ("task", {"91"}), ("Customer", set())])
    def test_tickets_by_category(self, client: httpx.Client, category: str, expected: set[str]) -> None:
        assert matching_ids(client, "tickets", "category", "=", category) == expected

    def test_tickets_by_time(self, client: httpx.Client) -> None:
        assert matching_ids(client, "tickets", "updated_at", ">", seconds(day(1))) == {"91", "92"}
        assert matching_ids(client, "tickets", "created_at", "<=", seconds(day(1))) == {"90", "91"}


class TestCompanies:
    def test_the_scroll_brings_all_and_ends_with_an_empty_page(self, client: httpx.Client) -> None:
        first = client.get("/companies/scroll").json()
        sizes, ids = [], []
        page = first
        while page["data"]:
            sizes.append(len(page["data"]))
            ids += [row["id"] for row in page["data"]]
            page = client.get("/companies/scroll", params={"scroll_param": page["scroll_param"]}).json()
        assert sizes == [100, 100, 30]
        assert len(set(ids)) == 230
        ended = client.get("/companies/scroll", params={"scroll_param": first["scroll_param"]})
        assert refusal(ended) == (404, "not_found")
        assert len(client.get("/companies/scroll").json()["data"]) == 100

    def test_a_second_scroll_is_refused(self, client: httpx.Client) -> None:
        client.get("/companies/scroll")
        assert refusal(client.get("/companies/scroll")) == (400, "scroll_exists")

    def test_a_scroll_left_alone_for_a_minute_dies(self, client: httpx.Client, now: Now) -> None:
        parameter = {"scroll_param": client.get("/companies/scroll").json()["scroll_param"]}
        now.seconds += 59
        assert client.get("/companies/scroll", params=parameter).status_code == 200
        now.seconds += 60
        assert refusal(client.get("/companies/scroll", params=parameter)) == (404, "not_found")
        assert client.get("/companies/scroll").status_code == 200

    def test_a_scroll_lives_a_minute_of_real_time_however_fast_windows_pass(
        self, served: tuple[Stand, str], store: IntercomStore, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A client reads no faster there: at a hundred times the speed it would have half a second between pages."""
        monkeypatch.setattr(WINDOWS, "times", 100.0)
        windows = Now()
        served[0].emulator = app(store, lambda: day(90), Limits(now=windows))
        parameter = {"scroll_param": client.get("/companies/scroll").json()["scroll_param"]}
        windows.seconds += 59 * WINDOWS.times
        assert client.get("/companies/scroll", params=parameter).status_code == 200
        windows.seconds += 60 * WINDOWS.times
        assert client.get("/companies/scroll", params=parameter).status_code == 404

    def test_the_list_leaves_out_companies_without_users(self, client: httpx.Client) -> None:
        first = client.post("/companies/list", params={"per_page": 10}).json()
        assert [row["id"] for row in first["data"]] == [f"co_{number}" for number in range(11, 1, -1)]
        assert first["total_count"] == 12
        second = client.post("/companies/list", params={"per_page": 10, **first["pages"]["next"]}).json()
        assert ([row["id"] for row in second["data"]], second["pages"]["next"]) == (["co_1", "co_0"], None)

    def test_the_list_stops_at_ten_thousand(self, client: httpx.Client, store: IntercomStore) -> None:
        ids = [f"big_{number}" for number in range(10_050)]
        store.companies = {each: IntercomCompany(each, each, each, day(0), day(0)) for each in ids}
        store.contacts["c000"].companies = ids
        last = client.post("/companies/list", params={"per_page": 100, "page": 100}).json()
        assert (len(last["data"]), last["pages"]["next"], last["total_count"]) == (100, None, 10_050)

    def test_finding_companies(self, client: httpx.Client) -> None:
        (row,) = client.get("/companies", params={"company_id": "acme-3"}).json()["data"]
        assert row["id"] == "co_3"
        assert client.get("/companies", params={"tag_id": "t9"}).json()["data"] == []
        assert refusal(client.get("/companies", params={"name": "Nobody"})) == (404, "company_not_found")
        assert refusal(client.get("/companies/co_999")) == (404, "company_not_found")

    def test_a_company_knows_its_users(self, client: httpx.Client) -> None:
        assert client.get("/companies/co_0").json()["user_count"] == 58
        users = client.get("/companies/co_0/contacts").json()
        assert (len(users["data"]), users["total_count"]) == (50, 58)
        assert refusal(client.get("/companies/co_999/contacts")) == (404, "company_not_found")


class TestConversations:
    def test_parts_only_when_retrieved(self, client: httpx.Client) -> None:
        assert "conversation_parts" not in client.get("/conversations").json()["conversations"][0]
        shown = client.get("/conversations/100").json()
        assert [part["body"] for part in shown["conversation_parts"]["conversation_parts"]] == [
            "<p>Any&nbsp;update?</p>",
            "<p>Yes</p>",
        ]

    def test_plain_text(self, client: httpx.Client) -> None:
        shown = client.get("/conversations/100", params={"display_as": "plaintext"}).json()
        assert shown["source"]["body"] == "I want to cancel\nnow & here"
        assert shown["conversation_parts"]["conversation_parts"][0]["body"] == "Any\xa0update?"

    def test_only_the_newest_500_parts_are_shown(self, client: httpx.Client, store: IntercomStore) -> None:
        store.conversations["100"].parts = [
            IntercomPart(str(number), "comment", None, day(0), "bot", "1") for number in range(510)
        ]
        shown = client.get("/conversations/100").json()
        parts = shown["conversation_parts"]["conversation_parts"]
        assert (len(parts), parts[0]["id"], parts[-1]["id"]) == (500, "10", "509")
        assert shown["statistics"]["count_conversation_parts"] == 510

    def test_reply_times(self, client: httpx.Client) -> None:
        statistics = client.get("/conversations/100").json()["statistics"]
        assert statistics["time_to_admin_reply"] == 0.6 * 86400
        assert statistics["median_time_to_reply"] == 0.6 * 86400

    def test_a_requested_rating_is_not_yet_a_rating(self, client: httpx.Client, store: IntercomStore) -> None:
        store.conversations["101"].rating = IntercomRating(day(2))
        assert client.get("/conversations/101").json()["conversation_rating"]["rating"] is None
        assert matching_ids(client, "conversations", "conversation_rating.score", ">", 0) == {"100"}

    def test_a_snoozed_conversation_is_open(self, client: httpx.Client, store: IntercomStore) -> None:
        snoozed = store.conversations["101"]
        snoozed.state, snoozed.snoozed_until = "snoozed", day(95)
        shown = client.get("/conversations/101").json()
        assert (shown["open"], shown["state"], shown["snoozed_until"]) == (True, "snoozed", seconds(day(95)))
        assert "101" in matching_ids(client, "conversations", "open", "=", True)
        assert matching_ids(client, "conversations", "state", "=", "snoozed") == {"101"}
        assert matching_ids(client, "conversations", "snoozed_until", ">", seconds(day(95))) == {"101"}
        snoozed.state, snoozed.snoozed_until = "closed", None
        shown = client.get("/conversations/101").json()
        assert (shown["open"], shown["state"], shown["snoozed_until"]) == (False, "closed", None)

    @pytest.mark.parametrize("conversation", ["144", "999"])
    def test_deleted_and_unknown_conversations_are_refused(self, client: httpx.Client, conversation: str) -> None:
        assert refusal(client.get(f"/conversations/{conversation}")) == (404, "not_found")


class TestWorkspace:
    def test_an_admin(self, client: httpx.Client) -> None:
        admin = client.get("/admins/814860").json()
        assert (admin["name"], admin["team_ids"], admin["away_status_reason_id"]) == ("Sam", [1], None)
        assert refusal(client.get("/admins/1")) == (404, "admin_not_found")

    def test_segments_are_of_this_instant(self, client: httpx.Client, store: IntercomStore) -> None:
        store.contacts["c011"].last_seen = day(70)
        store.contacts["c012"].last_seen = day(45)
        store.contacts["c012"].created = day(89)
        counted = client.get("/segments", params={"include_count": "true"}).json()
        assert counted["type"] == "segment.list"
        ids = {segment["name"]: segment["id"] for segment in counted["segments"]}
        counts = {segment["name"]: segment["count"] for segment in counted["segments"]}
        assert counts["All leads"] == 20
        assert "c011" in matching_ids(client, "contacts", "segment_id", "=", ids["Active"])
        for name, id_ in ids.items():
            query = {"field": "segment_id", "operator": "=", "value": id_}
            assert search(client, "contacts", query)["total_count"] == counts[name]
        assert "count" not in client.get(f"/segments/{ids['Active']}").json()
        mine = client.get("/contacts/c012/segments").json()
        assert (mine["type"], [segment["name"] for segment in mine["data"]]) == ("list", ["New", "Slipping Away"])
        assert client.get("/companies/co_0/segments").json() == {"type": "list", "data": []}

    @pytest.mark.parametrize("path", ["/segments/1", "/contacts/c007/segments", "/companies/co_999/segments"])
    def test_segments_of_nothing(self, client: httpx.Client, path: str) -> None:
        assert refusal(client.get(path))[0] == 404

    def test_activity_logs_are_paged_by_addresses(self, client: httpx.Client) -> None:
        url = f"/admins/activity_logs?created_at_after={seconds(day(2))}"
        ids: list[str] = []
        sizes: list[int] = []
        while url:
            page = client.get(url).json()
            ids += [row["id"] for row in page["activity_logs"]]
            sizes.append(len(page["activity_logs"]))
            url = page["pages"]["next"]
        assert ids == [f"a{number:02d}" for number in range(44, 1, -1)]
        assert (sizes, page["type"], page["pages"]["total_pages"]) == ([20, 20, 3], "activity_log.list", 3)
        assert page["activity_logs"][-1]["performed_by"]["email"] == "sam@acme.example"

    def test_activity_logs_of_a_time(self, client: httpx.Client) -> None:
        bounds = {"created_at_after": f"{seconds(day(3))}.0", "created_at_before": str(seconds(day(4)))}
        page = client.get("/admins/activity_logs", params=bounds).json()
        assert ([row["id"] for row in page["activity_logs"]], page["pages"]["next"]) == (["a04", "a03"], None)
        assert refusal(client.get("/admins/activity_logs")) == (400, "parameter_not_found")
        wrong = client.get("/admins/activity_logs", params={"created_at_after": "lately"})
        assert refusal(wrong) == (400, "parameter_invalid")


class TestAccess:
    def test_a_wrong_token(self, client: httpx.Client) -> None:
        answer = client.get("/me", headers={"Authorization": "Bearer wrong"})
        assert refusal(answer) == (401, "unauthorized")
        assert answer.json()["errors"][0]["message"] == "Access Token Invalid"

    def test_another_version_is_refused_rather_than_answered_in_the_wrong_shape(self, client: httpx.Client) -> None:
        assert refusal(client.get("/me", headers={"Intercom-Version": "2.11"}))[0] == 400
        del client.headers["Intercom-Version"]
        assert client.get("/me").status_code == 200

    @pytest.mark.parametrize("calls", [2])
    def test_too_many_calls(self, client: httpx.Client, now: Now) -> None:
        assert client.get("/me").headers["X-RateLimit-Remaining"] == "1"
        client.get("/tags")
        limited = client.get("/me")
        assert refusal(limited) == (429, "rate_limit_exceeded")
        assert limited.json()["errors"][0]["message"] == "Exceeded rate limit of 2 in 10_seconds"
        assert limited.headers["X-RateLimit-Limit"] == "2"
        assert limited.headers["X-RateLimit-Remaining"] == "0"
        assert time.time() < int(limited.headers["X-RateLimit-Reset"]) <= time.time() + 11
        now.seconds += 10
        assert client.get("/me").status_code == 200

    def test_an_unknown_address(self, client: httpx.Client) -> None:
        assert refusal(client.get("/widgets")) == (404, "not_found")

    def test_small_lists(self, client: httpx.Client) -> None:
        assert client.get("/admins").json()["admins"][0]["name"] == "Sam"
        assert client.get("/teams").json()["teams"][0]["name"] == "Support"
        assert client.get("/tags").json()["data"] == [{"type": "tag", "id": "t1", "name": "critical"}]
