"""What a source and its streams declare: everything that differs from system to system, and nothing else."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import ibis
import pyarrow as pa

from gtm_platform.accounts import AccountIdentity
from gtm_platform.http.pages import Page
from gtm_platform.ingest import arrow as columns
from gtm_platform.ingest.record import Record
from gtm_platform.lake.contracts import Column, Contract, declare
from gtm_platform.settings import Settings

LANDED = {
    "_window": Column("timestamp('UTC', 6)", "End of the window that brought this version.", nullable=False),
    "_extracted_at": Column("timestamp('UTC', 6)", "When the record was read.", nullable=False),
    "_run_id": Column("string", "The run that read it."),
    "_deleted": Column("boolean", "The system said that the record is gone.", nullable=False),
    "payload": Column("string", "The record as received.", personal=True),
}
QUARANTINED = {
    "digest": Column("string", "SHA-256 of the record as received.", nullable=False),
    "record_id": Column("string", "The record's id, where it could be read."),
    "reason": Column("string", "What is wrong with it.", nullable=False),
    **LANDED,
    "payload": Column("string", "The record as received, at most its first 64 KiB.", personal=True),
}


BEGINNING, END = datetime(1990, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)  # of time


@dataclass(frozen=True)
class Window:
    """What a stream is asked for: what changed from `start` on and before `end`, or, when `full`, all there is."""

    start: datetime
    end: datetime
    full: bool = False


Kind = Literal["updated", "appended", "snapshot"]


@dataclass(frozen=True)
class Stream:
    """One kind of record of a system.

    `updated` streams can be asked for what changed: whole at first and once a week, since only then deletions show.
    `appended` ones bring their whole past at first and are never fetched whole again. A `snapshot` is whole each time.
    `moved` names the record's field that says when it last changed; windows are told apart by it.
    """

    name: str
    record: type[Record]
    pages: Callable[[Any, Window], Iterator[Page]]
    kind: Kind = "updated"
    key: tuple[str, ...] = ("id",)
    moved: str | None = None
    overlap: timedelta = timedelta(minutes=15)  # asked for again, because what changed may show late
    probe: Callable[[Any], object] | None = None  # a cheap call to see whether it may be read; else its first page

    def __post_init__(self) -> None:
        if self.kind != "snapshot" and self.moved is None:
            raise TypeError(f"{self.name}: only a snapshot can do without saying when its records moved")

    def check_access(self, client: Any, window: Window) -> None:
        """Asks so little of the stream that a failure is all that can be learnt."""
        if self.probe:
            self.probe(client)
        else:
            next(iter(self.pages(client, window)), None)

    def contract(self, cadence: int) -> Contract:
        known = columns.fields(self.record)
        unknown = {*self.key, self.moved or self.key[0]} - set(known)
        if unknown:
            raise TypeError(f"{self.name}: the record has no field {sorted(unknown)}")
        if self.moved and known[self.moved].nullable:
            raise TypeError(f"{self.name}: a record without {self.moved} would belong to no window")
        mapped = {
            name: Column(
                str(ibis.dtype(_as_ibis(field.arrow))),
                field.about,
                nullable=field.nullable and name not in self.key,
                personal=field.personal,
            )
            for name, field in known.items()
        }
        return Contract({**mapped, **LANDED}, key=self.key, about=(self.record.__doc__ or "").strip(), cadence=cadence)


def _as_ibis(kind: pa.DataType) -> ibis.DataType:
    return ibis.Schema.from_pyarrow(pa.schema([("field", kind)]))["field"]


@dataclass(frozen=True)
class Source:
    """A system: how to reach it, how often, what it brings. `check` makes one cheap call and says who we are there.

    `identity` asks for the account that the key opens; a source without one has no accounts to mix up.
    """

    name: str
    hours: int
    needs: tuple[str, ...]  # environment variables without which the source is off
    connect: Callable[[Settings], AbstractContextManager[Any]]
    check: Callable[[Any], str]
    streams: tuple[Stream, ...]
    about: str = ""
    minute: int = 5  # minutes past the hour at which its schedule ticks: sources are staggered
    owners: tuple[str, ...] = ("team:revops",)
    identity: Callable[[Any], AccountIdentity] | None = None

    def __post_init__(self) -> None:
        for stream in self.streams:
            declare(self.table(stream), stream.contract(self.hours))
            quarantine = Contract(
                QUARANTINED,
                key=("digest",),
                about=f"Records of {self.table(stream)} that are not what they should be, kept as received.",
                cadence=self.hours,
                made_with=self.table(stream),
            )
            declare(self.quarantine(stream), quarantine)

    def table(self, stream: Stream) -> str:
        return f"{self.name}/{stream.name}"

    def quarantine(self, stream: Stream) -> str:
        return f"quarantine/{self.name}_{stream.name}"

    def off(self, settings: Settings) -> str | None:
        """Why the source is off, or None."""
        missing = settings.missing(*self.needs)
        return f"{self.name} is off: set {' and '.join(missing)} (see .env.example)" if missing else None
