"""`gtm report`: it lists, makes and opens reports, and says in a sentence what it cannot make."""

import hashlib
import json
import webbrowser
from datetime import date
from pathlib import Path

import pytest

from gtm_platform import sealed_files
from gtm_platform.lake.lake import Lake
from gtm_platform.reports.files import newest_complete
from gtm_platform.reports.kinds import discover
from gtm_platform_tests.cli.conftest import Command
from gtm_platform_tests.lake.keys import K1, require_packages, use_keys
from gtm_platform_tests.serving.world import settle

DAYS = [date(2026, 2, 8), date(2026, 2, 12), date(2026, 2, 15), date(2026, 2, 18)]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that a browser would have been given."""
    addresses: list[str] = []
    monkeypatch.setattr(webbrowser, "open", addresses.append)
    return addresses


@pytest.fixture
def reported_home(home: Path) -> Path:
    settle(Lake(home / "lake"), DAYS, people=20)
    return home


def test_the_report_of_a_period_is_made_and_opened(command: Command, reported_home: Path, opened: list[str]) -> None:
    answer = command("report", "weekly_health", "--period", "2026-W07", "--open", "--home", str(reported_home))
    assert answer.exit_code == 0, answer.output
    folder = reported_home / "reports" / "weekly_health" / "2026-02-09"
    made = json.loads((folder / "report.json").read_text())
    assert opened == [(folder / "report.html").as_uri()]
    assert (made["day"], made["is_complete"]) == ("2026-02-15", True)
    assert f"{made['title']}: {made['label']}" in answer.output
    assert made["lead"] in answer.output
    assert all(str(folder / name) in answer.output for name in made["files"])
    assert all(card["shown"] in answer.output for card in made["cards"])


def test_under_a_key_it_is_encrypted_and_written_elsewhere_to_be_opened(
    command: Command, home: Path, opened: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_packages()
    use_keys(monkeypatch, K1)
    settle(Lake(home / "lake"), DAYS, people=20)
    words = ("report", "weekly_health", "--period", "2026-W07", "--open", "--home", str(home))
    refused = command(*words)
    assert refused.exit_code == 1
    assert "Reports are encrypted: name with --to a folder" in refused.stderr
    answer = command(*words, "--to", str(tmp_path / "mine"))
    assert answer.exit_code == 0, answer.output
    folder = home / "reports" / "weekly_health" / "2026-02-09"
    assert {sealed_files.key_of(file) for file in folder.iterdir()} == {"k1"}
    made = newest_complete(home, "weekly_health")
    assert made is not None
    assert {file.name for file in (tmp_path / "mine").iterdir()} == {*made.files, "report.json"}
    for name, digest in made.files.items():
        assert hashlib.sha256((tmp_path / "mine" / name).read_bytes()).hexdigest() == digest
    assert opened == [(tmp_path / "mine" / "report.html").as_uri()]


def test_without_a_period_it_is_the_newest_that_is_over_and_nothing_is_opened(
    command: Command, reported_home: Path, opened: list[str]
) -> None:
    answer = command("report", "weekly_health", "--home", str(reported_home))
    assert answer.exit_code == 0, answer.output
    assert (reported_home / "reports" / "weekly_health" / "2026-02-09").exists()
    assert opened == []


def test_without_a_name_the_reports_are_listed(command: Command, home: Path) -> None:
    answer = command("report", "--home", str(home))
    assert [line.split()[0] for line in answer.stdout.splitlines()] == list(discover())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("weekly",), "There is no report 'weekly'"),
        (("weekly_health", "--period", "soon"), "'soon' is no week: write such as 2026-W48"),
        (("weekly_health", "--period", "2026-W20"), "has no day from 2026-05-11 to 2026-05-17"),
    ],
)
def test_what_cannot_be_made_is_a_sentence(
    command: Command, reported_home: Path, arguments: tuple[str, ...], sentence: str, opened: list[str]
) -> None:
    answer = command("report", *arguments, "--open", "--home", str(reported_home))
    assert answer.exit_code != 0
    assert sentence in answer.output + str(answer.exception)
    assert opened == []
