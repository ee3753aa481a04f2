"""The Slack emulator as its official client meets it, over a real socket, and the page it shows to people."""

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from gtm_platform.sandbox.slack import LIMITS, TOKEN, app, replay
from gtm_platform.sandbox.slack.store import SlackStore

START = datetime(2026, 3, 2, 6, 0, 0, 250_000, tzinfo=UTC)
SAM = {"id": "U71", "name": "sam", "profile": {"email": "sam@chroma.example", "real_name": "Sam Lee"}}
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
    here = Host(url=f"http://127.0.0.1:{listening.getsockname()[1]}")
    server = uvicorn.Server(uvicorn.Config(here, log_level="error", ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield here
    server.should_exit = True
    thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


def fresh_store() -> SlackStore:
    return SlackStore(channels={"C1": "alerts", "C2": "revenue"}, users={"sam@chroma.example": SAM})


@dataclass
class Sandbox:
    """A Slack on loopback, its store, and the writes it was told to keep."""

    host: Host
    store: SlackStore = field(default_factory=fresh_store)
    now: datetime = START
    kept: list[tuple[str, datetime]] = field(default_factory=list)

    def open(self, limits: Mapping[str, tuple[int, float]]) -> None:
        slack = app(self.store, lambda: self.now, self.keep, limits)
        self.host.asgi = Starlette(routes=[Mount("/slack", slack)])

    def keep(self, write: dict[str, Any]) -> None:
        self.kept.append((json.dumps(write), self.now))

    @property
    def url(self) -> str:
        return f"{self.host.url}/slack"

    def client(self, token: str | None = TOKEN) -> WebClient:
        return WebClient(token=token, base_url=f"{self.url}/api/", retry_handlers=[])

    def webhook(self) -> WebhookClient:
        return WebhookClient(f"{self.url}/services/T0/B0/hook", retry_handlers=[])

    def page(self, channel: str = "C1") -> str:
        with httpx.Client(trust_env=False) as http:
            return http.get(f"{self.url}/", params={"channel": channel}).text


@pytest.fixture
def sandbox(host: Host) -> Sandbox:
    here = Sandbox(host)
    here.open(ROOMY)
    return here


@pytest.fixture
def client(sandbox: Sandbox) -> WebClient:
    return sandbox.client()


def section(text: str, kind: str = "mrkdwn") -> dict[str, Any]:
    return {"type": "section", "text": {"type": kind, "text": text}}


def error_of(failure: pytest.ExceptionInfo[SlackApiError]) -> tuple[int, str]:
    return failure.value.response.status_code, failure.value.response["error"]


# --- the Web API ---------------------------------------------------------------------------------------------------


def test_the_connection_check(client: WebClient) -> None:
    answer = client.auth_test()
    assert (answer["ok"], answer["team_id"], answer["bot_id"]) == (True, "T0", "B0GTM")


@pytest.mark.parametrize(("token", "code"), [("xoxb-other", "invalid_auth"), (None, "not_authed")])
def test_a_wrong_token_is_refused(sandbox: Sandbox, token: str | None, code: str) -> None:
    with pytest.raises(SlackApiError) as failure:
        sandbox.client(token).chat_postMessage(channel="C1", text="Hello")
    assert error_of(failure) == (200, code)
    assert sandbox.store.messages == []


def test_a_message_is_posted(sandbox: Sandbox, client: WebClient) -> None:
    metadata = {"event_type": "alert", "event_payload": {"key": "k1"}}
    answer = client.chat_postMessage(channel="C1", text="Hello", blocks=[section("*Hello*")], metadata=metadata)
    assert (answer["channel"], answer["ts"]) == ("C1", "1772431200.250000")
    assert (answer["message"]["subtype"], answer["message"]["blocks"][0]["block_id"]) == ("bot_message", "block-0")
    [message] = sandbox.store.messages
    assert (message.text, message.at, message.metadata) == ("Hello", START, metadata)


def test_stamps_increase_even_when_the_clock_stands_still(sandbox: Sandbox, client: WebClient) -> None:
    first, second = (client.chat_postMessage(channel=channel, text="Hello")["ts"] for channel in ("C1", "C2"))
    sandbox.now += timedelta(seconds=1)
    third = client.chat_postMessage(channel="#alerts", text="Hello")["ts"]
    assert [first, second, third] == ["1772431200.250000", "1772431200.250001", "1772431201.250000"]


def test_a_message_is_changed(sandbox: Sandbox, client: WebClient) -> None:
    ts = client.chat_postMessage(channel="C1", text="Down", blocks=[section("Down")])["ts"]
    sandbox.now += timedelta(minutes=1)
    answer = client.chat_update(channel="C1", ts=ts, text="Up again")
    assert (answer["ts"], answer["text"]) == (ts, "Up again")
    assert answer["message"]["blocks"][0]["text"]["text"] == "Down"
    client.chat_update(channel="C1", ts=ts, text="Up again", blocks=[])
    [message] = sandbox.store.messages
    assert (message.text, message.blocks, message.edited) == ("Up again", [], sandbox.now)
    with pytest.raises(SlackApiError) as failure:
        client.chat_update(channel="C2", ts=ts, text="Up again")
    assert error_of(failure) == (200, "message_not_found")


def test_a_reply_goes_to_the_thread_of_what_it_replies_to(sandbox: Sandbox, client: WebClient) -> None:
    first = client.chat_postMessage(channel="C1", text="One")["ts"]
    reply = client.chat_postMessage(channel="C1", text="Two", thread_ts=first)["ts"]
    client.chat_postMessage(channel="C1", text="Three", thread_ts=reply)
    assert [message.thread_ts for message in sandbox.store.messages] == [None, first, first]
    with pytest.raises(SlackApiError) as failure:
        client.chat_postMessage(channel="C1", text="Lost", thread_ts="1.000000")
    assert error_of(failure) == (200, "thread_not_found")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"channel": "C9", "text": "Hello"}, "channel_not_found"),
        ({"channel": "C1", "text": ""}, "no_text"),
        ({"channel": "C1", "text": "Hello", "markdown_text": "Hello"}, "markdown_text_conflict"),
        ({"channel": "C1", "markdown_text": "x" * 12_001}, "msg_too_long"),
        ({"channel": "C1", "text": "Hello", "blocks": {"type": "divider"}}, "invalid_blocks_format"),
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
        client.chat_postMessage(channel="C1", text="Hello", blocks=blocks)
    assert error_of(failure) == (200, "invalid_blocks")
    assert failure.value.response["response_metadata"]["messages"] == [f"[ERROR] {message}"]
    assert sandbox.kept == []


def test_a_very_long_text_is_cut(sandbox: Sandbox, client: WebClient) -> None:
    client.chat_postMessage(channel="C1", text="x" * 40_001)
    assert len(sandbox.store.messages[0].text) == 40_000


def test_channels_come_in_pages(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.store.channels |= {f"C{number}": f"channel-{number}" for number in range(3, 6)}
    pages = [
        ([channel["id"] for channel in page["channels"]], page["response_metadata"]["next_cursor"] == "")
        for page in client.conversations_list(limit=2, exclude_archived=True)
    ]
    assert pages == [(["C1", "C2"], False), (["C3", "C4"], False), (["C5"], True)]
    assert client.conversations_list(types="private_channel")["channels"] == []


def test_a_person_is_found_by_address(client: WebClient) -> None:
    assert client.users_lookupByEmail(email="sam@chroma.example")["user"] == SAM
    with pytest.raises(SlackApiError) as failure:
        client.users_lookupByEmail(email="eve@chroma.example")
    assert error_of(failure) == (200, "users_not_found")


def test_a_form_does_as_well_as_json(sandbox: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=sandbox.url, headers=headers, trust_env=False) as http:
        form = {"channel": "C1", "text": "Hello", "blocks": json.dumps([section("Hello")])}
        assert http.post("/api/chat.postMessage", data=form).json()["ok"]
        bare = http.post("/api/chat.postMessage", json={"channel": "C1", "text": "Hello"}).json()
        unknown = http.post("/api/chat.shout").json()
    assert sandbox.store.messages[0].blocks[0]["type"] == "section"
    assert bare["warning"] == "missing_charset"
    assert unknown["error"] == "unknown_method"


def test_one_channel_at_its_limit_leaves_the_others_open(sandbox: Sandbox, client: WebClient) -> None:
    sandbox.open({**ROOMY, "chat.postMessage": (2, 30.0)})
    for _ in range(2):
        client.chat_postMessage(channel="C1", text="Hello")
    with pytest.raises(SlackApiError) as failure:
        client.chat_postMessage(channel="C1", text="Hello")
    assert error_of(failure) == (429, "ratelimited")
    assert failure.value.response.headers["Retry-After"] == "30"
    assert client.chat_postMessage(channel="C2", text="Hello")["ok"]
    assert client.auth_test()["ok"]


# --- the incoming webhook ------------------------------------------------------------------------------------------


def test_the_webhook_answers_in_plain_text(sandbox: Sandbox) -> None:
    good = sandbox.webhook().send(text="Hello", blocks=[section("Hello")])
    assert (good.status_code, good.body) == (200, "ok")
    assert sandbox.store.messages[0].channel == "C1"
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
    text = "*Acme* and _all_ `code` <https://acme.example/?a=1&amp;b=2|its page> <@U71> <#C2> :warning:\n> quoted"
    first = client.chat_postMessage(channel="C1", text="fallback", blocks=[section(text)])["ts"]
    client.chat_postMessage(channel="C1", text="A reply", thread_ts=first)
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
    assert "Nothing has been posted" in sandbox.page("C2")


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
    client.chat_postMessage(channel="C1", text="fallback", blocks=blocks)
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
        "<@U71|<script>>",
    ],
)
def test_text_cannot_become_markup(sandbox: Sandbox, client: WebClient, text: str) -> None:
    sandbox.store.channels["C3"] = "<script>"
    sandbox.store.users["eve@chroma.example"] = {"id": "U9", "name": "<script>"}
    blocks = [section(text), section(text, "plain_text"), section("<@U9> <#C3>"), {"type": "markdown", "text": text}]
    button = {"type": "button", "text": {"type": "plain_text", "text": text[:75]}, "url": "javascript:alert(1)"}
    blocks.append({"type": "actions", "elements": [button]})
    client.chat_postMessage(channel="C1", text=text)
    client.chat_postMessage(channel="C1", text=text, blocks=blocks)
    page = sandbox.page()
    assert "<script" not in page
    assert 'href="javascript' not in page
    assert '"onmouseover' not in page


def test_days_are_told_apart(sandbox: Sandbox, client: WebClient) -> None:
    for _ in range(3):
        client.chat_postMessage(channel="C1", text="Hello")
        sandbox.now += timedelta(days=1)
    sandbox.now -= timedelta(days=1)
    page = sandbox.page()
    assert [page.count(f"<span>{day}</span>") for day in ("Monday, 2 March 2026", "Yesterday", "Today")] == [1, 1, 1]


# --- writes ---------------------------------------------------------------------------------------------------------


def test_the_deeds_done_again_make_the_same_store(sandbox: Sandbox, client: WebClient) -> None:
    ts = client.chat_postMessage(channel="C1", text="One", blocks=[section("One")])["ts"]
    client.chat_postMessage(channel="C1", text="Two", thread_ts=ts)
    sandbox.now += timedelta(minutes=1)
    client.chat_update(channel="C1", ts=ts, text="Changed")
    sandbox.webhook().send(text="Three")
    again = fresh_store()
    for write, at in sandbox.kept:
        replay(again, json.loads(write), at)
    assert len(again.messages) == 3
    assert again == sandbox.store
