"""A file read as records of its layout: what it is, which rows fit, and why others do not. Nothing is kept here.

A row's raw record is its cells by heading, with the file and line; the mapped fields lie beside it as facts.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from gtm_platform.http.pages import Page
from gtm_platform.ingest.files.encoding import UNREADABLE, Encoding, encoding_of, foreign_kind
from gtm_platform.ingest.files.layout import FileLayout, Header, SourceFile
from gtm_platform.ingest.files.rows import DELIMITERS, Row, read_rows
from gtm_platform.ingest.files.spreadsheet import unguarded
from gtm_platform.ingest.files.wording import in_words
from gtm_platform.ingest.record import ROW, RawRecord, Reader, Record, unusable, with_facts

HEADER_WITHIN = 20  # rows; some exports have notes above their header
ROWS_OF_PAGE, CHARACTERS_OF_PAGE = 1_000, 2_000_000
MOST_QUARANTINED = 20_000  # rows; a file with more of them is another kind of file
REASONS_SHOWN, LINES_SHOWN = 10, 5  # why rows are quarantined, the most frequent reasons first; lines of each
LARGEST_FILE = 2 << 30  # bytes
MICROSECOND = timedelta(microseconds=1)
ENCODE = msgspec.json.Encoder().encode
PLACE, REASON = "quarantined line", "quarantined because"  # headings of a file of rejected rows
NUL = "it holds a NUL character"
NOT_READABLE = "it holds bytes that are no text in the file's encoding"


class FileRefused(ValueError):
    """A file of which nothing can be read; the message says why and what to do."""


@dataclass
class FileReport:
    """What a file is, and what came of its rows; without anything that stands in them."""

    stream: str = ""
    encoding: str = ""
    delimiter: str = ""
    header_line: int = 0
    recognised: dict[str, str] = field(default_factory=dict)  # the field of each heading
    ignored: list[str] = field(default_factory=list)
    misspelt: dict[str, str] = field(default_factory=dict)  # the field that an ignored heading may be meant as
    rows: int = 0  # those that are blank do not count
    accepted: int = 0
    quarantined: int = 0
    last_line: int = 0
    reasons: dict[str, int] = field(default_factory=dict)  # why rows are quarantined, and how many each
    lines: dict[str, list[int]] = field(default_factory=dict)  # the first lines of each reason
    refused: str = ""  # why nothing of it is read

    def to_json(self) -> dict[str, Any]:
        """Return it as plain values, without headings that may be data: those of a file that is refused."""
        return asdict(self) | ({"ignored": []} if self.refused else {})

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "FileReport":
        """Read it from plain values, also from those of an earlier version."""
        return cls(**{each.name: content[each.name] for each in fields(cls) if each.name in content})


@dataclass(frozen=True)
class Origin:
    """Where rows come from, and since when they count: each a microsecond after the line before."""

    name: str
    received_at: datetime
    as_of: datetime


@dataclass(frozen=True)
class TextFile:
    """A file whose kind, encoding, delimiter and header are recognised."""

    path: Path
    encoding: Encoding
    delimiter: str
    stream: str
    header: Header

    @classmethod
    def open(cls, path: Path, name: str, layouts: Mapping[str, FileLayout]) -> "TextFile":
        """Recognise a file, or raise FileRefused."""
        size = path.stat().st_size
        if size == 0:
            raise FileRefused("The file is empty.")
        if size > LARGEST_FILE:
            raise FileRefused(f"The file is larger than {LARGEST_FILE >> 30} GB: drop it in parts.")
        if kind := foreign_kind(path):
            raise FileRefused(f"The file is {kind}, not text: save or export it as CSV, and drop that.")
        encoding = encoding_of(path)
        stream, delimiter, header = _header_of(path, name, encoding, layouts)
        return cls(path, encoding, delimiter, stream, header)

    def pages(self, origin: Origin) -> Iterator["CheckedPage"]:
        """Yield the rows as raw records, those that do not fit marked with the reason."""
        reader = Reader(self.header.layout.record, self.header.layout.key)
        with self.encoding.open(self.path) as file:
            rows = (row for row in read_rows(file, self.delimiter, len(self.header.headings)) if self._is_data(row))
            for page in _pages(rows):
                records = [self._raw(row, origin) for row in page]
                yield _checked(reader, self.header.layout.record, records, [row.line for row in page])

    def _is_data(self, row: Row) -> bool:
        return row.line > self.header.line and not row.is_blank

    @property
    def _is_mended(self) -> bool:
        """Whether it is a file of rejected rows, in which text that a spreadsheet would run is marked."""
        return {PLACE, REASON} <= set(self.header.headings)

    def _raw(self, row: Row, origin: Origin) -> RawRecord:
        place = {"id": f"{origin.name}:{row.line}", "line": row.line}
        if row.fault:
            return unusable(ENCODE({**place, "text": row.text}), row.fault)
        if self._is_mended:
            row = replace(row, cells=[unguarded(cell) for cell in row.cells])
        values = self.header.values(row.cells)
        facts = {
            **values,
            **self.header.layout.derive(values, SourceFile(origin.name, origin.received_at.date())),
            "file": origin.name,
            "line": row.line,
            "received_at": origin.received_at,
            "as_of": origin.as_of + row.line * MICROSECOND,
        }
        raw = with_facts(ENCODE({**place, ROW: dict(zip(self.header.headings, row.cells, strict=False))}), **facts)
        joined = "".join(row.cells)
        if UNREADABLE in joined or "\0" in joined:
            raw.unusable = NUL if "\0" in joined else NOT_READABLE
        return raw


@dataclass(frozen=True)
class CheckedPage:
    """Raw records in the order of their lines, and what is wrong with some, by line."""

    records: Page
    last_line: int
    faults: Sequence[tuple[int, str]] = ()


def _pages(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """Some rows at a time, fewer where they are long."""
    page: list[Row] = []
    characters = 0
    for row in rows:
        page.append(row)
        characters += len(row.text) + sum(map(len, row.cells))
        if len(page) == ROWS_OF_PAGE or characters > CHARACTERS_OF_PAGE:
            yield page
            page, characters = [], 0
    if page:
        yield page


def _checked(
    reader: Reader[Any], record_cls: type[Record], records: list[RawRecord], lines: Sequence[int]
) -> CheckedPage:
    _, _, rejected = reader.read(list(records))
    if not rejected:
        return CheckedPage(list(records), lines[-1])
    marked: Page = []
    faults = []
    for line, record in zip(lines, records, strict=True):
        _, _, bad = reader.read([record])
        if bad:
            reason = record.unusable or in_words(bad[0].reason, record_cls)
            record.unusable = reason
            faults.append((line, reason))
        marked.append(record)
    return CheckedPage(marked, lines[-1], faults)


def examine(path: Path, name: str, layouts: Mapping[str, FileLayout], origin: Origin) -> FileReport:
    """Read a file to its end and report what would come of it; a refusal is part of the report."""
    report = FileReport()
    try:
        file = TextFile.open(path, name, layouts)
    except FileRefused as refusal:
        report.refused = str(refusal)
        return report
    report.stream, report.encoding = file.stream, file.encoding.title
    report.delimiter, report.header_line = DELIMITERS[file.delimiter], file.header.line
    report.recognised, report.ignored = file.header.recognised, file.header.ignored
    report.misspelt = file.header.misspelt
    if not file.header.is_complete:
        by_name = len(layouts) > 1 and file.header.layout.matches_name(name)
        report.refused = _incomplete(file.header) + (f" By its name it is a file of {file.stream}." if by_name else "")
        return report
    _count(file, origin, report)
    return report


def _count(file: TextFile, origin: Origin, report: FileReport) -> None:
    reasons: Counter[str] = Counter()
    lines: dict[str, list[int]] = {}
    for page in file.pages(origin):
        report.rows += len(page.records)
        report.last_line = page.last_line
        for line, reason in page.faults:
            reasons[reason] += 1
            if reasons[reason] <= LINES_SHOWN:
                lines.setdefault(reason, []).append(line)
    report.quarantined = reasons.total()
    report.accepted = report.rows - report.quarantined
    report.reasons = dict(reasons.most_common(REASONS_SHOWN))
    report.lines = {reason: lines[reason] for reason in report.reasons}
    if not report.rows:
        report.refused = "The file has a header and no row below it."
    elif report.quarantined > MOST_QUARANTINED:
        report.refused = (
            f"{report.quarantined:,} of its {report.rows:,} rows cannot be used, more than {MOST_QUARANTINED:,}: it is "
            f"refused as a whole. The most frequent reason: {next(iter(report.reasons))}."
        )
    if report.refused:
        report.quarantined, report.accepted = report.rows, 0


def _header_of(path: Path, name: str, encoding: Encoding, layouts: Mapping[str, FileLayout]) -> tuple[str, str, Header]:
    """The stream, the delimiter and the header that fit best, among the first rows of the file.

    The name comes before the headings: a list of leads that lacks their names must not pass for one of accounts.
    """
    best: tuple[tuple[bool, bool, int, int], str, str, Header] | None = None
    for delimiter in DELIMITERS:
        with encoding.open(path) as file:
            rows = [row for row in islice(read_rows(file, delimiter), HEADER_WITHIN) if not row.is_blank]
        for row in rows:
            for stream, layout in layouts.items():
                header = Header.of(layout, row.cells, row.line)
                fit = (layout.matches_name(name), header.is_complete, len(header.columns), -row.line)
                if best is None or fit > best[0]:
                    best = (fit, stream, delimiter, header)
    if best is None:
        raise FileRefused("Nothing stands in the file.")
    return best[1:]


def _incomplete(header: Header) -> str:
    """Without what else stands there: a file without a header begins with data."""
    recognised = ", ".join(f"{heading} ({name})" for heading, name in header.recognised.items()) or "none"
    misspelt = "".join(f" If {heading} is meant as {name}, rename it." for heading, name in header.misspelt.items())
    return (
        f"The header on line {header.line} lacks a column that is required: {header.lacking}. "
        f"Of its {len(header.headings)} headings these are recognised: {recognised}.{misspelt}"
    )
