"""Leases: what only one process may do at a time, whichever host it is on. A lease is held while its holder says so.

It is free again when the holder gives it back, when its process is gone on this very host, or after a silence.
"""

import os
import platform
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from gtm_platform.state.processes import has_ended
from gtm_platform.state.schema import leases
from gtm_platform.state.store import State

BEAT_SECONDS = 15.0
SILENCE = timedelta(minutes=3)  # the holder beats every 15 seconds; the clocks of hosts differ by less
LONGEST_DOING = 200  # characters

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Lease:
    """Who holds a name, where, since when, and what it is at."""

    name: str
    holder: str
    host: str
    boot: str
    pid: int
    doing: str
    since: datetime
    beat_at: datetime

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}, since {self.since:%Y-%m-%d %H:%M} UTC: {self.doing}"

    def is_over(self, now: datetime) -> bool:
        """Whether the holder is dead: gone from this host, or silent for too long."""
        if now - self.beat_at > SILENCE:
            return True
        return (self.host, self.boot) == here() and not _lives(self.pid)


class LeaseTaken(RuntimeError):
    """Another process holds the lease."""

    def __init__(self, lease: Lease) -> None:
        super().__init__(str(lease))
        self.lease = lease


def here() -> tuple[str, str]:
    """Return this host, and its boot with the numbering of its processes: a container has one of its own."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    numbering = ""
    with suppress(OSError):
        numbering = os.readlink("/proc/self/ns/pid")
    return platform.node(), f"{boot.read_text().strip() if boot.exists() else ''} {numbering}".strip()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True  # it is somebody else's
    return not has_ended(pid)


def take(tx: sa.Connection, name: str, doing: str, now: datetime) -> Lease:
    """Take a lease that is free, or whose holder is dead; LeaseTaken otherwise."""
    host, boot = here()
    mine = Lease(name, uuid4().hex, host, boot, os.getpid(), doing[:LONGEST_DOING], now, now)
    if (current := held_by(tx, name)) and not current.is_over(now):
        raise LeaseTaken(current)
    if current:
        tx.execute(sa.delete(leases).where(leases.c.name == name, leases.c.holder == current.holder))
    try:
        with tx.begin_nested():
            tx.execute(sa.insert(leases), vars(mine))
    except IntegrityError:  # another process was quicker
        raise LeaseTaken(held_by(tx, name) or mine) from None
    return mine


def held_by(tx: sa.Connection, name: str) -> Lease | None:
    """Return who holds a lease, dead or alive."""
    row = tx.execute(sa.select(leases).where(leases.c.name == name)).mappings().first()
    return Lease(**row) if row else None


def heartbeat(tx: sa.Connection, lease: Lease, doing: str, now: datetime) -> bool:
    """Say that the holder lives, and what it is at; False where it holds the lease no more."""
    mine = (leases.c.name == lease.name) & (leases.c.holder == lease.holder)
    update = sa.update(leases).where(mine).values(beat_at=now, doing=doing[:LONGEST_DOING])
    return tx.execute(update).rowcount == 1


def give_back(tx: sa.Connection, lease: Lease) -> None:
    """Free a lease, if it is still held."""
    tx.execute(sa.delete(leases).where(leases.c.name == lease.name, leases.c.holder == lease.holder))


def free_all(tx: sa.Connection) -> None:
    """Free every lease of a state that was just restored: its holders work elsewhere, or are gone."""
    tx.execute(sa.delete(leases))


class Held:
    """A lease that this process holds: it beats in the background, and knows once it was lost."""

    def __init__(self, state: State, lease: Lease, clock: Clock) -> None:
        self._state, self._lease, self._clock, self._doing = state, lease, clock, lease.doing
        self._is_lost, self._ended = False, threading.Event()

    @property
    def is_lost(self) -> bool:
        """Whether another process took it, as this one was silent for too long."""
        return self._is_lost

    def announce(self, doing: str) -> None:
        """Say what is being done."""
        self._doing = doing
        self.heartbeat()

    def heartbeat(self) -> None:
        """Say that this process lives."""
        with suppress(DBAPIError), self._state.writing() as tx:  # the next beat says it
            self.holds(tx)

    def holds(self, tx: sa.Connection) -> bool:
        """Say that this process lives; return whether the lease is still its own, until the transaction ends."""
        self._is_lost = not heartbeat(tx, self._lease, self._doing, self._clock())
        return not self._is_lost

    def beat_on(self) -> None:
        """Beat until the lease is given back."""
        while not self._ended.wait(BEAT_SECONDS):
            self.heartbeat()

    def end(self) -> None:
        """Stop beating."""
        self._ended.set()


@contextmanager
def holding(state: State, name: str, doing: str, clock: Clock = lambda: datetime.now(UTC)) -> Iterator[Held]:
    """Hold a lease while the block runs; LeaseTaken where another process has it."""
    with state.writing() as tx:
        lease = take(tx, name, doing, clock())
    mine = Held(state, lease, clock)
    beating = threading.Thread(target=mine.beat_on, name=f"lease {name}", daemon=True)
    beating.start()
    try:
        yield mine
    finally:
        mine.end()
        beating.join()
        with state.writing() as tx:
            give_back(tx, lease)
