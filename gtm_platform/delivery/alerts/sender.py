"""Saying the alerts: each is kept before it is posted, and waits in the journal until Slack has taken it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from gtm_platform.delivery.alerts.alerts import NOBODY
from gtm_platform.delivery.alerts.slack_client import AnswerLost, MessageRefused, SlackChannel
from gtm_platform.delivery.alerts.wording import Message, compose, compose_of_platform
from gtm_platform.http.errors import ApiFailure
from gtm_platform.state import State
from gtm_platform.state import slack_journal as messages
from gtm_platform.state.slack_journal import Entry, Fact

MAX_ALERT_AGE_DAYS = 7  # days after which an alert that could not be posted is let go

Row = Mapping[str, Any]


@dataclass
class SendReport:
    """What a run said, in alerts. Those `waiting` go out with the next run, those `failed` never: `trouble` says why.
    Those `dropped` have lost their point."""

    new: int = 0
    sent: int = 0
    posts: int = 0
    failed: int = 0
    dropped: int = 0
    waiting: int = 0
    trouble: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class AlertSender:
    channel: SlackChannel
    state: State
    now: Callable[[], datetime]

    def say(
        self, facts: Sequence[Fact], customers: Mapping[str, Row], day: str, storm: int, portal: str | None = None
    ) -> SendReport:
        """Keeps the new facts, then posts all that waits, in the order in which it came up."""
        said = SendReport()
        with self.state.writing() as tx:
            said.new = messages.intend(tx, facts, self.channel.channel, self.now())
            waiting = messages.waiting(tx)
        about = [entry for entry in waiting if entry.customer_id != NOBODY]
        ready = [entry for entry in about if not self._drop_stale(entry, customers, day, said)]
        ours = [entry for entry in waiting if entry.customer_id == NOBODY]
        return self._all_posted([*compose_of_platform(ours), *compose(ready, customers, storm, portal)], said)

    def send_platform_alert(self, fact: Fact) -> SendReport:
        """Keeps the fact about the platform itself and posts it, with those that still wait; no customer's."""
        said = SendReport()
        with self.state.writing() as tx:
            said.new = messages.intend(tx, [fact], self.channel.channel, self.now())
            ours = [entry for entry in messages.waiting(tx) if entry.customer_id == NOBODY]
        return self._all_posted(compose_of_platform(ours), said)

    def _all_posted(self, posts: Sequence[Message], said: SendReport) -> SendReport:
        said.waiting = sum(len(post.entries) for post in posts)
        try:
            self._post_all(posts, said)
        except ApiFailure as failure:
            said.trouble.append(failure.message)
        return said

    def _post_all(self, posts: Sequence[Message], said: SendReport) -> None:
        thread: str | None = None
        for message in posts:
            ts = self._post(message, thread if message.follows else None, said)
            thread = thread or ts

    def _post(self, message: Message, thread: str | None, said: SendReport) -> str | None:
        ids = [entry.id for entry in message.entries]
        with self.state.writing() as tx:
            messages.posting(tx, ids, message.hash)
        try:
            ts = self.channel.post(message.text, message.blocks, message.fingerprint, thread)
        except MessageRefused as failure:
            with self.state.writing() as tx:
                messages.failed(tx, ids, failure.message)
            said.failed, said.waiting = said.failed + len(ids), said.waiting - len(ids)
            said.trouble.append(failure.message)
            return None
        except AnswerLost as failure:
            with self.state.writing() as tx:
                messages.doubtful(tx, ids, failure.message)
            raise
        except ApiFailure as failure:
            with self.state.writing() as tx:
                messages.refused(tx, ids, failure.message)
            raise
        with self.state.writing() as tx:
            messages.sent(tx, ids, self.channel.channel, ts, self.now())
        said.posts, said.sent, said.waiting = said.posts + 1, said.sent + len(ids), said.waiting - len(ids)
        return ts

    def _drop_stale(self, entry: Entry, customers: Mapping[str, Row], day: str, said: SendReport) -> bool:
        """Whether an alert that waits has become pointless."""
        if entry.customer_id not in customers:
            why = f"Customer {entry.customer_id} is no longer there; its {entry.kind} of {entry.day} was not said."
        elif date.fromisoformat(entry.day) < date.fromisoformat(day) - timedelta(days=MAX_ALERT_AGE_DAYS):
            why = (
                f"The {entry.kind} of {entry.day} waited more than {MAX_ALERT_AGE_DAYS} days for Slack and is old news."
            )
        else:
            return False
        with self.state.writing() as tx:
            messages.failed(tx, [entry.id], why)
        said.dropped += 1
        return True
