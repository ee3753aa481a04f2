"""Whenever the platform is killed, each change arrives, at least once and always with the same id."""

import signal
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext

import pytest

from gtm_platform.delivery.triggers.settings import TriggerSettings
from gtm_platform.delivery.triggers.subscribing import Subscribing
from gtm_platform_tests.delivery.killed_delivery import quick_state
from gtm_platform_tests.delivery.triggers.conftest import day_of, person
from gtm_platform_tests.delivery.triggers.killed import KEY, RULES, deliver, later
from gtm_platform_tests.delivery.triggers.receiving import Receiver, signature_is_right
from gtm_platform_tests.delivery.world import NOW, served

MOST_STEPS = 60
BEFORE = day_of(person("c1"), person("c2"), person("c3"))
AFTER = day_of(person("c1", health_status="critical"), person("c2", health_score=20), person("c4"))


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that begin with everything imported, and without the threads of this one."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["pytest", "pytest.__main__", "gtm_platform_tests.delivery.triggers.killed"])
    return context


@pytest.mark.soak
@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.long), 2], ids=["each step", "each second step"])
def test_killed_at_any_step_nothing_is_lost_and_nothing_has_two_ids(
    processes: ForkServerContext, tmp_path_factory: pytest.TempPathFactory, stride: int
) -> None:
    receiver = Receiver()
    kills, repeated = 0, 0
    with served(receiver.app) as watched:
        for step in range(1, MOST_STEPS, stride):
            receiver.arrived.clear()
            url = f"sqlite:///{tmp_path_factory.mktemp('state') / 'state.db'}"
            secret = _subscribe(url, watched.url)
            deliver(url, BEFORE, NOW)
            process = processes.Process(target=deliver, args=(url, AFTER, NOW, step))
            process.start()
            process.join()
            was_killed = process.exitcode == -signal.SIGKILL
            deliver(url, AFTER, later(NOW))
            kills += was_killed
            _check(receiver, secret)
            repeated += len(receiver.arrived) - len(set(receiver.ids()))
            if not was_killed:
                break
        else:
            pytest.fail("the process was never let live")
    assert kills > 15 // stride, "each message has steps of its own"
    assert repeated > 0, "a kill between the answer and its receipt sends the message again"


def _subscribe(state_url: str, receiver_url: str) -> str:
    state = quick_state(state_url)
    own = TriggerSettings(trigger_key=KEY, trigger_receivers="also_loopback")
    deeds = Subscribing(state, own, RULES, lambda: NOW, "Noor")
    _, secret = deeds.add(f"{receiver_url}/hook", ("health_status", "health_score"), (), whole=True)
    state.close()
    return secret


def _check(receiver: Receiver, secret: str) -> None:
    for each in receiver.arrived:
        assert signature_is_right(secret, each.headers, each.body, int(each.headers["webhook-timestamp"]))
    by_change: dict[tuple[str, int], set[tuple[str, bytes]]] = {}
    for each in receiver.arrived:
        data = each.payload["data"]
        by_change.setdefault((data["customer_id"], data["sequence"]), set()).add((each.id, each.body))
    assert all(len(each) == 1 for each in by_change.values()), "one id and one body for each change"
    assert len({id for each in by_change.values() for id, _ in each}) == len(by_change)
    assert set(by_change) == {("c1", 1), ("c2", 1), ("c3", 1), ("c1", 2), ("c2", 2), ("c3", 2), ("c4", 1)}
    assert receiver.newest() == {
        "c1": {"health_status": "critical", "health_score": 80},
        "c2": {"health_status": "healthy", "health_score": 20},
        "c4": {"health_status": "healthy", "health_score": 80},
    }
