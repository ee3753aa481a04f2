"""An account of people in each of the three emulators, whose truth a test changes while it is being paged through; and
what stands between the emulator and the source: pages that come twice, pages that come for ever."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any
from urllib.parse import parse_qsl

import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.source import Source
from gtm_platform.sandbox import hubspot, intercom, stripe
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.intercom.store import IntercomCompany, IntercomContact, IntercomStore
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.stripe.store import StripeCustomer, StripeEvent, StripeStore
from gtm_platform.settings import settings
from gtm_platform.sources.hubspot.source import SOURCE as HUBSPOT
from gtm_platform.sources.intercom.source import SOURCE as INTERCOM
from gtm_platform.sources.stripe.source import SOURCE as STRIPE
from gtm_platform_tests.ingest.syncing import Clock
from gtm_platform_tests.sources.conftest import Stand

CURSORS = ("after", "starting_after", "scroll_param")


class Unpaced(RateLimiter):
    def __init__(self, *_: float, **__: float) -> None:
        super().__init__(10**6, 10**6)

    @classmethod
    def within(cls, *_: float) -> RateLimiter:  # type: ignore[override]
        return cls()


@dataclass
class Account:
    """`put` adds or changes person number so and so, `drop` removes one."""

    source: Source
    stream: str
    emulator: ASGIApp
    environment: dict[str, str]
    id_of: Callable[[int], str]
    put: Callable[[int, datetime], None]
    drop: Callable[[int, datetime], None]

    @contextmanager
    def connected(
        self, stand: Stand, monkeypatch: pytest.MonkeyPatch, emulator: ASGIApp | None = None
    ) -> Iterator[Any]:
        """The source's own client; nobody waits in a test."""
        stand.emulator = emulator or self.emulator
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value.format(url=stand.url))
        settings.cache_clear()
        package = f"gtm_platform.sources.{self.source.name}.client"
        monkeypatch.setattr(f"{package}.RetryPolicy", partial(RetryPolicy, sleep=lambda _: None))
        monkeypatch.setattr(f"{package}.RateLimiter", Unpaced)
        with self.source.open() as client:
            yield client


def of_hubspot(clock: Clock) -> Account:
    store = HubSpotStore(objects={"contacts": {}})
    people = store.objects["contacts"]

    def put(number: int, moved: datetime) -> None:
        known = people.setdefault(str(number), HubSpotRecord(str(number), {}, moved, moved))
        known.updated = moved

    def drop(number: int, moved: datetime) -> None:
        people[str(number)].archived = moved

    unlimited = hubspot.Limits(*(Limit(10**6, 10) for _ in range(3)))
    emulator = hubspot.app(store, clock, limits=unlimited)
    environment = {"HUBSPOT_ACCESS_TOKEN": hubspot.TOKEN, "HUBSPOT_BASE_URL": "{url}"}
    return Account(HUBSPOT, "contacts", emulator, environment, str, put, drop)


def of_stripe(clock: Clock) -> Account:
    store = StripeStore()

    def put(number: int, moved: datetime) -> None:
        key = f"cus_{number}"
        kind = "customer.updated" if key in store.customers else "customer.created"
        person = store.customers.setdefault(key, StripeCustomer(key, moved, None, None))
        store.events.append(StripeEvent(f"evt_{len(store.events)}", kind, moved, stripe.render(person, store)))

    def drop(number: int, moved: datetime) -> None:
        store.customers[f"cus_{number}"].deleted = moved

    emulator = stripe.app(store, clock, stripe.Limits(account=10**6, endpoint=10**6))
    environment = {"STRIPE_API_KEY": stripe.TOKEN, "STRIPE_BASE_URL": "{url}"}
    return Account(STRIPE, "customers", emulator, environment, "cus_{}".format, put, drop)


def of_intercom(clock: Clock) -> Account:
    store = IntercomStore()

    def put(number: int, moved: datetime) -> None:
        known = store.contacts.setdefault(str(number), IntercomContact(str(number), "user", None, None, moved, moved))
        known.updated = moved
        store.companies[str(number)] = IntercomCompany(str(number), f"acme-{number}", "Acme", moved, moved)

    def drop(number: int, moved: datetime) -> None:
        store.contacts[str(number)].deleted = moved

    seconds = count(step=5)  # a scroll that is left alone dies
    limits = intercom.Limits(calls=10**6, now=lambda: float(next(seconds)))
    environment = {"INTERCOM_ACCESS_TOKEN": intercom.TOKEN, "INTERCOM_BASE_URL": "{url}"}
    return Account(INTERCOM, "contacts", intercom.app(store, clock, limits), environment, str, put, drop)


ACCOUNTS = {"hubspot": of_hubspot, "stripe": of_stripe, "intercom": of_intercom}


@dataclass
class Replaying:
    """In front of an emulator: where `strikes` says so, the answer is one that was given before in the same list."""

    emulator: ASGIApp
    strikes: Callable[[], bool]
    first: bool = False  # the first page again, instead of the page before
    answers: dict[str, list[Message]] = field(default_factory=dict)
    struck: int = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = parse_qsl(scope["query_string"].decode())
        key = f"{scope['path']} {[pair for pair in asked if pair[0] not in CURSORS]}"
        if key in self.answers and self.strikes():
            self.struck += 1
            for message in self.answers[key]:
                await send(message)
            return
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)
            await send(message)

        await self.emulator(scope, receive, keep)
        if not (self.first and key in self.answers):
            self.answers[key] = messages


@dataclass
class Meanwhile:
    """In front of an emulator: something happens before each call."""

    emulator: ASGIApp
    happens: Callable[[], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.happens()
        await self.emulator(scope, receive, send)


def small_pages(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    for constant in ("hubspot.client.LIST_PAGE", "hubspot.streams.SEARCH_PAGE"):
        monkeypatch.setattr(f"gtm_platform.sources.{constant}", size)
    for source in ("stripe", "intercom"):
        monkeypatch.setattr(f"gtm_platform.sources.{source}.client.LARGEST_PAGE", size)
    monkeypatch.setattr("gtm_platform.sandbox.intercom.companies.SCROLL_PAGE", size)


def soon(end: datetime) -> datetime:
    return end + timedelta(minutes=20)
