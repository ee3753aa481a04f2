"""How far a run is, stream by stream, for its log: pages and rows so far, and what it waits for."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue

EVERY = 10.0  # seconds between two lines of one stream about the same, at least


@dataclass
class StreamProgress:
    """Counts what a stream has read, and puts a line into the queue now and then."""

    stream: str
    lines: "SimpleQueue[str | None]"
    now: Callable[[], float] = time.monotonic
    pages: int = 0
    rows: int = 0
    _quiet_until: dict[str, float] = field(init=False)

    def __post_init__(self) -> None:
        self._quiet_until = {"reads": self.now() + EVERY}

    def page(self, rows: int) -> None:
        """Count a page."""
        self.pages, self.rows = self.pages + 1, self.rows + rows
        self._put("reads", "reads on")

    def wait(self, seconds: float, reason: str) -> None:
        """Say that a wait begins, and what for."""
        self._put("waits", f"waits {seconds:.0f} s. {reason}")

    def _put(self, kind: str, message: str) -> None:
        now = self.now()
        if now < self._quiet_until.get(kind, now):
            return
        self._quiet_until[kind] = now + EVERY
        self.lines.put(f"{self.stream}: {self.pages:,} pages, {self.rows:,} rows so far; {message}")
