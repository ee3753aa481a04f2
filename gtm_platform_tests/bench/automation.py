"""What a day of landings asks of Dagster: 25 made-up sources of 6 streams, 40 tables, the platform's own sensors.

The sources, the scheduler and the workers are played, under a clock that is moved on by minutes; the sensors,
their cursors and Dagster's storage are real, and every tick is stored as the daemon stores it.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

from gtm_platform_tests.bench.figures import Effort, Figure, Row, Target
from gtm_platform_tests.bench.rounds import in_child

SOURCES, STREAMS, TABLES = 25, 6, 40
TICK = timedelta(seconds=60)
MIXES = {"4, 12 and 24 h": (4, 12, 24, 4, 12), "4, 6, 12 and 24 h": (4, 6, 12, 24, 6)}
MOST = {"4, 12 and 24 h": 6, "4, 6, 12 and 24 h": 8}  # hours of a day at which a window of any source closes


def measure(effort: Effort) -> Iterator[Row]:
    """Let each mix of sources live through a day."""
    for mix, hours in list(MIXES.items())[: effort.of(2, 1)]:
        day = in_child(
            f"{__name__}:live", hours=hours, sources=effort.of(SOURCES, 5), tables=effort.of(TABLES, 5)
        ).findings
        what = f"windows of {mix}"
        yield Row(f"{what}: landings a day", "runs", day["landings"])
        yield Row(f"{what}: runs of the tables", "runs", day["tables"], Target("≤", MOST[mix]))
        yield Row(f"{what}: tables made", "partitions", day["partitions"])
        yield Row(f"{what}: deliveries", "runs", day["deliveries"], Target("≤", MOST[mix]))
        yield Row(f"{what}: runs in the middle of another's reading", "runs", day["torn"], Target("≤", 0))
        yield Row(f"{what}: cursors of the sensors", "bytes", day["cursors"], Target("≤", 500))
        yield Row(f"{what}: schedules.db after the day", "MB", day["schedules"] / 1e6)
        yield Row(f"{what}: of it evaluations of conditions", "rows", day["evaluations"], Target("≤", 0))
        yield Row(f"{what}: three sensors look once", "ms of CPU", day["tick"] * 1e3, Target("≤", 5_000))


def live(hours: list[int], sources: int, tables: int) -> dict[str, Any]:
    """A day of so many sources, whose cadences take turns; what was requested, and what Dagster has to keep."""
    import os

    home = Path.cwd()  # the child's own folder, gone with it
    os.environ |= {"GTM_HOME": str(home / "home"), "GTM_FIRST_DAY": "2026-01-01", "DAGSTER_DISABLE_TELEMETRY": "1"}

    import dagster as dg
    from dagster._core.scheduler.instigation import InstigatorType, TickData, TickStatus

    from gtm_platform_tests.automation import simulated
    from gtm_platform_tests.automation.synthetic import MadeUpSource

    class Stored(simulated.Simulation):
        """Keeps each tick, as the daemon does."""

        def look(self, sensor: dg.SensorDefinition) -> list[dg.RunRequest]:
            requests = super().look(sensor)
            data = TickData(
                instigator_origin_id=sensor.name.ljust(40, "0"),
                instigator_name=sensor.name,
                instigator_type=InstigatorType.SENSOR,
                status=TickStatus.SUCCESS if requests else TickStatus.SKIPPED,
                timestamp=self.now.timestamp(),
                run_ids=[request.run_key for request in requests if request.run_key],
                run_keys=[request.run_key for request in requests if request.run_key],
                skip_reason=None if requests else self.skipped[sensor.name],
                cursor=self.cursors.get(sensor.name),
                selector_id=sensor.name.ljust(40, "0"),
            )
            self.instance.create_tick(data)
            return requests

    made_up = [
        MadeUpSource(f"source_{n}", hours[n % len(hours)], minute=5 + 2 * n, takes_minutes=3 + n % 6, streams=STREAMS)
        for n in range(sources)
    ]
    (home / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(home / "dagster")) as instance:
        simulation = simulated.begin(made_up, tables, instance, home / "home", kind=Stored)
        end = simulation.now + timedelta(days=1)
        began, looks = time.process_time(), timedelta(days=1) / TICK
        simulation.until(end, step=TICK)
        spent = time.process_time() - began
        evaluations = instance.schedule_storage.get_auto_materialize_asset_evaluations  # type: ignore[union-attr]
        keys = simulation.repository.asset_graph.materializable_asset_keys
        return {
            "landings": len([run for run in simulation.ended if run.job.startswith("sync_")]),
            "tables": len(simulation.runs("daily_tables")),
            "partitions": sum(tables * (1 if first == last else 2) for first, last in simulation.days()),
            "deliveries": len(simulation.runs("deliver")),
            "torn": len(list(simulation.overlapping_runs())),
            "cursors": sum(map(len, simulation.cursors.values())),
            "schedules": sum(path.stat().st_size for path in (home / "dagster").rglob("schedules.db*")),
            "evaluations": sum(len(evaluations(key, limit=10)) for key in keys),
            "tick": spent / looks,
        }


FIGURE = Figure(
    "automation",
    "25 sources of 6 streams, 40 tables: the tables are made once for each hour at which windows close, 6 or 8 times "
    "a day for about a hundred landings, never in the middle of another's reading, and delivered once each time.",
    measure,
)
