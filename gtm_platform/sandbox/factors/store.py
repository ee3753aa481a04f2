"""Factors.ai's store: the companies of a world's market that visit the website, by their domain."""

from dataclasses import dataclass
from datetime import UTC, datetime

from gtm_platform.sandbox.world.market import Market
from gtm_platform.sandbox.world.market_signals import Visit
from gtm_platform.sandbox.world.people import Company

_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass
class FactorsStore:
    """The market, seen by its visits."""

    market: Market

    def domains(self) -> list[str]:
        """The domains of all companies that visit the website at some time."""
        return sorted(each.company.domain for each in self.market.companies(_LAST) if each.signals.visits)

    def visits(self, domain: str, now: datetime) -> tuple[Company, list[Visit]] | None:
        """A company and its visits until an instant, in their order; None for one that never came."""
        for each in self.market.companies(now):
            if each.company.domain == domain:
                visits = sorted((visit for visit in each.signals.visits if visit.at <= now), key=lambda v: (v.at, v.id))
                return (each.company, visits) if visits else None
        return None
