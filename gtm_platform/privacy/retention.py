"""How long personal data are kept: what is older than the policy allows is emptied or removed, and counted.

A file is written anew under a name of its own, as every other; the old one goes with a later run, once nobody reads it.
"""

import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa

from gtm_platform.ingest.person_rows import PAYLOAD
from gtm_platform.keyring import writing_key
from gtm_platform.lake.contracts import TABLES, contract_of
from gtm_platform.lake.duckdb_engine import arrow_schema, cursor
from gtm_platform.lake.encrypted_files import file_name, rows_of_files, written_form
from gtm_platform.lake.file_query import text
from gtm_platform.lake.lake import DICTIONARY_SIZE, GRACE, SOURCE_ROW_GROUP_SIZE, File, Lake
from gtm_platform.lake.store import fetch
from gtm_platform.policy.privacy import Retention

DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# What tells people apart stays, or they could be found no more: neither by who looks for them, nor to be erased.
TELLS_APART = re.compile(r"(^|_)(e?mails?|names?|invitees|phone|login)$")
LOGS = "dagster/storage"


@dataclass(frozen=True)
class Due:
    """What the policy lets nobody keep any longer: files to empty of columns, and files to remove."""

    emptied: Mapping[File, tuple[str, ...]]
    removed: Sequence[File]
    logs: Sequence[Path]
    kinds: Mapping[str, int]  # how many files of each kind

    @property
    def files(self) -> int:
        """How many files are to be changed or removed."""
        return len(self.emptied) + len(self.removed) + len(self.logs)


def due(lake: Lake, home: Path, rules: Retention, today: date) -> Due:
    """Return what is older than the policy allows."""
    emptied: dict[File, tuple[str, ...]] = {}
    removed: list[File] = []
    kinds: dict[str, int] = {}
    for table in sorted(TABLES):
        for kind, file, columns in _due_of_table(lake, table, rules, today):
            kinds[kind] = kinds.get(kind, 0) + 1
            if columns:
                emptied[file] = (*emptied.get(file, ()), *columns)
            else:
                removed.append(file)
    logs = list(_old_logs(home, rules.log_days))
    return Due(emptied, removed, logs, kinds | ({"logs": len(logs)} if logs else {}))


def _due_of_table(lake: Lake, table: str, rules: Retention, today: date) -> Iterator[tuple[str, File, tuple[str, ...]]]:
    contract = contract_of(table)
    if table.startswith("quarantine/"):
        yield from (("quarantine", file, ()) for file in _older(lake.files(table), rules.quarantine_days, today))
    elif contract.cadence is None:
        days = [file for file in lake.files(table) if DAY.fullmatch(file.partition)]
        # The newest stays, however old it is: days after it are made of it.
        yield from (("history", file, ()) for file in _older(days[:-1], rules.history_days, today))
    else:
        for file in _older(lake.files(table), rules.payload_days, today):
            if columns := _filled(file.path, [PAYLOAD]):
                yield "payloads", file, columns
        if table in rules.text_tables:
            texts = [name for name, column in contract.columns.items() if column.personal and _is_text(name)]
            for file in _older(lake.files(table), rules.text_days, today):
                if columns := _filled(file.path, texts):
                    yield "texts", file, columns


def _is_text(name: str) -> bool:
    return name != PAYLOAD and not TELLS_APART.search(name)


def _older(files: Sequence[File], days: int, today: date) -> list[File]:
    before = (today - timedelta(days=days)).isoformat()
    return [file for file in files if days and file.partition[:10] < before]


def _filled(path: Path, names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that hold anything in a file."""
    fetch([path])
    schema = arrow_schema(path)
    present = [name for name in names if name in schema.names]
    if not present:
        return ()
    tests = ", ".join(f"count({_content(schema.field(name))})" for name in present)
    with cursor() as connection:
        counts = connection.execute(f"select {tests} from {rows_of_files([path])}").fetchone() or ()
    return tuple(name for name, count in zip(present, counts, strict=True) if count)


def _content(field: pa.Field) -> str:
    """What of a column is not nothing: an empty list is, and so is the text that stands for nothing."""
    return f'nullif("{field.name}", {_nothing(field)})'


def _nothing(field: pa.Field) -> str:
    return "[]" if pa.types.is_list(field.type) else "''" if pa.types.is_string(field.type) else "null"


def _old_logs(home: Path, days: int) -> Iterator[Path]:
    if days:
        before = time.time() - days * 86_400
        for path in (home / LOGS).glob("*/compute_logs/*"):
            if path.is_file() and path.stat().st_mtime < before:
                yield path


def enforce(lake: Lake, what: Due) -> int:
    """Empty and remove what is due; return how many rows were emptied. What is done is not due any more."""
    rows = sum(_empty(lake, file, columns) for file, columns in what.emptied.items())
    for file in what.removed:
        for version in lake.versions(_table_of(lake, file)):
            if version.partition == file.partition:
                lake.store.remove(version.path)
    for path in what.logs:
        path.unlink(missing_ok=True)
    return rows


def _empty(lake: Lake, file: File, columns: Sequence[str]) -> int:
    """Write a file anew with nothing in some columns."""
    table, path = _table_of(lake, file), file.path
    fetch([path])
    contract, schema = contract_of(table), arrow_schema(path)
    empty = ", ".join(
        f"{'null' if contract.columns[name].nullable else _nothing(schema.field(name))}::"
        f'{_type_of(path, name)} as "{name}"'
        for name in columns
    )
    stamp = f"{lake.next_stamp(table, file.partition):020d}{secrets.token_hex(2)}"
    target = path.with_name(file_name(f"{file.partition}.{stamp}", file.kind, writing_key()))
    draft = target.with_name(f".{target.name}")
    form = (
        f"format parquet, compression zstd, row_group_size {SOURCE_ROW_GROUP_SIZE}, "
        f"dictionary_size_limit {DICTIONARY_SIZE}"
    )
    with cursor() as connection:
        query = f"select * replace ({empty}) from {rows_of_files([path])}"
        copied = f"copy ({query}) to {text(str(draft))} ({written_form(target, form)})"
        rows = connection.execute(copied).fetchone()
    lake.store.publish(draft, target)
    return int(rows[0]) if rows else 0


def _type_of(path: Path, name: str) -> str:
    with cursor() as connection:
        query = f'select typeof("{name}") from (select null) left join {rows_of_files([path])} on true limit 1'
        return str((connection.execute(query).fetchone() or ("varchar",))[0])


def sweep(lake: Lake, rules: Retention, today: date) -> int:
    """Remove files that such files took the place of, once nobody reads them any more; return how many."""
    days = min([days for days in (rules.payload_days, rules.text_days) if days], default=0)
    swept = 0
    for table in TABLES if days else ():
        newest = {file.partition: file for file in lake.files(table)}
        for file in _older(lake.versions(table), days, today):
            successor = newest[file.partition]
            if file.path != successor.path and time.time() - successor.superseding_since(file) > GRACE:
                lake.store.remove(file.path)
                swept += 1
    return swept


def _table_of(lake: Lake, file: File) -> str:
    return file.path.parent.relative_to(lake.root).as_posix()
