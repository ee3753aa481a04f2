"""A market of strangers that one source reads from its emulator, and what its feeds say of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import ibis
import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.feeds import read
from gtm_platform.ingest.source import Source
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.kit.emulator import Emulator
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.world.market import Market
from gtm_platform.settings import settings
from gtm_platform_tests.ingest.syncing import Clock, Syncing
from gtm_platform_tests.sources.conftest import Stand

START = datetime(2026, 3, 2, tzinfo=UTC)
NOW = START + timedelta(days=1)
SEED, PEOPLE = 3, 400
DAY = 86_400


def market() -> Market:
    """Some dozens of companies that nobody of ours works with."""
    return Market(SEED, PEOPLE, START, lambda: ())


class Free(RateLimiter):
    """One that lets every call pass, and that counts them."""

    def acquire(self) -> None:
        """Do not wait."""


@contextmanager
def opened(
    source: Source,
    emulator: Emulator,
    app: ASGIApp,
    stand: Stand,
    monkeypatch: pytest.MonkeyPatch,
    **environment: str,
) -> Iterator[Any]:
    """The source's own client of an app; nobody waits, and no limit of rates is met but that of a day."""
    stand.emulator, take = app, Limit.take
    monkeypatch.setattr(Limit, "take", lambda limit: limit.seconds < DAY or take(limit))
    for name, value in {**emulator.environment(stand.url), "GTM_NOW": NOW.isoformat(), **environment}.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    package = f"gtm_platform.sources.{source.name}.client"
    monkeypatch.setattr(f"{package}.RetryPolicy", partial(RetryPolicy, sleep=lambda _: None))
    monkeypatch.setattr(f"{package}.RateLimiter", Free)
    with source.open() as client:
        yield client
    settings.cache_clear()


def synced(source: Source, client: Any, folder: Path) -> Lake:
    """A lake with the first window of each stream."""
    syncing = Syncing(Lake(folder), source, Clock(NOW))
    for stream in source.streams:
        syncing.fill(client, stream.name, START)
    return syncing.lake


def feed_rows(lake: Lake, feed: Any, *fields: str) -> list[dict[str, Any]]:
    """What a feed says of companies: some of its fields, by row."""
    table = lake.as_of(feed.table, "9999")
    table = feed.rows(table) if feed.rows else table
    columns = {name: _value(table, getattr(feed, name)) for name in fields}
    rows: list[dict[str, Any]] = table.select(**columns).to_pyarrow().to_pylist()
    return rows


def _value(table: ibis.Table, field: Any) -> ibis.Value:
    is_word = isinstance(field, str) and field not in table.columns
    return ibis.literal(field) if is_word else read(table, field)


async def answer(receive: Receive, send: Send, status: int, body: bytes, **headers: str) -> None:
    """Answer a request with these bytes."""
    while (await receive()).get("more_body"):
        pass
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    pairs.append((b"content-type", b"application/json"))
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": body})


def always(status: int, body: bytes, **headers: str) -> ASGIApp:
    """An app that answers the same to everything."""

    async def app(_: Scope, receive: Receive, send: Send) -> None:
        await answer(receive, send, status, body, **headers)

    return app
