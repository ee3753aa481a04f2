"""`/v1/erasure`: a plan that names nobody, confirmed apart; only with its scope."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from gtm_platform.privacy.person import Nobody
from gtm_platform.serving.answers.erasures import ErasuresAnswer
from gtm_platform.serving.api.endpoints.erasure import ErasureAnswer
from gtm_platform.state import State
from gtm_platform.state.erasures import DONE, PLANNED, Erasure, add_erasure, change_erasure
from gtm_platform_tests.serving.server import Served

BODY = {"person": "jane@firm.example", "reason": "Request 17"}
PLAN = "5f0c9a2b11d4"


@dataclass
class NotedErasures:
    """Plans that the API asks for, and what it launches."""

    state: State
    launched: list[str] = field(default_factory=list)

    def plan(self, person: str, reason: str, who: str) -> Erasure:
        if person != BODY["person"]:
            raise Nobody(f"Nobody is called {person}.")
        plan = {"lake": {"hubspot/contacts": {"rows": 1}}, "systems": {"hubspot": 1}}
        erasure = Erasure(PLAN, PLANNED, reason, who, datetime(2026, 3, 1, tzinfo=UTC), plan, b"sealed")
        with self.state.writing() as tx:
            add_erasure(tx, erasure)
        return erasure

    def launch(self, plan_id: str) -> None:
        self.launched.append(plan_id)


@pytest.fixture
def noted(api: Served) -> NotedErasures:
    noted = NotedErasures(api.state)
    object.__setattr__(api.app.state.api, "erasures", noted)
    return noted


def test_a_plan_is_confirmed_and_then_done(api: Served, noted: NotedErasures) -> None:
    planned = api.send("POST", "/v1/erasure", "everything", json=BODY)
    assert planned.status_code == 201
    assert ErasureAnswer.model_validate(planned.json()).status == "planned"
    assert "jane" not in planned.text
    assert noted.launched == []
    assert api.send("POST", f"/v1/erasure/{PLAN}", "everything").status_code == 202
    assert noted.launched == [PLAN]
    with api.state.writing() as tx:
        change_erasure(tx, PLAN, status=DONE, sealed=None, receipt={"signature": "s"})
    answer = api.get(f"/v1/erasure/{PLAN}", "everything").json()
    assert (answer["status"], answer["receipt"]) == ("done", {"signature": "s"})
    api.send("POST", f"/v1/erasure/{PLAN}", "everything")
    assert noted.launched == [PLAN], "what is done is not done again"


@pytest.mark.parametrize("token", ["all", "sync", "masked"])
def test_it_needs_its_scope(api: Served, noted: NotedErasures, token: str) -> None:
    assert api.send("POST", "/v1/erasure", token, json=BODY).status_code == 403
    assert api.send("POST", f"/v1/erasure/{PLAN}", token).status_code == 403
    assert api.get(f"/v1/erasure/{PLAN}", token).status_code == 403
    assert noted.launched == []


def test_who_is_unknown_is_not_repeated(api: Served, noted: NotedErasures) -> None:
    answer = api.send("POST", "/v1/erasure", "everything", json={**BODY, "person": "eve@x.example"})
    assert answer.status_code == 404
    assert "eve" not in answer.text
    assert api.send("POST", "/v1/erasure", "everything", json={"person": "eve@x.example"}).status_code == 422
    assert api.send("POST", "/v1/erasure/unknown", "everything").status_code == 404
    assert noted.launched == []


def test_a_server_without_erasures_says_so(api: Served) -> None:
    assert api.send("POST", "/v1/erasure", "everything", json=BODY).status_code == 503


def test_all_are_listed_and_none_is_named(api: Served, noted: NotedErasures) -> None:
    assert ErasuresAnswer.model_validate(api.get("/v1/erasure", "everything").json()).open == 0
    api.send("POST", "/v1/erasure", "everything", json=BODY)
    answer = api.get("/v1/erasure", "everything")
    listed = ErasuresAnswer.model_validate(answer.json())
    [erasure] = listed.erasures
    assert (listed.open, erasure.id, erasure.status, erasure.rows, erasure.systems) == (
        1,
        PLAN,
        "planned",
        1,
        {"hubspot": 1},
    )
    assert "jane" not in answer.text
    with noted.state.writing() as tx:
        receipt = {"signature": "s", "others_must": ["Delete backups."]}
        change_erasure(tx, PLAN, status=DONE, sealed=None, receipt=receipt)
    done = ErasuresAnswer.model_validate(api.get("/v1/erasure", "everything").json())
    assert (done.open, done.erasures[0].others_must, done.erasures[0].signature) == (0, ["Delete backups."], "s")
    for token in ("all", "sync", "masked"):
        assert api.get("/v1/erasure", token).status_code == 403
