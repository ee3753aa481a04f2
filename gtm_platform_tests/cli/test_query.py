"""`gtm query`: read-only SQL over the catalogue, for people, programs and spreadsheets."""

import csv
import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from gtm_platform_tests.cli.conftest import Command


@pytest.fixture
def catalogue(home: Path) -> Path:
    home.mkdir()
    path = home / "gtm.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table deals(name varchar, amount decimal(18, 2), day date)")
        rows = [("Acme", Decimal("10.50"), date(2026, 3, 1)), ("=1+1", Decimal("-3.00"), None)]
        connection.executemany("insert into deals values (?, ?, ?)", rows)
        connection.execute("create schema sales; create schema latest; create schema quarantine")
        connection.execute("create view sales.deals as from main.deals; create view latest.deals as from main.deals")
        connection.execute("create view quarantine.nothing as from main.deals where false")
        connection.execute("comment on view sales.deals is 'Possible sales.'")
        connection.execute("comment on column sales.deals.amount is 'In the currency of the deal.'")
    return path


@pytest.mark.usefixtures("catalogue")
def test_a_table_for_people(command: Command) -> None:
    answer = command("query", "select name, amount from deals order by amount desc")
    assert answer.exit_code == 0
    assert answer.stdout.splitlines() == ["name  amount", "Acme  10.50", "=1+1  -3.00"]
    assert answer.stderr == "2 rows\n"


@pytest.mark.usefixtures("catalogue")
def test_without_sql_the_tables_are_listed(command: Command) -> None:
    answer = command("query")
    assert answer.stdout.splitlines() == [
        "table        rows  columns  description",
        "sales.deals  2     3        Possible sales.",
    ]
    assert "latest.<table>" in answer.stderr


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("table", ["sales.deals", "sales/deals"])
def test_a_table_is_described(command: Command, table: str) -> None:
    rows = json.loads(command("query", "--describe", table, "--format", "json").stdout)
    assert [row["column"] for row in rows] == ["name", "amount", "day"]
    assert rows[1] == {"column": "amount", "type": "DECIMAL(18,2)", "meaning": "In the currency of the deal."}


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("table", ["deals", "sale.deals"])
def test_a_table_that_is_not_there_is_told_with_its_namesakes(command: Command, table: str) -> None:
    answer = command("query", "--describe", table)
    assert answer.exit_code == 1
    assert f"no table {table!r}. There is latest.deals, sales.deals." in answer.stderr


@pytest.mark.usefixtures("catalogue")
def test_a_row_that_does_not_fit_the_terminal_is_shown_vertically(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    sql = "select name, amount, repeat('long ', 8) as text from deals order by amount desc limit 1"
    vertical = ["--- row 1 ---", "name    Acme", "amount  10.50", f"text    {'long ' * 7}long"]
    monkeypatch.setenv("COLUMNS", "40")
    assert command("query", sql).stdout.splitlines() == vertical
    monkeypatch.setenv("COLUMNS", "120")
    assert command("query", sql).stdout.splitlines()[0] == "name  amount  text"
    assert command("query", sql, "--format", "vertical").stdout.splitlines() == vertical


@pytest.mark.usefixtures("catalogue")
def test_either_sql_or_a_table(command: Command) -> None:
    assert command("query", "select 1", "--describe", "sales.deals").exit_code == 2


@pytest.mark.usefixtures("catalogue")
def test_json_for_programs(command: Command) -> None:
    answer = command("query", "select * from deals order by amount desc", "--format", "json")
    assert json.loads(answer.stdout) == [
        {"name": "Acme", "amount": "10.50", "day": "2026-03-01"},  # amounts as texts: exact
        {"name": "=1+1", "amount": "-3.00", "day": None},
    ]


@pytest.mark.usefixtures("catalogue")
def test_csv_for_spreadsheets_runs_no_formula(command: Command) -> None:
    answer = command("query", "select * from deals order by amount desc", "--format", "csv")
    rows = list(csv.reader(io.StringIO(answer.stdout)))
    assert rows == [["name", "amount", "day"], ["Acme", "10.50", "2026-03-01"], ["'=1+1", "-3.00", ""]]


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize("text", ["=cmd()", "+1", "-1", "@sum", "\tx", "\rx"])
def test_whatever_a_spreadsheet_would_run_is_a_text(command: Command, text: str) -> None:
    code = " || ".join(f"chr({ord(letter)})" for letter in text)
    answer = command("query", f"select {code} as told", "--format", "csv")
    [_, [told]] = list(csv.reader(io.StringIO(answer.stdout, newline="")))
    assert told == f"'{text}"


@pytest.mark.faults("V9")
@pytest.mark.parametrize(
    "sql", ["insert into deals values ('x', 1, null)", "drop table deals", "create table mine as select 1"]
)
def test_nothing_can_be_written(command: Command, catalogue: Path, sql: str) -> None:
    before = catalogue.read_bytes()
    answer = command("query", sql)
    assert answer.exit_code == 1
    assert "read-only mode" in answer.stderr
    assert "Traceback" not in answer.output
    assert catalogue.read_bytes() == before


@pytest.mark.usefixtures("catalogue")
def test_a_mistake_is_told_in_a_sentence(command: Command) -> None:
    answer = command("query", "select nme from deals")
    assert answer.exit_code == 1
    assert '"nme" not found' in answer.stderr
    assert "Traceback" not in answer.output


def test_before_the_first_sync_there_is_nothing_to_ask(command: Command, home: Path) -> None:
    answer = command("query", "select 1")
    assert answer.exit_code == 1
    assert answer.stderr.startswith(
        f"There is no {home / 'gtm.duckdb'} yet: nothing has been synced in the home {home}"
    )
    assert "gtm demo" in answer.stderr


def test_another_home_is_another_catalogue(command: Command, catalogue: Path, tmp_path: Path) -> None:
    answer = command("query", "select 1", "--home", str(tmp_path / "elsewhere"))
    assert answer.exit_code == 1
    assert str(tmp_path / "elsewhere" / "gtm.duckdb") in answer.stderr
    assert catalogue.exists()
