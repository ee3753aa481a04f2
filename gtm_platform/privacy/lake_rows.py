"""The lake without a person: rows that name them are found in every file of every table, and files written anew.

No table is named here: a folder of the lake is walked whether or not somebody declares it, and a contract, where there
is one, says what is a key, what may be empty and what is personal. A file's name is never used twice: the new file
stands beside the old one before that goes, so that a reader has the old or the new, whole.
"""

import re
import secrets
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from gtm_platform.identity.person_records import FEEDS
from gtm_platform.ingest.person_rows import Shape, Verdict, judge, names_others
from gtm_platform.keyring import writing_key
from gtm_platform.lake.contracts import TABLES
from gtm_platform.lake.duckdb_engine import arrow_schema, cursor
from gtm_platform.lake.encrypted_files import file_name, key_of, rows_of_files, written_form
from gtm_platform.lake.file_query import quoted, text
from gtm_platform.lake.lake import DICTIONARY_SIZE, ROW_GROUP_SIZE, SOURCE_ROW_GROUP_SIZE, File, Lake
from gtm_platform.lake.storage_errors import storage_errors
from gtm_platform.lake.store import fetch
from gtm_platform.privacy.needles import Needles
from gtm_platform.privacy.person import Person

ROW, FILE = "file_row_number", "_file"
TEXTS_IN_A_PATTERN = 1_000
LONG_NUMBER = 6  # digits from which on a number is looked for within lists, too
MOST_ROUNDS = 6  # of rows that go because others went: a refund, its charge, its customer
TEXTS = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_nested)

Done = Callable[[str], None]  # called after each thing that was done; tests stop there


class RewriteDiffers(RuntimeError):
    """A file that was written anew is not what the old one was without the person; nothing was replaced."""


@dataclass(frozen=True)
class FileHits:
    """The rows of a file that name the person, by their number in the file, counted through its parts."""

    table: str
    file: File
    paths: tuple[Path, ...]  # of its parts; most have one, which is the file
    is_newest: bool
    verdicts: Mapping[int, Verdict]

    @property
    def going(self) -> int:
        """How many rows go."""
        return sum(verdict.goes for verdict in self.verdicts.values())

    @property
    def changing(self) -> int:
        """How many rows stay, without the person."""
        return len(self.verdicts) - self.going


def completed(lake: Lake, person: Person) -> Person:
    """Add the records that are theirs because of those that are; leave out records that are others', too."""
    person = _without_shared(lake, person)
    sources = [table for table in lake.tables() if table in TABLES and TABLES[table].cadence]
    tables = [table for table in sources if not table.startswith("quarantine/")]
    newest = person
    for _ in range(MOST_ROUNDS):
        needles = Needles(newest)  # each round looks only for what the one before found
        hits = [hit for table in tables for hit in hits_of_table(lake, table, needles)]
        more = {(hit.table, key) for hit in hits for key in _keys_of_going(hit)} - set(person.records)
        if not more:
            break
        newest = Person(records=tuple(sorted(more)))
        person = replace(person, records=(*person.records, *newest.records))
    return person


def _without_shared(lake: Lake, person: Person) -> Person:
    """Leave out records that name others in a list: an account of several people is not one person's."""
    needles, shared = Needles(person), set()
    for feed in FEEDS:
        ids = {id for table, id in person.records if table == feed.table}
        for file in lake.versions(feed.table) if ids else []:
            for _, row in _candidates(_paths(lake, file), needles):
                id = row.get(feed.id if isinstance(feed.id, str) else "id")
                if id in ids and names_others(row, needles):
                    shared.add((feed.table, id))
    return replace(person, records=tuple(record for record in person.records if record not in shared))


def _keys_of_going(hits: FileHits) -> Iterator[str]:
    key = TABLES[hits.table].key
    going = [number for number, verdict in hits.verdicts.items() if verdict.goes]
    if len(key) != 1 or not going:
        return
    query = f"select {quoted(key)} from {_numbered(hits.paths)} where {ROW} in ({', '.join(map(str, going))})"
    with cursor() as connection:
        for (value,) in connection.execute(query).fetchall():
            if isinstance(value, str):
                yield value


# --- finding ---------------------------------------------------------------------------------------------------------


def hits_of_table(lake: Lake, table: str, needles: Needles) -> Iterator[FileHits]:
    """Yield the files of a table that name the person, superseded ones too."""
    newest, versions = {file.path for file in lake.files(table)}, lake.versions(table)
    suspect = _suspect_files(list(map(Path, lake.paths(versions))), needles)
    for file in versions:
        paths = file.paths
        if suspect.intersection(paths) and (verdicts := _verdicts(table, paths, needles)):
            yield FileHits(table, file, paths, file.path in newest, verdicts)


def all_hits(lake: Lake, needles: Needles) -> Iterator[FileHits]:
    """Yield every file of the lake that names the person."""
    for table in lake.tables():
        yield from hits_of_table(lake, table, needles)


def rows_of(hits: FileHits, needles: Needles) -> Iterator[tuple[dict[str, Any], Verdict]]:
    """Yield the rows that name the person, each with what becomes of it."""
    for number, row in _candidates(hits.paths, needles):
        if number in hits.verdicts:
            yield row, hits.verdicts[number]


def _paths(lake: Lake, file: File) -> tuple[Path, ...]:
    return tuple(map(Path, lake.paths([file])))


def _verdicts(table: str, paths: Sequence[Path], needles: Needles) -> dict[int, Verdict]:
    candidates = list(_candidates(paths, needles))
    if not candidates:
        return {}
    shape = Shape.of(table, list(candidates[0][1]), TABLES.get(table))
    judged = {number: _judged(shape, row, needles) for number, row in candidates}
    return {number: verdict for number, verdict in judged.items() if verdict.is_named}


def _judged(shape: Shape, row: Mapping[str, Any], needles: Needles) -> Verdict:
    """Judge a row; what is bytes, as a trained model, holds no row and is looked through all the same."""
    blobs = [value for value in row.values() if isinstance(value, bytes)]
    if any(needles.bytes_pattern.search(blob) for blob in blobs):
        return Verdict(goes=True)
    return judge(shape, row, needles)


def _suspect_files(paths: Sequence[Path], needles: Needles) -> set[Path]:
    """Return the files with rows that may name the person: those with the same columns are asked in one query."""
    fetch(paths)
    alike: dict[tuple[str, tuple[tuple[str, str], ...]], list[Path]] = {}
    for path in paths:
        columns = tuple((field.name, str(field.type)) for field in arrow_schema(path))
        alike.setdefault((key_of(path), columns), []).append(path)
    suspect = set[Path]()
    for files in alike.values():
        if wanted := _condition(files[0], needles):
            rows = rows_of_files(files, f"filename = '{FILE}'")
            query = f"select distinct {FILE} from {rows} where {wanted}"
            with cursor() as connection:
                suspect |= {Path(path) for (path,) in connection.execute(query).fetchall()}
    return suspect


def _candidates(paths: Sequence[Path], needles: Needles) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the rows of a file that may name the person, with their numbers."""
    fetch(paths)
    if wanted := _condition(paths[0], needles):
        with cursor() as connection:
            query = f"select * from {_numbered(paths)} where {wanted}"
            for row in connection.execute(query).to_arrow_table().to_pylist():
                yield row.pop(ROW), row


def _condition(path: Path, needles: Needles) -> str | None:
    """Return what holds of each row of a file that names the person; None where no column could."""
    schema = arrow_schema(path)
    names = [field.name for field in schema if any(test(field.type) for test in TEXTS)]
    if not names:
        return None
    shown = ", ".join(f'"{name}"::varchar' for name in names)
    whole = f"lower(concat_ws(chr(31), {shown}))"
    short = sorted({id for _, id in needles.person.records if id not in needles.ids})
    texts = [*(needle.lower() for needle in needles.coarse), *(id for id in short if len(id) >= LONG_NUMBER)]
    wanted = [*_any_of(whole, texts), *_any_of(f"regexp_replace({whole}, '[^0-9]', '', 'g')", needles.digits)]
    scalars = [field.name for field in schema if pa.types.is_string(field.type)]
    if short and scalars:
        listed = ", ".join(map(text, short))
        wanted += [f'"{name}" in ({listed})' for name in scalars if name.endswith(("id", "key"))]
    return " or ".join(wanted)


def _any_of(shown: str, texts: Iterable[str]) -> Iterator[str]:
    """Yield what holds where a text contains any of some: patterns, each planned sooner than a condition for each text.

    Somebody with very many records has several, as the engine refuses a pattern that is too large.
    """
    wanted = sorted(filter(None, texts))
    for start in range(0, len(wanted), TEXTS_IN_A_PATTERN):
        pattern = "|".join(re.escape(each) for each in wanted[start : start + TEXTS_IN_A_PATTERN])
        yield f"regexp_matches({shown}, {text(pattern)})"


def _numbered(paths: Sequence[Path]) -> str:
    """Return what stands after `from` for the rows of a file with their numbers, which go on from part to part."""
    first, *more = paths
    if not more:
        return rows_of_files([first], "file_row_number = true")
    reads, rows = [], 0
    with cursor() as connection:
        for path in paths:
            numbered = rows_of_files([path], "file_row_number = true")
            reads.append(f"select * replace ({ROW} + {rows} as {ROW}) from {numbered}")
            rows += (connection.execute(f"select count(*) from {rows_of_files([path])}").fetchone() or (0,))[0]
    return f"({' union all '.join(reads)})"


# --- writing anew --------------------------------------------------------------------------------------------------


def erase_rows(lake: Lake, needles: Needles, done: Done) -> None:
    """Write every file anew that names the person; superseded ones go, as nobody needs them."""
    for hits in list(all_hits(lake, needles)):
        if hits.is_newest:
            _rewrite(lake, hits, needles, done)
        lake.store.remove(hits.file.path)
        done(f"removed a file of {hits.table}")
    for draft in lake.store.hidden():  # what runs that died have left, and damaged files: they may name anybody
        shutil.rmtree(draft) if draft.is_dir() else lake.store.remove(draft)
        done("removed a draft")


def _rewrite(lake: Lake, hits: FileHits, needles: Needles, done: Done) -> None:
    old = hits.file
    stamp = f"{lake.next_stamp(hits.table, old.partition):020d}{secrets.token_hex(2)}"
    target = old.path.with_name(file_name(f"{old.partition}.{stamp}", old.kind, writing_key()))
    draft = target.with_name(f".{target.name}")
    try:
        _write(hits, needles, draft)
        done(f"wrote a draft of {hits.table}")
        lake.store.publish(draft, target)
    finally:
        draft.unlink(missing_ok=True)
    done(f"replaced a file of {hits.table}")


def _write(hits: FileHits, needles: Needles, draft: Path) -> None:
    contract, paths = TABLES.get(hits.table), hits.paths
    group = SOURCE_ROW_GROUP_SIZE if contract and contract.cadence else ROW_GROUP_SIZE
    form = f"format parquet, compression zstd, row_group_size {group}, dictionary_size_limit {DICTIONARY_SIZE}"
    numbers = ", ".join(map(str, hits.verdicts))
    columns = quoted(arrow_schema(paths[0]).names)
    untouched = f"select {columns} from {_numbered(paths)} where {ROW} not in ({numbers})"
    changed = [{**row, **verdict.changes} for row, verdict in rows_of(hits, needles) if not verdict.goes]
    with cursor() as connection, storage_errors(draft):
        schema = connection.execute(f"select {columns} from {rows_of_files(paths)} limit 0").to_arrow_table().schema
        connection.register("changed_rows", pa.Table.from_pylist(changed, schema=schema))
        query = f"{untouched} union all select {columns} from changed_rows"
        connection.execute(f"copy ({query}) to {text(str(draft))} ({written_form(draft, form)})")
        _compare(connection, hits, draft, untouched, columns)


def _compare(connection: Any, hits: FileHits, draft: Path, untouched: str, columns: str) -> None:
    """Raise unless the new file has the others' rows, unchanged, and as many of the rest as stay."""
    summed = f"count(*), coalesce(sum(hash({columns})::hugeint), 0)"
    before = connection.execute(f"select {summed} from ({untouched})").fetchone()
    changed = connection.execute(f"select {summed} from (select {columns} from changed_rows)").fetchone()
    after = connection.execute(f"select {summed} from {rows_of_files([draft])}").fetchone()
    if after != (before[0] + changed[0], before[1] + changed[1]) or changed[0] != hits.changing:
        raise RewriteDiffers(f"{hits.file.path} was not written anew as it should be, and is left as it was.")
