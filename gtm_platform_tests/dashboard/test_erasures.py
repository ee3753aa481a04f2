"""The page of erasures: who may see and do what, a plan that is confirmed by its id, and the receipt."""

import json
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from subprocess import Popen
from typing import IO, Any

import pytest
from streamlit.testing.v1 import AppTest

from gtm_platform.serving import erasure_process
from gtm_platform.serving.answers.erasures import receipt_here
from gtm_platform.serving.erasure_process import ErasureRefused
from gtm_platform.serving.viewer import actor_of
from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.erasures import DONE, PLANNED, Erasure, add_erasure, change_erasure
from gtm_platform_tests.dashboard.conftest import Open
from gtm_platform_tests.dashboard.test_role_pages import everything, open_as  # noqa: F401  a fixture

WAITING, FINISHED = "5f0c9a2b11d4", "0123456789ab"
PERSON, ACTOR = "jane@firm.example", actor_of("dan@acme.com")
PLAN = {
    "lake": {"hubspot/contacts": {"rows": 2, "changed": 1, "old_files": 0}},
    "state": {"audit": 4},
    "files": {"reports": 3},
    "systems": {"hubspot": 2},
    "outside": {"hubspot": "2 records stay: erase_in of the policy does not name it"},
}
RECEIPT = {"erasure": FINISHED, "others_must": ["Delete backups until 2026-05-01."], "signature": "abc"}


@pytest.fixture(autouse=True)
def erasures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state of its own, as the home is that of all pages."""
    monkeypatch.setenv("GTM_STATE_URL", f"sqlite:///{tmp_path / 'state.db'}")
    settings.cache_clear()
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        for number, id in enumerate((WAITING, FINISHED)):
            at = datetime(2026, 3, 1, number, tzinfo=UTC)
            add_erasure(tx, Erasure(id, PLANNED, "Request 17", "user ops", at, PLAN, b"sealed"))
        change_erasure(tx, FINISHED, status=DONE, sealed=None, finished_at=at, receipt=RECEIPT)


def button(app: AppTest, label: str) -> Any:
    return next(each for each in app.button if each.label == label)


def typed(app: AppTest, label: str) -> Any:
    return next(each for each in app.text_input if each.label.startswith(label))


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What the page has processes do."""
    calls: list[tuple[str, ...]] = []

    def plan(person: str, reason: str, who: str) -> str:
        if "eve" in person:
            raise ErasureRefused("Nothing in this home names whoever is meant, and so there is nothing to erase.")
        calls.append(("plan", person, reason, who))
        return WAITING

    def launch(id: str, who: str) -> None:
        calls.append(("launch", id, who))

    monkeypatch.setattr(erasure_process, "plan", plan)
    monkeypatch.setattr(erasure_process, "launch", launch)
    return calls


def test_a_plan_is_made_confirmed_by_its_id_and_its_receipt_is_there(
    request: pytest.FixtureRequest, requests: list[tuple[str, ...]]
) -> None:
    app = request.getfixturevalue("open_as")("dan@acme.com", "erasures")
    text = everything(app)
    for part in ("hubspot/contacts", "state: audit", "files: reports", "Request 17", "erase_in of the policy"):
        assert part in text
    [listed] = [frame.value for frame in app.dataframe if "requested" in frame.value]
    assert list(zip(listed["id"], listed["rows"], listed["files"], strict=True)) == [(FINISHED, 7, 3), (WAITING, 7, 3)]
    assert "Delete backups until 2026-05-01." in text
    assert json.loads(receipt_here(FINISHED)) == RECEIPT

    typed(app, "Person").input(PERSON)
    typed(app, "Reason").input("Request 18")
    button(app, "Make a plan").click().run()
    assert requests == [("plan", PERSON, "Request 18", ACTOR)]
    assert PERSON not in everything(app)

    typed(app, "To erase").input(FINISHED)
    button(app, "Erase for good").click().run()
    assert len(requests) == 1, "another id erases nobody"
    assert "Nothing was erased" in everything(app)
    typed(app, "To erase").input(WAITING)
    button(app, "Erase for good").click().run()
    assert requests[1:] == [("launch", WAITING, ACTOR)]
    assert f"Erasure {WAITING} was handed on" in everything(app)

    typed(app, "Person").input("eve@x.example")
    typed(app, "Reason").input("Request 19")
    button(app, "Make a plan").click().run()
    assert next(error.value for error in app.error).startswith("Nothing in this home names")
    typed(app, "Person").input(PERSON)
    button(app, "Make a plan").click().run()
    assert len(requests) == 2, "without a reason there is no plan"


def test_why_it_failed_is_on_the_page(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = "A run is at work: wait for it.\\n(GTM_TRACEBACK=1 shows where.)"
    script = f"import sys; sys.stdin.readline(); sys.exit('{printed}')"
    monkeypatch.setattr(erasure_process, "COMMAND", [sys.executable, "-c", script])
    launched: dict[str, tuple[Popen[str], IO[bytes]]] = {}
    monkeypatch.setattr(erasure_process, "_launched", launched)
    assert erasure_process.launch(WAITING, ACTOR).wait(60) == 1
    with launched[WAITING][1]:
        app = request.getfixturevalue("open_as")("dan@acme.com", "erasures")
    assert [error.value for error in app.error] == ["A run is at work: wait for it."]
    assert [each.label for each in app.button if each.label == "Erase for good"], "it can be tried again"


def test_where_nobody_signs_in_it_is_read_only(open_page: Open) -> None:
    app = open_page("erasures")
    assert "Request 17" in everything(app)
    assert "gtm erase" in everything(app)
    assert [each.label for each in app.text_input if each.label in ("Person", "Reason")] == []
    assert not [each for each in app.button if each.label in ("Make a plan", "Erase for good")]


def test_who_has_no_operations_has_no_such_page(request: pytest.FixtureRequest) -> None:
    text = everything(request.getfixturevalue("open_as")("ann@acme.com", "erasures"))
    assert "Request 17" not in text
    assert WAITING not in text


def test_whom_it_is_about_is_in_no_argument_of_a_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What others see of a process are its arguments; a request goes by stdin."""
    noted = tmp_path / "noted"
    script = f"import sys; r = sys.stdin.readline(); open({str(noted)!r}, 'w').write(repr(sys.argv) + r); "
    monkeypatch.setattr(erasure_process, "COMMAND", [sys.executable, "-c", script + f"print({WAITING!r})"])
    assert erasure_process.plan(PERSON, "Request 18", ACTOR) == WAITING
    arguments, request = noted.read_text().split("]", 1)
    assert PERSON not in arguments
    assert json.loads(request) == {"person": PERSON, "reason": "Request 18", "who": ACTOR}
    monkeypatch.setattr(erasure_process, "COMMAND", [sys.executable, "-c", "raise SystemExit('Error: Nobody.')"])
    with pytest.raises(ErasureRefused, match=r"^Nobody\.$"):
        erasure_process.plan(PERSON, "Request 18", ACTOR)
