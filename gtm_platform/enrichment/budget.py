"""What a month's cap comes to: how much is used and left, and whether that is worth a warning."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from gtm_platform.policy import Enrichment
from gtm_platform.state import open_state, spend
from gtm_platform.state.spend import MonthSpend, Reservation

Level = Literal["ok", "warn", "stop"]
ANSWERED_WITHIN = timedelta(days=1)  # by a provider whose answers come later


@dataclass(frozen=True)
class Budget:
    """A provider's month: the cap, what is charged and reserved, and the calls that are not settled.

    Of those in doubt nobody knows whether they were charged; of the others an answer is still to come.
    """

    spend: MonthSpend
    cap: Decimal
    credits_each: Decimal  # that one company may cost at most
    warn_share: float
    in_doubt: Sequence[Reservation] = ()
    still_to_come: Sequence[Reservation] = ()

    @property
    def left(self) -> Decimal:
        """What may still be reserved."""
        return max(Decimal(0), self.cap - self.spend.committed)

    @property
    def companies_left(self) -> int:
        """How many companies may still be asked about."""
        return int(self.left // self.credits_each)

    @property
    def level(self) -> Level:
        """Whether nothing more can be asked, or little."""
        if self.cap and not self.companies_left:
            return "stop"
        return "warn" if self.cap and self.spend.committed >= self.cap * Decimal(str(self.warn_share)) else "ok"

    @property
    def used(self) -> str:
        """What is used of the month's cap, in a sentence without its end."""
        month, cap = self.spend, spend.as_text(self.cap)
        set_aside = f" and {spend.as_text(month.reserved)} reserved" if month.reserved else ""
        charged = f"{spend.as_text(month.charged)}{set_aside} of {cap} credits"
        return f"{charged} of {month.month} are used ({month.committed / self.cap:.0%})"

    def __str__(self) -> str:
        if not self.cap:
            return f"{self.spend.provider} has no cap in the policy (enrichment.monthly_cap), so it is never asked."
        if self.level == "stop":
            return f"{self.spend.provider}: {self.used}: nothing more is asked this month."
        return f"{self.spend.provider}: {self.used}; {self.companies_left} more companies can be asked about."


def budget_of(provider: str, rules: Enrichment, state_url: str, now: datetime) -> Budget:
    """Return how the month of a provider stands."""
    with closing(open_state(state_url)) as state, state.reading() as tx:
        month = spend.spent_in(tx, provider, spend.month_of(now))
        unsettled = spend.unsettled(tx, provider)
    expected = [
        each for each in unsettled if each.reference and each.begun_at and now - each.begun_at < ANSWERED_WITHIN
    ]
    in_doubt = [each for each in unsettled if each not in expected]
    return Budget(month, rules.cap_of(provider), rules.credits_of(provider), rules.warn_share, in_doubt, expected)
