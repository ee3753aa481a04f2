"""A small code location for runs on several hosts: `shop/sales`, of which a run makes two days.

With STANDS_STILL the publish that finds that file, which is named as the day, stands still for good: its draft is
written, and has no name yet.
"""

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import dagster as dg
import ibis

from gtm_platform.lake.contracts import declare
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.store import lake_root, store_of
from gtm_platform.orchestration import liveness
from gtm_platform.orchestration.graph_policy import DAYS
from gtm_platform.settings import settings
from gtm_platform_tests.lake.tables import ALBUMS, SALES, daily

DAYS_A_RUN = 2

declare("shop/albums", ALBUMS)


@daily("shop/sales", SALES, albums="shop/albums")
def sales(albums: ibis.Table) -> ibis.Table:
    return albums.select("id", sold=albums.count().cast("int64"))


defs = dg.Definitions(
    assets=[
        dg.AssetSpec(["shop", "albums"], partitions_def=DAYS),
        sales.with_attributes(backfill_policy=dg.BackfillPolicy.multi_run(DAYS_A_RUN)),
    ],
    resources={"lake": LakeResource()},
    executor=dg.in_process_executor,
)

if stands_still := os.environ.get("STANDS_STILL"):
    liveness.HEARTBEAT_SECONDS = 0.5  # so that no test waits for one
    store: Any = type(store_of(lake_root(settings().home)))
    publish = store.publish

    def publish_or_stand_still(self: Any, draft: Path, target: Path) -> None:
        file = Path(str(stands_still))
        with suppress(FileNotFoundError):  # it is of another day, or somebody stood still before
            if target.name.startswith(file.name):
                file.rename(file.with_suffix(".reached"))
                while True:
                    signal.pause()
        publish(self, draft, target)

    store.publish = publish_or_stand_still
