"""Whom the market's partners brought and know: referrals, deals, and accounts that both sides have in their books.

It belongs to the partner's number; an emulator shows what is past by its clock. Each portal has some of the partners.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from gtm_platform.sandbox.world.market import Market, MarketCompany
from gtm_platform.sandbox.world.people import Company

# Portals, and the share of the partners that are on each.
PARTNERSTACK, CROSSBEAM = ("partnerstack", 0.75), ("crossbeam", 0.5)
_STAGES = ("won", "won", "in_progress", "lost")


@dataclass(frozen=True, slots=True)
class Referral:
    """A customer that a partner brought, or tries to."""

    number: int
    partner: MarketCompany
    customer: Company
    stage: str  # as it is once it is decided
    at: datetime
    decided: datetime
    amount_cents: int  # of the deal, in US dollars

    def stage_at(self, now: datetime) -> str:
        """How far it is."""
        return self.stage if self.decided <= now else "in_progress"


@dataclass(frozen=True, slots=True)
class Overlap:
    """An account that a partner has in its books, and we in ours."""

    number: int
    partner: MarketCompany
    account: Company
    is_their_customer: bool
    since: datetime
    until: datetime | None


class PartnerNetwork:
    """The partners of one portal, by their numbers."""

    def __init__(self, portal: str, share: float, market: Market) -> None:
        self._portal, self._share, self._market = portal, share, market

    def partners(self, now: datetime) -> Iterator[MarketCompany]:
        """Yield the partners that the portal has by an instant."""
        for each in self._market.companies(now):
            partnership = each.signals.partnership
            if partnership and partnership.since <= now and self._rng(each, "member").random() < self._share:
                yield each

    def referrals(self, now: datetime) -> Iterator[Referral]:
        """Yield what the portal's partners have brought by an instant."""
        customers = self._accounts(now, with_strangers=False)
        for partner in self.partners(now):
            rng, since = self._rng(partner, "referrals"), _since(partner)
            for place in range(rng.choice((0, 1, 1, 2, 3))):
                customer = customers[rng.randrange(len(customers))]
                at = since + timedelta(days=rng.randrange(1, 200), hours=rng.randrange(24))
                decided = at + timedelta(days=rng.randrange(3, 60))
                stage, amount = rng.choice(_STAGES), rng.randrange(10, 900) * 10_000
                if at <= now:
                    number = partner.company.number * 10 + place
                    yield Referral(number, partner, customer, stage, at, decided, amount)

    def overlaps(self, now: datetime) -> Iterator[Overlap]:
        """Yield the accounts that the portal's partners share with us, or shared."""
        accounts = self._accounts(now, with_strangers=True)
        for partner in self.partners(now):
            rng, since = self._rng(partner, "overlaps"), _since(partner)
            for place in range(rng.choice((1, 2, 3, 5))):
                account = accounts[rng.randrange(len(accounts))]
                begun = since + timedelta(days=rng.randrange(120), hours=rng.randrange(24))
                until = begun + timedelta(days=rng.randrange(5, 90)) if rng.random() < 0.2 else None
                is_theirs = rng.random() < 0.5
                if begun <= now:
                    number = partner.company.number * 10 + place
                    yield Overlap(number, partner, account, is_theirs, begun, until)

    def _accounts(self, now: datetime, *, with_strangers: bool) -> Sequence[Company]:
        """The companies that existed when the world began: whoever comes later changes nobody's past."""
        existing = [each for each in self._market.companies(now) if each.company.born <= self._market.start]
        return [each.company for each in existing if with_strangers or not each.is_stranger]

    def _rng(self, partner: MarketCompany, topic: str) -> Random:
        return Random(f"{self._portal}:{topic}:{self._market.seed}:{partner.company.number}")


def _since(partner: MarketCompany) -> datetime:
    partnership = partner.signals.partnership
    assert partnership is not None
    return partnership.since
