"""Rows of delimited files: where each begins, and what damage costs."""

import csv
import io
from collections.abc import Iterator

import hypothesis
import pytest
from hypothesis import strategies as st

from gtm_platform.ingest.files.rows import MOST_LINES, NOT_CLOSED, Row, read_rows


def rows(text: str, width: int | None = 2, delimiter: str = ",") -> list[Row]:
    return list(read_rows(io.StringIO(text, newline=""), delimiter, width))


def cells(text: str) -> list[tuple[int, list[str]]]:
    return [(row.line, list(row.cells)) for row in rows(text) if not row.fault]


def faults(text: str) -> list[tuple[int, str]]:
    return [(row.line, row.fault) for row in rows(text) if row.fault]


def test_a_row_has_the_line_on_which_it_begins() -> None:
    assert cells('a,"b\nc"\nd,e\n') == [(1, ["a", "b\nc"]), (3, ["d", "e"])]


def test_a_quote_that_the_next_quoted_cell_closes_swallows_no_row() -> None:
    text = 'a,"b\nc,d\ne,"f"\ng,h\n'
    assert cells(text) == [(2, ["c", "d"]), (3, ["e", "f"]), (4, ["g", "h"])]
    assert faults(text) == [(1, NOT_CLOSED)]
    text = 'a,"b\nc,d\n"e",f\ng,h\n'
    assert cells(text) == [(2, ["c", "d"]), (3, ["e", "f"]), (4, ["g", "h"])]


@pytest.mark.parametrize("following", [3, MOST_LINES * 2], ids=["to the end of the file", "for too many lines"])
def test_a_quote_that_nothing_closes_costs_its_own_line(following: int) -> None:
    text = 'a,"b\n' + "".join(f"c{n},d\n" for n in range(following))
    assert [line for line, _ in cells(text)] == list(range(2, following + 2))
    assert faults(text) == [(1, NOT_CLOSED)]


def test_cells_beyond_the_header_may_be_blank() -> None:
    assert cells("a,b,,\n") == [(1, ["a", "b", "", ""])]
    assert faults("a,b,c\nd\n") == [(1, "it has 3 cells, the header has 2"), (2, "it has 1 cells, the header has 2")]


def test_blank_rows_are_blank() -> None:
    assert [row.is_blank for row in rows("\n , \na,b\n")] == [True, True, False]


tables = st.lists(st.lists(st.text("ab,;\"\n\r '", max_size=4), min_size=2, max_size=2), max_size=8)


@hypothesis.given(table=tables)
def test_what_csv_writes_is_read_as_it_was(table: list[list[str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(table)
    assert [list(row.cells) for row in rows(text.getvalue())] == table


lines = st.lists(st.text('ab,"', min_size=1, max_size=6), max_size=12)


@hypothesis.given(lines=lines)
def test_no_line_is_lost_whatever_is_broken(lines: list[str]) -> None:
    """Each line belongs to one row: it begins there, or stands within quotes of the row before."""
    text = "".join(f"{line}\n" for line in lines)
    starts = [row.line for row in rows(text)]
    assert starts == sorted(set(starts))
    assert set(starts) | set(_within_quotes(text)) == set(range(1, len(lines) + 1))


def _within_quotes(text: str) -> Iterator[int]:
    for row in rows(text):
        breaks = sum(cell.count("\n") for cell in row.cells)
        yield from range(row.line + 1, row.line + 1 + breaks)
