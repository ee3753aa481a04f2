"""Single objects and what is expanded in them."""

from datetime import timedelta

import httpx
import pytest
import stripe
from stripe import StripeClient

from gtm_platform.sandbox.stripe import render
from gtm_platform.sandbox.stripe.store import StripeStore
from gtm_platform.sandbox.world import World
from gtm_platform_tests.sandbox.stripe_emulator.account import NOW, day, error, ids, seconds


class TestObjects:
    def test_a_deleted_customer_is_a_stub_by_id_and_not_listed(self, client: StripeClient) -> None:
        gone = client.v1.customers.retrieve("cus_005")
        assert gone.to_dict() == {"id": "cus_005", "object": "customer", "deleted": True}

    def test_a_missing_object(self, client: StripeClient) -> None:
        with pytest.raises(stripe.InvalidRequestError) as raised:
            client.v1.customers.retrieve("cus_bad")
        assert (raised.value.http_status, raised.value.code) == (404, "resource_missing")
        assert raised.value.user_message == "No such customer: 'cus_bad'"

    def test_an_unknown_address(self, raw: httpx.Client) -> None:
        assert error(raw.get("/widgets")).message.startswith("Unrecognized request URL (GET: /v1/widgets)")
        assert raw.delete("/charges/ch_1").status_code == 404

    def test_periods_are_on_the_item_not_on_the_subscription(self, client: StripeClient) -> None:
        shown = client.v1.subscriptions.retrieve("sub_active").to_dict()
        assert "current_period_end" not in shown
        assert shown["items"]["data"][0]["current_period_end"] == seconds(day(90))
        assert shown["discounts"] == ["di_1"]

    def test_a_paused_subscription_says_since_when(self, client: StripeClient) -> None:
        shown = client.v1.subscriptions.retrieve("sub_paused").to_dict()
        assert shown["status_details"]["paused"]["transitioned_at"] == seconds(day(40))

    def test_amounts_with_a_fraction_are_decimal_strings(self, raw: httpx.Client) -> None:
        metered = raw.get("/prices/price_call").json()
        assert (metered["unit_amount"], metered["unit_amount_decimal"]) == (None, "0.125")
        assert metered["transform_quantity"] == {"divide_by": 100, "round": "up"}
        assert raw.get("/prices/price_seat").json()["unit_amount_decimal"] == "4900"

    def test_a_metered_item_has_no_quantity(self, raw: httpx.Client) -> None:
        item = raw.get("/subscriptions/sub_trialing").json()["items"]["data"][0]
        assert "quantity" not in item

    @pytest.mark.parametrize(
        ("inside", "path"),
        [("subscriptions/sub_active", "items"), ("invoices/in_1", "lines")],
    )
    def test_a_long_embedded_list_goes_on_at_its_url(self, raw: httpx.Client, inside: str, path: str) -> None:
        embedded = raw.get(f"/{inside}").json()[path]
        assert (len(embedded["data"]), embedded["has_more"]) == (10, True)
        going_on = httpx.URL(embedded["url"].removeprefix("/v1"))
        rest = raw.get(going_on.copy_merge_params({"starting_after": embedded["data"][-1]["id"]}))
        assert not set(ids(rest)) & {row["id"] for row in embedded["data"]}
        assert (len(ids(rest)), rest.json()["has_more"]) == (2, False)

    def test_the_sdk_pages_through_embedded_lists(self, client: StripeClient) -> None:
        lines = client.v1.invoices.retrieve("in_1").lines.auto_paging_iter()
        assert [line.id for line in lines] == [f"il_1_{number}" for number in range(12)]
        items = client.v1.subscription_items.list({"subscription": "sub_active", "limit": 5}).auto_paging_iter()
        assert [item.id for item in items] == [f"si_{number}" for number in range(12)]

    def test_subscription_items_need_their_subscription(self, raw: httpx.Client) -> None:
        assert error(raw.get("/subscription_items")).param == "subscription"
        assert error(raw.get("/subscription_items", params={"subscription": "sub_bad"})).status == 404

    def test_an_invoice_payment_is_one_intent_with_all_its_charges(self, raw: httpx.Client) -> None:
        (payment,) = raw.get("/invoice_payments").json()["data"]
        assert (payment["status"], payment["amount_paid"], payment["invoice"]) == ("paid", 4900, "in_1")
        assert payment["status_transitions"]["paid_at"] == seconds(day(62))

    def test_a_draft_invoice_has_no_number(self, store: StripeStore) -> None:
        store.invoices["in_1"].status = "draft"
        assert render(store.invoices["in_1"], store)["number"] is None

    def test_the_account_answers(self, client: StripeClient) -> None:
        assert client.v1.accounts.retrieve_current().id == "acct_sandbox"

    def test_the_account_answers_under_its_id_too(self, client: StripeClient) -> None:
        own = client.v1.accounts.retrieve_current()
        assert client.v1.accounts.retrieve(own.id).to_dict() == own.to_dict()

    def test_an_account_that_is_not_connected_is_not_open(self, client: StripeClient, raw: httpx.Client) -> None:
        with pytest.raises(stripe.PermissionError, match="does not have access to account 'acct_other'"):
            client.v1.accounts.retrieve("acct_other")
        refusal = error(raw.get("/accounts/acct_other"))
        assert (refusal.status, refusal.code) == (403, "account_invalid")

    def test_an_account_that_is_no_platform_has_no_connected_accounts(self, raw: httpx.Client) -> None:
        answer = raw.get("/accounts", params={"limit": 3}).json()
        assert answer == {"object": "list", "data": [], "has_more": False, "url": "/v1/accounts"}
        assert error(raw.get("/accounts", params={"starting_after": "acct_other"})).code == "resource_missing"

    def test_plans_are_the_recurring_prices(self, client: StripeClient) -> None:
        plans = client.v1.plans.list({"expand": ["data.tiers", "data.product"]}).data
        assert [plan.id for plan in plans] == ["price_call", "price_tier", "price_seat"]
        tiered, seat = plans[1].to_dict(), plans[2].to_dict()
        assert [tier["up_to"] for tier in tiered["tiers"]] == [5, None]
        assert (seat["amount"], seat["interval"], seat["product"]["name"]) == (4900, "month", "Pro")
        assert "tiers" not in seat
        assert client.v1.plans.retrieve("price_seat").amount == 4900

    def test_a_price_that_is_paid_once_is_no_plan(self, client: StripeClient) -> None:
        with pytest.raises(stripe.InvalidRequestError, match="No such plan: 'price_once'"):
            client.v1.plans.retrieve("price_once")

    def test_a_payment_intent_has_the_outcome_of_its_charges(self, client: StripeClient) -> None:
        intent = client.v1.payment_intents.retrieve("pi_1")
        assert (intent.status, intent.amount_received, intent.latest_charge) == ("succeeded", 4900, "ch_2")
        assert [each.id for each in client.v1.payment_intents.list({"customer": "cus_001"}).data] == ["pi_1"]


def test_a_deletion_in_the_world_leaves_an_event_with_the_whole_customer() -> None:
    world = World(7, 60, NOW - timedelta(days=25))
    world.advance(NOW)
    deletions = [event for event in world.stripe.events if event.type == "customer.deleted"]
    assert deletions
    for event in deletions:
        assert event.object["email"] == world.stripe.customers[event.object["id"]].email
        assert "deleted" not in event.object
        assert render(world.stripe.customers[event.object["id"]], world.stripe)["deleted"] is True
