"""A day on which nothing changed, beside the reading of what tells so: a delivery, and the windows of sources."""

import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from gtm_platform.delivery.gate import CUSTOMERS, HEALTH, rows
from gtm_platform.delivery.hubspot.assets import deliver_day
from gtm_platform.delivery.hubspot.object_types.contacts import OBJECT_TYPE as CONTACTS
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox import hubspot
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.hubspot_journal import CONFIRMED
from gtm_platform.state.schema import hubspot_writes as journal
from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.latency import WAIT
from gtm_platform_tests.bench.rounds import compared, in_child
from gtm_platform_tests.delivery.world import served
from gtm_platform_tests.tables import filled

DAY, NOW = "2026-11-20", datetime(2026, 11, 20, 6, tzinfo=UTC)


def measure(effort: Effort) -> Iterator[Row]:
    contacts = effort.of(30_000, 3_000)
    found = in_child(f"{__name__}:deliver_again", contacts=contacts, rounds=7 * effort.rounds).found
    ours, floor = found["ours"], found["floor"]
    what = f"delivery to HubSpot, {contacts:,} contacts"
    yield Row(what, "s", **compared(ours, floor), target=Target("≤", 1.2), baseline="reading day and journal")
    yield Row(what, "calls to HubSpot", found["calls"], Target("≤", 0))
    for source in ("hubspot", "stripe"):
        rounds = 2 * effort.rounds - 1  # days, before a week is over and all is read anew
        found = in_child("gtm_platform_tests.bench.window:read_again", name=source, rounds=rounds).found
        what = f"a window of {source}, {found['requests']} requests of {WAIT * 1000:.0f} ms"
        both = compared(found["ours"], found["floor"])
        yield Row(what, "s", **both, target=Target("≤", 1.2), baseline="making the requests")


def deliver_again(contacts: int, rounds: int) -> dict[str, Any]:
    """Delivers a day once, and then the same day again and again; with the calls made by all but the first."""
    lake = Lake(settings().home / "lake")
    _fill(lake, contacts)
    generous = hubspot.Limits(*(Limit(10**9, 10) for _ in range(3)))
    with served(hubspot.app(_portal(contacts), lambda: NOW, limits=generous)) as watched:
        os.environ |= {"HUBSPOT_ACCESS_TOKEN": hubspot.TOKEN, "HUBSPOT_BASE_URL": watched.url}
        os.environ["GTM_POLICY"] = str(_policy_with_all_limits())
        settings.cache_clear()
        first = _seconds(partial(deliver_day, CONTACTS, lake, Run("first", DAY, lambda: NOW), None, dry_run=False))
        watched.calls.clear()
        ours, floor = [], []
        for number in range(rounds):
            floor.append(_seconds(partial(_read, lake)))
            run = Run(f"again-{number}", DAY, lambda: NOW)
            ours.append(_seconds(partial(deliver_day, CONTACTS, lake, run, None, dry_run=False)))
        return {"first": first, "ours": ours, "floor": floor, "calls": len(watched.calls)}


def _policy_with_all_limits() -> Path:
    """Write a policy for an account that is ours alone: the whole of its limits may be used."""
    path = settings().home / "policy.toml"
    packaged = files("gtm_platform").joinpath("policy/policy.toml").read_text()
    path.write_text(packaged.replace("[limits.systems]\n", "[limits.systems]\nhubspot = 1.0\n"))
    return path


def _fill(lake: Lake, contacts: int) -> None:
    chance = random.Random(7)
    people = [(f"cus_{n:06d}", str(n), chance.randint(0, 100)) for n in range(1, contacts + 1)]
    judged = [
        {
            "customer_id": customer,
            "health_score": score,
            "health_status": ("critical", "high_risk", "at_risk", "healthy")[score // 26],
            "churn_risk": 100 - score,
            "risk_signals": ["inactive_30d", "low_csat"] if score < 40 else [],
        }
        for customer, _, score in people
    ]
    known = [
        {
            "customer_id": customer,
            "hubspot_contact_id": contact,
            "customer_status": "active",
            "is_customer": True,
            "mrr": Decimal(score),
            "mrr_reporting": Decimal(score),
            "mrr_source": "stripe",
            "currency": "usd",
        }
        for customer, contact, score in people
    ]
    lake.write(HEALTH, DAY, filled(HEALTH, *judged).to_pyarrow().to_reader())
    lake.write(CUSTOMERS, DAY, filled(CUSTOMERS, *known).to_pyarrow().to_reader())


def _portal(contacts: int) -> HubSpotStore:
    records = (HubSpotRecord(str(n), {"email": f"p{n}@acme.example"}, NOW, NOW) for n in range(1, contacts + 1))
    return HubSpotStore(objects={"contacts": {record.id: record for record in records}}, next_id=contacts + 1)


def _read(lake: Lake) -> None:
    """The least from which one can know: what is to be there, and what was last written."""
    rows(lake, HEALTH, DAY, CONTACTS.subject, *CONTACTS.columns_of(HEALTH))
    rows(lake, CUSTOMERS, DAY, CONTACTS.subject, CONTACTS.key, *CONTACTS.columns_of(CUSTOMERS))
    wanted = sa.select(journal.c.object_id, journal.c.property, journal.c.after).where(journal.c.status.in_(CONFIRMED))
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        tx.execute(wanted).all()


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


FIGURE = Figure(
    "unchanged", "An unchanged day costs little more than reading what tells so, and nothing is sent.", measure
)
