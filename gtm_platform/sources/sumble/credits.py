"""What a run may spend at Sumble: credits are reserved before a call and settled by its answer.

Three limits hold: that of the run, that of the month, which all runs share, and what is left in the account.
"""

import threading
from dataclasses import dataclass, field

from gtm_platform.http.errors import ApiFailure, Permanent
from gtm_platform.http.pages import get_path
from gtm_platform.ingest.credits import MonthLedger
from gtm_platform.state.spend import as_text

NO_MORE = "nothing more is asked for"


class OutOfCredits(Permanent):
    """The account has too few credits left."""


class BudgetSpent(Permanent):
    """The next call could cost more than a run, or the month, may spend."""


@dataclass(frozen=True)
class Reserved:
    """Credits that are set aside for a call, and where the month's ledger has them."""

    credits: int
    id: int


@dataclass
class Credits:
    """The credits of one run; all its streams and threads share them."""

    cap: int
    month: MonthLedger
    spent: int = 0  # what a call may have cost that did not succeed stays reserved
    remaining: int | None = None  # in the account, as the last answer says
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def allow(self, cost: int) -> bool:
        """Whether so many more credits may be spent, and are there."""
        with self._lock:
            fits = self.spent + cost <= self.cap and (self.remaining is None or cost <= self.remaining)
        return fits and self.month.has_room_for(cost)

    def expect(self, cost: int) -> None:
        """Raise where so many more credits may not be spent, or are not there."""
        with self._lock:
            self._expect(cost)
        if not self.month.has_room_for(cost):
            raise self._month_spent(cost)

    def reserve(self, call: str, cost: int) -> Reserved:
        """Set aside what a call may cost at most, in the run and in the month."""
        with self._lock:
            self._expect(cost)
            id_ = self.month.reserve(call, cost)
            if id_ is None:
                raise self._month_spent(cost)
            self.spent += cost
        return Reserved(cost, id_)

    def settle(self, reserved: Reserved, answer: bytes) -> None:
        """Put what a call cost, as its answer says, in the place of what was reserved for it."""
        used, remaining = get_path(answer, "credits_used"), get_path(answer, "credits_remaining")
        self.month.charge(reserved.id, used if isinstance(used, int) else None)
        with self._lock:
            if isinstance(used, int):
                self.spent += used - reserved.credits
            if isinstance(remaining, int):
                self.remaining = remaining

    def fail(self, reserved: Reserved, failure: ApiFailure) -> None:
        """Settle a call that failed; after one that found the account empty no other leaves in this run."""
        self.month.settle_failure(reserved.id, failure)
        if isinstance(failure, OutOfCredits):
            with self._lock:
                self.remaining = 0

    def _expect(self, cost: int) -> None:
        if self.remaining is not None and cost > self.remaining:
            raise OutOfCredits(
                "Sumble",
                f"Sumble is out of credits: the account has {self.remaining:,} credits left and the next pages may "
                f"cost {cost:,}, so {NO_MORE}. Buy credits, or wait for the next period.",
            )
        if self.spent + cost > self.cap:
            raise BudgetSpent(
                "Sumble",
                f"The run has spent {self.spent:,} of Sumble's credits and the next pages may cost {cost:,}, which is "
                f"more than SUMBLE_MAX_CREDITS_PER_RUN={self.cap} allows. Raise it, or name fewer technologies.",
            )

    def _month_spent(self, cost: int) -> BudgetSpent:
        month, cap = self.month.spent(), self.month.allowance.monthly_cap
        return BudgetSpent(
            "Sumble",
            f"{as_text(month.committed)} of the {as_text(cap) if cap is not None else 'any'} credits of Sumble that "
            f"{month.month} may cost are used and the next pages may cost {cost:,}, so {NO_MORE} this month. Raise "
            "`sumble` under [enrichment.monthly_cap] of the policy, or name fewer technologies.",
        )
