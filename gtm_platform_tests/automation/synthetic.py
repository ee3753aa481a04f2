"""A graph of made-up sources and tables, with the tags, partitions and names that the automation goes by.

Its assets do nothing when they run: what is looked at is what is requested, and when.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from gtm_platform.automation.definitions import automated
from gtm_platform.delivery.gate import CUSTOMERS, HEALTH
from gtm_platform.delivery.sensors import deliver
from gtm_platform.orchestration.graph_policy import DAILY_TAG, DAY_OF_WINDOWS, DAYS, SOURCE_TAG

FIRST_DAY = "2026-01-01"


@dataclass(frozen=True)
class MadeUpSource:
    """A source that is read every so many hours, at that minute, and takes a while."""

    name: str
    hours: int
    minute: int
    takes_minutes: int = 5
    streams: int = 6

    @property
    def keys(self) -> list[dg.AssetKey]:
        return [dg.AssetKey([self.name, f"stream_{n}"]) for n in range(self.streams)]

    @property
    def windows(self) -> dg.TimeWindowPartitionsDefinition:
        if self.hours == 24:
            return dg.TimeWindowPartitionsDefinition(
                start=FIRST_DAY, cron_schedule="0 0 * * *", fmt="%Y-%m-%d", end_offset=1
            )
        cron = f"0 */{self.hours} * * *"
        return dg.TimeWindowPartitionsDefinition(
            start=f"{FIRST_DAY}T0000", cron_schedule=cron, fmt="%Y-%m-%dT%H%M", end_offset=1
        )

    def definitions(self) -> dg.Definitions:
        """Build the assets, the job and the schedule."""

        @dg.multi_asset(
            name=self.name,
            specs=[
                dg.AssetSpec(key, partitions_def=self.windows, tags={SOURCE_TAG: self.name}, skippable=True)
                for key in self.keys
            ],
            can_subset=True,
        )
        def read() -> Iterator[Any]:
            yield from ()

        job = dg.define_asset_job(
            f"sync_{self.name}", dg.AssetSelection.assets(*self.keys), tags={SOURCE_TAG: self.name}
        )
        hour = "0" if self.hours == 24 else f"*/{self.hours}"
        schedule = dg.ScheduleDefinition(
            name=f"{self.name}_schedule", cron_schedule=f"{self.minute} {hour} * * *", job=job, execution_timezone="UTC"
        )
        return dg.Definitions(assets=[read], jobs=[job], schedules=[schedule])


def table(key: str, upstream: Sequence[dg.AssetKey], below: Sequence[dg.AssetKey] = ()) -> dg.AssetsDefinition:
    """Build a daily table made from streams and from other tables."""

    @dg.asset(
        key=key.split("/"),
        partitions_def=DAYS,
        tags={DAILY_TAG: ""},
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=[*(dg.AssetDep(stream, partition_mapping=DAY_OF_WINDOWS) for stream in upstream), *below],
    )
    def made() -> None: ...

    return made


def guard(key: str) -> dg.AssetChecksDefinition:
    """Build a check that guards a table."""

    @dg.asset_check(asset=key.split("/"), name="guard", blocking=True)
    def check() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    return check


def graph(sources: Sequence[MadeUpSource], tables: int, *more: dg.Definitions) -> dg.Definitions:
    """Build the sources, the tables, a blocking check of the table that is joined last, and a delivery."""
    streams = [key for source in sources for key in source.keys]
    names = [f"core/table_{n}" for n in range(tables - 2)]
    made = [table(name, streams[n % len(streams) :: len(names)] or streams[:1]) for n, name in enumerate(names)]
    health = table(HEALTH, [], [asset.key for asset in made])
    customers = table(CUSTOMERS, [], [health.key])

    @dg.asset(key=["delivery", "somewhere"], group_name="delivery", deps=[health, customers])
    def delivered() -> None: ...

    rooms = [source.definitions() for source in sources]
    own = dg.Definitions(assets=[*made, health, customers, delivered], asset_checks=[guard(CUSTOMERS)], jobs=[deliver])
    return automated(dg.Definitions.merge(*rooms, *more, own))


def land_day(lake: Path, day: str) -> None:
    """Leave files of both delivered tables in the lake: their names say which days it has."""
    for name in (HEALTH, CUSTOMERS):
        (lake / name).mkdir(parents=True, exist_ok=True)
        (lake / name / f"{day}.{0:020d}0000.part.parquet").touch()
