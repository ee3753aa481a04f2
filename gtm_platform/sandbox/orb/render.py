"""Orb's customers, plans, prices and subscriptions as the API shows them; invoices have a module of their own."""

from datetime import datetime
from decimal import Decimal
from typing import Any, overload

from gtm_platform.sandbox.kit.render import WITHOUT_MINOR_UNIT
from gtm_platform.sandbox.orb.store import (
    OrbAdjustment,
    OrbCustomer,
    OrbInterval,
    OrbPlan,
    OrbPrice,
    OrbStore,
    OrbSubscription,
)

Shape = dict[str, Any]


@overload
def instant(at: datetime) -> str: ...
@overload
def instant(at: None) -> None: ...
def instant(at: datetime | None) -> str | None:
    """An instant with its offset; no instant stays none."""
    return at.isoformat() if at else None


def money(amount: Decimal, currency: str) -> str:
    """An amount in major units, with the decimals that the currency has."""
    return f"{amount:.{0 if currency.lower() in WITHOUT_MINOR_UNIT else 2}f}"


def minified(customer: OrbCustomer) -> Shape:
    """A customer by ids alone."""
    return {"id": customer.id, "external_customer_id": customer.external_customer_id}


def customer(record: OrbCustomer) -> Shape:
    """A customer."""
    address = {
        "city": record.city, "country": record.country, "line1": None, "line2": None, "postal_code": None,
        "state": None,
    }  # fmt: skip
    return {
        **minified(record),
        "name": record.name,
        "email": record.email,
        "additional_emails": [],
        "created_at": instant(record.created),
        "currency": record.currency,
        "timezone": record.timezone,
        "balance": money(Decimal(0), record.currency),
        "metadata": record.metadata,
        "payment_provider": record.payment_provider,
        "payment_provider_id": record.payment_provider_id,
        "auto_collection": record.payment_provider == "stripe_charge",
        "auto_issuance": None,
        "email_delivery": True,
        "exempt_from_automated_tax": None,
        "automatic_tax_enabled": None,
        "billing_address": address,
        "shipping_address": None,
        "tax_id": None,
        "hierarchy": {"children": [], "parent": None},
        "portal_url": f"https://portal.withorb.com/view?token={record.id}",
        "accounting_sync_configuration": None,
        "reporting_configuration": None,
        "payment_configuration": None,
        "default_payment_method": None,
    }


def plan(record: OrbPlan) -> Shape:
    """A plan with its prices."""
    return {
        "id": record.id,
        "name": record.name,
        "description": f"{record.name}, billed in {record.currency}",
        "status": record.status,
        "currency": record.currency,
        "invoicing_currency": record.currency,
        "external_plan_id": record.external_plan_id,
        "version": record.version,
        "base_plan": None,
        "base_plan_id": None,
        "default_invoice_memo": None,
        "net_terms": 30,
        "trial_config": {"trial_period": record.trial_days, "trial_period_unit": "days"},
        "product": {"id": "prod_orb", "created_at": instant(record.created), "name": "Product"},
        "prices": [price(each) for each in record.prices],
        "plan_phases": None,
        "adjustments": [],
        "discount": None,
        "minimum": None,
        "minimum_amount": None,
        "maximum": None,
        "maximum_amount": None,
        "metadata": {},
        "created_at": instant(record.created),
    }


def price(record: OrbPrice) -> Shape:
    """A price; its configuration stands under the name of its model."""
    item = {"id": f"item_{record.name.lower().replace(' ', '_')}", "name": record.name}
    return {
        "id": record.id,
        "name": record.name,
        "external_price_id": record.id.removeprefix("price_"),
        "price_type": record.price_type,
        "model_type": record.model_type,
        f"{record.model_type}_config": _config(record),
        "cadence": record.cadence,
        "billing_mode": record.billing_mode,
        "billing_cycle_configuration": {"duration": record.duration, "duration_unit": record.duration_unit},
        "invoicing_cycle_configuration": None,
        "currency": record.currency,
        "fixed_price_quantity": None if record.quantity is None else float(record.quantity),
        "item": item,
        "billable_metric": {"id": "metric_api_calls"} if record.price_type == "usage_price" else None,
        "composite_price_filters": None,
        "discount": None,
        "minimum": None,
        "minimum_amount": None,
        "maximum": None,
        "maximum_amount": None,
        "conversion_rate": 1.0,
        "conversion_rate_config": None,
        "credit_allocation": None,
        "dimensional_price_configuration": None,
        "invoice_grouping_key": None,
        "license_type": None,
        "plan_phase_order": None,
        "replaces_price_id": None,
        "created_at": instant(record.created),
        "metadata": {},
    }


def _config(record: OrbPrice) -> Shape:
    if record.model_type == "tiered":
        firsts = [0, *(tier.last_unit or 0 for tier in record.tiers[:-1])]
        tiers = [
            {"first_unit": first, "last_unit": tier.last_unit, "unit_amount": money(tier.amount, record.currency)}
            for first, tier in zip(firsts, record.tiers, strict=True)
        ]
        return {"tiers": tiers, "prorated": None}
    if record.model_type == "bulk":
        return {
            "tiers": [
                {"maximum_units": tier.last_unit, "unit_amount": money(tier.amount, record.currency)}
                for tier in record.tiers
            ]
        }
    if record.model_type == "package":
        return {"package_amount": money(record.amount, record.currency), "package_size": record.package_size}
    amount = str(record.amount) if record.price_type == "usage_price" else money(record.amount, record.currency)
    return {"unit_amount": amount, "prorated": True, "scaling_factor": None}


# --- subscriptions -------------------------------------------------------------------------------------------------


def status(record: OrbSubscription, now: datetime) -> str:
    """There are three only: a trial, a debt or a notice are told otherwise."""
    if record.start > now:
        return "upcoming"
    return "ended" if record.end and record.end <= now else "active"


def summary(record: OrbSubscription, store: OrbStore, now: datetime) -> Shape:
    """A subscription without its prices."""
    return {
        "id": record.id,
        "name": record.name,
        "status": status(record, now),
        "created_at": instant(record.created),
        "start_date": instant(record.start),
        "end_date": instant(record.end),
        "metadata": {},
        "customer": minified(store.customers[record.customer]),
        "plan": plan(store.plans[record.plan]) if record.plan else None,
    }


def subscription(record: OrbSubscription, store: OrbStore, now: datetime) -> Shape:
    """A subscription with all that it is made of."""
    period = _period(record, now)
    discounts = [each for each in record.adjustments if each.kind != "minimum"]
    minimums = [each for each in record.adjustments if each.kind == "minimum"]
    return {
        **summary(record, store, now),
        "customer": customer(store.customers[record.customer]),
        **period,
        "billing_cycle_day": record.start.day,
        "billing_cycle_anchor_configuration": {"day": record.start.day, "month": None, "year": None},
        "net_terms": record.net_terms,
        "auto_collection": record.auto_collection,
        "auto_issuance": None,
        "default_invoice_memo": None,
        "invoicing_threshold": None,
        "active_plan_phase_order": None,
        "trial_info": {"end_date": instant(record.trial_end)},
        "redeemed_coupon": None,
        "pending_subscription_change": None,
        "price_intervals": [_interval(each, period) for each in record.intervals],
        "fixed_fee_quantity_schedule": [entry for each in record.intervals for entry in _schedule(each)],
        "adjustment_intervals": [_adjustment(each, record) for each in record.adjustments],
        "discount_intervals": [_discount(each, record) for each in discounts],
        "minimum_intervals": [{**_span(each), "minimum_amount": _amount(each, record)} for each in minimums],
        "maximum_intervals": [],
    }


def _period(record: OrbSubscription, now: datetime) -> Shape:
    running = status(record, now) == "active" and len(record.periods) == 2
    start, end = record.periods if running else (None, None)
    return {
        "current_billing_period_start_date": instant(start),
        "current_billing_period_end_date": instant(end),
    }


def _interval(record: OrbInterval, period: Shape) -> Shape:
    return {
        "id": record.id,
        "start_date": instant(record.start),
        "end_date": instant(record.end),
        "billing_cycle_day": record.start.day,
        "can_defer_billing": False,
        **period,
        "filter": None,
        "usage_customer_ids": None,
        "metric_parameter_overrides": None,
        "fixed_fee_quantity_transitions": [
            {"effective_date": instant(at), "price_id": record.price.id, "quantity": quantity}
            for at, quantity in record.quantities
        ]
        if record.price.quantity is not None
        else None,
        "price": price(record.price),
    }


def _schedule(record: OrbInterval) -> list[Shape]:
    """The quantities one after the other, each with its end."""
    if record.price.quantity is None:
        return []
    steps = [(record.start, record.price.quantity), *record.quantities]
    ends = [at for at, _ in steps[1:]]
    return [
        {"price_id": record.price.id, "quantity": quantity, "start_date": instant(at), "end_date": instant(end)}
        for (at, quantity), end in zip(steps, [*ends, record.end], strict=True)
    ]


def _span(record: OrbAdjustment) -> Shape:
    return {
        "start_date": instant(record.start),
        "end_date": instant(record.end),
        "applies_to_price_interval_ids": record.intervals,
        "filters": [],
    }


def _amount(record: OrbAdjustment, subscription: OrbSubscription) -> str:
    return money(record.amount, subscription.intervals[0].price.currency)


def _discount(record: OrbAdjustment, subscription: OrbSubscription) -> Shape:
    """The older form, which says the same once more."""
    if record.kind == "percentage_discount":
        return {**_span(record), "discount_type": "percentage", "percentage_discount": float(record.amount)}
    return {**_span(record), "discount_type": "amount", "amount_discount": _amount(record, subscription)}


def _adjustment(record: OrbAdjustment, subscription: OrbSubscription) -> Shape:
    value: Any = float(record.amount) if record.kind == "percentage_discount" else _amount(record, subscription)
    name = "minimum_amount" if record.kind == "minimum" else record.kind
    adjustment = {
        "id": f"{record.id}a",
        "adjustment_type": record.kind,
        "applies_to_price_ids": [each.price.id for each in subscription.intervals],
        "filters": [],
        "is_invoice_level": False,
        "plan_phase_order": None,
        "reason": None,
        "replaces_adjustment_id": None,
        name: value,
    }
    if record.kind == "minimum":
        adjustment["item_id"] = "item_minimum"
    span = {key: value for key, value in _span(record).items() if key != "filters"}
    return {"id": record.id, "adjustment": adjustment, **span}
