"""What the platform says to the systems: every stream of every source, and every delivery."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gtm_platform.delivery.hubspot.client import HubSpotContacts
from gtm_platform.delivery.hubspot.deliver import deliver
from gtm_platform.delivery.hubspot.plan import Desired
from gtm_platform.delivery.hubspot.send import Run
from gtm_platform.delivery.hubspot.undo import undo
from gtm_platform.delivery.slack.alerts import HEALTH_DROP, run_failure
from gtm_platform.delivery.slack.client import SlackChannel
from gtm_platform.delivery.slack.send import AlertSender
from gtm_platform.http.rate_limit import RateLimiter
from gtm_platform.http.retry import RetryPolicy
from gtm_platform.ingest.source import BEGINNING, Source, Window
from gtm_platform.sandbox.kit.emulator import discover, environment_of
from gtm_platform.settings import Settings, settings
from gtm_platform.sources.hubspot import SOURCE as HUBSPOT
from gtm_platform.sources.intercom import SOURCE as INTERCOM
from gtm_platform.sources.stripe import SOURCE as STRIPE
from gtm_platform.state import open_state
from gtm_platform.state.slack_journal import Fact
from gtm_platform_tests.contract.systems import NOW
from gtm_platform_tests.delivery.rows import DAY, customer

WHOLE, CHANGED = Window(BEGINNING, NOW, full=True), Window(NOW - timedelta(days=2), NOW + timedelta(hours=1))
SOURCES = (HUBSPOT, STRIPE, INTERCOM)


@contextmanager
def pointed_at(url: str, **more: str) -> Iterator[Settings]:
    """The environment of a platform whose systems are all at this address."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in {**environment_of(discover(), url), "GTM_NOW": NOW.isoformat(), **more}.items():
            patch.setenv(variable, value)
        settings.cache_clear()
        yield settings()
    settings.cache_clear()


def sweep(source: Source) -> dict[tuple[str, bool], int]:
    """Reads every stream, whole and since lately; gives how many records came of each."""
    with source.connect(settings()) as client:
        source.check(client)
        for stream in source.streams:
            stream.check_access(client, CHANGED)
        return {
            (stream.name, window.full): sum(len(page) for page in stream.pages(client, window))
            for stream in source.streams
            for window in (WHOLE, CHANGED)
        }


def deliver_all(there: Settings, contacts: list[str], folder: Path) -> None:
    """Two days of deliveries to HubSpot, of which the first makes the properties and the second needs another option;
    then the second is taken back."""
    api = HubSpotContacts(
        _key(there.hubspot_access_token), there.hubspot_base_url, RateLimiter(999, 999), RetryPolicy()
    )
    state = open_state(f"sqlite:///{folder / 'state.db'}")
    try:
        deliver(_desired(contacts, "72", "low_csat"), api, state, _run(1))
        deliver(_desired(contacts, "41", "low_csat;late"), api, state, _run(2))
        undo(_run(2).id, api, state, _run(3))
    finally:
        state.close()


def say_all(there: Settings, folder: Path) -> None:
    """Single alerts, a storm that goes on in a thread, and word of the platform itself."""
    pace, token = RateLimiter(999, 999), _key(there.slack_bot_token)
    channel = SlackChannel(token, there.slack_base_url, str(there.slack_alert_channel), pace, RetryPolicy())
    customers = {f"c{number}": customer(f"c{number}") for number in range(60)}
    state = open_state(f"sqlite:///{folder / 'said.db'}")
    try:
        speaker = AlertSender(channel, state, lambda: NOW)
        for facts in (_drops(0, 2), _drops(2, 60)):
            speaker.say(facts, customers, DAY, storm=10, portal="1234567")
        speaker.send_platform_alert(run_failure(DAY, "1", "daily", "The disk is full."))
    finally:
        state.close()


def _drops(start: int, end: int) -> list[Fact]:
    told = {"score": 55, "status": "at_risk", "from_score": 75, "from_status": "healthy"}
    return [Fact(f"health_drop:c{n}:{DAY}", HEALTH_DROP, f"c{n}", DAY, told) for n in range(start, end)]


def _key(secret: Any) -> str:
    return str(secret.get_secret_value())


def _run(number: int) -> Run:
    return Run(f"run-{number}", f"{NOW:%Y-%m-%d}", lambda: NOW)


def _desired(contacts: list[str], score: str, signals: str) -> list[Desired]:
    values = {"gtm_health_score": score, "gtm_health_status": "healthy", "gtm_risk_signals": signals}
    return [Desired(f"customer-{id}", id, values, dict.fromkeys(values, "{}")) for id in contacts]
