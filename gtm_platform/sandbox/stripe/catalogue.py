"""Wire shapes of what is sold and at what reduction: products, prices (and their plans), coupons, discounts."""

from gtm_platform.sandbox.kit.render import unix_seconds
from gtm_platform.sandbox.stripe.store import StripeCoupon, StripeDiscount, StripePrice, StripeProduct, StripeTier
from gtm_platform.sandbox.stripe.wire import Shape, decimal_string, id_suffix, whole_units


def product(record: StripeProduct) -> Shape:
    """What is sold."""
    return {
        "id": record.id,
        "object": "product",
        "active": record.active,
        "created": unix_seconds(record.created),
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": False,
        "marketing_features": [],
        "metadata": dict(record.metadata),
        "name": record.name,
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "type": "service",
        "unit_label": None,
        "updated": unix_seconds(record.updated),
        "url": None,
    }


def price(record: StripePrice) -> Shape:
    """What it costs, and how often."""
    return {
        "id": record.id,
        "object": "price",
        "active": record.active,
        "billing_scheme": _billing_scheme(record),
        "created": unix_seconds(record.created),
        "currency": record.currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": record.lookup_key,
        "metadata": dict(record.metadata),
        "nickname": record.nickname,
        "product": record.product,
        "recurring": _recurring(record),
        "tax_behavior": "unspecified",
        "tiers_mode": record.tiers_mode,
        "transform_quantity": _transform(record),
        "type": "one_time" if record.interval is None else "recurring",
        "unit_amount": whole_units(record.unit_amount),
        "unit_amount_decimal": decimal_string(record.unit_amount),
    }


def plan(record: StripePrice) -> Shape:
    """Shape a recurring price as a plan, its older form, still part of each subscription item."""
    return {
        "id": record.id,
        "object": "plan",
        "active": record.active,
        "amount": whole_units(record.unit_amount),
        "amount_decimal": decimal_string(record.unit_amount),
        "billing_scheme": _billing_scheme(record),
        "created": unix_seconds(record.created),
        "currency": record.currency,
        "interval": record.interval,
        "interval_count": record.interval_count,
        "livemode": False,
        "metadata": dict(record.metadata),
        "meter": _meter(record),
        "nickname": record.nickname,
        "product": record.product,
        "tiers_mode": record.tiers_mode,
        "transform_usage": _transform(record),
        "trial_period_days": None,
        "usage_type": record.usage_type,
    }


def tiers(record: StripePrice) -> list[Shape]:
    """The steps of a tiered price."""
    return [_tier(tier) for tier in record.tiers]


def coupon(record: StripeCoupon) -> Shape:
    """A reduction that can be given to customers, subscriptions and items."""
    return {
        "id": record.id,
        "object": "coupon",
        "amount_off": record.amount_off,
        "created": unix_seconds(record.created),
        "currency": record.currency,
        "duration": record.duration,
        "duration_in_months": record.duration_in_months,
        "livemode": False,
        "max_redemptions": None,
        "metadata": {},
        "name": record.name,
        "percent_off": None if record.percent_off is None else float(record.percent_off),
        "redeem_by": None,
        "times_redeemed": 0,
        "valid": True,
    }


def discount(record: StripeDiscount, customer: str, subscription: str | None = None, item: str | None = None) -> Shape:
    """A coupon that was given to a customer, to a subscription or to one of its items."""
    return {
        "id": record.id,
        "object": "discount",
        "checkout_session": None,
        "customer": customer,
        "customer_account": None,
        "end": unix_seconds(record.end),
        "invoice": None,
        "invoice_item": None,
        "promotion_code": None,
        "source": {"type": "coupon", "coupon": record.coupon},
        "start": unix_seconds(record.start),
        "subscription": subscription,
        "subscription_item": item,
    }


def _billing_scheme(record: StripePrice) -> str:
    return "tiered" if record.tiers_mode else "per_unit"


def _recurring(record: StripePrice) -> Shape | None:
    if record.interval is None:
        return None
    return {
        "interval": record.interval,
        "interval_count": record.interval_count,
        "meter": _meter(record),
        "trial_period_days": None,
        "usage_type": record.usage_type,
    }


def _meter(record: StripePrice) -> str | None:
    return f"mtr_{id_suffix(record.id)}" if record.usage_type == "metered" else None


def _transform(record: StripePrice) -> Shape | None:
    return {"divide_by": record.divide_by, "round": record.divide_round} if record.divide_by else None


def _tier(tier: StripeTier) -> Shape:
    return {
        "flat_amount": whole_units(tier.flat_amount),
        "flat_amount_decimal": decimal_string(tier.flat_amount),
        "unit_amount": whole_units(tier.unit_amount),
        "unit_amount_decimal": decimal_string(tier.unit_amount),
        "up_to": tier.up_to,
    }
