"""A small code location, for tests that run it as the platform is run: one daily table, `shop/sales`, each of whose
days is made by a run of its own out of the source table below it. As a program, it asks for a backfill of so many days.
"""

import sys
from time import time

import dagster as dg
import ibis
from dagster._core.execution.asset_backfill import AssetBackfillData
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from gtm_platform.lake.contracts import declare
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.orchestration import liveness
from gtm_platform.orchestration.graph_policy import DAYS
from gtm_platform_tests.faults.running import EVERY
from gtm_platform_tests.lake.tables import ALBUMS, SALES, album, daily, write

declare("shop/albums", ALBUMS)


@daily("shop/sales", SALES, albums="shop/albums")
def sales(albums: ibis.Table) -> ibis.Table:
    return albums.select("id", sold=albums.count().cast("int64"))


defs = dg.Definitions(
    assets=[
        dg.AssetSpec(["shop", "albums"], partitions_def=DAYS),
        sales.with_attributes(backfill_policy=dg.BackfillPolicy.multi_run(1)),
    ],
    sensors=[liveness.end_dead_runs],
    resources={"lake": LakeResource()},
    executor=dg.in_process_executor,
)


def ask_for(days: list[str]) -> None:
    """Fills the source, and leaves the daemon a backfill to find when it comes up."""
    for number, day in enumerate(days[::EVERY]):
        write(the_lake(), day, [album(f"album {number:04}")], full=number == 0)
    graph = defs.resolve_asset_graph()
    with dg.DagsterInstance.get() as instance:
        wanted = AssetBackfillData.from_asset_partitions(
            partition_names=days,
            asset_graph=graph,
            asset_selection=[sales.key],
            dynamic_partitions_store=instance,
            all_partitions=False,
            backfill_start_timestamp=time(),
        )
        backfill = PartitionBackfill(
            backfill_id="mill",
            status=BulkActionStatus.REQUESTED,
            from_failure=False,
            tags={},
            backfill_timestamp=time(),
            asset_selection=[sales.key],
            serialized_asset_backfill_data=wanted.serialize(dynamic_partitions_store=instance, asset_graph=graph),
        )
        instance.add_backfill(backfill)


if __name__ == "__main__":
    ask_for(list(DAYS.get_partition_keys()[: int(sys.argv[1])]))
