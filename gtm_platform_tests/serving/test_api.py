"""The API over a real socket: answers by their models, masks, pages, entity tags, tokens, limits, audit, swap."""

import json
import os
import re
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from gtm_platform.lake.lake import Lake
from gtm_platform.serving.answers.actions import ActionsAnswer
from gtm_platform.serving.answers.canaries import CanariesAnswer
from gtm_platform.serving.answers.hooks import HooksAnswer
from gtm_platform.serving.api import models
from gtm_platform.serving.api.endpoints import (
    activity,
    changes,
    cohorts,
    competition,
    effect,
    icp,
    operations,
    revenue,
    triggers,
    who_is_who,
)
from gtm_platform.serving.api.endpoints import models as model_endpoints
from gtm_platform.serving.api.endpoints.sync import SyncAnswer
from gtm_platform.serving.metrics import discover
from gtm_platform.serving.snapshot.build import build
from gtm_platform.serving.snapshot.layout import SHOWN
from gtm_platform.serving.tokens import create_token
from gtm_platform.state import api_tokens, audit
from gtm_platform.state.schema import audit as audit_table
from gtm_platform_tests.serving.server import NOW, Served, serving
from gtm_platform_tests.serving.world import PEOPLE, TODAY, landing, person

DESCRIPTION = Path(__file__).parents[2] / "docs" / "openapi.json"
CURRENT = [row for row in (person(i, TODAY) for i in range(PEOPLE)) if row["is_customer"]]
PERSONAL = {name for name, column in SHOWN.items() if column.personal}

OF_NOW: dict[str, type[BaseModel]] = {  # of no snapshot
    "/v1/actions": ActionsAnswer,
    "/v1/canaries": CanariesAnswer,
    "/v1/hooks": HooksAnswer,
}
COMPARED_ELSEWHERE = {"/v1/audit", "/v1/erasure", "/v1/erasure/5f0c9a2b11d4"}  # test_audit.py, test_erasure_endpoint.py
ANSWERS: dict[str, type[BaseModel]] = {
    "/v1/customers": models.CustomerPage,
    "/v1/customers?customers=all&limit=200": models.CustomerPage,
    "/v1/at-risk?account_manager=Sam%20Lee": models.CustomerPage,
    "/v1/customers/cus_002": models.CustomerDetail,
    "/v1/customers/cus_000": models.CustomerDetail,
    "/v1/customers/cus_002/timeline": models.CustomerTimeline,
    "/v1/customers/cus_004/timeline?kind=alert&limit=5": models.CustomerTimeline,
    "/v1/changes": changes.ChangesAnswer,
    "/v1/changes?days=30&account_manager=Sam%20Lee&least=1&limit=3": changes.ChangesAnswer,
    "/v1/churned": changes.ChurnedCustomers,
    "/v1/churned?days=7&account_manager=": changes.ChurnedCustomers,
    "/v1/account-managers": changes.AccountManagers,
    "/v1/companies": models.CompanyPage,
    "/v1/companies?cohort=cohort_2_in_market&sort=priority": models.CompanyPage,
    "/v1/companies/com_01": models.CompanyDetail,
    "/v1/companies/com_03": models.CompanyDetail,
    "/v1/cohorts?days=90": cohorts.Cohorts,
    "/v1/revenue": revenue.Revenue,
    "/v1/pipeline": revenue.Pipeline,
    "/v1/competition": competition.Competition,
    "/v1/activity": activity.Activity,
    "/v1/summary": models.Summary,
    "/v1/metrics": models.MetricList,
    "/v1/metrics/mrr?dimension=plan": models.MetricSeries,
    "/v1/metrics/net_revenue_retention_7d": models.MetricSeries,
    "/v1/metrics/companies?dimension=cohort": models.MetricSeries,
    "/v1/hubspot": operations.HubSpotFields,
    "/v1/triggers": triggers.Triggers,
    "/v1/who-is-who": who_is_who.WhoIsWhoPairs,
    "/v1/freshness": operations.Freshness,
    "/v1/anomalies": models.OddFigures,
    "/v1/schema-changes": models.SchemaChanges,
    "/v1/track-record": operations.TrackRecord,
    "/v1/models": model_endpoints.Models,
    "/v1/icp": icp.Icp,
    "/v1/leads": icp.Leads,
    "/v1/effect": effect.Effect,
    "/v1/success": effect.Success,
    "/v1/alerts": models.AlertPage,
    "/v1/sync-runs": models.RunPage,
}


@pytest.mark.parametrize("token", ["masked", "all"])
@pytest.mark.parametrize("path", list(ANSWERS))
def test_answers_are_what_the_description_says(path: str, token: str, shared_api: Served) -> None:
    answer = shared_api.get(path, token)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    ANSWERS[path].model_validate(answer.json())
    assert answer.json()["as_of"] == str(TODAY)


@pytest.mark.parametrize("path", list(OF_NOW))
def test_what_is_as_it_is_now_is_kept_by_nobody(path: str, shared_api: Served) -> None:
    answer = shared_api.get(path, "masked")
    assert OF_NOW[path].model_validate_json(answer.text).model_dump(mode="json") == answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert shared_api.get(path, None).status_code == 401


def test_every_address_has_an_answer_to_compare(shared_api: Served) -> None:
    described = shared_api.get("/openapi.json", None).json()["paths"]
    patterns = [re.sub(r"\\{\w+\\}", r"[^/]+", re.escape(path)) for path, ways in described.items() if "get" in ways]
    compared = {path.partition("?")[0] for path in ANSWERS} | OF_NOW.keys() | COMPARED_ELSEWHERE
    assert [pattern for pattern in patterns if not any(re.fullmatch(pattern, path) for path in compared)] == []


def test_the_description_is_the_one_agreed_on(shared_api: Served) -> None:
    described = json.dumps(shared_api.get("/openapi.json", None).json(), indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("GTM_ACCEPT"):
        DESCRIPTION.write_text(described)
    assert described.splitlines() == DESCRIPTION.read_text().splitlines()


@pytest.mark.parametrize(
    "path", ["/v1/customers?customers=all&limit=200", "/v1/customers/cus_002", "/v1/companies/com_03"]
)
def test_personal_columns_need_their_scope(path: str, shared_api: Served) -> None:
    masked, full = shared_api.get(path, "masked"), shared_api.get(path)
    assert "Person" in full.text
    assert "Person" not in masked.text
    assert "person2@" not in masked.text
    assert not any(f'"{name}":' in masked.text for name in PERSONAL - {"name"})  # companies have a name, too


def test_an_address_needs_the_scope_of_what_is_personal(shared_api: Served) -> None:
    assert shared_api.get("/v1/customers/person12@firm3.example", "masked").status_code == 403
    answer = shared_api.get("/v1/customers/Person12@firm3.example")
    assert answer.json()["customer"]["customer_id"] == "cus_012"
    assert shared_api.get("/v1/customers?fields=name", "masked").status_code == 403


def test_companies_of_a_cohort_and_how_one_came_there(shared_api: Served) -> None:
    page = shared_api.get("/v1/companies?cohort=cohort_4_si_partner&sort=priority&limit=2").json()
    assert (page["total"], [row["company_id"] for row in page["data"]]) == (4, ["com_13", "com_09"])
    second = shared_api.get(f"/v1/companies?cohort=cohort_4_si_partner&sort=priority&cursor={page['next_cursor']}")
    assert [row["company_id"] for row in second.json()["data"]] == ["com_05", "com_01"]
    assert [each["trigger"] for each in shared_api.get("/v1/companies/com_01").json()["transitions"]] == [
        "Became a partner"
    ]
    assert shared_api.get("/v1/cohorts").json()["moved"] == {
        "Came back": 2,
        "Became a partner": 1,
        "Fell dormant": 1,
        "In-market converted": 1,
        "Nothing speaks for it any more": 1,
    }
    assert "They told" not in shared_api.get("/v1/companies/com_01").text


def test_filters_and_fields(shared_api: Served) -> None:
    path = "/v1/customers?health=critical&health=high_risk&mrr_min=100&fields=customer_id,mrr_reporting,name&sort=mrr"
    answer = shared_api.get(path).json()
    expected = [row for row in CURRENT if row["health_score"] < 50 and (row["mrr_reporting"] or 0) >= 100]
    assert expected
    assert answer["total"] == len(expected)
    assert answer["data"] == sorted(
        (
            {"customer_id": row["customer_id"], "mrr_reporting": float(row["mrr_reporting"]), "name": row["name"]}
            for row in expected
        ),
        key=lambda row: (row["mrr_reporting"], row["customer_id"]),
    )


@pytest.mark.parametrize(("path", "count"), [("/v1/customers?customers=all", PEOPLE), ("/v1/companies?limit=4", 15)])
def test_pages_have_everything_once(path: str, count: int, shared_api: Served) -> None:
    rows: list[Any] = []
    cursor = ""
    while cursor is not None:
        separator = "&" if "?" in path else "?"
        page = shared_api.get(f"{path}{separator}cursor={cursor}" if cursor else path).json()
        rows += page["data"]
        cursor = page["next_cursor"]
    ids = [row.get("customer_id") or row["company_id"] for row in rows]
    assert len(ids) == len(set(ids)) == count


def test_at_risk_is_who_is_not_healthy(shared_api: Served) -> None:
    page = shared_api.get("/v1/at-risk?limit=200").json()
    expected = {row["customer_id"] for row in CURRENT if row["health_status"] != "healthy"}
    assert {row["customer_id"] for row in page["data"]} == expected
    [at_risk] = shared_api.get(f"/v1/metrics/at_risk?since={TODAY}").json()["data"]
    summary = shared_api.get("/v1/summary").json()["metrics"]
    assert page["total"] == at_risk["value"] == summary["at_risk"]["value"]
    assert page["total_mrr"] == pytest.approx(summary["mrr_at_risk"]["value"])


def test_metrics_by_day_and_member(shared_api: Served) -> None:
    assert [row["name"] for row in shared_api.get("/v1/metrics").json()["data"]] == list(discover())
    of_nobody = shared_api.get(f"/v1/metrics/customers?dimension=account_manager&member=&since={TODAY}").json()["data"]
    assert of_nobody == [
        {"day": str(TODAY), "member": None, "value": sum(row["assigned_am"] is None for row in CURRENT)}
    ]


def test_what_did_not_change_is_not_sent_again(shared_api: Served) -> None:
    first = shared_api.get("/v1/customers")
    tag = first.headers["etag"]
    again = shared_api.get("/v1/customers", **{"if-none-match": f'"other", W/{tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert shared_api.get("/v1/customers?limit=3").headers["etag"] != tag
    assert shared_api.get("/v1/customers", "masked", **{"if-none-match": tag}).status_code == 200


@pytest.mark.faults("V4")
def test_a_token_that_cannot_be_used(api: Served) -> None:
    for token in (None, "gtm_", "gtm_000000000000_" + "a" * 43, api.tokens["all"][:-1] + "%"):
        answer = api.get("/v1/summary", token)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    assert api.get("/v1/summary", "sync").status_code == 403
    assert api.get("/v1/summary").status_code == 200
    api.time.pass_by(31 * 86400)
    assert api.get("/v1/summary").status_code == 401


@pytest.mark.faults("V4")
def test_a_revoked_token_is_refused_within_half_a_minute(api: Served) -> None:
    assert api.get("/v1/summary").status_code == 200
    with api.state.writing() as tx:
        assert api_tokens.revoke_token(tx, api.tokens["all"].split("_")[1], NOW)
    api.time.pass_by(31)
    assert api.get("/v1/summary").status_code == 401


@pytest.mark.faults("V4")
def test_the_state_holds_no_token(api: Served, tmp_path: Path) -> None:
    content = (tmp_path / "state.db").read_bytes() + (tmp_path / "state.db-wal").read_bytes()
    for token in api.tokens.values():
        assert token.split("_", 2)[2].encode() not in content
    with pytest.raises(ValueError, match="no scope admin"):
        create_token(api.state, "x", ["admin"], 3, NOW)


def test_a_token_has_its_own_rate(api: Served) -> None:
    answers = [api.get("/v1/summary") for _ in range(12)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429] * 2
    assert answers[-1].headers["retry-after"] == "1"
    assert api.get("/v1/summary", "masked").status_code == 200
    api.time.pass_by(1)
    assert [api.get("/v1/summary").status_code for _ in range(6)] == [200] * 5 + [429]


def test_each_access_is_audited_without_an_address(api: Served) -> None:
    api.get("/v1/customers/person12@firm3.example")
    api.get("/v1/customers/nobody@firm3.example")
    api.get("/v1/customers?account_manager=Secret%20Name", "masked")
    api.get("/v1/summary", "sync")
    api.get("/v1/summary", None)
    api.written()
    with api.state.reading() as tx:
        rows = [row for row in tx.execute(audit_table.select()).mappings() if row["actor"].startswith("token")]
    accessed = [(row["action"], row["subject"], row["detail"]["status"], row["detail"]["personal"]) for row in rows]
    assert accessed == [
        ("GET /v1/customers/{who}", "cus_012", 200, True),
        ("GET /v1/customers/{who}", "", 404, True),
        ("GET /v1/customers", "", 200, False),
        ("GET /v1/summary", "", 403, False),
    ]
    assert "@" not in str(rows)
    assert "Secret" not in str(rows)


def test_what_is_queued_is_written_when_it_ends(served_home: Path, tmp_path: Path) -> None:
    with serving(served_home / "serving", tmp_path / "state.db") as served:
        served.get("/v1/summary")
        state = served.state
    with state.reading() as tx:
        assert len(audit.entries(tx, "GET /v1/summary")) == 1
    state.close()


def sync(api: Served, key: str = "a-new-key", token: str = "everything", **body: Any) -> Any:
    body = body or {"source": "stripe"}
    return api.send("POST", "/v1/sync", token, json=body, headers={"idempotency-key": key})


def test_a_key_launches_one_run(api: Served) -> None:
    first = sync(api)
    assert first.status_code == 202
    SyncAnswer.model_validate(first.json())
    again = sync(api)
    assert again.json() == {**first.json(), "status": "started"}
    assert api.runs.launched == {first.json()["run_id"]: "stripe"}
    assert sync(api, source="intercom").status_code == 422
    assert sync(api, "another-key", source="intercom").status_code == 202
    with api.state.reading() as tx:
        launched = audit.entries(tx, "sync launched")
    assert [row["subject"] for row in launched] == list(api.runs.launched)


def test_a_source_that_is_being_read_is_not_read_again(api: Served) -> None:
    api.runs.running = models_run()
    refused = sync(api)
    assert refused.status_code == 409
    assert "run-1" in refused.json()["detail"]
    api.runs.running = None
    assert sync(api).status_code == 202  # the key was not used up


def models_run() -> Any:
    from gtm_platform.serving.api.syncs import RunState

    return RunState("run-1", "started")


def test_a_run_that_cannot_be_launched(api: Served) -> None:
    api.runs.fails = True
    assert sync(api).status_code == 503
    api.runs.fails = False
    assert sync(api).status_code == 202


@pytest.mark.parametrize(
    ("token", "key", "body", "status"),
    [
        ("all", "a-new-key", {"source": "stripe"}, 403),
        ("everything", "short", {"source": "stripe"}, 422),
        ("everything", "a-new-key", {"source": "passwd"}, 422),
        ("everything", "a-new-key", {"source": "stripe", "extra": 1}, 422),
    ],
)
def test_a_sync_that_is_refused(token: str, key: str, body: dict[str, Any], status: int, api: Served) -> None:
    assert sync(api, key, token, **body).status_code == status
    assert not api.runs.launched


@pytest.mark.soak
def test_an_answer_is_never_of_two_snapshots(served_lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "serving"
    build(landing(served_lake), folder)
    with serving(folder, tmp_path / "state.db") as served:
        failures: list[str] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                answer = served.get("/v1/customers?limit=200")
                if answer.status_code != 200 or answer.json()["total"] != len(answer.json()["data"]):
                    failures.append(answer.text[:200])

        readers = [threading.Thread(target=read) for _ in range(3)]
        for reader in readers:
            reader.start()
        stamps = set()
        for _ in range(6):
            build(landing(served_lake), folder)
            served.time.pass_by(2)
            stamps.add(served.get("/v1/summary").headers["etag"][1:21])
        done.set()
        for reader in readers:
            reader.join()
    assert failures == []
    assert len(stamps) == 6


def test_without_a_snapshot_it_says_so(tmp_path: Path) -> None:
    with serving(tmp_path / "serving", tmp_path / "state.db") as served:
        answer = served.get("/v1/summary")
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"
        assert served.get("/healthz", None).status_code == 503


def test_tokens_expire_after_the_days_asked_for(api: Served) -> None:
    with api.state.reading() as tx:
        assert {token.expires_at - token.created_at for token in api_tokens.all_tokens(tx)} == {timedelta(days=30)}


def test_what_cannot_be_audited_yet_is_kept(api: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    log = api.app.state.api.log
    monkeypatch.setattr(type(log), "_write", lambda *_: (_ for _ in ()).throw(RuntimeError("full")))
    log.add("token x", "GET /v1/summary", "")
    with pytest.raises(RuntimeError, match="full"):
        log.write()
    monkeypatch.undo()
    log.add("token x", "GET /v1/alerts", "")
    assert log.write() == 2
