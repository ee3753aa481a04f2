"""SQL of somebody else: `gtm query` reads the lake, and neither other files nor the network, and writes nothing."""

from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result

from gtm_platform.cli import gtm
from gtm_platform.settings import settings

SECRET = "hunter2-SECRET"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose catalogue has a view of a file of the lake; a secret lies beside the lake."""
    home = tmp_path / "home"
    (home / "lake").mkdir(parents=True)
    (home / "secret.txt").write_text(SECRET)
    (home / "secret.csv").write_text(f"a\n{SECRET}\n")
    with duckdb.connect() as connection:
        connection.execute(f"copy (select 42 as answer, 'cus_1' as customer_id) to '{home}/lake/deals.parquet'")
    with duckdb.connect(str(home / "gtm.duckdb")) as connection:
        connection.execute(f"create view deals as select * from read_parquet('{home}/lake/deals.parquet')")
    monkeypatch.setenv("GTM_HOME", str(home))
    monkeypatch.setattr("gtm_platform.lake.catalogue.is_stale", lambda *_: False)
    settings.cache_clear()
    return home


def ask(sql: str, *options: str) -> Result:
    return CliRunner().invoke(gtm, ["query", sql, *options])


def test_the_lake_is_read(home: Path) -> None:
    assert ask("select answer from deals", "--format", "csv").stdout.split() == ["answer", "42"]
    assert ask(f"select answer from read_parquet('{home}/lake/*.parquet')", "--format", "csv").exit_code == 0


@pytest.mark.faults("V9")
@pytest.mark.parametrize(
    "sql",
    [
        "select * from read_text('{home}/secret.txt')",
        "select * from read_text('{home}/lake/../secret.txt')",
        "select * from read_csv('{home}/secret.csv')",
        "select * from '{home}/secret.csv'",
        "select * from glob('{home}/*')",
        "select * from read_blob('{home}/lake/../secret.txt')",
        "select * from sniff_csv('{home}/secret.csv')",
        "select * from read_parquet('https://127.0.0.1:9/x.parquet')",
        "select getenv('PATH')",
        "attach '{home}/state.db' as state",
        "attach ':memory:' as x; select 1",
        "copy (select 1) to '{home}/lake/deals.parquet'",
        "copy (select 1) to '{home}/out.csv'",
        "export database '{home}/lake/out'",
        "install httpfs",
        "load icu",
        "set enable_external_access = true",
        "set allowed_directories = ['/']; select * from read_text('{home}/secret.txt')",
        "reset lock_configuration",
        "create secret s (type s3)",
        "create or replace temp view deals as select 1",
        "pragma enable_profiling",
        "call pragma_version()",
        "prepare p as select 1",
        "select 1; drop view deals",
        "select 1; insert into deals values (1)",
        "begin; commit",
        "vacuum",
        "checkpoint",
        "",
        "-- nothing",
        "select '\0'",
        "select " + "(" * 20_000,
    ],
)
def test_hostile_sql_is_a_sentence_and_changes_nothing(home: Path, sql: str) -> None:
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    answer = ask(sql.replace("{home}", str(home)))
    assert SECRET not in answer.output
    assert "Traceback" not in answer.output
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before
    if sql.strip() and not sql.startswith(("--", "select '\0")):
        assert answer.exit_code != 0, answer.output


def test_who_asks_for_it_reads_other_files(home: Path) -> None:
    assert SECRET in ask(f"select content from read_text('{home}/secret.txt')", "--other-files").output
    refused = ask(f"copy (select 1) to '{home}/out.csv'", "--other-files")
    assert refused.exit_code == 1
    assert "read-only mode" in refused.output
