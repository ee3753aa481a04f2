"""Orb, read from the emulator into a lake: what its tables say of money is true, and whom its feed names."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal

import ibis
import pytest

from gtm_platform.ingest.feeds import PersonFeed, read
from gtm_platform.ingest.record import Reader
from gtm_platform.sandbox.orb import app
from gtm_platform.sandbox.orb.store import OrbStore
from gtm_platform.sandbox.server import Sandbox
from gtm_platform.settings import settings
from gtm_platform.sources.orb import records
from gtm_platform.sources.orb.client import check, identity
from gtm_platform.sources.orb.feeds import FEEDS
from gtm_platform.sources.orb.source import SOURCE
from gtm_platform_tests.sources.billing_world import DAY, END, Row, billing_world, read_whole
from gtm_platform_tests.sources.conftest import Stand

Tables = dict[str, list[Row]]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with billing_world() as box:
        yield box


@pytest.fixture(scope="module")
def tables(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Tables:  # noqa: ARG001  it has to run
    return read_whole(SOURCE, tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def billed_by_orb(box: Sandbox) -> list[Row]:
    people = box.world.truth(DAY.date())["people"]
    return [person for person in people if person["mrr_source"] == "orb"]


def worth(subscription: Row, before: datetime) -> Decimal:
    """MRR just before an instant."""
    trial = subscription["trial_ends_at"]
    if trial and trial >= before:
        return Decimal(0)
    [phase] = [
        each
        for each in subscription["phases"]
        if (each["begins"] is None or each["begins"] < before) and (each["ends"] is None or before <= each["ends"])
    ]
    amount: Decimal = phase["mrr"]
    return amount


def test_mrr_is_true_of_the_last_day_and_of_days_before(box: Sandbox, tables: Tables) -> None:
    compared = 0
    for days in (0, 5, 12):
        before, worths = END - timedelta(days=days), defaultdict[str, Decimal](Decimal)
        for subscription in tables["subscriptions"]:
            worths[subscription["customer_id"]] += worth(subscription, before)
        for person in box.world.truth((DAY - timedelta(days=days)).date())["people"]:
            if person["mrr_source"] == "orb":
                assert sum(worths[id_] for id_ in person["orb"]) == Decimal(person["mrr"]), person["person"]
                compared += bool(Decimal(person["mrr"]))
    assert compared > 20
    assert {each["currency"] for each in tables["subscriptions"]} > {"USD", "EUR"}
    assert all(each["unpriced"] == [] for each in tables["subscriptions"])


def test_ltv_is_true_of_whom_stripe_does_not_collect_from(tables: Tables, billed_by_orb: list[Row]) -> None:
    cash, compared = defaultdict[str, Decimal](Decimal), 0
    collected = {each["id"] for each in tables["customers"] if each["payment_provider"] == "stripe_charge"}
    for invoice in tables["invoices"]:
        cash[invoice["customer_id"]] += invoice["total"] if invoice["status"] == "paid" else 0
    for note in tables["credit_notes"]:
        cash[note["customer_id"]] -= note["total"] if note["type"] == "refund" else 0
    for person in billed_by_orb:
        if not collected & set(person["orb"]):
            assert sum(cash[id_] for id_ in person["orb"]) == Decimal(person["ltv"]), person["person"]
            compared += bool(Decimal(person["ltv"]))
    assert compared > 4
    assert collected


def test_who_owes_and_what_failed_is_true(tables: Tables, billed_by_orb: list[Row]) -> None:
    owing, failed = set[str](), defaultdict[str, int](int)
    collected = {each["id"] for each in tables["customers"] if each["payment_provider"] == "stripe_charge"}
    for invoice in tables["invoices"]:
        if invoice["status"] == "issued" and (invoice["due_at"] < END or invoice["payment_failed_at"]):
            owing.add(invoice["customer_id"])
        attempts = [each for each in invoice["payment_attempts"] if not each["succeeded"]]
        failed[invoice["customer_id"]] += sum(END - timedelta(days=30) <= each["tried_at"] < END for each in attempts)
    for person in billed_by_orb:
        if not collected & set(person["orb"]):
            assert bool(owing & set(person["orb"])) == person["delinquent"], person["person"]
            assert sum(failed[id_] for id_ in person["orb"]) == person["failed_payments_30d"], person["person"]
    assert owing


def test_invoices_that_were_voided_are_read_and_drafts_are_not(box: Sandbox, tables: Tables) -> None:
    shown = {each["id"]: each["status"] for each in tables["invoices"]}
    assert shown == {each.id: each.status for each in box.world.orb.invoices.values() if each.status != "draft"}
    assert all(each["lines"] for each in tables["invoices"])


def test_the_feed_names_the_ids_of_other_systems(tables: Tables) -> None:
    feed: PersonFeed = next(each for each in FEEDS if isinstance(each, PersonFeed))
    columns = ("id", "payment_provider", "payment_provider_id", "external_customer_id", "hubspot_contact_id")
    table = ibis.memtable(
        [
            dict(zip(columns, row, strict=True))
            for row in (
                ("a", "stripe_charge", "cus_1", "usr_1", None),
                ("b", "stripe_invoice", "cus_2", None, "77"),
                ("c", "netsuite", "ext_3", None, None),
                ("d", None, None, None, None),
            )
        ]
    )
    shared = table.select("id", **{name: read(table, where) for name, where in feed.shared_ids.items()})
    assert shared.order_by("id").to_pyarrow().to_pylist() == [
        {"id": "a", "stripe": "cus_1", "product": "usr_1", "hubspot": None},
        {"id": "b", "stripe": "cus_2", "product": None, "hubspot": "77"},
        {"id": "c", "stripe": None, "product": None, "hubspot": None},
        {"id": "d", "stripe": None, "product": None, "hubspot": None},
    ]
    assert any(each["hubspot_contact_id"] for each in tables["customers"])


def test_a_customer_that_is_being_deleted_is_gone() -> None:
    [shown], _, rejected = Reader(records.Customer).read([b'{"id":"orbcus_1","deleted":true}'])
    assert shown.is_gone()
    assert rejected == []


def test_an_account_is_recognised_by_its_oldest_plan(
    box: Sandbox, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in box.env.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    with SOURCE.open() as orb:
        first, sentence = identity(orb), check(orb)
    oldest = min(box.world.orb.plans.values(), key=lambda plan: (plan.created, plan.id))
    assert first.account_id == oldest.id
    assert sentence == f"account with {len(box.world.orb.plans)} plans"
    stand.emulator = app(OrbStore(), lambda: END)
    monkeypatch.setenv("ORB_BASE_URL", f"{stand.url}/v1")
    settings.cache_clear()
    with SOURCE.open() as orb:
        assert identity(orb) is None
    settings.cache_clear()
