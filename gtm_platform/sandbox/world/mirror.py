"""How billing is imported into ChartMogul: what it is called there, how late it comes, and where the import differs.

What ChartMogul makes of the timelines belongs to its emulator.
"""

from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from gtm_platform.sandbox.chartmogul.store import ChartMogulCustomer, ChartMogulStore, MirroredAccount
from gtm_platform.sandbox.world import catalogue, names, orb_catalogue
from gtm_platform.sandbox.world.context import Context
from gtm_platform.sandbox.world.history import BillingHistory, PersonHistory, RecordHistory
from gtm_platform.sandbox.world.people import Person

SOURCES = {
    "stripe": "ds_00000000-0000-4000-8000-000000000001",
    "orb": "ds_00000000-0000-4000-8000-000000000002",
    "manual": "ds_00000000-0000-4000-8000-000000000003",
}
_MISSING = 0.03  # share of billing customers that were never imported
_TAXES = {"eur": 19, "gbp": 20, "jpy": 10}


def mirrored(history: BillingHistory, system: str) -> MirroredAccount:
    """An account by its timelines, which go on as it lives."""
    return MirroredAccount(
        external_id=history.id,
        created=history.since,
        source=SOURCES[system],
        currency=history.currency,
        mrr=history.mrr,
        gross=history.gross,
        net=history.net,
        standings=history.standings,
        delinquent=history.delinquent,
        subscriptions=history.subscriptions,
        plans=history.plans,
    )


def import_customer(
    context: Context,
    rng: Random,
    person: Person,
    person_history: PersonHistory,
    accounts: list[MirroredAccount],
    email: str | None,
    created: datetime,
) -> None:
    """Have a customer imported, unless the import forgets it."""
    if accounts[0].source != SOURCES["manual"] and rng.random() < _MISSING:
        return
    company = person.company.name if person.company else ""
    currency = accounts[0].currency
    quirk, tax = _quirk(rng, currency)
    late = rng.random() < 0.05
    lag = timedelta(hours=rng.randrange(20, 44)) if late else timedelta(minutes=rng.randrange(5, 150))
    if accounts[0].source == SOURCES["manual"]:
        quirk, lag = None, timedelta(minutes=5)
    customer = ChartMogulCustomer(
        number=25_000 + person.number * 4 + len(person_history.mirrored),
        uuid=f"cus_{UUID(int=rng.getrandbits(128), version=4)}",
        name=company or person.name,
        company=company,
        email=(email or "").strip(),
        created=created + lag,
        accounts=accounts,
        lag=lag,
        quirk=quirk,
        tax=tax,
        city=person.city if rng.random() < 0.7 else None,
        country=names.COUNTRIES[person.country][1],
        utm_source=rng.choice(("newsletter", "google", None)),
    )
    person_history.mirrored.append(customer)
    record = RecordHistory(customer.uuid, customer.created)
    record.add_email(customer.created, email)
    person_history.records.setdefault("chartmogul", []).append(record)
    context.chartmogul.customers[customer.uuid] = customer


def _quirk(rng: Random, currency: str) -> tuple[str | None, int]:
    roll = rng.random()
    if roll < 0.35:
        return "discount", 0  # which shows only where there is a discount
    if roll < 0.6:
        return "trial", 0  # which shows only while there is a trial
    if roll < 0.65 and currency in _TAXES:
        return "tax", _TAXES[currency]
    return ("currency", 0) if roll > 0.95 and currency != "usd" else (None, 0)


def stock(store: ChartMogulStore, start: datetime) -> None:
    """The plans of all data sources."""
    store.opened = start - timedelta(days=900)
    for currency in catalogue.CURRENCIES:
        for offer, sold in catalogue.OFFERS.items():
            if sold.interval:
                id_ = catalogue.price_id(offer, currency)
                days = 7 if sold.interval == "week" else 1
                unit = "day" if sold.interval == "week" else sold.interval
                title = catalogue.title(catalogue.Line(offer))
                store.plans[id_] = (title, SOURCES["stripe"], sold.count * days, unit)
        for offer, plan in orb_catalogue.OFFERS.items():
            count, unit = (plan.days, "day") if plan.days else (plan.months, "month")
            store.plans[orb_catalogue.plan_id(offer, currency)] = (plan.name, SOURCES["orb"], count, unit)
    store.plans["retainer"] = ("Retainer", SOURCES["manual"], 1, "month")
