"""What is sold by contract in this world: plans with fixed fees, minimums and use, and what a choice of them is worth.

All amounts are exact fractions of major units; an amount is rounded once, where it is written down.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from gtm_platform.sandbox.kit.render import WITHOUT_MINOR_UNIT
from gtm_platform.sandbox.orb.store import OrbPlan, OrbPrice, OrbStore, OrbTier
from gtm_platform.sandbox.world.catalogue import CURRENCIES, half_up

_WORTH = {"usd": Fraction(1), "eur": Fraction(9, 10), "gbp": Fraction(4, 5), "jpy": Fraction(150)}
_DAYS_A_MONTH = Fraction(365, 12)


@dataclass(frozen=True, slots=True)
class OrbOffer:
    """A plan before it is put into a currency; amounts in US dollars."""

    name: str
    cadence: str
    months: int = 0
    days: int = 0
    model: str = "unit"
    unit: int = 0
    tiers: tuple[tuple[int | None, int], ...] = ()
    package: int = 1
    quantities: tuple[int, int] = (1, 1)
    minimum: int = 0
    use: bool = False  # billed by use, in arrears

    @property
    def has_seats(self) -> bool:
        """Whether quantities differ from customer to customer."""
        return self.quantities[1] > 1


OFFERS = {
    "growth": OrbOffer("Growth", "monthly", 1, unit=40, quantities=(4, 60)),
    "platform": OrbOffer("Platform", "annual", 12, unit=12000),
    "team": OrbOffer("Team", "quarterly", 3, unit=2700),
    "scale": OrbOffer("Scale", "monthly", 1, model="tiered", tiers=((10, 50), (None, 40)), quantities=(4, 40)),
    "volume": OrbOffer(
        "Volume", "monthly", 1, model="bulk", tiers=((20, 30), (100, 25), (None, 20)), quantities=(5, 140)
    ),
    "packs": OrbOffer("Packs", "monthly", 1, model="package", unit=100, package=50, quantities=(20, 400)),
    "sprint": OrbOffer("Sprint", "custom", days=30, unit=300),
    "committed": OrbOffer("Committed use", "monthly", 1, minimum=500, use=True),
    "metered": OrbOffer("Pay as you go", "monthly", 1, use=True),
}


def plan_id(offer: str, currency: str) -> str:
    """The plan of an offer in a currency."""
    return f"plan_{offer}_{currency}"


def plan_tier(offer: str) -> str:
    """The word by which an offer's tier is known, as in Stripe's products."""
    return {"platform": "enterprise", "sprint": "starter", "metered": "starter"}.get(offer, "scale")


def stock(store: OrbStore, start: datetime, account: int) -> None:
    """Put every plan on the shelves, long before the world's past begins; the first of all is no longer sold."""
    created = start - timedelta(days=1250)
    pilot = _pilot(account, created - timedelta(days=30))
    store.plans[pilot.id] = pilot
    for number, offer in enumerate(OFFERS):
        for currency in CURRENCIES:
            plan = OrbPlan(
                id=plan_id(offer, currency),
                name=OFFERS[offer].name,
                external_plan_id=f"{offer}_{currency}",
                currency=currency.upper(),
                created=created + timedelta(hours=number),
                prices=[new_price(offer, currency, created)],
                trial_days=14 if OFFERS[offer].has_seats else None,
            )
            store.plans[plan.id] = plan


def _pilot(account: int, created: datetime) -> OrbPlan:
    """A plan that no other account has: Orb names its accounts by nothing else."""
    price = replace(new_price("growth", "usd", created), id=f"price_pilot_{account}")
    return OrbPlan(
        id=f"plan_pilot_{account}",
        name="Pilot",
        external_plan_id="pilot",
        currency="USD",
        created=created,
        prices=[price],
        status="archived",
    )


def new_price(offer: str, currency: str, created: datetime, quantity: int = 1) -> OrbPrice:
    """The price of an offer, with the quantity that a subscription begins with."""
    sold = OFFERS[offer]
    return OrbPrice(
        id=f"price_{offer}_{currency}",
        name="API calls" if sold.use else "Seats" if sold.has_seats else f"{sold.name} fee",
        currency=currency.upper(),
        created=created,
        cadence=sold.cadence,
        duration=sold.days or sold.months,
        duration_unit="day" if sold.days else "month",
        price_type="usage_price" if sold.use else "fixed_price",
        model_type=sold.model,
        amount=Decimal("0.01") if sold.use else _money(sold.unit, currency),
        tiers=[OrbTier(last, _money(amount, currency)) for last, amount in sold.tiers],
        package_size=sold.package,
        quantity=None if sold.use else quantity,
        billing_mode="in_arrear" if sold.use else "in_advance",
    )


def minimum(offer: str, currency: str) -> Decimal:
    """What is paid per cycle at least."""
    return _money(OFFERS[offer].minimum, currency)


def per_cycle(offer: str, currency: str, quantity: int) -> Fraction:
    """The fixed fee of one billing cycle, before discounts; use is not known beforehand."""
    sold = OFFERS[offer]
    if sold.use:
        return Fraction(0)
    if sold.model == "tiered":
        dollars, reached = 0, 0
        for last, amount in sold.tiers:
            top = quantity if last is None else min(quantity, last)
            dollars += max(0, top - reached) * amount
            reached = max(reached, top)
    elif sold.model == "bulk":
        dollars = quantity * next(amount for last, amount in sold.tiers if last is None or quantity <= last)
    elif sold.model == "package":
        dollars = -(-quantity // sold.package) * sold.unit
    else:
        dollars = quantity * sold.unit
    return dollars * _WORTH[currency]


def a_month(offer: str, amount: Fraction) -> Fraction:
    """An amount per billing cycle as an amount per month."""
    sold = OFFERS[offer]
    return amount * _DAYS_A_MONTH / sold.days if sold.days else amount / sold.months


def in_minor(amount: Fraction, currency: str) -> int:
    """An amount in major units in minor ones, rounded half up."""
    return half_up(amount * (1 if currency in WITHOUT_MINOR_UNIT else 100))


def in_currency(dollars: int, currency: str) -> Fraction:
    """An amount of US dollars as this world's prices have it."""
    return dollars * _WORTH[currency]


def _money(dollars: int, currency: str) -> Decimal:
    amount = in_currency(dollars, currency)
    return Decimal(amount.numerator) / amount.denominator
