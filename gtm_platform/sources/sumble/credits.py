"""What a run may spend at Sumble: credits are reserved before a call and settled by its answer.

A ledger of the month that several runs share has the same two steps, and takes the place of this one.
"""

import threading
from dataclasses import dataclass, field

from gtm_platform.http.errors import Permanent
from gtm_platform.http.pages import get_path


class OutOfCredits(Permanent):
    """The account has too few credits left."""


class BudgetSpent(Permanent):
    """The next call could cost more than a run may spend."""


@dataclass
class Credits:
    """The credits of one run; all its streams and threads share them."""

    cap: int
    spent: int = 0  # what a call may have cost that did not succeed stays reserved
    remaining: int | None = None  # in the account, as the last answer says
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def allow(self, cost: int) -> bool:
        """Whether so many more credits may be spent, and are there."""
        with self._lock:
            return self.spent + cost <= self.cap and (self.remaining is None or cost <= self.remaining)

    def expect(self, cost: int) -> None:
        """Raise where so many more credits may not be spent, or are not there."""
        with self._lock:
            self._expect(cost)

    def reserve(self, cost: int) -> None:
        """Set aside what a call may cost at most."""
        with self._lock:
            self._expect(cost)
            self.spent += cost

    def settle(self, reserved: int, answer: bytes) -> None:
        """Put what a call cost, as its answer says, in the place of what was reserved for it."""
        used, remaining = get_path(answer, "credits_used"), get_path(answer, "credits_remaining")
        with self._lock:
            if isinstance(used, int):
                self.spent += used - reserved
            if isinstance(remaining, int):
                self.remaining = remaining

    def _expect(self, cost: int) -> None:
        if self.remaining is not None and cost > self.remaining:
            raise OutOfCredits(
                "Sumble",
                f"Sumble's account has {self.remaining:,} credits left and the next pages may cost {cost:,}: nothing "
                "more is asked for. Buy credits, or wait for the next period.",
            )
        if self.spent + cost > self.cap:
            raise BudgetSpent(
                "Sumble",
                f"The run has spent {self.spent:,} of Sumble's credits and the next pages may cost {cost:,}, which is "
                f"more than SUMBLE_MAX_CREDITS_PER_RUN={self.cap} allows. Raise it, or name fewer technologies.",
            )
