"""The n-th call loop: fail the first call, then the second, the third … until a run meets no failure any more."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass
class Nth:
    """Which of the calls of one run fails; when persistent, so do all after it."""

    n: int
    persistent: bool
    calls: int = 0

    def strikes(self) -> bool:
        """Counts a call and says whether it is one that fails."""
        self.calls += 1
        return self.calls >= self.n if self.persistent else self.calls == self.n

    @property
    def struck(self) -> bool:
        return self.calls >= self.n


def until_none_fails(persistent: bool) -> Iterator[Nth]:
    """One `Nth` for each run to be made; the last is the one that no call met."""
    n = 0
    while True:
        n += 1
        nth = Nth(n, persistent)
        yield nth
        if not nth.struck:
            return
