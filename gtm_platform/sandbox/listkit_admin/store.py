"""The store of ListKit's admin dashboard: accounts, whose exports and credits `usage` reads off their use."""

from dataclasses import dataclass, field
from datetime import datetime

from gtm_platform.sandbox.kit.activity import Activity
from gtm_platform.sandbox.kit.timeline import Timeline


@dataclass(slots=True)
class ListKitAccount:
    """An account and how it stood.

    `tiers` are plans by time, which decide how many credits a period brings.
    """

    account_id: str
    email: str
    created: datetime
    use: Activity = field(compare=False)
    member_emails: list[str] = field(default_factory=list)
    closed: datetime | None = None  # when all its members lost their seats
    company_name: str | None = None
    seats: int = 1
    tiers: Timeline[str] = field(default_factory=list)
    statuses: Timeline[str] = field(default_factory=list)
    stripe_customer_ids: Timeline[str] = field(default_factory=list)
    exports_a_day: list[int] = field(default_factory=list, compare=False)  # of the days that are over
    credits_a_day: list[int] = field(default_factory=list, compare=False)


@dataclass
class ListKitStore:
    """Accounts by id. `level` is how much of the contract is built, from 1 to 3."""

    accounts: dict[str, ListKitAccount] = field(default_factory=dict)
    level: str = "3"
