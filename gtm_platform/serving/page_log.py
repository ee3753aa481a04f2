"""The audit of what pages showed: written by a thread of its own, so that no click waits for the disk."""

import atexit
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from gtm_platform.serving.store.sight import noting_people
from gtm_platform.serving.viewer import Viewer
from gtm_platform.state import State, open_state
from gtm_platform.state.audit import Entry, append

FLUSH_SECONDS = 1.0
QUEUED_AT_MOST = 100_000  # while the state cannot be written; then the oldest are lost
LOGGER = logging.getLogger(__name__)


class PageLog:
    """What was shown and is not written yet; one for each process and state."""

    def __init__(self, url: str, now: Callable[[], datetime]) -> None:
        self._url, self._now = url, now
        self._lock = threading.Lock()
        self._queue: list[Entry] = []
        self._timer: threading.Timer | None = None
        self._state: State | None = None
        atexit.register(self.write)

    @contextmanager
    def showing(self, viewer: Viewer, page: str, **detail: Any) -> Iterator[None]:
        """Note that a page was shown, with whose personal data it handed out until the block ends."""
        with noting_people() as people:
            try:
                yield
            finally:
                shown = {**detail, "role": viewer.role, "people": list(people)}
                self._add(Entry(self._now(), viewer.actor, f"page {page}", "", shown))

    def write(self) -> None:
        """Write what is queued; what cannot be written stays queued for the next time."""
        with self._lock:
            batch, self._queue, self._timer = self._queue, [], None
        if not batch:
            return
        try:
            self._state = self._state or open_state(self._url)
            with self._state.writing() as tx:
                append(tx, batch)
        except Exception as error:
            with self._lock:
                self._queue = [*batch, *self._queue][-QUEUED_AT_MOST:]
            LOGGER.error("The audit of %d pages cannot be written yet: %s", len(batch), type(error).__name__)

    def _add(self, entry: Entry) -> None:
        with self._lock:
            self._queue.append(entry)
            if self._timer is None:
                self._timer = threading.Timer(FLUSH_SECONDS, self.write)
                self._timer.daemon = True
                self._timer.start()
