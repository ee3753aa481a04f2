"""Where a worker goes on that starts again, that there is one, and what is shown of it."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from gtm_platform.cli import hot_path as command
from gtm_platform.cli.doctor import _hot_path
from gtm_platform.delivery.hotpath.hot_tables import HotTables
from gtm_platform.delivery.hotpath.worker import HotWorker
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.quality.hot_path_days import TABLE
from gtm_platform.serving.answers.hot_path import hot_path_now
from gtm_platform.settings import settings
from gtm_platform.state import State, open_state
from gtm_platform.state.hook_events import NewEvent, keep
from gtm_platform.state.hot_path import LEASE, Compared, HotRun, note_comparison, note_run
from gtm_platform.state.leases import holding
from gtm_platform_tests.ingest.syncing import RULES
from gtm_platform_tests.tables import filled

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    variables = {"HUBSPOT_ACCESS_TOKEN": "pat-1", "HUBSPOT_WRITE_ENABLED": "true", "GTM_HOME": str(tmp_path)}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    with closing(open_state(settings().state_url)) as state:
        yield state


def worker(tmp_path: Path, state: State, now: datetime) -> HotWorker:
    """A worker over a lake without tables: all is left to them."""
    lake = Lake(tmp_path / "lake")
    return HotWorker(
        lake, state, HotTables.of([]), lambda: RULES, lambda _: (), lambda _: (), lambda *_: {}, lambda: now
    )


def arrive(state: State, id: str, at: datetime, source: str = "stripe") -> None:
    event = NewEvent(source, source, id, "x", {"subscriptions": ["x"]}, None, at, None, has_id=True)
    with state.writing() as tx:
        keep(tx, [event])


def test_what_was_claimed_and_not_followed_to_the_end_is_followed_by_the_next(tmp_path: Path, state: State) -> None:
    arrive(state, "before any worker", NOON)
    assert worker(tmp_path, state, NOON).step() is None
    arrive(state, "evt_1", NOON)
    later = NOON + timedelta(seconds=5)
    claimed = worker(tmp_path, state, later)
    claimed._begin()
    claimed._look()  # and it is killed
    run = worker(tmp_path, state, later).step()
    assert run
    assert (run.events, run.outcome) == (1, "left")
    assert worker(tmp_path, state, later).step() is None


def test_what_came_long_ago_is_the_tables_business(tmp_path: Path, state: State) -> None:
    assert worker(tmp_path, state, NOON).step() is None
    arrive(state, "evt_1", NOON)
    arrive(state, "evt_2", NOON + timedelta(minutes=policy().hooks.hot.resume_minutes))
    run = worker(tmp_path, state, NOON + timedelta(minutes=policy().hooks.hot.resume_minutes + 1)).step()
    assert run
    assert run.events == 1


def test_what_one_source_still_sends_is_not_lost_with_what_another_sent(tmp_path: Path, state: State) -> None:
    assert worker(tmp_path, state, NOON).step() is None
    arrive(state, "evt_1", NOON, "hubspot")
    arrive(state, "evt_2", NOON + timedelta(seconds=1), "stripe")
    run = worker(tmp_path, state, NOON + timedelta(seconds=1.1)).step()
    assert run
    assert run.sources == "hubspot"
    rest = worker(tmp_path, state, NOON + timedelta(seconds=5)).step()
    assert rest
    assert rest.sources == "stripe"


def test_there_is_one_and_others_wait(
    state: State, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = command.Asked()
    monkeypatch.setattr("gtm_platform.cli.hot_path.time.sleep", asked)  # who waits is asked to end
    with holding(state, LEASE, "follows webhooks"), ExitStack() as stack:
        assert not command._alone(state, asked, stack)
        assert "another one follows webhooks, process" in capsys.readouterr().err
        assert hot_path_now(state, NOON).is_running
        assert _hot_path(NOON).state == "ok"
    assert _hot_path(NOON).state == "off"
    assert "No process follows webhooks" in _hot_path(NOON).sentence
    assert not hot_path_now(state, NOON).is_running
    with ExitStack() as stack:
        assert command._alone(state, command.Asked(), stack)
        assert hot_path_now(state, NOON).process


def run_of(nth: int, outcome: str, seconds: float, at: datetime = NOON) -> HotRun:
    stages, first_at = {"read": 100 * nth, "delivered": 200}, at - timedelta(seconds=seconds)
    return HotRun(f"r{nth}", "stripe", "2026-03-02", outcome, None, 2, 1, 3, {}, stages, first_at, at, at, companies=2)


def test_what_is_shown_is_what_was_done(state: State, tmp_path: Path) -> None:
    with state.writing() as tx:
        note_run(tx, run_of(9, "failed", 1, NOON - timedelta(days=1)))
        for nth, (outcome, seconds) in enumerate([("delivered", 1), ("delivered", 4), ("left", 2), ("delivered", 2)]):
            note_run(tx, run_of(nth, outcome, seconds, NOON + timedelta(minutes=nth)))
        note_comparison(tx, Compared("2026-03-02", 5, 1, 2, 0, NOON))
        note_comparison(tx, Compared("2026-03-02", 0, 0, 3, 0, NOON + timedelta(minutes=1)))
        note_comparison(tx, Compared("2026-03-02", 4, 0, 0, 0, NOON, "companies"))
    shown = hot_path_now(state, NOON + timedelta(hours=1))
    assert (shown.runs, shown.delivered, shown.failed, shown.fields) == (5, 3, 1, 15)
    assert (shown.p50_seconds, shown.p99_seconds) == (2, 4)
    assert shown.stages == {"read": pytest.approx(0.4 / 3), "delivered": pytest.approx(0.2)}
    assert shown.comparison == (
        "Of 2026-03-02 5 customers were the same as in the tables, of 1 more was read since, 0 differed. "
        "Of 2026-03-02 4 companies were the same as in the tables, of 0 more was read since, 0 differed."
    )
    assert shown.compared_at == NOON
    assert str(shown.last_run).startswith("2 events of stripe: delivered, 1 customers, 2 companies, 3 values, 2.0 s")

    lake = Lake(tmp_path / "lake")
    lake.write("core/unified_customers", "2026-03-02", engine().to_pyarrow(filled("core/unified_customers")))
    assert TABLE.write_day(lake, "2026-03-02")
    [row] = lake.partition(TABLE.key, "2026-03-02").to_pyarrow().to_pylist()
    assert row == {
        "day": date(2026, 3, 2),
        "runs": 4,
        "events": 8,
        "delivered": 3,
        "left_runs": 1,
        "failed": 0,
        "customers": 4,
        "companies": 8,
        "fields": 12,
        "p50_seconds": 2.0,
        "p99_seconds": 4.0,
    }
