"""What MRR needs to know of Stripe's objects, typed. Both shapes are read: since 2025-09-30 a discount names its coupon
under `source`, until 2025-03-31 a subscription had one `discount`."""

from decimal import Decimal

from msgspec import Struct

Money = Decimal | None


class Unpriced(ValueError):
    """What a subscription costs cannot be told; the message says what is missing."""


class Tier(Struct, frozen=True):
    up_to: int | None = None
    unit_amount: Money = None
    unit_amount_decimal: Money = None
    flat_amount: Money = None
    flat_amount_decimal: Money = None

    @property
    def unit(self) -> Decimal:
        return self.unit_amount_decimal or self.unit_amount or Decimal(0)

    @property
    def flat(self) -> Decimal:
        return self.flat_amount_decimal or self.flat_amount or Decimal(0)


class Tariff(Struct, frozen=True):
    """What is charged in one currency."""

    unit_amount: Money = None
    unit_amount_decimal: Money = None
    tiers: list[Tier] | None = None

    @property
    def unit(self) -> Decimal:
        return self.unit_amount_decimal or self.unit_amount or Decimal(0)


class Recurring(Struct, frozen=True):
    interval: str
    interval_count: int = 1
    usage_type: str = "licensed"


class Transform(Struct, frozen=True):
    divide_by: int
    round: str


class Price(Tariff, frozen=True):
    id: str = ""
    product: str = ""
    currency: str = ""
    recurring: Recurring | None = None
    billing_scheme: str = "per_unit"
    tiers_mode: str | None = None
    transform_quantity: Transform | None = None
    currency_options: dict[str, Tariff] | None = None  # only when expanded, as the tiers


class AmountOff(Struct, frozen=True):
    amount_off: Money = None


class Products(Struct, frozen=True):
    products: list[str] = []


class Coupon(Struct, frozen=True):
    id: str
    duration: str = "forever"
    percent_off: Money = None
    amount_off: Money = None
    currency: str | None = None
    currency_options: dict[str, AmountOff] | None = None
    applies_to: Products | None = None

    def amount_off_in(self, currency: str) -> Decimal | None:
        other = (self.currency_options or {}).get(currency)
        return self.amount_off if self.currency == currency else other.amount_off if other else None

    def covers(self, product: str) -> bool:
        """Without `applies_to`, or with an empty one, it is for all products."""
        return self.applies_to is None or not self.applies_to.products or product in self.applies_to.products


class DiscountSource(Struct, frozen=True):
    coupon: str | Coupon | None = None


class Discount(Struct, frozen=True):
    id: str
    start: int
    end: int | None = None
    source: DiscountSource | None = None
    coupon: str | Coupon | None = None

    @property
    def given(self) -> str | Coupon | None:
        """The coupon, or its id."""
        return self.source.coupon if self.source else self.coupon

    def live(self, moment: int) -> bool:
        return self.start <= moment and (self.end is None or self.end > moment)


class Item(Struct, frozen=True):
    id: str
    price: Price
    quantity: int | None = None
    discounts: list[Discount] | None = None
    deleted: bool = False


class Items(Struct, frozen=True):
    data: list[Item]
    has_more: bool = False


class Customer(Struct, frozen=True):
    """One that was deleted is a stub without a discount."""

    id: str
    discount: Discount | None = None


class Pause(Struct, frozen=True):
    behavior: str


class Subscription(Struct, frozen=True):
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
        return self.discounts or ([self.discount] if self.discount else [])

    @property
    def all_discounts(self) -> list[Discount]:
        inherited = [self.customer.discount] if self.customer.discount else []
        return [*self.own_discounts, *(each for item in self.items.data for each in item.discounts or []), *inherited]
