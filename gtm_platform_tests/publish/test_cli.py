"""`gtm publish`: what it lists and refuses; and all of it against a real Postgres, as a person would."""

import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gtm_platform.cli import gtm
from gtm_platform.lake.lake import Lake
from gtm_platform.policy import PolicyError, policy, read
from gtm_platform.settings import settings
from gtm_platform_tests.e2e.home import gtm as gtm_process
from gtm_platform_tests.postgres_server import running
from gtm_platform_tests.tables import filled

TABLES = ("core/revenue", "core/support")
PACKAGED = files("gtm_platform").joinpath("policy/policy.toml").read_text()
CHOSEN = """
[[publish.schemas]]
name = "gtm"
warehouse = "postgres"
tables = ["core/revenue", "core/support"]
personal = ["core/support.cancel_sentence"]
"""


def command(*words: str) -> Result:
    return CliRunner().invoke(gtm, ["publish", *words])


@pytest.fixture
def chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A policy that publishes two tables, and a day of each in the lake."""
    mine = tmp_path / "mine.toml"
    mine.write_text(PACKAGED + CHOSEN)
    monkeypatch.setenv("GTM_POLICY", str(mine))
    monkeypatch.setenv("GTM_NOW", "2026-03-02T12:00:00+00:00")
    settings.cache_clear()
    policy.cache_clear()
    for table in TABLES:
        rows = filled(table, *({"customer_id": f"cus_{number}"} for number in range(3)))
        Lake(settings().home / "lake").write(table, "2026-03-01", rows.to_pyarrow())


def test_without_a_choice_it_says_how_to_choose() -> None:
    answer = command()
    assert answer.exit_code == 0
    assert "Nothing is published: [publish] of the policy chooses no table" in answer.output
    assert command("run").exit_code == 1


@pytest.mark.usefixtures("chosen")
def test_it_lists_what_is_chosen_and_what_is_due() -> None:
    listed = command("list").output
    assert "gtm in postgres (off: set PUBLISH_POSTGRES_URL)" in listed
    assert "  core/support as gtm.support  with personal columns cancel_sentence" in listed
    due = command("run", "--dry-run")
    assert due.exit_code == 0
    assert "core/revenue  2026-03-01  new" in due.output
    assert "gtm: 2 days of tables are due." in due.output
    assert "The policy publishes no schema 'other' (it has: gtm)." in command("run", "other").output
    assert command("run", "--to", "2026-03-01").exit_code == 2


@pytest.mark.usefixtures("chosen")
def test_dbt_gets_its_files(tmp_path: Path) -> None:
    answer = command("dbt", "--to", str(tmp_path / "models"))
    assert answer.exit_code == 0, answer.output
    assert "name: cancel_sentence" in (tmp_path / "models/sources.yml").read_text()
    assert (tmp_path / "models/dictionary.md").read_text().startswith("# Data dictionary\n")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('"core/support"]', '"health/support", "core/support"]', "two tables of gtm would be called support"),
        ('["core/support.', '["core/calls.', "personal names core/calls, which is not among the tables of gtm"),
        ('"postgres"', '"oracle"', "publish.schemas.0.warehouse"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(old: str, new: str, sentence: str) -> None:
    assert old in CHOSEN
    with pytest.raises(PolicyError, match=sentence.replace(".", r"\.")):
        read(PACKAGED + CHOSEN.replace(old, new), "mine.toml")


def test_two_schemas_of_one_name_are_refused() -> None:
    with pytest.raises(PolicyError, match="two schemas are called gtm"):
        read(PACKAGED + CHOSEN + CHOSEN, "mine.toml")


def run(home: Path, *words: str, **variables: str) -> Any:
    return gtm_process("publish", *words, home=home, **variables)


@pytest.mark.soak
@pytest.mark.usefixtures("chosen")
def test_a_person_publishes_to_postgres(tmp_path: Path) -> None:
    """In processes of their own, whose graph has the asset."""
    pytest.importorskip("duckdb_extension_postgres_scanner", reason="pip install 'gtm-platform[postgres]'")
    home = tmp_path / "own"
    shutil.copytree(settings().home / "lake", home / "lake")
    with running() as url:
        variables = {
            "PUBLISH_POSTGRES_URL": url,
            "GTM_POLICY": str(tmp_path / "mine.toml"),
            "GTM_NOW": "2026-03-02T12:00:00+00:00",
            "GTM_FIRST_DAY": "2026-02-20",
        }
        published = run(home, "run", **variables)
        assert published.returncode == 0, published.stderr
        assert "gtm: the warehouse has 2026-03-01 of the run" in published.stdout
        again = run(home, "run", **variables)
        assert "gtm: 0 days of tables are due: the warehouse has them." in again.stdout
        status = run(home, "status", "--count", **variables)
        assert status.returncode == 0, status.stderr
        assert "gtm.revenue  1     2026-03-01  3" in status.stdout
