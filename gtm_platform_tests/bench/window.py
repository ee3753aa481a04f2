"""A window of a source in which nothing changed, beside the making of its requests: all streams of a source against its
emulator, whose answers take as long as those from afar."""

import asyncio
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.ingest.plan import PartitionWindow
from gtm_platform.ingest.source import Source, Stream
from gtm_platform.ingest.stream_sync import StreamSync
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox import hubspot, stripe
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.world import World
from gtm_platform.settings import settings
from gtm_platform.sources.assets import SOURCES
from gtm_platform_tests.bench.latency import WAIT
from gtm_platform_tests.delivery.world import again, served, whole
from gtm_platform_tests.ingest.syncing import RULES

PEOPLE, FIRST = 300, datetime(2026, 11, 1, tzinfo=UTC)
KEYS = {"HUBSPOT_ACCESS_TOKEN": hubspot.TOKEN, "STRIPE_API_KEY": stripe.TOKEN}
OWN = (b"host", b"content-length", b"connection")  # headers that each client sets itself


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass
class Far:
    """An app each of whose answers takes its time. Keeps what it was asked."""

    app: ASGIApp
    wait: float = 0.0
    requested: list[Asked] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, path = await whole(receive), f"{scope['path']}?{scope['query_string'].decode()}"
        headers = [header for header in scope["headers"] if header[0] not in OWN]
        self.requested.append(Asked(scope["method"], path, headers, body))
        await asyncio.sleep(self.wait)
        await self.app(scope, again(body), send)


def read_again(name: str, rounds: int) -> dict[str, Any]:
    """Reads an account whole, then windows in which nothing moved. The floor makes the requests of one of them."""
    source = next(source for source in SOURCES if source.name == name)
    far = Far(_emulator(name, World(seed=7, people=PEOPLE, start=FIRST)))
    with served(far) as server, patch.object(RateLimiter, "acquire"):
        os.environ |= {**KEYS, f"{name.upper()}_BASE_URL": server.url}
        settings.cache_clear()
        _read(source, 0, *source.streams)
        chains = [_asked(far, source, stream) for stream in source.streams]
        far.wait, ours, floor = WAIT, [], []
        for number in range(rounds):
            floor.append(_ask(server.url, chains))
            far.requested.clear()
            ours.append(_read(source, 2 + number, *source.streams))
            if len(far.requested) != sum(map(len, chains)):
                raise AssertionError(f"{len(far.requested)} requests, not the {sum(map(len, chains))} of the floor.")
    return {"ours": ours, "floor": floor, "requests": len(far.requested)}


def _emulator(name: str, world: World) -> Starlette:
    """One that lets all calls pass at once."""
    if name == "stripe":
        return stripe.app(world.stripe, world.clock, limits=stripe.Limits(10**9, 10**9))
    generous = hubspot.Limits(*(Limit(10**9, 10) for _ in range(3)))
    return hubspot.app(world.hubspot, world.clock, limits=generous)


def _asked(far: Far, source: Source, stream: Stream) -> list[Asked]:
    far.requested.clear()
    _read(source, 1, stream)
    return list(far.requested)


def _ask(url: str, chains: Sequence[Sequence[Asked]]) -> float:
    """The same requests by a client that only reads, as many of them at a time."""
    began = time.perf_counter()
    with httpx.Client(base_url=url) as client, ThreadPoolExecutor(len(chains)) as threads:

        def ask(chain: Sequence[Asked]) -> None:
            for asked in chain:
                client.request(asked.method, asked.path, headers=asked.headers, content=asked.body)

        list(threads.map(ask, chains))
    return time.perf_counter() - began


def _read(source: Source, nth: int, *streams: Stream) -> float:
    """Fills the n-th window of the streams side by side, as a run does; the seconds that took."""
    began, start = time.perf_counter(), FIRST + nth * timedelta(hours=source.hours)
    slot = PartitionWindow(f"{start:%Y-%m-%dT%H%M}", start, start + timedelta(hours=source.hours))
    lake = Lake(settings().home / "lake")
    with source.open() as client, ThreadPoolExecutor(len(streams)) as threads:
        syncs = [StreamSync(lake, source, stream, RULES, slot.end, "bench") for stream in streams]
        for future in [threads.submit(sync.sync, client, [slot]) for sync in syncs]:
            future.result()
    return time.perf_counter() - began
