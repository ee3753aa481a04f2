"""ListKit's admin emulator, read by its contract as a stranger would, against what is true of credits and exports."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.sandbox.listkit_admin import TOKEN, Limits, app
from gtm_platform.sandbox.server import Sandbox
from gtm_platform.sandbox.world import World
from gtm_platform_tests.contract.places import needs_specs
from gtm_platform_tests.sandbox.admin_clients import EXTENDED, every
from gtm_platform_tests.sandbox.conftest import DAY, NOW, START, serving
from gtm_platform_tests.sandbox.judge import described, differences

KEY = {"Authorization": f"Bearer {TOKEN}"}
BASE = "/admin-api/v1"
WEEK, MONTH = ((DAY - timedelta(days=days - 1)).isoformat() for days in (7, 30))


@pytest.fixture(scope="module")
def client(box: Sandbox) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {box.env['LISTKIT_ADMIN_TOKEN']}"}
    url = box.env["LISTKIT_ADMIN_BASE_URL"]
    with httpx.Client(base_url=url, headers=headers, trust_env=False, timeout=60) as opened:
        yield opened


@pytest.fixture(scope="module")
def accounts(client: httpx.Client) -> dict[str, dict[str, Any]]:
    return {row["account_id"]: row for row in every(client, "/accounts", limit=23)}


def test_credits_exports_and_logins_are_true(
    client: httpx.Client, accounts: dict[str, dict[str, Any]], true_people: list[dict[str, Any]]
) -> None:
    days, exports = defaultdict(list), defaultdict(list)
    for row in every(client, "/usage/daily", limit=500, **{"from": MONTH, "to": DAY.isoformat()}):
        days[row["account_id"]].append(row)
    for row in every(client, "/exports", limit=500, status="completed"):
        exports[row["account_id"]].append(row)
    assert set(accounts) == {id_ for person in true_people for id_ in person["listkit_admin"]}
    compared = 0
    for person in true_people:
        for id_ in person["listkit_admin"]:
            account, mine = accounts[id_], days[id_]
            assert person["credits_remaining"] == account["credits"]["balance"]
            assert person["credits_used_30d"] == sum(row["credits_used"] for row in mine)
            assert person["exports_30d"] == sum(row["created_at"][:10] >= MONTH for row in exports[id_])
            assert person["exports_30d"] == sum(row["exports"] for row in mine)
            assert person["logins_30d"] == sum(row["logins"] for row in mine)
            assert person["logins_7d"] == sum(row["logins"] for row in mine if row["date"] >= WEEK)
            if account["last_active_at"]:
                active = datetime.fromisoformat(account["last_active_at"])
                assert active <= datetime.fromisoformat(person["last_seen_at"])
            compared += bool(mine)
    assert compared > 40
    assert any(row["credits"]["balance"] < row["credits"]["granted_this_period"] for row in accounts.values())


def test_the_ledger_adds_up_to_the_balance(client: httpx.Client, accounts: dict[str, dict[str, Any]]) -> None:
    ledgers = defaultdict(list)
    for row in every(client, "/credit-transactions", limit=500):
        ledgers[row["account_id"]].append(row)
    assert {row["kind"] for rows in ledgers.values() for row in rows} == {"grant", "spend", "expire"}
    for id_, account in accounts.items():
        last = max(ledgers[id_], key=lambda row: row["transaction_id"])
        assert last["balance_after"] == account["credits"]["balance"]


def test_accounts_follow_billing(accounts: dict[str, dict[str, Any]], box: Sandbox) -> None:
    assert {row["status"] for row in accounts.values()} >= {"active", "canceled", "paused"}
    assert {row["plan"] for row in accounts.values()} >= {"free", "pro", "scale"}
    linked = [row for row in accounts.values() if row["stripe_customer_id"]]
    assert linked
    assert all(row["stripe_customer_id"] in box.world.stripe.customers for row in linked)
    assert all(row["email"] == row["email"].lower() for row in accounts.values())
    assert any(len(row["member_emails"]) > 1 for row in accounts.values())


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/accounts", "account_id"),
        ("/usage/daily", "date"),
        ("/exports", "export_id"),
        ("/credit-transactions", "transaction_id"),
    ],
)
def test_what_changed_since_is_what_is_read_anew(client: httpx.Client, path: str, key: str) -> None:
    rows = every(client, path, limit=500)
    stamps = [datetime.fromisoformat(row["updated_at"]) for row in rows]
    assert stamps == sorted(stamps)
    assert len({(row["account_id"], row[key]) for row in rows}) == len(rows)
    since = stamps[len(stamps) * 3 // 4]
    newer = every(client, path, updated_since=since.isoformat().replace("+00:00", "Z"), limit=500)
    assert newer == [row for row, stamp in zip(rows, stamps, strict=True) if stamp >= since]


def test_a_seat_that_is_taken_away_moves_its_address_and_the_stamp() -> None:
    world = World(5, 60, START)
    account = next(each for each in world.listkit_admin.accounts.values() if each.email not in each.member_emails)
    with serving(app(world.listkit_admin, world.clock, Limits(Limit(10**6, 60))), KEY) as client:
        open_, closed = f"{BASE}/accounts/{account.account_id}", START + timedelta(hours=3)
        before = client.get(open_).json()
        assert (before["member_emails"], before["deactivated_emails"]) == (account.member_emails, [])
        account.closed = closed
        assert client.get(open_).json() == before  # that is yet to come
        world.advance(START + timedelta(hours=4))
        after = client.get(open_).json()
        assert after["member_emails"] == []
        assert after["deactivated_emails"] == [account.email, *account.member_emails]
        assert datetime.fromisoformat(after["updated_at"]) >= closed


def test_every_change_of_an_account_moves_its_stamp() -> None:
    world = World(5, 120, START)
    with serving(app(world.listkit_admin, world.clock, Limits(Limit(10**6, 60))), KEY) as client:
        before = {row["account_id"]: row for row in every(client, f"{BASE}/accounts")}
        since = START - timedelta(minutes=10)
        for hours in (7, 17, 24, 31, 24 * 9):
            world.advance(START + timedelta(hours=hours))
            changed = {
                row["account_id"]: row for row in every(client, f"{BASE}/accounts", updated_since=since.isoformat())
            }
            full = {row["account_id"]: row for row in every(client, f"{BASE}/accounts")}
            assert {**before, **changed} == full
            before, since = full, world.now - timedelta(minutes=10)


def test_levels_that_are_not_built(client: httpx.Client, box: Sandbox) -> None:
    switch = f"{box.url}/_sandbox/listkit_admin/level"
    built = ("/accounts", "/usage/daily", "/exports", "/credit-transactions")
    try:
        for level, expected in (("1", [200, 404, 404, 404]), ("2", [200, 200, 200, 404]), ("3", [200] * 4)):
            assert httpx.put(switch, json={"value": level}, trust_env=False).json() == {"level": level}
            assert [client.get(path).status_code for path in built] == expected
        httpx.put(switch, json={"value": "1"}, trust_env=False)
        assert client.get("/exports").json()["error"]["code"] == "not_implemented"
        refused = httpx.put(switch, json={"value": "4"}, trust_env=False)
        assert (refused.status_code, "one of 3, 2, 1, not '4'" in refused.json()["error"]) == (400, True)
        assert httpx.put(f"{box.url}/_sandbox/stripe/level", json={"value": "1"}, trust_env=False).status_code == 404
    finally:
        httpx.put(switch, json={"value": "3"}, trust_env=False)


def test_one_account_and_the_filters(client: httpx.Client, accounts: dict[str, dict[str, Any]]) -> None:
    row = next(iter(accounts.values()))
    assert client.get(f"/accounts/{row['account_id']}").json() == row
    assert every(client, "/accounts", email=row["email"].upper()) == [row]
    for status in ("active", "canceled"):
        assert {each["status"] for each in every(client, "/accounts", status=status)} == {status}
    days = every(client, "/usage/daily", account_id=row["account_id"])
    assert {each["account_id"] for each in days} <= {row["account_id"]}
    assert client.get("/health").json()["time"] == "2026-03-21T00:00:00Z"


@pytest.mark.parametrize(
    ("path", "params", "status", "code", "parameter"),
    [
        ("/accounts", {"limit": 501}, 400, "invalid_parameter", "limit"),
        ("/accounts", {"status": "gone"}, 400, "invalid_parameter", "status"),
        ("/accounts", {"updated_since": "soon"}, 400, "invalid_parameter", "updated_since"),
        ("/usage/daily", {"from": "soon"}, 400, "invalid_parameter", "from"),
        ("/accounts", {"cursor": "!"}, 400, "invalid_cursor", "cursor"),
        ("/accounts/acc_0", {}, 404, "not_found", None),
        ("/nothing", {}, 404, "not_implemented", None),
    ],
)
def test_what_is_asked_wrongly_is_refused(
    client: httpx.Client, path: str, params: dict[str, Any], status: int, code: str, parameter: str | None
) -> None:
    refused = client.get(path, params=params)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["parameter"]) == (status, code, parameter)
    assert client.get(path, headers={"Authorization": "Bearer x"}).json()["error"]["code"] == "unauthorized"


def test_a_cursor_is_refused_after_a_day() -> None:
    world = World(5, 120, START)
    with serving(app(world.listkit_admin, world.clock), KEY) as client:
        cursor = client.get(f"{BASE}/accounts", params={"limit": 5}).json()["next_cursor"]
        assert client.get(f"{BASE}/accounts", params={"cursor": cursor}).status_code == 200
        world.advance(START + timedelta(hours=25))
        assert client.get(f"{BASE}/accounts", params={"cursor": cursor}).json()["error"]["code"] == "invalid_cursor"


def test_one_call_too_many() -> None:
    world = World(5, 5, START)
    with serving(app(world.listkit_admin, world.clock, Limits(Limit(1, 60))), KEY) as client:
        answers = [client.get(f"{BASE}/health") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
    assert 1 <= int(answers[1].headers["Retry-After"]) <= 60
    assert answers[1].headers["RateLimit-Remaining"] == "0"


@needs_specs
def test_answers_are_as_the_contract_says() -> None:
    world = World(5, 60, START)
    world.advance(NOW + timedelta(hours=13))

    def walk(client: httpx.Client) -> None:
        for path in ("/health", "/accounts", "/usage/daily", "/exports", "/credit-transactions"):
            client.get(f"{path}")
            client.get(f"{path}", params={"limit": 2})
        client.get(f"/accounts/{next(iter(world.listkit_admin.accounts))}")
        client.get("/accounts/acc_0")
        client.get("/accounts", params={"limit": 0})
        client.get("/accounts", headers={"Authorization": ""})

    inner = app(world.listkit_admin, world.clock)

    async def below(scope: Any, receive: Any, send: Any) -> None:
        prefix = scope["root_path"]
        await inner({**scope, "path": f"{prefix}{BASE}{scope['path'].removeprefix(prefix)}"}, receive, send)

    description = described("listkit", "admin/listkit-admin.openapi.yaml")
    assert differences(description, below, KEY, walk, expected=EXTENDED) == []
