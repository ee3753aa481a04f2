"""`gtm.duckdb`, for tools outside: views over the lake with explicit lists of files, made anew when files change.

`<schema>.<table>` holds all partitions, `current.<source>_<stream>` the newest version of each record,
`latest.<table>` the newest day of a daily table; each column says what it means. Inside the platform everything reads
the lake itself.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from gtm_platform.lake.contracts import TABLES, Column, Contract
from gtm_platform.lake.duckdb_engine import FileQuery
from gtm_platform.lake.lake import File, Lake
from gtm_platform.lake.storage_errors import storage_errors


class NoCatalogue(RuntimeError):
    """What lies under its name cannot be read; the message names the file and says what to do."""


@contextmanager
def reading(target: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """The catalogue, read-only. What is none is refused, and nothing is fetched from the net that could open it."""
    fetch_nothing: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    try:
        connection = duckdb.connect(str(target), read_only=True, config=fetch_nothing)
    except duckdb.Error as error:
        raise NoCatalogue(
            f"{target} is not the catalogue that it should be ({str(error).splitlines()[0][:120]}). "
            f"It holds no data of its own and is made again at the end of the next run."
        ) from error
    with connection:
        yield connection


def path_of(lake: Lake) -> Path:
    return lake.root.parent / "gtm.duckdb"


@dataclass(frozen=True)
class Listing:
    """What a catalogue is made of: the contracts, and the files of each table that has some, as fingerprints."""

    contracts: str
    files: Mapping[str, str]

    def changed(self, tables: Iterable[str], before: "Listing | None") -> list[str]:
        """Return those of the tables whose views are not what they were."""
        if before is None or before.contracts != self.contracts:
            return sorted(tables)
        return sorted(table for table in tables if self.files.get(table) != before.files.get(table))


def is_stale(lake: Lake) -> bool:
    """Say whether the catalogue is missing or lists other files than the lake has; needs no table to be declared."""
    listed = _listed(path_of(lake))
    return listed is None or listed.files != _fingerprints(_files_on_disk(lake))


def renew(lake: Lake) -> bool:
    """Make the catalogue again if the lake's files or the contracts are not its own; return whether it did."""
    target = path_of(lake)
    target.parent.mkdir(parents=True, exist_ok=True)
    with open(target.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of two builders the later one lists again
        files, before = _files_on_disk(lake), _listed(target)
        listing = Listing(_fingerprint(_columns()), _fingerprints(files))
        if before == listing:
            return False
        draft = target.with_name(f".{target.name}")
        try:
            _sweep(draft)
            with storage_errors(target):
                if before and before.contracts == listing.contracts:
                    shutil.copyfile(target, draft)  # most views stay, and so do their comments
                _build(lake, draft, files, listing, listing.changed(TABLES, before))
                os.replace(draft, target)
        finally:
            _sweep(draft)
    return True


def _files_on_disk(lake: Lake) -> dict[str, list[File]]:
    tables = sorted(path.relative_to(lake.root).as_posix() for path in lake.root.glob("*/[!.]*") if path.is_dir())
    return {table: files for table in tables if (files := lake.files(table))}


def _fingerprints(files: Mapping[str, list[File]]) -> dict[str, str]:
    return {table: _fingerprint(listed) for table, listed in files.items()}


def _columns() -> list[tuple[str, ...]]:
    """What the contracts say of the tables, as far as the catalogue shows it."""
    return [
        (table, contract.about, name, column.type, _comment(column))
        for table, contract in sorted(TABLES.items())
        for name, column in contract.columns.items()
    ]


def _fingerprint(content: object) -> str:
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _sweep(draft: Path) -> None:
    """The draft and its log, also one of a builder that was killed."""
    for path in draft.parent.glob(f"{draft.name}*"):
        path.unlink(missing_ok=True)


def _listed(target: Path) -> Listing | None:
    """What the catalogue was made of; None where there is none that can be read."""
    if not target.exists():
        return None
    try:
        with reading(target) as connection:
            contracts = connection.execute("select fingerprint from main.contracts").fetchone()
            files = connection.execute("select table_name, fingerprint from main.listing").fetchall()
    except (NoCatalogue, duckdb.Error):
        return None
    return Listing(str(contracts[0]), dict(files)) if contracts else None


def _build(lake: Lake, draft: Path, files: Mapping[str, list[File]], listing: Listing, changed: Sequence[str]) -> None:
    with duckdb.connect(str(draft)) as connection:
        connection.execute("begin")  # one transaction: of a thousand comments each would be made durable
        connection.execute(f"create or replace table main.contracts as select '{listing.contracts}' as fingerprint")
        connection.execute("create or replace table main.listing(table_name varchar, fingerprint varchar)")
        if listing.files:
            connection.executemany("insert into main.listing values (?, ?)", [*listing.files.items()])
        connection.execute("create schema if not exists current; create schema if not exists latest")
        for table in changed:
            contract = TABLES[table]
            connection.execute(f'create schema if not exists "{table.split("/")[0]}"')
            for view, (query, extent) in _views(lake, table, files.get(table, [])).items():
                connection.execute(f"create or replace view {view} as {query.sql}")
                connection.execute(_comments(view, f"{contract.about.strip()} {extent}".strip(), contract))
        connection.execute("commit")


def _views(lake: Lake, table: str, files: Sequence[File]) -> dict[str, tuple[FileQuery, str]]:
    """The views of a table, each with what it holds of it."""
    schema, name = table.split("/")
    whole = lake.reading(table, files)
    if TABLES[table].cadence:
        newest = (lake.query_as_of(table, "9999"), "The newest version of each record.")
        return {f'"{schema}"."{name}"': (whole, "Every version, by window."), f'current."{schema}_{name}"': newest}
    newest = (lake.reading(table, files[-1:]), "The newest day.")
    return {f'"{schema}"."{name}"': (whole, "Every day."), f'latest."{name}"': newest}


def _comments(view: str, about: str, contract: Contract) -> str:
    comments = {f"view {view}": about}
    for name, column in contract.columns.items():
        comments[f'column {view}."{name}"'] = _comment(column)
    return ";".join(f"comment on {item} is {_literal(text)}" for item, text in comments.items() if text)


def _comment(column: Column) -> str:
    return f"{column.about} (personal)" if column.personal else column.about


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
