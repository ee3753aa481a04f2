"""Companies that change how they stand within the first days of a world, each by something that the systems show.

Strangers come into the market, sign up or become partners; some of the companies with people stop using the product,
others use it again. What becomes of everybody else in those days is left to chance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from gtm_platform.sandbox.world import names
from gtm_platform.sandbox.world.addresses import plain
from gtm_platform.sandbox.world.agenda import DAY, share
from gtm_platform.sandbox.world.market_signals import (
    COMPETITORS,
    PAIN_POINTS,
    CompetitorUse,
    MarketSignals,
    become_partner,
    hire,
    turn,
)
from gtm_platform.sandbox.world.people import Company, Person, stranger
from gtm_platform.sandbox.world.sessions import QuietSpell

_COMPANIES, _PEOPLE = 40_000_000, 80_000_000  # the numbers of movers, and of who signs up for them
_EACH = 100  # people of the world for each company with a move
_FIRST, _LAST = timedelta(hours=26), timedelta(hours=94)  # after the start: on the second to fourth day
_QUIET = 0.075  # the share of companies that stop using the product, and of those that use it again
_DORMANT_AFTER = 30  # days without use
_THIRDS = ("Intelligence", "Interactive")  # no other company is called so

Origin = Literal["competitor", "market"]
Then = Literal["market", "customer", "partner"]
_MOVES: tuple[tuple[Origin, Then], ...] = (
    ("competitor", "market"),
    ("competitor", "customer"),
    ("market", "customer"),
    ("competitor", "partner"),
    ("market", "partner"),
)


@dataclass(frozen=True, slots=True)
class Mover:
    """A company that nobody of ours works with, until it moves."""

    company: Company
    then: Then
    at: datetime
    signals: MarketSignals

    def buyer(self, seed: int) -> Person:
        """Return who signs up for the company, an hour after somebody first hears of them."""
        rng = Random(f"{seed}:buyer:{self.company.number}")
        first, last = rng.choice(names.FIRST), rng.choice(names.LAST)
        return Person(
            number=self.company.number - _COMPANIES + _PEOPLE,
            first=first,
            last=last,
            email=f"{plain(first)}.{plain(last)}@{self.company.domain}",
            company=self.company,
            country=self.company.country,
            city=self.company.city,
            job=rng.choice(names.JOBS[:4]),
            free_mail=False,
            born=self.at - timedelta(hours=1),
            pays=1.0,
            rank=0,
            signs_up=self.at,
        )


def movers(seed: int, people: int, start: datetime) -> Iterator[Mover]:
    """Yield so many companies for each move as fit the size of a world."""
    for ordinal in range(max(1, people // _EACH) * len(_MOVES)):
        before, then = _MOVES[ordinal % len(_MOVES)]
        rng = Random(f"{seed}:mover:{ordinal}")
        company = stranger(rng, seed, _COMPANIES, ordinal, start, _THIRDS)
        at = (start + _FIRST + (_LAST - _FIRST) * rng.random()).replace(microsecond=0)
        signals, ids = MarketSignals(), iter(range(company.number * 1000, company.number * 1000 + 1000))
        if before == "competitor":
            signals.competitors.append(_sure_use(rng, company, start))
        else:
            hire(rng, company, signals, ids, start - rng.randrange(3, 15) * DAY)
        if then == "market":
            turn(rng, company, signals, ids, at)
        elif then == "partner":
            become_partner(rng, signals, at)
        yield Mover(company, then, at, signals)


def _sure_use(rng: Random, company: Company, start: datetime) -> CompetitorUse:
    """Draw the use of a competitor's product that several systems are sure of."""
    pains = tuple(sorted(rng.sample(PAIN_POINTS, rng.randrange(0, 3))))
    seen = max(start - rng.randrange(2, 200) * DAY, company.born)
    return CompetitorUse(rng.choice(sorted(COMPETITORS)), ("job_posting", "manual_research"), pains, seen)


def quiet_spell(seed: int, company: Company, start: datetime) -> QuietSpell | None:
    """Return when nobody of a company uses the product; None for one that uses it all the time.

    Some companies fall dormant in the first days of the world, and some come back then.
    """
    roll = share(f"{seed}:quiet:{company.number}")
    if roll >= 2 * _QUIET:
        return None
    rng = Random(f"{seed}:quiet:{company.number}")
    turns = start.date() + rng.choice((1, 2, 3)) * DAY
    if roll < _QUIET:
        return turns - _DORMANT_AFTER * DAY, turns + rng.randrange(4, 12) * DAY
    return turns - rng.randrange(40, 60) * DAY, turns
