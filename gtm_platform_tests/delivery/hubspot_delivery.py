"""What the tests of deliveries to HubSpot share: clients, records that HubSpot has or lacks, the journal."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr

from gtm_platform.delivery.hubspot.client import HubSpotObjects
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.object_types.companies import OBJECT_TYPE as COMPANIES
from gtm_platform.delivery.hubspot.object_types.contacts import OBJECT_TYPE as CONTACTS
from gtm_platform.delivery.hubspot.plan import DesiredRecord, Unmatched
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.sandbox.hubspot import TOKEN
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sources.hubspot.client import HubSpotClient, RateLimits
from gtm_platform.state import State
from gtm_platform.state.schema import hubspot_writes
from gtm_platform_tests.delivery.world import NOW


class Crash(BaseException):
    """The process dies."""


def run(number: int = 1) -> Run:
    return Run(f"run-{number}", "2026-11-20", lambda: NOW)


def client(url: str, token: str = TOKEN, daily_reserve: float = 0.0) -> HubSpotClient:
    retry = RetryPolicy(budget=10, sleep=lambda _: None, random=lambda: 1.0)
    limiter = RateLimiter(10_000, 10_000, now=retry.now, sleep=retry.sleep)
    limits = RateLimits(limiter, limiter)
    return HubSpotClient(SecretStr(token), url, retry=retry, limits=limits, daily_reserve=daily_reserve)


def objects(
    url: str, object_type: ObjectType = COMPANIES, kind: type[HubSpotObjects] = HubSpotObjects
) -> HubSpotObjects:
    return kind(client(url), object_type)


def company(
    number: int,
    object_id: str = "",
    *,
    domain: str | None = None,
    aliases: Sequence[str] = (),
    name: str | None = None,
    **values: str,
) -> DesiredRecord:
    """A company that is to hold some values; without an object id it is to be looked up."""
    values = values or {"customer_cohort": "cohort_2_in_market", "signal_strength": "weak"}
    name = name or f"Company {number}"
    keys = ((domain,) if domain else (), tuple(aliases), (name.lower(),))
    own = {"name": name, "domain": domain or "", "hs_additional_domains": ";".join(aliases)}
    created_with = {key: value for key, value in own.items() if value}
    unmatched = None if object_id else Unmatched(keys, created_with)
    return DesiredRecord(f"com-{number}", object_id, values, dict.fromkeys(values, "{}"), unmatched)


def contact(number: int, object_id: str = "", *emails: str, score: str = "72", **values: str) -> DesiredRecord:
    """A customer whose contact is to hold a score; without an object id it is to be looked up by its addresses."""
    values = {"gtm_health_score": score, "gtm_health_status": "healthy", **values}
    emails = emails or (f"new{number}@acme.example",)
    unmatched = None if object_id else Unmatched((emails,), {"email": emails[0], "firstname": "Ada"})
    return DesiredRecord(f"cus-{number}", object_id, values, dict.fromkeys(values, "{}"), unmatched)


def put(portal: HubSpotStore, kind: str, **properties: str) -> str:
    """Put a record into HubSpot, as a person does."""
    id = str(portal.next_id)
    portal.next_id += 1
    portal.objects.setdefault(kind, {})[id] = HubSpotRecord(id, properties, NOW, NOW)
    return id


def live(portal: HubSpotStore, kind: str, **properties: str) -> list[HubSpotRecord]:
    """The live records with these values."""
    return [
        record
        for record in portal.objects.get(kind, {}).values()
        if not record.archived and properties.items() <= record.properties.items()
    ]


def journal(state: State, **values: str) -> list[sa.RowMapping]:
    rows = sa.select(hubspot_writes).filter_by(**values).order_by(hubspot_writes.c.id)
    with state.reading() as tx:
        return list(tx.execute(rows).mappings())


def untrue(state: State, portal: HubSpotStore) -> list[dict[str, Any]]:
    """The fields of which the journal says last that HubSpot has a value that it does not have."""
    last: dict[tuple[str, str, str], sa.RowMapping] = {}
    for row in journal(state):
        if row["status"] in ("written", "unchanged"):
            last[row["object_type"], row["object_id"], row["property"]] = row
    return [dict(row) for (kind, id, name), row in last.items() if not _is_true(portal, kind, id, name, row["after"])]


def _is_true(portal: HubSpotStore, kind: str, id: str, name: str, value: str) -> bool:
    if id not in portal.objects[kind]:
        return False
    record = portal.objects[kind][id]
    if name == "hs_object_id":
        return record.id == value
    if name == "associated_object":
        to, _, other = value.partition("/")
        return other in record.links.get(to, {})
    return record.properties.get(name, "") == value


__all__ = ["COMPANIES", "CONTACTS"]
