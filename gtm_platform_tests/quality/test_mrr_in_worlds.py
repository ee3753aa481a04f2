"""The systems of whole made-up companies agree but for causes that are accepted; a real difference is seen."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import ibis
import pytest

from gtm_platform.core.billing_feeds import FEEDS
from gtm_platform.core.subscriptions import CONTRACT, rated, with_leading
from gtm_platform.ingest.discovery import discover_sources
from gtm_platform.ingest.plan import PartitionWindow
from gtm_platform.ingest.stream_sync import StreamSync
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.quality import mrr_differences
from gtm_platform.quality.checks import mrr_differences as listed
from gtm_platform.sandbox.kit.limits import WINDOWS
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings
from gtm_platform_tests.ingest.syncing import RULES
from gtm_platform_tests.tables import computed, filled, rows_of

Row = dict[str, Any]

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=14)
PEOPLE = 200
TABLES = {table for feed in FEEDS for table in feed.tables}


@contextmanager
def world(seed: int) -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch, running(PEOPLE, seed, START) as box:
        patch.setattr(WINDOWS, "times", 100_000)  # nobody waits for a rate limit
        for name, value in box.env.items():
            patch.setenv(name, value)
        yield box
    settings.cache_clear()


def sync(box: Sandbox, lake: Lake, end: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read what the billing systems and their copies say at the end of a day."""
    now = end + timedelta(minutes=20)
    box.world.advance(now)
    monkeypatch.setenv("GTM_NOW", now.isoformat())
    settings.cache_clear()
    for source in discover_sources():
        start = end - timedelta(hours=source.hours)
        window = PartitionWindow(f"{start:%Y-%m-%d}" if source.hours == 24 else f"{start:%Y-%m-%dT%H%M}", start, end)
        streams = [stream for stream in source.streams if source.table(stream) in TABLES]
        if streams:
            with source.open() as client:
                for stream in streams:
                    StreamSync(lake, source, stream, RULES, now, "run").sync(client, [window])


def subscriptions(box: Sandbox, lake: Lake, end: datetime) -> ibis.Table:
    """`core/subscriptions`, with customers as the world itself knows them."""
    billing = {table: ibis.memtable(lake.as_of(table, f"{end:%Y-%m-%dT%H%M}").to_pyarrow()) for table in TABLES}
    whose = _customers(box, billing["intercom/contacts"])
    rows = [
        {**row, "customer_id": whose.get(payer, payer)}
        for feed in FEEDS
        for row in rows_of(rated(feed, billing, policy(), (end - timedelta(days=1)).date()))
        if (payer := row.pop("payer"))
    ]
    table = filled("core/subscriptions", *rows).drop("is_leading")
    return with_leading(table).select(*CONTRACT.columns)


def _customers(box: Sandbox, contacts: ibis.Table) -> dict[str, str]:
    """By the payer of each system: one of the ids under which ChartMogul has the customer, else the payer's own."""
    customers = box.world.chartmogul.customers.values()
    first = {each.external_id: customer.accounts[0].external_id for customer in customers for each in customer.accounts}
    first |= {customer.uuid: customer.accounts[0].external_id for customer in customers}
    linked = {row["id"]: row["stripe_id"] for row in rows_of(contacts.select("id", "stripe_id")) if row["stripe_id"]}
    return first | {contact: first.get(stripe, stripe) for contact, stripe in linked.items()}


def differences(box: Sandbox, lake: Lake) -> list[Row]:
    days = [subscriptions(box, lake, END - timedelta(days=number)) for number in range(3)]
    table = computed(
        mrr_differences.table,
        "quality/mrr_differences",
        subscriptions=days[0],
        a_day_before=days[1],
        two_days_before=days[2],
        policy=policy(),
    )
    return rows_of(table)


@pytest.mark.soak
@pytest.mark.parametrize("seed", [2, pytest.param(3, marks=pytest.mark.long)])
def test_no_false_alarm_and_a_planted_difference_is_found(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(tmp_path / "lake")
    with world(seed) as box:
        for days_before in (2, 1, 0):
            sync(box, lake, END - timedelta(days=days_before), monkeypatch)
        rows = differences(box, lake)
        assert len(rows) > 10, "a world in which all agree shows nothing"
        alarms = rows_of(listed(filled("quality/mrr_differences", *rows), policy()))
        assert {row["cause"] for row in alarms} <= {"missing customer"}
        imported = _customers(box, ibis.memtable([{"id": "", "stripe_id": ""}])).keys()
        assert [row for row in alarms if row["customer_id"] in imported] == [], "ChartMogul has them"
        contact = next(
            each
            for each in box.world.intercom.contacts.values()
            if each.custom_attributes.get("stripe_subscription_status") == "active"
            and each.custom_attributes["stripe_id"] in box.world.stripe.customers
        )
        contact.custom_attributes["stripe_plan_price"] *= 1.37
        contact.updated = END - timedelta(minutes=1)
        sync(box, lake, END, monkeypatch)
        table = filled("quality/mrr_differences", *differences(box, lake))
        (found,) = [row for row in rows_of(listed(table, policy())) if row["cause"] != "missing customer"]
    assert (found["other_source"], found["cause"]) == ("intercom", "unexplained")
