"""Tables of a test's own, landed as a folder of Parquet, and the source that reads them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gtm_platform.ingest.source import Source
from gtm_platform.settings import settings
from gtm_platform_tests.ingest.syncing import Clock

Open = Callable[..., AbstractContextManager[Any]]
NOW = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(NOW)
    monkeypatch.setattr("gtm_platform.settings.Settings.now", lambda _: clock())
    return clock


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Where tables are landed."""
    return tmp_path / "landed"


def land(place: Path, schema: str, **tables: list[dict[str, Any]]) -> None:
    """Write tables; a table that was there is replaced."""
    (place / schema).mkdir(parents=True, exist_ok=True)
    for name, rows in tables.items():
        pq.write_table(pa.Table.from_pylist(rows), place / schema / f"{name}.parquet")


@pytest.fixture
def open_landed(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Open a source by its tables."""
    monkeypatch.setenv("GTM_HOME", str(tmp_path / "home"))

    @contextmanager
    def opened(source: Source, via: str, at: str | None = None) -> Iterator[Any]:
        monkeypatch.setenv(f"{source.name.upper()}_VIA", via)
        monkeypatch.setenv(f"{source.name.upper()}_LANDED", at or str(place))
        settings.cache_clear()
        with source.open() as client:
            yield client

    return opened
