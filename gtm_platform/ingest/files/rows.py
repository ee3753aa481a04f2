"""The rows of a delimited file, one after the other, each with its line; damage costs a row, not the rest of the file.

A quote that is opened and never closed would swallow what follows. It is noticed (by the end of the file, by too many
lines, by where the next quote stands, or by a number of cells that is not the header's), its line is set aside, and
reading goes on with the next line.
"""

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import IO

LONGEST_LINE = 1 << 20  # characters
MOST_LINES = 200  # of one row, whose quoted cells may hold line breaks
NOT_CLOSED = "a quote is opened and not closed"
DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}


@dataclass(frozen=True)
class Row:
    """A row with the line on which it begins; a damaged one has a text and a fault instead of cells."""

    line: int
    cells: Sequence[str] = ()
    text: str = ""
    fault: str = ""

    @property
    def is_blank(self) -> bool:
        """Whether nothing stands in it."""
        return not self.fault and not any(cell.strip() for cell in self.cells)


class _TooManyLines(Exception):
    """A row does not end."""


@dataclass
class _Lines:
    """The lines of a file with their numbers; some may be put back. Of a very long one only the beginning comes."""

    file: IO[str]
    number: int = 0
    waiting: deque[tuple[int, str]] = field(default_factory=deque)

    def next(self) -> tuple[int, str] | None:
        if self.waiting:
            return self.waiting.popleft()
        line = self.file.readline(LONGEST_LINE)
        if not line:
            return None
        self.number += 1
        rest = line
        while rest and rest[-1] not in "\r\n" and len(rest) == LONGEST_LINE:
            rest = self.file.readline(LONGEST_LINE)
        return self.number, line


@dataclass
class _Feed:
    """The lines that the parser takes for one row."""

    lines: _Lines
    taken: list[tuple[int, str]] = field(default_factory=list)
    ended_within: bool = False  # the file ended before the row did

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        if len(self.taken) == MOST_LINES:
            raise _TooManyLines
        following = self.lines.next()
        if following is None:
            self.ended_within = bool(self.taken)
            raise StopIteration
        self.taken.append(following)
        return following[1]


def read_rows(file: IO[str], delimiter: str, width: int | None = None) -> Iterator[Row]:
    """Yield the rows of a file; with the `width` of its header, a row of another width is damaged."""
    lines = _Lines(file)
    while True:
        feed = _Feed(lines)
        parser = csv.reader(feed, delimiter=delimiter)
        row: Row | None = None
        for row in _sound_rows(parser, feed, delimiter, width):
            yield row
            if row.fault:
                break
        if row is None or not row.fault:
            return
        lines.waiting.extendleft(reversed(feed.taken[1:]))


def _sound_rows(parser: Iterator[list[str]], feed: _Feed, delimiter: str, width: int | None) -> Iterator[Row]:
    """Yield rows until one is damaged, that one last; of its lines only the first belongs to it."""
    cells: list[str]
    while True:
        feed.taken.clear()
        cells, fault = [], ""
        try:
            cells = next(parser)
        except StopIteration:
            return
        except csv.Error as error:
            fault = str(error)
        except _TooManyLines:
            fault = NOT_CLOSED
        line, text = feed.taken[0]
        fault = fault or _fault(cells, feed, delimiter, width)
        yield Row(line, (), text.rstrip("\r\n"), fault) if fault else Row(line, cells)


def _fault(cells: Sequence[str], feed: _Feed, delimiter: str, width: int | None) -> str:
    """What is wrong with a row that could be parsed; "" where nothing is."""
    texts = [text for _, text in feed.taken]
    if len(texts[0]) == LONGEST_LINE:
        return f"the line is longer than {LONGEST_LINE:,} characters"
    if feed.ended_within or (len(texts) > 1 and not _is_strict(texts, delimiter)):
        return NOT_CLOSED
    return _misfit(cells, width, len(texts))


def _misfit(cells: Sequence[str], width: int | None, lines: int) -> str:
    """What is wrong with the number of cells; blank ones beyond the header are no fault."""
    if width is None or len(cells) == width or not any(cell.strip() for cell in cells):
        return ""
    if len(cells) > width and not any(cell.strip() for cell in cells[width:]):
        return ""
    return NOT_CLOSED if lines > 1 else f"it has {len(cells)} cells, the header has {width}"


def _is_strict(lines: Sequence[str], delimiter: str) -> bool:
    """Whether the quotes of a row of several lines stand where they may: at the ends of cells, or doubled."""
    try:
        return len(list(csv.reader(lines, delimiter=delimiter, strict=True))) == 1
    except csv.Error:
        return False
