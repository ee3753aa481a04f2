"""Roles by surfaces by columns: nobody is handed what the role does not see, on any address and by any tool.

Addresses come from the description of the API, tools from their folder, roles from the policy, personal columns from
the contracts: a new one of any is tried here without a line.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gtm_platform.policy.access import ROLES
from gtm_platform.serving.api.app import make_app
from gtm_platform.serving.chat.tools import discover
from gtm_platform.serving.snapshot.layout import SHOWN
from gtm_platform.serving.store import CustomerQuery, Snapshot, Store
from gtm_platform.serving.store.sight import EVERYTHING, HIDDEN, Sight, noting_people
from gtm_platform.serving.tokens import SCOPES, create_token
from gtm_platform.state import open_state
from gtm_platform_tests.serving.server import NotedRuns, Served, Time, listening
from gtm_platform_tests.serving.world import MANAGERS, NOW, PEOPLE, TODAY, person

MANAGER = "Sam Lee"
EVERYBODY = [person(i, TODAY) for i in range(PEOPLE)]
OWN = {row["customer_id"] for row in EVERYBODY if row["assigned_am"] == MANAGER}
OWN_COMPANIES = {row["company_id"] for row in EVERYBODY if row["assigned_am"] == MANAGER}
CUSTOMER, COMPANY = re.compile(r"\bcus_\w+"), re.compile(r"\bcom_\d{2}\b")
# What stands for the parts of an address, for each part something that is there; a new part is named here.
PARTS: dict[str, list[str]] = {
    "who": ["cus_001", "cus_002", "cus_003", "cus_004", "cus_016"],
    "company_id": ["com_00", "com_01", "com_03", "com_09"],
    "name": ["mrr", "customers", "companies"],
    "plan_id": ["5f0c9a2b11d4"],
}
NEEDS_ITS_SCOPE = "/v1/erasure/5f0c9a2b11d4"  # no role has it: a token is given it, and the answer is of counts
ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "explain_health": [{"who": who} for who in PARTS["who"]],
    "companies": [{}, *({"company": company} for company in PARTS["company_id"])],
    "find_customers": [{"customers": "all", "limit": 50}, {"account_manager": "Noor Haddad"}],
    "metrics": [{}, {"names": ["mrr"], "dimension": "account_manager"}],
}
LISTS = ("/v1/customers?customers=all&limit=200", "/v1/customers?account_manager=Noor%20Haddad", "/v1/churned?days=30")


def personal_values() -> dict[str, set[str]]:
    """What the world says of each person in columns that the contract calls personal, by customer."""
    names = [name for name, column in SHOWN.items() if column.personal]
    values: dict[str, set[str]] = {}
    for row in EVERYBODY:
        of_row = [row.get(name) for name in names]
        flat = [part for value in of_row for part in (value if isinstance(value, list) else [value]) if part]
        values[row["customer_id"]] = {str(part) for part in flat if len(str(part)) > 6}
    return values


PERSONAL = personal_values()
# What several people share names nobody of them.
DISTINCTIVE = {
    customer: {value for value in values if sum(value in each for each in PERSONAL.values()) == 1}
    for customer, values in PERSONAL.items()
}


@pytest.fixture(scope="module")
def roles(served_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An API with a token of each role, which has every scope."""
    time, runs = Time(), NotedRuns()
    state = open_state(f"sqlite:///{tmp_path_factory.mktemp('roles') / 'state.db'}")
    tokens = {}
    for name, role in ROLES.items():
        manager = MANAGER if role.customers == "own" else None
        tokens[name] = create_token(state, name, SCOPES, 30, NOW, name, manager)[0]
    app = make_app(Store(served_home / "serving", time.monotonic), state, runs, time.now, time.monotonic, 1e6)
    with listening(app) as url:
        yield Served(url, app, state, time, runs, tokens)
    state.close()


def addresses(served: Served) -> list[str]:
    paths = []
    for path, methods in served.app.openapi()["paths"].items():
        parts = re.findall(r"{(\w+)}", path)
        assert set(parts) <= PARTS.keys(), f"{path} has a part of which nothing is known"
        assert set(methods) <= {"get", "post"}
        if "get" in methods:
            paths += [path.replace(f"{{{parts[0]}}}", value) for value in PARTS[parts[0]]] if parts else [path]
    return [*paths, *LISTS]


def called(client: httpx.Client, token: str, tool: str, arguments: dict[str, Any]) -> tuple[bool, str]:
    """Call a tool of the chat; return whether it answered, and what."""
    request = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": tool, "arguments": arguments},
    }
    headers = {
        "authorization": f"Bearer {token}",
        "accept": "application/json, text/event-stream",
        "content-type": "application/json",
    }
    answer = client.post("/mcp", json=request, headers=headers)
    return answer.status_code == 200 and not answer.json()["result"].get("isError", False), answer.text


def answers(served: Served, role: str) -> Iterator[tuple[str, bool, str]]:
    """Every surface as the role sees it: its name, whether it was opened, and what it says."""
    token = served.tokens[role]
    headers = {"authorization": f"Bearer {token}"}
    with httpx.Client(base_url=served.url, trust_env=False, timeout=60) as client:
        for path in addresses(served):
            answer = client.get(path, headers=headers)
            assert answer.status_code in (200, 403, 404), (path, answer.text)
            yield path, answer.status_code == 200, answer.text
        for tool in discover():
            for arguments in ARGUMENTS.get(tool, [{}]):
                opened, text = called(client, token, tool, arguments)
                yield f"{tool} {arguments}", opened, text


def hidden_values(text: str, customers: set[str]) -> set[str]:
    """The values that tell of one of these customers and stand in a text."""
    plain = text.replace("\\", "")
    return {value for customer in customers for value in DISTINCTIVE[customer] if value in plain}


@pytest.mark.faults("V2")
@pytest.mark.parametrize("role", list(ROLES))
def test_no_surface_shows_a_role_what_it_may_not_see(role: str, roles: Served) -> None:
    rules, opened, everybody = ROLES[role], 0, set(PERSONAL)
    for surface, is_open, text in answers(roles, role):
        opened += is_open and not surface.startswith("/v1/audit")
        if not rules.personal:
            assert hidden_values(text, everybody) == set(), surface
        if rules.customers != "all":
            own = OWN if rules.customers == "own" else set()
            assert surface.startswith("/v1/audit") or set(CUSTOMER.findall(text)) <= own, surface  # it names ids only
            assert hidden_values(text, everybody - own) == set(), surface
            companies = OWN_COMPANIES if rules.customers == "own" else set()
            assert surface.startswith("/v1/audit") or set(COMPANY.findall(text)) <= companies, surface
    assert bool(opened) == (rules.customers != "none")


@pytest.mark.faults("V2")
def test_who_may_see_everything_is_shown_what_others_are_not(roles: Served) -> None:
    seen = list(answers(roles, "data_team"))
    assert [surface for surface, is_open, _ in seen if not is_open] == [NEEDS_ITS_SCOPE], (
        "each is asked for something that is there"
    )
    whole = {surface: text for surface, _, text in seen}
    text = "".join(whole.values())
    assert len(set(CUSTOMER.findall(text)) - OWN) > len(OWN), "the rest proves nothing otherwise"
    assert len(hidden_values(text, set(PERSONAL))) > PEOPLE
    assert "/v1/who-is-who" in whole
    assert "/v1/audit" in whole


AREAS = {"/v1/who-is-who": "rules", "/v1/hubspot": "operations", "/v1/audit": "audit", "/v1/customers": "customers"}


@pytest.mark.faults("V2")
@pytest.mark.parametrize("role", list(ROLES))
def test_areas_open_what_is_about_them(role: str, roles: Served) -> None:
    opened = {path for path in AREAS if roles.get(path, role).status_code == 200}
    assert opened == {path for path, area in AREAS.items() if area in ROLES[role].areas}
    launched = roles.send(
        "POST", "/v1/sync", role, headers={"idempotency-key": f"of {role}"}, json={"source": "stripe"}
    )
    assert (launched.status_code == 202) == ("operations" in ROLES[role].areas)


def test_a_masked_token_without_a_role_is_shown_no_person_who_may_be_another(shared_api: Served) -> None:
    text = shared_api.get("/v1/who-is-who", "masked").text
    assert "cus_001" in text
    assert hidden_values(text, set(PERSONAL)) == set()
    assert "Firm 0" in text, "the name of a company is no person's"
    assert hidden_values(shared_api.get("/v1/who-is-who").text, {"cus_001"})


def test_totals_and_pages_are_those_of_ones_own(snapshot: Snapshot) -> None:
    own = snapshot.seen(Sight(managers=(MANAGER,)))
    page = own.customers(CustomerQuery(customers="all", limit=3))
    assert page.total == len(OWN)
    assert page.total < snapshot.customers(CustomerQuery(customers="all")).total
    seen: list[str] = []
    while True:
        seen += [row["customer_id"] for row in page.rows(personal=False)]
        if page.next_cursor is None:
            break
        page = own.customers(CustomerQuery(customers="all", limit=3, cursor=page.next_cursor))
    assert sorted(seen) == sorted(OWN)
    other = next(row for row in EVERYBODY if row["assigned_am"] != MANAGER)
    assert own.customer(other["customer_id"]) is None
    assert own.customer(other["email"]) is None
    for read in (own.alerts_of, own.hubspot_writes):
        assert read(other["customer_id"]) == []
    assert own.events_of(other["customer_id"]) == b"[]"


def test_a_sight_of_nobody_sees_nobody(snapshot: Snapshot) -> None:
    nobody = snapshot.seen(Sight(personal=False, managers=()))
    assert nobody.customers(CustomerQuery(customers="all")).total == 0
    assert nobody.count_companies() == 0
    assert nobody.alerts(100) == []
    assert snapshot.seen(EVERYTHING) is snapshot
    assert nobody.seen(EVERYTHING) is nobody, "what was narrowed is never widened"
    assert snapshot.seen(Sight(personal=False)) is snapshot.seen(Sight(personal=False))


def test_whose_personal_data_is_handed_out_is_noted_and_nobody_elses(snapshot: Snapshot) -> None:
    masked = snapshot.seen(Sight(personal=False))
    with noting_people() as people:
        page = snapshot.customers(CustomerQuery(customers="all", limit=5))
        page.bodies(personal=False)
        assert not people
        rows = page.rows(personal=True)
        assert list(people) == [row["customer_id"] for row in rows]
        customer = snapshot.customer("cus_040")
        assert customer is not None
        customer.document(personal=True)
        assert "cus_040" in people
    with noting_people() as people:
        [*_, row] = masked.customers(CustomerQuery(customers="all", limit=5)).rows(personal=True)
        assert row["email"] is None
        masked.fact("who_is_who")
        assert not people
        snapshot.fact("who_is_who")
        assert {"cus_001", "cus_003"} <= set(people)
    assert json.loads(HIDDEN).keys() == {name for name, column in SHOWN.items() if column.personal}


def test_the_managers_of_the_world_are_several() -> None:
    assert MANAGER in MANAGERS
    assert 0 < len(OWN) < PEOPLE / 2
