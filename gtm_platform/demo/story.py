"""What happened while the demo lived, as it is told at the end."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date


@dataclass
class Story:
    lived: list[date] = field(default_factory=list)
    again: bool = False  # every day had been lived before; the newest one was lived once more
    rows: Counter[str] = field(default_factory=Counter)
    quarantined: int = 0
    hubspot: Counter[str] = field(default_factory=Counter)
    slack: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.seconds[name] += time.perf_counter() - began
