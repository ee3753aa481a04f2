"""The market: all companies that may buy, those in the product and strangers, with what they show of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random

from gtm_platform.sandbox.world.market_signals import MarketSignals, signals_of
from gtm_platform.sandbox.world.movers import movers
from gtm_platform.sandbox.world.people import Company, stranger

STRANGERS = 30_000_000  # the numbers of companies that nobody of ours works with
_THIRDS = ("AI", "Search", "Data", "Cloud", "Agents")  # no company with people is called so


@dataclass(frozen=True, slots=True)
class MarketCompany:
    """A company and what it shows; a stranger is in no other system when the world begins."""

    company: Company
    is_stranger: bool
    signals: MarketSignals

    @property
    def linkedin_url(self) -> str:
        """Its page at LinkedIn."""
        return f"https://www.linkedin.com/company/{self.company.domain.removesuffix('.example')}"


class Market:
    """The companies of a world, one stranger for every twelve people of it, and strangers that soon move."""

    def __init__(self, seed: int, people: int, start: datetime, insiders: Callable[[], Iterable[Company]]) -> None:
        self.seed = seed
        self.start = start
        self._insiders = insiders
        self.movers = list(movers(seed, people, start))
        self._strangers = [
            stranger(Random(f"{seed}:stranger:{ordinal}"), seed, STRANGERS, ordinal, start, _THIRDS)
            for ordinal in range(people // 12 + 5)
        ]
        moving = (MarketCompany(each.company, is_stranger=True, signals=each.signals) for each in self.movers)
        self._drawn = {each.company.number: each for each in moving}

    def companies(self, now: datetime) -> Iterator[MarketCompany]:
        """All companies that exist by an instant, always in the same order."""
        for company in self._insiders():
            if company.born <= now:
                yield self._shown(company, is_stranger=False)
        for company in (*self._strangers, *(each.company for each in self.movers)):
            yield self._shown(company, is_stranger=True)

    def _shown(self, company: Company, is_stranger: bool) -> MarketCompany:
        if company.number not in self._drawn:
            signals = signals_of(self.seed, company, self.start, is_stranger)
            self._drawn[company.number] = MarketCompany(company, is_stranger, signals)
        return self._drawn[company.number]
