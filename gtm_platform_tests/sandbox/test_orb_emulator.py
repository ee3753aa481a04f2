"""Orb's emulator, read by Orb's own client with strict validation, against what is true of the people."""

import re
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import httpx
import orb
import pytest

from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.orb import TOKEN, Limits, app
from gtm_platform.sandbox.server import Sandbox
from gtm_platform.sandbox.world import World
from gtm_platform_tests.sandbox.conftest import DAY, START, serving

END = datetime.combine(DAY + timedelta(days=1), time(), UTC)
CENT = {"JPY": Decimal(1)}


@pytest.fixture(scope="module")
def client(box: Sandbox) -> Iterator[orb.Orb]:
    key, url = box.env["ORB_API_KEY"], box.env["ORB_BASE_URL"]
    with orb.Orb(api_key=key, base_url=url, max_retries=0, _strict_response_validation=True) as opened:
        yield opened


def monthly(amount: Decimal, cycle: Any) -> Decimal:
    return amount * 365 / 12 / cycle.duration if cycle.duration_unit == "day" else amount / cycle.duration


def fee(price: Any, quantity: Decimal) -> Decimal:
    """The fixed fee of a cycle, by the price's model."""
    if price.price_model_type == "unit":
        return quantity * Decimal(price.unit_config.unit_amount)
    if price.price_model_type == "package":
        return -(-quantity // price.package_config.package_size) * Decimal(price.package_config.package_amount)
    if price.price_model_type == "bulk":
        tiers = price.bulk_config.tiers
        reached = next(tier for tier in tiers if tier.maximum_units is None or quantity <= Decimal(tier.maximum_units))
        return quantity * Decimal(reached.unit_amount)
    total = Decimal(0)
    for tier in price.tiered_config.tiers:
        last = quantity if tier.last_unit is None else min(quantity, Decimal(tier.last_unit))
        total += max(Decimal(0), last - Decimal(tier.first_unit)) * Decimal(tier.unit_amount)
    return total


def is_live(span: Any, at: datetime) -> bool:
    return bool(span.start_date <= at and (span.end_date is None or at < span.end_date))


def worth(subscription: Any, at: datetime) -> Decimal:
    """MRR at an instant, from price intervals, quantities, adjustments and minimums."""
    trial = subscription.trial_info.end_date
    if not is_live(subscription, at) or (trial and trial > at):
        return Decimal(0)
    total = Decimal(0)
    for interval in (each for each in subscription.price_intervals if is_live(each, at)):
        price, amount = interval.price, Decimal(0)
        if price.price_type == "fixed_price":
            effective = [
                each.quantity for each in interval.fixed_fee_quantity_transitions or [] if each.effective_date <= at
            ]
            quantity = Decimal(effective[-1] if effective else price.fixed_price_quantity or 1)
            [scheduled] = [e.quantity for e in subscription.fixed_fee_quantity_schedule if is_live(e, at)]
            assert scheduled == quantity
            amount = fee(price, quantity)
        for each in (each for each in subscription.adjustment_intervals if is_live(each, at)):
            if each.adjustment.adjustment_type == "percentage_discount":
                amount -= amount * Decimal(str(each.adjustment.percentage_discount))
            elif each.adjustment.adjustment_type == "amount_discount":
                amount = max(Decimal(0), amount - Decimal(each.adjustment.amount_discount))
        least = [Decimal(e.minimum_amount) for e in subscription.minimum_intervals if is_live(e, at)]
        total += monthly(max([amount, *least]), price.billing_cycle_configuration)
    currency = subscription.price_intervals[0].price.currency
    return total.quantize(CENT.get(currency, Decimal("0.01")), ROUND_HALF_UP)


def test_mrr_and_ltv_are_true(client: orb.Orb, true_people: list[dict[str, Any]]) -> None:
    worths, cash, customers = defaultdict(Decimal), defaultdict(Decimal), {}
    for subscription in client.subscriptions.list(limit=7):
        worths[subscription.customer.id] += worth(subscription, END - timedelta(seconds=1))
    for customer in client.customers.list(limit=100):
        customers[customer.id] = customer
    for invoice in client.invoices.list(limit=11):
        if invoice.status == "paid":
            refunds = sum(Decimal(note.total) for note in invoice.credit_notes if note.type == "refund")
            cash[invoice.customer.id] += Decimal(invoice.total) - refunds
    assert set(customers) == {id_ for person in true_people for id_ in person["orb"]}
    compared = 0
    for person in true_people:
        if person["mrr_source"] != "orb":
            continue
        [id_] = person["orb"]
        assert Decimal(person["mrr"]) == worths[id_], person["person"]
        assert customers[id_].currency == person["currency"].upper()
        if customers[id_].payment_provider != "stripe_charge":
            assert Decimal(person["ltv"]) == cash[id_], person["person"]
            compared += bool(cash[id_])
    assert compared > 4
    assert any(customer.payment_provider == "stripe_charge" for customer in customers.values())


def test_somebody_is_billed_under_the_address_of_the_finance_department(client: orb.Orb, box: Sandbox) -> None:
    inbox = re.compile("(billing|finance|invoices|ap|accounts)@")
    customers = [each for each in client.customers.list() if inbox.match(each.email)]
    assert len(customers) > 3
    contacts = box.world.hubspot.objects["contacts"]
    for customer in customers:
        assert customer.external_customer_id or customer.metadata["hubspot_contact_id"] in contacts


def test_the_same_read_in_other_ways(client: orb.Orb) -> None:
    subscription = next(iter(client.subscriptions.list(status="active")))
    assert client.subscriptions.fetch(subscription.id).id == subscription.id
    assert [each.id for each in client.subscriptions.list(customer_id=[subscription.customer.id])] == [subscription.id]
    customer = next(each for each in client.customers.list() if each.external_customer_id)
    assert client.customers.fetch_by_external_id(customer.external_customer_id).id == customer.id
    assert client.customers.fetch(customer.id).email == customer.email
    plan = next(iter(client.plans.list(limit=3)))
    assert client.plans.fetch(plan.id).name == plan.name
    invoice = next(iter(client.invoices.list()))
    assert client.invoices.fetch(invoice.id).total == invoice.total
    assert len(list(client.subscriptions.fetch_schedule(subscription.id))) == 1
    assert len(list(client.prices.list())) == len(list(client.plans.list()))
    assert client.top_level.ping().response == "pong"


def test_lists_are_newest_first_and_filtered(client: orb.Orb, box: Sandbox) -> None:
    invoices = list(client.invoices.list(limit=13, status=["draft", "issued", "paid", "synced", "void"]))
    assert {invoice.id for invoice in invoices} == set(box.world.orb.invoices)
    dates = [invoice.invoice_date for invoice in invoices]
    assert dates == sorted(dates, reverse=True)
    assert {invoice.status for invoice in client.invoices.list()} <= {"issued", "paid", "synced"}
    since = END - timedelta(days=30)
    recent = list(client.invoices.list(invoice_date_gte=since))
    assert {invoice.id for invoice in recent} == {
        each.id for each in invoices if each.invoice_date >= since and each.status in ("issued", "paid")
    }
    assert list(client.customers.list(created_at_gt=END)) == []
    names = ("active", "ended", "upcoming")
    statuses = {name: len(list(client.subscriptions.list(status=name))) for name in names}
    assert sum(statuses.values()) == len(box.world.orb.subscriptions)
    assert statuses["active"] > statuses["ended"] > 0


def test_who_owes_is_delinquent() -> None:
    world = World(8, 900, START)
    world.advance(END)
    people = {id_: person for person in world.truth(DAY)["people"] for id_ in person["orb"]}
    owing = {
        invoice.customer
        for invoice in world.orb.invoices.values()
        if invoice.status == "issued" and (invoice.due < END or invoice.failed)
    }
    assert len(owing) > 1
    for id_, person in people.items():
        if not person["stripe"]:
            assert person["delinquent"] == (id_ in owing)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda client: client.customers.fetch("nobody"), orb.NotFoundError),
        (lambda client: client.get("/nowhere", cast_to=object), orb.NotFoundError),
        (lambda client: client.customers.list(limit=101), orb.BadRequestError),
        (lambda client: client.invoices.list(status=["mislaid"]), orb.BadRequestError),
        (lambda client: client.customers.list(cursor="!"), orb.BadRequestError),
        (lambda client: client.with_options(api_key="other").customers.list(), orb.AuthenticationError),
    ],
)
def test_what_is_asked_wrongly_is_refused(client: orb.Orb, call: Any, error: type[orb.APIStatusError]) -> None:
    with pytest.raises(error) as raised:
        call(client)
    body = raised.value.response.json()
    assert body["type"].startswith("https://docs.withorb.com/reference/error-responses#")
    assert body["status"] == raised.value.status_code


def test_one_call_too_many() -> None:
    world = World(5, 5, START)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with serving(app(world.orb, world.clock, Limits(Limit(1, 60))), headers) as client:
        answers: list[httpx.Response] = [client.get("/v1/ping") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert answers[1].json()["type"].endswith("#429-too-many-requests")
