"""Other things under the names of our files: named, never opened by something fetched from the net, made again."""

from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

from gtm_platform.cli import gtm
from gtm_platform.lake import catalogue
from gtm_platform.lake.catalogue import NoCatalogue, reading
from gtm_platform.lake.duckdb_engine import engine
from gtm_platform.lake.lake import DamagedFile, Lake
from gtm_platform.settings import settings
from gtm_platform_tests.faults import storm
from gtm_platform_tests.faults.storm import DAYS, TABLES

WAVES, DAY = TABLES[0], DAYS[0]
OTHERS = {
    "nothing": b"",
    "zeros": b"\0" * 5000,
    "a page": b"<!doctype html><html><body>502 Bad Gateway</body></html>" * 20,
    "SQLite": b"SQLite format 3\0" + b"\0" * 5000,
    "a quarter of it": None,
}


@pytest.fixture
def lake() -> Lake:
    return storm.begun("first", 500)


def put(other: str, path: Path) -> None:
    path.write_bytes(OTHERS[other] if OTHERS[other] is not None else path.read_bytes()[: path.stat().st_size // 4])


@pytest.mark.faults("W9")
@pytest.mark.parametrize("other", OTHERS)
def test_in_the_lake_it_is_named_with_the_command_that_makes_it_again(lake: Lake, other: str) -> None:
    [file] = lake.files(WAVES)
    put(other, file.path)
    with pytest.raises(DamagedFile, match=f"gtm run {WAVES} --partition {DAY}") as told:
        lake.as_of(WAVES, "9999").count().execute()
    assert str(file.path) in str(told.value)
    assert "download" not in str(told.value)
    storm.write(lake, WAVES, DAY, "again", 500)
    assert storm.in_lake(lake.query_as_of(WAVES, "9999").sql) == {DAY: "again"}


@pytest.mark.faults("W9")
@pytest.mark.parametrize("other", OTHERS)
def test_as_the_catalogue_it_is_named_and_made_again(lake: Lake, other: str) -> None:
    path = catalogue.path_of(lake)
    put(other, path)
    if other != "nothing":  # which DuckDB takes for a new database
        with pytest.raises(NoCatalogue, match="made again at the end of the next run") as told, reading(path):
            pass
        assert str(path) in str(told.value)
        assert "download" not in str(told.value)
        answer = CliRunner().invoke(gtm, ["query", "--home", str(settings().home), "select 1"])
        assert answer.exit_code == 0  # it makes the views anew, and leaves what it could not read beside them
        assert path.with_name(f"{path.name}.unreadable").exists()
    catalogue.renew(lake)
    assert storm.in_catalogue(lake, "storm.waves") == {DAY: "first"}


@pytest.mark.faults("W9")
def test_nothing_is_fetched_from_the_net_to_open_a_file(lake: Lake) -> None:
    asked = "select current_setting('autoinstall_known_extensions'), current_setting('autoload_known_extensions')"
    assert engine().con.execute(asked).fetchall() == [(False, False)]
    with reading(catalogue.path_of(lake)) as connection:
        assert connection.execute(asked).fetchone() == (False, False)
        with pytest.raises(duckdb.Error, match="read-only"):
            connection.execute("create table main.x (y int)")
