"""The market: all companies that may buy, those in the product and strangers, with what they show of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random

from gtm_platform.sandbox.world import names
from gtm_platform.sandbox.world.addresses import plain
from gtm_platform.sandbox.world.agenda import DAY
from gtm_platform.sandbox.world.market_signals import MarketSignals, signals_of
from gtm_platform.sandbox.world.people import Company

STRANGERS = 30_000_000  # the numbers of companies that nobody of ours works with
_THIRDS = ("AI", "Search", "Data", "Cloud", "Agents")  # no company with people is called so


@dataclass(frozen=True, slots=True)
class MarketCompany:
    """A company and what it shows; a stranger is in no system but those that watch the market."""

    company: Company
    is_stranger: bool
    signals: MarketSignals

    @property
    def linkedin_url(self) -> str:
        """Its page at LinkedIn."""
        return f"https://www.linkedin.com/company/{self.company.domain.removesuffix('.example')}"


class Market:
    """The companies of a world, and one stranger for every twelve people of it."""

    def __init__(self, seed: int, people: int, start: datetime, insiders: Callable[[], Iterable[Company]]) -> None:
        self.seed = seed
        self.start = start
        self._insiders = insiders
        self._strangers = [_stranger(seed, ordinal, start) for ordinal in range(people // 12 + 5)]
        self._drawn: dict[int, MarketCompany] = {}

    def companies(self, now: datetime) -> Iterator[MarketCompany]:
        """All companies that exist by an instant, always in the same order."""
        for company in self._insiders():
            if company.born <= now:
                yield self._shown(company, is_stranger=False)
        for company in self._strangers:
            yield self._shown(company, is_stranger=True)

    def _shown(self, company: Company, is_stranger: bool) -> MarketCompany:
        if company.number not in self._drawn:
            signals = signals_of(self.seed, company, self.start, is_stranger)
            self._drawn[company.number] = MarketCompany(company, is_stranger, signals)
        return self._drawn[company.number]


def _stranger(seed: int, ordinal: int, start: datetime) -> Company:
    rng = Random(f"{seed}:stranger:{ordinal}")
    firsts, seconds = names.COMPANY_FIRST, list(names.COMPANY_SECOND)
    round_, place = divmod(ordinal, len(firsts) * len(seconds))
    place = (place * 1979 + seed * 7919) % (len(firsts) * len(seconds))
    second = seconds[place // len(firsts)]
    third = _THIRDS[round_ % len(_THIRDS)] + (str(round_ // len(_THIRDS) + 1) if round_ >= len(_THIRDS) else "")
    name = f"{firsts[place % len(firsts)]} {second} {third}"
    country = rng.randrange(len(names.COUNTRIES))
    return Company(
        number=STRANGERS + ordinal,
        name=name,
        domain=f"{'-'.join(plain(word) for word in name.split())}.example",
        industry=names.COMPANY_SECOND[second],
        size=int(rng.lognormvariate(4.2, 1.3)) + 3,
        country=country,
        city=rng.choice(names.COUNTRIES[country][4]),
        born=start - rng.randrange(400, 4000) * DAY,
    )
