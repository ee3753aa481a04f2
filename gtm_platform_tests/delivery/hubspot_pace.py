"""A delivery to a HubSpot that counts its documented limits by a clock that only waiting moves: how long it takes."""

from dataclasses import dataclass, field
from math import ceil
from typing import NamedTuple

from pydantic import SecretStr

from gtm_platform.delivery.hubspot.client import BATCH, HubSpotObjects
from gtm_platform.delivery.hubspot.object_types.contacts import OBJECT_TYPE as CONTACTS
from gtm_platform.delivery.hubspot.pipeline import deliver
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sandbox import hubspot
from gtm_platform.sandbox.hubspot.access import DOCUMENTED
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sources.hubspot.client import CALLS, SEARCHES, HubSpotClient, RateLimits
from gtm_platform.state import State
from gtm_platform_tests.delivery.hubspot_account import plan_of, run
from gtm_platform_tests.delivery.world import NOW, served
from gtm_platform_tests.http.clock import Clock

BURST = DOCUMENTED["burst"]


@dataclass
class CountedLimit(Limit):
    """A limit that counts whom it refused."""

    refused: int = field(default=0)

    def take(self) -> bool:
        taken = super().take()
        self.refused += not taken
        return taken


class Pace(NamedTuple):
    """How many calls a delivery made, the seconds that it waited, and those that the limit makes one wait."""

    calls: int
    writes: int
    seconds: float
    allowed: float
    refused: int
    again: int  # calls of the same delivery once more


def pace_of(contacts: int, state: State) -> Pace:
    """Deliver a score to so many contacts with nothing but the documented limit in the way, and again."""
    clock = Clock()
    burst = CountedLimit(*BURST, now=clock.now)
    search, daily = (Limit(*DOCUMENTED[name], now=clock.now) for name in ("search", "daily"))
    limits = hubspot.Limits(burst=burst, daily=daily, search=search)
    records = (HubSpotRecord(str(n), {"email": f"p{n}@acme.example"}, NOW, NOW) for n in range(1, contacts + 1))
    portal = HubSpotStore(objects={"contacts": {record.id: record for record in records}}, next_id=contacts + 1)
    desired = plan_of(range(1, contacts + 1))
    with served(hubspot.app(portal, lambda: NOW, limits=limits)) as watched:
        objects = HubSpotObjects(client_on(clock, watched.url), CONTACTS)
        report = deliver(desired, objects, state, run())
        assert report.written == contacts
        calls, seconds = len(watched.calls), clock.now()
        writes = len(watched.asked("batch/update"))
        watched.calls.clear()
        deliver(desired, objects, state, run(2))
        objects.client.close()
        return Pace(calls, writes, seconds, allowed_seconds(calls), burst.refused, len(watched.calls))


def client_on(clock: Clock, url: str) -> HubSpotClient:
    """Return a client with its own limiters, which wait on a clock."""
    calls, searches = (RateLimiter.within(*each, now=clock.now, sleep=clock.sleep) for each in (CALLS, SEARCHES))
    retry = RetryPolicy(now=clock.now, sleep=clock.sleep, random=lambda: 1.0)
    return HubSpotClient(SecretStr(hubspot.TOKEN), url, retry=retry, limits=RateLimits(calls, searches))


def allowed_seconds(calls: int) -> float:
    """How long after the first of so many calls the limit lets the last one through."""
    return (ceil(calls / BURST.calls) - 1) * BURST.seconds


def needed_writes(contacts: int) -> int:
    """In how many calls so many contacts can be written."""
    return ceil(contacts / BATCH)
