"""What is sold in this world: products, prices in four currencies, coupons, and what a choice of them costs."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import floor

from gtm_platform.sandbox.stripe.store import StripeCoupon, StripePrice, StripeProduct, StripeStore, StripeTier

CURRENCIES = ("usd", "eur", "gbp", "jpy")
_WORTH = {"usd": Fraction(1), "eur": Fraction(9, 10), "gbp": Fraction(4, 5), "jpy": Fraction(3, 2)}
_MONTHLY = {"week": Fraction(52, 12), "month": Fraction(1), "year": Fraction(1, 12)}

# product -> (name, tier, still sold)
_PRODUCTS = {
    "starter": ("Starter", "starter", True),
    "pro": ("Pro", "pro", True),
    "scale": ("Scale", "scale", True),
    "enterprise": ("Enterprise", "enterprise", True),
    "basic": ("Basic (legacy)", "starter", False),
    "contacts": ("Contacts", "pro", True),
    "credits": ("Credits", "scale", True),
    "support": ("Priority support", "addon", True),
    "usage": ("Metered events", "addon", True),
    "onboarding": ("Onboarding", "service", True),
}

Tiers = tuple[tuple[int | None, int | None, int | None], ...]


@dataclass(frozen=True)
class Offer:
    """A price before it is put into a currency; amounts in US cents."""

    product: str
    interval: str | None
    unit: Decimal | None = None
    count: int = 1
    tiers_mode: str | None = None
    tiers: Tiers = ()
    divide_by: int | None = None
    metered: bool = False


OFFERS = {
    "starter_month": Offer("starter", "month", Decimal(2900)),
    "starter_year": Offer("starter", "year", Decimal(29000)),
    "pro_month": Offer("pro", "month", Decimal(4900)),
    "pro_year": Offer("pro", "year", Decimal(49900)),
    "scale_month": Offer(
        "scale", "month", tiers_mode="graduated", tiers=((5, 6000, None), (20, 5000, None), (None, 4000, 9900))
    ),
    "scale_quarter": Offer(
        "scale",
        "month",
        count=3,
        tiers_mode="volume",
        tiers=((10, 17000, None), (40, 14000, 5000), (None, 11000, 20000)),
    ),
    "enterprise_year": Offer("enterprise", "year", Decimal(90000)),
    "basic_month": Offer("basic", "month", Decimal(1900)),
    "basic_week": Offer("basic", "week", Decimal(700)),
    "contacts_month": Offer("contacts", "month", Decimal(900), divide_by=100),
    "credits_month": Offer("credits", "month", Decimal("12.5")),
    "support_month": Offer("support", "month", Decimal(9900)),
    "support_year": Offer("support", "year", Decimal(99000)),
    "usage_month": Offer("usage", "month", Decimal(2), metered=True),
    "onboarding_once": Offer("onboarding", None, Decimal(150000)),
}

# coupon -> (percent off, US cents off, duration, months, product)
_COUPONS: dict[str, tuple[str | None, int | None, str, int | None, str | None]] = {
    "PARTNER20": ("20", None, "forever", None, None),
    "NONPROFIT": ("12.5", None, "forever", None, None),
    "LOYAL": (None, 1000, "forever", None, None),
    "WELCOME50": ("50", None, "once", None, None),
    "SPRING30": ("30", None, "repeating", 3, None),
    "PRO15": ("15", None, "forever", None, "pro"),
}


def price_id(offer: str, currency: str) -> str:
    """The id of an offer's price in a currency: readable, where Stripe's are random."""
    return f"price_{offer}_{currency}"


def coupon_id(coupon: str, currency: str) -> str:
    """Coupons for an amount exist once per currency."""
    return coupon if _COUPONS[coupon][0] else f"{coupon}_{currency.upper()}"


def stock(store: StripeStore, start: datetime) -> None:
    """Puts everything on the shelves, long before the world's past begins."""
    for ordinal, (product, (name, tier, sold)) in enumerate(_PRODUCTS.items()):
        created = start - timedelta(days=1500 - 10 * ordinal)
        store.products[f"prod_{product}"] = StripeProduct(
            f"prod_{product}", name, created, created, active=sold, metadata={"tier": tier}
        )
    for currency in CURRENCIES:
        for offer in OFFERS:
            price = _price(offer, currency, start - timedelta(days=1300))
            store.prices[price.id] = price
        for name in _COUPONS:
            coupon = _coupon(name, currency, start - timedelta(days=1250))
            store.coupons[coupon.id] = coupon


def _coupon(name: str, currency: str, created: datetime) -> StripeCoupon:
    percent, _, duration, months, product = _COUPONS[name]
    return StripeCoupon(
        id=coupon_id(name, currency),
        name=name.title(),
        created=created,
        percent_off=Decimal(percent) if percent else None,
        amount_off=_amount_off(name, currency),
        currency=None if percent else currency,
        duration=duration,
        duration_in_months=months,
        products=[f"prod_{product}"] if product else [],
    )


def _amount_off(coupon: str, currency: str) -> int | None:
    cents = _COUPONS[coupon][1]
    return int(cents * _WORTH[currency]) if cents else None


def _price(name: str, currency: str, created: datetime) -> StripePrice:
    offer, worth = OFFERS[name], _WORTH[currency]

    def converted(cents: Decimal | int | None) -> Decimal | None:
        return None if cents is None else Decimal(cents) * worth.numerator / worth.denominator

    return StripePrice(
        id=price_id(name, currency),
        product=f"prod_{offer.product}",
        currency=currency,
        created=created,
        unit_amount=converted(offer.unit),
        interval=offer.interval,
        interval_count=offer.count,
        usage_type="metered" if offer.metered else "licensed",
        tiers_mode=offer.tiers_mode,
        tiers=[StripeTier(up_to, converted(unit), converted(flat)) for up_to, unit, flat in offer.tiers],
        divide_by=offer.divide_by,
        nickname=title(Line(name)),
        lookup_key=None if offer.product == "basic" else f"{name}_{currency}",
        active=_PRODUCTS[offer.product][2],
        metadata={"tier": _PRODUCTS[offer.product][1]},
    )


@dataclass(frozen=True, slots=True)
class Line:
    """One item of a subscription: an offer and how much of it; no quantity where use is metered."""

    offer: str
    quantity: int | None = 1


@dataclass(frozen=True, slots=True)
class Cut:
    """A coupon as applied: to everything, or to the first line only."""

    coupon: str
    first_line_only: bool = False


@lru_cache(maxsize=20_000)
def charged(line: Line, currency: str) -> Fraction:
    """The price per billing interval, before discounts, in minor units; 0 for metered use."""
    offer, quantity = OFFERS[line.offer], line.quantity
    if offer.metered or quantity is None:
        return Fraction(0)
    if offer.tiers_mode == "volume":
        _, unit, flat = next(tier for tier in offer.tiers if tier[0] is None or quantity <= tier[0])
        cents = Fraction(quantity * (unit or 0) + (flat or 0))
    elif offer.tiers_mode == "graduated":
        cents = Fraction(_graduated(offer.tiers, quantity))
    else:
        packs = -(-quantity // offer.divide_by) if offer.divide_by else quantity
        cents = packs * Fraction(offer.unit or 0)
    return cents * _WORTH[currency]


def _graduated(tiers: Tiers, quantity: int) -> int:
    cents = reached = 0
    for up_to, unit, flat in tiers:
        if quantity <= reached:
            break
        top = quantity if up_to is None else min(quantity, up_to)
        cents += (top - reached) * (unit or 0) + (flat or 0)
        reached = top
    return cents


def discounted(lines: tuple[Line, ...], cuts: tuple[Cut, ...], currency: str, scale: Fraction) -> list[Fraction]:
    """What is left of each line, after the cuts in their order, times a scale (1: an invoice)."""
    left = [charged(line, currency) * scale for line in lines]
    for cut in cuts:
        percent, _, _, _, product = _COUPONS[cut.coupon]
        hit = [
            place
            for place, line in enumerate(lines)
            if (place == 0 or not cut.first_line_only) and product in (None, OFFERS[line.offer].product)
        ]
        total = sum((left[place] for place in hit), Fraction(0))
        if percent:
            kept = 1 - Fraction(percent) / 100
        else:
            kept = (
                max(Fraction(0), 1 - (_amount_off(cut.coupon, currency) or 0) * scale / total) if total else Fraction(0)
            )
        for place in hit:
            left[place] *= kept
    return left


@lru_cache(maxsize=20_000)
def monthly(lines: tuple[Line, ...], cuts: tuple[Cut, ...], currency: str) -> int:
    """MRR in minor units: each line rounded half up, once. What is cut off once only never counts."""
    first = OFFERS[lines[0].offer]
    scale = _MONTHLY[first.interval or "month"] / first.count
    lasting = tuple(cut for cut in cuts if not is_once(cut.coupon))
    return sum(half_up(left) for left in discounted(lines, lasting, currency, scale))


@lru_cache(maxsize=20_000)
def invoiced(lines: tuple[Line, ...], cuts: tuple[Cut, ...], currency: str) -> int:
    """What one billing interval costs, in minor units; metered use comes on top."""
    return sum(half_up(left) for left in discounted(lines, cuts, currency, Fraction(1)))


def half_up(amount: Fraction) -> int:
    """Round to whole minor units; halves go up, also below zero."""
    return floor(amount + Fraction(1, 2))


def repeats_for(coupon: str) -> int | None:
    """For how many months a coupon lasts, if it lasts for a while."""
    return _COUPONS[coupon][3]


def is_once(coupon: str) -> bool:
    """Whether a coupon counts on the first invoice only."""
    return _COUPONS[coupon][2] == "once"


def in_major(minor: int, currency: str) -> str:
    """An amount as people write it: two decimals, none for yen."""
    return str(minor) if currency == "jpy" else f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02}"


def label(line: Line) -> str:
    """The name of the product that a line buys, as on invoices."""
    return _PRODUCTS[OFFERS[line.offer].product][0]


def tier(line: Line) -> str:
    """The plan of the product that a line buys, as Intercom's `plan_tier` has it."""
    return _PRODUCTS[OFFERS[line.offer].product][1]


def title(line: Line) -> str:
    """A price's name, as the Stripe dashboard shows it."""
    return line.offer.replace("_", " ").capitalize()
