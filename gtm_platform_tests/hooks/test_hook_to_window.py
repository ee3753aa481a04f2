"""From hook to window: bursts are one read, what a run read is settled, what only comes by hook lands from its body."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest

from gtm_platform.automation.hooked_windows import Memory, read_hooked_windows
from gtm_platform.delivery.sensors import deliver
from gtm_platform.ingest.assets import asset_of, definitions_of
from gtm_platform.ingest.hooks.delivery import Delivery
from gtm_platform.ingest.hooks.hook import discover_hooks
from gtm_platform.ingest.source import Source
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.orchestration.compat import AssetJob
from gtm_platform.serving.hooks.endpoint import headers_of, new_events
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform.state import open_state
from gtm_platform.state.hook_events import keep, to_read
from gtm_platform_tests.hooks.senders import BY_NAME
from gtm_platform_tests.ingest.syncing import RULES
from gtm_platform_tests.tables import filled

NOW = datetime(2026, 3, 2, 10, tzinfo=UTC)
SOURCES = {source.name: source for source in SCHEDULED}


@pytest.fixture(autouse=True)
def _at_ten(switched_on: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: ARG001
    monkeypatch.setenv("STRIPE_API_KEY", "sk_test_1")
    monkeypatch.setenv("ORB_API_KEY", "orb_1")
    move(monkeypatch, NOW)
    return


def move(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    monkeypatch.setenv("GTM_NOW", now.isoformat())
    settings.cache_clear()


def receive(name: str, *numbers: int, at: datetime = NOW, bodies: list[bytes] | None = None) -> None:
    """Keep events as the receiver does."""
    hook, sender = next(hook for hook in discover_hooks() if hook.name == name), BY_NAME[name]
    for body in bodies or [sender.body(number, at) for number in numbers]:
        raw = [(key.lower().encode(), value.encode()) for key, value in sender.headers(body, at).items()]
        with closing(open_state(settings().state_url)) as state, state.writing() as tx:
            keep(tx, new_events(hook, Delivery(hook.address, headers_of(raw), body, at)))


def waiting() -> dict[str, set[str]]:
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        return {source: set(unread.streams) for source, unread in to_read(tx).items()}


class Daemon:
    """The sensor, tick by tick."""

    def __init__(self) -> None:
        jobs = [job for source in SCHEDULED for job in definitions_of(source, lambda: RULES).jobs or ()]
        self.sensor = read_hooked_windows([job for job in jobs if isinstance(job, AssetJob)], deliver)
        self.instance = dg.DagsterInstance.ephemeral()
        self.cursor: str | None = None

    def tick(self) -> tuple[list[dg.RunRequest], str]:
        context = dg.build_sensor_context(instance=self.instance, cursor=self.cursor)
        data = self.sensor.evaluate_tick(context)
        self.cursor = data.cursor or self.cursor
        return list(data.run_requests or ()), data.skip_message or ""


@pytest.fixture
def daemon() -> Daemon:
    return Daemon()


def begun(source: str, stream: str) -> None:
    """Let the stream have been read whole before."""
    table = f"{source}/{stream}"
    the_lake().write(table, "2026-03-01", engine().to_pyarrow(filled(table)), full=True)


def test_a_burst_is_one_read_of_the_streams_that_changed(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    begun("stripe", "subscriptions")
    begun("stripe", "customers")
    receive("stripe", *range(20), at=NOW - timedelta(seconds=5))
    assert daemon.tick() == ([], "stripe: 20 events have come, and more may")
    move(monkeypatch, NOW + timedelta(seconds=15))
    (request,), _ = daemon.tick()
    assert (request.job_name, request.tags["dagster/partition"]) == ("sync_stripe", "2026-03-02")
    assert request.asset_selection == [dg.AssetKey(["stripe", "subscriptions"])]
    receive("stripe", 21, at=NOW + timedelta(seconds=15))
    move(monkeypatch, NOW + timedelta(seconds=40))
    assert "too short a time ago" in daemon.tick()[1]
    move(monkeypatch, NOW + timedelta(seconds=90))
    assert len(daemon.tick()[0]) == 1


def test_an_endless_burst_is_read_in_between(daemon: Daemon) -> None:
    begun("stripe", "subscriptions")
    receive("stripe", 1, at=NOW - timedelta(seconds=70))
    receive("stripe", 2, at=NOW - timedelta(seconds=1))
    assert len(daemon.tick()[0]) == 1


def test_what_is_read_whole_is_read_once_an_hour_at_most(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    begun("orb", "invoices")
    for minutes, expected in ((0, 1), (5, 0), (59, 0), (61, 1)):
        move(monkeypatch, NOW + timedelta(minutes=minutes))
        receive("orb", minutes, at=NOW + timedelta(minutes=minutes - 1))
        assert len(daemon.tick()[0]) == expected, minutes


def test_a_stream_that_was_never_read_waits_for_its_schedule(daemon: Daemon) -> None:
    receive("stripe", 1, at=NOW - timedelta(minutes=5))
    assert "never whole yet" in daemon.tick()[1]


def test_what_is_off_or_read_from_landed_tables_is_left_to_itself(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun("stripe", "subscriptions")
    receive("stripe", 1, at=NOW - timedelta(minutes=5))
    monkeypatch.setenv("STRIPE_VIA", "fivetran")
    monkeypatch.setenv("STRIPE_LANDED", "landed")
    settings.cache_clear()
    assert "landed tables" in daemon.tick()[1]
    monkeypatch.setenv("STRIPE_VIA", "api")
    monkeypatch.delenv("STRIPE_API_KEY")
    settings.cache_clear()
    assert "stripe is off" in daemon.tick()[1]


def test_reactions_in_slack_have_them_read(daemon: Daemon) -> None:
    receive("slack", 1, at=NOW - timedelta(minutes=1))
    (request,), _ = daemon.tick()
    assert (request.job_name, request.asset_selection) == ("deliver", [dg.AssetKey(["alerts", "precision"])])


def run(source: Source, day: str = "2026-03-02") -> dg.ExecuteInProcessResult:
    return dg.materialize([asset_of(source, lambda: RULES)], partition_key=day, resources={"lake": LakeResource()})


def rows(table: str, *columns: str) -> list[Any]:
    return the_lake().as_of(table, "9999").order_by(columns[0]).select(*columns).to_pyarrow().to_pylist()


def test_signals_land_at_once_and_once_and_what_names_nobody_is_quarantined(monkeypatch: pytest.MonkeyPatch) -> None:
    receive("zapier", 1, 2)
    receive("make", 1, bodies=[b'{"event_id":"m-1","signal":"star"}', b'{"event_id":"m-2","email":"b@c.example"}'])
    move(monkeypatch, NOW + timedelta(minutes=1))
    assert waiting() == {"pushed_signals": {"signals"}}
    assert run(SOURCES["pushed_signals"]).success
    assert waiting() == {}
    expected = [
        {"id": "make:m-2", "kind": "listed", "company_domain": None, "person_email": "b@c.example"},
        {"id": "zapier:z-1", "kind": "job", "company_domain": "acme1.example", "person_email": "ada@acme.example"},
        {"id": "zapier:z-2", "kind": "job", "company_domain": "acme2.example", "person_email": "ada@acme.example"},
    ]
    table = "pushed_signals/signals"
    assert rows(table, *expected[0]) == expected
    bad = the_lake().partition("quarantine/pushed_signals_signals", "2026-03-02").to_pyarrow().to_pylist()
    assert [row["reason"] for row in bad] == ["The signal names neither a company's domain nor a person's address"]
    assert all(file.is_open for file in the_lake().files(table))
    receive("zapier", 3, at=NOW + timedelta(hours=13))
    move(monkeypatch, NOW + timedelta(hours=14, minutes=15))
    assert run(SOURCES["pushed_signals"]).success
    assert [row["id"] for row in rows(table, "id")] == ["make:m-2", "zapier:z-1", "zapier:z-2", "zapier:z-3"]
    assert [(file.is_open, file.full) for file in the_lake().files(table)] == [(False, True)]


def test_alerts_activities_and_messages_land(monkeypatch: pytest.MonkeyPatch) -> None:
    receive("factors", 1)
    receive("reodev", 1)
    delete = json.dumps({"type": "delete", "userId": "u-2", "messageId": "d"}).encode()
    track = (
        b'{"type":"track","event":"Plan Upgraded","userId":"u-1","messageId":"t","timestamp":"2026-03-02T09:59:00Z"}'
    )
    receive("segment", 1, 2)
    receive("segment", bodies=[track])
    receive("segment", bodies=[delete], at=NOW + timedelta(seconds=1))
    move(monkeypatch, NOW + timedelta(minutes=1))
    for name in ("factors_alerts", "reodev_hooks", "segment_messages"):
        assert run(SOURCES[name]).success
    assert waiting() == {}
    assert rows("factors_alerts/alerts", "company_domain", "page_views") == [
        {"company_domain": "acme1.example", "page_views": 4}
    ]
    assert rows("reodev_hooks/activities", "company_domain", "kind", "developer_email") == [
        {"company_domain": "acme1.example", "kind": "visit", "developer_email": "dana@acme.example"}
    ]
    assert rows("segment_messages/people", "id", "email") == [{"id": "u-1", "email": "ada@acme.example"}]
    assert rows("segment_messages/happenings", "id", "type", "name") == [
        {"id": "t", "type": "track", "name": "Plan Upgraded"}
    ]


def test_bodies_go_once_their_window_has_landed_for_some_days(daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    receive("zapier", 1, 2)

    def persisted() -> list[bool]:
        with closing(open_state(settings().state_url)) as state, state.reading() as tx:
            return [row.body is not None for row in tx.exec_driver_sql("select body from hook_events")]

    def tick_at(days: float) -> None:
        move(monkeypatch, NOW + timedelta(days=days))
        daemon.tick()

    tick_at(9)
    assert persisted() == [True, True], "they have not landed: nobody read the window"
    move(monkeypatch, NOW + timedelta(days=9))
    assert run(SOURCES["pushed_signals"], "2026-03-02").success
    tick_at(9.1)
    assert persisted() == [False, False]
    assert run(SOURCES["pushed_signals"], "2026-03-02").success
    assert [row["id"] for row in rows("pushed_signals/signals", "id")] == ["zapier:z-1", "zapier:z-2"], (
        "it keeps its rows"
    )
    tick_at(40)
    assert persisted() == []


def test_the_memory_fits_a_cursor() -> None:
    memory = Memory({"stripe": 1.5}, {"orb": 2.0}, 3.0)
    assert Memory.of(memory.cursor()) == memory
    assert Memory.of(None) == Memory()
