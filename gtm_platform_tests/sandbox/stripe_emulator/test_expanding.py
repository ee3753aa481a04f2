"""Expanding: what comes in full where an id or nothing stood, and what cannot."""

from typing import Any

import httpx
import pytest
from stripe import StripeClient

from gtm_platform.sandbox.stripe.store import StripeStore
from gtm_platform_tests.sandbox.stripe_emulator.account import day, error


class TestExpanding:
    def test_a_subscription_list_with_everything_legal(self, client: StripeClient) -> None:
        paths = ["data.customer", "data.discounts.source.coupon", "data.items.data.discounts", "data.latest_invoice"]
        listed = client.v1.subscriptions.list({"expand": paths, "price": "price_seat"}).to_dict()
        (shown,) = listed["data"]
        assert shown["customer"]["email"] == "user1@acme.example"
        assert shown["discounts"][0]["source"]["coupon"]["percent_off"] == 20.5
        assert shown["items"]["data"][0]["discounts"][0]["subscription_item"] == "si_0"
        assert shown["latest_invoice"]["total"] == 47040

    @pytest.mark.parametrize("brackets", ["expand[]", "expand[0]"])
    def test_both_spellings_of_a_list(self, raw: httpx.Client, brackets: str) -> None:
        shown = raw.get("/prices/price_tier", params={brackets: "tiers"}).json()
        assert [tier["up_to"] for tier in shown["tiers"]] == [5, None]
        assert shown["tiers"][1]["unit_amount_decimal"] == "0.5"
        assert "tiers" not in raw.get("/prices/price_tier").json()

    def test_coupons_show_their_products_only_on_demand(self, raw: httpx.Client) -> None:
        assert "applies_to" not in raw.get("/coupons/20OFF").json()
        shown = raw.get("/coupons/20OFF", params={"expand[]": "applies_to"}).json()
        assert shown["applies_to"] == {"products": ["prod_1"]}

    def test_refunds_of_a_charge_and_payments_of_an_invoice(self, raw: httpx.Client) -> None:
        charge = raw.get("/charges/ch_2", params={"expand[]": "refunds"}).json()
        assert [refund["id"] for refund in charge["refunds"]["data"]] == ["re_1"]
        invoice = raw.get("/invoices/in_1", params={"expand[]": "payments"}).json()
        assert [payment["id"] for payment in invoice["payments"]["data"]] == ["inpay_1"]

    def test_a_deleted_customer_expands_to_its_stub(self, raw: httpx.Client, store: StripeStore) -> None:
        store.customers["cus_001"].deleted = day(70)
        shown = raw.get("/charges/ch_1", params={"expand[]": "customer"}).json()
        assert shown["customer"] == {"id": "cus_001", "object": "customer", "deleted": True}

    def test_nothing_to_expand_stays_null(self, raw: httpx.Client) -> None:
        assert raw.get("/charges/ch_3", params={"expand[]": "customer"}).json()["customer"] is None

    @pytest.mark.parametrize("path", ["data.items.data.price.tiers", "data.items.data.price.product", "data.colour"])
    def test_too_deep_or_unknown_is_refused(self, raw: httpx.Client, path: str) -> None:
        refusal = error(raw.get("/subscriptions", params={"expand[]": path}))
        assert (refusal.status, refusal.type) == (400, "invalid_request_error")

    def test_what_connectors_expand_on_customers(self, client: StripeClient) -> None:
        paths = ["data.sources", "data.tax_ids", "data.subscriptions"]
        first = client.v1.customers.list({"email": "user1@acme.example", "expand": paths}).data[0].to_dict()
        for name in ("sources", "tax_ids"):
            url = f"/v1/customers/cus_001/{name}"
            assert first[name] == {"object": "list", "data": [], "has_more": False, "url": url}
        assert len(first["subscriptions"]["data"]) == 5

    def test_what_connectors_expand_on_charges(self, client: StripeClient) -> None:
        paths = ["data.balance_transaction", "data.payment_intent", "data.payment_intent.latest_charge"]
        charge = client.v1.charges.list({"customer": "cus_001", "expand": paths}).data[0].to_dict()
        transaction = charge["balance_transaction"]
        assert (transaction["type"], transaction["net"], transaction["source"]) == ("charge", 4900, "ch_2")
        assert charge["payment_intent"]["latest_charge"]["id"] == "ch_2"

    def test_a_failed_charge_has_no_balance_transaction(self, raw: httpx.Client) -> None:
        shown = raw.get("/charges/ch_1", params={"expand[]": "balance_transaction"}).json()
        assert shown["balance_transaction"] is None

    def test_a_refund_takes_from_the_balance(self, raw: httpx.Client) -> None:
        params = {"expand[]": ["balance_transaction", "payment_intent", "charge.customer"]}
        refund = raw.get("/refunds/re_1", params=params).json()
        assert refund["balance_transaction"]["net"] == -4900
        assert refund["payment_intent"]["id"] == "pi_1"
        assert refund["charge"]["customer"]["id"] == "cus_001"

    def test_tiers_of_a_plan(self, raw: httpx.Client) -> None:
        params = {"subscription": "sub_past_due", "expand[]": ["data.plan.tiers", "data.price.tiers"]}
        (item,) = raw.get("/subscription_items", params=params).json()["data"]
        assert item["plan"]["tiers"] == item["price"]["tiers"]
        assert [tier["up_to"] for tier in item["plan"]["tiers"]] == [5, None]

    def test_discounts_of_an_invoice(self, raw: httpx.Client) -> None:
        invoice = raw.get("/invoices/in_1", params={"expand[]": "discounts.source.coupon"}).json()
        assert [each["source"]["coupon"]["id"] for each in invoice["discounts"]] == ["20OFF"]
        assert raw.get("/invoices/in_1").json()["discounts"] == ["di_1"]

    def test_the_rows_of_a_list_may_be_named_alone(self, raw: httpx.Client) -> None:
        plain = raw.get("/customers").json()
        assert raw.get("/customers", params={"expand[]": "data"}).json() == plain

    @pytest.mark.parametrize(
        ("path", "params", "message"),
        [
            ("/customers/cus_001", {"expand[]": "colour"}, "This property cannot be expanded (colour)."),
            ("/customers/cus_001", {"expand[]": "email"}, "This property cannot be expanded (email)."),
            ("/customers/cus_001", {"expand[]": "phone"}, "This property cannot be expanded (phone)."),
            ("/invoices/in_1", {"expand[]": "charge"}, "This property cannot be expanded (charge)."),
            (
                "/customers",
                {"expand[]": "sources"},
                "This property cannot be expanded (sources). You may want to try expanding 'data.sources' instead.",
            ),
            (
                "/subscriptions",
                {"expand[]": "data.latest_invoice.colour", "customer": "cus_nobody"},
                "This property cannot be expanded (data.latest_invoice.colour).",
            ),
            (
                "/subscriptions",
                {"expand[]": "data.items.data.price.product"},
                "You cannot expand more than 4 levels of a property. Property: data.items.data.price.product",
            ),
        ],
    )
    def test_a_path_that_leads_nowhere(
        self, raw: httpx.Client, path: str, params: dict[str, Any], message: str
    ) -> None:
        """Also where the list is empty or the field is null: it depends on the kind of object alone."""
        refusal = error(raw.get(path, params=params))
        assert (refusal.status, refusal.message) == (400, message)
