"""Whatever writes CSV marks what a spreadsheet would run; who writes it in a new way has to say why that is safe."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gtm_platform
from gtm_platform.cli.printing import Rows, print_rows
from gtm_platform.ingest.files.reading import Origin, TextFile
from gtm_platform.ingest.files.rejected import write_rejected
from gtm_platform.ingest.files.spreadsheet import guarded, unguarded
from gtm_platform.ingest.record import ROW, RawRecord
from gtm_platform.serving.csv_file import as_csv
from gtm_platform_tests.ingest.files.drops import GUESTS, NOW

LAYOUTS, ORIGIN = {"guests": GUESTS}, Origin("guests.csv", NOW, NOW)
PACKAGE = Path(gtm_platform.__file__).parent
# The modules that write CSV, each with the reason why no spreadsheet runs what it writes.
WRITERS = {
    "cli/forecast.py": "marked",
    "cli/identity_files.py": "ids of the reader's own file, compared with it by programs: a mark would be another id",
    "cli/printing.py": "marked",
    "ingest/files/rejected.py": "marked",
    "intelligence/scoring/files.py": "figures, and the reader's own row numbers",
    "serving/csv_file.py": "marked",
}
HOSTILE = ("=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", "  =1", "＝1", "＋1", "－1", "＠a")


def runs(cell: str) -> bool:
    """Whether Excel or LibreOffice would take a cell for a formula: by OWASP's list, after blanks."""
    return re.match(r" *[=+\-@\t\r\n＝＋－＠]", cell) is not None


def test_every_writer_of_csv_is_known() -> None:
    pattern = re.compile(r"csv\.(writer|DictWriter)\(|\.to_csv\(|\.write_csv\(|format csv", re.IGNORECASE)
    modules = {path.relative_to(PACKAGE).as_posix(): path.read_text() for path in PACKAGE.rglob("*.py")}
    writing = [name for name, text in modules.items() if pattern.search(text)]
    assert {name for name in writing if not name.startswith(("sandbox/", "demo/"))} == WRITERS.keys()


@pytest.mark.faults("V6")
@given(st.text(max_size=12) | st.sampled_from(HOSTILE))
def test_no_text_is_run_and_each_comes_back(text: str) -> None:
    assert not runs(guarded(text))
    assert unguarded(guarded(text)) == (text if not text.startswith("'") else unguarded(text))
    assert (guarded(text) == text) == (not runs(text))


@pytest.mark.faults("V6")
@pytest.mark.parametrize("text", HOSTILE)
def test_the_files_of_dashboard_and_reports_run_nothing(text: str) -> None:
    written = as_csv(["name", "amount"], [{"name": text, "amount": -2}]).decode("utf-8-sig")
    _, [name, amount] = list(csv.reader(io.StringIO(written, newline="")))
    assert not runs(name)
    assert amount == "-2", "a number stays one"


@pytest.mark.faults("V6")
@pytest.mark.parametrize("text", HOSTILE)
def test_a_query_for_spreadsheets_runs_nothing_in_cells_and_headings(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_rows(Rows([text], [(text,), (-1,)]), "csv")
    heading, cell, number = (row[0] for row in csv.reader(io.StringIO(capsys.readouterr().out, newline="")))
    assert not runs(heading)
    assert not runs(cell)
    assert number == "-1"


@pytest.mark.faults("V6")
@pytest.mark.parametrize("text", [text for text in HOSTILE if text.isprintable()])
def test_rejected_rows_run_nothing_and_are_read_as_they_were_sent(text: str, tmp_path: Path) -> None:
    (tmp_path / "sent.csv").write_text(f'email,name,age,{text}\na@b.example,"{text}",old,1\n')
    sent = TextFile.open(tmp_path / "sent.csv", "sent.csv", LAYOUTS)
    assert write_rejected(sent, ORIGIN, tmp_path / "mend.csv") == 1
    with (tmp_path / "mend.csv").open(encoding="utf-8-sig", newline="") as file:
        assert not any(runs(cell) for row in csv.reader(file) for cell in row)
    mended = (tmp_path / "mend.csv").read_text("utf-8-sig").replace(",old,", ",30,")
    (tmp_path / "mend.csv").write_text(mended)
    again = TextFile.open(tmp_path / "mend.csv", "mend.csv", LAYOUTS)
    [record] = [record for page in again.pages(ORIGIN) for record in page.records]
    assert isinstance(record, RawRecord)
    assert json.loads(record)[ROW]["name"] == text
