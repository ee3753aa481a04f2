"""What Orb pushes is read by the records that its lists are read by: a delivery holds the whole resource."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import orb
import pytest

from gtm_platform.ingest.record import Reader, Record
from gtm_platform.sandbox.server import Sandbox
from gtm_platform.sources.orb import records
from gtm_platform.sources.orb.pricing import priced
from gtm_platform.sources.orb.source import SOURCE
from gtm_platform_tests.sources.billing_world import END, billing_world

SECRET = "orb_whsec_test"
# By stream: an event that changes its records, the key of the resource in a delivery, and its record.
EVENTS: dict[str, tuple[str, str, type[Record]]] = {
    "customers": ("customer.edited", "customer", records.Customer),
    "subscriptions": ("subscription.plan_changed", "subscription", records.Subscription),
    "plans": ("plan.edited", "plan", records.Plan),
    "invoices": ("invoice.payment_succeeded", "invoice", records.Invoice),
    "credit_notes": ("credit_note.issued", "credit_note", records.CreditNote),
}


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with billing_world() as box:
        yield box


@pytest.fixture(scope="module")
def listed(box: Sandbox) -> dict[str, list[bytes]]:
    """The first page of each list, as Orb sends it."""
    assert box.url
    with SOURCE.open() as client:
        return {name: list(next(iter(client.pages(f"/{name}")))) for name in EVENTS}


def delivered(event: str, key: str, resource: bytes) -> bytes:
    """An expanded delivery, once Orb's own client has taken it for one."""
    body = json.dumps(
        {
            "id": "whev_1",
            "created_at": END.isoformat(),
            "type": event,
            "payload_style": "expanded",
            key: json.loads(resource),
            "properties": {},
        }
    )
    now = datetime.now(UTC).isoformat()
    signature = hmac.new(SECRET.encode(), f"v1:{now}:{body}".encode(), hashlib.sha256).hexdigest()
    with orb.Orb(api_key="unused", webhook_secret=SECRET) as client:
        unwrapped = client.webhooks.unwrap(body, {"X-Orb-Timestamp": now, "X-Orb-Signature": f"v1={signature}"})
    assert unwrapped.type == event
    assert unwrapped.to_dict()[key]["id"] == json.loads(resource)["id"]
    return body.encode()


def read_one(record: type[Record], raw: bytes) -> Record:
    (row,), _, rejected = Reader(record).read([raw])
    assert rejected == []
    return row


@pytest.mark.parametrize("stream", EVENTS)
def test_a_delivery_is_read_as_the_list_is(listed: dict[str, list[bytes]], stream: str) -> None:
    event, key, record = EVENTS[stream]
    made = priced if stream == "subscriptions" else bytes
    assert listed[stream], "the sandbox has some"
    for resource in listed[stream][:5]:
        pushed = json.dumps(json.loads(delivered(event, key, resource))[key]).encode()
        assert read_one(record, made(pushed)) == read_one(record, made(resource))


def test_every_stream_has_an_event() -> None:
    assert {stream.name: stream.record for stream in SOURCE.streams} == {
        name: record for name, (_, _, record) in EVENTS.items()
    }
