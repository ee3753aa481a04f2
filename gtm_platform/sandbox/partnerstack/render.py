"""PartnerStack's rows: instants in milliseconds, amounts in cents."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from gtm_platform.sandbox.kit.render import unix_milliseconds
from gtm_platform.sandbox.world.market import MarketCompany
from gtm_platform.sandbox.world.market_signals import PARTNER_TYPES, TIERS
from gtm_platform.sandbox.world.partner_network import Referral

Shape = dict[str, Any]
_OPENED = datetime(2024, 1, 15, tzinfo=UTC)
_LABELS = {"si": "SI", "consultancy": "Consultancy", "technology": "Technology", "referral": "Referral"}
_JOINED = ("active", "paused", "inactive")
_MONTH = timedelta(days=30)


def groups() -> list[Shape]:
    """A group for each kind and tier."""
    moment = unix_milliseconds(_OPENED)
    names = [f"{_LABELS[kind]} {tier.capitalize()}" for kind in dict.fromkeys(PARTNER_TYPES) for tier in TIERS]
    slugs = [name.lower().replace(" ", "-") for name in names]
    return [
        {"key": f"grp_{slug}", "name": name, "slug": slug, "created_at": moment, "updated_at": moment}
        for name, slug in zip(names, slugs, strict=True)
    ]


def partner_key(partner: MarketCompany) -> str:
    """What the portal calls a partner."""
    return partner.company.domain.removesuffix(".example")


def partnership(partner: MarketCompany, brought: Sequence[Referral], now: datetime) -> Shape:
    """A partner with its group and its figures."""
    partnership = partner.signals.partnership
    assert partnership is not None
    won = [each for each in brought if each.stage_at(now) == "won"]
    name = f"{_LABELS[partnership.partner_type]} {partnership.tier.capitalize()}"
    slug = name.lower().replace(" ", "-")
    since = unix_milliseconds(partnership.since)
    changed = max([partnership.since, *(each.decided for each in won)])
    return {
        "key": f"part_{partner.company.number}",
        "partner_key": partner_key(partner),
        "email": f"partners@{partner.company.domain}",
        "first_name": "Nora",
        "last_name": "Wind",
        "group": {"key": f"grp_{slug}", "name": name, "slug": slug},
        "team": {"name": partner.company.name},
        "manager": {"email": "pm@ours.example"},
        "tags": list(partnership.specializations),
        "stats": {"CUSTOMER_COUNT": len(won), "REVENUE": sum(each.amount_cents for each in won)},
        "m_data": {},
        "joined_at": since if partnership.status in _JOINED else None,
        "created_at": since,
        "updated_at": unix_milliseconds(changed),
    }


def customer(referral: Referral) -> Shape:
    """A customer that a partner brought."""
    decided = unix_milliseconds(referral.decided)
    return {
        "key": f"cus_{referral.number}",
        "customer_key": f"acct_{referral.customer.number}_{referral.number}",
        "email": f"billing@{referral.customer.domain}",
        "name": referral.customer.name,
        "partner_key": partner_key(referral.partner),
        "partnership_key": f"part_{referral.partner.company.number}",
        "provider_key": "api",
        "source_type": "deal" if referral.number % 2 else "lead",
        "source_key": f"deal_{referral.number}" if referral.number % 2 else f"lead_{referral.number}",
        "field_data": {},
        "fields": [],
        "meta": {},
        "test": False,
        "created_at": decided,
        "updated_at": decided,
    }


def test_customer(referral: Referral) -> Shape:
    """A customer that nobody is: somebody tried out the programme."""
    trial = {"key": f"cus_test_{referral.number}", "name": "Test, please ignore", "test": True}
    return {**customer(referral), **trial, "customer_key": "acct_test"}


def deal(referral: Referral, now: datetime) -> Shape:
    """A deal that a partner registered."""
    stage = referral.stage_at(now)
    changed = referral.decided if stage != "in_progress" else referral.at
    return {
        "key": f"deal_{referral.number}",
        "account_name": referral.customer.name,
        "amount": referral.amount_cents,
        "stage": {"won": "closed_won", "lost": "closed_lost"}.get(stage, "qualified"),
        "close_date": unix_milliseconds(referral.decided),
        "contact_first_name": None,
        "contact_last_name": None,
        "external_key": None,
        "field_data": {"company_domain": referral.customer.domain},
        "fields": [],
        "group_key": "grp_si-gold",
        "lost_reason": "Price" if stage == "lost" else None,
        "mold_key": "mold_deal",
        "partner_key": partner_key(referral.partner),
        "source": "portal",
        "team": {"name": referral.partner.company.name},
        "team_member": None,
        "meta": {},
        "created_at": unix_milliseconds(referral.at),
        "updated_at": unix_milliseconds(changed),
    }


def lead(referral: Referral, now: datetime) -> Shape:
    """A lead that a partner handed in."""
    stage = referral.stage_at(now)
    changed = referral.decided if stage != "in_progress" else referral.at
    return {
        "key": f"lead_{referral.number}",
        "amount": referral.amount_cents,
        "approved": stage == "won",
        "status": {"won": "won", "lost": "declined"}.get(stage, "pending"),
        "partner_key": partner_key(referral.partner),
        "group_key": "grp_si-gold",
        "external_key": None,
        "field_data": {"company_name": referral.customer.name, "company_domain": referral.customer.domain},
        "fields": [],
        "mold_key": "mold_lead",
        "meta": {},
        "created_at": unix_milliseconds(referral.at),
        "updated_at": unix_milliseconds(changed),
    }


def transactions(referral: Referral, now: datetime) -> Iterator[Shape]:
    """What a customer has paid: the deal in monthly parts; the third part is taken back."""
    for part in range(3):
        at = referral.decided + part * _MONTH
        if at > now:
            return
        moment, cents = unix_milliseconds(at), referral.amount_cents // 12
        yield {
            "key": f"tra_{referral.number}_{part}",
            "amount": cents,
            "amount_usd": cents,
            "currency": "USD",
            "approved": True,
            "archived": part == 2,
            "category_key": "subscription",
            "product_key": "chroma",
            "customer_key": f"acct_{referral.customer.number}_{referral.number}",
            "customer": {"key": f"cus_{referral.number}"},
            "company": {},
            "extension": {},
            "metadata": {},
            "test": False,
            "created_at": moment,
            "updated_at": moment,
        }
