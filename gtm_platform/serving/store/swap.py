"""Which snapshot is read: the newest, looked for at most once a second, and swapped while requests go on."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from gtm_platform.serving.snapshot.files import folder_of, path_of, stamps
from gtm_platform.serving.store.snapshot import Snapshot, WrongFormat
from gtm_platform.settings import settings

LOOK_SECONDS = 1.0


class NoSnapshot(RuntimeError):
    """There is nothing to serve yet; the message says how it is made."""


class Store:
    """The snapshots in a folder; an answer asks for the current one once, and uses it throughout."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder, self._clock = folder, clock
        self._lock = threading.Lock()
        self._next_look = 0.0
        self._current: Snapshot | None = None

    def current(self) -> Snapshot:
        """Return the newest snapshot; NoSnapshot where none can be read."""
        current = self._current
        if current is None:
            with self._lock:
                self._look()
                current = self._current
        elif self._clock() >= self._next_look and self._lock.acquire(blocking=False):
            try:  # whoever comes first looks; the rest goes on with what is there
                self._look()
                current = self._current
            finally:
                self._lock.release()
        if current is None:
            raise NoSnapshot(
                f"There is nothing to serve in {self._folder} yet. Run `gtm demo`, or let the daily tables be made: "
                f"gtm run daily_tables --partition DAY."
            )
        return current

    def _look(self) -> None:
        """Open the newest snapshot, if it is another one; one that another version wrote is passed over."""
        self._next_look = self._clock() + LOOK_SECONDS
        for stamp in reversed(stamps(self._folder)):
            if self._current and self._current.stamp == stamp:
                return
            try:
                self._current = Snapshot.open(path_of(self._folder, stamp))  # opened, then assigned
            except (FileNotFoundError, WrongFormat):
                continue
            return


def the_store() -> Store:
    """Return the store of GTM_HOME."""
    return Store(folder_of(settings().home))
