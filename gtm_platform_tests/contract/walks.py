"""Every address of the emulators asked by a stranger who reads only the systems' descriptions, rightly and wrongly.
What is asked wrongly is refused; the refusals are judged too."""

from collections.abc import Callable

import httpx

from gtm_platform.sandbox import hubspot, intercom, slack, stripe
from gtm_platform.sandbox.world import World
from gtm_platform_tests.contract.walk_hubspot import walk_hubspot
from gtm_platform_tests.contract.walk_intercom import walk_intercom
from gtm_platform_tests.contract.walk_slack import walk_slack

Walk = Callable[[httpx.Client, World], None]


# --- Stripe --------------------------------------------------------------------------------------------------------

EXPANDED = {
    "products": ("default_price",),
    "prices": ("product", "tiers"),
    "plans": ("product", "tiers"),
    "customers": ("sources", "tax_ids", "subscriptions"),
    "subscriptions": ("latest_invoice", "customer", "discounts"),
    "invoices": ("customer", "payments", "discounts"),
    "payment_intents": ("latest_charge", "customer"),
    "charges": ("customer", "payment_intent", "balance_transaction", "refunds"),
    "refunds": ("charge", "balance_transaction", "payment_intent"),
    "disputes": ("charge", "payment_intent"),
}


def walk_stripe(client: httpx.Client, world: World) -> None:
    created = {"created[gte]": 1, "created[lt]": 4102444800}
    for path in (
        "products", "prices", "coupons", "customers", "invoices", "invoice_payments", "charges", "refunds", "disputes",
        "events", "subscriptions", "plans", "payment_intents",
    ):  # fmt: skip
        page = client.get(f"/v1/{path}", params={"limit": 1, **created}).json()
        client.get(f"/v1/{path}", params={"limit": 100})
        first = page["data"][0]["id"]
        client.get(f"/v1/{path}", params={"limit": 3, "starting_after": first})
        client.get(f"/v1/{path}", params={"limit": 3, "ending_before": first})
        client.get(f"/v1/{path}/{first}")
        client.get(f"/v1/{path}/unheard_of")
        if path in EXPANDED:
            client.get(f"/v1/{path}", params={"expand[]": [f"data.{name}" for name in EXPANDED[path]], "limit": 5})
            client.get(f"/v1/{path}/{first}", params={"expand[]": list(EXPANDED[path])})
    for path in ("", "/unheard_of"):
        client.get(f"/v1/credit_notes{path}")  # the sandbox has none
    _filter(client, world)
    _write_customers(client)
    _ask_stripe_wrongly(client, world)


def _filter(client: httpx.Client, world: World) -> None:
    subscription, invoice = list(world.stripe.subscriptions.values()), list(world.stripe.invoices.values())
    customer, price = subscription[0].customer, subscription[0].items[0].price
    client.get("/v1/subscription_items", params={"subscription": subscription[0].id, "limit": 2})
    client.get(f"/v1/invoices/{invoice[0].id}/lines", params={"limit": 2})
    client.get("/v1/account")
    client.get("/v1/accounts")
    client.get(f"/v1/accounts/{client.get('/v1/account').json()['id']}")
    first = client.get("/v1/customers/search", params={"query": "created>0", "limit": 2, "expand[]": "total_count"})
    client.get("/v1/customers/search", params={"query": "created>0", "limit": 2, "page": first.json()["next_page"]})
    for params in ({"status": "all"}, {"status": "canceled"}, {"customer": customer}, {"price": price}):
        client.get("/v1/subscriptions", params=params)
    client.get("/v1/prices", params={"active": "true", "currency": "usd", "type": "recurring"})
    client.get("/v1/prices", params={"expand[]": "data.tiers"})
    client.get("/v1/products", params={"active": "true", "ids[]": next(iter(world.stripe.products))})
    client.get("/v1/coupons", params={"expand[]": "data.applies_to"})
    client.get("/v1/customers", params={"email": "nobody@initech.example"})
    client.get("/v1/invoices", params={"customer": customer, "status": "paid", "subscription": subscription[0].id})
    client.get("/v1/invoice_payments", params={"invoice": invoice[0].id})
    client.get("/v1/charges", params={"customer": customer})
    client.get("/v1/events", params={"types[]": ["invoice.paid", "charge.failed"]})
    client.get("/v1/events", params={"type": "customer.subscription.*"})
    gone = next(each.id for each in world.stripe.customers.values() if each.deleted)
    client.get(f"/v1/customers/{gone}")


def _write_customers(client: httpx.Client) -> None:
    given = {"email": "new@initech.example", "name": "New", "metadata[source]": "walk", "address[country]": "GB"}
    made = client.post("/v1/customers", data=given, headers={"Idempotency-Key": "walk-1"}).json()
    client.post("/v1/customers", data=given, headers={"Idempotency-Key": "walk-1"})
    client.post("/v1/customers", data={"name": "Other"}, headers={"Idempotency-Key": "walk-1"})
    client.post(f"/v1/customers/{made['id']}", data={"name": "Newer"})
    client.delete(f"/v1/customers/{made['id']}")
    client.get("/v1/events", params={"type": "customer.created"})
    client.get("/v1/events", params={"type": "customer.deleted"})


def _ask_stripe_wrongly(client: httpx.Client, world: World) -> None:
    client.get("/v1/account", headers={"Authorization": ""})
    client.get("/v1/account", headers={"Authorization": "Bearer sk_test_wrong"})
    client.get("/v1/account", headers={"Stripe-Version": "2026-10-29.endive"})
    client.get("/v1/accounts/acct_unheard_of")
    client.get("/v1/customers/search", params={"query": "shoe_size:44"})
    client.get("/v1/customers", params={"limit": 101})
    client.get("/v1/customers", params={"unheard_of": 1})
    client.get("/v1/customers", params={"starting_after": "unheard_of"})
    client.get("/v1/subscription_items")
    client.get(f"/v1/customers/{next(reversed(world.stripe.customers))}", params={"expand[]": "unheard_of"})
    client.post("/v1/customers", data={"unheard_of": "1"})
    client.get("/v1/unheard_of")


WALKS: dict[str, Walk] = {
    "hubspot": walk_hubspot,
    "stripe": walk_stripe,
    "intercom": walk_intercom,
    "slack": walk_slack,
}
HEADERS = {
    "hubspot": {"Authorization": f"Bearer {hubspot.TOKEN}"},
    "stripe": {"Authorization": f"Bearer {stripe.TOKEN}", "Stripe-Version": stripe.API_VERSION},
    "intercom": {"Authorization": f"Bearer {intercom.TOKEN}", "Intercom-Version": intercom.API_VERSION},
    "slack": {"Authorization": f"Bearer {slack.TOKEN}"},
}
