"""Why somebody leaves of their own will, and from which day on that shows.

It is drawn by numbers of its own, so that nothing else of a life depends on it. What a cause does to use, support and
payments stands here; when a contract ends is decided by `contracts` and its like.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import TYPE_CHECKING

from gtm_platform.sandbox.world.agenda import DAY, share
from gtm_platform.sandbox.world.contracts import Contract
from gtm_platform.sandbox.world.resignations import resign

if TYPE_CHECKING:
    from gtm_platform.sandbox.world.life import Life

USE_FALLS, SILENCE, TICKETS = "use_falls", "silence", "tickets"
FAILED_PAYMENTS, CHAMPION_LEAVES, NONE = "failed_payments", "champion_leaves", "none"
SHORTEST_STAY = timedelta(days=100)  # whoever leaves sooner has hardly begun
UNPAID = ("payment_failed", "unpaid")

_ODDS = {USE_FALLS: 24, SILENCE: 16, TICKETS: 17, CHAMPION_LEAVES: 19, NONE: 24}
# How many days before the end each cause begins to show.
_SHOWS = {USE_FALLS: (60, 100), SILENCE: (50, 80), TICKETS: (75, 85), CHAMPION_LEAVES: (50, 85)}
_STEPS = (0.5, 0.2, 0.05)  # of the use, as it falls
_STRAINED = timedelta(days=90)  # before the renewal that is never paid, others are paid late


@dataclass(frozen=True, slots=True)
class Departure:
    """The end of a customer's contract, its cause, and the instant from which that shows.

    It never shows where the cause is none.
    """

    end: datetime
    cause: str
    shows_from: datetime | None


def strain(contract: Contract) -> None:
    """Let the last renewals before a payment that fails for good be paid late, where there is time."""
    if contract.ending not in UNPAID or contract.end is None or contract.fatal is None:
        return
    if contract.end - contract.start < SHORTEST_STAY:
        return
    period, late = 1, set()
    while (renewal := contract.boundary(period)) < contract.fatal:
        if renewal >= contract.fatal - _STRAINED:
            late.add(renewal)
        period += 1
    contract.strained = frozenset(late)


def keep_some(contracts: list[Contract], key: str, staying: float) -> list[Contract]:
    """Let a share of those who would leave stay: their contract goes on, and none follows it."""
    for place, contract in enumerate(contracts):
        if contract.end and share(f"{key}:stays:{place}") < staying and contract.ending not in ("trial", "expired"):
            contract.ending = contract.end = contract.notice = contract.fatal = None
            return contracts[: place + 1]
    return contracts


def depart(life: "Life", start: datetime, end: datetime, contract: Contract | None = None) -> Departure | None:
    """Draw why a contract ends, and plan what shows of it; None for who leaves before it could."""
    if end - start < SHORTEST_STAY:
        return None
    rng = Random(f"{life.context.seed}:{life.person.number}:leaves:{start.isoformat()}")
    if contract and contract.ending in UNPAID:
        departure = Departure(end, FAILED_PAYMENTS, min((*contract.strained, contract.fatal or end)))
    else:
        departure = _drawn(rng, end, has_colleagues=life.person.company is not None)
    life.person_history.departures.append(departure)
    if departure.shows_from:
        _show(life, rng, departure, departure.shows_from)
    return departure


def _drawn(rng: Random, end: datetime, *, has_colleagues: bool) -> Departure:
    cause = rng.choices(list(_ODDS), list(_ODDS.values()))[0]
    if cause == CHAMPION_LEAVES and not has_colleagues:
        cause = SILENCE
    if cause == NONE:
        return Departure(end, cause, None)
    low, high = _SHOWS[cause]
    return Departure(end, cause, (end - timedelta(days=rng.uniform(low, high))).replace(microsecond=0))


def _show(life: "Life", rng: Random, departure: Departure, since: datetime) -> None:
    if departure.cause in (SILENCE, CHAMPION_LEAVES):
        life.agenda.at(since, life.change_habits, 0.0)
        if departure.cause == CHAMPION_LEAVES and not _comes_back(life, departure.end):
            resign(life, since)
    elif departure.cause == USE_FALLS:
        stretch = (departure.end - since) / len(_STEPS)
        for place, left in enumerate(_STEPS):
            life.agenda.at((since + place * stretch).replace(microsecond=0), life.change_habits, life.rate * left)
    elif departure.cause == TICKETS:
        for moment, is_ticket in _complaints(rng, since, departure.end):
            life.agenda.at(moment, life.complain, is_ticket)


def _comes_back(life: "Life", end: datetime) -> bool:
    """Whether the same person buys again after the end."""
    return any(contract.start > end for contract in life.contracts) or life.further.comes_back(end)


def _complaints(rng: Random, since: datetime, end: datetime) -> Sequence[tuple[datetime, bool]]:
    """The instants at which somebody complains: by a ticket that stays open, and by messages until the end."""
    moments = [(since, False), (since + timedelta(seconds=rng.randrange(86400, 9 * 86400)), True)]
    at = since
    while (at := at + timedelta(seconds=rng.randrange(7 * 86400, 14 * 86400))) < end - DAY:
        moments.append((at, False))
    return moments


def goes_quiet(departure: Departure | None) -> bool:
    """Tell whether the use falls in the last weeks, as it does where use is not what shows the cause."""
    return departure is None or departure.cause in (TICKETS, FAILED_PAYMENTS)
