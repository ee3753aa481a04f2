"""Contacts of these tests in an emulated HubSpot: what they are to have, what they have, and who changes it there."""

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from pydantic import SecretStr

from gtm_platform.delivery.hubspot.client import HubSpotObjects
from gtm_platform.delivery.hubspot.object_types.contacts import OBJECT_TYPE as CONTACTS
from gtm_platform.delivery.hubspot.plan import DesiredRecord
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sandbox.hubspot import TOKEN
from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.sources.hubspot.client import HubSpotClient, RateLimits
from gtm_platform.state import State
from gtm_platform.state.schema import hubspot_writes
from gtm_platform_tests.delivery.world import NOW, Watched

DAY = "2026-11-20"
UPDATE = "/contacts/batch/update"


def run(number: int = 1, at: datetime = NOW, day: str = DAY) -> Run:
    """A run that goes on at one moment."""
    return Run(f"run-{number}", day, lambda: at)


def contacts(api: Watched, kind: type[HubSpotObjects] = HubSpotObjects) -> HubSpotObjects:
    """The contacts of the account, asked without waiting."""
    retry = RetryPolicy(budget=10, sleep=lambda _: None, random=lambda: 1.0)
    limiter = RateLimiter(10_000, 10_000, now=retry.now, sleep=retry.sleep)
    return kind(HubSpotClient(SecretStr(TOKEN), api.url, retry=retry, limits=RateLimits(limiter, limiter)), CONTACTS)


def plan_of(ids: Iterable[int], score: str = "72", **more: str) -> list[DesiredRecord]:
    """What contacts are to have."""
    values = {"gtm_health_score": score, "gtm_health_status": "healthy", **more}
    return [DesiredRecord(f"cust-{n}", str(n), values, dict.fromkeys(values, "{}")) for n in ids]


def value_in(portal: HubSpotStore, id: int, name: str = "gtm_health_score") -> str | None:
    """What a contact has."""
    return portal.objects["contacts"][str(id)].properties.get(name)


def change(portal: HubSpotStore, id: int, source: str, at: datetime, **values: str) -> None:
    """Somebody or something changes a contact in HubSpot."""
    portal.objects["contacts"][str(id)].write(values, at, source)


def journal(state: State, **values: str) -> list[sa.RowMapping]:
    """The journal's rows with these values, the oldest first."""
    rows = sa.select(hubspot_writes).filter_by(**values).order_by(hubspot_writes.c.id)
    with state.reading() as tx:
        return list(tx.execute(rows).mappings())


def read_with_history(api: Watched) -> set[str]:
    """The contacts whose history was read."""
    calls = [call for call in api.calls_to("batch/read") if call.body["propertiesWithHistory"]]
    return {each["id"] for call in calls for each in call.body["inputs"]}
