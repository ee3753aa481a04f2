"""A daily table: a pure function of tables, run once for each day of the run, in order."""

import inspect
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import dagster as dg
import ibis
from dagster import AutomationCondition as When

from gtm_platform.connect.redaction import discreet
from gtm_platform.lake import spark
from gtm_platform.lake.contracts import Contract, contract_of, declare
from gtm_platform.lake.engine import paths_of
from gtm_platform.lake.lake import Lake, Written
from gtm_platform.lake.resource import LakeResource
from gtm_platform.settings import settings

OWNERS = ["team:data"]
DAYS = dg.DailyPartitionsDefinition(start_date=settings().gtm_first_day.isoformat(), end_offset=1)
# A day needs the windows that begin in it, and yesterday's last window, which closes after midnight, makes it again.
AS_OF = dg.TimeWindowPartitionMapping(start_offset=-1, allow_nonexistent_upstream_partitions=True)
FRESH = dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=36), warn_window=timedelta(hours=26))
SOON = (
    When.in_latest_time_window(timedelta(days=2))
    & When.any_deps_updated().since_last_handled()
    & ~When.any_deps_in_progress()
    & ~When.in_progress()
)


@dataclass(frozen=True)
class Ago:
    """A daily table as it was some days before; empty where there was none."""

    table: str
    days: int


@dataclass(frozen=True)
class Before:
    """A daily table on the newest day before that it has; empty where there is none."""

    table: str


class UpstreamMissing(RuntimeError):
    """A table of the day was not made though it was on earlier days; what needs it would be made from nothing."""


class Synced:
    """When each source table was last filled, by the end of the day."""


Need = str | Ago | Before | Synced | Callable[[], Any]


def daily(table: str, contract: Contract, **needs: Need) -> Callable[[Callable[..., ibis.Table]], dg.AssetsDefinition]:
    """Makes the function the daily table. `needs` says what each argument is: a table (a source table as of the end of
    the day, a daily table on the day), the same some days `Ago` or on the last day `Before`, what is `Synced`, or a
    value to be asked for when the run begins; the argument `day`, where there is one, is the day."""

    def wrap(rule: Callable[..., ibis.Table]) -> dg.AssetsDefinition:
        wanted = set(inspect.signature(rule).parameters) - {"day"}
        if wanted != set(needs):
            raise TypeError(f"{table}: its arguments {sorted(wanted)} and what it needs {sorted(needs)} differ")
        declare(table, contract)

        @dg.asset(
            key=table.split("/"),
            description=contract.about,
            group_name=table.split("/")[0],
            kinds={settings().gtm_engine, "parquet"},
            owners=OWNERS,
            partitions_def=DAYS,
            backfill_policy=dg.BackfillPolicy.single_run(),
            automation_condition=SOON,
            freshness_policy=FRESH,
            deps=_dependencies(needs),
            output_required=False,
            metadata={"dagster/column_schema": contract.column_schema, "dagster/table_name": table.replace("/", ".")},
        )
        def asset(context: dg.AssetExecutionContext, lake: LakeResource) -> Iterator[dg.MaterializeResult[None]]:
            store, done = lake.open(), 0
            for day in context.partition_keys:
                began = time.perf_counter()
                written = write_day(store, table, rule, needs, day)
                if written is None:
                    context.log.info(f"{table}: nothing that it needs is known on {day}; before the first sync.")
                    continue
                done += 1
                told = {"dagster/row_count": written.rows, **_numbers(written.figures)}
                seconds = round(time.perf_counter() - began, 3)
                context.add_asset_metadata({**told, "seconds": seconds}, partition_key=day)
            if done:
                yield dg.MaterializeResult()

        return asset

    return wrap


@discreet()
def write_day(
    lake: Lake, table: str, rule: Callable[..., ibis.Table], needs: Mapping[str, Need], day: str
) -> Written | None:
    """Computes and writes one day of the table; None where nothing it needs is known by then."""
    tables = [need for need in needs.values() if isinstance(need, str)]
    if not any(lake.known_by(need, day) for need in tables):
        return None
    if missing := [need for need in tables if _left_out(lake, need, day)]:
        raise UpstreamMissing(
            f"{table} is not made for {day}: {' and '.join(missing)} of that day is missing, though earlier days are "
            f"there. See why its run failed, or make it with: gtm run {missing[0]} --partition {day}"
        )
    given = {name: _given(lake, need, day) for name, need in needs.items()}
    if "day" in inspect.signature(rule).parameters:
        given["day"] = date.fromisoformat(day)
    rows = contract_of(table).shaped(rule(**given))
    if settings().gtm_engine == "duckdb":
        return lake.write(table, day, rows)
    with lake.naming_damage(lambda: paths_of(rows)), spark.computed(rows) as computed:
        return lake.write(table, day, computed)


def _left_out(lake: Lake, table: str, day: str) -> bool:
    """Whether a daily table lacks the day but not the days before; a table whose sources are off has neither."""
    if contract_of(table).cadence is not None:
        return False
    made = lake.partitions(table)
    return day not in made and any(before < day for before in made)


def _given(lake: Lake, need: Need, day: str) -> Any:
    if isinstance(need, Ago):
        return lake.partition(need.table, (date.fromisoformat(day) - timedelta(days=need.days)).isoformat())
    if isinstance(need, Before):
        return lake.partition(need.table, max((p for p in lake.partitions(need.table) if p < day), default=""))
    if isinstance(need, Synced):
        return lake.synced(day)
    return lake.on(need, day) if isinstance(need, str) else need()


def _dependencies(needs: Mapping[str, Need]) -> list[dg.AssetDep]:
    """On the assets that write the tables, each once."""
    tables = [need for need in needs.values() if isinstance(need, str)]
    writers = {contract_of(table).made_with or table: contract_of(table).cadence for table in tables}
    return [
        dg.AssetDep(writer.split("/"), partition_mapping=AS_OF if cadence else None)
        for writer, cadence in writers.items()
    ]


def _numbers(figures: Mapping[str, Any]) -> dict[str, float | int]:
    return {
        name: value if isinstance(value, int) else round(float(value), 4)
        for name, value in figures.items()
        if value is not None
    }
