"""What truth needs of the past of each person: when each record was live and what every account was worth.

Stores hold the present only: their records change in place. Whatever truth says about a past day is written down here.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from gtm_platform.sandbox.world.addresses import normalised
from gtm_platform.sandbox.world.sessions import Usage

T = TypeVar("T")
Timeline = list[tuple[datetime, T]]


def note(timeline: Timeline[T], at: datetime, value: T) -> None:
    """Adds a value if it differs from the one before."""
    if not timeline or timeline[-1][1] != value:
        timeline.append((at, value))


def as_of(timeline: Sequence[tuple[datetime, T]], before: datetime) -> T | None:
    """The value that held just before an instant."""
    place = bisect_left(timeline, before, key=lambda entry: entry[0])
    return timeline[place - 1][1] if place else None


@dataclass(slots=True)
class RecordHistory:
    """A record of a person in some system, from its creation to its deletion."""

    id: str
    since: datetime
    emails: Timeline[str] = field(default_factory=list)
    until: datetime | None = None

    def live(self, before: datetime) -> bool:
        return self.since < before and (self.until is None or self.until >= before)

    def add_email(self, at: datetime, email: str | None) -> None:
        if email:
            self.emails.append((at, normalised(email)))


@dataclass(slots=True)
class IntercomHistory(RecordHistory):
    """An Intercom contact; a user's last sight moves on with the use of the product."""

    usage: Usage | None = None

    def last_seen(self, before: datetime) -> datetime:
        return (self.usage.latest(before, self.since) if self.usage else None) or self.since


@dataclass(slots=True)
class BillingHistory(RecordHistory):
    """A Stripe customer and what came of it. Money is in minor units."""

    currency: str = "usd"
    mrr: Timeline[int] = field(default_factory=list)
    statuses: Timeline[str] = field(default_factory=list)  # of the newest subscription
    delinquent: Timeline[bool] = field(default_factory=list)
    standings: Timeline[str | None] = field(default_factory=list)  # by subscriptions.standing
    ends: Timeline[str | None] = field(default_factory=list)  # of subscriptions, each with its reason
    ledger: Timeline[int] = field(default_factory=list)  # money in and out
    first_paid: datetime | None = None
    failures: list[datetime] = field(default_factory=list)
    losses: list[datetime] = field(default_factory=list)  # planned instants at which MRR falls to nothing


@dataclass(slots=True)
class CaseHistory:
    """A conversation (or ticket) and how it stood: (is it open, is it critical)."""

    history: IntercomHistory
    since: datetime
    is_ticket: bool = False
    until: datetime | None = None
    states: Timeline[tuple[bool, bool]] = field(default_factory=list)
    rating: tuple[datetime, int] | None = None
    cancels: list[datetime] = field(default_factory=list)

    def live(self, before: datetime) -> bool:
        return self.since < before and (self.until is None or self.until >= before) and self.history.live(before)


@dataclass(slots=True)
class PersonHistory:
    """One person in the eyes of the truth: everything that may rightly be tied together."""

    key: str
    name: str
    company_domain: str | None = None
    shared_inbox: bool = False
    hubspot: list[RecordHistory] = field(default_factory=list)
    intercom: list[IntercomHistory] = field(default_factory=list)
    accounts: list[BillingHistory] = field(default_factory=list)
    cases: list[CaseHistory] = field(default_factory=list)
    lost_deals: Timeline[str] = field(default_factory=list)  # why each was lost
