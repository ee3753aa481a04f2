"""Which headings are recognised, and what a file is read as."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

import pytest

from gtm_platform.ingest.files.cells import employee_range, host_of
from gtm_platform.ingest.files.encoding import encoding_of
from gtm_platform.ingest.files.layout import FileLayout, Header
from gtm_platform.ingest.files.outcome import reasons
from gtm_platform.ingest.files.reading import MOST_QUARANTINED, FileReport, Origin, TextFile, examine
from gtm_platform.ingest.files.rejected import write_rejected
from gtm_platform_tests.ingest.files.drops import GUESTS, NOW, Guest

ORIGIN = Origin("guests.csv", NOW, NOW)


def report(path: Path, text: str | bytes, layouts: dict[str, FileLayout] | None = None) -> FileReport:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return examine(path, path.name, layouts or {"guests": GUESTS}, ORIGIN)


def header(*cells: str) -> Header:
    return Header.of(GUESTS, cells, 1)


@pytest.mark.parametrize("heading", ["email", "E-Mail", "E-mail address", "e_mail_ADDRESS ", "\ufeffMail", '"mail"'])
def test_headings_are_recognised_however_they_are_written(heading: str) -> None:
    assert list(header(heading).columns) == ["email"]


def test_of_several_columns_of_a_field_the_first_that_is_filled_in_counts() -> None:
    several = header("mail", "Full name", "email", "Name", "Hobby", "mail")
    assert several.headings == ("mail", "Full name", "email", "Name", "Hobby", "mail (2)")
    assert several.values(["m", "", "", "N", "chess", "m2"]) == {"email": "m", "name": "N"}
    assert several.values(["m", "F", "e", "", "", ""]) == {"email": "e", "name": "F"}
    assert several.ignored == ["Hobby"]


def test_a_heading_of_two_fields_is_refused_where_it_is_declared() -> None:
    with pytest.raises(TypeError, match="mail stands for two fields"):
        FileLayout(Guest, ("email",), {"email": ("mail",), "name": ("M-ail",)}, (("email",),))


def test_a_file_is_of_the_kind_that_its_headings_fit(tmp_path: Path) -> None:
    other = FileLayout(Guest, ("email",), {"email": ("member",), "name": ()}, (("email", "name"),), names=("members",))
    layouts = {"guests": GUESTS, "members": other}
    assert report(tmp_path / "x.csv", "email,age\na@b.example,1\n", layouts).stream == "guests"
    assert report(tmp_path / "x.csv", "member,name\na@b.example,A\n", layouts).stream == "members"
    assert report(tmp_path / "members.csv", "email,name\na@b.example,A\n", layouts).stream == "members"
    misnamed = report(tmp_path / "members.csv", "email,age\na@b.example,1\n", layouts)
    assert misnamed.refused.endswith("By its name it is a file of members.")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "The file is empty."),
        ("\n \n", "Nothing stands in the file."),
        ("email,name\n", "a header and no row below it"),
        ("name,age\nPat,3\n", "lacks a column that is required: email. Of its 2 headings these are recognised: name"),
        (b"PK\x03\x04....", "an Excel workbook or another zip archive, not text: save or export it as CSV"),
        ("<!DOCTYPE html><html>", "a web page, not text"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_sentence(
    tmp_path: Path, content: str | bytes, sentence: str
) -> None:
    assert sentence in report(tmp_path / "guests.csv", content).refused


def test_a_file_without_a_header_shows_nothing_of_its_first_row(tmp_path: Path) -> None:
    refused = report(tmp_path / "guests.csv", "jane@acme.example,Jane\njoe@acme.example,Joe\n")
    assert refused.refused
    assert "jane" not in str(refused.to_json()).lower()


def test_a_file_of_bad_rows_is_refused_as_a_whole(tmp_path: Path) -> None:
    lines = "".join(f"a{n}@b.example,old\n" for n in range(MOST_QUARANTINED + 1))
    refused = report(tmp_path / "guests.csv", f"email,age\n{lines}")
    assert refused.refused.endswith("The most frequent reason: age is not a whole number.")
    assert (refused.accepted, refused.quarantined) == (0, MOST_QUARANTINED + 1)


@pytest.mark.parametrize(
    ("content", "codec"),
    [
        ("Zoë".encode(), "utf-8"),
        ("Zoë".encode("cp1252"), "cp1252"),
        (b"plain", "utf-8"),
        ("Łódź is far, Zoë, Ωmega ".encode() + b"\xff", "utf-8"),  # damaged, and still UTF-8
        ("x".encode("utf-16"), "utf-16"),
        ("email,name\n".encode("utf-16-le"), "utf-16-le"),
        (b"a" * (1 << 20) + "ë".encode(), "utf-8"),  # cut apart where a piece ends
        (b"a" * ((1 << 20) - 1) + "ë".encode(), "utf-8"),
    ],
)
def test_encodings(tmp_path: Path, content: bytes, codec: str) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    assert encoding_of(path).codec == codec


def test_reasons_are_in_words_and_show_nothing_of_the_row(tmp_path: Path) -> None:
    lines = ["jane@acme.example,Jane,forty,2026-01-01", ",Joe,1,2026-01-01", "kim@acme.example,Kim,1,31/12/2025"]
    bad = report(tmp_path / "guests.csv", "email,name,age,date\n" + "\n".join(lines))
    assert bad.lines == {
        "age is not a whole number": [2],
        "email is missing": [3],
        "came_on is not a date such as 2026-11-01": [4],
    }
    assert not any(word in str(bad.to_json()).lower() for word in ("jane", "forty", "31/12"))


def test_a_reason_is_named_once_with_the_first_lines_and_how_many_more(tmp_path: Path) -> None:
    lines = [f"p{n}@acme.example,Pat,{'old' if n % 2 else n}" for n in range(20)]
    bad = report(tmp_path / "guests.csv", "email,name,age\n" + "\n".join([*lines, ",Joe,1"]))
    assert reasons(bad) == "lines 3, 5, 7, 9, 11 and 5 more: age is not a whole number; line 22: email is missing"


def test_a_heading_that_is_misspelt_is_named(tmp_path: Path) -> None:
    lacking = report(tmp_path / "guests.csv", "E-mail adress,name\na@b.example,A\n")
    assert lacking.refused.endswith("recognised: name (name). If E-mail adress is meant as email, rename it.")
    less = report(tmp_path / "guests.csv", "email,full nmae,team\na@b.example,A,red\n")
    assert (less.misspelt, less.ignored) == ({"full nmae": "name"}, ["full nmae", "team"])


def test_a_report_of_an_earlier_version_is_read(tmp_path: Path) -> None:
    stored = report(tmp_path / "guests.csv", "email,age\na@b.example,old\n").to_json()
    del stored["lines"], stored["misspelt"]
    earlier = FileReport.from_json({**stored, "first": [[2, "age is not a whole number"]]})
    assert (earlier.quarantined, reasons(earlier)) == (1, "1 row: age is not a whole number")


def test_rows_that_do_not_fit_are_written_to_be_mended_and_dropped_again(tmp_path: Path) -> None:
    text = 'email,name,age,email\na@b.example,"A\nB",1,\nb@b.example,"Zoë ""Z""",old,x\nc@b.example,C\n'
    (tmp_path / "guests.csv").write_text(text)
    file = TextFile.open(tmp_path / "guests.csv", "guests.csv", {"guests": GUESTS})
    assert write_rejected(file, ORIGIN, tmp_path / "mend.csv") == 2
    written = (tmp_path / "mend.csv").read_text("utf-8-sig")
    header, first, second = csv.reader(io.StringIO(written, newline=""))
    assert header == ["email", "name", "age", "email", "quarantined line", "quarantined because", "quarantined text"]
    assert first == ["b@b.example", 'Zoë "Z"', "old", "x", "4", "age is not a whole number", ""]
    assert second[4:] == ["5", "it has 2 cells, the header has 4", "c@b.example,C"]
    mended = report(tmp_path / "mended.csv", written.replace(",old,", ",30,"))
    assert (mended.rows, mended.accepted, mended.lines) == (2, 1, {"email is missing": [3]})


def test_days_are_read_where_day_and_month_cannot_be_confused(tmp_path: Path) -> None:
    written: Iterable[str] = ("2026-03-02", "02 Mar 2026", "2026-03-02T10:00:00Z", "2 March 2026")
    lines = "".join(f"p{n}@acme.example,{day}\n" for n, day in enumerate(written))
    good = report(tmp_path / "guests.csv", f"email,date\n{lines}03/02/2026,03/02/2026\n")
    assert (good.accepted, good.quarantined) == (4, 1)


@pytest.mark.parametrize(
    ("written", "range_"),
    [("240", (240, 240)), ("51-200", (51, 200)), ("1,001-5,000 employees", (1001, 5000)), ("10,001+", (10001, None))],
)
def test_ranges_of_employees(written: str, range_: tuple[int, int | None]) -> None:
    assert employee_range(written) == range_
    assert employee_range("many") == employee_range(None) == (None, None)


@pytest.mark.parametrize(
    "written", ["https://www.Acme.example/about?x=1", "acme.example", "ACME.example/", "www.acme.example:80"]
)
def test_hosts(written: str) -> None:
    assert host_of(written) == "acme.example"
    assert [host_of(wrong) for wrong in ("acme", "a b.example", "", None, "1.2.3.4")] == [None] * 5
