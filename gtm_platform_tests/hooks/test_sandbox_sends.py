"""The sandbox's systems send what happens to the receiver: late, twice, out of order, again when it was not taken."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from gtm_platform.ingest.hooks.hook import discover_hooks
from gtm_platform.sandbox.kit.webhooks import discover
from gtm_platform.sandbox.server import Sandbox, running
from gtm_platform.settings import settings
from gtm_platform_tests.hooks.conftest import Receiver, receiving
from gtm_platform_tests.hooks.senders import KEY, PUBLIC_URL

START = datetime(2026, 3, 2, tzinfo=UTC)
WEBHOOKS = {webhook.name: webhook for webhook in discover()}


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with running(people=60, now=START) as box:
        yield box


@pytest.fixture
def receiver(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """With the secrets that the sandbox says that it signs with."""
    for name, value in ask(box, "GET", "webhooks")["variables"].items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GTM_PUBLIC_URL", PUBLIC_URL)
    monkeypatch.setenv("GTM_ENCRYPTION_KEY", KEY)
    settings.cache_clear()
    with receiving(tmp_path) as running_one:
        yield running_one


def ask(box: Sandbox, method: str, path: str, **body: Any) -> Any:
    answer = httpx.request(method, f"{box.url}/_sandbox/{path}", json=body or None, trust_env=False, timeout=60)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


def register(box: Sandbox, receiver: Receiver, **how: Any) -> None:
    ask(box, "POST", "webhooks", url=receiver.served.url, public_url=PUBLIC_URL, **how)


def live(box: Sandbox, receiver: Receiver, hours: float) -> dict[str, Any]:
    """Let some time pass on both clocks, and what is due be delivered."""
    ask(box, "POST", "clock", hours=hours)
    receiver.served.time.moment = box.world.now
    report: dict[str, Any] = ask(box, "POST", "webhooks/send")
    return report


def happened(box: Sandbox, name: str, since: datetime) -> int:
    return sum(1 for _ in WEBHOOKS[name].happenings(box.world, since, box.world.now))


def outcomes(report: dict[str, Any]) -> dict[str, int]:
    totals: dict[str, int] = {}
    for row in report["outcomes"]:
        totals[row["outcome"]] = totals.get(row["outcome"], 0) + row["deliveries"]
    return totals


def test_every_hook_is_played_or_is_as_another() -> None:
    played = {hook.name for hook in discover_hooks()} - {"make", "signals"}  # which are as Zapier
    assert WEBHOOKS.keys() == played
    secrets = {hook.name: hook.secret for hook in discover_hooks()}
    assert {name: webhook.variable for name, webhook in WEBHOOKS.items()} == {name: secrets[name] for name in played}


def test_what_happens_arrives_once_though_late_twice_and_out_of_order(box: Sandbox, receiver: Receiver) -> None:
    register(box, receiver, late_seconds=7200, twice=0.5, shuffled=True)
    live(box, receiver, 48)
    report = live(box, receiver, 2)
    until = box.world.now - timedelta(hours=2)
    assert set(outcomes(report)) == {"200"}, report["outcomes"]
    rows = receiver.rows()
    assert len({(row.hook, row.event_key) for row in rows}) == len(rows)
    happenings = list(WEBHOOKS["stripe"].happenings(box.world, START, until))
    assert len(happenings) > 5
    stripe = {event.id for event in box.world.stripe.events if START < event.created <= until}
    assert stripe <= {row.event_key for row in rows if row.hook == "stripe"}
    assert {row.hook for row in rows} >= {"stripe", "hubspot", "intercom", "calendly", "posthog", "userflow"}
    counts = receiver.counts()
    assert sum(number for (_, outcome), number in counts.items() if outcome == "repeated") > 0
    refused = {outcome for _, outcome in counts} - {"accepted", "repeated"}
    assert refused == set()


def test_every_system_that_has_something_to_tell_tells_it(box: Sandbox, receiver: Receiver) -> None:
    register(box, receiver)
    report = live(box, receiver, 24 * 14)
    assert set(outcomes(report)) == {"200"}, report["outcomes"]
    told = {name for name in WEBHOOKS if happened(box, name, START)}
    assert told >= set(WEBHOOKS) - {"slack"}, "nobody reacts to messages that were not sent"
    assert {row.hook for row in receiver.rows()} == told
    known = {hook.name for hook in discover_hooks()}
    assert all(row.kind != "other" for row in receiver.rows())
    assert told <= known


def test_what_was_not_taken_is_sent_again_after_the_systems_own_delays(box: Sandbox, receiver: Receiver) -> None:
    register(box, receiver, systems=["stripe"])
    inbox = receiver.served.app.state.inbox
    keep, inbox.keep = inbox.keep, _refuse
    report = live(box, receiver, 48)
    expected = happened(box, "stripe", START)
    assert outcomes(report) == {"503": expected}
    assert report["waiting"] == expected
    inbox.keep = keep
    live(box, receiver, 0.01)
    assert len(receiver.rows("stripe")) == expected
    assert ask(box, "GET", "webhooks")["waiting"] == 0


async def _refuse(*_: Any) -> None:
    from gtm_platform.serving.hooks.inbox import CannotKeep

    raise CannotKeep


def test_what_others_sign_is_refused_and_the_sandbox_sends_to_this_machine_only(
    box: Sandbox, receiver: Receiver
) -> None:
    register(box, receiver, systems=["stripe"], unsigned=1.0)
    report = live(box, receiver, 48)
    assert set(outcomes(report)) == {"401"}
    assert receiver.rows() == []
    for url in ("http://10.0.0.1:80", "http://gtm.example", "file:///etc", "http://127.0.0.1.example", ""):
        answer = httpx.post(f"{box.url}/_sandbox/webhooks", json={"url": url}, trust_env=False)
        assert answer.status_code == 400
    answer = httpx.post(f"{box.url}/_sandbox/webhooks", json={"url": receiver.served.url, "twice": 3}, trust_env=False)
    assert answer.status_code == 400
