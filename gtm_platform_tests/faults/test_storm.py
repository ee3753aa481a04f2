"""Two homes beside two sandboxes of the same world: one is left in peace, in the other everything goes wrong that can.
In the end both hold the same rows, and HubSpot and Slack were told the same, once."""

import gc
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import dagster as dg
import pytest

from gtm_platform.delivery.slack.wording import REPEAT
from gtm_platform.lake.runs import UNFINISHED
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform_tests.e2e.home import (
    Control,
    contents,
    execute,
    frame,
    let_go,
    midnight,
    move_in,
    told,
    turn_clocks,
    windows_of,
)
from gtm_platform_tests.faults.calm import Clock, nobody_waits

PEOPLE, SEED = 60, 29
DAYS = [date(2026, 3, 1), date(2026, 3, 2)]
FIRST, LAST = "2026-03-01T1200", str(DAYS[-1])  # HubSpot's first full snapshot; the day that is delivered
TRIES = 10  # a run that failed is made again
PAGES = {  # small ones, so that there are enough calls for the rare faults
    "sources.hubspot.client.LIST_PAGE": 10,
    "sources.hubspot.streams.SEARCH_PAGE": 10,
    "sources.intercom.client.LARGEST_PAGE": 15,
    "sources.stripe.client.LARGEST_PAGE": 15,
    "delivery.hubspot.client.BATCH": 10,
}
STORM: dict[str, tuple[float, dict[str, Any]]] = {
    "429 with a time": (0.1, {"status": 429, "retry_after": 2}),
    "429": (0.1, {"status": 429}),
    "500": (0.05, {"status": 500}),
    "reset": (0.02, {"reset": "mid-body"}),
    "cut": (0.01, {"truncate": True}),
}
PAGE_TWICE = 0.01
READ = ("hubspot", "intercom", "stripe")
WRITTEN = {"hubspot": "/crm/v3/objects/contacts/batch/update", "slack": "/api/chat.postMessage"}
LOST = ("reset", "cut")  # the write was done, the answer does not tell

pytestmark = pytest.mark.filterwarnings(r"ignore:Exception ignored in. <socket.socket .closed.")  # see gc.collect

Rows = dict[tuple[str, str], list[str]]
Deed = dict[str, Any]


@dataclass
class Life:
    """What a home and its sandbox lived through."""

    home: Path
    clock: Clock
    faults: dict[tuple[str, str, str], int] = field(default_factory=dict)  # system, path and kind: how often
    failures: list[str] = field(default_factory=list)
    seen: list[Rows] = field(default_factory=list)  # what readers saw after each run that failed
    unfinished: int = 0
    companies: set[str] = field(default_factory=set)  # those that live when the first full snapshot is taken
    rows: Rows = field(default_factory=dict)
    deeds: list[Deed] = field(default_factory=list)  # what was done in HubSpot and Slack
    rows_again: Rows = field(default_factory=dict)  # after the last day once more, in good weather
    deeds_again: list[Deed] = field(default_factory=list)

    @property
    def said(self) -> list[Deed]:
        return [deed["deed"] for deed in self.deeds if deed["system"] == "slack"]

    def heal(self, dagster: dg.DagsterInstance, *job: str) -> None:
        for _ in range(TRIES):
            ran = execute(dagster, *job)
            if ran.success:
                return
            self.failures.append(told(ran))
            self.seen.append(contents(self.home))
        raise AssertionError(f"{job} never came through: {self.failures[-TRIES:]}")


@pytest.fixture(scope="module")
def lives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Life, Life]:
    return live(tmp_path_factory.mktemp("calm")), live(tmp_path_factory.mktemp("stormy"), stormy=True)


def live(home: Path, *, stormy: bool = False) -> Life:
    with pytest.MonkeyPatch.context() as patch:
        life = Life(home, nobody_waits(patch))
        for name, size in PAGES.items():
            patch.setattr(f"gtm_platform.{name}", size)
        with running(PEOPLE, SEED, midnight(DAYS[0]), home) as box, _dagster(home) as dagster:
            move_in(patch, home, box, midnight(DAYS[0]))
            spoil(box)
            faults = storm(Control(box.url)) if stormy else []
            _days(life, dagster, patch, box)
            life.rows, life.deeds = contents(home), deeds(home)
            struck = {fault["id"]: fault["hits"] for fault in Control(box.url).ask("faults")["faults"]}
            life.faults = {what: struck[number] for number, what in enumerate(faults, start=1)}
            Control(box.url).go_right()
            if stormy:
                _once_more(life, dagster)
            life.unfinished = dagster.get_runs_count(dg.RunsFilter(statuses=UNFINISHED))
            let_go()
    gc.collect()  # Slack's client leaves the connections that broke to be found
    return life


def _dagster(home: Path) -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral(tempdir=str(home))


def _days(life: Life, dagster: dg.DagsterInstance, patch: pytest.MonkeyPatch, box: Sandbox) -> None:
    for day in DAYS:
        turn_clocks(patch, box, midnight(day) + timedelta(days=1))
        if day == DAYS[0]:
            companies = box.world.hubspot.objects["companies"].values()
            life.companies = {one.id for one in companies if one.archived is None and one.merged_into is None}
        for job in windows_of(day):
            life.heal(dagster, *job)
    life.heal(dagster, "daily_tables", LAST)
    life.heal(dagster, "deliver", LAST)


def _once_more(life: Life, dagster: dg.DagsterInstance) -> None:
    for job in [*windows_of(DAYS[-1]), ("deliver", LAST, LAST)]:
        ran = execute(dagster, *job)
        assert ran.success, told(ran)
    life.rows_again, life.deeds_again = contents(life.home), deeds(life.home)


def spoil(box: Sandbox) -> None:
    """One record that can never be read."""
    company = next(iter(box.world.hubspot.objects["companies"].values()))
    company.properties["numberofemployees"] = "a few"


def storm(control: Control) -> list[tuple[str, str, str]]:
    """Starts it. The rare faults strike early, so that they do strike; of the writes the first calls are hit, each by
    another."""
    begun = []
    for system, path in WRITTEN.items():
        for call, (kind, (_, fault)) in enumerate(STORM.items(), start=1):
            control.go_wrong(system, path, nth=call, **fault)
            begun.append((system, path, kind))
    for number, system in enumerate(READ):
        for kind, (rate, fault) in STORM.items():
            control.go_wrong(system, "/", rate=rate, seed=early(rate, number), **fault)
            begun.append((system, "/", kind))
        control.go_wrong(
            system, "/", rate=PAGE_TWICE, seed=early(PAGE_TWICE, number), method="GET", duplicate_page=True
        )
        begun.append((system, "/", "page twice"))
    return begun


def early(rate: float, number: int) -> int:
    """A seed of chance that strikes between the fourth and the twelfth call."""

    def draws(seed: int) -> list[bool]:
        chance = Random(seed)
        return [chance.random() < rate for _ in range(12)]

    return next(seed for seed in count(1000 * number) if any(draws(seed)[3:]) and not any(draws(seed)[:3]))


def deeds(home: Path) -> list[Deed]:
    return [json.loads(line) for line in (home / "sandbox" / "deeds.jsonl").read_text().splitlines()]


def changes(life: Life) -> Counter[tuple[str, str, str]]:
    """Each time that a deed gave a contact's property a value that it did not have."""
    held: dict[tuple[str, str], str] = {}
    found = Counter[tuple[str, str, str]]()
    saved = [deed["deed"] for deed in life.deeds if deed["system"] == "hubspot" and deed["deed"]["do"] == "save"]
    for record in (record for deed in saved for record in deed["records"]):
        for name, value in record["properties"].items():
            if held.get((record["id"], name)) != value:
                held[record["id"], name] = value
                found[record["id"], name, value] += 1
    return found


def test_every_fault_struck(lives: tuple[Life, Life]) -> None:
    _, stormy = lives
    assert len(stormy.faults) == len(READ) * (len(STORM) + 1) + len(WRITTEN) * len(STORM)
    assert {what: hits for what, hits in stormy.faults.items() if hits == 0} == {}
    assert stormy.clock.seconds > 10  # they were waited out


@pytest.mark.faults("S1", "S3", "S5", "S10", "S11", "P1")
def test_the_rows_are_those_of_a_home_left_in_peace(lives: tuple[Life, Life]) -> None:
    calm, stormy = lives
    assert calm.failures == []
    assert len(calm.rows) > 50
    assert sum(map(len, calm.rows.values())) > 1_000
    assert stormy.rows.keys() == calm.rows.keys()
    assert [where for where, rows in calm.rows.items() if stormy.rows[where] != rows] == []


@pytest.mark.faults("P1", "P23")
def test_what_could_be_seen_meanwhile_was_whole(lives: tuple[Life, Life]) -> None:
    calm, stormy = lives
    assert stormy.seen, "no run failed, so nothing was seen in between"
    partial = [where for seen in stormy.seen for where, rows in seen.items() if calm.rows[where] != rows]
    assert partial == []
    assert list((stormy.home / "lake").glob("*/*/.*.parquet")) == []  # and no draft was left


@pytest.mark.faults("P1")
def test_no_record_is_there_twice(lives: tuple[Life, Life]) -> None:
    _, stormy = lives
    for table in ("hubspot/contacts", "hubspot/companies", "hubspot/deals"):
        ids = frame(stormy.home, table, FIRST)["id"]
        assert len(ids) > 10
        assert ids.is_unique


def test_what_came_in_is_stored_or_set_aside(lives: tuple[Life, Life]) -> None:
    for life in lives:
        aside = frame(life.home, "quarantine/hubspot_companies", FIRST)
        stored = set(frame(life.home, "hubspot/companies", FIRST)["id"])
        [[record, reason]] = aside[["record_id", "reason"]].to_numpy().tolist()
        assert reason.startswith("properties.numberofemployees: int_")
        assert record not in stored
        assert stored | {record} == life.companies


def test_every_failure_was_a_sentence(lives: tuple[Life, Life]) -> None:
    _, stormy = lives
    assert stormy.failures
    assert [failure for failure in stormy.failures if "Stack Trace" in failure] == []


def test_every_run_ended(lives: tuple[Life, Life]) -> None:
    assert [life.unfinished for life in lives] == [0, 0]


@pytest.mark.faults("D5", "D6")
def test_hubspot_was_given_each_value_once(lives: tuple[Life, Life]) -> None:
    calm, stormy = map(changes, lives)
    assert len(calm) > 50
    assert stormy == calm
    assert set(stormy.values()) == {1}


@pytest.mark.faults("D15", "D16")
def test_slack_was_told_each_thing_once_and_a_repeat_says_that_it_may_be_one(lives: tuple[Life, Life]) -> None:
    calm, stormy = lives
    marks = [[deed["metadata"]["event_payload"]["fingerprint"] for deed in life.said] for life in lives]
    assert marks[0]
    assert set(marks[1]) == set(marks[0])
    first = [mark for mark, deed in zip(marks[1], stormy.said, strict=True) if not deed["text"].startswith(REPEAT)]
    assert sorted(first) == sorted(marks[0])
    lost = sum(stormy.faults["slack", WRITTEN["slack"], kind] for kind in LOST)
    assert len(stormy.said) - len(calm.said) == lost


def test_the_last_day_once_more_changes_nothing_and_sends_nothing(lives: tuple[Life, Life]) -> None:
    _, stormy = lives
    assert [where for where, rows in stormy.rows.items() if stormy.rows_again[where] != rows] == []
    assert stormy.deeds_again == stormy.deeds
