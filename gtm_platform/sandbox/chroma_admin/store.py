"""The store of Chroma's admin panel: accounts, whose vectors and queries `usage` reads off their use."""

from dataclasses import dataclass, field
from datetime import datetime

from gtm_platform.sandbox.kit.activity import Activity
from gtm_platform.sandbox.kit.timeline import Timeline


@dataclass(slots=True)
class ChromaAccount:
    """An account; without an e-mail address only its company's name says whose it is."""

    account_id: str
    email: str | None
    company_name: str
    created: datetime
    use: Activity = field(compare=False)
    member_emails: list[str] = field(default_factory=list)
    closed: datetime | None = None  # when all its members lost their seats
    region: str = "us-east-1"
    vectors: int = 0  # those there before use was recorded
    tiers: Timeline[str] = field(default_factory=list)
    actives: Timeline[bool] = field(default_factory=list)
    queries_a_day: list[int] = field(default_factory=list, compare=False)  # of the days that are over
    vectors_a_day: list[int] = field(default_factory=list, compare=False)


@dataclass
class ChromaStore:
    """Accounts by id.

    `variant` is how the contract is served: full, minimal (six fields) or array (the same, bare).
    """

    accounts: dict[str, ChromaAccount] = field(default_factory=dict)
    variant: str = "full"
