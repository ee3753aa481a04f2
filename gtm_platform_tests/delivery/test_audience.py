"""What a channel of Slack is shown by its role: the same as the role sees on the dashboard and by the API."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from gtm_platform.delivery.alerts.audience import EVERYTHING, audience_of
from gtm_platform.delivery.alerts.customer_alerts import DueAlerts
from gtm_platform.delivery.alerts.customer_wording import Wording
from gtm_platform.delivery.alerts.portions import Portion
from gtm_platform.delivery.alerts.sender import AlertSender
from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.alerts.slack_client import ChannelRefused, Post
from gtm_platform.delivery.alerts.wording import Message
from gtm_platform.policy import Access, policy
from gtm_platform.reports.slack_summaries import to_channels
from gtm_platform.serving.viewer import viewer_of
from gtm_platform.state import State
from gtm_platform.state.slack_journal import Entry, Fact
from gtm_platform.unified.customers import CONTRACT
from gtm_platform_tests.delivery.rows import DAY, MENTIONED, customer
from gtm_platform_tests.delivery.world import NOW

USUAL, SAMS, ANALYSTS = "C0USUAL0001", "C0SAMS00001", "C0ANALYST01"
ACCESS = Access.model_validate(
    {
        "channels": {
            ANALYSTS: {"role": "analyst"},
            SAMS: {"role": "account_manager", "account_manager": "Sam Lee"},
        }
    }
)
# A marker in every personal column that is a text, so that whatever a message comes to show of one is noticed.
MARKED = {
    name: f"marked {name}" for name, column in CONTRACT.columns.items() if column.personal and column.type == "string"
}
MARKERS = ("marked ",)
PERSON = customer("c1", **MARKED, cancel_mentioned_at=MENTIONED)
OTHERS = customer("c2", name="Grace", assigned_am="Kim Day")
MENTION = {"mentioned_at": f"{MENTIONED:%Y-%m-%d %H:%M} UTC"}


def entry(customer_id: str = "c1", id: int = 1, at: datetime | None = NOW) -> Entry:
    fact = Fact(f"cancel_mention:{customer_id}", "cancel_mention", "customer", customer_id, DAY, MENTION)
    return Entry(**fact.__dict__, id=id, status="intent", at=at)


def messages(access: Access, portion: Portion, usual: str = USUAL) -> Sequence[Message]:
    wording = Wording(
        {"c1": PERSON, "c2": OTHERS}, "usd", "123", audience=lambda channel: audience_of(channel or usual, access)
    )
    return wording.messages(portion)


def shown(message: Message | None) -> str:
    assert message is not None
    return json.dumps([message.text, message.blocks])


@pytest.mark.parametrize("kind", ["single", "digest"])
def test_without_names_a_message_says_which_customer_by_its_id(kind: str) -> None:
    portion = Portion(ANALYSTS, **{kind: [entry()]})  # type: ignore[arg-type]
    [message] = messages(ACCESS, portion)
    assert not any(marker in shown(message) for marker in MARKERS)
    assert "customer c1, Acme" in shown(message)
    [as_before] = messages(Access(), portion)
    assert "marked name, Acme" in shown(as_before)
    assert "marked cancel_sentence" in shown(as_before), "the marker would be noticed"


def test_a_channel_sees_what_its_role_sees_on_the_other_surfaces() -> None:
    for name, role in ACCESS.roles.items():
        member = {"role": name, **({"account_manager": "Sam Lee"} if role.customers == "own" else {})}
        audience = audience_of("C0ANY000001", Access.model_validate({"channels": {"C0ANY000001": member}}))
        sight = viewer_of("", name, role, member.get("account_manager")).sight
        assert (audience.personal, audience.managers) == (sight.personal, sight.managers), name
    assert audience_of("C0ANY000001", ACCESS) == audience_of(None, ACCESS) == EVERYTHING
    assert not audience_of("C0ANY000001", Access(other_channels="analyst")).personal


def test_of_others_customers_nothing_is_posted_to_a_channel_that_sees_its_own() -> None:
    [message] = messages(ACCESS, Portion(SAMS, single=[entry("c1"), entry("c2", 2)]))
    assert "marked name" in shown(message)
    assert [each.subject_id for each in message.entries] == ["c1"]
    [page] = messages(ACCESS, Portion(SAMS, digest=[entry("c1"), entry("c2", 2)]))
    assert "Grace" not in shown(page)
    assert messages(ACCESS, Portion("", single=[entry("c2")]), usual=SAMS) == []


def test_an_alert_that_its_channel_may_not_see_is_dropped_with_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "gtm_platform.delivery.alerts.customer_alerts.audience_of_recipient", lambda _: audience_of(SAMS, ACCESS)
    )
    due = DueAlerts(DAY, [], {"c1": PERSON, "c2": OTHERS})
    assert due.drop_reason(entry("c1")) is None
    assert due.drop_reason(entry("c2")) == "Whoever reads the channel may not see c2; the cancel_mention was not sent."


class Refusing:
    """Slack with one channel that takes nothing."""

    channel = ANALYSTS

    def __init__(self) -> None:
        self.posts: list[Post] = []

    def channel_of(self, recipient: str) -> str:
        return recipient or self.channel

    def post(self, post: Post) -> str:
        if post.channel == SAMS:
            raise ChannelRefused("Slack", "Slack refused the channel.")
        self.posts.append(post)
        return "1.0"


def test_what_another_channel_refuses_is_shown_in_the_usual_one_as_that_may_see_it(state: State) -> None:
    slack = Refusing()
    facts = [Fact("cancel_mention:c1", "cancel_mention", "customer", "c1", DAY, MENTION)]

    def composed(entries: Sequence[Entry]) -> list[Message]:
        return list(messages(ACCESS, Portion(SAMS, single=list(entries)), usual=ANALYSTS))

    sender: Any = AlertSender(slack, state, ("cancel_mention",), lambda: NOW)  # type: ignore[arg-type]
    report = sender.send(facts, composed, lambda _: None)
    assert (report.sent, len(report.detours)) == (1, 1)
    [post] = slack.posts
    assert "customer c1" in json.dumps(post.blocks)
    assert "marked" not in json.dumps([post.text, post.blocks])


def test_a_summary_lists_customers_as_its_channel_may_see_them() -> None:
    rows = [PERSON, OTHERS]
    content: Any = SimpleNamespace(
        label="a day", currency="usd", cards=[], is_compared=True, tables=1, overdue=[], quality=1.0, completeness=1.0,
        movements=dict.fromkeys(("new_mrr", "expansion_mrr", "contraction_mrr", "churned_mrr"), 0.0),
        newly_at_risk=rows, saved=[], churned=[], moved_companies=[],
    )  # fmt: skip
    of_day = replace(entry(), kind="daily_summary", subject_id=DAY)
    to = {
        name: to_channels(of_day, content, SlackSettings(slack_alert_channel=USUAL, slack_summary_channel=name), ACCESS)
        for name in (USUAL, ANALYSTS, SAMS)
    }
    assert "marked name, Acme" in shown(to[USUAL])
    assert "marked" not in shown(to[ANALYSTS])
    assert "Acme (" in shown(to[ANALYSTS])
    assert "marked name" in shown(to[ANALYSTS].elsewhere)
    assert "marked name" in shown(to[SAMS])
    assert "Grace" not in shown(to[SAMS])
    assert "and 1 more" in shown(to[SAMS])
    assert all("2 customers" in shown(message) for message in to.values()), "figures are the same for everybody"


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"channels": {"general": {"role": "analyst"}}}, "String should match"),
        ({"channels": {USUAL: {"role": "nobody"}}}, "there is no role nobody"),
        ({"channels": {USUAL: {"role": "account_manager"}}}, "sees its own customers: name whose they are"),
        ({"other_channels": "account_manager"}, "other_channels cannot have a role that sees its own customers"),
    ],
)
def test_a_role_of_a_channel_that_cannot_be_is_refused(rules: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Access.model_validate(rules)


def test_until_the_policy_says_so_channels_have_no_role() -> None:
    assert (policy().access.channels, policy().access.other_channels) == ({}, "")
