"""What providers of facts know of the market's companies: most of them, mostly right, each in its own way.

It belongs to the company's number and the provider's name, so that asking twice is answered the same.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from random import Random

from gtm_platform.sandbox.world import names
from gtm_platform.sandbox.world.market import Market, MarketCompany

_COVERAGE, _RIGHT = 0.88, 0.9  # of companies that a provider knows, and of its figures that are right
_WRONG_SIZES = (0.4, 0.7, 1.6, 3.0)


@dataclass(frozen=True, slots=True)
class CompanyFacts:
    """A company as a provider has it."""

    number: int
    name: str
    domain: str
    industry: str
    employees: int
    country: str
    country_code: str
    city: str
    founded: int
    linkedin_url: str


class FactBook:
    """The facts of one provider, by domain."""

    def __init__(self, provider: str, market: Market) -> None:
        self._provider = provider
        self._market = market
        self._index: dict[str, MarketCompany] = {}
        self._read: datetime | None = None

    def of(self, domain: str, now: datetime) -> CompanyFacts | None:
        """What the provider knows of the company with a domain; None for nothing."""
        host = domain.lower().removeprefix("www.")
        if host not in self._index and self._read != now:  # it may have been founded since
            self._index = {each.company.domain: each for each in self._market.companies(now)}
            self._read = now
        company = self._index.get(host)
        return _facts(self._provider, company) if company else None

    def search(self, fits: Callable[[CompanyFacts], bool], now: datetime) -> Iterator[CompanyFacts]:
        """Yield the companies that fit, of those that the provider knows."""
        for each in self._market.companies(now):
            facts = _facts(self._provider, each)
            if facts and fits(facts):
                yield facts


def _facts(provider: str, shown: MarketCompany) -> CompanyFacts | None:
    company = shown.company
    rng = Random(f"{provider}:{company.number}:{company.domain}")
    if rng.random() > _COVERAGE:
        return None
    size, industry, country = company.size, company.industry, names.COUNTRIES[company.country]
    if rng.random() > _RIGHT:
        size = max(1, int(size * rng.choice(_WRONG_SIZES)))
    if rng.random() > _RIGHT:
        industry = rng.choice(sorted(set(names.COMPANY_SECOND.values()) - {industry}))
    if rng.random() > _RIGHT:
        country = rng.choice([each for each in names.COUNTRIES if each[1] != country[1]])
    city = company.city if company.city in country[4] else country[4][0]
    return CompanyFacts(
        company.number,
        company.name,
        company.domain,
        industry,
        size,
        country[0],
        country[1],
        city,
        company.born.year - rng.randrange(12),
        shown.linkedin_url,
    )
