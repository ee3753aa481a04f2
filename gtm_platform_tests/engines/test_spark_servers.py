"""Spark that others run: on a cluster both workers write parts of a day; a server is asked without any Java here."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
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
from gtm_platform_tests.e2e.home import gtm, midnight
from gtm_platform_tests.engines.conftest import DAYS
from gtm_platform_tests.engines.spark_servers import WITHOUT_OPTIMISER, cluster, connect_server
from gtm_platform_tests.lake.tables import ALBUMS, SALES, album, declared, write
from gtm_platform_tests.postgres_server import free_port

DAY = str(DAYS[-1])
# Sums of money, addresses in all their forms, a table of many columns.
HANDFUL = ("core/subscriptions", "core/revenue", "core/profile")
LEAST_ROWS = 20
with_spark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
    reason="needs pyspark (the extra `spark`) and Java 17",
)
with_connect = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("pyspark", "grpc", "grpc_status")),
    reason="needs what pyspark takes to reach a server (the extra `spark`)",
)


@dataclass(frozen=True)
class Made:
    """The files of a handful of tables that the embedded engine made, and those that Spark made after it."""

    duckdb: Mapping[str, File]
    spark: Mapping[str, File]
    run: subprocess.CompletedProcess[str]
    events: Path


def files(home: Path) -> dict[str, File]:
    lake = Lake(home / "lake")
    return {name: file for name in HANDFUL if (file := newest_file(lake, name, DAY))}


def made_with(home: Path, environment: Mapping[str, str], events: Path) -> Made:
    on_spark = {"GTM_ENGINE": "spark", "GTM_NOW": midnight(DAYS[-1]).isoformat(), **environment}
    keys, before = " or ".join(f'key:"{name}"' for name in HANDFUL), files(home)
    ran = gtm("run", keys, "--partition", DAY, home=home, at_most=1800, **on_spark)
    return Made(before, files(home), ran, events)


@pytest.fixture(scope="module")
def on_cluster(lived: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("cluster")
    home = shutil.copytree(lived, folder / "home")
    with cluster(folder / "spark") as environment:
        yield made_with(home, environment, folder / "spark" / "events")


@pytest.fixture(scope="module")
def on_server(lived: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    folder = tmp_path_factory.mktemp("server")
    home = shutil.copytree(lived, folder / "home")
    with connect_server(folder / "spark") as environment:
        yield made_with(home, environment, folder)


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


@with_spark
@pytest.mark.long
def test_both_workers_write_parts_and_nobody_else_does(on_cluster: Made) -> None:
    """By Spark's own log of what each task did."""
    [log] = [path for path in on_cluster.events.rglob("*") if path.name.startswith(("app-", "events_"))]
    events = list(map(json.loads, log.read_text().splitlines()))
    by_executor: Counter[str] = Counter()
    for event in events:
        if event["Event"] == "SparkListenerTaskEnd" and event.get("Task Metrics"):
            by_executor[event["Task Info"]["Executor ID"]] += event["Task Metrics"]["Output Metrics"]["Records Written"]
    written = {executor: count for executor, count in by_executor.items() if count}
    assert set(written) == {"0", "1"}
    assert sum(written.values()) >= sum(rows(name, file).num_rows for name, file in on_cluster.spark.items())
    assert max(len(file.paths) for file in on_cluster.spark.values()) > 1


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
