"""What MRR needs to know of Stripe's objects, typed.

Both shapes are read: since 2025-09-30 a discount names its coupon under `source`, until 2025-03-31 a subscription had
one `discount`.
"""

from decimal import Decimal

from msgspec import Struct

Money = Decimal | None


class Unpriced(ValueError):
    """What a subscription costs cannot be told; the message says what is missing."""


class Tier(Struct, frozen=True):
    """A step of a tiered price."""

    up_to: int | None = None
    unit_amount: Money = None
    unit_amount_decimal: Money = None
    flat_amount: Money = None
    flat_amount_decimal: Money = None

    @property
    def unit(self) -> Decimal:
        """The amount for one."""
        return self.unit_amount_decimal or self.unit_amount or Decimal(0)

    @property
    def flat(self) -> Decimal:
        """The amount for reaching the tier."""
        return self.flat_amount_decimal or self.flat_amount or Decimal(0)


class Tariff(Struct, frozen=True):
    """What is charged in one currency."""

    unit_amount: Money = None
    unit_amount_decimal: Money = None
    tiers: list[Tier] | None = None

    @property
    def unit(self) -> Decimal:
        """The amount for one."""
        return self.unit_amount_decimal or self.unit_amount or Decimal(0)


class Recurring(Struct, frozen=True):
    """How often a price is billed."""

    interval: str
    interval_count: int = 1
    usage_type: str = "licensed"


class Transform(Struct, frozen=True):
    """How a quantity is turned into packs."""

    divide_by: int
    round: str


class Price(Tariff, frozen=True):
    """A price, with its tiers and currencies where they are expanded."""

    id: str = ""
    product: str = ""
    currency: str = ""
    recurring: Recurring | None = None
    billing_scheme: str = "per_unit"
    tiers_mode: str | None = None
    transform_quantity: Transform | None = None
    currency_options: dict[str, Tariff] | None = None  # only when expanded, as the tiers


class AmountOff(Struct, frozen=True):
    """A reduction in one currency."""

    amount_off: Money = None


class Products(Struct, frozen=True):
    """The products that a coupon is for."""

    products: list[str] = []


class Coupon(Struct, frozen=True):
    """A reduction that can be given."""

    id: str
    duration: str = "forever"
    percent_off: Money = None
    amount_off: Money = None
    currency: str | None = None
    currency_options: dict[str, AmountOff] | None = None
    applies_to: Products | None = None

    def amount_off_in(self, currency: str) -> Decimal | None:
        """Return the amount off in a currency; None where there is none."""
        other = (self.currency_options or {}).get(currency)
        return self.amount_off if self.currency == currency else other.amount_off if other else None

    def covers(self, product: str) -> bool:
        """Without `applies_to`, or with an empty one, it is for all products."""
        return self.applies_to is None or not self.applies_to.products or product in self.applies_to.products


class DiscountSource(Struct, frozen=True):
    """Where newer versions name the coupon."""

    coupon: str | Coupon | None = None


class Discount(Struct, frozen=True):
    """A coupon given to somebody for some time."""

    id: str
    start: int
    end: int | None = None
    source: DiscountSource | None = None
    coupon: str | Coupon | None = None

    @property
    def coupon_or_id(self) -> str | Coupon | None:
        """The coupon, or its id."""
        return self.source.coupon if self.source else self.coupon

    def live(self, moment: int) -> bool:
        """Whether it counts at a moment."""
        return self.start <= moment and (self.end is None or self.end > moment)


class Item(Struct, frozen=True):
    """A part of a subscription."""

    id: str
    price: Price
    quantity: int | None = None
    discounts: list[Discount] | None = None
    deleted: bool = False


class Items(Struct, frozen=True):
    """The parts that a subscription shows."""

    data: list[Item]
    has_more: bool = False


class Customer(Struct, frozen=True):
    """One that was deleted is a stub without a discount."""

    id: str
    discount: Discount | None = None


class Pause(Struct, frozen=True):
    """How invoices are held back."""

    behavior: str


class Subscription(Struct, frozen=True):
    """A subscription, as far as its amounts need it."""

    id: str
    customer: Customer
    status: str
    currency: str
    items: Items
    discounts: list[Discount] | None = None
    discount: Discount | None = None
    pause_collection: Pause | None = None
    test_clock: str | None = None

    @property
    def own_discounts(self) -> list[Discount]:
        """The subscription's own discounts."""
        return self.discounts or ([self.discount] if self.discount else [])

    @property
    def all_discounts(self) -> list[Discount]:
        """Every discount that may reduce an amount."""
        inherited = [self.customer.discount] if self.customer.discount else []
        return [*self.own_discounts, *(each for item in self.items.data for each in item.discounts or []), *inherited]
