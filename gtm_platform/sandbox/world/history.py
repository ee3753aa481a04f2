"""What truth needs of the past of each person: when each record was live, what every account was worth, each call.

Stores hold the present only: their records change in place. Whatever truth says about a past day is written down here.
"""

from dataclasses import dataclass, field
from datetime import datetime

from gtm_platform.sandbox.chartmogul.store import ChartMogulCustomer
from gtm_platform.sandbox.chroma_admin.store import ChromaAccount
from gtm_platform.sandbox.kit.timeline import Timeline, as_of, note
from gtm_platform.sandbox.listkit_admin.store import ListKitAccount
from gtm_platform.sandbox.posthog.store import PostHogPerson
from gtm_platform.sandbox.world.addresses import normalised
from gtm_platform.sandbox.world.departures import Departure
from gtm_platform.sandbox.world.product import Product
from gtm_platform.sandbox.world.sessions import Usage

__all__ = ["Timeline", "as_of", "note"]


@dataclass(slots=True)
class RecordHistory:
    """A record of a person in some system, from its creation to its deletion."""

    id: str
    since: datetime
    emails: Timeline[str] = field(default_factory=list)
    until: datetime | None = None
    bounced: datetime | None = None  # when mail first came back, as nobody has the address any more

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
    """A customer at Stripe or Orb and what came of it. Money is in minor units."""

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
    gross: Timeline[int] = field(default_factory=list)  # per month before discounts, whatever the status
    net: Timeline[int] = field(default_factory=list)  # the same after discounts
    subscriptions: Timeline[str] = field(default_factory=list)  # id of the newest subscription
    plans: Timeline[str] = field(default_factory=list)  # id of what was bought


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
class CallHistory:
    """A call that was booked: whether it is `booked`, `canceled` or `rescheduled`, or became a `no_show`."""

    start: datetime
    end: datetime
    states: Timeline[str] = field(default_factory=list)


@dataclass(slots=True)
class CopiedBilling:
    """What Intercom shows of a subscription in a billing account that nobody reads.

    The amount is per month.
    """

    amount: int
    currency: str
    states: Timeline[str] = field(default_factory=list)


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
    departures: list[Departure] = field(default_factory=list)  # those to come, too
    orb: list[BillingHistory] = field(default_factory=list)
    by_hand: BillingHistory | None = None
    mirrored: list[ChartMogulCustomer] = field(default_factory=list)
    copied: CopiedBilling | None = None
    calls: list[CallHistory] = field(default_factory=list)
    product: Product | None = None
    posthog: PostHogPerson | None = None
    credits: ListKitAccount | None = None
    vectors: ChromaAccount | None = None
    records: dict[str, list[RecordHistory]] = field(default_factory=dict)  # by system, beside those named above

    def panels(self) -> list[tuple[str, ListKitAccount | ChromaAccount]]:
        """The accounts that they own in the admin panels, each with its system."""
        accounts = {"listkit_admin": self.credits, "chroma_admin": self.vectors}
        return [(system, account) for system, account in accounts.items() if account]
