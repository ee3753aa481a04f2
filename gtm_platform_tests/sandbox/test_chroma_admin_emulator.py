"""Chroma's admin emulator, read by its contract in each of its variants, against what is true of the people."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gtm_platform.sandbox.chroma_admin import TOKEN, Limits, app
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.server import Sandbox
from gtm_platform.sandbox.world import World
from gtm_platform_tests.contract.places import needs_specs
from gtm_platform_tests.sandbox.admin_clients import EXTENDED, every
from gtm_platform_tests.sandbox.conftest import NOW, START, serving
from gtm_platform_tests.sandbox.judge import described, differences

KEY = {"Authorization": f"Bearer {TOKEN}"}
BASE = "/admin-api/v1"
CORE = {"account_id", "company_name", "num_collections", "total_vectors", "last_active_date", "is_active"}


@pytest.fixture
def client(box: Sandbox) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {box.env['CHROMA_ADMIN_TOKEN']}"}
    url = box.env["CHROMA_ADMIN_BASE_URL"]
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60) as opened:
        yield opened
    httpx.put(f"{box.url}/_sandbox/chroma_admin/variant", json={"value": "full"}, trust_env=False)


def switch(box: Sandbox, variant: str) -> None:
    answer = httpx.put(f"{box.url}/_sandbox/chroma_admin/variant", json={"value": variant}, trust_env=False)
    assert answer.json() == {"variant": variant}


def test_accounts_are_the_peoples(client: httpx.Client, true_people: list[dict[str, Any]]) -> None:
    accounts = {row["account_id"]: row for row in every(client, "/accounts", limit=17)}
    owned = {id_: person for person in true_people for id_ in person["chroma_admin"]}
    assert set(owned) == {id_ for id_, row in accounts.items() if row["email"]}
    assert len(owned) < len(accounts), "some have no address"
    for id_, person in owned.items():
        last = accounts[id_]["last_active_date"]
        assert last is None or datetime.fromisoformat(f"{last}T00:00:00Z") <= datetime.fromisoformat(
            person["last_seen_at"]
        )
    assert {row["is_active"] for row in accounts.values()} == {True, False}
    assert len({row["num_collections"] for row in accounts.values()}) > 5
    assert every(client, "/accounts", is_active="false") == [r for r in accounts.values() if not r["is_active"]]


def test_days_and_instances_add_up_to_accounts(client: httpx.Client) -> None:
    accounts = {row["account_id"]: row for row in every(client, "/accounts", limit=500)}
    days, instances = defaultdict(list), defaultdict(list)
    for row in every(client, "/usage/daily", limit=500):
        days[row["account_id"]].append(row)
    for row in every(client, "/instances", limit=500):
        instances[row["account_id"]].append(row)
    month = (NOW.date() - timedelta(days=29)).isoformat()
    for id_, account in accounts.items():
        assert sum(row["queries"] for row in days[id_] if row["date"] >= month) == account["queries_30d"]
        assert max((row["date"] for row in days[id_]), default=None) == account["last_active_date"]
        assert sum(row["total_vectors"] for row in instances[id_]) == account["total_vectors"]
        assert len(instances[id_]) == account["num_instances"]
        if days[id_]:
            assert days[id_][-1]["total_vectors"] == account["total_vectors"]
    assert any(rows[0]["total_vectors"] < rows[-1]["total_vectors"] for rows in days.values())


@pytest.mark.parametrize("path", ["/accounts", "/usage/daily", "/instances"])
def test_what_changed_since_is_what_is_read_anew(client: httpx.Client, path: str) -> None:
    rows = every(client, path, limit=90)
    stamps = [datetime.fromisoformat(row["updated_at"]) for row in rows]
    assert stamps == sorted(stamps)
    since = stamps[len(stamps) * 2 // 3]
    newer = every(client, path, updated_since=since.isoformat().replace("+00:00", "Z"), limit=500)
    assert newer == [row for row, stamp in zip(rows, stamps, strict=True) if stamp >= since]


def test_every_change_of_an_account_moves_its_stamp() -> None:
    world = World(5, 120, START)
    with serving(app(world.chroma_admin, world.clock, Limits(Limit(10**6, 60))), KEY) as client:
        before = {row["account_id"]: row for row in every(client, f"{BASE}/accounts")}
        since = START - timedelta(minutes=10)
        for hours in (7, 24, 31, 24 * 9):
            world.advance(START + timedelta(hours=hours))
            rows = every(client, f"{BASE}/accounts", updated_since=since.isoformat())
            full = {row["account_id"]: row for row in every(client, f"{BASE}/accounts")}
            assert {**before, **{row["account_id"]: row for row in rows}} == full
            before, since = full, world.now - timedelta(minutes=10)


def test_a_minimal_server_has_six_members_and_nothing_else(client: httpx.Client, box: Sandbox) -> None:
    full = {row["account_id"]: row for row in every(client, "/accounts", limit=500)}
    switch(box, "minimal")
    rows = every(client, "/accounts", limit=40, updated_since="2031-01-01T00:00:00Z")
    assert [row["account_id"] for row in rows] == sorted(full)
    assert all(row == {name: full[row["account_id"]][name] for name in CORE} for row in rows)
    assert client.get(f"/accounts/{rows[0]['account_id']}").json() == rows[0]
    for path in ("/instances", "/usage/daily"):
        assert client.get(path).json()["error"]["code"] == "not_implemented"
    switch(box, "array")
    assert client.get("/accounts").json() == rows


def test_what_is_asked_wrongly_is_refused(client: httpx.Client) -> None:
    for params, parameter in (
        ({"limit": 0}, "limit"),
        ({"is_active": "so"}, "is_active"),
        ({"cursor": "e30"}, "cursor"),
    ):
        refused = client.get("/accounts", params=params)
        assert (refused.status_code, refused.json()["error"]["parameter"]) == (400, parameter)
    assert client.get("/accounts/chr_0").status_code == 404
    assert client.get("/health").json()["service"] == "chroma-admin"
    assert client.get("/health", headers={"Authorization": ""}).status_code == 401


@needs_specs
@pytest.mark.parametrize("variant", ["full", "minimal"])
def test_answers_are_as_the_contract_says(variant: str) -> None:
    world = World(5, 60, START)
    world.advance(NOW + timedelta(hours=13))
    world.chroma_admin.variant = variant

    def walk(client: httpx.Client) -> None:
        for path in ("/health", "/accounts", "/usage/daily", "/instances"):
            client.get(f"{path}", params={"limit": 200})
        client.get(f"/accounts/{next(iter(world.chroma_admin.accounts))}")
        client.get("/accounts/chr_0")
        client.get("/accounts", params={"limit": 0})
        client.get("/accounts", headers={"Authorization": ""})

    inner = app(world.chroma_admin, world.clock)

    async def below(scope: Any, receive: Any, send: Any) -> None:
        prefix = scope["root_path"]
        await inner({**scope, "path": f"{prefix}{BASE}{scope['path'].removeprefix(prefix)}"}, receive, send)

    contract = described("chroma", "admin/chroma-admin.openapi.yaml")
    assert differences(contract, below, KEY, walk, expected=EXTENDED) == []
