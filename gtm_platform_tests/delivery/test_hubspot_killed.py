"""Whenever a delivery is killed, the next one ends with each object, association and value once, and a true journal."""

import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from gtm_platform.sandbox import hubspot
from gtm_platform.sandbox.hubspot.access import Limits
from gtm_platform.sandbox.hubspot.store import BY_INTEGRATION, HubSpotStore
from gtm_platform.sandbox.kit.limits import Limit
from gtm_platform.state import open_state
from gtm_platform_tests.delivery.hubspot_delivery import live, put, untrue
from gtm_platform_tests.delivery.killed_delivery import deliver_all, killed_after, quick_state
from gtm_platform_tests.delivery.world import NOW, Watched, served

pytestmark = pytest.mark.soak

MOST_STEPS = 200
OURS = ("customer_cohort", "signal_strength", "gtm_health_score", "gtm_health_status")


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that begin with everything imported, and without the threads of this one."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["pytest", "pytest.__main__", "gtm_platform_tests.delivery.killed_delivery"])
    return context


@pytest.fixture
def portal() -> HubSpotStore:
    store = HubSpotStore(next_id=1)
    put(store, "contacts", email="new1@acme.example")
    store.next_id = 1000
    put(store, "companies", domain="c1.example")
    return store


@pytest.fixture
def hubspot_api(portal: HubSpotStore) -> Iterator[Watched]:
    limits = Limits(burst=Limit(100_000, 10), search=Limit(100_000, 1))
    with served(hubspot.app(portal, lambda: NOW, limits=limits, search_lag=timedelta(hours=1))) as watched:
        yield watched


def in_a_process(
    processes: ForkServerContext, *arguments: object, target: Callable[..., None] = deliver_all
) -> int | None:
    process = processes.Process(target=target, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def is_as_wanted(portal: HubSpotStore, score: str = "72") -> bool:
    """Whether HubSpot has each object, association and value once."""
    companies = [live(portal, "companies", domain=f"c{n}.example") for n in (1, 2, 3)]
    contacts = [live(portal, "contacts", email=f"new{n}@acme.example") for n in (1, 2, 3)]
    return (
        [len(each) for each in (*companies, *contacts)] == [1] * 6
        and all(company.properties["customer_cohort"] == "cohort_2_in_market" for [company] in companies)
        and all(contact.properties["gtm_health_score"] == score for [contact] in contacts)
        and all(set(a.links["companies"]) == {b.id} for [a], [b] in zip(contacts, companies, strict=True))
    )


def times_written(portal: HubSpotStore) -> set[int]:
    """How often the values of ours were written."""
    records = [record for of_kind in portal.objects.values() for record in of_kind.values()]
    return {
        sum(change.source == BY_INTEGRATION and change.value != "" for change in record.history(name))
        for record in records
        for name in OURS
        if record.properties.get(name)
    }


class FirstState:
    """A HubSpot as it was at first, and a state in which nothing was delivered."""

    def __init__(self, portal: HubSpotStore, folder: Path) -> None:
        self.portal, self.folder = portal, folder
        self.untouched = {kind: dict(records) for kind, records in portal.objects.items()}
        open_state(f"sqlite:///{folder / 'new.db'}").close()

    def again(self, name: str) -> str:
        """Put everything back; return the address of a state of that name."""
        self.portal.objects = {
            kind: {id: type(each)(each.id, dict(each.properties), NOW, NOW) for id, each in records.items()}
            for kind, records in self.untouched.items()
        }
        self.portal.properties.clear()
        return f"sqlite:///{shutil.copy(self.folder / 'new.db', self.folder / f'{name}.db')}"


def assert_done(portal: HubSpotStore, state_url: str, when: str) -> None:
    """HubSpot is as wanted, each value was written once, and the journal says so."""
    assert is_as_wanted(portal), when
    assert times_written(portal) == {1}, when
    state = quick_state(state_url)
    assert untrue(state, portal) == [], when
    state.close()


@pytest.mark.faults("D6", "D7", "D8")
@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.long), 9], ids=["each step", "each ninth step"])
def test_killed_at_its_steps_and_run_again(
    hubspot_api: Watched, portal: HubSpotStore, tmp_path: Path, processes: ForkServerContext, stride: int
) -> None:
    """Each time in a HubSpot that is as it was at first."""
    first = FirstState(portal, tmp_path)
    for step in range(1, MOST_STEPS, stride):
        state_url = first.again(str(step))
        ended = in_a_process(processes, hubspot_api.url, state_url, 1, step)
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        deliver_all(hubspot_api.url, state_url, 2)
        assert_done(portal, state_url, f"killed at step {step}")
        if step // stride % 3 == 0:
            hubspot_api.calls.clear()
            deliver_all(hubspot_api.url, state_url, 3)
            assert hubspot_api.calls == [], f"killed at step {step}"
    assert 40 < step < MOST_STEPS - stride


@pytest.mark.faults("D6", "D7", "D8")
@pytest.mark.parametrize("kills", [pytest.param(100, marks=pytest.mark.long), 8])
def test_killed_at_random_moments_and_run_again(
    hubspot_api: Watched, portal: HubSpotStore, tmp_path: Path, processes: ForkServerContext, kills: int
) -> None:
    """Whatever it is doing: a delivery that ended before its moment is one more that has to be right."""
    first, draw = FirstState(portal, tmp_path), random.Random(7)
    began = time.monotonic()
    assert in_a_process(processes, hubspot_api.url, first.again("whole"), 1) == 0
    whole = time.monotonic() - began
    endings = []
    for number in range(kills):
        state_url, seconds = first.again(str(number)), draw.uniform(0, whole)
        endings.append(in_a_process(processes, seconds, hubspot_api.url, state_url, 1, target=killed_after))
        deliver_all(hubspot_api.url, state_url, 2)
        assert_done(portal, state_url, f"killed after {seconds:.3f} s")
    assert -signal.SIGKILL in endings
