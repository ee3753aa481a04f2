"""Credits of a source whose calls are paid for: reserved before a call, charged by its answer, under a month's cap.

The ledger is that of all that is bought (`state/spend`): the cap holds for runs side by side and across a crash. What
was begun and has no answer stays reserved until a person settles it. Whoever opens the source names the cap; without
one what is spent is counted all the same.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from decimal import Decimal
from uuid import uuid4

from gtm_platform.http.errors import ApiFailure, Permanent, RetriesExhausted
from gtm_platform.settings import settings
from gtm_platform.state import open_state, spend
from gtm_platform.state.spend import MonthSpend

NO_CAP = Decimal("Infinity")


@dataclass(frozen=True)
class CreditAllowance:
    """How many credits a calendar month may cost, None for any number, and the run that spends them."""

    monthly_cap: Decimal | None = None
    run_id: str = ""


_allowance: ContextVar[CreditAllowance | None] = ContextVar("credit_allowance", default=None)


@contextmanager
def spending(allowance: CreditAllowance) -> Iterator[None]:
    """Let the clients that are made in this context spend no more than this."""
    token = _allowance.set(allowance)
    try:
        yield
    finally:
        _allowance.reset(token)


def current_allowance() -> CreditAllowance:
    """Return what a client which is made now may spend: without a cap, where nobody says less."""
    return _allowance.get() or CreditAllowance()


@dataclass(frozen=True)
class MonthLedger:
    """What the calls of one source cost in the present month, as all its runs share it."""

    source: str
    allowance: CreditAllowance

    def reserve(self, call: str, credits: int) -> int | None:
        """Set credits aside for a call that leaves now; None where the month's cap has no room for them."""
        now = settings().now()
        cap = NO_CAP if self.allowance.monthly_cap is None else self.allowance.monthly_cap
        wish = (f"{call} {uuid4().hex[:12]}", Decimal(credits))
        with closing(open_state(settings().state_url)) as state, state.writing() as tx:
            reserved = spend.reserve(tx, self.source, [wish], cap, self.allowance.run_id, now)
            spend.begin(tx, [each.id for each in reserved], now)
        return reserved[0].id if reserved else None

    def charge(self, reservation: int, credits: int | None) -> None:
        """Settle a call by what its answer says that it cost; None charges all that was reserved."""
        cost = None if credits is None else Decimal(credits)
        with closing(open_state(settings().state_url)) as state, state.writing() as tx:
            spend.charge(tx, reservation, cost, settings().now())

    def settle_failure(self, reservation: int, failure: ApiFailure) -> None:
        """Give back the credits of a call that was surely refused; those of another stay reserved."""
        if was_refused(failure, repeats_are_free=False):
            with closing(open_state(settings().state_url)) as state, state.writing() as tx:
                spend.release(tx, [reservation], settings().now(), failure.message)

    def spent(self) -> MonthSpend:
        """Return what the month has cost so far."""
        with closing(open_state(settings().state_url)) as state, state.reading() as tx:
            return spend.spent_in(tx, self.source, spend.month_of(settings().now()))

    def has_room_for(self, credits: int) -> bool:
        """Whether the cap has room for so many more credits now."""
        cap = self.allowance.monthly_cap
        return cap is None or self.spent().committed + credits <= cap


def was_refused(failure: ApiFailure, *, repeats_are_free: bool) -> bool:
    """Whether a call that failed was surely not charged: it was understood, and refused.

    Where calls are repeated after time-outs, the last word says nothing of the first try.
    """
    if isinstance(failure, RetriesExhausted):
        return failure.status == 429 and not repeats_are_free
    return isinstance(failure, Permanent) and failure.status is not None and 400 <= failure.status < 500
