"""A CSV file as columns of text, and the dates and numbers in them, in their many forms."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

NAMED_MONTHS = (
    "%b %Y",
    "%B %Y",
    "%b-%Y",
    "%b-%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
)
NOT_IN_NUMBERS = re.compile(r"[\s$€£¥'_]")
QUARTER = re.compile(r"(\d{4})[-\s]?q([1-4])", re.IGNORECASE)
ISO = re.compile(r"(\d{4})[-/.](\d{1,2})(?:[-/.](\d{1,2}))?(?:[T ]\S*.*)?")
NUMERIC = re.compile(r"(\d{1,2})[-/.](\d{1,2})[-/.](\d{4}|\d{2})(?: .*)?")
NOTHING = frozenset({"", "na", "n/a", "nan", "null", "none", "nat", "-", "--", "?", ".", "#n/a"})


class UnreadableFile(ValueError):
    """A file cannot be forecast; the message says what is missing in it, and what would do."""


@dataclass(frozen=True)
class Csv:
    """The columns of a file, by their headings."""

    name: str
    columns: dict[str, list[str]]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(next(iter(self.columns.values()), []))

    def heading(self, asked_for: str | None, candidates: Sequence[str]) -> str | None:
        """Return the heading that was asked for, else the first of the candidates that the file has."""
        plain = {plain_name(name): name for name in self.columns}
        if asked_for is not None:
            if plain_name(asked_for) not in plain:
                raise UnreadableFile(f"{self.name} has no column {asked_for}; it has {', '.join(self.columns)}.")
            return plain[plain_name(asked_for)]
        return next((plain[name] for name in candidates if name in plain), None)


def read_csv(path: Path) -> Csv:
    """Read a file, whatever stands between its values; raise a sentence where it is no table."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        text = path.read_text(encoding="cp1252", errors="replace")
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {error.strerror}.") from None
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:20_000].split("\n", 1)[0], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=dialect.delimiter) if any(map(str.strip, row))]
    if len(rows) < 2:
        raise UnreadableFile(f"{path.name} has no rows below its headings.")
    headings = [name.strip() for name in rows[0]]
    if len(set(headings)) < len(headings):
        raise UnreadableFile(f"{path.name} has a heading twice: {', '.join(headings)}.")
    body = [[*row, *[""] * (len(headings) - len(row))] for row in rows[1:]]
    return Csv(path.name, {name: [row[place].strip() for row in body] for place, name in enumerate(headings)})


def plain_name(heading: str) -> str:
    """Return a heading as it is compared: Close Date is close_date."""
    return re.sub(r"[^a-z0-9]+", "_", heading.strip().lower()).strip("_")


def numbers(texts: Sequence[str]) -> list[float | None] | None:
    """Return the numbers of a column, None of no text; None where some text is no number."""
    values: list[float | None] = []
    for text in texts:
        if text.lower() in NOTHING:
            values.append(None)
            continue
        try:
            values.append(_number(text))
        except ValueError:
            return None
    return values


def _number(text: str) -> float:
    plain = NOT_IN_NUMBERS.sub("", text)
    if re.fullmatch(r"-?\d{1,3}(\.\d{3})+,\d+|-?\d+,\d{1,2}", plain):  # 1.234,50
        plain = plain.replace(".", "").replace(",", ".")
    negative = plain.startswith("(") and plain.endswith(")")
    value = float(plain.strip("()%").replace(",", ""))
    return -value if negative else value


def dates(texts: Sequence[str]) -> list[date | None] | None:
    """Return the dates of a column, None of no text; None where some text is no date.

    Of 3/4/2026 the month is the first number, unless another date of the column shows that it is the second.
    """
    present = [text for text in texts if text.lower() not in NOTHING]
    parse = next((form for form in _forms(present) if all(form(text) for text in present)), None) if present else None
    if parse is None:
        return None
    return [None if text.lower() in NOTHING else parse(text) for text in texts]


def _forms(present: Sequence[str]) -> list[Callable[[str], date | None]]:
    is_day_first = any((match := NUMERIC.fullmatch(text)) and int(match[1]) > 12 for text in present)
    return [_iso, lambda text: _numeric(text, is_day_first), _named, _quarter, _year]


def _iso(text: str) -> date | None:
    match = ISO.fullmatch(text)
    return _date(int(match[1]), int(match[2]), int(match[3] or 1)) if match else None


def _numeric(text: str, is_day_first: bool) -> date | None:
    match = NUMERIC.fullmatch(text)
    if not match:
        return None
    first, second, year = int(match[1]), int(match[2]), int(match[3])
    month, day = (second, first) if is_day_first else (first, second)
    return _date(year + 2000 if year < 100 else year, month, day)


def _named(text: str) -> date | None:
    for form in NAMED_MONTHS:
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    return None


def _quarter(text: str) -> date | None:
    match = QUARTER.fullmatch(text)
    return _date(int(match[1]), 3 * int(match[2]) - 2, 1) if match else None


def _year(text: str) -> date | None:
    return _date(int(text), 1, 1) if re.fullmatch(r"[12]\d{3}", text) else None


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None
