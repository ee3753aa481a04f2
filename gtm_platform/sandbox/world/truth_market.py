"""What each company of the market has shown until an instant, as the platform should find out."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from gtm_platform.sandbox.world.market import Market, MarketCompany
from gtm_platform.sandbox.world.partner_network import CROSSBEAM, PartnerNetwork

_IDENTITY = ("name", "domain", "stranger")


def market_truth(market: Market, before: datetime) -> list[dict[str, Any]]:
    """Return a row per company with a signal before an instant."""
    introducers: dict[str, set[str]] = {}
    for partner, domain in _introductions(market, before):
        introducers.setdefault(domain, set()).add(partner)
    rows = (
        _shown_before(each, before, introducers.get(each.company.domain, set())) for each in market.companies(before)
    )
    return [row for row in rows if len(row) > len(_IDENTITY)]


def _introductions(market: Market, before: datetime) -> Iterator[tuple[str, str]]:
    """The domains of partners and of their customers whom both of us have in our books."""
    for overlap in PartnerNetwork(*CROSSBEAM, market).overlaps(before):
        partner = overlap.partner.company.domain
        stands = overlap.since < before and (overlap.until is None or overlap.until > before)
        if stands and overlap.is_their_customer and overlap.account.domain != partner:
            yield partner, overlap.account.domain


def _shown_before(each: MarketCompany, before: datetime, introducers: set[str]) -> dict[str, Any]:
    """The company's signals as of an instant, by kind; what there is none of is left out."""
    signals = each.signals
    partner = signals.partnership if signals.partnership and signals.partnership.since < before else None
    past = {
        "jobs": sorted(job.id for job in signals.jobs if job.is_ai and job.posted < before <= job.closed),
        "acts": sorted(act.id for act in signals.acts if act.at < before),
        "visits": sorted(visit.id for visit in signals.visits if visit.at < before),
        "competitors": sorted(use.competitor for use in signals.competitors if use.seen < before),
        "partner_status": partner.status if partner else None,
        "partner_tier": (partner.entered_tier or partner.tier) if partner else None,
        "introducers": sorted(introducers),
        "listed": bool(signals.listed and signals.listed < before),
    }
    identity = dict(zip(_IDENTITY, (each.company.name, each.company.domain, each.is_stranger), strict=True))
    return identity | {name: value for name, value in past.items() if value}
