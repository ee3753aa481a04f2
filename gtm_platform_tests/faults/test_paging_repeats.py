"""Pages that come twice are borne and counted; pages that come for ever end the sweep, and what was known stays."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.http.errors import CursorLoop, InvalidResponse
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox.hubspot import Limits, app
from gtm_platform.sandbox.hubspot.store import HubSpotRecord, HubSpotStore
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.kit.paging import CursorPaging, PageSize
from gtm_platform.sources.intercom.client import Intercom
from gtm_platform_tests.faults.model import adds_up, as_of, ids, nothing_half_done
from gtm_platform_tests.faults.nth_call import until_none_fails
from gtm_platform_tests.faults.source_accounts import ACCOUNTS, Account, Replaying, small_pages, soon
from gtm_platform_tests.ingest.syncing import Clock, Syncing
from gtm_platform_tests.sources import conftest
from gtm_platform_tests.sources.conftest import Stand

server, stand = conftest.server, conftest.stand

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
LONG_AGO = FIRST - timedelta(days=60)
PEOPLE, CHANGED = 7, 4  # in pages of three


@pytest.fixture(params=ACCOUNTS)
def system(request: pytest.FixtureRequest, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> str:
    small_pages(monkeypatch, 3)
    monkeypatch.setattr("gtm_platform.settings.Settings.now", lambda _: clock())
    return str(request.param)


def peopled(system: str, clock: Clock) -> Account:
    account = ACCOUNTS[system](clock)
    for number in range(1, PEOPLE + 1):
        account.put(number, LONG_AGO)
    return account


@pytest.fixture
def clock() -> Clock:
    return Clock(FIRST)


class Days:
    """The account's windows, one after the other, in a lake of their own."""

    def __init__(self, account: Account, root: Path, clock: Clock) -> None:
        self.account, self.clock = account, clock
        self.syncing = Syncing(Lake(root), account.source, clock)
        self.length = timedelta(hours=account.source.hours)

    def begins(self, number: int) -> datetime:
        return FIRST + number * self.length

    def fill(self, client: Any, number: int, stream: str | None = None) -> Any:
        self.clock.now = soon(self.begins(number + 1))
        return self.syncing.fill(client, stream or self.account.stream, self.begins(number))

    def rows_of(self, number: int, stream: str | None = None) -> list[dict[str, Any]]:
        return as_of(self.syncing, stream or self.account.stream, self.begins(number + 1))


def streams(account: Account) -> list[str]:
    return [account.stream, "companies"] if account.source.name == "intercom" else [account.stream]


@pytest.mark.faults("P1")
def test_whichever_page_comes_twice_nothing_is_lost_or_there_twice(
    system: str, stand: Stand, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of it, and then what changed: with the page before in the place of each page in turn."""
    found, duplicates = [], 0
    for nth in until_none_fails(persistent=False):
        account = peopled(system, clock)
        days, between = Days(account, tmp_path / str(nth.n), clock), Replaying(account.emulator, nth.strikes)
        with account.connected(stand, monkeypatch, between) as client:
            filled = [adds_up(days.fill(client, 0, stream), PEOPLE) for stream in streams(account)]
            for number in range(1, CHANGED + 1):
                account.put(number, days.begins(1) + timedelta(hours=1))
            filled += [adds_up(days.fill(client, 1))]
            assert filled[-1].rows >= CHANGED  # more where one that a page had hidden was counted, and fetched again
        assert between.struck == nth.struck
        duplicates += sum(each.duplicates for each in filled)
        found.append([days.rows_of(1, stream) for stream in streams(account)])
        nothing_half_done(tmp_path)
    assert duplicates >= 2 * 3
    assert all(known == found[-1] for known in found)
    people = found[-1][0]
    assert sorted(ids(people)) == sorted(account.id_of(number) for number in range(1, PEOPLE + 1))
    assert sum(row["changed_at" if system == "stripe" else "updated_at"] > LONG_AGO for row in people) == CHANGED


@pytest.mark.faults("P2")
@pytest.mark.parametrize("first", [True, False], ids=["the first", "the one before"])
def test_a_page_that_comes_for_ever_ends_the_sweep_and_what_was_known_stays(
    system: str, stand: Stand, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first: bool
) -> None:
    account = peopled(system, clock)
    days = Days(account, tmp_path, clock)
    week = int(timedelta(days=7) / days.length)
    for stream in streams(account):
        with account.connected(stand, monkeypatch) as client:
            days.fill(client, 0, stream)
        before = days.rows_of(week, stream)
        looping = Replaying(account.emulator, lambda: True, first)
        stand.requested.clear()
        with (
            account.connected(stand, monkeypatch, looping) as client,
            pytest.raises(CursorLoop, match="does not advance"),
        ):
            days.fill(client, week, stream)
        assert len(stand.requested) <= 6
        assert days.rows_of(week, stream) == before
        assert len(before) == PEOPLE
        nothing_half_done(tmp_path)
        with account.connected(stand, monkeypatch) as client:  # and the next run is not held up
            assert adds_up(days.fill(client, week, stream), PEOPLE).full


def linked(contacts: int, companies: int) -> HubSpotStore:
    store = HubSpotStore(objects={"contacts": {}, "companies": {}, "deals": {}})
    for number in range(1, companies + 1):
        store.objects["companies"][str(number)] = HubSpotRecord(str(number), {}, LONG_AGO, LONG_AGO)
    links = {str(number): {279} for number in range(1, companies + 1)}
    for number in range(1, contacts + 1):
        key = str(1000 + number)
        store.objects["contacts"][key] = HubSpotRecord(key, {}, LONG_AGO, LONG_AGO, links={"companies": dict(links)})
    return store


@pytest.mark.faults("P1", "P2")
@pytest.mark.parametrize("for_ever", [False, True])
def test_links_that_come_twice_are_links_once(
    stand: Stand, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, for_ever: bool
) -> None:
    """Associations are asked for by batches of records, and on by record: an answer about others is no answer."""
    four = CursorPaging(PageSize(default=4, largest=500))
    monkeypatch.setattr("gtm_platform.sandbox.hubspot.associations.PAGING", four)
    monkeypatch.setattr("gtm_platform.sources.hubspot.streams.LINKS_READ", 3)
    account = ACCOUNTS["hubspot"](clock)
    emulator = app(linked(5, 6), clock, limits=Limits(*(Limit(10**6, 10) for _ in range(3))))
    for nth in until_none_fails(persistent=False):
        days = Days(account, tmp_path / str(nth.n), clock)
        strikes: Callable[[], bool] = (lambda: True) if for_ever else nth.strikes
        between = Replaying(emulator, strikes)
        with account.connected(stand, monkeypatch, between) as client:
            if for_ever:
                with pytest.raises(CursorLoop, match="do not advance"):
                    days.fill(client, 0, "associations")
                return
            adds_up(days.fill(client, 0, "associations"), 5)
        rows = days.rows_of(0, "associations")
        assert [(row["from_id"], len(row["links"])) for row in rows] == [(str(1001 + n), 6) for n in range(5)]
    assert nth.n > 2


@dataclass
class Scripted:
    """In the place of Intercom's transport: these bodies, one after the other."""

    bodies: list[bytes]

    def get(self, *_: object, **__: object) -> bytes:
        return self.bodies.pop(0)


@pytest.mark.faults("P1", "P3")
@pytest.mark.parametrize("total", [6, 9])
def test_a_page_that_came_twice_does_not_make_up_for_one_that_did_not_come(total: int) -> None:
    """Intercom says how many there are, and may end before."""
    one, other = (json.dumps([{"id": f"{page}{n}"} for n in range(3)]) for page in "ab")
    told = f'"total_count": {total}, "pages": {{"next": {{"starting_after": "x"}}}}'
    bodies = [
        f'{{"data": {one}, {told}}}',
        f'{{"data": {one}, {told}}}',
        f'{{"data": {other}, "total_count": {total}}}',
    ]
    transport: Any = Scripted([body.encode() for body in bodies])
    listed = Intercom(transport, transport).listed("/contacts")
    if total == 6:
        assert [len(page) for page in listed] == [3, 3, 3]
    else:
        with pytest.raises(InvalidResponse, match="lists 6 of 9 records"):
            list(listed)
