"""Which process each run of Dagster is, and when it last said that it lives: on this host or on any other.

On its own host the process itself decides: it is there, or it is gone. Of another host only silence is heard.
"""

import os
import platform
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from gtm_platform.state.processes import has_ended, started
from gtm_platform.state.schema import run_beats


@dataclass(frozen=True)
class Process:
    """A process, its host, and that host's boot with the numbering that the process has its number from.

    A container numbers its processes by itself.
    """

    host: str
    boot: str
    pid: int
    started: str

    @classmethod
    def this(cls) -> "Process":
        """Return the process that asks."""
        boot, numbering = Path("/proc/sys/kernel/random/boot_id"), ""
        with suppress(OSError):
            numbering = os.readlink("/proc/self/ns/pid")
        counted = f"{boot.read_text().strip() if boot.exists() else ''} {numbering}".strip()
        return cls(platform.node(), counted, os.getpid(), started(os.getpid()))

    def is_numbered_as(self, other: "Process") -> bool:
        """Whether both have their numbers from the same host, boot and container."""
        return (self.host, self.boot) == (other.host, other.boot)

    def is_of_earlier_boot(self, here: "Process") -> bool:
        """Whether the host was booted since; hosts have names of their own."""
        return self.host == here.host and self.boot.split(" ")[0] != here.boot.split(" ")[0]

    def is_there(self) -> bool:
        """Whether a process of this host lives, and is not another that was given its number."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            pass  # it is somebody else's
        return started(self.pid) == self.started and not has_ended(self.pid)


@dataclass(frozen=True)
class Beat:
    """A run, the process that it is, and when that last said that it lives."""

    run_id: str
    process: Process
    beat_at: datetime

    def is_over(self, now: datetime, silence: timedelta) -> bool:
        """Whether the process is gone from this host, of an earlier boot of it, or silent elsewhere."""
        here = Process.this()
        if self.process.is_numbered_as(here):
            return not self.process.is_there()
        return self.process.is_of_earlier_boot(here) or now - self.beat_at > silence


def begin(tx: sa.Connection, run_id: str, now: datetime) -> None:
    """Note that this process is a run; of several processes of a run the newest counts."""
    forget(tx, run_id)
    process = Process.this()
    tx.execute(sa.insert(run_beats), {"run_id": run_id, **vars(process), "beat_at": now})


def heartbeat(tx: sa.Connection, run_ids: Collection[str], now: datetime) -> None:
    """Say that the runs of this process live."""
    tx.execute(sa.update(run_beats).where(run_beats.c.run_id.in_(run_ids)).values(beat_at=now))


def beats(tx: sa.Connection) -> Sequence[Beat]:
    """List the runs that did not end in order, dead or alive."""
    return [_beat(row) for row in tx.execute(sa.select(run_beats).order_by(run_beats.c.beat_at)).mappings()]


def taken(tx: sa.Connection, run_id: str) -> Beat | None:
    """Return what is known of a run, which no other takes until the transaction ends; None if gone."""
    query = sa.select(run_beats).where(run_beats.c.run_id == run_id).with_for_update(skip_locked=True)
    row = tx.execute(query).mappings().first()
    return _beat(row) if row else None


def forget(tx: sa.Connection, run_id: str) -> None:
    """Forget a run that ended."""
    tx.execute(sa.delete(run_beats).where(run_beats.c.run_id == run_id))


def forget_all(tx: sa.Connection) -> None:
    """Forget every run of a state that was just restored: they work elsewhere, or are gone."""
    tx.execute(sa.delete(run_beats))


def _beat(row: sa.RowMapping) -> Beat:
    process = Process(row["host"], row["boot"], row["pid"], row["started"])
    return Beat(row["run_id"], process, row["beat_at"])
