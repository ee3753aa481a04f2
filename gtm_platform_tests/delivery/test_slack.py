"""Saying alerts, against a Slack on loopback: once each, none lost, none doubled unmarked."""

import json
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import sqlalchemy as sa

from gtm_platform.delivery.alerts.customer_alerts import DueAlerts
from gtm_platform.delivery.alerts.sender import AlertSender, SendReport
from gtm_platform.delivery.alerts.slack_client import AnswerLost, Post, SlackChannel
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sandbox import slack
from gtm_platform.sandbox.slack.store import ALERT_CHANNEL, SlackMessage, SlackStore
from gtm_platform.state import State, open_state
from gtm_platform.state.schema import slack_messages
from gtm_platform.state.slack_journal import Fact
from gtm_platform_tests.delivery.composing import compose
from gtm_platform_tests.delivery.rows import DAY, customer
from gtm_platform_tests.delivery.world import NOW, Call, Watched, served

CHANNEL = ALERT_CHANNEL
DROP = {"score": 55, "status": "at_risk", "from_score": 75, "from_status": "healthy"}


class Crash(BaseException):
    """The process dies."""


@pytest.fixture
def workspace() -> SlackStore:
    return SlackStore(channels={CHANNEL: "alerts"})


@pytest.fixture
def slack_api(workspace: SlackStore) -> Iterator[Watched]:
    with served(slack.app(workspace, lambda: NOW, limits={**slack.LIMITS, "chat.postMessage": (1000, 1)})) as watched:
        yield watched


def channel(api: Watched, kind: type[SlackChannel] = SlackChannel, id: str = CHANNEL) -> SlackChannel:
    impatient = RetryPolicy(budget=5, sleep=lambda _: None, random=lambda: 1.0)
    return kind(slack.TOKEN, f"{api.url}/api/", id, RateLimiter(1000, 1000), impatient)


def facts(*ids: int) -> list[Fact]:
    return [Fact(f"health_drop:c{n}:{DAY}", "health_drop", "customer", f"c{n}", DAY, DROP) for n in ids]


CUSTOMERS = {f"c{n}": customer(f"c{n}", name=f"Person {n}") for n in range(100)}


KINDS = ("health_drop", "cancel_mention")


def send(
    to: SlackChannel,
    state: State,
    *new: Fact,
    day: str = DAY,
    digest_above: int = 10,
    sender: type[AlertSender] = AlertSender,
) -> SendReport:
    due = DueAlerts(day, new, CUSTOMERS)
    return sender(to, state, KINDS, lambda: NOW).send(
        new, lambda entries: compose(entries, CUSTOMERS, "1", digest_above=digest_above), due.drop_reason
    )


def journal(state: State) -> list[sa.RowMapping]:
    with state.reading() as tx:
        return list(tx.execute(sa.select(slack_messages).order_by(slack_messages.c.id)).mappings())


def posts(workspace: SlackStore) -> Sequence[SlackMessage]:
    return workspace.messages


def test_alerts_are_sent_and_journaled(slack_api: Watched, workspace: SlackStore, state: State) -> None:
    report = send(channel(slack_api), state, *facts(1, 2))

    assert (report.new, report.sent, report.posts, report.waiting, report.trouble) == (2, 2, 2, 0, [])
    row, message = journal(state)[0], posts(workspace)[0]
    assert (row["status"], row["ts"], row["attempts"], row["sent_at"]) == ("sent", message.ts, 1, NOW)
    assert message.text.startswith("Health drop: Person 1")
    payload = {"fingerprint": f"health_drop:c1:{DAY}", "key": row["text_hash"]}
    assert message.metadata == {"event_type": "gtm_alert", "event_payload": payload}


def test_the_same_facts_again_are_not_sent_again(slack_api: Watched, workspace: SlackStore, state: State) -> None:
    send(channel(slack_api), state, *facts(1, 2))
    report = send(channel(slack_api), state, *facts(1, 2, 2, 3))

    assert (report.new, report.sent) == (1, 1)
    assert len(posts(workspace)) == 3


def test_a_digest_is_folded_and_each_alert_of_it_is_sent(
    slack_api: Watched, workspace: SlackStore, state: State
) -> None:
    report = send(channel(slack_api), state, *facts(*range(60)))

    assert (report.sent, report.posts) == (60, 3)
    first, *thread = posts(workspace)
    assert [message.thread_ts for message in thread] == [first.ts, first.ts]
    assert {row["status"] for row in journal(state)} == {"sent"}
    assert send(channel(slack_api), state, *facts(*range(60))).sent == 0


@pytest.mark.faults("D15")
@pytest.mark.parametrize("answer", [(503, {}), (200, {"ok": False, "error": "internal_error"}), (429, {})])
def test_an_outage_loses_no_alert_and_the_next_run_says_it_unmarked(
    slack_api: Watched, workspace: SlackStore, state: State, answer: tuple[int, dict[str, Any]]
) -> None:
    slack_api.fault = lambda _: answer
    report = send(channel(slack_api), state, *facts(1, 2))
    assert (report.sent, report.waiting) == (0, 2)
    assert "Slack" in report.trouble[0]
    assert [row["status"] for row in journal(state)] == ["intent", "intent"]

    slack_api.fault = None
    later = send(channel(slack_api), state, day="2026-11-21")

    assert (later.new, later.sent, later.waiting) == (0, 2, 0)
    assert [message.text[:11] for message in posts(workspace)] == ["Health drop"] * 2


def test_slack_that_cannot_be_reached_loses_no_alert(state: State) -> None:
    nobody = Watched(lambda *_: None, url="http://127.0.0.1:9")  # type: ignore[arg-type]
    assert send(channel(nobody), state, *facts(1)).waiting == 1
    assert journal(state)[0]["status"] == "intent"


@pytest.mark.faults("D15")
def test_a_limit_is_waited_out(slack_api: Watched, workspace: SlackStore, state: State) -> None:
    answers = iter([(429, {"ok": False, "error": "ratelimited"})])
    slack_api.fault = lambda _: next(answers, None)
    assert send(channel(slack_api), state, *facts(1)).sent == 1
    assert len(posts(workspace)) == 1


class DiesAfterPosting(SlackChannel):
    def post(self, post: Post) -> str:
        super().post(post)
        raise Crash


class LosesTheAnswer(SlackChannel):
    def post(self, post: Post) -> str:
        super().post(post)
        raise AnswerLost("Slack", "Slack did not answer.")


class KilledAfterPosting(SlackChannel):
    def post(self, post: Post) -> str:
        super().post(post)
        os.kill(os.getpid(), signal.SIGKILL)
        return ""


def send_until_killed(url: str, database: str) -> None:
    """Send two alerts in a process of its own, which is killed once the first one is in Slack."""
    api = Watched(lambda *_: None, url=url)  # type: ignore[arg-type]
    send(channel(api, KilledAfterPosting), open_state(database), *facts(1, 2))


@pytest.mark.faults("D16")
def test_a_process_killed_between_post_and_receipt_says_nothing_twice(
    slack_api: Watched, workspace: SlackStore, state: State, tmp_path: Path
) -> None:
    arguments = (slack_api.url, f"sqlite:///{tmp_path / 'state.db'}")
    process = multiprocessing.get_context("spawn").Process(target=send_until_killed, args=arguments)
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert ([row["status"] for row in journal(state)], len(posts(workspace))) == (["unknown", "intent"], 1)

    report = send(channel(slack_api), state, *facts(1, 2))

    assert (report.sent, report.seen, report.posts, report.waiting) == (2, 1, 1, 0)
    assert [message.text[:21] for message in posts(workspace)] == ["Health drop: Person 1", "Health drop: Person 2"]
    assert send(channel(slack_api), state, *facts(1, 2)).sent == 0


def unreadable(call: Call) -> tuple[int, dict[str, Any]] | None:
    """The token may not read messages."""
    refused = {"ok": False, "error": "missing_scope", "needed": "channels:history"}
    return (200, refused) if "conversations" in call.path else None


@pytest.mark.faults("D16")
def test_a_crash_between_post_and_receipt_is_seen_in_slack_and_nothing_is_repeated(
    slack_api: Watched, workspace: SlackStore, state: State
) -> None:
    with pytest.raises(Crash):
        send(channel(slack_api, DiesAfterPosting), state, *facts(1, 2))
    assert [row["status"] for row in journal(state)] == ["unknown", "intent"]

    report = send(channel(slack_api), state, *facts(1, 2))

    assert (report.sent, report.seen, report.posts, report.waiting) == (2, 1, 1, 0)
    assert [message.text[:21] for message in posts(workspace)] == ["Health drop: Person 1", "Health drop: Person 2"]
    assert [row["ts"] for row in journal(state)] == [message.ts for message in posts(workspace)]
    assert send(channel(slack_api), state, *facts(1, 2)).sent == 0


def test_a_crash_within_the_thread_of_a_digest_repeats_no_page(
    slack_api: Watched, workspace: SlackStore, state: State
) -> None:
    class DiesAtThirdPage(SlackChannel):
        def post(self, post: Post) -> str:
            ts = super().post(post)
            if "continued (3)" in post.text:
                raise Crash
            return ts

    with pytest.raises(Crash):
        send(channel(slack_api, DiesAtThirdPage), state, *facts(*range(100)))
    report = send(channel(slack_api), state)

    assert (report.seen, report.waiting, len(posts(workspace))) == (25, 0, 4)
    assert {row["status"] for row in journal(state)} == {"sent"}


@pytest.mark.faults("D16")
def test_where_messages_may_not_be_read_a_crash_makes_one_marked_repeat(
    slack_api: Watched, workspace: SlackStore, state: State
) -> None:
    with pytest.raises(Crash):
        send(channel(slack_api, DiesAfterPosting), state, *facts(1, 2))
    slack_api.fault = unreadable

    assert send(channel(slack_api), state, *facts(1, 2)).sent == 2
    assert send(channel(slack_api), state, *facts(1, 2)).sent == 0
    texts = [message.text for message in posts(workspace)]
    assert [text.startswith("(may be a repeat) ") for text in texts] == [False, True, False]
    assert ["Person 1" in text for text in texts] == [True, True, False]


@pytest.mark.faults("D16")
def test_a_lost_answer_stops_the_run_and_stays_in_doubt_through_an_outage(
    slack_api: Watched, workspace: SlackStore, state: State
) -> None:
    assert send(channel(slack_api, LosesTheAnswer), state, *facts(1, 2)).waiting == 2
    slack_api.fault = lambda _: (503, {})
    assert send(channel(slack_api), state).waiting == 2
    assert [(row["status"], row["attempts"]) for row in journal(state)] == [("unknown", 1), ("intent", 0)]

    slack_api.fault = None
    assert send(channel(slack_api), state).sent == 2
    assert [message.text[:21] for message in posts(workspace)] == ["Health drop: Person 1", "Health drop: Person 2"]


@pytest.mark.faults("D16")
def test_a_post_that_never_arrived_is_sent_again_marked(
    slack_api: Watched, workspace: SlackStore, state: State
) -> None:
    class Hangs(SlackChannel):
        def post(self, post: Post) -> str:
            raise AnswerLost("Slack", f"Slack did not answer to {post.key}.")

    assert send(channel(slack_api, Hangs), state, *facts(1)).waiting == 1
    assert send(channel(slack_api), state).sent == 1
    assert [message.text[:17] for message in posts(workspace)] == ["(may be a repeat)"]


def test_a_crash_before_posting_says_it_once_unmarked(slack_api: Watched, workspace: SlackStore, state: State) -> None:
    class DiesFirst(AlertSender):
        def _post_all(self, *_: object) -> None:
            raise Crash

    with pytest.raises(Crash):
        send(channel(slack_api), state, *facts(1), sender=DiesFirst)
    send(channel(slack_api), state)
    assert [message.text[:11] for message in posts(workspace)] == ["Health drop"]


@pytest.mark.faults("D15")
def test_a_wrong_channel_is_a_sentence_and_the_alert_waits(
    slack_api: Watched, workspace: SlackStore, state: State
) -> None:
    report = send(channel(slack_api, id="C0NOWHERE01"), state, *facts(1, 2))
    assert "SLACK_ALERT_CHANNEL" in report.trouble[0]
    assert (report.waiting, len(slack_api.calls)) == (2, 1)

    assert send(channel(slack_api), state).sent == 2
    assert len(posts(workspace)) == 2


def test_a_wrong_token_is_a_sentence_without_the_token(slack_api: Watched, state: State) -> None:
    wrong = SlackChannel("xoxb-mine-and-secret", f"{slack_api.url}/api/", CHANNEL, RateLimiter(9, 9), RetryPolicy())
    report = send(wrong, state, *facts(1))
    assert "SLACK_BOT_TOKEN" in report.trouble[0]
    assert "secret" not in json.dumps([report.trouble, journal(state)[0]["error"]])


def test_the_token_does_not_follow_a_redirect(state: State) -> None:
    asked: list[tuple[str, str | None]] = []

    class Elsewhere(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{self.server.server_address[1]}/elsewhere")
            self.end_headers()

        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Authorization"]))
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            """Nowhere."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        home = f"http://127.0.0.1:{server.server_address[1]}/api/"
        impatient = RetryPolicy(budget=5, sleep=lambda _: None, random=lambda: 1.0)
        report = send(SlackChannel(slack.TOKEN, home, CHANNEL, RateLimiter(9, 9), impatient), state, *facts(1))
        server.shutdown()
        thread.join()
    assert report.sent == 0
    assert asked[:2] == [("/api/chat.postMessage", f"Bearer {slack.TOKEN}"), ("/elsewhere", None)]


@pytest.mark.faults("D15")
def test_a_message_that_slack_refuses_is_left_for_a_person_and_the_others_go_on(
    slack_api: Watched, state: State
) -> None:
    answers = iter([(200, {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": ["too odd"]}})])
    slack_api.fault = lambda _: next(answers, None)

    report = send(channel(slack_api), state, *facts(1, 2))

    assert (report.sent, report.failed, report.waiting) == (1, 1, 0)
    assert "invalid_blocks. too odd" in report.trouble[0]
    assert [row["status"] for row in journal(state)] == ["failed", "sent"]
    assert send(channel(slack_api), state).sent == 0


@pytest.mark.faults("D15")
def test_alerts_that_lost_their_point_are_dropped(slack_api: Watched, workspace: SlackStore, state: State) -> None:
    slack_api.fault = lambda _: (503, {})
    gone = Fact("cancel_mention:x:y", "cancel_mention", "customer", "c-erased", DAY, {"mentioned_at": "then"})
    report = send(channel(slack_api), state, *facts(1), gone)
    assert (report.dropped, report.sent, report.waiting) == (1, 0, 1)

    slack_api.fault = None
    report = send(channel(slack_api), state, day="2026-11-28")

    assert (report.dropped, report.sent, report.waiting) == (1, 0, 0)
    assert [row["error"] for row in journal(state)] == [
        f"The health_drop of {DAY} waited more than 7 days for Slack and is old news.",
        f"c-erased is no current customer; the cancel_mention of {DAY} was not sent.",
    ]
    assert posts(workspace) == []


def test_the_burst_is_short_and_then_one_a_second(slack_api: Watched, state: State) -> None:
    waited: list[float] = []
    pace = RateLimiter(1, 10, now=lambda: sum(waited), sleep=waited.append)
    paced = SlackChannel(slack.TOKEN, f"{slack_api.url}/api/", CHANNEL, pace, RetryPolicy())
    assert send(paced, state, *facts(*range(12)), digest_above=99).sent == 12
    assert sum(waited) == pytest.approx(2, abs=0.01)
