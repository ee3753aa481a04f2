"""Customers created, updated and deleted, once per idempotency key."""

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest
import stripe
from starlette.applications import Starlette
from stripe import StripeClient

from gtm_platform.sandbox.kit.write_log import Write
from gtm_platform.sandbox.stripe import EMULATOR, TOKEN, Limits, app
from gtm_platform.sandbox.stripe.store import StripeStore
from gtm_platform_tests.sandbox.stripe_emulator.account import NOW, a_store, error, seconds


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

    def test_a_deleted_customer_leaves_its_lists_and_its_event(self, client: StripeClient) -> None:
        before = client.v1.customers.retrieve("cus_001").to_dict()
        deleted = client.v1.customers.delete("cus_001").to_dict()
        assert deleted == {"id": "cus_001", "object": "customer", "deleted": True}
        assert client.v1.customers.retrieve("cus_001").to_dict() == deleted
        assert client.v1.customers.list({"email": "user1@acme.example"}).data == []
        event = client.v1.events.list({"type": "customer.deleted"}).data[0].to_dict()
        assert event["data"] == {"object": before}

    def test_a_deletion_ends_the_subscriptions(self, client: StripeClient) -> None:
        client.v1.customers.delete("cus_001")
        ended = client.v1.subscriptions.list({"customer": "cus_001", "status": "all"}).data
        assert {each.status for each in ended if each.ended_at == seconds(NOW)} == {"canceled"}
        events = client.v1.events.list({"type": "customer.subscription.deleted"}).data
        assert {event.data.object["id"] for event in events} == {each.id for each in ended}
        charge = client.v1.charges.retrieve("ch_2", {"expand": ["customer"]}).to_dict()
        assert charge["customer"]["deleted"] is True

    def test_who_is_deleted_cannot_be_deleted_again(self, client: StripeClient) -> None:
        with pytest.raises(stripe.InvalidRequestError, match="No such customer: 'cus_005'"):
            client.v1.customers.delete("cus_005")

    def test_a_refused_update_changes_nothing(self, raw: httpx.Client, store: StripeStore) -> None:
        answer = raw.post("/customers/cus_001", data={"name": "Ada", "address[street]": "Main"})
        assert answer.status_code == 400
        assert store.customers["cus_001"].name == "User 1"

    def test_writes_can_be_done_again(self, client: StripeClient, store: StripeStore, persisted: list[Write]) -> None:
        """What was persisted, in its order, makes the same store."""
        made = client.v1.customers.create({"email": "ada@initech.example", "metadata": {"plan": "pro"}})
        client.v1.customers.update(made.id, {"name": "Ada", "metadata": {"plan": ""}})
        client.v1.customers.delete("cus_001")
        with pytest.raises(stripe.InvalidRequestError):
            client.v1.customers.delete("cus_bad")
        restarted = a_store()
        assert EMULATOR.replay
        for write in json.loads(json.dumps(persisted)):
            EMULATOR.replay(restarted, write, NOW)
        assert restarted == store
        assert restarted != a_store()


class TestRetries:
    """`Stripe-Should-Retry`, by which the official clients decide."""

    @pytest.mark.parametrize("path", ["/customers/cus_bad", "/customers?limit=0", "/widgets"])
    def test_what_would_be_refused_again_is_not_to_be_tried(self, raw: httpx.Client, path: str) -> None:
        assert raw.get(path).headers["Stripe-Should-Retry"] == "false"

    def test_a_write_that_was_done_is_not_to_be_tried(self, raw: httpx.Client) -> None:
        answer = raw.post("/customers", data={"name": "Ada"}, headers={"Idempotency-Key": "k"})
        assert answer.headers["Stripe-Should-Retry"] == "false"
        other = raw.post("/customers", data={"name": "Bob"}, headers={"Idempotency-Key": "k"})
        assert (other.status_code, other.headers["Stripe-Should-Retry"]) == (400, "false")

    @pytest.mark.parametrize("limits", [Limits(account=0)])
    def test_at_a_limit_the_client_decides(self, raw: httpx.Client) -> None:
        answer = raw.get("/customers")
        assert answer.status_code == 429
        assert "Stripe-Should-Retry" not in answer.headers

    def test_a_key_in_use_is_to_be_tried_again(self, store: StripeStore) -> None:
        """A second request with the key of one whose body is still on its way."""
        first, second = asyncio.run(_overlapping_writes(app(store, lambda: NOW), {"Idempotency-Key": "slow"}))
        assert (first.status_code, first.json()["name"]) == (200, "Ada")
        assert (second.status_code, second.headers["Stripe-Should-Retry"]) == (409, "true")
        assert error(second).code == "idempotency_key_in_use"


async def _overlapping_writes(emulator: Starlette, key: dict[str, str]) -> tuple[httpx.Response, httpx.Response]:
    headers = {"Authorization": f"Bearer {TOKEN}", **key}
    started, answered = asyncio.Event(), asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"name=A"
        started.set()  # the emulator has taken the first part, and waits for the rest
        await answered.wait()
        yield b"da"

    transport = httpx.ASGITransport(emulator)
    async with httpx.AsyncClient(transport=transport, base_url="http://stripe", headers=headers) as client:
        first = asyncio.create_task(client.post("/v1/customers", content=body()))
        await started.wait()
        second = await client.post("/v1/customers", data={"name": "Bob"})
        answered.set()
        return await first, second
