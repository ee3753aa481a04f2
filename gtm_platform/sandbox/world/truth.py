"""Who is who and how they stand at the end of a day, from what the world decided, not from what the systems show."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from itertools import chain
from typing import Any

from gtm_platform.sandbox.world.agenda import DAY
from gtm_platform.sandbox.world.catalogue import in_major
from gtm_platform.sandbox.world.history import BillingHistory, CaseHistory, PersonHistory, RecordHistory, as_of
from gtm_platform.sandbox.world.people import Company


def truth(histories: Iterable[PersonHistory], companies: Iterable[Company], day: date) -> dict[str, Any]:
    before = datetime.combine(day, time(), UTC) + DAY
    people = [row for person_history in histories if (row := _person(person_history, before))]
    return {
        "day": day.isoformat(),
        "people": people,
        "companies": _companies(companies, people, before),
        "totals": _totals(people),
    }


def _person(person_history: PersonHistory, before: datetime) -> dict[str, Any] | None:
    """The person as known at an instant; nobody, if no system has a record of them."""
    hubspot = [history for history in person_history.hubspot if history.live(before)]
    intercom = [record for record in person_history.intercom if record.live(before)]
    accounts = [account for account in person_history.accounts if account.live(before)]
    if not (hubspot or intercom or accounts):
        return None
    cases = [case for case in person_history.cases if case.live(before)]
    return {
        "person": person_history.key,
        "name": person_history.name,
        "emails": _emails((*hubspot, *intercom, *accounts), before),
        "shared_inbox": person_history.shared_inbox,
        "company_domain": person_history.company_domain,
        "hubspot": [history.id for history in hubspot],
        "intercom": [record.id for record in intercom],
        "stripe": [account.id for account in accounts],
        "stripe_deleted": [
            account.id for account in person_history.accounts if account.until and account.until < before
        ],
        **_revenue(accounts, before),
        "last_seen_at": _iso(max((record.last_seen(before) for record in intercom), default=None)),
        **_support(cases, before),
    }


def _emails(histories: Iterable[RecordHistory], before: datetime) -> list[str]:
    return sorted({email for history in histories for since, email in history.emails if since < before})


def _revenue(accounts: list[BillingHistory], before: datetime) -> dict[str, Any]:
    currency = next((account.currency for account in accounts), None)
    mrr = sum(as_of(account.mrr, before) or 0 for account in accounts)
    ltv = sum(amount for account in accounts for at, amount in account.ledger if at < before)
    # The accounts of a person follow each other, so the last one that bought anything has the newest subscription.
    statuses = [status for account in accounts if (status := as_of(account.statuses, before))]
    lost = min((loss for account in accounts for loss in account.losses if loss >= before), default=None)
    return {
        "is_customer": any(account.customer_since and account.customer_since < before for account in accounts),
        "currency": currency,
        "mrr": in_major(mrr, currency or "usd"),
        "ltv": in_major(ltv, currency or "usd"),
        "subscription_status": statuses[-1] if statuses else None,
        "delinquent": any(as_of(account.delinquent, before) for account in accounts),
        "failed_payments_30d": sum(_within(at, before, 30) for account in accounts for at in account.failures),
        "churns_at": _iso(lost),
    }


def _support(cases: list[CaseHistory], before: datetime) -> dict[str, Any]:
    conversations = [case for case in cases if not case.is_ticket]
    states = [(case.is_ticket, as_of(case.states, before) or (False, False)) for case in cases]
    rated = [case.rating[1] for case in cases if case.rating and _within(case.rating[0], before, 90)]
    cancels = [at for case in cases for at in case.cancels if at < before]
    return {
        "conversations_90d": sum(_within(case.since, before, 90) for case in conversations),
        "open_conversations": sum(is_open and not ticket for ticket, (is_open, _) in states),
        "open_critical_tickets": sum(is_open and critical for _, (is_open, critical) in states),
        "csat_avg_90d": sum(rated) / len(rated) if rated else None,
        "csat_count_90d": len(rated),
        "cancel_mentioned_at": _iso(max(cancels, default=None)),
    }


def _within(at: datetime, before: datetime, days: int) -> bool:
    """Is it within the last so many days, the day that ends now included?"""
    return before - timedelta(days=days) <= at < before


def _companies(companies: Iterable[Company], people: list[dict[str, Any]], before: datetime) -> list[dict[str, Any]]:
    staff: dict[str, list[str]] = {}
    for person in people:
        if person["company_domain"] and not person["shared_inbox"]:
            staff.setdefault(person["company_domain"], []).append(person["person"])
    return [
        {"name": company.name, "domain": company.domain, "people": staff.get(company.domain, [])}
        for company in companies
        if company.born < before
    ]


def _totals(people: list[dict[str, Any]]) -> dict[str, Any]:
    """Amounts are summed as they are written, in minor units."""
    mrr: dict[str, int] = {}
    for person in people:
        if person["is_customer"]:
            mrr[person["currency"]] = mrr.get(person["currency"], 0) + int(person["mrr"].replace(".", ""))
    return {
        "people": len(people),
        "customers": sum(person["is_customer"] for person in people),
        "paying": sum(person["mrr"].strip("0.") != "" for person in people),
        "delinquent": sum(person["delinquent"] for person in people),
        "mrr_by_currency": {currency: in_major(mrr[currency], currency) for currency in sorted(mrr)},
    }


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat().replace("+00:00", "Z") if instant else None


def pick(truth_: dict[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """The same truth with only some of what is said of each person; who they are is always said."""
    kept = set(chain(("person",), fields))
    return {**truth_, "people": [{k: v for k, v in person.items() if k in kept} for person in truth_["people"]]}
