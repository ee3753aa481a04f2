"""Sending what waits in the outbox: at least once each, always with the same id, until it is taken or dead.

An attempt is written before it is made, so that a message that kills the process is not tried for ever. Each receiver
has a thread of its own: one that is slow or down holds up nobody else's messages.
"""

import hashlib
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from gtm_platform.delivery.triggers import signing
from gtm_platform.delivery.triggers.payload import body_of
from gtm_platform.delivery.triggers.settings import TriggerSettings
from gtm_platform.http.errors import ApiFailure
from gtm_platform.http.public_post import Allowed, PublicPoster
from gtm_platform.policy import Triggers
from gtm_platform.state import State
from gtm_platform.state import trigger_outbox as outbox
from gtm_platform.state.trigger_outbox import Message
from gtm_platform.state.trigger_subscriptions import (
    ACTIVE,
    OFF,
    Subscription,
    all_subscriptions,
    change_status,
    delivered,
    failing,
    subscription_of,
)

GONE = 410  # a receiver's word for: send nothing more
BATCH, RECEIVERS_AT_ONCE = 200, 4
LONGEST_RUN = timedelta(minutes=10)  # what is left then waits for the next run
LONGEST_WAIT = timedelta(days=1)  # that a receiver may ask for

Persons = Callable[[Collection[str]], Mapping[str, Mapping[str, Any]]]


def poster_of(settings: TriggerSettings, rules: Triggers) -> PublicPoster:
    """Return what posts to receivers, where the settings and the policy allow them to be."""
    return PublicPoster("webhook", Allowed(rules.ports, settings.allow_loopback))


@dataclass
class SendReport:
    """What became of attempts, by subscription; why, in sentences that name no address."""

    delivered: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    dead: dict[str, int] = field(default_factory=dict)
    switched_off: dict[str, str] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)

    def count(self, counts: dict[str, int], id: str, number: int = 1) -> None:
        """Add to a count."""
        counts[id] = counts.get(id, 0) + number


@dataclass(frozen=True)
class Sender:
    """Sends to every active subscription what is due to it."""

    state: State
    settings: TriggerSettings
    rules: Triggers
    now: Callable[[], datetime]
    persons: Persons
    report: SendReport = field(default_factory=SendReport)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self) -> SendReport:
        """Send what is due, each receiver's in the order in which it came up."""
        with self.state.reading() as tx:
            active = all_subscriptions(tx, [ACTIVE])
            waits = [each for each in active if outbox.due_ids(tx, [each.id], self.now())]
        with ThreadPoolExecutor(RECEIVERS_AT_ONCE) as pool:
            list(pool.map(self._send_to, waits))  # reads the results, so that an error is raised
        return self.report

    def _send_to(self, subscription: Subscription) -> None:
        failures, until = 0, self.now() + LONGEST_RUN
        with poster_of(self.settings, self.rules) as poster:
            while batch := self._due(subscription):
                persons = self._persons(subscription, batch)
                for message in batch:
                    taken = self._attempt(poster, subscription, message, persons.get(message.subject_id))
                    if taken is None or self.now() > until:
                        return
                    failures = 0 if taken else failures + 1
                    if failures >= self.rules.failures_in_a_row:
                        self._leave_alone(subscription, message)
                        return

    def _leave_alone(self, subscription: Subscription, failed: Message) -> None:
        """Let everything for a receiver that is down wait as long as what it did not take."""
        with self.state.writing() as tx:
            if until := self._next(failed, failed.attempts + 1, self.now()):
                outbox.postpone(tx, subscription.id, until)

    def _due(self, subscription: Subscription) -> list[Message]:
        with self.state.reading() as tx:
            return outbox.due(tx, subscription.id, self.now(), BATCH)

    def _persons(self, subscription: Subscription, batch: Sequence[Message]) -> Mapping[str, Mapping[str, Any]]:
        if not subscription.personal:
            return {}
        with self._lock:
            return self.persons({each.subject_id for each in batch if each.subject_kind == "customer"})

    def _attempt(
        self, poster: PublicPoster, subscription: Subscription, message: Message, person: Mapping[str, Any] | None
    ) -> bool | None:
        """Send a message; return whether it was taken, or None where its receiver is to be left alone."""
        body = body_of(message, dict(person) if person else None, personal=subscription.personal)
        now, attempts = self.now(), message.attempts + 1
        next_at = self._next(message, attempts, now)
        with self.state.writing() as tx:
            current = subscription_of(tx, subscription.id)
            if current.status != ACTIVE:
                return None
            try:
                headers = signing.headers(current, self.settings.keys, message.message_id, body, now)
            except signing.KeyLost as error:
                self.report.trouble[subscription.id] = str(error)
                return None
            outbox.attempting(tx, message.id, attempts, next_at or now + LONGEST_WAIT)
        try:
            poster.post(current.address, body, headers)
        except ApiFailure as failure:
            return self._refused(current, message, failure, next_at)
        with self.state.writing() as tx:
            outbox.delivered(tx, message.id, self.now())
            delivered(tx, subscription.id, self.now())
        self.report.count(self.report.delivered, subscription.id)
        return True

    def _next(self, message: Message, attempts: int, now: datetime) -> datetime | None:
        """Return when a message is tried again; a share of the wait is added that differs from one to another."""
        wait = self.rules.wait(attempts)
        if wait is None:
            return None
        drawn = hashlib.sha256(f"{message.message_id}:{attempts}".encode()).digest()[0] / 255
        return now + wait * (1 + self.rules.jitter * drawn)

    def _refused(
        self, subscription: Subscription, message: Message, failure: ApiFailure, next_at: datetime | None
    ) -> bool | None:
        now, id = self.now(), subscription.id
        self.report.count(self.report.refused, id)
        self.report.trouble[id] = failure.message
        if next_at and failure.retry_after:
            next_at = max(next_at, now + min(timedelta(seconds=failure.retry_after), LONGEST_WAIT))
        with self.state.writing() as tx:
            since = failing(tx, id, now)
            outbox.refused(tx, message.id, failure.message, next_at, now)
            if next_at is None:
                self.report.count(self.report.dead, id)
            reason = self._off_reason(failure, since, now)
            if reason is None:
                return False
            change_status(tx, id, OFF, reason, now)
            self.report.count(self.report.dead, id, outbox.bury(tx, id, reason, now))
        self.report.switched_off[id] = reason
        return None

    def _off_reason(self, failure: ApiFailure, since: datetime, now: datetime) -> str | None:
        if failure.status == GONE:
            return "The receiver answered 410 Gone: it wants nothing more."
        days = self.rules.switch_off_after_days
        if now - since >= timedelta(days=days):
            return f"The receiver took nothing for {days} days. {failure.message}"
        return None
