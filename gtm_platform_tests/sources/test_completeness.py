"""Each discovered stream whose system gives totals, against its emulator, which keeps records back: every one is
noticed and fetched again. And docs/completeness.md says of each stream whether it can be proven complete."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gtm_platform.ingest import merge
from gtm_platform.ingest.discovery import discover_sources
from gtm_platform.ingest.plan import PartitionWindow
from gtm_platform.ingest.source import BEGINNING, NO_TOTALS, Source, Stream, Totals, Window
from gtm_platform.ingest.stream_sync import StreamSync, SyncReport
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox import server as sandbox
from gtm_platform.sandbox.kit.limits import WINDOWS
from gtm_platform.settings import settings
from gtm_platform_tests.faults.source_accounts import ACCOUNTS, soon
from gtm_platform_tests.ingest.syncing import RULES, Clock
from gtm_platform_tests.sources import conftest
from gtm_platform_tests.sources.conftest import Stand

server, stand = conftest.server, conftest.stand

Key = tuple[str, ...]

START = datetime(2026, 3, 2, tzinfo=UTC)
FAR = START + timedelta(days=1_000)
IDS = {"id", "account_id", "instance_id", "export_id"}  # a list of what has none of them is about no records
GOES_ON = ("paging", "next_cursor")  # what says that a list goes on
PEOPLE, SEED = 80, 3
PAGE = Path(__file__).parents[2] / "docs" / "completeness.md"
BEGIN, END = "<!-- streams -->", "<!-- /streams -->"
SOURCES = discover_sources()
COUNTED = [(source, stream) for source in SOURCES for stream in source.streams if isinstance(stream.totals, Totals)]
of_each_counted_stream = pytest.mark.parametrize(
    ("source", "stream"), COUNTED, ids=[f"{source.name}/{stream.name}" for source, stream in COUNTED]
)


@dataclass
class Withholding:
    """In front of the sandbox: leaves records out of the lists of several, yet not out of their totals."""

    app: ASGIApp
    withheld: dict[Key, int] = field(default_factory=dict)  # by key: how often it is still left out
    truncating: bool = False  # the next list of several loses its last record, and what says that it goes on
    begins: datetime = START  # when the next test begins: the sandbox's clock does not go back

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self.withheld and not self.truncating:
            await self.app(scope, receive, send)
            return
        messages: list[Message] = []

        async def collect(message: Message) -> None:
            messages.append(message)

        await self.app(scope, receive, collect)
        body = self._altered(b"".join(message.get("body", b"") for message in messages))
        headers = [pair for pair in messages[0]["headers"] if pair[0] != b"content-length"]
        length = (b"content-length", str(len(body)).encode())
        await send({**messages[0], "headers": [*headers, length]})
        await send({"type": "http.response.body", "body": body})

    def _altered(self, body: bytes) -> bytes:
        answer = json.loads(body) if body[:1] == b"{" else {}
        for name, rows in answer.items():
            if not isinstance(rows, list) or len(rows) < 2 or not all(isinstance(row, dict | list) for row in rows):
                continue
            if self.truncating and (isinstance(rows[0], list) or rows[0].keys() & IDS):
                self.truncating = False
                answer |= {mark: None for mark in GOES_ON if mark in answer}
                return json.dumps({**answer, name: rows[:-1]}).encode()
            left = [row for row in rows if not self._withholds(row)]
            if len(left) < len(rows):
                return json.dumps({**answer, name: left}).encode()
        return body

    def _withholds(self, row: dict[str, Any] | list[Any]) -> bool:
        values = {str(value) for value in (row.values() if isinstance(row, dict) else row)}
        key = next((key for key, times in self.withheld.items() if times and values.issuperset(key)), None)
        if key:
            self.withheld[key] -= 1
        return key is not None


@dataclass
class Place:
    """A source's account in the sandbox, synced into a lake of a test's own."""

    url: str
    front: Withholding
    source: Source
    stream: Stream
    lake: Lake
    begins: datetime

    def sync(self, number: int) -> SyncReport:
        """Sync the n-th window soon after it has closed; whole the first time."""
        with self._opened(number) as (client, window, now):
            return StreamSync(self.lake, self.source, self.stream, RULES, now, "run").report(client, [window])

    def counted_since(self) -> datetime:
        """From when on the system counts."""
        assert isinstance(self.stream.totals, Totals)
        with self._opened(0) as (client, window, _):
            total = self.stream.totals.count(client, Window(BEGINNING, window.end))
        assert total is not None
        return total.start

    @contextmanager
    def _opened(self, number: int) -> Iterator[tuple[Any, PartitionWindow, datetime]]:
        length = timedelta(hours=self.source.hours)
        start = self.begins + number * length
        window = PartitionWindow(f"{start:%Y-%m-%dT%H%M}", start, start + length)
        now = window.end + timedelta(minutes=20)
        moved = httpx.post(f"{self.url}/_sandbox/clock", json={"now": now.isoformat()}, trust_env=False)
        moved.raise_for_status()
        with pytest.MonkeyPatch.context() as patch:
            for variable, value in httpx.get(f"{self.url}/_sandbox/env", trust_env=False).json().items():
                patch.setenv(variable, value)
            patch.setenv("GTM_NOW", now.isoformat())
            settings.cache_clear()
            with self.source.open() as client:
                yield client, window, now

    def record_keys(self, since: datetime = BEGINNING) -> list[Key]:
        """The keys of what has changed since, of what did longest ago first."""
        table = self.lake.as_of(self.source.table(self.stream), "9999")
        if self.stream.cursor_field:
            table = merge.between(table, self.stream.cursor_field, since, FAR)
        table = table.order_by(self.stream.cursor_field or self.stream.key)
        rows = table.select(*self.stream.key).to_pyarrow().to_pylist()
        # The number of a HubSpot object comes last, after its kind.
        parts = self.stream.key[-1:] if "type" in self.stream.key else self.stream.key
        return [tuple(str(row[part]) for part in parts) for row in rows]


@pytest.fixture(scope="module")
def fronts() -> Iterator[tuple[str, Withholding]]:
    made: list[Withholding] = []
    with pytest.MonkeyPatch.context() as patch:
        create_app = sandbox.create_app

        def guarded(*arguments: Any, **options: Any) -> Withholding:
            made.append(Withholding(create_app(*arguments, **options)))
            return made[-1]

        patch.setattr(sandbox, "create_app", guarded)
        patch.setattr(WINDOWS, "times", 3_600)  # nobody waits for a rate limit
        with sandbox.running(PEOPLE, SEED, START) as box:
            yield box.url, made[-1]


@pytest.fixture
def place(fronts: tuple[str, Withholding], source: Source, stream: Stream, tmp_path: Path) -> Iterator[Place]:
    """The account, and nothing is withheld; its oldest record is one that no call but a list or a search shows."""
    url, front = fronts
    yield Place(url, front, source, stream, Lake(tmp_path / "lake"), front.begins)
    front.withheld.clear()
    front.truncating, front.begins = False, front.begins + timedelta(days=2)
    settings.cache_clear()


def oldest(place: Place, tmp_path: Path) -> Key:
    """The key of a record of the account, learnt from a lake that is not looked at again."""
    aside = Place(place.url, place.front, place.source, place.stream, Lake(tmp_path / "aside"), place.begins)
    report = aside.sync(0)
    assert report.completeness is not None
    assert str(report.completeness).startswith("Complete as of ")
    assert report.completeness.refetched == 0
    keys = aside.record_keys(aside.counted_since())
    assert len(keys) > 2, "the sandbox's account has too few of these to keep one back"
    return keys[0]


@of_each_counted_stream
def test_a_record_that_a_list_left_out_is_fetched_again_at_once(place: Place, tmp_path: Path) -> None:
    missing = oldest(place, tmp_path)
    place.front.withheld[missing] = 1
    completeness = place.sync(0).completeness
    assert completeness is not None
    assert completeness.complete, completeness
    assert completeness.refetched == 1
    assert missing in place.record_keys()


@pytest.mark.soak
@of_each_counted_stream
def test_a_record_that_stays_away_is_named_and_comes_with_the_next_sync(
    place: Place, stream: Stream, tmp_path: Path
) -> None:
    missing = oldest(place, tmp_path)
    place.front.withheld[missing] = 10**6
    completeness = place.sync(0).completeness
    assert completeness is not None
    assert sum(shortage.missing for shortage in completeness.shortages) == 1
    assert str(completeness).startswith("Lacks 1 of ")
    assert missing not in place.record_keys()
    place.front.withheld.clear()
    completeness = place.sync(1).completeness
    assert completeness is not None
    assert completeness.complete, completeness
    assert completeness.refetched == (stream.cursor_field is not None)  # else the list is read whole anyway
    assert missing in place.record_keys()


@of_each_counted_stream
def test_a_list_that_lost_its_end_is_fetched_again(place: Place, tmp_path: Path) -> None:
    oldest(place, tmp_path)
    place.front.truncating = True
    completeness = place.sync(0).completeness
    assert completeness is not None
    assert not place.front.truncating
    assert completeness.complete, completeness


@pytest.mark.faults("P6")
@pytest.mark.parametrize("name", sorted({source.name for source, _ in COUNTED} & set(ACCOUNTS)))
def test_a_record_that_shows_beyond_every_lookback_is_fetched_with_the_next_sync(
    name: str, stand: Stand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(START)
    monkeypatch.setattr("gtm_platform.settings.Settings.now", lambda _: clock())
    account, lake = ACCOUNTS[name](clock), Lake(tmp_path / "lake")
    stream = next(each for each in account.source.streams if each.name == account.stream)
    length = timedelta(hours=account.source.hours)
    reports = []
    with account.connected(stand, monkeypatch) as client:
        for number in range(3):
            if number == 0:
                for n in range(1, 41):
                    account.put(n, START - timedelta(days=60))
            if number == 2:  # it was there all the time, and neither listed nor counted
                account.put(41, START - timedelta(days=30))
            start = START + number * length
            clock.now = soon(start + length)
            window = PartitionWindow(f"{start:%Y-%m-%dT%H%M}", start, start + length)
            reports.append(StreamSync(lake, account.source, stream, RULES, clock(), "run").report(client, [window]))
    said = [report.completeness for report in reports]
    assert [each.complete for each in said if each] == [True, True, True]
    assert [each.refetched for each in said if each] == [0, 0, 1]
    assert account.id_of(41) in lake.as_of(account.source.table(stream), "9999").id.to_pyarrow().to_pylist()


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_says_of_each_stream_whether_it_can_be_proven_complete() -> None:
    """`GTM_ACCEPT=1 python -m pytest gtm_platform_tests/sources/test_completeness.py -k page` writes it anew."""
    text = PAGE.read_text()
    head, _, rest = text.partition(BEGIN)
    written = "\n".join([f"{head}{BEGIN}", *_lines(), f"{END}{rest.partition(END)[2]}"])
    if os.environ.get("GTM_ACCEPT"):
        PAGE.write_text(written)
    assert PAGE.read_text() == written, "out of date: GTM_ACCEPT=1 writes it anew"


def _lines() -> Iterator[str]:
    yield "| Source | Tables proven complete | Another account's key is refused |"
    yield "|---|---|---|"
    for source in SOURCES:
        proven = sum(isinstance(stream.totals, Totals) for stream in source.streams)
        refused = "yes" if callable(source.identity) else f"no: {source.identity}"
        yield f"| {source.name} | {proven} of {len(source.streams)} | {refused} |"
    yield ""
    yield "| Table | Complete? | By what, or why not |"
    yield "|---|---|---|"
    for source in SOURCES:
        for stream in source.streams:
            proof = stream.totals
            is_proven, about = ("proven", proof.how) if isinstance(proof, Totals) else ("not provable", proof)
            yield f"| `{source.table(stream)}` | {is_proven} | {about} |"


def test_a_stream_that_cannot_be_proven_says_why() -> None:
    reasons = [stream.totals for source in SOURCES for stream in source.streams if isinstance(stream.totals, str)]
    assert NO_TOTALS in reasons
    assert [reason for reason in reasons if not reason.endswith(".")] == []
