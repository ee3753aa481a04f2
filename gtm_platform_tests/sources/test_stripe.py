"""Stripe, read from the emulator into a lake: the first time, what changed since, what is gone, and what is odd."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from gtm_platform.http.errors import InvalidResponse, Unauthorized
from gtm_platform.ingest.record import Reader, with_facts
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.stripe import TOKEN, Limits, app, render
from gtm_platform.sandbox.stripe.invoices import payments_of
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
from gtm_platform.settings import settings
from gtm_platform.sources.stripe import changes, client, records, streams
from gtm_platform.sources.stripe.client import Stripe
from gtm_platform.sources.stripe.source import SOURCE
from gtm_platform_tests.ingest.syncing import Clock, Syncing
from gtm_platform_tests.sources.conftest import Stand

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
SECOND, THIRD, FOURTH = (FIRST + timedelta(days=days) for days in (1, 2, 3))
LONG_AGO = FIRST - timedelta(days=90)
UNLIMITED = Limits(account=10**6, endpoint=10**6)


def after(start: datetime, hours: float = 24.25) -> datetime:
    return start + timedelta(hours=hours)


def item(number: int, price: str = "price_seat", quantity: int | None = 1, **more: Any) -> StripeItem:
    return StripeItem(f"si_{number}", price, quantity, LONG_AGO, FIRST, FIRST + timedelta(days=30), **more)


def subscription(
    name: str, customer: str, *items: StripeItem, status: str = "active", **more: Any
) -> StripeSubscription:
    return StripeSubscription(f"sub_{name}", customer, "usd", LONG_AGO, status, list(items), **more)


def invoice(name: str, created: datetime, lines: int = 1) -> StripeInvoice:
    billed = [StripeLine("price_seat", "si_1", 1, 4900, "Pro", FIRST, SECOND) for _ in range(lines)]
    return StripeInvoice(f"in_{name}", f"A-{name}", "cus_1", "sub_seats", "usd", created, "open", billed, 4900, 4900)


def charge(name: str, created: datetime, **more: Any) -> StripeCharge:
    return StripeCharge(f"ch_{name}", "cus_1", "in_1", f"pi_{name}", 4900, "usd", created, "succeeded", **more)


@pytest.fixture
def store() -> StripeStore:
    store = StripeStore()
    store.products["prod_1"] = StripeProduct("prod_1", "Pro", LONG_AGO, LONG_AGO, metadata={"tier": "pro"})
    steps = [StripeTier(5, Decimal(1000), None), StripeTier(None, Decimal(600), None)]
    seat = StripePrice("price_seat", "prod_1", "usd", LONG_AGO, Decimal(4900), active=False)
    tiered = StripePrice("price_tier", "prod_1", "usd", LONG_AGO, None, tiers_mode="graduated", tiers=steps)
    store.prices = {each.id: each for each in (seat, tiered)}
    half = StripeCoupon("HALF", "Half", LONG_AGO, percent_off=Decimal(50), products=["prod_1"])
    elsewhere = StripeCoupon("ELSEWHERE", "Other", LONG_AGO, percent_off=Decimal("33.3333"), products=["prod_9"])
    store.coupons = {each.id: each for each in (half, elsewhere)}
    for number in (1, 2, 3):
        email = f"ada{number}@acme.example"
        store.customers[f"cus_{number}"] = StripeCustomer(f"cus_{number}", LONG_AGO, email, "Ada", "usd", country="US")
    store.subscriptions = {
        each.id: each
        for each in (
            subscription("seats", "cus_1", *(item(number) for number in range(12)), status="past_due"),
            subscription("tiers", "cus_2", item(20, "price_tier", 7)),
            subscription("gone", "cus_3", item(30), status="canceled", ended_at=FIRST),
        )
    }
    store.invoices["in_1"] = invoice("1", LONG_AGO, lines=12)
    store.charges["ch_1"] = charge("1", LONG_AGO)
    store.refunds["re_1"] = StripeRefund("re_1", "ch_1", "pi_1", 900, "usd", LONG_AGO)
    store.disputes["dp_1"] = StripeDispute("dp_1", "ch_1", "pi_1", 4900, "usd", LONG_AGO)
    return store


def happened(store: StripeStore, kind: str, record: Any, at: datetime) -> None:
    shape = record if isinstance(record, dict) else render(record, store)
    store.events.append(StripeEvent(f"evt_{len(store.events):03d}", kind, at, shape))


@pytest.fixture
def clock() -> Clock:
    return Clock(after(FIRST))


@pytest.fixture
def syncing(lake: Lake, clock: Clock) -> Syncing:
    return Syncing(lake, SOURCE, clock)


@pytest.fixture
def stripe(stand: Stand, store: StripeStore, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stripe]:
    stand.emulator = app(store, clock, UNLIMITED)
    monkeypatch.setattr(client, "ENDPOINT", 10_000)
    with connected(stand, monkeypatch) as stripe:
        yield stripe


def connected(stand: Stand, monkeypatch: pytest.MonkeyPatch, key: str = TOKEN) -> Any:
    monkeypatch.setenv("STRIPE_API_KEY", key)
    monkeypatch.setenv("STRIPE_BASE_URL", stand.url)
    settings.cache_clear()
    return SOURCE.open()


@pytest.fixture(autouse=True)
def _time_is_the_clock_s(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gtm_platform.settings.Settings.now", lambda _: clock())


class TestTheFirstSync:
    def test_brings_everything(self, stripe: Stripe, syncing: Syncing) -> None:
        brought = {stream.name: syncing.fill(stripe, stream.name, FIRST)[0].rows for stream in SOURCE.streams}
        assert brought == {
            "customers": 3,
            "subscriptions": 3,
            "products": 1,
            "prices": 2,
            "coupons": 2,
            "invoices": 1,
            "charges": 1,
            "refunds": 1,
            "disputes": 1,
        }

    def test_prices_subscriptions_with_all_their_items_and_their_tiers(self, stripe: Stripe, syncing: Syncing) -> None:
        syncing.fill(stripe, "subscriptions", FIRST)
        table = syncing.lake.partition("stripe/subscriptions", syncing.slot(FIRST).key).to_pyarrow().to_pylist()
        assert {row["id"]: [phase["mrr_recurring"] for phase in row["phases"]] for row in table} == {
            "sub_seats": [12 * 4900],
            "sub_tiers": [5 * 1000 + 2 * 600],
            "sub_gone": [4900],
        }

    def test_knows_the_leading_item_and_whose_it_is(self, stripe: Stripe, syncing: Syncing) -> None:
        syncing.fill(stripe, "subscriptions", FIRST)
        rows = syncing.rows(
            "subscriptions", FIRST, "id", "customer_id", "price_id", "unit_amount", "current_period_end"
        )
        assert rows[1] == ("sub_seats", "cus_1", "price_seat", Decimal(4900), FIRST + timedelta(days=30))

    def test_pages_the_lines_of_an_invoice(self, stripe: Stripe, syncing: Syncing) -> None:
        syncing.fill(stripe, "invoices", FIRST)
        (lines,) = syncing.rows("invoices", FIRST, "lines")
        assert [(line["price_id"], line["amount"], line["quantity"]) for line in lines] == [
            ("price_seat", 4900, 1)
        ] * 12

    def test_does_not_take_what_moved_after_the_window_for_older(
        self, stripe: Stripe, syncing: Syncing, store: StripeStore
    ) -> None:
        syncing.fill(stripe, "customers", FIRST)
        store.customers["cus_1"].name = "Ada the Second"
        happened(store, "customer.updated", store.customers["cus_1"], after(FIRST, 24.1))
        syncing.fill(stripe, "customers", FIRST)
        assert syncing.rows("customers", FIRST, "id", "name")[0] == ("cus_1", "Ada")


@pytest.fixture
def _second_day(request: pytest.FixtureRequest, stripe: Stripe, syncing: Syncing, clock: Clock, stand: Stand) -> None:
    for stream in request.cls.streams:
        syncing.fill(stripe, stream, FIRST)
    clock.now = after(SECOND)
    stand.requested.clear()


@pytest.mark.usefixtures("_second_day")
class TestLaterCustomers:
    streams = ("customers",)

    def test_bring_what_changed(self, stripe: Stripe, syncing: Syncing, store: StripeStore) -> None:
        store.customers["cus_2"].delinquent = True
        happened(store, "customer.updated", store.customers["cus_2"], after(SECOND, 5))
        store.customers["cus_4"] = StripeCustomer("cus_4", after(SECOND, 6), "new@acme.example", None)
        syncing.fill(stripe, "customers", SECOND)
        assert syncing.rows("customers", SECOND, "id", "delinquent", "changed_at") == [
            ("cus_2", True, after(SECOND, 5)),
            ("cus_4", False, after(SECOND, 6)),
        ]
        assert syncing.current_keys("customers", THIRD) == ["cus_1", "cus_2", "cus_3", "cus_4"]

    def test_do_not_read_new_objects_one_by_one(
        self, stripe: Stripe, syncing: Syncing, store: StripeStore, stand: Stand
    ) -> None:
        for number in range(10, 40):
            new = StripeCustomer(f"cus_{number}", after(SECOND, 6), None, None)
            store.customers[new.id] = new
            happened(store, "customer.created", new, new.created)
        syncing.fill(stripe, "customers", SECOND)
        assert len(syncing.rows("customers", SECOND, "id")) == 30
        assert stand.requested == ["GET /v1/events", "GET /v1/customers"]

    def test_know_by_its_event_that_a_customer_is_gone(
        self, stripe: Stripe, syncing: Syncing, store: StripeStore
    ) -> None:
        happened(store, "customer.deleted", store.customers["cus_3"], after(SECOND, 5))
        store.customers["cus_3"].deleted = after(SECOND, 5)
        syncing.fill(stripe, "customers", SECOND)
        assert syncing.rows("customers", SECOND, "id", "email", "_deleted") == [("cus_3", "ada3@acme.example", True)]
        assert syncing.current_keys("customers", THIRD) == ["cus_1", "cus_2"]
        assert syncing.current_keys("customers", SECOND) == ["cus_1", "cus_2", "cus_3"]

    def test_leave_what_changed_again_to_the_window_of_that(
        self, stripe: Stripe, syncing: Syncing, store: StripeStore, clock: Clock, stand: Stand
    ) -> None:
        for hours in (5, 24.1):
            happened(store, "customer.updated", store.customers["cus_2"], after(SECOND, hours))
        assert syncing.fill(stripe, "customers", SECOND)[0].rows == 0
        assert stand.requested == ["GET /v1/events", "GET /v1/customers"]
        clock.now = after(THIRD)
        assert syncing.fill(stripe, "customers", THIRD)[0].rows == 1

    def test_are_the_same_when_run_twice(
        self, stripe: Stripe, syncing: Syncing, store: StripeStore, clock: Clock
    ) -> None:
        happened(store, "customer.updated", store.customers["cus_2"], after(SECOND, 5))
        syncing.fill(stripe, "customers", SECOND)
        first = syncing.rows("customers", SECOND, "id", "name", "changed_at")
        syncing.fill(stripe, "customers", SECOND)
        assert syncing.rows("customers", SECOND, "id", "name", "changed_at") == first
        store.customers["cus_2"].name = "Changed later"
        happened(store, "customer.updated", store.customers["cus_2"], after(THIRD, 5))
        clock.now = after(THIRD)
        syncing.fill(stripe, "customers", SECOND)
        assert syncing.rows("customers", SECOND, "id", "name", "changed_at") == first

    def test_are_dealt_their_rows_in_one_sweep(
        self, stripe: Stripe, syncing: Syncing, store: StripeStore, clock: Clock, stand: Stand
    ) -> None:
        for customer, day in (("cus_1", SECOND), ("cus_2", THIRD), ("cus_3", FOURTH)):
            happened(store, "customer.updated", store.customers[customer], after(day, 5))
        clock.now = after(FOURTH)
        filled = syncing.fill(stripe, "customers", SECOND, THIRD, FOURTH)
        assert [(each.key[:10], each.rows) for each in filled] == [
            ("2026-03-02", 1),
            ("2026-03-03", 1),
            ("2026-03-04", 1),
        ]
        assert stand.requested.count("GET /v1/events") == 1

    def test_a_week_later_the_whole_shows_what_went_without_an_event(
        self, stripe: Stripe, syncing: Syncing, store: StripeStore, clock: Clock
    ) -> None:
        store.customers["cus_3"].deleted = after(SECOND)
        week = FIRST + timedelta(days=7)
        clock.now = after(week)
        (filled,) = syncing.fill(stripe, "customers", week)
        assert filled.full
        assert syncing.current_keys("customers", week) == ["cus_1", "cus_2", "cus_3"]
        assert syncing.current_keys("customers", week + timedelta(days=1)) == ["cus_1", "cus_2"]


@pytest.mark.usefixtures("_second_day")
class TestLaterSubscriptions:
    streams = ("subscriptions",)

    @pytest.mark.parametrize("own", [True, False])
    def test_price_again_when_a_discount_comes(
        self, stripe: Stripe, syncing: Syncing, store: StripeStore, own: bool
    ) -> None:
        discount = StripeDiscount("di_1", "HALF", after(SECOND, 5), after(FOURTH))
        (store.subscriptions["sub_tiers"].discounts if own else [])[:] = [discount]
        store.customers["cus_2"].discount = None if own else discount
        told = {"id": "di_1", "object": "discount", "customer": "cus_2", "subscription": "sub_tiers" if own else None}
        happened(store, "customer.discount.created", told, discount.start)
        syncing.fill(stripe, "subscriptions", SECOND)
        ((subscription, phases),) = syncing.rows("subscriptions", SECOND, "id", "phases")
        assert subscription == "sub_tiers"
        assert [(phase["begins"], phase["ends"], phase["mrr_recurring"]) for phase in phases] == [
            (None, after(SECOND, 5), 6200),
            (after(SECOND, 5), after(FOURTH), 3100),
            (after(FOURTH), None, 6200),
        ]

    def test_a_coupon_for_other_products_changes_nothing(
        self, stripe: Stripe, syncing: Syncing, store: StripeStore
    ) -> None:
        store.subscriptions["sub_tiers"].discounts = [StripeDiscount("di_1", "ELSEWHERE", LONG_AGO)]
        happened(store, "customer.subscription.updated", store.subscriptions["sub_tiers"], after(SECOND, 5))
        syncing.fill(stripe, "subscriptions", SECOND)
        ((phase,),) = syncing.rows("subscriptions", SECOND, "phases")
        assert phase["mrr_recurring"] == 6200

    def test_a_canceled_subscription_is_not_gone(self, stripe: Stripe, syncing: Syncing, store: StripeStore) -> None:
        store.subscriptions["sub_tiers"].status = "canceled"
        happened(store, "customer.subscription.deleted", store.subscriptions["sub_tiers"], after(SECOND, 5))
        syncing.fill(stripe, "subscriptions", SECOND)
        assert syncing.rows("subscriptions", SECOND, "id", "status", "_deleted") == [("sub_tiers", "canceled", False)]


@pytest.mark.usefixtures("_second_day")
class TestLaterMoney:
    streams = ("invoices", "charges")

    def test_a_dispute_moves_its_charge_and_a_payment_its_invoice(
        self, stripe: Stripe, syncing: Syncing, store: StripeStore
    ) -> None:
        store.charges["ch_1"].disputed = True
        happened(store, "charge.dispute.created", store.disputes["dp_1"], after(SECOND, 5))
        (payment,) = payments_of(store.charges.values())
        happened(store, "invoice_payment.paid", payment, after(SECOND, 6))
        syncing.fill(stripe, "charges", SECOND)
        syncing.fill(stripe, "invoices", SECOND)
        assert syncing.rows("charges", SECOND, "id", "disputed") == [("ch_1", True)]
        assert syncing.rows("invoices", SECOND, "id", "changed_at") == [("in_1", after(SECOND, 6))]

    def test_a_draft_that_was_thrown_away_is_gone(self, stripe: Stripe, syncing: Syncing, store: StripeStore) -> None:
        happened(store, "invoice.deleted", store.invoices.pop("in_1"), after(SECOND, 5))
        happened(store, "invoice.updated", invoice("2", after(SECOND, 4)), after(SECOND, 4))
        syncing.fill(stripe, "invoices", SECOND)
        assert syncing.rows("invoices", SECOND, "id", "_deleted") == [("in_1", True)]

    def test_after_a_gap_longer_than_events_last_everything_is_listed(
        self, stripe: Stripe, syncing: Syncing, store: StripeStore, clock: Clock
    ) -> None:
        store.charges["ch_1"].amount_refunded = 900
        store.charges["ch_2"] = charge("2", FIRST + timedelta(days=10))
        store.charges["ch_3"] = charge("3", FIRST + timedelta(days=55))
        last = FIRST + timedelta(days=60)
        clock.now = after(last)
        syncing.fill(stripe, "charges", last)
        horizon = clock.now - changes.REACH
        assert syncing.rows("charges", last, "id", "amount_refunded", "changed_at") == [
            ("ch_1", 900, horizon),
            ("ch_2", 0, horizon),
            ("ch_3", 0, FIRST + timedelta(days=55)),
        ]


class TestWhatIsOdd:
    def test_a_subscription_that_cannot_be_priced_is_set_aside(
        self, stripe: Stripe, syncing: Syncing, store: StripeStore
    ) -> None:
        store.subscriptions["sub_tiers"].items[0].discounts = [StripeDiscount("di_9", "UNLISTED", LONG_AGO)]
        (filled,) = syncing.fill(stripe, "subscriptions", FIRST)
        assert (filled.rows, filled.quarantined) == (2, 1)
        ((record, reason),) = syncing.quarantined("subscriptions", FIRST)
        assert (record, reason) == (
            "sub_tiers",
            "The discount di_9 is by the coupon UNLISTED, which Stripe does not list.",
        )

    def test_a_wrong_key_is_named(
        self, stand: Stand, store: StripeStore, clock: Clock, syncing: Syncing, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stand.emulator = app(store, clock, UNLIMITED)
        why = "Check that STRIPE_API_KEY holds a valid key"
        wrong = connected(stand, monkeypatch, key="sk_test_wrong")
        with wrong as stripe, pytest.raises(Unauthorized, match=why) as raised:
            syncing.fill(stripe, "customers", FIRST)
        assert "sk_test_wrong" not in str(raised.value)
        assert not syncing.lake.partitions("stripe/customers")

    def test_check_says_which_account_it_is(self, stripe: Stripe) -> None:
        assert SOURCE.check(stripe) == "account acct_sandbox, test mode"

    def test_no_kind_follows_more_types_than_stripe_takes_at_once(self) -> None:
        kinds = [each for each in vars(streams).values() if isinstance(each, changes.Kind)]
        assert len(kinds) == 6
        assert all(len(kind.events) == len(set(kind.events)) <= 20 for kind in kinds)

    def test_the_shapes_of_older_versions_are_read(self) -> None:
        created, facts = '"created":1767225600', {"changed_at": 1767225600}
        older = with_facts(f'{{"id":"in_1",{created},"subscription":"sub_1","parent":null}}'.encode(), **facts)
        ((invoice,), _, _) = Reader(records.Invoice).read([older])
        assert invoice.subscription_id == "sub_1"
        fields = f'"id":"sub_1","customer":"cus_1","status":"active","currency":"usd",{created}'
        raw = f'{{{fields},"current_period_end":1767225600}}'.encode()
        older = with_facts(raw, phases=[], leading_item=None, **facts)
        ((subscription,), _, _) = Reader(records.Subscription).read([older])
        assert subscription.current_period_end == datetime(2026, 1, 1, tzinfo=UTC)
        assert subscription.customer_id == "cus_1"

    def test_an_event_that_cannot_be_understood_is_no_reason_to_go_on(
        self, stripe: Stripe, syncing: Syncing, store: StripeStore, clock: Clock
    ) -> None:
        syncing.fill(stripe, "customers", FIRST)
        store.events.append(StripeEvent("evt_1", "customer.updated", after(SECOND, 5), None))  # type: ignore[arg-type]
        clock.now = after(SECOND)
        with pytest.raises(InvalidResponse, match="an event that cannot be understood"):
            syncing.fill(stripe, "customers", SECOND)
