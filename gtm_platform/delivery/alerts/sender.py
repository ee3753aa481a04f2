"""Sending alerts: each is journaled before it is posted, and waits in the journal until Slack has taken it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from gtm_platform.delivery.alerts.slack_client import AnswerLost, ChannelRefused, MessageRefused, Post, SlackChannel
from gtm_platform.delivery.alerts.wording import Message
from gtm_platform.http.errors import ApiFailure
from gtm_platform.state import State
from gtm_platform.state import slack_journal as journal
from gtm_platform.state.slack_journal import Entry, Fact

CLOCKS_APART = timedelta(minutes=10)  # ours and Slack's, at most
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
    seen: int = 0  # of those sent: posts of an earlier run that was killed before it could note them
    # Why some went to the usual channel instead of their own, or without their picture.
    detours: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The counts that an asset shows."""
        return {"sent": self.sent, "waiting": self.waiting, "refused": self.failed, "dropped": self.dropped}


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
        report.waiting = len(waiting)
        try:
            waiting = self._without_posted(waiting, report)
            ready = [entry for entry in waiting if not self._drop(entry, drop_reason(entry), report)]
            report.waiting = len(ready)
            self._post_all(compose(ready), report)
        except ApiFailure as failure:
            report.trouble.append(failure.message)
        return report

    def _without_posted(self, waiting: Sequence[Entry], report: SendReport) -> list[Entry]:
        """Return what still waits after a look into Slack for the posts of which no answer came.

        Where the token may not read they stay in doubt: they are posted again, and marked.
        """
        doubtful = [entry for entry in waiting if entry.status == "unknown" and entry.at]
        arrived: set[int] = set()
        for channel in dict.fromkeys(entry.channel for entry in doubtful):
            these = {entry.id: entry for entry in doubtful if entry.channel == channel}
            since = min(entry.at for entry in these.values() if entry.at) - CLOCKS_APART
            try:
                posted = self._keys(channel, since)
            except ChannelRefused:
                continue
            for id, entry in these.items():
                if ts := posted.get(entry.text_hash or ""):
                    with self.state.writing() as tx:
                        journal.sent(tx, [id], channel, ts, self.now())
                    arrived.add(id)
        report.sent, report.seen = len(arrived), len(arrived)
        return [entry for entry in waiting if entry.id not in arrived]

    def _keys(self, channel: str, since: datetime) -> dict[str, str]:
        """Return the `ts` of each of our messages in a channel, by its key."""
        posted: dict[str, str] = {}
        for message in self.channel.messages(channel, since):
            payload = (message.get("metadata") or {}).get("event_payload") or {}
            posted[str(payload.get("key"))] = str(message["ts"])
        return posted

    def _drop(self, entry: Entry, reason: str | None, report: SendReport) -> bool:
        if reason is None:
            return False
        with self.state.writing() as tx:
            journal.failed(tx, [entry.id], reason)
        report.dropped += 1
        return True

    def _post_all(self, messages: Sequence[Message], report: SendReport) -> None:
        threads: dict[str, str] = {}  # the first page of a digest, by its recipient
        for message in messages:
            ts = self._post(message, threads.get(message.recipient) if message.follows else None, report)
            if ts and not message.follows:
                threads[message.recipient] = ts

    def _post(self, message: Message, thread: str | None, report: SendReport) -> str | None:
        """Post a message; where its own channel refuses it, to the usual one."""
        try:
            channel = self.channel.channel_of(message.recipient)
            return self._post_to(channel, message, thread, report)
        except ChannelRefused as failure:
            if not message.elsewhere:
                raise
            report.detours.append(failure.message)
            return self._post_to(self.channel.channel, message.elsewhere, None, report)

    def _post_to(self, channel: str, message: Message, thread: str | None, report: SendReport) -> str | None:
        ids = [entry.id for entry in message.entries]
        with self.state.writing() as tx:
            journal.posting(tx, ids, message.hash, channel)
        try:
            ts = self.channel.post(
                Post(channel, message.text, message.blocks, message.fingerprint, message.hash, thread)
            )
        except MessageRefused as failure:
            if message.without_picture:
                report.detours.append(failure.message)
                return self._post_to(channel, message.without_picture, thread, report)
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
            journal.sent(tx, ids, channel, ts, self.now())
        report.posts, report.sent = report.posts + 1, report.sent + len(ids)
        report.waiting -= len(ids)
        return ts


def age_reason(entry: Entry, day: str) -> str | None:
    """Say that an alert has waited for too long by a day, or nothing."""
    if date.fromisoformat(entry.day) >= date.fromisoformat(day) - timedelta(days=MAX_ALERT_AGE_DAYS):
        return None
    return f"The {entry.kind} of {entry.day} waited more than {MAX_ALERT_AGE_DAYS} days for Slack and is old news."
