"""The inbox: what arrives within some milliseconds is one transaction, and each delivery waits until it is committed.

Refusals are counted with the next transaction, or within a second. A flood is refused before it fills the memory or the
disk: senders try again later.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from gtm_platform.ingest.hooks.delivery import RefusedDelivery
from gtm_platform.state import State
from gtm_platform.state.hook_events import ACCEPTED, REPEATED, NewEvent, count, count_unread, keep

GATHER_SECONDS = 0.005
FLUSH_SECONDS = 1.0
LONGEST_WAIT = 8.0  # seconds for the transaction; senders give up after ten
MOST_WAITING = 4_000  # deliveries in memory
MOST_UNREAD = 2_000_000  # events in the state that no run has read
UNREAD_COUNTED_SECONDS = 10.0
LOGGER = logging.getLogger(__name__)


class CannotKeep(Exception):
    """The state cannot be written now; a sender tries again."""


@dataclass
class Waiting:
    """The events of a delivery, and who waits for them."""

    hook: str
    events: Sequence[NewEvent]
    committed: "asyncio.Future[None]"


@dataclass
class Inbox:
    """What was received and is not committed yet; one for each process."""

    state: State
    now: Callable[[], datetime]
    queue: list[Waiting] = field(default_factory=list)
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    unread: int = 0
    in_flight: int = 0
    _counted_at: float = float("-inf")
    _filled: asyncio.Event = field(default_factory=asyncio.Event)

    async def keep(self, hook: str, events: Sequence[NewEvent]) -> None:
        """Return once the events are committed; raise where they are too many, or cannot be."""
        if len(self.queue) + self.in_flight >= MOST_WAITING:
            raise RefusedDelivery("flooded", "More arrives than can be kept: send it again a little later.")
        if self.unread >= MOST_UNREAD:
            raise RefusedDelivery("flooded", "More events wait than may be kept: send it again later.")
        waiting = Waiting(hook, events, asyncio.get_running_loop().create_future())
        self.queue.append(waiting)
        self._filled.set()
        # The future is the transaction's, whoever waits for it: `wait` cancels nothing, and is cheaper than `wait_for`.
        done, _ = await asyncio.wait((waiting.committed,), timeout=LONGEST_WAIT)
        if not done:
            waiting.committed.add_done_callback(_retrieved)
            raise CannotKeep
        waiting.committed.result()

    def note(self, hook: str, outcome: str) -> None:
        """Count an outcome."""
        self.outcomes[hook, outcome] += 1

    async def keep_writing(self) -> None:
        """Commit what arrives, until cancelled; the rest then."""
        try:
            while True:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._filled.wait(), FLUSH_SECONDS)
                if self._filled.is_set():
                    await asyncio.sleep(GATHER_SECONDS)
                    self._filled.clear()
                await self._write_queued()
        finally:
            batch, outcomes = self._take()
            with suppress(Exception):
                self._write(batch, outcomes)

    async def _write_queued(self) -> None:
        batch, outcomes = self._take()
        if not batch and not outcomes:
            return
        self.in_flight = len(batch)
        try:
            await asyncio.to_thread(self._write, batch, outcomes)
        except Exception as error:  # locked for long, or full: who waits is told so, and sends it again
            LOGGER.error("%d webhooks cannot be kept: %s", len(batch), type(error).__name__)
            self.outcomes.update(outcomes)
            _settle(batch, CannotKeep())
        else:
            _settle(batch, None)
        finally:
            self.in_flight = 0

    def _take(self) -> tuple[list[Waiting], Counter[tuple[str, str]]]:
        batch, self.queue = self.queue, []
        outcomes, self.outcomes = self.outcomes, Counter()
        return batch, outcomes

    def _write(self, batch: Sequence[Waiting], outcomes: Counter[tuple[str, str]]) -> None:
        """Commit all of it in one transaction; runs in a thread."""
        by_hook: dict[str, list[NewEvent]] = {}
        for waiting in batch:
            by_hook.setdefault(waiting.hook, []).extend(waiting.events)
        counted = Counter(outcomes)
        with self.state.writing() as tx:
            for hook, events in by_hook.items():
                new = keep(tx, events)
                counted[hook, ACCEPTED] += new
                counted[hook, REPEATED] += len(events) - new
            count(tx, {key: number for key, number in counted.items() if number}, self.now())
            if time.monotonic() - self._counted_at > UNREAD_COUNTED_SECONDS:
                self.unread, self._counted_at = count_unread(tx), time.monotonic()


def _settle(batch: Sequence[Waiting], error: Exception | None) -> None:
    for waiting in batch:
        if waiting.committed.done():
            continue
        if error:
            waiting.committed.set_exception(error)
        else:
            waiting.committed.set_result(None)


def _retrieved(committed: "asyncio.Future[None]") -> None:
    """Take the outcome that nobody waits for any more."""
    if not committed.cancelled():
        committed.exception()
