"""Clean syncs raise nothing: each stream whose system gives totals, over histories drawn by chance.

The sandbox's world lives on between the syncs, and with each request of a sync. A thousand are made with `-m long`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from gtm_platform.ingest.plan import PartitionWindow
from gtm_platform.ingest.source import Source, Stream, Totals
from gtm_platform.ingest.stream_sync import StreamSync, SyncReport
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox import server as sandbox
from gtm_platform.sandbox.clock import SandboxClock
from gtm_platform.sandbox.kit.limits import WINDOWS
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform_tests.ingest.syncing import RULES

START = datetime(2026, 3, 2, tzinfo=UTC)
PEOPLE = 12
SOURCES = SCHEDULED
COUNTED = {
    source.name: streams
    for source in SOURCES
    if (streams := [stream for stream in source.streams if isinstance(stream.totals, Totals)])
}
STREAMS = sum(map(len, COUNTED.values()))


@dataclass
class Living:
    """In front of the sandbox: some time passes before each request of a sync."""

    app: ASGIApp
    clock: SandboxClock
    random: Random

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not scope["path"].startswith("/_sandbox"):
            self.clock.set(self.clock.world.now + timedelta(seconds=self.random.randrange(120)))
        await self.app(scope, receive, send)


@pytest.fixture
def front(source: Source) -> Iterator[tuple[sandbox.Sandbox, Living]]:
    made: list[Living] = []
    create_app = sandbox.create_app

    def living(clock: SandboxClock, *arguments: Any) -> Living:
        made.append(Living(create_app(clock, *arguments), clock, Random(source.name)))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sandbox, "create_app", living)
        patch.setattr(WINDOWS, "times", 100_000)
        with sandbox.running(PEOPLE, seed=len(source.name), now=START) as box:
            for variable, value in box.env.items():
                patch.setenv(variable, value)
            yield box, made[-1]
    settings.cache_clear()


@pytest.mark.faults("P3")
@pytest.mark.parametrize("syncs", [30, pytest.param(1_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("source", [each for each in SOURCES if each.name in COUNTED], ids=sorted(COUNTED))
def test_clean_syncs_raise_nothing(
    source: Source, syncs: int, front: tuple[sandbox.Sandbox, Living], tmp_path: Path
) -> None:
    """Each day the window that has just closed is read, and compared, while the system is in use."""
    _, living = front
    lake, length = Lake(tmp_path / "lake"), timedelta(hours=source.hours)
    records = dict.fromkeys((stream.name for stream in COUNTED[source.name]), 0)
    with source.open() as client:
        for end in (START + timedelta(days=day) for day in range(1, -(-syncs // STREAMS) + 1)):
            window = PartitionWindow(f"{end - length:%Y-%m-%dT%H%M}", end - length, end)
            for stream in COUNTED[source.name]:
                now = max(end + timedelta(minutes=20), living.clock.world.now)
                living.clock.set(now)
                sync = StreamSync(lake, source, stream, RULES, now, "run")
                records[stream.name] = raised_nothing(sync.report(client, [window]), stream, end)
    assert all(records.values()), "a stream without records shows nothing"


def raised_nothing(report: SyncReport, stream: Stream, end: datetime) -> int:
    """How many records the system counts, all of which are there."""
    completeness = report.completeness
    assert completeness is not None
    assert completeness.as_of is not None
    assert (completeness.shortages, completeness.unknown, completeness.refetched) == ((), "", 0), stream.name
    assert end - timedelta(days=1) < completeness.as_of <= end  # Intercom counts up to its own midnight
    return completeness.records
