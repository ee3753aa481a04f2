"""What changed in Stripe's API, version by version, newest first: how a shape is put back into its older form.

A change undoes itself on one object in place, and sees it as the version that brought the change shows it. Only what
the emulator's shapes have is here. Properties that were merely added are left out of older versions from acacia on,
since when Stripe ties them to a version; before that they came to all versions alike.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gtm_platform.sandbox.stripe import catalogue
from gtm_platform.sandbox.stripe.invoices import applied_discounts
from gtm_platform.sandbox.stripe.ledger import Ledger
from gtm_platform.sandbox.stripe.wire import Shape

Undo = Callable[[Shape, Ledger], None]

BASIL, CLOVER = "2025-03-31.basil", "2025-09-30.clover"


@dataclass(frozen=True)
class VersionChange:
    """A difference that came with `version` to the objects named `object`."""

    version: str
    object: str
    undo: Undo


def _remove(*paths: str) -> Undo:
    def undo(shape: Shape, _: Ledger) -> None:
        for path in paths:
            *parents, name = path.split(".")
            node = shape
            for parent in parents:
                node = node[parent] or {}
            node.pop(name, None)

    return undo


def _restore(**values: object) -> Undo:
    return lambda shape, _: shape.update(values)


def _discount_with_coupon(shape: Shape, ledger: Ledger) -> None:
    """Put the coupon back in full where its id is now in `source`."""
    shape["coupon"] = catalogue.coupon(ledger.store.coupons[shape.pop("source")["coupon"]])


def _subscription_period(shape: Shape, ledger: Ledger) -> None:
    """Put back the one period of all items, the first discount, and the plan of a single item."""
    record = ledger.store.subscriptions[shape["id"]]
    items = shape["items"]["data"]
    single = items[0] if len(record.items) == 1 else None
    shape["current_period_start"] = max(each["current_period_start"] for each in items)
    shape["current_period_end"] = min(each["current_period_end"] for each in items)
    shape["discount"] = (
        catalogue.discount(record.discounts[0], record.customer, record.id) if record.discounts else None
    )
    shape["plan"] = dict(single["plan"]) if single else None
    shape["quantity"] = single.get("quantity") if single else None


def _invoice_of_subscription(shape: Shape, ledger: Ledger) -> None:
    """Put back the subscription, the payment, the discount and the taxes that `parent` and lists now hold."""
    record = ledger.store.invoices[shape["id"]]
    details = (shape.pop("parent") or {}).get("subscription_details")
    payments = ledger.payments_of().get(record.id, [])
    discounts = applied_discounts(record, ledger.store)
    shape["subscription"] = record.subscription
    shape["subscription_details"] = {"metadata": details["metadata"]} if details else None
    shape["payment_intent"] = payments[0].payment_intent if payments else None
    shape["charge"] = payments[0].charges[-1].id if payments else None
    shape["paid"] = shape["status"] == "paid"
    shape["discount"] = catalogue.discount(discounts[0], record.customer, record.subscription) if discounts else None
    shape["total_tax_amounts"] = shape.pop("total_taxes")
    shape["paid_out_of_band"] = False
    shape.update(dict.fromkeys(("application_fee_amount", "quote", "tax", "transfer_data")))


def _line_with_price(shape: Shape, ledger: Ledger) -> None:
    """Put back the full price and plan, and what `parent` now holds."""
    price = ledger.store.prices[shape.pop("pricing")["price_details"]["price"]]
    details = shape.pop("parent")["subscription_item_details"]
    quantity = shape["quantity"]
    shape["price"] = catalogue.price(price)
    shape["plan"] = catalogue.plan(price) if price.interval else None
    shape["type"] = "subscription"
    shape["proration"] = details["proration"]
    shape["proration_details"] = details["proration_details"]
    shape["subscription_item"] = details["subscription_item"]
    shape["tax_amounts"] = shape.pop("taxes")
    shape["tax_rates"] = []
    shape["amount_excluding_tax"] = shape["amount"]
    shape["unit_amount_excluding_tax"] = f"{shape['amount'] / quantity:g}" if quantity else None


def _price_with_aggregation(shape: Shape, _: Ledger) -> None:
    if shape["recurring"]:
        shape["recurring"]["aggregate_usage"] = None  # meters aggregate for themselves


def _charge_of_invoice(shape: Shape, ledger: Ledger) -> None:
    shape["invoice"] = ledger.store.charges[shape["id"]].invoice


def _intent_of_invoice(shape: Shape, ledger: Ledger) -> None:
    shape["invoice"] = ledger.payment_intent(shape["id"]).invoice


def _charge_of_dispute(shape: Shape, ledger: Ledger) -> None:
    disputes = ledger.disputes_of().get(shape["id"], [])
    shape["dispute"] = disputes[0].id if disputes else None
    shape["destination"] = None


def _product_features(shape: Shape, _: Ledger) -> None:
    shape["features"] = shape.pop("marketing_features")


WITH_ACCOUNT = ("customer", "discount", "invoice", "payment_intent", "subscription")

CHANGES = (
    VersionChange("2026-09-30.endive", "subscription", _remove("status_details")),
    VersionChange("2026-09-30.endive", "subscription_item", _remove("current_trial")),
    VersionChange("2026-09-30.endive", "invoice", _remove("status_details")),
    VersionChange("2026-07-29.dahlia", "refund", _remove("customer", "customer_account", "payment_method")),
    VersionChange("2026-05-27.dahlia", "subscription", _remove("billing_schedules")),
    VersionChange("2026-05-27.dahlia", "invoice", _remove("amount_paid_off_stripe")),
    VersionChange("2026-04-22.dahlia", "subscription", _remove("managed_payments")),
    VersionChange("2026-04-22.dahlia", "payment_intent", _remove("managed_payments")),
    VersionChange("2026-03-25.dahlia", "line_item", _remove("quantity_decimal")),
    *(VersionChange("2025-12-15.clover", name, _remove("customer_account")) for name in WITH_ACCOUNT),
    VersionChange("2025-12-15.clover", "line_item", _remove("subtotal")),
    VersionChange(CLOVER, "discount", _discount_with_coupon),
    VersionChange("2025-08-27.basil", "payment_intent", _remove("excluded_payment_method_types")),
    VersionChange("2025-06-30.basil", "subscription", _remove("billing_mode")),
    VersionChange("2025-05-28.basil", "balance_transaction", _remove("balance_type")),
    VersionChange("2025-05-28.basil", "subscription", _remove("billing_thresholds")),
    VersionChange("2025-05-28.basil", "subscription_item", _remove("billing_thresholds")),
    VersionChange("2025-04-30.basil", "invoice", _remove("automatic_tax.provider")),
    VersionChange(BASIL, "subscription", _restore(billing_thresholds=None)),  # gone for two versions
    VersionChange(BASIL, "subscription", _subscription_period),
    VersionChange(BASIL, "subscription_item", _restore(billing_thresholds=None)),
    VersionChange(BASIL, "subscription_item", _remove("current_period_end", "current_period_start")),
    VersionChange(BASIL, "invoice", _remove("amount_overpaid")),
    VersionChange(BASIL, "invoice", _invoice_of_subscription),
    VersionChange(BASIL, "line_item", _line_with_price),
    VersionChange(BASIL, "price", _price_with_aggregation),
    VersionChange(BASIL, "plan", _restore(aggregate_usage=None)),
    VersionChange(BASIL, "charge", _charge_of_invoice),
    VersionChange(BASIL, "payment_intent", _intent_of_invoice),
    VersionChange("2025-01-27.acacia", "charge", _remove("outcome.advice_code")),
    VersionChange(
        "2024-12-18.acacia", "charge", _remove("outcome.network_advice_code", "outcome.network_decline_code")
    ),
    VersionChange("2024-12-18.acacia", "invoice", _remove("automatic_tax.disabled_reason")),
    VersionChange("2024-12-18.acacia", "subscription", _remove("automatic_tax.disabled_reason")),
    VersionChange("2024-10-28.acacia", "dispute", _remove("enhanced_eligibility_types")),
    VersionChange("2024-10-28.acacia", "invoice", _remove("total_pretax_credit_amounts")),
    VersionChange("2024-10-28.acacia", "line_item", _remove("pretax_credit_amounts")),
    VersionChange("2024-04-10", "product", _product_features),
    VersionChange("2024-04-10", "invoice", _restore(rendering_options=None)),
    VersionChange("2023-08-16", "charge", _charge_of_dispute),
    VersionChange("2023-08-16", "product", _restore(attributes=[])),
)
