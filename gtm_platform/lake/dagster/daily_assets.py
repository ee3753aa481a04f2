"""Dagster assets made of daily tables: one partitioned asset each, its lineage taken from the table's inputs."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

import dagster as dg

from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.dagster.asset_pages import definition_metadata, written_metadata
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.daily_table import DailyTable, DaysAgo
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.graph_policy import (
    DAILY_FRESHNESS,
    DAILY_POOL,
    DAILY_TAG,
    DAY_OF_WINDOWS,
    DAYS,
    OWNERS,
    earlier_days,
)
from gtm_platform.settings import settings

Metadata = dict[str, Any]
Days = Iterator[dg.MaterializeResult[None]]


def daily_assets(tables: Iterable[DailyTable]) -> list[dg.AssetsDefinition]:
    """Build the assets of several daily tables."""
    return [daily_asset(table) for table in tables]


def daily_asset(table: DailyTable) -> dg.AssetsDefinition:
    """Build the asset of a daily table; a run over several days writes them in their order."""

    @dg.asset(
        key=table.key.split("/"),
        description=table.contract.about,
        group_name=table.key.split("/")[0],
        kinds={settings().gtm_engine, "parquet"},
        owners=OWNERS,
        partitions_def=DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        freshness_policy=DAILY_FRESHNESS,
        deps=dependencies(table),
        output_required=False,
        pool=DAILY_POOL,
        tags={DAILY_TAG: ""},
        metadata=definition_metadata(table.key, table.rule, policy=table.reads_policy),
    )
    def asset(context: dg.AssetExecutionContext, lake: LakeResource) -> Days:
        written: dict[str, Metadata] = {}
        try:
            for day in context.partition_keys:
                if metadata := _write(table, lake.open(), day):
                    written[day] = metadata
                    context.add_asset_metadata(metadata, partition_key=day)
                else:
                    context.log.info(f"{table.key}: no input has data on {day}; it lies before the first sync.")
        except BaseException:
            # Dagster hears of each day that was written, also of a range that fails or is cancelled half way.
            for day, metadata in written.items():
                context.log_event(dg.AssetMaterialization(context.asset_key, partition=day, metadata=metadata))
            raise
        if written:
            yield dg.MaterializeResult()

    return asset


def _write(table: DailyTable, store: Lake, day: str) -> Metadata | None:
    began = time.perf_counter()
    written = table.write_day(store, day)
    if written is None:
        return None
    seconds = round(time.perf_counter() - began, 3)
    return written_metadata(store, table.key, day, written, {"seconds": seconds})


def dependencies(table: DailyTable) -> list[dg.AssetDep]:
    """List the assets that write the table's inputs, those of earlier days with their mapping."""
    mappings: dict[str, dg.PartitionMapping | None] = {}
    for name in table.tables:
        contract = contract_of(name)
        mappings[contract.made_with or name] = DAY_OF_WINDOWS if contract.cadence else None
    offsets: dict[str, set[int]] = {}
    for earlier in table.earlier_days:
        offsets.setdefault(earlier.table, set()).add(earlier.days if isinstance(earlier, DaysAgo) else 1)
    mappings |= {name: earlier_days(min(days), max(days)) for name, days in offsets.items()}
    return [dg.AssetDep(key.split("/"), partition_mapping=mapping) for key, mapping in mappings.items()]
