"""What a lander makes of a system: which of its tables hold the records of which stream.

It is declared beside the system's source, once for each lander.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gtm_platform.http.pages import Page
from gtm_platform.sources.landed.scope import Conventions, Shape, Value

Finish = Callable[[bytes], bytes]


class Records(Protocol):
    """The records of all streams of a system, as they were landed."""

    def all(self, stream: str) -> Iterator[bytes]:
        """Read every record of a stream."""

    def api_client(self) -> Any | None:
        """Return the API's client, for what was landed too little of; None without its key."""


@dataclass(frozen=True)
class Lander:
    """A service that copies systems into tables, and how it marks them."""

    name: str  # as the settings have it
    title: str
    conventions: Conventions
    repeats: bool = False  # it may keep several versions of a record, of which the newest counts


FIVETRAN = Lander(
    "fivetran",
    "Fivetran",
    Conventions("_fivetran_synced", ("is_deleted", "_fivetran_deleted"), active="_fivetran_active"),
)
AIRBYTE = Lander(
    "airbyte",
    "Airbyte",
    Conventions("_airbyte_extracted_at", ("is_deleted", "archived", "_ab_cdc_deleted_at")),
    repeats=True,
)


@dataclass(frozen=True)
class Part:
    """A table with records of a stream; a stream may have several parts.

    `record` is what the API would have sent; None where the API sends no such record, and all is in the `facts` beside
    it. `changed` says when it last changed, where its stream asks for that; `created` is for tables that do not tell,
    but only when the lander last wrote the row.
    """

    table: str | tuple[str, ...]  # of several the first that was landed
    record: Mapping[str, Shape] | None
    facts: Mapping[str, Shape] = field(default_factory=dict)
    changed: Value | None = None
    created: Value | None = None
    key: str = "id"  # the column that tells records apart
    unless_in: str | None = None  # a table of what is gone: a row with the same key there that is not older counts
    split: Callable[[bytes], Page] | None = None  # where a row holds several records
    keeps_deleted: bool = False  # what the lander marks as deleted is still a record
    optional: bool = False  # without the table, the stream is whole all the same

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that may hold it."""
        return (self.table,) if isinstance(self.table, str) else self.table


@dataclass(frozen=True)
class Account:
    """Where the system's own account id lies, and what the account is called."""

    table: str
    id: Shape
    label: str  # with {id}


@dataclass(frozen=True)
class Lacking:
    """What of a stream a lander does not land: with the API's key, the stream is read by the API.

    `unless` names a column, as `table.column`, with which an account has landed it all the same.
    """

    what: str
    unless: str | None = None


@dataclass(frozen=True)
class LandedSystem:
    """A system as a lander lands it.

    `lacking` is by stream; one that is landed in no table has no parts. `finish` adds to each record of a stream what
    has to be computed.
    """

    name: str
    title: str
    lander: Lander
    streams: Mapping[str, tuple[Part, ...]]
    accounts: tuple[Account, ...] = ()
    lacking: Mapping[str, Lacking] = field(default_factory=dict)
    finish: Mapping[str, Callable[[Records], Finish]] = field(default_factory=dict)
