"""`gtm run`: making partitions again, in this process, with its progress on the terminal."""

import logging
from collections.abc import Set
from datetime import UTC, datetime
from typing import Any

import click
import dagster as dg

from gtm_platform.definitions import defs
from gtm_platform.ingest.source_run import FULL_REFRESH_TAG
from gtm_platform.ingest.truncation import ACCEPT_SHRINKAGE_TAG
from gtm_platform.orchestration.instance import instance
from gtm_platform.orchestration.liveness import execute_here, sentence
from gtm_platform.orchestration.origin import PART_OF_TAG
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SOURCES

BY_HAND = "by_hand"
CONFIG: dict[str, Any] = {"loggers": {"progress": {"config": {}}}}


def make(
    selection: str,
    partition: str,
    last: str | None,
    *,
    full_refresh: bool = False,
    accept_shrinkage: bool = False,
    run_id: str | None = None,
) -> int:
    """Run a job or the selected tables for the partitions; return 0 only if something was made.

    The run has the id that is passed in, or a new one. What cannot be made is refused before a run begins.
    """
    _refuse_reversed(partition, last)
    switches = {FULL_REFRESH_TAG: full_refresh, ACCEPT_SHRINKAGE_TAG: accept_shrinkage}
    tags = span(partition, last) | {tag: "true" for tag, is_on in switches.items() if is_on}
    graph = dg.Definitions.merge(defs, dg.Definitions(loggers={"progress": progress}))
    if not graph.get_repository_def().has_job(selection):
        selected = dg.AssetSelection.from_string(_as_key(selection), include_sources=False)
        keys = selected.resolve(defs.resolve_asset_graph())
        _refuse_unknown(keys, [partition, last or partition])
        _refuse_off(keys)
        graph = dg.Definitions.merge(graph, dg.Definitions(jobs=[dg.define_asset_job(BY_HAND, selection=selected)]))
        selection = BY_HAND
    with instance() as opened:
        ran = execute_here(graph.resolve_job_def(selection), opened, run_id=run_id, tags=tags, run_config=CONFIG)
        return _report(ran, opened)


def span(first: str, last: str | None = None) -> dict[str, str]:
    """The tags that tell a run its partitions, and the UI whose run it is."""
    origin = {".dagster/repository": "__repository__@gtm_platform"}
    if last in (None, first):
        return {**origin, "dagster/partition": first}
    return {**origin, "dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


def sentences(ran: dg.ExecuteInProcessResult) -> list[str]:
    """Why the steps of a run failed, without the traceback."""
    failures = [event.step_failure_data.error for event in ran.all_events if event.is_step_failure]
    return [sentence(error) for error in failures if error]


# --- what can be made ------------------------------------------------------------------------------------------------


def _as_key(selection: str) -> str:
    """A bare table name is its own asset."""
    return f'key:"{selection}"' if all(c.isalnum() or c in "/_" for c in selection) else selection


def _refuse_reversed(first: str, last: str | None) -> None:
    if last is not None and last < first:  # keys sort as time does
        raise ValueError(f"The range is reversed: --partition {first} comes after --to {last}. Nothing was made.")


def _refuse_unknown(keys: Set[dg.AssetKey], partitions: list[str]) -> None:
    if not keys:
        raise ValueError("Nothing is selected: no such table. `gtm query` lists the tables, the UI all assets.")
    graph = defs.resolve_asset_graph()
    for key in keys:
        parts = graph.get(key).partitions_def
        if parts is None:
            continue
        with dg.partition_loading_context(effective_dt=max(settings().now(), datetime.now(UTC))):
            missing = next((partition for partition in partitions if not parts.has_partition_key(partition)), None)
            first, newest = parts.get_first_partition_key(), parts.get_last_partition_key()
        if missing:
            span = f"they go from {first} to {newest}" if first else "its first one is not over yet"
            raise ValueError(
                f"{key.to_user_string()} has no partition {missing!r}: {span} "
                f"(now: {settings().now():%Y-%m-%d %H:%M} UTC)."
            )


def _refuse_off(keys: Set[dg.AssetKey]) -> None:
    """Where every selected table belongs to a source that is off, a run would make nothing."""
    reasons = {source.name: source.off() for source in SOURCES}
    off = {key.path[0]: reasons.get(key.path[0]) for key in keys}
    if all(off.values()):
        raise ValueError("; ".join(str(reason) for _, reason in sorted(off.items())) + ". Nothing was made.")


# --- what was made ---------------------------------------------------------------------------------------------------


def _report(ran: dg.ExecuteInProcessResult, opened: dg.DagsterInstance) -> int:
    events = [*ran.get_asset_materialization_events(), *ran.get_asset_observation_events()]
    events += _made_by_parts(ran.run_id, opened)
    for reason in sentences(ran):
        click.secho(reason, fg="red", err=True)
    if ran.success and not events:
        reasons = [
            entry.user_message for entry in opened.all_logs(ran.run_id) if not entry.is_dagster_event and entry.step_key
        ]
        click.secho(f"Nothing was made. {' '.join(dict.fromkeys(reasons))}".strip(), fg="yellow", err=True)
    click.echo(f"run {ran.run_id}: {_outcome(ran.success, bool(events))}")
    return 0 if ran.success and events else 1


def _made_by_parts(run_id: str, opened: dg.DagsterInstance) -> list[dg.DagsterEvent]:
    """Print what the runs made that this one started, and return it."""
    parts = opened.get_runs(dg.RunsFilter(tags={PART_OF_TAG: run_id}))
    logs = [entry for part in reversed(parts) for entry in opened.all_logs(part.run_id)]
    events = [
        entry.dagster_event for entry in logs if entry.dagster_event and entry.dagster_event.is_step_materialization
    ]
    for event in events:
        _print_made(event)
    return events


def _print_made(event: dg.DagsterEvent) -> None:
    made = event.step_materialization_data.materialization
    # Of the partition that was made; the row count is that of the whole table.
    rows = made.metadata.get("dagster/partition_row_count") or made.metadata.get("dagster/row_count")
    click.echo(f"{made.asset_key.to_user_string()} {made.partition or ''}: {rows.value if rows else 'no'} rows")


def _outcome(success: bool, made: bool) -> str:
    if not success:
        return "failed"
    return "done" if made else "made nothing"


class _Progress(logging.Handler):
    """Prints each partition as it is made, and what a step logs meanwhile; warnings and worse on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one line of a run's log, if it is of interest on a terminal."""
        details = getattr(record, "dagster_meta", {})
        event = details.get("dagster_event")
        if event is None:
            if record.levelno >= logging.INFO:
                click.secho(f"  {details.get('orig_message', '')}", dim=True, err=True)
        elif event.event_type is dg.DagsterEventType.STEP_START:
            click.secho(f"{event.step_key} …", dim=True, err=True)
        elif event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            _print_made(event)


@dg.logger(config_schema={}, description="The progress of a run, for a terminal.")
def progress(_: dg.InitLoggerContext) -> logging.Logger:
    """Return a logger that prints what a person at the terminal waits for."""
    logger = logging.Logger("gtm run", level=logging.DEBUG)
    logger.addHandler(_Progress())
    return logger
