"""Accepted writes as JSON-able values. The same writes in the same order, at the same instants, make the same store:
a restarted sandbox does them again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

Write = dict[str, Any]  # "do" names the action, the rest is what it needs
Persist = Callable[[Write], None]

S = TypeVar("S")
T = TypeVar("T")
Actions = Mapping[str, Callable[[S, Write, datetime], T]]


def discard(_: Write) -> None:
    """Persist nothing."""


@dataclass(frozen=True)
class WriteLog(Generic[S, T]):
    """Does each write to the store at the clock's time, and persists it."""

    store: S
    clock: Callable[[], datetime]
    persist: Persist
    actions: Actions[S, T]

    def do(self, write: Write) -> T:
        """Do one accepted write, and persist it before it is answered."""
        result = replay(self.actions, self.store, write, self.clock())
        self.persist(write)
        return result


def replay(actions: Actions[S, T], store: S, write: Write, at: datetime) -> T:
    """Do one write as it was done at that instant."""
    return actions[write["do"]](store, write, at)
