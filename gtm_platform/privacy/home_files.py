"""The other files of a home without a person: reports, dropped files, what runs printed, what is kept to save time."""

import csv
import hashlib
import io
import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gtm_platform import sealed_files
from gtm_platform.ingest.files.encoding import encoding_of
from gtm_platform.privacy.lake_rows import Done
from gtm_platform.privacy.needles import Needles
from gtm_platform.state.sqlite_copy import COPIES

# Where other rules hold: the lake and the databases have modules of their own, and a snapshot is made anew. A sandbox
# stands for the systems outside.
ELSEWHERE = ("lake", "serving", "sandbox")
DATABASES = (".db", ".duckdb", ".db-wal", ".db-shm", ".wal", ".sqlite")
REMADE = ("cache", "etags", "spill", "checks")  # folders of what can be had again: a file that names them goes
# Whole folders that go with any erasure: windows that only the hot path has read, and states of before an update.
GOING = ("hot", COPIES)
REPLACED_STATES = "state.replaced-*.db"
ROWS = re.compile(r"<tr\b.*?</tr>", re.DOTALL | re.IGNORECASE)
PDF, HTML, CSV = ".pdf", ".html", ".csv"
DESCRIPTION = "report.json"

Render = Callable[[str, Path], bytes | None]  # a page as PDF, by its text and its file; None where it cannot be made


@dataclass(frozen=True)
class FileHit:
    """A file that names the person; `goes` where it is removed, else it is cleaned."""

    path: Path
    kind: str  # the folder of the home that it lies in
    goes: bool


def file_hits(home: Path, cache: Path, needles: Needles) -> Iterator[FileHit]:
    """Yield the files outside of lake and databases that name the person."""
    folders = [home] if cache.is_relative_to(home) else [home, cache]
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            parts = path.relative_to(folder).parts
            if not path.is_file() or parts[0] in (*ELSEWHERE, *GOING) or path.name.endswith(DATABASES):
                continue
            if path.is_relative_to(cache / "lake"):  # copies of a bucket, which go with what they are copies of
                continue
            kind = "cache" if folder == cache else parts[0]
            if _names(path, needles):
                yield FileHit(path, kind, kind in REMADE)


def _names(path: Path, needles: Needles) -> bool:
    if path.suffix == PDF:  # its text is packed: it says what the page beside it says
        page = path.with_suffix(HTML)
        return page.exists() and _names(page, needles)
    content = sealed_files.read_bytes(path)
    return bool(needles.bytes_pattern.search(content)) or needles.names(content.decode("utf-8", "replace"))


def drop_copies(home: Path, done: Done) -> None:
    """Remove what has rows of everybody and can be had again, or is kept to go back to."""
    for name in GOING:
        if (home / name).exists():
            shutil.rmtree(home / name)
            done(f"removed {name}")
    for path in home.glob(REPLACED_STATES):
        path.unlink()
        done("removed a replaced state")


def erase_from_files(home: Path, cache: Path, needles: Needles, render: Render, done: Done) -> None:
    """Clean or remove every such file; a PDF is made anew, of the cleaned page."""
    hits = list(file_hits(home, cache, needles))
    for hit in sorted(hits, key=lambda hit: hit.path.suffix == HTML):  # a page last: by it the PDF is known to be old
        if hit.goes:
            hit.path.unlink(missing_ok=True)
        elif hit.path.suffix == PDF:
            _replace(
                hit.path, render(_clean_page(sealed_files.read_text(hit.path.with_suffix(HTML)), needles), hit.path)
            )
        else:
            _replace(hit.path, _cleaned(hit.path, needles))
            _note_hashes(hit.path.parent / DESCRIPTION)
        done(f"cleaned a file in {hit.kind}")


def _cleaned(path: Path, needles: Needles) -> bytes:
    encoding = encoding_of(path).codec
    content = sealed_files.read_bytes(path).decode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")
    if path.suffix == HTML:
        clean = _clean_page(content, needles)
    elif path.suffix == CSV:
        clean = _clean_rows(content, needles)
    else:
        clean = needles.cleaned_of_ids(content)
    return clean.encode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")


def _clean_page(page: str, needles: Needles) -> str:
    """A row of a table that names the person goes; figures above it stay as they were."""
    kept = ROWS.sub(lambda row: "" if needles.names(row.group()) else row.group(), page)
    return needles.cleaned_of_ids(kept)


def _clean_rows(content: str, needles: Needles) -> str:
    """Leave out the rows of a file that name the person; the others stay as they were written."""
    try:
        dialect: type[csv.Dialect] | str = csv.Sniffer().sniff(content[:65_536], delimiters=",;\t|")
    except csv.Error:
        dialect = "excel"
    lines, kept, pending = content.splitlines(keepends=True), [], ""
    for line in lines:
        pending += line
        if pending.count('"') % 2:  # a cell goes on in the next line
            continue
        cells = next(csv.reader(io.StringIO(pending), dialect), [])
        names = needles.names(pending) or needles.names(" ".join(cells))
        if not names:
            kept.append(pending)
        pending = ""
    return "".join(kept) + (pending if not needles.names(pending) else "")


def _note_hashes(description: Path) -> None:
    """Let the description of a report say the hashes of its files as they are now."""
    if not description.exists():
        return
    described = json.loads(sealed_files.read_bytes(description))
    files = {name: description.with_name(name) for name in described.get("files", {})}
    hashes = {
        name: hashlib.sha256(sealed_files.read_bytes(file)).hexdigest() for name, file in files.items() if file.exists()
    }
    if hashes != described.get("files"):
        _replace(description, json.dumps({**described, "files": hashes}, indent=1, ensure_ascii=False).encode())


def _replace(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
        return
    sealed_files.write_bytes(path, content)
