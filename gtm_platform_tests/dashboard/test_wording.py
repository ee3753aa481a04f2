"""Outsiders' text stays text, on pages and in spreadsheets."""

import csv
import io

import pytest

from gtm_platform.dashboard.wording import money, plain
from gtm_platform.serving.csv_file import as_csv
from gtm_platform.serving.wording import counted


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (None, "–"),
        (0, "$0"),
        (999.4, "$999"),
        (9_999.4, "$9,999"),
        (9_999.6, "$10.0 k"),
        (262_700, "$262.7 k"),
        (1_300_000, "$1.3 M"),
        (-2_340, "-$2,340"),
    ],
)
def test_amounts_are_short(amount: float | None, text: str) -> None:
    assert money(amount, "usd") == text


def test_other_currencies_are_named() -> None:
    assert (money(12, "eur"), money(12, "jpy"), counted(1, "customer"), counted(0, "customer")) == (
        "€12",
        "JPY 12",
        "1 customer",
        "0 customers",
    )


@pytest.mark.parametrize("text", ["![x](http://a.example/x.png)", "[a](b)", ":red[x]", "$x$", "# x", "<b>", "`x`"])
def test_outsiders_text_is_no_markdown(text: str) -> None:
    escaped = plain(text)
    assert all(escaped[place - 1] == "\\" for place, sign in enumerate(escaped) if sign in "![](:$#<`")


def test_an_address_in_a_name_becomes_no_link() -> None:
    assert "https\\:\u2060" in plain("Free https://evil.example")
    assert "www\\.\u2060" in plain("www.evil.example")


@pytest.mark.parametrize("begin", list("=+-@\t\r\n＝＋－＠"))
def test_text_that_a_spreadsheet_would_run_is_marked(begin: str) -> None:
    for text in (f"{begin}cmd()", f"  {begin}cmd()"):
        [row] = cells(as_csv(["name"], [{"name": text}]))
        assert row == ["'" + text]


def test_numbers_stay_numbers_and_lists_are_joined() -> None:
    file = as_csv(["mrr", "change", "why", "none"], [{"mrr": 12.5, "change": -3, "why": ["=a", "b"], "none": None}])
    assert file.startswith(b"\xef\xbb\xbfmrr,change,why,none\r\n")
    assert cells(file) == [["12.5", "-3", "'=a, b", ""]]


def cells(file: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline="")))[1:]
