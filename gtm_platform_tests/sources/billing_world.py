"""A sandbox of some hundred people after twenty days, whose billing systems are read into a lake."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.ingest.source import Source
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings
from gtm_platform_tests.ingest.syncing import Clock, Syncing

PEOPLE, SEED = 300, 5
START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=20)  # of the last day
DAY = END - timedelta(days=1)

Row = dict[str, Any]


@contextmanager
def billing_world() -> Iterator[Sandbox]:
    """The sandbox, with the environment pointed at it, and without limits that would only make tests slow."""
    with pytest.MonkeyPatch.context() as patch, running(PEOPLE, SEED, START) as box:
        patch.setattr(Limit, "take", lambda _: True)
        for name, value in box.env.items():
            patch.setenv(name, value)
        patch.setenv("GTM_NOW", END.isoformat())
        settings.cache_clear()
        box.world.advance(END)
        yield box
    settings.cache_clear()


def read_whole(source: Source, folder: Path) -> dict[str, list[Row]]:
    """Sync the last day of every stream and return the rows that are there then."""
    syncing = Syncing(Lake(folder), source, Clock(END))
    with source.open() as client:
        for stream in source.streams:
            syncing.fill(client, stream.name, DAY)
            assert syncing.quarantined(stream.name, DAY) == []
    table = syncing.lake.as_of
    return {
        stream.name: table(source.table(stream), f"{END:%Y-%m-%dT%H%M}").to_pyarrow().to_pylist()
        for stream in source.streams
    }
