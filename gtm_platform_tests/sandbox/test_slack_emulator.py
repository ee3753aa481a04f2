"""The Slack emulator as its official client meets it over a real socket, and its page for people."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.attachments import Attachment, AttachmentField, BlockAttachment
from slack_sdk.models.blocks import SectionBlock
from slack_sdk.web import SlackResponse
from slack_sdk.webhook import WebhookClient
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from gtm_platform.sandbox.slack import EMULATOR, LIMITS, TOKEN, app, replay
from gtm_platform.sandbox.slack.store import ALERT_CHANNEL, BOT_ID, BOT_USER_ID, CHANNELS, TEAM_ID, SlackStore

START = datetime(2026, 3, 2, 6, 0, 0, 250_000, tzinfo=UTC)
SAM_ID, PAT_ID = "U0SAM000001", "U0PAT000001"
SAM: dict[str, Any] = {"id": SAM_ID, "name": "sam", "profile": {"email": "sam@vendor.example", "real_name": "Sam Lee"}}
PAT: dict[str, Any] = {
    "id": PAT_ID,
    "name": "pat",
    "deleted": True,
    "profile": {"email": "pat@vendor.example", "real_name": "Pat Roe"},
}
ALERTS, REVENUE = ALERT_CHANNEL, "C0REVENUE01"
ROOMY = dict.fromkeys(LIMITS, (10000, 1.0))


@dataclass
class Host:
    """One server for all tests of this file; each test puts its own application behind it."""

    asgi: ASGIApp = field(default_factory=Starlette)
    url: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.asgi(scope, receive, send)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    listening = socket.create_server(("127.0.0.1", 0))
    host = Host(url=f"http://127.0.0.1:{listening.getsockname()[1]}")
    server = uvicorn.Server(uvicorn.Config(host, log_level="error", ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield host
    server.should_exit = True
    thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


def fresh_store() -> SlackStore:
    users = {"sam@vendor.example": SAM, "pat@vendor.example": PAT}
    return SlackStore(channels={ALERTS: "alerts", REVENUE: "revenue"}, users=users)


@dataclass
class Sandbox:
    """A Slack on loopback, its store, and the writes that it persists."""

    host: Host
    store: SlackStore = field(default_factory=fresh_store)
    now: datetime = START
    writes: list[tuple[str, datetime]] = field(default_factory=list)

    def open(self, limits: Mapping[str, tuple[int, float]]) -> None:
        slack = app(self.store, lambda: self.now, self.persist, limits)
        self.host.asgi = Starlette(routes=[Mount("/slack", slack)])

    def persist(self, write: dict[str, Any]) -> None:
        self.writes.append((json.dumps(write), self.now))

    @property
    def url(self) -> str:
        return f"{self.host.url}/slack"

    def client(self, token: str | None = TOKEN) -> WebClient:
        return WebClient(token=token, base_url=f"{self.url}/api/", retry_handlers=[])

    def webhook(self) -> WebhookClient:
        return WebhookClient(f"{self.url}/services/{TEAM_ID}/{BOT_ID}/hook", retry_handlers=[])

    def page(self, channel: str = ALERTS) -> str:
        with httpx.Client(trust_env=False) as http:
            return http.get(f"{self.url}/", params={"channel": channel}).text


@pytest.fixture
def sandbox(host: Host) -> Sandbox:
    sandbox = Sandbox(host)
    sandbox.open(ROOMY)
    return sandbox


@pytest.fixture
def client(sandbox: Sandbox) -> WebClient:
    return sandbox.client()


def section(text: str, kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": "section", "text": {"type": kind, "text": text}}


def error_of(failure: pytest.ExceptionInfo[SlackApiError]) -> tuple[int, str]:
    return failure.value.response.status_code, failure.value.response["error"]


def refused(call: Callable[[], object], code: str) -> SlackResponse:
    """Asserts that Slack refuses a call with this code, and returns its answer."""
    with pytest.raises(SlackApiError) as failure:
        call()
    assert error_of(failure) == (200, code)
    response = failure.value.response
    assert isinstance(response, SlackResponse)
    return response


# --- the Web API ---------------------------------------------------------------------------------------------------


def test_the_connection_check(sandbox: Sandbox, client: WebClient) -> None:
    answer = client.auth_test()
    assert (answer["ok"], answer["team_id"], answer["bot_id"]) == (True, TEAM_ID, BOT_ID)
    assert (answer["user_id"], answer["url"]) == (BOT_USER_ID, f"{sandbox.url}/")
    assert "chat:write" in answer.headers["x-oauth-scopes"].split(",")


@pytest.mark.parametrize(("token", "code"), [("xoxb-other", "invalid_auth"), (None, "not_authed")])
def test_a_wrong_token_is_refused(sandbox: Sandbox, token: str | None, code: str) -> None:
    with pytest.raises(SlackApiError) as failure:
        sandbox.client(token).chat_postMessage(channel=ALERTS, text="Hello")
    assert error_of(failure) == (200, code)
    assert sandbox.store.messages == []


def test_a_message_is_posted(sandbox: Sandbox, client: WebClient) -> None:
    metadata = {"event_type": "alert", "event_payload": {"key": "k1"}}
    answer = client.chat_postMessage(channel=ALERTS, text="Hello", blocks=[section("*Hello*")], metadata=metadata)
    assert (answer["channel"], answer["ts"]) == (ALERTS, "1772431200.250000")
    assert (answer["message"]["subtype"], answer["message"]["blocks"][0]["block_id"]) == ("bot_message", "block-0")
    [message] = sandbox.store.messages
    assert (message.text, message.at, message.metadata) == ("Hello", START, metadata)


def test_stamps_increase_even_when_the_clock_stands_still(sandbox: Sandbox, client: WebClient) -> None:
    first, second = (client.chat_postMessage(channel=channel, text="Hello")["ts"] for channel in (ALERTS, REVENUE))
    sandbox.now += timedelta(seconds=1)
    third = client.chat_postMessage(channel="#alerts", text="Hello")["ts"]
    assert [first, second, third] == ["1772431200.250000", "1772431200.250001", "1772431201.250000"]


def test_a_message_is_changed(sandbox: Sandbox, client: WebClient) -> None:
    ts = client.chat_postMessage(channel=ALERTS, text="Down", blocks=[section("Down")])["ts"]
    sandbox.now += timedelta(minutes=1)
    answer = client.chat_update(channel=ALERTS, ts=ts, text="Up again")
    assert (answer["ts"], answer["text"]) == (ts, "Up again")
    assert answer["message"]["blocks"][0]["text"]["text"] == "Down"
    client.chat_update(channel=ALERTS, ts=ts, text="Up again", blocks=[])
    [message] = sandbox.store.messages
    assert (message.text, message.blocks, message.edited) == ("Up again", [], sandbox.now)
    with pytest.raises(SlackApiError) as failure:
        client.chat_update(channel=REVENUE, ts=ts, text="Up again")
    assert error_of(failure) == (200, "message_not_found")


def test_a_reply_goes_to_the_thread_of_what_it_replies_to(sandbox: Sandbox, client: WebClient) -> None:
    first = client.chat_postMessage(channel=ALERTS, text="One")["ts"]
    reply = client.chat_postMessage(channel=ALERTS, text="Two", thread_ts=first)["ts"]
    client.chat_postMessage(channel=ALERTS, text="Three", thread_ts=reply)
    assert [message.thread_ts for message in sandbox.store.messages] == [None, first, first]
    with pytest.raises(SlackApiError) as failure:
        client.chat_postMessage(channel=ALERTS, text="Lost", thread_ts="1.000000")
    assert error_of(failure) == (200, "thread_not_found")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"channel": "C0NOWHERE01", "text": "Hello"}, "channel_not_found"),
        ({"channel": ALERTS, "text": ""}, "no_text"),
        ({"channel": ALERTS, "text": "Hello", "markdown_text": "Hello"}, "markdown_text_conflict"),
        ({"channel": ALERTS, "markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"channel": ALERTS, "text": "Hello", "blocks": {"type": "divider"}}, "invalid_blocks_format"),
    ],
)
def test_what_slack_does_not_post(client: WebClient, arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(SlackApiError) as failure:
        client.api_call("chat.postMessage", json=arguments)
    assert error_of(failure) == (200, code)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
        ([{"type": "banner"}], "unsupported type: banner [json-pointer:/blocks/0/type]"),
        ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
        ([section("x" * 3_001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
        ([{"type": "section"}], "missing required field: text [json-pointer:/blocks/0]"),
        (
            [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
            "must be less than 151 characters [json-pointer:/blocks/0/text/text]",
        ),
        (
            [{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}],
            "must be one of: plain_text [json-pointer:/blocks/0/text/type]",
        ),
        (
            [{"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11}],
            "no more than 10 items allowed [json-pointer:/blocks/0/fields]",
        ),
        (
            [{"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "x" * 76}}]}],
            "must be less than 76 characters [json-pointer:/blocks/0/elements/0/text/text]",
        ),
        (
            [{"type": "divider", "block_id": "a"}, {"type": "divider", "block_id": "a"}],
            "block_id must be unique [json-pointer:/blocks/1/block_id]",
        ),
    ],
)
def test_blocks_are_checked(sandbox: Sandbox, client: WebClient, blocks: list[Any], message: str) -> None:
    with pytest.raises(SlackApiError) as failure:
        client.chat_postMessage(channel=ALERTS, text="Hello", blocks=blocks)
    assert error_of(failure) == (200, "invalid_blocks")
    assert failure.value.response["response_metadata"]["messages"] == [f"[ERROR] {message}"]
    assert sandbox.writes == []


def test_a_very_long_text_is_cut(sandbox: Sandbox, client: WebClient) -> None:
    client.chat_postMessage(channel=ALERTS, text="x" * 40_001)
    assert len(sandbox.store.messages[0].text) == 40_000


def test_channels_come_in_pages(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.store.channels |= {f"C0SALES000{number}": f"channel-{number}" for number in range(3, 6)}
    pages = [
        ([channel["name"] for channel in page["channels"]], page["response_metadata"]["next_cursor"] == "")
        for page in client.conversations_list(limit=2, exclude_archived=True)
    ]
    assert pages == [(["alerts", "revenue"], False), (["channel-3", "channel-4"], False), (["channel-5"], True)]
    assert client.conversations_list(types="private_channel")["channels"] == []
    refused(lambda: client.conversations_list(types="secret_channel"), "invalid_types")
    refused(lambda: client.conversations_list(limit=-1), "invalid_limit")
    refused(lambda: client.conversations_list(cursor="bm93aGVyZQ=="), "invalid_cursor")


def test_a_channel_in_detail(client: WebClient) -> None:
    channel = client.conversations_info(channel=ALERTS, include_num_members=True)["channel"]
    assert (channel["name"], channel["is_member"], channel["num_members"]) == ("alerts", True, 2)
    assert channel["topic"]["value"] == ""
    assert "num_members" not in client.conversations_info(channel=ALERTS)["channel"]
    refused(lambda: client.conversations_info(channel="C0NOWHERE01"), "channel_not_found")


def test_people_come_in_pages_with_the_bot(client: WebClient) -> None:
    members = [member for page in client.users_list(limit=2) for member in page["members"]]
    assert [(member["id"], member["is_bot"], member["deleted"]) for member in members] == [
        (BOT_USER_ID, True, False),
        (SAM_ID, False, False),
        (PAT_ID, False, True),
    ]
    assert members[0]["profile"]["bot_id"] == BOT_ID


def test_a_person_by_id(client: WebClient) -> None:
    user = client.users_info(user=SAM_ID, include_locale=True)["user"]
    assert (user["real_name"], user["tz_offset"], user["locale"]) == ("Sam Lee", 0, "en-GB")
    assert user["profile"]["real_name_normalized"] == "Sam Lee"
    refused(lambda: client.users_info(user="U0NOBODY001"), "user_not_found")


def test_a_person_by_address(client: WebClient) -> None:
    assert client.users_lookupByEmail(email="Sam@vendor.example")["user"]["id"] == SAM_ID
    refused(lambda: client.users_lookupByEmail(email="eve@vendor.example"), "users_not_found")
    refused(lambda: client.users_lookupByEmail(email="pat@vendor.example"), "users_not_found")


def test_the_api_itself(sandbox: Sandbox) -> None:
    client = sandbox.client(token=None)
    assert client.api_test(foo="bar")["args"] == {"foo": "bar"}
    refused(lambda: client.api_test(error="my_error"), "my_error")


# --- history -------------------------------------------------------------------------------------------------------


def texts(messages: list[dict[str, Any]]) -> list[str]:
    return [message["text"] for message in messages]


def posted(sandbox: Sandbox, client: WebClient, *messages: str, **arguments: Any) -> list[str]:
    """Posts these texts a minute apart and returns their timestamps."""
    stamps = []
    for text in messages:
        stamps.append(str(client.chat_postMessage(channel=ALERTS, text=text, **arguments)["ts"]))
        sandbox.now += timedelta(minutes=1)
    return stamps


def test_history_is_paged_from_the_newest_and_does_not_shift(sandbox: Sandbox, client: WebClient) -> None:
    posted(sandbox, client, "One", "Two", "Three", "Four", "Five")
    client.chat_postMessage(channel=REVENUE, text="Elsewhere")
    pages = []
    for page in client.conversations_history(channel=ALERTS, limit=2):
        pages.append((texts(page["messages"]), page["has_more"]))
        client.chat_postMessage(channel=ALERTS, text="Late")
    assert pages == [(["Five", "Four"], True), (["Three", "Two"], True), (["One"], False)]
    refused(lambda: client.conversations_history(channel="C0NOWHERE01"), "channel_not_found")


def test_history_between_two_instants(sandbox: Sandbox, client: WebClient) -> None:
    first, second, third = posted(sandbox, client, "One", "Two", "Three")

    def between(**bounds: Any) -> list[str]:
        return texts(client.conversations_history(channel=ALERTS, **bounds)["messages"])

    assert between(oldest=first) == ["Three", "Two"]
    assert between(oldest=first, latest=third) == ["Two"]
    assert between(oldest=first, latest=second, inclusive=True) == ["Two", "One"]
    assert between(oldest="0", latest="1772431200") == []
    refused(lambda: between(oldest="yesterday"), "invalid_ts_oldest")
    refused(lambda: between(latest="-1"), "invalid_ts_latest")


def test_replies_are_in_their_thread(sandbox: Sandbox, client: WebClient) -> None:
    (first,) = posted(sandbox, client, "Question", metadata={"event_type": "alert", "event_payload": {"key": "k1"}})
    _, last = posted(sandbox, client, "One", "Two", thread_ts=first)
    posted(sandbox, client, "For all", thread_ts=first, reply_broadcast=True)
    history = client.conversations_history(channel=ALERTS)["messages"]
    assert [(each["text"], each["subtype"]) for each in history] == [
        ("For all", "thread_broadcast"),
        ("Question", "bot_message"),
    ]
    assert (history[1]["thread_ts"], history[1]["reply_count"]) == (first, 3)
    assert "metadata" not in history[1]
    whole = client.conversations_history(channel=ALERTS, include_all_metadata=True)["messages"]
    assert whole[1]["metadata"]["event_payload"] == {"key": "k1"}
    thread = [texts(page["messages"]) for page in client.conversations_replies(channel=ALERTS, ts=last, limit=3)]
    assert thread == [["Question", "One", "Two"], ["For all"]]
    refused(lambda: client.conversations_replies(channel=ALERTS, ts="1.000000"), "thread_not_found")


# --- deleting and linking ------------------------------------------------------------------------------------------


def test_a_deleted_message_is_gone(sandbox: Sandbox, client: WebClient) -> None:
    first, second = posted(sandbox, client, "One", "Two")
    assert client.chat_delete(channel=ALERTS, ts=second)["ts"] == second
    assert texts(client.conversations_history(channel=ALERTS)["messages"]) == ["One"]
    refused(lambda: client.chat_delete(channel=ALERTS, ts=second), "message_not_found")
    refused(lambda: client.chat_delete(channel="C0NOWHERE01", ts=first), "channel_not_found")
    sandbox.now = START
    assert client.chat_postMessage(channel=ALERTS, text="Three")["ts"] > second


def test_a_deleted_message_with_replies_leaves_its_thread(sandbox: Sandbox, client: WebClient) -> None:
    (first,) = posted(sandbox, client, "Question")
    posted(sandbox, client, "Answer", thread_ts=first)
    client.chat_delete(channel=ALERTS, ts=first)
    (message,) = client.conversations_history(channel=ALERTS)["messages"]
    assert (message["subtype"], message["reply_count"]) == ("tombstone", 1)
    assert "Question" not in sandbox.page()
    refused(lambda: client.chat_update(channel=ALERTS, ts=first, text="Again"), "message_not_found")


def test_a_permalink_opens_the_page_at_the_message(sandbox: Sandbox, client: WebClient) -> None:
    (first,) = posted(sandbox, client, "Question")
    (reply,) = posted(sandbox, client, "Answer", thread_ts=first)
    anchor = "p" + first.replace(".", "")
    link = client.chat_getPermalink(channel=ALERTS, message_ts=first)["permalink"]
    assert link == f"{sandbox.url}/archives/{ALERTS}/{anchor}"
    in_thread = client.chat_getPermalink(channel=ALERTS, message_ts=reply)["permalink"]
    assert in_thread.endswith(f"?thread_ts={first}&cid={ALERTS}")
    with httpx.Client(trust_env=False, follow_redirects=True) as http:
        page = http.get(link)
    assert str(page.url) == f"{sandbox.url}/?channel={ALERTS}#{anchor}"
    assert f'id="{anchor}"' in page.text
    refused(lambda: client.chat_getPermalink(channel=ALERTS, message_ts="1.000000"), "message_not_found")


# --- reactions -----------------------------------------------------------------------------------------------------


def test_reactions_come_and_go(sandbox: Sandbox, client: WebClient) -> None:
    first, second, _ = posted(sandbox, client, "One", "Two", "Three")
    sandbox.store.messages[0].reactions = {"eyes": [SAM_ID]}
    client.reactions_add(channel=ALERTS, timestamp=first, name="eyes")
    client.reactions_add(channel=ALERTS, timestamp=second, name="+1")
    item = client.reactions_get(channel=ALERTS, timestamp=first, full=True)
    assert (item["type"], item["channel"]) == ("message", ALERTS)
    assert item["message"]["reactions"] == [{"name": "eyes", "users": [SAM_ID, BOT_USER_ID], "count": 2}]
    pages = [[each["message"]["text"] for each in page["items"]] for page in client.reactions_list(limit=1)]
    assert pages == [["Two"], ["One"]]
    assert texts([each["message"] for each in client.reactions_list(user=SAM_ID)["items"]]) == ["One"]
    client.reactions_remove(channel=ALERTS, timestamp=second, name="+1")
    assert "reactions" not in client.reactions_get(channel=ALERTS, timestamp=second)["message"]
    oldest = client.conversations_history(channel=ALERTS)["messages"][-1]
    assert oldest["reactions"] == item["message"]["reactions"]


@pytest.mark.parametrize(
    ("method", "arguments", "code"),
    [
        ("reactions.add", {"name": "eyes"}, "already_reacted"),
        ("reactions.add", {"name": "Two words"}, "invalid_name"),
        ("reactions.add", {"name": "fire", "channel": "C0NOWHERE01"}, "channel_not_found"),
        ("reactions.add", {"name": "fire", "timestamp": "1.000000"}, "message_not_found"),
        ("reactions.add", {"name": "fire", "timestamp": "now"}, "bad_timestamp"),
        ("reactions.add", {"name": "fire", "timestamp": ""}, "no_item_specified"),
        ("reactions.remove", {"name": "fire"}, "no_reaction"),
        ("reactions.get", {"timestamp": "1.000000"}, "message_not_found"),
        ("reactions.list", {"user": "U0NOBODY001"}, "user_not_found"),
    ],
)
def test_reactions_that_slack_refuses(
    sandbox: Sandbox, client: WebClient, method: str, arguments: dict[str, Any], code: str
) -> None:
    (ts,) = posted(sandbox, client, "One")
    client.reactions_add(channel=ALERTS, timestamp=ts, name="eyes")
    refused(lambda: client.api_call(method, params={"channel": ALERTS, "timestamp": ts, **arguments}), code)


def test_a_message_takes_so_many_emoji(sandbox: Sandbox, client: WebClient) -> None:
    (ts,) = posted(sandbox, client, "One")
    sandbox.store.messages[0].reactions = {f"number_{number}": [SAM_ID] for number in range(23)}
    refused(lambda: client.reactions_add(channel=ALERTS, timestamp=ts, name="eyes"), "too_many_emoji")
    client.reactions_add(channel=ALERTS, timestamp=ts, name="number_7")


# --- attachments ---------------------------------------------------------------------------------------------------


def test_attachments_are_kept_and_returned(sandbox: Sandbox, client: WebClient) -> None:
    attachments = [
        Attachment(text="*Acme* is at risk", title="Acme", color="danger", fields=[AttachmentField(title="MRR")]),
        BlockAttachment(blocks=[SectionBlock(text="In blocks")], color="#36a64f"),
    ]
    answer = client.chat_postMessage(channel=ALERTS, text="Acme", attachments=attachments)
    (message,) = client.conversations_history(channel=ALERTS)["messages"]
    assert message["attachments"] == answer["message"]["attachments"]
    assert [(each["id"], each["color"], each["fallback"]) for each in message["attachments"]] == [
        (1, "a30200", "*Acme* is at risk"),
        (2, "36a64f", "[no preview available]"),
    ]
    assert message["attachments"][1]["blocks"][0]["block_id"] == "block-0"
    client.chat_update(channel=ALERTS, ts=answer["ts"], text="Up")
    assert sandbox.store.messages[0].attachments == message["attachments"]
    client.chat_update(channel=ALERTS, ts=answer["ts"], text="Up", attachments=[])
    assert sandbox.store.messages[0].attachments == []
    assert client.api_call("chat.postMessage", json={"channel": ALERTS, "attachments": [{"text": "Alone"}]})["ok"]


@pytest.mark.parametrize(
    ("attachments", "code"),
    [
        ([{"text": "x"}] * 101, "too_many_attachments"),
        ({"text": "x"}, "invalid_attachments"),
        ([], "no_text"),
        ([{"blocks": [{"type": "banner"}]}], "invalid_blocks"),
    ],
)
def test_attachments_that_slack_refuses(client: WebClient, attachments: Any, code: str) -> None:
    arguments = {"channel": ALERTS, "attachments": attachments}
    failure = refused(lambda: client.api_call("chat.postMessage", json=arguments), code)
    if code == "invalid_blocks":
        (message,) = failure["response_metadata"]["messages"]
        assert message.endswith("[json-pointer:/attachments/0/blocks/0/type]")


# --- transport -----------------------------------------------------------------------------------------------------


def test_a_form_does_as_well_as_json(sandbox: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=sandbox.url, headers=headers, trust_env=False) as http:
        form = {"channel": ALERTS, "text": "Hello", "blocks": json.dumps([section("Hello")])}
        form["attachments"] = json.dumps([{"text": "More"}])
        assert http.post("/api/chat.postMessage", data=form).json()["ok"]
        bare = http.post("/api/chat.postMessage", json={"channel": ALERTS, "text": "Hello"}).json()
        unknown = http.post("/api/chat.shout").json()
    assert sandbox.store.messages[0].blocks[0]["type"] == "section"
    assert sandbox.store.messages[0].attachments[0]["text"] == "More"
    assert bare["warning"] == "missing_charset"
    assert unknown["error"] == "unknown_method"


def test_a_channel_at_its_limit_leaves_the_rest_open(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.open({**ROOMY, "chat.postMessage": (2, 30.0)})
    for _ in range(2):
        client.chat_postMessage(channel=ALERTS, text="Hello")
    with pytest.raises(SlackApiError) as failure:
        client.chat_postMessage(channel=ALERTS, text="Hello")
    assert error_of(failure) == (429, "ratelimited")
    assert failure.value.response.headers["Retry-After"] == "30"
    assert client.chat_postMessage(channel=REVENUE, text="Hello")["ok"]
    assert client.auth_test()["ok"]


# --- the incoming webhook ------------------------------------------------------------------------------------------


def test_the_webhook_answers_in_plain_text(sandbox: Sandbox) -> None:
    good = sandbox.webhook().send(text="Hello", blocks=[section("Hello")])
    assert (good.status_code, good.body) == (200, "ok")
    assert sandbox.store.messages[0].channel == ALERTS
    for arguments, code in (({"text": ""}, "no_text"), ({"blocks": [{"type": "banner"}]}, "invalid_blocks")):
        bad = sandbox.webhook().send_dict(arguments)
        assert (bad.status_code, bad.body) == (400, code)
    with httpx.Client(trust_env=False) as http:
        broken = http.post(sandbox.webhook().url, content="{", headers={"Content-Type": "application/json"})
    assert (broken.status_code, broken.text) == (400, "invalid_payload")


def test_the_webhook_has_a_limit(sandbox: Sandbox) -> None:
    sandbox.open({**ROOMY, "webhook": (1, 30.0)})
    assert sandbox.webhook().send(text="Hello").body == "ok"
    refused = sandbox.webhook().send(text="Hello")
    assert (refused.status_code, refused.body, refused.headers["retry-after"]) == (429, "rate_limited", "30")


# --- the page ------------------------------------------------------------------------------------------------------


def test_the_page_shows_what_a_person_would_see(sandbox: Sandbox, client: WebClient) -> None:
    text = "*Acme* and _all_ `code` <https://acme.example/?a=1&amp;b=2|its page> :warning:\n> quoted"
    text = f"<@{SAM_ID}> <#{REVENUE}> {text}"
    first = client.chat_postMessage(channel=ALERTS, text="fallback", blocks=[section(text)])["ts"]
    client.chat_postMessage(channel=ALERTS, text="A reply", thread_ts=first)
    page = sandbox.page()
    for expected in (
        "<strong>Acme</strong> and <em>all</em> <code>code</code>",
        'href="https://acme.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">its page</a>',
        '<span class="mention">@Sam Lee</span>',
        '<span class="mention">#revenue</span>',
        "⚠️",
        "<blockquote>quoted</blockquote>",
        "<summary>1 reply</summary>",
        "<span>Today</span>",
        ">06:00</time>",
        'aria-current="page"># alerts<b>2</b>',
    ):
        assert expected in page
    assert "fallback" not in page
    assert "Nothing has been posted" in sandbox.page(REVENUE)


def test_every_kind_of_block_is_shown(sandbox: Sandbox, client: WebClient) -> None:
    button = {"type": "button", "text": {"type": "plain_text", "text": "Open"}, "url": "https://acme.example"}
    image = {"type": "image", "image_url": "https://acme.example/a.png", "alt_text": "Chart"}
    cell = {"type": "raw_text", "text": "Cell"}
    rich = {"type": "rich_text_section", "elements": [{"type": "text", "text": "Rich"}]}
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": "Title"}},
        {"type": "section", "fields": [{"type": "mrkdwn", "text": "*Health*\n41"}], "accessory": button},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "Run"}, image]},
        {"type": "divider"},
        {"type": "actions", "elements": [{**button, "style": "primary"}, {"type": "datepicker"}]},
        image,
        {"type": "markdown", "text": "**Bold** [page](https://acme.example)"},
        {"type": "table", "rows": [[cell, cell]]},
        {"type": "rich_text", "elements": [rich]},
    ]
    client.chat_postMessage(channel=ALERTS, text="fallback", blocks=blocks)
    page = sandbox.page()
    for expected in (
        "<h3>Title</h3>",
        '<div class="fields"><div><strong>Health</strong><br>41</div></div>',
        '<a class="button primary" href="https://acme.example"',
        '<span class="button">datepicker</span>',
        "🖼 Chart</a>",
        "<hr>",
        "<strong>Bold</strong>",
        "<td>Cell</td><td>Cell</td>",
        ">Rich</div>",
    ):
        assert expected in page
    assert "<img" not in page


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "*<script>alert(1)</script>*",
        "`<script>alert(1)</script>`",
        '<https://acme.example/"onmouseover=alert(1)|<script>alert(1)</script>>',
        "<javascript:alert(1)|click>",
        "<@U0SAM000001|<script>>",
    ],
)
def test_text_cannot_become_markup(sandbox: Sandbox, client: WebClient, text: str) -> None:
    sandbox.store.channels["C0SCRIPT001"] = "<script>"
    sandbox.store.users["eve@vendor.example"] = {"id": "U0EVE000001", "name": "<script>"}
    blocks = [
        section(text),
        section(text, "plain_text"),
        section("<@U0EVE000001> <#C0SCRIPT001>"),
        {"type": "markdown", "text": text},
    ]
    button = {"type": "button", "text": {"type": "plain_text", "text": text[:75]}, "url": "javascript:alert(1)"}
    blocks.append({"type": "actions", "elements": [button]})
    client.chat_postMessage(channel=ALERTS, text=text)
    client.chat_postMessage(channel=ALERTS, text=text, blocks=blocks)
    page = sandbox.page()
    assert "<script" not in page
    assert 'href="javascript' not in page
    assert '"onmouseover' not in page


def test_days_are_separated(sandbox: Sandbox, client: WebClient) -> None:
    for _ in range(3):
        client.chat_postMessage(channel=ALERTS, text="Hello")
        sandbox.now += timedelta(days=1)
    sandbox.now -= timedelta(days=1)
    page = sandbox.page()
    assert [page.count(f"<span>{day}</span>") for day in ("Monday, 2 March 2026", "Yesterday", "Today")] == [1, 1, 1]


def test_attachments_and_reactions_are_shown(sandbox: Sandbox, client: WebClient) -> None:
    attachment = {
        "pretext": "For *you*", "title": "Acme", "title_link": "https://acme.example", "text": "At _risk_",
        "color": "warning", "fields": [{"title": "MRR", "value": "$297", "short": True}], "footer": "Run 7",
        "image_url": "https://acme.example/a.png",
    }  # fmt: skip
    blocks = {"color": '"><script>', "blocks": [section("In *blocks*")]}
    ts = client.chat_postMessage(channel=ALERTS, text="See", attachments=[attachment, blocks])["ts"]
    client.reactions_add(channel=ALERTS, timestamp=ts, name="eyes")
    client.reactions_add(channel=ALERTS, timestamp=ts, name="shrug")
    page = sandbox.page()
    for expected in (
        "<div>See</div><div>For <strong>you</strong></div>",
        '<div class="attachment" style="border-color: #daa038">',
        'href="https://acme.example" target="_blank"',
        "At <em>risk</em>",
        "<strong>MRR</strong><br>$297",
        "🖼 image_url</a>",
        '<div class="context">Run 7</div>',
        '<div class="attachment"><div class="section">',
        '<span title="GTM Platform">👀 1</span><span title="GTM Platform">:shrug: 1</span>',
    ):
        assert expected in page
    assert "<script" not in page


def test_the_sandbox_announces_its_channels(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.store.channels = dict(CHANNELS)
    variables = EMULATOR.environment("http://127.0.0.1/slack")
    announced = [variables[f"SLACK_{purpose}_CHANNEL"] for purpose in ("ALERT", "SUMMARY", "OPS")]
    assert {channel["id"] for channel in client.conversations_list()["channels"]} == set(announced)
    assert [name for name in CHANNELS.values() if f"# {name}" not in sandbox.page()] == []


def test_ids_have_the_form_of_slacks_own(client: WebClient) -> None:
    identity = client.auth_test()
    assert re.fullmatch(r"T[A-Z0-9]{8,}", identity["team_id"])
    assert re.fullmatch(r"B[A-Z0-9]{8,}", identity["bot_id"])
    assert re.fullmatch(r"[UW][A-Z0-9]{8,}", identity["user_id"])
    assert [channel for channel in CHANNELS if not re.fullmatch(r"[CGD][A-Z0-9]{8,}", channel)] == []


# --- persisted writes ----------------------------------------------------------------------------------------------


PNG = b"\x89PNG\r\n\x1a\nnot much of a picture"


def picture(id: str) -> dict[str, Any]:
    return {"type": "image", "slack_file": {"id": id}, "alt_text": "A line that rises"}


def test_a_file_is_uploaded_and_shown_by_a_message(sandbox: Sandbox, client: WebClient) -> None:
    uploaded = client.files_upload_v2(filename="mrr.png", file=PNG, title="MRR", alt_txt="A line that rises")
    [file] = uploaded["files"]
    assert (file["name"], file["title"], file["mimetype"], file["size"]) == ("mrr.png", "MRR", "image/png", len(PNG))
    assert client.files_info(file=file["id"])["file"] == file
    assert sandbox.store.files[file["id"]].content == PNG
    assert sandbox.store.messages == [], "nobody sees it yet"
    client.chat_postMessage(channel=ALERTS, text="MRR", blocks=[picture(file["id"])])
    assert sandbox.store.messages[0].blocks[0]["slack_file"] == {"id": file["id"]}
    assert "A line that rises" in sandbox.page()


def test_a_file_is_shared_with_a_channel(sandbox: Sandbox, client: WebClient) -> None:
    client.files_upload_v2(filename="mrr.png", file=PNG, channel=ALERTS, initial_comment="As of today")
    [message] = sandbox.store.messages
    assert (message.channel, message.text, message.blocks[0]["type"]) == (ALERTS, "As of today", "image")


def test_files_that_slack_refuses(sandbox: Sandbox, client: WebClient) -> None:
    announced = client.files_getUploadURLExternal(filename="a.png", length=len(PNG))
    id = str(announced["file_id"])
    refused(lambda: client.files_getUploadURLExternal(filename="", length=3), "invalid_arguments")
    refused(lambda: client.files_completeUploadExternal(files=[{"id": id}]), "file_not_found")
    refused(lambda: client.files_completeUploadExternal(files=[]), "invalid_arguments")
    refused(lambda: client.files_info(file=id), "file_not_found")
    for block in (
        picture(id),
        picture(id) | {"image_url": "https://pictures.example/a.png"},
        picture("") | {"slack_file": {}},
    ):
        refused(lambda shown=block: client.chat_postMessage(channel=ALERTS, text="x", blocks=[shown]), "invalid_blocks")  # type: ignore[misc]
    assert httpx.post(announced["upload_url"], content=PNG[:-1]).status_code == 400
    assert httpx.post(f"{announced['upload_url']}0", content=PNG).status_code == 404
    assert httpx.post(announced["upload_url"], content=PNG).text == f"OK - {len(PNG)}"
    assert client.files_completeUploadExternal(files=[{"id": id}])["files"][0]["title"] == "a.png"
    assert httpx.post(announced["upload_url"], content=PNG).status_code == 404, "an address is good for one file"
    assert sandbox.store.messages == []


def test_replayed_writes_make_the_same_store(sandbox: Sandbox, client: WebClient) -> None:
    ts = client.chat_postMessage(channel=ALERTS, text="One", blocks=[section("One")], attachments=[{"text": "A"}])["ts"]
    client.chat_postMessage(channel=ALERTS, text="Two", thread_ts=ts, reply_broadcast=True)
    sandbox.now += timedelta(minutes=1)
    client.chat_update(channel=ALERTS, ts=ts, text="Changed")
    client.reactions_add(channel=ALERTS, timestamp=ts, name="eyes")
    client.reactions_add(channel=ALERTS, timestamp=ts, name="fire")
    client.reactions_remove(channel=ALERTS, timestamp=ts, name="fire")
    sandbox.webhook().send(text="Three")
    extra = client.chat_postMessage(channel=REVENUE, text="Four")["ts"]
    client.chat_delete(channel=REVENUE, ts=extra)
    client.files_upload_v2(filename="mrr.png", file=PNG)
    store = fresh_store()
    for write, at in sandbox.writes:
        replay(store, json.loads(write), at)
    assert len(store.messages) == 3
    assert store == sandbox.store
