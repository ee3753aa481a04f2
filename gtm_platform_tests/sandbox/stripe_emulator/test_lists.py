"""Lists: pages, filters and events, read by the official client, and raw where it hides the answer."""

from datetime import timedelta
from typing import Any

import httpx
import pytest
import stripe
from stripe import StripeClient

from gtm_platform.sandbox.stripe import API_VERSION
from gtm_platform.sandbox.stripe.store import StripeCustomer, StripeEvent, StripeStore
from gtm_platform_tests.sandbox.stripe_emulator.account import NOW, day, error, ids, seconds


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
        def count(created: Any) -> int:
            return len(list(client.v1.customers.list({"limit": 100, "created": created}).auto_paging_iter()))

        second_day = seconds(day(1))
        assert count(second_day) == 10
        assert count({"gte": second_day, "lt": seconds(day(2))}) == 10
        assert count({"gt": second_day, "lte": seconds(day(2))}) == 10
        assert count({"gte": second_day}) == 220
        assert count({"lt": second_day}) == 9

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
