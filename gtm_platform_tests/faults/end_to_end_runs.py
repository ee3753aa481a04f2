"""Two homes beside two sandboxes of the same world: one is left in peace, in the other all goes wrong that can."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import dagster as dg
import pytest

from gtm_platform.orchestration.liveness import UNFINISHED
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform_tests.conftest import VARIABLES
from gtm_platform_tests.e2e.home import (
    Control,
    contents,
    execute,
    failure_of,
    let_go,
    midnight,
    move_in,
    tables_delivered,
    turn_clocks,
    windows_of,
)
from gtm_platform_tests.faults.quiet_worlds import nobody_waits
from gtm_platform_tests.slow_systems import lift_limits

PEOPLE, SEED = 40, 29
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

Rows = dict[tuple[str, str], list[str]]
Deed = dict[str, Any]


@dataclass
class Life:
    """What a home and its sandbox lived through."""

    home: Path
    waited: float = 0.0
    faults: dict[tuple[str, str, str], int] = field(default_factory=dict)  # system, path and kind: how often
    failures: list[str] = field(default_factory=list)
    seen: list[Rows] = field(default_factory=list)  # what readers saw after each run that failed
    unfinished: int = 0
    companies: set[str] = field(default_factory=set)  # those that live when the first full snapshot is taken
    rows: Rows = field(default_factory=dict)
    writes: list[Deed] = field(default_factory=list)  # what was done in HubSpot and Slack
    rows_again: Rows = field(default_factory=dict)  # after the last day once more, in good weather
    writes_again: list[Deed] = field(default_factory=list)

    @property
    def slack_writes(self) -> list[Deed]:
        return [deed["write"] for deed in self.writes if deed["system"] == "slack"]

    def heal(self, dagster: dg.DagsterInstance, *job: str, tables: Sequence[str] = ()) -> None:
        for _ in range(TRIES):
            ran = execute(dagster, *job, tables=tables)
            if ran.success:
                return
            self.failures.append(failure_of(ran))
            self.seen.append(rows_of(self.home))
        raise AssertionError(f"{job} never came through: {self.failures[-TRIES:]}")


def live(home: Path, *, stormy: bool = False) -> Life:
    with pytest.MonkeyPatch.context() as patch:
        life, clock = Life(home), nobody_waits(patch)
        lift_limits(patch)
        for name, size in PAGES.items():
            patch.setattr(f"gtm_platform.{name}", size)
        with running(PEOPLE, SEED, midnight(DAYS[0]), home) as box, _dagster(home) as dagster:
            for variable in VARIABLES:
                patch.delenv(variable, raising=False)
            move_in(patch, home, box, midnight(DAYS[0]))
            spoil(box)
            faults = storm(Control(box.url)) if stormy else []
            _days(life, dagster, patch, box)
            life.rows, life.writes = rows_of(home), writes_of(home)
            struck = {fault["id"]: fault["hits"] for fault in Control(box.url).ask("faults")["faults"]}
            life.faults = {what: struck[number] for number, what in enumerate(faults, start=1)}
            Control(box.url).go_right()
            if stormy:
                _once_more(life, dagster)
            life.unfinished = dagster.get_runs_count(dg.RunsFilter(statuses=UNFINISHED))
            life.waited = clock.seconds
            let_go()
    return life


def rows_of(home: Path) -> Rows:
    """All rows, without the journal of writes, which has each try of each run."""
    return {where: rows for where, rows in contents(home).items() if where[0] != "delivery/hubspot_writes"}


def _dagster(home: Path) -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral(tempdir=str(home))


def _days(life: Life, dagster: dg.DagsterInstance, patch: pytest.MonkeyPatch, box: Sandbox) -> None:
    for day in DAYS:
        turn_clocks(patch, box, midnight(day) + timedelta(days=1))
        if day == DAYS[0]:
            companies = box.world.hubspot.objects["companies"].values()
            life.companies = {one.id for one in companies if one.archived is None and one.merged_into is None}
        for job in windows_of(day, READ):
            life.heal(dagster, *job)
    life.heal(dagster, "daily_tables", LAST, tables=tables_delivered())  # no call is made for them, or for others
    life.heal(dagster, "deliver", LAST)


def _once_more(life: Life, dagster: dg.DagsterInstance) -> None:
    for job in [*windows_of(DAYS[-1], READ), ("deliver", LAST, LAST)]:
        ran = execute(dagster, *job)
        assert ran.success, failure_of(ran)
    life.rows_again, life.writes_again = rows_of(life.home), writes_of(life.home)


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


def writes_of(home: Path) -> list[Deed]:
    return [json.loads(line) for line in (home / "sandbox" / "writes.jsonl").read_text().splitlines()]
