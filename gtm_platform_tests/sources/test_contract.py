"""What holds for every source that is discovered, shown against its emulator in the sandbox: a new one inherits it.

Providers that are asked on demand have no windows: what holds for their answers is shown in `enrichment`.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gtm_platform.accounts import require_own_account
from gtm_platform.http.errors import Unauthorized
from gtm_platform.http.pages import Page
from gtm_platform.http.rate_limit import LimitShare, RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.assets import asset_of
from gtm_platform.ingest.discovery import discover_sources
from gtm_platform.ingest.files.streams import FileStream
from gtm_platform.ingest.plan import PartitionWindow
from gtm_platform.ingest.record import Reader
from gtm_platform.ingest.source import FileDrop, Pushed, Source, Stream, Window
from gtm_platform.ingest.stream_sync import StreamSync, WindowResult
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox import server
from gtm_platform.sandbox.files import DroppedFile, files_between
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.world import World
from gtm_platform.settings import settings
from gtm_platform_tests.faults.quiet_worlds import Clock, clients, paced_by
from gtm_platform_tests.ingest.syncing import RULES
from gtm_platform_tests.slow_systems import is_slow, lift_limits

START = datetime(2026, 3, 2, tzinfo=UTC)
PEOPLE, SEED = 40, 3
SEEDS = {
    "orb": 7,
    "crossbeam": 48,
    "partnerstack": 48,
    "posthog": 48,
}  # of worlds in which few are of use there, one of more
FILE_PEOPLE = 400  # of the world whose people drop files
# What webhooks alone bring is tested with them.
SOURCES = tuple(source for source in discover_sources() if not isinstance(source.trigger, Pushed))
SCHEDULED = [source for source in SOURCES if source.is_scheduled]
WITH_API = [source for source in SCHEDULED if not isinstance(source.trigger, FileDrop)]  # others are read from files
STREAMS = [(source, stream) for source in SCHEDULED for stream in source.streams]
of_each_stream = pytest.mark.parametrize(
    ("source", "stream"), STREAMS, ids=[f"{source.name}/{stream.name}" for source, stream in STREAMS]
)
of_each_stream_of_an_api = pytest.mark.parametrize(
    ("source", "stream"),
    [(source, stream) for source, stream in STREAMS if not isinstance(stream, FileStream)],
    ids=[f"{source.name}/{stream.name}" for source, stream in STREAMS if not isinstance(stream, FileStream)],
)
# What the shared client and the shared sync do is seen in one stream of a source; `make soak` looks at the others, too.
of_one_stream_of_an_api = pytest.mark.parametrize(
    ("source", "stream"),
    [
        pytest.param(source, stream, id=f"{source.name}/{stream.name}", marks=[pytest.mark.soak] if number else [])
        for source in WITH_API
        for number, stream in enumerate(each for each in source.streams if not isinstance(each, FileStream))
    ],
)
IDENTIFIED = [source for source in SCHEDULED if callable(source.identity)]
of_each_source_with_an_api = pytest.mark.parametrize("source", WITH_API, ids=[source.name for source in WITH_API])
of_each_source = pytest.mark.parametrize("source", SOURCES, ids=[source.name for source in SOURCES])


class Unlimited(RateLimiter):
    """One that lets every call pass at once."""

    def acquire(self) -> None:
        """Do not wait."""


@dataclass
class Recorded:
    """An app whose answers are kept."""

    app: ASGIApp
    answers: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = bytearray()

        async def recording(message: Message) -> None:
            answer.extend(message.get("body", b""))
            if message["type"] == "http.response.body" and not message.get("more_body"):
                self.answers.append(bytes(answer))
            await send(message)

        await self.app(scope, receive, recording)


@dataclass
class Account:
    """A source's account in the sandbox after two windows: the lake as of the first, and how to sync the second."""

    source: Source
    url: str
    recorded: Recorded
    synced: Path  # a lake with the first window

    @property
    def windows(self) -> list[PartitionWindow]:
        length = timedelta(hours=self.source.hours)
        starts = [START + n * length for n in range(2)]
        return [PartitionWindow(f"{start:%Y-%m-%dT%H%M}", start, start + length) for start in starts]

    def move_in(self, patch: pytest.MonkeyPatch, now: datetime | None = None) -> None:
        """Let the process live in the account's environment until the patch is undone."""
        for variable, value in httpx.get(f"{self.url}/_sandbox/env", trust_env=False).json().items():
            patch.setenv(variable, value)
        patch.setenv("GTM_NOW", (now or self.windows[1].end).isoformat())
        settings.cache_clear()
        if is_slow(self.source.name):
            patch.setattr(f"gtm_platform.sources.{self.source.name}.client.RateLimiter", Unlimited, raising=False)

    @contextmanager
    def environment(self, now: datetime | None = None) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            self.move_in(patch, now)
            yield
        settings.cache_clear()

    def lake(self, folder: Path) -> Lake:
        """A lake of a test's own, in which the first window is synced."""
        shutil.copytree(self.synced, folder)
        return Lake(folder)

    def sync(self, lake: Lake, stream: Stream, window: int = 1, *, full_refresh: bool = False) -> WindowResult:
        chosen = self.windows[window]
        with self.source.open() as client:
            sync = StreamSync(lake, self.source, stream, RULES, chosen.end, "run", full_refresh)
            (result,) = sync.sync(client, [chosen])
        return result

    @contextmanager
    def fault(self, **what: Any) -> Iterator[None]:
        """Let the emulator do something wrong."""
        wish = {"system": self.source.name, **{name: value for name, value in what.items() if value is not None}}
        httpx.post(f"{self.url}/_sandbox/faults", json=wish, trust_env=False).raise_for_status()
        yield
        (fault,) = httpx.get(f"{self.url}/_sandbox/faults", trust_env=False).json()["faults"]
        httpx.delete(f"{self.url}/_sandbox/faults", trust_env=False)
        assert fault["hits"] == 1

    def move_clock(self, now: datetime) -> None:
        httpx.post(f"{self.url}/_sandbox/clock", json={"now": now.isoformat()}, trust_env=False).raise_for_status()


@dataclass
class Dropped(Account):
    """A source's drop folder, into which people of the sandbox's world have put files before and after a window."""

    home: Path

    def move_in(self, patch: pytest.MonkeyPatch, now: datetime | None = None) -> None:
        patch.setenv("GTM_HOME", str(self.home))
        patch.setenv("GTM_NOW", (now or self.windows[1].end).isoformat())
        settings.cache_clear()

    def drop(self, files: Sequence[DroppedFile]) -> None:
        for file in files:
            if file.source == self.source.name:
                path = self.home / "drop" / file.source / file.name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.content)
                os.utime(path, (0, 0))


def rows(source: Source, lake: Lake, stream: Stream) -> dict[tuple[Any, ...], dict[str, Any]]:
    """The table as it is known last, by key; without what says when and how a version came."""
    found = lake.as_of(source.table(stream), "9999").to_pyarrow().to_pylist()
    told = {"_window", "_extracted_at", "_run_id", stream.cursor_field}
    return {
        tuple(row[part] for part in stream.key): {name: value for name, value in row.items() if name not in told}
        for row in found
    }


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Account]]:
    """Each source with its first window synced; then the clock stands where the second has just closed."""
    with ExitStack() as stack:
        from_files = [source for source in SOURCES if isinstance(source.trigger, FileDrop)]
        opened = {
            source.name: _account(source, tmp_path_factory.mktemp(source.name), stack)
            for source in SOURCES
            if source not in from_files
        }
        world = World(SEED, FILE_PEOPLE, START)
        dropped = {source.name: _dropped(source, tmp_path_factory.mktemp(source.name), world) for source in from_files}
        yield {**opened, **dropped}


def _account(source: Source, folder: Path, stack: ExitStack) -> Account:
    recorded: list[Recorded] = []
    with pytest.MonkeyPatch.context() as patch:
        create_app = server.create_app

        def recording(*arguments: Any, **options: Any) -> Recorded:
            recorded.append(Recorded(create_app(*arguments, **options)))
            return recorded[-1]

        patch.setattr(server, "create_app", recording)
        lift_limits(patch, source.name)
        box = stack.enter_context(server.running(PEOPLE, SEEDS.get(source.name, SEED), START))
    account = Account(source, box.url, recorded[-1], folder / "lake")
    account.move_clock(account.windows[0].end)
    with account.environment():
        assert source.off() is None, f"{source.name} has no emulator in the sandbox to be tried with"
        for stream in source.streams if source.is_scheduled else ():
            account.sync(Lake(account.synced), stream, 0)
    account.move_clock(account.windows[1].end)
    return account


def _dropped(source: Source, folder: Path, world: World) -> Account:
    account = Dropped(source, "", Recorded(_no_app), folder / "lake", folder / "home")
    first, second = (window.end for window in account.windows)
    account.drop(files_between(world, None, first))
    with account.environment(first):
        assert source.off() is None, f"{source.name} gets no file in the sandbox to be tried with"
        for stream in source.streams:
            account.sync(Lake(account.synced), stream, 0)
    account.drop(files_between(world, first, second))
    return account


async def _no_app(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise AssertionError("files are read without a call")


@pytest.fixture
def account(accounts: dict[str, Account], source: Source, monkeypatch: pytest.MonkeyPatch) -> Account:
    """The account whose environment the test lives in, by the test's own patch: what it changes is undone in order."""
    accounts[source.name].move_in(monkeypatch)
    return accounts[source.name]


@of_each_stream
def test_full_then_incremental_equals_full(account: Account, stream: Stream, tmp_path: Path) -> None:
    incremental, full = account.lake(tmp_path / "incremental"), Lake(tmp_path / "full")
    account.sync(incremental, stream)
    account.sync(full, stream)
    expected, found = rows(account.source, full, stream), rows(account.source, incremental, stream)
    assert {key: found.get(key) for key in expected} == expected
    if stream.sync_mode == "incremental":  # what went without a word is only missed by a full refresh
        account.sync(incremental, stream, full_refresh=True)
        found = rows(account.source, incremental, stream)
    assert set(found) == set(expected)


@of_each_stream
def test_a_window_run_twice_holds_the_same_as_once(account: Account, stream: Stream, tmp_path: Path) -> None:
    lake = account.lake(tmp_path / "lake")
    first = account.sync(lake, stream)
    once = rows(account.source, lake, stream)
    second = account.sync(lake, stream)
    assert rows(account.source, lake, stream) == once
    assert (second.rows, second.full) == (first.rows, first.full)


@of_each_stream
def test_a_bad_record_is_quarantined_and_the_others_are_kept(account: Account, stream: Stream, tmp_path: Path) -> None:
    lake = account.lake(tmp_path / "lake")

    def spoilt(client: Any, window: Window) -> Iterator[Page]:
        yield from stream.pages(client, window)
        yield [b'{"nonsense": true}']

    result = account.sync(lake, replace(stream, pages=spoilt))
    assert result.quarantined == 1
    (bad,) = lake.partition(account.source.quarantine(stream), result.key).to_pyarrow().to_pylist()
    assert bad["payload"] == '{"nonsense": true}'
    clean = account.lake(tmp_path / "clean")
    account.sync(clean, stream)
    assert rows(account.source, lake, stream) == rows(account.source, clean, stream)


@of_each_stream
def test_deletions_arrive(account: Account, stream: Stream, tmp_path: Path) -> None:
    """What a full refresh no longer shows is gone; an append-only stream keeps what it has, but for tombstones."""
    lake = account.lake(tmp_path / "lake")
    account.sync(lake, stream)
    before = rows(account.source, lake, stream)
    if not before:
        pytest.skip("the sandbox's account has none of these")
    lost = next(iter(before))

    def without(client: Any, window: Window) -> Iterator[Page]:
        for page in stream.pages(client, window):
            good, raws, _ = Reader(stream.record, stream.key).read(page)
            keys = [tuple(getattr(record, part) for part in stream.key) for record in good]
            yield [raw for key, raw in zip(keys, raws, strict=True) if key != lost]

    account.sync(lake, replace(stream, pages=without), full_refresh=True)
    after = rows(account.source, lake, stream)
    assert set(before) - set(after) == (set() if stream.sync_mode == "append_only" else {lost})


@of_each_stream_of_an_api
def test_what_was_received_is_kept_byte_for_byte(account: Account, stream: Stream, tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    account.recorded.answers.clear()
    account.sync(lake, stream)
    answers = b"\n".join(account.recorded.answers)
    payloads = [row["payload"] for row in rows(account.source, lake, stream).values()]
    received = [payload.encode() for payload in payloads if payload is not None]
    assert received or not payloads
    assert [payload for payload in received if payload not in answers] == []


@of_one_stream_of_an_api
@pytest.mark.parametrize("status", [429, 503])
def test_a_rate_limit_and_an_outage_are_waited_out(
    account: Account, stream: Stream, status: int, tmp_path: Path
) -> None:
    waits: list[float] = []
    lake, clean = account.lake(tmp_path / "lake"), account.lake(tmp_path / "clean")
    client = f"gtm_platform.sources.{account.source.name}.client.RetryPolicy"
    with pytest.MonkeyPatch.context() as patch:  # ends before the account's own, which patches the same
        patch.setattr(client, partial(RetryPolicy, sleep=waits.append), raising=False)
        for module in clients():
            if hasattr(module, "RateLimiter"):  # which pauses, too, when a system says for how long
                patch.setattr(module, "RateLimiter", paced_by(Clock()))
        patch.setattr(Limit, "take", lambda _: True)  # the sandbox counts in real time, in which all come at once
        with account.fault(status=status, times=1, retry_after=7 if status == 429 else None):
            account.sync(lake, stream)
        account.sync(clean, stream)
    if status == 429:  # what is not limited may be asked again at once
        assert 7 in waits
    assert rows(account.source, lake, stream) == rows(account.source, clean, stream)


@of_each_source_with_an_api
@pytest.mark.usefixtures("account")
def test_without_its_key_it_is_off_and_names_what_is_missing(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in source.required_env:
        monkeypatch.delenv(variable)
    settings.cache_clear()
    off = source.off()
    assert off is not None
    assert all(variable in off for variable in source.required_env)


@of_each_source_with_an_api
@pytest.mark.usefixtures("account")
def test_a_refused_key_is_named_and_not_shown(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    (variable, *_) = source.required_env
    monkeypatch.setenv(variable, "wrong_0123456789abcdef")
    settings.cache_clear()
    with pytest.raises(Unauthorized, match=variable) as caught, source.open() as client:
        source.check(client)
    assert "wrong_0123456789abcdef" not in str(caught.value)


@of_each_source_with_an_api
@pytest.mark.usefixtures("account")
def test_it_uses_no_more_than_its_share_of_the_limits(source: Source) -> None:
    rates, sentences = [], []
    for part in (1.0, 0.5):
        share = LimitShare(part)
        with source.open(share) as client:
            source.check(client)
            rates.append(sum(limiter.rate for limiter in share.limiters))
            sentences.append(share.describe())
    assert 0 < rates[1] <= rates[0] / 2 + 1e-9
    assert sentences[1].startswith("at most 50 % of the documented limit: ")


@of_each_source
@pytest.mark.usefixtures("account")
def test_it_says_whose_account_it_is(source: Source) -> None:
    with source.open() as client:
        assert source.check(client)


@pytest.fixture(scope="module")
def other_world() -> Iterator[server.Sandbox]:
    """Another company's sandbox. Fathom names an organisation only by its people's addresses."""
    with server.running(PEOPLE, SEED + 1, START) as box:
        for member in box.world.fathom.members.values():
            member.email = member.email.replace("@", "@other-")
        yield box


@pytest.mark.parametrize("source", IDENTIFIED, ids=[source.name for source in IDENTIFIED])
def test_nothing_is_read_of_another_account(
    source: Source, account: Account, other_world: server.Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home that belongs to one account, and a key that opens another one: the run says so and reads nothing."""
    monkeypatch.setenv("GTM_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    with source.open() as client:
        identity = source.account(client)
    assert identity is not None
    require_own_account(identity)
    for variable, value in other_world.env.items():
        monkeypatch.setenv(variable, value)
    settings.cache_clear()
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize(
            [asset_of(source, lambda: RULES)],
            partition_key=f"{account.windows[0].start:{'%Y-%m-%d' if source.hours == 24 else '%Y-%m-%dT%H%M'}}",
            resources={"lake": LakeResource()},
            instance=instance,
            raise_on_error=False,
        )
    (failure,) = result.get_step_failure_events()
    assert "nothing was read" in str(failure.step_failure_data.error)
    assert identity.label in str(failure.step_failure_data.error)
    assert [table for stream in source.streams if (table := the_lake().files(source.table(stream)))] == []
