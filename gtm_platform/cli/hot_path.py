"""`gtm hooks hot`: the process that follows webhooks at once, until Ctrl-C."""

import logging
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

import click
import dagster as dg

from gtm_platform.cli.processes import ENDINGS
from gtm_platform.delivery.gate import DELIVERED, closed_reasons
from gtm_platform.delivery.hotpath.comparing import COMPANIES, platform_tables
from gtm_platform.delivery.hotpath.switch import off, set_switch
from gtm_platform.delivery.hotpath.worker import HotWorker
from gtm_platform.delivery.hubspot.object_type import ObjectType
from gtm_platform.delivery.hubspot.stale import stale_now
from gtm_platform.lake.dagster.resource import the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.compat import Graph
from gtm_platform.orchestration.instance import instance
from gtm_platform.orchestration.source_columns import SourceColumns
from gtm_platform.policy import policy
from gtm_platform.settings import settings
from gtm_platform.state import State, open_state
from gtm_platform.state.hot_path import LEASE, HotRun
from gtm_platform.state.leases import LeaseTaken, holding
from gtm_platform.sync_rules import sync_rules

LOOKS_EVERY = 0.1  # seconds
STANDS_BY = 2.0  # seconds until it looks again whether the one that follows is gone
OPEN_SECONDS = 15  # that an open gate is taken for open: each asking reads the history of all checks
BY = "gtm hooks"


def follow_hooks() -> None:
    """Follow webhooks until the process is asked to end; print a line for each time.

    Asked to end it finishes what it is at, so that nothing is left half done.
    """
    logging.basicConfig(level=logging.WARNING)
    ending = Asked()
    for each in ENDINGS:
        signal.signal(each, ending)
    lake = the_lake()
    with closing(open_state(settings().state_url)) as state:
        if why := off(state):
            click.secho(why, fg="yellow", err=True)
        with ExitStack() as stack:
            if not _alone(state, ending, stack):
                return
            from gtm_platform.definitions import defs

            worker = hot_worker(lake, state, stack.enter_context(instance()), defs.resolve_asset_graph())
            if not why:
                worker.warm_up()
            click.echo("It follows webhooks as they come. Ctrl-C ends it; nothing is lost by that.")
            while not ending.to_end:
                if run := worker.step():
                    click.echo(line_of(run))
                time.sleep(LOOKS_EVERY)


@dataclass
class Asked:
    """Whether a signal asked this process to end."""

    to_end: bool = False

    def __call__(self, *_signal: object) -> None:
        """Take note of a signal."""
        self.to_end = True


def hot_worker(lake: Lake, state: State, dagster: dg.DagsterInstance, graph: Graph) -> HotWorker:
    """Return the worker of this home, with the gate and the freshness of every delivery."""

    def stale(lake: Lake, named: ObjectType) -> Mapping[str, str]:
        return stale_now(named, lake, policy(), settings().now(), SourceColumns(dagster, graph))

    tables = platform_tables()
    gate = OpenGate(lake, dagster, graph, sorted(tables.hot_keys), DELIVERED)
    company_gate = OpenGate(lake, dagster, graph, tables.company_keys, (dg.AssetKey(COMPANIES.split("/")),))
    return HotWorker(lake, state, tables, sync_rules, gate, company_gate, stale, settings().now)


def _alone(state: State, ending: Asked, stack: ExitStack) -> bool:
    """Become the one process that follows hooks, once there is no other; False where it was asked to end before."""
    was_taken = False
    while not ending.to_end:
        try:
            stack.enter_context(holding(state, LEASE, "follows webhooks"))
        except LeaseTaken as taken:
            if not was_taken:
                click.secho(f"It waits: another one follows webhooks, {taken.lease}.", fg="yellow", err=True)
            was_taken = True
            time.sleep(STANDS_BY)
        else:
            return True
    return False


class OpenGate:
    """The gate of some tables; an open one is asked again seconds later, or once they changed.

    `guarded` are those whose checks, with all upstream of them, have to have passed.
    """

    def __init__(
        self,
        lake: Lake,
        dagster: dg.DagsterInstance,
        graph: Graph,
        tables: Sequence[str],
        guarded: Sequence[dg.AssetKey],
    ) -> None:
        self.lake, self.dagster, self.graph = lake, dagster, graph
        self.tables, self.guarded, self.opened_for, self.asked_at = tables, guarded, "", 0.0

    def __call__(self, day: str) -> Sequence[str]:
        """Say why the tables of a day may not be delivered; nothing where they may."""
        files = [file.path.name for key in self.tables for file in self.lake.files(key) if file.partition == day]
        made = " ".join(sorted(files))
        if made == self.opened_for and time.monotonic() - self.asked_at < OPEN_SECONDS:
            return []
        reasons = closed_reasons(self.dagster, self.graph, day, self.guarded)
        self.opened_for, self.asked_at = "" if reasons else made, time.monotonic()
        return reasons


def line_of(run: HotRun) -> str:
    """Return a run in a line."""
    seconds = (run.at - run.first_event_at).total_seconds()
    stages = ", ".join(f"{name} {milliseconds} ms" for name, milliseconds in run.stages.items())
    left = "".join(f"; {number} left: {cause}" for cause, number in run.left.items())
    why = f" ({run.reason})" if run.reason else ""
    return (
        f"{run.at:%H:%M:%S} {run.sources}: {run.outcome}{why}, {run.events} events, {run.customers} customers, "
        f"{run.companies} companies, {run.fields} fields, {run.messages} messages, {run.alerts} alerts, "
        f"{seconds:.1f} s after the first ({stages}){left}"
    )


def turn(is_on: bool, reason: str) -> None:
    """Stop it or switch it on."""
    with closing(open_state(settings().state_url)) as state:
        set_switch(state, is_on=is_on, reason=reason, by=BY, at=settings().now())
        click.echo(off(state) or "The hot path is on; `gtm ui`, or `gtm hooks hot`, follows webhooks at once.")
