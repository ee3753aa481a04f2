"""`gtm run`: making partitions again."""

from datetime import UTC, datetime

import click
import dagster as dg

from gtm_platform.definitions import defs
from gtm_platform.orchestration.instance import instance
from gtm_platform.orchestration.liveness import sentence


def make(selection: str, partition: str, last: str | None) -> int:
    with instance() as dagster:
        job = _job_named(selection) or _job_of(selection, [partition, last or partition])
        ran = job.execute_in_process(instance=dagster, raise_on_error=False, tags=span(partition, last))
    for event in ran.get_asset_materialization_events():
        made = event.step_materialization_data.materialization
        rows = made.metadata.get("dagster/row_count")
        click.echo(f"{made.asset_key.to_user_string()} {made.partition}: {rows.value if rows else 'no'} rows")
    for told in sentences(ran):
        click.secho(told, fg="red", err=True)
    click.echo(f"run {ran.run_id}: {'done' if ran.success else 'failed'}")
    return 0 if ran.success else 1


def _job_named(name: str) -> dg.JobDefinition | None:
    """Return the job of the graph that has this name, such as `everything_of_a_day`."""
    return defs.resolve_job_def(name) if defs.get_repository_def().has_job(name) else None


def _job_of(selection: str, partitions: list[str]) -> dg.JobDefinition:
    """Return a job that makes the selected tables."""
    chosen = dg.AssetSelection.from_string(_as_key(selection), include_sources=False)
    _refuse_unknown(chosen, partitions)
    by_hand = dg.define_asset_job("by_hand", selection=chosen)
    return dg.Definitions.merge(defs, dg.Definitions(jobs=[by_hand])).resolve_job_def("by_hand")


def span(first: str, last: str | None = None) -> dict[str, str]:
    """The tags that tell a run its partitions, and the UI whose run it is."""
    whose = {".dagster/repository": "__repository__@gtm_platform"}
    if last in (None, first):
        return {**whose, "dagster/partition": first}
    return {**whose, "dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}


def _as_key(selection: str) -> str:
    """A bare table name is its own asset."""
    return f'key:"{selection}"' if all(c.isalnum() or c in "/_" for c in selection) else selection


def _refuse_unknown(chosen: dg.AssetSelection, partitions: list[str]) -> None:
    graph = defs.resolve_asset_graph()
    keys = chosen.resolve(graph)
    if not keys:
        raise ValueError("Nothing is selected: no such table. `gtm doctor` lists the sources, the UI all tables.")
    for key in keys:
        parts = graph.get(key).partitions_def
        for partition in partitions:
            if parts and not parts.has_partition_key(partition):
                first, newest = parts.get_first_partition_key(), parts.get_last_partition_key()
                raise ValueError(
                    f"{key.to_user_string()} has no partition {partition!r}: they go from {first} to {newest} "
                    f"(now: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC)."
                )


def sentences(ran: dg.ExecuteInProcessResult) -> list[str]:
    """Why the steps of a run failed, without the traceback."""
    failures = [event.step_failure_data.error for event in ran.all_events if event.is_step_failure]
    return [sentence(error) for error in failures if error]
