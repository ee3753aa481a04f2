"""The HubSpot and the Stripe of customers out of a formula, whose hot path is measured.

As a program it is those two systems: it prints their addresses, and does what it is told line by line.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from decimal import Decimal

from gtm_platform.sandbox import hubspot, stripe
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.stripe.store import (
    StripeCustomer,
    StripeEvent,
    StripeItem,
    StripePrice,
    StripeProduct,
    StripeStore,
    StripeSubscription,
)
from gtm_platform.settings import settings
from gtm_platform_tests.bench.customers import COMPANIES
from gtm_platform_tests.bench.hot_settle import MORNING
from gtm_platform_tests.delivery.world import served

APART = 10  # one customer in so many, of those who pay by one subscription in dollars
CENTS = 1_000  # of one unit a month


def numbers_of(customers: int) -> Iterator[int]:
    """Yield the customers whose subscriptions are changed: none of them shares an address."""
    for number in range(1, customers * 6 // 10, APART):
        if number % 211 and number % 100 not in (1, 7):
            yield number


def billing(customers: int) -> StripeStore:
    """Return a Stripe with the subscriptions that are changed."""
    begun = MORNING - timedelta(days=400)
    store = StripeStore()
    store.products["prod_0"] = StripeProduct("prod_0", "Growth", begun, begun)
    store.prices["price_0"] = StripePrice("price_0", "prod_0", "usd", begun, Decimal(CENTS))
    for number in numbers_of(customers):
        payer, subscription = f"cus_{number}", f"sub_{number}"
        store.customers[payer] = StripeCustomer(payer, begun, f"person{number}@x.example", None, "usd")
        item = StripeItem(f"si_{number}", "price_0", 1, begun, begun, begun + timedelta(days=4_000))
        store.subscriptions[subscription] = StripeSubscription(subscription, payer, "usd", begun, "active", [item])
    return store


def portal(customers: int) -> HubSpotStore:
    """Return a HubSpot with everybody's contact, and their companies."""
    contacts = (
        HubSpotRecord(str(n), {"email": f"person{n}@company{n // COMPANIES}.example"}, MORNING, MORNING)
        for n in range(customers)
    )
    companies = (
        HubSpotRecord(str(n), {"domain": f"company{n}.example"}, MORNING, MORNING)
        for n in range(customers // COMPANIES)
    )
    by_type = {"contacts": contacts, "companies": companies}
    return HubSpotStore(
        objects={name: {each.id: each for each in records} for name, records in by_type.items()}, next_id=10**9
    )


def change(store: StripeStore, number: int, quantity: int) -> None:
    """Let a customer subscribe to so many, as Stripe's event says."""
    subscription, now = store.subscriptions[f"sub_{number}"], settings().now()
    subscription.items[0].quantity = quantity
    about = {"id": subscription.id, "object": "subscription"}
    store.events.append(StripeEvent(f"evt_{number}_{quantity}", "customer.subscription.updated", now, about))


def main(customers: int) -> None:
    """Serve both systems until the input ends; answer each line."""
    bills, crm = billing(customers), portal(customers)
    with ExitStack() as stack:
        apis = {
            "HUBSPOT_BASE_URL": stack.enter_context(served(hubspot.app(crm, settings().now))).url,
            "STRIPE_BASE_URL": stack.enter_context(served(stripe.app(bills, settings().now))).url,
        }
        print(json.dumps(apis), flush=True)
        for line in sys.stdin:
            wish = json.loads(line)
            if "quantity" in wish:
                change(bills, wish["number"], wish["quantity"])
            contact = crm.objects["contacts"][str(wish["number"])].properties
            company = crm.objects["companies"][str(wish["number"] // COMPANIES)].properties
            values = {"gtm_mrr": contact.get("gtm_mrr"), "chroma_cloud_mrr": company.get("chroma_cloud_mrr")}
            print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
