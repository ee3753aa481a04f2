"""Reading CSV files as people have them, in any usual encoding and with any usual separator."""

import csv
import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

SEPARATORS = ",;\t|"
MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
NOTHING = frozenset(["", "null", "none", "nan", "n/a", "na", "#n/a", "\\n"])  # how files write that there is no value
LONGEST_CELL = 2**24


class UnreadableFile(ValueError):
    """A file that is no table; the message says why and what to do."""


@dataclass(frozen=True)
class CsvTable:
    """The columns of a file by their headers, as stripped texts; None where there is no value."""

    path: Path
    columns: dict[str, list[str | None]]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))

    def column(self, name: str) -> list[str | None]:
        """Return a column by its header, in whatever case."""
        for header, values in self.columns.items():
            if header.lower() == name.strip().lower():
                return values
        raise UnreadableFile(f"{self.path} has no column {name!r}; it has: {', '.join(self.columns)}.")


def read_csv(path: Path) -> CsvTable:
    """Read a file whose first line names the columns."""
    lines = _rows(path, _text(path))
    if not lines:
        raise UnreadableFile(f"{path} is empty. The first line should name the columns.")
    headers = _headers(path, lines[0])
    rows = [_fitted(path, number, row, len(headers)) for number, row in enumerate(lines[1:], start=2) if any(row)]
    if not rows:
        raise UnreadableFile(f"{path} has no rows below its header ({', '.join(headers)}).")
    columns = zip(*rows, strict=True)
    return CsvTable(
        path, {name: [_value(text) for text in column] for name, column in zip(headers, columns, strict=True)}
    )


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from None
    marked = next((encoding for mark, encoding in MARKS if content.startswith(mark)), None)
    for encoding in [marked] if marked else ["utf-8", "cp1252"]:
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        text = content.decode("latin-1")  # which has a letter for every byte
    if "\x00" in text:
        raise UnreadableFile(f"{path} is not text. Save the table as CSV (UTF-8).")
    return text


def _rows(path: Path, text: str) -> list[list[str]]:
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), skipinitialspace=True)
    try:
        return [row for row in reader if row]
    except csv.Error as error:
        raise UnreadableFile(f"{path}, line {reader.line_num}, is not CSV: {error}.") from None


def _separator(text: str) -> str:
    """The separator that splits the first lines into the most cells, as many in each."""
    head = text.lstrip().splitlines()[:20]

    def split(separator: str) -> tuple[int, int]:
        rows = [len(row) for row in csv.reader(head, delimiter=separator, skipinitialspace=True) if row]
        if not rows or rows[0] == 1:
            return 0, 0
        return sum(cells == rows[0] for cells in rows), rows[0]

    best = max(SEPARATORS, key=split)
    return best if split(best) > (0, 0) else ","


def _headers(path: Path, cells: Sequence[str]) -> list[str]:
    names = [name.strip() or f"column_{number}" for number, name in enumerate(cells, start=1)]
    if twice := [name for name, count in Counter(map(str.lower, names)).items() if count > 1]:
        raise UnreadableFile(f"{path} has more than one column called {', '.join(twice)}. Give each a name of its own.")
    return names


def _fitted(path: Path, number: int, row: list[str], width: int) -> list[str]:
    """A row may lack its last cells, or have empty ones too many; more values than headers are a mistake."""
    if any(cell.strip() for cell in row[width:]):
        raise UnreadableFile(
            f"{path}: row {number} has {len(row)} values, but there are {width} columns. Put values that contain the "
            "separator into quotes."
        )
    return row[:width] + [""] * (width - len(row))


def _value(text: str) -> str | None:
    bare = text.strip()
    return None if bare.lower() in NOTHING else bare
