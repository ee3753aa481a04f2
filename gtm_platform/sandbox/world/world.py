"""The world: everything as it was at its start, and what becomes of it as the clock moves on."""

import gc
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from heapq import heapify
from math import log
from typing import Any

from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.sandbox.intercom.store import IntercomStore
from gtm_platform.sandbox.slack.store import SlackStore
from gtm_platform.sandbox.stripe.store import StripeStore
from gtm_platform.sandbox.world import catalogue, fixtures, hosts, mirror, orb_catalogue, visitors
from gtm_platform.sandbox.world.agenda import DAY, Agenda, ScheduledCall, in_utc, run_until, share
from gtm_platform.sandbox.world.context import Context
from gtm_platform.sandbox.world.firm import Firm
from gtm_platform.sandbox.world.hubspot_properties import define_properties
from gtm_platform.sandbox.world.life import Life
from gtm_platform.sandbox.world.market import Market
from gtm_platform.sandbox.world.people import Company, Person, newcomer, residents
from gtm_platform.sandbox.world.stripe_events import RETENTION, StripeEvents
from gtm_platform.sandbox.world.truth import SYSTEMS, truth
from gtm_platform.sandbox.world.truth_cohorts import cohorts
from gtm_platform.sandbox.world.truth_market import market_truth

_GROWTH = 0.3 / 420  # newcomers a day, per person there at the start
_ACCOUNTS, _FIRST_PORTAL, _FIRST_PROJECT = 1_000_000, 20_000_000, 10_000
_FIRST_WRITTEN_ID = 100_000_000_000  # what is written to HubSpot from outside gets ids from here


class World:
    """A world whose state at an instant depends only on (seed, people, start) and what is written to it.

    `staying` is the share of those who would leave who stay instead: in a world of none, half of the customers leave.
    """

    def __init__(self, seed: int, people: int, start: datetime, staying: float = 0.0) -> None:
        if people < 1:
            raise ValueError(f"A world of {people} people cannot be built: ask for at least one.")
        self.seed = seed
        self.people = people
        self.start = self.now = in_utc(start, "The start")
        account = seed % _ACCOUNTS  # each world is another company, with accounts of its own
        self.hubspot = HubSpotStore(next_id=_FIRST_WRITTEN_ID, portal_id=_FIRST_PORTAL + account)
        self.stripe = StripeStore(account_id=f"acct_sandbox{account}")
        self.intercom = IntercomStore(workspace_id=f"sandbox{account}")
        self.slack = SlackStore(team_id=f"T0SANDBOX{account:06}")
        self._queue: list[ScheduledCall] = []
        self._agenda = Agenda(-1, self._queue)
        self._companies: list[Company] = []
        self._founded: list[Company] = []
        self._bought: list[Company] = []  # strangers until they did
        self.market = Market(seed, people, self.start, lambda: (*self._companies, *self._founded))
        events = StripeEvents(self.stripe, self.start - RETENTION)
        self._context = context = Context(
            seed, self.start, self.hubspot, self.stripe, self.intercom, events, staying=staying
        )
        self.calendly, self.fathom = context.calendly, context.fathom
        self.orb, self.chartmogul = context.orb, context.chartmogul
        self.posthog, self.userflow = context.posthog, context.userflow
        self.listkit_admin, self.chroma_admin = context.listkit_admin, context.chroma_admin
        self.calendly.organization = f"ORGSANDBOX{account}"
        self.chartmogul.account_id = f"acc_sandbox{account}"
        self.posthog.project_id, self.posthog.market = _FIRST_PROJECT + account, self.market
        with _no_collection():
            self._add_fixtures()
            self._settle_residents()
        events.sort_by_time()
        events.drop_expired(self.start)
        self._expect_newcomer(self.start, 0)
        for mover in self.market.movers:
            if mover.then == "customer":
                buyer = mover.buyer(seed)
                self._agenda.at(buyer.born, self._welcome_buyer, buyer)
        self._agenda.at(self.start + timedelta(days=5, hours=9), self._tend_catalogue, 0)

    def clock(self) -> datetime:
        return self.now

    def advance(self, to: datetime) -> None:
        """Lets time pass; it never goes back."""
        to = in_utc(to, "The clock's new time")
        if to < self.now:
            raise ValueError(
                f"The clock stands at {self.now.isoformat()} and cannot go back to {to.isoformat()}: "
                "start another sandbox for an earlier time."
            )
        with _no_collection():
            while self.now < to:
                self.now = min(to, self.now + DAY)
                run_until(self._queue, self.now)
                self._context.events.drop_expired(self.now)

    def truth(self, day: date, systems: Collection[str] = SYSTEMS) -> dict[str, Any]:
        """Who is who, and how everybody stood at the end of a UTC day (so far, if it is today), as far as somebody
        can tell who reads these systems.
        """
        first, last = self.start.date() - DAY, self.now.date()
        if not first <= day <= last:
            raise ValueError(f"The truth is known from {first} to {last}; {day} is outside.")
        with _no_collection():
            rows = truth(self._context.histories, (*self._companies, *self._founded, *self._bought), day, systems)
            end = datetime.combine(day, time(), UTC) + DAY
            market = market_truth(self.market, end)
            return rows | {"market": market, "cohorts": cohorts(rows["people"], market, end)}

    def _add_fixtures(self) -> None:
        fixtures.add_hubspot_fixtures(self.hubspot, self.start)
        define_properties(self.hubspot, self.start)
        fixtures.add_intercom_fixtures(self.intercom, self.start)
        fixtures.add_slack_fixtures(self.slack)
        catalogue.stock(self.stripe, self.start)
        orb_catalogue.stock(self.orb, self.start, self.seed % _ACCOUNTS)
        mirror.stock(self.chartmogul, self.start)
        hosts.add_calendly_fixtures(self.calendly, self.start)
        hosts.add_fathom_fixtures(self.fathom, self.start)
        visitors.add_product_fixtures(self._context, self.people)

    def _settle_residents(self) -> None:
        """Lives do not touch each other, so each past is told in one go; what is left joins the common queue."""
        for company, staff in residents(self.seed, self.people, self.start):
            self._companies.append(company)
            self._play_past(Firm(self._context, company, []).agenda)
            for person in staff:
                self._play_past(Life(self._context, person, []).agenda)
        heapify(self._queue)

    def _play_past(self, agenda: Agenda) -> None:
        run_until(agenda.queue, self.start)
        self._queue.extend(agenda.queue)
        agenda.queue = self._queue

    def _expect_newcomer(self, at: datetime, ordinal: int) -> None:
        days = -log(1 - share(f"{self.seed}:arrival:{ordinal}")) / (_GROWTH * self.people)
        self._agenda.at((at + timedelta(days=days)).replace(microsecond=0), self._welcome, ordinal)

    def _welcome(self, at: datetime, ordinal: int) -> None:
        person, founded = newcomer(self.seed, ordinal, self._companies, at)
        if founded:
            self._founded.append(founded)
            Firm(self._context, founded, self._queue)
        Life(self._context, person, self._queue)
        self._expect_newcomer(at, ordinal + 1)

    def _welcome_buyer(self, at: datetime, buyer: Person) -> None:
        """Let somebody of a company that only the market knew sign up, and somebody of ours enter it."""
        assert buyer.company
        entered = replace(buyer.company, born=at)
        self._bought.append(entered)
        Firm(self._context, entered, self._queue)
        Life(self._context, buyer, self._queue)

    def _tend_catalogue(self, at: datetime, turn: int) -> None:
        """Every other week somebody improves a product's name tag."""
        products = list(self.stripe.products.values())
        product = products[turn % len(products)]
        previous = {"metadata": dict(product.metadata)}
        product.metadata = {**product.metadata, "revision": str(turn + 1)}
        product.updated = at
        self._context.events.record(at, f"evt_catalogue{turn}", "product.updated", product, previous)
        self._agenda.at(at + timedelta(days=14), self._tend_catalogue, turn + 1)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Whatever happens leaves objects that stay: looking for garbage among them would take most of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
