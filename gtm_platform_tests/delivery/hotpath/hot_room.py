"""A home that was computed and delivered, the HubSpot that it is delivered to, and a worker that follows hooks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from gtm_platform.delivery.hotpath import worker as hot_worker
from gtm_platform.delivery.hotpath.delivering import TYPES
from gtm_platform.delivery.hotpath.worker import HotWorker
from gtm_platform.delivery.hubspot.day_delivery import deliver_day
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.state import State
from gtm_platform.state.hook_events import NewEvent, keep
from gtm_platform.state.hot_path import HotRun
from gtm_platform_tests.delivery.hotpath.hot_home import DAY, TABLES_OF, TODAY, HotHome, Stored
from gtm_platform_tests.delivery.hotpath.random_histories import subscription
from gtm_platform_tests.delivery.world import Watched
from gtm_platform_tests.ingest.syncing import RULES
from gtm_platform_tests.tables import rows_of

MORNING = datetime(TODAY.year, TODAY.month, TODAY.day, 9, tzinfo=UTC)
PEOPLE = 6


@dataclass
class Room:
    """A home that was computed and delivered, the HubSpot that it is delivered to, and a worker that follows hooks."""

    home: HotHome
    portal: HubSpotStore
    api: Watched
    state: State
    worker: HotWorker
    monkeypatch: pytest.MonkeyPatch
    now: datetime = MORNING
    gate: Sequence[str] = ()
    events: int = 0
    runs: int = 0

    def hear(self, changes: Stored, *streams: str) -> HotRun | None:
        """Change records in Stripe; an event says so; the worker looks until it has followed it."""
        self.brings(changes)
        self.worker.step()
        self.arrives(*streams)
        for _ in range(3):
            self.now += timedelta(seconds=5)
            if run := self.worker.step():
                return run
        return None

    def brings(self, changes: Stored) -> None:
        """Let the open window hold these records when it is read."""
        self.monkeypatch.setattr(
            hot_worker, "read_open_window", lambda *_args: self.home.change(changes, hot_only=True)
        )

    def arrives(self, *streams: str) -> None:
        """Let an event arrive."""
        self.events += 1
        touched = {stream: ["x"] for stream in streams or ("subscriptions",)}
        event = NewEvent("stripe", "stripe", f"evt_{self.events}", "x", touched, None, self.now, None, has_id=True)
        with self.state.writing() as tx:
            keep(tx, [event])

    def another_worker(self) -> HotWorker:
        """Return a worker as a process that starts again has it."""
        return follower(self.home, self.state, lambda: self.now)

    def deliver_everything(self) -> None:
        self.runs += 1
        for object_type in TYPES:
            run = Run(f"full-{self.runs}", DAY, lambda: self.now)
            deliver_day(object_type, self.home.lake, run, None, dry_run=False)

    def contact(self, number: int) -> dict[str, str]:
        return self.portal.objects["contacts"][f"h{number}"].properties

    def company(self, number: int) -> dict[str, str]:
        return self.portal.objects["companies"][f"o{number}"].properties

    def mrr_in_tables(self, number: int) -> Any:
        wide = self.home.lake.read_day("core/unified_customers", DAY)
        (row,) = rows_of(wide.filter(wide["hubspot_contact_id"] == f"h{number}").select("mrr"))
        return row["mrr"]


def follower(home: HotHome, state: State, now: Callable[[], datetime]) -> HotWorker:
    """Return a worker whose gate is open."""
    return HotWorker(home.lake, state, TABLES_OF, lambda: RULES, open_gate, open_gate, lambda *_: {}, now)


def open_gate(_day: str) -> Sequence[str]:
    """Hold nothing back."""
    return ()


def signal(number: int, id: str, kind: str = "star") -> dict[str, Any]:
    """Return what an automation tool pushed of a company."""
    named = {"company_domain": f"firm{number}.example", "company_name": f"Firm {number}"}
    return {"id": id, "kind": kind, "name": "rag", "received_at": MORNING - timedelta(hours=1), **named}


def priced(number: int, amount: int, status: str = "active") -> dict[str, Any]:
    fixed = subscription(Random(number), number)
    phase = {
        name: amount * (12 if name.startswith("arr") else 1) if name[:3] in ("mrr", "arr") else None
        for name in fixed["phases"][0]
    }
    return fixed | {"status": status, "currency": "usd", "phases": [phase], "cancel_at_period_end": False}
