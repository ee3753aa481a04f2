"""What a live run left in Dagster's history: ticks, runs, and tables that were made though nothing had landed."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg
from dagster._core.scheduler.instigation import TickStatus

from gtm_platform.orchestration.graph_policy import DAILY_TAG


@dataclass
class Counts:
    """The history since an instant, and what in it should not be."""

    ticks: dict[str, Counter[str]] = field(default_factory=dict)
    runs: Counter[str] = field(default_factory=Counter)
    made: Counter[str] = field(default_factory=Counter)  # assets, by how often a partition was made
    wrong: list[str] = field(default_factory=list)


def count(instance: dg.DagsterInstance, definitions: dg.Definitions, since: datetime) -> Counts:
    """Count what happened since an instant; `wrong` is empty where all was well."""
    counts = Counts()
    _count_ticks(instance, since, counts)
    _count_runs(instance, since, counts)
    _count_tables(instance, definitions, since, counts)
    return counts


def _count_ticks(instance: dg.DagsterInstance, since: datetime, counts: Counts) -> None:
    for state in instance.all_instigator_state():
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, after=since.timestamp())
        counts.ticks[state.instigator_name] = Counter(tick.status.value for tick in ticks)
        counts.wrong += [
            f"a tick of {state.instigator_name} failed: {tick.error.message if tick.error else 'no reason'}"
            for tick in ticks
            if tick.status == TickStatus.FAILURE
        ]


def _count_runs(instance: dg.DagsterInstance, since: datetime, counts: Counts) -> None:
    records = instance.get_run_records(dg.RunsFilter(created_after=since))
    for record in records:
        run = record.dagster_run
        counts.runs[f"{run.tags.get('dagster/schedule_name') or run.job_name}: {run.status.value}"] += 1
        if run.status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED):
            counts.wrong.append(f"run {run.run_id[:8]} of {run.job_name} ended as {run.status.value}")


def _count_tables(instance: dg.DagsterInstance, graph: dg.Definitions, since: datetime, counts: Counts) -> None:
    """A window of a source is read once; a run of the daily tables follows something that landed since the last."""
    nodes = {node.key: node for node in graph.resolve_asset_graph().asset_nodes if not node.is_external}
    daily = {key for key, node in nodes.items() if DAILY_TAG in node.tags}
    landed: list[float] = []
    begun: dict[str, float] = {}
    for key in nodes:
        filter_ = dg.AssetRecordsFilter(key, after_timestamp=since.timestamp())
        records = instance.fetch_materializations(filter_, limit=1000).records
        made = Counter((record.partition_key or "", record.run_id) for record in records)
        counts.made[key.to_user_string()] = len(made)
        if key in daily:
            begun |= {
                record.run_id: min(record.timestamp, begun.get(record.run_id, record.timestamp)) for record in records
            }
            continue
        landed += [record.timestamp for record in records]
        for partition, times in Counter(partition for partition, _ in made).items():
            if times > 1 and partition:
                counts.wrong.append(f"{key.to_user_string()} of {partition} was made {times} times")
    previous = since.timestamp()
    for run, at in sorted(begun.items(), key=lambda item: item[1]):
        if not any(previous <= moment <= at for moment in landed):
            counts.wrong.append(f"run {run[:8]} made the daily tables at {_clock(at)} though nothing had landed")
        previous = at


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}"
