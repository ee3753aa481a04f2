"""A HubSpot account made by hand, behind the emulator, and how the source is run against it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pydantic import SecretStr

from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.assets import windows
from gtm_platform.ingest.plan import partition_windows
from gtm_platform.ingest.stream_sync import StreamSync, WindowResult
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.hubspot import TOKEN, Limits, app
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sources.hubspot.client import HubSpotClient, RateLimits
from gtm_platform.sources.hubspot.source import SOURCE
from gtm_platform_tests.ingest.syncing import RULES
from gtm_platform_tests.sources.conftest import Stand

FIRST, SECOND, THIRD = "2026-03-02T0000", "2026-03-02T1200", "2026-03-03T0000"
WEEK_LATER = "2026-03-09T0000"
BEFORE = datetime(2026, 2, 1, 9, tzinfo=UTC)


def opening(window: str) -> datetime:
    return datetime.strptime(window, "%Y-%m-%dT%H%M").replace(tzinfo=UTC)


def within(window: str) -> datetime:
    return opening(window) + timedelta(hours=6)


def fast(rate: int = 1_000_000) -> RateLimiter:
    return RateLimiter(rate, rate)


@dataclass
class Portal:
    stand: Stand
    lake: Lake
    store: HubSpotStore = field(default_factory=lambda: HubSpotStore(next_id=501))
    limits: Limits = field(default_factory=lambda: Limits(Limit(10**6, 10), Limit(10**6, 10), Limit(10**6, 10)))
    token: str = TOKEN

    @property
    def calls(self) -> list[str]:
        return self.stand.requested

    def add(self, kind: str, properties: dict[str, str] | None = None, moved: datetime = BEFORE) -> HubSpotRecord:
        key = str(self.store.next_id)
        self.store.next_id += 1
        record = HubSpotRecord(key, properties or {}, BEFORE, moved)
        self.store.objects.setdefault(kind, {})[key] = record
        return record

    def client(self, retry: RetryPolicy | None = None, limiter: RateLimiter | None = None) -> HubSpotClient:
        limiter = limiter or fast()
        return HubSpotClient(SecretStr(self.token), self.stand.url, retry=retry, limits=RateLimits(limiter, limiter))

    def sync(self, name: str, *keys: str, client: HubSpotClient | None = None) -> list[WindowResult]:
        """Fills the windows shortly after the last of them has closed."""
        [stream] = [stream for stream in SOURCE.streams if stream.name == name]
        slots = partition_windows(windows(SOURCE.hours), keys)
        client = client or self.client()
        try:
            now = slots[-1].end + timedelta(minutes=20)
            results = StreamSync(self.lake, SOURCE, stream, RULES, now, "run").sync(client, slots)
            return [result for result in results if not result.unchanged]
        finally:
            client.close()

    def written(self, name: str, window: str) -> list[dict[str, object]]:
        """The rows of a window, in the order of their keys."""
        return _rows(self.lake.partition(f"hubspot/{name}", window), name)

    def current_rows(self, name: str, until: str) -> list[dict[str, object]]:
        """The rows as of the end of a window."""
        return _rows(self.lake.as_of(f"hubspot/{name}", until + "~"), name)


def _rows(table: object, name: str) -> list[dict[str, object]]:
    [stream] = [stream for stream in SOURCE.streams if stream.name == name]
    rows: list[dict[str, object]] = table.to_pyarrow().to_pylist()  # type: ignore[attr-defined]
    return sorted(rows, key=lambda row: [str(row[part]) for part in stream.key])


def account(stand: Stand, lake: Lake) -> Portal:
    portal = Portal(stand, lake)
    stand.emulator = app(portal.store, lambda: datetime.now(UTC), limits=portal.limits)
    return portal
