"""Canaries are made once, whatever fails between, and taken away; each stage is judged by its own time."""

from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gtm_platform.automation.canary_turns import read_canary_turns
from gtm_platform.cli import gtm
from gtm_platform.delivery.alerts.kinds import canary_late
from gtm_platform.delivery.canaries import asset as asset_module
from gtm_platform.delivery.canaries.asset import live
from gtm_platform.delivery.canaries.life import bear, end_now
from gtm_platform.delivery.canaries.stages import STAGES, failing, stages_now
from gtm_platform.delivery.canaries.systems import PAYS
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import Canaries, policy
from gtm_platform.sandbox.hubspot.store import HubSpotStore
from gtm_platform.sandbox.intercom.store import IntercomStore
from gtm_platform.serving.answers import canaries as answers
from gtm_platform.serving.answers.canaries import canaries_now
from gtm_platform.settings import settings
from gtm_platform.state import State, audit, open_state
from gtm_platform.state.canaries import Sighting, change, every_act, sight
from gtm_platform_tests.delivery.two_systems import both_written
from gtm_platform_tests.delivery.world import Watched

MORNING = datetime(2026, 11, 20, 8, tzinfo=UTC)
RULES = Canaries(domains=("canaries.acme.example",))


@dataclass
class Room:
    portal: HubSpotStore
    workspace: IntercomStore
    apis: tuple[Watched, Watched]
    state: State
    times: list[datetime]

    @property
    def now(self) -> datetime:
        return self.times[-1]

    def live(self, **later: float) -> list[str]:
        self.times.append(self.now + timedelta(**later))
        return live(self.state, self.now)

    def contacts(self) -> list[str]:
        return [each.email or "" for each in self.workspace.contacts.values() if each.deleted is None]

    def in_hubspot(self) -> list[str]:
        live_ones = [each for each in self.portal.objects.get("contacts", {}).values() if not each.archived]
        return [str(each.properties["email"]) for each in live_ones]


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    portal = HubSpotStore(next_id=1000)
    workspace = IntercomStore(
        admins=[{"type": "admin", "id": "7", "email": "sam@sandbox.example", "name": "Sam"}],
        data_attributes=[{"model": "contact", "custom": True, "name": name} for name in PAYS],
    )
    times = [MORNING]
    with ExitStack() as stack:
        apis = stack.enter_context(both_written(portal, workspace, lambda: times[-1], tmp_path, monkeypatch))
        on = policy().model_copy(update={"canaries": RULES})
        monkeypatch.setattr(asset_module, "policy", lambda: on)
        state = stack.enter_context(closing(open_state(settings().state_url)))
        yield Room(portal, workspace, apis, state, times)
    settings.cache_clear()


def test_a_canary_lives_its_days_and_goes_and_the_next_one_comes(room: Room) -> None:
    assert room.live() == []
    assert room.contacts() == room.in_hubspot() == ["canary-20261120@canaries.acme.example"]
    [contact] = room.workspace.contacts.values()
    assert contact.custom_attributes["stripe_subscription_status"] == "active"
    assert room.live(hours=3) == []
    assert (len(room.workspace.contacts), len(room.workspace.conversations)) == (1, 0), "nothing more is due"
    room.live(days=1)
    [complaint] = room.workspace.conversations.values()
    assert (complaint.contact_id, complaint.state) == (contact.id, "closed"), "nobody has to answer it"
    assert "cancel" in complaint.body
    room.live(days=1)
    assert contact.custom_attributes["stripe_delinquent"] is True
    room.live(days=1)
    assert contact.custom_attributes["stripe_subscription_status"] == "canceled"
    room.live(days=1)
    assert len(room.contacts()) == 2, "the next one signed up"
    room.live(days=11)
    assert "canary-20261120@canaries.acme.example" not in {*room.contacts(), *room.in_hubspot()}


def test_what_failed_is_looked_up_and_nothing_is_made_twice(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the contact in Intercom and that in HubSpot; and before it was noted that both were made."""
    with monkeypatch.context() as patch:
        patch.setenv("HUBSPOT_ACCESS_TOKEN", "of-another-account")
        settings.cache_clear()
        [failure] = room.live()
    settings.cache_clear()
    assert "sign_up" in failure
    assert (len(room.contacts()), len(room.in_hubspot())) == (1, 0)
    assert set(failing(stages_now(room.state, RULES, MORNING + timedelta(hours=3)))) == {"written"}
    assert room.live(hours=1) == []
    assert (len(room.contacts()), len(room.in_hubspot())) == (1, 1)
    with room.state.writing() as tx:
        [signed_up, *_] = every_act(tx)
        change(tx, signed_up, done_at=None, objects={})  # as if killed before its receipt
    assert room.live(hours=1) == []
    assert (len(room.contacts()), len(room.in_hubspot())) == (1, 1)


def test_without_a_domain_or_the_right_to_write_there_are_none(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERCOM_WRITE_ENABLED", "false")
    settings.cache_clear()
    assert room.live() == ["Nothing is done of canaries: set INTERCOM_WRITE_ENABLED=true."]
    monkeypatch.setenv("INTERCOM_WRITE_ENABLED", "true")
    settings.cache_clear()
    monkeypatch.setattr(asset_module, "policy", policy)
    assert policy().canaries.domains == ()
    assert room.live() == []
    assert [len(each.calls) for each in room.apis] == [0, 0]


def test_one_that_is_removed_does_nothing_more(room: Room) -> None:
    room.live()
    end_now(room.state, "canary-20261120", room.now)
    room.live()
    assert room.contacts() == room.in_hubspot() == []
    room.live(days=2)
    assert room.workspace.conversations == {}
    with pytest.raises(LookupError, match="no canary canary-1"):
        end_now(room.state, "canary-1", room.now)


# --- stages ----------------------------------------------------------------------------------------------------------


def seen(state: State, act: str, *stages: str) -> None:
    with state.writing() as tx:
        sight(tx, [Sighting("canary-20261120", act, stage, "2026-11-20", MORNING) for stage in stages])


@pytest.mark.parametrize("stopped", ["landed", "identity", "scores", "hubspot", "report"])
def test_the_first_stage_that_has_not_seen_it_is_what_failed(room: Room, stopped: str) -> None:
    room.live()
    before = [stage for stage in STAGES[: STAGES.index(stopped)] if stage not in ("written", "alert")]
    seen(room.state, "sign_up", *before)
    hours = getattr(RULES.within_hours, stopped)
    early = failing(stages_now(room.state, RULES, MORNING + timedelta(hours=hours)))
    late = failing(stages_now(room.state, RULES, MORNING + timedelta(hours=hours, minutes=1)))
    assert stopped not in early
    assert stopped in late
    assert set(late) <= {stopped, "written"} | ({"hubspot"} if stopped == "report" else set())
    assert "canary-20261120 was to sign up on 2026-11-20" in late[stopped].about


def test_a_stage_that_sees_a_later_act_works_again_though_it_missed_one(room: Room) -> None:
    """Two acts land in the tables of one day: the first of them is never seen, and is no alarm for ever."""
    room.live()
    seen(room.state, "sign_up", "landed", "identity", "scores")
    room.live(days=1)
    room.live(days=1)
    seen(room.state, "complain", "landed", "identity")
    seen(room.state, "pay_late", "landed", "identity")
    late = room.now + timedelta(hours=36, minutes=30)
    assert failing(stages_now(room.state, RULES, late))["scores"].act == "complain"
    seen(room.state, "pay_late", "scores")
    assert "scores" not in failing(stages_now(room.state, RULES, late))
    assert stages_now(room.state, RULES, late + timedelta(days=40)) == [], "and what is long over is no news"


def test_what_people_are_shown_names_each_stage(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    on = policy().model_copy(update={"canaries": RULES})
    monkeypatch.setattr(answers, "policy", lambda: on)
    assert canaries_now(room.state, MORNING).stages == []
    room.live()
    seen(room.state, "sign_up", "landed")
    answer = canaries_now(room.state, MORNING + timedelta(hours=37))
    failed = {each.stage for each in answer.stages if each.failed}
    assert failed == {"identity", "written"}, "and nobody did what was due a day later"
    newest, first = answer.acts
    assert (newest.act, newest.stages["written"], newest.stages["landed"]) == ("complain", "failed", "blocked")
    assert first.stages == {
        "written": "seen",
        "landed": "seen",
        "identity": "failed",
        "scores": "blocked",
        "hubspot": "blocked",
        "report": "blocked",
    }


def test_the_alarm_is_raised_once_and_taken_back(room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake, cursor = Lake(tmp_path / "lake"), None
    monkeypatch.setattr(asset_module, "look", lambda *_: [])
    bear(room.state, RULES, MORNING)

    def turns(**later: float) -> list[Any]:
        nonlocal cursor
        turned, cursor = read_canary_turns(lake, cursor, MORNING + timedelta(**later))
        return canary_late.ALERT.facts_of(turned, "2026-11-20")

    assert turns(hours=1) == []
    [raised] = turns(hours=3)
    assert canary_late.ALERT.title(raised.facts) == "Canary lost: written"  # type: ignore[operator]
    assert "done in Intercom and HubSpot by 2026-11-20 10:00 UTC" in raised.facts["about"]
    assert turns(hours=4) == [], "it is said once"
    room.live(hours=5)
    [over] = turns(hours=5)
    assert over.facts["recovered"]
    assert over.fingerprint != raised.fingerprint


# --- the commands ----------------------------------------------------------------------------------------------------


def test_the_commands_plant_list_and_remove(room: Room, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = ["--home", str(tmp_path)]

    def gtm_canary(*words: str) -> str:
        ran = CliRunner().invoke(gtm, ["canary", *words, *home])
        assert ran.exit_code == 0, ran.output
        return ran.output

    assert "names no domain" in gtm_canary("list")
    assert CliRunner().invoke(gtm, ["canary", "plant", *home]).exit_code == 1
    rules = tmp_path / "policy.toml"
    text = files("gtm_platform").joinpath("policy/policy.toml").read_text()
    rules.write_text(text.replace("domains = []", 'domains = ["canaries.acme.example"]'))
    monkeypatch.setenv("GTM_POLICY", str(rules))
    settings.cache_clear()
    policy.cache_clear()
    assert "canary-20261120 signed up" in gtm_canary("plant")
    assert room.contacts() == ["canary-20261120@canaries.acme.example"]
    assert "landed" in gtm_canary("list", "--all")
    assert "was taken away" in gtm_canary("remove", "canary-20261120")
    assert room.contacts() == room.in_hubspot() == []
    with room.state.reading() as tx:
        assert [each["subject"] for each in audit.entries(tx, "canary.remove")] == ["canary-20261120"]
