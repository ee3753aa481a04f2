"""The Stripe emulator, asked by the official SDK as a stranger would, and raw where the SDK hides the answer."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import stripe
import uvicorn
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send
from stripe import StripeClient

from gtm_platform.sandbox.stripe import API_VERSION, TOKEN, Limits, app, render
from gtm_platform.sandbox.stripe.store import (
    StripeCharge,
    StripeCoupon,
    StripeCustomer,
    StripeDiscount,
    StripeDispute,
    StripeEvent,
    StripeInvoice,
    StripeItem,
    StripeLine,
    StripePrice,
    StripeProduct,
    StripeRefund,
    StripeStore,
    StripeSubscription,
    StripeTier,
)

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: int) -> datetime:
    return START + timedelta(days=number)


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def a_price(identifier: str, **fields: Any) -> StripePrice:
    return StripePrice(
        identifier, **{"product": "prod_1", "currency": "usd", "created": START, "unit_amount": None, **fields}
    )


def an_item(number: int, price: str, quantity: int | None = 1, **fields: Any) -> StripeItem:
    return StripeItem(f"si_{number}", price, quantity, day(0), day(59), day(90), **fields)


def a_charge(identifier: str, created: datetime, status: str, **fields: Any) -> StripeCharge:
    return StripeCharge(identifier, "cus_001", "in_1", "pi_1", 4900, "usd", created, status, **fields)


def an_invoice() -> StripeInvoice:
    lines = [
        StripeLine("price_seat", f"si_{number}", 1, 4900, "1 x Pro", day(59), day(90), proration=number == 2)
        for number in range(12)
    ]
    return StripeInvoice(
        "in_1", "A-0001", "cus_001", "sub_active", "usd", day(59), "open", lines, 58800, 47040, attempt_count=1
    )


def a_store() -> StripeStore:
    store = StripeStore()
    store.products["prod_1"] = StripeProduct("prod_1", "Pro", START, START, metadata={"tier": "pro"})
    tiers = [StripeTier(5, Decimal(1000), None), StripeTier(None, Decimal("0.5"), Decimal(200))]
    for price in (
        a_price("price_seat", unit_amount=Decimal(4900), lookup_key="pro_monthly"),
        a_price("price_tier", tiers_mode="graduated", tiers=tiers, created=day(1)),
        a_price("price_call", unit_amount=Decimal("0.125"), usage_type="metered", divide_by=100, created=day(2)),
        a_price("price_once", unit_amount=Decimal(99), interval=None, active=False, created=day(3)),
    ):
        store.prices[price.id] = price
    store.coupons["20OFF"] = StripeCoupon("20OFF", "Twenty", START, percent_off=Decimal("20.5"), products=["prod_1"])
    for number in range(230):
        customer = StripeCustomer(
            f"cus_{number:03d}", day(number // 10), f"user{number}@acme.example", f"User {number}", "usd"
        )
        store.customers[customer.id] = customer
    store.customers["cus_005"].deleted = day(20)
    discount = StripeDiscount("di_1", "20OFF", day(0))
    for number, status in enumerate(("active", "canceled", "past_due", "incomplete_expired", "paused", "trialing")):
        store.subscriptions[f"sub_{status}"] = StripeSubscription(
            f"sub_{status}", "cus_001", "usd", day(number), status, [an_item(100 + number, "price_tier")]
        )
    active = store.subscriptions["sub_active"]
    active.items = [an_item(number, "price_seat") for number in range(12)]
    active.items[0].discounts = [StripeDiscount("di_2", "20OFF", day(0))]
    active.discounts, active.latest_invoice = [discount], "in_1"
    store.subscriptions["sub_paused"].paused_at = day(40)
    store.subscriptions["sub_trialing"].items[0] = an_item(200, "price_call", None)
    store.invoices["in_1"] = an_invoice()
    store.charges["ch_1"] = a_charge("ch_1", day(59), "failed", failure_code="card_declined")
    store.charges["ch_2"] = a_charge("ch_2", day(62), "succeeded", amount_refunded=4900, disputed=True)
    store.charges["ch_3"] = StripeCharge("ch_3", None, None, "pi_9", 100, "usd", day(3), "succeeded")
    store.refunds["re_1"] = StripeRefund("re_1", "ch_2", "pi_1", 4900, "usd", day(63))
    store.disputes["dp_1"] = StripeDispute("dp_1", "ch_2", "pi_1", 4900, "usd", day(64))
    return store


@pytest.fixture
def store() -> StripeStore:
    return a_store()


class Stand:
    """One server for all tests, on which each test puts its own emulator."""

    emulator: Starlette

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.emulator(scope, receive, send)


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Stand, str]]:
    stand = Stand()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(stand, log_level="warning", lifespan="off", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.002)
        yield stand, f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def limits() -> Limits:
    return Limits(account=10**6, endpoint=10**6)


@pytest.fixture
def url(served: tuple[Stand, str], store: StripeStore, limits: Limits) -> str:
    stand, url = served
    stand.emulator = app(store, lambda: NOW, limits)
    return url


@pytest.fixture
def client(url: str) -> StripeClient:
    return a_client(url)


@pytest.fixture
def raw(url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{url}/v1", headers={"Authorization": f"Bearer {TOKEN}"}) as raw:
        yield raw


def a_client(url: str, key: str = TOKEN) -> StripeClient:
    return StripeClient(key, base_addresses={"api": url}, max_network_retries=0)


def ids(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["data"]]


def error(answer: httpx.Response) -> SimpleNamespace:
    assert answer.json()["error"]["type"] in ("invalid_request_error", "idempotency_error")
    return SimpleNamespace(status=answer.status_code, **answer.json()["error"])


def reason(refusal: stripe.StripeError) -> str | None:
    return (refusal.headers or {}).get("stripe-rate-limited-reason")


class TestLists:
    def test_auto_paging_brings_every_customer_once_newest_first(self, client: StripeClient) -> None:
        listed = list(client.v1.customers.list({"limit": 100}).auto_paging_iter())
        assert len({customer.id for customer in listed}) == len(listed) == 229
        assert [customer.created for customer in listed] == sorted((c.created for c in listed), reverse=True)

    def test_a_page_holds_ten_unless_asked_otherwise(self, raw: httpx.Client) -> None:
        answer = raw.get("/customers").json()
        assert (len(answer["data"]), answer["has_more"], answer["url"]) == (10, True, "/v1/customers")

    def test_a_cursor_survives_inserts(self, raw: httpx.Client, store: StripeStore) -> None:
        first = ids(raw.get("/customers", params={"limit": 100}))
        store.customers["cus_new"] = StripeCustomer("cus_new", NOW, None, None)
        second = ids(raw.get("/customers", params={"limit": 100, "starting_after": first[-1]}))
        assert not set(first) & set(second)
        assert "cus_new" not in second
        assert ids(raw.get("/customers"))[0] == "cus_new"

    def test_ending_before_walks_back(self, raw: httpx.Client) -> None:
        forward = ids(raw.get("/customers", params={"limit": 100}))
        back = raw.get("/customers", params={"limit": 30, "ending_before": forward[50]})
        assert ids(back) == forward[20:50]
        assert back.json()["has_more"]
        assert not raw.get("/customers", params={"ending_before": forward[3]}).json()["has_more"]

    @pytest.mark.parametrize(
        ("params", "code", "param"),
        [
            ({"starting_after": "cus_bad"}, "resource_missing", "starting_after"),
            ({"limit": "101"}, "parameter_invalid_integer", "limit"),
            ({"limit": "0"}, "parameter_invalid_integer", "limit"),
            ({"limit": "many"}, "parameter_invalid_integer", "limit"),
            ({"colour": "red"}, "parameter_unknown", "colour"),
            ({"created[after]": "1"}, "parameter_unknown", "created[after]"),
            ({"created[gte]": "soon"}, "parameter_invalid_integer", "created[gte]"),
        ],
    )
    def test_a_parameter_stripe_would_refuse_is_refused(
        self, raw: httpx.Client, params: dict[str, str], code: str, param: str
    ) -> None:
        refusal = error(raw.get("/customers", params=params))
        assert (refusal.status, refusal.code, refusal.param) == (400, code, param)

    def test_two_cursors_are_refused(self, raw: httpx.Client) -> None:
        answer = raw.get("/customers", params={"starting_after": "cus_001", "ending_before": "cus_002"})
        assert answer.status_code == 400


class TestFilters:
    def test_created_bounds(self, client: StripeClient) -> None:
        def found(created: Any) -> int:
            return len(list(client.v1.customers.list({"limit": 100, "created": created}).auto_paging_iter()))

        second_day = seconds(day(1))
        assert found(second_day) == 10
        assert found({"gte": second_day, "lt": seconds(day(2))}) == 10
        assert found({"gt": second_day, "lte": seconds(day(2))}) == 10
        assert found({"gte": second_day}) == 220
        assert found({"lt": second_day}) == 9

    def test_email_is_exact(self, raw: httpx.Client) -> None:
        assert ids(raw.get("/customers", params={"email": "user7@acme.example"})) == ["cus_007"]
        assert ids(raw.get("/customers", params={"email": "User7@acme.example"})) == []

    @pytest.mark.parametrize(
        ("status", "expected"),
        [
            (None, {"active", "past_due", "incomplete_expired", "paused", "trialing"}),
            ("all", {"active", "canceled", "past_due", "incomplete_expired", "paused", "trialing"}),
            ("ended", {"canceled", "incomplete_expired"}),
            ("canceled", {"canceled"}),
            ("past_due", {"past_due"}),
        ],
    )
    def test_subscription_status(self, raw: httpx.Client, status: str | None, expected: set[str]) -> None:
        params = {} if status is None else {"status": status}
        assert set(ids(raw.get("/subscriptions", params=params))) == {f"sub_{each}" for each in expected}

    def test_an_invented_status_is_refused(self, client: StripeClient) -> None:
        with pytest.raises(stripe.InvalidRequestError, match="must be one of active"):
            client.v1.subscriptions.list({"status": "dormant"})

    @pytest.mark.parametrize(
        ("path", "params", "expected"),
        [
            ("subscriptions", {"price": "price_seat"}, ["sub_active"]),
            ("subscriptions", {"customer": "cus_002"}, []),
            ("subscriptions", {"current_period_end[lt]": seconds(day(90)), "status": "all"}, []),
            ("products", {"ids[]": "prod_1"}, ["prod_1"]),
            ("prices", {"active": "false"}, ["price_once"]),
            ("prices", {"type": "one_time"}, ["price_once"]),
            ("prices", {"lookup_keys[]": "pro_monthly"}, ["price_seat"]),
            ("prices", {"recurring[usage_type]": "metered"}, ["price_call"]),
            ("prices", {}, ["price_once", "price_call", "price_tier", "price_seat"]),
            ("coupons", {}, ["20OFF"]),
            ("invoices", {"status": "open", "subscription": "sub_active"}, ["in_1"]),
            ("invoices", {"status": "paid"}, []),
            ("invoices", {"due_date[gte]": 0}, []),
            ("invoice_payments", {"invoice": "in_1", "status": "paid"}, ["inpay_1"]),
            ("invoice_payments", {"payment[type]": "payment_intent", "payment[payment_intent]": "pi_9"}, []),
            ("charges", {"payment_intent": "pi_1"}, ["ch_2", "ch_1"]),
            ("charges", {"customer": "cus_001", "created[gte]": seconds(day(60))}, ["ch_2"]),
            ("refunds", {"charge": "ch_2"}, ["re_1"]),
            ("disputes", {"charge": "ch_1"}, []),
            ("disputes", {}, ["dp_1"]),
            ("credit_notes", {"customer": "cus_001"}, []),
        ],
    )
    def test_filters(self, raw: httpx.Client, path: str, params: dict[str, Any], expected: list[str]) -> None:
        assert ids(raw.get(f"/{path}", params=params)) == expected


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


class TestEvents:
    @pytest.fixture(autouse=True)
    def events(self, store: StripeStore) -> None:
        kinds = ["customer.created", "invoice.paid", "invoice.created", "customer.updated"]
        for number in range(120):
            created = NOW - timedelta(days=31) if number == 0 else NOW - timedelta(hours=120 - number)
            kind = kinds[number % 4]
            store.events.append(StripeEvent(f"evt_{number:03d}", kind, created, {"id": "x"}, {"name": "Old"}))

    def test_only_the_last_thirty_days_newest_first(self, client: StripeClient) -> None:
        listed = list(client.v1.events.list({"limit": 100}).auto_paging_iter())
        assert [event.id for event in listed] == [f"evt_{number:03d}" for number in range(119, 0, -1)]

    def test_types(self, client: StripeClient) -> None:
        listed = client.v1.events.list({"limit": 100, "types": ["invoice.paid", "customer.updated"]})
        assert {event.type for event in listed.data} == {"invoice.paid", "customer.updated"}
        listed = client.v1.events.list({"limit": 100, "type": "invoice.*"})
        assert {event.type for event in listed.data} == {"invoice.paid", "invoice.created"}

    def test_an_event_tells_what_was_before(self, raw: httpx.Client) -> None:
        event = raw.get("/events/evt_003").json()
        assert event["data"] == {"object": {"id": "x"}, "previous_attributes": {"name": "Old"}}
        assert event["api_version"] == API_VERSION

    def test_more_than_twenty_types_or_both_kinds_are_refused(self, raw: httpx.Client) -> None:
        many = {f"types[{number}]": "invoice.paid" for number in range(21)}
        assert error(raw.get("/events", params=many)).status == 400
        assert error(raw.get("/events", params={"type": "invoice.*", "types[]": "invoice.paid"})).status == 400


class TestWriting:
    def test_a_customer_is_created_reported_and_updated(self, client: StripeClient, store: StripeStore) -> None:
        made = client.v1.customers.create(
            {"email": "ada@initech.example", "metadata": {"plan": "pro", "seats": "4"}, "address": {"city": "Oslo"}}
        )
        assert store.customers[made.id].created == NOW
        client.v1.customers.update(made.id, {"name": "Ada", "metadata": {"plan": ""}})
        shown = client.v1.customers.retrieve(made.id).to_dict()
        assert (shown["name"], shown["metadata"], shown["address"]["city"]) == ("Ada", {"seats": "4"}, "Oslo")
        created, updated = store.events
        assert (created.type, updated.type) == ("customer.created", "customer.updated")
        assert updated.previous == {"name": None, "metadata": {"plan": "pro", "seats": "4"}}

    def test_an_idempotency_key_writes_once(self, raw: httpx.Client, store: StripeStore) -> None:
        before = len(store.customers)
        key = {"Idempotency-Key": "once"}
        first = raw.post("/customers", data={"email": "a@acme.example"}, headers=key)
        again = raw.post("/customers", data={"email": "a@acme.example"}, headers=key)
        assert first.json() == again.json()
        assert len(store.customers) == before + 1
        assert again.headers["Idempotent-Replayed"] == "true"
        assert again.headers["Original-Request"] == first.headers["Request-Id"]
        other = error(raw.post("/customers", data={"email": "b@acme.example"}, headers=key))
        assert (other.status, other.type) == (400, "idempotency_error")

    def test_what_cannot_be_written_is_refused(self, client: StripeClient) -> None:
        with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: phone"):
            client.v1.customers.create({"phone": "555 0100"})
        with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
            client.v1.customers.update("cus_005", {"name": "Gone"})


class TestTheGate:
    def test_a_wrong_key(self, url: str) -> None:
        with pytest.raises(stripe.AuthenticationError) as raised:
            a_client(url, "sk_test_abcdefghij1234").v1.customers.list()
        assert raised.value.user_message == "Invalid API Key provided: sk_test_**********1234"
        assert raised.value.code is None
        assert httpx.get(f"{url}/v1/customers").status_code == 401

    def test_basic_authentication(self, url: str) -> None:
        assert httpx.get(f"{url}/v1/account", auth=(TOKEN, "")).status_code == 200
        assert httpx.get(f"{url}/v1/account", headers={"Authorization": "Basic %%%"}).status_code == 401

    def test_each_answer_names_its_request_and_version(self, raw: httpx.Client) -> None:
        good = raw.get("/customers", headers={"Stripe-Version": "2026-09-30.endive"})
        bad = raw.get("/customers/cus_bad")
        assert good.headers["Stripe-Version"] == "2026-09-30.endive"
        assert bad.headers["Stripe-Version"] == API_VERSION
        assert good.headers["Request-Id"] != bad.headers["Request-Id"]

    @pytest.mark.parametrize("limits", [Limits(account=3, endpoint=2, now=lambda: 0.0)])
    def test_too_many_requests(self, client: StripeClient) -> None:
        client.v1.customers.list()
        client.v1.products.list()
        client.v1.customers.list()
        with pytest.raises(stripe.RateLimitError) as raised:
            client.v1.customers.list()
        assert reason(raised.value) == "global-rate"
        assert raised.value.error is not None
        assert raised.value.error.code == "rate_limit"

    @pytest.mark.parametrize("limits", [Limits(endpoint=1, now=lambda: 0.0)])
    def test_one_endpoint_too_often(self, client: StripeClient) -> None:
        client.v1.customers.retrieve("cus_001")
        client.v1.customers.list()
        with pytest.raises(stripe.RateLimitError) as raised:
            client.v1.customers.retrieve("cus_002")
        assert reason(raised.value) == "endpoint-rate"
