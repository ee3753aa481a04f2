"""A delivery that would change too much stops and asks, in Slack and in a check; approved, the next run goes ahead."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import dagster as dg
import pytest

from gtm_platform.automation.hubspot_deliveries import read_delivery_news
from gtm_platform.automation.ops_notifications import SENSORS
from gtm_platform.delivery.assets import hubspot_contacts
from gtm_platform.policy import policy
from gtm_platform.settings import settings
from gtm_platform.state import State, audit, open_state
from gtm_platform.state import hubspot_deliveries as deliveries
from gtm_platform.state.hubspot_deliveries import NewDelivery, NothingToApprove
from gtm_platform_tests.cli.conftest import Command
from gtm_platform_tests.delivery.test_assets import DAYS, World, world
from gtm_platform_tests.delivery.world import NOW

__all__ = ["world"]
[REPORT] = [sensor for sensor in SENSORS if sensor.name == "report_hubspot_deliveries"]
APPROVE = 'gtm hubspot approve {run} --reason \\"WHY\\"'
Said = Callable[..., str]


@pytest.fixture
def strict(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A policy by which a run may change no more than one contact, and a channel of the data team."""
    packaged = files("gtm_platform").joinpath("policy/policy.toml").read_text()
    path = tmp_path / "policy.toml"
    path.write_text(packaged.replace("change_min_records = 50", "change_min_records = 1"))
    monkeypatch.setenv("GTM_POLICY", str(path))
    monkeypatch.setenv("SLACK_OPS_CHANNEL", "C1")
    world.workspace.channels["C1"] = "ops"
    settings.cache_clear()
    policy.cache_clear()
    return world


@pytest.fixture
def said(command: Command, strict: World, tmp_path: Path) -> Said:
    def of(*arguments: str, code: int = 0) -> str:
        assert strict
        result = command("hubspot", *arguments, "--home", str(tmp_path))
        assert result.exit_code == code, result.output
        return result.stdout if code == 0 else result.stderr

    return of


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with closing(open_state(f"sqlite:///{tmp_path / 'state.db'}")) as state:
        yield state


def posted(world: World, cursor: str | None) -> str | None:
    """Let the sensor look, and return its cursor."""
    context = dg.build_sensor_context(instance=world.instance, cursor=cursor)
    REPORT(context)
    return context.cursor


def verdict(result: dg.ExecuteInProcessResult) -> tuple[bool, str]:
    [check] = [each for each in result.get_asset_check_evaluations() if each.check_name == "within_limits"]
    return check.passed, str(check.description)


def scores(world: World) -> set[str | None]:
    return {record.properties.get("gtm_health_score") for record in world.portal.objects["contacts"].values()}


@pytest.mark.faults("D14")
def test_a_stopped_delivery_asks_is_approved_once_and_goes_on(strict: World, said: Said) -> None:
    cursor = posted(strict, None)
    strict.land_day(DAYS[0], score=55)
    assert verdict(strict.run(hubspot_contacts))[0]
    cursor = posted(strict, cursor)
    strict.land_day(DAYS[1], score=80)

    stopped = strict.run(hubspot_contacts)

    run = stopped.run_id[:8]
    assert not stopped.success
    assert scores(strict) == {"55"}
    passed, sentence = verdict(stopped)
    assert not passed
    assert sentence.startswith("5 of 5 contacts would change, more than the 50%")
    assert sentence.endswith(f'gtm hubspot approve {run} --reason "WHY"')
    cursor = posted(strict, cursor)
    first, second = (json.dumps(message.blocks) for message in strict.workspace.messages)
    assert f"HubSpot delivered: contacts, {DAYS[0]}" in first
    assert "contacts: 0 unchanged, 5 written, 0 held back, 0 rejected" in first
    assert f"HubSpot stopped: contacts, {DAYS[1]}" in second
    assert APPROVE.format(run=run) in second
    assert f"/runs/{stopped.run_id}" in second

    assert run in said("approve")
    assert "Say why with --reason" in said("approve", run, code=2)
    assert "The next delivery of contacts goes ahead" in said("approve", run, "--reason", "new plans", "--by", "Noor")
    with closing(open_state(settings().state_url)) as state, state.reading() as tx:
        [entry] = audit.entries(tx, "hubspot.approve")
    assert (entry["actor"], entry["detail"]["reason"]) == ("Noor", "new plans")
    ahead = strict.run(hubspot_contacts)
    assert ahead.success
    assert verdict(ahead)[0]
    assert scores(strict) == {"80"}

    strict.land_day(DAYS[2], score=30)
    again = strict.run(hubspot_contacts)
    assert not again.success, "an approval is used once"
    assert run not in said("approve")
    posted(strict, cursor)
    assert len(strict.workspace.messages) == 4, "one message a run"


def test_who_approved_what_and_why_is_kept(state: State) -> None:
    with state.writing() as tx:
        deliveries.note(tx, stop("run-a", "contacts"))
        deliveries.note(tx, stop("run-a", "companies"))
        approved = deliveries.approve(tx, "run", "Noor", "new plans", NOW, NOW + timedelta(hours=72))
        assert {each.object_type for each in approved} == {"contacts", "companies"}
        kept = deliveries.approval_for(tx, "contacts", NOW)
        assert kept is not None
        assert (kept.approved_by, kept.approved_reason, kept.run_id) == ("Noor", "new plans", "run-a")
        assert deliveries.approval_for(tx, "contacts", NOW + timedelta(hours=72)) is None, "it expires"
        deliveries.use(tx, kept, "run-b", NOW)
        assert deliveries.approval_for(tx, "contacts", NOW) is None, "it is used once"
        assert deliveries.approval_for(tx, "companies", NOW) is not None


def test_what_a_later_run_followed_and_what_is_unclear_is_not_approved(state: State) -> None:
    with state.writing() as tx:
        deliveries.note(tx, stop("run-a", "contacts"))
        deliveries.note(tx, stop("run-b", "companies"))
        with pytest.raises(NothingToApprove, match=r"Several runs begin so.*run-a, run-b"):
            deliveries.approve(tx, "run", "Noor", "why", NOW, NOW)
        deliveries.note(tx, NewDelivery("run-c", "contacts", DAYS[0], "delivered", {}, "", NOW))
        with pytest.raises(NothingToApprove, match="No run that begins so was stopped and still waits"):
            deliveries.approve(tx, "run-a", "Noor", "why", NOW, NOW)


def test_a_run_that_goes_on_and_those_after_it_are_waited_for(strict: World) -> None:
    _, cursor = read_delivery_news(strict.instance, None)
    strict.land_day(DAYS[0], score=55)
    strict.run(hubspot_contacts)
    with closing(open_state(settings().state_url)) as state, state.writing() as tx:
        going_on = strict.instance.create_run_for_job(dg.job(name="goes_on")(lambda: None))
        deliveries.note(tx, NewDelivery(going_on.run_id, "companies", DAYS[0], "delivered", {"written": 1}, "", NOW))
        deliveries.note(tx, NewDelivery("gone", "contacts", DAYS[0], "delivered", {"written": 1}, "", NOW))
    news, cursor = read_delivery_news(strict.instance, cursor)
    assert [each.object_type for each in news] == ["contacts"]
    assert read_delivery_news(strict.instance, cursor) == ([], cursor)


def stop(run: str, object_type: str) -> NewDelivery:
    return NewDelivery(run, object_type, DAYS[0], "stopped", {"changes": 6, "creations": 0}, "Too many.", NOW)
