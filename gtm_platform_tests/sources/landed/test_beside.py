"""What a lander does not land is read by the API beside its tables, of the same account and of no other."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.accounts import OtherAccount
from gtm_platform.ingest.record import Reader
from gtm_platform.ingest.source import Source, Stream, Totals, Window
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.sources.intercom.source import SOURCE as INTERCOM
from gtm_platform.sources.stripe.source import SOURCE as STRIPE
from gtm_platform_tests.sources.landed.conftest import Open, land
from gtm_platform_tests.sources.landed.test_reading import ALL, MIDNIGHT, read

NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
MARKS = {"_fivetran_active": True, "_fivetran_synced": MIDNIGHT}
TAG = {"id": "1", "name": "vip", "_airbyte_extracted_at": MIDNIGHT}
COUPON = {"id": "no_longer_read", "percent_off": 50.0, "duration": "forever", "_fivetran_synced": MIDNIGHT}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """The APIs, with tickets and with coupons for some products."""
    with running(40, 17, NOW) as box:
        yield box


@pytest.fixture(autouse=True)
def keys(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The keys of the APIs beside the tables."""
    for name, value in sandbox.env.items():
        if name.startswith(("STRIPE_", "INTERCOM_")):
            monkeypatch.setenv(name, value)


def stream_of(source: Source, client: Any, name: str) -> Stream:
    stream = source.stream_for(client, next(each for each in source.streams if each.name == name))
    assert isinstance(stream, Stream), stream
    return stream


def test_a_stream_that_is_not_landed_is_read_by_the_api_and_counted_there(place: Path, open_landed: Open) -> None:
    land(place, "intercom", tags=[TAG])
    with open_landed(INTERCOM, "airbyte") as client:
        tickets = read(INTERCOM, client, "tickets")
        stream = stream_of(INTERCOM, client, "tickets")
        assert isinstance(stream.totals, Totals)
        counted = stream.totals.count(client, Window(NOW - timedelta(days=400), NOW))
        notes = client.notes()
    assert counted is not None
    assert counted.records == len(tickets) > 0
    assert all(ticket.title for ticket in tickets)
    assert "intercom/tickets is read by the API: Airbyte does not land tickets" in notes


def test_the_tables_are_still_read_for_all_else(place: Path, open_landed: Open) -> None:
    land(place, "intercom", tags=[TAG])
    with open_landed(INTERCOM, "airbyte") as client:
        assert [tag.name for tag in read(INTERCOM, client, "tags")] == ["vip"]


def test_what_is_priced_takes_coupons_from_the_api(place: Path, open_landed: Open) -> None:
    land(place, "stripe", coupon=[COUPON])
    with open_landed(STRIPE, "fivetran") as client:
        coupons = read(STRIPE, client, "coupons")
        priced_by = list(client.all("coupons"))
    assert any(coupon.product_ids for coupon in coupons)
    assert len(priced_by) == len(coupons)
    assert "no_longer_read" not in {coupon.id for coupon in coupons}


def test_a_subscription_that_was_landed_too_little_of_is_read_by_the_api(
    place: Path, open_landed: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airbyte's version of the API names discounts of items by ids, which no table has."""
    with STRIPE.open() as stripe:
        by_api = next(row for row in read(STRIPE, stripe, "subscriptions") if row.status == "active" and row.list_mrr)
    items = {"data": [{"id": "si_1", "quantity": 1, "discounts": ["di_1"], "price": {"id": "price_1"}}]}
    row = {"id": by_api.id, "status": "active", "currency": "usd", "created": 1_767_225_600, "customer": "cus_1"}
    landed = {**row, "updated": 1_767_225_601, "items": json.dumps(items), "_airbyte_extracted_at": MIDNIGHT}
    land(place, "stripe", subscriptions=[landed])
    with open_landed(STRIPE, "airbyte") as client:
        (subscription,) = read(STRIPE, client, "subscriptions")
    assert (subscription.id, subscription.list_mrr) == (by_api.id, by_api.list_mrr)
    assert subscription.changed_at == datetime.fromtimestamp(1_767_225_601, UTC)
    monkeypatch.delenv("STRIPE_API_KEY")
    with open_landed(STRIPE, "airbyte") as client:
        stream = stream_of(STRIPE, client, "subscriptions")
        [page] = [Reader(stream.record, stream.key).read(page) for page in stream.pages(client, ALL)]
    good, _, rejected = page
    assert (good, len(rejected)) == ([], 1)


def test_a_key_to_another_account_than_the_tables_is_refused(place: Path, open_landed: Open) -> None:
    tag = {"id": "1", "name": "vip", "_fivetran_synced": MIDNIGHT}
    contact = {"id": "a", "workspace_id": "another", "updated_at": MIDNIGHT, **MARKS}
    land(place, "intercom", tag=[tag], contact_history=[contact], ticket_history=[{"id": "9", **MARKS}])
    with open_landed(INTERCOM, "fivetran") as client:
        stream = stream_of(INTERCOM, client, "tickets")
        with pytest.raises(OtherAccount, match="but the tables are of Intercom workspace another"):
            next(iter(stream.pages(client, ALL)))
        assert [each.name for each in read(INTERCOM, client, "tags")] == ["vip"]
