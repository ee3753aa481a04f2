"""The rows of a file that do not fit, written as a file of their own: to mend in a spreadsheet and to drop again.

It has the headings of the first file, and behind them where each row stood and what is wrong with it. No layout takes
these for columns of its own, so that the mended file can be dropped as it is. What a spreadsheet would run is marked as
text, and the mark is taken off when the mended file is read.
"""

import csv
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from gtm_platform.ingest.files.reading import PLACE, REASON, Origin, TextFile
from gtm_platform.ingest.files.spreadsheet import guarded
from gtm_platform.ingest.record import ROW, RawRecord

TEXT = "quarantined text"
NUMBERED = re.compile(r" \(\d+\)$")  # of a heading that stands there twice
READABLE_BY_OWNER = 0o600


def write_rejected(file: TextFile, origin: Origin, into: Path) -> int:
    """Write the rows that do not fit, in an encoding that every spreadsheet opens; return how many."""
    headings, written = file.header.headings, 0
    descriptor = os.open(into, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, READABLE_BY_OWNER)
    with os.fdopen(descriptor, "w", encoding="utf-8-sig", newline="") as target:
        writer = csv.writer(target, lineterminator="\r\n")
        writer.writerow([*map(guarded, _as_written(headings)), PLACE, REASON, TEXT])
        for record in _rejected(file, origin):
            writer.writerow(map(guarded, _cells(msgspec.json.decode(record), headings, record.unusable)))
            written += 1
    return written


def _rejected(file: TextFile, origin: Origin) -> Iterator[RawRecord]:
    for page in file.pages(origin):
        yield from (record for record in page.records if isinstance(record, RawRecord) and record.unusable)


def _cells(row: Mapping[str, Any], headings: Sequence[str], reason: str) -> list[Any]:
    """A row that could not be parsed has no cells: its text stands in the last column."""
    cells = row.get(ROW, {})
    return [*(cells.get(heading, "") for heading in headings), row["line"], reason, row.get("text", "")]


def _as_written(headings: Sequence[str]) -> list[str]:
    """The headings as the file has them: those that stand there twice without their numbers."""
    return [
        bare if (bare := NUMBERED.sub("", heading)) in headings[:place] else heading
        for place, heading in enumerate(headings)
    ]
