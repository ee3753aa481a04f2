"""Every byte of a home, as far as anything can be read out of it: an oracle that shares nothing with what erases."""

import sqlite3
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pyarrow.parquet as pq


def places_of(home: Path, *needles: str, but: tuple[str, ...] = ()) -> list[str]:
    """Return where any of some texts stands in a home, whatever its case: file and what of it.

    Another process copies the home: a database that this one has open would lose its locks by a file that is closed.
    """
    wanted = [needle.lower() for needle in needles]
    with TemporaryDirectory() as folder:
        copy = Path(folder, "home")
        subprocess.run(["cp", "-r", home, copy], check=True)
        return sorted(
            {
                f"{path.relative_to(copy)}: {part}"
                for path in copy.rglob("*")
                if path.is_file() and path.relative_to(copy).parts[0] not in but
                for part, text in _texts(path)
                if any(needle in text.lower() for needle in wanted)
            }
        )


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    content = path.read_bytes()
    for codec in ("utf-8", "utf-16-le", "latin-1"):
        yield "bytes", content.decode(codec, "replace")
    if content[:4] == b"PAR1":
        table = pq.ParquetFile(path).read()
        for name in table.column_names:
            yield name, repr(table[name].to_pylist())
    if content[:15] == b"SQLite format 3":
        yield from _of_sqlite(path)
    if content[8:12] == b"DUCK":
        yield from _of_duckdb(path)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                yield name, packed.read(name).decode("utf-8", "replace")


def _of_sqlite(path: Path) -> Iterator[tuple[str, str]]:
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    for (table,) in db.execute("select name from sqlite_master where type = 'table'").fetchall():
        for row in db.execute(f'select * from "{table}"'):
            yield table, repr([_unpacked(value) for value in row])
    db.close()


def _unpacked(value: object) -> object:
    if isinstance(value, bytes):
        try:
            return zlib.decompress(value)
        except zlib.error:
            return value
    return value


def _of_duckdb(path: Path) -> Iterator[tuple[str, str]]:
    with duckdb.connect(str(path), read_only=True) as db:
        for schema, table in db.execute("select schema_name, table_name from duckdb_tables()").fetchall():
            yield table, repr(db.execute(f'select * from "{schema}"."{table}"').fetchall())
