"""`gtm run --due`: what the lake lacks is made, once, in order, whatever fails, dies or runs at the same time."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from gtm_platform.automation.due import Waiting
from gtm_platform.automation.due_run import LEASE, Bounds, what_is_due
from gtm_platform.delivery.gate import CUSTOMERS, HEALTH
from gtm_platform.lake.lake import Lake
from gtm_platform.settings import settings
from gtm_platform.state import State, leases, open_state
from gtm_platform.state.leases import SILENCE, LeaseTaken, holding
from gtm_platform_tests.automation.due_room import Room, land, made, partitions_of

Turn = Callable[[str], None]
ALL = [
    "sync_billing window 2026-03-09",
    "sync_chat window 2026-03-10T0000",
    "daily_tables 2026-03-09 and 2026-03-10",
    "deliver 2026-03-10",
    "monthly_schedule monthly_report of now",
]
OF_TODAY = ["daily_tables 2026-03-10", "deliver 2026-03-10"]  # which the windows of today are read by


@pytest.fixture
def turn(monkeypatch: pytest.MonkeyPatch) -> Turn:
    def to(moment: str) -> None:
        monkeypatch.setenv("GTM_NOW", f"{moment}Z")
        settings.cache_clear()

    to("2026-03-10T08:00:00")
    return to


@pytest.fixture
def room(home: Path, turn: Turn) -> Room:  # noqa: ARG001
    return Room(Lake(home / "lake"))


def test_all_that_a_home_lacks_is_made_once_and_in_order(instance: dg.DagsterInstance, room: Room) -> None:
    done = room.run(instance)
    assert made(done) == ALL
    assert not done.failed
    assert dict(next(each for each in done.outcomes if each.name == "deliver").counts) == {"written": 3}
    again = room.run(instance)
    assert made(again) == []
    assert not again.outcomes
    assert room.log == []


def test_a_new_history_of_dagster_makes_nothing_due(instance: dg.DagsterInstance, room: Room) -> None:
    room.run(instance)
    with dg.DagsterInstance.ephemeral() as another:
        assert made(room.run(another)) == []


def test_a_window_that_closes_makes_its_source_the_tables_and_the_delivery_due(
    instance: dg.DagsterInstance, room: Room, turn: Turn
) -> None:
    room.run(instance)
    turn("2026-03-10T13:00:00")
    assert made(room.run(instance)) == ["sync_chat window 2026-03-10T0600", *OF_TODAY]
    turn("2026-03-14T01:00:00")  # days without cron: the newest windows bring what was missed
    expected = ["sync_billing window 2026-03-13", "sync_chat window 2026-03-13T1800"]
    assert made(room.run(instance)) == [*expected, "daily_tables 2026-03-13 and 2026-03-14", "deliver 2026-03-14"]


def test_its_runs_look_as_those_of_the_daemon_do(instance: dg.DagsterInstance, room: Room) -> None:
    room.run(instance)
    tags = dict(partitions_of(instance))
    assert tags["sync_chat"]["dagster/schedule_name"] == "chat_schedule"
    assert tags["daily_tables"]["dagster/sensor_name"] == "make_daily_tables"
    assert tags["deliver"]["gtm/day"] == "2026-03-10"
    assert {each["gtm/due"] for each in tags.values()} == {"true"}


def test_a_source_that_is_down_holds_up_nothing_and_is_due_again(instance: dg.DagsterInstance, room: Room) -> None:
    room.raises["chat/records"] = dg.Failure("chat: nothing was read. It does not answer.")
    done = room.run(instance)
    assert [each for each in ALL if "chat" not in each] == made(done)
    [failed] = done.of("failed")
    assert (failed.name, failed.reason) == ("sync_chat", "chat: nothing was read. It does not answer.")
    assert done.failed
    room.raises.clear()
    healed = room.run(instance)
    assert made(healed) == ["sync_chat window 2026-03-10T0000", *OF_TODAY]
    assert not healed.failed


def test_a_run_that_found_nothing_to_write_is_not_asked_for_again(instance: dg.DagsterInstance, room: Room) -> None:
    room.writes_nothing.add("chat/records")
    room.run(instance)
    assert made(room.run(instance)) == []


def test_tables_that_failed_are_due_again(instance: dg.DagsterInstance, room: Room) -> None:
    room.raises[HEALTH] = dg.Failure("there is too little memory")
    first = room.run(instance)
    assert [each.name for each in first.of("failed")] == ["daily_tables"]
    assert "deliver" not in " ".join(made(first))
    room.raises.clear()
    assert made(room.run(instance)) == ["daily_tables 2026-03-09 and 2026-03-10", "deliver 2026-03-10"]


def test_a_day_whose_check_failed_is_held_back_and_says_so(instance: dg.DagsterInstance, room: Room) -> None:
    room.check_passes = False
    done = room.run(instance)
    [waits] = [each for each in done.waiting if each.name == "deliver"]
    assert "the check guard of core/unified_customers" in waits.reason
    assert done.failed
    assert "delivery/somewhere" not in room.log


@pytest.mark.parametrize("killed_at", ["billing/records", "chat/records", HEALTH, CUSTOMERS, "delivery/somewhere"])
def test_killed_anywhere_it_goes_on_from_there(instance: dg.DagsterInstance, room: Room, killed_at: str) -> None:
    room.raises[killed_at] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        room.run(instance)
    room.raises.clear()
    before = {table: len(room.lake.versions(table)) for table in ("chat/records", "billing/records")}
    rest = made(room.run(instance))
    assert rest == [each for each in ALL if each in rest], "in the same order"
    assert rest[-2:] == ALL[-2:]
    for table, files in before.items():
        assert len(room.lake.versions(table)) == 1, "no window was read twice"
        assert (f"sync_{table.split('/')[0]}" in " ".join(rest)) == (files == 0)
    assert made(room.run(instance)) == []


def test_nothing_new_is_begun_when_the_time_is_over(instance: dg.DagsterInstance, room: Room) -> None:
    start = datetime(2026, 3, 10, tzinfo=UTC)
    ticks = iter(start + timedelta(minutes=n) for n in range(1_000))
    done = room.run(instance, Bounds(start + timedelta(minutes=4), lambda: next(ticks)))
    begun = len(made(done))
    assert 0 < begun < len(ALL)
    assert {each.reason for each in done.of("left")} == {"there was no time left"}
    assert made(room.run(instance))[-1] == ALL[-1], "the next one does the rest"


def test_a_window_that_the_daemon_reads_is_left_to_it(instance: dg.DagsterInstance, room: Room) -> None:
    run = dg.DagsterRun(job_name="sync_chat", status=dg.DagsterRunStatus.STARTED, tags={"source": "chat"})
    instance.add_run(run)
    done = room.run(instance)
    assert f"sync_chat: run {run.run_id[:8]} reads it" in [str(each) for each in done.waiting]
    assert "sync_chat" not in " ".join(made(done))


def due_now(instance: dg.DagsterInstance, room: Room) -> list[str]:
    steps = what_is_due(instance, room.repository(), room.lake)
    return [f"{each.name} {each.about}" for each in steps if not isinstance(each, Waiting)]


def test_what_is_due_is_only_said_by_a_dry_run(instance: dg.DagsterInstance, room: Room) -> None:
    assert due_now(instance, room) == [ALL[0], ALL[1], ALL[-1]]
    land(room.lake, "chat/records", "2026-03-10T0000")
    assert due_now(instance, room) == [ALL[0], "daily_tables 2026-03-10", ALL[-1]]
    assert instance.get_runs_count() == 0
    assert room.log == []


def test_another_schedule_is_answered_once_for_each_of_its_ticks(
    instance: dg.DagsterInstance, room: Room, turn: Turn
) -> None:
    room.raises["reports/monthly"] = dg.Failure("no room")
    assert [each.name for each in room.run(instance).of("failed")] == ["monthly_schedule"]
    room.raises.clear()
    assert made(room.run(instance)) == [ALL[-1]], "it failed, and is due again"
    assert made(room.run(instance)) == []
    turn("2026-04-01T07:30:00")
    assert ALL[-1] in made(room.run(instance))


def test_sensors_are_looked_at_with_the_cursors_they_left(instance: dg.DagsterInstance, room: Room) -> None:
    seen: list[str | None] = []

    @dg.sensor(name="own", job_name="monthly_report")
    def own(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        seen.append(context.cursor)
        return dg.SensorResult([dg.RunRequest(run_key="once")], cursor=str(len(seen)))

    @dg.sensor(name="broken", job_name="monthly_report")
    def broken() -> None:
        raise ValueError("it is broken")

    room.sensors += [own, broken]
    first = room.run(instance)
    assert "own monthly_report of now" in made(first)
    assert [(each.name, "it is broken" in each.reason) for each in first.of("failed")] == [("broken", True)]
    assert "own monthly_report of now" not in made(room.run(instance)), "a run key counts once"
    assert seen == [None, "1"]


# --- twice at once ---------------------------------------------------------------------------------------------------


def opened() -> State:
    return open_state(settings().state_url)


def hold_lease(state: State, **other: object) -> None:
    """Let somebody hold the lease."""
    host, boot = leases.here()
    now = datetime.now(UTC)
    row = {"name": LEASE, "holder": "x", "host": host, "boot": boot, "pid": 1, "doing": "sync_chat: window w"}
    with state.writing() as tx:
        tx.execute(leases.leases.insert(), {**row, "since": now, "beat_at": now, **other})


def test_the_second_says_who_runs_and_does_nothing(instance: dg.DagsterInstance, room: Room) -> None:
    with closing(opened()) as state, holding(state, LEASE, "sync_chat: window 2026-03-10T0000"):
        with pytest.raises(LeaseTaken, match=r"process \d+ on .*: sync_chat: window 2026-03-10T0000"):
            room.run(instance)
        assert room.log == []
    assert made(room.run(instance)) == ALL


def test_a_holder_whose_process_is_gone_holds_up_nobody(instance: dg.DagsterInstance, room: Room) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with closing(opened()) as state:
        hold_lease(state, pid=gone.pid)
    assert made(room.run(instance)) == ALL


@pytest.mark.parametrize(("silent_for", "is_free"), [(SILENCE / 2, False), (SILENCE * 2, True)])
def test_a_holder_elsewhere_is_dead_once_it_is_silent(
    instance: dg.DagsterInstance, room: Room, silent_for: timedelta, is_free: bool
) -> None:
    with closing(opened()) as state:
        hold_lease(state, host="another", pid=1, beat_at=datetime.now(UTC) - silent_for)
    if is_free:
        assert made(room.run(instance)) == ALL
    else:
        with pytest.raises(LeaseTaken):
            room.run(instance)


@pytest.mark.usefixtures("home")
def test_a_lease_that_was_lost_is_noticed_and_not_given_back() -> None:
    with closing(opened()) as state:
        with holding(state, LEASE, "it begins") as mine:
            with state.writing() as tx:
                tx.execute(leases.leases.delete())
            hold_lease(state)
            mine.announce("the next")
            assert mine.is_lost
        with state.reading() as tx:
            still = leases.held_by(tx, LEASE)
    assert still
    assert still.holder == "x"
