"""Who is who and how everybody stands at the end of a day, from what the world decided, not from what the systems show.

Whoever reads the systems' APIs can compute every figure by the rules below. *The end of the day* is the midnight (UTC)
that ends it: what happened before that instant counts. A window of N days holds the day and the N - 1 days before it.
`truth` can be computed for some systems only; the rules then hold for what these show.

**Who is who.** Truth covers everybody of whom some system has a live record, customers or not. Records are one person's
if they share a normalised address that is no shared inbox, or an id:

- the product's own user id: Intercom `external_id`, Userflow `id`, PostHog's first distinct id, Orb
  `external_customer_id`
- the Stripe customer: Intercom `stripe_id`, an Orb `payment_provider_id` whose provider is `stripe_charge`, a
  ChartMogul external id, ListKit `stripe_customer_id`
- the Orb customer: a ChartMogul external id
- the HubSpot contact: an Orb customer's `metadata.hubspot_contact_id`

The ids of each system stand under its name. Calendly's and Fathom's are the addresses of invitees (of external ones in
Fathom) in lower case. Nobody is: an invitee at the firm's own domain, an anonymous visitor in PostHog, a Chroma account
without an address (it is a company's). `emails` are the normalised addresses of the live records.

**Which billing system counts** (`mrr_source`). Of Stripe, then Orb, the first in which a subscription of the person
*runs*; where none runs, the first in which they ever had one. Only who never had any at either is judged by ChartMogul,
if there is a customer, else by Intercom's Stripe attributes, if there is a `stripe_subscription_status`.

A Stripe subscription *runs* while Stripe says `trialing`, `active`, `past_due`, `unpaid` or `paused`; `incomplete`,
`incomplete_expired` and `canceled` ones do not. Each that runs is, by the first line that fits:

1. `leaving`: it is set to end (`cancel_at_period_end`, or a `cancel_at`), whatever its status
2. `paused`: status `paused`, or `pause_collection` with behaviour `void` or `mark_uncollectible`, which bring no MRR;
   with `keep_as_draft` the money is still to come, so that one counts by its status
3. `past_due`: status `past_due` or `unpaid`
4. `trial`: status `trialing`
5. `active`: status `active`

An Orb subscription runs from its `start_date` until its `end_date`. It is `leaving` if it has an `end_date`, `trial`
before `trial_info.end_date`, `past_due` if the customer owes (below), else `active`.

`customer_status` of a person is the best of these, at Stripe and Orb, in the order `active`, `trial`, `past_due`,
`paused`, `leaving`. Where nothing runs it is `churned` for whom a subscription was canceled or ended and a payment ever
succeeded, else `prospect`: a trial that led to nothing leaves a prospect. `is_customer` is true where something runs.
By ChartMogul somebody is `active`, `past_due` or, if `Cancelled`, `churned`; by Intercom `active` or `past_due`.

`customer_since` is the first successful payment of any kind: a Stripe charge, or an Orb invoice with an amount that is
paid; by ChartMogul `customer-since`. `churned_at` is the latest end of the subscriptions (`ended_at` at Stripe,
`end_date` at Orb) of somebody who is `churned`; by ChartMogul the date of the last `churn`. Stripe ends what runs when
a customer is deleted, so it never lies after the deletion. `churn_reason` is what that subscription's
`cancellation_details` say: feedback, else comment, else reason; where they are silent, and for Orb, the
`closed_lost_reason` of the latest lost deal of the person's HubSpot contacts.

An account deleted at Stripe is no longer among the ids of `stripe`, and it is not delinquent. All else stays: payments,
subscriptions and their ends count as before, whatever copy another system keeps.

**Amounts** are in major units of `currency`, with the decimals that the currency has, summed over the person's
accounts at the system that counts.

- `mrr` at Stripe: of each item of an `active` or `past_due` subscription that is not paused without revenue, the
  licensed price per month after lasting discounts, rounded half up to minor units. At Orb: of a subscription that runs
  and is no longer on trial, the fixed fees by the quantity in force, less discounts in force, at least the minimum in
  force, per month (a cycle of days times 365/12 over its days), rounded half up to minor units. By ChartMogul: `mrr` of
  the customer. By Intercom: in US dollars, `stripe_plan_price` times intervals a year over 12, half up, if `active` or
  `past_due`, else 0.
- `ltv`: Stripe's charges that succeeded less refunds (pending or succeeded) and lost disputes, plus the totals of Orb's
  paid invoices less credit notes of type `refund`, but not of Orb customers whose `payment_provider` is Stripe's, whose
  money Stripe shows. ChartMogul and Intercom show no money.
- `subscription_status`: of the newest subscription at the system that counts; at Orb `canceled` once it ended,
  `trialing`, `past_due` or `active`.
- `delinquent`: a Stripe customer's `delinquent`, or an issued Orb invoice that is past its `due_date` or has a
  `payment_failed_at`.
- `failed_payments_30d`: failed Stripe charges, and failed attempts on Orb invoices that are not collected by Stripe.
- `chartmogul_mrr`, `chartmogul_currency`, `chartmogul_difference`: what ChartMogul shows of whom Stripe or Orb bills,
  and the cause if amount or currency differ.

**Why they leave.** `churn_cause` of the customer who will leave next, or left last, after at least 100 days of a
contract: `use_falls`, `silence`, `tickets`, `failed_payments`, `champion_leaves`, or `none` if it is used to the last
day. `churn_shows_from` is the instant from which the cause shows in the systems; it may lie ahead. Both are null for
everybody else. No system says so; it is here to judge who claims to see it coming.

**Leaving a company.** `mail_bounces`: HubSpot's `hs_email_hard_bounce_reason_enum` of a live contact is `UNKNOWN_USER`,
or Intercom's `has_hard_bounced` is true; another reason does not mean that nobody has the address. `seat_deactivated`:
an address of theirs is among the `deactivated_emails` of an admin account, and among the `member_emails` of none.

**Use.**

- `last_seen_at`: the latest of Intercom's `last_seen_at` (of contacts), Userflow's `attributes.last_seen_at`, the
  timestamp of the last PostHog event, ListKit's `last_active_at`, and the first instant of Chroma's `last_active_date`;
  an admin account's goes to the owner, by the account's `email`.
- `logins_7d`, `logins_30d`: PostHog's events `user_logged_in`; without a PostHog person the `logins` of the days of the
  ListKit account that the person owns; else null. (Userflow only counts, since ever.)
- `onboarding_pct`: 100 times `progress` of the newest session in Userflow's checklist that is no preview, 0 without a
  session; null without a Userflow user.
- `credits_remaining`: `credits.balance` of the ListKit account that the person owns. `credits_used_30d`: the sum of its
  daily `credits_used`. `exports_30d`: its completed exports by the day of `created_at`. Null without an account.

**Calls** are the invitees of Calendly events. A call is *rescheduled* if the invitee is, else *canceled* if the
invitee is, else a *no-show* if it is marked so, else *held* once `end_time` is past. By `start_time`, within 90 days:
`calls_held_90d`, `calls_no_show_90d`, `calls_cancelled_90d`, and `calls_booked_90d`, all but the rescheduled.
`call_show_rate`: those held over those held or missed, null without any of them. `last_call_at` is the start of the
latest that was held, `next_call_at` of the earliest to come that still stands.

**Signing up.** `signed_up` says that somebody has: there is a user of theirs in the product, or they have or had a
subscription.

**The cohorts** of companies, of which somebody is in one: `customer` where anybody has signed up, else `partner` with a
`partner_status` that is not inactive, else `in_market` with an open AI job, an act, a visit or a place on a list, else
`competitor` where it uses a competitor's product. `signs` are what the market shows of it; `by_address` says that
somebody who signed up has an address of the company. A customer is `dormant` when nobody was seen in the 30 days
before. The main contact is who has been a current customer for the longest, by `customer_since`, shared inboxes left
out. `champion_left`: it has no seat any more; or its mail bounces, and it was not seen for 7 days; or it was not seen
for 30 days, and a colleague was within 7.

**The market** lists each company that shows something, whoever works there: AI `jobs` that are open, `acts` of its
developers on GitHub, `visits` of the website, `competitors` whose product it uses, its `partner_status` and
`partner_tier`, its `introducers` (partners whose customer it is), and whether it is `listed` as a target account.
A `stranger` was in no system but those that watch the market when the world began.

**What is shown** of the market is less than what is so: files are written now and then, a portal has some partners,
some developers name no company. `shown` has, of each company, how many signs of each kind each system shows, and how
many of them for sure; by which channels it is seen to use a competitor's product, and whether that is sure; what each
source says of it as a partner; and its cohort by what is sure, and by all that may be seen. `sessions` are the day's.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from gtm_platform.sandbox.world.agenda import DAY
from gtm_platform.sandbox.world.catalogue import in_major
from gtm_platform.sandbox.world.history import CaseHistory, PersonHistory, RecordHistory, as_of
from gtm_platform.sandbox.world.people import Company
from gtm_platform.sandbox.world.subscriptions import STANDINGS
from gtm_platform.sandbox.world.truth_activity import activity, calls
from gtm_platform.sandbox.world.truth_billing import bills, within

SYSTEMS = (
    "hubspot", "intercom", "stripe", "calendly", "posthog", "orb", "chartmogul", "userflow", "fathom", "listkit_admin",
    "chroma_admin",
)  # fmt: skip
USE = ("posthog", "userflow", "listkit_admin", "chroma_admin")  # they record the use of the product
STATUSES = ("prospect", *STANDINGS, "churned")


def truth(
    histories: Iterable[PersonHistory], companies: Iterable[Company], day: date, systems: Collection[str] = SYSTEMS
) -> dict[str, Any]:
    """Everybody and every company at the end of a UTC day, with totals, as far as these systems can tell."""
    before = datetime.combine(day, time(), UTC) + DAY
    people = [row for person in histories if (row := _person(person, before, systems))]
    return {
        "day": day.isoformat(),
        "systems": list(systems),
        "people": people,
        "companies": _companies(companies, people, before),
        "totals": _totals(people),
    }


def _person(person: PersonHistory, before: datetime, systems: Collection[str]) -> dict[str, Any] | None:
    """The person just before an instant; nobody, if no system has a live record of them."""
    live = _live(person, before, systems)
    records = [record for group in live.values() for record in group]
    if not records:
        return None
    intercom = [contact for contact in person.intercom if contact.live(before)] if "intercom" in systems else []
    money = bills(person, before, systems, bool(intercom), bool(live.get("hubspot")))
    cases = [case for case in person.cases if case.live(before)] if "intercom" in systems else []
    row = {
        "person": person.key,
        "name": person.name,
        "emails": _emails(records, before),
        "shared_inbox": person.shared_inbox,
        "signed_up": _has_signed_up(person, before, systems) or money.customer()["customer_status"] != "prospect",
        "company_domain": person.company_domain,
        **{system: [record.id for record in live.get(system, ())] for system in SYSTEMS if system in systems},
        "stripe_deleted": [account.id for account in money.accounts if not account.live(before)],
        **money.customer(),
        **money.revenue(),
        **money.reconciliation(),
        **_departure(person, before),
        **_whereabouts(person, live, before),
        "delinquent": any(as_of(account.delinquent, before) for account in money.accounts if account.live(before))
        or any(as_of(account.delinquent, before) for account in money.orb),
        **activity(person, intercom, before, systems),
        **calls(person, before, systems),
        **_support(cases, before),
    }
    return {name: _iso(value) if isinstance(value, datetime) else value for name, value in row.items()}


def _has_signed_up(person: PersonHistory, before: datetime, systems: Collection[str]) -> bool:
    """Whether a system shows a user of the product."""
    product = person.product
    if product is None or product.use.signed_up >= before:
        return False
    users = any(contact.usage for contact in person.intercom if contact.live(before)) and "intercom" in systems
    return users or any(person.records.get(system) for system in USE if system in systems)


def _departure(person: PersonHistory, before: datetime) -> dict[str, Any]:
    """Why the customer will leave next, or left last, and since when that shows."""
    departures = sorted(person.departures, key=lambda departure: departure.end)
    coming = [departure for departure in departures if departure.end >= before]
    departure = next(iter(coming or departures[-1:]), None)
    return {
        "churn_cause": departure.cause if departure else None,
        "churn_shows_from": departure.shows_from if departure else None,
    }


def _whereabouts(person: PersonHistory, live: Mapping[str, list[RecordHistory]], before: datetime) -> dict[str, Any]:
    """Whether the systems show that somebody has left their company."""
    mail = [*live.get("hubspot", ()), *live.get("intercom", ())]
    accounts = [(system, account) for system, account in person.panels() if system in live]
    closed = [bool(account.closed and account.closed < before) for _, account in accounts]
    return {
        "mail_bounces": any(record.bounced and record.bounced < before for record in mail),
        "seat_deactivated": bool(closed) and all(closed),
    }


def _live(person: PersonHistory, before: datetime, systems: Collection[str]) -> dict[str, list[RecordHistory]]:
    """The records that were there just before an instant, by system."""
    groups: dict[str, Sequence[RecordHistory]] = {
        "hubspot": person.hubspot,
        "intercom": person.intercom,
        "stripe": person.accounts,
        "orb": person.orb,
        **person.records,
    }
    live = {system: [each for each in groups[system] if each.live(before)] for system in systems if system in groups}
    return {system: records for system, records in live.items() if records}


def _emails(records: Iterable[RecordHistory], before: datetime) -> list[str]:
    return sorted({email for record in records for since, email in record.emails if since < before})


def _support(cases: list[CaseHistory], before: datetime) -> dict[str, Any]:
    """A snoozed conversation is open."""
    conversations = [case for case in cases if not case.is_ticket]
    states = [(case.is_ticket, as_of(case.states, before) or (False, False)) for case in cases]
    rated = [case.rating[1] for case in cases if case.rating and within(case.rating[0], before, 90)]
    cancels = [at for case in cases for at in case.cancels if at < before]
    return {
        "conversations_90d": sum(within(case.since, before, 90) for case in conversations),
        "open_conversations": sum(is_open and not ticket for ticket, (is_open, _) in states),
        "open_critical_tickets": sum(is_open and critical for _, (is_open, critical) in states),
        "csat_avg_90d": sum(rated) / len(rated) if rated else None,
        "csat_count_90d": len(rated),
        "cancel_mentioned_at": max(cancels, default=None),
    }


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
