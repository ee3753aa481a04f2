"""What PartnerStack knows of partner companies, and of the customers that they brought.

A partner's kind and tier stand in the name of its group, such as "SI Gold"; its domain is that of its address. Whose
address is at a free mail provider is for identity to say.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal

import ibis

from gtm_platform.ingest.feeds import CompanyFeed
from gtm_platform.ingest.market_feeds import PartnerFeed, ReferralFeed

CENT = Decimal("0.01")
TIERS = {tier: tier for tier in ("strategic", "platinum", "gold", "silver", "registered")}
TYPES = {
    "si": r"\bsis?\b|integrat",
    "consultancy": "consult",
    "reseller": "resell",
    "technology": "tech",
    "cloud": "cloud",
    "agency": "agenc",
    "referral": "refer|affiliate",
}
WON, LOST, ACCEPTED = r"won|closed_won", "lost|declin|reject", "accept|approv"


def _domain_of(column: str) -> Callable[[ibis.Table], ibis.Value]:
    """The part of an address after the @; null where there is none."""
    return lambda rows: rows[column].lower().re_extract(r"@([^@\s]+)$", 1).nullif("")


def _by_group(patterns: Mapping[str, str]) -> Callable[[ibis.Table], ibis.Value]:
    """The first name whose pattern the name of the group has."""

    def named(partners: ibis.Table) -> ibis.Value:
        group = ibis.coalesce(partners["group_name"], "").lower()
        return ibis.cases(*((group.re_search(pattern), name) for name, pattern in patterns.items()))

    return named


def _status(partners: ibis.Table) -> ibis.Value:
    return ibis.ifelse(partners["joined_at"].notnull(), "active", "onboarding")


def _genuine(rows: ibis.Table) -> ibis.Table:
    return rows.filter(~ibis.coalesce(rows["test"], False))


def _undecided(column: str) -> Callable[[ibis.Table], ibis.Table]:
    """Without those that were won: they are customers, and counted as such."""
    return lambda rows: _genuine(rows).filter(_stage(column)(rows) != "won")


def _stage(column: str) -> Callable[[ibis.Table], ibis.Value]:
    """Where a deal or a lead stands, out of the programme's own words."""

    def stage(rows: ibis.Table) -> ibis.Value:
        words = ibis.coalesce(rows[column], "").lower()
        return ibis.cases(
            (words.re_search(WON), "won"),
            (words.re_search(LOST), "lost"),
            (words.re_search(ACCEPTED), "accepted"),
            (words == "", "submitted"),
            else_="in_progress",
        )

    return stage


def _major(column: str) -> Callable[[ibis.Table], ibis.Value]:
    """An amount in cents, in dollars."""
    return lambda rows: rows[column].cast("decimal(20, 0)") * CENT


FEEDS = (
    CompanyFeed(
        "partnerstack", "partnerstack/partnerships", precedence=170, domain=_domain_of("email"), name="company_name"
    ),
    PartnerFeed(
        "partnerstack",
        "partnerstack/partnerships",
        precedence=25,  # who joined is active to it, where a file says what became of them
        company_domain=_domain_of("email"),
        company_name="company_name",
        partner_type=_by_group(TYPES),
        status=_status,
        tier=_by_group(TIERS),
        specializations="tags",
        since="joined_at",
    ),
    ReferralFeed(
        "partnerstack",
        "partnerstack/customers",
        referral_id="key",
        partner_domain=_domain_of("partner_email"),
        customer_domain=_domain_of("email"),
        customer_name="name",
        engagement=lambda _: ibis.literal("referred"),
        stage=lambda _: ibis.literal("won"),
        at="created_at",
        precedence=20,
        amount=_major("revenue_cents"),
        currency=lambda _: ibis.literal("usd"),
        rows=_genuine,
    ),
    ReferralFeed(
        "partnerstack",
        "partnerstack/deals",
        referral_id="key",
        partner_domain=_domain_of("partner_email"),
        customer_domain="account_domain",
        customer_name="account_name",
        engagement=lambda _: ibis.literal("co_sell"),
        stage=_stage("stage"),
        at="created_at",
        precedence=21,
        amount=_major("amount_cents"),
        currency=lambda _: ibis.literal("usd"),
        rows=_undecided("stage"),
    ),
    ReferralFeed(
        "partnerstack",
        "partnerstack/leads",
        referral_id="key",
        partner_domain=_domain_of("partner_email"),
        customer_domain="account_domain",
        customer_name="account_name",
        engagement=lambda _: ibis.literal("referred"),
        stage=_stage("status"),
        at="created_at",
        precedence=22,
        rows=_undecided("status"),
    ),
)
