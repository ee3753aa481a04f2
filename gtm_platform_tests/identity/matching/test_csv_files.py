"""Files as people have them are read; of others a sentence says what is wrong."""

from pathlib import Path

import pytest

from gtm_platform.identity.matching.csv_files import UnreadableFile, read_csv

CONTENT = "name;city\nZoë;Köln\nBob; \n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_any_usual_encoding_and_separator(tmp_path: Path, encoding: str, separator: str) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(CONTENT.replace(";", separator).encode(encoding))
    assert read_csv(path).columns == {"name": ["Zoë", "Bob"], "city": ["Köln", None]}


def test_one_column_needs_no_separator(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text('company\n"Smith, Jones and Sons"\nAcme\n')
    assert read_csv(path).columns == {"company": ["Smith, Jones and Sons", "Acme"]}


def test_quotes_line_breaks_blanks_and_words_for_nothing(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text('rec_id, name, note\r\n1, "A ""B""",  x \r\n2,"two\nlines",NULL\r\n\r\n3,C\r\n')
    assert read_csv(path).columns == {
        "rec_id": ["1", "2", "3"],
        "name": ['A "B"', "two\nlines", "C"],
        "note": ["x", None, None],
    }


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"\n\n", "is empty"),
        (b"name,city\n", "has no rows below its header"),
        (b"name,Name\na,b\n", "more than one column called name"),
        (b"name,city\na,b,c\n", "row 2 has 3 values, but there are 2 columns"),
        (b"PK\x03\x04\x00\x00\x00\x00", "is not text"),
    ],
)
def test_what_is_no_table_is_refused_in_a_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=sentence):
        read_csv(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"absent\.csv cannot be read: No such file"):
        read_csv(tmp_path / "absent.csv")


def test_a_missing_column_is_named_with_those_that_exist(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("name,city\na,b\n")
    assert read_csv(path).column("NAME") == ["a"]
    with pytest.raises(UnreadableFile, match="no column 'id'; it has: name, city"):
        read_csv(path).column("id")
