"""Whenever the hot path is killed, the next one ends with what was wanted, each value written once, nothing lost."""

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from multiprocessing import get_context
from multiprocessing.context import ForkServerContext
from random import Random

import pytest

from gtm_platform.delivery.hotpath.comparing import compared
from gtm_platform.sandbox.hubspot.store import BY_INTEGRATION
from gtm_platform.state.hot_path import hot_records, runs_since
from gtm_platform_tests.delivery.hotpath.hot_home import DAY, TABLES_OF
from gtm_platform_tests.delivery.hotpath.hot_room import MORNING, Room, priced
from gtm_platform_tests.delivery.hotpath.killed_worker import POINTS, follow
from gtm_platform_tests.delivery.hubspot_delivery import untrue

pytestmark = pytest.mark.soak

VARIABLES = ("GTM_HOME", "GTM_NOW", "HUBSPOT_", "STRIPE_")
MOMENTS = 20  # of a longer test
LONGEST_SECONDS = 3.0


@pytest.fixture(scope="session")
def processes() -> ForkServerContext:
    """Processes that begin with everything imported, and without the threads of this one."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["pytest", "gtm_platform_tests.delivery.hotpath.killed_worker"])
    return context


def killed(room: Room, processes: ForkServerContext, number: int, amount: int, point: str | float) -> int | None:
    """Let an event arrive, and a worker follow it that is killed."""
    room.worker.step()  # from here on events are followed
    room.arrives()
    room.now += timedelta(seconds=5)
    variables = {name: value for name, value in os.environ.items() if name.startswith(VARIABLES)}
    changes = {"stripe/subscriptions": [priced(number, amount)]}
    arguments = (str(room.home.root), variables, changes, room.now, point)
    process = processes.Process(target=follow, args=arguments)
    process.start()
    process.join()
    return process.exitcode


def written_twice(room: Room) -> list[str]:
    """Values that were written though they stood there already."""
    doubled = []
    for record in (*room.portal.objects["contacts"].values(), *room.portal.objects["companies"].values()):
        for name in record.properties:
            values = [each.value for each in record.history(name) if each.source == BY_INTEGRATION]
            doubled += [f"{record.id} {name}" for one, other in pairwise(values) if one == other]
    return doubled


def goes_on(room: Room, number: int, amount: int) -> None:
    """Start again; all is as wanted, and a further start finds nothing to do."""
    room.brings({"stripe/subscriptions": [priced(number, amount)]})
    room.now += timedelta(seconds=5)
    room.another_worker().step()
    assert room.contact(number)["gtm_mrr"] == f"{amount / 100:g}"
    assert room.company(number)["chroma_cloud_mrr"] == f"{amount / 100:g}"
    assert written_twice(room) == []
    assert untrue(room.state, room.portal) == []
    with room.state.reading() as tx:
        runs, noted = runs_since(tx, MORNING), hot_records(tx, DAY, "customers")
        of_companies = hot_records(tx, DAY, "companies")
    assert sum(run.events for run in runs) == room.events, "each event is followed to the end once"
    assert (len(noted), len(of_companies)) == (1, 1)
    calls = len(room.api.calls)
    room.now += timedelta(seconds=5)
    assert room.another_worker().step() is None
    assert len(room.api.calls) == calls


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_a_stage_it_goes_on(room: Room, processes: ForkServerContext, point: str) -> None:
    number, amount = 2, 123_400
    assert killed(room, processes, number, amount, point) == -signal.SIGKILL
    goes_on(room, number, amount)


def test_what_was_delivered_before_a_kill_is_what_the_tables_say(room: Room, processes: ForkServerContext) -> None:
    assert killed(room, processes, 3, 77_700, "written, no receipt") == -signal.SIGKILL
    goes_on(room, 3, 77_700)
    room.home.change({"stripe/subscriptions": [priced(3, 77_700)]})
    room.home.compute_everything()
    judged = compared(room.home.lake, room.state, DAY, TABLES_OF)
    assert (judged.equal, judged.different, judged.waiting) == (1, {}, 0)
    room.deliver_everything()
    assert written_twice(room) == []


@pytest.fixture
def moments() -> Iterator[float]:
    random = Random(7)
    return (random.uniform(0, LONGEST_SECONDS) for _ in range(MOMENTS))


@pytest.mark.long
def test_killed_at_random_moments_it_goes_on(
    room: Room, processes: ForkServerContext, moments: Iterator[float]
) -> None:
    """Whatever it is doing: one that ended before its moment is one more that has to be right."""
    endings = []
    for nth, seconds in enumerate(moments, start=1):
        amount = 100_000 + nth * 100
        endings.append(killed(room, processes, 4, amount, seconds))
        room.brings({"stripe/subscriptions": [priced(4, amount)]})
        room.now += timedelta(seconds=5)
        room.another_worker().step()
        assert room.contact(4)["gtm_mrr"] == f"{amount / 100:g}", seconds
        assert written_twice(room) == [], seconds
        assert untrue(room.state, room.portal) == [], seconds
    assert -signal.SIGKILL in endings
