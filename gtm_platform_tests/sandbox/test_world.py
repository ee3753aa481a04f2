"""The world against an independent reading of its records: who is who, what they pay, how they stand."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest

from gtm_platform.sandbox.stripe.store import StripeDiscount, StripeItem, StripePrice, StripeSubscription
from gtm_platform.sandbox.world import World
from gtm_platform.sandbox.world.history import BillingHistory, PersonHistory
from gtm_platform.sandbox.world.truth import SYSTEMS, truth

pytestmark = pytest.mark.soak

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
SHARED = re.compile(
    "(info|support|billing|sales|hello|office|admin|contact|team|help|accounts|finance|ap|invoices|noreply|no-reply)@"
)
FIRST = ("hubspot", "intercom", "stripe")  # the systems that are read here; the others have tests of their own
MONTHLY = {"month": (1, 1), "year": (1, 12), "week": (52, 12)}  # multiply by, then divide by


def speaks_of_leaving(text: str) -> bool:
    words = text.lower()
    only_the_word = "don't want to cancel" in words or "cancelled the import" in words
    return ("cancel" in words or "kündigen" in words) and not only_the_word


@pytest.fixture(scope="module")
def days() -> dict[date, dict[str, Any]]:
    """What the records say at the end of each of some days, and what the truth says about these days afterwards."""
    world = World(seed=5, people=500, start=START)
    read: dict[date, Any] = {}
    for ahead in (0, 1, 2, 9, 16, 45, 120):
        end = START + ahead * DAY - SECOND if ahead else START
        world.advance(end)
        read[(START + (ahead - 1) * DAY).date()] = SystemsRead(world, START + ahead * DAY).people()
    return {day: {"read": people, "truth": world.truth(day, FIRST)} for day, people in read.items()}


def test_who_is_who_follows_from_addresses_and_shared_ids(days: dict[date, dict[str, Any]]) -> None:
    for day, both in days.items():
        people = {_records(person) for person in both["truth"]["people"]}
        assert people == set(both["read"]), f"on {day}"


def test_each_person_stands_as_their_records_say(days: dict[date, dict[str, Any]]) -> None:
    for day, both in days.items():
        for person in both["truth"]["people"]:
            read = both["read"][_records(person)]
            assert {name: person[name] for name in read} == read, f"{person['person']} on {day}"


def test_churn_is_foretold() -> None:
    world = World(seed=8, people=500, start=START)
    world.advance(START + 50 * DAY)
    days = [(START + ahead * DAY).date() for ahead in range(-1, 50)]
    truths = [{person["person"]: person for person in world.truth(day)["people"]} for day in days]
    churned = 0
    for day, before, after in zip(days[1:], truths, truths[1:], strict=False):
        for key, person in before.items():
            if key in after and Decimal(person["mrr"]) > 0 and Decimal(after[key]["mrr"]) == 0:
                churned += 1
                assert person["churns_at"][:10] == day.isoformat()
            elif person["churns_at"] and person["churns_at"][:10] == day.isoformat():
                assert Decimal(person["mrr"]) == 0 or key not in after, f"{key} should have churned on {day}"
    assert churned > 15


def test_everybody_has_a_status_and_every_status_somebody() -> None:
    world = World(seed=7, people=1500, start=START)
    for ahead in (0, 14, 90):
        world.advance(START + ahead * DAY)
        truth = world.truth((START + (ahead - 1) * DAY).date())
        people, totals = truth["people"], truth["totals"]
        assert Counter(person["customer_status"] for person in people) == totals["statuses"]
        assert all(totals["statuses"].values()), totals["statuses"]
        current = [person for person in people if person["is_customer"]]
        assert {person["customer_status"] for person in current} == {"trial", "active", "past_due", "paused", "leaving"}
        assert totals["customers"] == len(current) < len(people) / 2
        for person in people:
            churned = person["customer_status"] == "churned"
            assert bool(person["churned_at"]) == churned == bool(person["churned_at"] and person["customer_since"])
            assert not person["churn_reason"] or churned
            assert Decimal(person["mrr"]) == 0 or person["customer_status"] in ("active", "past_due", "leaving")


@pytest.mark.parametrize(
    ("standings", "status"),
    [
        (["leaving", "paused"], "paused"),
        (["past_due", "paused", "leaving"], "past_due"),
        (["past_due", "trial"], "trial"),
        (["leaving", "active", "trial"], "active"),
        ([None, "leaving"], "leaving"),
        ([None, None], "churned"),
    ],
)
def test_of_several_subscriptions_the_best_counts(standings: list[str | None], status: str) -> None:
    accounts = [
        BillingHistory(f"cus_{place}", START, standings=[(START, each)]) for place, each in enumerate(standings)
    ]
    accounts[0].first_paid, accounts[0].ends = START, [(START + SECOND, None)]
    person = truth([PersonHistory("p1", "Ada", accounts=accounts)], [], START.date())["people"][0]
    assert person["customer_status"] == status


def test_somebody_deleted_at_stripe_has_churned_on_that_day_whatever_intercom_still_says() -> None:
    world = World(seed=7, people=700, start=START)
    world.advance(START + 150 * DAY)
    copies = Counter[str | None]()
    reasons = set()
    for customer in world.stripe.customers.values():
        if not customer.deleted:
            continue
        assert customer.deleted > START + 2 * DAY
        before, after = (_owner(world, customer.id, customer.deleted.date() + days * DAY) for days in (-1, 0))
        assert before
        assert customer.id in before["stripe"]
        if not after:
            continue  # no other system has a record of them
        assert customer.id in after["stripe_deleted"]
        assert not after["is_customer"]
        assert (before["ltv"], before["customer_since"]) == (after["ltv"], after["customer_since"])
        if before["is_customer"] and after["customer_since"]:
            assert after["churned_at"] == _wire(customer.deleted)
            reasons.add(after["churn_reason"])
            copies.update(
                world.intercom.contacts[id_].custom_attributes.get("stripe_subscription_status")
                for id_ in after["intercom"]
            )
    assert copies["active"] > 1
    assert copies["canceled"] > 1
    assert {None, "Price"} < reasons, "sales says why where Stripe does not"


def _owner(world: World, customer: str, day: date) -> dict[str, Any] | None:
    people = world.truth(day)["people"]
    return next((person for person in people if customer in (*person["stripe"], *person["stripe_deleted"])), None)


def test_a_snoozed_conversation_is_open() -> None:
    world = World(seed=7, people=600, start=START)
    world.advance(START + 20 * DAY - SECOND)
    people = {id_: person for person in world.truth(world.now.date())["people"] for id_ in person["intercom"]}
    snoozed = [talk for talk in world.intercom.conversations.values() if talk.state == "snoozed" and not talk.deleted]
    owners = [people[talk.contact_id] for talk in snoozed if talk.contact_id in people]
    assert len(owners) > 3
    assert all(person["open_conversations"] > 0 for person in owners)
    assert all(talk.snoozed_until and world.now < talk.snoozed_until for talk in snoozed)


def test_the_past_of_the_truth_does_not_change() -> None:
    world = World(seed=3, people=200, start=START)
    world.advance(START + 3 * DAY)
    then = world.truth(START.date())
    world.advance(START + 90 * DAY)
    assert world.truth(START.date()) == then


def test_the_steps_of_the_clock_leave_no_trace() -> None:
    at_once, in_steps = World(3, 150, START), World(3, 150, START)
    at_once.advance(START + 40 * DAY)
    for step in (3, 3.5, 9, 9.1, 22, 39, 40):
        in_steps.advance(START + step * DAY)
    for system in (*SYSTEMS, "slack"):
        assert getattr(at_once, system) == getattr(in_steps, system)
    for ahead in (-1, 0, 12, 40):
        day = (START + ahead * DAY).date()
        assert at_once.truth(day) == in_steps.truth(day)


def test_people_do_not_depend_on_how_many_others_there_are() -> None:
    few, many = World(11, 50, START), World(11, 400, START)
    for store in ("customers", "charges", "subscriptions"):
        expected = getattr(few.stripe, store)
        assert {id_: getattr(many.stripe, store)[id_] for id_ in expected} == expected


def test_another_seed_is_another_world() -> None:
    assert World(1, 20, START).hubspot.objects != World(2, 20, START).hubspot.objects


def test_time_does_not_go_back() -> None:
    world = World(1, 5, START)
    world.advance(START + DAY)
    with pytest.raises(ValueError, match="cannot go back to 2026-03-01"):
        world.advance(START)
    with pytest.raises(ValueError, match="has no time zone"):
        world.advance(datetime(2026, 4, 1))


def test_the_truth_is_known_from_the_day_before_the_start_to_the_clock() -> None:
    world = World(1, 5, START)
    assert world.truth(START.date() - DAY)["day"] == "2026-02-28"
    for day in (START.date() - 2 * DAY, START.date() + DAY):
        with pytest.raises(ValueError, match="is outside"):
            world.truth(day)


def test_two_weeks_hold_everything_that_happens_to_a_company() -> None:
    world = World(seed=7, people=1500, start=START)
    world.advance(START + 14 * DAY)
    happened = {event.type for event in world.stripe.events if event.created > START}
    assert happened >= {
        "customer.created",
        "customer.updated",
        "customer.deleted",
        "customer.subscription.created",
        "customer.subscription.updated",
        "customer.subscription.deleted",
        "invoice.created",
        "invoice.finalized",
        "invoice.paid",
        "invoice.payment_failed",
        "charge.succeeded",
        "charge.failed",
        "charge.refunded",
        "refund.created",
        "product.updated",
    }
    contacts = world.hubspot.objects["contacts"].values()
    assert any(contact.archived and contact.archived > START for contact in contacts)
    assert any(contact.merged_into and contact.updated > START for contact in contacts)
    assert sum(contact.updated > START for contact in contacts) > 200
    fresh = [talk for talk in world.intercom.conversations.values() if talk.created > START]
    assert any(speaks_of_leaving(talk.body) for talk in fresh)
    assert {talk.state for talk in fresh} == {"open", "closed", "snoozed"}
    assert {contact.last_seen.hour for contact in world.intercom.contacts.values() if contact.last_seen} == set(
        range(24)
    )
    statuses = {subscription.status for subscription in world.stripe.subscriptions.values()}
    assert statuses >= {"active", "trialing", "past_due", "unpaid", "canceled", "paused", "incomplete_expired"}


def test_every_tie_in_hubspot_is_seen_from_both_ends() -> None:
    world = World(seed=7, people=300, start=START)
    world.advance(START + 60 * DAY)
    objects = world.hubspot.objects
    for type_, records in objects.items():
        for record in records.values():
            for other, ties in record.links.items():
                for id_ in ties:
                    assert record.id in objects[other][id_].links[type_]


def test_invoices_and_charges_agree() -> None:
    world = World(seed=9, people=400, start=START)
    world.advance(START + 60 * DAY)
    paid: dict[str, int] = defaultdict(int)
    for charge in world.stripe.charges.values():
        if charge.invoice and charge.status == "succeeded":
            paid[charge.invoice] += charge.amount
    for invoice in world.stripe.invoices.values():
        assert paid[invoice.id] == invoice.amount_paid
        assert invoice.subtotal == sum(line.amount for line in invoice.lines)
        if invoice.status == "paid":
            assert invoice.amount_paid == invoice.total


# --- An independent reading of the records ---


def _records(person: dict[str, Any]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(sorted(person[system])) for system in ("hubspot", "intercom", "stripe"))


def _normal(email: str) -> str:
    local, domain = email.strip().lower().split("@")
    local = re.sub(r"\+.*", "", local)
    if domain in ("gmail.com", "googlemail.com"):
        return local.replace(".", "") + "@gmail.com"
    return f"{local}@{domain}"


def _major(minor: int, currency: str) -> str:
    return str(minor) if currency == "jpy" else f"{Decimal(minor) / 100:.2f}"


def _wire(instant: datetime | None) -> str | None:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ") if instant else None


def _status(subscription: StripeSubscription) -> str | None:
    """By the rules that truth states: the first that fits a subscription which runs."""
    if subscription.status in ("canceled", "incomplete", "incomplete_expired"):
        return None
    if subscription.cancel_at_period_end or subscription.cancel_at:
        return "leaving"
    if subscription.status == "paused" or subscription.pause_behavior in ("void", "mark_uncollectible"):
        return "paused"
    return {"unpaid": "past_due", "trialing": "trial"}.get(subscription.status, subscription.status)


class SystemsRead:
    """What somebody who sees only the systems' records must conclude, at the end of a day."""

    def __init__(self, world: World, midnight: datetime) -> None:
        self.world = world
        self.midnight = midnight
        self.hubspot = {
            record.id: record
            for record in world.hubspot.objects["contacts"].values()
            if not record.archived and not record.merged_into
        }
        self.intercom = {
            contact.id: contact
            for contact in world.intercom.contacts.values()
            if not contact.deleted and not contact.merged_into
        }
        self.stripe = world.stripe.customers
        self.subscriptions = defaultdict(list)
        for subscription in world.stripe.subscriptions.values():
            self.subscriptions[subscription.customer].append(subscription)
        self.charges = defaultdict(list)
        for charge in world.stripe.charges.values():
            self.charges[charge.customer].append(charge)
        self.talks = defaultdict(list)
        for talk in world.intercom.conversations.values():
            if not talk.deleted:
                self.talks[talk.contact_id].append(talk)
        self.tickets = defaultdict(list)
        for ticket in world.intercom.tickets.values():
            self.tickets[ticket.contact_id].append(ticket)

    def people(self) -> dict[tuple[tuple[str, ...], ...], dict[str, Any]]:
        return {_records(group): self._stand(group) for group in self._groups()}

    def _keys(self) -> Iterator[tuple[str, str, list[str], list[str]]]:
        """Each record with its addresses and the ids that it shares."""
        for record in self.hubspot.values():
            more = record.properties.get("hs_additional_emails", "")
            yield "hubspot", record.id, [*more.split(";"), record.properties.get("email", "")], []
        for contact in self.intercom.values():
            stripe_id = contact.custom_attributes.get("stripe_id")
            yield "intercom", contact.id, [contact.email or ""], [stripe_id] if stripe_id else []
        for customer in self.stripe.values():
            yield "stripe_deleted" if customer.deleted else "stripe", customer.id, [customer.email or ""], [customer.id]

    def _groups(self) -> list[dict[str, Any]]:
        parent: dict[str, str] = {}

        def root(key: str) -> str:
            while parent.setdefault(key, key) != key:
                key = parent[key]
            return key

        addresses: dict[str, set[str]] = {}
        for system, id_, emails, ids in self._keys():
            own = {_normal(email) for email in emails if email}
            addresses[f"{system} {id_}"] = own
            glue = [email for email in own if not SHARED.match(email)]
            for key in [*glue, *ids]:
                parent[root(key)] = root(f"{system} {id_}")
        groups: dict[str, dict[str, Any]] = defaultdict(
            lambda: {"hubspot": [], "intercom": [], "stripe": [], "stripe_deleted": [], "emails": set()}
        )
        for node, own in addresses.items():
            system, id_ = node.split(" ")
            group = groups[root(node)]
            group[system].append(id_)
            group["emails"] |= own if system != "stripe_deleted" else set()
        return [group for group in groups.values() if group["hubspot"] or group["intercom"] or group["stripe"]]

    def _stand(self, group: dict[str, Any]) -> dict[str, Any]:
        customers = [self.stripe[id_] for id_ in (*group["stripe"], *group["stripe_deleted"])]
        bought = [sub for customer in customers for sub in self.subscriptions[customer.id]]
        charges = [charge for customer in customers for charge in self.charges[customer.id]]
        newest = max(bought, key=lambda sub: sub.created, default=None)
        currency = customers[0].currency or "usd" if customers else "usd"
        copied = {} if bought else self._copied(group["intercom"])
        seen = [seen for id_ in group["intercom"] if (seen := self.intercom[id_].last_seen)]
        return {
            "emails": sorted(group["emails"]),
            "shared_inbox": bool(group["emails"]) and all(SHARED.match(email) for email in group["emails"]),
            "stripe_deleted": sorted(group["stripe_deleted"]),
            **self._customer(bought, charges, group["hubspot"]),
            "mrr": _major(sum(self._mrr(sub) for sub in bought), currency),
            "ltv": _major(self._ltv(charges), currency),
            "subscription_status": newest.status if newest else None,
            "delinquent": any(customer.delinquent for customer in customers if not customer.deleted),
            "failed_payments_30d": sum(c.status == "failed" and self._within(c.created, 30) for c in charges),
            "last_seen_at": _wire(max(seen, default=None)),
            **self._support(group["intercom"]),
            **copied,
        }

    def _copied(self, contacts: list[str]) -> dict[str, Any]:
        """What Intercom copied of a subscription, for somebody of whom Stripe itself shows none."""
        for attributes in (self.intercom[id_].custom_attributes for id_ in contacts):
            status = attributes.get("stripe_subscription_status")
            if status and attributes["stripe_id"] not in self.stripe:
                price = (
                    Decimal(str(attributes["stripe_plan_price"]))
                    / {"month": 1, "year": 12}[attributes["stripe_plan_interval"]]
                )
                return {
                    "mrr": str(price.quantize(Decimal("0.01"), ROUND_HALF_UP)),
                    "subscription_status": status,
                    "customer_status": status,
                    "is_customer": True,
                }
        return {}

    def _customer(self, bought: list[Any], charges: list[Any], contacts: list[str]) -> dict[str, Any]:
        statuses = {status for sub in bought if (status := _status(sub))}
        best = next((s for s in ("active", "trial", "past_due", "paused", "leaving") if s in statuses), None)
        paid = [charge.created for charge in charges if charge.status == "succeeded" and charge.amount]
        ended = max((sub for sub in bought if sub.status == "canceled"), key=lambda sub: sub.ended_at, default=None)
        churned = ended if not best and paid else None
        return {
            "customer_status": best or ("churned" if churned else "prospect"),
            "is_customer": best is not None,
            "customer_since": _wire(min(paid, default=None)),
            "churned_at": _wire(churned.ended_at) if churned else None,
            "churn_reason": (churned.cancel_feedback or churned.cancel_reason or self._lost_deal(contacts))
            if churned
            else None,
        }

    def _lost_deal(self, contacts: list[str]) -> str | None:
        deals = self.world.hubspot.objects["deals"]
        ids = [id_ for contact in contacts for id_ in self.hubspot[contact].links.get("deals", {})]
        lost = [deals[id_].properties for id_ in ids if deals[id_].properties["dealstage"] == "closedlost"]
        return max(lost, key=lambda deal: deal["closedate"])["closed_lost_reason"] if lost else None

    def _within(self, at: datetime, days: int) -> bool:
        return (self.midnight.date() - DAY - at.date()).days < days

    def _ltv(self, charges: list[Any]) -> int:
        stripe = self.world.stripe
        own = {charge.id for charge in charges}
        paid: int = sum(charge.amount for charge in charges if charge.status == "succeeded")
        refunds = [r for r in stripe.refunds.values() if r.charge in own and r.status in ("succeeded", "pending")]
        lost = [d for d in stripe.disputes.values() if d.charge in own and d.status == "lost"]
        return paid - sum(refund.amount for refund in refunds) - sum(dispute.amount for dispute in lost)

    def _support(self, contacts: list[str]) -> dict[str, Any]:
        talks = [talk for id_ in contacts for talk in self.talks[id_]]
        tickets = [ticket for id_ in contacts for ticket in self.tickets[id_]]
        live = [talk for talk in talks if talk.state in ("open", "snoozed")]
        critical = [t for t in live if t.priority == "priority" or "101" in [tag for tag, _ in t.tags]]
        rated = [
            talk.rating.rating
            for talk in talks
            if talk.rating and talk.rating.rating and talk.rating.replied and self._within(talk.rating.replied, 90)
        ]
        messages = [(talk.created, talk.body) for talk in talks] + [
            (part.created, part.body or "")
            for talk in talks
            for part in talk.parts
            if part.author_type in ("user", "lead") and part.part_type == "comment"
        ]
        return {
            "conversations_90d": sum(self._within(talk.created, 90) for talk in talks),
            "open_conversations": len(live),
            "open_critical_tickets": len(critical) + sum(t.open and t.state != "resolved" for t in tickets),
            "csat_avg_90d": sum(rated) / len(rated) if rated else None,
            "csat_count_90d": len(rated),
            "cancel_mentioned_at": _wire(max((at for at, text in messages if speaks_of_leaving(text)), default=None)),
        }

    # --- MRR by the rules, from prices, tiers and coupons ---

    def _mrr(self, subscription: StripeSubscription) -> int:
        if subscription.status not in ("active", "past_due") or subscription.pause_behavior == "void":
            return 0
        prices = self.world.stripe.prices
        items = [item for item in subscription.items if prices[item.price].usage_type == "licensed"]
        left = [self._amount(prices[item.price], item.quantity or 0) for item in items]
        for place, item in enumerate(items):
            for discount in item.discounts:
                self._cut(discount, items, left, [place])
        discounts = list(subscription.discounts)
        customer = self.world.stripe.customers[subscription.customer]
        if not discounts and customer.discount:
            discounts = [customer.discount]
        for discount in discounts:
            self._cut(discount, items, left, list(range(len(items))))
        return sum(int(amount.quantize(Decimal(1), ROUND_HALF_UP)) for amount in left)

    def _amount(self, price: StripePrice, quantity: int) -> Decimal:
        if price.tiers_mode == "volume":
            tier = next(tier for tier in price.tiers if tier.up_to is None or tier.up_to >= quantity)
            amount = quantity * (tier.unit_amount or 0) + (tier.flat_amount or 0)
        elif price.tiers_mode == "graduated":
            amount, below = Decimal(0), 0
            for tier in price.tiers:
                if quantity > below:
                    within = min(quantity, tier.up_to or quantity) - below
                    amount += within * (tier.unit_amount or 0) + (tier.flat_amount or 0)
                below = tier.up_to or quantity
        else:
            packs = -(-quantity // price.divide_by) if price.divide_by else quantity
            amount = packs * (price.unit_amount or Decimal(0))
        return self._monthly(Decimal(amount), price)

    def _monthly(self, amount: Decimal, price: StripePrice) -> Decimal:
        by, over = MONTHLY[price.interval or ""]
        return amount * by / (over * price.interval_count)

    def _cut(self, discount: StripeDiscount, items: list[StripeItem], left: list[Decimal], places: list[int]) -> None:
        coupon, prices = self.world.stripe.coupons[discount.coupon], self.world.stripe.prices
        if coupon.duration == "once" or (discount.end and discount.end <= self.midnight):
            return
        places = [p for p in places if not coupon.products or prices[items[p].price].product in coupon.products]
        total = sum((left[place] for place in places), Decimal(0))
        for place in places:
            if coupon.percent_off:
                left[place] -= left[place] * coupon.percent_off / 100
            elif total:
                off = self._monthly(Decimal(coupon.amount_off or 0), prices[items[place].price])
                left[place] -= min(off, total) * left[place] / total
