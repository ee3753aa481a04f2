"""The truth changes while it is being paged through, many records share an instant, a search ends early: nothing that
was there all the time is lost."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gtm_platform.http.pages import get_path
from gtm_platform.ingest.source import Window
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.hubspot import search
from gtm_platform.sources.hubspot.streams import CONTACTS
from gtm_platform_tests.faults.model import adds_up, as_of, ids
from gtm_platform_tests.faults.source_accounts import ACCOUNTS, Account, Meanwhile, small_pages, soon
from gtm_platform_tests.ingest.syncing import Clock, Syncing
from gtm_platform_tests.sources import conftest
from gtm_platform_tests.sources.conftest import Stand

server, stand = conftest.server, conftest.stand

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
LONG_AGO = FIRST - timedelta(days=60)
HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> Clock:
    return Clock(FIRST)


@pytest.fixture(params=ACCOUNTS)
def account(request: pytest.FixtureRequest, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Account:
    monkeypatch.setattr("gtm_platform.settings.Settings.now", lambda _: clock())
    made: Account = ACCOUNTS[request.param](clock)
    return made


@pytest.fixture
def syncing(account: Account, clock: Clock, tmp_path: Path) -> Syncing:
    return Syncing(Lake(tmp_path / "lake"), account.source, clock)


def second(account: Account) -> datetime:
    return FIRST + timedelta(hours=account.source.hours)


@pytest.mark.faults("P3")
@pytest.mark.parametrize("full", [True, False], ids=["all", "what changed"])
def test_what_is_there_all_the_time_is_found_whatever_comes_and_goes_meanwhile(
    account: Account, syncing: Syncing, clock: Clock, stand: Stand, monkeypatch: pytest.MonkeyPatch, full: bool
) -> None:
    small_pages(monkeypatch, 3)
    opens = FIRST if full else second(account)
    clock.now, moved = soon(second(account)), LONG_AGO
    staying, going, coming = range(200, 220), {3: 101, 5: 301}, iter(range(220, 300))
    if not full:
        account.put(1, LONG_AGO)
        with account.connected(stand, monkeypatch) as client:
            syncing.fill(client, account.stream, FIRST)
        moved, clock.now = opens + HOUR, soon(opens + timedelta(hours=account.source.hours))
    for number in (*range(100, 112), *range(300, 312), *staying):
        account.put(number, moved)
    calls = count(1)

    def happens() -> None:
        if number := going.pop(call := next(calls), None):
            account.drop(number, clock.now)
        if call > 1:
            account.put(next(coming), moved)

    with account.connected(stand, monkeypatch, Meanwhile(account.emulator, happens)) as client:
        adds_up(syncing.fill(client, account.stream, opens))
    found = set(ids(as_of(syncing, account.stream, opens + timedelta(hours=account.source.hours))))
    assert {account.id_of(number) for number in staying} <= found
    assert not going
    assert next(coming) > 230


@pytest.mark.faults("P5")
def test_thousands_moved_in_the_same_instant(
    account: Account, syncing: Syncing, clock: Clock, stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    account.put(2_001, LONG_AGO)
    clock.now = soon(second(account))
    with account.connected(stand, monkeypatch) as client:
        syncing.fill(client, account.stream, FIRST)
        imported = second(account) + HOUR
        for number in range(1, 2_001):
            account.put(number, imported)
        clock.now = soon(second(account) + timedelta(hours=account.source.hours))
        (filled,) = syncing.fill(client, account.stream, second(account))
    assert adds_up([filled], 2_000).duplicates == 0
    found = ids(as_of(syncing, account.stream, clock.now))
    assert sorted(found) == sorted(account.id_of(number) for number in range(1, 2_002))


@pytest.mark.faults("P4", "P5")
def test_searches_that_end_early_together_find_everything(clock: Clock, stand: Stand) -> None:
    """A search shows six records at most; whatever share an instant, and wherever the pages end."""
    opens = FIRST + HOUR
    clock.now = opens + HOUR

    @settings(max_examples=30, deadline=None)
    @given(instants=st.lists(st.integers(0, 3), max_size=23), seed=st.integers(0, 99))
    @example(instants=[3, 0, 1, 1, 2, 1, 1, 0, 1, 1, 1, 3, 2, 1], seed=7)
    def holds(instants: list[int], seed: int) -> None:
        account = ACCOUNTS["hubspot"](clock)
        stand.emulator = account.emulator
        numbers = Random(seed).sample(range(1, 5_000), len(instants))
        for number, instant in zip(numbers, instants, strict=True):
            account.put(number, opens + timedelta(milliseconds=instant))
        found = [
            str(get_path(raw, "id")) for page in CONTACTS.pages(client, Window(opens, opens + HOUR)) for raw in page
        ]
        assert found == [str(number) for number in sorted(numbers)]

    with pytest.MonkeyPatch.context() as patches:
        small_pages(patches, 3)
        patches.setattr("gtm_platform.sandbox.hubspot.search.PAGING", replace(search.PAGING, reachable=6))
        with ACCOUNTS["hubspot"](clock).connected(stand, patches) as client:
            holds()
