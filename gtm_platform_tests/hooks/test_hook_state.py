"""What is shown of webhooks, and what the data team hears of them."""

import json
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from gtm_platform.automation.ops_notifications import SENSORS
from gtm_platform.cli import gtm
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.serving.answers.hooks import HooksAnswer, hooks_now
from gtm_platform.settings import settings
from gtm_platform.state import State, open_state
from gtm_platform.state.hook_events import count
from gtm_platform_tests.automation.ops_room import OpsRoom, ops_room
from gtm_platform_tests.hooks.conftest import Receiver
from gtm_platform_tests.hooks.senders import BY_NAME

[SENSOR] = [sensor for sensor in SENSORS if sensor.name == "report_hooks"]
NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


@pytest.fixture
def state(tmp_path: Path, switched_on: None) -> Iterator[State]:  # noqa: ARG001
    with closing(open_state(f"sqlite:///{tmp_path / 'state.db'}")) as state:
        yield state


def came(state: State, *days_ago: float, outcome: str = "accepted", number: int = 1, now: datetime = NOW) -> None:
    with state.writing() as tx:
        for days in days_ago:
            count(tx, {("stripe", outcome): number}, now - timedelta(days=days))


def trouble(state: State, now: datetime = NOW) -> str:
    return next(hook for hook in hooks_now(state, now) if hook.name == "stripe").trouble


def test_silence_is_judged_by_what_was_usual(state: State) -> None:
    came(state, 9, 8)
    assert trouble(state) == "", "of two days nothing is known"
    came(state, 7)
    assert trouble(state) == "silent"
    came(state, 3)
    assert trouble(state) == "", "four days of silence were usual"
    assert trouble(state, NOW + timedelta(days=4)) == ""
    assert trouble(state, NOW + timedelta(days=6)) == "silent"


def test_a_day_on_which_all_is_refused_is_wrong_and_some_refusals_are_not(state: State) -> None:
    came(state, 0.1, outcome="bad_signature", number=4)
    assert trouble(state) == "", "anybody can send a few"
    came(state, 0.05, outcome="too_old", number=1)
    assert trouble(state) == "refused"
    came(state, 0)
    assert trouble(state) == ""


def test_the_endpoint_shows_each_hook_as_it_is_now(receiver: Receiver) -> None:
    receiver.send(BY_NAME["stripe"])
    receiver.send(BY_NAME["stripe"], secret="another")
    receiver.counts()
    answer = receiver.served.get("/v1/hooks", "masked")
    hooks = {hook.name: hook for hook in HooksAnswer.model_validate_json(answer.text).hooks}
    stripe = hooks["stripe"]
    assert (stripe.accepted, stripe.waiting, stripe.refusals) == (1, 1, {"bad_signature": 1})
    assert stripe.last_event_at == receiver.now.replace(microsecond=0)
    assert "another" not in answer.text
    assert receiver.served.get("/v1/hooks", None).status_code == 401


def test_the_command_says_what_came_and_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GTM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_hidden")
    settings.cache_clear()
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        count(tx, {("stripe", "accepted"): 3, ("stripe", "bad_signature"): 1}, settings().now())
    listed = CliRunner().invoke(gtm, ["hooks", "--home", str(tmp_path / "home")])
    assert listed.exit_code == 0, listed.output
    lines = {line.split()[0]: line for line in listed.output.splitlines() if line.strip()}
    assert lines["stripe"].split()[1] == "on"
    assert lines["stripe"].split()[4:] == ["3", "1", "0", "stripe"]
    assert "Off: set SLACK_SIGNING_SECRET." in listed.output
    shown = CliRunner().invoke(gtm, ["hooks", "--home", str(tmp_path / "home"), "show", "stripe"])
    assert "http://127.0.0.1:8000/webhooks/stripe" in shown.output
    assert "Developers → Webhooks" in shown.output
    assert "1 in 14 days: signed with another secret" in shown.output
    assert "whsec_hidden" not in listed.output + shown.output
    unknown = CliRunner().invoke(gtm, ["hooks", "--home", str(tmp_path / "home"), "show", "nothing"])
    assert unknown.exit_code == 1
    key = CliRunner().invoke(gtm, ["hooks", "--home", str(tmp_path / "home"), "key"]).stdout.strip().splitlines()[-1]
    assert len(key) == 44


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with running(people=5) as box:
        yield box


@pytest.fixture
def room(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpsRoom]:
    with ops_room(box, tmp_path, monkeypatch) as room:
        monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_1")
        settings.cache_clear()
        yield room
        room.control.go_right()


def test_a_hook_that_stops_or_is_refused_is_in_slack_once_and_so_is_its_end(room: OpsRoom) -> None:
    now = settings().now()
    with closing(open_state(settings().state_url)) as state:
        assert room.tick(SENSOR) == "0 new, 0 sent, 0 waiting"
        came(state, 12, 11, 10, 9, now=now)
        assert room.tick(SENSOR) == "1 new, 1 sent, 0 waiting"
        assert room.tick(SENSOR) == "0 new, 0 sent, 0 waiting"
        came(state, 0, now=now)
        assert room.tick(SENSOR) == "1 new, 1 sent, 0 waiting"
    stopped, again = room.box.world.slack.messages[-2:]
    assert room.heading(stopped.blocks) == "Webhooks have stopped: Stripe"
    assert "gtm hooks" in json.dumps(stopped.blocks)
    assert room.heading(again.blocks) == "Webhooks come again: Stripe"
