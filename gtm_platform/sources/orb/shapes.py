"""What MRR needs to know of an Orb subscription, typed: its prices by time, quantities, discounts and minimums."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from msgspec import Meta, Struct

Instant = Annotated[datetime, Meta(tz=True)]
MONTHS = {"monthly": 1, "quarterly": 3, "semi_annual": 6, "annual": 12}
ISO_CODE = re.compile(r"[A-Za-z]{3}")


class Cycle(Struct, frozen=True):
    """How long a billing cycle is."""

    duration: int
    duration_unit: str = "month"  # or day


class UnitConfig(Struct, frozen=True):
    """A price by the unit."""

    unit_amount: Decimal
    scaling_factor: Decimal | None = None


class Tier(Struct, frozen=True):
    """The units after the first and up to the last, each at an amount."""

    unit_amount: Decimal
    first_unit: Decimal = Decimal(0)
    last_unit: Decimal | None = None


class TieredConfig(Struct, frozen=True):
    """A price whose units cost more or less the more there are."""

    tiers: list[Tier]


class BulkTier(Struct, frozen=True):
    """A step that prices all units where it is the one reached."""

    unit_amount: Decimal
    maximum_units: Decimal | None = None


class BulkConfig(Struct, frozen=True):
    """A price whose every unit costs what the step reached says."""

    tiers: list[BulkTier]


class PackageConfig(Struct, frozen=True):
    """A price by the whole package."""

    package_amount: Decimal
    package_size: Decimal


class ConversionRate(Struct, frozen=True):
    """What a custom pricing unit is worth, where it is the same for any number of them."""

    unit_config: UnitConfig | None = None


class Price(Struct, frozen=True):
    """A price. Each model has its configuration under a name of its own."""

    id: str
    price_type: str
    model_type: str
    cadence: str | None = None
    billing_cycle_configuration: Cycle | None = None
    currency: str | None = None
    fixed_price_quantity: Decimal | None = None
    unit_config: UnitConfig | None = None
    tiered_config: TieredConfig | None = None
    bulk_config: BulkConfig | None = None
    package_config: PackageConfig | None = None
    conversion_rate: Decimal | None = None
    conversion_rate_config: ConversionRate | None = None

    @property
    def cycle(self) -> Cycle | None:
        """The billing cycle; None for what is billed once."""
        if self.cadence == "one_time":
            return None
        months = MONTHS.get(self.cadence or "")
        return self.billing_cycle_configuration or (Cycle(months) if months else None)

    @property
    def is_fixed_fee(self) -> bool:
        """Whether it costs the same whatever is used, again and again."""
        return self.price_type == "fixed_price" and self.cadence != "one_time"

    @property
    def rate(self) -> Decimal:
        """What amounts of it are multiplied by to become money."""
        config = self.conversion_rate_config
        if self.conversion_rate is None and config and config.unit_config:
            return config.unit_config.unit_amount
        return Decimal(1) if self.conversion_rate is None else self.conversion_rate


class Span(Struct, frozen=True):
    """Something that holds for some time; its end is not part of it."""

    start_date: Instant
    end_date: Instant | None = None

    def live(self, moment: datetime) -> bool:
        """Whether it holds at a moment."""
        return self.start_date <= moment and (self.end_date is None or moment < self.end_date)


class Transition(Struct, frozen=True):
    """A quantity that comes to hold."""

    effective_date: Instant
    price_id: str
    quantity: Decimal


class Interval(Span, frozen=True, kw_only=True):
    """A price of a subscription for some time."""

    id: str
    price: Price
    fixed_fee_quantity_transitions: list[Transition] | None = None


class Scheduled(Span, frozen=True, kw_only=True):
    """A quantity of a price for some time."""

    price_id: str
    quantity: Decimal


class Terms(Struct, frozen=True):
    """What a discount, a minimum or a maximum comes to."""

    adjustment_type: str
    is_invoice_level: bool = False
    percentage_discount: Decimal | None = None
    amount_discount: Decimal | None = None
    minimum_amount: Decimal | None = None
    maximum_amount: Decimal | None = None


class Adjustment(Span, frozen=True, kw_only=True):
    """A discount, a minimum or a maximum on some of the price intervals for some time."""

    adjustment: Terms
    applies_to_price_interval_ids: list[str] = []


class FormerAdjustment(Span, frozen=True, kw_only=True):
    """The older form of an adjustment, which has a list for each kind."""

    applies_to_price_interval_ids: list[str] = []
    discount_type: str = ""  # percentage, amount or usage
    percentage_discount: Decimal | None = None
    amount_discount: Decimal | None = None
    minimum_amount: Decimal | None = None
    maximum_amount: Decimal | None = None

    def renewed(self, kind: str) -> Adjustment:
        """Return it in the form of now."""
        return Adjustment(
            start_date=self.start_date,
            end_date=self.end_date,
            applies_to_price_interval_ids=self.applies_to_price_interval_ids,
            adjustment=Terms(
                kind or f"{self.discount_type}_discount",
                percentage_discount=self.percentage_discount,
                amount_discount=self.amount_discount,
                minimum_amount=self.minimum_amount,
                maximum_amount=self.maximum_amount,
            ),
        )


class Plan(Struct, frozen=True):
    """A plan, as far as it says in what it is billed."""

    currency: str | None = None
    invoicing_currency: str | None = None


class Customer(Struct, frozen=True):
    """Who pays."""

    currency: str | None = None


class Subscription(Struct, frozen=True):
    """A subscription, as far as its amounts need it."""

    id: str
    price_intervals: list[Interval] = []
    fixed_fee_quantity_schedule: list[Scheduled] = []
    adjustment_intervals: list[Adjustment] = []
    discount_intervals: list[FormerAdjustment] = []
    minimum_intervals: list[FormerAdjustment] = []
    maximum_intervals: list[FormerAdjustment] = []
    plan: Plan | None = None
    customer: Customer | None = None

    @property
    def adjustments(self) -> list[Adjustment]:
        """Every adjustment once: the older lists say the same again, and count only where the newer one is empty."""
        former = (
            *(each.renewed("") for each in self.discount_intervals),
            *(each.renewed("minimum") for each in self.minimum_intervals),
            *(each.renewed("maximum") for each in self.maximum_intervals),
        )
        return self.adjustment_intervals or list(former)

    @property
    def currency(self) -> str | None:
        """The currency of its bills. A price may be in a pricing unit of the firm's own, which is no currency."""
        priced = [each.price.currency for each in self.price_intervals]
        of_plan = self.plan.invoicing_currency or self.plan.currency if self.plan else None
        candidates = [of_plan, *priced, self.customer.currency if self.customer else None]
        return next((each for each in candidates if each and ISO_CODE.fullmatch(each)), None)
