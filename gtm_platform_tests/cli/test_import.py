"""`gtm import`, as a person gives it."""

from pathlib import Path

import pytest

from gtm_platform.settings import settings
from gtm_platform_tests.cli.conftest import Command

NOW = "2026-01-05T10:00:00+00:00"
HEADER = "Partner;Domain;Type;Tier;Status;Favourite colour\n"
GOOD = "Northwind;northwind.example;SI;gold;active;red\n"
BAD = "Southwind;southwind.example;SI;golden;active;blue\n"


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_NOW", NOW)
    settings.cache_clear()


def written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_a_dry_run_shows_what_would_happen_and_does_nothing(command: Command, home: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "partners.csv", HEADER + GOOD + BAD)
    shown = command("import", "partners_csv", file, "--home", str(home), "--dry-run")
    assert shown.exit_code == 3
    assert "partners.csv: UTF-8, separated by semicolons, header on line 1, read as partners" in shown.output
    assert "Would be: 1 of 2 rows accepted as partners, 1 quarantined" in shown.output
    lines = [" ".join(line.split()) for line in shown.output.splitlines()]
    assert "Domain partner_domain" in lines
    assert "Favourite colour (ignored, kept with the row)" in lines
    assert "1 line 3 tier is none of registered, silver, gold, platinum, strategic" in lines
    assert f"Nothing was read. To read it: gtm import partners_csv {file}" in " ".join(lines)
    assert not (home / "files").exists()


def test_a_misspelt_heading_is_named(command: Command, home: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "partners.csv", HEADER.replace("Favourite colour", "Specialisation") + GOOD)
    shown = command("import", "partners_csv", file, "--home", str(home), "--dry-run")
    assert shown.exit_code == 0
    assert "(ignored; if specialisations is meant, rename it)" in shown.output
    file = written(tmp_path / "partners.csv", HEADER.replace("Tier", "Teir") + GOOD)
    refused = command("import", "partners_csv", file, "--home", str(home), "--dry-run")
    assert refused.exit_code == 1
    assert "If Teir is meant as tier, rename it." in refused.output


def test_rows_that_do_not_fit_are_written_mended_and_imported(command: Command, home: Path, tmp_path: Path) -> None:
    file, to_mend = written(tmp_path / "partners.csv", HEADER + GOOD + BAD), tmp_path / "to_mend.csv"
    at = ("--home", str(home), "--rejected")
    first = command("import", "partners_csv", file, *at, str(to_mend))
    assert first.exit_code == 3
    assert f"1 row that does not fit was written to {to_mend}" in " ".join(first.output.split())
    assert to_mend.stat().st_mode & 0o077 == 0
    to_mend.write_text(to_mend.read_text("utf-8-sig").replace("golden", "gold"))
    assert command("import", "partners_csv", str(to_mend), *at, str(tmp_path / "none.csv")).exit_code == 0
    answer = command("query", "select partner_name from current.partners_csv_partners", "--home", str(home))
    assert {"Northwind", "Southwind"} <= set(answer.output.split())
    refused = command("import", "partners_csv", file, *at, file)
    assert refused.exit_code == 2
    assert "a file of their own" in refused.output


def test_a_file_is_read_into_the_lake(command: Command, home: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "partners.csv", HEADER + GOOD)
    made = command("import", "partners_csv", file, "--home", str(home))
    assert made.exit_code == 0, made.output
    assert "partners.csv: 1 of 1 rows accepted as partners." in made.output
    answer = command("query", "select partner_name, tier from current.partners_csv_partners", "--home", str(home))
    assert "Northwind" in answer.output
    assert Path(file).exists()
    again = command("import", "partners_csv", file, "--home", str(home))
    assert again.exit_code == 0
    assert "Nothing is read twice." in again.output


def test_a_refused_file_says_which_columns_it_lacks(command: Command, home: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "x.csv", "Partner,Colour\nNorthwind,red\n")
    refused = command("import", "partners_csv", file, "--home", str(home))
    assert refused.exit_code == 1
    assert "partner_name and partner_domain and partner_type and tier and status" in refused.output
    assert "recognised: Partner (partner_name)" in refused.output


def test_a_source_that_takes_no_files_is_a_sentence(command: Command, home: Path, tmp_path: Path) -> None:
    file = written(tmp_path / "x.csv", "a\n1\n")
    refused = command("import", "stripe", file, "--home", str(home))
    assert refused.exit_code == 1
    assert "stripe takes no files. Those that do: competitor_research, linkedin_sales_nav" in refused.output
    assert command("import", "stripe", "--home", str(home)).exit_code == 2
    assert command("import", "stripe", str(tmp_path / "none.csv"), "--home", str(home)).exit_code == 2


def test_without_arguments_it_lists_the_sources(command: Command, home: Path) -> None:
    listed = command("import", "--home", str(home))
    assert listed.exit_code == 0
    assert str(home / "drop" / "linkedin_sales_nav") in listed.output
    assert "company_name, or linkedin_company_url" in listed.output
