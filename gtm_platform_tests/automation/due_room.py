"""A small graph whose assets leave real names of files in a lake, so that what is due can be read from there."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from gtm_platform.automation.definitions import automated
from gtm_platform.automation.due import Step, Waiting
from gtm_platform.automation.due_run import Bounds, Summary, run_due
from gtm_platform.automation.step_run import Outcome
from gtm_platform.delivery.gate import CUSTOMERS, HEALTH
from gtm_platform.delivery.sensors import deliver
from gtm_platform.lake.lake import Lake
from gtm_platform.orchestration.graph_policy import DAILY_TAG, DAYS, SOURCE_TAG
from gtm_platform.settings import settings
from gtm_platform_tests.automation.synthetic import MadeUpSource

CHAT, BILLING = MadeUpSource("chat", 6, 10), MadeUpSource("billing", 24, 15)


@dataclass
class Room:
    """A deployment without a daemon: what its assets were asked for, and which of them go wrong."""

    lake: Lake
    log: list[str] = field(default_factory=list)
    raises: dict[str, BaseException] = field(default_factory=dict)
    writes_nothing: set[str] = field(default_factory=set)
    check_passes: bool = True
    scheduled: str = "0 7 1 * *"
    sensors: list[dg.SensorDefinition] = field(default_factory=list)

    def repository(self) -> dg.RepositoryDefinition:
        report = self._asset("reports/monthly", None, group="reports")
        job = dg.define_asset_job("monthly_report", dg.AssetSelection.assets(report))
        schedule = dg.ScheduleDefinition(name="monthly_schedule", cron_schedule=self.scheduled, job=job)
        tables = [self._asset(name, DAYS, {DAILY_TAG: ""}) for name in (HEALTH, CUSTOMERS)]
        delivered = self._asset("delivery/somewhere", None, group="delivery", deps=tables)
        own = dg.Definitions(
            assets=[report, *tables, delivered],
            asset_checks=[self._guard()],
            jobs=[deliver, job],
            schedules=[schedule],
            sensors=self.sensors,
        )
        graph = dg.Definitions.merge(self._source(CHAT), self._source(BILLING), own)
        return automated(graph).get_repository_def()

    def run(self, instance: dg.DagsterInstance, bounds: Bounds | None = None) -> Summary:
        self.log.clear()
        return run_due(instance, self.repository(), self.lake, bounds or Bounds(None, settings().now), self._watch)

    def _watch(self, event: Step | Outcome | Waiting) -> None:
        assert str(event)

    def _source(self, source: MadeUpSource) -> dg.Definitions:
        tags, hour = {SOURCE_TAG: source.name}, "0" if source.hours == 24 else f"*/{source.hours}"
        stream = self._asset(f"{source.name}/records", source.windows, tags)
        job = dg.define_asset_job(f"sync_{source.name}", dg.AssetSelection.assets(stream), tags=tags)
        cron = f"{source.minute} {hour} * * *"
        schedule = dg.ScheduleDefinition(name=f"{source.name}_schedule", cron_schedule=cron, job=job)
        return dg.Definitions(assets=[stream], jobs=[job], schedules=[schedule])

    def _asset(
        self,
        key: str,
        partitions: dg.PartitionsDefinition[Any] | None,
        tags: dict[str, str] | None = None,
        group: str = "made",
        deps: Any = (),
    ) -> dg.AssetsDefinition:
        @dg.asset(
            key=key.split("/"),
            partitions_def=partitions,
            tags=tags or {},
            group_name=group,
            deps=deps,
            backfill_policy=dg.BackfillPolicy.single_run() if partitions else None,
        )
        def made(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
            keys = context.partition_keys if partitions else []
            self.log.append(" ".join([key, *keys]))
            if error := self.raises.get(key):
                raise error
            for partition in keys if key not in self.writes_nothing else []:
                land(self.lake, key, partition)
            return dg.MaterializeResult(metadata={"written": 3} if group == "delivery" else {"dagster/row_count": 5})

        return made

    def _guard(self) -> dg.AssetChecksDefinition:
        @dg.asset_check(asset=CUSTOMERS.split("/"), name="guard", blocking=True)
        def check() -> dg.AssetCheckResult:
            return dg.AssetCheckResult(passed=self.check_passes)

        return check


def land(lake: Lake, table: str, partition: str) -> Path:
    """Leave the name of a file in the lake."""
    folder = lake.root / table
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{partition}.{time.time_ns():020d}0000.full.parquet"
    path.touch()
    return path


def made(summary: Summary) -> list[str]:
    """What was done, in its order."""
    return [f"{each.name} {each.about}" for each in summary.of("made")]


def partitions_of(instance: dg.DagsterInstance) -> Iterator[tuple[str, dict[str, str]]]:
    """The jobs of all runs with their tags, the first one first."""
    for run in reversed(instance.get_runs()):
        yield run.job_name, dict(run.tags)
