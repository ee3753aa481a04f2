"""Triggers as Dagster runs them: behind the gate, dry or not, with what they did in counts, and nobody's name."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

import gtm_platform.definitions  # noqa: F401  declares every table
from gtm_platform.automation.lost_webhooks import read_lost_webhooks
from gtm_platform.automation.waiting_webhooks import due_now, send_waiting_webhooks
from gtm_platform.delivery.gate import CUSTOMERS, HEALTH
from gtm_platform.delivery.sensors import deliver
from gtm_platform.delivery.triggers import asset as asset_module
from gtm_platform.delivery.triggers.asset import webhooks
from gtm_platform.delivery.triggers.messages_table import TABLE
from gtm_platform.delivery.triggers.settings import TriggerSettings
from gtm_platform.delivery.triggers.subjects import COMPANIES, read_subjects
from gtm_platform.delivery.triggers.subscribing import Subscribing
from gtm_platform.lake.dagster.resource import LakeResource, the_lake
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.policy import Triggers, policy
from gtm_platform.settings import settings, settings_of
from gtm_platform.state import open_state
from gtm_platform_tests.delivery.triggers.conftest import KEY
from gtm_platform_tests.delivery.triggers.receiving import Receiver, verified
from gtm_platform_tests.delivery.world import NOW, Watched, served
from gtm_platform_tests.tables import filled

DAYS = ("2026-11-18", "2026-11-19")


def customer(id: str, **more: Any) -> dict[str, Any]:
    usual = {
        "customer_id": id,
        "company_id": "f1",
        "name": "Zebedee Quux",
        "email": "zeb@quux.example",
        "customer_status": "active",
        "is_customer": True,
        "health_status": "healthy",
        "health_score": 80,
        "churn_risk": 10,
        "risk_signals": ["low_csat", "inactive_30d"],
        "plan_tier": "scale",
        "assigned_am": "Sam Lee",
        "assigned_am_email": "sam@acme.example",
        "mrr_reporting": Decimal(500),
    }
    return usual | more


@dataclass
class Room:
    """A lake, a receiver, and an instance of Dagster."""

    instance: dg.DagsterInstance
    receiver: Receiver
    watched: Watched
    monkeypatch: pytest.MonkeyPatch
    secrets: dict[str, str] = field(default_factory=dict)

    def land(self, day: str, *rows: dict[str, Any]) -> None:
        people = [row for row in rows if "customer_id" in row]
        firms = [row for row in rows if "customer_id" not in row]
        health = [{"customer_id": row["customer_id"], "health_score": row["health_score"]} for row in people]
        for table, content in ((HEALTH, health), (CUSTOMERS, people), (COMPANIES, firms)):
            the_lake().write(table, day, engine().to_pyarrow(filled(table, *content)))
            landed = dg.AssetMaterialization(dg.AssetKey(table.split("/")), partition=day)
            self.instance.report_runless_asset_event(landed)

    @contextmanager
    def subscribing(self) -> Iterator[Subscribing]:
        with closing(open_state(settings().state_url)) as state:
            yield Subscribing(state, settings_of(TriggerSettings), Triggers(), settings().now, "Noor")

    def add(self, *kinds: str, path: str = "/hook", where: tuple[str, ...] = (), **more: Any) -> str:
        with self.subscribing() as subscribing:
            subscription, secret = subscribing.add(self.watched.url + path, kinds, where, **more)
        self.secrets[subscription.id] = secret
        return subscription.id

    def run(self, **config: Any) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            [webhooks],
            instance=self.instance,
            resources={"lake": LakeResource()},
            run_config={"ops": {webhooks.op.name: {"config": config}}},
            raise_on_error=False,
        )

    def pass_time(self, **span: float) -> None:
        self.monkeypatch.setenv("GTM_NOW", (settings().now() + timedelta(**span)).isoformat())
        settings.cache_clear()

    def logged(self, result: dg.ExecuteInProcessResult) -> str:
        return "\n".join(dg.serialize_value(entry) for entry in self.instance.all_logs(result.run_id))


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    environment = {
        "GTM_HOME": str(tmp_path),
        "GTM_NOW": NOW.isoformat(),
        "TRIGGER_KEY": KEY,
        "TRIGGER_SEND_ENABLED": "true",
        "TRIGGER_RECEIVERS": "also_loopback",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    receiver = Receiver()
    with dg.DagsterInstance.ephemeral(tempdir=str(tmp_path)) as instance, served(receiver.app) as watched:
        yield Room(instance, receiver, watched, monkeypatch)
    settings.cache_clear()


def shown(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    [event] = result.get_asset_materialization_events()
    return {name: value.value for name, value in event.materialization.metadata.items()}


def test_the_newest_day_is_compared_and_what_is_news_is_sent_once(room: Room) -> None:
    id = room.add("health_status", "risk_signals", "cohort", whole=True, where=("cohort=cohort_1_current_customer",))
    room.land(DAYS[0], customer("c1"), customer("c2", company_id=None),
              {"company_id": "f1", "customer_cohort": "cohort_1_current_customer"})  # fmt: skip
    metadata = shown(room.run())
    assert (metadata["new_messages"], metadata["figure/delivered"], metadata["figure/dead_letters"]) == (2, 2, 0)
    assert [each.payload["data"]["after"] for each in room.receiver.arrived] == [
        {"health_status": "healthy", "risk_signals": ["inactive_30d", "low_csat"]},
        {"cohort": "cohort_1_current_customer"},
    ]
    assert verified(room.receiver, room.secrets[id])
    assert shown(room.run())["new_messages"] == 0
    assert len(room.receiver.arrived) == 2
    [row] = the_lake().partition(TABLE, DAYS[0]).to_pyarrow().to_pylist()
    assert (row["subscription_id"], row["receiver"], row["messages"], row["delivered"]) == (id, "127.0.0.1", 2, 2)


def test_nothing_personal_and_no_secret_is_shown(room: Room) -> None:
    id = room.add(path="/a/secret/path", whole=True, personal=True)
    room.land(DAYS[0], customer("c1"))
    room.receiver.status = 500
    text = room.logged(room.run())
    assert room.receiver.arrived[0].payload["data"]["person"] == {"name": "Zebedee Quux", "email": "zeb@quux.example"}
    assert "500" in text
    for private in ("Zebedee", "zeb@quux", KEY, room.secrets[id], "secret/path"):
        assert private not in text


@pytest.mark.parametrize("by", ["environment", "launchpad"])
def test_a_dry_run_shows_what_would_be_sent_and_sends_and_keeps_nothing(room: Room, by: str) -> None:
    room.add("health_status", whole=True)
    room.land(DAYS[0], customer("c1"), customer("c2"))
    if by == "environment":
        room.monkeypatch.setenv("TRIGGER_SEND_ENABLED", "false")
        settings.cache_clear()
    result = room.run(dry_run=by == "launchpad")
    assert result.success
    assert result.get_asset_materialization_events() == []
    [event] = result.get_asset_observation_events()
    metadata = event.asset_observation_data.asset_observation.metadata
    assert (metadata["would_send"].value, room.receiver.arrived, due_now()) == (2, [], [])
    assert "Zebedee" not in dg.serialize_value(event)
    room.monkeypatch.setenv("TRIGGER_SEND_ENABLED", "true")
    settings.cache_clear()
    assert shown(room.run())["figure/delivered"] == 2


def test_who_is_off_or_has_nobody_says_so(room: Room) -> None:
    room.land(DAYS[0], customer("c1"))
    assert "Nobody has subscribed" in room.logged(room.run())
    room.monkeypatch.setenv("TRIGGER_KEY", "")
    settings.cache_clear()
    assert "set TRIGGER_KEY" in room.logged(room.run())


def test_behind_a_closed_gate_nothing_new_is_sent_but_what_was_right_before_is(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    room.add("health_status", whole=True)
    room.land(DAYS[0], customer("c1"))
    room.receiver.status = 500
    room.run()
    room.pass_time(minutes=1)
    room.receiver.status = 200
    room.land(DAYS[1], customer("c1", health_status="critical"))
    monkeypatch.setattr("gtm_platform.delivery.gate.closed_reasons", lambda *_: ["the check says no"])
    assert not room.run().success
    assert [each.payload["data"]["sequence"] for each in room.receiver.arrived] == [1, 1]
    monkeypatch.undo()


def test_a_day_whose_companies_are_not_made_yet_lets_none_of_them_go(room: Room) -> None:
    room.add("cohort", "health_status", whole=True, where=("cohort=cohort_1_current_customer",))
    firm = {"company_id": "f1", "customer_cohort": "cohort_1_current_customer"}
    room.land(DAYS[0], customer("c1"), firm)
    assert shown(room.run())["new_messages"] == 2
    for table, row in ((HEALTH, {"customer_id": "c1"}), (CUSTOMERS, customer("c1"))):
        the_lake().write(table, DAYS[1], engine().to_pyarrow(filled(table, row)))
        room.instance.report_runless_asset_event(dg.AssetMaterialization(table.split("/"), partition=DAYS[1]))
    early = room.run()
    assert not early.success
    assert f"{COMPANIES} has no {DAYS[1]} yet" in room.logged(early)
    room.land(DAYS[1], customer("c1"), firm)
    assert shown(room.run())["new_messages"] == 0
    assert [each.payload["type"] for each in room.receiver.arrived] == ["customer.changed", "company.changed"]


def test_what_a_person_has_to_mend_fails_the_run_and_a_receiver_that_is_down_does_not(room: Room) -> None:
    room.add("health_status", whole=True)
    room.land(DAYS[0], customer("c1"), customer("c2"))
    room.receiver.status = 500
    assert shown(room.run())["figure/waiting"] == 2
    few = policy().model_copy(update={"triggers": Triggers(most_in_a_run=1)})
    room.monkeypatch.setattr(asset_module, "policy", lambda: few)
    room.land(DAYS[1], *(customer(id, health_status="critical") for id in ("c1", "c2")))
    stopped = room.run()
    assert not stopped.success
    assert "2 changes" in room.logged(stopped)
    assert shown(room.run(allow_mass_change=True))["new_messages"] == 2


def test_the_sensor_asks_for_a_run_when_something_is_due_and_only_then(room: Room) -> None:
    sensor = send_waiting_webhooks(dg.define_asset_job("deliver", selection=[webhooks]))

    def tick() -> Any:
        return sensor(dg.build_sensor_context(instance=room.instance))

    assert isinstance(tick(), dg.SkipReason)
    room.add("health_status", whole=True)
    room.land(DAYS[0], customer("c1"))
    room.receiver.status = 500
    room.run()
    assert isinstance(tick(), dg.SkipReason), "it was just tried"
    room.pass_time(minutes=1)
    request = tick()
    assert isinstance(request, dg.RunRequest)
    assert request.asset_selection == [webhooks.key]
    assert request.run_key == tick().run_key, "once a minute"
    room.receiver.status = 200
    room.run()
    assert isinstance(tick(), dg.SkipReason)
    assert deliver.name == "deliver"


def test_what_is_given_up_is_news_once_for_each_subscription(room: Room) -> None:
    room.land(DAYS[0], customer("c1"), customer("c2"))
    _, cursor = read_lost_webhooks(None, settings().now())
    off, removed = room.add("health_status", whole=True), room.add("health_status", path="/removed", whole=True)
    room.receiver.status = lambda message: 410 if message.path == "/hook" else 500
    room.pass_time(minutes=1)
    room.run()
    with room.subscribing() as subscribing:
        subscribing.change_status(removed, "removed")
    [news], after = read_lost_webhooks(cursor, settings().now())
    assert (news.subscription_id, news.receiver, news.dead, news.is_off) == (off, "127.0.0.1", 2, True)
    assert "410 Gone" in news.why
    assert read_lost_webhooks(after, settings().now()) == ([], after)


def test_prospects_are_nobodys_news_and_missing_tables_are_empty(room: Room) -> None:
    room.land(DAYS[0], customer("c1", customer_status="prospect", is_customer=False), customer("c2"))
    assert set(read_subjects(the_lake(), DAYS[0]).customers) == {"c2"}
    assert read_subjects(the_lake(), DAYS[0]).companies == {}
