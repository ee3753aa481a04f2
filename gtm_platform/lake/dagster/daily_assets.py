"""Dagster assets made of daily tables: one partitioned asset each, its lineage taken from the table's inputs."""

import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import dagster as dg

from gtm_platform.lake.contracts import TABLES, Contract, contract_of
from gtm_platform.lake.dagster.asset_pages import TECHNICAL, definition_metadata, written_metadata
from gtm_platform.lake.dagster.resource import LakeResource
from gtm_platform.lake.daily_table import DailyTable, DaysAgo, PreviousDay, source_of
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.compat import CODE_VERSION_TAG, output_without_materialization
from gtm_platform.orchestration.graph_policy import (
    DAILY_FRESHNESS,
    DAILY_POOL,
    DAILY_TAG,
    DAY_OF_WINDOWS,
    DAYS,
    OWNERS,
    earlier_days,
)
from gtm_platform.orchestration.origin import started_by_person
from gtm_platform.policy import PolicyError, policy
from gtm_platform.settings import settings

IN_PART = f"{TECHNICAL}/in_part"

Metadata = dict[str, Any]
Days = Iterator[dg.AssetMaterialization | dg.MaterializeResult[None]]


def tables_of(package: str) -> tuple[DailyTable, ...]:
    """Return the daily tables of a package: the TABLE of each module, after those that it reads."""
    modules = [import_module(f"{package}.{each.name}") for each in iter_modules(import_module(package).__path__)]
    values = [getattr(module, "TABLE", None) for module in modules if not module.__name__.endswith(".assets")]
    by_key = {value.key: value for value in values if isinstance(value, DailyTable)}
    read = {key: [name for name in table.tables if name in by_key] for key, table in sorted(by_key.items())}
    return tuple(by_key[key] for key in TopologicalSorter(read).static_order())


def daily_assets(tables: Iterable[DailyTable]) -> list[dg.AssetsDefinition]:
    """Build the assets of several daily tables."""
    return [daily_asset(table) for table in tables]


def daily_asset(table: DailyTable) -> dg.AssetsDefinition:
    """Build the asset of a daily table; a run over several days writes them in their order.

    A run that a person starts computes its days anew; one that starts by itself leaves those whose inputs have not
    changed.
    """
    version = code_version(table)

    @dg.asset(
        key=table.key.split("/"),
        description=table.contract.about,
        group_name=table.group or table.key.split("/")[0],
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
        code_version=version,
    )
    def asset(context: dg.AssetExecutionContext, lake: LakeResource) -> Days:
        written: dict[str, Metadata] = {}
        try:
            for day in context.partition_keys:
                if metadata := _write(table, lake.open(), day, anew=started_by_person(context.run.tags)):
                    written[day] = metadata
                    if IN_PART in metadata:
                        context.log.info(f"{table.key} of {day}: {metadata[IN_PART]}")
        except BaseException:
            # Dagster hears of each day that was written, also of a range that fails or is cancelled half way: it has to
            # be yielded, for what is logged reaches Dagster with the next result only.
            yield from _days(context, written, version)
            raise
        absent = [day for day in context.partition_keys if day not in written]
        if absent:
            before_first_sync = not written and not _anything_landed(lake.open(), absent[-1])
            _explain(context, table, absent, fail=before_first_sync)
            # A result without partitions would mark the absent days as made, too. What is made of this table goes on: a
            # source that is off leaves it out, and nothing else.
            yield from _days(context, written, version)
            yield output_without_materialization()
        elif written:
            for day, metadata in written.items():
                context.add_asset_metadata(metadata, partition_key=day)
            yield dg.MaterializeResult()

    return asset


def _days(context: dg.AssetExecutionContext, written: Mapping[str, Metadata], version: str) -> Days:
    for day, metadata in written.items():
        yield dg.AssetMaterialization(
            context.asset_key, partition=day, metadata=metadata, tags={CODE_VERSION_TAG: version}
        )


def _anything_landed(store: Lake, day: str) -> bool:
    """Whether any source table says anything about the day."""
    return any(contract.cadence and store.has_data_by(table, day) for table, contract in list(TABLES.items()))


def _explain(context: dg.AssetExecutionContext, table: DailyTable, absent: list[str], *, fail: bool) -> None:
    """Tell a person who wanted days that cannot be made why; what runs by itself only leaves a line in the log."""
    days = absent[0] if len(absent) == 1 else f"{absent[0]} to {absent[-1]}"
    reason = f"{table.key} is not made for {days}: none of its inputs has data by then."
    if not started_by_person(context.run.tags):
        context.log.info(reason)
    elif fail:
        raise dg.Failure(f"{reason} The first sync came later.")
    else:
        context.log.warning(reason)
        for day in absent:
            context.log_event(dg.AssetObservation(context.asset_key, partition=day, metadata={"not made": reason}))


def _write(table: DailyTable, store: Lake, day: str, *, anew: bool) -> Metadata | None:
    began = time.perf_counter()
    written = table.write_day(store, day, anew=anew)
    if written is None:
        return None
    technical: Metadata = {"seconds": round(time.perf_counter() - began, 3)}
    if not written.is_new:
        technical["kept"] = "The stored rows are what its inputs come to: its file was left."
    if part := written.part:
        technical["in_part"] = f"The rows of {part.computed:,} of {part.customers:,} customers were made again."
        technical["customers_made_again"] = part.computed
    return written_metadata(store, table.key, day, written, technical)


def code_version(table: DailyTable) -> str:
    """Hash what the rows depend on besides data: the rule's module, the contract, the policy if read."""
    parts = [source_of(table.rule), table.rule.__doc__ or "", _signature(table.contract)]
    if table.reads_policy:
        parts.append(_policy_hash())
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def _signature(contract: Contract) -> str:
    columns = {name: (column.type, column.nullable) for name, column in contract.columns.items()}
    return repr((columns, contract.key))


def _policy_hash() -> str:
    try:
        return policy().hash
    except PolicyError:  # raised where the policy is read, with the line that is wrong
        return "unreadable"


def dependencies(table: DailyTable) -> list[dg.AssetDep]:
    """List the assets behind the table's inputs, each once, with the partition mapping of earlier days.

    Of a table that is read on the day and on earlier ones the edge is the day: by another one a backfill of some days
    would go on into the weeks after, which it must leave alone. When sources were last synced (`SyncTimes`) is a fact
    about the lake's files and no table: it is no edge.
    """
    mappings: dict[str, dg.PartitionMapping | None] = {}
    for name in table.tables:
        contract = contract_of(name)
        mappings[contract.made_with or name] = DAY_OF_WINDOWS if contract.cadence else None
    offsets: dict[str, set[int]] = {}
    for earlier in table.earlier_days:
        nearest = earlier.days if isinstance(earlier, DaysAgo) else 1
        furthest = 1 if isinstance(earlier, PreviousDay) else earlier.days
        if earlier.table not in table.tables:
            offsets.setdefault(earlier.table, set()).update((nearest, furthest))
    mappings |= {name: earlier_days(min(days), max(days)) for name, days in offsets.items()}
    return [dg.AssetDep(key.split("/"), partition_mapping=mapping) for key, mapping in mappings.items()]
