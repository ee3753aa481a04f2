"""Parquet files that may be encrypted: a file's name says with which key, `<name>.<kind>.<key>.parquet`.

Whoever writes a file asks for its name; what stands in a query to read or to write it follows from the name.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from threading import Lock

import duckdb

from gtm_platform.keyring import Keyring, keyring, writing_key
from gtm_platform.lake.encryption import equip
from gtm_platform.lake.parts import one_name

SCRATCH = "rows"  # the kind of a file that is no table's
# The kinds are those of the lake's files. A plain file has none of them before its last word.
KEYED = re.compile(r"\.(?:full|part|open|rows)\.([a-z][a-z0-9]{0,15})\.parquet$")

_lock = Lock()
_readers: list[tuple[Keyring, duckdb.DuckDBPyConnection]] = []


def key_of(path: str | Path) -> str:
    """Return the name of the key that a file is encrypted with; empty for a plain one."""
    keyed = KEYED.search(str(path))
    return keyed[1] if keyed else ""


def plain_name(path: str | Path) -> str:
    """Return a file's path without its key, and as of one file: the same in whatever form it lies."""
    name, key = str(path), key_of(path)
    return f"{name.removesuffix(f'.{key}.parquet')}.parquet" if key else one_name(name)


def file_name(stem: str, kind: str, key: str) -> str:
    """Return the name of a file that is encrypted with a key, or plain where the key is empty."""
    return f"{stem}.{kind}.{key}.parquet" if key else f"{stem}.{kind}.parquet"


def scratch_name(stem: str) -> str:
    """Return a name for rows that are put aside: they are encrypted as the lake is."""
    return file_name(stem, SCRATCH, writing_key())


def rows_of_files(paths: Iterable[str | Path], options: str = "", *, by_name: bool = False) -> str:
    """Return what stands after `from` for the rows of some files; several keys are read side by side.

    `by_name`: files may have different columns; those that one lacks are null. The engine crashes over encrypted files
    when it is asked for that, so that those with the same columns are read together, and then brought together.
    """
    names = [str(path) for path in paths]
    if not any(map(key_of, names)):
        return _read("", names, f"{options}{', ' if options else ''}union_by_name=true" if by_name else options)
    alike: dict[tuple[str, object], list[str]] = {}
    for name in names:
        key = key_of(name)
        alike.setdefault((key, _columns_of(name) if by_name and len(names) > 1 else ()), []).append(name)
    reads = [f"select * from {_read(key, group, options)}" for (key, _), group in alike.items()]
    return f"({' union all by name '.join(reads)})"


def _read(key: str, names: list[str], options: str) -> str:
    more = f", {options}" if options else ""
    if key:
        keyring().key(key, names[0])
        more += f", encryption_config=struct_pack(footer_key := '{key}')"  # braces would be a template's
    return f"read_parquet({names}{more})"


@lru_cache(maxsize=200_000)
def _columns_of(name: str) -> tuple[tuple[str, str], ...]:
    """Return the columns of a file, which never changes."""
    with _lock:
        rows = _reader().execute(f"describe select * from {_read(key_of(name), [name], '')}").fetchall()
    return tuple((column, kind) for column, kind, *_ in rows)


def _reader() -> duckdb.DuckDBPyConnection:
    """A DuckDB of its own, which looks at the columns of files."""
    ring = keyring()
    if not (_readers and _readers[0][0] is ring):
        connection = duckdb.connect(config={"threads": 1, "memory_limit": "200MB"})
        equip(connection)
        _readers[:] = [(ring, connection)]
    return _readers[0][1]


def written_form(target: Path, form: str) -> str:
    """Return the options with which a file is written: encrypted where its name has a key."""
    key = key_of(target)
    if not key:
        return form
    keyring().key(key, str(target))
    return f"{form}, encryption_config {{footer_key: '{key}'}}"
