"""The lake: one Parquet file per table and partition, `<partition>.<stamp>.<full|part|open>.parquet`.

A file's name is never used twice, so a reader never meets a changed file; the newest stamp of a partition counts. An
open file was read before its window was over: what it holds counts, and it says nothing of the rest of the window. The
name of an encrypted file has its key before `.parquet`; with another key it is the same file, of the same stamp. A file
that many wrote at once is a marker, which names its `parts`.
"""

import secrets
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Protocol, Self

import duckdb
import ibis
import pyarrow as pa

from gtm_platform.keyring import KeyProblem, keyring, noted_keys, writing_key
from gtm_platform.lake import parts
from gtm_platform.lake.canaries import SUBJECT, Canaries, restricted
from gtm_platform.lake.contract_check import Written, check_file, check_files, same_rows
from gtm_platform.lake.contracts import TABLES, Contract, contract_of
from gtm_platform.lake.duckdb_engine import EngineFailed, Statement, as_table, compiled, cursor
from gtm_platform.lake.encrypted_files import file_name, key_of, rows_of_files, written_form
from gtm_platform.lake.file_query import FileQuery, quoted
from gtm_platform.lake.frames import Frame, Rows, as_batches, is_frame
from gtm_platform.lake.storage_errors import storage_errors
from gtm_platform.lake.store import Folder, Store, fetch, store_of
from gtm_platform.settings import settings

# Rows to a row group, which is held in memory whole, by each thread that reads or writes. Source tables hold records as
# received, a kilobyte and more each.
SOURCE_ROW_GROUP_SIZE, ROW_GROUP_SIZE = 4_096, 50_000
# Different values of a column in a row group that get a number each; to collect more takes a sixth longer.
DICTIONARY_SIZE = 600
WRONG_KEY = "AES tag differs"  # DuckDB's words
GRACE = 13 * 3600  # seconds a superseded file stays readable: longer than the longest run, and any query


class DamagedFile(RuntimeError):
    """A file of the lake cannot be read; the message names it and says how it is made again."""


@dataclass(frozen=True)
class File:
    """A file of the lake, as its name describes it."""

    partition: str
    stamp: str
    full: bool
    path: Path
    is_open: bool = False
    rank: int = field(default=0, compare=False, repr=False)  # of its key

    @classmethod
    def of(cls, path: Path) -> "File":
        """Read the name of a file."""
        partition, stamp, kind, *key = path.name.removesuffix(".parquet").removesuffix(parts.MARKER).split(".")
        return cls(partition, stamp, kind == "full", path, kind == "open", keyring().rank(*key or [""]))

    def __lt__(self, other: "File") -> bool:
        """The newest of a partition is last; of one that several keys encrypted, that of the newest key."""
        return (self.partition, self.stamp, self.rank, self.path) < (
            other.partition,
            other.stamp,
            other.rank,
            other.path,
        )

    @property
    def paths(self) -> tuple[Path, ...]:
        """The file itself, or the parts that it names."""
        if not parts.is_marker(self.path):
            return (self.path,)
        try:
            return parts.parts_of(self.path)
        except parts.DamagedMarker as error:
            raise _damaged(self.path, error) from error

    @property
    def kind(self) -> str:
        """The word of its name that says how much of a window it has."""
        return "open" if self.is_open else "full" if self.full else "part"

    def superseding_since(self, old: "File") -> float:
        """Since when it counts in place of an older file, or of the same one that another key encrypted."""
        if self.stamp != old.stamp:
            return self.written
        published = store_of(self.path).published(self.path)
        return time.time() if published is None else published

    @property
    def version(self) -> tuple[str, str]:
        """What it holds, whichever key it is encrypted with."""
        return self.partition, self.stamp

    @property
    def written(self) -> float:
        """When it was written, in seconds since 1970."""
        return int(self.stamp[:20]) / 1e9


@dataclass(frozen=True)
class Lake:
    """The tables in a folder, a folder each; daily tables are read without canaries, unless asked for.

    Of a lake in a bucket, the root is the folder of this machine's copies: what is read is fetched into it.
    """

    root: Path
    canaries: Canaries = field(default="hidden", kw_only=True)

    def reading(self, canaries: Canaries) -> Self:
        """Return the same lake, read with canaries, without them, or with nobody else."""
        return replace(self, canaries=canaries)

    @property
    def store(self) -> Store:
        """Where the files lie."""
        return store_of(self.root)

    @property
    def home(self) -> Path:
        """The folder that the lake is the lake of."""
        return self.root.parent if isinstance(self.store, Folder) else settings().home

    # --- listing ---------------------------------------------------------------------------------------------------

    def tables(self) -> list[str]:
        """The tables that are there, whoever declares them."""
        return self.store.tables()

    def versions(self, table: str) -> list[File]:
        """Every file of the table, superseded ones included."""
        folder = self.root / table
        return sorted(File.of(folder / name) for name in self.store.names(table))

    def files(self, table: str) -> list[File]:
        """The newest file of each partition."""
        return list({file.partition: file for file in self.versions(table)}.values())

    def closed_files(self, table: str) -> list[File]:
        """The newest file of each partition that was read to its end."""
        return [file for file in self.files(table) if not file.is_open]

    def partitions(self, table: str) -> list[str]:
        """The partitions that the table has, in order."""
        return [file.partition for file in self.files(table)]

    def has(self, table: str, partition: str) -> bool:
        """Whether the table has a partition."""
        return partition in self.partitions(table)

    def has_data_by(self, table: str, day: str) -> bool:
        """Whether the table says anything about the day: a daily table on it, a source table by its end."""
        if contract_of(table).cadence is None:
            return self.has(table, day)
        return any(partition < _day_after(day) for partition in self.partitions(table))

    def last_full(self, table: str) -> File | None:
        """The newest partition that holds the table whole."""
        return max((file for file in self.files(table) if file.full), default=None)

    # --- reading ---------------------------------------------------------------------------------------------------

    def file_query(self, table: str, files: Sequence[File], template: str = "select * from {rows}") -> FileQuery:
        """Return a query over some files of a table; canaries are in it as the lake is read."""
        contract = contract_of(table)
        if contract.cadence is None and SUBJECT in contract.columns:
            template = restricted(template, self.canaries)
        return FileQuery(contract.schema, self.paths(files), template, table=table)

    def paths(self, files: Sequence[File]) -> tuple[str, ...]:
        """Return where files can be read, once they are on this machine; of one in parts, all of them."""
        fetch(file.path for file in files)
        return tuple(str(path) for file in files for path in file.paths)

    def query_as_of(self, table: str, until: str) -> FileQuery:
        """Return a query for the newest version of each record in the windows that begin before `until`.

        They are read from the last full one on; a record missing from that one was deleted. Partition keys sort as time
        does, and no partition has a record twice: only what came after the first window, which is little, is sorted.
        """
        contract = contract_of(table)
        past = [file for file in self.files(table) if file.partition < until]
        since = max((file.partition for file in past if file.full), default="")
        windows = [file for file in past if file.partition >= since]
        paths = self.paths(windows)
        first = len(windows[0].paths) if windows else 0
        base, later = paths[:first], paths[first:]
        key, columns = quoted(contract.key), quoted(contract.columns)
        newest = f"row_number() over (partition by {key} order by _window desc, _extracted_at desc)"
        template = f"""select {columns} from (
            select {columns} from {{base}} as base anti join {{rows}} as later using ({key})
            union all select {columns} from (select *, {newest} as _nth from {{rows}}) where _nth = 1
            ) where not _deleted"""
        if not later:
            template = f"select {columns} from {{base}} where not _deleted"
        return FileQuery(contract.schema, later, template, base, table)

    def query_day(self, table: str, day: str) -> FileQuery:
        """Return a query for a daily table's partition, or for a source table as of the end of the day."""
        if contract_of(table).cadence is None:
            return self.file_query(table, [file for file in self.files(table) if file.partition == day])
        return self.query_as_of(table, _day_after(day))

    def read(self, table: str, files: Sequence[File]) -> ibis.Table:
        """Return the rows of some files of a table."""
        return self.rows(self.file_query(table, files))

    def as_of(self, table: str, until: str) -> ibis.Table:
        """Return the newest version of each record in the windows that begin before `until`."""
        return self.rows(self.query_as_of(table, until))

    def read_day(self, table: str, day: str) -> ibis.Table:
        """Return a table on a day: a daily table's partition, a source table as of the end of the day."""
        return self.rows(self.query_day(table, day))

    def rows(self, query: FileQuery) -> ibis.Table:
        """Return the rows of a query."""
        with self.naming_damage(lambda: query.files):
            return as_table(query)

    def verify(self, table: str, partition: str) -> None:
        """Read a stored partition again; raise where it breaks the contract or cannot be read."""
        for file in self.files(table):
            if file.partition == partition:
                paths = self.paths([file])
                with self.naming_damage(lambda: paths):  # noqa: B023  called at once
                    check_files(f"{table} {partition}", contract_of(table), list(map(Path, paths)))

    def partition(self, table: str, partition: str) -> ibis.Table:
        """Return the rows of a partition; none where the table lacks it."""
        return self.read(table, [file for file in self.files(table) if file.partition == partition])

    def query_synced(self, day: str) -> FileQuery:
        """Return a query for when each source table was last synced by the end of the day: table, source, synced_at."""
        synced = []
        for table, contract in TABLES.items():
            closed = [file.partition for file in self.closed_files(table)] if contract.cadence else []
            past = [partition for partition in closed if partition < _day_after(day)]
            if past:
                end = _begin(max(past)) + timedelta(hours=contract.cadence or 0)
                synced.append(f"('{table}', '{table.split('/')[0]}', timestamptz '{end:%Y-%m-%d %H:%M:%S+00}')")
        schema = ibis.schema({"table": "string", "source": "string", "synced_at": "timestamp('UTC', 6)"})
        rows = f"values {', '.join(synced)}" if synced else "select '', '', now() limit 0"
        return FileQuery(schema, template=f'select * from ({rows}) t("table", source, synced_at)')

    # --- writing ---------------------------------------------------------------------------------------------------

    def write(
        self,
        table: str,
        partition: str,
        rows: Rows,
        full: bool = False,
        *,
        is_open: bool = False,
        unless_same: bool = False,
    ) -> Written:
        """Replace a partition: write rows aside, check them by the contract, then give the file its name.

        Rows are an expression, compiled or not, a pandas or Arrow table, a stream of batches, or a file of the table's
        folder that has the very columns, which is taken as it is. `unless_same` leaves a file that has the same rows.
        """
        contract = contract_of(table)
        folder = self.root / table
        folder.mkdir(parents=True, exist_ok=True)
        stamp = f"{self.next_stamp(table, partition):020d}{secrets.token_hex(2)}"
        kind = "open" if is_open else "full" if full else "part"
        key = key_of(rows) if isinstance(rows, Path) else writing_key()
        target = folder / file_name(f"{partition}.{stamp}", kind, key)
        draft = folder / f".{target.name}"
        try:
            if isinstance(rows, Path):
                rows.rename(draft)
            else:
                group = ROW_GROUP_SIZE if contract.cadence is None else SOURCE_ROW_GROUP_SIZE
                self.copy(_readable(rows, contract), draft, group)
            written = check_file(f"{table} {partition}", contract, draft)
            if unless_same and self._has_rows_of(draft, table, partition):
                return replace(written, is_new=False)
            self.store.publish(draft, target)
        finally:
            with suppress(OSError):  # what cannot be swept now is swept by a later write, and hides no error
                draft.unlink(missing_ok=True)
        with suppress(OSError):
            self._drop_superseded(table, partition)
        return written

    def write_parts(self, table: str, partition: str, writer: "PartsWriter", *, unless_same: bool = False) -> Written:
        """Replace a partition by parts that many write into a folder; once checked, a marker names them.

        `unless_same` leaves a file that has the same rows.
        """
        folder = self.root / table
        folder.mkdir(parents=True, exist_ok=True)
        stamp = f"{self.next_stamp(table, partition):020d}{secrets.token_hex(2)}"
        target = folder / f"{partition}.{stamp}{parts.FOLDER}"
        try:
            paths = writer.write(target)
            written = writer.check(f"{table} {partition}", contract_of(table), paths)
            if unless_same and self._has_same_parts(writer, paths, table, partition):
                return replace(written, is_new=False)
            self.store.publish_parts(paths, written.rows)
        finally:
            if not parts.marker_of(target).exists():
                shutil.rmtree(target, ignore_errors=True)
        with suppress(OSError):
            self._drop_superseded(table, partition)
        return written

    def _has_same_parts(self, writer: "PartsWriter", paths: Sequence[Path], table: str, partition: str) -> bool:
        """Whether the newest file of a partition has the rows of some parts; one that cannot be read has not."""
        stored = newest_file(self, table, partition)
        with suppress(EngineFailed, DamagedFile):
            return stored is not None and writer.has_same_rows(contract_of(table), paths, stored.paths)
        return False

    def _has_rows_of(self, draft: Path, table: str, partition: str) -> bool:
        """Whether the newest file of a partition has the rows of a draft; one that cannot be read has not."""
        stored = newest_file(self, table, partition)
        with suppress(duckdb.Error, DamagedFile):
            return stored is not None and same_rows([draft], list(map(Path, self.paths([stored]))))
        return False

    def next_stamp(self, table: str, partition: str) -> int:
        """Now in nanoseconds, but after every file of the partition, also where the clock was put back."""
        stamps = [int(file.stamp[:20]) for file in self.versions(table) if file.partition == partition]
        return max([time.time_ns(), *[stamp + 1 for stamp in stamps]])

    def copy(self, rows: Statement | pa.RecordBatchReader, target: Path, group: int) -> None:
        """Write a Parquet file, of a query or of a stream of batches."""
        with cursor() as connection:
            if isinstance(rows, pa.RecordBatchReader):
                # The stream itself: a reader is read through pyarrow.dataset, ahead of what is asked for.
                connection.register("incoming", rows.__arrow_c_stream__())
            query = rows.sql if isinstance(rows, Statement) else "from incoming"
            as_parquet = (
                f"format parquet, compression zstd, row_group_size {group}, dictionary_size_limit {DICTIONARY_SIZE}"
            )
            with self.naming_damage(lambda: rows.paths if isinstance(rows, Statement) else ()), storage_errors(target):
                connection.execute(f"copy ({query}) to '{target}' ({written_form(target, as_parquet)})")

    def _drop_superseded(self, table: str, partition: str) -> None:
        """Delete what nobody reads any more: older files of the partition, and drafts of runs that died."""
        names = [name for name in self.store.names(table) if name.startswith(f"{partition}.")]
        for old, successor in pairwise(sorted(File.of(self.root / table / name) for name in names)):
            if time.time() - successor.superseding_since(old) > GRACE:
                self.store.remove(old.path)
        for draft in (self.root / table).glob(".*.parquet"):
            with suppress(FileNotFoundError):  # another writer's, named in the meantime
                if time.time() - draft.stat().st_mtime > GRACE:
                    draft.unlink()
        for draft in parts.drafts_in(self.root / table, "*"):
            with suppress(FileNotFoundError):
                if time.time() - draft.stat().st_mtime > GRACE:
                    shutil.rmtree(draft, ignore_errors=True)

    # --- damage ----------------------------------------------------------------------------------------------------

    @contextmanager
    def naming_damage(self, paths: Callable[[], Iterable[str]]) -> Iterator[None]:
        """Turn an engine's failure to read a file into an error that names the file and the way out."""
        try:
            yield
        except (duckdb.Error, EngineFailed) as error:
            if damaged := self.damaged(paths()):
                raise damaged from error
            raise

    def damaged(self, paths: Iterable[str]) -> DamagedFile | None:
        """Return the error for the first of some files that cannot be read, if any."""
        for path in paths:
            if (error := _unreadable(path)) and self.store.renew(Path(path)):
                error = _unreadable(path)  # what was damaged may have been the copy alone
            if error:
                if WRONG_KEY in str(error) and key_of(path) not in noted_keys(settings().home):
                    raise KeyProblem(
                        f"The lake file {path} cannot be decrypted with the key {key_of(path)} of GTM_KEYS: it is not "
                        f"the key that the file was encrypted with, or the file is damaged."
                    )
                return _damaged(Path(path), error)
        return None


class PartsWriter(Protocol):
    """Whoever writes a partition in parts, and checks it: rows need not pass through this process."""

    def write(self, folder: Path) -> Sequence[Path]:
        """Write the parts into a folder that is not there yet; return those that count."""

    def check(self, subject: str, contract: Contract, paths: Sequence[Path]) -> Written:
        """Measure the parts together, or raise what breaks the contract and in how many rows."""

    def has_same_rows(self, contract: Contract, paths: Sequence[Path], stored: Sequence[Path]) -> bool:
        """Whether the parts have the rows of what is stored, in whatever order."""


def newest_file(lake: Lake, table: str, partition: str) -> File | None:
    """Return the file of a partition that counts."""
    return next((file for file in lake.files(table) if file.partition == partition), None)


def _damaged(path: Path, error: Exception) -> DamagedFile:
    """Name a file that cannot be read, and the command that makes it again."""
    file = File.of(parts.file_of(path))
    table = "/".join(file.path.parent.parts[-2:])
    return DamagedFile(
        f"The lake file {path} cannot be read ({(str(error).splitlines() or [''])[0][:120]}). "
        f"Make it again with: gtm run {table} --partition {file.partition}"
    )


def _unreadable(path: str) -> duckdb.Error | None:
    fetch([Path(path)])
    try:
        cursor().execute(f"select bit_xor(hash(columns(*))) from {rows_of_files([path])}").fetchone()
    except duckdb.Error as error:
        return error
    return None


def _readable(rows: "ibis.Table | Statement | Frame", contract: Contract) -> Statement | pa.RecordBatchReader:
    """Return rows in a form that the engine reads, in the contract's columns."""
    if isinstance(rows, Statement):
        return rows
    return as_batches(rows, contract) if is_frame(rows) else compiled(contract.shaped(rows))


def _begin(partition: str) -> datetime:
    return datetime.strptime(partition, "%Y-%m-%dT%H%M" if "T" in partition else "%Y-%m-%d")


def _day_after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
