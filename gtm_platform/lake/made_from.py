"""What a stored day was computed from, so that it is not computed again from the same, or only where it differs.

The note lies beside the day's file, `.<partition>.made_from.json`: the file's name, a hash of the rules that its rows
follow from, what was read of which files, the lineage of its columns, and what was measured when its bytes were
checked. A note that is lost, or speaks of another file, costs a computation; other bytes are measured again.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import Any

import ibis

from gtm_platform.lake.contract_check import Origins, Written, check_files
from gtm_platform.lake.contracts import Contract, ContractBroken, UnknownTable, contract_of
from gtm_platform.lake.encrypted_files import key_of, plain_name
from gtm_platform.lake.file_query import FileQuery
from gtm_platform.lake.lake import DamagedFile, File, Lake, newest_file
from gtm_platform.lake.statements import code_hash

NOTE = ".made_from.json"
KEPT_NOTES = 14  # of a table: days that are made again are new
NOTHING_MEASURED: Mapping[str, Any] = MappingProxyType({"bytes": None, "rows": 0, "figures": {}})
ADDRESS = " at 0x"  # in the text of an object that has none of its own

Queries = Mapping[str, Sequence[FileQuery]]  # by input
Columns = frozenset[str] | None  # read of a query; None where that is not known


@dataclass(frozen=True)
class MadeFrom:
    """All that the rows of a day follow from: rules, as a hash of them, and what is read of which files."""

    rules: str
    queries: Queries

    @property
    def hash(self) -> str:
        """Hash all of it."""
        read = [(name, [query.rows_of for query in each]) for name, each in self.queries.items()]
        return hashlib.sha256(repr((self.rules, read)).encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Measured:
    """What was measured of a file that kept its contract, and a hash of its bytes."""

    bytes: str | None  # None where nothing was noted: it is measured again
    rows: int
    figures: Mapping[str, int | float | Decimal | None]


@dataclass(frozen=True)
class StoredDay:
    """The newest file of a day, and what its note says that it was made from."""

    file: File
    hash: str
    made_from: MadeFrom | None  # None where the note does not say, or no longer can
    reads: Mapping[str, Sequence[Columns]]  # by input, of each of its queries
    lineage: Origins
    in_part: bool  # some of its rows were made, the others kept from before
    measured: Measured


def made_from(
    rule: Callable[..., Any], contract: Contract, queries: Queries, values: Mapping[str, Any]
) -> MadeFrom | None:
    """Return all that the rows of a day follow from; None where a value has no text of its own."""
    columns = [(name, column.type, column.nullable) for name, column in contract.columns.items()]
    text = repr((code_hash(), rule.__module__, rule.__qualname__, columns, contract.key, sorted(values.items())))
    return None if ADDRESS in text else MadeFrom(hashlib.sha256(text.encode()).hexdigest()[:32], queries)


def stored_day(lake: Lake, table: str, day: str) -> StoredDay | None:
    """Return what is stored of a day whose note speaks of it; None otherwise."""
    file, note = newest_file(lake, table, day), _read(note_of(lake, table, day))
    if file is None or note.get("file") != plain_name(file.path.name):
        return None
    try:
        lineage = {name: frozenset(map(tuple, columns)) for name, columns in note["lineage"].items()}
        reads = {name: list(map(_columns, each)) for name, each in note["queries"].items()}
        figures = {name: _figure(value) for name, value in note["figures"].items()}
        measured = Measured(note["bytes"], int(note["rows"]), figures)
        return StoredDay(file, note["made_from"], _made_from(note), reads, lineage, bool(note["in_part"]), measured)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError):  # of another release, or damaged
        return None


def described(lake: Lake, table: str, day: str, stored: StoredDay) -> Written | None:
    """Return what is stored of a day as when it was written; None where it cannot be read."""
    try:
        paths = lake.paths([stored.file])
        with lake.naming_damage(lambda: paths):
            measured: Measured | Written = stored.measured
            if stored.measured.bytes is None or stored.measured.bytes != _hash_of(map(Path, paths)):
                measured = check_files(f"{table} {day}", contract_of(table), list(map(Path, paths)))
    except (ContractBroken, DamagedFile):  # it is computed again
        return None
    return Written(measured.rows, measured.figures, stored.lineage, is_new=False)


def remember(
    lake: Lake, table: str, day: str, made: MadeFrom, written: Written, before: StoredDay | None = None
) -> None:
    """Note what the newest file of a day was computed from; by the same rules as `before`, if given."""
    if file := newest_file(lake, table, day):
        reads = before.reads if before else _reads(made.queries, written)
        queries = {
            name: [_as_value(query, columns) for query, columns in zip(each, reads[name], strict=True)]
            for name, each in made.queries.items()
        }
        text = {
            "file": plain_name(file.path.name),
            "made_from": made.hash,
            "rules": made.rules,
            "queries": queries,
            "lineage": {name: sorted(columns) for name, columns in written.lineage.items()},
            "in_part": before is not None and (before.in_part or written.part is not None),
            **_measures(file, written),
        }
        note = note_of(lake, table, day)
        _keep(note, text)
        with suppress(OSError):
            for old in sorted(note.parent.glob(f".*{NOTE}"))[:-KEPT_NOTES]:
                old.unlink(missing_ok=True)


def forget_measures(lake: Lake, table: str, day: str) -> None:
    """Take what was measured out of a day's note, which is plain: its file is encrypted now."""
    if note := _read(note_of(lake, table, day)):
        _keep(note_of(lake, table, day), {**note, **NOTHING_MEASURED})


def _keep(note: Path, text: Mapping[str, Any]) -> None:
    draft = note.with_name(f".{secrets.token_hex(4)}.draft.parquet")
    with suppress(OSError):  # the day is computed once more
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(json.dumps(text))
        draft.rename(note)


def _reads(queries: Queries, written: Written) -> dict[str, list[Columns]]:
    return {name: [written.reads.get(query.name) for query in each] for name, each in queries.items()}


def note_of(lake: Lake, table: str, day: str) -> Path:
    """Return where the note of a day lies."""
    return lake.root / table / f".{day}{NOTE}"


def _measures(file: File, written: Written) -> Mapping[str, Any]:
    """Return what is noted of a file's figures; nothing of an encrypted one, as the note is plain."""
    if key_of(file.path):
        return NOTHING_MEASURED
    figures = {name: _noted(value) for name, value in written.figures.items()}
    return {"bytes": _hash_of(file.paths), "rows": written.rows, "figures": figures}


def _hash_of(paths: Iterable[Path]) -> str | None:
    """Hash the bytes of a file, in however many parts; None where they cannot be read."""
    digest = hashlib.blake2b(digest_size=16)
    with suppress(OSError):
        for path in paths:
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, "blake2b").digest())
        return digest.hexdigest()
    return None


def _noted(figure: Any) -> Any:
    return {"decimal": str(figure)} if isinstance(figure, Decimal) else figure


def _figure(noted: Any) -> int | float | Decimal | None:
    return Decimal(noted["decimal"]) if isinstance(noted, dict) else noted


def _as_value(query: FileQuery, columns: Columns) -> dict[str, Any]:
    read = None if columns is None else sorted(columns)
    files = {"paths": query.paths, "base": query.base}
    return {"table": query.table, "template": query.template, "columns": read, **files}


def _columns(query: Mapping[str, Any]) -> Columns:
    return None if query["columns"] is None else frozenset(query["columns"])


def _made_from(note: Mapping[str, Any]) -> MadeFrom | None:
    """Return what a note names; None where it names a table that is no more."""
    try:
        queries = {name: [_as_query(each) for each in queries] for name, queries in note["queries"].items()}
    except UnknownTable:
        return None
    return MadeFrom(note["rules"], queries)


def _as_query(value: Mapping[str, Any]) -> FileQuery:
    """Return a query as it was noted; one of no table, when sources were synced, is only compared."""
    schema = contract_of(value["table"]).schema if value["table"] else ibis.schema({})
    return FileQuery(schema, tuple(value["paths"]), value["template"], tuple(value["base"]), value["table"])


def _read(note: Path) -> dict[str, Any]:
    try:
        text: dict[str, Any] = json.loads(note.read_text())
    except (OSError, ValueError):  # none, or a damaged one
        return {}
    return text if isinstance(text, dict) else {}
