"""What the admin panels have in common: days that are settled at night, lists that are not built, odd spellings."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from gtm_platform.http.errors import NotFound
from gtm_platform.ingest.feeds import PersonFeed, feed_rows
from gtm_platform.ingest.record import Reader
from gtm_platform.ingest.source import Source
from gtm_platform.lake.lake import Lake
from gtm_platform.sandbox import chroma_admin as chroma_emulator
from gtm_platform.sandbox import listkit_admin as listkit_emulator
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.world import World
from gtm_platform.settings import settings
from gtm_platform.sources.chroma_admin import records as chroma
from gtm_platform.sources.chroma_admin.feeds import FEEDS as CHROMA_FEEDS
from gtm_platform.sources.chroma_admin.source import SOURCE as CHROMA
from gtm_platform.sources.listkit_admin import records as listkit
from gtm_platform.sources.listkit_admin.source import SOURCE as LISTKIT
from gtm_platform_tests.ingest.syncing import Clock, Syncing
from gtm_platform_tests.sandbox.admin_clients import every
from gtm_platform_tests.sandbox.judge import described, differences
from gtm_platform_tests.sources.conftest import Stand
from gtm_platform_tests.tables import filled, rows_of

DOCUMENTS = Path(__file__).parents[2] / "docs" / "admin-api"
FIRST = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = [FIRST + timedelta(days=number) for number in range(3)]
MINUTES = timedelta(minutes=50)  # past midnight, when the panels are read


@pytest.fixture
def world() -> World:
    return World(5, 60, FIRST)


@pytest.fixture
def clock() -> Clock:
    return Clock(FIRST + MINUTES)


@pytest.fixture(autouse=True)
def environment(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for system, token in {"LISTKIT": listkit_emulator.TOKEN, "CHROMA": chroma_emulator.TOKEN}.items():
        monkeypatch.setenv(f"{system}_ADMIN_TOKEN", token)
        monkeypatch.setenv(f"{system}_ADMIN_BASE_URL", f"{stand.url}/admin-api/v1")
    settings.cache_clear()
    yield
    settings.cache_clear()


def limits() -> Any:
    return listkit_emulator.Limits(Limit(10**6, 60))


def payloads(lake: Lake, table: str, before: datetime) -> list[dict[str, Any]]:
    """What is known by a moment, as it was received."""
    rows = lake.as_of(table, f"{before:%Y-%m-%dT%H%M}").to_pyarrow().to_pylist()
    return [json.loads(row["payload"]) for row in rows]


def sync_days(syncing: Syncing, world: World, *streams: str) -> None:
    """Read each day on the night after it, as the schedule does."""
    for start in DAYS:
        syncing.clock.now = start + timedelta(days=1) + MINUTES
        world.advance(syncing.clock.now)
        with syncing.source.open() as panel:
            for stream in streams:
                syncing.fill(panel, stream, start)


def test_a_day_of_use_that_is_settled_at_night_is_there_on_its_own_day(
    stand: Stand, lake: Lake, world: World, clock: Clock
) -> None:
    stand.emulator = listkit_emulator.app(world.listkit_admin, clock, limits())
    sync_days(Syncing(lake, LISTKIT, clock), world, "daily_usage")
    headers = {"Authorization": f"Bearer {listkit_emulator.TOKEN}"}
    with httpx.Client(base_url=f"{stand.url}/admin-api/v1", headers=headers, trust_env=False) as client:
        shown = every(client, "/usage/daily", limit=500)
    for start in DAYS:
        rows = payloads(lake, "listkit_admin/daily_usage", start + timedelta(days=1))
        day = f"{start:%Y-%m-%d}"
        assert sum(row["date"] == day for row in rows) > 3
        assert sorted(rows, key=str) == sorted([row for row in shown if row["date"] <= day], key=str)


def test_a_late_correction_of_a_day_comes_with_the_day_on_which_it_was_made(
    stand: Stand, lake: Lake, clock: Clock
) -> None:
    row = {"account_id": "acc_1", "date": "2026-03-01", "credits_used": 5, "updated_at": "2026-03-02T00:05:00Z"}
    stand.emulator = serving_list("/usage/daily", shown := [row])
    syncing = Syncing(lake, LISTKIT, clock)
    corrected = {**row, "credits_used": 7, "updated_at": "2026-03-02T11:00:00Z"}
    for start, now_shown in zip(DAYS, ([row], [corrected], []), strict=True):
        shown[:] = now_shown
        clock.now = start + timedelta(days=1) + MINUTES
        with LISTKIT.open() as panel:
            syncing.fill(panel, "daily_usage", start)
    used = [payloads(lake, "listkit_admin/daily_usage", start + timedelta(days=1))[0]["credits_used"] for start in DAYS]
    assert used == [5, 7, 7]


def serving_list(path: str, rows: list[dict[str, Any]], **other: Any) -> Starlette:
    """A panel with one list."""

    async def answer(_: Request) -> JSONResponse:
        return JSONResponse({"data": rows, "has_more": False, "next_cursor": None})

    async def health(_: Request) -> JSONResponse:
        return JSONResponse(other)

    lists = [Route(f"/admin-api/v1{path}", answer)]
    return Starlette(routes=[*lists, Route("/admin-api/v1/health", health)] if other else lists)


def test_a_list_that_is_not_built_yet_is_passed_over(
    stand: Stand, lake: Lake, world: World, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    world.listkit_admin.level = "1"
    stand.emulator = listkit_emulator.app(world.listkit_admin, clock, limits())
    syncing = Syncing(lake, LISTKIT, clock)
    with caplog.at_level(logging.WARNING):
        sync_days(syncing, world, "accounts", "daily_usage", "exports")
    assert len(payloads(lake, "listkit_admin/accounts", DAYS[-1])) > 10
    for path, stream in {"/usage/daily": "daily_usage", "/exports": "exports"}.items():
        assert payloads(lake, f"listkit_admin/{stream}", DAYS[-1]) == []
        assert f"ListKit admin does not have {path} yet" in caplog.text


def test_a_panel_without_accounts_is_an_address_that_is_wrong(stand: Stand, lake: Lake, clock: Clock) -> None:
    stand.emulator = serving_list("/elsewhere", [])
    clock.now = DAYS[1] + MINUTES
    with LISTKIT.open() as panel, pytest.raises(NotFound):
        Syncing(lake, LISTKIT, clock).fill(panel, "accounts", DAYS[0])


@pytest.mark.parametrize(("minutes", "warned"), [(4, False), (-4, False), (6, True), (-6, True)])
def test_a_clock_that_goes_wrong_is_named(
    stand: Stand, monkeypatch: pytest.MonkeyPatch, minutes: int, warned: bool
) -> None:
    monkeypatch.setenv("GTM_NOW", FIRST.isoformat())
    settings.cache_clear()
    time = (FIRST + timedelta(minutes=minutes)).isoformat()
    stand.emulator = serving_list("/accounts", [], service="listkit-admin", version="1.0.0", time=time)
    sentence = checked(LISTKIT)
    assert sentence.startswith("listkit-admin 1.0.0")
    assert ("clock differs" in sentence) is warned


def checked(source: Source) -> str:
    with source.open() as panel:
        return source.check(panel)


def test_a_panel_without_health_is_still_tried(stand: Stand) -> None:
    stand.emulator = serving_list("/accounts", [])
    assert "has no /health" in checked(LISTKIT)
    assert stand.requested == ["GET /admin-api/v1/health", "GET /admin-api/v1/accounts"]


def read(record: type[Any], key: tuple[str, ...], **members: Any) -> Any:
    (row,), _, rejected = Reader(record, key).read([json.dumps(members).encode()])
    assert not rejected
    return row


def test_numbers_as_text_and_days_as_instants_are_read() -> None:
    day = read(
        listkit.DailyUsage,
        ("account_id", "day"),
        account_id=7,
        date="2026-03-01T23:30:00-02:00",
        credits_used="420",
        logins="2",
        updated_at="2026-03-02T00:05:00Z",
    )
    assert (day.account_id, f"{day.day}", day.credits_used, day.logins, day.exports) == ("7", "2026-03-02", 420, 2, 0)
    assert day.changed_at == day.updated_at


def test_an_overdraft_is_a_balance_and_a_deleted_account_is_gone() -> None:
    account = {"account_id": "acc_1", "credits": {"balance": -12.5}, "member_emails": None}
    overdrawn = read(listkit.Account, ("id",), **account)
    assert (float(overdrawn.credits_balance), overdrawn.is_gone()) == (-12.5, False)
    assert read(listkit.Account, ("id",), **account, deleted_at="2026-03-01T10:00:00Z").is_gone()


@pytest.mark.parametrize("variant", ["minimal", "array"])
def test_the_smallest_panel_has_accounts_of_six_members_and_nothing_else(
    stand: Stand, lake: Lake, world: World, clock: Clock, variant: str
) -> None:
    world.chroma_admin.variant = variant
    stand.emulator = chroma_emulator.app(world.chroma_admin, clock, limits())
    assert checked(CHROMA).startswith("chroma-admin 1.0.0")
    sync_days(Syncing(lake, CHROMA, clock), world, "accounts", "instances", "daily_usage")
    accounts = lake.as_of("chroma_admin/accounts", "9999").to_pyarrow().to_pylist()
    assert {row["id"] for row in accounts} == set(world.chroma_admin.accounts)
    assert all(len(json.loads(row["payload"])) == 6 and row["collections"] and row["company_name"] for row in accounts)
    assert any(row["last_active_on"] for row in accounts)
    assert {row["email"] for row in accounts} == {row["updated_at"] for row in accounts} == {None}
    for stream in ("instances", "daily_usage"):
        assert payloads(lake, f"chroma_admin/{stream}", DAYS[-1]) == []


def test_an_account_that_the_smallest_panel_no_longer_shows_is_gone(stand: Stand, lake: Lake, clock: Clock) -> None:
    accounts = [{"account_id": f"chr_{n}", "company_name": "Acme", "is_active": n % 2} for n in range(3)]
    shown = list(accounts)

    async def bare(_: Request) -> JSONResponse:
        return JSONResponse(shown)

    stand.emulator = Starlette(routes=[Route("/admin-api/v1/accounts", bare)])
    syncing = Syncing(lake, CHROMA, clock)
    for start, left in zip(DAYS, (3, 3, 2), strict=True):
        shown[:] = accounts[:left]
        clock.now = start + timedelta(days=1) + MINUTES
        with CHROMA.open() as panel:
            syncing.fill(panel, "accounts", start)
    assert syncing.current_keys("accounts", DAYS[2]) == ["chr_0", "chr_1", "chr_2"]
    assert syncing.current_keys("accounts", DAYS[2] + timedelta(days=1)) == ["chr_0", "chr_1"]


def test_flags_as_numbers_counts_as_text_and_a_day_as_an_instant_are_read() -> None:
    account = read(
        chroma.Account,
        ("id",),
        account_id="chr_1",
        company_name="Acme",
        num_collections="7",
        total_vectors="1840233",
        last_active_date="2026-01-13T22:10:00Z",
        is_active=1,
    )
    assert (account.collections, account.vectors, f"{account.last_active_on}") == (7, 1840233, "2026-01-13")
    assert account.is_active is True
    never = read(chroma.Account, ("id",), account_id="chr_1", last_active_date="", is_active="0")
    assert (never.last_active_on, never.is_active) == (None, False)


def test_a_day_that_is_none_is_set_aside() -> None:
    raw = json.dumps({"account_id": "chr_1", "last_active_date": "yesterday"}).encode()
    _, _, (rejected,) = Reader(chroma.Account, ("id",)).read([raw])
    assert rejected.reason.startswith("last_active_date: ")


def test_an_account_without_an_address_is_nobodys_record() -> None:
    (people,) = [feed for feed in CHROMA_FEEDS if isinstance(feed, PersonFeed)]
    accounts = filled("chroma_admin/accounts", {"id": "chr_1", "email": "dana@acme.example"}, {"id": "chr_2"})
    assert [row["id"] for row in rows_of(feed_rows(people, accounts))] == ["chr_1"]


LISTS = {
    "listkit_admin": ("/health", "/accounts", "/usage/daily", "/exports"),
    "chroma_admin": ("/health", "/accounts", "/instances", "/usage/daily"),
}


@pytest.mark.parametrize(
    ("system", "switch"),
    [("listkit_admin", "3"), ("listkit_admin", "1"), ("chroma_admin", "full"), ("chroma_admin", "minimal")],
)
def test_the_sandbox_serves_what_we_ask_companies_for(world: World, system: str, switch: str) -> None:
    """The documents that a company's engineer is given, against the panels that they are told to try."""
    world.advance(DAYS[2])
    world.listkit_admin.level = world.chroma_admin.variant = switch
    emulator = {"listkit_admin": listkit_emulator, "chroma_admin": chroma_emulator}[system]
    store = {"listkit_admin": world.listkit_admin, "chroma_admin": world.chroma_admin}[system]
    inner = emulator.app(store, world.clock, limits())
    document = DOCUMENTS / f"{system.replace('_', '-')}.openapi.yaml"

    async def below(scope: Any, receive: Any, send: Any) -> None:
        prefix = scope["root_path"]
        await inner({**scope, "path": f"{prefix}/admin-api/v1{scope['path'].removeprefix(prefix)}"}, receive, send)

    def walk(client: httpx.Client) -> None:
        for path in LISTS[system]:
            client.get(path, params={"limit": 200})
            client.get(path, headers={"Authorization": ""})
        client.get("/accounts", params={"limit": 0})

    headers = {"Authorization": f"Bearer {emulator.TOKEN}"}
    assert set(described(system, str(document)).document["paths"]) == set(LISTS[system])
    assert differences(described(system, str(document)), below, headers, walk) == []


def test_both_documents_have_the_same_rules() -> None:
    """What is no panel's own is the same word for word, as both say it for themselves."""
    listkit_api, chroma_api = (
        yaml.safe_load((DOCUMENTS / f"{name}-admin.openapi.yaml").read_text())["components"]
        for name in ("listkit", "chroma")
    )
    for part in ("securitySchemes", "parameters"):
        assert listkit_api[part] == chroma_api[part]
    for schema in ("Page", "Error"):
        assert listkit_api["schemas"][schema] == chroma_api["schemas"][schema]
