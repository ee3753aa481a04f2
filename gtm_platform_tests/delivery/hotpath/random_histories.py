"""Random histories of customers: what their systems hold at first, and what changes in them."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from gtm_platform_tests.delivery.hotpath.hot_home import TODAY, HotHome, Record

MODES = ("forever_only", "recurring", "all")
STATUSES = ("active", "active", "past_due", "trialing", "canceled", "unpaid", "paused")
NOON = datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC)
KINDS = (
    *("billed", "billed", "failed", "failed", "paid", "refunded", "seen", "seen", "seen", "ticket", "ticket", "call"),
    *("usage", "usage", "talk", "deal", "product", "admin", "name"),
)
OF_COMPANIES = (
    "pushed",
    "pushed",
    "described",
    "account",
    "queries",
    "overlap",
    "competitor",
    "billed",
    "seen",
    "paid",
)
OF_EVERYBODY = ("product", "admin")
OF_IDENTITY = ("address", "newcomer", "same_address", "second_record", "payer", "company", "merged")


def address(random: Random, number: int) -> str:
    domain = (
        random.choice([f"firm{number // 3}.example", "gmail.com"]) if number % 4 == 0 else f"firm{number // 3}.example"
    )
    return f"p{number}@{domain}"


def subscription(random: Random, number: int, name: str = "") -> Record:
    amount = random.choice([0, 900, 900, 4_900, random.randrange(100, 90_000)])
    amounts = {f"{name}_{mode}": of for mode in MODES for name, of in (("mrr", amount), ("arr", amount * 12))}
    phase = {"begins": None, "ends": None, **amounts}
    status = random.choice(STATUSES)
    ended = NOON - timedelta(days=random.randrange(40)) if status == "canceled" else None
    return {
        "id": f"sub{number}{name}",
        "customer_id": f"s{number}",
        "status": status,
        "currency": random.choice(["usd", "usd", "eur"]),
        "product_id": "prod",
        "phases": [phase],
        "created_at": NOON - timedelta(days=random.randrange(1, 400)),
        "ended_at": ended,
        "cancel_at_period_end": random.random() < 0.1,
    }


def contact(random: Random, number: int) -> Record:
    return {
        "id": f"i{number}",
        "email": f"p{number}@firm{number // 3}.example",
        "role": "user",
        "last_seen_at": NOON - timedelta(days=random.randrange(60), minutes=random.randrange(600)),
        "signed_up_at": NOON - timedelta(days=400),
        "stripe_id": f"s{number}" if random.random() < 0.3 else None,
    }


def charge(random: Random, number: int, nth: int, status: str) -> Record:
    amount = random.randrange(100, 9_000)
    return {
        "id": f"ch{number}_{nth}",
        "customer_id": f"s{number}",
        "status": status,
        "currency": "usd",
        "amount_captured": amount if status == "succeeded" else 0,
        "created_at": NOON - timedelta(days=random.randrange(60), minutes=random.randrange(600)),
    }


def first(random: Random, people: int) -> dict[str, list[Record]]:
    """What the systems hold before today."""
    records: dict[str, list[Record]] = {
        name: []
        for name in (
            *("hubspot/contacts", "intercom/contacts", "stripe/customers", "stripe/subscriptions", "stripe/charges"),
            *("userflow/users", "posthog/persons", "posthog/daily_usage", "intercom/tickets"),
            *("hubspot/companies", "chroma_admin/accounts", "pushed_signals/signals"),
        )
    }
    for firm in range(people // 3):
        records["hubspot/companies"].append(described(random, firm))
        if random.random() < 0.5:
            records["pushed_signals/signals"].append(pushed(random, firm, 0))
        if random.random() < 0.5:
            records["chroma_admin/accounts"].append(account(random, firm))
    records["crossbeam/partners"] = [{"id": "partner", "name": "Firm 0", "domain": "firm0.example"}]
    for number in range(people):
        mail = address(random, number)
        records["hubspot/contacts"].append({"id": f"h{number}", "email": mail, "first_name": f"P{number}"})
        if random.random() < 0.8:
            payer = {"id": f"s{number}", "email": mail, "currency": "usd", "delinquent": random.random() < 0.2}
            records["stripe/customers"].append(payer)
            records["stripe/subscriptions"].append(subscription(random, number))
            records["stripe/charges"].append(charge(random, number, 0, "succeeded"))
        if random.random() < 0.7:
            records["intercom/contacts"].append({**contact(random, number), "email": mail})
        if random.random() < 0.5:
            records["userflow/users"].append(
                {"id": f"u{number}", "email": mail, "last_seen_at": NOON - timedelta(days=9)}
            )
        if random.random() < 0.5:
            records["posthog/persons"].append({"id": f"ph{number}", "email": mail})
            records["posthog/daily_usage"].append(usage(random, number, 3))
    records["stripe/products"] = [{"id": "prod", "name": "Growth"}]
    return records


def described(random: Random, firm: int) -> Record:
    return {
        "id": f"o{firm}",
        "name": f"Firm {firm}",
        "domain": f"firm{firm}.example",
        "industry": random.choice(["Software", "Retail", None]),
        "country": random.choice(["Norway", "Spain"]),
        "employee_count": random.choice([3, 40, 900]),
        "updated_at": NOON - timedelta(days=random.randrange(1, 90)),
    }


def pushed(random: Random, firm: int, nth: int) -> Record:
    return {
        "id": f"signal{firm}_{nth}",
        "kind": random.choice(["visit", "listed", "job"]),
        "name": random.choice(["pricing", "AI engineer"]),
        "company_domain": f"firm{firm}.example",
        "company_name": f"Firm {firm}",
        "strength": random.choice([1, 3]),
        "received_at": NOON - timedelta(days=random.randrange(60), minutes=random.randrange(600)),
    }


def account(random: Random, firm: int) -> Record:
    owned = {"email": f"p{firm * 3}@firm{firm}.example"} if firm % 2 else {}
    active_on = TODAY - timedelta(days=random.randrange(50))
    return {
        "id": f"account{firm}",
        "company_name": f"Firm {firm}",
        "instances": random.randrange(9),
        "collections": random.randrange(99),
        "last_active_on": active_on,
        **owned,
    }


def usage(random: Random, number: int, days: int) -> Record:
    day = TODAY - timedelta(days=days)
    return {
        "person_id": f"ph{number}",
        "day": day,
        "logins": random.randrange(9),
        "last_event_at": NOON - timedelta(days=days),
    }


def change(random: Random, home: HotHome, people: int, kinds: tuple[str, ...]) -> dict[str, list[Record]]:
    """Return what one thing that happens makes of the records."""
    kind, number = random.choice(kinds), random.randrange(people)

    def records(table: str, id: str) -> Record | None:
        return home.records[table].get(id)

    def altered(table: str, id: str, **values: Any) -> dict[str, list[Record]]:
        record = records(table, id)
        return {table: [{**record, **values}]} if record else {}

    new = random.randrange(10**6)
    moment = NOON - timedelta(minutes=random.randrange(600))
    match kind:
        case "billed":
            return {"stripe/subscriptions": [subscription(random, number, random.choice(["", "", "b"]))]}
        case "failed" | "paid":
            status = "failed" if kind == "failed" else "succeeded"
            return {"stripe/charges": [charge(random, number, new, status)]}
        case "refunded":
            refund = {
                "id": f"re{new}",
                "charge_id": f"ch{number}_0",
                "status": "succeeded",
                "amount": 50,
                "currency": "usd",
            }
            return {"stripe/refunds": [{**refund, "created_at": moment}]}
        case "seen":
            return altered("intercom/contacts", f"i{number}", last_seen_at=moment)
        case "ticket":
            ticket = {
                "id": f"t{number}",
                "contact_id": f"i{number}",
                "open": random.random() < 0.7,
                "state": "submitted",
            }
            return {"intercom/tickets": [ticket]}
        case "call":
            call = {"id": f"c{new}", "email": f"p{number}@firm{number // 3}.example", "created_at": moment}
            return {"calendly/invitees": [{**call, "starts_at": moment, "ends_at": moment, "status": "active"}]}
        case "usage":
            return {"posthog/daily_usage": [usage(random, number, random.randrange(4))]}
        case "talk":
            talk = {"id": f"v{number}", "contact_id": f"i{number}", "author_id": f"i{number}", "author_type": "user"}
            body = random.choice(["Please cancel my subscription.", "Thanks, great!", "This is terrible."])
            return {"intercom/conversations": [{**talk, "body": body, "created_at": moment, "state": "open"}]}
        case "deal":
            return {"hubspot/deals": [{"id": f"d{number}", "amount": 100, "created_at": moment}]}
        case "product":
            return altered("stripe/products", "prod", name=f"Plan {new}")
        case "admin":
            return {"intercom/admins": [{"id": f"a{number}", "name": f"Admin {new}", "email": "a@ours.example"}]}
        case "pushed":
            return {"pushed_signals/signals": [pushed(random, number // 3, new)]}
        case "described":
            return {"hubspot/companies": [described(random, number // 3)]}
        case "account":
            return altered("chroma_admin/accounts", f"account{number // 3}", instances=new % 20, collections=new % 99)
        case "queries":
            day = TODAY - timedelta(days=random.randrange(60))
            used = {"account_id": f"account{number // 3}", "day": day, "queries": new % 500}
            return {"chroma_admin/daily_usage": [used]}
        case "overlap":
            pair = {"record_key": f"r{number // 3}", "partner_record_key": "p", "partner_domain": "firm0.example"}
            place = {"website": f"firm{number // 3}.example", "partner_populations": ["Customers"]}
            return {"crossbeam/overlaps": [pair | place]}
        case "competitor":
            use = {"use_key": f"use{number // 3}", "company_domain": f"firm{number // 3}.example", "confidence": 0.9}
            return {"competitor_research/competitor_use": [use | {"competitor": "pinecone", "seen_on": moment.date()}]}
        case "name":
            return altered("hubspot/contacts", f"h{number}", first_name=f"N{new}")
        case "address":
            other = random.choice([address(random, random.randrange(people)), f"new{new}@firm{number // 3}.example"])
            table, id = random.choice(
                [("hubspot/contacts", "h"), ("intercom/contacts", "i"), ("stripe/customers", "s")]
            )
            return altered(table, f"{id}{number}", email=other)
        case "newcomer":
            return {
                "intercom/contacts": [{**contact(random, people + new), "email": f"n{new}@firm{number // 3}.example"}]
            }
        case "same_address":
            return {"intercom/contacts": [{**contact(random, people + new), "email": address(random, number)}]}
        case "second_record":
            return {"hubspot/contacts": [{"id": f"h{number}b", "email": address(random, number)}]}
        case "payer":
            customer = {"id": f"s{people + new}", "email": f"n{new}@new{new}.example", "currency": "usd"}
            return {
                "stripe/customers": [customer],
                "stripe/subscriptions": [{**subscription(random, people + new), "customer_id": customer["id"]}],
            }
        case "company":
            return {
                "hubspot/companies": [
                    {"id": f"o{number}", "name": f"Firm {new}", "domain": f"firm{number // 3}.example"}
                ]
            }
        case "merged":
            return altered("hubspot/contacts", f"h{number}", merged_ids=[f"h{random.randrange(people)}"])
    raise AssertionError(kind)
