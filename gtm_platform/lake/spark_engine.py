"""Spark, for the daily tables where one machine is outgrown: the same expressions over the same files. It computes and
nothing else; the embedded engine reads what came out, checks it and writes it as one file of the lake.
"""

import atexit
import os
import secrets
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from unicodedata import normalize

import ibis
import ibis.expr.operations as ops
import sqlglot

from gtm_platform.keyring import writing_key
from gtm_platform.lake import spill
from gtm_platform.lake.duckdb_engine import EngineFailed, files_as_table, queries_in
from gtm_platform.lake.encrypted_files import key_of
from gtm_platform.lake.file_query import FileQuery

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MISSING = (
    "GTM_ENGINE=spark needs pyspark and Java 17: pip install 'gtm-platform[spark]', and have java on the PATH or "
    "JAVA_HOME set. Without them leave GTM_ENGINE at duckdb."
)
# Everything else is Spark's own to configure: memory, cores, a cluster (spark-defaults.conf in SPARK_CONF_DIR).
CONFIGURATION: dict[str, bool | float | int | str | None] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",  # a value that does not fit is an error, as it is to DuckDB
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.shuffle.partitions": "4",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",  # what goes wrong is raised
}


@contextmanager
def computed(expression: ibis.Table) -> Iterator[ibis.Table]:
    """Yield what Spark makes of an expression, in files that last as long as they are used."""
    _require_spark()
    _refuse_encryption(expression)
    parts = spill.folder() / f"spark-{secrets.token_hex(8)}"
    try:
        with _failing_in_a_sentence():
            _answer(_versed(_session().newSession()), expression, parts).write.parquet(str(parts / "answer"))
        yield files_as_table(sorted(parts.glob("answer/*.parquet")), expression.schema())
    finally:
        shutil.rmtree(parts, ignore_errors=True)


def _answer(spark: "SparkSession", expression: ibis.Table, parts: Path) -> "DataFrame":
    """Compute an expression, every step that is used several times once.

    Spark computes a named step of a query again wherever it is used, and what that is made of as often again. So each
    such step is written down first. Of what is only cached or checkpointed Spark remembers what it guessed of its size,
    and multiplies such guesses from join to join until they take longer than the joins.
    """
    for name, file_query in queries_in(expression).items():
        _make_view(spark, name, file_query)
    query = ibis.pyspark.connect(spark).compiler.to_sqlglot(translated(expression))
    uses = Counter(table.name for table in query.find_all(sqlglot.exp.Table))
    for step in query.ctes:
        rows = spark.sql(step.this.sql("spark"))
        if uses[step.alias] > 1:
            written = str(parts / step.alias)
            rows.write.parquet(written)
            rows = spark.read.schema(rows.schema).parquet(written)
        rows.createOrReplaceTempView(step.alias)
    query.set("with_", None)
    return spark.sql(query.sql("spark"))


def translated(expression: ibis.Table) -> ibis.Table:
    """Return an expression with its queries in SQL, which are DuckDB's, in Spark's."""
    queries = {
        node: node.copy(query=sqlglot.transpile(node.query, read="duckdb", write="spark")[0])
        for node in expression.op().find(ops.SQLQueryResult)
    }
    return expression.op().replace(queries).to_expr() if queries else expression


def _make_view(spark: "SparkSession", name: str, query: FileQuery) -> None:
    """Make a view of that name of a file query."""
    from ibis.backends.pyspark.datatypes import PySparkSchema

    schema = PySparkSchema.from_ibis(query.schema)
    for part, paths in (("rows", query.paths), ("base", query.base)):
        rows = spark.read.schema(schema).parquet(*paths) if paths else spark.createDataFrame([], schema)
        rows.createOrReplaceTempView(f"{part}_of_{name}")
    template = query.template.format(rows=f"rows_of_{name}", base=f"base_of_{name}")
    spark.sql(sqlglot.transpile(template, read="duckdb", write="spark")[0]).createOrReplaceTempView(name)


def _versed(spark: "SparkSession") -> "SparkSession":
    """With what DuckDB can and Spark cannot."""
    spark.udf.register("nfc_normalize", lambda text: None if text is None else normalize("NFC", text))
    return spark


def _refuse_encryption(expression: ibis.Table) -> None:
    """Spark reads no file that DuckDB encrypted, and what it writes in between would be plain."""
    paths = [path for query in queries_in(expression).values() for path in query.files]
    if writing_key() or any(map(key_of, paths)):
        raise EngineFailed(
            "GTM_ENGINE=spark cannot be used with an encrypted lake: Spark does not read its files, and would write "
            "plain ones. Leave GTM_ENGINE at duckdb, or end encryption (docs/encryption.md)."
        )


def _require_spark() -> None:
    if find_spec("pyspark") is None or not (shutil.which("java") or os.environ.get("JAVA_HOME")):
        raise EngineFailed(MISSING)


@cache
def _session() -> "SparkSession":
    from pyspark.errors import PySparkRuntimeError
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")  # nobody else reaches the driver, unless configured
    ours = str(spill.folder())
    folders: dict[str, bool | float | int | str | None] = {"spark.local.dir": ours, "spark.sql.warehouse.dir": ours}
    try:
        spark = SparkSession.builder.appName("gtm").config(map=CONFIGURATION | folders).getOrCreate()
    except PySparkRuntimeError as error:
        raise EngineFailed(MISSING) from error
    atexit.register(spark.stop)
    return spark


@contextmanager
def _failing_in_a_sentence() -> Iterator[None]:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise EngineFailed(f"Spark failed: {str(error).strip().splitlines()[0]}") from error
