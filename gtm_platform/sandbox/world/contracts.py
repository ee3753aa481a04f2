"""What a customer will buy, change and give up: decided when their life begins, so that the truth knows the future.

How it is billed, and which payments fail on the way without consequence, is decided as it happens (billing.py).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from gtm_platform.sandbox.world.agenda import DAY, months_after
from gtm_platform.sandbox.world.catalogue import OFFERS, Cut, Line

HORIZON = timedelta(days=430)
FINALISED_AFTER = timedelta(hours=1)

# The plans people choose, how often, and the range of quantities.
_CHOICES: dict[str, tuple[int, int, int]] = {
    "starter_month": (20, 1, 1),
    "starter_year": (6, 1, 1),
    "pro_month": (24, 2, 30),
    "pro_year": (9, 3, 40),
    "scale_month": (10, 3, 45),
    "scale_quarter": (6, 4, 60),
    "enterprise_year": (5, 15, 120),
    "basic_month": (6, 1, 1),
    "basic_week": (5, 1, 3),
    "contacts_month": (4, 120, 950),
    "credits_month": (5, 201, 2501),
}
_UPGRADES = {
    "starter_month": "pro_month",
    "pro_month": "scale_month",
    "basic_month": "starter_month",
    "starter_year": "pro_year",
}
_COUPON_ODDS = {"PARTNER20": 5, "NONPROFIT": 3, "LOYAL": 3, "WELCOME50": 6, "SPRING30": 6, "PRO15": 4}


@dataclass(frozen=True, slots=True)
class Step:
    """A change within a contract; `kind` is "lines", "pause", "resume", "halt" or "continue".

    "lines" brings new lines, "pause" has a behaviour.
    """

    at: datetime
    kind: str
    lines: tuple[Line, ...] = ()
    behavior: str | None = None


@dataclass(slots=True)
class Contract:
    """`ending`: None (it stays), "period_end", "now", "payment_failed", "unpaid", "trial", "expired", or
    "deleted": the customer's whole record is deleted at Stripe while the subscription runs."""

    start: datetime
    currency: str
    lines: tuple[Line, ...]
    cuts: tuple[Cut, ...] = ()
    cuts_on_customer: bool = False
    trial_days: int = 0
    ending: str | None = None
    end: datetime | None = None
    notice: datetime | None = None  # when they asked for the end
    fatal: datetime | None = None  # the renewal that is never paid
    steps: list[Step] = field(default_factory=list)
    strained: frozenset[datetime] = frozenset()  # renewals that are paid late

    @property
    def anchor(self) -> datetime:
        return self.start + timedelta(days=self.trial_days)

    def boundary(self, period: int) -> datetime:
        """The beginning of a paid period; 0 is the first."""
        offer = OFFERS[self.lines[0].offer]
        if offer.interval == "week":
            return self.anchor + timedelta(weeks=period * offer.count)
        return months_after(self.anchor, period * offer.count * (12 if offer.interval == "year" else 1))

    @property
    def retries(self) -> tuple[timedelta, ...]:
        """How long after each failed attempt the next one comes; all of them within the shortest period."""
        days = (1, 1, 2) if OFFERS[self.lines[0].offer].interval == "week" else (3, 5, 6)
        return tuple(timedelta(days=day) for day in days)

    @property
    def losses(self) -> list[datetime]:
        """The instants at which it stops bringing MRR."""
        if self.ending in ("trial", "expired"):
            return []
        stops = [step.at for step in self.steps if step.kind == "halt" or step.behavior == "void"]
        return stops + ([self.end] if self.end else [])


def abandoned(rng: Random, start: datetime, currency: str) -> Contract:
    """A checkout whose first payment never comes."""
    return Contract(start, currency, _lines(rng), ending="expired", end=start + timedelta(hours=23))


def trial(rng: Random, start: datetime, currency: str) -> Contract:
    """A trial that leads to nothing."""
    contract = Contract(
        start, currency, (Line(rng.choice(("starter_month", "pro_month"))),), trial_days=14, ending="trial"
    )
    contract.end = contract.anchor
    return contract


def purchases(rng: Random, start: datetime, currency: str, present: datetime) -> list[Contract]:
    """A customer's contracts, one after the other: some leave, some of them come back."""
    contracts: list[Contract] = []
    begin: datetime | None = start
    while begin and begin < present + HORIZON and len(contracts) < 4:
        contract = _contract(rng, begin, currency, present)
        contracts.append(contract)
        begin = None
        if contract.end and contract.ending != "deleted" and rng.random() < 0.3:
            # An unpaid contract lingers for a month before it is canceled.
            begin = contract.end + timedelta(days=rng.randrange(36, 160), seconds=rng.randrange(86400))
    return contracts


def _contract(rng: Random, start: datetime, currency: str, present: datetime) -> Contract:
    lines = _lines(rng)
    cuts = _cuts(rng)
    if lines[0].offer.startswith("basic"):
        cuts = tuple(cut for cut in cuts if cut.coupon != "LOYAL")  # it would leave nothing to pay
    contract = Contract(
        start=start,
        currency=currency,
        lines=lines,
        cuts=cuts,
        cuts_on_customer=len(cuts) == 1 and not cuts[0].first_line_only and rng.random() < 0.2,
        trial_days=14 if rng.random() < 0.4 else 0,
    )
    leaves = _leaving(rng, contract.anchor, present)
    if leaves:
        _plan_end(rng, contract, leaves, present)
    _plan_steps(rng, contract, present)
    return contract


def _lines(rng: Random) -> tuple[Line, ...]:
    offer = rng.choices(list(_CHOICES), [odds for odds, _, _ in _CHOICES.values()])[0]
    _, low, high = _CHOICES[offer]
    lines = [Line(offer, min(rng.randint(low, high), rng.randint(low, high)))]
    suffix = offer.partition("_")[2]
    if suffix in ("month", "year") and rng.random() < 0.12:
        lines.append(Line(f"support_{suffix}"))
    if suffix == "month" and rng.random() < 0.08:
        lines.append(Line("usage_month", None))
    return tuple(lines)


def _cuts(rng: Random) -> tuple[Cut, ...]:
    if rng.random() > 0.28:
        return ()
    coupon = rng.choices(list(_COUPON_ODDS), list(_COUPON_ODDS.values()))[0]
    if coupon == "PARTNER20" and rng.random() < 0.3:
        return Cut("PARTNER20"), Cut("LOYAL")
    return (Cut(coupon, first_line_only=rng.random() < 0.15),)


def _leaving(rng: Random, since: datetime, present: datetime) -> datetime | None:
    """About when they leave: a quarter of those who came in the past have left, half will, front-loaded."""
    roll, span = rng.random(), present - since
    if span > timedelta(days=70):
        if roll < 0.25:
            return since + timedelta(days=45) + (span - timedelta(days=60)) * rng.random()
        return present + timedelta(days=rng.expovariate(1 / 120)) if roll < 0.82 else None
    earliest = max(since + timedelta(days=25), present)
    return earliest + timedelta(days=rng.expovariate(1 / 190)) if roll < 0.72 else None


def _plan_end(rng: Random, contract: Contract, leaves: datetime, present: datetime) -> None:
    yearly = OFFERS[contract.lines[0].offer].interval == "year"
    # Whoever reads the systems from the start on has seen a record before it is deleted.
    deleted = 2 if leaves > present + 2 * DAY else 0
    endings = {"period_end": 1 if yearly else 9, "now": 4, "payment_failed": 5, "unpaid": 2, "deleted": deleted}
    contract.ending = rng.choices(list(endings), list(endings.values()))[0]
    if contract.ending == "deleted":
        contract.end = leaves.replace(microsecond=0)
        return
    if contract.ending == "now":
        contract.end = contract.notice = leaves.replace(microsecond=0)
        return
    period = 1
    while contract.boundary(period) < leaves:
        period += 1
    if contract.ending == "period_end":
        contract.end = contract.boundary(period)
        notice = contract.end - timedelta(seconds=rng.randrange(2 * 86400, 20 * 86400))
        contract.notice = max(notice, contract.boundary(period - 1) + timedelta(hours=6))
    else:
        contract.fatal = contract.boundary(period)
        # A minute after the last attempt.
        contract.end = contract.fatal + FINALISED_AFTER + sum(contract.retries, timedelta(minutes=1))


def _plan_steps(rng: Random, contract: Contract, present: datetime) -> None:
    """Changes of quantity and plan, and pauses; nothing in a trial or in the last days."""
    last = min(contract.notice or contract.fatal or contract.end or present + HORIZON, present + HORIZON) - 2 * DAY
    lines, at = contract.lines, contract.anchor
    while True:
        at = (at + timedelta(days=1 + rng.expovariate(1 / 95))).replace(microsecond=0)
        if at >= last:
            break
        lines = _changed(rng, lines)
        contract.steps.append(Step(at, "lines", lines=lines))
    if not contract.end and rng.random() < 0.25:
        _plan_pause(rng, contract, present)


def _changed(rng: Random, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    first, rest = lines[0], lines[1:]
    better = _UPGRADES.get(first.offer)
    if better and rng.random() < 0.3:
        return Line(better, max(first.quantity or 1, _CHOICES[better][1])), *rest
    size = first.quantity or 1
    by = max(1, int(size * rng.uniform(0.05, 0.4)))
    return Line(first.offer, size + by if rng.random() < 0.62 or size - by < 1 else size - by), *rest


def _plan_pause(rng: Random, contract: Contract, present: datetime) -> None:
    begin = max(contract.anchor, present - 60 * DAY) + timedelta(days=20 + rng.expovariate(1 / 150))
    begin = begin.replace(microsecond=0)
    finish = begin + timedelta(days=rng.randrange(20, 70), seconds=rng.randrange(86400))
    behavior = rng.choice(("void", "keep_as_draft", None))
    contract.steps = [step for step in contract.steps if not begin <= step.at <= finish]
    contract.steps.append(Step(begin, "pause" if behavior else "halt", behavior=behavior))
    contract.steps.append(Step(finish, "resume" if behavior else "continue"))
    contract.steps.sort(key=lambda step: step.at)
