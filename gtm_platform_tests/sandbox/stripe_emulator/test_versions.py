"""API versions: each has its own shapes, and what was never published is refused."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import stripe
from stripe import StripeClient
from stripe._api_version import _ApiVersion

from gtm_platform.sandbox.stripe import API_VERSION, TOKEN
from gtm_platform.sandbox.stripe.store import StripeDiscount, StripeEvent, StripeStore
from gtm_platform.sandbox.stripe.version_changes import CHANGES
from gtm_platform.sandbox.stripe.versions import PUBLISHED
from gtm_platform_tests.sandbox.stripe_emulator.account import NOW, day, error, ids, seconds

OLD = "2022-11-15"
ACACIA, BASIL, LAST_BASIL = "2025-02-24.acacia", "2025-03-31.basil", "2025-08-27.basil"


@pytest.fixture
def old(url: str) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {TOKEN}", "Stripe-Version": OLD}
    with httpx.Client(base_url=f"{url}/v1", headers=headers) as client:
        yield client


def read(raw: httpx.Client, version: str, path: str, *expand: str) -> dict[str, Any]:
    query = "&".join(f"expand[]={each}" for each in expand)
    answer = raw.get(f"{path}{'&' if '?' in path else '?'}{query}", headers={"Stripe-Version": version})
    assert (answer.status_code, answer.headers["Stripe-Version"]) == (200, version), answer.text
    shape: dict[str, Any] = answer.json()
    return shape


class TestWhichAreSpoken:
    def test_the_newest_is_the_official_clients_and_the_default(self, raw: httpx.Client) -> None:
        assert API_VERSION == _ApiVersion.CURRENT == PUBLISHED[-1]
        assert raw.get("/account").headers["Stripe-Version"] == API_VERSION

    def test_the_list_is_in_order_and_has_all_changes(self) -> None:
        assert list(PUBLISHED) == sorted(PUBLISHED)
        assert [change.version for change in CHANGES] == sorted((each.version for each in CHANGES), reverse=True)
        assert {change.version for change in CHANGES} < set(PUBLISHED)

    @pytest.mark.parametrize(
        "version", ["2026-10-29.endive", "2025-09-30.acacia", "2023-10-17", "latest", "2020-08-27"]
    )
    def test_an_unknown_one_is_refused(self, url: str, version: str) -> None:
        client = StripeClient(TOKEN, base_addresses={"api": url}, stripe_version=version)
        with pytest.raises(stripe.InvalidRequestError, match=f"Invalid Stripe API version: {version}") as raised:
            client.v1.customers.list()
        assert (raised.value.http_status, raised.value.code, raised.value.param) == (400, None, None)

    @pytest.mark.parametrize("version", PUBLISHED)
    def test_every_published_one_reads_everything(self, raw: httpx.Client, version: str) -> None:
        for path in ("customers", "subscriptions", "invoices", "charges", "refunds", "disputes", "prices", "plans"):
            assert read(raw, version, f"/{path}")["data"]
        read(raw, version, "/subscription_items?subscription=sub_active", "data.discounts")
        read(raw, version, "/invoices/in_1/lines")

    def test_each_change_makes_a_difference(self, raw: httpx.Client, store: StripeStore) -> None:
        """Between its version and the one before, on an object that it is about."""
        store.subscriptions["sub_active"].discounts = [StripeDiscount("di_1", "20OFF", day(0))]
        for change in CHANGES:
            before = PUBLISHED[PUBLISHED.index(change.version) - 1]
            path, *expand = SAMPLES[change.object]
            older, newer = (
                _objects(read(raw, version, path, *expand), change.object) for version in (before, change.version)
            )
            assert older != newer, change


SAMPLES = {
    "customer": ("/customers/cus_001",),
    "subscription": ("/subscriptions/sub_past_due",),
    "subscription_item": ("/subscriptions/sub_active",),
    "discount": ("/subscriptions/sub_active", "discounts"),
    "invoice": ("/invoices/in_1",),
    "line_item": ("/invoices/in_1",),
    "price": ("/prices/price_seat",),
    "plan": ("/plans/price_seat",),
    "product": ("/products/prod_1",),
    "charge": ("/charges/ch_2",),
    "refund": ("/refunds/re_1",),
    "dispute": ("/disputes/dp_1",),
    "payment_intent": ("/payment_intents/pi_1",),
    "balance_transaction": ("/charges/ch_2", "balance_transaction"),
}


def _objects(node: Any, kind: str) -> list[dict[str, Any]]:
    """All objects of a kind, without what is inside them."""
    if isinstance(node, list):
        return [each for value in node for each in _objects(value, kind)]
    if not isinstance(node, dict):
        return []
    inner = [each for value in node.values() for each in _objects(value, kind)]
    return [node, *inner] if node.get("object") == kind else inner


class TestVersion20221115:
    """What a client of 2022 reads."""

    def test_a_subscription_has_its_period_discount_and_plan(self, old: httpx.Client) -> None:
        shape = old.get("/subscriptions/sub_past_due").json()
        assert shape["current_period_start"] == seconds(day(59))
        assert shape["current_period_end"] == seconds(day(90))
        assert (shape["plan"]["id"], shape["quantity"], shape["discount"]) == ("price_tier", 1, None)
        assert not {"billing_mode", "status_details", "billing_schedules", "managed_payments"} & shape.keys()
        item = shape["items"]["data"][0]
        assert not {"current_period_start", "current_period_end", "current_trial"} & item.keys()
        assert item["price"]["recurring"]["aggregate_usage"] is item["plan"]["aggregate_usage"] is None

    def test_a_subscription_of_several_items_has_no_plan_of_its_own(self, old: httpx.Client) -> None:
        shape = old.get("/subscriptions/sub_active").json()
        assert (shape["plan"], shape["quantity"]) == (None, None)

    def test_a_discount_holds_its_coupon(self, old: httpx.Client) -> None:
        shape = old.get("/subscriptions/sub_active").json()
        assert (shape["discount"]["id"], shape["discount"]["coupon"]["percent_off"]) == ("di_1", 20.5)
        assert "source" not in shape["discount"]
        expanded = old.get("/subscriptions/sub_active", params={"expand[]": "discount.coupon.applies_to"}).json()
        assert expanded["discount"]["coupon"]["applies_to"] == {"products": ["prod_1"]}

    def test_an_invoice_names_its_payment_and_subscription(self, old: httpx.Client) -> None:
        shape = old.get("/invoices/in_1").json()
        assert (shape["subscription"], shape["charge"], shape["payment_intent"]) == ("sub_active", "ch_2", "pi_1")
        assert (shape["paid"], shape["paid_out_of_band"]) == (False, False)
        assert (shape["tax"], shape["total_tax_amounts"]) == (None, [])
        assert (shape["discount"]["id"], shape["subscription_details"]) == ("di_1", {"metadata": {}})
        assert not {"parent", "payments", "total_taxes", "amount_overpaid"} & shape.keys()

    def test_a_line_has_its_price_and_plan(self, old: httpx.Client) -> None:
        line = old.get("/invoices/in_1/lines").json()["data"][2]
        assert (line["price"]["unit_amount"], line["plan"]["amount"]) == (4900, 4900)
        assert (line["type"], line["proration"], line["subscription_item"]) == ("subscription", True, "si_2")
        assert (line["amount_excluding_tax"], line["unit_amount_excluding_tax"]) == (4900, "4900")
        assert not {"parent", "pricing", "taxes", "subtotal", "quantity_decimal"} & line.keys()

    def test_a_charge_names_its_invoice_and_dispute(self, old: httpx.Client) -> None:
        shape = old.get("/charges/ch_2").json()
        assert (shape["invoice"], shape["dispute"], shape["destination"]) == ("in_1", "dp_1", None)

    def test_what_it_expands(self, old: httpx.Client) -> None:
        paths = ["data.charge.invoice", "data.payment_intent.latest_charge", "data.subscription.discount.coupon"]
        (invoice,) = old.get("/invoices", params={"expand[]": paths}).json()["data"]
        assert invoice["charge"]["invoice"]["paid"] is False
        assert invoice["payment_intent"]["latest_charge"]["invoice"] == "in_1"
        assert invoice["subscription"]["discount"]["coupon"]["id"] == "20OFF"

    def test_what_came_later_is_not_there(self, old: httpx.Client) -> None:
        assert error(old.get("/invoice_payments")).status == 404
        assert (
            "cannot be expanded (payments)" in error(old.get("/invoices/in_1", params={"expand[]": "payments"})).message
        )

    def test_a_search_and_a_write_answer_in_it_too(self, old: httpx.Client, store: StripeStore) -> None:
        store.customers["cus_007"].discount = StripeDiscount("di_7", "20OFF", day(0))
        match = old.get("/customers/search", params={"query": 'email:"user7@acme.example"'}).json()["data"][0]
        written = old.post("/customers/cus_007", data={"name": "Ada"}).json()
        assert match["discount"]["coupon"]["id"] == written["discount"]["coupon"]["id"] == "20OFF"
        assert "customer_account" not in written


class TestBetween:
    """A version has the changes up to it, and none after."""

    def test_periods_moved_with_basil(self, raw: httpx.Client) -> None:
        before = read(raw, ACACIA, "/subscriptions/sub_active")
        after = read(raw, BASIL, "/subscriptions/sub_active")
        assert "current_period_end" in before
        assert "current_period_end" not in after
        assert "current_period_end" in after["items"]["data"][0]

    def test_billing_thresholds_were_away_for_two_versions(self, raw: httpx.Client) -> None:
        having = [
            version
            for version in (ACACIA, BASIL, "2025-04-30.basil", "2025-05-28.basil")
            if "billing_thresholds" in read(raw, version, "/subscriptions/sub_active")
        ]
        assert having == [ACACIA, "2025-05-28.basil"]

    def test_coupons_moved_with_clover(self, raw: httpx.Client) -> None:
        before = read(raw, LAST_BASIL, "/subscriptions/sub_active", "discounts")["discounts"][0]
        after = read(raw, "2025-09-30.clover", "/subscriptions/sub_active", "discounts.source.coupon")["discounts"][0]
        assert before["coupon"] == after["source"]["coupon"]

    def test_features_were_renamed(self, raw: httpx.Client) -> None:
        assert "features" in read(raw, "2023-10-16", "/products/prod_1")
        assert "marketing_features" in read(raw, "2024-04-10", "/products/prod_1")

    def test_a_deleted_customer_is_the_same_stub_in_all(self, raw: httpx.Client) -> None:
        assert all(sorted(read(raw, each, "/customers/cus_005")) == ["deleted", "id", "object"] for each in PUBLISHED)

    def test_events_stay_as_they_were_recorded(self, raw: httpx.Client, store: StripeStore) -> None:
        newest = read(raw, API_VERSION, "/subscriptions/sub_active")
        store.events.append(StripeEvent("evt_1", "customer.subscription.updated", NOW, newest))
        event = read(raw, OLD, "/events/evt_1")
        assert (event["api_version"], event["data"]["object"]) == (API_VERSION, newest)

    def test_the_official_client_pages_in_an_old_version(self, url: str) -> None:
        client = StripeClient(TOKEN, base_addresses={"api": url}, stripe_version=OLD)
        assert len(list(client.v1.customers.list({"limit": 100}).auto_paging_iter())) == 229
        assert ids(httpx.get(f"{url}/v1/coupons", headers={"Authorization": f"Bearer {TOKEN}"})) == ["20OFF"]
