"""Broken files, one for each kind of damage: no row is lost, since accepted and quarantined ones are all lines.

What is expected comes from Python's own csv module, on a text that the test decodes itself.
"""

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import pytest

from gtm_platform.ingest.files.outcome import outcome_of
from gtm_platform.ingest.files.rows import LONGEST_LINE
from gtm_platform_tests.ingest.files.drops import Place

HEADER = "email,name,age,came_on"
GOOD = [f"p{n}@acme.example,Pat {n},{20 + n},2026-01-{n + 1:02}" for n in range(8)]
LETTERS = [f"p{n}@acme.example,Zoë Müller-Łopez {n},{20 + n},2026-01-{n + 1:02}" for n in range(8)]
NOTED = [f'p{n}@acme.example,"Pat {n}\nof ""Acme"", the first",{20 + n},2026-01-{n + 1:02}' for n in range(8)]
Cells = list[str]


def text(*lines: str, end: str = "\r\n") -> str:
    return "".join(line + end for line in (HEADER, *lines))


@dataclass(frozen=True)
class Broken:
    """A file, and how Python's csv module is to read it."""

    content: bytes
    decoded: str
    delimiter: str = ","
    line_by_line: bool = False  # where a quote would swallow the rest
    above: int = 0  # lines above the header

    def rows(self) -> list[Cells]:
        lines = self.decoded.splitlines(keepends=True)[self.above :]
        if self.line_by_line:
            parsed: Iterable[Cells] = (row for line in lines for row in csv.reader([line], delimiter=self.delimiter))
        else:
            parsed = csv.reader(io.StringIO("".join(lines), newline=""), delimiter=self.delimiter)
        return [row for row in parsed if any(cell.strip() for cell in row)]


def is_good(row: Cells, header: Cells) -> bool:
    """Whether the row is one that the source takes, by rules of this test's own."""
    if len(row) != len(header) or "\0" in "".join(row) or "\ufffd" in "".join(row):
        return False
    cells = dict(zip(reversed(header), reversed(row), strict=True))  # of a repeated heading the first
    try:
        int(cells["age"] or 0)
        date.fromisoformat(cells["came_on"] or "2026-01-01")
    except ValueError:
        return False
    return bool(cells["email"].strip())


def _of(header: str, *lines: str, alone: bool = False) -> Broken:
    decoded = "".join(f"{line}\n" for line in (header, *lines))
    return Broken(decoded.encode(), decoded, line_by_line=alone)


def _with_wrong_bytes() -> Broken:
    wrong = [b"nul@acme.example,N\0l,1,2026-01-01", b"bad@acme.example,B\xffd,1,2026-01-01"]
    content = b"".join(line + b"\n" for line in [HEADER.encode(), *map(str.encode, LETTERS), *wrong])
    return Broken(content, content.decode("utf-8", "replace"))


FILES: dict[str, Callable[[], Broken]] = {
    "a mark before UTF-8": lambda: Broken(codecs.BOM_UTF8 + text(*LETTERS).encode(), text(*LETTERS)),
    "UTF-16 with tabs": lambda: Broken(
        text(*LETTERS).replace(",", "\t").encode("utf-16"), text(*LETTERS).replace(",", "\t"), "\t"
    ),
    "UTF-16 without a mark": lambda: Broken(text(*GOOD).encode("utf-16-be"), text(*GOOD)),
    "Windows-1252 with semicolons": lambda: Broken(
        text(*LETTERS).replace("Ł", "L").replace(",", ";").encode("cp1252"),
        text(*LETTERS).replace("Ł", "L").replace(",", ";"),
        ";",
    ),
    "line breaks in quotes": lambda: Broken(text(*NOTED).encode(), text(*NOTED)),
    "a heading twice": lambda: _of(
        "email,name,age,came_on,email", *[f"{line},other{n}@acme.example" for n, line in enumerate(GOOD)]
    ),
    "rows too short and too long": lambda: _of(HEADER, *GOOD, "short@acme.example,S", f"{GOOD[0]},x,y"),
    "a quote that is never closed": lambda: _of(HEADER, *GOOD[:4], 'q@acme.example,"Pat,3,', *GOOD[4:], alone=True),
    "cut off within a quote": lambda: _of(HEADER, *GOOD, 'cut@acme.example,"Pat', alone=True),
    "values of other types": lambda: _of(
        HEADER, *GOOD, "a@acme.example,A,old,2026-01-01", "b@acme.example,B,1,soon", ",C,1,2026-01-01"
    ),
    "NUL and bytes that are no UTF-8": _with_wrong_bytes,
    "notes above the header and blank rows": lambda: Broken(
        ("Notes:\r\n\r\nExported by us\r\n" + text(*GOOD[:4], "", ",,,", *GOOD[4:])).encode(),
        "Notes:\r\n\r\nExported by us\r\n" + text(*GOOD[:4], "", ",,,", *GOOD[4:]),
        above=3,
    ),
    "a line without end": lambda: _of(HEADER, *GOOD[:2], "x" * (LONGEST_LINE * 2), *GOOD[2:]),
}


@pytest.fixture(autouse=True)
def _limit_of_cells() -> Iterator[None]:
    before = csv.field_size_limit()
    yield
    csv.field_size_limit(before)


@pytest.mark.parametrize("kind", FILES)
def test_no_row_is_lost(place: Place, kind: str) -> None:
    broken = FILES[kind]()
    place.drop("guests.csv", broken.content)
    result = place.sync()
    (file,) = place.folder.files("read")
    report = outcome_of(file).report
    csv.field_size_limit(LONGEST_LINE * 4)
    header, *rows = broken.rows()
    good = [row for row in rows if is_good(row, header)]
    assert report.rows == len(rows)
    assert report.accepted == len(good) == result.rows
    assert report.quarantined == len(rows) - len(good) == len(place.quarantined())
    assert len(good) >= len(GOOD)
    name = header.index("name")
    assert place.rows("email", "name") == sorted((row[0].strip(), row[name].strip() or None) for row in good)
