"""From an event to a value in HubSpot that was read back; what is left; who is compared; what stops it."""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gtm_platform.delivery.hotpath import worker as hot_worker
from gtm_platform.delivery.hotpath.comparing import compared
from gtm_platform.delivery.hotpath.delivering import TYPE
from gtm_platform.delivery.hotpath.fresher import newer_than_tables
from gtm_platform.delivery.hotpath.switch import off, set_switch
from gtm_platform.delivery.hotpath.worker import HotWorker
from gtm_platform.delivery.hubspot.day_delivery import deliver_day
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.sandbox import hubspot
from gtm_platform.sandbox.hubspot.access import Limits
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.serving.answers.hot_path import hot_path_now
from gtm_platform.settings import settings
from gtm_platform.state import State, open_state
from gtm_platform.state.hook_events import NewEvent, keep
from gtm_platform.state.hot_path import HotRun, hot_customers, note_tables
from gtm_platform_tests.delivery.hotpath.hot_home import DAY, TABLES_OF, TODAY, HotHome, Stored, stamp
from gtm_platform_tests.delivery.hotpath.random_histories import charge, subscription
from gtm_platform_tests.delivery.world import Watched, served
from gtm_platform_tests.ingest.syncing import RULES
from gtm_platform_tests.tables import rows_of

pytestmark = pytest.mark.soak

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
        self.monkeypatch.setattr(
            hot_worker, "read_open_window", lambda *_args: self.home.change(changes, hot_only=True)
        )
        self.worker.step()
        self.events += 1
        touched = {stream: ["x"] for stream in streams or ("subscriptions",)}
        event = NewEvent("stripe", "stripe", f"evt_{self.events}", "x", touched, None, self.now, None, has_id=True)
        with self.state.writing() as tx:
            keep(tx, [event])
        for _ in range(3):
            self.now += timedelta(seconds=5)
            if run := self.worker.step():
                return run
        return None

    def deliver_everything(self) -> None:
        self.runs += 1
        deliver_day(TYPE, self.home.lake, Run(f"full-{self.runs}", DAY, lambda: self.now), None, dry_run=False)

    def contact(self, number: int) -> dict[str, str]:
        return self.portal.objects["contacts"][f"h{number}"].properties

    def mrr_in_tables(self, number: int) -> Any:
        wide = self.home.lake.read_day("core/unified_customers", DAY)
        (row,) = rows_of(wide.filter(wide["hubspot_contact_id"] == f"h{number}").select("mrr"))
        return row["mrr"]


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> HotHome:
    """A home in which everything was computed, once for all tests."""
    random, home = Random(3), HotHome(tmp_path_factory.mktemp("hot"))
    mail = [f"p{number}@firm{number}.example" for number in range(PEOPLE)]
    paying = [subscription(random, number) | {"status": "active", "currency": "usd"} for number in range(PEOPLE)]
    home.begin(
        {
            "hubspot/contacts": [{"id": f"h{number}", "email": mail[number]} for number in range(PEOPLE)],
            "stripe/customers": [
                {"id": f"s{number}", "email": mail[number], "currency": "usd"} for number in range(PEOPLE)
            ],
            "stripe/subscriptions": paying,
        }
    )
    return home


@pytest.fixture
def room(computed: HotHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    shutil.copytree(computed.root / "lake", tmp_path / "lake")
    home = HotHome(tmp_path, {table: dict(rows) for table, rows in computed.records.items()})
    records = [HubSpotRecord(f"h{n}", {"email": f"p{n}@firm{n}.example"}, MORNING, MORNING) for n in range(PEOPLE)]
    portal = HubSpotStore(objects={"contacts": {record.id: record for record in records}}, next_id=1000)
    with served(hubspot.app(portal, lambda: MORNING, limits=Limits(burst=Limit(100_000, 10)))) as api:
        variables = {
            "GTM_HOME": str(tmp_path),
            "GTM_NOW": MORNING.isoformat(),
            "HUBSPOT_ACCESS_TOKEN": hubspot.TOKEN,
            "HUBSPOT_BASE_URL": api.url,
            "HUBSPOT_WRITE_ENABLED": "true",
            "STRIPE_API_KEY": "sk_test_1",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()
        state = home.state = open_state(settings().state_url)
        assert computed.made
        with state.writing() as tx:
            note_tables(tx, computed.made)
        follower = HotWorker(home.lake, state, TABLES_OF, lambda: RULES, lambda _: (), lambda _: {}, lambda: MORNING)
        room = Room(home, portal, api, state, follower, monkeypatch)
        follower.now, follower.gate = (lambda: room.now), (lambda _day: room.gate)
        room.deliver_everything()
        yield room
        state.close()


def priced(number: int, amount: int, status: str = "active") -> dict[str, Any]:
    fixed = subscription(Random(number), number)
    phase = {
        name: amount * (12 if name.startswith("arr") else 1) if name[:3] in ("mrr", "arr") else None
        for name in fixed["phases"][0]
    }
    return fixed | {"status": status, "currency": "usd", "phases": [phase], "cancel_at_period_end": False}


def test_an_event_is_in_hubspot_and_read_back_and_the_tables_say_the_same(room: Room) -> None:
    run = room.hear({"stripe/subscriptions": [priced(2, 123_400)]})
    assert run
    assert (run.outcome, run.customers, run.sources) == ("delivered", 1, "stripe"), run.reason
    assert room.contact(2)["gtm_mrr"] == "1234"
    assert room.contact(2)["gtm_health_score"]
    reads = [call.path for call in room.api.calls if call.path.endswith("/contacts/batch/read")]
    assert reads, "what was written is read back"
    shown = hot_path_now(room.state, room.now)
    assert (shown.events, shown.delivered, shown.fields > 0, shown.is_stopped) == (1, 1, True, False)

    # The tables do not know it yet: a delivery of the day leaves it as it is.
    assert len(newer_than_tables(room.home.lake, DAY, room.state)) == 1
    room.deliver_everything()
    assert room.contact(2)["gtm_mrr"] == "1234"

    # The source's run reads the window, too, and everything is computed: now it is compared, and is the same.
    room.home.change({"stripe/subscriptions": [priced(2, 123_400)]})
    assert compared(room.home.lake, room.state, DAY, TABLES_OF).waiting == 1
    room.home.compute_everything()
    found = compared(room.home.lake, room.state, DAY, TABLES_OF)
    assert (found.equal, found.different, found.waiting) == (1, {}, 0)
    assert str(room.mrr_in_tables(2)) == "1234.00"
    assert not newer_than_tables(room.home.lake, DAY, room.state)


def test_what_came_since_is_no_difference_and_a_wrong_row_is(room: Room) -> None:
    assert room.hear({"stripe/subscriptions": [priced(1, 10_000)]})
    failed = charge(Random(1), 1, 7, "failed")
    room.home.change({"stripe/subscriptions": [priced(1, 20_000)], "stripe/charges": [failed]})
    room.home.compute_everything()
    found = compared(room.home.lake, room.state, DAY, TABLES_OF)
    assert (found.equal, found.moved, found.different) == (0, 1, {})

    run = room.hear({"stripe/subscriptions": [priced(1, 30_000)]})
    assert run
    assert run.outcome == "delivered", run.reason
    room.home.change({"stripe/subscriptions": [priced(1, 30_000)]})
    room.home.compute_everything()
    revenue = room.home.lake.read_day("core/revenue", DAY)
    room.home.lake.write("core/revenue", DAY, revenue.mutate(mrr=revenue["mrr"] + 1).to_pyarrow().to_reader())
    assert room.home.made
    with room.state.writing() as tx:
        note_tables(tx, replace(room.home.made, made_by=stamp()))
    found = compared(room.home.lake, room.state, DAY, TABLES_OF)
    assert found.different
    assert {table for tables in found.different.values() for table in tables} == {"core/revenue"}


def test_it_is_stopped_and_goes_on_when_it_may(room: Room) -> None:
    set_switch(room.state, is_on=False, reason="it was wrong.", by="a check", at=room.now)
    assert "it was wrong" in (off(room.state) or "")
    assert room.hear({"stripe/subscriptions": [priced(3, 5_000)]}) is None
    assert room.contact(3).get("gtm_mrr") != "50"
    assert hot_path_now(room.state, room.now).is_stopped
    set_switch(room.state, is_on=True, reason="mended", by="me", at=room.now)
    assert room.worker.step() is None, "what came meanwhile is left to the tables"
    run = room.hear({"stripe/subscriptions": [priced(3, 6_000)]})
    assert run
    assert (run.outcome, run.events, room.contact(3)["gtm_mrr"]) == ("delivered", 1, "60")


@pytest.mark.parametrize("case", ["gate", "identity", "whole"])
def test_what_is_left_to_the_tables_is_counted(room: Room, case: str) -> None:
    if case == "gate":
        room.gate = ["the check keys of core/revenue failed"]
        run = room.hear({"stripe/subscriptions": [priced(4, 5_000)]})
    elif case == "identity":
        moved = room.home.records["stripe/customers"]["s4"] | {"email": "p5@firm5.example"}
        run = room.hear({"stripe/subscriptions": [priced(4, 5_000)], "stripe/customers": [moved]})
    else:
        room.home._write(room.home.lake, "stripe/subscriptions", f"{DAY}", [priced(4, 5_000)], full=True)
        run = room.hear({"stripe/charges": []})
    assert run
    cause = {"gate": "gate", "identity": "identity", "whole": "read_whole"}[case]
    assert run.left.get(cause), run
    assert room.contact(4).get("gtm_mrr") != "50"
    with room.state.reading() as tx:
        assert not hot_customers(tx, DAY)
