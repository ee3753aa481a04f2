"""What the platform says to the systems: every stream of every source, and every delivery."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.delivery.alerts.customer_alerts import DueAlerts
from gtm_platform.delivery.alerts.kinds import run_failed
from gtm_platform.delivery.alerts.ops_wording import compose as compose_for_ops
from gtm_platform.delivery.alerts.sender import AlertSender
from gtm_platform.delivery.alerts.settings import SlackSettings
from gtm_platform.delivery.alerts.slack_client import SlackChannel
from gtm_platform.delivery.hubspot.associate import Associator, Pair
from gtm_platform.delivery.hubspot.client import HubSpotObjects, open_client
from gtm_platform.delivery.hubspot.object_types.companies import OBJECT_TYPE as COMPANIES
from gtm_platform.delivery.hubspot.object_types.contacts import OBJECT_TYPE as CONTACTS
from gtm_platform.delivery.hubspot.pipeline import deliver
from gtm_platform.delivery.hubspot.plan import DesiredRecord
from gtm_platform.delivery.hubspot.settings import HubSpotDeliverySettings
from gtm_platform.delivery.hubspot.undo import undo
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.source import BEGINNING, Source, Window
from gtm_platform.sandbox.kit.emulator import discover, environment_of
from gtm_platform.settings import settings, settings_of
from gtm_platform.sources.assets import SCHEDULED
from gtm_platform.state import open_state
from gtm_platform.state.hubspot_creations import created_objects
from gtm_platform.state.slack_journal import Fact
from gtm_platform_tests.contract.systems import NOW
from gtm_platform_tests.delivery.composing import compose
from gtm_platform_tests.delivery.hubspot_delivery import company, contact
from gtm_platform_tests.delivery.rows import DAY, customer

WHOLE, CHANGED = Window(BEGINNING, NOW, full=True), Window(NOW - timedelta(days=2), NOW + timedelta(hours=1))
SOURCES = [source for source in SCHEDULED if source.required_env]  # others are read from files


@contextmanager
def pointed_at(url: str, **more: str) -> Iterator[None]:
    """The environment of a platform whose systems are all at this address."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in {**environment_of(discover(), url), "GTM_NOW": NOW.isoformat(), **more}.items():
            patch.setenv(variable, value)
        settings.cache_clear()
        yield
    settings.cache_clear()


def sweep(source: Source) -> dict[tuple[str, bool], int]:
    """Reads every stream, whole and since lately; gives how many records came of each."""
    with source.open() as client:
        source.check(client)
        for stream in source.streams:
            stream.check_access(client, CHANGED)
        return {
            (stream.name, window.full): sum(len(page) for page in stream.pages(client, window))
            for stream in source.streams
            for window in (WHOLE, CHANGED)
        }


def deliver_all(contacts: list[str], folder: Path) -> None:
    """Two days of deliveries to HubSpot, of which the first makes the properties and the second needs another option;
    then the second is taken back. A company and a contact that are missing are created and associated."""
    client = open_client(settings_of(HubSpotDeliverySettings))
    api = HubSpotObjects(client, CONTACTS)
    state = open_state(f"sqlite:///{folder / 'state.db'}")
    try:
        deliver(_desired(contacts, "72", "low_csat"), api, state, _run(1))
        deliver(_desired(contacts, "41", "low_csat;late"), api, state, _run(2))
        undo(_run(2).id, api, state, _run(3))
        deliver([company(1, domain="made.example")], HubSpotObjects(client, COMPANIES), state, _run(4))
        deliver([contact(1, "", "made@made.example")], HubSpotObjects(client, CONTACTS), state, _run(4))
        with state.reading() as tx:
            [made], [other] = (created_objects(tx, name).values() for name in ("contacts", "companies"))
        pair = Pair("cus-1", made, "com-1", other, frozenset([other]))
        assert Associator(client, state, _run(4), CONTACTS, "companies").associate([pair]).made == 1
    finally:
        state.close()


def say_all(folder: Path) -> None:
    """Single alerts, a digest that goes on in a thread, and one for the data team."""
    config, limiter = settings_of(SlackSettings), RateLimiter(999, 999)
    token, channel_id = _key(config.slack_bot_token), str(config.slack_alert_channel)
    channel = SlackChannel(token, config.slack_base_url, channel_id, limiter, RetryPolicy())
    customers = {f"c{number}": customer(f"c{number}") for number in range(60)}
    state = open_state(f"sqlite:///{folder / 'said.db'}")
    try:
        for facts in (_drops(0, 2), _drops(2, 60)):
            due = DueAlerts(DAY, facts, customers)
            AlertSender(channel, state, ("health_drop",), lambda: NOW).send(
                facts, lambda entries: compose(entries, customers, "1234567"), due.drop_reason
            )
        failed = run_failed.ALERT.facts_of([run_failed.FailedRun("1", "daily", "", ("The disk is full.",))], DAY)
        AlertSender(channel, state, ("run_failed",), lambda: NOW).send(
            failed, lambda entries: compose_for_ops(entries, 10, "http://127.0.0.1:3000"), lambda _: None
        )
    finally:
        state.close()


def _drops(start: int, end: int) -> list[Fact]:
    told = {"score": 55, "status": "at_risk", "from_score": 75, "from_status": "healthy"}
    return [Fact(f"health_drop:c{n}:{DAY}", "health_drop", "customer", f"c{n}", DAY, told) for n in range(start, end)]


def _key(secret: Any) -> str:
    return str(secret.get_secret_value())


def _run(number: int) -> Run:
    return Run(f"run-{number}", f"{NOW:%Y-%m-%d}", lambda: NOW)


def _desired(contacts: list[str], score: str, signals: str) -> list[DesiredRecord]:
    values = {"gtm_health_score": score, "gtm_health_status": "healthy", "gtm_risk_signals": signals}
    return [DesiredRecord(f"customer-{id}", id, values, dict.fromkeys(values, "{}")) for id in contacts]
