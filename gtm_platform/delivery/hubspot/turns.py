"""One delivery at a time plans and writes, on whichever host: of two at once the older values might come last.

A host that was silent for too long has lost its turn without knowing, so it looks before each intent.
"""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from contextvars import ContextVar
from datetime import datetime

import sqlalchemy as sa

from gtm_platform.settings import settings
from gtm_platform.state import hubspot_journal, open_state
from gtm_platform.state.hubspot_journal import Write
from gtm_platform.state.leases import Held, LeaseTaken, holding

log = logging.getLogger(__name__)
LEASE = "writing to HubSpot"
LOOK_SECONDS = 1.0  # until it is looked again whether it is this one's turn

_turn: ContextVar[Held | None] = ContextVar("turn", default=None)


class TurnLost(RuntimeError):
    """Another delivery may have written newer values since this one made its plan."""


@contextmanager
def writing_alone(doing: str, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Wait for other deliveries, then keep them waiting; what a process had that died is free again."""
    waits_for = None
    with closing(open_state(settings().state_url)) as state, ExitStack() as turn:
        while True:
            try:
                lease = turn.enter_context(holding(state, LEASE, doing))
                break
            except LeaseTaken as taken:
                if taken.lease.holder != waits_for:  # once for each that it waits for
                    log.warning("Waits for its turn at HubSpot: %s.", taken)
                waits_for = taken.lease.holder
                sleep(LOOK_SECONDS)
        before = _turn.set(lease)
        try:
            yield
        finally:
            _turn.reset(before)


def intend(tx: sa.Connection, writes: Sequence[Write], at: datetime) -> list[int]:
    """Keep what is about to be written; return the rows' ids.

    TurnLost where the turn is another delivery's by now.
    """
    turn = _turn.get()
    if turn and not turn.holds(tx):
        raise TurnLost(
            "This delivery was silent for minutes, so another one has its turn at HubSpot. Nothing more is written: "
            "run it again, and it plans by what HubSpot has then."
        )
    return hubspot_journal.intend(tx, writes, at)
