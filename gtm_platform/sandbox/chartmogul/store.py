"""ChartMogul's store: customers as a mirror of the billing systems, which `mirror` reads off their timelines."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gtm_platform.sandbox.kit.timeline import Timeline


@dataclass(slots=True)
class MirroredAccount:
    """A customer of a billing system, by its timelines. Amounts are per month, in minor units."""

    external_id: str
    created: datetime
    source: str  # uuid of a data source
    currency: str
    mrr: Timeline[int]
    gross: Timeline[int]
    net: Timeline[int]
    standings: Timeline[str | None]
    delinquent: Timeline[bool]
    subscriptions: Timeline[str]
    plans: Timeline[str]


@dataclass(slots=True)
class ChartMogulCustomer:
    """A customer. `quirk` is a way in which its import differs from the billing system."""

    number: int
    uuid: str
    name: str
    company: str
    email: str  # empty where there is none
    created: datetime
    accounts: list[MirroredAccount]
    lag: timedelta
    quirk: str | None = None  # discount | trial | tax | currency
    tax: int = 0  # percent
    city: str | None = None
    country: str | None = None
    utm_source: str | None = None

    def imported(self, now: datetime) -> list[MirroredAccount]:
        """The accounts that were imported by now."""
        return [account for account in self.accounts if account.created + self.lag <= now]


@dataclass
class ChartMogulStore:
    """Customers by uuid, plans by what they are called where they come from."""

    customers: dict[str, ChartMogulCustomer] = field(default_factory=dict)
    plans: dict[str, tuple[str, str, int, str]] = field(default_factory=dict)  # id -> name, source, count, unit
    opened: datetime | None = None
    account_id: str = "acc_sandbox"
