"""What a source and its streams declare: everything that differs from system to system, and nothing else.

How a stream is synced is the same for all and stands in `plan`, `merge` and `stream_sync`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import ibis
import pyarrow as pa

from gtm_platform.accounts import AccountIdentity
from gtm_platform.http.pages import Page
from gtm_platform.http.rate_limit import LimitShare, limited_to
from gtm_platform.ingest import arrow as columns
from gtm_platform.ingest.credits import CreditAllowance, spending
from gtm_platform.ingest.record import Record
from gtm_platform.lake.contracts import Column, Contract, declare
from gtm_platform.settings import SystemSettings, settings_of

SYNC_COLUMNS = {
    "_window": Column("timestamp('UTC', 6)", "End of the window that brought this version.", nullable=False),
    "_extracted_at": Column("timestamp('UTC', 6)", "When the record was read.", nullable=False),
    "_run_id": Column("string", "The run that read it."),
    "_deleted": Column("boolean", "The system said that the record is gone.", nullable=False),
    "payload": Column("string", "The record as received, byte for byte.", personal=True),
}
QUARANTINE_COLUMNS = {
    "digest": Column("string", "SHA-256 of the record as received.", nullable=False),
    "record_id": Column("string", "The record's id, where it could be read."),
    "reason": Column("string", "What is wrong with it.", nullable=False),
    **SYNC_COLUMNS,
    "payload": Column("string", "The record as received, at most its first 64 KiB.", personal=True),
}

BEGINNING, END = datetime(1990, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)  # of time


@dataclass(frozen=True)
class Schedule:
    """Read every `hours`, which divide the day, at so many minutes past the hour: sources are staggered."""

    hours: int
    minute: int = 5

    @property
    def cron(self) -> str:
        """The schedule as Dagster reads it."""
        return f"{self.minute} {'0' if self.hours == 24 else f'*/{self.hours}'} * * *"


@dataclass(frozen=True)
class FileDrop(Schedule):
    """Read when a file is dropped; at night a sync closes each day and reads what is left."""

    hours: int = 24
    minute: int = 10


@dataclass(frozen=True)
class Pushed(Schedule):
    """Read when webhooks have come; at night a sync closes each day and reads what is left."""

    hours: int = 24
    minute: int = 12


@dataclass(frozen=True)
class OnDemand:
    """Read when a person wants it, because it costs money; its windows have so many `hours`.

    Nothing of it is ever late. Its assets are built by the room that knows what to ask for.
    """

    hours: int = 24


# What makes a source be read: a schedule, the arrival of a file, a person's demand, or webhooks alone. Any source that
# has a hook is read, beside its schedule, when the hook says that something changed.
Trigger: TypeAlias = Schedule | FileDrop | Pushed | OnDemand


@dataclass(frozen=True)
class Window:
    """What a stream is asked for: what changed between two instants, or, when `full`, all records."""

    start: datetime
    end: datetime
    full: bool = False


@dataclass(frozen=True)
class SliceTotal:
    """A system's own count of the records that last changed from an instant on and before another."""

    start: datetime
    end: datetime
    records: int


@dataclass(frozen=True)
class Totals:
    """How a system is asked how many records it has.

    `count` returns its figure for a window, or for that part of it which the system can count, such as the whole days
    in it; None where it can count none of it. A stream without a `cursor_field` is counted whole. `how` says for the
    documentation what is asked. `counted_by` names the field by which the system counts where that is not the
    `cursor_field`: a date, such as the day that a row is about.
    """

    count: Callable[[Any, Window], SliceTotal | None]
    how: str
    counted_by: str | None = None


NO_TOTALS = "The API gives no total of them."

SyncMode = Literal["incremental", "append_only", "full_refresh"]
LISTED_LATE = timedelta(minutes=15)  # by which a system may list what changed


@dataclass(frozen=True)
class Stream:
    """One kind of record of a system.

    `incremental` streams can be asked for what changed: whole at first and once a week, since only then deletions show.
    `append_only` ones bring their whole past at first and are never fetched whole again. `full_refresh` is whole each
    time. `cursor_field` names the record's field that says when it last changed; windows are told apart by it.
    """

    name: str
    record: type[Record]
    pages: Callable[[Any, Window], Iterator[Page]]
    sync_mode: SyncMode = "incremental"
    key: tuple[str, ...] = ("id",)
    cursor_field: str | None = None
    lookback: timedelta = LISTED_LATE  # asked for again; longer where records change and their cursor stays
    probe: Callable[[Any], object] | None = None  # a cheap call to see whether it may be read; else its first page
    is_kept_here: bool = False  # what it reads was sent here: asking for it costs nothing
    totals: Totals | str = NO_TOTALS  # how it is proven that nothing is missing, or why it cannot be
    # Called with the run's id when what was extracted is written; returns what to add to the metadata.
    on_written: Callable[[str], Mapping[str, Any]] | None = None

    def __post_init__(self) -> None:
        if self.sync_mode != "full_refresh" and self.cursor_field is None:
            raise TypeError(f"{self.name}: only a full_refresh stream can do without a cursor_field")

    def check_access(self, client: Any, window: Window) -> None:
        """Ask so little of the stream that a failure is all that can be learnt."""
        if self.probe:
            self.probe(client)
        else:
            next(iter(self.pages(client, window)), None)

    def contract(self, cadence: int) -> Contract:
        """Derive the contract of the stream's table from its record."""
        fields = columns.fields(self.record)
        unknown = {*self.key, self.cursor_field or self.key[0]} - set(fields)
        if unknown:
            raise TypeError(f"{self.name}: the record has no field {sorted(unknown)}")
        if self.cursor_field and fields[self.cursor_field].nullable:
            raise TypeError(f"{self.name}: a record without {self.cursor_field} would belong to no window")
        mapped = {
            name: Column(
                _as_ibis(field.arrow),
                field.about,
                nullable=field.nullable and name not in self.key,
                personal=field.personal,
            )
            for name, field in fields.items()
        }
        about = (self.record.__doc__ or "").strip()
        return Contract({**mapped, **SYNC_COLUMNS}, key=self.key, about=about, cadence=cadence)


@runtime_checkable
class ReadsStreams(Protocol):
    """A client that reads streams in its own way, such as from landed tables, not by their `pages`."""

    def adapt(self, stream: Stream) -> Stream | str:
        """Return the stream as it is read with this client, or why it cannot be."""

    def notes(self) -> Sequence[str]:
        """Say what is lacking, such as which streams are off and why."""


@cache  # there are few types, and a thousand columns
def _as_ibis(kind: pa.DataType) -> str:
    return str(ibis.Schema.from_pyarrow(pa.schema([("field", kind)]))["field"])


@dataclass(frozen=True)
class Source:
    """A system: how to reach it, when to read it, what it brings. `check` says whose account it is.

    `prepare` is done before a run reads, such as having a service sync what is read. `identity` asks for the account
    that the key opens, None where nothing tells it apart yet; a sentence says why no account can be told from another.
    `idle` says why there is nothing to read although no variable is missing.
    """

    name: str
    trigger: Trigger
    settings: type[SystemSettings]
    connect: Callable[[Any], AbstractContextManager[Any]]  # from the settings to a client
    check: Callable[[Any], str]
    streams: tuple[Stream, ...]
    about: str = ""
    owners: tuple[str, ...] = ("team:revops",)
    identity: Callable[[Any], AccountIdentity | None] | str | None = None
    idle: Callable[[], str | None] | None = None
    prepare: Callable[[Any], None] | None = None

    def __post_init__(self) -> None:
        for stream in self.streams:
            declare(self.table(stream), stream.contract(self.hours))
            quarantine = Contract(
                QUARANTINE_COLUMNS,
                key=("digest",),
                about=f"Records of {self.table(stream)} that are not what they should be, kept as received.",
                cadence=self.hours,
                made_with=self.table(stream),
            )
            declare(self.quarantine(stream), quarantine)

    @property
    def hours(self) -> int:
        """Length of a window of its tables."""
        return self.trigger.hours

    @property
    def is_scheduled(self) -> bool:
        """Whether it is read again and again, so that its tables can be late."""
        return isinstance(self.trigger, Schedule)

    @property
    def required_env(self) -> tuple[str, ...]:
        """The variables without which the source is off."""
        return self.settings.required_env

    @property
    def pool(self) -> str:
        """The Dagster pool of all that calls the system: reading and writing take turns."""
        return self.name

    def table(self, stream: Stream) -> str:
        """Name the table of a stream."""
        return f"{self.name}/{stream.name}"

    def quarantine(self, stream: Stream) -> str:
        """Name the table of a stream's quarantine."""
        return f"quarantine/{self.name}_{stream.name}"

    def account(self, client: Any) -> AccountIdentity | None:
        """Return the account that the key opens; None where nothing tells it from another."""
        return self.identity(client) if callable(self.identity) else None

    def stream_for(self, client: Any, stream: Stream) -> Stream | str:
        """Return a stream as it is read with this client; a sentence says why it is off."""
        return client.adapt(stream) if isinstance(client, ReadsStreams) else stream

    def notes(self, client: Any) -> Sequence[str]:
        """Say what is lacking when read with this client."""
        return client.notes() if isinstance(client, ReadsStreams) else ()

    def off(self) -> str | None:
        """Say why the source is off; None where it is on."""
        if missing := settings_of(self.settings).missing():
            return f"{self.name} is off: set {' and '.join(missing)} (see .env.example)"
        return self.idle() if self.idle else None

    def make_ready(self) -> None:
        """Do what has to be done before a run reads."""
        if self.prepare:
            self.prepare(settings_of(self.settings))

    @contextmanager
    def open(self, share: LimitShare | None = None, allowance: CreditAllowance | None = None) -> Iterator[Any]:
        """Connect as the environment says, to use a share of the rate limits and an allowance of credits."""
        terms = limited_to(share or LimitShare()), spending(allowance or CreditAllowance())
        with terms[0], terms[1], self.connect(settings_of(self.settings)) as client:
            yield client
