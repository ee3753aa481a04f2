"""Every daily table on Spark: `GTM_ENGINE=spark gtm run` makes a day of them again, through Dagster and from the same
lake, and their rows are those that the embedded engine made."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import ibis
import pyarrow as pa
import pytest

import gtm_platform
from gtm_platform.definitions import DAILY_TABLES
from gtm_platform.lake import spark_sessions
from gtm_platform.lake.contracts import contract_of
from gtm_platform.lake.daily_table import DailyTable
from gtm_platform.lake.duckdb_engine import EngineFailed
from gtm_platform.lake.lake import DamagedFile, File, Lake, newest_file
from gtm_platform.settings import settings
from gtm_platform_tests.e2e.home import gtm, midnight
from gtm_platform_tests.engines.conftest import DAYS
from gtm_platform_tests.engines.spark_servers import WITHOUT_OPTIMISER
from gtm_platform_tests.lake.tables import ALBUMS, SALES, album, declared, write

PLATFORM = Path(gtm_platform.__file__).parent
DAY = str(DAYS[-1])
NAMES = [table.key for table in DAILY_TABLES]
# In the first two days of a world nobody is deleted at Stripe, every record can be read, few amounts differ, few people
# are much alike, and there is no history to be odd against or to foretell from; a day has one row of rules.
EMPTY = {
    "cohorts/transitions",
    "cohorts/validation_errors",
    "competitor_intel/usage",
    "health/score_changes",
    "market/partner_overlaps",
    "market/partners",
    "market/provider_accuracy",
    "market/signals",
    "market/web_traffic",
    "identity/former_records",
    "identity/invalid_records",
    "identity/review",
    "health/rules",
    "delivery/actions",
    "quality/anomalies",
    "quality/canaries",
    "quality/hook_days",
    "quality/hot_path_days",
    "quality/mrr_differences",
    "quality/source_costs",
    "intelligence/activity_by_manager",
    "intelligence/activity_outcomes",
    "intelligence/activity_rates",
    "intelligence/churn_scores",
    "intelligence/competitor_deals",
    "intelligence/competitor_pains",
    "intelligence/competitor_rates",
    "intelligence/competitor_usage",
    "intelligence/effect",
    "intelligence/holdout",
    "intelligence/holdout_outcomes",
    "intelligence/icp_groups",
    "intelligence/lead_scores",
    "intelligence/success",
    "intelligence/expansion_opportunities",
    "intelligence/movement_bridge",
    "intelligence/mrr_bridge",
    "intelligence/mrr_periods",
    "intelligence/pipeline_forecast",
    "intelligence/revenue_forecast",
}
# Spark takes minutes for all tables; those without rows here are among the long tests.
WITH_MARKS = [pytest.param(name, marks=pytest.mark.long) if name in EMPTY else name for name in NAMES]

with_spark = pytest.mark.skipif(
    importlib.util.find_spec("pyspark") is None or shutil.which("java") is None,
    reason="needs pyspark (the extra `spark`) and Java 17",
)


@dataclass(frozen=True)
class Made:
    """The files of the last day, by table, of either engine; and what the run on Spark said."""

    names: list[str]  # of the tables that Spark made
    duckdb: Mapping[str, Path]
    spark: Mapping[str, Path]
    run: subprocess.CompletedProcess[str]


def files(home: Path) -> dict[str, Path]:
    lake = Lake(home / "lake")
    return {name: file.path for name in NAMES if (file := newest_file(lake, name, DAY))}


def asked_for(request: pytest.FixtureRequest) -> list[str]:
    """The tables of which tests were selected."""
    chosen = [getattr(item, "callspec", None) for item in request.session.items if item.path == Path(__file__)]
    return [name for name in NAMES if any(each and each.params.get("name") == name for each in chosen)]


@pytest.fixture(scope="module")
def made(lived: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Made:
    home = shutil.copytree(lived, tmp_path_factory.mktemp("spark") / "home")
    by_duckdb = files(home)
    on_spark = {
        "GTM_ENGINE": "spark",
        "GTM_NOW": midnight(DAYS[-1]).isoformat(),
        "JDK_JAVA_OPTIONS": WITHOUT_OPTIMISER,
    }
    names = asked_for(request)
    keys = " or ".join(f'key:"{name}"' for name in names)
    ran = gtm("run", keys, "--partition", DAY, home=home, at_most=1200, **on_spark)
    return Made(names, by_duckdb, files(home), ran)


def rows(path: Path) -> pa.Table:
    """The rows of a file, or of all its parts, as DuckDB reads them."""
    paths = [str(each) for each in File.of(path).paths]
    table = duckdb.sql(f"from read_parquet({paths})").to_arrow_table()
    return table.sort_by([(column, "ascending") for column in contract_of(name_of(path)).key])


def name_of(path: Path) -> str:
    return "/".join(path.parent.parts[-2:])


def as_near(value: Any) -> Any:
    """Floats to the ninth digit, all else as it is."""
    return pytest.approx(value, rel=0, abs=1e-9) if isinstance(value, float) else value


@with_spark
def test_a_day_is_made_through_dagster(made: Made) -> None:
    assert made.run.returncode == 0, made.run.stderr
    said = [line.split(":")[0] for line in made.run.stdout.splitlines() if line.endswith(" rows")]
    assert sorted(said) == sorted(f"{name} {DAY}" for name in made.names)


@with_spark
@pytest.mark.parametrize("name", WITH_MARKS)
def test_the_rows_are_those_of_the_embedded_engine(made: Made, name: str) -> None:
    assert made.spark[name] != made.duckdb[name]
    expected, found = rows(made.duckdb[name]), rows(made.spark[name])
    assert found.schema.equals(expected.schema)
    assert expected.num_rows > 20 or name in EMPTY
    for column in expected.column_names:
        values = [as_near(value) for value in expected[column].to_pylist()]
        assert found[column].to_pylist() == values, column


@with_spark
def test_the_day_knows_the_days_before(made: Made) -> None:
    changes = rows(made.spark["health/customer_health"])["score_change_1d"]
    assert changes.null_count < len(changes)
    first_seen = rows(made.spark["identity/links"])["first_seen"].to_pylist()
    assert DAYS[0] in first_seen


def test_what_is_missing_is_a_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(spark_sessions, "find_spec", lambda _: None)
    monkeypatch.setenv("GTM_ENGINE", "spark")
    settings.cache_clear()
    spark_sessions.started.cache_clear()
    lake, needs = Lake(tmp_path / "lake"), {"albums": "shop/albums"}
    with declared(shop__albums=ALBUMS, shop__sales=SALES):
        write(lake, DAY, [album("a")], full=True)
        with pytest.raises(EngineFailed, match=r"Java 17: pip install 'gtm-platform\[spark\]'"):
            DailyTable("shop/sales", SALES, needs, _sell_one).write_day(lake, DAY)
        assert lake.files("shop/sales") == []


def test_a_damaged_file_that_spark_stumbles_on_is_named(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    with declared(shop__albums=ALBUMS):
        write(lake, DAY, [album("a")], full=True)
        [file] = lake.files("shop/albums")
        file.path.write_bytes(b"PAR1 this was a table once")
        named = pytest.raises(DamagedFile, match=f"gtm run shop/albums --partition {DAY}")
        with named, lake.naming_damage(lambda: [str(file.path)]):
            raise EngineFailed("Spark failed: FAILED_READ_FILE")


def test_no_rule_has_a_function_in_python_that_an_executor_would_call() -> None:
    functions = re.compile(r"\budf\.(?:scalar|agg)\.(\w+)")
    kinds = {(kind, path.name) for path in PLATFORM.rglob("*.py") for kind in functions.findall(path.read_text())}
    assert {kind for kind, _ in kinds} == {"builtin"}, kinds


OF_JAVA = """An error occurred while calling o605.parquet.
: org.apache.spark.SparkException: Job aborted due to stage failure: Task 1 in stage 3.0 failed 4 times
\tat org.apache.spark.scheduler.DAGScheduler.abortStage(DAGScheduler.scala:2935)
Caused by: org.apache.spark.SparkException: Task failed while writing rows to file:/home/lake
\tat org.apache.spark.sql.errors.QueryExecutionErrors$.taskFailedWhileWritingRowsError(QueryExecutionErrors.scala:776)
Caused by: java.io.IOException: No space left on device
\t... 15 more
"""
OF_A_VALUE = """[CAST_INVALID_INPUT] The value 'Jane Roe\\'s "own" eyes' of the type "STRING" is none. SQLSTATE: 22018
== SQL (line 1, position 8) ==
"""
WITHOUT_IT = "[CAST_INVALID_INPUT] The value '***' of the type '***' is none. SQLSTATE: 22018"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            OF_JAVA,
            "SparkException: Job aborted due to stage failure: Task 1 in stage 3.0 failed 4 times, "
            "because of IOException: No space left on device",
        ),
        (OF_A_VALUE, WITHOUT_IT),
        ("The value 'Jane\nCaused by: nobody", "The value '***', because of nobody"),
        ("Spark can't read what jane.roe@firm.example wrote", "Spark can't read what ***@*** wrote"),
        ("An error occurred while calling o1.stop", "An error occurred while calling o1.stop"),
        ("", "RuntimeError"),
    ],
)
def test_what_spark_says_becomes_a_sentence_with_its_cause_and_without_values(error: str, sentence: str) -> None:
    assert spark_sessions.sentence_of(RuntimeError(error)) == sentence


def _sell_one(albums: ibis.Table) -> ibis.Table:
    return albums.select("id", sold=ibis.literal(1, "int64"))
