"""Who is who and how everybody stands at the end of a day, from what the world decided, not from what the systems show.

Truth covers everybody of whom some system has a live record, customers or not. Who is a customer:

A subscription *runs* while Stripe says `trialing`, `active`, `past_due`, `unpaid` or `paused`; `incomplete`,
`incomplete_expired` and `canceled` ones do not. Each that runs is, by the first line that fits:

1. `leaving`: it is set to end (`cancel_at_period_end`, or a `cancel_at`), whatever its status
2. `paused`: status `paused`, or `pause_collection` with behaviour `void` or `mark_uncollectible`, which bring no MRR;
   with `keep_as_draft` the money is still to come, so that one counts by its status
3. `past_due`: status `past_due` or `unpaid`
4. `trial`: status `trialing`
5. `active`: status `active`

`customer_status` of a person is the best of these in the order `active`, `trial`, `past_due`, `paused`, `leaving`.
Where nothing runs it is `churned` for whom a subscription was canceled and a payment ever succeeded, else `prospect`: a
trial that led to nothing leaves a prospect. `is_customer` is true where something runs.

`customer_since` is the first successful payment of any kind. `churned_at` is the latest `ended_at` of the canceled
subscriptions of somebody who is `churned`; Stripe ends what runs when a customer is deleted, so it never lies after the
deletion. `churn_reason` is what that subscription's `cancellation_details` say: feedback, else comment, else reason;
where they are silent, the `closed_lost_reason` of the latest lost deal of the person's HubSpot contacts.

An account deleted at Stripe is no longer among the ids of `stripe`, and it is not delinquent. All else stays: payments,
subscriptions and their ends count as before, whatever copy another system keeps.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from gtm_platform.sandbox.world.agenda import DAY
from gtm_platform.sandbox.world.catalogue import in_major
from gtm_platform.sandbox.world.history import BillingHistory, CaseHistory, PersonHistory, RecordHistory, as_of
from gtm_platform.sandbox.world.people import Company
from gtm_platform.sandbox.world.subscriptions import STANDINGS

STATUSES = ("prospect", *STANDINGS, "churned")


def truth(histories: Iterable[PersonHistory], companies: Iterable[Company], day: date) -> dict[str, Any]:
    """Everybody and every company at the end of a UTC day, with totals."""
    before = datetime.combine(day, time(), UTC) + DAY
    people = [row for person in histories if (row := _person(person, before))]
    return {
        "day": day.isoformat(),
        "people": people,
        "companies": _companies(companies, people, before),
        "totals": _totals(people),
    }


def _person(person: PersonHistory, before: datetime) -> dict[str, Any] | None:
    """The person just before an instant; nobody, if no system has a live record of them."""
    hubspot = [contact for contact in person.hubspot if contact.live(before)]
    intercom = [contact for contact in person.intercom if contact.live(before)]
    accounts = [account for account in person.accounts if account.since < before]
    live = [account for account in accounts if account.live(before)]
    if not (hubspot or intercom or live):
        return None
    cases = [case for case in person.cases if case.live(before)]
    lost_deal = as_of(person.lost_deals, before) if hubspot else None
    return {
        "person": person.key,
        "name": person.name,
        "emails": _emails((*hubspot, *intercom, *live), before),
        "shared_inbox": person.shared_inbox,
        "company_domain": person.company_domain,
        "hubspot": [contact.id for contact in hubspot],
        "intercom": [contact.id for contact in intercom],
        "stripe": [account.id for account in live],
        "stripe_deleted": [account.id for account in accounts if not account.live(before)],
        **_customer(accounts, lost_deal, before),
        **_revenue(accounts, before),
        "delinquent": any(as_of(account.delinquent, before) for account in live),
        "last_seen_at": _iso(max((contact.last_seen(before) for contact in intercom), default=None)),
        **_support(cases, before),
    }


def _emails(records: Iterable[RecordHistory], before: datetime) -> list[str]:
    return sorted({email for record in records for since, email in record.emails if since < before})


def _customer(accounts: list[BillingHistory], lost_deal: str | None, before: datetime) -> dict[str, Any]:
    running = {standing for account in accounts if (standing := as_of(account.standings, before))}
    paid = min((account.first_paid for account in accounts if account.first_paid), default=None)
    since = paid if paid and paid < before else None
    end, reason = max(
        ((at, reason) for account in accounts for at, reason in account.ends if at < before),
        key=lambda ended: ended[0],
        default=(None, None),
    )
    status = next((standing for standing in STANDINGS if standing in running), None)
    has_churned = status is None and end is not None and since is not None
    return {
        "customer_status": status or ("churned" if has_churned else "prospect"),
        "is_customer": status is not None,
        "customer_since": _iso(since),
        "churned_at": _iso(end) if has_churned else None,
        "churn_reason": (reason or lost_deal) if has_churned else None,
    }


def _revenue(accounts: list[BillingHistory], before: datetime) -> dict[str, Any]:
    currency = next((account.currency for account in accounts), None)
    mrr = sum(as_of(account.mrr, before) or 0 for account in accounts)
    ltv = sum(amount for account in accounts for at, amount in account.ledger if at < before)
    # The accounts of a person follow each other, so the last one that bought anything has the newest subscription.
    statuses = [status for account in accounts if (status := as_of(account.statuses, before))]
    lost = min((loss for account in accounts for loss in account.losses if loss >= before), default=None)
    return {
        "currency": currency,
        "mrr": in_major(mrr, currency or "usd"),
        "ltv": in_major(ltv, currency or "usd"),
        "subscription_status": statuses[-1] if statuses else None,
        "failed_payments_30d": sum(_within(at, before, 30) for account in accounts for at in account.failures),
        "churns_at": _iso(lost),
    }


def _support(cases: list[CaseHistory], before: datetime) -> dict[str, Any]:
    """A snoozed conversation is open."""
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
    statuses = dict.fromkeys(STATUSES, 0)
    for person in people:
        statuses[person["customer_status"]] += 1
        if person["is_customer"]:
            mrr[person["currency"]] = mrr.get(person["currency"], 0) + int(person["mrr"].replace(".", ""))
    return {
        "people": len(people),
        "customers": sum(person["is_customer"] for person in people),
        "statuses": statuses,
        "paying": sum(person["mrr"].strip("0.") != "" for person in people),
        "delinquent": sum(person["delinquent"] for person in people),
        "mrr_by_currency": {currency: in_major(mrr[currency], currency) for currency in sorted(mrr)},
    }


def _iso(instant: datetime | None) -> str | None:
    return instant.isoformat().replace("+00:00", "Z") if instant else None


def pick(everything: dict[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """The same truth with only some fields of each person, and always the key."""
    shown = {"person", *fields}
    return {
        **everything,
        "people": [{k: v for k, v in person.items() if k in shown} for person in everything["people"]],
    }
