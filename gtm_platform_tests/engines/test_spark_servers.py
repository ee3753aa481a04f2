"""Spark that others run: on a cluster both workers write parts of a day; a server is asked without any Java here."""

import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import ibis
import pyarrow as pa
import pytest

from gtm_platform.lake import parts, spark_engine, spark_sessions
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.duckdb_engine import EngineFailed
from gtm_platform.lake.lake import File, Lake, newest_file
from gtm_platform.settings import settings
from gtm_platform_tests.e2e.home import REPOSITORY, gtm, midnight
from gtm_platform_tests.engines import many_rows
from gtm_platform_tests.engines.conftest import DAYS
from gtm_platform_tests.engines.spark_servers import AT_MOST, WITHOUT_OPTIMISER, cluster, connect_server
from gtm_platform_tests.lake.tables import ALBUMS, SALES, album, declared, write
from gtm_platform_tests.postgres_server import free_port

DAY = str(DAYS[-1])
# Sums of money, addresses in all their forms, a table of many columns.
HANDFUL = ("core/subscriptions", "core/revenue", "core/profile")
LEAST_ROWS = 20
TITLE = "For Jane Roe's eyes"
with_spark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
    reason="needs pyspark (the extra `spark`) and Java 17",
)
with_connect = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("pyspark", "grpc", "grpc_status")),
    reason="needs what pyspark takes to reach a server (the extra `spark`)",
)


@dataclass(frozen=True)
class Cluster:
    """Where a cluster keeps its files, and what has Spark compute on it."""

    folder: Path
    environment: Mapping[str, str]

    def logs(self) -> set[Path]:
        """Spark's own logs of what each task did, one of each application."""
        return {path for path in (self.folder / "events").rglob("*") if path.name.startswith(("app-", "events_"))}

    def executors(self) -> list[int]:
        """The processes that work now, by the folders that they work in."""
        return [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if self._is_executor(pid)]

    def _is_executor(self, pid: int) -> bool:
        with suppress(OSError):
            folder = Path(f"/proc/{pid}/cwd").readlink()
            return folder.is_relative_to(self.folder) and folder.name.isdigit()
        return False


@dataclass(frozen=True)
class Made:
    """The files of a handful of tables that the embedded engine made, and those that Spark made after it."""

    duckdb: Mapping[str, File]
    spark: Mapping[str, File]
    run: subprocess.CompletedProcess[str]


def files(home: Path) -> dict[str, File]:
    lake = Lake(home / "lake")
    return {name: file for name in HANDFUL if (file := newest_file(lake, name, DAY))}


def made_with(home: Path, environment: Mapping[str, str]) -> Made:
    on_spark = {"GTM_ENGINE": "spark", "GTM_NOW": midnight(DAYS[-1]).isoformat(), **environment}
    keys, before = " or ".join(f'key:"{name}"' for name in HANDFUL), files(home)
    ran = gtm("run", keys, "--partition", DAY, home=home, at_most=1800, **on_spark)
    return Made(before, files(home), ran)


@pytest.fixture(scope="module")
def of_two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("cluster") / "spark"
    with cluster(folder) as environment:
        yield Cluster(folder, environment)


@pytest.fixture(scope="module")
def on_cluster(lived: Path, of_two: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Made:
    home = shutil.copytree(lived, tmp_path_factory.mktemp("on-cluster") / "home")
    return made_with(home, of_two.environment)


@pytest.fixture(scope="module")
def on_server(lived: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("server")
    home = shutil.copytree(lived, folder / "home")
    with connect_server(folder / "spark") as environment:
        yield made_with(home, environment)


def rows(name: str, file: File) -> pa.Table:
    table = duckdb.sql(f"from read_parquet({[str(path) for path in file.paths]})").to_arrow_table()
    return table.sort_by([(column, "ascending") for column in contract_of(name).key])


def assert_equal(made: Made, name: str) -> None:
    """Every value is the same, floats to the ninth digit."""
    assert made.run.returncode == 0, made.run.stderr
    assert parts.is_marker(made.spark[name].path)
    expected, found = rows(name, made.duckdb[name]), rows(name, made.spark[name])
    assert found.schema.equals(expected.schema)
    assert expected.num_rows > LEAST_ROWS
    for column in expected.column_names:
        is_float = pa.types.is_floating(expected.schema.field(column).type)
        values = expected[column].to_pylist()
        assert found[column].to_pylist() == (pytest.approx(values, rel=0, abs=1e-9) if is_float else values), column


# --- a cluster -------------------------------------------------------------------------------------------------------


@with_spark
@pytest.mark.long
@pytest.mark.parametrize("name", HANDFUL)
def test_a_cluster_makes_the_rows_of_the_embedded_engine(on_cluster: Made, name: str) -> None:
    assert_equal(on_cluster, name)


def started(of_two: Cluster, home: Path, how: str, *options: str) -> subprocess.Popen[str]:
    """Have the cluster make a day of many rows, by a process that leads a group of its own."""
    conf = [word for option in options for word in ("--conf", option)]
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "JAVA_HOME") if name in os.environ},
        **of_two.environment,
        "PYTHONPATH": str(REPOSITORY),
        "GTM_HOME": str(home),
        "GTM_ENGINE": "spark",
        "PYSPARK_SUBMIT_ARGS": " ".join([*conf, "pyspark-shell"]),
    }
    command = [sys.executable, "-W", "ignore", "-m", many_rows.__name__, how]
    error = subprocess.PIPE
    return subprocess.Popen(command, cwd=home, env=environment, stderr=error, text=True, start_new_session=True)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Lake]:
    """A lake with a hundred albums, of which Spark is to make a day."""
    lake = Lake(tmp_path / "lake")
    with declared(shop__albums=ALBUMS, shop__sales=SALES):
        write(lake, many_rows.DAY, [album(f"a{n}", TITLE) for n in range(100)], full=True)
        yield lake


def assert_sold(lake: Lake, count: int, length: int) -> None:
    """The day has a row of each album, in parts that are read as one file."""
    [file] = lake.versions(many_rows.TABLE)
    assert parts.is_marker(file.path)
    assert len(file.paths) > 1
    sold = lake.read_day(many_rows.TABLE, many_rows.DAY).execute()
    assert sorted(sold["id"]) == sorted(f"a{n}" for n in range(count))
    assert set(sold["sold"]) == {length}


def assert_ends_well(making: subprocess.Popen[str]) -> None:
    _, error = making.communicate(timeout=900)
    assert making.returncode == 0, error


def until_it_writes(lake: Lake, making: subprocess.Popen[str]) -> Path:
    """Wait until executors write parts; return the folder that they write into."""
    until = time.monotonic() + AT_MOST
    while not (attempts := list((lake.root / many_rows.TABLE).glob("*.part/_temporary/**/part-*.parquet"))):
        assert making.poll() is None, making.communicate()[1]
        assert time.monotonic() < until
        time.sleep(0.05)
    return next(folder for folder in attempts[0].parents if folder.name.endswith(parts.FOLDER))


@with_spark
@pytest.mark.long
def test_no_row_passes_through_the_driver(shop: Lake, of_two: Cluster) -> None:
    """It may ask for a tenth of the rows at most; both executors write, as Spark logs of each task."""
    many = [album(f"a{n}", hashlib.md5(str(n).encode()).hexdigest()) for n in range(200_000)]
    write(shop, many_rows.DAY, many, full=True)
    before = of_two.logs()
    making = started(of_two, shop.home, "quickly", "spark.driver.maxResultSize=1m")
    assert_ends_well(making)
    assert_sold(shop, len(many), len(many[0]["title"]))
    [log] = of_two.logs() - before
    written: Counter[str] = Counter()
    for event in map(json.loads, log.read_text().splitlines()):
        if event["Event"] == "SparkListenerTaskEnd" and event.get("Task Metrics"):
            written[event["Task Info"]["Executor ID"]] += event["Task Metrics"]["Output Metrics"]["Records Written"]
    assert {executor for executor, count in written.items() if count} == {"0", "1"}
    assert sum(written.values()) == len(many)


@with_spark
@pytest.mark.long
def test_a_job_that_was_killed_leaves_nothing_to_see(shop: Lake, of_two: Cluster) -> None:
    """What it wrote is a draft: no reader sees it, the next try does without it, and it goes as drafts do."""
    making = started(of_two, shop.home, "slowly")
    draft = until_it_writes(shop, making)
    os.killpg(making.pid, signal.SIGKILL)
    making.communicate()
    assert shop.versions(many_rows.TABLE) == []
    assert shop.store.hidden() == [draft]
    os.utime(draft, (0, 0))
    again = started(of_two, shop.home, "quickly")
    assert_ends_well(again)
    assert_sold(shop, 100, len(TITLE))
    assert shop.store.hidden() == []


@with_spark
@pytest.mark.long
def test_what_an_executor_had_written_when_it_was_killed_is_written_again(shop: Lake, of_two: Cluster) -> None:
    making = started(of_two, shop.home, "slowly")
    until_it_writes(shop, making)
    first, *_ = of_two.executors()
    os.kill(first, signal.SIGKILL)
    assert_ends_well(making)
    assert_sold(shop, 100, len(TITLE))
    assert shop.store.hidden() == []


@with_spark
@pytest.mark.long
def test_a_job_that_failed_leaves_nothing_and_names_the_cause_without_the_value(shop: Lake, of_two: Cluster) -> None:
    making = started(of_two, shop.home, "wrongly")
    _, errors = making.communicate(timeout=900)
    last = errors.strip().splitlines()[-1]
    assert "Spark failed: " in last
    assert "CAST_INVALID_INPUT" in last
    assert "Jane" not in errors
    assert (shop.versions(many_rows.TABLE), shop.store.hidden()) == ([], [])


# --- this machine ----------------------------------------------------------------------------------------------------

NORMALISED = """
import json, sys
import pyarrow as pa
from gtm_platform.lake.spark_functions import from_duckdb
from gtm_platform.lake.spark_sessions import session
with session() as spark:
    texts = pa.table({"written": pa.array(json.load(sys.stdin), pa.string())})
    spark.createDataFrame(texts).createOrReplaceTempView("texts")
    rows = spark.sql(from_duckdb("select written, nfc_normalize(written) as one from texts")).collect()
    print(json.dumps([[row.written, row.one] for row in rows]))
"""


@with_spark
@pytest.mark.long
def test_texts_have_one_spelling_as_everywhere_else() -> None:
    """Every character that is written in several ways, alone and behind a letter, as Unicode has it; by no Python."""
    every = [chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code < 0xE000]
    odd = [each for each in every if unicodedata.decomposition(each) or unicodedata.combining(each)]
    texts = [None, "", "ada@firm.example", *odd, *(f"e{unicodedata.normalize('NFD', each)}\u0301@x" for each in odd)]
    environment = {**os.environ, "PYSPARK_PYTHON": "/nowhere/python3", "JDK_JAVA_OPTIONS": WITHOUT_OPTIMISER}
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", NORMALISED],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env=environment,
    )
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert len(found) == len(texts) > 5_000
    assert [one for written, one in found if one != (written and unicodedata.normalize("NFC", written))] == []


# --- a server --------------------------------------------------------------------------------------------------------


@with_spark
@with_connect
@pytest.mark.long
@pytest.mark.parametrize("name", HANDFUL)
def test_a_server_makes_the_rows_of_the_embedded_engine(on_server: Made, name: str) -> None:
    assert_equal(on_server, name)


@pytest.fixture
def sales(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[DailyTable, Lake]]:
    """A table that Spark is to make, of a lake that has what it is made of."""
    monkeypatch.setenv("GTM_ENGINE", "spark")
    monkeypatch.setenv("SPARK_CONNECT_MODE_ENABLED", "1")  # a client sets it for good; a test's ends with it
    settings.cache_clear()
    lake = Lake(settings().home / "lake")
    with declared(shop__albums=ALBUMS, shop__sales=SALES):
        write(lake, DAY, [album("a")], full=True)
        yield DailyTable("shop/sales", SALES, {"albums": "shop/albums"}, _sell_one), lake


def _sell_one(albums: ibis.Table) -> ibis.Table:
    return albums.select("id", sold=ibis.literal(1, "int64"))


@with_connect
@pytest.mark.parametrize("address", ["local[2]", "sc://127.0.0.1:1/;token:secret"])
def test_an_address_that_is_none_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, sales: tuple[DailyTable, Lake], address: str
) -> None:
    monkeypatch.setenv("SPARK_REMOTE", address)
    with pytest.raises(EngineFailed, match="SPARK_REMOTE is not an address") as failed:
        sales[0].write_day(sales[1], DAY)
    assert "secret" not in str(failed.value)


@with_connect
def test_a_server_that_does_not_answer_is_named_without_its_token(
    monkeypatch: pytest.MonkeyPatch, sales: tuple[DailyTable, Lake]
) -> None:
    port = free_port()
    monkeypatch.setattr(spark_sessions, "TRIES", 1)
    monkeypatch.setenv("SPARK_REMOTE", f"sc://127.0.0.1:{port}/;user_id=me")
    with pytest.raises(EngineFailed, match=f"No Spark Connect server answers at sc://127.0.0.1:{port} ") as failed:
        sales[0].write_day(sales[1], DAY)
    assert "user_id" not in str(failed.value)
    assert sales[1].files("shop/sales") == sales[1].store.hidden() == []


@pytest.mark.parametrize("missing", ["pyspark", "grpc"])
def test_what_a_client_lacks_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, sales: tuple[DailyTable, Lake], missing: str
) -> None:
    monkeypatch.setenv("SPARK_REMOTE", "sc://127.0.0.1:1")
    monkeypatch.setenv("PATH", os.devnull)
    found = importlib.util.find_spec
    monkeypatch.setattr(spark_sessions, "find_spec", lambda name: None if name == missing else found(name))
    with pytest.raises(EngineFailed, match=r"SPARK_REMOTE needs pyspark .*pip install 'gtm-platform\[spark\]'"):
        sales[0].write_day(sales[1], DAY)


def test_a_lake_in_a_bucket_is_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, sales: tuple[DailyTable, Lake]
) -> None:
    table, lake = sales
    albums = lake.read_day("shop/albums", DAY)
    monkeypatch.setenv("GTM_LAKE", "s3://bucket")
    settings.cache_clear()
    with pytest.raises(EngineFailed, match=r"lake in a bucket \(GTM_LAKE\)"):
        spark_engine.written(lake, table.key, DAY, table.rule(albums))
