"""The providers against their emulators: what they are asked, what comes back, and what it costs."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from gtm_platform.enrichment.asking import Asking, AskReport
from gtm_platform.enrichment.candidates import Candidate
from gtm_platform.http.errors import Forbidden, RetriesExhausted, Unauthorized
from gtm_platform.ingest.enrichment import CreditsExhausted, Question, kept_answers
from gtm_platform.ingest.record import Reader
from gtm_platform.ingest.source import BEGINNING, Window
from gtm_platform.policy import Enrichment
from gtm_platform.sandbox import clay as clay_emulator
from gtm_platform.sandbox import zoominfo as zoominfo_emulator
from gtm_platform.sandbox.clay.store import MATCH_COSTS, ClayStore
from gtm_platform.sandbox.world.world import World
from gtm_platform.sandbox.zoominfo.store import ZoomInfoStore
from gtm_platform.settings import SettingsError, settings
from gtm_platform.sources.clay import callback
from gtm_platform.sources.clay import client as clay_client
from gtm_platform.sources.clay.records import Company as ClayCompany
from gtm_platform.sources.clay.settings import ClaySettings
from gtm_platform.sources.zoominfo import client as zoominfo_client
from gtm_platform.sources.zoominfo.records import Company as ZoomInfoCompany
from gtm_platform.sources.zoominfo.settings import ZoomInfoSettings
from gtm_platform.state import State, open_state, spend
from gtm_platform_tests.sources.conftest import Stand, server, stand

__all__ = ["server", "stand"]

START = datetime(2026, 3, 2, tzinfo=UTC)
RULES = Enrichment(
    monthly_cap={"clay": Decimal(300), "zoominfo": Decimal(100)},
    most_credits={"clay": Decimal(3), "zoominfo": Decimal(1)},
)


@pytest.fixture(scope="module")
def world() -> World:
    return World(3, 150, START)


@pytest.fixture
def domains(world: World) -> list[str]:
    return [each.company.domain for each in world.market.companies(START)]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[State]:
    monkeypatch.setenv("GTM_HOME", str(tmp_path))
    monkeypatch.setenv("GTM_NOW", START.isoformat())
    settings.cache_clear()
    opened = open_state(settings().state_url)
    yield opened
    opened.close()
    settings.cache_clear()


def clock() -> datetime:
    return START


def wishes(domains: list[str]) -> list[Candidate]:
    return [Candidate(domain, domain.partition(".")[0], ("industry",), 0.0, 1) for domain in domains]


def asking(state: State, name: str, provider: Any, rules: Enrichment = RULES) -> Asking:
    return Asking(state, name, provider, rules, clock, "run", AskReport())


def charged(state: State, provider: str) -> Decimal:
    with state.reading() as tx:
        return spend.spent_in(tx, provider, "2026-03").charged


def rows_of(provider: str, record: type[Any], facts: Any = None) -> list[Any]:
    window = Window(BEGINNING, START + timedelta(days=1), full=True)
    pages = kept_answers(provider, window, facts) if facts else kept_answers(provider, window)
    read = [Reader(record).read(page) for page in pages]
    assert [bad for _, _, rejected in read for bad in rejected] == []
    return [row for good, _, _ in read for row in good]


# --- ZoomInfo --------------------------------------------------------------------------------------------------------


@pytest.fixture
def zoominfo_store(world: World) -> ZoomInfoStore:
    return ZoomInfoStore(world.market)


@contextmanager
def zoominfo(stand: Stand, store: ZoomInfoStore, **more: Any) -> Iterator[zoominfo_client.ZoomInfo]:
    stand.emulator = zoominfo_emulator.app(store, clock, lambda _: None)
    config = {
        "zoominfo_client_id": zoominfo_emulator.CLIENT_ID,
        "zoominfo_client_secret": SecretStr(zoominfo_emulator.CLIENT_SECRET),
        "zoominfo_base_url": f"{stand.url}/gtm",
        "zoominfo_token_url": f"{stand.url}/gtm/oauth/v1/token",
        "zoominfo_contract_start": START.date() - timedelta(days=400),
    }
    with zoominfo_client.connect(ZoomInfoSettings(**{**config, **more})) as client:
        yield client


def test_zoominfo_charges_for_what_it_knows_as_it_counts_itself(
    stand: Stand, state: State, zoominfo_store: ZoomInfoStore, domains: list[str], world: World
) -> None:
    unknown = "nobody-knows-it.example"
    with zoominfo(stand, zoominfo_store) as client:
        report = asking(state, "zoominfo", client).ask(wishes([*domains[:30], unknown]))
        left = client.credits_left()
    assert report.companies == 31
    assert 0 < report.matched < 31
    assert report.charged == report.matched == len(zoominfo_store.redeemed) == charged(state, "zoominfo")
    assert left == zoominfo_store.total_credits - report.matched
    rows = {row.domain: row for row in rows_of("zoominfo", ZoomInfoCompany)}
    assert set(rows) == {*domains[:30], unknown}
    assert (rows[unknown].outcome, rows[unknown].credits, rows[unknown].industry) == ("no_match", 0, None)
    truth = {each.company.domain: each.company for each in world.market.companies(START)}
    right = [row for row in rows.values() if row.outcome == "matched" and row.employee_count == truth[row.domain].size]
    assert len(right) > report.matched / 2
    assert all(row.linkedin_company_url.startswith("https://www.linkedin.com/") for row in right)


def test_zoominfo_is_asked_25_at_a_time_with_one_token(
    stand: Stand, state: State, zoominfo_store: ZoomInfoStore, domains: list[str]
) -> None:
    many = [*domains, *(f"more{n}.example" for n in range(60))][:60]
    with zoominfo(stand, zoominfo_store) as client:
        asking(state, "zoominfo", client).ask(wishes(many))
    assert stand.requested.count("POST /gtm/data/v1/companies/enrich") == 3
    assert stand.requested.count("POST /gtm/oauth/v1/token") == 1


def test_the_end_of_zoominfos_own_credits_stops_the_run_and_costs_nothing_more(
    stand: Stand, state: State, zoominfo_store: ZoomInfoStore, domains: list[str]
) -> None:
    zoominfo_store.total_credits = 4
    with zoominfo(stand, zoominfo_store) as client:
        first = asking(state, "zoominfo", client).ask(wishes(domains[:25]))  # LIMIT_EXCEEDED amid the batch
        second = asking(state, "zoominfo", client).ask(wishes(domains[:25]))
        with pytest.raises(CreditsExhausted):  # PFAPI0011, where somebody else has used the last of them meanwhile
            client.ask([Question(99, domain) for domain in domains[10:20]])
    assert first.is_exhausted
    assert first.charged == 4 == charged(state, "zoominfo")
    assert second.is_exhausted
    assert second.charged == 0
    with state.reading() as tx:
        assert spend.spent_in(tx, "zoominfo", "2026-03").reserved == 0


def test_a_call_to_zoominfo_whose_answer_was_lost_is_made_again_for_nothing(
    stand: Stand, state: State, zoominfo_store: ZoomInfoStore, domains: list[str]
) -> None:
    with state.writing() as tx:
        long_ago = START - timedelta(hours=2)
        lost = spend.reserve(tx, "zoominfo", [(each, Decimal(1)) for each in domains[:5]], Decimal(9), "r", long_ago)
        spend.begin(tx, [each.id for each in lost], long_ago)
    with zoominfo(stand, zoominfo_store) as client:
        client.ask([Question(each.id, each.subject) for each in lost])  # answered, but the run was killed
        redeemed = set(zoominfo_store.redeemed)
        asking(state, "zoominfo", client).ask([])
    assert zoominfo_store.redeemed == redeemed
    assert charged(state, "zoominfo") == len(redeemed) > 0
    assert {row.domain for row in rows_of("zoominfo", ZoomInfoCompany)} == set(domains[:5])


def test_a_wrong_secret_of_zoominfo_is_named_and_reserves_nothing(
    stand: Stand, state: State, zoominfo_store: ZoomInfoStore, domains: list[str]
) -> None:
    with (
        zoominfo(stand, zoominfo_store, zoominfo_client_secret=SecretStr("wrong")) as client,
        pytest.raises(Unauthorized, match="ZOOMINFO_CLIENT_SECRET"),
    ):
        asking(state, "zoominfo", client).ask(wishes(domains[:3]))
    with state.reading() as tx:
        assert spend.spent_in(tx, "zoominfo", "2026-03").committed == 0


def test_a_token_of_zoominfo_that_has_ended_is_renewed(
    stand: Stand, zoominfo_store: ZoomInfoStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zoominfo(stand, zoominfo_store) as client:
        zoominfo_client.check(client)
        monkeypatch.setattr("gtm_platform.sandbox.zoominfo.access.window_time", lambda: 1e12)
        assert "credits of the contract are used" in zoominfo_client.check(client)
    assert stand.requested.count("POST /gtm/oauth/v1/token") == 2


@pytest.mark.parametrize(
    ("start", "since"),
    [
        ("2024-06-01", "2025-06-01"),
        ("2025-03-02", "2026-03-02"),
        ("2024-02-29", "2026-02-28"),
        ("2030-01-01", "2026-01-01"),
    ],
)
def test_the_year_of_a_contract_begins_on_its_day(start: str, since: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_NOW", START.isoformat())
    settings.cache_clear()
    begun = ZoomInfoSettings(zoominfo_contract_start=datetime.fromisoformat(start).date()).charged_once_since()
    assert begun is not None
    assert f"{begun:%Y-%m-%d}" == since
    settings.cache_clear()


# --- Clay, by a routine ----------------------------------------------------------------------------------------------


@pytest.fixture
def clay_store(world: World) -> ClayStore:
    return ClayStore(world.market, 3)


@contextmanager
def clay(stand: Stand, store: ClayStore, **more: Any) -> Iterator[clay_client.Clay]:
    stand.emulator = clay_emulator.app(store, clock, lambda _: None)
    config = {
        "clay_api_key": SecretStr(clay_emulator.KEY),
        "clay_base_url": f"{stand.url}/public/v0",
        "clay_company_routine_id": "function:tbl_sandbox",
    }
    with clay_client.connect(ClaySettings(**{**config, **more})) as client:
        yield replace(client, sleep=lambda _: None)


def test_a_routine_of_clays_is_waited_for_and_charged_by_what_it_says(
    stand: Stand, state: State, clay_store: ClayStore, domains: list[str]
) -> None:
    with clay(stand, clay_store) as client:
        report = asking(state, "clay", client).ask(wishes(domains[:30]))
    assert report.companies == 30 == report.matched + report.without_match
    assert report.charged == clay_store.spent == MATCH_COSTS * report.matched == charged(state, "clay")
    rows = rows_of("clay", ClayCompany, clay_client.facts_of)
    assert {row.domain for row in rows} == set(domains[:30])
    matched = [row for row in rows if row.outcome == "matched"]
    assert all(row.employee_count and row.industry and len(row.country) == 2 for row in matched)


def test_what_clay_has_not_finished_is_collected_by_the_next_run(
    stand: Stand, state: State, clay_store: ClayStore, domains: list[str]
) -> None:
    with clay(stand, clay_store, clay_wait_seconds=0) as client:
        first = asking(state, "clay", client).ask(wishes(domains[:5]))
        assert (first.companies, first.pending, first.charged) == (5, 5, 0)
        with state.reading() as tx:
            assert spend.spent_in(tx, "clay", "2026-03").reserved == 15
        second = asking(state, "clay", client).ask(wishes(domains[:5]))
    assert (second.companies, second.pending) == (0, 0)
    assert second.charged == clay_store.spent == charged(state, "clay")
    assert len(clay_store.runs) == 1


@pytest.mark.parametrize(("status", "reserved"), [(500, 15), (504, 15), (429, 0), (403, 0)])
def test_a_run_of_clays_that_may_have_begun_stays_reserved_and_is_not_begun_again(
    stand: Stand, state: State, clay_store: ClayStore, domains: list[str], status: int, reserved: int
) -> None:
    with clay(stand, clay_store) as client:
        working = stand.emulator

        async def failing(_: Request) -> Response:
            return PlainTextResponse('{"message": "no"}', status)

        path = "/public/v0/routines/function:tbl_sandbox/run"
        stand.emulator = Starlette(routes=[Route(path, failing, methods=["POST"]), Mount("/", working)])
        with pytest.raises(Forbidden if status == 403 else RetriesExhausted):
            asking(state, "clay", client).ask(wishes(domains[:5]))
        assert stand.requested.count(f"POST {path}") == 1
        with state.reading() as tx:
            assert spend.spent_in(tx, "clay", "2026-03").reserved == reserved
        stand.emulator = working
        later = replace(asking(state, "clay", client), clock=lambda: START + timedelta(days=1))
        report = later.ask(wishes(domains[:5]))
    assert (report.in_doubt, report.companies) == ((5, 0) if reserved else (0, 5))


def test_the_end_of_clays_own_credits_stops_the_run_and_reserves_nothing(
    stand: Stand, state: State, clay_store: ClayStore, domains: list[str]
) -> None:
    clay_store.granted = Decimal(1)
    with clay(stand, clay_store) as client:
        report = asking(state, "clay", client).ask(wishes(domains[:5]))
        with pytest.raises(CreditsExhausted, match="credits are used up"):
            client.ask([Question(99, domains[0])])
    assert report.is_exhausted
    assert "1 credits left by clay's own count" in report.stopped
    with state.reading() as tx:
        assert spend.spent_in(tx, "clay", "2026-03").committed == 0


def test_a_cap_in_the_midst_of_a_batch_is_used_as_far_as_it_goes(
    stand: Stand, state: State, clay_store: ClayStore, domains: list[str]
) -> None:
    rules = RULES.model_copy(update={"monthly_cap": {"clay": Decimal(10)}})
    with clay(stand, clay_store) as client:
        report = asking(state, "clay", client, rules).ask(wishes(domains[:20]))
    assert report.companies == 3
    assert "the cap of 10 credits for 2026-03 is used up" in report.stopped


def test_without_a_word_on_its_cost_an_answer_costs_all_that_was_reserved() -> None:
    question = Question(1, "acme.example")
    result = b'{"id": "1", "status": "complete", "result": {"Any Column": {"industry": "Software"}}}'
    assert clay_client.answer_of(question, result).credits is None
    assert clay_client.answer_of(question, b'{"request_id": "1", "credits_used": "1.5"}').credits == Decimal("1.5")
    assert clay_client.facts_of(result) == {"company": {"industry": "Software"}}


def test_clay_says_whose_workspace_it_is(stand: Stand, clay_store: ClayStore) -> None:
    with clay(stand, clay_store) as client:
        account = clay_client.identity(client)
        assert clay_client.check(client) == "Sandbox 3; 5000 credits left"
    assert account is not None
    assert account.account_id == "ws_sandbox3"


# --- Clay, by a table's webhook --------------------------------------------------------------------------------------


@pytest.fixture
def callback_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAY_CALLBACK_SECRET", clay_emulator.CALLBACK_SECRET)
    settings.cache_clear()


@dataclass
class Receiver:
    """What a receiver of webhooks does: hand on the body, and answer as it is told."""

    expected: int
    all_taken: Event = field(default_factory=Event)

    async def __call__(self, request: Request) -> Response:
        try:
            self.expected -= callback.take_answer(await request.body(), request.headers.get("authorization", ""))
        except callback.CallbackRefused as refused:
            return PlainTextResponse(str(refused), refused.status)
        if not self.expected:
            self.all_taken.set()
        return PlainTextResponse("ok", 202)


@pytest.mark.usefixtures("callback_key")
def test_a_table_of_clays_is_sent_rows_and_calls_back(
    stand: Stand, state: State, clay_store: ClayStore, domains: list[str]
) -> None:
    more = {
        "clay_company_routine_id": None,
        "clay_company_webhook_url": SecretStr(f"{stand.url}/v3/sources/webhook/{clay_emulator.WEBHOOK}"),
        "clay_webhook_auth_token": SecretStr(clay_emulator.WEBHOOK_TOKEN),
        "clay_callback_url": f"{stand.url}/callback",
    }
    with clay(stand, clay_store, **more) as client:
        receiver = Receiver(expected=6)
        routes = [Route("/callback", receiver.__call__, methods=["POST"]), Mount("/", stand.emulator)]
        stand.emulator = Starlette(routes=routes)
        report = asking(state, "clay", client).ask(wishes(domains[:6]))
        assert report.companies == 6
        assert receiver.all_taken.wait(timeout=30)
        body = b'{"request_id": "1", "enriched": {"industry": "Software"}, "credits_used": 9}'
        key = {"Authorization": f"Bearer {clay_emulator.CALLBACK_SECRET}"}
        again = httpx.post(f"{stand.url}/callback", content=body, headers=key, trust_env=False)
    assert again.status_code == 202, "a cell that runs again changes nothing"
    rows = rows_of("clay", ClayCompany, clay_client.facts_of)
    assert {row.domain for row in rows} == set(domains[:6])
    assert charged(state, "clay") == clay_store.spent


@pytest.mark.usefixtures("callback_key", "state")
@pytest.mark.parametrize(
    ("body", "key", "status"),
    [
        (b'{"request_id": "1"}', "Bearer wrong", 401),
        (b'{"request_id": "1"}', "", 401),
        (b'{"request_id": "77"}', f"Bearer {clay_emulator.CALLBACK_SECRET}", 422),
        (b'{"request_id": "1; drop"}', f"Bearer {clay_emulator.CALLBACK_SECRET}", 422),
        (b"not JSON", f"Bearer {clay_emulator.CALLBACK_SECRET}", 422),
    ],
)
def test_a_callback_of_a_stranger_or_about_nothing_is_refused(body: bytes, key: str, status: int) -> None:
    with pytest.raises(callback.CallbackRefused) as caught:
        callback.take_answer(body, key)
    assert caught.value.status == status


def test_rows_are_sent_to_clay_only() -> None:
    for address in ("https://clay.com.evil.example/x", "http://api.clay.com/x", "no address"):
        with pytest.raises(SettingsError, match=r"CLAY_COMPANY_WEBHOOK_URL is not an https address of clay\.com"):
            assert ClaySettings(clay_company_webhook_url=SecretStr(address)).webhook
    assert ClaySettings(clay_company_webhook_url=SecretStr("https://api.clay.com/v3/sources/webhook/x")).webhook
