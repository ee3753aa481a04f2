"""Comparing a day with what each subscription was last sent, and writing what is news into the outbox."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import floor

import sqlalchemy as sa

from gtm_platform.delivery.triggers.changes import Known, new_messages, standing, subjects_of
from gtm_platform.delivery.triggers.subjects import Subjects
from gtm_platform.policy import Triggers
from gtm_platform.state import State
from gtm_platform.state import trigger_stops as stops
from gtm_platform.state.trigger_outbox import NewMessage, forget, keep_values, last_sent, put
from gtm_platform.state.trigger_stops import Stop
from gtm_platform.state.trigger_subscriptions import (
    ACTIVE,
    NoSuchSubscription,
    Subscription,
    all_subscriptions,
    begin,
    subscription_of,
)


@dataclass
class Comparison:
    """The messages that were written or would be, by subscription; whose are too many, and are held back."""

    new: dict[str, Sequence[NewMessage]] = field(default_factory=dict)
    begun: list[str] = field(default_factory=list)  # compared for the first time: what comes is news for them
    stopped: dict[str, str] = field(default_factory=dict)  # by subscription: why nothing was written

    @property
    def count(self) -> int:
        """How many messages are new."""
        return sum(map(len, self.new.values()))


@dataclass(frozen=True)
class Comparer:
    """Compares a day for every active subscription."""

    state: State
    rules: Triggers
    now: datetime
    allow_mass_change: bool = False

    def write(self, day: Subjects, run_id: str) -> Comparison:
        """Write what is news, each subscription in a transaction of its own."""
        result = Comparison()
        for id in self._active():
            with self.state.writing() as tx:
                self._write_one(tx, id, day, run_id, result)
        with self.state.writing() as tx:
            forget(tx, self.now - timedelta(days=self.rules.kept_days))
        return result

    def write_some(self, tx: sa.Connection, day: Subjects, run_id: str, leaves: Callable[[Subscription], bool]) -> int:
        """Write what is news of some customers, in the transaction in which they are noted; return how many messages.

        A subscription that has not begun, that is left, or for which it would be too much waits for the day.
        """
        count = 0
        for subscription in all_subscriptions(tx, [ACTIVE]):
            if subscription.begun_at is None or leaves(subscription):
                continue
            news, judged = self._news(tx, subscription, day), Comparison()
            if news and self._judge(tx, subscription, news, judged):
                put(tx, subscription.id, news, day.day, run_id, self.now)
                count += len(news)
        return count

    def preview(self, day: Subjects) -> Comparison:
        """Return what would be written, and write nothing."""
        result = Comparison()
        for id in self._active():
            with self.state.reading() as tx:
                subscription = subscription_of(tx, id)
                if _begins_silently(subscription):
                    result.begun.append(id)
                else:
                    self._judge(tx, subscription, self._news(tx, subscription, day), result)
        return result

    def _active(self) -> list[str]:
        with self.state.reading() as tx:
            return [each.id for each in all_subscriptions(tx, [ACTIVE])]

    def _write_one(self, tx: sa.Connection, id: str, day: Subjects, run_id: str, result: Comparison) -> None:
        try:
            subscription = subscription_of(tx, id)
        except NoSuchSubscription:
            return
        if subscription.status != ACTIVE:  # since it was listed, a person thought better of it
            return
        if _begins_silently(subscription):
            keep_values(tx, id, standing(subscription, day))
            result.begun.append(id)
        elif self._judge(tx, subscription, news := self._news(tx, subscription, day), result):
            put(tx, id, news, day.day, run_id, self.now)
            stops.settle(tx, id, run_id, self.now)
        else:
            stops.note(tx, Stop(id, run_id, day.day, len(news), self.now))
        if subscription.begun_at is None:
            begin(tx, id, self.now)

    def _news(self, tx: sa.Connection, subscription: Subscription, day: Subjects) -> list[NewMessage]:
        last: Known = {subject: last_sent(tx, subscription.id, subject) for subject in subjects_of(subscription)}
        return new_messages(subscription, day, last, self.rules)

    def _judge(
        self, tx: sa.Connection, subscription: Subscription, new: Sequence[NewMessage], result: Comparison
    ) -> bool:
        """Keep what is news, unless it is suspiciously much; who asked to be sent all is sent all, to begin with."""
        is_first = subscription.begun_at is None
        most = max(self.rules.most_in_a_run, self._approved(tx, subscription.id))
        if len(new) > most and not is_first and not self.allow_mass_change:
            result.stopped[subscription.id] = (
                f"{len(new):,} changes for {subscription.id} are more than the policy lets through unasked "
                f"({self.rules.most_in_a_run:,}, triggers.most_in_a_run): nothing was sent to it. If they are right, "
                f'approve them: gtm trigger approve {subscription.id} --reason "WHY"'
            )
            return False
        result.new[subscription.id] = new
        return True

    def _approved(self, tx: sa.Connection, id: str) -> int:
        """Return how many messages a person let through: no more than were held back, and a margin."""
        stop = stops.stop_of(tx, id)
        if stop is None or not stop.is_approved(self.now):
            return 0
        return floor((stop.approved_messages or 0) * (1 + self.rules.approval.margin))


def _begins_silently(subscription: Subscription) -> bool:
    return subscription.begun_at is None and not subscription.whole


def by_type(new: Mapping[str, Sequence[NewMessage]]) -> dict[str, int]:
    """Count messages by their type."""
    counts: dict[str, int] = {}
    for messages in new.values():
        for message in messages:
            counts[message.type] = counts.get(message.type, 0) + 1
    return counts
