"""Dagster's history and the state in a real Postgres, one setting each; skipped where no Postgres is installed."""

import multiprocessing
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml

from gtm_platform.orchestration.instance import instance, postgres_url
from gtm_platform.settings import SettingsError, settings
from gtm_platform.state import open_state
from gtm_platform_tests.postgres_server import running
from gtm_platform_tests.state.test_spend import CAP, compete, month, spend_all


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a database in a cluster of its own, on loopback."""
    pytest.importorskip("dagster_postgres", reason="pip install 'gtm-platform[postgres]'")
    pytest.importorskip("psycopg2", reason="pip install 'gtm-platform[postgres]'")
    with running() as url:
        yield url


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home/dagster"))
    return tmp_path / "home/dagster"


@dg.asset(partitions_def=dg.DailyPartitionsDefinition("2026-01-01"), backfill_policy=dg.BackfillPolicy.single_run())
def table() -> None: ...


@dg.asset_check(asset=table, blocking=True)
def guard() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg2", "postgresql+psycopg"])
def test_the_history_lies_in_postgres(server: str, home: Path, monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    """Whatever driver the address names, that which Dagster works with is used."""
    monkeypatch.setenv("GTM_DAGSTER_URL", server.replace("postgresql", scheme))
    settings.cache_clear()
    with instance() as dagster:
        assert type(dagster.event_log_storage).__module__ == "gtm_platform.orchestration.compat_postgres"
        tags = {"dagster/asset_partition_range_start": "2026-01-01", "dagster/asset_partition_range_end": "2026-01-03"}
        ran = dg.materialize([table, guard], instance=dagster, tags=tags)
        assert ran.success
    with instance() as dagster:  # and a command that comes later finds it there
        assert dagster.get_run_by_id(ran.run_id)
        [*made] = dagster.fetch_materializations(table.key, limit=3).records
        assert [record.partition_key for record in made] == ["2026-01-03", "2026-01-02", "2026-01-01"]
    assert not list(home.rglob("*.db"))


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_a_process_of_dagsters_own_reads_the_address_as_it_was_written(
    server: str, home: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    """The daemon, the code server or the run of a Job: none of them is a command of the platform."""
    monkeypatch.setenv("GTM_DAGSTER_URL", server)
    settings.cache_clear()
    with instance():
        pass
    monkeypatch.setenv("GTM_DAGSTER_URL", server.replace("postgresql", scheme))
    with dg.DagsterInstance.from_config(str(home)) as dagster:
        assert dg.materialize([table], instance=dagster, partition_key="2026-01-01").success


def test_two_runs_may_use_a_pool_for_the_first_time_at_once(
    server: str, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both saw that it has no row yet, and the other one made it."""
    monkeypatch.setenv("GTM_DAGSTER_URL", server)
    settings.cache_clear()
    with instance() as dagster:
        for _ in ("the other", "this one"):
            assert dagster.event_log_storage.initialize_concurrency_limit_to_default("first_used")
        info = dagster.event_log_storage.get_concurrency_info("first_used")
        assert (info.slot_count, info.limit, info.using_default_limit) == (1, 1, True)
    changed = (home / "dagster.yaml").read_text().replace("default_limit: 1", "default_limit: 3")
    (home / "dagster.yaml").write_text(changed)
    with dg.DagsterInstance.from_config(str(home)) as dagster:
        assert dagster.event_log_storage.initialize_concurrency_limit_to_default("first_used")
        assert dagster.event_log_storage.get_concurrency_info("first_used").slot_count == 3


def test_dagsters_own_storage_still_needs_that(server: str, tmp_path: Path) -> None:
    """Once it does not, `compat_postgres` can go."""
    storage = {"postgres": {"postgres_url": server.replace("postgresql", "postgresql+psycopg2")}}
    (tmp_path / "own").mkdir()
    pools = {"pools": {"default_limit": 1}}
    (tmp_path / "own/dagster.yaml").write_text(yaml.safe_dump({"storage": storage, "concurrency": pools}))
    with dg.DagsterInstance.from_config(str(tmp_path / "own")) as dagster:
        assert dagster.event_log_storage.initialize_concurrency_limit_to_default("dagsters_own")
        with pytest.raises(sa.exc.InternalError, match="current transaction is aborted"):
            dagster.event_log_storage.initialize_concurrency_limit_to_default("dagsters_own")


def test_the_password_stays_in_the_environment(server: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_DAGSTER_URL", server.replace("gtm@", "gtm:secret-word@"))
    settings.cache_clear()
    with instance():
        pass
    written = (home / "dagster.yaml").read_text()
    assert yaml.safe_load(written)["storage"]["custom"]["config"] == {"postgres_url": {"env": "GTM_DAGSTER_URL"}}
    assert "secret-word" not in written


def test_without_the_setting_it_is_sqlite_again(home: Path, monkeypatch: pytest.MonkeyPatch, server: str) -> None:
    monkeypatch.setenv("GTM_DAGSTER_URL", server)
    settings.cache_clear()
    with instance():
        pass
    monkeypatch.delenv("GTM_DAGSTER_URL")
    settings.cache_clear()
    with instance() as dagster:
        assert type(dagster.event_log_storage).__name__ == "EventLog"
    assert list(home.rglob("*.db"))


@pytest.mark.parametrize(
    ("url", "sentence"),
    [("mysql://a@b/c", "names mysql"), ("not an address", "is not the address of a database")],
)
def test_an_address_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch, url: str, sentence: str) -> None:
    monkeypatch.setenv("GTM_DAGSTER_URL", url)
    settings.cache_clear()
    with pytest.raises(SettingsError, match=sentence):
        postgres_url(settings())


def test_packages_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GTM_DAGSTER_URL", "postgresql://gtm@127.0.0.1/gtm")
    monkeypatch.setattr("gtm_platform.orchestration.instance.find_spec", lambda _: None)
    settings.cache_clear()
    with pytest.raises(SettingsError, match=r"pip install 'gtm-platform\[postgres\]'"):
        postgres_url(settings())


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg"])
def test_the_state_lies_in_postgres(server: str, scheme: str) -> None:
    """In a database of its own: Dagster and the state each keep their schema's version under the same name."""
    pytest.importorskip("psycopg", reason="pip install 'gtm-platform[postgres]'")
    url = server.replace("postgresql", scheme).replace("/postgres", "/template1")
    with closing(open_state(url)) as state, state.reading() as connection:
        assert connection.dialect.name == "postgresql"
        assert connection.dialect.driver == "psycopg"


def test_two_runs_over_one_postgres_spend_not_one_credit_more_than_the_cap(server: str) -> None:
    pytest.importorskip("psycopg", reason="pip install 'gtm-platform[postgres]'")
    url = server.replace("postgresql", "postgresql+psycopg").replace("/postgres", "/template1")
    with closing(open_state(url)) as state:
        spend_all(state, 990)
        spawn = multiprocessing.get_context("spawn")
        runs = [spawn.Process(target=compete, args=(url, name, 12)) for name in ("first", "second")]
        for run in runs:
            run.start()
        for run in runs:
            run.join()
        assert [run.exitcode for run in runs] == [0, 0]
        assert month(state).committed == CAP
