"""A delivery in a process of its own that is killed at one of its steps: before or after a call, or a transaction."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer
from typing import Any

import sqlalchemy as sa

from gtm_platform.delivery.hubspot.associate import Associator, Pair
from gtm_platform.delivery.hubspot.client import HubSpotObjects
from gtm_platform.delivery.hubspot.pipeline import deliver
from gtm_platform.delivery.hubspot.write import Run
from gtm_platform.sources.hubspot.client import HubSpotClient
from gtm_platform.state import State, open_state
from gtm_platform.state.hubspot_creations import created_objects
from gtm_platform_tests.delivery.hubspot_delivery import COMPANIES, CONTACTS, client, company, contact
from gtm_platform_tests.delivery.world import NOW


class Steps:
    """Counts the steps of a delivery, and kills the process at one of them."""

    def __init__(self, last: int) -> None:
        self.last, self.taken = last, 0

    def take(self) -> None:
        self.taken += 1
        if self.taken == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


def watch(steps: Steps) -> None:
    """Take a step before and after each call to HubSpot, and each transaction of the state."""
    call, writing = HubSpotClient.call, State.writing

    def watched_call(self: HubSpotClient, *arguments: Any, **more: Any) -> bytes:
        steps.take()
        answer = call(self, *arguments, **more)
        steps.take()
        return answer

    @contextmanager
    def watched_writing(self: State) -> Iterator[Any]:
        with writing(self) as tx:
            yield tx
            steps.take()
        steps.take()

    HubSpotClient.call = watched_call  # type: ignore[method-assign]
    State.writing = watched_writing  # type: ignore[method-assign]


def quick_state(url: str) -> State:
    """Open a state that does not wait for the disk: what a killed process wrote is kept by the system all the same."""
    state = open_state(url)
    sa.event.listen(state.engine, "connect", lambda connection, _: connection.execute("pragma synchronous=off"))
    state.engine.dispose()  # the connection from before waits
    return state


def killed_after(seconds: float, *arguments: Any) -> None:
    """Deliver, and be killed at a moment, whatever is being done then."""
    Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
    deliver_all(*arguments)
    os._exit(0)  # without waiting for the timer


def deliver_all(url: str, state_url: str, number: int, last_step: int = 0, score: str = "72") -> None:
    """Deliver companies and contacts that HubSpot has and lacks, then their associations; be killed at a step."""
    if last_step:
        watch(Steps(last_step))
    run = Run(f"run-{number}", "2026-11-20", lambda: NOW)
    state = quick_state(state_url)
    for object_type, desired in (
        (COMPANIES, [company(1, "1000"), *(company(n, domain=f"c{n}.example") for n in (2, 3))]),
        (CONTACTS, [contact(1, "1", score=score), *(contact(n, score=score) for n in (2, 3))]),
    ):
        deliver(desired, HubSpotObjects(client(url), object_type), state, run)
    with state.reading() as tx:
        companies, contacts = created_objects(tx, "companies"), created_objects(tx, "contacts")
    ids = [("1", "1000"), *((contacts[f"cus-{n}"], companies[f"com-{n}"]) for n in (2, 3))]
    pairs = [Pair(f"cus-{n}", a, f"com-{n}", b, frozenset([b])) for n, (a, b) in enumerate(ids, start=1)]
    Associator(client(url), state, run, CONTACTS, "companies").associate(pairs)
    state.close()
