"""What sensors ask about the graph and the runs: which assets carry a tag, which unfinished runs make them.

Selections go by tag, never by name, so that an asset of a person's own takes part as the platform's assets do.
"""

from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet

import dagster as dg

from gtm_platform.orchestration.compat import Graph, assets_of_job
from gtm_platform.orchestration.origin import UNFINISHED


def keys_tagged(graph: Graph, tag: str) -> set[dg.AssetKey]:
    """Return the assets that carry the tag, whatever its value."""
    return {key for key in graph.materializable_asset_keys if tag in graph.get(key).tags}


def unfinished_runs(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, making: AbstractSet[dg.AssetKey]
) -> Iterator[dg.DagsterRun]:
    """Yield the runs that make one of the assets and are queued or at work."""
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if not making.isdisjoint(assets_of_run(run, repository)):
            yield run


def assets_of_run(run: dg.DagsterRun, repository: dg.RepositoryDefinition) -> Collection[dg.AssetKey]:
    """Return the assets that a run makes; none for a job that the graph does not have."""
    if run.asset_selection:
        return run.asset_selection
    return assets_of_job(repository.get_job(run.job_name)) if repository.has_job(run.job_name) else ()
