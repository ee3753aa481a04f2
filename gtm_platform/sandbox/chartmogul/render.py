"""ChartMogul's customers, subscriptions, activities and plans as the API shows them, dashed and underscored as there.

Money is an integer in the currency's smallest unit: cents, and whole yen. (What ChartMogul does with currencies that
have no cents is not established.)
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from gtm_platform.sandbox.chartmogul import mirror
from gtm_platform.sandbox.chartmogul.mirror import Movement
from gtm_platform.sandbox.chartmogul.store import ChartMogulCustomer, ChartMogulStore, MirroredAccount
from gtm_platform.sandbox.kit.timeline import as_of

Shape = dict[str, Any]
SYSTEMS = {"1": "Stripe", "2": "Import API", "3": "Import API"}  # by the end of a data source's uuid
NAMES = {"1": "Stripe", "2": "Orb", "3": "By hand"}
_SIGNS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}
_DEEDS = {
    "new_biz": "purchased",
    "expansion": "upgraded to",
    "contraction": "downgraded to",
    "churn": "cancelled",
    "reactivation": "reactivated",
}


def instant(at: datetime | None) -> str | None:
    """An instant with its offset; no instant stays none."""
    return at.isoformat(timespec="seconds") if at else None


def system_of(source: str) -> str:
    """The billing system of a data source."""
    return SYSTEMS[source[-1]]


def customer(record: ChartMogulCustomer, now: datetime) -> Shape:
    """A customer; its MRR is in its own currency. An empty text stands for no address and no company."""
    amount, currency = mirror.mrr(record, now), mirror.shown_currency(record)
    sources = list(dict.fromkeys(account.source for account in record.imported(now)))
    ids = [account.external_id for account in record.imported(now)]
    custom = {"utmSource": record.utm_source} if record.utm_source else {}
    return {
        "id": record.number,
        "uuid": record.uuid,
        "external_id": ids[0],
        "external_ids": ids,
        "data_source_uuid": sources[0],
        "data_source_uuids": sources,
        "name": record.name,
        "company": record.company,
        "email": record.email,
        "status": mirror.status(record, now),
        "customer-since": instant(mirror.customer_since(record, now)),
        "lead_created_at": None,
        "free_trial_started_at": None,
        "city": record.city,
        "state": None,
        "country": record.country,
        "zip": None,
        "attributes": {"tags": [], "stripe": {}, "clearbit": {}, "custom": custom},
        "address": {"address_zip": None, "city": record.city, "state": None, "country": record.country},
        "mrr": amount,
        "arr": 12 * amount,
        "currency": currency.upper(),
        "currency-sign": _SIGNS[currency],
        "billing-system-type": system_of(sources[0]),
        "billing-system-url": f"https://dashboard.stripe.com/customers/{ids[0]}" if ids[0].startswith("cus_") else None,
        "chartmogul-url": f"https://app.chartmogul.com/#/customers/{record.number}",
        "website_url": None,
    }


def subscription(record: ChartMogulCustomer, account: MirroredAccount, store: ChartMogulStore, now: datetime) -> Shape:
    """The newest subscription of a customer at one billing system."""
    shown = now - record.lag
    id_, plan = as_of(account.subscriptions, shown) or "", as_of(account.plans, shown) or ""
    amount = mirror.worth(record, account, shown)
    title, _, count, unit = store.plans.get(plan, (plan, "", 1, "month"))
    begun = next((at for at, value in account.subscriptions if value == id_), None)
    over = as_of(account.standings, shown) is None
    ended = account.standings[-1][0] if over and account.standings else None
    currency = mirror.shown_currency(record)
    return {
        "id": record.number * 10 + record.accounts.index(account),
        "uuid": f"sub_{uuid5(NAMESPACE_URL, id_)}",
        "external_id": id_,
        "plan": title,
        "quantity": 1,
        "mrr": amount,
        "arr": 12 * amount,
        "status": "inactive" if over else "active",
        "billing-cycle": unit,
        "billing-cycle-count": count,
        "start-date": instant(begun),
        "end-date": instant(ended),
        "currency": currency.upper(),
        "currency-sign": _SIGNS[currency],
    }


def activity_uuid(record: ChartMogulCustomer, movement: Movement) -> str:
    """The uuid of a movement."""
    return str(uuid5(NAMESPACE_URL, f"{record.uuid} {movement.at.isoformat()}"))


def customer_activity(record: ChartMogulCustomer, movement: Movement, store: ChartMogulStore) -> Shape:
    """A movement as it is listed with its customer."""
    shape = activity(record, movement, store)
    shared = ("date", "type", "description", "activity-mrr-movement", "activity-mrr", "activity-arr", "currency")
    return {
        "id": uuid5(NAMESPACE_URL, shape["uuid"]).int % 2**40,
        **{name: shape[name] for name in shared},
        "currency-sign": _SIGNS[mirror.shown_currency(record)],
        "subscription-external-id": shape["subscription-external-id"],
    }


def activity(record: ChartMogulCustomer, movement: Movement, store: ChartMogulStore) -> Shape:
    """A movement as it is listed with all others."""
    just_after = movement.at + timedelta(microseconds=1)
    plan_id = as_of(movement.account.plans, just_after) or ""
    return {
        "uuid": activity_uuid(record, movement),
        "date": instant(movement.at),
        "type": movement.kind,
        "description": f"{_DEEDS[movement.kind]} the {store.plans.get(plan_id, (plan_id,))[0]} plan",
        "activity-mrr-movement": movement.by,
        "activity-mrr": movement.mrr,
        "activity-arr": 12 * movement.mrr,
        "currency": mirror.shown_currency(record).upper(),
        "subscription-external-id": as_of(movement.account.subscriptions, just_after) or "",
        "plan-external-id": plan_id,
        "customer-name": record.name,
        "customer-uuid": record.uuid,
        "customer-external-id": movement.account.external_id,
        "billing-connector-uuid": movement.account.source,
    }


def plan(id_: str, store: ChartMogulStore) -> Shape:
    """A plan of a data source."""
    name, source, count, unit = store.plans[id_]
    return {
        "uuid": f"pl_{uuid5(NAMESPACE_URL, id_)}",
        "data_source_uuid": source,
        "name": name,
        "interval_count": count,
        "interval_unit": unit,
        "external_id": id_,
    }
