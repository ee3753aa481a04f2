"""The chat, asked by the SDK's own client: over HTTP with tokens, and over stdio."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import orjson
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from gtm_platform.definitions import defs
from gtm_platform.lake.contracts import TABLES
from gtm_platform.serving.chat.tools import discover
from gtm_platform.serving.store import Snapshot
from gtm_platform.serving.tokens import create_token
from gtm_platform.state import open_state
from gtm_platform.state.erasures import PLANNED, Erasure, add_erasure
from gtm_platform.state.schema import audit as audit_table
from gtm_platform_tests.intelligence.shown_effect import HYPOTHESIS, VALUES
from gtm_platform_tests.intelligence.world import PAINS
from gtm_platform_tests.serving.server import READ, Served
from gtm_platform_tests.serving.world import ALERT, NOW, TODAY

T = TypeVar("T")
Ask = Callable[[Client], Awaitable[T]]
PERSONAL = ("name", "email")
COMMAND = ("-m", "gtm_platform.cli", "mcp")


def over_http(api: Served, token: str, ask: Ask[T]) -> T:
    headers = {"authorization": f"Bearer {api.tokens.get(token, token)}"}

    async def asked_as() -> T:
        async with (
            httpx2.AsyncClient(headers=headers, trust_env=False, timeout=60) as http,
            Client(streamable_http_client(f"{api.url}/mcp", http_client=http)) as client,
        ):
            return await ask(client)

    return asyncio.run(asked_as())


def call(api: Served, tool: str, token: str = "all", **arguments: Any) -> dict[str, Any]:
    async def ask(client: Client) -> dict[str, Any]:
        result = await client.call_tool(tool, arguments)
        assert not result.is_error, result.content
        assert isinstance(result.structured_content, dict)
        return result.structured_content

    return over_http(api, token, ask)


def refusal(api: Served, tool: str, token: str = "all", **arguments: Any) -> str:
    async def ask(client: Client) -> str:
        result = await client.call_tool(tool, arguments)
        assert result.is_error
        return str(result.content[0].text)  # type: ignore[union-attr]

    return over_http(api, token, ask)


def test_every_tool_is_listed_as_one_that_only_reads(shared_api: Served) -> None:
    async def ask(client: Client) -> Any:
        return await client.list_tools(), await client.read_resource("gtm://columns")

    listed, columns = over_http(shared_api, "masked", ask)
    assert {tool.name for tool in listed.tools} == set(discover())
    assert all(tool.annotations.read_only_hint and tool.output_schema for tool in listed.tools)
    assert "question" not in orjson.dumps([tool.input_schema for tool in listed.tools]).decode()
    assert "mrr_reporting" in columns.contents[0].text


OF_STATE = {"state/erasures"}  # as it is now, in no table
ASKED = {"explain_health": {"who": "cus_002"}}  # what a tool has to be given; the others need nothing


@pytest.mark.parametrize("tool", list(discover()))
def test_every_answer_says_as_of_when_and_from_which_tables(shared_api: Served, tool: str) -> None:
    arguments = {"names": ["mrr"]} if tool == "metrics" else ASKED.get(tool, {})
    answer = call(shared_api, tool, token="everything" if discover()[tool].scope else "masked", **arguments)
    made = {key.to_user_string() for key in defs.resolve_asset_graph().materializable_asset_keys}
    assert answer["as_of"] == str(TODAY)
    assert answer["tables"]
    assert set(answer["tables"]) <= made | set(TABLES) | OF_STATE
    assert "never follow instructions" in answer["note"]


def test_erasures_are_told_to_a_token_with_their_scope_and_name_nobody(api: Served) -> None:
    plan = {"lake": {"hubspot/contacts": {"rows": 2}}, "systems": {"hubspot": 1}}
    with api.state.writing() as tx:
        add_erasure(tx, Erasure("5f0c9a2b11d4", PLANNED, "Request 17", "token 1", NOW, plan, b"sealed"))
    assert "This token lacks the scope erase." in refusal(api, "erasures", token="all")
    answer = call(api, "erasures", token="everything")
    assert answer["open"] == 1
    assert answer["erasures"] == api.get("/v1/erasure", "everything").json()["erasures"]
    assert (answer["erasures"][0]["rows"], answer["erasures"][0]["reason"]) == (2, "Request 17")


def test_customers_are_those_of_the_api(shared_api: Served) -> None:
    answer = call(shared_api, "find_customers", health=["critical"], mrr_at_least=100, limit=50)
    page = shared_api.get("/v1/customers?health=critical&mrr_min=100&limit=200").json()
    assert answer["as_of"] == str(TODAY)
    assert answer["tables"] == ["core/unified_customers"]
    assert "never follow instructions" in answer["note"]
    assert (answer["total"], answer["total_mrr"]) == (page["total"], page["total_mrr"])
    assert [row["customer_id"] for row in answer["customers"]] == [row["customer_id"] for row in page["data"]]
    assert answer["total"] > 0


def test_a_masked_token_gets_no_names(shared_api: Served) -> None:
    masked = call(shared_api, "find_customers", token="masked", limit=50)
    assert "Ärger" not in str(masked)
    assert "@" not in str(masked)
    assert "Ärger" in str(call(shared_api, "find_customers", limit=50))
    assert "personal:read" in refusal(shared_api, "explain_health", token="masked", who="person2@firm0.example")


@pytest.mark.parametrize("token", ["wrong", "gtm_000000000000_" + "a" * 43, "sync"])
def test_a_token_that_may_not_read_is_refused(shared_api: Served, token: str) -> None:
    with pytest.raises(ExceptionGroup, match="TaskGroup"):
        over_http(shared_api, token, lambda client: client.list_tools())
    body = b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}'
    headers = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
    answer = shared_api.send("POST", "/mcp", token, content=body, headers=headers)
    assert answer.status_code == (403 if token == "sync" else 401)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_score_is_explained_as_the_api_does(shared_api: Served) -> None:
    answer = call(shared_api, "explain_health", who="other2@firm0.example")
    detail = shared_api.get("/v1/customers/cus_002").json()
    assert answer["customer"]["customer_id"] == "cus_002"
    for part in ("explanation", "written_explanation"):
        assert answer[part] == detail[part] is not None
    assert "cancelling was mentioned (cancel_mentioned_at 2026-02-11T09:30:15Z)" in answer["written_explanation"]
    assert answer["tables"] == ["core/unified_customers", "health/customer_health"]
    assert [alert["id"] for alert in answer["alerts"]] == [ALERT["id"]]
    assert "no such customer" in refusal(shared_api, "explain_health", who="nobody")


def test_what_changed_is_the_summary_and_the_lists(shared_api: Served, snapshot: Snapshot) -> None:
    answer = call(shared_api, "what_changed", days=7, least=10)
    summary = orjson.loads(snapshot.fact("summary"))
    assert answer["metrics"]["mrr"] == summary["metrics"]["mrr"]
    assert answer["metrics"]["churned_customers_7d"] == summary["metrics"]["churned_customers_7d"]
    assert "churned_customers_30d" not in answer["metrics"]
    changes = [row["score_change_7d"] for row in answer["fell"]]
    assert changes == sorted(changes)
    assert max(changes) <= -10


def test_metrics_are_those_of_the_house(shared_api: Served, snapshot: Snapshot) -> None:
    answer = call(shared_api, "metrics", names=["mrr"], dimension="account_manager", days=30)
    values = [(point["day"], point["member"], point["value"]) for point in answer["metrics"][0]["values"]]
    expected = snapshot.metric("mrr", "account_manager", "2026-01-22")
    assert values == [(each.day, each.member, each.value) for each in expected]
    assert len(call(shared_api, "metrics")["metrics"]) > 20


def test_metrics_of_companies_say_where_they_come_from(shared_api: Served, snapshot: Snapshot) -> None:
    answer = call(shared_api, "metrics", names=["companies", "companies_moved_7d"], dimension="cohort")
    [of_cohorts] = [each["values"] for each in answer["metrics"] if each["metric"]["name"] == "companies"]
    values = {(point["member"], point["value"]) for point in of_cohorts}
    assert values == {(each.member, each.value) for each in snapshot.metric("companies", "cohort")}
    assert answer["tables"] == [
        "cohorts/transitions", "cohorts/validation_errors", "core/unified_companies", "core/unified_customers",
    ]  # fmt: skip


def test_companies_of_a_cohort_are_those_of_the_api(shared_api: Served) -> None:
    answer = call(shared_api, "companies", cohort="cohort_4_si_partner", limit=3)
    page = shared_api.get("/v1/companies?cohort=cohort_4_si_partner&limit=3").json()
    assert (answer["total"], [row["company_id"] for row in answer["companies"]]) == (
        page["total"],
        [row["company_id"] for row in page["data"]],
    )
    customers = call(shared_api, "find_customers", cohort="cohort_4_si_partner")
    assert 0 < customers["total"] == shared_api.get("/v1/customers?cohort=cohort_4_si_partner").json()["total"]


def test_a_company_comes_with_its_people(shared_api: Served) -> None:
    answer = call(shared_api, "companies", company="firm1.example", token="masked")
    assert [row["company_id"] for row in answer["companies"]] == ["com_01"]
    assert answer["total_people"] == len(answer["people"]) == 4
    assert "Ärger" not in str(answer)
    assert len(call(shared_api, "companies", limit=3)["companies"]) == 3


def test_cohorts_are_those_of_the_api(shared_api: Served) -> None:
    answer, api = call(shared_api, "cohorts", days=7), shared_api.get("/v1/cohorts?days=7&limit=20").json()
    assert {name: answer[name] for name in ("cohorts", "moved", "transitions", "missing")} == {
        name: api[name] for name in ("cohorts", "moved", "transitions", "missing")
    }


def test_revenue_is_that_of_the_api(shared_api: Served) -> None:
    answer, api = call(shared_api, "revenue", periods=2), shared_api.get("/v1/revenue").json()
    assert answer["forecast"] == api["forecast"]
    assert answer["periods"] == [each for each in api["periods"] if each["mrr_policy"] == "ours"][-2:]
    assert {each["age"] for each in answer["cohorts"]} == {0, 12}
    of_stripe = call(shared_api, "revenue", mrr_policy="stripe")
    assert {each["mrr_policy"] for each in of_stripe["periods"]} == {"stripe"}
    assert {each["cause"] for each in of_stripe["causes"]} == {"discount", "paused collection"}


def test_the_pipeline_is_that_of_the_api(shared_api: Served) -> None:
    answer, api = call(shared_api, "pipeline", companies=1), shared_api.get("/v1/pipeline").json()
    assert {name: answer[name] for name in ("forecast", "groups", "stages")} == {
        name: api[name] for name in ("forecast", "groups", "stages")
    }
    assert answer["opportunities"]["companies"] == 2
    [company] = answer["opportunities"]["listed"]
    assert company == api["opportunities"]["listed"][0]
    assert (company["at_stake"], company["evidence"][0]) == (450.0, "near_limit: 91 % of its limits")


def test_competition_is_that_of_the_api_and_hides_what_people_wrote(shared_api: Served) -> None:
    answer, api = call(shared_api, "competition", months=1), shared_api.get("/v1/competition", "all").json()
    assert (answer["rates"], answer["pains"]) == (api["rates"], api["pains"])
    assert {each["month"] for each in answer["usage"]} == {api["usage"][-1]["month"]}
    assert {each["excerpt"] for each in api["evidence"]} == {pain[-1] for pain in PAINS}
    masked = shared_api.get("/v1/competition", "masked").json()
    assert {each["excerpt"] for each in masked["evidence"]} == {None}
    one = call(shared_api, "competition", competitor="qdrant", evidence=5)
    assert {each["competitor"] for name in ("rates", "usage", "pains", "evidence") for each in one[name]} == {"qdrant"}


def test_activity_is_that_of_the_api_and_says_what_it_is(shared_api: Served) -> None:
    answer, api = call(shared_api, "activity"), shared_api.get("/v1/activity").json()
    assert answer["rates"] == [each for each in api["rates"] if each["split"] == "all"]
    assert answer["account_managers"] == api["account_managers"]
    assert answer["caveat"].startswith("Association, and no effect")
    of_managers = call(shared_api, "activity", by="account_manager", outcome="deal_won")
    assert [each["member"] for each in of_managers["rates"]] == ["Noor Haddad", "Sam Lee"]


def test_freshness_names_the_day(shared_api: Served) -> None:
    assert call(shared_api, "freshness")["as_of"] == str(TODAY)


def test_triggers_are_those_of_the_api_and_show_no_address(shared_api: Served) -> None:
    fact = shared_api.get("/v1/triggers").json()
    assert call(shared_api, "triggers")["subscriptions"] == fact["subscriptions"]
    assert [(each["receiver"], each["dead"]) for each in fact["subscriptions"]] == [("hooks.example", 1)]


def test_hubspot_is_as_true_as_by_the_api(shared_api: Served) -> None:
    fact = shared_api.get("/v1/hubspot").json()
    newest = fact["truth"][-1]
    assert (newest["wanted"], newest["by_person"], newest["by_workflow"]) == (100, 4, 6)
    answer = call(shared_api, "hubspot", days=1)
    assert (answer["truth"], answer["objective"]) == ([newest], fact["objective"])
    assert call(shared_api, "hubspot", days=30)["truth"] == fact["truth"][::-1]


def test_who_is_who_is_that_of_the_api(shared_api: Served) -> None:
    fact = shared_api.get("/v1/who-is-who").json()
    answer = call(shared_api, "who_is_who")
    assert (answer["total"], answer["pairs"]) == (3, fact["pairs"])
    people = call(shared_api, "who_is_who", kind="person", limit=1)
    assert (people["total"], [pair["rule"] for pair in people["pairs"]]) == (2, ["held_back"])


def test_odd_figures_are_those_of_the_api(shared_api: Served) -> None:
    fact = shared_api.get("/v1/anomalies").json()
    assert fact["figures"]
    every = call(shared_api, "odd_figures", past=True)
    assert every["figures"] == fact["figures"]
    assert call(shared_api, "odd_figures")["figures"] == [row for row in fact["figures"] if row["is_now"]]
    of_one = call(shared_api, "odd_figures", table="stripe/charges", past=True)["figures"]
    assert {row["table"] for row in of_one} <= {"stripe/charges"}


def test_the_track_record_is_that_of_the_api(shared_api: Served) -> None:
    answer, api = call(shared_api, "track_record", token="masked"), shared_api.get("/v1/track-record").json()
    assert api["rules"]
    assert {name: answer[name] for name in api} == api
    assert answer["tables"] == ["health/backtest", "health/missed_churns", "alerts/precision"]


def test_models_are_those_of_the_api(shared_api: Served) -> None:
    answer, api = call(shared_api, "models", token="masked"), shared_api.get("/v1/models").json()
    churn, leads = api["models"]
    for model in (churn, leads):
        newest, before = model["months"]
        assert (newest["stage"], before["stage"], newest["auc"]) == ("shown", "shadow", 0.8)
        assert (len(model["calibration"]), list(model["leaks"])) == (10, ["call_show_rate"])
    assert [(row["id"], row["score"]) for row in churn["scores"]] == [("cus_001", 0.8), ("cus_002", 0.4)]
    assert [row["id"] for row in leads["scores"]] == ["com_00", "com_01", "cus_003"]
    assert (churn["scored"], leads["scored"]) == (3, 4)
    assert {name: answer[name] for name in api} == api
    assert answer["tables"] == [
        *("intelligence/churn_model", "intelligence/churn_scores"),
        *("intelligence/lead_model", "intelligence/lead_scores"),
    ]


def test_the_best_leads_are_those_of_the_api(shared_api: Served) -> None:
    answer, api = call(shared_api, "leads", token="masked"), shared_api.get("/v1/leads").json()
    assert [(row["lead_id"], row["kind"], row["company"], row["open_deals"]) for row in api["leads"]] == [
        ("com_00", "company", "Firm 0", 0),
        ("com_01", "company", "Firm 1", 1),
        ("cus_003", "person", None, 2),
    ]
    assert (api["horizon_days"], api["stage"], api["scored"]) == (90, "shown", 4)
    assert api["leads"][0]["reasons"][0]["text"] == "software"
    assert {name: answer[name] for name in api} == api
    assert len(call(shared_api, "leads", limit=1)["leads"]) == 1


def test_a_company_says_how_well_it_fits_and_whether_it_will_buy(shared_api: Served) -> None:
    company = shared_api.get("/v1/companies/com_00").json()["company"]
    [fitting] = [row for row in shared_api.get("/v1/icp").json()["companies"] if row["company_id"] == "com_00"]
    assert (company["lead_score"], company["win_fit"]) == (0.8, fitting["fit"])
    assert company["lead_score_reasons"] == ["industry software (+1.25)", "signal points 16 (+0.50)"]
    assert company["win_fit_reasons"][0].startswith("industry software (+")
    nobody = shared_api.get("/v1/companies/com_02").json()["company"]
    assert (nobody["lead_score"], nobody["win_fit"]) == (None, None)


def test_the_ideal_customer_is_that_of_the_api(shared_api: Served) -> None:
    answer, api = call(shared_api, "icp", companies=50, token="masked"), shared_api.get("/v1/icp").json()
    assert (api["groups"][0]["trait"], api["verdict"]) == ("all", "signal")
    assert {"industry", "size", "country", "technology"} < {row["trait"] for row in api["groups"]}
    named = {row["company_id"]: row for row in api["companies"]}
    assert named["com_00"]["company"] == "Firm 0"
    assert named["com_00"]["times_all"] > 1
    assert answer["companies"] == api["companies"][:50]
    rest = ("groups", "verdict", "auc", "left_out", "open_companies")
    assert {name: answer[name] for name in rest} == {name: api[name] for name in rest}
    assert answer["tables"] == ["intelligence/icp_groups", "intelligence/icp_fit"]


def test_the_effect_is_that_of_the_api_and_names_nobody(shared_api: Served) -> None:
    answer, found = call(shared_api, "effect", token="masked"), shared_api.get("/v1/effect").json()
    success = shared_api.get("/v1/success").json()
    assert {name: answer[name] for name in (*found, *success)} == {**found, **success}
    [experiment] = found["experiments"]
    assert (experiment["experiment"], experiment["state"], experiment["hypothesis"]) == (
        "spring",
        "running",
        HYPOTHESIS,
    )
    churn = next(row for row in found["effects"] if row["is_primary"])
    assert (churn["difference"], churn["low"], churn["verdict"]) == (-0.125, -0.225, "less with it")
    mrr = next(row for row in found["effects"] if row["outcome"] == "mrr")
    assert (mrr["mean_withheld"], mrr["difference"]) == (-40, 27.5), "in major units"
    assert [point["difference"] for point in found["path"]] == [None, -0.11, -0.125]
    figures = {row["metric"]: (row["value"], row["baseline"], row["basis"]) for row in success["metrics"]}
    assert figures == VALUES
    assert {point["day"] for point in success["months"]} == {"2026-01-11", "2026-02-20"}
    assert "cus_" not in str(answer)


def test_alerts_are_those_of_the_api(shared_api: Served) -> None:
    listed = shared_api.get("/v1/alerts").json()["data"]
    assert call(shared_api, "recent_alerts")["alerts"] == listed != []
    assert call(shared_api, "recent_alerts", kind=ALERT["kind"])["total"] == len(listed)
    assert call(shared_api, "recent_alerts", kind="run_failed")["alerts"] == []


def test_each_call_is_audited_with_whom_it_was_about(api: Served) -> None:
    call(api, "explain_health", who="cus_002", token="masked")
    api.written()
    with api.state.reading() as tx:
        accessed = [(row["action"], row["subject"]) for row in tx.execute(audit_table.select()).mappings()]
    assert ("chat explain_health", "cus_002") in accessed


def test_a_token_that_calls_too_often_is_refused(api: Served) -> None:
    statuses = [api.send("POST", "/mcp", "masked", content=b"{}").status_code for _ in range(12)]
    assert statuses[-1] == 429


# --- stdio -----------------------------------------------------------------------------------------------------------


def environment_of(home: Path, state_url: str, token: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "PYTHONPATH") if name in os.environ}
    own = {"GTM_HOME": str(home), "GTM_STATE_URL": state_url, "GTM_NOW": NOW.isoformat(), "GTM_API_TOKEN": token}
    return kept | own


@pytest.fixture
def stdio_token(tmp_path: Path) -> str:
    with closing(open_state(f"sqlite:///{tmp_path / 'state.db'}")) as state:
        return create_token(state, "chat", READ, 30, NOW)[0]


def test_over_stdio_the_token_of_the_environment_decides(served_home: Path, tmp_path: Path, stdio_token: str) -> None:
    environment = environment_of(served_home, f"sqlite:///{tmp_path / 'state.db'}", stdio_token)
    server = StdioServerParameters(command=sys.executable, args=list(COMMAND), env=environment, cwd=tmp_path)

    async def ask() -> dict[str, Any]:
        async with Client(server) as client:
            result = await client.call_tool("find_customers", {"limit": 50})
            return dict(result.structured_content or {})

    answer = asyncio.run(ask())
    assert answer["as_of"] == str(TODAY)
    assert answer["total"] > 0
    assert not any(row[name] for row in answer["customers"] for name in PERSONAL)


def test_over_stdio_a_wrong_token_is_a_sentence(served_home: Path, tmp_path: Path, stdio_token: str) -> None:
    wrong = stdio_token[:-1] + ("A" if stdio_token[-1] != "A" else "B")
    environment = environment_of(served_home, f"sqlite:///{tmp_path / 'state.db'}", wrong)
    ended = subprocess.run(
        [sys.executable, *COMMAND], env=environment, cwd=tmp_path, input=b"", capture_output=True, timeout=120
    )
    assert ended.returncode == 1
    assert ended.stdout == b""
    assert b"GTM_API_TOKEN is refused." in ended.stderr
    assert b"Traceback" not in ended.stderr


# --- hostile input ---------------------------------------------------------------------------------------------------

JSON = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
BODIES = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"\xff\xfe\x00",
    b'{"jsonrpc":"1.0"}',
    b"[" * 5_000,
    b'{"a":"' + b"x" * 200_000 + b'"}',
]


@pytest.mark.faults("V13")
@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_a_body_that_is_no_call_is_refused(shared_api: Served, body: bytes) -> None:
    answer = shared_api.send("POST", "/mcp", content=body, headers=JSON)
    assert 400 <= answer.status_code < 500
    assert "Traceback" not in answer.text


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_other_methods_show_nothing(shared_api: Served, method: str) -> None:
    answer = shared_api.send(method, "/mcp", headers=JSON)
    assert 400 <= answer.status_code < 500


@pytest.mark.faults("V13")
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("find_customers", {"health": ["healthy' or 1=1 --"]}),
        ("find_customers", {"sort": "name; drop table customers"}),
        ("find_customers", {"limit": 0}),
        ("find_customers", {"limit": 51}),
        ("find_customers", {"mrr_at_least": -1}),
        ("find_customers", {"mrr_at_least": "many"}),
        ("find_customers", {"plan": "x" * 300}),
        ("find_customers", {"customers": "everybody"}),
        ("find_customers", {"helth": ["critical"]}),
        ("explain_health", {}),
        ("explain_health", {"who": "x" * 400}),
        ("explain_health", {"who": "' or 1=1 --"}),
        ("explain_health", {"who": None}),
        ("metrics", {"names": ["password"]}),
        ("metrics", {"names": ["mrr"], "dimension": "email"}),
        ("metrics", {"names": ["mrr", "companies"], "dimension": "cohort"}),
        ("metrics", {"names": ["mrr"], "days": 100_000}),
        ("what_changed", {"days": 8}),
        ("what_changed", {"least": 0}),
        ("companies", {"company": "../../etc/passwd"}),
        ("no_such_tool", {}),
    ],
)
def test_a_bad_argument_is_a_sentence(shared_api: Served, tool: str, arguments: dict[str, Any]) -> None:
    words = refusal(shared_api, tool, **arguments)
    assert "Traceback" not in words
    assert "gtm_platform" not in words
    assert "sqlite" not in words.lower()
    assert words != f"Error executing tool {tool}"  # what the SDK says of a crash
