from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from gtm_platform.delivery.triggers.compare import Comparer, Comparison
from gtm_platform.delivery.triggers.sender import Sender, SendReport
from gtm_platform.delivery.triggers.settings import TriggerSettings
from gtm_platform.delivery.triggers.subjects import Subjects
from gtm_platform.delivery.triggers.subscribing import Subscribing
from gtm_platform.policy import Triggers
from gtm_platform.state import State
from gtm_platform.state.trigger_outbox import Message, newest
from gtm_platform.state.trigger_subscriptions import Subscription, subscription_of
from gtm_platform_tests.delivery.triggers.receiving import Receiver
from gtm_platform_tests.delivery.world import NOW, Watched, served

KEY = "k" * 40
DAY = "2026-11-20"


def person(id: str, **more: Any) -> dict[str, Any]:
    """A customer as triggers see one."""
    usual = {
        "customer_id": id,
        "customer_status": "active",
        "health_status": "healthy",
        "health_score": 80,
        "churn_risk": 10,
        "risk_signals": [],
        "tier": "scale",
        "am": "Sam Lee",
        "am_email": "sam@acme.example",
        "cohort": None,
        "mrr": 500,
    }
    return usual | more


def firm(id: str, **more: Any) -> dict[str, Any]:
    """A company as triggers see one."""
    usual = {"company_id": id, "customer_cohort": "cohort_2_in_market", "in_market_signals": ["hiring"], "tier": None}
    return usual | {"cohort": more.get("customer_cohort", usual["customer_cohort"]), "am": None, "am_email": None,
                    "mrr": 0} | more  # fmt: skip


def day_of(*rows: dict[str, Any], day: str = DAY) -> Subjects:
    """A day with these customers and companies."""
    return Subjects(
        day,
        {row["customer_id"]: row for row in rows if "customer_id" in row},
        {row["company_id"]: row for row in rows if "company_id" in row},
    )


@dataclass
class Room:
    """Subscriptions, their outbox and a receiver, at a moment that tests move."""

    state: State
    receiver: Receiver
    watched: Watched
    rules: Triggers = field(default_factory=Triggers)
    now: datetime = NOW
    settings: TriggerSettings = field(
        default_factory=lambda: TriggerSettings(trigger_key=KEY, trigger_receivers="also_loopback")
    )
    names: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def subscribing(self) -> Subscribing:
        return Subscribing(self.state, self.settings, self.rules, lambda: self.now, "Noor")

    def add(self, *kinds: str, path: str = "/hook", where: tuple[str, ...] = (), **more: Any) -> tuple[str, str]:
        """Subscribe the receiver; return the id and the secret."""
        subscription, secret = self.subscribing.add(self.watched.url + path, kinds, where, **more)
        return subscription.id, secret

    def compare(self, day: Subjects, **more: Any) -> Comparison:
        return Comparer(self.state, self.rules, self.now, **more).write(day, "run")

    def send(self) -> SendReport:
        def persons(ids: Any) -> dict[str, dict[str, str]]:
            return {id: self.names[id] for id in ids if id in self.names}

        return Sender(self.state, self.settings, self.rules, lambda: self.now, persons).send()

    def pass_time(self, **span: float) -> None:
        self.now += timedelta(**span)

    def messages(self) -> list[Message]:
        with self.state.reading() as tx:
            return newest(tx, 1000)[::-1]

    def subscription(self, id: str) -> Subscription:
        with self.state.reading() as tx:
            return subscription_of(tx, id)


@pytest.fixture
def room(state: State) -> Iterator[Room]:
    receiver = Receiver()
    with served(receiver.app) as watched:
        yield Room(state, receiver, watched)
