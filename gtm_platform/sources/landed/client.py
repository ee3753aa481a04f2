"""A system read from landed tables: the client that takes the place of its API's.

The streams of a source stay as they are declared. With this client each gets other pages (from the tables), another
total (counted there) and a longer lookback: a change may be landed a day after it happened. A stream that the lander
does not land whole keeps its own, from the API, where that can be asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import duckdb
import msgspec

from gtm_platform.accounts import AccountIdentity
from gtm_platform.http.errors import InvalidResponse, Unavailable
from gtm_platform.http.pages import Page
from gtm_platform.ingest.record import deleted, with_facts
from gtm_platform.ingest.source import BEGINNING, SliceTotal, Stream, Totals, Window
from gtm_platform.lake.file_query import text
from gtm_platform.sources.landed.beside import ApiBeside
from gtm_platform.sources.landed.place import LandedTables
from gtm_platform.sources.landed.query import PartQuery
from gtm_platform.sources.landed.scope import Scope, expression
from gtm_platform.sources.landed.system import Lacking, LandedSystem, Part

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BATCH = 1_000  # records
# Records that hold rows of other tables and are put together at once: the engine keeps such lists in memory.
SHARE = 50_000
SYNC_TAKES = timedelta(hours=1)  # what changed while the lander read may come with its next sync
SHOWN_COLUMNS = 12


@dataclass(frozen=True)
class LandedClient:
    """A system's landed tables for one run; threads may share it."""

    system: LandedSystem
    tables: LandedTables
    now: datetime
    max_age: timedelta
    api: ApiBeside

    # --- what a stream is read with ----------------------------------------------------------------------------------

    def adapt(self, stream: Stream) -> Stream | str:
        """Return the stream as it is read from the tables or by the API, or why it cannot be."""
        if self.is_read_by_api(stream.name):
            return self.api.stream(stream.name, self.identity())
        if reason := self.skip_reason(stream.name):
            return reason
        totals = stream.totals
        if isinstance(totals, Totals):
            totals = replace(totals, count=lambda _, window: self._total(stream, window))
        return replace(
            stream,
            pages=lambda _, window: self.pages(stream, window),
            probe=None,
            totals=totals,
            lookback=max(stream.lookback, self.max_age + SYNC_TAKES),
        )

    def is_read_by_api(self, stream: str) -> bool:
        """Whether the lander lands less of a stream than the API has, and the API can be asked."""
        return self.api.client is not None and self.lacking(stream) is not None

    def lacking(self, stream: str) -> Lacking | None:
        """Return what of a stream was not landed; None where it is whole."""
        lacking = self.system.lacking.get(stream)
        if lacking is None or lacking.unless is None:
            return lacking
        table, _, column = lacking.unless.partition(".")
        return None if column in self.tables.columns(table) else lacking

    def skip_reason(self, stream: str) -> str | None:
        """Say why a stream has no records here; None where it has."""
        if self.is_read_by_api(stream):
            return None
        parts = self.system.streams.get(stream, ())
        absent = [part for part in parts if self.tables.first_landed(part.tables) is None]
        lacking = [part.tables[0] for part in absent if not part.optional or len(absent) == len(parts)]
        if parts and not lacking:
            return None
        table, lander = f"{self.system.name}/{stream}", self.system.lander.title
        if not parts:
            return f"{table} is off: {lander} does not land it.{self._advice(stream)}"
        return f"{table} is off: {lander} has landed no table {' and '.join(lacking)} in the schema {self.tables.name}."

    def pages(self, stream: Stream, window: Window) -> Iterator[Page]:
        """Read the records that changed in the window, or all."""
        self._expect_fresh(window)
        finish = self.system.finish.get(stream.name)
        add = finish(self) if finish else None
        for part in self.system.streams[stream.name]:
            for page in self._read(part, window, dated=stream.cursor_field is not None):
                yield list(map(add, page)) if add else page

    def all(self, stream: str) -> Iterator[bytes]:
        """Read every record of a stream."""
        everything = Window(BEGINNING, self.now, full=True)
        if self.is_read_by_api(stream):
            for page in self.api.stream(stream, self.identity()).pages(self, everything):
                yield from page
            return
        for part in self.system.streams[stream]:
            for page in self._read(part, everything, dated=False):
                yield from page

    def api_client(self) -> Any | None:
        """Return the API's client, for what was landed too little of; None without its key."""
        return None if self.api.client is None else self.api.client_for(self.identity())

    # --- what is said of it ------------------------------------------------------------------------------------------

    def notes(self) -> list[str]:
        """Say until when the tables reach, what the API is asked for, and what was not landed."""
        synced, lander = self.synced_at, self.system.lander.title
        reach = f"its tables end at {lander}'s last sync" + (f", {synced:%Y-%m-%d %H:%M} UTC" if synced else ": never")
        streams = dict.fromkeys([*self.system.streams, *self.system.lacking])
        less = [sentence for stream in streams if (sentence := self.skip_reason(stream) or self._lacks(stream))]
        missing = self.missing_columns()
        more = f" and {len(missing) - SHOWN_COLUMNS} more" if len(missing) > SHOWN_COLUMNS else ""
        named = ", ".join(missing[:SHOWN_COLUMNS])
        return [reach, *less, *([f"not landed, so null: {named}{more}"] if missing else [])]

    def _lacks(self, stream: str) -> str | None:
        """Say what the lander does not land of a stream that is read all the same, and from where."""
        lacking, lander = self.lacking(stream), self.system.lander.title
        if lacking is None:
            return None
        table = f"{self.system.name}/{stream}"
        if self.is_read_by_api(stream):
            return f"{table} is read by the API: {lander} does not land {lacking.what}"
        return f"{table} is read without {lacking.what}: {lander} does not land that.{self._advice(stream)}"

    def _advice(self, stream: str) -> str:
        return f" {self.api.advice()}" if self.lacking(stream) else ""

    @cached_property
    def synced_at(self) -> datetime | None:
        """When the lander last wrote a row of any table that is read."""
        stamps = []
        for table in {name for parts in self.system.streams.values() for part in parts for name in part.tables}:
            column = self._scope(table).column(self.system.lander.conventions.synced)
            if column:
                rows = f"{self.tables.address(table)} as t0"
                stamps += self._ask(table, f"select epoch_us(max({column[0]}::timestamptz)) from {rows}")
        newest = max((stamp for (stamp,) in stamps if stamp is not None), default=None)
        return None if newest is None else EPOCH + timedelta(microseconds=newest)

    def identity(self) -> AccountIdentity | None:
        """Return the account that the tables are of; None where they do not tell."""
        for account in self.system.accounts:
            if self.tables.first_landed([account.table]) is None:
                continue
            id_ = expression(account.id, self._scope(account.table))
            rows = self.tables.address(account.table)
            query = f"select any_value(id)::varchar, count(distinct id) from (select {id_} as id from {rows} as t0)"
            id_, accounts = self._ask(account.table, query)[0]
            if accounts == 1:  # of several, such as connected ones, none is the tables' own
                return AccountIdentity(self.system.name, id_, account.label.format(id=id_))
        return None

    def describe(self) -> str:
        """Say what is read instead of the API, and how old it is."""
        synced, lander = self.synced_at, self.system.lander.title
        age = f"last synced {synced:%Y-%m-%d %H:%M} UTC" if synced else "never synced"
        return f"{self.system.title} as {lander} has landed it in the schema {self.tables.name}, {age}"

    def missing_columns(self) -> list[str]:
        """List the columns that records are read from and that were not landed: what they would hold is null."""
        missing: set[str] = set()
        for stream, parts in self.system.streams.items():
            if self.skip_reason(stream) is None and not self.is_read_by_api(stream):
                for part in parts:
                    if (table := self.tables.first_landed(part.tables)) is not None:
                        scope = replace(self._scope(table), missing=missing)
                        expression({**(part.record or {}), **part.facts}, scope)
        return sorted(missing)

    def _expect_fresh(self, window: Window) -> None:
        """Refuse to read a window that the lander cannot have landed yet."""
        synced = self.synced_at
        if synced is None or synced < window.end - self.max_age:
            when = f"{synced:%Y-%m-%d %H:%M} UTC" if synced else "never"
            raise Unavailable(
                self.system.title,
                f"{self.system.lander.title} last synced {self.system.title} {when}, and what changed until "
                f"{window.end:%Y-%m-%d %H:%M} UTC is asked for: nothing was read, the tables end at the last sync. See "
                f"what keeps {self.system.lander.title}; the next window brings what this one lacks.",
            )

    # --- queries -----------------------------------------------------------------------------------------------------

    def _total(self, stream: Stream, window: Window) -> SliceTotal:
        counted = 0
        for part in self.system.streams[stream.name]:
            if (table := self.tables.first_landed(part.tables)) is not None:
                within = replace(window, full=False)
                scope = self._changing(part, table, within)
                query = PartQuery(part, scope, self.tables.address(table), within, dated=True)
                counted += self._ask(table, query.count())[0][0]
        return SliceTotal(window.start, window.end, counted)

    def _read(self, part: Part, window: Window, *, dated: bool) -> Iterator[Page]:
        table = self.tables.first_landed(part.tables)
        if table is None:
            return
        scope = self._changing(part, table, window)
        query = PartQuery(part, scope, self.tables.address(table), window, dated=dated and part.changed is not None)
        newest_only = self.system.lander.repeats and self._repeats(part, scope, table)
        shares = -(-self._ask(table, query.rows_to_read())[0][0] // SHARE) if query.has_lists else 1
        for share in range(shares):
            for page in self._pages(table, query.records(newest_only=newest_only, share=share, shares=shares)):
                yield [record for raw in page for record in part.split(raw)] if part.split else page

    def _pages(self, table: str, query: str) -> Iterator[Page]:
        with self.tables.connection.cursor() as cursor:
            try:
                for batch in cursor.execute(query).to_arrow_reader(BATCH):
                    yield [_raw(*each) for each in zip(*batch.to_pydict().values(), strict=True)]
            except duckdb.Error as error:
                raise self._unreadable(table, error) from None

    def _ask(self, table: str, query: str) -> list[Any]:
        with self.tables.connection.cursor() as cursor:
            try:
                return cursor.execute(query).fetchall()
            except duckdb.Error as error:
                raise self._unreadable(table, error) from None

    def _unreadable(self, table: str, error: duckdb.Error) -> InvalidResponse:
        """Without the engine's own words: they may quote a value, and that is about somebody."""
        lander, what = self.system.lander.title, f"table {table} in the schema {self.tables.name}"
        advice = f"a column of it is of another type than {lander} documents"
        if isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException):
            advice = "look for room on the disk of GTM_HOME, and whether the place of the tables answers"
        sentence = f"{lander}'s {what} cannot be read ({type(error).__name__}): {advice}."
        return InvalidResponse(self.system.title, sentence)

    def _scope(self, table: str) -> Scope:
        return Scope(self.tables, self.system.lander.conventions, table)

    def _changing(self, part: Part, table: str, window: Window) -> Scope:
        """The scope of a part's rows, which knows when they last changed.

        Where tables only tell when the lander wrote a row, as of each deletion, what was landed after the end of the
        window that has just closed may have happened before it: the window takes it.
        """
        scope = self._scope(table)
        if part.changed is None:
            return scope
        changed, is_deleted = part.changed.sql(scope), scope.is_deleted()
        written = scope.column(scope.conventions.synced)
        end = f"{text(window.end.isoformat())}::timestamptz"
        takes = window.full or window.end > self.now - self.max_age
        if part.created and takes:
            changed = f"case when {part.created.sql(scope)} < {end} then {_before(end, changed)} else {changed} end"
        if is_deleted and written and not part.keeps_deleted:
            deleted_at = f"{written[0]}::timestamptz"
            changed = (
                f"case when {is_deleted} then {_before(end, deleted_at) if takes else deleted_at} else {changed} end"
            )
        return replace(scope, changed=changed)

    def _repeats(self, part: Part, scope: Scope, table: str) -> bool:
        column = scope.column(part.key)
        if column is None:
            return False
        count = f"select count(*) > count(distinct {column[0]}) from {self.tables.address(table)} as t0"
        return bool(self._ask(table, count)[0][0])


def _before(end: str, moment: str) -> str:
    """A moment, or the last one before the end where it is later."""
    return f"least({moment}, {end} - interval 1 microsecond)"


def _raw(record: str, facts: str, is_deleted: bool) -> bytes:
    """A record as the API would have sent it, with what is known beside it."""
    raw: bytes = record.encode()
    if facts:
        raw = with_facts(raw, **msgspec.json.decode(facts))
    return deleted(raw) if is_deleted else raw
