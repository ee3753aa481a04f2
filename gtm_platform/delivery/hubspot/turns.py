"""One delivery at a time plans and writes, on whichever host: of two at once the older values might come last."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

from gtm_platform.settings import settings
from gtm_platform.state import open_state
from gtm_platform.state.leases import LeaseTaken, holding

log = logging.getLogger(__name__)
LEASE = "writing to HubSpot"
LOOK_SECONDS = 1.0  # until it is looked again whether it is this one's turn


@contextmanager
def writing_alone(doing: str, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Wait for other deliveries, then keep them waiting; what a process had that died is free again."""
    waits_for = None
    with closing(open_state(settings().state_url)) as state, ExitStack() as turn:
        while True:
            try:
                turn.enter_context(holding(state, LEASE, doing))
                break
            except LeaseTaken as taken:
                if taken.lease.holder != waits_for:  # once for each that it waits for
                    log.warning("Waits for its turn at HubSpot: %s.", taken)
                waits_for = taken.lease.holder
                sleep(LOOK_SECONDS)
        yield
