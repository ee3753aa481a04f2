"""A canary lives in the sandbox: stop any stage, and the alarm names it; whatever it does, nobody else's rows move."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from graphlib import TopologicalSorter
from importlib.resources import files
from pathlib import Path

import dagster as dg
import duckdb
import pyarrow.parquet as pq
import pytest

from gtm_platform.automation.canary_turns import read_canary_turns
from gtm_platform.definitions import DAILY_TABLES
from gtm_platform.delivery.canaries.asset import live, watch
from gtm_platform.delivery.canaries.life import bear
from gtm_platform.delivery.canaries.sightings import sight_alerts, sight_report
from gtm_platform.delivery.canaries.stages import failing
from gtm_platform.delivery.canaries.systems import open_systems
from gtm_platform.delivery.hubspot.day_delivery import deliver_day
from gtm_platform.delivery.hubspot.object_types import object_type_named
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.intelligence.effect.shown_lake import shown
from gtm_platform.lake.canaries import PREFIX
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import policy
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings
from gtm_platform.state import State, open_state
from gtm_platform_tests.e2e.home import execute, failure_of, midnight, move_in, turn_clocks, windows_of

pytestmark = pytest.mark.soak

PEOPLE, SEED, FIRST = 20, 11, date(2026, 3, 2)
DOMAIN = "canaries.acme.example"
BY_KEY = {table.key: table for table in DAILY_TABLES}
# What says something of each record of a source, whose ever it is; and why no customer is in it.
OF_RECORDS = {
    "quality/daily_metrics": "It counts what the sources hold; only anomalies are made of its figures.",
    "core/message_tone": "It has a row for each message. Who reads it joins it with customers.",
}


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    rules = tmp_path / "policy.toml"
    text = files("gtm_platform").joinpath("policy/policy.toml").read_text()
    rules.write_text(text.replace("domains = []", f'domains = ["{DOMAIN}"]'))
    with running(PEOPLE, SEED, datetime(2026, 3, 1, tzinfo=UTC)) as started:
        monkeypatch.setenv("GTM_POLICY", str(rules))
        move_in(monkeypatch, tmp_path / "home", started, midnight(FIRST))
        policy.cache_clear()
        yield started
    policy.cache_clear()


@pytest.fixture
def state(box: Sandbox) -> Iterator[State]:  # noqa: ARG001  in whose home it lies
    with closing(open_state(settings().state_url)) as opened:
        yield opened


def ordered(*wanted: str) -> list[str]:
    """The daily tables that these are made of, and they themselves, each after what it reads."""
    needed, waiting = set[str](), list(wanted)
    while waiting:
        if (key := waiting.pop()) not in needed:
            needed.add(key)
            waiting += [name for name in BY_KEY[key].tables if name in BY_KEY]
    read = {key: [name for name in BY_KEY[key].tables if name in needed] for key in sorted(needed)}
    return list(TopologicalSorter(read).static_order())


def make(day: date, *wanted: str, lake: Lake | None = None) -> None:
    store = lake or the_lake()
    for key in ordered(*wanted):
        if not store.has(key, str(day)):
            BY_KEY[key].write_day(store, str(day))


def read(dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, box: Sandbox, day: date) -> None:
    """Read the systems in which canaries are, from the midnight after the day."""
    turn_clocks(monkeypatch, box, midnight(day) + timedelta(days=1))
    for job, first, last in windows_of(day, ("intercom", "hubspot")):
        ran = execute(dagster, job, first, last)
        assert ran.success, failure_of(ran)


def alarm(state: State, hours: float, since: datetime) -> set[str]:
    """The stages that the alarm names so many hours later, by the sensor's own look."""
    turns, _ = read_canary_turns(the_lake(), None, since + timedelta(hours=hours))
    assert {turn.stage for turn in turns} == set(failing(watch(the_lake(), state, since + timedelta(hours=hours))))
    return {turn.stage for turn in turns if turn.failed}


def deliver(day: date) -> None:
    run = Run(f"run-{day}", str(day), settings().now)
    deliver_day(object_type_named("contacts"), shown(the_lake()), run, None, dry_run=False)


def test_stop_any_one_stage_and_the_alarm_names_it(
    box: Sandbox, state: State, dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    morning = midnight(FIRST) + timedelta(hours=8)
    turn_clocks(monkeypatch, box, morning)
    bear(state, policy().canaries, morning)
    within = policy().canaries.within_hours

    def of_day(number: int, act: str) -> None:
        """Each stage of an act, as if everything after it had stopped."""
        day, due = FIRST + timedelta(days=number), morning + timedelta(days=number)
        turn_clocks(monkeypatch, box, due)

        def named(hours: float, *stages: str) -> bool:
            """Whether the alarm names just these; a day later the next act is late, too, as nothing does it."""
            next_act = {"written"} if hours > 24 + within.written and number < 3 else set[str]()
            return alarm(state, hours, due) == {*stages} | next_act

        assert named(within.written + 0.1, "written")
        assert live(state, due) == []
        assert named(within.written + 0.1)
        assert named(within.landed + 0.1, "landed")
        read(dagster, monkeypatch, box, day)
        assert named(within.landed + 0.1)
        assert named(within.identity + 0.1, "identity")
        make(day, "identity/people")
        assert named(within.identity + 0.1, "scores")
        make(day, "core/unified_customers")
        assert named(within.scores + 0.1)
        alerts = ("alert",) if act in ("complain", "pay_late") else ()
        assert named(within.hubspot + 0.1, "hubspot", *alerts)
        sight_alerts(shown(the_lake()), state, str(day), settings().now())
        assert named(within.hubspot + 0.1, "hubspot")
        deliver(day)
        assert named(within.hubspot + 0.1)
        assert named(within.report + 0.1, "report")
        sight_report(the_lake(), str(day))
        assert named(within.report + 0.1)

    for number, act in enumerate(("sign_up", "complain", "pay_late", "churn")):
        of_day(number, act)


@pytest.mark.long
def test_whatever_a_canary_does_no_row_of_anybody_else_moves(
    box: Sandbox, dagster: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Everything of a day is made twice: of what was read, and of the same without the canary's records."""
    morning = midnight(FIRST) + timedelta(hours=8)
    turn_clocks(monkeypatch, box, morning)
    with open_systems() as systems:
        made = systems.sign_up("canary-1", f"canary-1@{DOMAIN}", morning)
        made |= systems.complain(made["intercom"])
        systems.set(made["intercom"], {"stripe_subscription_status": "past_due", "stripe_delinquent": True})
    read(dagster, monkeypatch, box, FIRST)
    make(FIRST, *BY_KEY)

    twin = Lake(tmp_path / "twin" / "lake")
    for source in ("intercom", "hubspot"):
        shutil.copytree(the_lake().root / source, twin.root / source)
    gone = [_without(path, set(made.values())) for path in twin.root.rglob("*.parquet")]
    assert sum(gone) >= 3, "its two contacts and its conversation were read"
    make(FIRST, *BY_KEY, lake=twin)

    ours, theirs = the_lake(), twin
    differing = [key for key in sorted(BY_KEY) if _rows(ours, key) != _rows(theirs, key)]
    assert set(differing) == OF_RECORDS.keys()
    holding = {key for key, table in BY_KEY.items() if _canaries(ours, key)}
    assert holding == {key for key, table in BY_KEY.items() if table.has_canaries and _rows(ours, key)}
    assert "core/unified_customers" in holding


def _without(path: Path, ids: set[str]) -> int:
    """Take out of a file all rows with one of these ids anywhere; return how many."""
    with duckdb.connect() as connection:
        rows = pq.ParquetFile(path).read()
        connection.register("rows", rows)
        named = rf"\b({'|'.join(sorted(ids))})\b"
        others = "select * from rows where not regexp_matches(cast(rows as varchar), $named)"
        kept = connection.execute(others, {"named": named}).to_arrow_table().cast(rows.schema)
    pq.write_table(kept, path)
    return int(rows.num_rows) - int(kept.num_rows)


def _rows(lake: Lake, key: str) -> list[str]:
    return sorted(map(repr, lake.partition(key, str(FIRST)).to_pyarrow().to_pylist()))


def _canaries(lake: Lake, key: str) -> int:
    table = lake.reading("included").partition(key, str(FIRST))
    if "customer_id" not in table.columns:
        return 0
    count: int = table.filter(table["customer_id"].startswith(PREFIX)).count().to_pyarrow().as_py()
    return count
