"""Whenever a delivery is killed, the next one ends with each object, association and value once, and a true journal."""

import shutil
import signal
from collections.abc import Iterator
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
from gtm_platform_tests.delivery.killed_delivery import deliver_all, quick_state
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


def in_a_process(processes: ForkServerContext, *arguments: object) -> int | None:
    process = processes.Process(target=deliver_all, args=arguments)
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


@pytest.mark.faults("D6", "D7", "D8")
@pytest.mark.parametrize("stride", [pytest.param(1, marks=pytest.mark.long), 5], ids=["each step", "each fifth step"])
def test_killed_at_its_steps_and_run_again(
    hubspot_api: Watched, portal: HubSpotStore, tmp_path: Path, processes: ForkServerContext, stride: int
) -> None:
    """Each time in a HubSpot that is as it was at first."""
    open_state(f"sqlite:///{tmp_path / 'new.db'}").close()
    untouched = {kind: dict(records) for kind, records in portal.objects.items()}
    for step in range(1, MOST_STEPS, stride):
        portal.objects = {
            kind: {id: type(each)(each.id, dict(each.properties), NOW, NOW) for id, each in records.items()}
            for kind, records in untouched.items()
        }
        portal.properties.clear()
        state_url = f"sqlite:///{shutil.copy(tmp_path / 'new.db', tmp_path / f'{step}.db')}"

        ended = in_a_process(processes, hubspot_api.url, state_url, 1, step)
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        deliver_all(hubspot_api.url, state_url, 2)

        assert is_as_wanted(portal), f"killed at step {step}"
        assert times_written(portal) == {1}, f"killed at step {step}"
        state = quick_state(state_url)
        assert untrue(state, portal) == [], f"killed at step {step}"
        state.close()
        if step % 5 == 1:
            hubspot_api.calls.clear()
            deliver_all(hubspot_api.url, state_url, 3)
            assert hubspot_api.calls == [], f"killed at step {step}"
    assert 40 < step < MOST_STEPS - stride
