"""Sending alerts: each is journaled before it is posted, and waits in the journal until Slack has taken it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from gtm_platform.delivery.alerts.slack_client import AnswerLost, MessageRefused, SlackChannel
from gtm_platform.delivery.alerts.wording import Message
from gtm_platform.http.errors import ApiFailure
from gtm_platform.state import State
from gtm_platform.state import slack_journal as journal
from gtm_platform.state.slack_journal import Entry, Fact

MAX_ALERT_AGE_DAYS = 7  # an alert that could not be posted for longer is old news

Compose = Callable[[Sequence[Entry]], list[Message]]
DropReason = Callable[[Entry], str | None]


@dataclass
class SendReport:
    """What became of the alerts: those `waiting` go out with the next run, those `failed` never.

    `trouble` says why.
    """

    new: int = 0
    sent: int = 0
    posts: int = 0
    failed: int = 0
    dropped: int = 0
    waiting: int = 0
    trouble: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class AlertSender:
    """The only sender of its kinds of alerts: two senders with a kind in common could post it twice.

    See `slack_journal`.
    """

    channel: SlackChannel
    state: State
    kinds: Collection[str]
    now: Callable[[], datetime]

    def send(self, facts: Sequence[Fact], compose: Compose, drop_reason: DropReason) -> SendReport:
        """Journal the new facts, then post all that waits, in the order in which it came up."""
        report = SendReport()
        if facts:
            with self.state.writing() as tx:
                report.new = journal.intend(tx, facts, self.channel.channel, self.now())
        with self.state.reading() as tx:
            waiting = journal.waiting(tx, self.kinds)
        ready = [entry for entry in waiting if not self._drop(entry, drop_reason(entry), report)]
        report.waiting = len(ready)
        try:
            self._post_all(compose(ready), report)
        except ApiFailure as failure:
            report.trouble.append(failure.message)
        return report

    def _drop(self, entry: Entry, reason: str | None, report: SendReport) -> bool:
        if reason is None:
            return False
        with self.state.writing() as tx:
            journal.failed(tx, [entry.id], reason)
        report.dropped += 1
        return True

    def _post_all(self, messages: Sequence[Message], report: SendReport) -> None:
        thread: str | None = None
        for message in messages:
            ts = self._post(message, thread if message.follows else None, report)
            thread = thread or ts

    def _post(self, message: Message, thread: str | None, report: SendReport) -> str | None:
        ids = [entry.id for entry in message.entries]
        with self.state.writing() as tx:
            journal.posting(tx, ids, message.hash)
        try:
            ts = self.channel.post(message.text, message.blocks, message.fingerprint, thread)
        except MessageRefused as failure:
            with self.state.writing() as tx:
                journal.failed(tx, ids, failure.message)
            report.failed, report.waiting = report.failed + len(ids), report.waiting - len(ids)
            report.trouble.append(failure.message)
            return None
        except AnswerLost as failure:
            with self.state.writing() as tx:
                journal.doubtful(tx, ids, failure.message)
            raise
        except ApiFailure as failure:
            with self.state.writing() as tx:
                journal.refused(tx, ids, failure.message)
            raise
        with self.state.writing() as tx:
            journal.sent(tx, ids, self.channel.channel, ts, self.now())
        report.posts, report.sent = report.posts + 1, report.sent + len(ids)
        report.waiting -= len(ids)
        return ts


def age_reason(entry: Entry, day: str) -> str | None:
    """Say that an alert has waited for too long by a day, or nothing."""
    if date.fromisoformat(entry.day) >= date.fromisoformat(day) - timedelta(days=MAX_ALERT_AGE_DAYS):
        return None
    return f"The {entry.kind} of {entry.day} waited more than {MAX_ALERT_AGE_DAYS} days for Slack and is old news."
